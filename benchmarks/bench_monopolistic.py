"""Milliseconds of monopolistic competition: solves, gradients and a tariff war.

    python -m benchmarks.bench_monopolistic [--all]

The case is of the size of Ossa (2014): seven regions, 33 sectors, all tariffs apart. Target: a
solve in about a millisecond or a few. ``--all`` adds 77 x 23 and 160 x 65.
"""

from __future__ import annotations

import sys

import numpy as np

import detente as dt
from benchmarks.__main__ import ms, times
from benchmarks.worlds import random_world
from detente.models.monopolistic import Monopolistic
from detente.outcome.economy import instruments, prepare
from detente.outcome.solver import solve_equilibrium
from detente.policy import Policy
from detente.solve.threads import one_thread
from detente.world import World

ENTRIES = ("none", "free")


def case(sectors: int, countries: int) -> tuple[World, Policy]:
    """A random world without inputs; every country adds up to 50 points on every import."""
    world = random_world(sectors, countries, 1, inputs=0.1, theta=(1.0, 9.0))
    world = World.from_tables(world.trade, tariff=world.tariff, sigma=world.theta + 1)
    push = np.random.default_rng(1).uniform(0, 0.5, world.trade.shape)
    push[:, np.arange(countries), np.arange(countries)] = 0.0
    return world, Policy(world, tariff=world.tariff.values + push)


@one_thread
def measure(sectors: int, countries: int, repeats: int) -> None:
    """Print what a solve, a whole ``simulate`` and a gradient take."""
    world, policy = case(sectors, countries)
    for entry in ENTRIES:
        model = Monopolistic(entry)
        prepared, levied = prepare(world, model), instruments(policy)
        out = dt.simulate(world, policy, model=model)
        s = out.after.solution

        def solve(prepared=prepared, levied=levied):
            return solve_equilibrium(prepared, levied, "fixed", tol=1e-10)

        def run(model=model):
            return dt.simulate(world, policy, model=model)

        def slopes(model=model):
            return dt.gradient(dt.simulate(world, policy, model=model), "real_income[AAA]")

        print(
            f"{countries} x {sectors}, entry {entry}: solve {ms(times(solve, repeats)[0])} "
            f"({s.steps} steps, {s.method}, residual {s.residual:.0e}), simulate "
            f"{ms(times(run, repeats)[0])}, with a gradient {ms(times(slopes, repeats)[0])}",
            flush=True,
        )


def main() -> None:
    measure(33, 7, 41)
    world, _ = case(33, 7)
    war = times(lambda: dt.nash(world, "all", model="monopolistic", deficit="zero"), 3)
    print(f"7 x 33, a tariff war over {7 * 6 * 33} rates, certificate included: {ms(war[0])}")
    if "--all" in sys.argv:
        measure(23, 77, 9)
        measure(65, 160, 3)


if __name__ == "__main__":
    main()

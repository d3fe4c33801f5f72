"""Random hard cases: ``python -m benchmarks.robustness [first seed] [count]``.

Counts what converged, what provably has no equilibrium, and what failed (should be none).
"""

from __future__ import annotations

import sys
import time
from collections import Counter

import numpy as np

import detente as dt
from benchmarks.worlds import random_world
from detente.errors import ConvergenceError, NoSolutionError, TableError

CLOSURES = ("fixed", "zero", "share")


def hard_case(seed: int, largest: int = 40):
    """A world and a policy drawn over the whole range that has to work."""
    rng = np.random.default_rng(seed)
    N = int(np.exp(rng.uniform(np.log(3), np.log(largest))))
    J = int(np.exp(rng.uniform(0, np.log(largest))))
    world = random_world(
        J, N, seed,
        zeros=float(rng.choice([0.0, 0.3, 0.7, 0.9])),
        idle=float(rng.choice([0.0, 0.1, 0.4])),
        imbalance=float(rng.choice([0.0, 0.3, 1.0])),
        tariffs=float(rng.choice([0.0, 0.3, 2.0])),
        theta=((0.4, 65.0), (0.4, 3.0), (2.0, 12.0), (20.0, 65.0))[int(rng.integers(4))],
        inputs=float(rng.choice([0.2, 0.6, 0.95])),
        home=float(rng.choice([0.5, 6.0])),
    )  # fmt: skip
    shape = world.tariff.shape
    here = np.arange(N)
    tariff = world.tariff.values.copy()
    kind = int(rng.integers(6))
    hit = rng.random(shape) < float(rng.choice([0.05, 0.5, 1.0]))
    if kind == 0:
        rate = rng.uniform(-0.5, 0.5, shape)
    elif kind == 1:
        rate = rng.choice([-0.5, 0.0, 0.25, 1.0, 10.0, 100.0], size=shape)
    elif kind == 2:
        rate = np.full(shape, 100.0)
    elif kind == 3:
        rate = np.full(shape, float(rng.choice([-0.5, 0.1, 1.0, 10.0])))
    else:
        rate = rng.uniform(0, 1, shape)
    tariff[hit] = rate[hit]
    tariff[:, here, here] = 0.0
    iceberg = np.ones(shape)
    if kind == 4:
        iceberg[rng.random(shape) < float(rng.choice([0.02, 0.3, 0.7]))] = np.inf
        iceberg[:, here, here] = 1.0
    if kind == 5:
        n = int(rng.integers(N))
        iceberg[:, n, :] = iceberg[:, :, n] = np.inf
        iceberg[:, n, n] = 1.0
    tax = None
    if rng.random() < 0.3:
        tax = rng.uniform(-0.3, 1.0, shape) * (rng.random(shape) < 0.3)
        tax[:, here, here] = 0.0
    policy = dt.Policy(world, tariff=tariff, iceberg=iceberg, export_tax=tax)
    return world, policy, CLOSURES[int(rng.integers(3))], kind


def main(first: int, count: int) -> int:
    ends, steps, failed = Counter(), [], []
    began = time.perf_counter()
    for seed in range(first, first + count):
        try:
            world, policy, deficit, kind = hard_case(seed)
        except TableError as error:
            ends["world refused"] += 1
            if ends["world refused"] == 1:
                print(f"seed {seed}: {error}"[:200])
            continue
        try:
            out = dt.simulate(world, policy, deficit=deficit)
        except NoSolutionError as error:
            ends["no solution"] += 1
            if ends["no solution"] <= 3:
                print(f"seed {seed}: {error}"[:200])
            continue
        except ConvergenceError as error:
            ends["failed"] += 1
            failed.append(seed)
            print(f"seed {seed} kind {kind} {deficit} {world}: {error}"[:220], flush=True)
            continue
        ends[out.after.solution.method] += 1
        steps.append(out.after.solution.steps)
        worst = max(out.checks.values())
        if worst > 1e-7:
            ends["bad checks"] += 1
            print(f"seed {seed}: checks {out.checks}")
    took = time.perf_counter() - began
    print(f"{count} cases in {took:.0f} s: {dict(ends)}")
    if steps:
        print("steps: median, 95%, 99%, max", *np.percentile(steps, [50, 95, 99, 100]))
    print("failed seeds:", failed)
    return len(failed)


if __name__ == "__main__":
    numbers = [int(x) for x in sys.argv[1:]]
    raise SystemExit(main(*(numbers or [0, 500])) > 0)

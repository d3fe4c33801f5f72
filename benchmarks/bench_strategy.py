"""Seconds of the strategy room: tariff wars from three starts, certificates included.

    python -m benchmarks.bench_strategy [--all]

Targets on two cores: 7 players x 33 sectors x partners under 60 s; 77 countries with one tariff
a country and sector (``--all``) under 300 s. Times are those of the machine at hand.
"""

from __future__ import annotations

import sys
import time

import detente as dt
from benchmarks.worlds import random_world
from detente.tariff_war.nash import Nash, nash
from detente.tariff_war.optimal import optimal_tariff


def report(title: str, war: Nash, seconds: float, target: float) -> None:
    apart = max(float(abs(s.tariff - war.tariff).max()) for s in war.starts)
    p = war.provenance
    print(
        f"{title}: {seconds:.1f} s (target {target:.0f}), {p['levers']} rates, {war.status}, "
        f"{len(war.equilibria)} equilibria, starts {apart:.1e} apart, largest regret "
        f"{float(war.regret.max()):.1e}%, {p['solves']} solves ({p['failed_solves']} failed), "
        f"{p['gradients']} gradients"
    )


def main() -> None:
    world = random_world(33, 8, 1)
    t = time.perf_counter()
    war = nash(world, world.countries[:7], deficit="zero")
    report("synthetic 8 x 33, 7 players, sector x partner", war, time.perf_counter() - t, 60)

    world = dt.load_world()
    players = ["USA", "CHN", "JPN", "KOR", "IND", "BRA", "DEU"]
    small = world.aggregate({"REST": [c for c in world.countries if c not in players]})
    t = time.perf_counter()
    war = nash(small, players, deficit="zero")
    report("world-2022, 7 players and rest, sector x partner", war, time.perf_counter() - t, 60)

    t = time.perf_counter()
    best = optimal_tariff(world, "USA", by="sector,partner", deficit="zero")
    print(f"world-2022, USA by sector and partner: {time.perf_counter() - t:.1f} s, {best!r}")

    if "--all" in sys.argv:
        t = time.perf_counter()
        war = nash(world, "all", by="sector", bounds=None, deficit="zero")
        report("world-2022, 77 players, one rate a sector", war, time.perf_counter() - t, 300)


if __name__ == "__main__":
    main()

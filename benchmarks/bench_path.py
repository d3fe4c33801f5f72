"""Seconds and memory of paths on world-2022: ``python -m benchmarks.bench_path``.

A period against a static solve of the same policy (target: within 3 times), 40 quarters of the
recorded law (target 1 s), the whole recorded law in a process of its own (target 5 s after
start-up), and the peak of memory over the size of the trade tensor (target 6): of a period while
the one before is at hand, and of whole paths with all that they keep.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import detente as dt
from benchmarks import cases
from detente.outcome.march import March, Stage
from detente.outcome.path import solve_path
from detente.runs.horizons import staggered_of
from detente.solve.threads import one_thread
from detente.world.horizons import horizon_record

REPEATS = 9

COLD = """
import time, detente as dt
dt.load_world(), dt.load_ledger()
began = time.perf_counter()
path = dt.path()
print(len(path.times), time.perf_counter() - began)
"""


def times(run: Callable[[], object], repeats: int = REPEATS) -> tuple[float, float]:
    """(median, best) in seconds, after one run that does not count."""
    run()
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        found.append(time.perf_counter() - began)
    return statistics.median(found), min(found)


def periods(world: dt.World, policy: dt.Policy, labour: str) -> tuple[float, float]:
    """Seconds a period: ten years of a constant policy, the baseline at hand."""
    march = March(
        world, dt.Policy(world), staggered_of(horizon_record(), labour), 12, "fixed", 1e-10
    )
    stages = [Stage(f"year {n}", "", "", policy) for n in range(1, 11)]
    median, best = times(one_thread(lambda: solve_path(march, stages)))
    return median / len(stages), best / len(stages)


def peak(run: Callable[[], object], tensor: int) -> float:
    """Most memory in use during a call beyond what was there, in trade tensors."""
    run()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    run()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return (most - before) / tensor


def period_peak(march: March, policy: dt.Policy, tensor: int) -> float:
    """Most memory that a third period needs beyond the baseline's, in trade tensors."""
    start = march.start()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    walk = march.walk(start, [Stage(str(n), "", "", policy) for n in range(3)])
    for _ in range(2):
        next(walk)
    tracemalloc.reset_peak()
    next(walk)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return (most - before) / tensor


def main() -> None:
    world, policy = cases.world_2022()
    static = times(lambda: dt.simulate(world, policy).real_income)
    print(f"static solve: {1e3 * static[0]:.1f} ms (best {1e3 * static[1]:.1f})")
    for labour in ("mobile", "sticky"):
        median, best = periods(world, policy, labour)
        print(
            f"a period, labour {labour}: {1e3 * median:.1f} ms (best {1e3 * best:.1f}), "
            f"{median / static[0]:.1f} static solves (best {best / static[1]:.1f}; target 3)"
        )
    law: dict[str, Any] = {"start": "2018-01", "end": "2027-12"}
    forty = times(lambda: dt.path(world, **law), 5)
    print(f"40 quarters of the law: {forty[0]:.2f} s (best {forty[1]:.2f}; target 1)")
    done = subprocess.run(
        [sys.executable, "-c", COLD], capture_output=True, text=True, check=True
    ).stdout.split()
    print(f"dt.path() in a new process, {done[0]} quarters: {float(done[1]):.2f} s (target 5)")

    tensor = world.trade.values.nbytes
    march = March(world, dt.Policy(world), staggered_of(horizon_record()), 12, "fixed", 1e-10)
    print(f"memory of a period: {period_peak(march, policy, tensor):.1f} trade tensors (target 6)")
    for count in (1, 10, 40):
        stages = [Stage(str(n), "", "", policy) for n in range(count)]
        used = peak(one_thread(lambda stages=stages: solve_path(march, stages)), tensor)
        print(f"memory of {count} periods of one policy: {used:.1f} trade tensors (target 6)")
    used = peak(lambda: dt.path(world, **law), tensor)
    print(f"memory of 40 quarters of the law: {used:.1f} trade tensors (target 6)")


if __name__ == "__main__":
    main()

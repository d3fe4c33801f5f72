"""``python -m benchmarks``: measure every target and rewrite RESULTS.md and growth.png.

Times are medians over repeated runs of a warm process; the best run stands beside them, since a
shared machine adds to a time and never takes from it. Targets are judged by the median.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy
import threadpoolctl
import xarray

import detente as dt
from benchmarks import cases
from detente.models.blocks import from_exporters, to_exporters
from detente.models.caliendo_parro.equations import equations, evaluate
from detente.outcome.economy import prepare
from detente.outcome.gradient import gradient, jacobian
from detente.runs.many import simulate_many
from detente.runs.workers import cores, workers
from detente.solve.anderson import anderson

HERE = Path(__file__).parent
SIZES = ((8, 16), (12, 24), (20, 40), (30, 60), (45, 90), (65, 130), (65, 160), (100, 170))


def times(run: Callable[[], object], repeats: int) -> tuple[float, float]:
    """(median, best) of ``repeats`` runs in seconds, after one that does not count."""
    run()
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        found.append(time.perf_counter() - began)
    return float(np.median(found)), min(found)


def ms(seconds: float) -> str:
    """Seconds as text."""
    return f"{seconds * 1e3:.1f} ms" if seconds < 0.1 else f"{seconds:.2f} s"


def streaming(out: dt.Outcome, repeats: int) -> tuple[float, float]:
    """Three streaming passes over the trade tensor, nothing else."""
    k, p = out.after.kernel, out.after.point

    def passes():
        from_exporters(k.A, p.u)
        from_exporters(k.B1, p.u)
        to_exporters(k.B, p.q)

    with threadpoolctl.threadpool_limits(1):
        return times(passes, repeats)


def iteration(out: dt.Outcome, repeats: int) -> tuple[float, float]:
    """One step of the solver: equations, direction and acceleration, policy already built in."""
    e, steps = out.after, prepare(out.world).steps
    start = out.base.solution.value

    def solve():
        return anderson(
            lambda z: equations(evaluate(z, e.economy, e.kernel, e.closure), e.economy, e.kernel),
            steps.direction,
            start,
            tol=1e-10,
        )

    with threadpoolctl.threadpool_limits(1):
        count = solve().steps
        median, best = times(solve, repeats)
    return median / count, best / count


def speed(name: str, case, target: float, repeats: int) -> list[str]:
    """One row of the speed table."""
    world, policy = case
    out = dt.simulate(world, policy)
    median, best = times(lambda: dt.simulate(world, policy), repeats)
    tracemalloc.start()
    dt.simulate(world, policy)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    tensor = world.trade.values.nbytes
    three, step = streaming(out, 4 * repeats)[1], iteration(out, repeats)[1]
    return [
        name, f"{world.trade.shape[1]} x {world.trade.shape[0]}", ms(target), ms(median), ms(best),
        str(out.after.solution.steps), f"{out.after.solution.residual:.0e}",
        f"{peak / tensor:.1f}", f"{step / three:.1f}",
        "met" if median <= target else "missed",
    ]  # fmt: skip


def growth(lines: list[str]) -> None:
    """Time of a step against N^2 J, fitted in logs."""
    sizes, steps, passes = [], [], []
    for J, N in SIZES:
        world, policy = cases.synthetic(J, N)
        out = dt.simulate(world, policy)
        sizes.append(N * N * J)
        steps.append(iteration(out, 9)[1])
        passes.append(streaming(out, 15)[1])
    x, y = np.log(sizes), np.log(steps)
    all_slope = np.polyfit(x, y, 1)[0]
    upper = np.polyfit(x[3:], y[3:], 1)[0]
    lines += [
        "## Growth",
        "",
        "Time of a step of the solver (best of 9 solves over their steps) and of three streaming "
        "passes over the trade tensor (best of 15).",
        "",
        "| countries x sectors | N²J | step | three passes | ratio |",
        "|---|---|---|---|---|",
    ]
    for (J, N), size, step, three in zip(SIZES, sizes, steps, passes, strict=True):
        ratio = step / three
        lines.append(f"| {N} x {J} | {size:,} | {ms(step)} | {ms(three)} | {ratio:.2f} |")
    lines += [
        "",
        f"Log-log slope {all_slope:.2f} over all sizes, {upper:.2f} from {SIZES[3][1]} x "
        f"{SIZES[3][0]} up (1 is linear in N²J). Below that the fixed cost of numpy calls "
        "shows. Where sectors are as many as countries, the input-output terms "
        "(N J² numbers, twice in a step, three times in single precision in its direction) "
        "weigh as much as the trade tensor.",
        "",
        "![growth](growth.png)",
        "",
    ]
    _plot(sizes, steps, passes, upper)


def _plot(sizes, steps, passes, slope) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4))
    axes.loglog(sizes, np.array(steps) * 1e3, "o-", label=f"a step (slope {slope:.2f} above)")
    axes.loglog(sizes, np.array(passes) * 1e3, "s--", label="three streaming passes")
    axes.set_xlabel("numbers in the trade tensor, N²J")
    axes.set_ylabel("milliseconds")
    axes.legend()
    axes.grid(visible=True, which="both", alpha=0.3)
    figure.tight_layout()
    figure.savefig(HERE / "growth.png", dpi=120)


def derivatives(lines: list[str]) -> None:
    """Cost of a gradient and of a Jacobian, in solves measured in the same run."""
    lines += [
        "## Derivatives",
        "",
        "All N²J tariffs at once, in units of one `simulate` of the same world (target: 3).",
        "",
        "| case | one gradient | in solves | Jacobian of 10 objectives | in solves per objective |",
        "|---|---|---|---|---|",
    ]
    for name, case in (
        ("world-2022", cases.world_2022()),
        ("160 x 65", cases.synthetic(65, 160)),
    ):
        world, policy = case
        of = [f"real_income[{c}]" for c in world.countries[:10]]
        solves, ones, tens = [], [], []
        for _ in range(7):
            began = time.perf_counter()
            out = dt.simulate(world, policy)
            solves.append(time.perf_counter() - began)
            began = time.perf_counter()
            gradient(out, of[0])
            ones.append(time.perf_counter() - began)
            out = dt.simulate(world, policy)
            began = time.perf_counter()
            jacobian(out, of)
            tens.append(time.perf_counter() - began)
        solve, one, ten = (float(np.median(t)) for t in (solves, ones, tens))
        lines.append(
            f"| {name} | {ms(one)} | {one / solve:.1f} | {ms(ten)} | {ten / 10 / solve:.1f} |"
        )
    lines.append("")


def many(lines: list[str]) -> None:
    """200 regimes: a loop against simulate_many, in turns, each result read."""
    world, policies = cases.regimes(200)

    def loop():
        return [dt.simulate(world, p).real_income.values for p in policies]

    def together():
        return simulate_many(world, policies).stack().values

    def elsewhere():  # processor time of the workers; one a core beside this process
        count = cores() - 1
        return workers(count).submit(time.process_time).result() * count if count else 0.0

    began = time.perf_counter()
    together()
    cold = time.perf_counter() - began
    ratios, a_all, b_all, same, busy = [], [], [], True, []
    for _ in range(5):
        worked = time.process_time()
        began = time.perf_counter()
        a = loop()
        middle = time.perf_counter()
        alone, here, there = time.process_time() - worked, time.process_time(), elsewhere()
        b = together()
        ended = time.perf_counter()
        shared = time.process_time() - here + elsewhere() - there
        busy.append(cores() * alone / shared)
        ratios.append((middle - began) / (ended - middle))
        a_all.append(middle - began)
        b_all.append(ended - middle)
        same &= bool(np.array_equal(np.array(a), b))
    lines += [
        "## Many at once",
        "",
        f"200 regimes of world-2022 with their real incomes: a loop of `simulate` "
        f"{ms(float(np.median(a_all)))}, `simulate_many` {ms(float(np.median(b_all)))} "
        f"(first call, starting the worker: {ms(cold)}). Ratio: median "
        f"{np.median(ratios):.2f}, best {max(ratios):.2f} (target 1.7). From processor time, so "
        f"as it would be with {cores()} idle cores: {np.median(busy):.2f}. "
        f"Same bits as the loop: {'yes' if same else 'NO'}.",
        "",
    ]


def cold_start(lines: list[str]) -> None:
    """A new process, from nothing to an outcome."""
    code = (
        "import detente as dt; w = dt.load_world(); "
        "dt.simulate(w, dt.Policy(w, tariff=w.tariff + 0.1)).real_income"
    )
    imports = times(lambda: subprocess.run([sys.executable, "-c", "import detente"], check=True), 5)
    bare = times(lambda: subprocess.run([sys.executable, "-c", "import numpy"], check=True), 5)
    whole = times(lambda: subprocess.run([sys.executable, "-c", code], check=True), 5)
    lines += [
        "## Cold start",
        "",
        f"A new process that loads world-2022 and solves one policy: {ms(whole[0])} (best "
        f"{ms(whole[1])}). `import detente` {ms(imports[0])}, `import numpy` {ms(bare[0])}.",
        "",
    ]


def main() -> None:
    """Measure everything and write RESULTS.md."""
    blas = threadpoolctl.threadpool_info()
    load = os.getloadavg()[0]
    lines = [
        "# Benchmarks",
        "",
        'Written by `python -m benchmarks`; do not edit above "Tried".',
        "",
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores; Python "
        f"{platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}, xarray "
        f"{xarray.__version__}, {blas[0]['internal_api']} {blas[0]['version']} "
        f"({blas[0]['architecture']}); load average at the start {load:.1f}.",
        "",
        "## One solve",
        "",
        "`dt.simulate` in a warm process, base solved, residual 1e-10, one thread. Memory is the "
        "peak allocated during the call over the size of the trade tensor. The last ratio is "
        "the best time of a step of the solver over that of three streaming passes.",
        "",
        "| case | size | target | median | best | steps | residual | memory | step / passes | |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    replication = cases.nafta()
    rows = [
        ("NAFTA", lambda: replication, 0.010, 41),
        ("world-2022", cases.world_2022, 0.015, 41),
        ("GTAP size", lambda: cases.synthetic(65, 160), 0.3, 9),
        ("ITPD size", lambda: cases.synthetic(170, 186), 3.0, 5),
    ]
    for name, make, target, repeats in rows:
        case = make()
        if case is None:
            lines.append(f"| {name} | | {ms(target)} | not measured: no raw tables | | | | | | |")
            continue
        lines.append("| " + " | ".join(speed(name, case, target, repeats)) + " |")
        print(lines[-1], flush=True)
    lines.append("")
    for part in (derivatives, many, cold_start, growth):
        part(lines)
        print("\n".join(lines[-14:]), flush=True)
    tried = (HERE / "TRIED.md").read_text(encoding="utf-8")
    (HERE / "RESULTS.md").write_text("\n".join(lines) + "\n" + tried, encoding="utf-8")


if __name__ == "__main__":
    main()

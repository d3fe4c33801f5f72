"""Twenty thousand random worlds: ``make worlds``, or

    python tests/many_worlds.py [--count 20000] [--first 0] [--workers 2] [--resume]
    python tests/many_worlds.py --seed 1234        one case again, in this process

Every seed is a world, a policy and a closure, drawn like those of the random-world tests. Each is
solved and audited, or refused with a reason that is proved by other means (``proofs.py``); anything
else is a failure and the exit code is 1. What is finished lies in ``finished.jsonl`` at once, so
that an interrupted run (exit code 130) is kept and goes on with ``--resume``; failures are written
to ``failed.txt`` as the lines that make them a test.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from proofs import examine
from worlds import Change, Draw

LONGEST = 300.0
"""Seconds of computing after which a case counts as a failure: nobody would wait for its answer."""

FEWEST = 0.4
"""Part that must have converged: refusals must not be what the run is about."""


def case(seed: int) -> tuple[Draw, Change, str]:
    """The world, the policy and the closure of a seed."""
    rng = np.random.default_rng(seed)

    def of(*values: Any) -> Any:
        return values[int(rng.integers(len(values)))]

    draw = Draw(
        N=int(rng.integers(3, 7 if rng.random() < 0.8 else 26)),
        J=int(rng.integers(1, 4 if rng.random() < 2 / 3 else 9)),
        seed=seed,
        sparsity=of(0.0, 0.0, 0.3, 0.3, 0.7, 0.9),
        empty=of(0.0, 0.1, 0.3),
        homeless=of(0.0, 0.0, 0.2, 0.5),
        inputs=of(False, True),
        largest_input_share=of(0.6, 0.95),
        tariffs=of(False, True),
        theta=of((0.4, 65.0), (4.0, 4.01), (0.4, 1.0), (20.0, 65.0)),
        deficit=of(0.05, 0.4),
    )
    change = Change(
        seed=seed,
        tariffs=of(0.0, 0.1, 0.5, 1.0),
        highest=of(1.0, 100.0),
        lowest=of(0.0, -0.5),
        bans=of(0.0, 0.0, 0.05, 0.5),
        autarky=bool(rng.random() < 1 / 8),
        export_taxes=of(0.0, 0.0, 0.2, 0.7),
        icebergs=of(0.0, 0.0, 0.3),
        transfers=of(0.0, 0.0, 0.1),
    )
    return draw, change, of("fixed", "zero", "share")


def answer(seed: int, proof: str = "full") -> dict[str, Any]:
    """What a seed ended as: "converged", the reason of a proved refusal, or "FAILED"."""
    began = time.perf_counter()
    found: dict[str, Any] = {"seed": seed}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found["end"] = examine(*case(seed), proof)
    except Exception as error:
        found["end"] = "FAILED"
        found["error"] = f"{type(error).__name__}: {error}"[:2000]
        found["trace"] = traceback.format_exc(limit=-4)
    found["seconds"] = round(time.perf_counter() - began, 3)
    return found


def as_test(seed: int, error: str = "") -> str:
    """The case of a seed as a line of a test."""
    draw, change, deficit = case(seed)
    said = " ".join(error.split())[:160]
    return f"examine({draw!r}, {change!r}, {deficit!r}, 'full')  # seed {seed}: {said}"


def _limited(given: tuple[int, str]) -> dict[str, Any]:
    seed, proof = given
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    try:
        return answer(seed, proof)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)


def _too_long(*_: object) -> None:
    raise TimeoutError(f"no answer after {LONGEST:.0f} s")


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent sees to it
    signal.signal(signal.SIGPROF, _too_long)


class _Progress:
    """One line that is written over on a terminal, and a line a minute elsewhere."""

    def __init__(self, count: int) -> None:
        self.count, self.began, self.said = count, time.monotonic(), 0.0

    def show(self, ends: Counter[str], *, last: bool = False) -> None:
        now, done = time.monotonic(), sum(ends.values())
        here = sys.stderr.isatty()
        if not last and now - self.said < (0.5 if here else 60.0):
            return
        self.said = now
        pace = done / max(now - self.began, 1e-9)
        left = (self.count - done) / pace / 60 if pace else float("nan")
        text = (
            f"{done:,} of {self.count:,} worlds, {ends['converged']:,} converged, "
            f"{ends['FAILED']} failed, {pace:.1f} a second, about {left:.0f} min left"
        )
        print(f"\r{text:<95}" if here else text, end="" if here else "\n", file=sys.stderr,
              flush=True)  # fmt: skip


def results(seeds: list[int], proof: str, workers: int) -> Iterator[dict[str, Any]]:
    """Answers as they come, from several processes."""
    # one BLAS thread a process: the processes start after this, and read it
    os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    with multiprocessing.get_context("spawn").Pool(workers, _begin) as pool:
        yield from pool.imap_unordered(_limited, [(s, proof) for s in seeds], chunksize=8)


def _finished(path: Path) -> list[dict[str, Any]]:
    """Lines of an earlier run; a last one that was cut short is left out and solved again."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("}\n")]


def summary(found: list[dict[str, Any]], took: float) -> str:
    """What the answers were, how long they took, and the seeds that failed."""
    ends = Counter(one["end"] for one in found)
    seconds = np.array([one["seconds"] for one in found]) if found else np.zeros(1)
    refused = {k: v for k, v in sorted(ends.items()) if k not in ("converged", "FAILED")}
    slow = sorted(found, key=lambda one: -one["seconds"])[:5]
    lines = [
        f"{len(found):,} worlds in {took / 60:.1f} min: {ends['converged']:,} converged and passed "
        f"their audit, {sum(refused.values()):,} refused with proof, {ends['FAILED']} failed",
        "refused: " + (", ".join(f"{k} {v:,}" for k, v in refused.items()) or "none"),
        f"a world took {seconds.mean():.3f} s on average, {np.median(seconds):.3f} s the middle, "
        f"{np.percentile(seconds, 99):.2f} s at the 99th percentile; slowest: "
        + ", ".join(f"seed {one['seed']} ({one['end']}) {one['seconds']:.1f} s" for one in slow),
    ]
    lines += [f"seed {one['seed']}: {one['error']}" for one in found if one["end"] == "FAILED"]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="Random worlds, solved or refused with proof.")
    parser.add_argument("--count", type=int, default=20_000, help="how many worlds")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=Path("build/worlds"), help="folder to write to")
    parser.add_argument("--resume", action="store_true", help="go on with what lies there")
    parser.add_argument("--proof", choices=("sampled", "full"), default="full")
    parser.add_argument("--seed", type=int, help="this case only, with its traceback")
    given = parser.parse_args()
    if given.seed is not None:
        print(as_test(given.seed))
        one = answer(given.seed, given.proof)
        print(one.get("trace", ""), one["end"], f"{one['seconds']:.2f} s")
        return int(one["end"] == "FAILED")

    given.out.mkdir(parents=True, exist_ok=True)
    path = given.out / "finished.jsonl"
    wanted = range(given.first, given.first + given.count)
    found = [x for x in _finished(path) if x["seed"] in wanted] if given.resume else []
    done = {one["seed"] for one in found}
    todo = [seed for seed in wanted if seed not in done]
    progress, stopped = _Progress(len(todo)), False
    began = time.monotonic()
    with path.open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(one) + "\n" for one in found)
        fresh: Counter[str] = Counter()
        try:
            for one in results(todo, given.proof, given.workers):
                found.append(one)
                fresh[one["end"]] += 1
                lines.write(json.dumps(one) + "\n")
                lines.flush()
                progress.show(fresh)
        except KeyboardInterrupt:
            stopped = True
        progress.show(fresh, last=True)
    ends = Counter(one["end"] for one in found)
    failed = sorted((x for x in found if x["end"] == "FAILED"), key=lambda x: x["seed"])
    text = "".join(as_test(x["seed"], x["error"]) + "\n" for x in failed)
    (given.out / "failed.txt").write_text(text, encoding="utf-8")
    print("\n" + summary(found, time.monotonic() - began))
    if failed:
        print(f"the failed cases lie in {given.out / 'failed.txt'}, each as a line of a test")
    if stopped:
        print(f"interrupted: what is finished lies in {path}; go on with --resume")
        return 130
    few = ends["converged"] < FEWEST * len(found)
    if few:
        print(f"fewer than {FEWEST:.0%} converged: the refusals have taken over")
    return int(bool(failed) or few)


if __name__ == "__main__":
    sys.exit(main())

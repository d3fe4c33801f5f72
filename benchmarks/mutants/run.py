"""Each mutant in a copy of the package, under the tests of its room.

A process that has the other libraries loaded forks for every mutant; the child reads the package
from a copy in which one file is changed, so that the tree at hand is never touched. A mutant is
killed when tests that pass on the unchanged copy fail on it or do not come to an end.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mutants.generate import Mutant

__all__ = ["Verdict", "baseline", "examine"]

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"

CHOICE = "not raw_tables and not slow"
"""Tests that raise for want of raw tables, or long ones, never count as having seen a mutant."""


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: "killed", "timeout" or "survived", and after how many seconds."""

    mutant: Mutant
    fate: str
    seconds: float


def baseline(tests: Iterable[str]) -> float:
    """Seconds that the tests take on the unchanged copy.

    Raises
    ------
    SystemExit
        They do not pass: a mutant would seem killed by what is broken already.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = _copy(Path(folder))
        begin = time.monotonic()
        code, said = _fork(copy, list(tests), 600.0)
        if code != 0:
            raise SystemExit(f"the tests do not pass on the unchanged code (exit {code}):\n{said}")
        return time.monotonic() - begin


def examine(jobs: list[tuple[Mutant, tuple[str, ...], float]], processes: int) -> Iterator[Verdict]:
    """A verdict on every (mutant, tests, limit in seconds), in order."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        yield from pool.map(_examine, jobs)


_held: list[Path] = []


def _examine(job: tuple[Mutant, tuple[str, ...], float]) -> Verdict:
    mutant, tests, limit = job
    if not _held:
        folder = Path(tempfile.mkdtemp(prefix="mutants-"))
        multiprocessing.util.Finalize(None, shutil.rmtree, args=(folder, True), exitpriority=1)
        _held.append(_copy(folder))
        _load_libraries(_held[0])
    copy = _held[0]
    target = copy / "detente" / mutant.file
    kept = target.read_bytes()
    begin = time.monotonic()
    target.unlink()  # it may be a link to the original
    try:
        target.write_text(mutant.text, encoding="utf-8")
        # a byte code file is told from its source by second and size only
        for stale in (target.parent / "__pycache__").glob(f"{target.stem}.*.pyc"):
            stale.unlink()
        code, said = _fork(copy, list(tests), limit)
    finally:
        target.write_bytes(kept)
    if code in (3, 4, 5):
        raise RuntimeError(f"pytest could not run (exit {code}):\n{said}")
    fate = "survived" if code == 0 else "timeout" if code is None else "killed"
    return Verdict(mutant, fate, time.monotonic() - begin)


def _copy(folder: Path) -> Path:
    """The source tree as links where the disk allows it, with byte code of everything."""
    copy = folder / "src"
    shutil.copytree(
        SOURCE, copy, copy_function=_link, ignore=shutil.ignore_patterns("__pycache__")
    )
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", str(copy)], check=True, cwd=folder,
    )  # fmt: skip
    return copy


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _load_libraries(copy: Path) -> None:
    """Load once what the package and the tests load from elsewhere."""
    text = (
        "import sys, pytest, hypothesis, scipy.optimize, detente, detente.strategy, detente.study\n"
        "import detente.outcome.gradient, detente.regime.apply, detente.outcome.tables\n"
        "print('\\n'.join(m for m in sys.modules if m.split('.')[0] != 'detente'))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", text],
        env={**os.environ, "PYTHONPATH": str(copy)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in ran.stdout.split():
        if name in sys.modules or name.startswith("_"):
            continue
        try:
            importlib.import_module(name)
        except ImportError:
            continue  # a module made while another was loading


def _fork(copy: Path, tests: list[str], limit: float) -> tuple[int | None, str]:
    """Exit code of pytest on the copy, None where time ran out; and what it printed."""
    with tempfile.TemporaryFile() as out:
        pid = os.fork()
        if pid == 0:
            _child(copy, tests, out.fileno())
        end = time.monotonic() + limit
        while time.monotonic() < end:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                out.seek(0)
                code = os.waitstatus_to_exitcode(status)
                return code, out.read().decode(errors="replace")[-6000:]
            time.sleep(0.02)
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return None, ""


def _child(copy: Path, tests: list[str], out: int) -> None:
    code: int = 3
    try:
        os.setsid()
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.chdir(ROOT)
        sys.dont_write_bytecode = True
        os.environ["PYTHONPATH"] = str(copy)
        os.environ["DETENTE_CACHE"] = ""
        sys.path.insert(0, str(copy))
        import pytest

        import detente

        assert str(detente.__file__).startswith(str(copy))
        options = ["-x", "-q", "--tb=short", "-p", "no:cacheprovider", "-m", CHOICE]
        code = int(pytest.main([*options, *tests]))
    except BaseException as error:
        print(repr(error))
        code = 1
    finally:
        sys.stdout.flush()
        os._exit(code)

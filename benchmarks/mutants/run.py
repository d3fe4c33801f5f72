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
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mutants.generate import Mutant

__all__ = ["Runner", "Verdict"]

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"

CHOICE = "not raw_tables and not slow"
"""Tests that raise for want of raw tables, or long ones, never count as having seen a mutant."""


NO_RUN = 70
"""Exit code of a child in which pytest did not come to a result."""


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: "killed", "timeout" or "survived", and after how many seconds."""

    mutant: Mutant
    fate: str
    seconds: float
    said: str


class Runner:
    """Processes that examine mutants; used as a context."""

    def __init__(self, processes: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(processes, mp_context=context)

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown(cancel_futures=True)

    def baseline(self, file: str, tests: tuple[str, ...]) -> float:
        """Seconds that the tests take on the unchanged code, on the way that mutants go.

        Raises
        ------
        RuntimeError
            They fail on it, so that every mutant would seem killed; or pass where ``file`` cannot
            even be imported, so that none ever would be.
        """
        text = (SOURCE / "detente" / file).read_text(encoding="utf-8")
        same = Mutant(file, "", 0, "", "", text, text)
        broken = Mutant(file, "", 0, "", "", text, "raise ValueError('a mutant')\n")
        fates = list(self.pool.map(_examine, [(same, tests, 600.0), (broken, tests, 600.0)]))
        if fates[0].fate != "survived":
            raise RuntimeError(f"the tests fail on the unchanged code:\n{fates[0].said}")
        if fates[1].fate != "killed":
            raise RuntimeError(f"{file}: no test notices that it cannot be imported")
        return fates[0].seconds

    def examine(self, jobs: list[tuple[Mutant, tuple[str, ...], float]]) -> Iterator[Verdict]:
        """A verdict on every (mutant, tests, limit in seconds), in order."""
        yield from self.pool.map(_examine, jobs)


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
    # a failed test; a test file, or a conftest, that cannot be imported; a crash
    seen = code in (1, 2) or (code == 4 and "while loading conftest" in said)
    if code is not None and code > 0 and not seen:
        raise RuntimeError(f"pytest could not run (exit {code}) on {mutant}:\n{said}")
    fate = "survived" if code == 0 else "timeout" if code is None else "killed"
    return Verdict(mutant, fate, time.monotonic() - begin, said)


def _copy(folder: Path) -> Path:
    """The source tree as links where the disk allows it, with byte code of everything."""
    copy = folder / "src"
    shutil.copytree(SOURCE, copy, copy_function=_link, ignore=shutil.ignore_patterns("__pycache__"))
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
    """Load once what the package loads from elsewhere; not pytest's plugins, which must be loaded
    by pytest."""
    text = (
        "import sys, scipy.optimize, detente, detente.tariff_war, detente.runs\n"
        "import detente.outcome.gradient, detente.law.apply, detente.outcome.tables\n"
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
    code = NO_RUN
    try:
        os.setsid()
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.chdir(ROOT)
        sys.dont_write_bytecode = True
        os.environ["PYTHONPATH"] = str(copy)
        os.environ["DETENTE_CACHE"] = ""
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # hypothesis and others load slowly
        sys.path.insert(0, str(copy))
        import pytest

        options = ["-x", "-q", "--tb=short", "-p", "no:cacheprovider", "-m", CHOICE]
        code = int(pytest.main([*options, *tests]))
    except BaseException as error:
        print(repr(error))
    finally:
        sys.stdout.flush()
        os._exit(code)

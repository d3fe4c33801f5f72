"""A command in a process of its own, in a box of its own, and what it left behind.

Every process that comes of the command carries a mark in its environment, so that workers in
sessions of their own are found as well.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from worlds import build

MARK = "DETENTE_TEST_BOX"

LIMIT = 180
"""Seconds; a busy machine needs a while, a command that hangs needs forever."""

SCENARIO = """\
id: own
title: 10% on Korean cars
about: A small test scenario.
blurs: Nothing.
sources: [{title: made up, publisher: the tests, cite: none}]
focus: {sector: C29, importer: USA}
measures:
  - {imposer: USA, targets: [KOR], sectors: C29, instrument: import_tariff, rate_pct: 10}
"""

LINES = "hs,exporter,date\n8703,CHN,2025-06-01\n7208,KOR,2025-06-01\n"

START = "import sys; from detente.cli.main import main; sys.argv[0] = 'detente'; main()"


@cache
def world_file() -> bytes:
    """A world of two countries, which a command reads in a process apart."""
    with tempfile.TemporaryDirectory() as folder:
        world = build(np.array([[[10.0, 2.0], [2.0, 10.0]]]), theta=4.0)
        return world.save(Path(folder) / "own.nc").read_bytes()


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: bytes
    err: bytes
    seconds: float
    alive: list[int] = field(default_factory=list)
    """Processes of the command that outlived it."""

    @property
    def lines(self) -> list[str]:
        return self.err.decode(errors="replace").splitlines()


class Box:
    """Folders of a command: where it stands, writes, keeps its cache and has its home."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.mark = uuid.uuid4().hex
        self.here, self.home = root / "here", root / "home"
        self.cache, self.temp = root / "cache", root / "temp"
        for folder in (self.here, self.home, self.temp):
            folder.mkdir(parents=True)
        (self.here / "own.yaml").write_text(SCENARIO, encoding="utf-8")
        (self.here / "lines.csv").write_text(LINES, encoding="utf-8")
        (self.here / "own.nc").write_bytes(world_file())
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("DETENTE", "XDG", "MPL"))},
            "HOME": str(self.home),
            "TMPDIR": str(self.temp),
            "DETENTE_CACHE": str(self.cache),
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "PYTHONIOENCODING": "utf-8",
            MARK: self.mark,
        }
        self.env.pop("PYTHONUNBUFFERED", None)
        self._limits: list[Callable[[], None]] = []

    def limit(self, before: Callable[[], None]) -> None:
        """Run ``before`` in the new process, ahead of Python."""
        self._limits.append(before)

    @contextlib.contextmanager
    def start(
        self, *args: str, preamble: str = "", **streams: object
    ) -> Iterator[subprocess.Popen[bytes]]:
        """The command, running; whatever is left of it is killed in the end."""
        for name in ("stdout", "stderr"):
            streams.setdefault(name, subprocess.PIPE)
        streams.setdefault("stdin", subprocess.DEVNULL)

        def before() -> None:
            for each in self._limits:
                each()

        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", f"{preamble}\n{START}", *args],
            env=self.env, cwd=self.here, start_new_session=True, close_fds=True,
            preexec_fn=before if self._limits else None, **streams,  # type: ignore[arg-type]
        )  # fmt: skip
        try:
            yield process
        finally:
            for pid in {process.pid, *self.alive()}:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()

    def run(self, *args: str, preamble: str = "", **streams: object) -> Ended:
        began = time.monotonic()
        with self.start(*args, preamble=preamble, **streams) as process:
            out, err = process.communicate(timeout=LIMIT)
            seconds = time.monotonic() - began
            return Ended(process.returncode, out or b"", err or b"", seconds, self.outlived())

    def alive(self) -> list[int]:
        """Living processes with the mark of this box."""
        found = []
        want = f"{MARK}={self.mark}".encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                if want in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
        return found

    def outlived(self) -> list[int]:
        """Processes that are still there 2 seconds later: the system takes a moment to end one."""
        handles = []
        for pid in self.alive():
            with contextlib.suppress(OSError):
                handles.append(os.pidfd_open(pid))
        until = time.monotonic() + 2
        for handle in handles:
            select.select([handle], [], [], max(0.0, until - time.monotonic()))
            os.close(handle)
        return self.alive()

    def left(self) -> list[str]:
        """Files and folders in the places where a command writes, without cache and home."""
        return sorted(
            str(p.relative_to(self.root))
            for folder in (self.here, self.temp)
            for p in folder.rglob("*")
            if p.name not in ("own.yaml", "lines.csv", "own.nc")
        )

    def parts(self) -> list[str]:
        """Half-written files, anywhere."""
        return sorted(str(p) for p in self.root.rglob("*.part"))

    def remove(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)


def environment(box: Box, values: Mapping[str, str | None]) -> None:
    """Set variables of a box; None takes one away."""
    for name, value in values.items():
        box.env.pop(name, None)
        if value is not None:
            box.env[name] = value

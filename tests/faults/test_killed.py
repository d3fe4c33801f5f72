"""Commands and workers that are stopped or killed in the middle of their work."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from detente.runs.workers import cores

resource = pytest.importorskip("resource", reason="limits of processes are those of POSIX")

from faults.registry import NO_PROCESSES, NO_THREADS  # noqa: E402
from faults.sandbox import LIMIT, Box  # noqa: E402

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

ENDS = 2.0
"""Seconds from a signal to the end."""

LONG = ("play", "cjk-pact", "--draws", "60", "--format", "json", "--out", "out")

Moment = Callable[[Box, int], bool]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "box")


def _heeds_signals(_box: Box, pid: int) -> bool:
    """The program has begun: it catches SIGTERM."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
    return False


def _imports(_box: Box, pid: int) -> bool:
    """It is in the middle of loading libraries."""
    return "numpy" in Path(f"/proc/{pid}/maps").read_text()


def _has_worker(box: Box, pid: int) -> bool:
    return any(other != pid for other in box.alive())


def _has_answers(box: Box, pid: int) -> bool:
    """Draws are being evaluated, here and in a worker: the first of them lie in the cache."""
    drafts = list(box.cache.glob("draws-*"))
    return bool(drafts) and drafts[0].stat().st_size > 0 and _has_worker(box, pid)


MOMENTS = {f.__name__.strip("_"): f for f in (_heeds_signals, _imports, _has_worker, _has_answers)}
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
QUICK = {
    (signal.SIGHUP, "heeds_signals"), (signal.SIGTERM, "imports"), (signal.SIGINT, "has_answers"),
}  # fmt: skip


def wait_for(process: subprocess.Popen[bytes], moment: Moment, box: Box) -> None:
    """Until the moment has come; a process that ends before it is a failure."""
    handle = os.pidfd_open(process.pid)
    until = time.monotonic() + LIMIT
    try:
        while not moment(box, process.pid):
            ended = select.select([handle], [], [], 0.02)[0]
            assert not ended, f"ended before the moment came: {process.communicate()}"
            assert time.monotonic() < until, "the moment never came"
    finally:
        os.close(handle)


def _needs_workers() -> None:
    if cores() < 2:
        pytest.skip("one core: no worker is used")


def _cases():
    return [
        pytest.param(n, m, id=f"{n.name}-{m}", marks=[] if (n, m) in QUICK else pytest.mark.slow)
        for n in SIGNALS
        for m in MOMENTS
    ]


@pytest.mark.parametrize(("number", "moment"), _cases())
def test_a_signal_ends_all_of_it_at_once(box: Box, number: signal.Signals, moment: str):
    if moment.startswith("has"):
        _needs_workers()
    with box.start(*LONG) as process:
        wait_for(process, MOMENTS[moment], box)
        began = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=LIMIT)
        took = time.monotonic() - began
        assert box.outlived() == []
    lines = err.decode().splitlines()
    assert process.returncode == 128 + number
    assert took < ENDS
    assert len(lines) == 1, lines
    assert lines[0].startswith("detente: stopped")
    if moment == "has_answers":
        assert "cases are kept, and the same command goes on from there" in lines[0]
    assert out == b""
    assert box.left() == box.parts() == []


_SLOW_SYNC = """
import os, select
os.fsync = lambda handle: select.select([], [], [], 300)
"""

_SLOW_NAMES = """
import os, select
_replace = os.replace
def _slowly(source, target, **named):
    _replace(source, target, **named)
    if os.path.basename(target) == "run.json":
        os.replace = _replace  # what is put back is put back at once
        select.select([], [], [], 300)
os.replace = _slowly
"""


def _is_writing(box: Box, _pid: int) -> bool:
    return any(box.here.rglob("*.part"))


def _some_have_their_names(box: Box, _pid: int) -> bool:
    return (box.here / "out" / "run.json").exists()


@pytest.mark.parametrize(
    ("preamble", "moment"),
    [(_SLOW_SYNC, _is_writing), (_SLOW_NAMES, _some_have_their_names)],
    ids=["writing", "naming"],
)
@pytest.mark.parametrize("earlier", [False, True])
def test_a_signal_in_the_middle_of_writing_takes_all_of_it_back(
    box: Box, preamble: str, moment: Moment, earlier: bool
):
    out = box.here / "out"
    before = {"countries.csv": b"kept", "run.json": b"{}"} if earlier else {}
    if earlier:
        out.mkdir()
        for name, content in before.items():
            (out / name).write_bytes(content)
    if moment is _some_have_their_names and earlier:
        moment = _run_json_is_new
    with box.start("run", "own.yaml", "--out", "out", preamble=preamble) as process:
        wait_for(process, moment, box)
        process.send_signal(signal.SIGTERM)
        printed, err = process.communicate(timeout=LIMIT)
        assert box.outlived() == []
    assert (process.returncode, err, printed) == (143, b"detente: stopped\n", b"")
    if earlier:
        assert {p.name: p.read_bytes() for p in out.iterdir()} == before
    else:
        assert box.left() == []
    assert box.parts() == []


def _run_json_is_new(box: Box, _pid: int) -> bool:
    return (box.here / "out" / "run.json").read_bytes() != b"{}"


_ANOTHER = """
import os, signal
_write = os.write
def _twice(handle, data):
    count = _write(handle, data)
    if b"stopped" in bytes(data):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    return count
os.write = _twice
"""


def test_a_second_signal_while_it_ends_changes_nothing(box: Box, endless: tuple[str, ...]):
    with box.start(*endless, preamble=_ANOTHER) as process:
        wait_for(process, _reads_apart, box)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=LIMIT)
        assert box.outlived() == []
    assert (process.returncode, err, out) == (143, b"detente: stopped\n", b"")


@pytest.fixture
def endless(box: Box) -> tuple[str, ...]:
    """A command that reads a damaged file over which the HDF5 library does not come to an end."""
    damaged = Path(__file__).parents[1] / "world" / "damaged" / "endless.nc"
    (box.here / "own.nc").write_bytes(damaged.read_bytes())
    return ("world", "show", "own.nc")


def test_who_reads_a_world_file_ends_with_the_command(box: Box, endless: tuple[str, ...]):
    for number in (signal.SIGTERM, signal.SIGKILL):
        with box.start(*endless) as process:
            wait_for(process, _reads_apart, box)
            began = time.monotonic()
            process.send_signal(number)
            out, err = process.communicate(timeout=LIMIT)
            took = time.monotonic() - began
            assert box.outlived() == []
        assert took < ENDS
        assert out == b""
        if number == signal.SIGTERM:
            assert (process.returncode, err) == (143, b"detente: stopped\n")


def _reads_apart(box: Box, pid: int) -> bool:
    """The other process is in the middle of the file: it has loaded the HDF5 library."""
    for other in box.alive():
        if other != pid:
            with contextlib.suppress(OSError):
                if "h5py" in Path(f"/proc/{other}/maps").read_text():
                    return True
    return False


def test_a_killed_reader_of_a_world_file_is_not_called_a_damaged_file(
    box: Box, endless: tuple[str, ...]
):
    with box.start(*endless) as process:
        wait_for(process, _reads_apart, box)
        for pid in box.alive():
            if pid != process.pid:
                os.kill(pid, signal.SIGKILL)
        out, err = process.communicate(timeout=LIMIT)
        assert box.outlived() == []
    lines = err.decode().splitlines()
    assert (process.returncode, out, len(lines)) == (4, b"", 1)
    assert lines[0].startswith("detente: the process that reads a world file ended with code -9")


def test_a_killed_worker_is_one_line_and_nothing_is_left(box: Box):
    _needs_workers()
    with box.start(*LONG) as process:
        wait_for(process, _has_answers, box)
        for pid in box.alive():
            if pid != process.pid:
                os.kill(pid, signal.SIGKILL)
        out, err = process.communicate(timeout=LIMIT)
        assert box.outlived() == []
    lines = err.decode().splitlines()
    assert process.returncode == 4, lines
    assert len(lines) == 1, lines
    assert lines[0].startswith("detente: a worker process ended with code -9")
    assert out == b""
    assert box.left() == box.parts() == []


@pytest.mark.parametrize("megabytes", [200, pytest.param(40, marks=pytest.mark.slow)])
def test_a_worker_that_cannot_load_what_it_needs_is_one_line(box: Box, megabytes: int):
    _needs_workers()
    starved = box.root / "python"
    starved.write_text(
        f'#!/bin/sh\nulimit -v {megabytes}000\nexec {sys.executable} "$@"\n', encoding="utf-8"
    )
    starved.chmod(0o755)
    ended = box.run(*LONG, preamble=f"import sys; sys.executable = {str(starved)!r}")
    assert ended.code == 4, ended.lines
    assert len(ended.lines) == 1, ended.lines
    assert "memory" in ended.lines[0]
    assert (ended.out, ended.alive, box.left(), box.parts()) == (b"", [], [], [])


def test_workers_die_with_a_killed_parent(box: Box):
    _needs_workers()
    with box.start(*LONG) as process:
        wait_for(process, _has_answers, box)
        process.kill()
        process.wait(LIMIT)
        assert box.outlived() == []
    assert box.left() == box.parts() == []


def test_what_the_caller_ignores_stays_ignored(box: Box):
    box.limit(lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    with box.start("scenarios") as process:
        wait_for(process, _heeds_signals, box)
        process.send_signal(signal.SIGHUP)
        out, err = process.communicate(timeout=LIMIT)
    assert (process.returncode, err) == (0, b"")
    assert out


def test_serve_says_that_a_port_is_taken(box: Box):
    pytest.importorskip("fastapi")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = box.run("serve", "--port", str(port))
    assert ended.code == 2
    assert len(ended.lines) == 1, ended.lines
    assert f"--port {port}: cannot listen" in ended.lines[0]
    assert (ended.out, ended.alive, box.left()) == (b"", [], [])


@pytest.mark.parametrize(
    "moment", ["heeds_signals", pytest.param("imports", marks=pytest.mark.slow)]
)
def test_serve_is_stopped_while_it_starts(box: Box, moment: str):
    pytest.importorskip("fastapi")
    with box.start("serve", "--port", "0", "--workers", "1") as process:
        wait_for(process, MOMENTS[moment], box)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=LIMIT)
        assert box.outlived() == []
    assert process.returncode in (0, 143), err
    assert b"Traceback" not in err
    assert b"Exception" not in err
    assert len(err.splitlines()) <= 2, err
    assert out == b""
    assert box.left() == box.parts() == []


STARVED = {
    "descriptors-8": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8)),
    "descriptors-20": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20)),
    "memory-300": lambda: resource.setrlimit(resource.RLIMIT_AS, (300 << 20, 300 << 20)),
    "memory-600": lambda: resource.setrlimit(resource.RLIMIT_AS, (600 << 20, 600 << 20)),
}


def _until_it_serves(process: subprocess.Popen[bytes]) -> bytes:
    """What it says up to its address, after which it is stopped; all of it where it ends before."""
    assert process.stderr is not None
    said = b""
    while b"http://" not in said:
        line = process.stderr.readline()
        if not line:
            return said
        said += line
    process.send_signal(signal.SIGTERM)
    return said + process.stderr.read()


@pytest.mark.parametrize(
    ("name", "preamble"),
    [
        ("descriptors-8", ""),
        *(pytest.param(n, "", marks=pytest.mark.slow) for n in [*STARVED][1:]),
        pytest.param("", NO_PROCESSES, id="no-processes"),
        pytest.param("", NO_THREADS, id="no-threads", marks=pytest.mark.slow),
    ],
)
def test_serve_that_lacks_something_says_so_and_ends(box: Box, name: str, preamble: str):
    pytest.importorskip("fastapi")
    if name:
        box.limit(STARVED[name])
    with box.start("serve", "--port", "0", "--workers", "1", preamble=preamble) as process:
        said = _until_it_serves(process)
        code = process.wait(LIMIT)
        assert process.stdout is not None
        assert process.stdout.read() == b""
        assert box.outlived() == []
    lines = [line for line in said.decode().splitlines() if "http://" not in line]
    if code in (0, 143):  # it could do without
        assert b"http://" in said
        assert len(lines) <= 1, lines
    else:
        assert code in (2, 4), (code, lines)
        assert len(lines) == 1, lines
        assert lines[0].startswith("detente: ")
    assert box.left() == box.parts() == []

"""Faults that are injected into commands, and how a command may end under each."""

from __future__ import annotations

import fcntl
import os
import resource
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.commands import COMMANDS, Command
from faults.sandbox import Box, environment

Inject = Callable[[Box, Command], Mapping[str, Any]]
"""Changes the box; returns what the start of the process is given besides."""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong outside the program.

    Attributes
    ----------
    name : as shown by pytest
    inject : puts it into a box
    codes : exit codes that are right; 0 means whole output
    commands : names of the commands it can meet
    preamble : Python that runs ahead of the program
    heard : whether standard error can be read
    cut : whether the output may end in the middle, since that is the fault
    own_death : whether the interpreter may die of it before the program begins
    """

    name: str
    inject: Inject
    codes: frozenset[int]
    commands: tuple[str, ...] = field(default=tuple(c.name for c in COMMANDS))
    preamble: str = ""
    heard: bool = True
    cut: bool = False
    own_death: bool = False


def _nothing(_box: Box, _command: Command) -> Mapping[str, Any]:
    return {}


def _limit(kind: int, value: int) -> Inject:
    def inject(box: Box, _command: Command) -> Mapping[str, Any]:
        box.limit(lambda: resource.setrlimit(kind, (value, value)))
        return {}

    return inject


def _no_threads(box: Box, _command: Command) -> Mapping[str, Any]:
    """The stack of a thread, by default as large as this limit, does not fit into the memory."""
    box.limit(lambda: resource.setrlimit(resource.RLIMIT_STACK, (16 << 30, resource.RLIM_INFINITY)))
    box.limit(lambda: resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30)))
    return {}


def _closed(*handles: int) -> Inject:
    def inject(box: Box, _command: Command) -> Mapping[str, Any]:
        for handle in handles:
            box.limit(lambda handle=handle: os.close(handle))
        return {}

    return inject


def _to_device(_box: Box, _command: Command) -> Mapping[str, Any]:
    return {"stdout": os.open("/dev/full", os.O_WRONLY)}


def _to_small_file(box: Box, _command: Command) -> Mapping[str, Any]:
    box.limit(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300)))
    return {"stdout": os.open(box.root / "printed", os.O_WRONLY | os.O_CREAT)}


def _to_small_file_at_once(box: Box, command: Command) -> Mapping[str, Any]:
    environment(box, {"PYTHONUNBUFFERED": "1"})
    return _to_small_file(box, command)


def _error_to_device(_box: Box, _command: Command) -> Mapping[str, Any]:
    return {"stderr": os.open("/dev/full", os.O_WRONLY)}


def _no_reader(_box: Box, _command: Command) -> Mapping[str, Any]:
    reader, writer = os.pipe()
    os.close(reader)
    return {"stdout": writer}


def _error_without_reader(_box: Box, _command: Command) -> Mapping[str, Any]:
    return {"stderr": _no_reader(_box, _command)["stdout"]}


def _hasty_pipe(box: Box, _command: Command) -> Mapping[str, Any]:
    """Standard output is a small pipe that does not wait until there is room in it."""

    def before() -> None:
        fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(1, False)

    box.limit(before)
    return {}


def _set(**values: str | None) -> Inject:
    def inject(box: Box, _command: Command) -> Mapping[str, Any]:
        environment(box, values)
        return {}

    return inject


def _cache_is_file(box: Box, _command: Command) -> Mapping[str, Any]:
    box.cache.write_text("no folder", encoding="utf-8")
    return {}


def _cache_is_read_only(box: Box, _command: Command) -> Mapping[str, Any]:
    box.cache.mkdir(exist_ok=True)
    box.cache.chmod(0o555)
    return {}


def _turn(entry: Path) -> None:
    data = bytearray(entry.read_bytes())
    data[len(data) // 2] ^= 1
    entry.write_bytes(data)


def _cut(entry: Path) -> None:
    entry.write_bytes(entry.read_bytes()[: entry.stat().st_size // 2])


def _later(entry: Path) -> None:
    os.utime(entry, (4e9, 4e9))


def _changed(change: Callable[[Path], object]) -> Inject:
    def inject(box: Box, _command: Command) -> Mapping[str, Any]:
        for entry in list(box.cache.iterdir()):
            change(entry)
        return {}

    return inject


def _damaged(put: Callable[[Path], object]) -> Inject:
    """Something else in the place of every entry that an earlier command left."""

    def inject(box: Box, _command: Command) -> Mapping[str, Any]:
        for entry in list(box.cache.iterdir()):
            entry.unlink()
            put(entry)
        return {}

    return inject


_CLOCK = """
import itertools, time
_year, _turn = 365 * 86400, itertools.cycle((0, 1, -1))
def _jumping(real, whole):
    return lambda: real() + next(_turn) * _year * whole
for _name in ("time", "monotonic", "perf_counter"):
    setattr(time, _name, _jumping(getattr(time, _name), 1))
for _name in ("time_ns", "monotonic_ns", "perf_counter_ns"):
    setattr(time, _name, _jumping(getattr(time, _name), 10**9))
"""

_SHORT = """
import builtins, io, os, sys
_open, _write = builtins.open, os.write
class _Short(io.FileIO):
    def write(self, data):
        data = memoryview(data).cast("B")
        return super().write(data[: max(1, min(len(data) // 2, 4096))])
def _short(file, mode="r", buffering=-1, *rest, **named):
    if mode == "wb" and buffering == 0:
        return _Short(file, mode)
    return _open(file, mode, buffering, *rest, **named)
builtins.open = io.open = _short
os.write = lambda handle, data: _write(handle, bytes(data)[: max(1, len(data) // 2)])
sys.stdout = io.TextIOWrapper(io.BufferedWriter(_Short(1, "w", closefd=False)), encoding="utf-8")
"""

_INTERRUPTED = """
import signal
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
import atexit  # the end of Python takes the handler away
atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)
"""

_NOBODY = """
import os, pwd
def _unknown(*_):
    raise KeyError("uid not found")
pwd.getpwuid = pwd.getpwnam = _unknown
"""

_REPLACE = """
import errno, os
_replace = os.replace
def _failing(source, target, **named):
    if os.path.basename(target) in ("run.json", "card.json", "w.nc"):
        raise OSError(errno.EIO, os.strerror(errno.EIO), source, None, target)
    _replace(source, target, **named)
os.replace = _failing
"""

_SYNC = """
import errno, os
def _failing(handle):
    raise OSError(errno.EIO, os.strerror(errno.EIO))
os.fsync = _failing
"""

NO_PROCESSES = """
import _posixsubprocess, errno, os
def _failing(*_):
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
_posixsubprocess.fork_exec = _failing
"""

NO_THREADS = """
import _thread
def _failing(*_):
    raise RuntimeError("can't start new thread")
_thread.start_new_thread = _failing
"""

_GONE = """
import os
os.mkdir("gone")
os.chdir("gone")
os.rmdir("../gone")
"""

_OUT = tuple(c.name for c in COMMANDS if c.writes)
_RECORDS = ("regime", "regime-table", "regime-lines", "ledger-list", "ledger-show", "ledger-check",
            "ledger-evidence", "ledger-changes")  # fmt: skip
_JSON = tuple(c.name for c in COMMANDS if "json" in c.args)
_LETTERS = tuple(c.name for c in COMMANDS if "csv" not in c.args)
_CSV = tuple(c.name for c in COMMANDS if "csv" in c.args)
_HERE = {"own.yaml", "own.nc", "lines.csv", "--out"}
_ANYWHERE = tuple(c.name for c in COMMANDS if not _HERE & {*c.args})
_FULL = {"codes": frozenset({4}), "cut": True}
_FINE = frozenset({0})
_SCARCE = frozenset({0, 4})

FAULTS = (
    Fault("none", _nothing, _FINE),
    Fault("disk-full", _limit(resource.RLIMIT_FSIZE, 20_000), frozenset({4}), _OUT),
    Fault("disk-full-at-once", _limit(resource.RLIMIT_FSIZE, 0), frozenset({4}), _OUT),
    Fault("disk-full-of-cache", _limit(resource.RLIMIT_FSIZE, 0), _FINE, _RECORDS),
    Fault("short-writes", _nothing, _FINE, preamble=_SHORT),
    Fault("interrupted-calls", _nothing, _FINE, preamble=_INTERRUPTED),
    Fault("stdout-full", _to_device, **_FULL),  # type: ignore[arg-type]
    Fault("stdout-fills-up", _to_small_file, **_FULL),  # type: ignore[arg-type]
    Fault("stdout-fills-up-unbuffered", _to_small_file_at_once, **_FULL),  # type: ignore[arg-type]
    Fault("unbuffered-interrupted", _set(PYTHONUNBUFFERED="1"), _FINE, preamble=_INTERRUPTED),
    Fault("stderr-full", _error_to_device, _FINE, heard=False),
    Fault("stdout-closed", _closed(1), **_FULL),  # type: ignore[arg-type]
    Fault("stderr-closed", _closed(2), _FINE, heard=False),
    Fault("stdin-closed", _closed(0), _FINE),
    Fault("stdin-and-stderr-closed", _closed(0, 2), _FINE, heard=False),
    Fault("all-closed", _closed(0, 1, 2), heard=False, **_FULL),  # type: ignore[arg-type]
    Fault("reader-gone", _no_reader, _FINE, cut=True),
    Fault("ascii", _set(PYTHONIOENCODING="ascii"), _FINE, _LETTERS),
    Fault("latin-1", _set(PYTHONIOENCODING="latin-1"), _FINE, _LETTERS),
    Fault("ascii-csv", _set(PYTHONIOENCODING="ascii"), frozenset({0, 2}), _CSV),
    Fault("c-locale", _set(PYTHONIOENCODING=None, LC_ALL="C", PYTHONUTF8="0",
                           PYTHONCOERCECLOCALE="0"), _FINE, _LETTERS),
    Fault("clock-jumps", _nothing, _FINE, preamble=_CLOCK),
    Fault("descriptors-8", _limit(resource.RLIMIT_NOFILE, 8), _SCARCE),
    Fault("descriptors-16", _limit(resource.RLIMIT_NOFILE, 16), _SCARCE),
    Fault("descriptors-32", _limit(resource.RLIMIT_NOFILE, 32), _SCARCE),
    Fault("descriptors-5", _limit(resource.RLIMIT_NOFILE, 5), _SCARCE, own_death=True),
    Fault("memory-100", _limit(resource.RLIMIT_AS, 100 << 20), _SCARCE, own_death=True),
    Fault("memory-300", _limit(resource.RLIMIT_AS, 300 << 20), _SCARCE, own_death=True),
    Fault("memory-600", _limit(resource.RLIMIT_AS, 600 << 20), _SCARCE, own_death=True),
    Fault("memory-1000", _limit(resource.RLIMIT_AS, 1000 << 20), _SCARCE, own_death=True),
    Fault("no-threads", _no_threads, _SCARCE),
    Fault("no-processes", _nothing, _SCARCE, preamble=NO_PROCESSES),
    Fault("name-refused", _nothing, frozenset({4}), _OUT, preamble=_REPLACE),
    Fault("sync-fails", _nothing, frozenset({4}), _OUT, preamble=_SYNC),
    Fault("stdout-hasty", _hasty_pipe, _FINE),
    Fault("stderr-reader-gone", _error_without_reader, _FINE, heard=False),
    Fault("folder-gone", _nothing, _FINE, _ANYWHERE, preamble=_GONE),
    Fault("narrow", _set(COLUMNS="1", LINES="1"), _FINE),
    Fault("dumb-terminal", _set(TERM="dumb", NO_COLOR="1"), _FINE),
    Fault("optimized", _set(PYTHONOPTIMIZE="2"), _FINE),
    Fault("odd-time-zone", _set(TZ="XXX-167:59:59"), _FINE),
    Fault("temporary-nowhere", _set(TMPDIR="/nonexistent", TEMP=None, TMP=None), _FINE),
    Fault("cache-nowhere", _set(DETENTE_CACHE="/proc/nowhere/detente"), _FINE),
    Fault("cache-is-a-file", _cache_is_file, _FINE),
    Fault("cache-read-only", _cache_is_read_only, _FINE),
    Fault("cache-entry-a-folder", _damaged(Path.mkdir), _FINE, _RECORDS),
    Fault("cache-entry-a-pipe", _damaged(os.mkfifo), _FINE, _RECORDS),
    Fault("cache-entry-cut", _changed(_cut), _FINE, _RECORDS),
    Fault("cache-entry-one-bit", _changed(_turn), _FINE, _RECORDS),
    Fault("cache-entry-of-the-future", _changed(_later), _FINE, _RECORDS),
    Fault("cache-entry-noise", _damaged(lambda p: p.write_bytes(b"\xff\x00{")), _FINE, _RECORDS),
    Fault("cache-entry-other-json", _damaged(lambda p: p.write_text('{"a": [1]}')), _FINE,
          _RECORDS),
    Fault("cache-entry-deep", _damaged(lambda p: p.write_text("[" * 200_000)), _FINE, _RECORDS),
    Fault("cache-entry-a-loop", _damaged(lambda p: p.symlink_to(p.name)), _FINE, _RECORDS),
    Fault("cache-entry-endless", _damaged(lambda p: p.symlink_to("/dev/zero")), _FINE, _RECORDS),
    Fault("nobody", _set(HOME=None, DETENTE_CACHE=None), _FINE, preamble=_NOBODY),
    Fault("home-missing", _set(HOME="/nonexistent/home", DETENTE_CACHE=None), _FINE),
    Fault("home-read-only", _set(HOME="/proc/nowhere", DETENTE_CACHE=None), _FINE),
)  # fmt: skip

WARM = tuple(f.name for f in FAULTS if f.name.startswith("cache-entry"))
"""Faults that need what an earlier command left in the cache."""

"""World files by the hundred: read in one process after another, which may die of them.

A world file from outside is read by a process of its own, which takes most of a second. Here one
process reads many; when it hangs or dies the file is left to the reader that is made for that.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from typing import Any

from fuzz.judge import Broken, described

__all__ = ["read_in_batch"]

SECONDS = 8.0
"""Time for one file, checks included."""

MEMORY_BYTES = 4_000_000_000

_worker: subprocess.Popen[bytes] | None = None


def read_in_batch(data: bytes) -> None:
    """Check a world file in the worker.

    Raises
    ------
    Broken
        The rule does not hold.
    """
    from detente.world.files import LABELS
    from detente.world.hdf5 import Refused, read_apart
    from fuzz.readers import READERS

    said = _ask(data)
    if said is None:  # it hung or died: by design the reader's own process does so, not ours
        try:
            read_apart(data, LABELS, seconds=8)
        except Refused:
            return
        READERS["world"](data)
    if said:
        raise Broken(said)


def _ask(data: bytes) -> str | None:
    global _worker
    if _worker is None or _worker.poll() is not None:
        path = os.pathsep.join(p for p in sys.path if p)
        _worker = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "fuzz.batch"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
            env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        atexit.register(_end, _worker)
        _answer(_worker, b"")  # it is there, with everything imported
    return _answer(_worker, data)


def _end(worker: subprocess.Popen[bytes]) -> None:
    worker.kill()
    worker.wait()


def _answer(worker: subprocess.Popen[bytes], data: bytes) -> str | None:
    assert worker.stdin is not None
    assert worker.stdout is not None
    clock = threading.Timer(SECONDS, worker.kill)
    clock.start()
    try:
        worker.stdin.write(f"{len(data)}\n".encode())
        rest = memoryview(data)
        while rest:
            rest = rest[worker.stdin.write(rest) or 0 :]
        line = worker.stdout.readline()
    except BrokenPipeError:
        line = b""
    finally:
        clock.cancel()
    if line:
        return json.loads(line)
    worker.wait()
    return None


def _main() -> None:
    """Read files from standard input, each after its length; answer each with what is wrong."""
    from detente.world import files, hdf5
    from fuzz.readers import READERS

    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    except (ImportError, OSError, ValueError):
        resource = None

    def inside(data: bytes, labels: frozenset[str], seconds: float = 0) -> Any:
        try:
            return hdf5.read_tables(data, labels)
        except Exception as error:
            raise hdf5.Refused(hdf5.reason(error)) from None

    files.read_apart = inside
    while head := sys.stdin.buffer.readline():
        data, said = sys.stdin.buffer.read(int(head)), ""
        try:
            if data:
                READERS["world"](data)
        except Broken as why:
            said = str(why)
        except Exception as error:
            said = described(error)
        sys.stdout.buffer.write(json.dumps(said).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _main()

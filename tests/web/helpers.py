"""Functions that run in worker processes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any


def double(x: float) -> float:
    return 2 * x


def fail_with(kind: type[Exception], message: str) -> None:
    raise kind(message)


def unpicklable() -> Any:
    return lambda: None


def count(most: int, progress: Callable[[int, int], None]) -> dict[str, int]:
    for n in range(most):
        progress(n + 1, most)
    return {"counted": most}


def crash(progress: Callable[[int, int], None]) -> None:
    import os

    progress(1, 2)
    os._exit(7)


def refuse(progress: Callable[[int, int], None]) -> None:
    raise ValueError("no such luck")


def family(progress: Callable[[int, int], None]) -> None:
    """Start a process, say which, and wait for ever."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    progress(child.pid, 0)
    time.sleep(600)


def mark(path: str) -> None:
    """Say that this ran."""
    with open(path, "a") as said:
        said.write("x")


def nap(seconds: float) -> float:
    time.sleep(seconds)
    return seconds

"""An executor of plain worker processes.

Threads do not help here: a step on a world of usual size is a hundred small numpy calls, each
of which holds the interpreter. ``ProcessPoolExecutor`` re-imports the caller's script, which
must then be guarded by ``if __name__ == "__main__"``. These workers are fresh interpreters that
import only what a task names; they live as long as the process, so that a second call finds
them warm.
"""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import IO, Any, ParamSpec, TypeVar

__all__ = ["Workers", "cores", "workers"]

P = ParamSpec("P")
R = TypeVar("R")

_SERVE = "from detente.study.workers import serve; serve()"


def cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def workers(count: int) -> Workers:
    """The pool of ``count`` processes, started when first used."""
    pool = Workers(count)
    atexit.register(pool.shutdown)
    return pool


class Workers(ThreadPoolExecutor):
    """A ``concurrent.futures`` executor: each thread minds one process and waits for it.

    Tasks and results are pickled; a task is a function that can be imported by name.
    """

    def __init__(self, count: int) -> None:
        self._children: list[_Child] = []
        self._mine = threading.local()
        self._first: tuple[str, Callable[..., Any], tuple[Any, ...]] | None = None
        super().__init__(count, thread_name_prefix="detente-worker")

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Schedule ``fn(*args, **kwargs)`` in one of the processes."""
        return super().submit(self._ask, fn, args, kwargs)

    def first(self, key: str, fn: Callable[..., Any], *args: Any) -> None:
        """Have every process run ``fn(*args)`` once before its next task; ``key`` names it."""
        self._first = (key, fn, args)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes."""
        super().shutdown(wait=wait, cancel_futures=cancel_futures)
        for child in self._children:
            child.end()
        self._children.clear()

    def _ask(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        child: _Child | None = getattr(self._mine, "child", None)
        if child is None or child.process.poll() is not None:
            child = self._mine.child = _Child()
            self._children.append(child)
        if self._first is not None and self._first[0] not in child.told:
            key, before, given = self._first
            child.ask(before, given, {})
            child.told.add(key)
        return child.ask(fn, args, kwargs)


class _Child:
    """One worker process, its pipes, and what it was told first."""

    def __init__(self) -> None:
        self.told: set[str] = set()
        path = os.pathsep.join(p for p in sys.path if p)
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.tasks, self.results = self.process.stdin, self.process.stdout

    def ask(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        try:
            _send(self.tasks, (fn, args, kwargs))
            ended, result = pickle.load(self.results)
        except (EOFError, BrokenPipeError) as error:
            raise RuntimeError(
                f"a worker process ended with code {self.process.wait()} in the middle of a task; "
                "it may have run out of memory: use fewer workers"
            ) from error
        if ended == "raised":
            raise result
        return result

    def end(self) -> None:
        self.tasks.close()
        self.process.wait()
        self.results.close()


def _send(pipe: IO[bytes], message: Any) -> None:
    pickle.dump(message, pipe, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.flush()


def serve() -> None:
    """The worker's side: run tasks from standard input until it closes."""
    tasks, results = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a task prints goes to standard error, not between the results
    while True:
        try:
            fn, args, kwargs = pickle.load(tasks)
        except (EOFError, KeyboardInterrupt):
            return
        try:
            message = ("returned", fn(*args, **kwargs))
        except Exception as error:
            message = ("raised", error)
        _send(results, message)

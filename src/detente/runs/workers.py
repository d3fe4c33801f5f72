"""An executor of plain worker processes.

Threads do not help here: a step on a world of usual size is a hundred small numpy calls, each
of which holds the interpreter. ``ProcessPoolExecutor`` re-imports the caller's script, which
must then be guarded by ``if __name__ == "__main__"``. These workers are fresh interpreters that
import only what a task names; they live as long as the process, so that a second call finds
them warm.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import cache
from typing import IO, Any, ParamSpec, TypeVar
from weakref import WeakSet

from detente.errors import WorkerError

__all__ = ["Workers", "cores", "kill_all", "let_go", "workers"]

P = ParamSpec("P")
R = TypeVar("R")

_SERVE = """
import os, sys
if sys.platform.startswith("linux"):
    import contextlib, ctypes
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
    if os.getppid() != {parent}:
        os._exit(0)
try:
    from detente.runs.workers import serve
except BaseException:
    if os.environ.get("DETENTE_DEBUG"):
        raise
    os._exit(1)
serve()
"""
"""What a worker runs. First of all, before it loads anything, it has the system end it when its
parent is killed (on Linux; elsewhere it notices after its task), or ends where that has happened
by now. That it cannot load what it needs is for the parent to say."""


_pools: WeakSet[Workers] = WeakSet()


def kill_all() -> None:
    """Kill every worker process of every pool; for a process that ends at once."""
    for pool in list(_pools):
        pool.interrupt()


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


@contextlib.contextmanager
def let_go(executor: Executor, futures: Sequence[Future[Any]]) -> Iterator[None]:
    """Where the block is left by an error or by Ctrl-C, what it waited for is not gone on with."""
    try:
        yield
    except BaseException:
        for future in futures:
            future.cancel()
        if isinstance(executor, Workers):
            executor.interrupt()
        raise


class Workers(ThreadPoolExecutor):
    """A ``concurrent.futures`` executor: each thread minds one process and waits for it.

    Tasks and results are pickled; a task is a function that can be imported by name.
    """

    def __init__(self, count: int) -> None:
        self._children: list[_Child] = []
        self._mine = threading.local()
        self._first: tuple[str, Callable[..., Any], tuple[Any, ...]] | None = None
        super().__init__(count, thread_name_prefix="detente-worker")
        _pools.add(self)

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Schedule ``fn(*args, **kwargs)`` in one of the processes."""
        return super().submit(self._ask, fn, args, kwargs)

    def first(self, key: str, fn: Callable[..., Any], *args: Any) -> None:
        """Have every process run ``fn(*args)`` before its next task, unless ``key`` is what it was
        told last: what it keeps of earlier ones has a bound."""
        self._first = (key, fn, args)

    def interrupt(self) -> None:
        """Kill the processes in the middle of their work; later tasks get new ones.

        For a caller that stops waiting: the threads that mind them would go on, and so keep the
        interpreter from ending.
        """
        for child in list(self._children):
            child.kill()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes."""
        super().shutdown(wait=wait, cancel_futures=cancel_futures)
        for child in self._children:
            child.end()
        self._children.clear()

    def _ask(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        child: _Child | None = getattr(self._mine, "child", None)
        if child is None or child.killed or child.process.poll() is not None:
            if child is not None:
                child.end()
                self._children.remove(child)
            child = self._mine.child = _Child()
            self._children.append(child)
        if self._first is not None and self._first[0] != child.told:
            key, before, given = self._first
            child.ask(before, given, {})
            child.told = key
        return child.ask(fn, args, kwargs)


class _Child:
    """One worker process, its pipes, and what it was told first."""

    def __init__(self) -> None:
        self.told: str | None = None
        self.killed = False
        path = os.pathsep.join(p for p in sys.path if p)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _SERVE.format(parent=os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": path},
                start_new_session=True,  # Ctrl-C is for the parent, which ends its workers
            )
        except OSError as error:
            raise WorkerError(
                f"a worker process cannot be started ({error.strerror}); free what is lacking, or "
                "use fewer workers"
            ) from error
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.tasks, self.results = self.process.stdin, self.process.stdout

    def ask(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        try:
            _send(self.tasks, (fn, args, kwargs))
            ended, result = pickle.load(self.results)
        except (EOFError, OSError, ValueError, pickle.UnpicklingError) as error:
            self.kill()
            raise WorkerError(
                f"a worker process ended with code {self.process.wait()} in the middle of a task; "
                "it may have run out of memory: use fewer workers"
            ) from error
        if ended == "raised":
            raise result
        return result

    def kill(self) -> None:
        self.killed = True  # the system may take a moment
        with contextlib.suppress(OSError):
            self.process.kill()

    def end(self) -> None:
        with contextlib.suppress(OSError):  # what was not sent to a dead process stays here
            self.tasks.close()
        self.process.wait()
        self.results.close()


def _send(pipe: IO[bytes], message: Any) -> None:
    pickle.dump(message, pipe, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.flush()


def serve() -> None:
    """The worker's side: run tasks from standard input until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    tasks, results = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a task prints goes to standard error, not between the results
    while True:
        lost = False
        try:
            fn, args, kwargs = pickle.load(tasks)
        except EOFError:
            return
        except Exception as error:  # a library that could not be loaded, for one
            message, lost = ("raised", error), True
        else:
            message = _done(fn, args, kwargs)
        try:
            data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        except Exception as error:  # pickling fails in as many ways as there are classes
            kind = type(message[1]).__name__
            said = RuntimeError(f"{kind} cannot travel between processes ({error})")
            data = pickle.dumps(("raised", said))
        try:
            results.write(data)
            results.flush()
        except OSError:  # nobody listens any more
            os._exit(0)
        if lost:  # somewhere in the middle of a task, with no way to find the next
            os._exit(1)


def _done(fn: Callable[..., Any], args: Any, kwargs: Any) -> tuple[str, Any]:
    try:
        return "returned", fn(*args, **kwargs)
    except Exception as error:
        return "raised", error

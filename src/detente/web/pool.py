"""A bounded pool of worker processes: solving happens there, never in the process that answers.

A call that takes too long loses its worker, a call that brings its worker down fails alone; the
next call gets a fresh one. On Linux workers are forked from a process that has loaded the world
and the ledger, so that a fresh one is ready within a fraction of a second.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from detente.runs.workers import cores
from detente.web.failures import BusyError, CrashedError
from detente.web.parent import end_with_parent

__all__ = ["Pool", "context", "ready"]

log = logging.getLogger("detente.web")

R = TypeVar("R")

WAITING = 64
"""Calls that may wait for a worker; beyond it a call is refused at once."""

SECONDS = 20.0
"""Time a call may take, waiting included."""

GRACE = 1.0
"""Seconds a call under way may still take once nobody waits for it: a fresh worker has to load
again what this one holds, and most calls are shorter."""

LOOK = 0.1
"""Seconds between two looks at whether a call is still wanted."""


def context() -> Any:
    """How processes are started: forked from a warm one on Linux, fresh ones elsewhere."""
    if not sys.platform.startswith("linux"):
        return multiprocessing.get_context("spawn")
    forked = multiprocessing.get_context("forkserver")
    forked.set_forkserver_preload(["detente.web.warm"])
    return forked


def ready() -> None:
    """Start the process that workers are forked from; it loads while others do something else."""
    if sys.platform.startswith("linux"):
        context()
        forkserver.ensure_running()


class Pool:
    """Worker processes behind a bounded queue.

    Parameters
    ----------
    size : number of processes; by default one a core
    waiting : calls that may wait for a worker
    seconds : time a call may take, waiting included
    """

    def __init__(
        self, size: int | None = None, waiting: int = WAITING, seconds: float = SECONDS
    ) -> None:
        self.size = size or cores()
        self.waiting, self.seconds = waiting, seconds
        self._threads = ThreadPoolExecutor(self.size, thread_name_prefix="detente-pool")
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._children: set[_Child] = set()
        self._open_calls = 0
        self._closed = False
        ready()

    @property
    def working(self) -> int:
        """Worker processes that are there and take calls."""
        with self._lock:
            children = list(self._children)
        return sum(child.here() for child in children)

    async def call(self, function: Callable[..., R], *args: Any, seconds: float | None = None) -> R:
        """``function(*args)`` in a worker; both must be picklable, the function by its name.

        Raises
        ------
        BusyError
            Too many calls wait already, the time was up, or no worker can be started.
        CrashedError
            The worker ended in the middle of the call.
        Exception
            What the function raised.
        """
        call = _Call(function, args, time.monotonic() + (seconds or self.seconds))
        future = self._submit(call)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            call.cancel()
            raise

    def _submit(self, call: _Call) -> Future[Any]:
        with self._lock:
            if self._closed:
                raise BusyError("the server is closing")
            if self._open_calls >= self.size + self.waiting:
                raise BusyError("the server is busy; try again in a moment")
            self._open_calls += 1
        future = self._threads.submit(self._run, call)
        future.add_done_callback(self._done)
        return future

    def _done(self, _future: Future[Any]) -> None:
        with self._lock:
            self._open_calls -= 1

    def _run(self, call: _Call) -> Any:
        """In a thread: give the call to the process this thread minds."""
        if time.monotonic() >= call.deadline:
            raise BusyError("the server is busy; try again in a moment")
        child: _Child | None = getattr(self._mine, "child", None)
        if child is None or not child.alive:
            if child is not None:
                with self._lock:
                    self._children.discard(child)
            start = time.monotonic()
            try:
                child = self._mine.child = _Child()
            except (OSError, EOFError) as error:
                self._mine.child = None  # the next call tries again
                log.warning("a worker cannot be started: %s", error)
                raise BusyError("the server cannot start a worker; try again later", 5) from None
            call.deadline += time.monotonic() - start  # the first one waits for what is loading
            with self._lock:
                self._children.add(child)
                if self._closed:
                    child.kill()
        return child.ask(call)

    def close(self) -> None:
        """End every worker; calls under way fail."""
        with self._lock:
            self._closed = True
            children = list(self._children)
        for child in children:
            child.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for child in self._children:
            child.kill()


class _Call:
    """A function, its arguments, and until when somebody waits for it."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], deadline: float):
        self.message = pickle.dumps((function, args), pickle.HIGHEST_PROTOCOL)
        self.deadline = deadline
        self._lock = threading.Lock()
        self._cancelled = False

    def begin(self) -> None:
        with self._lock:
            if self._cancelled:
                raise BusyError("cancelled")

    def left(self) -> float:
        """Seconds until its time is up."""
        return max(self.deadline - time.monotonic(), 0.0)

    def cancel(self) -> None:
        """Nobody waits any more: it is not begun, or may take a moment to come to its end."""
        with self._lock:
            self._cancelled = True
            self.deadline = min(self.deadline, time.monotonic() + GRACE)


class _Child:
    """One worker process and the pipe to it."""

    def __init__(self) -> None:
        ctx = context()
        self.pipe, theirs = ctx.Pipe()
        self.process = ctx.Process(target=_serve, args=(theirs,), daemon=True)
        try:
            self.process.start()
        except BaseException:
            self.pipe.close()
            raise
        finally:
            theirs.close()
        self.alive = True

    def here(self) -> bool:
        return self.alive and self.process.is_alive()

    def ask(self, call: _Call) -> Any:
        call.begin()
        try:
            self.pipe.send_bytes(call.message)
            while not self.pipe.poll(min(call.left(), LOOK)):
                if not call.left():
                    self.kill()
                    raise BusyError("this took too long and was stopped; ask for less", 10)
            raised, result = pickle.loads(self.pipe.recv_bytes())
        except (EOFError, OSError):
            self.kill()
            raise CrashedError(
                "the process that worked on this ended; nothing else is affected, try again", 1
            ) from None
        if raised:
            raise result
        return result

    def kill(self) -> None:
        self.alive = False
        self.process.kill()
        self.process.join(5)


def _serve(pipe: Connection) -> None:
    """The worker's side: answer calls until the pipe closes."""
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends its workers itself
    while True:
        try:
            function, args = pickle.loads(pipe.recv_bytes())
        except EOFError:
            return
        try:
            answer = (False, function(*args))
        except Exception as error:
            error.add_note(traceback.format_exc())
            answer = (True, error)
        try:
            message = pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
            pickle.loads(message)
        except Exception:
            said = RuntimeError(f"{type(answer[1]).__name__} cannot travel between processes")
            message = pickle.dumps((True, said))
        pipe.send_bytes(message)

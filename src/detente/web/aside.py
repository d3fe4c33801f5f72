"""Milliseconds of work beside the event loop: a few threads, a bounded queue, a time limit.

The event loop answers everybody; whatever would hold it for longer than a moment (a page filled in,
a large table made JSON) is done here, and what computes is done in workers (``pool``).
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from detente.web.failures import BusyError

__all__ = ["Aside"]

P = ParamSpec("P")
R = TypeVar("R")

THREADS = 3
"""They share one interpreter with the event loop: more of them would only be in its way."""

WAITING = 64
"""Calls that may wait for a thread; beyond it a call is refused at once."""

SECONDS = 10.0
"""Time a call may take, waiting included."""


class Aside:
    """Threads for what a page needs; ``await aside.call(function, *args)``."""

    def __init__(
        self, threads: int = THREADS, waiting: int = WAITING, seconds: float = SECONDS
    ) -> None:
        self.most, self.seconds = threads + waiting, seconds
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="detente-aside")
        self._lock = threading.Lock()
        self._open = 0

    async def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """``function(*args, **kwargs)`` in a thread.

        Raises
        ------
        BusyError
            Too many calls wait already, no thread can be started, or the time was up. A thread
            cannot be stopped: what it does comes to its end, and nobody is told.
        Exception
            What the function raised.
        """
        with self._lock:
            if self._open >= self.most:
                raise BusyError("the server is busy; try again in a moment")
            self._open += 1
        try:
            future: Future[Any] = self._threads.submit(functools.partial(function, *args, **kwargs))
        except RuntimeError:  # closed, or no thread is to be had
            with self._lock:
                self._open -= 1
            raise BusyError("the server is busy or closing; try again in a moment") from None
        future.add_done_callback(self._done)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self.seconds)
        except TimeoutError:
            if future.done() and not future.cancelled():
                raise  # the function's own
            raise BusyError("this took too long and was given up; ask for less", 10) from None

    def _done(self, _future: Future[Any]) -> None:
        with self._lock:
            self._open -= 1

    def close(self) -> None:
        """Take no more calls."""
        self._threads.shutdown(wait=False, cancel_futures=True)

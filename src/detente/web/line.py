"""A connection: uvicorn's, with a limit on the time that each of its phases may take."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["Limits", "Line", "Phase", "plain_answer"]


@dataclass(frozen=True)
class Limits:
    """Seconds that a connection may take, and the bytes a second of a body that is not slow."""

    head: float = 10.0
    body: float = 20.0
    body_rate: float = 1000.0
    body_grace: float = 3.0
    idle: float = 20.0
    stalled: float = 20.0
    taking: float = 60.0


class Phase(IntEnum):
    """What a connection is doing, in the order in which it is given up for others."""

    HEAD = 0  # the request's first lines have not come, or not all of them
    IDLE = 1  # answered, and kept for another request
    BODY = 2  # the body of the request is on its way
    WORK = 3  # the answer is being made or sent


def plain_answer(status: str, words: str, retry_after: int | None = None) -> bytes:
    """A short answer as it goes over the wire, for those who are not let in any further."""
    body = words.encode()
    again = f"Retry-After: {retry_after}\r\n" if retry_after else ""
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n{again}"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


class Line(H11Protocol):
    """A connection that knows since when it has been doing what.

    ``gone`` is called once it has ended. Somebody calls ``overdue`` now and then, and ``end`` where
    it says so.
    """

    gone: Callable[[Line], None] | None = None
    address = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._phase, self._since = Phase.HEAD, time.monotonic()
        self._fed, self._got = False, 0
        self._left, self._left_since, self._moved = 0, 0.0, 0.0

    @property
    def phase(self) -> Phase:
        """What it is doing."""
        if self.conn.their_state is h11.SEND_BODY:
            return Phase.BODY
        if self.cycle is not None and not self.cycle.response_complete:
            return Phase.WORK
        return Phase.HEAD if self._fed or self.cycle is None else Phase.IDLE

    @property
    def age(self) -> float:
        """Seconds it has been doing that."""
        return time.monotonic() - self._since

    # --- what happens to it ---------------------------------------------------------------------
    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        super().connection_lost(exc)
        if self.gone is not None:
            self.gone(self)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        self._fed = True
        self._got += len(data)
        self._mark()
        super().data_received(data)
        self._mark()

    def on_response_complete(self) -> None:
        """An answer has been written."""
        self._fed = False
        super().on_response_complete()
        self._mark()

    def _mark(self) -> None:
        phase = self.phase
        if phase is not self._phase:
            self._phase, self._since, self._got = phase, time.monotonic(), 0

    # --- what is done about it ------------------------------------------------------------------
    def overdue(self, limits: Limits) -> str:
        """Why its time is up: "head", "body", "idle" or "stalled"; "" where it is not."""
        transport: asyncio.Transport | None = self.transport
        if transport is None:
            return ""
        if self._stalled(transport.get_write_buffer_size(), limits):
            return "stalled"
        if transport.is_closing():
            return ""
        self._mark()
        age = self.age
        if self._phase is Phase.BODY:
            slow = self._got < limits.body_rate * (age - limits.body_grace)
            return "body" if slow or age > limits.body else ""
        if self._phase is Phase.WORK:
            return ""
        limit = limits.head if self._phase is Phase.HEAD else limits.idle
        return self._phase.name.lower() if age > limit else ""

    def _stalled(self, left: int, limits: Limits) -> bool:
        """Whether the other side takes its answer too slowly, or not at all."""
        now = time.monotonic()
        if not left:
            self._left = 0
            return False
        if not self._left:
            self._left_since = self._moved = now
        elif left < self._left:
            self._moved = now
        self._left = left
        return now - self._moved > limits.stalled or now - self._left_since > limits.taking

    def end(self, why: str) -> None:
        """Hang up: with a word where a request was begun and nothing was answered yet."""
        transport: asyncio.Transport | None = self.transport
        if transport is None:
            return
        if why == "stalled" or transport.is_closing():
            transport.abort()
            return
        unanswered = self.cycle is None or not self.cycle.response_started
        if unanswered and self.phase is not Phase.IDLE:
            if why == "room":
                words = "the server has too many connections; try again in a moment\n"
                transport.write(plain_answer("503 Service Unavailable", words, 2))
            elif self._fed:
                words = "the request took too long to arrive\n"
                transport.write(plain_answer("408 Request Timeout", words))
        transport.close()

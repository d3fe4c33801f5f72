"""The door: takes connections in, as many as there is room for, and shows the slow ones out.

A page that many look at is not shut by somebody who opens connections and says nothing: where the
room is taken, the oldest connection that has not sent its request makes place for the next one.
Only where all of them are at work is a new one told to come back.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
from collections import Counter, OrderedDict
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

from detente.web.line import Limits, Line, Phase, plain_answer
from detente.web.throttle import neighbourhood

__all__ = ["Door", "Room"]

log = logging.getLogger("detente.web")

EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""What accepting fails with where descriptors or memory are used up."""

PAUSE = 0.5
"""Seconds without accepting after that."""

LOOK = 0.5
"""Seconds between two looks at what is overdue."""

BATCH = 16
"""Connections taken in before others get their turn."""

PARTING = 32
"""Refused connections held open for a moment, so that the answer reaches them."""


@dataclass(frozen=True)
class Room:
    """Connections at a time: in all, of one address, of this machine (behind a proxy that runs on
    it, everybody comes from here)."""

    total: int = 512
    address: int = 64
    local: int = 480
    limits: Limits = field(default_factory=Limits)

    def of(self, address: str) -> int:
        """The most connections of an address."""
        here = address == "::1" or address.startswith("127.")
        return min(self.total, self.local if here else self.address)


class Door:
    """Accepts on a socket, and keeps account of who is in.

    ``make`` gives a fresh protocol for a connection.
    """

    def __init__(self, room: Room, make: Callable[[], Line]) -> None:
        self.room, self._make = room, make
        self._lines: OrderedDict[Line, None] = OrderedDict()
        self._by_address: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._parting = 0

    def __len__(self) -> int:
        return len(self._lines)

    def open(self, sock: socket.socket) -> None:
        """Begin to accept."""
        sock.setblocking(False)
        self._start(self._accept(sock))
        self._start(self._watch())

    def close(self) -> None:
        """Take nobody in any more; those who have not sent their request go."""
        for task in self._tasks:
            task.cancel()
        for line in list(self._lines):
            if line.transport is not None and line.phase is not Phase.WORK:
                line.transport.abort()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- in -------------------------------------------------------------------------------------
    async def _accept(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        taken = 0
        while True:
            try:
                conn, peer = await loop.sock_accept(sock)
            except OSError as error:
                if error.errno in EXHAUSTED:
                    # not tried at once again: the socket stays ready and nothing gets better
                    log.warning("no connection can be taken in: %s", error.strerror)
                    self._make_room(self._lines)
                    await asyncio.sleep(PAUSE)
                continue
            self._take(conn, neighbourhood(str(peer[0])))
            taken += 1
            if taken % BATCH == 0:
                await asyncio.sleep(0)

    def _take(self, conn: socket.socket, address: str) -> None:
        room = self.room
        if self._by_address[address] >= room.of(address):
            own = [line for line in self._lines if line.address == address]
            fits = self._make_room(own)
        else:
            fits = len(self._lines) < room.total or self._make_room(self._lines)
        if not fits:
            log.warning("a connection was refused: %d are open", len(self._lines))
            self._refuse(conn)
            return
        line = self._make()
        line.address, line.gone = address, self._left
        self._lines[line] = None
        self._by_address[address] += 1
        self._start(self._connect(conn, line))

    async def _connect(self, conn: socket.socket, line: Line) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: line, conn)
        except (OSError, asyncio.CancelledError):
            conn.close()  # it has hung up already, or the door closes
            self._left(line)

    # --- out ------------------------------------------------------------------------------------
    def _left(self, line: Line) -> None:
        if line in self._lines:
            del self._lines[line]
            self._by_address[line.address] -= 1
            if not self._by_address[line.address]:
                del self._by_address[line.address]

    def _make_room(self, among: Iterable[Line]) -> bool:
        """End the connection that is missed least, the oldest of its kind; whether there is one."""
        found: Line | None = None
        for line in among:  # in the order they came
            if line.transport is None:
                continue
            phase = line.phase
            if phase is Phase.WORK:
                continue
            if found is None or phase < found.phase:
                found = line
                if phase is Phase.HEAD:
                    break
        if found is None:
            return False
        found.end("room")
        self._left(found)
        return True

    async def _watch(self) -> None:
        limits = self.room.limits
        while True:
            await asyncio.sleep(LOOK)
            for line in list(self._lines):
                why = line.overdue(limits)
                if why:
                    line.end(why)

    def _refuse(self, conn: socket.socket) -> None:
        words = "the server has as many connections as it takes; try again in a moment\n"
        with contextlib.suppress(OSError):
            conn.setblocking(False)
            conn.send(plain_answer("503 Service Unavailable", words, 2))
            conn.shutdown(socket.SHUT_WR)
        if self._parting >= PARTING:
            conn.close()
            return
        self._parting += 1
        self._start(self._part(conn))

    async def _part(self, conn: socket.socket) -> None:
        """Read what was sent for a moment: closing a socket with bytes unread takes back what was
        written to it."""
        try:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    while await asyncio.get_running_loop().sock_recv(conn, 65536):
                        pass
        finally:
            conn.close()
            self._parting -= 1

"""The server process: uvicorn behind a door of its own, its descriptors, its log, its end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import cast

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from detente.errors import InputError
from detente.web import quiet
from detente.web.door import Door, Room
from detente.web.line import Line
from detente.web.stop import Stop

__all__ = ["descriptors", "room_for", "run"]

WANTED = 8192
"""Descriptors asked for, where the system's limit allows it."""

SPARE = 96
"""Descriptors kept for files, the log, jobs and whatever libraries open."""

EACH = 4
"""Descriptors that a worker takes."""

LEAST = 16
"""Connections below which serving makes no sense."""


# --- descriptors --------------------------------------------------------------------------------
def descriptors() -> int:
    """Descriptors this process may have; the soft limit is raised as far as makes sense."""
    try:
        import resource
    except ImportError:  # no such limit on this system
        return WANTED
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    most = WANTED if hard == unlimited else min(WANTED, hard)
    if soft != unlimited and soft < most:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    return WANTED if soft == unlimited else soft


def room_for(total: int, address: int, files: int, workers: int) -> Room:
    """Connections that may be open at a time, fewer where descriptors are short.

    Raises
    ------
    InputError
        There are too few descriptors to serve anybody.
    """
    free = files - SPARE - EACH * workers
    if free < LEAST:
        raise InputError(
            f"serve: this process may have {files} descriptors, which leaves {max(free, 0)} for "
            f"connections; raise the limit (ulimit -n {SPARE + EACH * workers + 512})"
        )
    total = min(total, free)
    return Room(total, min(address, total), total - total // 16)


# --- serving ------------------------------------------------------------------------------------
class _Server(uvicorn.Server):
    """uvicorn without its own sockets and signals."""

    def __init__(self, config: uvicorn.Config, sock: socket.socket, room: Room, stop: Stop) -> None:
        super().__init__(config)
        self.sock, self.stop = sock, stop
        self.door = Door(room, self._line)

    def _line(self) -> Line:
        made = self.config.http_protocol_class(  # as uvicorn does
            config=self.config,  # type: ignore[call-arg]
            server_state=self.server_state,  # type: ignore[call-arg]
            app_state=self.lifespan.state,  # type: ignore[call-arg]
        )
        return cast(Line, made)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin; the door takes connections in."""
        await super().startup(sockets=[])
        if self.started and not self.should_exit:
            self.door.open(self.sock)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End; those who have not asked yet are not waited for."""
        self.door.close()
        self.sock.close()
        await super().shutdown(sockets=[])
        if self.force_exit:  # not waited for, but workers and jobs end all the same
            await self.lifespan.shutdown()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals end the server; none is raised again once it has ended."""

        def told(count: int) -> None:
            self.should_exit = True
            self.force_exit = self.force_exit or count > 1

        with self.stop.tell(told):
            yield


class _Settled:
    """Around the application: what it raises has been answered and logged by it already."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except asyncio.CancelledError:
            if scope["type"] != "http" or begun:
                raise
            with contextlib.suppress(Exception):
                await _closing(send)
        except Exception:
            if scope["type"] != "http" or not begun:
                raise


async def _closing(send: Send) -> None:
    body = b"the server is closing\n"
    head = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close"),
            (b"content-length", str(len(body)).encode()), (b"retry-after", b"5")]  # fmt: skip
    await send({"type": "http.response.start", "status": 503, "headers": head})
    await send({"type": "http.response.body", "body": body})


def run(app: ASGIApp, sock: socket.socket, room: Room, stop: Stop) -> None:
    """Serve ``app`` on a listening socket until a signal ends it."""
    folded = quiet.set_up()
    config = uvicorn.Config(
        _Settled(app), http=Line, ws="none", lifespan="on", log_config=None, access_log=False,
        server_header=False, timeout_keep_alive=int(room.limits.idle),
        h11_max_incomplete_event_size=96_000, timeout_graceful_shutdown=1,
    )  # fmt: skip
    try:
        _Server(config, sock, room, stop).run(sockets=[])
    finally:
        folded.close()

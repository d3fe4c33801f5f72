"""Connections that say nothing, half of something, or too much, against a real server: the others
are answered all the while."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn
from uvicorn.server import ServerState

from detente.errors import InputError
from detente.web.door import Door, Room
from detente.web.line import Limits, Line, Phase
from detente.web.quiet import Folded
from detente.web.server import room_for
from web.conftest import start_server, stop_server
from web.sockets import HALF_BODY, HALF_HEAD, dial, ended, rest, wait_for

pytestmark = pytest.mark.skipif(
    not hasattr(socket, "AF_UNIX"), reason="connections of this system cannot be told apart"
)

LOADS = 1.5
"""Seconds an answer may take while others misbehave."""


@pytest.fixture(scope="module")
def small() -> Iterator[tuple[subprocess.Popen, str]]:
    """A server with room for forty connections and few descriptors."""
    process, url = start_server("--workers", "1", "--connections", "40", descriptors=200)
    assert httpx.get(f"{url}/api/timeline?date=2025-04-10", timeout=90).status_code == 200
    yield process, url
    stop_server(process)


def quick(url: str, path: str = "/static/site.css") -> None:
    """A fresh connection is answered, soon."""
    start = time.monotonic()
    assert httpx.get(f"{url}{path}", timeout=10).status_code == 200
    assert time.monotonic() - start < LOADS


@pytest.mark.parametrize("said", [b"", HALF_HEAD, HALF_BODY], ids=["nothing", "head", "body"])
def test_many_that_are_slow_shut_nobody_out(small: tuple[subprocess.Popen, str], said: bytes):
    _process, url = small
    slow = [dial(url, said) for _ in range(150)]
    try:
        for _ in range(3):
            quick(url)
        quick(url, "/api/timeline?date=2025-04-10")
        # there was room for forty: the oldest made place for the others
        wait_for(lambda: ended(slow) >= 110)
    finally:
        for sock in slow:
            sock.close()
    quick(url, "/readyz")


def test_the_slow_are_hung_up_on_and_told(small: tuple[subprocess.Popen, str]) -> None:
    _process, url = small
    limits, start = Limits(), time.monotonic()
    silent, head, body, drip = (
        dial(url), dial(url, HALF_HEAD), dial(url, HALF_BODY), dial(url, HALF_HEAD),
    )  # fmt: skip
    assert rest(body).startswith(b"HTTP/1.1 408 ")  # less than a thousand bytes a second
    assert time.monotonic() - start < limits.body_grace + 3
    with drip, contextlib.suppress(ConnectionError):  # bytes that trickle in win no time
        drip.settimeout(0.25)
        while time.monotonic() - start < 30:
            drip.sendall(b"x")
            with contextlib.suppress(TimeoutError):
                if drip.recv(1000):
                    break
    assert limits.head - 1 < time.monotonic() - start < limits.head + 3
    assert rest(silent) == b""
    assert rest(head).startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - start < limits.head + 4


def test_what_was_answered_is_kept_for_a_while_only() -> None:
    async def ask() -> None:
        limits = Limits(head=5, idle=0.3)
        with listening() as sock:
            door = Door(Room(5, 5, 5, limits), plain_line)
            door.open(sock)
            asked = await asyncio.to_thread(
                dial, address(sock), b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            )
            start = time.monotonic()
            assert (await asyncio.to_thread(rest, asked)).endswith(b"\r\n\r\nhello")
            assert time.monotonic() - start < 3
            await asyncio.to_thread(wait_for, lambda: len(door) == 0)
            door.close()

    asyncio.run(ask())


def test_a_body_that_comes_at_a_fair_pace_is_waited_for(
    small: tuple[subprocess.Popen, str],
) -> None:
    _process, url = small
    body = b'{"title": "' + b"x" * 30_000 + b'"}'
    head = HALF_BODY.replace(b"1000", str(len(body)).encode())[:-1]
    with dial(url, head) as sock:
        for n in range(0, len(body), 3000):
            sock.sendall(body[n : n + 3000])
            time.sleep(0.5)  # six thousand bytes a second, for longer than the grace
        sock.settimeout(20)
        assert sock.recv(1000).startswith(b"HTTP/1.1 422 ")


def test_where_all_are_at_work_a_new_one_is_told_to_come_back() -> None:
    async def ask() -> None:
        with listening() as sock:
            door = Door(Room(2, 2, 2), busy_line)
            door.open(sock)
            url = address(sock)
            held = [await asyncio.to_thread(dial, url, b"x") for _ in range(2)]
            await asyncio.to_thread(wait_for, lambda: len(door) == 2)
            refused = await asyncio.to_thread(dial, url, b"GET / HTTP/1.1\r\n\r\n")
            answer = await asyncio.to_thread(rest, refused)
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"Retry-After: 2\r\n" in answer
            assert ended(held) == 0
            door.close()
            for one in held:
                one.close()
            await asyncio.to_thread(wait_for, lambda: len(door) == 0)

    asyncio.run(ask())


def test_an_address_has_its_own_share() -> None:
    room = Room(total=100, address=10, local=90)
    assert room.of("127.0.0.1") == room.of("::1") == room.of("127.1.2.3") == 90
    assert room.of("192.0.2.7") == room.of("2001:db8::/64") == 10


def test_running_out_of_descriptors_is_said_once_and_waited_out(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    async def full(self: object, sock: socket.socket) -> tuple[socket.socket, object]:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise OSError(errno.EMFILE, "Too many open files")
        return await accept(self, sock)

    async def ask() -> None:
        with listening() as sock:
            door = Door(Room(5, 5, 5), busy_line)
            door.open(sock)
            dial(address(sock)).close()
            for _ in range(300):
                if tries > 3:
                    break
                await asyncio.sleep(0.02)
            await asyncio.to_thread(wait_for, lambda: len(door) == 0)
            door.close()

    accept = asyncio.SelectorEventLoop.sock_accept
    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_accept", full)
    with caplog.at_level(logging.WARNING):
        start = time.monotonic()
        asyncio.run(ask())
    assert time.monotonic() - start >= 1.0  # twice half a second, and no loop in between
    assert [r.message for r in caplog.records] == 2 * [
        "no connection can be taken in: Too many open files"
    ]


def test_with_few_descriptors_there_are_fewer_connections() -> None:
    assert room_for(512, 64, 8192, 2).total == 512
    short = room_for(512, 64, 256, 2)
    assert 64 <= short.total < 256 - 96
    assert short.local < short.total
    with pytest.raises(InputError, match="ulimit -n"):
        room_for(512, 64, 64, 2)


def test_what_repeats_in_the_log_is_counted() -> None:
    lines: list[str] = []

    class Written(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    folded = Folded(Written(), free=3, span=0.05)
    log = logging.Logger("somewhere")
    log.addHandler(folded)
    for n in range(1000):
        log.error(f"socket.accept() out of system resource\nsocket: <socket fd={n} at 0x{n:x}>")
    log.error("something else")
    assert len(lines) == 4
    time.sleep(0.06)
    log.error("something else")
    assert lines[4] == "and 997 more like this in the last 1 s: " + (
        "socket.accept() out of system resource"
    )
    assert len(lines) == 6
    folded.close()
    assert len(lines) == 6


def test_a_reader_that_takes_nothing_is_dropped() -> None:
    loop = asyncio.new_event_loop()
    line = plain_line(loop=loop)
    loop.close()
    line.transport = Full()  # type: ignore[assignment]
    limits = Limits(stalled=0.05)
    assert line.overdue(limits) == ""
    time.sleep(0.06)
    assert line.overdue(limits) == "stalled"
    line.end("stalled")
    assert line.transport.aborted  # type: ignore[attr-defined]


# --- pieces ---------------------------------------------------------------------------------------
class Full:
    """A transport whose other side reads nothing."""

    aborted = False

    def get_write_buffer_size(self) -> int:
        return 70_000

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        self.aborted = True


class Busy(Line):
    """A connection that is at work, whatever was sent on it."""

    @property
    def phase(self) -> Phase:
        return Phase.WORK

    def data_received(self, data: bytes) -> None:
        pass


async def hello(scope: object, receive: object, send: Any) -> None:
    head = [(b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": b"hello"})


def plain_line(kind: type[Line] = Line, loop: asyncio.AbstractEventLoop | None = None) -> Line:
    config = uvicorn.Config(hello, http=kind, ws="none", log_config=None)  # type: ignore[arg-type]
    return kind(config, ServerState(), {}, loop)


def busy_line() -> Line:
    return plain_line(Busy)


@contextlib.contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(16)
        yield sock


def address(sock: socket.socket) -> str:
    return f"http://127.0.0.1:{sock.getsockname()[1]}"

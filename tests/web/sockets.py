"""Raw connections to a server, and processes as /proc shows them."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HALF_HEAD = b"GET /about HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
HALF_BODY = (
    b"POST /api/simulate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: 1000\r\n\r\n{"
)


def dial(url: str, data: bytes = b"") -> socket.socket:
    """A connection on which ``data`` was sent, and nothing read."""
    host, port = url.removeprefix("http://").split(":")
    made = socket.create_connection((host, int(port)), timeout=20)
    if data:
        made.sendall(data)
    return made


def rest(sock: socket.socket, seconds: float = 20.0) -> bytes:
    """All that the server sends until it hangs up."""
    found = b""
    with sock:
        sock.settimeout(seconds)
        while True:
            try:
                more = sock.recv(65536)
            except ConnectionError:
                return found
            if not more:
                return found
            found += more


def ended(socks: list[socket.socket]) -> int:
    """How many of the connections the server has hung up on."""
    count = 0
    for sock in socks:
        ready, _, _ = select.select([sock], [], [], 0)
        if not ready:
            continue
        try:
            count += not sock.recv(1, socket.MSG_PEEK) or closed_after_answer(sock)
        except ConnectionError:
            count += 1
    return count


def closed_after_answer(sock: socket.socket) -> bool:
    """Whether nothing more can come after what was sent: the answer said that it hangs up."""
    return b"connection: close" in sock.recv(65536, socket.MSG_PEEK).lower()


def wait_for(what: Callable[[], Any], seconds: float = 30.0) -> Any:
    """What ``what()`` gives, as soon as it is true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def below(pid: int) -> list[int]:
    """The processes that a process started, and those that they started."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = stat(int(entry.name))
            if fields and fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found, todo = [], [pid]
    while todo:
        here = todo.pop()
        children = [p for p, parent in parents.items() if parent == here]
        found += children
        todo += children
    return found


def stat(pid: int) -> list[str]:
    """The fields of a process after its name; none where it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def runs(pid: int) -> bool:
    """Whether a process runs; one that nobody waited for yet does not."""
    fields = stat(pid)
    return bool(fields) and fields[0] != "Z"

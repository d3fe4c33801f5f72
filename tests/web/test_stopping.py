"""``detente serve`` ends when it is told to, soon, with everything it started, and says nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from web.conftest import launch, start_server
from web.sockets import HALF_BODY, HALF_HEAD, below, dial, runs, wait_for

pytestmark = [
    pytest.mark.skipif(
        not sys.platform.startswith("linux"), reason="processes are looked up in /proc"
    ),
    pytest.mark.flaky(reruns=1, reruns_delay=2),  # seconds on cores that others use as well
]

SOON = 2.0
"""Seconds from the signal to the end."""

NOTICED = 5.0
"""Seconds in which processes notice that a server was killed."""


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen, str, list[int]]]:
    """A server with a worker and a long job; all the processes it started."""
    process, url = start_server("--workers", "1")
    day = httpx.get(f"{url}/api/timeline?date=2025-04-10", timeout=90)
    assert day.status_code == 200
    before = set(below(process.pid))
    assert len(before) >= 2  # what they are forked from, and the worker
    asked = {"question": "cjk-pact", "draws": 2000}
    assert httpx.post(f"{url}/api/jobs", json=asked, timeout=30).status_code == 202
    wait_for(lambda: set(below(process.pid)) - before)  # the job
    yield process, url, below(process.pid)
    if process.poll() is None:
        process.kill()
    process.communicate()


def all_gone(process: subprocess.Popen, children: list[int], start: float) -> str:
    """What the server wrote, once it and its processes have ended, in time."""
    process.wait(timeout=20)
    took = time.monotonic() - start
    wait_for(lambda: not any(map(runs, children)), SOON)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0, out
    assert took < SOON
    assert "Traceback" not in out
    assert "Error" not in out
    return out


def test_sigterm_ends_it_while_a_job_runs_and_many_are_connected(server) -> None:
    process, url, children = server
    said = (b"", HALF_HEAD, HALF_BODY, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    open_ = [dial(url, said[n % 4]) for n in range(200)]
    start = time.monotonic()
    process.send_signal(signal.SIGTERM)
    all_gone(process, children, start)
    for sock in open_:
        sock.close()


def test_ctrl_c_twice_ends_it_at_once(server) -> None:
    process, _url, children = server
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    all_gone(process, children, start)


def test_what_a_killed_server_started_ends_too(server) -> None:
    process, _url, children = server
    process.kill()
    process.wait()
    wait_for(lambda: not any(map(runs, children)), NOTICED)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGKILL])
def test_a_server_that_is_starting_ends_as_well(kind: signal.Signals) -> None:
    process, _url = launch("--workers", "1")
    children = wait_for(lambda: below(process.pid))
    start = time.monotonic()
    process.send_signal(kind)
    if kind is not signal.SIGKILL:
        all_gone(process, children, start)
    process.communicate()
    wait_for(lambda: not any(map(runs, children)), NOTICED)


def test_a_signal_while_nothing_is_served_yet_and_another_end_it() -> None:
    process, _url = launch("--workers", "1")
    children = wait_for(lambda: below(process.pid))
    start = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    all_gone(process, children, start)

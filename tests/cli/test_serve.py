"""``detente serve``: what it refuses, and that it serves."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from web.conftest import start_server, stop_server


def refused(detente, *args: str) -> str:
    done = detente("serve", *args)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org"])
def test_beyond_this_machine_only_when_it_is_meant(detente, host: str) -> None:
    assert "--public" in refused(detente, "--host", host, "--port", "0")
    assert "token" in refused(detente, "--host", host, "--port", "0", "--public")
    assert "--public" in refused(detente, "--host", host, "--port", "0", "--token", "x" * 20)


@pytest.mark.parametrize("token", ["short", "with spaces in the token", "ä" * 20, ""])
def test_weak_tokens_are_refused(detente, token: str) -> None:
    assert "--token" in refused(detente, "--port", "0", "--token", token)


def test_a_busy_port_is_said(detente) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        message = refused(detente, "--port", port)
    assert port in message
    assert "choose another" in message


def test_a_missing_extra_is_said() -> None:
    code = (
        "import sys, importlib.util as u; f = u.find_spec\n"
        "u.find_spec = lambda n, *a: None if n == 'uvicorn' else f(n, *a)\n"
        "from detente.cli.main import main; sys.argv = ['detente', 'serve']; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert 'pip install "detente[web]"' in done.stderr


def test_it_serves_with_a_token_and_leaves_nothing_behind() -> None:
    secret = "only-for-this-test-0123456789"
    process, url = start_server("--workers", "1", env={"DETENTE_TOKEN": secret})
    try:
        assert httpx.get(f"{url}/api/world").status_code == 401
        headers = {"authorization": f"Bearer {secret}"}
        assert httpx.get(f"{url}/api/world", headers=headers, timeout=60).status_code == 200
        day = f"{url}/api/timeline?date=2025-04-10"
        assert httpx.get(day, headers=headers, timeout=60).status_code == 200
        children = _children(process.pid)
        assert children
    finally:
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert process.returncode in (0, 130, -signal.SIGINT)
    assert url in out
    assert "Traceback" not in out
    assert not [pid for pid in children if _runs(pid)]


def test_an_ended_server_frees_its_port() -> None:
    process, url = start_server("--workers", "1")
    stop_server(process)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", int(url.rpartition(":")[2])))


def _children(pid: int) -> list[int]:
    out = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    pairs = [tuple(int(x) for x in line.split()) for line in out.splitlines()]
    found, todo = [], [pid]
    while todo:
        parent = todo.pop()
        here = [p for p, q in pairs if q == parent]
        found += here
        todo += here
    return found


def _runs(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return False
        except OSError:
            return False
        time.sleep(0.05)
    return True

"""The application in this process, in a process of its own, and in a real browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

with warnings.catch_warnings():
    # newer versions of Starlette would rather have httpx2; both work
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

ROOT = Path(__file__).resolve().parents[2]

CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

MISSING = (
    "Chromium was not found; install it (Debian: apt-get install chromium; macOS: brew install "
    "--cask chromium), or name its path in the environment variable DETENTE_CHROMIUM"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # A browser, a server and its workers share two cores with the rest of the suite: a wait may run
    # out. Twice more, and it is the page that is wrong.
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=1))


@pytest.fixture(scope="session")
def client() -> Iterator[TestClient]:
    """The application in this process, with its workers."""
    from detente.web.app import create_app

    with TestClient(create_app(), base_url="http://127.0.0.1:8000") as ready:
        yield ready


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_server(
    *options: str, env: dict[str, str] | None = None, descriptors: int | None = None,
) -> tuple[subprocess.Popen, str]:  # fmt: skip
    """``detente serve`` in a process of its own; the process and its address. ``descriptors``: the
    most it may have."""
    process, url = launch(*options, env=env, descriptors=descriptors)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            assert process.stdout is not None
            raise RuntimeError(f"detente serve ended at once:\n{process.stdout.read()}")
        try:
            httpx.get(f"{url}/openapi.json", timeout=2)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return process, url
    stop_server(process)
    raise RuntimeError("detente serve did not answer within two minutes")


def launch(
    *options: str, env: dict[str, str] | None = None, descriptors: int | None = None,
) -> tuple[subprocess.Popen, str]:  # fmt: skip
    """As ``start_server``, without waiting for it."""
    port = free_port()
    code = "import sys; from detente.cli.main import main; sys.argv[0] = 'detente'; main()"
    if descriptors is not None:
        code = (
            f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, 2 * ({descriptors},))\n"
            + code
        )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "serve", "--port", str(port), *options],
        cwd=ROOT, env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    return process, f"http://127.0.0.1:{port}"


def stop_server(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def live_server() -> Iterator[str]:
    """The address of ``detente serve`` on a free port."""
    process, url = start_server()
    yield url
    stop_server(process)


def chromium_path() -> str | None:
    """The browser to drive."""
    given = os.environ.get("DETENTE_CHROMIUM")
    if given:
        return given if Path(given).exists() else None
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((p for n in names if (p := shutil.which(n))), None)
    mac = Path("/Applications/Chromium.app/Contents/MacOS/Chromium")
    return found or (str(mac) if mac.exists() else None)


@pytest.fixture(scope="module")  # while Playwright is open its event loop is in the way of others
def browser() -> Iterator[object]:
    """Chromium through Playwright. Missing: fails in CI, is skipped elsewhere."""
    path = chromium_path()
    if path is None:
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, live_server: str) -> Iterator[object]:
    """A fresh page on the live server; ``page.goto("/what-if")`` takes a path."""
    context = browser.new_context(base_url=live_server, viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    yield opened
    context.close()

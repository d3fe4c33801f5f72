"""Who may ask, how much at a time, and what a browser is told."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI, Request

from detente.web import failures
from detente.web.failures import CrashedError
from detente.web.safety import BODY_BYTES, CSP, Safety, is_loopback
from web.conftest import TestClient

JSON = {"content-type": "application/json"}
SECRET = "a-secret-of-enough-characters"


def small_app() -> FastAPI:
    app = FastAPI()
    failures.install(app)

    @app.get("/{path:path}")
    def show(path: str) -> dict[str, str]:
        return {"path": path}

    @app.post("/api/echo")
    async def echo(request: Request) -> dict[str, int]:
        return {"length": len(await request.body())}

    return app


@pytest.fixture
def plain() -> Iterator[TestClient]:
    app = small_app()
    app.add_middleware(Safety)
    with TestClient(app, base_url="http://127.0.0.1:8000") as ready:
        yield ready


@pytest.fixture
def guarded() -> Iterator[TestClient]:
    app = small_app()
    app.add_middleware(Safety, token=SECRET, hosts=("desk.example.org",))
    with TestClient(app, base_url="http://desk.example.org", follow_redirects=False) as ready:
        yield ready


def test_every_answer_carries_the_policy(client: TestClient) -> None:
    for path in ("/about", "/api/world", "/openapi.json", "/nowhere", "/api/nowhere",
                 "/static/vendor/d3.min.js"):  # fmt: skip
        headers = client.get(path).headers
        assert headers["content-security-policy"] == CSP
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cache-control"]
    assert "unsafe" not in CSP


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 200), ("localhost:1", 200), ("[::1]:8000", 200), ("127.0.0.2", 200),
        ("evil.example", 421), ("127.0.0.1.evil.example", 421), ("localhost.evil.example", 421),
        ("", 421), ("[::1", 421), ("192.168.1.4:8000", 421),
    ],
)  # fmt: skip
def test_only_this_machines_names_are_answered(plain: TestClient, host: str, status: int) -> None:
    assert plain.get("/x", headers={"host": host}).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://127.0.0.1:8000"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "application/json; charset=utf-8"}, 200),
    ],
)
def test_posts_come_from_this_site_as_json(plain: TestClient, headers, status: int) -> None:
    answer = plain.post("/api/echo", content=b"{}", headers={**JSON, **headers})
    assert answer.status_code == status, answer.text


def test_large_bodies_are_refused(plain: TestClient) -> None:
    fits = plain.post("/api/echo", content=b"x" * BODY_BYTES, headers=JSON)
    assert fits.json() == {"length": BODY_BYTES}
    large = plain.post("/api/echo", content=b"x" * (BODY_BYTES + 1), headers=JSON)
    assert large.status_code == 413
    assert large.json()["error"]["kind"] == "TooLargeError"
    lied = plain.post("/api/echo", content=b"x", headers={**JSON, "content-length": "1e9"})
    assert lied.status_code == 400
    assert plain.get("/x?" + "y" * 64_500).status_code == 413


def test_a_large_body_without_a_length_is_cut_off(live_server: str) -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(800):  # 50 MB if anybody took them
            sent += 1
            yield b" " * 64_000

    async def ask() -> int:
        async with httpx.AsyncClient(timeout=30) as http:
            try:
                answer = await http.post(
                    f"{live_server}/api/simulate", content=chunks(), headers=JSON
                )
            except httpx.TransportError:
                return 413  # the server hung up while we were still sending
            return answer.status_code

    assert asyncio.run(ask()) == 413
    assert httpx.get(f"{live_server}/api/scenarios").status_code == 200


def test_a_token_is_asked_for(guarded: TestClient) -> None:
    assert guarded.get("/x").status_code == 401
    assert guarded.get("/static/x").status_code == 401
    assert guarded.post("/api/echo", content=b"{}", headers=JSON).status_code == 401
    for wrong in ("", "wrong", SECRET + "x", SECRET[:-1], "ä" * 29):
        header = {"authorization": f"Bearer {wrong}".encode()}
        assert guarded.get("/x", headers=header).status_code == 401
        assert guarded.get("/x", params={"token": wrong}).status_code == 401
    assert guarded.get("/x", headers={"authorization": f"Bearer {SECRET}"}).status_code == 200


def test_with_a_token_addresses_are_answered_and_other_names_are_not(guarded: TestClient) -> None:
    for host, status in (("192.168.1.4:8000", 401), ("desk.example.org", 401), ("x.org", 421)):
        assert guarded.get("/x", headers={"host": host}).status_code == status


def test_the_token_in_the_address_becomes_a_cookie(guarded: TestClient) -> None:
    first = guarded.get("/what-if", params={"token": SECRET, "s": "a b"})
    assert first.status_code == 303
    assert first.headers["location"] == "/what-if?s=a+b"
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert SECRET not in first.headers["location"]
    assert guarded.get("/what-if").status_code == 200
    assert guarded.post("/api/echo", content=b"{}", headers=JSON).status_code == 200


def test_the_token_does_not_lead_elsewhere(guarded: TestClient) -> None:
    there = guarded.get("http://desk.example.org//evil.example/", params={"token": SECRET})
    assert there.status_code == 303
    assert there.headers["location"] == "/evil.example/"


def test_names_of_this_machine() -> None:
    for host in ("127.0.0.1", "::1", "[::1]", "localhost", "LOCALHOST", "127.9.9.9"):
        assert is_loopback(host)
    for host in ("0.0.0.0", "::", "192.168.0.1", "example.org", "", "localhost.example.org"):
        assert not is_loopback(host)


def test_every_page_of_the_site_is_there(client: TestClient) -> None:
    for path in ("/", "/what-if", "/countries", "/countries/KOR", "/sectors", "/sectors/C29",
                 "/ledger", "/ledger/usa/ieepa-reciprocal", "/why", "/questions",
                 "/questions/courtship", "/about"):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"].startswith("text/html"), path
        assert "<style" not in answer.text, path
        assert " style=" not in answer.text, path


def test_a_crash_on_the_server_is_not_shown() -> None:
    app = small_app()

    @app.post("/api/crash")
    async def crash() -> None:
        raise RuntimeError("the secret path is /root/x")

    with TestClient(app, raise_server_exceptions=False) as http:
        answer = http.post("/api/crash", json={})
    assert answer.status_code == 500
    assert "/root" not in answer.text


def test_a_worker_that_crashes_takes_no_page_down(client: TestClient) -> None:
    services = client.app.state.services  # type: ignore[attr-defined]

    async def crash() -> None:
        with pytest.raises(CrashedError):
            await services.pool.call(os._exit, 9)

    for n in range(3):
        client.portal.call(crash)  # type: ignore[union-attr]
        body = client.get("/api/scenarios/us-cars-25").json()
        body["title"] = f"after crash {n}"
        assert client.post("/api/simulate?tables=countries", json=body).status_code == 200

"""Tokens that are wrong, and redirects that must stay here."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote, urljoin, urlsplit

import httpx
import pytest

from detente.web.redirects import own_place, path_place
from detente.web.throttle import Wrongs, neighbourhood
from web.conftest import start_server, stop_server
from web.sockets import dial
from web.test_safety import SECRET

HERE = "http://desk.example.org"

AWAY = [
    "//evil.com", "///evil.com", "/\\evil.com", "\\\\evil.com", "/\\/evil.com", "/%5cevil.com",
    "/%5c%5cevil.com", "/%2f%2fevil.com", "/%2fevil.com", "//%2fevil.com", "/%09/evil.com",
    "/%0a/evil.com", "/%0d%0aLocation:%20http://evil.com", "/%20//evil.com", "/%00//evil.com",
    "/%7f//evil.com", "/%255cevil.com", "/%252f%252fevil.com", "/..//evil.com", "/.//evil.com",
    "/%2e%2e//evil.com", "/ﾟ//evil.com", "/%E3%80%82//evil.com", "/%ff//evil.com",
    "/http://evil.com", "/http:evil.com", "/@evil.com", "/;//evil.com", "/javascript:alert(1)",
    "//desk.example.org@evil.com", "/\t/evil.com", "/%ef%bc%8f%ef%bc%8fevil.com",
]  # fmt: skip
"""Addresses after which a browser must still be on this site."""


def browser(location: str, base: str = f"{HERE}/x") -> str:
    """Where a browser goes: it drops tabs and line ends, and reads a backslash as a slash."""
    seen = "".join(c for c in location if c not in "\t\r\n").strip(
        "".join(map(chr, range(33)))
    )  # fmt: skip
    path, mark, query = seen.partition("?")
    return urljoin(base, path.replace("\\", "/") + mark + query)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose token is in a file."""
    file = tmp_path_factory.mktemp("secret") / "token"
    file.write_text(SECRET + "\n")
    process, where = start_server("--workers", "1", "--token-file", str(file))
    yield where
    stop_server(process)


@pytest.mark.parametrize("path", AWAY)
def test_no_address_leads_away(path: str) -> None:
    for place in (path_place(unquote(path)), path_place(path), own_place(path)):
        assert place.isascii()
        assert place.startswith("/")
        assert not place.startswith(("//", "/\\"))
        assert not set(place) & set("\\\t\r\n \x00\x7f")
        assert urlsplit(browser(place)).netloc == "desk.example.org"


@pytest.mark.parametrize("path", [p for p in AWAY if p.isascii() and p.isprintable()])
def test_the_right_token_leads_nowhere_else(url: str, path: str) -> None:
    host = url.removeprefix("http://")
    answer = _raw(url, f"GET {path}?token={SECRET}&q=1 HTTP/1.1\r\nHost: {host}\r\n\r\n")
    head = answer.partition("\r\n\r\n")[0]
    if " 400 " in head.split("\r\n")[0]:
        return  # not even HTTP
    assert " 303 " in head.split("\r\n")[0], head
    place = next(x for x in head.split("\r\n") if x.lower().startswith("location:"))[9:].strip()
    assert urlsplit(browser(place, url)).netloc == host
    assert SECRET not in place
    assert place.endswith("?q=1")


def test_redirects_of_the_router_name_no_host() -> None:
    assert own_place("http://evil.com/about?x=1") == "/about?x=1"
    assert own_place("https://evil.com") == "/"
    assert own_place("/countries/KOR?date=2025-04-10&x=%2F") == (
        "/countries/KOR?date=2025-04-10&x=%2F"
    )  # fmt: skip


def test_a_thousand_wrong_tokens_are_slowed_and_a_right_one_passes(url: str) -> None:
    seen: dict[int, int] = {}
    waits: list[int] = []
    with httpx.Client(base_url=url, timeout=10) as http:
        for n in range(1000):
            answer = http.get("/about", headers={"authorization": f"Bearer {n:020}"})
            seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
            if answer.status_code == 429:
                waits.append(int(answer.headers["retry-after"]))
        assert seen == {401: 10, 429: 990}
        assert waits[0] == 2
        assert max(waits) == 60
        # nobody who has the token is shut out by a neighbour who guesses, nor who has none counted
        right = {"authorization": f"Bearer {SECRET}"}
        assert http.get("/healthz").status_code == 200
        assert http.get("/about", headers=right).status_code == 200
        assert http.get("/about").status_code == 401


def test_wrong_tokens_are_counted_in_a_table_that_does_not_grow() -> None:
    wrongs = Wrongs(free=2, kept=50)
    for n in range(1000):
        assert wrongs.wrong(f"192.0.2.{n % 256}.{n}") == 0
    assert len(wrongs) == 50
    assert [wrongs.wrong("198.51.100.1") for _ in range(5)] == [0, 0, 2, 4, 8]


def test_a_neighbourhood_is_what_one_host_has() -> None:
    assert neighbourhood("2001:db8::1") == neighbourhood("2001:db8::ffff:1") == "2001:db8::/64"
    assert neighbourhood("::ffff:192.0.2.7") == "192.0.2.7"
    assert neighbourhood("::1") == "::1"
    assert neighbourhood("fe80::1%eth0") == "fe80::/64"
    assert neighbourhood("somewhere") == "somewhere"


def test_health_is_told_without_a_token(url: str) -> None:
    assert httpx.get(f"{url}/healthz").json() == {"live": True}
    assert httpx.get(f"{url}/readyz").json().keys() == {"ready", "missing"}
    assert httpx.get(f"{url}/healthz/").status_code == 401


# --- pieces ---------------------------------------------------------------------------------------
def _raw(url: str, request: str) -> str:
    with dial(url, request.encode()) as sock:
        found = b""
        while b"\r\n\r\n" not in found:
            more = sock.recv(65536)
            if not more:
                break
            found += more
    return found.decode("latin-1")

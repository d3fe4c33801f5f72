"""What every request passes first: who asks, how much, how often, and what browsers may do.

Plain ASGI, so that a body is counted while it arrives and nothing is read that is too large.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from detente.web.failures import TooLargeError
from detente.web.redirects import own_place, path_place
from detente.web.throttle import Wrongs

__all__ = ["BODY_BYTES", "CSP", "OPEN", "SECONDS", "Safety", "is_loopback"]

BODY_BYTES = 256_000
"""Largest body of a request."""

QUERY_BYTES = 64_000
"""Longest address; a shared scenario travels in it."""

SECONDS = 30.0
"""Time an answer may take, whatever it waits for."""

OPEN = ("/healthz", "/readyz")
"""Asked without a token, by whatever watches over servers; they tell nothing else."""

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
COOKIE = "detente_token"


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine only."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class Safety:
    """Middleware around the whole application.

    Parameters
    ----------
    token : asked for with every request where it is given
    hosts : names under which the server may be addressed besides this machine's own; a page of
        another site that makes its name point here is refused
    seconds : time an answer may take
    """

    def __init__(
        self, app: ASGIApp, token: str | None = None, hosts: Iterable[str] = (),
        seconds: float = SECONDS,
    ) -> None:  # fmt: skip
        self.app, self.token, self.seconds = app, token, seconds
        self.hosts = {h.lower() for h in hosts}
        self._wrongs = Wrongs()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the request, then let the application answer it."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        begun = False

        async def secured(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                out = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    out[name] = value
                if "cache-control" not in out:
                    static = scope["path"].startswith("/static/")
                    out["Cache-Control"] = "public, max-age=300" if static else "no-store"
                if "location" in out:
                    out["Location"] = own_place(out["location"])
            await send(message)

        refused = self._refused(scope, headers)
        if refused is not None:
            await _say(secured, scope, *refused)
            return
        if not await self._allowed(scope, headers, secured):
            return
        try:
            async with asyncio.timeout(self.seconds):
                await self.app(*_as_get(scope, _counted(receive), secured))
        except TimeoutError:
            if begun:
                raise
            message = f"the answer took longer than {self.seconds:g} seconds and was given up"
            await _say(secured, scope, 503, "BusyError", message, {"retry-after": "10"})

    def _refused(self, scope: Scope, headers: Headers) -> tuple[int, str, str] | None:
        """Status, kind and message where a request is not let through."""
        host = headers.get("host", "")
        if not self._own(host):
            message = (
                f"this server is not {host[:100]!r}; use the address that `detente serve` printed, "
                "or start it with --name"
            )
            return 421, "HostError", message
        if len(scope.get("query_string", b"")) > QUERY_BYTES:
            return 413, "TooLargeError", f"the address is longer than {QUERY_BYTES:,} bytes"
        length = headers.get("content-length", "0")
        if not length.isdigit() or len(length) > 15:
            return 400, "InputError", "the content length is not a number"
        if int(length) > BODY_BYTES:
            return 413, "TooLargeError", _TOO_LARGE
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return None
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return 403, "OriginError", "requests that change or compute come from this site only"
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return 403, "OriginError", "requests that change or compute come from this site only"
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if scope["method"] in ("POST", "PUT", "PATCH") and kind != "application/json":
            return 415, "InputError", "send the body as application/json"
        return None

    def _own(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if self.token is not None and _is_address(name):
            return True  # only a name can be made to point here by somebody else
        return is_loopback(name) or name in self.hosts

    async def _allowed(self, scope: Scope, headers: Headers, send: Send) -> bool:
        """Whether the token was given, if one is needed; once in the address, it is kept in a
        cookie. A right token passes at any time, also where others at its address guess."""
        if self.token is None or scope["path"] in OPEN:
            return True
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        named = next((value for name, value in query if name == "token"), "")
        given = [bearer if scheme.lower() == "bearer" else "", _cookie(headers.get("cookie", ""))]
        if _same(given[0], self.token) or _same(given[1], self.token):
            return True
        if scope["method"] in ("GET", "HEAD") and _same(named, self.token):
            rest = urlencode([(n, v) for n, v in query if n != "token"])
            cookie = f"{COOKIE}={self.token}; HttpOnly; SameSite=Strict; Path=/"
            head = [
                (b"location", path_place(scope["path"], rest).encode("ascii")),
                (b"set-cookie", cookie.encode()),
                (b"cache-control", b"no-store"), (b"content-length", b"0"),
            ]  # fmt: skip
            await send({"type": "http.response.start", "status": 303, "headers": head})
            await send({"type": "http.response.body", "body": b""})
            return False
        if any([*given, named]):
            wait = self._wrongs.wrong((scope.get("client") or ("unknown",))[0])
            if wait:
                message = f"too many wrong tokens from this address; wait {wait} s"
                await _say(send, scope, 429, "TokenError", message, {"retry-after": str(wait)})
                return False
        message = "a token is needed: open the address that `detente serve` printed"
        await _say(send, scope, 401, "TokenError", message, {"www-authenticate": "Bearer"})
        return False


def _as_get(scope: Scope, receive: Receive, send: Send) -> tuple[Scope, Receive, Send]:
    """HEAD is answered as GET, without the body."""
    if scope["method"] != "HEAD":
        return scope, receive, send

    async def bodyless(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return {**scope, "method": "GET"}, receive, bodyless


_TOO_LARGE = f"the body is larger than {BODY_BYTES:,} bytes"


def _counted(receive: Receive) -> Receive:
    """The body as it arrives, refused as soon as it is too large."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > BODY_BYTES:
                raise TooLargeError(_TOO_LARGE)
        return message

    return counted


def _same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


async def _say(
    send: Send, scope: Scope, status: int, kind: str, message: str,
    headers: dict[str, str] | None = None,
) -> None:  # fmt: skip
    """A refusal in the shape of every other error."""
    body = json.dumps({"error": {"kind": kind, "message": message}}).encode()
    if scope["method"] == "HEAD":
        body = b""
    head = {"content-type": "application/json", "content-length": str(len(body)),
            "connection": "close", **(headers or {})}  # fmt: skip
    raw = [(name.encode(), value.encode()) for name, value in head.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})

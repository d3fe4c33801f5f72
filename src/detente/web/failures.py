"""What can go wrong while answering, and how it is said: JSON under /api, a page elsewhere."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from detente.errors import (
    ConvergenceError,
    DetenteError,
    InputError,
    NoSolutionError,
    UnknownNameError,
)
from detente.records import place, quoted
from detente.web.shapes import DAY_PATTERN
from detente.web.templating import render

__all__ = ["BusyError", "CrashedError", "TooLargeError", "failure", "install", "wrong_field"]

log = logging.getLogger("detente.web")


TITLES = {
    404: "Not found",
    409: "No equilibrium",
    413: "Too large",
    422: "The address asks for something the page cannot show",
    500: "Something went wrong",
    503: "Busy",
}
"""What a page that could not be made is headed with; other statuses have their own name."""


class BusyError(Exception):
    """The server has too much to do, or is not ready yet; asking again later helps."""

    def __init__(self, message: str, retry_after: int = 2) -> None:
        super().__init__(message, retry_after)
        self.message, self.retry_after = message, retry_after

    def __str__(self) -> str:
        return self.message


class CrashedError(BusyError):
    """The process that worked on the answer ended before it was done."""


class TooLargeError(Exception):
    """The request is larger than the server takes."""


def failure(
    request: Request, status: int, kind: str, message: str, field: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response:  # fmt: skip
    """The answer that says what went wrong."""
    if request.url.path.startswith("/api") or request.method not in ("GET", "HEAD"):
        error = {"kind": kind, "message": message}
        if field:
            error["field"] = field
        return JSONResponse({"error": error}, status_code=status, headers=headers)
    title = TITLES.get(status, HTTPStatus(status).phrase)
    page = render(request, "error.html", status, title=title, message=message, status=status)
    page.headers.update(headers or {})
    return page


def install(app: FastAPI) -> None:
    """Answer every error in words."""
    app.add_exception_handler(DetenteError, _detente)
    app.add_exception_handler(BusyError, _busy)
    app.add_exception_handler(TooLargeError, _too_large)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unexpected)


def _detente(request: Request, error: Exception) -> Response:
    status = 500
    if isinstance(error, UnknownNameError) and request.method in ("GET", "HEAD", "DELETE"):
        status = 404
    elif isinstance(error, InputError):
        status = 422
    elif isinstance(error, (ConvergenceError, NoSolutionError)):
        status = 409
    return failure(request, status, type(error).__name__, str(error))


def _busy(request: Request, error: Exception) -> Response:
    assert isinstance(error, BusyError)
    headers = {"Retry-After": str(error.retry_after)}
    return failure(request, 503, type(error).__name__, str(error), headers=headers)


def _too_large(request: Request, error: Exception) -> Response:
    return failure(request, 413, "TooLargeError", str(error), headers={"Connection": "close"})


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    said, field = [], None
    for one in found[:5]:
        origin, *loc = one["loc"]
        named = place(tuple(loc), one["type"], error.body) if origin == "body" else loc
        where = [quoted(part) for part in named]
        field = field or ".".join(where) or None
        words = "not a date; write YYYY-MM-DD" if _is_day(one) else str(one["msg"])
        said.append(": ".join(p for p in (".".join(where), words) if p))
    more = f"; and {len(found) - 5} more" if len(found) > 5 else ""
    return failure(request, 422, "InputError", "; ".join(said) + more, field)


def wrong_field(field: str, message: str) -> RequestValidationError:
    """An error of one field of the query, answered with 422 and the field's name."""
    return RequestValidationError([{"loc": ("query", field), "msg": message, "type": "value"}])


def _gone(request: Request, error: Exception) -> Response:
    """Nobody is there to read it: no fault, and nothing for the log."""
    return Response(status_code=400, headers={"Connection": "close"})


def _is_day(one: dict[str, Any]) -> bool:
    """Whether what failed is the pattern of a day, which says nothing to a reader."""
    return one.get("ctx", {}).get("pattern") == DAY_PATTERN


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = str(error.detail)
    if error.status_code == 404 and message == "Not Found":
        message = f"there is no page at {request.url.path}"
    headers = dict(error.headers or {})
    return failure(request, error.status_code, "HTTPError", message, headers=headers)


def _unexpected(request: Request, error: Exception) -> Response:
    log.error("%s %s", request.method, request.url.path, exc_info=error)
    message = "something went wrong on the server; its log has the details"
    return failure(request, 500, "Error", message)

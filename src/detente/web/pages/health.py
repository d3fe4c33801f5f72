"""Is the server alive, is it ready: for whatever watches over it; without a token."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from detente.web.services import Services
from detente.web.shapes import Body

__all__ = ["router"]

router = APIRouter(tags=["health"])

AGAIN = 2
"""Seconds after which asking again makes sense."""


class LiveAnswer(Body):
    """The server answers."""

    live: Literal[True]


class ReadyAnswer(Body):
    """Whether every part is ready, and which are not."""

    ready: bool
    missing: list[Literal["world", "ledger", "laws", "worker"]]


@router.get("/healthz", response_model=LiveAnswer)
async def healthz() -> Response:
    """Live: the event loop answers. Needs no token."""
    return JSONResponse({"live": True}, headers={"Cache-Control": "no-store"})


@router.get(
    "/readyz", response_model=ReadyAnswer,
    responses={503: {"model": ReadyAnswer, "description": "Not ready yet; see Retry-After."}},
)  # fmt: skip
async def readyz(request: Request) -> Response:
    """Ready: world, ledger, the law of each date and a worker are there. Needs no token."""
    held: Services = request.app.state.services
    missing = held.missing()
    headers = {"Cache-Control": "no-store"}
    if missing:
        headers["Retry-After"] = str(AGAIN)
    return JSONResponse(
        {"ready": not missing, "missing": missing}, 503 if missing else 200, headers
    )  # fmt: skip

"""Answer cards in the background: start one, see how far it is, cancel it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path
from fastapi.responses import Response
from pydantic import Field

from detente.cards import load_question, question_names
from detente.errors import UnknownNameError
from detente.records import Count, Number
from detente.web.answers import json_bytes
from detente.web.jobs import Job, play_card
from detente.web.services import Services, services
from detente.web.shapes import Body

__all__ = ["router"]

router = APIRouter(prefix="/api/jobs")
Held = Annotated[Services, Depends(services)]
JobId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", description="As given when it started.")]


def _state(job: Job, status_code: int = 200) -> Response:
    return Response(
        json_bytes(job.state()), status_code, media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )  # fmt: skip


# --- shapes ---------------------------------------------------------------------------------------


class JobRequest(Body):
    """What to play."""

    question: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,80}$", examples=["courtship"])
    draws: Count | None = Field(None, ge=2, le=2000, examples=[50])
    seed: Count = Field(1, ge=0, le=2**31 - 1)
    overrides: dict[
        Annotated[str, Field(pattern=r"^(parameters|settings)(\.[A-Za-z0-9_-]{1,60}){1,3}$")],
        Number | Annotated[str, Field(pattern=r"^[A-Za-z0-9 _.,+-]{1,80}$")],
    ] = Field(default_factory=dict, max_length=50)


class JobAnswer(Body):
    """A job as it stands."""

    job: str
    status: Literal["queued", "running", "done", "failed", "cancelled"]
    done: int
    total: int
    asked: dict[str, Any]
    result: dict[str, Any] | None = None
    error: str | None = None


# --- routes ---------------------------------------------------------------------------------------


@router.post("", status_code=202, response_model=JobAnswer)
async def start(held: Held, body: JobRequest) -> Response:
    """Play a question over many draws. A job that nobody asks about for 20 seconds is given up
    where others wait behind it."""
    return await held.aside(_start, held, body)


def _start(held: Services, body: JobRequest) -> Response:
    if body.question not in question_names():
        raise UnknownNameError.of("question", body.question, question_names())
    overrides = {name: _written(value) for name, value in body.overrides.items()}
    load_question(body.question, overrides)  # says now what is wrong, not when its turn comes
    job = held.jobs.submit(
        play_card, body.question, body.draws, body.seed, overrides, about=body.model_dump()
    )
    return _state(job, 202)


def _written(value: float | str) -> str:
    """A value as it is written in a file. ``float`` in YAML has a point and a signed exponent:
    1e+22 is text there, 1.0e+22 is a number."""
    if isinstance(value, str):
        return value
    digits, e, exponent = repr(value).partition("e")
    return f"{digits if '.' in digits else digits + '.0'}e{int(exponent):+d}" if e else digits


@router.get("/{job}", response_model=JobAnswer)
async def state(held: Held, job: JobId) -> Response:
    """How far a job is, and its card once it is done."""
    return await held.aside(lambda: _state(held.jobs.get(job)))


@router.delete("/{job}", response_model=JobAnswer)
async def cancel(held: Held, job: JobId) -> Response:
    """Stop a job; one that has ended stays as it is."""
    return _state(await held.aside(held.jobs.cancel, job))

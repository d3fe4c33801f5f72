"""The shapes that the JSON of several pages shares; a page has its own beside its route."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "DAY_PATTERN", "ERRORS", "Body", "Cells", "Fault", "Meta", "Number", "Problem", "RecordRow",
]  # fmt: skip

DAY_PATTERN = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"

Number = float | None
Cells = list[dict[str, str | Number]]


class Body(BaseModel):
    """Base of the shapes: no field that is not named."""

    model_config = ConfigDict(extra="forbid")


class Fault(Body):
    """What went wrong, in words."""

    kind: str
    message: str
    field: str | None = None


class Problem(Body):
    """The answer when something went wrong."""

    error: Fault


ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The request cannot be read."},
    401: {"model": Problem, "description": "A token is needed."},
    404: {"model": Problem, "description": "No such thing."},
    409: {"model": Problem, "description": "No equilibrium, or the solve did not converge."},
    413: {"model": Problem, "description": "The request is too large."},
    415: {"model": Problem, "description": "The body must be JSON."},
    422: {"model": Problem, "description": "Bad input: what, where and what to do."},
    503: {"model": Problem, "description": "Busy or not ready yet; see Retry-After."},
}
"""Answers that every operation may give besides its own."""


class Meta(BaseModel):
    """Provenance and whatever says how to read the rows."""

    model_config = ConfigDict(extra="allow")

    package: Literal["detente"]
    version: str
    world: str
    world_hash: str
    ledger: str
    ledger_hash: str
    model: str
    deficit: str
    theta: str


class RecordRow(Body):
    """A record in the list."""

    id: str
    kind: str
    title: str
    imposer: str
    imposer_name: str
    programme: str
    instrument: str
    status: str = Field(description="on the day asked for; empty where none applies")
    first: str
    last: str
    sources: int
    evidence: str
    url: str

"""Questions from the press: the verdict at a point, live, and the card over many draws."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import Field

from detente.cards import Question, evaluate, load_question, question_names
from detente.cards.happened import day_in_words, happened
from detente.cards.kind import Kind
from detente.cards.question import find_kind
from detente.cards.room import TOL
from detente.errors import DetenteError, UnknownNameError
from detente.version import __version__
from detente.web.answers import json_bytes, shaped
from detente.web.links import safe_link
from detente.web.services import Services, services
from detente.web.shapes import Body, Number
from detente.web.templating import render
from detente.web.wanted import while_wanted
from detente.world.horizons import horizon_record
from detente.world.theta import theta_record, theta_sets

__all__ = ["router"]

router = APIRouter()

Desk = Annotated[Services, Depends(services)]
Name = Annotated[str, Path(max_length=80, examples=["courtship"])]
Value = float | str


# --- shapes ---------------------------------------------------------------------------------------
class QuestionRow(Body):
    """A question in the list."""

    question: str
    title: str
    asked: str
    outlet: str
    date: str
    drawn: int
    url: str


class QuestionList(Body):
    """``GET /api/questions``."""

    meta: dict[str, Any]
    rows: list[QuestionRow]


class ParameterRow(Body):
    """A parameter: what it is, what is drawn, and what a slider may be set to."""

    parameter: str
    about: str
    unit: str
    source: str
    drawn_from: str
    point: float | str
    low: Number
    high: Number
    log: bool
    choices: list[float | str]
    labels: dict[str, str] = Field(description="the choices in words")
    fixed: bool


class NumberRow(Body):
    """A number behind the verdict."""

    number: str
    about: str
    value: Number


class PointAnswer(Body):
    """``POST /api/questions/{id}/point``: the verdict at one set of values."""

    meta: dict[str, Any]
    rows: list[NumberRow]


class QuestionAnswer(Body):
    """``GET /api/questions/{id}``: ``rows`` are its parameters."""

    meta: dict[str, Any]
    rows: list[ParameterRow]


class PointBody(Body):
    """Values by parameter; those left out stay at their points."""

    parameters: dict[str, Annotated[float, Field(allow_inf_nan=False, strict=True)] | str] = Field(
        default_factory=dict, max_length=40
    )


# --- in workers -----------------------------------------------------------------------------------
def point_view(name: str, values: Mapping[str, Value]) -> dict[str, Any]:
    """The verdict of a shipped question at some values, with the numbers behind it.

    Runs in a worker. Raises what :func:`detente.cards.evaluate` raises.
    """
    begun = time.perf_counter()
    found = evaluate(name, values)
    return {
        "meta": {
            "question": found.question, "version": __version__,
            "verdict": found.verdict, "says": found.says,
            "first_year": found.first_year, "values": dict(found.values),
            "seconds": round(time.perf_counter() - begun, 4),
        },
        "rows": [
            {"number": k, "about": found.about[k], "value": None if math.isnan(x) else float(x)}
            for k, x in found.numbers.items()
        ],
    }  # fmt: skip


# --- views ----------------------------------------------------------------------------------------
def find_question(name: str) -> Question:
    """A shipped question. Raises UnknownNameError; a path is no name of a question here."""
    if name not in question_names():
        raise UnknownNameError.of("question", name, question_names())
    return load_question(name)


def questions_view() -> dict[str, Any]:
    """The shipped questions."""
    found = [load_question(name) for name in question_names()]
    return {
        "meta": {"version": __version__},
        "rows": [
            {
                "question": q.id, "title": q.title, "asked": q.asked, "outlet": q.article.outlet,
                "date": q.article.date,
                "drawn": sum(not p.fixed for p in q.parameters.values()),
                "url": f"/questions/{q.id}",
            }
            for q in found
        ],
    }  # fmt: skip


def question_view(q: Question) -> dict[str, Any]:
    """A question: what was asked and where, its parameters, what it assumes and leaves out."""
    kind = find_kind(q.kind, q.id)
    a = q.article
    return {
        "meta": {
            "question": q.id, "kind": q.kind, "title": q.title, "asked": q.asked,
            "article": {"outlet": a.outlet, "title": a.title, "date": a.date, "says": a.says,
                        "note": a.note},
            "happened": _events(q),
            "draws": q.draws, "settings": q.settings,
            "world": q.world.name if kind.modelled else "", "countries": q.world.countries,
            "horizon": _pace(q, kind) if kind.modelled else "",
            "tolerance": TOL if kind.modelled else None,
            "assumptions": q.assumptions, "outside": q.outside, "notes": list(kind.notes),
            "sources": [{**s.model_dump(), "url": safe_link(s.url)} for s in q.sources],
            "version": __version__,
        },
        "rows": parameter_rows(q),
    }  # fmt: skip


def _events(q: Question) -> list[dict[str, str]]:
    """What happened since, earliest first."""
    rows = happened(q).to_dict("records")
    return [
        {**{str(k): str(x) for k, x in row.items()}, "day": day_in_words(str(row["date"]))}
        for row in rows
    ]


def _pace(q: Question, kind: Kind) -> str:
    """How a first year is told, in words."""
    record = horizon_record(q.world.horizon)
    return kind.first_year or f"a first year, its pace after: {record.title}"


def parameter_rows(q: Question) -> list[dict[str, Any]]:
    """One row a parameter, with what a slider may be set to.

    A parameter with one value in the question may be moved as far as makes sense at all.
    """
    kind = find_kind(q.kind, q.id)
    rows = []
    for name, prior in q.parameters.items():
        spec = kind.parameters[name]
        choices: list[Value] = []
        low = high = None
        if spec.names is not None:
            choices = list(prior.choices or (spec.names if prior.fixed else ()) or [prior.centre])
        elif prior.choices is not None:
            low, high = (float(f(float(c) for c in prior.choices)) for f in (min, max))
        elif prior.low is not None and prior.low != prior.high:
            low, high = prior.low, prior.high
        else:
            low, high = spec.lowest, spec.highest
        rows.append(
            {
                "parameter": name, "about": spec.about, "unit": spec.unit,
                "source": prior.source, "drawn_from": prior.text, "point": prior.centre,
                "low": low, "high": high, "log": prior.log, "choices": choices,
                "labels": {str(c): _label(name, str(c)) for c in choices}, "fixed": prior.fixed,
            }
        )  # fmt: skip
    return rows


def _label(parameter: str, choice: str) -> str:
    """A choice in words: a set of elasticities by its title."""
    if parameter == "elasticities" and choice in theta_sets():
        return f"{choice}: {theta_record(choice).title}"
    return choice


def read_values(q: Question, given: Mapping[str, str]) -> tuple[dict[str, Value], dict[str, str]]:
    """Values written in an address, as numbers where the parameter is one; and what is wrong."""
    kind, values, errors = find_kind(q.kind, q.id), dict[str, Value](), dict[str, str]()
    for name, text in given.items():
        if name not in q.parameters or not text.strip():
            continue
        if kind.parameters[name].names is not None:
            values[name] = text.strip()
            continue
        try:
            values[name] = float(text)
        except ValueError:
            errors[name] = f"{text!r} is not a number"
    return values, errors


# --- routes ---------------------------------------------------------------------------------------
@router.get("/questions", response_class=HTMLResponse, include_in_schema=False)
async def questions_page(request: Request, desk: Desk) -> HTMLResponse:
    """The questions that ship with the package."""
    return await desk.aside(lambda: render(request, "questions.html", view=questions_view()))


@router.get("/api/questions", tags=["questions"], response_model=QuestionList)
async def questions_twin(desk: Desk) -> Response:
    """The questions that ship with the package."""
    return await desk.aside(lambda: shaped(QuestionList, questions_view()))


@router.get("/questions/{question}", response_class=HTMLResponse, include_in_schema=False)
async def question_page(request: Request, desk: Desk, question: Name) -> HTMLResponse:
    """A question: its verdict at the values of the address, or at its points; sliders; the card.

    ``?grant_share=0.5`` sets a parameter, so that a state of the page can be shared.
    """
    q = await desk.aside(find_question, question)
    values, errors = read_values(q, dict(request.query_params))
    found: dict[str, Any] | None = None
    problem = ""
    try:
        known = {k: v for k, v in values.items() if k not in errors}
        found = await while_wanted(request, _point(desk, q.id, known))
    except DetenteError as error:
        problem = str(error)

    def made() -> HTMLResponse:
        view = question_view(q)
        shown = {row["parameter"]: row["point"] for row in view["rows"]}
        shown |= found["meta"]["values"] if found else values
        return render(
            request, "question.html", 422 if errors else 200, view=view, point=found,
            problem=problem, errors=errors, values=shown,
            page_data={"view": view, "point": found, "values": shown},
        )  # fmt: skip

    return await desk.aside(made)


@router.get("/api/questions/{question}", tags=["questions"], response_model=QuestionAnswer)
async def question_twin(desk: Desk, question: Name) -> Response:
    """A question: what was asked, its parameters with ranges, assumptions and sources."""
    return await desk.aside(lambda: shaped(QuestionAnswer, question_view(find_question(question))))


@router.post("/api/questions/{question}/point", tags=["questions"], response_model=PointAnswer)
async def question_point(request: Request, desk: Desk, question: Name, body: PointBody) -> Response:
    """The verdict and the numbers at some values; parameters left out stay at their points."""
    q = await desk.aside(find_question, question)
    found = await while_wanted(request, _point(desk, q.id, body.parameters))
    return shaped(PointAnswer, found)


async def _point(desk: Services, name: str, values: dict[str, float | str]) -> dict[str, Any]:
    written = json.dumps(values, sort_keys=True)
    key = f"point {name} {hashlib.sha256(written.encode()).hexdigest()}"

    async def make() -> bytes:
        return json_bytes(await desk.pool.call(point_view, name, values))

    return json.loads(await desk.cache.get(key, make))

"""Questions from the press: the verdict at a point, live, and the card over many draws."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse, Response

from detente.errors import DetenteError
from detente.web.answers import json_bytes, shaped
from detente.web.question_views import (
    find_question,
    point_view,
    question_view,
    questions_view,
    read_values,
)
from detente.web.services import Services, services
from detente.web.shapes import PointAnswer, PointBody, QuestionAnswer, QuestionList
from detente.web.templating import render
from detente.web.wanted import while_wanted

__all__ = ["router"]

router = APIRouter()

Desk = Annotated[Services, Depends(services)]
Name = Annotated[str, Path(max_length=80, examples=["courtship"])]


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

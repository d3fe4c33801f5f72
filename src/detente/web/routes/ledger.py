"""The record: its list, a page for each record, and why a rate is what it is."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response

from detente.errors import DateError, InputError
from detente.law.query import explain
from detente.ledger.browse import Filters
from detente.web.answers import shaped
from detente.web.services import Services, services
from detente.web.shapes import LedgerAnswer, RecordAnswer, WhyAnswer
from detente.web.templating import render
from detente.web.views import (
    WhyForm,
    example_links,
    importer_names,
    ledger_view,
    page_url,
    read_why,
    record_view,
    sector_names,
    why_view,
)
from detente.web.wanted import while_wanted

__all__ = ["router"]

router = APIRouter()

Word = Annotated[str, Query(max_length=80)]
Desk = Annotated[Services, Depends(services)]


def _filters(
    kind: Word = "", imposer: Word = "", instrument: Word = "", status: Word = "", on: Word = "",
    text: Annotated[str, Query(max_length=200)] = "",
) -> Filters:  # fmt: skip
    return Filters(*(x.strip() for x in (kind, imposer, instrument, status, on, text)))


Asked = Annotated[Filters, Depends(_filters)]


@router.get("/ledger", response_class=HTMLResponse, include_in_schema=False)
async def ledger_page(request: Request, desk: Desk, asked: Asked, page: Word = "1") -> HTMLResponse:
    """The list with its filters; a filter that is wrong is said beside it."""
    return await desk.aside(_ledger_page, request, desk, asked, page)


def _ledger_page(request: Request, desk: Services, asked: Filters, page: str) -> HTMLResponse:
    error, field, used, number = "", "", asked, 1
    try:
        number = _number(page)
        view = ledger_view(desk.ledger, asked, number)
    except InputError as bad:
        error, field, used, number = str(bad), _field(bad), Filters(), 1
        view = ledger_view(desk.ledger, used, number)
    pages = view["meta"]["pages"]
    return render(
        request, "ledger.html", 422 if error else 200, view=view, asked=asked, error=error,
        field=field, before=page_url(used, number - 1) if number > 1 else "",
        after=page_url(used, number + 1) if number < pages else "",
    )  # fmt: skip


@router.get("/api/ledger", tags=["ledger"], response_model=LedgerAnswer)
async def ledger_rows(
    desk: Desk, asked: Asked, page: Annotated[int, Query(ge=1, le=10_000)] = 1
) -> Response:
    """Records that pass the filters, 50 to a page. ``on`` alone means in force on that day."""

    def made() -> Response:
        return shaped(LedgerAnswer, ledger_view(desk.ledger, asked, page))

    try:
        return await desk.aside(made)
    except InputError as bad:
        raise _wrong(_field(bad), str(bad)) from None


@router.get("/ledger/{record:path}", response_class=HTMLResponse, include_in_schema=False)
async def record_page(request: Request, desk: Desk, record: str) -> HTMLResponse:
    """A record whole: history, sources with quotes, conflicts, links."""

    def made() -> HTMLResponse:
        return render(request, "measure.html", view=record_view(desk.ledger, record))

    return await desk.aside(made)


@router.get("/api/ledger/{record:path}", tags=["ledger"], response_model=RecordAnswer)
async def record_twin(desk: Desk, record: str) -> Response:
    """A record as data; ids have slashes, as in ``usa/section-232-cars``."""

    def made() -> Response:
        return shaped(RecordAnswer, record_view(desk.ledger, record))

    return await desk.aside(made)


def _why(
    date: Word = "", importer: Word = "", exporter: Word = "", hs: Word = "", sector: Word = ""
) -> dict[str, str]:
    return {"date": date, "importer": importer, "exporter": exporter, "hs": hs, "sector": sector}


Written = Annotated[dict[str, str], Depends(_why)]


@router.get("/why", response_class=HTMLResponse, include_in_schema=False)
async def why_page(request: Request, desk: Desk, written: Written) -> HTMLResponse:
    """The form, and the derivation where it was filled in rightly."""
    form, view = await desk.aside(read_why, desk.ledger, written), None
    if form.asked and not form.errors:
        try:
            view = await while_wanted(request, _explained(desk, form))
        except InputError as bad:
            form.blame(bad)
    errors = form.errors if form.asked else {}
    return await desk.aside(
        render, request, "why.html", 422 if errors else 200, form=form, errors=errors, view=view,
        examples=example_links(), countries=importer_names(), sectors=sector_names(),
        record_from=desk.ledger.record_from, record_until=desk.ledger.record_until,
    )  # fmt: skip


@router.get("/api/why", tags=["ledger"], response_model=WhyAnswer)
async def why_twin(request: Request, desk: Desk, written: Written) -> Response:
    """The rate of ``hs`` or ``sector`` from one country in another on a day, step by step."""
    form = await desk.aside(read_why, desk.ledger, written)
    wrong = form.first_error()
    if wrong is not None:
        raise _wrong(*wrong)
    try:
        view = await while_wanted(request, _explained(desk, form))
    except InputError as bad:
        form.blame(bad)
        raise _wrong(*(form.first_error() or ("", str(bad)))) from None
    return await desk.aside(shaped, WhyAnswer, view)


async def _explained(desk: Services, form: WhyForm) -> dict[str, Any]:
    read = form.read
    found = await desk.pool.call(
        explain, read["date"], read["importer"], read["exporter"], read.get("hs"),
        read.get("sector"),
    )  # fmt: skip
    return await desk.aside(why_view, desk.ledger, form, found)


def _field(error: InputError) -> str:
    """The filter that an error of the list is about."""
    if isinstance(error, DateError):
        return "on"
    known = ("kind", "imposer", "instrument", "status")
    return next((f for f in known if f"unknown {f}" in str(error)), "page")


def _wrong(field: str, message: str) -> RequestValidationError:
    """An error of one field of the query, answered with 422 and the field's name."""
    return RequestValidationError([{"loc": ("query", field), "msg": message, "type": "value"}])


def _number(page: str) -> int:
    try:
        return int(page)
    except ValueError:
        raise InputError(f"page {page!r}: is not a number") from None

"""The record: its list with filters, and a page for each record."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import Field

from detente.errors import DateError, InputError
from detente.ledger import Ledger
from detente.ledger.browse import Filters, browse, facets
from detente.ledger.describe import describe
from detente.version import __version__
from detente.web.answers import shaped
from detente.web.failures import wrong_field
from detente.web.links import record_rows, record_url, safe_link
from detente.web.services import Services, services
from detente.web.shapes import Body, Number, RecordRow
from detente.web.templating import render

__all__ = ["router"]

router = APIRouter()

Word = Annotated[str, Query(max_length=80)]
Desk = Annotated[Services, Depends(services)]


PAGE = 50
"""Records on one page of the list."""


# --- shapes ---------------------------------------------------------------------------------------
class LedgerMeta(Body):
    """What was looked for and how much was found."""

    ledger: str
    version: str
    record_from: str
    record_until: str
    filters: dict[str, str]
    day: str = Field(description="the day the statuses are those of")
    total: int
    page: int
    pages: int
    page_size: int


class LedgerAnswer(Body):
    """``GET /api/ledger``."""

    meta: LedgerMeta
    rows: list[RecordRow]
    filters: dict[str, dict[str, str]] = Field(description="values each filter can take")


class Piece(Body):
    """A piece of a sentence; ``url`` where it names a record."""

    text: str
    record: str
    url: str


class Fact(Body):
    """A named field of a record, in words."""

    name: str
    parts: list[Piece]


class EntryRow(Body):
    """What held from a date on."""

    announced: str
    in_force: str
    collected_from: str
    ended: str
    status: str
    form: str
    rate_pct: Number
    words: str
    sources: list[str]
    evidence: str
    assumption: str
    note: str


class ProvisionRow(Body):
    """A heading of a measure with its dated history."""

    title: str
    heading: str
    targets: list[Piece]
    products: list[Piece]
    path: str
    entities: list[str]
    entries: list[EntryRow]


class StepRow(Body):
    """A dated step of a record without provisions."""

    date: str
    words: str
    sources: list[str]
    note: str
    record: str


class SourceRow(Body):
    """Where it was read; ``url`` only where it is http or https."""

    key: str
    title: str
    publisher: str
    cite: str
    url: str
    date_read: str
    quote: str
    evidence: str
    article: str


class LinkRow(Body):
    """Another record that this one names or that names it."""

    relation: str
    record: str
    title: str
    url: str


class RecordAnswer(Body):
    """``GET /api/ledger/{id}``."""

    meta: dict[str, Any]
    facts: list[Fact]
    rows: list[ProvisionRow] = Field(description="the provisions of a measure")
    history: list[StepRow]
    sources: list[SourceRow]
    links: list[LinkRow]


# --- views ----------------------------------------------------------------------------------------
def ledger_view(ledger: Ledger, filters: Filters, page: int) -> dict[str, Any]:
    """A page of the records that pass the filters.

    Raises
    ------
    InputError
        A filter value that no record has, a day outside the record, a page that does not exist.
    """
    found = browse(ledger, filters)
    pages = max(1, -(-len(found) // PAGE))
    if not 1 <= page <= pages:
        raise InputError(f"page {page}: there are {pages}; ask for one from 1 to {pages}")
    return {
        "meta": {
            "ledger": ledger.content_hash,
            "version": __version__,
            "record_from": ledger.record_from,
            "record_until": ledger.record_until,
            "filters": _given(filters),
            "day": filters.on or ledger.record_until,
            "total": len(found),
            "page": page,
            "pages": pages,
            "page_size": PAGE,
        },
        "rows": record_rows(found[(page - 1) * PAGE : page * PAGE]),
        "filters": facets(ledger),
    }


def _given(filters: Filters) -> dict[str, str]:
    return {k: v for k, v in vars(filters).items() if v}


def page_url(filters: Filters, page: int) -> str:
    """The address of another page of the same list."""
    return "/ledger?" + urlencode({**_given(filters), "page": page})


def record_view(ledger: Ledger, key: str) -> dict[str, Any]:
    """A record with addresses. Raises UnknownNameError, with close ids."""
    body = describe(ledger, key)
    for fact in body["facts"]:
        fact["parts"] = _pieces(fact["parts"])
    for provision in body["provisions"]:
        for name in ("targets", "products"):
            provision[name] = _pieces(provision[name])
    for source in body["sources"]:
        source["url"] = safe_link(source["url"])
    meta = {k: body[k] for k in ("id", "kind", "title", "notes", "file")}
    return {
        "meta": {**meta, "ledger": ledger.content_hash, "record_until": ledger.record_until},
        "facts": body["facts"],
        "rows": body["provisions"],
        "history": body["history"],
        "sources": body["sources"],
        "links": [{**link, "url": record_url(link["record"])} for link in body["links"]],
    }


def _pieces(parts: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{**p, "url": record_url(p["record"]) if p["record"] else ""} for p in parts]


# --- routes ---------------------------------------------------------------------------------------
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
        raise wrong_field(_field(bad), str(bad)) from None


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


def _field(error: InputError) -> str:
    """The filter that an error of the list is about."""
    if isinstance(error, DateError):
        return "on"
    known = ("kind", "imposer", "instrument", "status")
    return next((f for f in known if f"unknown {f}" in str(error)), "page")


def _number(page: str) -> int:
    try:
        return int(page)
    except ValueError:
        raise InputError(f"page {page!r}: is not a number") from None

"""The front page and its data: the world under the law of any day since 2018."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from detente.errors import UnknownNameError
from detente.labels import country_name, group_members, sector_name
from detente.timeline.days import COLUMNS, Timeline
from detente.web.answers import answer, json_bytes
from detente.web.services import Services, services
from detente.web.shapes import DAY_PATTERN, Body, Meta, Number
from detente.web.templating import render

__all__ = ["router"]

router = APIRouter()
Held = Annotated[Services, Depends(services)]

Day = Annotated[
    str,
    Query(
        pattern=DAY_PATTERN,
        description="A calendar day; it means the law in force then.",
        examples=["2025-04-10"],
    ),
]
Iso3 = Annotated[str, Query(pattern=r"^[A-Z]{3}$", description="Country, ISO3.", examples=["USA"])]
Sector = Annotated[
    str, Query(pattern=r"^[A-Za-z0-9_]{1,16}$", description="Sector code.", examples=["C26"])
]
Variable = Annotated[
    str,
    Query(pattern=rf"^({'|'.join(COLUMNS)})$", description="A column of the timeline.",
          examples=["real_income_pct"]),
]  # fmt: skip


# --- shapes ---------------------------------------------------------------------------------------


class ChangeDate(Body):
    """A day on which something changed."""

    date: str
    changes: int
    words: str


class DatesAnswer(Body):
    """Every change date."""

    meta: Meta
    rows: list[ChangeDate]


class CountryLine(Body):
    """A country on a day; changes are against the day compared with."""

    country: str
    name: str
    real_income_pct: Number
    real_wage_pct: Number
    exports_pct: Number
    imports_pct: Number
    tariff_charged_pct: Number
    tariff_faced_pct: Number
    tariff_revenue_usd_bn: Number


class ChangeLine(Body):
    """One thing that changed."""

    date: str
    record: str
    imposer: str
    words: str
    url: str


class TimelineAnswer(Body):
    """The world on a day."""

    meta: Meta
    rows: list[CountryLine]
    changes: list[ChangeLine]
    headline: str


class SeriesAnswer(Body):
    """One variable on every change date, against the world table."""

    meta: Meta
    dates: list[str]
    countries: list[str]
    values: list[list[Number]]


class Sale(Body):
    """Sales of one seller."""

    seller: str
    before_usd_bn: float
    after_usd_bn: float
    change_usd_bn: float


class Redirection(Body):
    """Sales to one buyer."""

    buyer: str
    before_usd_bn: float
    after_usd_bn: float
    change_usd_bn: float


class FlowsAnswer(Body):
    """Who sells to the importer, and where the exporter sells instead."""

    meta: Meta
    rows: list[Sale]
    redirected: list[Redirection]


# --- routes ---------------------------------------------------------------------------------------


@router.get("/", include_in_schema=False)
async def page(
    request: Request, held: Held, date: Day | None = None, since: Day | None = None
) -> Response:
    """The timeline page.

    Its template gets ``boot`` (for scripts): dates with a headline each, the day and the day
    compared with, columns, countries and sectors; and ``headline`` and ``changes`` of the day.
    Where the timeline is not ready, ``boot`` is None and ``waiting`` says why.
    """
    line = held.timeline
    now = line.place(date) if date else len(line.dates) - 1
    then = line.place(since) if since else 0
    await held.solved(now, then)

    def made() -> Response:
        boot = {
            "dates": _dates(line),
            "date": date or line.dates[now],
            "since": since or line.dates[then],
            "last": held.ledger.record_until,
            "columns": [c._asdict() for c in COLUMNS.values()],
            "countries": [{"country": c, "name": country_name(c)} for c in held.world.countries],
            "sectors": [{"sector": s, "name": sector_name(s)} for s in held.world.sectors],
            "eu": group_members("EU", line.dates[now]),
            "meta": held.provenance,
        }
        return render(
            request, "timeline.html", boot=boot, headline=line.headlines[now],
            changes=_changes(line, now), dates=line.dates, rows=line.rows(now, then),
        )  # fmt: skip

    return await held.aside(made)


@router.get("/api/timeline/dates", response_model=DatesAnswer)
async def dates(request: Request, held: Held) -> Response:
    """Every change date, with a headline."""
    line = held.timeline

    def made() -> bytes:
        return json_bytes({"meta": held.provenance, "rows": _dates(line)})

    return answer(request, await held.cache.get("dates", lambda: held.aside(made)))


@router.get("/api/timeline", response_model=TimelineAnswer)
async def day(request: Request, held: Held, date: Day, since: Day | None = None) -> Response:
    """The world under the law of a day, compared with another."""
    line = held.timeline
    now, then = line.place(date), line.place(since) if since else 0

    def made() -> bytes:
        meta = _meta(held, line, date, since or line.dates[0])
        return json_bytes(
            {
                "meta": meta,
                "rows": line.rows(now, then),
                "changes": _changes(line, now),
                "headline": line.headlines[now],
            }
        )

    async def make() -> bytes:
        await held.solved(now, then)
        return await held.aside(made)

    return answer(request, await held.cache.get(f"day {date} {since}", make))


@router.get("/api/timeline/series", response_model=SeriesAnswer)
async def series(request: Request, held: Held, variable: Variable = "real_income_pct") -> Response:
    """One variable on every change date, against the world table.

    To compare two dates, percent changes are rebased as (1 + a)/(1 + b) - 1; where
    ``meta.relative`` is false the values are what holds on the date.
    """
    if variable not in COLUMNS:
        raise UnknownNameError.of("variable", variable, COLUMNS)
    column = COLUMNS[variable]

    def made(line: Timeline) -> bytes:
        return json_bytes(
            {
                "meta": {
                    **held.provenance, "variable": variable, "unit": column.unit,
                    "definition": column.definition, "relative": column.relative,
                    "since": "world table",
                },
                "dates": line.dates,
                "countries": held.world.countries,
                "values": line.series(variable),
            }
        )  # fmt: skip

    async def make() -> bytes:
        return await held.aside(made, await held.all_solved())

    return answer(request, await held.cache.get(f"series {variable}", make))


@router.get("/api/timeline/flows", response_model=FlowsAnswer)
async def flows(
    request: Request, held: Held, date: Day, importer: Iso3, exporter: Iso3, sector: Sector,
    since: Day | None = None,
) -> Response:  # fmt: skip
    """Who sells a sector to the importer, and where the exporter sells it instead."""
    line = held.timeline
    now, then = line.place(date), line.place(since) if since else 0
    held.world.country_list([importer, exporter], "flows")
    held.world.sector_list([sector], "flows")

    def made() -> bytes:
        meta = {
            **_meta(held, line, date, since or line.dates[0]),
            "importer": importer, "exporter": exporter, "sector": sector,
            "unit": "USD billion a year, border prices",
        }  # fmt: skip
        return json_bytes({"meta": meta, **line.flows(now, then, importer, exporter, sector)})

    async def make() -> bytes:
        await held.solved(now, then)
        return await held.aside(made)

    key = f"flows {date} {since} {importer} {exporter} {sector}"
    return answer(request, await held.cache.get(key, make))


def _dates(line: Timeline) -> list[dict[str, Any]]:
    return [
        {"date": d, "changes": len(line.changes(n)), "words": line.headlines[n]}
        for n, d in enumerate(line.dates)
    ]


def _changes(line: Timeline, place: int) -> list[dict[str, Any]]:
    return [
        {
            "date": c.date, "record": c.record, "imposer": c.imposer, "words": c.words,
            "url": f"/ledger/{c.record}",
        }
        for c in line.changes(place)
    ]  # fmt: skip


def _meta(held: Services, line: Timeline, date: str, since: str) -> dict[str, Any]:
    return {
        **held.provenance,
        "date": date,
        "law_of": line.dates[line.place(date)],
        "since": since,
        "law_of_since": line.dates[line.place(since)],
        "columns": {c.name: {"unit": c.unit, "definition": c.definition, "relative": c.relative}
                    for c in COLUMNS.values()},
    }  # fmt: skip

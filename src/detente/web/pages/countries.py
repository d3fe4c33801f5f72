"""Countries: what each faces, charges, sells, buys, and who gains from its losses."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from detente.dependence.partner_ranks import MEASURES, SOURCE, top_partners
from detente.errors import UnknownNameError
from detente.labels import resolve_countries
from detente.ledger.browse import aimed_at, imposed_by
from detente.ledger.describe import name_of
from detente.report.tabular import records
from detente.timeline.days import COLUMNS, Timeline
from detente.timeline.places import country_place
from detente.web import worker
from detente.web.answers import json_bytes, shaped
from detente.web.dated import Day, asked_place, day_meta, day_page
from detente.web.links import record_rows
from detente.web.services import Services, services
from detente.web.shapes import Body, Cells, Number, RecordRow

__all__ = ["router"]

router = APIRouter()

Desk = Annotated[Services, Depends(services)]


DRAWN = 12
"""Partners in the drawn table of exposure; all of them are in the twin."""


# --- shapes ---------------------------------------------------------------------------------------
class CountryList(Body):
    """``GET /api/countries``."""

    meta: dict[str, Any]
    rows: Cells


class CountryAnswer(Body):
    """``GET /api/countries/{iso3}``: ``rows`` is the country's own line."""

    meta: dict[str, Any]
    rows: Cells
    tariffs_by_partner: Cells
    exposure_by_partner: Cells
    exposure: Cells
    gainers: Cells
    markets: Cells
    rivals: Cells
    sectors: Cells
    partners: Cells
    ranks: Cells
    measures: list[RecordRow]
    aimed_at: list[RecordRow]


class CountrySeries(Body):
    """``GET /api/countries/{iso3}/series``: a value a date in every column."""

    meta: dict[str, Any]
    dates: list[str]
    columns: dict[str, list[Number]]


# --- in workers -----------------------------------------------------------------------------------
def country_body(laws: str, place: int, since: int, country: str) -> bytes:
    """The computed tables of a country as JSON."""
    found = country_place(worker.timeline(laws), place, since, country)
    return json_bytes({name: records(table) for name, table in found.items()})


# --- views ----------------------------------------------------------------------------------------
def one_country(desk: Services, name: str) -> str:
    """The code of one country of the world. Raises UnknownNameError, with close names."""
    found = resolve_countries(name, desk.world.countries, partial_groups=True)
    if len(found) != 1:
        raise UnknownNameError(
            f"{name} is a group of {len(found)} countries; each has a page of its own: "
            f"{', '.join(found[:6])}, ..."
        )
    return found[0]


async def countries_view(desk: Services, date: str) -> dict[str, Any]:
    """Every country: tariffs it charges and faces, and what the law of the day did since 2018."""
    place, day = asked_place(desk.timeline, date)
    line = await desk.solved(place, 0)
    units = {c.name: {"unit": c.unit, "definition": c.definition} for c in COLUMNS.values()}
    meta = {**day_meta(desk, line, day, place), "variables": units}

    def made() -> dict[str, Any]:
        return json.loads(json_bytes({"meta": meta, "rows": line.rows(place, 0)}))

    return await desk.aside(made)


async def country_view(desk: Services, country: str, date: str) -> dict[str, Any]:
    """A country on a day."""
    line = desk.timeline
    place, day = asked_place(line, date)
    same = line.same_as(place)
    body = await desk.cache.get(
        f"country {line.laws.key} {same} {country}",
        lambda: desk.pool.call(country_body, desk.laws_path, same, 0, country),
    )
    return await desk.aside(_country_view, desk, line, place, day, country, body)


def _country_view(
    desk: Services, line: Timeline, place: int, day: str, country: str, body: bytes
) -> dict[str, Any]:
    found = json.loads(body)
    partners = found["tariffs_by_partner"]
    return {
        "meta": {
            **day_meta(desk, line, day, place),
            "country": country,
            "name": name_of(desk.ledger, country),
            "ranks_source": SOURCE,
        },
        **found,
        "partners": [
            {k: p[k] for k in ("country", "name", "exports_usd_bn", "imports_usd_bn",
                               "exports_share_pct", "imports_share_pct", "exports_change_usd_bn",
                               "imports_change_usd_bn")}
            for p in partners
        ],
        "ranks": _ranks(desk, country),
        "measures": record_rows(imposed_by(desk.ledger, country, day)),
        "aimed_at": record_rows(aimed_at(desk.ledger, country, day)),
    }  # fmt: skip


def drawn_country(view: dict[str, Any]) -> dict[str, Any]:
    """What the charts of the page draw: the view without the cells that no chart shows."""
    partners = [p["country"] for p in view["exposure_by_partner"][:DRAWN]]
    kept = ("meta", "tariffs_by_partner", "sectors", "exposure_by_partner", "gainers", "partners")
    cells = [c for c in view["exposure"] if c["country"] in partners]
    return {**{k: view[k] for k in kept}, "exposure": cells}


def _ranks(desk: Services, country: str) -> list[dict[str, Any]]:
    """The first five partners in goods by each measure; none for an economy without data."""
    rows: list[dict[str, Any]] = []
    for measure, words in MEASURES.items():
        try:
            table = top_partners(country, measure)
        except UnknownNameError:
            return []
        rows += [
            {
                "measure": words,
                "rank": int(row["rank"]),
                "country": str(row["partner"]),
                "name": name_of(desk.ledger, str(row["partner"])),
                "goods_usd_bn": float(row["value_usd_mn"]) / 1e3,
                "share_pct": 100 * float(row["share"]),
            }
            for row in records(table)
        ]
    return rows


async def country_series(desk: Services, country: str) -> dict[str, Any]:
    """Every column of the timeline for one country, on every date, relative to the world table."""
    line = await desk.all_solved()
    n = desk.world.countries.index(country)

    def made() -> dict[str, Any]:
        return {
            "meta": {
                **day_meta(desk, line, line.ledger.record_until, len(line.dates) - 1),
                "country": country,
                "units": {c.name: c.unit for c in COLUMNS.values()},
            },
            "dates": list(line.dates),
            "columns": {name: line.series(name)[:, n].tolist() for name in COLUMNS},
        }

    return await desk.aside(made)


# --- routes ---------------------------------------------------------------------------------------
@router.get("/countries", response_class=HTMLResponse, include_in_schema=False)
async def countries_page(request: Request, desk: Desk, date: Day = "") -> HTMLResponse:
    """All countries on a map and in a table."""
    return await day_page(
        request, desk, "countries.html", date, lambda day: countries_view(desk, day)
    )


@router.get("/api/countries", tags=["places"], response_model=CountryList)
async def countries_twin(desk: Desk, date: Day = "") -> Response:
    """Every country on a day: tariffs charged and faced, changes since 1 January 2018."""
    return await desk.aside(shaped, CountryList, await countries_view(desk, date))


@router.get("/countries/{country}", response_class=HTMLResponse, include_in_schema=False)
async def country_page(request: Request, desk: Desk, country: str, date: Day = "") -> Response:
    """A country; a name leads to the page under its code."""
    code = one_country(desk, country)
    if code != country:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/countries/{code}{query}", 307)
    return await day_page(
        request, desk, "country.html", date, lambda day: country_view(desk, code, day),
        drawn_country,
    )  # fmt: skip


@router.get("/api/countries/{country}", tags=["places"], response_model=CountryAnswer)
async def country_twin(desk: Desk, country: str, date: Day = "") -> Response:
    """A country on a day: tariffs, exposure, who gains, partners, measures."""
    view = await country_view(desk, one_country(desk, country), date)
    return await desk.aside(shaped, CountryAnswer, view)


@router.get("/api/countries/{country}/series", tags=["places"], response_model=CountrySeries)
async def country_line(desk: Desk, country: str) -> Response:
    """Every column of the timeline for a country since 2018, relative to the world table."""
    view = await country_series(desk, one_country(desk, country))
    return await desk.aside(shaped, CountrySeries, view)

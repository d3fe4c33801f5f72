"""Sectors: who sells, who buys, what tariffs they meet, and how output moved."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from detente.errors import UnknownNameError
from detente.labels import resolve_sectors, sector_long_name, sector_name
from detente.report.tabular import records
from detente.timeline.places import sector_place, sectors_table
from detente.web import worker
from detente.web.answers import json_bytes, shaped
from detente.web.dated import Day, asked_place, day_meta, day_page
from detente.web.services import Services, services
from detente.web.shapes import Body, Cells

__all__ = ["router"]

router = APIRouter()

Desk = Annotated[Services, Depends(services)]


# --- shapes ---------------------------------------------------------------------------------------
class SectorList(Body):
    """``GET /api/sectors``."""

    meta: dict[str, Any]
    rows: Cells


class SectorAnswer(Body):
    """``GET /api/sectors/{code}``: ``rows`` has one line a country."""

    meta: dict[str, Any]
    rows: Cells
    flows: Cells


# --- in workers -----------------------------------------------------------------------------------
def sector_body(laws: str, place: int, since: int, sector: str) -> bytes:
    """The computed tables of a sector as JSON."""
    found = sector_place(worker.timeline(laws), place, since, sector)
    return json_bytes({name: records(table) for name, table in found.items()})


def sectors_body(laws: str, place: int, since: int) -> bytes:
    """The list of sectors as JSON."""
    return json_bytes({"rows": records(sectors_table(worker.timeline(laws), place, since))})


# --- views ----------------------------------------------------------------------------------------
def one_sector(desk: Services, name: str) -> str:
    """The code of one sector of the world. Raises UnknownNameError, with close names."""
    found = resolve_sectors(name, desk.world.sectors)
    if len(found) != 1:
        raise UnknownNameError.of("sector", name, desk.world.sectors)
    return found[0]


async def sectors_view(desk: Services, date: str) -> dict[str, Any]:
    """Every sector: world trade and tariffs."""
    line = desk.timeline
    place, day = asked_place(line, date)
    same = line.same_as(place)
    body = await desk.cache.get(
        f"sectors {line.laws.key} {same}",
        lambda: desk.pool.call(sectors_body, desk.laws_path, same, 0),
    )
    return {"meta": day_meta(desk, line, day, place), **json.loads(body)}


async def sector_view(desk: Services, sector: str, date: str) -> dict[str, Any]:
    """A sector on a day."""
    line = desk.timeline
    place, day = asked_place(line, date)
    same = line.same_as(place)
    body = await desk.cache.get(
        f"sector {line.laws.key} {same} {sector}",
        lambda: desk.pool.call(sector_body, desk.laws_path, same, 0, sector),
    )
    theta = float(desk.world.theta.values[desk.world.sectors.index(sector)])
    meta = {
        **day_meta(desk, line, day, place), "sector": sector, "name": sector_name(sector),
        "long": sector_long_name(sector), "elasticity": theta,
    }  # fmt: skip
    return {"meta": meta, **json.loads(body)}


# --- routes ---------------------------------------------------------------------------------------
@router.get("/sectors", response_class=HTMLResponse, include_in_schema=False)
async def sectors_page(request: Request, desk: Desk, date: Day = "") -> HTMLResponse:
    """All sectors."""
    return await day_page(request, desk, "sectors.html", date, lambda day: sectors_view(desk, day))


@router.get("/api/sectors", tags=["places"], response_model=SectorList)
async def sectors_twin(desk: Desk, date: Day = "") -> Response:
    """Every sector on a day: world trade, its change since 2018, average tariffs."""
    return await desk.aside(shaped, SectorList, await sectors_view(desk, date))


@router.get("/sectors/{sector}", response_class=HTMLResponse, include_in_schema=False)
async def sector_page(request: Request, desk: Desk, sector: str, date: Day = "") -> Response:
    """A sector; a name leads to the page under its code."""
    code = one_sector(desk, sector)
    if code != sector:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/sectors/{code}{query}", 307)
    return await day_page(
        request, desk, "sector.html", date, lambda day: sector_view(desk, code, day)
    )


@router.get("/api/sectors/{sector}", tags=["places"], response_model=SectorAnswer)
async def sector_twin(desk: Desk, sector: str, date: Day = "") -> Response:
    """A sector on a day: sellers, buyers, tariffs, output, the largest flows."""
    view = await sector_view(desk, one_sector(desk, sector), date)
    return await desk.aside(shaped, SectorAnswer, view)

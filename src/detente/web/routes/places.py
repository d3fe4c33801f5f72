"""Countries and sectors: what each faces, charges, sells, buys, and who gains from its losses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from detente.errors import DateError
from detente.web.answers import shaped
from detente.web.place_views import (
    countries_view,
    country_series,
    country_view,
    drawn_country,
    one_country,
    one_sector,
    sector_view,
    sectors_view,
)
from detente.web.services import Services, services
from detente.web.shapes import CountryAnswer, CountryList, CountrySeries, SectorAnswer, SectorList
from detente.web.templating import render

__all__ = ["router"]

router = APIRouter()

Day = Annotated[str, Query(max_length=40, description="YYYY-MM-DD; the ledger's last day if none")]
Desk = Annotated[Services, Depends(services)]


async def _page(
    request: Request, desk: Services, template: str, date: str,
    make: Callable[[str], Awaitable[dict[str, Any]]],
    drawn: Callable[[dict[str, Any]], dict[str, Any]] = lambda view: view,
) -> HTMLResponse:  # fmt: skip
    """The page of the day asked for; of the last day, with the reason, where that is no day."""
    error = ""
    try:
        view = await make(date)
    except DateError as bad:
        error, view = str(bad), await make("")

    def made() -> HTMLResponse:
        return render(
            request, template, 422 if error else 200, view=view, date_error=error,
            date_asked=date,
            page_data={"kind": template.removesuffix(".html"), "view": drawn(view)},
        )  # fmt: skip

    return await desk.aside(made)


@router.get("/countries", response_class=HTMLResponse, include_in_schema=False)
async def countries_page(request: Request, desk: Desk, date: Day = "") -> HTMLResponse:
    """All countries on a map and in a table."""
    return await _page(request, desk, "countries.html", date, lambda day: countries_view(desk, day))


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
    return await _page(
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


@router.get("/sectors", response_class=HTMLResponse, include_in_schema=False)
async def sectors_page(request: Request, desk: Desk, date: Day = "") -> HTMLResponse:
    """All sectors."""
    return await _page(request, desk, "sectors.html", date, lambda day: sectors_view(desk, day))


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
    return await _page(request, desk, "sector.html", date, lambda day: sector_view(desk, code, day))


@router.get("/api/sectors/{sector}", tags=["places"], response_model=SectorAnswer)
async def sector_twin(desk: Desk, sector: str, date: Day = "") -> Response:
    """A sector on a day: sellers, buyers, tariffs, output, the largest flows."""
    view = await sector_view(desk, one_sector(desk, sector), date)
    return await desk.aside(shaped, SectorAnswer, view)

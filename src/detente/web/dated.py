"""What the pages of countries and of sectors share: the day asked for, and the page of that day."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import HTMLResponse

from detente.errors import DateError
from detente.timeline.days import Timeline
from detente.web.services import Services
from detente.web.templating import render

__all__ = ["Day", "asked_place", "day_meta", "day_page"]


Day = Annotated[str, Query(max_length=40, description="YYYY-MM-DD; the ledger's last day if none")]


def asked_place(line: Timeline, date: str) -> tuple[int, str]:
    """The place on the timeline and the day, the last one where none is given.

    Raises
    ------
    DateError
        Not a day of the timeline.
    """
    day = date.strip() or line.ledger.record_until
    if day < line.dates[0]:
        raise DateError(f"date {day}: the timeline begins on {line.dates[0]}; ask for a later day")
    return line.place(day), day


def day_meta(desk: Services, line: Timeline, day: str, place: int) -> dict[str, Any]:
    """Provenance, the day, and the day whose law is in force then."""
    return {
        **desk.provenance,
        "date": day,
        "law_of": line.dates[place],
        "since": line.dates[0],
        "record_until": line.ledger.record_until,
    }


async def day_page(
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

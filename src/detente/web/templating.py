"""Pages from templates: one environment, everything escaped."""

from __future__ import annotations

from datetime import date
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from detente.timeline.days import COLUMNS
from detente.variables import VARIABLES
from detente.version import __version__

__all__ = ["day_words", "render"]

_pages = Environment(
    loader=PackageLoader("detente.web"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
# averages are numbers of the timeline, not of the model, and have their words there
_AVERAGES = {name: COLUMNS[f"{name}_pct"] for name in ("tariff_charged", "tariff_faced")}
_TERMS = {
    name: {
        "title": name.replace("_", " "),
        "symbol": v.symbol,
        "unit": v.unit,
        "definition": v.definition,
    }
    for name, v in VARIABLES.items()
} | {
    name: {"title": name.replace("_", " "), "unit": c.unit, "definition": c.definition}
    for name, c in _AVERAGES.items()
}
_pages.globals.update(version=__version__, terms=_TERMS)


def day_words(iso: str) -> str:
    """2025-04-10 as 10 April 2025; anything else as it is."""
    try:
        day = date.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{day.day} {day:%B %Y}"


_pages.filters["day"] = day_words


def render(request: Request, name: str, status_code: int = 200, **context: Any) -> HTMLResponse:
    """The page ``name`` filled with ``context``; a missing value is an error, not a blank."""
    text = _pages.get_template(name).render(path=request.url.path, **context)
    return HTMLResponse(text, status_code=status_code)

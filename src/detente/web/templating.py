"""Pages from templates: one environment, everything escaped."""

from __future__ import annotations

from datetime import date
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

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
_pages.globals.update(version=__version__, variables=VARIABLES)


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

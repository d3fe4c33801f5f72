"""The application: pages, their JSON twins, static files, and what every answer carries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.openapi.utils import get_openapi
from fastapi.staticfiles import StaticFiles

from detente.version import __version__
from detente.web import failures
from detente.web.pages.simulate import scenario_components
from detente.web.safety import Safety
from detente.web.services import Services
from detente.web.shapes import ERRORS

__all__ = ["PAGES", "create_app"]

PAGES = tuple(sorted(m.name for m in iter_modules([str(files("detente.web") / "pages")])))
"""Modules of ``detente.web.pages``, each with a ``router``: a page is added by its file."""


def create_app(
    services: Services | None = None, token: str | None = None, hosts: Iterable[str] = ()
) -> FastAPI:
    """The application, ready to be served or tested.

    ``services`` are made on their own where none are given; the application ends them when it
    shuts down. ``token`` and ``hosts`` are those of :class:`detente.web.safety.Safety`.
    """
    held = services or Services()

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        await held.start(lambda: app.openapi())
        yield
        await held.close()

    app = FastAPI(
        title="detente",
        version=__version__,
        summary="A trade-policy laboratory: what a tariff does to every country and sector.",
        docs_url=None,
        redoc_url=None,
        lifespan=life,
        responses=ERRORS,
    )
    app.state.services = held
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=1)
    app.add_middleware(Safety, token=token, hosts=tuple(hosts))
    failures.install(app)
    static = Path(str(files("detente.web") / "static"))
    app.mount("/static", StaticFiles(directory=static), name="static")
    for name in PAGES:
        app.include_router(import_module(f"detente.web.pages.{name}").router)
    app.openapi = lambda: _openapi(app)
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the schema of scenarios among its parts."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, summary=app.summary, routes=app.routes
        )
        made.setdefault("components", {}).setdefault("schemas", {}).update(scenario_components())
        app.openapi_schema = made
    return app.openapi_schema

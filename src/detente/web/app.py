"""The application: pages, their JSON twins, static files, and what every answer carries."""

from __future__ import annotations

from importlib import import_module
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from detente.version import __version__

__all__ = ["ROUTES", "create_app"]

ROUTES = ("timeline", "whatif", "places", "ledger", "questions", "simulate", "jobs")
"""Modules of ``detente.web.routes``, each with a ``router``."""


def create_app() -> FastAPI:
    """The application, ready to be served or tested."""
    app = FastAPI(
        title="detente",
        version=__version__,
        summary="A trade-policy laboratory: what a tariff does to every country and sector.",
        docs_url=None,
        redoc_url=None,
    )
    static = Path(str(files("detente.web") / "static"))
    app.mount("/static", StaticFiles(directory=static), name="static")
    for name in ROUTES:
        app.include_router(import_module(f"detente.web.routes.{name}").router)
    return app

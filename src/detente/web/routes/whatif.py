"""The what-if page: a scenario made by hand, solved while it is made by POST /api/simulate."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from detente.regime.scenario import load_scenario, scenario_names
from detente.web.templating import render

__all__ = ["router"]

router = APIRouter()


@router.get("/what-if", include_in_schema=False)
def page(request: Request) -> Response:
    """The page; without scripts it lists the shipped scenarios and how to run them."""
    shipped = [load_scenario(name) for name in scenario_names()]
    return render(request, "whatif.html", shipped=shipped)

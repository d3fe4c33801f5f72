"""The what-if page: a scenario made by hand, solved while it is made by POST /api/simulate."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from detente.policy.scenario import load_scenario, scenario_names
from detente.web.services import Services, services
from detente.web.templating import render

__all__ = ["router"]

router = APIRouter()
Held = Annotated[Services, Depends(services)]


@router.get("/what-if", include_in_schema=False)
async def page(request: Request, held: Held) -> Response:
    """The page; without scripts it lists the shipped scenarios and how to run them."""

    def made() -> Response:
        shipped = [load_scenario(name) for name in scenario_names()]
        return render(request, "whatif.html", shipped=shipped)

    return await held.aside(made)

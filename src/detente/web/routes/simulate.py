"""Scenarios: the shipped ones, and solving any that a page sends."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from detente.regime.scenario import load_scenario, scenario_names
from detente.web.answers import answer, json_bytes
from detente.web.schemas import ScenarioId, ScenariosAnswer
from detente.web.services import Services, services

__all__ = ["router"]

router = APIRouter()
Held = Annotated[Services, Depends(services)]


@router.get("/api/scenarios", response_model=ScenariosAnswer)
async def scenarios(request: Request, held: Held) -> Response:
    """The scenarios that ship with the package."""

    async def make() -> bytes:
        found = [load_scenario(name) for name in scenario_names()]
        rows = [
            {
                "id": s.id,
                "title": s.title,
                "about": s.about,
                "measures": len(s.measures),
                "baseline": s.baseline.scenario or s.baseline.date or s.world,
            }
            for s in found
        ]
        return json_bytes({"meta": held.provenance, "rows": rows})

    return answer(request, await held.cache.get("scenarios", make))


@router.get("/api/scenarios/{scenario}", response_model=dict)
async def scenario(request: Request, held: Held, scenario: ScenarioId) -> Response:
    """A shipped scenario as JSON, the same as its file; it can be sent to /api/simulate."""

    async def make() -> bytes:
        # only names of shipped scenarios match the pattern: no slash, no dot
        found = load_scenario(scenario)
        return json_bytes(found.model_dump(mode="json", by_alias=True, exclude_defaults=True))

    return answer(request, await held.cache.get(f"scenario {scenario}", make))

"""What there is to choose from, what the numbers mean, and where they come from."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from detente import labels
from detente.models.closure import CLOSURES
from detente.models.registry import MODELS
from detente.policy.scenario import load_scenario, scenario_names
from detente.variables import VARIABLES
from detente.web.answers import answer, json_bytes
from detente.web.services import Services, services
from detente.web.shapes import Body, Meta
from detente.web.templating import render
from detente.world.horizons import horizon_record, horizon_sets
from detente.world.theta import theta_record, theta_sets

__all__ = ["router"]

router = APIRouter()
Held = Annotated[Services, Depends(services)]


# --- shapes ---------------------------------------------------------------------------------------


class WorldCountry(Body):
    """A country of the world table."""

    country: str
    name: str


class WorldSector(Body):
    """A sector of the world table."""

    sector: str
    name: str
    long: str
    kind: Literal["goods", "services"]


class ThetaSet(Body):
    """A set of trade elasticities."""

    id: str
    title: str
    citation: str
    horizon: str


class Group(Body):
    """A group of countries; ``members`` are those the world holds, ``missing`` the others."""

    id: str
    name: str
    members: list[str]
    missing: list[str]


class Term(Body):
    """A variable in words."""

    symbol: str
    unit: str
    definition: str


class ScenarioName(Body):
    """A shipped scenario."""

    id: str
    title: str


class WorldAnswer(Body):
    """What the pages choose from."""

    meta: Meta
    rows: list[WorldCountry]
    sectors: list[WorldSector]
    theta_sets: list[ThetaSet]
    closures: list[str]
    models: list[str]
    scenarios: list[ScenarioName]
    groups: list[Group]
    variables: dict[str, Term]


# --- routes ---------------------------------------------------------------------------------------


@router.get("/about", include_in_schema=False)
async def page(request: Request, held: Held) -> Response:
    """What the numbers mean and do not mean, sources and provenance."""
    attrs = held.world.dataset.attrs
    said = (("Sources", "source"), ("Licence", "licence"), ("Tariffs of", "tariff_year"))
    return await held.aside(
        render,
        request,
        "about.html",
        meta=held.provenance,
        sources=[(title, str(attrs[name])) for title, name in said if name in attrs],
        countries=len(held.world.countries),
        sectors=len(held.world.sectors),
        theta_sets=[theta_record(name) for name in theta_sets()],
        horizon_sets=[horizon_record(name) for name in horizon_sets()],
        horizon=horizon_record(),
        record_from=held.ledger.record_from,
        record_until=held.ledger.record_until,
        records=len(held.ledger.records),
        laws=LAWS[held.laws.status],
    )


LAWS = {
    "ready": "the law of each date is ready",
    "working": "the ledger was edited; the law of each date is being worked out again",
    "failed": "the law of each date could not be worked out",
    "unknown": "not asked for yet",
}


@router.get("/api/world", response_model=WorldAnswer)
async def world(request: Request, held: Held) -> Response:
    """Countries, sectors, groups, elasticity sets, closures, scenarios and variables."""

    def made() -> bytes:
        goods = set(labels.goods_sectors())
        records = [theta_record(name) for name in theta_sets()]
        return json_bytes(
            {
                "meta": {
                    **held.provenance,
                    "record_from": held.ledger.record_from,
                    "record_until": held.ledger.record_until,
                    "timeline": held.laws.status,
                },
                "rows": [
                    {"country": c, "name": labels.country_name(c)} for c in held.world.countries
                ],
                "sectors": [
                    {
                        "sector": s,
                        "name": labels.sector_name(s),
                        "long": labels.sector_long_name(s),
                        "kind": "goods" if s in goods else "services",
                    }
                    for s in held.world.sectors
                ],
                "theta_sets": [
                    {"id": r.id, "title": r.title, "citation": r.citation, "horizon": r.horizon}
                    for r in records
                ],
                "closures": CLOSURES,
                "models": list(MODELS),
                "scenarios": [
                    {"id": name, "title": load_scenario(name).title} for name in scenario_names()
                ],
                "groups": [_group(name, held.world.countries) for name in labels.group_names()],
                "variables": {
                    v.name: {"symbol": v.symbol, "unit": v.unit, "definition": v.definition}
                    for v in VARIABLES.values()
                },
            }
        )

    key = f"world {held.laws.status}"
    return answer(request, await held.cache.get(key, lambda: held.aside(made)))


def _group(name: str, known: list[str]) -> dict[str, object]:
    members = labels.group_members(name)
    return {
        "id": name,
        "name": name,
        "members": [m for m in members if m in known],
        "missing": labels.missing_members(name, known),
    }

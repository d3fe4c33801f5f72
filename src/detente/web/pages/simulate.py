"""Scenarios: the shipped ones, and solving any that a page sends."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from detente.errors import UnknownNameError
from detente.policy.scenario import load_scenario, scenario_names
from detente.report.schema import scenario_schema
from detente.web import scenarios
from detente.web.answers import answer, json_bytes
from detente.web.services import Services, services
from detente.web.shapes import Body, Meta, Number
from detente.web.wanted import while_wanted

__all__ = ["router", "scenario_components"]

router = APIRouter()
Held = Annotated[Services, Depends(services)]

ScenarioId = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,80}$", examples=["us-cars-25"])]
Tables = Annotated[
    str,
    Query(
        pattern=r"^[a-z]{1,20}(,[a-z]{1,20}){0,20}$",
        description=f"Tables wanted, of {', '.join(scenarios.TABLES)}.",
        examples=["countries,sectors"],
    ),
]
_REF = "#/components/schemas/Scenario{model}"
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Scenario"},
                "examples": {
                    "cars": {
                        "summary": "25% on imported cars",
                        "value": scenarios.shipped("us-cars-25"),
                    }
                },
            }
        },
    }
}


def scenario_components() -> dict[str, Any]:
    """The scenario schema as components of the OpenAPI document."""
    text = json.dumps(scenario_schema(_REF)).replace(
        "ScenarioScenario", "Scenario"
    )  # one is enough
    schema = json.loads(text)
    parts = {n.removeprefix("Scenario"): part for n, part in schema.pop("$defs", {}).items()}
    schema["properties"]["measures"]["maxItems"] = scenarios.MEASURES
    return {"Scenario": schema, **{f"Scenario{name}": part for name, part in parts.items()}}


# --- shapes ---------------------------------------------------------------------------------------


class ScenarioRow(Body):
    """A shipped scenario in a line."""

    id: str
    title: str
    about: str
    measures: int
    baseline: str


class ScenariosAnswer(Body):
    """The shipped scenarios."""

    meta: Meta
    rows: list[ScenarioRow]


class Flow(Body):
    """A bilateral flow that changed."""

    sector: str
    importer: str
    exporter: str
    before_usd_bn: float
    after_usd_bn: float
    change_usd_bn: float
    change_pct: Number


class Welfare(Body):
    """First-order decomposition of a country's gain, percent of its income."""

    country: str
    welfare_pct: Number
    terms_of_trade_pct: Number
    volume_of_trade_pct: Number
    trade_cost_pct: Number
    export_tax_volume_pct: Number
    transfer_received_pct: Number


class Tariffs(Body):
    """Average tariffs of a country on goods, at the trade of the base year."""

    country: str
    tariff_charged_pct: Number
    tariff_faced_pct: Number


class Price(Body):
    """What buyers pay for a sector's goods, all sellers together."""

    sector: str
    country: str
    price_pct: Number


Row = dict[str, str | float | None]


class RunMeta(BaseModel):
    """Provenance of a run, the scenario itself included."""

    model_config = ConfigDict(extra="allow")

    package: Literal["detente"]
    version: str
    world: str
    world_hash: str
    policy_hash: str
    baseline_hash: str
    model: str
    deficit: str
    theta: str
    status: Literal["converged"]
    residual: float
    checks: dict[str, float]
    scenario: dict[str, Any]
    theta_sets: list[str]


class SimulateAnswer(Body):
    """The run of a scenario; which tables are there depends on ``tables``."""

    meta: RunMeta
    rows: list[Row] = Field(default_factory=list)
    sectors: list[Row] = Field(default_factory=list)
    diversion: list[Row] = Field(default_factory=list)
    redirection: list[Row] = Field(default_factory=list)
    markets: list[Row] = Field(default_factory=list)
    claims: list[Row] = Field(default_factory=list)
    prices: list[Price] = Field(default_factory=list)
    flows: list[Flow] = Field(default_factory=list)
    welfare: list[Welfare] = Field(default_factory=list)
    before: list[Tariffs] = Field(default_factory=list)
    after: list[Tariffs] = Field(default_factory=list)
    theta_range: list[Row] = Field(default_factory=list)


# --- routes ---------------------------------------------------------------------------------------


@router.get("/api/scenarios", response_model=ScenariosAnswer)
async def list_scenarios(request: Request, held: Held) -> Response:
    """The scenarios that ship with the package."""

    def made() -> bytes:
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

    return answer(request, await held.cache.get("scenarios", lambda: held.aside(made)))


@router.get(
    "/api/scenarios/{scenario}",
    responses={
        200: {"content": {"application/json": {
            "schema": {"$ref": "#/components/schemas/Scenario"}}}},
    },
)  # fmt: skip
async def one_scenario(request: Request, held: Held, scenario: ScenarioId) -> Response:
    """A shipped scenario as JSON, the same as its file; it can be sent to /api/simulate."""

    def made() -> bytes:
        return json_bytes(scenarios.shipped(scenario))

    key = f"scenario {scenario}"
    return answer(request, await held.cache.get(key, lambda: held.aside(made)))


@router.post("/api/simulate", response_model=SimulateAnswer, openapi_extra=_BODY)
async def simulate(
    request: Request, held: Held, tables: Tables | None = None,
    range: Annotated[
        Literal["theta"] | None, Query(description="theta: also under every elasticity set.")
    ] = None,
) -> Response:  # fmt: skip
    """Solve a scenario: who gains, who loses, where the trade went."""
    wanted = tuple(dict.fromkeys(tables.split(","))) if tables else scenarios.TABLES
    for name in wanted:
        if name not in scenarios.TABLES:
            raise UnknownNameError.of("table", name, scenarios.TABLES, "tables")
    body = await request.body()

    async def make() -> bytes:
        return await held.pool.call(scenarios.solve, laws, body, wanted, range == "theta")

    laws = held.laws_if_ready
    key = f"run {hashlib.sha256(body).hexdigest()} {','.join(wanted)} {range}"
    return Response(
        await while_wanted(request, held.cache.get(key, make)),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


@router.post(
    "/api/scenario/yaml",
    openapi_extra=_BODY,
    response_class=Response,
    responses={
        200: {"content": {"text/yaml": {"schema": {"$ref": "#/components/schemas/Scenario"}}}}
    },
)
async def as_yaml(request: Request, held: Held) -> Response:
    """A scenario as the file that ``detente run`` takes."""
    written = held.pool.call(scenarios.as_file, await request.body())
    name, text = await while_wanted(request, written)
    return Response(
        text,
        media_type="text/yaml; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name[:80]}.yaml"',
            "Cache-Control": "no-store",
        },
    )

"""Shapes of the answers: what the OpenAPI document says and the tests check."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from detente.records import Count
from detente.records import Number as Given
from detente.timeline.days import COLUMNS

__all__ = ["DAY_PATTERN", "ERRORS", "Body", "Day", "Iso3", "Problem", "Sector"]

DAY_PATTERN = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"

Day = Annotated[
    str,
    Query(
        pattern=DAY_PATTERN,
        description="A calendar day; it means the law in force then.",
        examples=["2025-04-10"],
    ),
]
Iso3 = Annotated[str, Query(pattern=r"^[A-Z]{3}$", description="Country, ISO3.", examples=["USA"])]
Sector = Annotated[
    str, Query(pattern=r"^[A-Za-z0-9_]{1,16}$", description="Sector code.", examples=["C26"])
]
Variable = Annotated[
    str,
    Query(pattern=rf"^({'|'.join(COLUMNS)})$", description="A column of the timeline.",
          examples=["real_income_pct"]),
]  # fmt: skip
ScenarioId = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,80}$", examples=["us-cars-25"])]


class Body(BaseModel):
    """Base of the shapes: no field that is not named."""

    model_config = ConfigDict(extra="forbid")


class Fault(Body):
    """What went wrong, in words."""

    kind: str
    message: str
    field: str | None = None


class Problem(Body):
    """The answer when something went wrong."""

    error: Fault


ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The request cannot be read."},
    401: {"model": Problem, "description": "A token is needed."},
    404: {"model": Problem, "description": "No such thing."},
    409: {"model": Problem, "description": "No equilibrium, or the solve did not converge."},
    413: {"model": Problem, "description": "The request is too large."},
    415: {"model": Problem, "description": "The body must be JSON."},
    422: {"model": Problem, "description": "Bad input: what, where and what to do."},
    503: {"model": Problem, "description": "Busy or not ready yet; see Retry-After."},
}
"""Answers that every operation may give besides its own."""


class Meta(BaseModel):
    """Provenance and whatever says how to read the rows."""

    model_config = ConfigDict(extra="allow")

    package: Literal["detente"]
    version: str
    world: str
    world_hash: str
    ledger: str
    ledger_hash: str
    model: str
    deficit: str
    theta: str


# --- /api/world -----------------------------------------------------------------------------
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


# --- /api/timeline --------------------------------------------------------------------------
class ChangeDate(Body):
    """A day on which something changed."""

    date: str
    changes: int
    words: str


class DatesAnswer(Body):
    """Every change date."""

    meta: Meta
    rows: list[ChangeDate]


Number = float | None


class CountryLine(Body):
    """A country on a day; changes are against the day compared with."""

    country: str
    name: str
    real_income_pct: Number
    real_wage_pct: Number
    exports_pct: Number
    imports_pct: Number
    tariff_charged_pct: Number
    tariff_faced_pct: Number
    tariff_revenue_usd_bn: Number


class ChangeLine(Body):
    """One thing that changed."""

    date: str
    record: str
    imposer: str
    words: str
    url: str


class TimelineAnswer(Body):
    """The world on a day."""

    meta: Meta
    rows: list[CountryLine]
    changes: list[ChangeLine]
    headline: str


class SeriesAnswer(Body):
    """One variable on every change date, against the world table."""

    meta: Meta
    dates: list[str]
    countries: list[str]
    values: list[list[Number]]


class Sale(Body):
    """Sales of one seller."""

    seller: str
    before_usd_bn: float
    after_usd_bn: float
    change_usd_bn: float


class Redirection(Body):
    """Sales to one buyer."""

    buyer: str
    before_usd_bn: float
    after_usd_bn: float
    change_usd_bn: float


class FlowsAnswer(Body):
    """Who sells to the importer, and where the exporter sells instead."""

    meta: Meta
    rows: list[Sale]
    redirected: list[Redirection]


# --- /api/scenarios, /api/simulate ----------------------------------------------------------
class ScenariosAnswer(Body):
    """The shipped scenarios."""

    meta: Meta
    rows: list[ScenarioRow]


class ScenarioRow(Body):
    """A shipped scenario in a line."""

    id: str
    title: str
    about: str
    measures: int
    baseline: str


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


# --- /api/jobs ------------------------------------------------------------------------------
class JobRequest(Body):
    """What to play."""

    question: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,80}$", examples=["courtship"])
    draws: Count | None = Field(None, ge=2, le=2000, examples=[50])
    seed: Count = Field(1, ge=0, le=2**31 - 1)
    overrides: dict[
        Annotated[str, Field(pattern=r"^(parameters|settings)(\.[A-Za-z0-9_-]{1,60}){1,3}$")],
        Given | Annotated[str, Field(pattern=r"^[A-Za-z0-9 _.,+-]{1,80}$")],
    ] = Field(default_factory=dict, max_length=50)


class JobAnswer(Body):
    """A job as it stands."""

    job: str
    status: Literal["queued", "running", "done", "failed", "cancelled"]
    done: int
    total: int
    asked: dict[str, Any]
    result: dict[str, Any] | None = None
    error: str | None = None


ScenariosAnswer.model_rebuild()

"""The shapes of the JSON twins of ledger, why, country, sector and question pages."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "CountryAnswer",
    "CountryList",
    "CountrySeries",
    "LedgerAnswer",
    "PointAnswer",
    "PointBody",
    "QuestionAnswer",
    "QuestionList",
    "RecordAnswer",
    "SectorAnswer",
    "SectorList",
    "WhyAnswer",
]  # fmt: skip

Number = float | None
Cells = list[dict[str, str | Number]]


class Shape(BaseModel):
    """Base of every answer: nothing but what is named here."""

    model_config = ConfigDict(extra="forbid")


# --- ledger ---------------------------------------------------------------------------------------
class RecordRow(Shape):
    """A record in the list."""

    id: str
    kind: str
    title: str
    imposer: str
    imposer_name: str
    programme: str
    instrument: str
    status: str = Field(description="on the day asked for; empty where none applies")
    first: str
    last: str
    sources: int
    evidence: str
    url: str


class LedgerMeta(Shape):
    """What was looked for and how much was found."""

    ledger: str
    version: str
    record_from: str
    record_until: str
    filters: dict[str, str]
    day: str = Field(description="the day the statuses are those of")
    total: int
    page: int
    pages: int
    page_size: int


class LedgerAnswer(Shape):
    """``GET /api/ledger``."""

    meta: LedgerMeta
    rows: list[RecordRow]
    filters: dict[str, dict[str, str]] = Field(description="values each filter can take")


class Piece(Shape):
    """A piece of a sentence; ``url`` where it names a record."""

    text: str
    record: str
    url: str


class Fact(Shape):
    """A named field of a record, in words."""

    name: str
    parts: list[Piece]


class EntryRow(Shape):
    """What held from a date on."""

    announced: str
    in_force: str
    collected_from: str
    ended: str
    status: str
    form: str
    rate_pct: Number
    words: str
    sources: list[str]
    evidence: str
    assumption: str
    note: str


class ProvisionRow(Shape):
    """A heading of a measure with its dated history."""

    title: str
    heading: str
    targets: list[Piece]
    products: list[Piece]
    path: str
    entities: list[str]
    entries: list[EntryRow]


class StepRow(Shape):
    """A dated step of a record without provisions."""

    date: str
    words: str
    sources: list[str]
    note: str
    record: str


class SourceRow(Shape):
    """Where it was read; ``url`` only where it is http or https."""

    key: str
    title: str
    publisher: str
    cite: str
    url: str
    date_read: str
    quote: str
    evidence: str
    article: str


class LinkRow(Shape):
    """Another record that this one names or that names it."""

    relation: str
    record: str
    title: str
    url: str


class RecordAnswer(Shape):
    """``GET /api/ledger/{id}``."""

    meta: dict[str, Any]
    facts: list[Fact]
    rows: list[ProvisionRow] = Field(description="the provisions of a measure")
    history: list[StepRow]
    sources: list[SourceRow]
    links: list[LinkRow]


# --- why ------------------------------------------------------------------------------------------
class RateRow(Shape):
    """A distinct rate under the code or sector."""

    date: str
    importer: str
    exporter: str
    hs: str
    rate_pct: Number
    base_pct: Number
    added_pct: Number
    share_of_imports_pct: Number
    weighted: str
    banned: str
    incomplete: str
    route: str
    lines: str


class WhyRow(Shape):
    """A step of the derivation; ``row`` is the rate it belongs to."""

    row: int
    part: str
    share_of_value_pct: Number
    step: str
    record: str
    heading: str
    text: str
    added_pct: Number
    because: str
    source: str
    url: str
    because_url: str = Field(description="the page of the rule that set the step aside, if one did")


class AverageRow(Shape):
    """The average over a sector."""

    date: str
    importer: str
    partner: str
    sector: str
    average_rate_pct: Number
    base_pct: Number
    added_pct: Number
    weights: str


class WhyAnswer(Shape):
    """``GET /api/why``."""

    meta: dict[str, Any]
    rows: list[RateRow]
    derivation: list[WhyRow]
    average: list[AverageRow]


# --- places ---------------------------------------------------------------------------------------
class CountryList(Shape):
    """``GET /api/countries``."""

    meta: dict[str, Any]
    rows: Cells


class CountryAnswer(Shape):
    """``GET /api/countries/{iso3}``: ``rows`` is the country's own line."""

    meta: dict[str, Any]
    rows: Cells
    tariffs_by_partner: Cells
    exposure_by_partner: Cells
    exposure: Cells
    gainers: Cells
    markets: Cells
    rivals: Cells
    sectors: Cells
    partners: Cells
    ranks: Cells
    measures: list[RecordRow]
    aimed_at: list[RecordRow]


class CountrySeries(Shape):
    """``GET /api/countries/{iso3}/series``: a value a date in every column."""

    meta: dict[str, Any]
    dates: list[str]
    columns: dict[str, list[Number]]


class SectorList(Shape):
    """``GET /api/sectors``."""

    meta: dict[str, Any]
    rows: Cells


class SectorAnswer(Shape):
    """``GET /api/sectors/{code}``: ``rows`` has one line a country."""

    meta: dict[str, Any]
    rows: Cells
    flows: Cells


# --- questions ------------------------------------------------------------------------------------
class QuestionRow(Shape):
    """A question in the list."""

    question: str
    title: str
    asked: str
    outlet: str
    date: str
    drawn: int
    url: str


class QuestionList(Shape):
    """``GET /api/questions``."""

    meta: dict[str, Any]
    rows: list[QuestionRow]


class ParameterRow(Shape):
    """A parameter: what it is, what is drawn, and what a slider may be set to."""

    parameter: str
    about: str
    unit: str
    source: str
    drawn_from: str
    point: float | str
    low: Number
    high: Number
    log: bool
    choices: list[float | str]
    labels: dict[str, str] = Field(description="the choices in words")
    fixed: bool


class NumberRow(Shape):
    """A number behind the verdict."""

    number: str
    about: str
    value: Number


class PointAnswer(Shape):
    """``POST /api/questions/{id}/point``: the verdict at one set of values."""

    meta: dict[str, Any]
    rows: list[NumberRow]


class QuestionAnswer(Shape):
    """``GET /api/questions/{id}``: ``rows`` are its parameters."""

    meta: dict[str, Any]
    rows: list[ParameterRow]


class PointBody(Shape):
    """Values by parameter; those left out stay at their points."""

    parameters: dict[str, Annotated[float, Field(allow_inf_nan=False, strict=True)] | str] = Field(
        default_factory=dict, max_length=40
    )

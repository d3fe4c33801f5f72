"""Scenario files: a title, its sources, and measures in words an analyst writes.

The schema is strict: an unknown key, a duplicate key, a rate out of range, a country or sector
nobody knows is an error that names file and field.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PrivateAttr, model_validator

from detente.errors import RecordError, UnknownNameError, shown
from detente.files import there
from detente.records import Count, Flag, Number, Record, quoted, validate
from detente.texts import parse_value, read_yaml

__all__ = [
    "Scenario",
    "ScenarioMeasure",
    "Source",
    "load_scenario",
    "parse_scenario",
    "scenario_names",
]

HIGHEST_PCT = 1000.0

Names = str | list[str]
Share = Annotated[Number, Field(ge=0.0, le=1.0)]
Volume = Annotated[Number, Field(ge=0.0)]


class Source(Record):
    """Where a scenario's facts come from."""

    title: str
    publisher: str
    date: str = ""
    url: str = ""
    cite: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _has_a_place(self) -> Source:
        if not self.url and not self.cite:
            raise ValueError("a source needs a url or a cite")
        return self


class TableRef(Record):
    """A table beside the scenario, columns ``sector``, ``exporter`` and one number.

    Rows are looked up by exporter, then by its group (``EU27``), then ``ALL``.
    """

    table: str


class ScenarioMeasure(Record):
    """One measure: who levies what on whom.

    ``form`` says how ``rate_pct`` meets the base rate t: "added" t + r, "replaced" r, "total"
    max(t, r). ``covered_share`` is the part of each flow that is in scope and ``taxed_share``
    the part of a covered value that is taxed; both are one number, a mapping from exporter (or
    group) to number with "default", or a table. A ban of share s of a flow leaves 1 - s of it at
    unchanged costs.

    A quota lets a volume of a sector in from its targets together (or from each of them, with
    ``each_target``): ``volume_pct_of_base``, or ``volume_usd_mn`` a year at base-year prices. What
    is within it pays ``rate_pct``, the tariff in force where that is left out. What is above pays
    ``over_quota_rate_pct``, or stays out where that is left out. ``rent`` says who earns the
    difference between the price and cost and duty: importer (the default), exporter or auction.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, title="Measure")

    imposer: Names
    targets: Names = "all"
    except_targets: list[str] = Field(default_factory=list)
    sectors: Names
    instrument: Literal["import_tariff", "export_tax", "iceberg", "ban", "quota"]
    form: Literal["added", "replaced", "total"] = "added"
    rate_pct: Number | dict[str, Number] | None = None
    cost_pct: Number | None = None
    volume_pct_of_base: Volume | None = None
    volume_usd_mn: Volume | None = None
    over_quota_rate_pct: Number | None = None
    rent: Literal["importer", "exporter", "auction"] | None = None
    each_target: Flag = False
    base: Literal["world"] | TableRef = "world"
    covered_share: Share | dict[str, Share] | TableRef = 1.0
    taxed_share: Share | dict[str, Share] | TableRef = 1.0
    note: str = ""

    @model_validator(mode="after")
    def _fits_the_instrument(self) -> ScenarioMeasure:
        taxes = self.instrument in ("import_tariff", "export_tax")
        self._fits_a_quota()
        if self.instrument != "quota" and taxes != (self.rate_pct is not None):
            raise ValueError(f"rate_pct is needed for taxes and only there ({self.instrument})")
        if (self.instrument == "iceberg") != (self.cost_pct is not None):
            raise ValueError("cost_pct is needed for an iceberg and only there")
        if self.cost_pct is not None and not -100.0 < self.cost_pct <= HIGHEST_PCT:
            raise ValueError(f"cost_pct must lie above -100 and at most {HIGHEST_PCT:g}")
        if not taxes and self.form != "added":
            raise ValueError(f"form is for taxes; leave it out for {self.instrument}")
        if self.instrument != "import_tariff" and self.base != "world":
            raise ValueError("base is for import tariffs; leave it out")
        if self.instrument in ("iceberg", "ban") and self.taxed_share != 1.0:
            raise ValueError("taxed_share is for taxes; use covered_share")
        return self

    def _fits_a_quota(self) -> None:
        own = ("volume_pct_of_base", "volume_usd_mn", "over_quota_rate_pct", "rent", "each_target")
        if self.instrument != "quota":
            for name in own:
                if getattr(self, name) not in (None, False):
                    raise ValueError(f"{name} is for a quota; leave it out for {self.instrument}")
            return
        if (self.volume_pct_of_base is None) == (self.volume_usd_mn is None):
            raise ValueError(
                "a quota needs one of volume_pct_of_base (100 is the volume of the base year) and "
                "volume_usd_mn (USD million a year at base-year prices)"
            )
        if isinstance(self.rate_pct, dict):
            raise ValueError("rate_pct of a quota is one number, the rate within it")
        within, over = self.rate_pct, self.over_quota_rate_pct
        if over is not None and over <= -100.0:
            raise ValueError(f"over_quota_rate_pct: {over:g} is out of range; it lies above -100")
        if within is not None and over is not None and over < within:
            raise ValueError(
                f"over_quota_rate_pct: {over:g} is below rate_pct {within:g}, the rate within the "
                "quota; leave it out where nothing enters above"
            )
        if self.covered_share != 1.0 or self.taxed_share != 1.0:
            raise ValueError("a quota covers whole flows; leave covered_share and taxed_share out")

    @property
    def rates(self) -> dict[str, float]:
        """Rates by exporter, group or "default", percent."""
        if self.rate_pct is None:
            return {}
        return self.rate_pct if isinstance(self.rate_pct, dict) else {"default": self.rate_pct}


class Focus(Record):
    """The market a scenario is about: sales of ``sector`` to ``importer``."""

    sector: str
    importer: str


class Claim(Record):
    """A figure somebody published, printed beside our own; ``ours`` names the number to print,
    for instance ``output[C29,JPN]`` or ``real_income[KOR]``, after ``years`` (1 to 10), or in the
    long run."""

    statement: str
    source: str
    ours: str
    years: Annotated[Count, Field(ge=1, le=10)] | None = None
    published_pct: Number | None = None


class _View(Record):
    """How the ledger is read: ``without`` leaves out measures or programmes, ``with`` counts the
    named measures as in force though they are not."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    known_on: str | None = None
    dates: Literal["collection", "legal"] = "collection"
    announced: Flag = False
    without: list[str] = Field(default_factory=list)
    including: list[str] = Field(default_factory=list, alias="with")


class Law(_View):
    """The law of a day from the ledger."""

    date: str


class Baseline(_View):
    """What the measures are compared with: the world table (nothing given), another scenario, or
    the law of a day."""

    scenario: str | None = None
    date: str | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Baseline:
        if self.scenario is not None and self.date is not None:
            raise ValueError("give scenario or date, not both")
        if self.date is None and (self.known_on or self.without or self.including):
            raise ValueError("known_on, without and with need a date")
        return self

    @property
    def law(self) -> Law | None:
        """The law of the day, if a date is given."""
        if self.date is None:
            return None
        return Law.model_validate(self.model_dump(exclude={"scenario"}))


class Scenario(Record):
    """A scenario: everything ``dt.run`` needs besides the code.

    Raises (from the readers below)
    ------
    RecordError
        Names the file and the field.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100)
    title: str
    about: str
    blurs: str
    sources: list[Source] = Field(min_length=1)
    world: str = "world-2022"
    baseline: Baseline = Baseline()
    policy: Law | None = None
    measures: list[ScenarioMeasure] = Field(default_factory=list, max_length=2000)
    model: str | dict[str, Any] = "caliendo-parro"
    deficit: Literal["fixed", "zero", "share"] = "fixed"
    theta: str = "fgo"
    focus: Focus | None = None
    claims: list[Claim] = Field(default_factory=list)
    allow_prohibitive: Flag = False
    _source: str = PrivateAttr("")

    @property
    def source(self) -> str:
        """Where the scenario was read, for error messages; its id where that is not known."""
        return self._source or self.id

    @model_validator(mode="after")
    def _does_something(self) -> Scenario:
        if not self.measures and self.policy is None:
            raise ValueError("measures: is empty; give a measure, or policy: {date: ...}")
        return self

    @model_validator(mode="after")
    def _rates_in_range(self) -> Scenario:
        for i, measure in enumerate(self.measures):
            for who, rate in measure.rates.items():
                where = f"measures.{i}.rate_pct" + ("" if who == "default" else f".{who}")
                if rate <= -100.0:
                    raise ValueError(
                        f"{where}: {rate:g} is out of range; a rate is above -100 (a subsidy of "
                        "the whole price)"
                    )
                if rate > HIGHEST_PCT and not self.allow_prohibitive:
                    raise ValueError(
                        f"{where}: {rate:g} is out of range; rates are percent, at most "
                        f"{HIGHEST_PCT:g}, unless allow_prohibitive: true"
                    )
        return self


def scenario_names() -> list[str]:
    """Names of the scenarios that ship with the package."""
    folder = Path(str(files("detente") / "scenarios"))
    return sorted(p.stem for p in folder.glob("*.yaml"))


def scenario_folder() -> Path:
    """The folder of shipped scenarios; their tables are in ``tables/``."""
    return Path(str(files("detente") / "scenarios"))


def load_scenario(name: str | Path, overrides: Mapping[str, str] | None = None) -> Scenario:
    """Read a scenario by shipped name or path, with ``path=value`` overrides applied.

    Raises
    ------
    UnknownNameError
        No such file or shipped scenario.
    RecordError
        The file breaks the schema.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        if not there(path):
            raise UnknownNameError(f"{path}: no such scenario file; shipped: {scenario_names()}")
    elif str(name) in scenario_names():
        path = scenario_folder() / f"{name}.yaml"
    else:
        raise UnknownNameError.of("scenario", str(name), scenario_names())
    data = read_yaml(path)
    source = path.name if path.parent == scenario_folder() else str(path)
    for where, text in (overrides or {}).items():
        _set(data, where, text, source)
    return parse_scenario(data, source)


def parse_scenario(data: Mapping[str, Any], source: str) -> Scenario:
    """A scenario from a mapping, for instance the JSON body of a request."""
    scenario = validate(Scenario, data, source)
    scenario._source = source
    return scenario


def _set(data: dict[str, Any], where: str, text: str, source: str) -> None:
    """Apply ``measures.0.rate_pct=15``; the value is read as YAML."""
    parts = where.replace("[", ".").replace("]", "").split(".")
    where = quoted(where)
    if not isinstance(text, str):
        raise RecordError(
            f"--set {where}: the value is {shown(text)}, of type {type(text).__name__}; give a "
            "text, which is read as YAML"
        )
    value = parse_value(text, f"--set {where}")
    node: Any = data
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        if isinstance(node, list):
            if not node:
                raise RecordError(
                    f"--set {where}: {source} has nothing at {shown('.'.join(parts[:i]))}; edit "
                    "the file"
                )
            if not _place_in(part, len(node)):
                raise RecordError(
                    f"--set {where}: {source} has {len(node)} entries at "
                    f"{shown('.'.join(parts[:i]))}; use a number from 0 to {len(node) - 1}"
                )
            key: Any = int(part)
        elif isinstance(node, dict):
            key = part
            if not last and key not in node:
                raise UnknownNameError.of("key", part, [str(k) for k in node], f"--set {where}")
        else:
            raise RecordError(f"--set {where}: {shown('.'.join(parts[:i]))} holds no further keys")
        if last:
            node[key] = value
        else:
            node = node[key]


def _place_in(part: str, count: int) -> bool:
    """Whether ``part`` is the number of one of ``count`` entries."""
    return part.isascii() and part.isdigit() and len(part) < 10 and int(part) < count

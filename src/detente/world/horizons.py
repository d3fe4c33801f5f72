"""How fast trade and workers adjust: named, dated, cited horizon sets.

A set is a YAML file in ``horizon_sets``; its schema is ``HorizonRecord``. It holds what
:mod:`detente.models.staggered` needs beside a world: sigma, the elasticity of quantities while
buyers stay with their suppliers; zeta, the share of goods whose supplier is chosen anew in a year;
and a long-run trade elasticity theta of its own, or none where it goes on top of the world's set.
The same for workers: mu, the share who choose their sector anew in a year, and kappa.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from detente.errors import RecordError, UnknownNameError
from detente.records import Number, validate
from detente.texts import parse_yaml

__all__ = ["DEFAULT_HORIZON", "HORIZONS", "HorizonRecord", "elasticity_after", "horizon_record",
           "horizon_sets", "read_horizon_record"]  # fmt: skip

DEFAULT_HORIZON = "cgmt-sectors"
"""The default: the pace of Chen, Goes, Muendler and Trottner on the world's elasticities by sector.

Why: the pace was estimated year by year on the same flows over ten years, not read off two dates;
and with the world's own elasticities a path ends in the very long run that the static model gives,
sector by sector, so that the answers of one year and of the end belong together.
"""

HORIZONS = (1, 3, 5, 10)
"""Years at which a set's elasticity is printed."""


class Published(BaseModel):
    """An elasticity of trade that a paper prints: of spending with tariffs ("inclusive") or of
    flows at border prices ("exclusive"), after some years."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    years: Number = Field(gt=0)
    value: Number
    standard_error: Number | None = None
    of: Literal["inclusive", "exclusive"]


class Labour(BaseModel):
    """How fast workers change their sector: ``mu`` a year, elasticity ``kappa``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    mu: Number = Field(gt=0, le=1)
    mu_low: Number = Field(gt=0, le=1)
    mu_high: Number = Field(gt=0, le=1)
    kappa: Number = Field(gt=1)
    source: str


class HorizonRecord(BaseModel):
    """One set as written in its file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    title: str
    citation: str
    date: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    """When the set was written."""
    where: str
    """Table or file in the source."""
    checked: str
    """What the values were compared with, and what could not be verified."""
    notes: str
    sigma: Number = Field(ge=0)
    zeta: Number = Field(gt=0, le=1)
    theta: Number | None = Field(default=None, gt=0)
    """One elasticity for all sectors; none: the world's own."""
    published: list[Published] = []
    labour: Labour

    @property
    def long_run(self) -> str:
        """Where the long-run elasticity comes from, in words."""
        return "the world's, by sector" if self.theta is None else f"{self.theta:g} everywhere"


def elasticity_after(years: float, theta: float, sigma: float, zeta: float) -> float:
    """Elasticity of spending, tariffs included, in a tariff that has stood for some years, for one
    small flow: of flows at border prices it is one less.

    -theta (1 - (1-zeta)^h) + (1-sigma) (1-zeta)^h (Chen, Goes, Muendler and Trottner 2024).
    """
    stay = (1.0 - zeta) ** years
    return -theta * (1.0 - stay) + (1.0 - sigma) * stay


def horizon_sets() -> list[str]:
    """Names of the sets, the default first."""
    folder = files("detente.world") / "horizon_sets"
    names = sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".yaml"))
    return [DEFAULT_HORIZON, *(n for n in names if n != DEFAULT_HORIZON)]


def horizon_record(name: str = DEFAULT_HORIZON) -> HorizonRecord:
    """The record of a set.

    Raises UnknownNameError for an unknown name, RecordError for a file that breaks the schema.
    """
    if name not in horizon_sets():
        raise UnknownNameError.of("horizon set", name, horizon_sets())
    return _load(name)


def read_horizon_record(text: str, where: str) -> HorizonRecord:
    """Read a set from YAML text; ``where`` names the file in errors.

    Raises RecordError for broken YAML, a key given twice, or a breach of the schema.
    """
    record = validate(HorizonRecord, parse_yaml(text, where), where)
    if abs(record.sigma - 1.0) < 1e-6:
        raise RecordError(
            f"{where}: sigma: is 1, where the price index has another form; write 0.999 or 1.001"
        )
    return record


@lru_cache(maxsize=32)
def _load(name: str) -> HorizonRecord:
    file = files("detente.world") / "horizon_sets" / f"{name}.yaml"
    record = read_horizon_record(file.read_text(encoding="utf-8"), f"{name}.yaml")
    if record.id != name:
        raise RecordError(f"{name}.yaml: field 'id' is {record.id!r}, must be the file's name.")
    return record

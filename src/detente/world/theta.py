"""Trade elasticities by sector: named, dated, cited sets.

A set is a YAML file in ``theta_sets``; its schema is ``ThetaRecord``. theta is the trade
elasticity (> 0): the fall of trade, in percent, per percent of trade cost.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from detente.errors import RecordError, UnknownNameError
from detente.records import Number, validate
from detente.texts import parse_yaml

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["DEFAULT_THETA", "ThetaRecord", "read_theta_record", "theta_record", "theta_set",
           "theta_sets"]  # fmt: skip

DEFAULT_THETA = "fgo"
"""The default set, Fontagné, Guimbard & Orefice (2022).

Why: estimated from bilateral tariffs, the very instrument studied here, product by product and
then averaged by industry, for 152 importers over 2001-2016; it covers every goods sector without
filling; no industry has an extreme value (2.9 to 10.6, against 0.4 to 65 in Caliendo & Parro).
It is a long-run set: after a shock of months, trade reacts less.
"""

_SECTORS = (
    "A01_02", "A03", "B05_06", "B07_08", "B09", "C10T12", "C13T15", "C16", "C17_18", "C19", "C20",
    "C21", "C22", "C23", "C24", "C25", "C26", "C27", "C28", "C29", "C30", "C31T33", "services",
)  # fmt: skip


class ThetaRecord(BaseModel):
    """One set as written in its file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    title: str
    citation: str
    year: int = Field(ge=1990, le=2100)
    horizon: Literal["long-run", "short-run"]
    where: str
    """Table and column in the source."""
    checked: str
    """What the values were compared with, and what could not be verified."""
    services: str
    """How services are treated, and why."""
    notes: str
    source_values: dict[str, Number] = {}
    """The source's own industries and values."""
    mapping: dict[str, list[str]] = {}
    """Sector to the source industries whose plain mean it takes; empty list: filled."""
    values: dict[str, float]

    @field_validator("values")
    @classmethod
    def _complete(cls, values: dict[str, float]) -> dict[str, float]:
        lacking = [s for s in _SECTORS if s not in values]
        odd = [s for s in values if s not in _SECTORS]
        low = [f"{s}: {v}" for s, v in values.items() if not 0 < v < float("inf")]
        if lacking or odd or low:
            raise ValueError(
                f"sectors without a value {lacking}, unknown sectors {odd}, values not above "
                f"zero {low}; give one positive number for each of the {len(_SECTORS)} sectors"
            )
        return {s: values[s] for s in _SECTORS}


def theta_sets() -> list[str]:
    """Names of the sets, the default first."""
    folder = files("detente.world") / "theta_sets"
    names = sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".yaml"))
    return [DEFAULT_THETA, *(n for n in names if n != DEFAULT_THETA)]


def theta_record(name: str) -> ThetaRecord:
    """The record of a set: citation, mapping, notes.

    Raises UnknownNameError for an unknown name, RecordError for a file that breaks the schema.
    """
    if name not in theta_sets():
        raise UnknownNameError.of("theta set", name, theta_sets())
    return _load(name)


def theta_set(name: str = DEFAULT_THETA) -> xr.DataArray:
    """Trade elasticities of a set, dim ``sector`` (23), no unit; attrs carry the citation.

    Raises UnknownNameError for an unknown name.
    """
    import xarray as xr

    record = theta_record(name)
    return xr.DataArray(
        list(record.values.values()),
        coords={"sector": list(record.values)},
        dims="sector",
        name="theta",
        attrs={
            "set": record.id,
            "title": record.title,
            "citation": record.citation,
            "year": record.year,
            "horizon": record.horizon,
            "services": record.services,
            "units": "1",
        },
    )


def read_theta_record(text: str, where: str) -> ThetaRecord:
    """Read a set from YAML text; ``where`` names the file in errors.

    Raises RecordError for broken YAML, a key given twice, or a breach of the schema.
    """
    return validate(ThetaRecord, parse_yaml(text, where), where)


@lru_cache(maxsize=32)
def _load(name: str) -> ThetaRecord:
    file = files("detente.world") / "theta_sets" / f"{name}.yaml"
    record = read_theta_record(file.read_text(encoding="utf-8"), f"{name}.yaml")
    if record.id != name:
        raise RecordError(f"{name}.yaml: field 'id' is {record.id!r}, must be the file's name.")
    return record

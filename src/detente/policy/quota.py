"""``Quota``: a quota or tariff-rate quota with its labels, checked against a world."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detente.errors import InputError, UnknownNameError
from detente.instruments import INSTRUMENTS, RENT_OWNERS
from detente.world import World

__all__ = ["Quota", "read_quotas"]

FIELDS = ("sector", "importer", "exporter", "volume", "volume_usd_mn", "over", "rent")


@dataclass(frozen=True)
class Quota:
    """What one importer lets in of one sector at the policy's tariff.

    Attributes
    ----------
    sector, importer : labels
    exporters : labels; together they share the volume, at one price
    volume_usd_mn : USD million a year at base-year prices; zero closes the flow (or leaves it the
        over-quota rate), infinity never binds
    over : the rate above the quota, a fraction at or above the tariff; infinite: nothing enters
    rent : whose the rent is: "importer", "exporter" or "auction"
    """

    sector: str
    importer: str
    exporters: tuple[str, ...]
    volume_usd_mn: float
    over: float
    rent: str

    @property
    def cell(self) -> str:
        """Where it holds, for messages and tables."""
        return f"sector {self.sector}, importer {self.importer}, exporter " + ", ".join(
            self.exporters
        )


def read_quotas(given: Any, world: World, tariff: np.ndarray) -> tuple[Quota, ...]:
    """Quotas from records (mappings, :class:`Quota`) or a table with those columns.

    ``tariff`` (J, N, N) holds the rates within the quotas.

    Raises
    ------
    InputError
        A volume below zero, a rate above the quota that is below the tariff, an owner of the rent
        nobody knows, a flow inside a country, a flow under two quotas, a field missing or unknown.
    UnknownNameError
        A label the world does not hold.
    """
    found: list[Quota] = []
    taken: dict[tuple[str, str, str], int] = {}
    for number, record in enumerate(_records(given)):
        where = f"quota[{number}]"
        quota = record if isinstance(record, Quota) else _read(record, world, where)
        _check(quota, world, tariff, where)
        for exporter in quota.exporters:
            cell = (quota.sector, quota.importer, exporter)
            if cell in taken:
                raise InputError(
                    f"{where}: sector {cell[0]}, importer {cell[1]}, exporter {cell[2]} is under "
                    f"quota[{taken[cell]}] already; a flow has one quota at most"
                )
            taken[cell] = number
        found.append(quota)
    return tuple(found)


def _records(given: Any) -> Sequence[Any]:
    if given is None:
        return ()
    if isinstance(given, (Mapping, Quota)):
        return (given,)
    if hasattr(given, "to_dict") and hasattr(given, "columns"):
        rows = given.to_dict("records")
        return [{k: v for k, v in row.items() if not _missing(v)} for row in rows]
    if isinstance(given, Iterable) and not isinstance(given, (str, bytes)):
        records = list(given)
        for number, record in enumerate(records):
            if not isinstance(record, (Mapping, Quota)):
                raise InputError(
                    f"quota[{number}]: {record!r} is no record; give a mapping with "
                    f"{', '.join(FIELDS)}"
                )
        return records
    raise InputError(
        f"quota: a list of records or a table with columns {', '.join(FIELDS)} is needed, not "
        f"{type(given).__name__}"
    )


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def _read(record: Mapping[str, Any], world: World, where: str) -> Quota:
    for key in record:
        if key not in FIELDS:
            raise UnknownNameError.of("field", str(key), FIELDS, where)
    for key in ("sector", "importer", "exporter"):
        if key not in record:
            raise InputError(f"{where}: {key} is missing; a quota has {', '.join(FIELDS)}")
    sectors = world.sector_list(record["sector"], f"{where}.sector")
    importers = world.country_list(record["importer"], f"{where}.importer")
    for name, labels in (("sector", sectors), ("importer", importers)):
        if len(labels) != 1:
            raise InputError(
                f"{where}.{name}: {record[name]!r} stands for {len(labels)} labels; a quota has "
                f"one {name}; write a quota for each"
            )
    everywhere = record["exporter"] == "all"
    exporters = world.country_list(record["exporter"], f"{where}.exporter")
    if everywhere:
        exporters = [c for c in exporters if c != importers[0]]
    exporters = list(dict.fromkeys(exporters))
    if not exporters:
        raise InputError(f"{where}.exporter: is empty; name an exporter, or write all")
    over = record.get("over")
    amount = _volume(record, world, sectors[0], importers[0], exporters, where)
    return Quota(
        sectors[0], importers[0], tuple(exporters), amount,
        float("inf") if over is None else _number(over, f"{where}.over"),
        str(record.get("rent", "importer")),
    )  # fmt: skip


def _volume(
    record: Mapping[str, Any],
    world: World,
    sector: str,
    importer: str,
    exporters: list[str],
    where: str,
) -> float:
    if ("volume" in record) == ("volume_usd_mn" in record):
        raise InputError(
            f"{where}: give one of volume (over the base year's, 0.5 is half) and volume_usd_mn "
            "(USD million a year at base-year prices)"
        )
    if "volume_usd_mn" in record:
        return _number(record["volume_usd_mn"], f"{where}.volume_usd_mn")
    part = _number(record["volume"], f"{where}.volume")
    if not INSTRUMENTS["quota"].holds(part):
        raise InputError(
            f"{where}.volume: sector {sector}, importer {importer}, exporter "
            f"{', '.join(exporters)} is {part:g}; it must be {INSTRUMENTS['quota'].range}, over "
            "the volume of the base year"
        )
    if np.isinf(part):
        return part
    j, n = world.sectors.index(sector), world.countries.index(importer)
    base = world.trade.values[j, n, [world.countries.index(c) for c in exporters]]
    return part * float(base.sum())


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise InputError(f"{where}: {value!r} is not a number")
    return float(value)


def _check(q: Quota, world: World, tariff: np.ndarray, where: str) -> None:
    row = INSTRUMENTS["quota"]
    if not row.holds(q.volume_usd_mn):
        raise InputError(
            f"{where}: {q.cell} is {q.volume_usd_mn:g} {row.unit}; it must be {row.range}"
        )
    if q.rent not in RENT_OWNERS:
        raise InputError(
            f"{where}.rent: {q.cell} gives the rent to {q.rent!r}; it goes to one of "
            f"{', '.join(RENT_OWNERS)}"
        )
    for name, labels, known in (
        ("sector", (q.sector,), world.sectors),
        ("importer", (q.importer,), world.countries),
        ("exporter", q.exporters, world.countries),
    ):
        for label in labels:
            if label not in known:
                raise UnknownNameError.of(name, label, known, f"{where}.{name}")
    if q.importer in q.exporters:
        raise InputError(f"{where}: {q.importer} cannot have a quota on its own goods ({q.cell})")
    j, n = world.sectors.index(q.sector), world.countries.index(q.importer)
    rates = tariff[j, n, [world.countries.index(c) for c in q.exporters]]
    if np.isnan(q.over) or not q.over >= rates.max():
        raise InputError(
            f"{where}.over: {q.cell} is {q.over:g}; the rate above the quota is a fraction at or "
            f"above the tariff within it, here {rates.max():g} (None: nothing enters above)"
        )
    if np.isfinite(q.over) and rates.max() > rates.min():
        raise InputError(
            f"{where}: {q.cell} share a quota at one price, so that with a rate above it they need "
            f"one tariff within it; here it lies between {rates.min():g} and {rates.max():g}"
        )

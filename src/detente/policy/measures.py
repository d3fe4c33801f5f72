"""From the measures of a scenario to changes: the same things in words of YAML and in percent."""

from __future__ import annotations

import math
from functools import lru_cache
from io import StringIO
from pathlib import Path

from detente.errors import RecordError, UnknownNameError, shown
from detente.files import read_text, there
from detente.policy.changes import Ban, ByFlow, Change, Cost, Levy, Names, Numbers, TariffQuota
from detente.policy.scenario import ScenarioMeasure, TableRef, scenario_folder
from detente.policy.scope import Said
from detente.texts import csv_rows, decimal

__all__ = ["change_of", "said_of"]

MAX_TABLE_BYTES = 20_000_000
"""A table beside a scenario has a row for each sector and exporter."""

_TAXES = {"import_tariff": "tariff", "export_tax": "export_tax"}

_FIELDS = {"rate": "rate_pct", "cost": "cost_pct", "ban": "instrument: ban"}
_QUOTA_FIELDS = {"volume": "volume_pct_of_base", "within": "rate_pct",
                 "over": "over_quota_rate_pct"}  # fmt: skip


def said_of(measure: ScenarioMeasure, where: str) -> Said:
    """The measure's words for the fields of its change; ``where`` is its place in a file."""
    return Said(where, _QUOTA_FIELDS if measure.instrument == "quota" else _FIELDS, ".")


def change_of(measure: ScenarioMeasure, where: str, folder: Path | None = None) -> Change:
    """The measure as a change; its tables are looked for in ``folder``, then among the shipped.

    Raises
    ------
    UnknownNameError
        A table that is not there.
    RecordError
        A table that is not one of sector, exporter and a number.
    """
    imposer, targets, sectors = (_names(getattr(measure, name))
                                 for name in ("imposer", "targets", "sectors"))  # fmt: skip
    spared = tuple(measure.except_targets)

    def share(name: str) -> Numbers:
        given = getattr(measure, name)
        return _table(given, "share", folder, f"{where}.{name}") if isinstance(
            given, TableRef
        ) else given  # fmt: skip

    if measure.instrument in _TAXES:
        base = measure.base
        table = (
            _table(base, "rate_pct", folder, f"{where}.base")
            if isinstance(base, TableRef)
            else None
        )
        return Levy(
            imposer, targets, {who: rate / 100.0 for who, rate in measure.rates.items()}, sectors,
            measure.form, _TAXES[measure.instrument],
            covered_share=share("covered_share"), taxed_share=share("taxed_share"), base=table,
            except_targets=spared,
        )  # fmt: skip
    if measure.instrument == "iceberg":
        cost = (measure.cost_pct or 0.0) / 100.0
        return Cost(imposer, targets, cost, sectors, covered_share=share("covered_share"),
                    except_targets=spared)  # fmt: skip
    if measure.instrument == "ban":
        return Ban(imposer, targets, sectors, covered_share=share("covered_share"),
                   except_targets=spared)  # fmt: skip
    return TariffQuota(
        imposer, targets, sectors, volume=_fraction(measure.volume_pct_of_base),
        volume_usd_mn=measure.volume_usd_mn, within=_fraction(measure.rates.get("default")),
        over=_fraction(measure.over_quota_rate_pct), rent=measure.rent or "importer",
        each_target=measure.each_target, except_targets=spared,
    )  # fmt: skip


def _names(given: str | list[str]) -> Names:
    return given if isinstance(given, str) else tuple(given)


def _fraction(pct: float | None) -> float | None:
    return None if pct is None else pct / 100.0


def _table(ref: TableRef, column: str, folder: Path | None, where: str) -> ByFlow:
    path = _find(ref.table, folder, where)
    rows = _read_table(str(path), column, path.stat().st_mtime_ns)
    if column == "rate_pct":
        rows = {key: value / 100.0 for key, value in rows.items()}
    return ByFlow(rows, ref.table)


def _find(name: str, folder: Path | None, where: str) -> Path:
    """Tables live beside the scenario or among the shipped ones; no other folder is read."""
    if Path(name).name != name:
        raise RecordError(
            f"{where}: table {name!r} must be a bare file name; put the file beside the scenario"
        )
    for place in (folder, scenario_folder() / "tables"):
        if place is not None and there(place / name):
            return place / name
    shipped = sorted(p.name for p in (scenario_folder() / "tables").glob("*.csv"))
    raise UnknownNameError.of("table", name, shipped, where)


@lru_cache(maxsize=32)
def _read_table(path: str, column: str, _changed: int) -> dict[tuple[str, str], float]:
    """Numbers by sector and exporter; ``_changed`` makes an edited file be read again."""
    out: dict[tuple[str, str], float] = {}
    rows = csv_rows(StringIO(read_text(path, MAX_TABLE_BYTES, "table"), newline=""), path)
    names = next(rows, (1, []))[1]
    for line, cells in rows:
        if not cells:  # an empty line
            continue
        row = dict(zip(names, cells, strict=False))
        if len(cells) > len(names) or any(n not in row for n in ("sector", "exporter", column)):
            raise RecordError(
                f"{path}, line {line}: columns sector, exporter and {column} are needed, one "
                f"value each; found {shown(', '.join(names))} and {len(cells)} values"
            )
        key = (row["sector"], row["exporter"])
        if key in out:
            raise RecordError(
                f"{path}, line {line}: {shown(key[0])} from {shown(key[1])} is there twice; keep "
                "one row"
            )
        value = decimal(row[column])
        value = math.nan if value is None else value
        high = 1.0 if column == "share" else math.inf
        low = 0.0 if column == "share" else math.nextafter(-100.0, 0.0)
        if not low <= value <= high or math.isinf(value):
            span = "from 0 to 1" if column == "share" else "above -100, in percent"
            raise RecordError(
                f"{path}, line {line}: {column} is {shown(row[column])}; write a number {span}"
            )
        out[key] = value
    return out

"""From the measures of a scenario to a ``Policy`` on a world."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from detente.errors import InputError, RecordError, UnknownNameError, shown
from detente.files import read_text, there
from detente.policy.policy import Policy
from detente.policy.quota import Quota
from detente.policy.scenario import Law, Measure, Scenario, TableRef, scenario_folder
from detente.texts import csv_rows, decimal
from detente.world import World

__all__ = ["build_policy", "law_policy"]


MAX_TABLE_BYTES = 20_000_000
"""A table beside a scenario has a row for each sector and exporter."""

LawOf = Callable[[Law, World], Policy]
"""How the law of a day becomes a policy; a caller that holds such arrays ready gives its own."""


def build_policy(
    scenario: Scenario, world: World, *, folder: Path | None = None, start: Policy | None = None,
    laws: LawOf | None = None,
) -> Policy:  # fmt: skip
    """Apply the law and the measures of ``scenario`` to the tariffs of ``world`` (or ``start``).

    Where the scenario names a law (``policy: {date: ...}``) that is the start; the measures come
    on top, in order. ``laws`` makes the law of a day, :func:`law_policy` by default.

    A share s of a flow under an added rate r pays s r more on average; under "replaced" or
    "total" the covered part pays the new rate and the rest the old one. A ban on share s of a
    flow multiplies it by 1 - s at unchanged costs: the iceberg is (1 - s)^(-1/theta), infinite
    for s = 1.

    Raises
    ------
    UnknownNameError
        A country, group or sector the world does not hold.
    RecordError
        A table is missing or has no row for a flow it must cover.
    InputError
        The measures leave a rate at or below -100%.
    """
    if scenario.policy is not None:
        start = (laws or law_policy)(scenario.policy, world)
    tariff = world.tariff.values.copy() if start is None else start.tariff.values.copy()
    tax = np.zeros_like(tariff) if start is None else start.export_tax.values.copy()
    iceberg = np.ones_like(tariff) if start is None else start.iceberg.values.copy()
    quotas: list[Quota | dict[str, Any]] = [] if start is None else list(start.quota)
    for i, measure in enumerate(scenario.measures):
        where = f"{scenario.source}: measures.{i}"
        scope = _Scope(measure, world, where, folder)
        if measure.instrument == "quota":
            if measure.rate_pct is not None:
                tariff[scope.cells] = scope.by_partner(measure.rates, "rate_pct") / 100.0
            quotas += _quotas(measure, scope)
            continue
        old = tax if measure.instrument == "export_tax" else tariff
        if measure.instrument in ("import_tariff", "export_tax"):
            if isinstance(measure.base, TableRef):
                base = scope.lookup(measure.base, "base") / 100.0
            else:
                base = old[scope.cells]
            rate = scope.by_partner(measure.rates, "rate_pct") / 100.0
            share = scope.share(measure.covered_share, "covered_share") * scope.share(
                measure.taxed_share, "taxed_share"
            )
            with np.errstate(over="ignore", invalid="ignore"):  # seen below
                if measure.form == "added":
                    old[scope.cells] = base + share * rate
                else:
                    new = rate if measure.form == "replaced" else np.maximum(base, rate)
                    old[scope.cells] = base + share * (new - base)
        elif measure.instrument == "iceberg":
            covered = scope.share(measure.covered_share, "covered_share")
            factor = 1.0 + covered * (measure.cost_pct or 0.0) / 100.0
            _grow(iceberg, scope, factor, f"{where}.cost_pct")
        else:
            covered = scope.share(measure.covered_share, "covered_share")
            with np.errstate(divide="ignore", over="ignore"):
                factor = (1.0 - covered) ** (-1.0 / scope.theta)
            factor[(covered < 1.0) & np.isinf(factor)] = np.nan
            _grow(iceberg, scope, factor, f"{where}.covered_share")
    for name, values in (("tariff", tariff), ("export_tax", tax)):
        if not np.isfinite(values).all():
            raise InputError(
                f"{scenario.source}: the measures together leave a {name} larger than any number; "
                "lower rate_pct"
            )
        if (values <= -1.0).any():
            j, n, e = np.argwhere(values <= -1.0)[0]
            rate = 100 * values[j, n, e]
            raise InputError(
                f"{scenario.source}: the measures together leave a {name} of {rate:g}% for "
                f"{world.countries[n]} on {world.sectors[j]} from {world.countries[e]}; it must "
                "stay above -100%; raise rate_pct"
            )
    try:
        return Policy(
            world,
            tariff=tariff,
            export_tax=tax,
            iceberg=iceberg,
            quota=quotas,
            title=scenario.title,
            notes=() if start is None else start.notes,
            prohibitive=True,
        )
    except InputError as error:
        raise InputError(f"{scenario.source}: {error}") from None


def _quotas(measure: Measure, scope: _Scope) -> list[dict[str, Any]]:
    """One quota a sector and importer, shared by the targets, or one for each of them."""
    world, found = scope.world, []
    over = measure.over_quota_rate_pct
    sellers: dict[tuple[int, int], list[str]] = {}
    for j, n, partner in zip(*scope.cells[:2], scope.partner, strict=True):
        sellers.setdefault((int(j), int(n)), []).append(partner)
    if measure.volume_usd_mn is not None and (len(sellers) > 1 or measure.each_target):
        raise InputError(
            f"{scope.where}.volume_usd_mn: it is one amount, and the measure has "
            f"{len(sellers)} pairs of sector and importer"
            f"{', with a quota for each target' if measure.each_target else ''}; write a measure "
            "for each, or give volume_pct_of_base"
        )
    for (j, n), names in sellers.items():
        for who in [[one] for one in names] if measure.each_target else [names]:
            amount = (
                {"volume_usd_mn": measure.volume_usd_mn}
                if measure.volume_usd_mn is not None
                else {"volume": (measure.volume_pct_of_base or 0.0) / 100.0}
            )
            found.append(
                {
                    "sector": world.sectors[j], "importer": world.countries[n], "exporter": who,
                    "over": None if over is None else over / 100.0,
                    "rent": measure.rent or "importer", **amount,
                }
            )  # fmt: skip
    return found


def _grow(iceberg: np.ndarray, scope: _Scope, factor: np.ndarray, where: str) -> None:
    """Multiply costs; what grows beyond any number would be taken for a ban that nobody wrote."""
    banned = np.isinf(iceberg[scope.cells]) | np.isinf(factor)
    with np.errstate(over="ignore"):
        new = iceberg[scope.cells] * factor
    if not (np.isfinite(new) | banned).all() or not (new > 0).all():
        raise InputError(
            f"{where}: the measures together change costs beyond any number; write "
            "instrument: ban where no trade is to be left"
        )
    iceberg[scope.cells] = new


def law_policy(law: Law, world: World) -> Policy:
    """The law of a day as a policy on ``world``.

    Raises
    ------
    DateError
        The day lies outside the record.
    UnknownNameError
        ``without`` or ``with`` names no measure or programme.
    """
    from detente.law.apply import apply
    from detente.ledger import load_ledger

    view = load_ledger().at(law.date, law.known_on, law.dates, law.announced)
    return apply(view.without(law.without).including(law.including), world)


class _Scope:
    """The cells a measure covers, and per-cell numbers for them.

    An export tax is levied by the exporter's state, so its imposer is the exporter.
    """

    def __init__(self, measure: Measure, world: World, where: str, folder: Path | None) -> None:
        self.world, self.where, self.folder = world, where, folder
        imposers = world.country_list(measure.imposer, f"{where}.imposer")
        targets = world.country_list(measure.targets, f"{where}.targets")
        spared = set(world.country_list(measure.except_targets, f"{where}.except_targets"))
        targets = [t for t in targets if t not in spared]
        sectors = world.sector_list(measure.sectors, f"{where}.sectors")
        c = {name: i for i, name in enumerate(world.countries)}
        s = {name: i for i, name in enumerate(world.sectors)}
        if not sectors:
            raise InputError(f"{where}.sectors: is empty; name a sector, or write all")
        outgoing = measure.instrument == "export_tax"
        pairs = [(a, b) for a in imposers for b in targets if a != b]
        if not pairs:
            raise InputError(
                f"{where}: no pair of different countries is left between imposer and targets"
            )
        # every pair in every sector, sector by sector
        rows = np.repeat([s[j] for j in sectors], len(pairs))
        imposing = np.tile([c[a] for a, _ in pairs], len(sectors))
        targeted = np.tile([c[b] for _, b in pairs], len(sectors))
        self.cells = (rows, targeted, imposing) if outgoing else (rows, imposing, targeted)
        # the partner is who rates and shares are looked up by: the target
        self.partner = [b for _, b in pairs] * len(sectors)
        self.sector = [j for j in sectors for _ in pairs]

    @property
    def theta(self) -> np.ndarray:
        return self.world.theta.values[self.cells[0]]

    def share(self, given: float | dict[str, float] | TableRef, field: str) -> np.ndarray:
        if isinstance(given, TableRef):
            return self.lookup(given, field)
        if isinstance(given, dict):
            return self.by_partner(given, field)
        return np.full(len(self.partner), given)

    def by_partner(self, given: dict[str, float], field: str) -> np.ndarray:
        """A number for each cell from a mapping by country, group or "default"."""
        values: dict[str, float] = {}
        for name, value in given.items():
            if name == "default":
                continue
            members = self.world.country_list(name, f"{self.where}.{field}")
            single = name in self.world.countries
            for member in members:
                if single or member not in given:
                    values[member] = value
        lacking = sorted({p for p in self.partner if p not in values})
        if lacking and "default" not in given:
            raise RecordError(
                f"{self.where}.{field}: {', '.join(lacking[:5])} has no value; add it or a default"
            )
        return np.array([values.get(p, given.get("default", 0.0)) for p in self.partner])

    def lookup(self, ref: TableRef, field: str) -> np.ndarray:
        """A number for each cell from a table: by exporter, then its EU row, then ALL."""
        where = f"{self.where}.{field}"
        path = _find(ref.table, self.folder, where)
        column = "rate_pct" if field == "base" else "share"
        table = _read_table(str(path), column, path.stat().st_mtime_ns)
        bloc = _bloc_members(self.world)
        out = np.empty(len(self.partner))
        for i, (sector, partner) in enumerate(zip(self.sector, self.partner, strict=True)):
            for key in (partner, bloc.get(partner, "ALL"), "ALL"):
                if (sector, key) in table:
                    out[i] = table[sector, key]
                    break
            else:
                raise RecordError(
                    f"{where}: {ref.table} has no row for sector {sector}; add one for "
                    f"{partner} or for ALL, or narrow the sectors of the measure"
                )
        return out


def _bloc_members(world: World) -> dict[str, str]:
    if not world.uses_iso3:
        return {}
    from detente.labels import group_members

    return dict.fromkeys(group_members("EU27"), "EU27")


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

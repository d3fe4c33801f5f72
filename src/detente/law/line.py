"""Line queries and averages: the law's rate for a line, a partner and a day.

`line_rates` answers one query with its derivation; `averages` and `sector_rates` weigh all lines
of an importer. All three read the one set of rules in `stacking`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from detente.errors import InputError, UnknownNameError
from detente.ledger import Regime

from .derivation import PathRate, path_rate, route_name
from .stacking import Cells, Result, evaluate
from .tables import Array, LineTable, line_table, one_line

__all__ = [
    "Average",
    "LineRate",
    "SectorRates",
    "averages",
    "line_rates",
    "sector_line_rates",
    "sector_rates",
]


@dataclass(frozen=True)
class LineRate:
    """One distinct rate under a code. Rates in percent; None where the base is not held.

    ``share_pct``: its share of the imports under the code (of lines, where ``weighted`` is False).
    ``paths``: its derivation, one per part of the value, from the heaviest line that pays it.
    """

    hs: str
    importer: str
    exporter: str
    date: str
    rate_pct: float | None
    base_pct: float | None
    added_pct: float | None
    banned: bool
    incomplete: bool
    share_pct: float
    weighted: bool
    route: str
    lines: tuple[str, ...]
    paths: tuple[PathRate, ...]


@dataclass(frozen=True)
class Average:
    """The import-weighted average over all lines from a partner, percent; value in USD.

    ``base_unknown_pct``: share of the imports whose base is not held (counted as zero).
    """

    partner: str
    average_rate_pct: float
    base_pct: float
    added_pct: float
    base_unknown_pct: float
    value_usd: float


@dataclass(frozen=True)
class SectorRates:
    """Statutory rates by sector and partner: ``rate_pct`` and ``weight`` are (sector, partner).

    Weights are USD of imports where held, else numbers of lines (``basis`` says which). NaN where
    nothing is traded. ``added_pct`` leaves out the base. ``base_unknown``: share of the weight
    whose base is not held; it counts with what is added only.
    """

    importer: str
    date: str
    sectors: tuple[str, ...]
    partners: tuple[str, ...]
    rate_pct: Array
    base_pct: Array
    added_pct: Array
    banned_share: Array
    base_unknown: Array
    weight: Array
    basis: str


def line_rates(
    regime: Regime, importer: str, exporter: str, hs: str, why: bool = True
) -> tuple[LineRate, ...]:
    """The distinct rates under an HS code (2 to 10 digits), heaviest first.

    Raises UnknownNameError for an unknown code or country.
    """
    hs = hs.replace(".", "").replace(" ", "")
    if not hs.isdigit() or not 2 <= len(hs) <= 10:
        raise InputError(f"hs {hs!r} is not an HS code; give 2 to 10 digits")
    table = line_table(importer)
    try:
        lines = table.under(hs)
    except UnknownNameError:
        table = one_line(table, hs)
        lines = np.arange(1)
    return _rates_of(regime, table, exporter, lines, hs, why)


def sector_line_rates(
    regime: Regime, importer: str, exporter: str, sector: str, why: bool = True
) -> tuple[LineRate, ...]:
    """The distinct rates on the lines of a sector, heaviest first.

    Raises UnknownNameError for a sector no product code maps to.
    """
    table = line_table(importer)
    lines = np.flatnonzero(table.sector == sector)
    if not len(lines):
        known = sorted(set(table.sector.tolist()) - {""})
        raise UnknownNameError.of("goods sector", sector, known)
    return _rates_of(regime, table, exporter, lines, sector, why)


def _rates_of(
    regime: Regime, table: LineTable, exporter: str, lines: Array, hs: str, why: bool
) -> tuple[LineRate, ...]:
    importer = table.importer
    if regime.members_of_partner(exporter) & regime.members_of_partner(importer):
        raise InputError(f"exporter {exporter} is {importer} itself; name two countries")
    label = _data_label(regime, table, exporter)
    cells = Cells(lines, np.zeros(len(lines), dtype=np.int64), (exporter,), (label,))
    weight, weighted = _weights(table, lines, label)
    result = evaluate(regime, table, cells, trace=why)
    return _distinct(regime, table, cells, result, weight, weighted, hs, why)


def averages(regime: Regime, importer: str) -> dict[str, Average]:
    """Import-weighted average statutory rates by partner, and ``ALL``.

    Weights are the importer's fixed-year imports. Lines without a known base count with what is
    added to them only; their share of imports is reported. Raises InputError where no import
    values are held.
    """
    table = line_table(importer)
    if not table.weighted:
        raise InputError(f"no import values are held for {importer}; give weights of your own")
    _, base, added, _ = _cells(regime, table)
    unknown = np.isnan(base)
    columns = (np.nan_to_num(base), np.nan_to_num(added), unknown.astype(float))
    value, at, n = table.flow_value, table.flow_partner, len(table.partners)
    total = np.bincount(at, value, n)
    paid = [np.bincount(at, value * c, n) for c in columns]

    def row(partner: str, parts: list[float], v: float) -> Average:
        b, a, u = parts
        return Average(partner, (b + a) / v, b / v, a / v, 100 * u / v, v)

    rows = [row("ALL", [float(p.sum()) for p in paid], float(total.sum()))]
    for k, partner in enumerate(table.partners):
        rows.append(row(partner, [float(p[k]) for p in paid], float(total[k])))
    return {r.partner: r for r in rows}


def sector_rates(
    regime: Regime,
    importer: str,
    partners: tuple[str, ...] | None = None,
    table: LineTable | None = None,
) -> SectorRates:
    """Rates by sector and partner on one day.

    With import values the partners are those of the table; without them every six-digit line
    counts once and ``partners`` must be given. Lines outside the goods sectors are left out.
    ``table`` replaces the importer's own table, for other weights.
    """
    table = table or line_table(importer)
    if not table.weighted:
        if partners is None:
            raise InputError(f"no import values are held for {importer}; name the partners")
        table = _unweighted(table, partners)
    _, base, added, banned = _cells(regime, table)
    unknown = np.isnan(base)
    base, added = np.nan_to_num(base), np.nan_to_num(added)
    sectors = tuple(sorted(set(table.sector.tolist()) - {""}))
    number = {s: n for n, s in enumerate(sectors)}
    if "sector" not in table.masks:
        table.masks["sector"] = np.array([number.get(s, -1) for s in table.sector])
    at = table.masks["sector"][table.flow_line]
    shape = (len(sectors), len(table.partners))
    cells = shape[0] * shape[1]
    # lines outside the goods sectors fall into one more cell, which is dropped
    flat = np.where(at >= 0, at * shape[1] + table.flow_partner, cells)
    value = table.flow_value
    total = np.bincount(flat, value, cells + 1)

    def mean(x: Array) -> Array:
        if not x.any():
            with np.errstate(invalid="ignore"):
                return (0.0 * total / total)[:cells].reshape(shape)
        with np.errstate(invalid="ignore"):
            return (np.bincount(flat, value * x, cells + 1) / total)[:cells].reshape(shape)

    weight = total[:cells].reshape(shape)
    basis = "imports, USD" if table.weighted else "six-digit lines, each counted once"
    return SectorRates(
        importer, regime.date, sectors, table.partners,
        mean(base + added), mean(base), mean(added), mean(banned.astype(float)),
        mean(unknown.astype(float)), weight, basis,
    )  # fmt: skip


def _cells(regime: Regime, table: LineTable) -> tuple[Array, Array, Array, Array]:
    """Rate, base, added and ban on every flow, averaged over its paths."""
    cells = Cells(table.flow_line, table.flow_partner, table.partners, table.partners)
    result = evaluate(regime, table, cells)
    w = result.entry_share * result.value_share
    n = len(cells.line)
    base, added = (
        np.bincount(result.cell, w * result.base, n),
        np.bincount(result.cell, w * result.added, n),
    )
    banned = np.bincount(result.cell, w * result.banned, n)
    return base + added, base, added, banned


def _unweighted(table: LineTable, partners: tuple[str, ...]) -> LineTable:
    n, m = len(table.codes), len(partners)
    return replace(
        table,
        partners=partners,
        flow_line=np.tile(np.arange(n), m),
        flow_partner=np.repeat(np.arange(m), n),
        flow_value=np.ones(n * m),
    )


def _data_label(regime: Regime, table: LineTable, exporter: str) -> str:
    """The label under which the tables hold an exporter: itself, or the group it trades with."""
    if exporter in table.partners:
        return exporter
    behind = regime.members_of_partner(exporter)
    for partner in table.partners:
        members = regime.members_of_partner(partner)
        if len(members) > 1 and behind <= members:
            return partner
    return exporter


def _weights(table: LineTable, lines: Array, label: str) -> tuple[Array, bool]:
    """Import values of the lines from a partner; ones where it ships none of them."""
    weight = np.zeros(len(table.codes))
    if label in table.partners:
        here = table.flow_partner == table.partners.index(label)
        weight[table.flow_line[here]] = table.flow_value[here]
    picked = weight[lines]
    if picked.sum() > 0:
        return picked / picked.sum(), True
    return np.full(len(lines), 1 / len(lines)), False


def _distinct(
    regime: Regime, table: LineTable, cells: Cells, result: Result, weight: Array,
    weighted: bool, hs: str, why: bool,
) -> tuple[LineRate, ...]:  # fmt: skip
    """Group entries that pay the same rate. An entry is a cell and a route; its value parts add."""
    entry = np.array(["|".join(map(str, k)) for k in _entry_keys(regime, result)])
    names, at = np.unique(entry, return_inverse=True)
    parts = result.value_share
    base, added = np.bincount(at, parts * result.base), np.bincount(at, parts * result.added)
    banned = np.bincount(at, result.banned) > 0
    partial = np.bincount(at, result.partial) > 0
    first = np.array([np.flatnonzero(at == n)[0] for n in range(len(names))])
    share = weight[result.cell[first]] * result.entry_share[first]
    groups: dict[tuple[float, float, bool], list[int]] = {}
    for n in range(len(names)):
        key = (round(float(base[n] + added[n]), 6), round(float(added[n]), 6), bool(banned[n]))
        key = key if not np.isnan(base[n]) else (-1.0, key[1], key[2])
        if key[0] >= 0:
            key = (key[0], 0.0, key[2])
        groups.setdefault(key, []).append(n)
    rows = []
    for members in groups.values():
        total = float(share[members].sum())
        if weighted and total <= 0:
            continue
        top = max(members, key=lambda n: (share[n], -n))
        codes = sorted({str(table.codes[cells.line[result.cell[first[n]]]]) for n in members})
        held = not np.isnan(base[top])
        paths = tuple(
            path_rate(regime, table, cells, result, int(r)) for r in np.flatnonzero(at == top)
        )
        rows.append(
            LineRate(
                hs=hs,
                importer=table.importer,
                exporter=cells.partners[0],
                date=regime.date,
                rate_pct=_num(base[top] + added[top]) if held else None,
                base_pct=_num(base[top]) if held else None,
                added_pct=None if np.isnan(added[top]) else _num(added[top]),
                banned=bool(banned[top]),
                incomplete=bool(partial[top] or not held),
                share_pct=round(100 * total, 6),
                weighted=weighted,
                route=route_name(result, int(first[top])),
                lines=tuple(codes),
                paths=paths if why else (),
            )
        )
    return tuple(sorted(rows, key=lambda r: (-r.share_pct, r.rate_pct or 0.0)))


def _entry_keys(regime: Regime, result: Result) -> list[tuple[int, ...]]:
    """Cell, claim, and the parts of splits by entry: what tells two entries apart."""
    by_entry = [v for k, v in result.parts.items() if regime.ledger.splits[k].by == "entry"]
    columns = [result.cell, result.claim, *by_entry]
    return list(zip(*(c.tolist() for c in columns), strict=True))


def _num(value: float) -> float:
    return round(float(value), 6)

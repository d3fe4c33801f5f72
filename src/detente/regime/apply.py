"""From law to arrays: a dated regime as a ``Policy`` on a world.

Base. For an importer whose tariff schedule and imports are held line by line (the tables of
``data/``) the base is the statutory or preferential rate of the day, never collected duties. For
the others it is the tariff of the world table (ad-valorem rates of the table's year), less the
preferences of agreements that entered into force after that year.

Weights. Line rates become sector rates with the importer's fixed-year imports by partner where
held; a partner or sector that the imports do not hold takes the law's rates at the weights of all
partners together. Other importers weigh every six-digit line once, unless weights are given. What
was done is said in the policy's ``notes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import xarray as xr

from detente.errors import InputError, TableError
from detente.ledger import Regime
from detente.ledger.asof import row_at
from detente.ledger.schema import Agreement, Preference, ProductsPart, ShareOf, Step
from detente.regime.cache import cached_rates, fingerprint
from detente.regime.line import SectorRates, sector_rates
from detente.regime.policy import Policy
from detente.regime.tables import Array, LineTable, covered, line_table
from detente.world import World

__all__ = ["OUTSIDE", "apply"]

OUTSIDE = ("DZA", "ECU", "ETH", "KWT", "QAT")
"""Economies outside most tables whose plain mean stands for the rest of the world, where no import
values say how it is made up."""


@dataclass(frozen=True)
class _Matrices:
    """Fractions by (sector of the table, importer, exporter), filled importer by importer."""

    tariff: Array
    export_tax: Array
    left: Array  # share of the flow that no ban touches


def apply(regime: Regime, world: World, *, weights: Mapping[str, object] | None = None) -> Policy:
    """The regime as tariffs, export taxes and bans on ``world``.

    Parameters
    ----------
    regime : a dated view, ``ledger.at(date)``
    world : a world with ISO3 labels
    weights : tables of imports by importer, columns ``hs``, ``partner``, ``value_usd``; an
        importer given here is weighed with them

    A ban on share s of a flow multiplies it by 1 - s at unchanged costs: the iceberg is
    (1 - s)^(-1/theta), infinite for s = 1. Measures without a number (licences, minimum prices,
    entity lists without a share) change no array; the notes name them.

    Raises
    ------
    InputError
        The world has no ISO3 labels, or its sectors are not those of the line tables.
    TableError
        A table of weights lacks a column.
    """
    if not world.uses_iso3:
        raise InputError(
            f"apply: {world.name} has labels that are not ISO3; a regime names countries by ISO3"
        )
    known = set(line_table("USA").sector.tolist()) - {""}
    goods = [s for s in world.sectors if s in known]
    if not goods:
        raise InputError(
            f"apply: none of the sectors {world.sectors[:4]} of {world.name} is one that product "
            f"codes map to ({sorted(known)[:4]}, ...); aggregate after applying, or use a world "
            "with those sectors"
        )
    tables = {i: _user_table(i, frame) for i, frame in (weights or {}).items()}
    out = _Matrices(
        world.tariff.values.copy(), np.zeros(world.tariff.shape), np.ones(world.tariff.shape)
    )
    notes: list[str] = [f"law of {regime.date} ({regime.dates} dates), ledger {_short(regime)}"]
    for label, members in _importers(regime, world).items():
        _apply_importer(regime, world, label, members, tables.get(label), out, notes)
    _apply_exports(regime, world, out, notes)
    unsaid = sorted(_without_number(regime))
    if unsaid:
        notes.append(f"measures without a number, not in the arrays: {', '.join(unsaid)}")
    with np.errstate(divide="ignore"):
        iceberg = out.left ** (-1.0 / world.theta.values[:, None, None])
    coords, dims = world.tariff.coords, world.tariff.dims
    return Policy(
        world,
        tariff=xr.DataArray(out.tariff, coords, dims),
        export_tax=xr.DataArray(out.export_tax, coords, dims),
        iceberg=xr.DataArray(iceberg, coords, dims),
        title=f"law of {regime.date}",
        notes=tuple(notes),
    )


def _importers(regime: Regime, world: World) -> dict[str, list[str]]:
    """Importer labels of the law and the countries of the world behind each."""
    out: dict[str, list[str]] = {}
    for label in regime.imposers:
        if label == "UN":
            continue
        members = [c for c in world.countries if c in regime.members_of_partner(label)]
        if members:
            out[label] = members
    granting = {p.importer for a in regime.ledger.agreements.values() for p in a.preferences} - set(
        out
    )
    for label in sorted(granting):
        members = [c for c in world.countries if c in regime.members_of_partner(label)]
        if members:
            out[label] = members
    return out


class _Block(NamedTuple):
    """What an importer's law makes of its rows: (sector, member, exporter), and the notes."""

    tariff: Array
    left: Array
    notes: tuple[str, ...]


_blocks: dict[tuple[str, str], _Block] = {}


def _apply_importer(
    regime: Regime, world: World, label: str, members: list[str], own: LineTable | None,
    out: _Matrices, notes: list[str],
) -> None:  # fmt: skip
    """Write the rows of one importer; days on which its law is the same share one block."""
    rows = [world.countries.index(c) for c in members]
    key = (fingerprint(regime, label), world.hash)
    if own is not None:
        block = _block(regime, world, label, rows, own)
    elif key in _blocks:
        block = _blocks[key]
    else:
        block = _blocks[key] = _block(regime, world, label, rows, None)
    out.tariff[:, rows] = block.tariff
    out.left[:, rows] *= block.left
    notes += block.notes


def _block(
    regime: Regime, world: World, label: str, rows: list[int], own: LineTable | None
) -> _Block:
    behind = regime.members_of_partner(label)
    sellers = [c for c in world.countries if c not in behind]
    columns = [world.countries.index(c) for c in sellers]
    tariff = world.tariff.values[:, rows].copy()
    left = np.ones_like(tariff)
    notes: list[str] = []
    table = own or line_table(label)
    statutory = table.weighted and own is None
    cut = np.ones((len(world.sectors), len(sellers)))
    if not statutory:
        cut = _cuts(regime, world, label, sellers)
    if table.weighted:
        filled, borrowed = _fill(table, sellers, regime)
        rates = cached_rates(
            regime, label, filled, lambda: sector_rates(regime, label, table=filled)
        )
        column = _columns(regime, rates, sellers)
        notes.append(
            f"{label}: statutory base, {rates.basis}"
            if own is None
            else f"{label}: base of the world table, weights given by the user"
        )
        if statutory:
            blind = float((np.nan_to_num(rates.base_unknown) * rates.weight).sum())
            blind *= 100.0 / float(rates.weight.sum())
            notes.append(
                f"{label}: {blind:.2f}% of imports have no known base and count with what is "
                "added to it only"
            )
        if borrowed:
            notes.append(
                f"{label}: no imports held from {', '.join(borrowed)}; their rates are weighed "
                "with the imports from all partners"
            )
    else:
        if not regime.by(label) and not (cut < 1).any():
            return _Block(tariff, left, ())
        rates, column = _unweighted(regime, label, sellers)
        notes.append(f"{label}: base of the world table, {rates.basis}")
    row = {s: n for n, s in enumerate(rates.sectors)}
    at = np.array([j for j, s in enumerate(world.sectors) if s in row])
    pick = np.array([row[world.sectors[j]] for j in at])
    for k, i in enumerate(columns):
        if statutory:
            tariff[:, :, i] = 0.0  # goods below; no schedule taxes services
            tariff[at, :, i] = np.nan_to_num(column(rates.rate_pct, k)[pick])[:, None] / 100.0
        else:
            tariff[:, :, i] *= cut[:, k, None]
            tariff[at, :, i] += np.nan_to_num(column(rates.added_pct, k)[pick])[:, None] / 100.0
        left[at, :, i] *= 1.0 - np.nan_to_num(column(rates.banned_share, k)[pick])[:, None]
    return _Block(tariff, left, tuple(notes))


def _columns(regime: Regime, rates: SectorRates, sellers: list[str]):
    """How to read a seller's column of a (sector, partner) array of weighted rates.

    The rest of the world takes the mean of the partners that the world does not name.
    """
    label = {}
    for seller in sellers:
        if seller == "ROW":
            continue
        label[seller] = next(
            p for p in rates.partners if seller == p or seller in regime.members_of_partner(p)
        )
    named = {rates.partners.index(p) for p in label.values()}
    rest = [n for n in range(len(rates.partners)) if n not in named and rates.partners[n] != "ROW"]

    def column(array: Array, k: int) -> Array:
        seller = sellers[k]
        if seller != "ROW":
            return array[:, rates.partners.index(label[seller])]
        weight = np.nan_to_num(rates.weight[:, rest])
        total = weight.sum(axis=1)
        mean = (np.nan_to_num(array[:, rest]) * weight).sum(axis=1) / np.where(total > 0, total, 1)
        return np.where(total > 0, mean, np.nanmean(array, axis=1))

    return column


def _fill(table: LineTable, sellers: list[str], regime: Regime) -> tuple[LineTable, list[str]]:
    """Give every seller flows in every sector, at the weights of all partners where it has none."""
    partners = list(table.partners)
    held = {m for p in partners for m in regime.members_of_partner(p)}
    lacking = [s for s in sellers if s not in held and s != "ROW"]
    partners += lacking
    sector = np.unique(table.sector, return_inverse=True)
    number = sector[1]
    pooled = np.bincount(table.flow_line, table.flow_value, len(table.codes))
    has = np.zeros((len(sector[0]), len(partners)), dtype=bool)
    has[number[table.flow_line], table.flow_partner] = True
    lines, owner = [table.flow_line], [table.flow_partner]
    values = [table.flow_value]
    for p in range(len(partners)):
        add = np.flatnonzero(~has[number, p] & (pooled > 0))
        lines.append(add)
        owner.append(np.full(len(add), p, dtype=np.int64))
        # a borrowed weight must not outweigh anything: only relations within a cell matter
        values.append(1e-6 * pooled[add])
    filled = replace(
        table,
        partners=tuple(partners),
        flow_line=np.concatenate(lines),
        flow_partner=np.concatenate(owner),
        flow_value=np.concatenate(values),
    )
    return filled, lacking


def _unweighted(regime: Regime, label: str, sellers: list[str]):
    """Rates with every six-digit line counted once: one evaluation for sellers the law treats
    alike."""
    measures = regime.by(label)
    scopes = [
        regime.countries(a.measure.scope(p.provision)[0]) for a in measures for p in a.provisions
    ]
    rest = [c for c in OUTSIDE if c not in sellers]

    def treated(country: str) -> tuple[bool, ...]:
        return tuple(country in scope for scope in scopes)

    classes: dict[tuple[bool, ...], str] = {}
    kind: dict[str, str] = {}
    for country in [*[s for s in sellers if s != "ROW"], *rest]:
        kind[country] = classes.setdefault(treated(country), country)
    leaders = tuple(sorted(set(kind.values())))
    rates = cached_rates(
        regime, label, leaders, lambda: sector_rates(regime, label, partners=leaders)
    )

    def column(array: Array, k: int) -> Array:
        seller = sellers[k]
        if seller != "ROW":
            return array[:, leaders.index(kind[seller])]
        return np.mean([array[:, leaders.index(kind[c])] for c in rest], axis=0)

    return rates, column


def _cuts(regime: Regime, world: World, label: str, sellers: list[str]) -> Array:
    """What preferences younger than the table leave of its tariffs, (sector, seller)."""
    year = str(world.dataset.attrs.get("tariff_year", "2021"))[:4]
    table = line_table(label)
    left = np.ones((len(world.sectors), len(sellers)))
    done = np.zeros(len(sellers), dtype=bool)
    for agreement, preference in regime.preferences(label):
        step = row_at(preference.steps, regime.date)
        use = row_at(preference.utilisation, regime.date)
        if not isinstance(step, Step) or not isinstance(use, ShareOf) or use.share_pct is None:
            continue
        cut = 1.0 if step.rate_pct == 0 else (step.cut_pct or 0.0) / 100.0
        if cut == 0.0:
            continue
        share = None
        for k, seller in enumerate(sellers):
            if done[k] or seller == "ROW" or not regime.grants(agreement, preference, seller):
                continue
            if _joined(agreement, preference, label, seller) <= f"{year}-12-31":
                done[k] = True  # the table's rates contain it already
                continue
            if share is None:
                share = _line_share(table, regime, preference.products, world.sectors)
            left[:, k] *= 1.0 - cut * use.share_pct / 100.0 * share
            done[k] = True
    return left


def _joined(agreement: Agreement, preference: Preference, importer: str, exporter: str) -> str:
    """The day from which both sides are members; early where a side is not listed singly."""
    days = [m.in_force or "" for m in agreement.members if m.name in (importer, exporter)]
    return max(days, default="")


def _line_share(table: LineTable, regime: Regime, products: ProductsPart, sectors: list[str]) -> (
    Array
):  # fmt: skip
    """Share of each sector's lines that a product scope covers; kept on the table."""
    key = ("share", regime.ledger.content_hash, products, tuple(sectors))
    if key not in table.masks:
        mask = _covers(table, regime, products)
        known = set(table.sector.tolist())
        table.masks[key] = np.array(
            [mask[table.sector == s].mean() if s in known else 0.0 for s in sectors]
        )
    return table.masks[key]


def _covers(table: LineTable, regime: Regime, products: ProductsPart) -> Array:
    if getattr(products, "outside_goods", None):
        return np.zeros(len(table.codes), dtype=bool)
    if getattr(products, "all", False):
        mask = np.ones(len(table.codes), dtype=bool)
    else:
        codes = [*products.codes]
        for key in products.lists:
            codes += regime.ledger.lists[key].codes
        mask = covered(table.codes, codes) if codes else np.zeros(len(table.codes), dtype=bool)
        mask = mask | np.isin(table.sector, products.sectors)
    but = getattr(products, "but", None)
    if but is not None and (but.codes or but.lists or but.sectors):
        mask = mask & ~_covers(table, regime, but)
    return mask


def _apply_exports(regime: Regime, world: World, out: _Matrices, notes: list[str]) -> None:
    """Export taxes and export bans of each exporter's state, lines counted once."""
    for label in sorted({a.measure.imposer for a in regime.active if a.measure.flow == "export"}):
        if label == "UN":
            continue
        behind = regime.members_of_partner(label)
        exporters = [i for i, c in enumerate(world.countries) if c in behind]
        used = False
        for active in regime.by(label, "export"):
            for p in active.provisions:
                entry = p.entry
                tax = entry.rate_pct if entry.form == "added" else entry.equivalent_pct
                cut = 100.0 if entry.form == "ban" else None
                if entry.form == "entity_share":
                    cut = entry.share_pct
                if tax is None and cut is None:
                    continue
                targets, products = active.measure.scope(p.provision)
                reached = regime.countries(targets)
                buyers = [n for n, c in enumerate(world.countries) if c in reached]
                share = _line_share(line_table(label), regime, products, world.sectors)
                for i in exporters:
                    others = [n for n in buyers if n != i]
                    if cut is not None:
                        out.left[:, others, i] *= 1.0 - share[:, None] * cut / 100.0
                    else:
                        out.export_tax[:, others, i] += share[:, None] * (tax or 0.0) / 100.0
                used = True
        if used:
            notes.append(f"{label}: export measures, six-digit lines each counted once")


def _without_number(regime: Regime) -> set[str]:
    """Measures in force whose provisions carry no rate, share or equivalent."""
    found = set()
    for a in regime.active:
        for p in a.provisions:
            e = p.entry
            numbered = (
                e.form in ("added", "total", "replaced", "exempt", "ban")
                or e.equivalent_pct is not None
                or (e.form == "entity_share" and e.share_pct is not None)
            )
            if not numbered or a.measure.flow == "other":
                found.add(a.measure.id)
    return found


def _user_table(importer: str, frame: object) -> LineTable:
    """A line table with a user's weights."""
    lacking = [c for c in ("hs", "partner", "value_usd") if c not in getattr(frame, "columns", ())]
    if lacking:
        raise TableError(
            f"weights[{importer!r}]: column {lacking[0]!r} is missing; the columns are hs, "
            "partner, value_usd"
        )
    table = line_table(importer)
    codes = np.asarray(frame["hs"], dtype=str)  # pyright: ignore[reportIndexIssue]
    width = len(table.codes[0])
    short = np.array([c[:width] for c in codes])
    at = np.searchsorted(table.codes, short)
    unknown = (at >= len(table.codes)) | (
        table.codes[np.minimum(at, len(table.codes) - 1)] != short
    )
    if unknown.any():
        raise TableError(
            f"weights[{importer!r}]: hs {codes[unknown][0]!r} is not a code of the line table "
            f"({int(unknown.sum())} such rows)"
        )
    partner = np.asarray(frame["partner"], dtype=str)  # pyright: ignore[reportIndexIssue]
    value = np.asarray(frame["value_usd"], dtype=float)  # pyright: ignore[reportIndexIssue]
    if not (np.isfinite(value) & (value >= 0)).all():
        raise TableError(f"weights[{importer!r}]: value_usd must be numbers of zero or more")
    partners, owner = np.unique(partner, return_inverse=True)
    return replace(
        table, partners=tuple(str(p) for p in partners), flow_line=at, flow_partner=owner,
        flow_value=value, weighted=True, masks={},
    )  # fmt: skip


def _short(regime: Regime) -> str:
    return regime.ledger.content_hash[:12]

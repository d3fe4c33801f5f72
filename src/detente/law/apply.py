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
from dataclasses import replace

import numpy as np

from detente.errors import InputError
from detente.law.export_measures import export_changes
from detente.law.line import SectorRates, sector_rates
from detente.law.preferences import goods_with_codes, preference_cuts
from detente.law.quotas import law_quotas
from detente.law.rates import (
    cached_rates,
    fingerprint,
    laws,
    rates_by_law,
    weights_digest,
)
from detente.law.tables import Array, LineTable, line_table
from detente.law.user_weights import user_table
from detente.ledger import Regime
from detente.memory import Kept
from detente.policy.changes import Schedule
from detente.policy.draft import Draft
from detente.policy.policy import Policy
from detente.world import World

__all__ = ["OUTSIDE", "apply"]

OUTSIDE = ("DZA", "ECU", "ETH", "KWT", "QAT")
"""Economies outside most tables whose plain mean stands for the rest of the world, where no import
values say how it is made up."""


def apply(regime: Regime, world: World, *, weights: Mapping[str, object] | None = None) -> Policy:
    """The regime as tariffs, export taxes and bans on ``world``.

    Parameters
    ----------
    regime : a dated view, ``ledger.at(date)``
    world : a world with ISO3 labels
    weights : tables of imports by importer, columns ``hs``, ``partner``, ``value_usd``; an
        importer given here is weighed with them

    What the law says goes onto the world as changes (:mod:`detente.policy.changes`): a schedule of
    each importer, levies and bans of exporters' states, quotas. A quota on whole sectors whose
    volume and rate are recorded in terms of a world (:mod:`detente.law.quotas`) is one of the
    policy. Measures without a number (licences, minimum prices, entity lists without a share)
    change no array; the notes name them.

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
    known = goods_with_codes()
    goods = [s for s in world.sectors if s in known]
    if not goods:
        raise InputError(
            f"apply: none of the sectors {world.sectors[:4]} of {world.name} is one that product "
            f"codes map to ({sorted(known)[:4]}, ...); aggregate after applying, or use a world "
            "with those sectors"
        )
    tables = {i: user_table(i, frame) for i, frame in (weights or {}).items()}
    draft = Draft(world, gather_bans=True)
    draft.notes.append(f"law of {regime.date} ({regime.dates} dates), ledger {_short(regime)}")
    for label, members in _importers(regime, world).items():
        draft.put(_schedule(regime, world, label, members, tables.get(label)))
    for label, changes in export_changes(regime, world):
        for change in changes:
            draft.put(change)
        draft.notes.append(f"{label}: export measures, six-digit lines each counted once")
    quotas = law_quotas(regime, world, draft.tariff)
    for quota in quotas.changes:
        draft.put(quota)
    unsaid = sorted(_without_number(regime) - quotas.counted)
    if unsaid:
        draft.notes.append(f"measures without a number, not in the arrays: {', '.join(unsaid)}")
    draft.notes += quotas.notes
    return draft.policy(f"law of {regime.date}")


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


_schedules: Kept[tuple[str, str], Schedule] = Kept(4096)


def _schedule(
    regime: Regime, world: World, label: str, members: list[str], own: LineTable | None
) -> Schedule:
    """The rows of one importer; days on which its law is the same share one schedule."""
    if own is not None:
        return _made_schedule(regime, world, label, members, own)
    key = (fingerprint(regime, label), world.hash)
    if key not in _schedules:
        _schedules[key] = _made_schedule(regime, world, label, members, None)
    return _schedules[key]


def _made_schedule(
    regime: Regime, world: World, label: str, members: list[str], own: LineTable | None
) -> Schedule:
    rows = [world.countries.index(c) for c in members]
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
        cut = preference_cuts(regime, world, label, sellers)
    if table.weighted:
        filled, borrowed = _fill(table, sellers, regime)
        rates = cached_rates(regime, label, filled, lambda: _weighted(regime, filled, borrowed))
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
            return Schedule(tuple(members), tariff, left)
        rates, column, said = _unweighted(regime, world, label, rows, sellers)
        notes.append(f"{label}: base of the world table, {rates.basis}{said}")
    row = {s: n for n, s in enumerate(rates.sectors)}
    goods = goods_with_codes()  # electricity has a product code, but its sector is a service
    at = np.array([j for j, s in enumerate(world.sectors) if s in row and s in goods])
    pick = np.array([row[world.sectors[j]] for j in at])

    def of_sellers(name: str) -> Array:
        """(goods sector of the world, seller), zero where nothing is traded."""
        return np.nan_to_num(np.stack([column(name, k) for k in range(len(sellers))], 1)[pick])

    cells = np.ix_(at.tolist(), range(len(rows)), columns)
    if statutory:
        tariff[:, :, columns] = 0.0  # goods below; no schedule taxes services
        tariff[cells] = of_sellers("rate_pct")[:, None] / 100.0
    else:
        tariff[:, :, columns] *= cut[:, None]
        tariff[cells] += of_sellers("added_pct")[:, None] / 100.0
    left[cells] *= 1.0 - of_sellers("banned_share")[:, None]
    return Schedule(tuple(members), tariff, left, tuple(notes))


def _columns(regime: Regime, rates: SectorRates, sellers: list[str]):
    """How to read a seller's column of a named (sector, partner) array of weighted rates.

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

    def column(name: str, k: int) -> Array:
        array, seller = getattr(rates, name), sellers[k]
        if seller != "ROW":
            return array[:, rates.partners.index(label[seller])]
        weight = np.nan_to_num(rates.weight[:, rest])
        total = weight.sum(axis=1)
        mean = (np.nan_to_num(array[:, rest]) * weight).sum(axis=1) / np.where(total > 0, total, 1)
        held = (~np.isnan(array)).sum(axis=1)
        return np.where(total > 0, mean, np.nansum(array, axis=1) / np.maximum(held, 1))

    return column


_filled: Kept[tuple[str, tuple[str, ...]], LineTable] = Kept(64)


def _fill(table: LineTable, sellers: list[str], regime: Regime) -> tuple[LineTable, list[str]]:
    """Give every seller flows in every sector, at the weights of all partners where it has none."""
    held = {m for p in table.partners for m in regime.members_of_partner(p)}
    lacking = [s for s in sellers if s not in held and s != "ROW"]
    key = (weights_digest(table), tuple(lacking))
    if key not in _filled:
        _filled[key] = _filled_table(table, lacking)
    return _filled[key], lacking


def _filled_table(table: LineTable, lacking: list[str]) -> LineTable:
    partners = [*table.partners, *lacking]
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
    return replace(
        table,
        partners=tuple(partners),
        flow_line=np.concatenate(lines),
        flow_partner=np.concatenate(owner),
        flow_value=np.concatenate(values),
    )


def _weighted(regime: Regime, table: LineTable, borrowed: list[str]) -> SectorRates:
    """Sector rates of every partner of a table with weights; partners without imports of their
    own weigh alike, so one of them stands for all that the law treats as it."""
    digest = weights_digest(table)
    weights = [f"{digest}:{'' if p in borrowed else p}" for p in table.partners]

    def evaluate(places: list[int]) -> SectorRates:
        return sector_rates(regime, table.importer, table=_of_partners(table, places))

    return rates_by_law(regime, table.importer, table.partners, weights, evaluate)


def _of_partners(table: LineTable, places: list[int]) -> LineTable:
    """The table with the flows of some partners only, in order."""
    number = np.full(len(table.partners), -1, dtype=np.int64)
    number[places] = np.arange(len(places))
    keep = np.flatnonzero(number[table.flow_partner] >= 0)
    return replace(
        table,
        partners=tuple(table.partners[k] for k in places),
        flow_line=table.flow_line[keep],
        flow_partner=number[table.flow_partner[keep]],
        flow_value=table.flow_value[keep],
    )


def _unweighted(regime: Regime, world: World, label: str, rows: list[int], sellers: list[str]):
    """Rates with every six-digit line counted once, but for sellers whose exports by line the
    record holds; one evaluation for sellers the law treats alike."""
    rest = [c for c in OUTSIDE if c not in sellers]
    asked = [*[s for s in sellers if s != "ROW"], *rest]
    first: dict[str, str] = {}
    kind = {c: first.setdefault(law, c) for c, law in zip(asked, laws(regime, label, asked),
                                                         strict=True)}  # fmt: skip
    leaders = tuple(sorted(set(kind.values())))

    def evaluate(places: list[int]) -> SectorRates:
        return sector_rates(regime, label, partners=tuple(leaders[k] for k in places))

    once = ["lines counted once"] * len(leaders)
    rates = cached_rates(
        regime, label, leaders, lambda: rates_by_law(regime, label, leaders, once, evaluate)
    )

    special: dict[str, SectorRates] = {}
    said = ""
    for seller in sellers:
        table, known = _export_table(regime, world, label, rows, seller)
        if table is not None:
            special[seller] = _weighted(regime, table, [])
            said += (
                f"; from {seller} {known:.0%} of the goods weighed with its exports by code where "
                "lists give them, the rest of each sector's flow spread evenly over other codes"
            )

    def column(name: str, k: int) -> Array:
        array, seller = getattr(rates, name), sellers[k]
        if seller in special:
            return getattr(special[seller], name)[:, 0]
        if seller != "ROW":
            return array[:, leaders.index(kind[seller])]
        return np.mean([array[:, leaders.index(kind[c])] for c in rest], axis=0)

    return rates, column, said


def _export_table(
    regime: Regime, world: World, label: str, rows: list[int], seller: str
) -> tuple[LineTable | None, float]:
    """The six-digit lines weighed with a seller's exports where lists of the record hold them.

    What a sector sells beyond the listed values (by the world table's proportions, at the total
    the lists state) is spread evenly over its other codes. Also returns the share of all goods that
    the lists give.
    """
    lists = [
        f
        for key, f in regime.ledger.lists.items()
        if f.exporter == seller and key.startswith(label.lower() + "/")
    ]
    if not lists:
        return None, 0.0
    table = line_table(label)
    held = {c: v for f in lists for c, v in zip(f.codes, f.exports_usd, strict=True)}
    listed = np.array([held.get(str(c), np.nan) for c in table.codes])
    value = np.nan_to_num(listed)
    flows = world.trade.values[:, rows, world.countries.index(seller)].sum(axis=1)
    goods = [j for j, s in enumerate(world.sectors) if s in goods_with_codes()]
    # the lists are of another year and count re-exports; the table's flows give the proportions
    flows = flows * (lists[0].exports_total_usd / flows[goods].sum())
    given = 0.0
    for j in goods:
        here = table.sector == world.sectors[j]
        other = here & np.isnan(listed)
        known = float(value[here].sum())
        if known < flows[j]:
            value[other] = (flows[j] - known) / max(other.sum(), 1)
            given += known
        else:  # more than the whole sector: the values cannot be compared with the flow
            value[here] = 1.0
    n = len(table.codes)
    made = replace(
        table, partners=(seller,), flow_line=np.arange(n),
        flow_partner=np.zeros(n, dtype=np.int64), flow_value=value, weighted=True,
    )  # fmt: skip
    return made, given / lists[0].exports_total_usd


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


def _short(regime: Regime) -> str:
    return regime.ledger.content_hash[:12]

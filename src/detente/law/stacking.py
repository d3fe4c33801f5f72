"""The rules of the law, applied to many lines at once.

`evaluate` takes four steps, each a function below: the paths of every cell (`paths`), the provision
of each measure that governs a path and the rules that set it aside, what the measures add one
after the other, and the rules that bind what they add up to. It leaves the averaging to the
caller. No country and no programme is named here: which measures meet, and how, comes from the
records.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from detente.ledger import ActiveMeasure, Regime
from detente.ledger.check import exclusion_order
from detente.ledger.schema import Agreement, Interaction, ProductsPart, Targets, When

from .paths import Claims, Paths, all_paths, on_path, open_claims
from .scopes import Cells, Scopes
from .tables import Array, LineTable

__all__ = ["Cells", "MeasureTrace", "Result", "evaluate"]


@dataclass(frozen=True)
class MeasureTrace:
    """What one measure did on every path.

    ``choice``: position in ``measure.provisions``, -1 where none reaches the path.
    ``dropped``: position of the rule that set it aside in ``Result.rules``, -1 where none.
    ``added``: percentage points.
    """

    measure: ActiveMeasure
    choice: Array
    dropped: Array
    added: Array


@dataclass(frozen=True)
class Result:
    """One row per path. ``entry_share`` is the path's share of the cell's entries (claimed or
    not), ``value_share`` its share of the value of one good; percent for rates, NaN for unknown."""

    cell: Array
    entry_share: Array
    value_share: Array
    claim: Array
    claims: tuple[Agreement, ...]
    parts: dict[str, Array]
    mfn: Array
    base: Array
    added: Array
    banned: Array
    partial: Array
    rules: tuple[Interaction, ...]
    adjusted: dict[str, Array]
    trace: tuple[MeasureTrace, ...]

    @property
    def rate(self) -> Array:
        """Base plus everything added, percent."""
        return self.base + self.added


def evaluate(regime: Regime, table: LineTable, cells: Cells, trace: bool = False) -> Result:
    """The rate on every path of every cell. ``trace`` keeps what each measure did."""
    records = _records(regime, table.importer)
    scopes = Scopes(regime, table, cells)
    mfn = table.base_pct[cells.line]
    claims = open_claims(scopes, mfn, records.measures.values())
    paths = all_paths(scopes, claims, records.measures.values())
    governs = _governing(records, scopes, claims, paths)
    limits = [r for r in records.rules if r.rule in ("highest", "cap", "floor")]
    keep = set(governs) if trace else {i for r in limits for i in records.behind(r.over)}
    sums = _sums(mfn, claims, paths)
    kept = _stack(records, governs, sums, keep)
    added, adjusted = sums.added, dict[str, Array]()
    for rule in limits:
        held = [kept[k] for k in records.behind(rule.over) if k in kept]
        if held:
            adjusted[rule.id] = _limit(rule, held, scopes, paths)
            added = added + adjusted[rule.id]
    traced = tuple(MeasureTrace(records.measures[k], *governs[k], kept[k]) for k in kept if trace)
    return Result(
        paths.cell, paths.entry, paths.value, paths.claim, claims.agreements, paths.parts,
        sums.mfn, sums.base, added, sums.banned, sums.partial, records.rules, adjusted, traced,
    )  # fmt: skip


# -- the records of one importer -------------------------------------------------------------


class _Records(NamedTuple):
    """An importer's measures in force by id, its rules, and the ids behind each name."""

    measures: dict[str, ActiveMeasure]
    rules: tuple[Interaction, ...]
    names: dict[str, tuple[str, ...]]

    def behind(self, names: Iterable[str]) -> list[str]:
        """Ids of the measures in force behind names of measures and programmes."""
        return [i for name in names for i in self.names.get(name, ())]


def _records(regime: Regime, importer: str) -> _Records:
    measures = {a.measure.id: a for a in regime.by(importer)}
    names: dict[str, tuple[str, ...]] = {}
    for key, a in measures.items():
        for name in {key, a.measure.programme}:
            names[name] = (*names.get(name, ()), key)
    return _Records(measures, tuple(r for r in regime.rules if r.imposer == importer), names)


# -- which provision governs a path, and what sets it aside ----------------------------------


class _Governs(NamedTuple):
    """Of one measure, on every path: as in :class:`MeasureTrace`."""

    choice: Array
    dropped: Array


def _governing(
    records: _Records, scopes: Scopes, claims: Claims, paths: Paths
) -> dict[str, _Governs]:
    """What governs each path of each measure, those that set others aside first."""
    needed = {i for r in records.rules for i in records.behind(r.where)}
    applies: dict[str, Array] = {}
    governs: dict[str, _Governs] = {}
    for key in exclusion_order((a.measure for a in records.measures.values()), records.rules):
        active = records.measures[key]
        choice = _chosen(active, scopes, claims, paths)
        exempt = np.array([p.entry.form == "exempt" for p in active.provisions])
        live = (choice >= 0) & ~exempt[choice]
        dropped = _set_aside(records, active, live, applies, scopes, paths)
        if key in needed:
            applies[key] = live & (dropped < 0)
        governs[key] = _Governs(choice, dropped)
    return governs


def _chosen(active: ActiveMeasure, scopes: Scopes, claims: Claims, paths: Paths) -> Array:
    """The provision that governs each path. Provisions of one scope are taken together."""
    choice = np.full(len(paths.cell), -1, dtype=np.int16)
    best = np.full(len(paths.cell), -1.0)
    highest = active.measure.several == "highest"
    rates = np.array([p.entry.rate_pct or 0.0 for p in active.provisions])
    for products, when, members in _same_scope(active):
        by_partner = np.full(len(scopes.cells.partners), -1, dtype=np.int16)
        for number, targets in members:
            by_partner[scopes.partners(targets)] = number
        if not (by_partner >= 0).any():
            continue
        rows = np.flatnonzero((by_partner >= 0)[paths.partner])
        mask = scopes.lines(products)
        if not mask.all():
            rows = rows[mask[paths.line[rows]]]
        rows = on_path(scopes, claims, paths, when, rows)
        here = by_partner[paths.partner[rows]]
        if highest:
            exempt = active.provisions[members[0][0]].entry.form == "exempt"
            wins = exempt | (rates[here] > best[rows])
            rows, here = rows[wins], here[wins]
            best[rows] = np.inf if exempt else rates[here]
        choice[rows] = here
    return choice


def _set_aside(
    records: _Records, active: ActiveMeasure, live: Array, applies: dict[str, Array],
    scopes: Scopes, paths: Paths,
) -> Array:  # fmt: skip
    """The first rule that sets a measure aside where it is live; -1 where none does."""
    dropped = np.full(len(live), -1, dtype=np.int16)
    for number, rule in enumerate(records.rules):
        named = {active.measure.id, active.measure.programme} & set(rule.drop)
        if rule.rule != "exclude" or not named:
            continue
        hit = np.zeros(len(live), dtype=bool)
        for other in records.behind(rule.where):  # judged before, by the order of exclusion
            hit |= applies[other]
        if rule.targets is not None:
            hit &= scopes.partners(rule.targets)[paths.partner]
        dropped[live & hit & (dropped < 0)] = number
    return dropped


# -- what the measures add -------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Sums:
    """What has come together on every path; the arrays grow as measures are taken in.

    ``cut``: what the preference claimed takes off the ordinary rate, NaN where not stated so.
    """

    claimed: Array
    cut: Array
    mfn: Array
    base: Array
    added: Array
    banned: Array
    partial: Array

    def take(self, active: ActiveMeasure, governs: _Governs) -> Array:
        """Take a measure in; returns the percentage points it adds."""
        points = np.zeros(len(self.added))
        for form, base, group in _same_form(active):
            of_form = np.zeros(len(active.provisions) + 1, dtype=bool)
            of_form[group] = True  # the last place stands for "no provision" (-1)
            rows = np.flatnonzero(of_form[governs.choice] & (governs.dropped < 0))
            if len(rows):
                points[rows] = self._take(form, base, rows, active, governs.choice[rows])
        self.added[:] += points
        return points

    def _take(
        self, form: str, base: str | None, rows: Array, active: ActiveMeasure, choice: Array
    ) -> Array | float:
        """Points that the provisions of one form add on ``rows``."""
        entries = [p.entry for p in active.provisions]
        rate = np.array([e.rate_pct or 0.0 for e in entries])[choice]
        if form == "added":
            return rate
        if form == "total":
            return np.maximum(0.0, rate - (self.mfn if base == "mfn" else self.base)[rows])
        if form == "replaced":
            self._new_ordinary(rows, rate)
        elif form == "ban":
            self.banned[rows] = True
        elif form != "exempt":
            worth = [e.equivalent_pct for e in entries]
            self.partial[rows] |= ~np.array([w is not None for w in worth])[choice]
            return np.array([w or 0.0 for w in worth])[choice]
        return 0.0

    def _new_ordinary(self, rows: Array, rate: Array) -> None:
        """A new ordinary rate; a preference stated as a cut is a cut of it."""
        cut = self.cut[rows]
        granted = np.where(np.isnan(cut), np.fmin(self.base[rows], rate), rate * (1 - cut))
        self.base[rows] = np.where(self.claimed[rows], granted, rate)
        self.mfn[rows] = rate


def _sums(mfn: Array, claims: Claims, paths: Paths) -> _Sums:
    """The base alone: the preference's rate where it is claimed, else the ordinary one."""
    claimed = paths.claim >= 0
    ordinary = mfn[paths.cell]
    n = len(paths.cell)
    return _Sums(
        claimed, claims.cut[paths.cell], ordinary,
        np.where(claimed, claims.rate_pct[paths.cell], ordinary),
        np.zeros(n), np.zeros(n, dtype=bool), np.zeros(n, dtype=bool),
    )  # fmt: skip


def _stack(
    records: _Records, governs: dict[str, _Governs], sums: _Sums, keep: Collection[str]
) -> dict[str, Array]:
    """Take every measure into ``sums``; returns the points of those in ``keep``."""
    kept: dict[str, Array] = {}
    for key in _sequence(records, governs):
        points = sums.take(records.measures[key], governs[key])
        if key in keep:
            kept[key] = points
    return kept


def _sequence(records: _Records, keys: Iterable[str]) -> list[str]:
    """Replaced bases first, since totals are measured against them; then the order rules."""
    stated = [i for r in records.rules if r.rule == "order" for i in records.behind(r.over)]
    place = {k: n for n, k in reversed(list(enumerate(stated)))}

    def rank(key: str) -> tuple[bool, int, str]:
        forms = {p.entry.form for p in records.measures[key].provisions}
        return ("replaced" not in forms, place.get(key, len(stated)), key)

    return sorted(keys, key=rank)


def _limit(rule: Interaction, held: Sequence[Array], scopes: Scopes, paths: Paths) -> Array:
    """Points that a rule on the sum of some measures adds to it (below zero: takes off)."""
    total = np.sum(held, axis=0)
    here = total > 0
    if rule.targets is not None:
        here &= scopes.partners(rule.targets)[paths.partner]
    if rule.rule == "highest":
        wanted = np.max(held, axis=0)
    elif rule.rule == "cap":
        wanted = np.minimum(total, rule.rate_pct or 0.0)
    else:
        wanted = np.maximum(total, rule.rate_pct or 0.0)
    return np.where(here, wanted - total, 0.0)


# -- provisions that are alike ---------------------------------------------------------------


def _same_scope(
    active: ActiveMeasure,
) -> list[tuple[ProductsPart, When, list[tuple[int, Targets]]]]:
    """Runs of provisions with one product scope and one path: sixty country headings are one."""
    runs: list[tuple[ProductsPart, When, list[tuple[int, Targets]]]] = []
    last: object = None
    for number, p in enumerate(active.provisions):
        targets, products = active.measure.scope(p.provision)
        key = (products, p.provision.when, p.entry.form == "exempt")
        if active.measure.several == "highest" or key != last:
            runs.append((products, p.provision.when, []))
        runs[-1][2].append((number, targets))
        last = key
    return runs


def _same_form(active: ActiveMeasure) -> list[tuple[str, str | None, list[int]]]:
    groups: dict[tuple[str, str | None], list[int]] = {}
    for number, p in enumerate(active.provisions):
        groups.setdefault((p.entry.form or "", p.entry.base), []).append(number)
    return [(form, base, members) for (form, base), members in groups.items()]

"""The rules of the law, applied to many lines at once.

A *cell* is one line from one partner. The law looks at *paths* of a cell: with the preference
claimed or not, on the metal part or the rest. `evaluate` expands cells into paths, works out every
path, and leaves the averaging to the caller. No country and no programme is named here: which
measures meet, and how, comes from the records.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from detente.ledger import ActiveMeasure, Ledger, Regime
from detente.ledger.asof import row_at
from detente.ledger.check import exclusion_order
from detente.ledger.schema import (
    Agreement,
    Interaction,
    ProductsPart,
    ShareOf,
    Split,
    Step,
    Targets,
    When,
)

from .tables import Array, LineTable, claim_shares, covered

__all__ = ["Cells", "MeasureTrace", "Result", "evaluate", "scope_lines"]


@dataclass(frozen=True)
class Cells:
    """``line`` and ``partner`` are positions. ``partners`` are the labels the law is asked about,
    ``data_partners`` the labels under which the tables hold them."""

    line: Array
    partner: Array
    partners: tuple[str, ...]
    data_partners: tuple[str, ...]


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
    adjusted: dict[str, Array] = field(default_factory=dict)
    trace: tuple[MeasureTrace, ...] = ()

    @property
    def rate(self) -> Array:
        """Base plus everything added, percent."""
        return self.base + self.added


def evaluate(regime: Regime, table: LineTable, cells: Cells, trace: bool = False) -> Result:
    """The rate on every path of every cell. ``trace`` keeps what each measure did."""
    return _Evaluation(regime, table, cells, trace).run()


def scope_lines(table: LineTable, ledger: Ledger, products: ProductsPart) -> Array:
    """Which lines of ``table`` a product scope covers: bool, one per line."""
    if getattr(products, "outside_goods", None):
        return np.zeros(len(table.codes), dtype=bool)
    if getattr(products, "all", False):
        mask = np.ones(len(table.codes), dtype=bool)
    else:
        codes = [*products.codes, *(c for key in products.lists for c in ledger.lists[key].codes)]
        mask = covered(table.codes, codes) | np.isin(table.sector, products.sectors)
    but = getattr(products, "but", None)
    if but is not None and (but.codes or but.lists or but.sectors):
        mask = mask & ~scope_lines(table, ledger, but)
    return mask


class _Evaluation:
    def __init__(self, regime: Regime, table: LineTable, cells: Cells, trace: bool) -> None:
        self.regime, self.table, self.cells, self.trace = regime, table, cells, trace
        self.measures = {a.measure.id: a for a in regime.by(table.importer)}
        self.rules = tuple(r for r in regime.rules if r.imposer == table.importer)

    # -- scopes ------------------------------------------------------------------------------

    def lines(self, products: ProductsPart) -> Array:
        """Which lines a product scope covers; kept on the table, since dates share scopes."""
        key = (self.regime.ledger.content_hash, products)
        if key not in self.table.masks:
            self.table.masks[key] = scope_lines(self.table, self.regime.ledger, products)
        return self.table.masks[key]

    def partners(self, targets: Targets) -> Array:
        """Which partners a target set reaches; the importer is never its own target."""
        named = self.regime.countries(targets)
        own = self.regime.members_of_partner(self.table.importer)
        members = [self.regime.members_of_partner(p) for p in self.cells.partners]
        return np.array([bool(m) and m <= named and not m & own for m in members])

    # -- paths -------------------------------------------------------------------------------

    def run(self) -> Result:
        cells = self.cells
        self.mfn_cell = self.table.base_pct[cells.line]
        claim, pref_rate, share = self._claims()
        n = len(cells.line)
        self.cell = np.arange(n)
        self.entry = np.ones(n)
        self.value = np.ones(n)
        self.claim = np.where(share >= 1, claim, -1).astype(np.int16)
        some = np.flatnonzero((share > 0) & (share < 1))
        self._fork(some, share[some], "entry")
        self.claim[n:] = claim[some]
        self.parts: dict[str, Array] = {}
        for split in self._splits():
            self._divide(split)
        self.line = cells.line[self.cell].astype(np.int32)
        self.partner = cells.partner[self.cell].astype(np.int32)
        self.mfn = self.mfn_cell[self.cell].copy()
        self.base = np.where(self.claim >= 0, pref_rate[self.cell], self.mfn)
        return self._measures()

    def _fork(self, rows: Array, share: Array, weight: str) -> None:
        """Copy ``rows``; the copies carry ``share`` of the weight, the originals the rest."""
        held = getattr(self, weight)
        copies = held[rows] * share
        held[rows] *= 1 - share
        for name in ("cell", "entry", "value", "claim"):
            column = getattr(self, name)
            extra = copies if name == weight else column[rows]
            setattr(self, name, np.concatenate([column, extra]))
        if hasattr(self, "parts"):
            self.parts = {k: np.concatenate([v, v[rows]]) for k, v in self.parts.items()}

    def _claims(self) -> tuple[Array, Array, Array]:
        """Per cell: the preference open to it (-1 none), its rate, and the share that claims it."""
        cells, day = self.cells, self.regime.date
        n = len(cells.line)
        claim, rate, share = np.full(n, -1), np.full(n, np.nan), np.zeros(n)
        self.cut = np.full(n, np.nan)
        matters = {
            c
            for a in self.measures.values()
            for p in a.provisions
            for c in (*p.provision.when.claims, *p.provision.when.no_claims)
        }
        self.agreements: list[Agreement] = []
        for agreement, pref in self.regime.preferences(self.table.importer):
            open_to = np.array([self.regime.grants(agreement, pref, p) for p in cells.partners])
            if not open_to.any():
                continue
            rows = np.flatnonzero(
                open_to[cells.partner] & self.lines(pref.products)[cells.line] & (claim < 0)
            )
            step, use = row_at(pref.steps, day), row_at(pref.utilisation, day)
            if not len(rows) or not isinstance(step, Step) or not isinstance(use, ShareOf):
                continue
            mfn = self.mfn_cell[rows]
            if step.rate_pct is not None:
                granted = np.full(len(rows), step.rate_pct)
            else:
                granted = mfn * (1 - (step.cut_pct or 0) / 100)
            granted = np.fmin(granted, mfn) if step.rate_pct != 0 else granted
            # A claim that changes neither the base nor any measure is not worth a path.
            idle = (granted == mfn) & (agreement.id not in matters)
            rows, granted = rows[~idle], granted[~idle]
            self.agreements.append(agreement)
            claim[rows] = len(self.agreements) - 1
            rate[rows] = granted
            self.cut[rows] = np.nan if step.cut_pct is None else step.cut_pct / 100
            share[rows] = self._share(use, rows)
        return np.where(share > 0, claim, -1), rate, share

    def _share(self, use: ShareOf, rows: Array) -> Array:
        """A share record on cells, as fractions."""
        if use.share_pct is not None:
            return np.full(len(rows), use.share_pct / 100)
        cells = self.cells
        out = np.zeros(len(rows))
        line, partner = cells.line[rows], cells.partner[rows]
        for p in np.unique(partner):
            here = partner == p
            out[here] = self._table_shares(use.table or "", cells.data_partners[p])[line[here]]
        return out

    def _table_shares(self, name: str, partner: str) -> Array:
        """Shares of all lines from one partner; kept on the table, since dates share them."""
        key = (name, partner)
        if key not in self.table.masks:
            self.table.masks[key] = claim_shares(
                name, self.table.importer, self.table.codes, partner
            )
        return self.table.masks[key]

    def _splits(self) -> list[Split]:
        used = {
            s for a in self.measures.values() for p in a.provisions for s in p.provision.when.parts
        }
        return [self.regime.ledger.splits[s] for s in sorted(used)]

    def _divide(self, split: Split) -> None:
        """Fork paths into the first and second part of a split."""
        share = np.zeros(len(self.cells.line))
        for row in split.rows:
            rows = np.flatnonzero(self.lines(row.products)[self.cells.line])
            if row.targets is not None:
                rows = rows[self.partners(row.targets)[self.cells.partner[rows]]]
            now = row_at(row.shares, self.regime.date)
            if isinstance(now, ShareOf):
                share[rows] = self._share(now, rows)
        here = share[self.cell]
        self.parts[split.id] = np.where(here >= 1, 0, 1).astype(np.int8)
        some = np.flatnonzero((here > 0) & (here < 1))
        before = len(self.cell)
        self._fork(some, here[some], "value" if split.by == "value" else "entry")
        self.parts[split.id][before:] = 0

    # -- measures ----------------------------------------------------------------------------

    def _measures(self) -> Result:
        n = len(self.cell)
        by_name = _names(self.measures.values())
        where_needed = {i for r in self.rules for w in r.where for i in by_name.get(w, ())}
        applies: dict[str, Array] = {}
        chosen: dict[str, tuple[Array, Array]] = {}
        order = exclusion_order((a.measure for a in self.measures.values()), self.rules)
        for key in order:
            active = self.measures[key]
            choice = self._choose(active)
            live = choice >= 0
            exempt = np.array([p.entry.form == "exempt" for p in active.provisions])
            live &= ~exempt[choice]
            dropped = np.full(n, -1, dtype=np.int16)
            for number, rule in enumerate(self.rules):
                if rule.rule != "exclude" or not {key, active.measure.programme} & set(rule.drop):
                    continue
                hit = np.zeros(n, dtype=bool)
                for other in {i for w in rule.where for i in by_name.get(w, ())} & set(applies):
                    hit |= applies[other]
                if rule.targets is not None:
                    hit &= self.partners(rule.targets)[self.partner]
                dropped[live & hit & (dropped < 0)] = number
            if key in where_needed:
                applies[key] = live & (dropped < 0)
            chosen[key] = (choice, dropped)
        return self._amounts(chosen, by_name)

    def _choose(self, active: ActiveMeasure) -> Array:
        """The provision that governs each path. Provisions of one scope are taken together."""
        choice = np.full(len(self.cell), -1, dtype=np.int16)
        best = np.full(len(self.cell), -1.0)
        highest = active.measure.several == "highest"
        rates = np.array([p.entry.rate_pct or 0.0 for p in active.provisions])
        for products, when, members in _same_scope(active):
            by_partner = np.full(len(self.cells.partners), -1, dtype=np.int16)
            for number, targets in members:
                by_partner[self.partners(targets)] = number
            if not (by_partner >= 0).any():
                continue
            rows = np.flatnonzero((by_partner >= 0)[self.partner])
            mask = self.lines(products)
            if not mask.all():
                rows = rows[mask[self.line[rows]]]
            rows = self._on_path(when, rows)
            here = by_partner[self.partner[rows]]
            if highest:
                exempt = active.provisions[members[0][0]].entry.form == "exempt"
                wins = exempt | (rates[here] > best[rows])
                rows, here = rows[wins], here[wins]
                best[rows] = np.inf if exempt else rates[here]
            choice[rows] = here
        return choice

    def _on_path(self, when: When, rows: Array) -> Array:
        """Those of the rows that are on the legal path a provision needs."""
        # the last place stands for "no claim" (-1)
        ids = [*(a.id for a in self.agreements), ""]
        if when.claims:
            rows = rows[np.array([i in when.claims for i in ids])[self.claim[rows]]]
        if when.no_claims:
            rows = rows[np.array([i not in when.no_claims for i in ids])[self.claim[rows]]]
        for split, part in when.parts.items():
            number = self.regime.ledger.splits[split].parts.index(part)
            rows = rows[self.parts[split][rows] == number]
        return rows

    def _amounts(
        self, chosen: dict[str, tuple[Array, Array]], by_name: dict[str, tuple[str, ...]]
    ) -> Result:
        n = len(self.cell)
        added, partial = np.zeros(n), np.zeros(n, dtype=bool)
        banned = np.zeros(n, dtype=bool)
        rest = [r for r in self.rules if r.rule in ("highest", "cap", "floor")]
        keep = {i for r in rest for o in r.over for i in by_name.get(o, ())}
        kept: dict[str, Array] = {}
        for key in self._sequence(chosen, by_name):
            choice, dropped = chosen[key]
            active = self.measures[key]
            points = np.zeros(n)
            for form, base, group in _same_form(active):
                of_form = np.zeros(len(active.provisions) + 1, dtype=bool)
                of_form[group] = True  # the last place stands for "no provision" (-1)
                rows = np.flatnonzero(of_form[choice] & (dropped < 0))
                if not len(rows):
                    continue
                entries = active.provisions
                rate = np.array([p.entry.rate_pct or 0.0 for p in entries])[choice[rows]]
                if form == "added":
                    points[rows] = rate
                elif form == "total":
                    under = self.mfn[rows] if base == "mfn" else self.base[rows]
                    points[rows] = np.maximum(0.0, rate - under)
                elif form == "replaced":
                    # a preference stated as a cut is a cut of the new ordinary rate
                    cut = self.cut[self.cell[rows]]
                    kept_rate = np.where(
                        np.isnan(cut), np.fmin(self.base[rows], rate), rate * (1 - cut)
                    )
                    self.base[rows] = np.where(self.claim[rows] >= 0, kept_rate, rate)
                    self.mfn[rows] = rate
                elif form == "ban":
                    banned[rows] = True
                elif form != "exempt":
                    worth = [p.entry.equivalent_pct for p in entries]
                    known = np.array([w is not None for w in worth])[choice[rows]]
                    points[rows] = np.array([w or 0.0 for w in worth])[choice[rows]]
                    partial[rows] |= ~known
            added += points
            if self.trace or key in keep:
                kept[key] = points
        adjusted: dict[str, Array] = {}
        for rule in rest:
            change = self._adjust(rule, [i for o in rule.over for i in by_name.get(o, ())], kept)
            if change is not None:
                added += change
                adjusted[rule.id] = change
        traced = tuple(
            MeasureTrace(self.measures[k], *chosen[k], kept[k]) for k in kept if self.trace
        )
        return Result(
            self.cell, self.entry, self.value, self.claim, tuple(self.agreements), self.parts,
            self.mfn, self.base, added, banned, partial, self.rules, adjusted, traced,
        )  # fmt: skip

    def _sequence(self, keys: Iterable[str], by_name: dict[str, tuple[str, ...]]) -> list[str]:
        """Replaced bases first, since totals are measured against them; then the order rules."""
        stated = [
            i for r in self.rules if r.rule == "order" for o in r.over for i in by_name.get(o, ())
        ]
        place = {k: n for n, k in reversed(list(enumerate(stated)))}

        def rank(key: str) -> tuple[bool, int, str]:
            forms = {p.entry.form for p in self.measures[key].provisions}
            return ("replaced" not in forms, place.get(key, len(stated)), key)

        return sorted(keys, key=rank)

    def _adjust(
        self, rule: Interaction, keys: Sequence[str], kept: dict[str, Array]
    ) -> Array | None:
        held = [kept[k] for k in keys if k in kept]
        if not held:
            return None
        total = np.sum(held, axis=0)
        here = total > 0
        if rule.targets is not None:
            here &= self.partners(rule.targets)[self.partner]
        if rule.rule == "highest":
            wanted = np.max(held, axis=0)
        elif rule.rule == "cap":
            wanted = np.minimum(total, rule.rate_pct or 0.0)
        else:
            wanted = np.maximum(total, rule.rate_pct or 0.0)
        return np.where(here, wanted - total, 0.0)


def _names(active: Iterable[ActiveMeasure]) -> dict[str, tuple[str, ...]]:
    """Measure ids behind each measure id and each programme."""
    names: dict[str, tuple[str, ...]] = {}
    for a in active:
        for name in {a.measure.id, a.measure.programme}:
            names[name] = (*names.get(name, ()), a.measure.id)
    return names


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

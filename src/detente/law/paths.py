"""The legal paths by which the goods of a cell enter.

The law looks at a cell by *path*: with the preference claimed or not, on the metal part or the
rest. `open_claims` says which preference is open to each cell and how much of it claims;
`all_paths` forks the cells into paths, first by claim, then by each split the measures ask about.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np

from detente.ledger import ActiveMeasure
from detente.ledger.asof import row_at
from detente.ledger.schema import Agreement, ShareOf, Split, Step, When

from .scopes import Scopes
from .tables import Array

__all__ = ["Claims", "Paths", "all_paths", "on_path", "open_claims"]


class Claims(NamedTuple):
    """The preference open to each cell. ``claim`` is a position in ``agreements``, -1 for none;
    ``rate_pct`` its rate and ``cut`` the fraction it takes off the ordinary rate, NaN where it is
    not stated so; ``share`` is the fraction of entries that claims it."""

    agreements: tuple[Agreement, ...]
    claim: Array
    rate_pct: Array
    cut: Array
    share: Array


class Paths(NamedTuple):
    """One row per path: its cell with line and partner, its share of the cell's entries and of the
    value of one good, what it claims, and on which part of each split it is (0 or 1)."""

    cell: Array
    line: Array
    partner: Array
    entry: Array
    value: Array
    claim: Array
    parts: dict[str, Array]


def open_claims(scopes: Scopes, mfn: Array, measures: Iterable[ActiveMeasure]) -> Claims:
    """Per cell the preference to claim: of those open, the one that stands first.

    ``mfn``: ordinary rate of each cell, percent.
    """
    regime, cells = scopes.regime, scopes.cells
    n = len(cells.line)
    claim, share = np.full(n, -1), np.zeros(n)
    rate, cut = np.full(n, np.nan), np.full(n, np.nan)
    whens = [p.provision.when for a in measures for p in a.provisions]
    matters = {c for when in whens for c in (*when.claims, *when.no_claims)}
    agreements: list[Agreement] = []
    for agreement, pref in regime.preferences(scopes.table.importer):
        open_to = np.array([regime.grants(agreement, pref, p) for p in cells.partners])
        if not open_to.any():
            continue
        rows = np.flatnonzero(
            open_to[cells.partner] & scopes.lines(pref.products)[cells.line] & (claim < 0)
        )
        step, use = row_at(pref.steps, regime.date), row_at(pref.utilisation, regime.date)
        if not len(rows) or not isinstance(step, Step) or not isinstance(use, ShareOf):
            continue
        granted = _granted(step, mfn[rows])
        # A claim that changes neither the base nor any measure is not worth a path.
        idle = (granted == mfn[rows]) & (agreement.id not in matters)
        rows, granted = rows[~idle], granted[~idle]
        agreements.append(agreement)
        claim[rows] = len(agreements) - 1
        rate[rows] = granted
        cut[rows] = np.nan if step.cut_pct is None else step.cut_pct / 100
        share[rows] = scopes.shares(use, rows)
    return Claims(tuple(agreements), claim, rate, cut, share)


def _granted(step: Step, mfn: Array) -> Array:
    """The rate a step of a preference grants, percent: never above the ordinary one."""
    if step.rate_pct is not None:
        granted = np.full(len(mfn), step.rate_pct)
    else:
        granted = mfn * (1 - (step.cut_pct or 0) / 100)
    return np.fmin(granted, mfn)  # where the ordinary rate is not held, the stated one


def all_paths(scopes: Scopes, claims: Claims, measures: Iterable[ActiveMeasure]) -> Paths:
    """Fork the cells by claim, then by every split that a measure asks about."""
    cells = scopes.cells
    n = len(cells.line)
    share = claims.share
    unclaimed = np.where(share >= 1, claims.claim, -1).astype(np.int16)
    forks = _Forks(np.arange(n), np.ones(n), np.ones(n), unclaimed, {})
    some = np.flatnonzero((share > 0) & (share < 1))
    forks = forks.fork(some, share[some], "entry")
    forks.claim[n:] = claims.claim[some]
    used = {s for a in measures for p in a.provisions for s in p.provision.when.parts}
    for name in sorted(used):
        split = scopes.regime.ledger.splits[name]
        forks = _divided(forks, split, _part_shares(scopes, split))
    line = cells.line[forks.cell].astype(np.int32)
    partner = cells.partner[forks.cell].astype(np.int32)
    return Paths(forks.cell, line, partner, *forks[1:])


class _Forks(NamedTuple):
    cell: Array
    entry: Array
    value: Array
    claim: Array
    parts: dict[str, Array]

    def fork(self, rows: Array, share: Array, weight: Literal["entry", "value"]) -> _Forks:
        """Copy ``rows``; the copies carry ``share`` of the weight, the originals the rest."""
        columns = {name: getattr(self, name) for name in ("cell", "entry", "value", "claim")}
        copies = {name: column[rows] for name, column in columns.items()}
        copies[weight] = copies[weight] * share
        rest = columns[weight].copy()
        rest[rows] *= 1 - share
        columns[weight] = rest
        joined = {name: np.concatenate([columns[name], copies[name]]) for name in columns}
        parts = {k: np.concatenate([v, v[rows]]) for k, v in self.parts.items()}
        return _Forks(**joined, parts=parts)


def _divided(forks: _Forks, split: Split, share: Array) -> _Forks:
    """Fork paths into the first and second part of a split; ``share`` of the first, per cell."""
    here = share[forks.cell]
    parts = {**forks.parts, split.id: np.where(here >= 1, 0, 1).astype(np.int8)}
    some = np.flatnonzero((here > 0) & (here < 1))
    divided = forks._replace(parts=parts).fork(
        some, here[some], "value" if split.by == "value" else "entry"
    )
    divided.parts[split.id][len(here) :] = 0
    return divided


def _part_shares(scopes: Scopes, split: Split) -> Array:
    """The share of the first part in each cell, as a fraction; the last row that speaks wins."""
    cells = scopes.cells
    share = np.zeros(len(cells.line))
    for row in split.rows:
        rows = np.flatnonzero(scopes.lines(row.products)[cells.line])
        if row.targets is not None:
            rows = rows[scopes.partners(row.targets)[cells.partner[rows]]]
        now = row_at(row.shares, scopes.regime.date)
        if isinstance(now, ShareOf):
            share[rows] = scopes.shares(now, rows)
    return share


def on_path(scopes: Scopes, claims: Claims, paths: Paths, when: When, rows: Array) -> Array:
    """Those of the rows that are on the legal path a provision needs."""
    # the last place stands for "no claim" (-1)
    ids = [*(a.id for a in claims.agreements), ""]
    if when.claims:
        rows = rows[np.array([i in when.claims for i in ids])[paths.claim[rows]]]
    if when.no_claims:
        rows = rows[np.array([i not in when.no_claims for i in ids])[paths.claim[rows]]]
    for split, part in when.parts.items():
        number = scopes.regime.ledger.splits[split].parts.index(part)
        rows = rows[paths.parts[split][rows] == number]
    return rows

"""The audit's checks of ``monopolistic``: every equation of Krugman (1980) and Ossa (2014), from a
labelled outcome and its world alone.

As in :mod:`detente.outcome.recheck` nothing is shared with what is checked; the equations are those
of ``docs/models/monopolistic.md`` with their numbers. Numbers of firms are not among the levels
that are labelled: where entry is free they are read off sales by the condition of entry (7'), and
prices, flows and the reported changes are held against them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from detente.outcome.recheck_sides import (
    TINY,
    Array,
    Side,
    changes,
    closure,
    compare,
    growth,
    levels,
    money,
    new_tally,
    prices_and_flows,
    quotas,
    reported_deficits,
    settings,
)
from detente.outcome.tally import Check, Tally

__all__ = ["recheck_monopolistic"]


class _Table(NamedTuple):
    """The world in shares (J, N, N), (J, N), and levels; ``to_labour`` (J,) is the part of sales
    that pays labour, the rest are profits."""

    trade: Array
    tariff: Array
    pi: Array
    alpha: Array
    sigma: Array
    to_labour: Array
    sales: Array
    deficit: Array
    own_income: Array
    free: bool


class _Firms(NamedTuple):
    """An equilibrium, its numbers of firms over the world table's (J, N), and profits (J, N)."""

    side: Side
    M: Array
    profits: Array


def recheck_monopolistic(outcome: xr.Dataset, world: xr.Dataset) -> dict[str, Check]:
    """Every check by name; arguments and errors as in :func:`detente.outcome.recheck.recheck`."""
    tally = new_tally(outcome, world)
    table = _table(world, settings(outcome).get("entry") == "free")
    both = [_firms(outcome, table, name) for name in ("before", "after")]
    for f in both:
        s = f.side
        _costs_and_prices(tally, table, f)
        _markets(tally, table, f)
        money(tally, s, table.sales.sum(axis=0))
        if table.free:
            _entry(tally, table, f)
        if f"quotas_{s.name}" in outcome.attrs:
            quotas(tally, outcome, s)
    before, after = both
    s = after.side
    reported_deficits(tally, outcome, s, s.deficit + s.transfer)
    changes(tally, outcome, before.side, s)
    # numbers read off sales carry the rounding of market clearing: in percent, not in thousandths
    for name, b, a in (
        ("firms", before.M, after.M), ("profits", before.profits, after.profits),
    ):  # fmt: skip
        compare(tally, outcome, "firms and profits", name, growth(b, a), least=1.0)
    return tally.found


def _table(world: xr.Dataset, free: bool) -> _Table:
    trade, tariff, sigma = (world[n].values for n in ("trade", "tariff", "sigma"))
    paid = trade * (1 + tariff)
    spent, sales = paid.sum(axis=2), trade.sum(axis=1)
    return _Table(
        trade, tariff, paid / np.where(spent > 0, spent, 1.0)[:, :, None],
        spent / spent.sum(axis=0), sigma, np.ones_like(sigma) if free else (sigma - 1) / sigma,
        sales, trade.sum(axis=(0, 2)) - trade.sum(axis=(0, 1)),
        sales.sum(axis=0) + (trade * tariff).sum(axis=(0, 2)), free,
    )  # fmt: skip


def _firms(outcome: xr.Dataset, table: _Table, name: str) -> _Firms:
    seen = levels(outcome, name)
    made = table.sales > 0
    M = np.where(made, 1.0, 0.0)
    if table.free:  # 7': what a firm sells rises as the wage does
        M = np.where(made, seen.Y / np.where(made, seen.wage * table.sales, 1.0), 0.0)
    deliver = (table.trade > 0) & np.isfinite(seen.d) & (M > 0)[:, None, :]
    profits = (1 - table.to_labour)[:, None] * seen.Y  # 10
    wages = seen.wage * (table.to_labour[:, None] * table.sales).sum(axis=0)
    earned = wages + profits.sum(axis=0)
    own = earned + seen.revenue + seen.export_revenue + seen.transfer
    deficit = closure(str(outcome.attrs["deficit"]), table.deficit, table.own_income, own)
    wanted = np.where(table.alpha != 0, table.alpha * np.log(seen.price), 0.0)
    index = np.exp(wanted.sum(axis=0))
    return _Firms(Side(*seen, deliver, earned, deficit, index), M, profits)


def _weights(table: _Table, s: Side, among: Array) -> Array:
    """Logs of pi (kappa w)^(1-sigma) where ``among``, else zero (J, N, N): one firm of each."""
    kappa = (1 + s.t) / (1 + table.tariff) * (1 + s.e) * s.d * s.wage
    log = np.log(np.where(among, table.pi, 1.0))
    return log + (1 - table.sigma)[:, None, None] * np.log(np.where(among, kappa, 1.0))


def _costs_and_prices(tally: Tally, table: _Table, f: _Firms) -> None:
    """Sellers' prices rise as the wage, and 12: price indices, shares, flows."""
    s = f.side
    cost = np.broadcast_to(s.wage, s.cost.shape)
    tally.compare("unit costs", f"cost_level_{s.name}", s.cost, cost, cost)
    firms = np.log(np.where(f.M > 0, f.M, 1.0))[:, None, :]
    terms = _weights(table, s, s.deliver) + firms
    prices_and_flows(tally, s, terms, (table.sigma - 1)[:, None])


def _markets(tally: Tally, table: _Table, f: _Firms) -> None:
    """11 and 13: what labour is paid, and what is spent."""
    s = f.side
    wanted = table.alpha * s.income
    scale = np.maximum(np.abs(wanted), TINY * table.sales.sum())
    tally.compare("market clearing", f"trade_{s.name}", s.X, wanted, scale)
    wages = s.earned - f.profits.sum(axis=0)
    paid = (table.to_labour[:, None] * s.Y).sum(axis=0)
    tally.compare("labour markets", f"wage_level_{s.name}", wages, paid, wages)
    spent = s.X.sum(axis=0)
    tally.compare("Walras' law", f"trade_{s.name}", spent, s.income, spent)


def _entry(tally: Tally, table: _Table, f: _Firms) -> None:
    """7' where a sector has left: a first firm would sell no more than pays for its entry."""
    s = f.side
    could = (table.trade > 0) & np.isfinite(s.d) & (s.X > 0)[:, :, None]
    gone = (f.M == 0) & (table.sales > 0)
    height = np.where(s.X > 0, (table.sigma - 1)[:, None] * np.log(s.price), 0.0)
    share = np.where(could, np.exp(_weights(table, s, could) + height[:, :, None]), 0.0)
    sold = (share * s.X[:, :, None] / (1 + s.t) / (1 + s.e)).sum(axis=1)
    needed = np.where(gone, s.wage * table.sales, 1.0)
    short = np.maximum(np.where(gone, sold / needed, 0.0), 1.0)
    tally.compare("nobody would enter", f"trade_{s.name}", short, np.ones_like(short), 1.0)

"""The audit's checks of ``labour-supply``: every equation of Ignatenko, Lashkaripour, Macedoni and
Simonovska (2025), from a labelled outcome and its world alone.

As in :mod:`detente.outcome.recheck` nothing is shared with what is checked; the equations are those
of ``docs/models/labour-supply.md`` with their numbers. Hours are not among the levels that are
labelled: they are read off flows by the labour markets (2), and held against what people choose
(3), costs, and the reported changes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from detente.outcome.recheck_sides import (
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
    reported_deficits,
    settings,
    values,
)
from detente.outcome.tally import Check, Tally

__all__ = ["recheck_labour_supply"]

SCALE = 0.67
"""Scale elasticity times trade elasticity where ``psi`` is left out (docs, parameters)."""


class _Table(NamedTuple):
    """The world's one sector: (N, N) trade, tariffs and shares, (N,) spending, labour income,
    transfers and revenue over labour income; and the parameters."""

    trade: Array
    tariff: Array
    shares: Array
    spending: Array
    labour: Array
    transfers: Array
    revenue_share: Array
    eps: float
    kappa: float
    psi: float
    nu: Array
    phi: Array
    relief: bool
    printed: bool


class _Hours(NamedTuple):
    """An equilibrium, hours (N,) over the world table's, tau (N,), and what of foreign sales is
    earned where they are made, net (N,)."""

    side: Side
    L: Array
    tau: Array
    sold_here: Array


def recheck_labour_supply(outcome: xr.Dataset, world: xr.Dataset) -> dict[str, Check]:
    """Every check by name; arguments and errors as in :func:`detente.outcome.recheck.recheck`."""
    tally = new_tally(outcome, world)
    table = _table(outcome, world)
    before, after = (_hours(outcome, table, name) for name in ("before", "after"))
    for h in (before, after):
        _costs_and_prices(tally, table, h)
        _hours_worked(tally, table, h)
        money(tally, h.side, table.labour, h.sold_here)
        spent = h.side.X.sum(axis=0)
        tally.compare("Walras' law", f"trade_{h.side.name}", spent, h.side.income, spent)
    s = after.side
    meant = s.deficit + s.transfer + after.sold_here
    reported_deficits(tally, outcome, s, meant)
    changes(tally, outcome, before.side, s)
    # hours read off flows carry the rounding of labour markets: in percent, not in thousandths
    compare(tally, outcome, "hours", "labour", growth(before.L, after.L), least=1.0)
    found = values(outcome, "income_tax", ("country",))
    points = 100 * after.tau
    tally.compare("hours", "income_tax", found, points, np.maximum(np.abs(points), 1.0))
    _welfare(tally, outcome, table, before, after)
    return tally.found


def _table(outcome: xr.Dataset, world: xr.Dataset) -> _Table:
    given = settings(outcome)
    trade, tariff = world["trade"].values[0], world["tariff"].values[0]
    eps = float(world["theta"].values[0])
    N = len(trade)
    psi = SCALE / eps if given["psi"] is None else float(given["psi"])
    nu = np.broadcast_to(np.asarray(given["nu"], dtype=float), N)
    phi = 1 + (1 + psi) * nu / (1 - nu)
    if given["phi"] is not None:
        phi = np.broadcast_to(np.asarray(given["phi"], dtype=float), N)
    paid = trade * (1 + tariff)
    spending, revenue, bought = paid.sum(axis=1), (trade * tariff).sum(axis=1), trade.sum(axis=1)
    labour = ((1 - nu)[:, None] * trade).sum(axis=0) + nu * bought  # 2
    return _Table(
        trade, tariff, paid / spending[:, None], spending, labour, spending - labour - revenue,
        revenue / labour, eps, float(given["kappa"]), psi, nu, phi,
        given["revenue"] == "income-tax", given["disutility"] == "as-printed",
    )  # fmt: skip


def _hours(outcome: xr.Dataset, table: _Table, name: str) -> _Hours:
    seen = levels(outcome, name)
    X = seen.flows[0]
    here, abroad = table.nu * X.sum(axis=1), (table.nu[:, None] * X).sum(axis=0)
    earned = X.sum(axis=0) - abroad + here  # 2
    L = earned / (seen.wage * table.labour)
    tau = seen.revenue / earned - table.revenue_share if table.relief else np.zeros_like(L)
    deliver = ((table.trade > 0) & np.isfinite(seen.d[0]))[None]
    own = earned + seen.revenue + seen.export_revenue + seen.transfer
    base_income = table.labour * (1 + table.revenue_share)
    deficit = closure(str(outcome.attrs["deficit"]), table.transfers, base_income, own)
    side = Side(*seen, deliver, earned, deficit, seen.price[0])
    return _Hours(side, L, tau, here - abroad)


def _costs_and_prices(tally: Tally, table: _Table, h: _Hours) -> None:
    """The wage over scale, and 1, 4: shares, price indices with what variety does, flows."""
    s = h.side
    cost = (s.wage * h.L**-table.psi)[None]
    tally.compare("unit costs", f"cost_level_{s.name}", s.cost, cost, cost)
    open_ = s.deliver[0]
    tariff = np.log((1 + s.t[0]) / (1 + table.tariff))
    border = np.log(np.where(open_, s.cost[0] * s.d[0], 1.0))
    terms = np.log(np.where(open_, table.shares, 1.0))
    terms = terms - table.eps * (border + table.phi[:, None] * tariff)
    variety = (1 - table.phi) * np.log(s.X[0] / table.spending / s.wage)
    prices_and_flows(tally, s, terms[None], np.array([[table.eps]]), variety[None])


def _hours_worked(tally: Tally, table: _Table, h: _Hours) -> None:
    """3: hours by the real wage after tax."""
    s = h.side
    chosen = (s.wage / s.price[0] / (1 - h.tau)) ** table.kappa
    tally.compare("hours", f"wage_level_{s.name}", h.L, chosen, chosen)


def _welfare(
    tally: Tally, outcome: xr.Dataset, table: _Table, before: _Hours, after: _Hours
) -> None:
    """Consumption less the disutility of hours; no number where the base has none, and nothing
    is left (-100) where hours cost more than consumption is worth."""
    b, a = (_welfare_level(table, h) for h in (before, after))
    compare(tally, outcome, "welfare", "utility", growth(np.nan_to_num(b), a), least=1.0)


def _welfare_level(table: _Table, h: _Hours) -> Array:
    s = h.side
    k = table.kappa / (1 + table.kappa)
    kept = 1 - h.tau
    weight = table.spending - k * kept * table.labour  # E over delta
    delta = table.spending / np.where(weight > 0, weight, np.nan)
    hours = s.wage / s.price[0] * h.L / (1.0 if table.printed else kept)
    W = delta * s.income / table.spending / s.price[0] + (1 - delta) * hours
    return np.maximum(W, 0.0)

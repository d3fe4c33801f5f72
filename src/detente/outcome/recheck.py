"""The audit's checks: every equation of the model, from a labelled outcome and its world alone.

Nothing here is shared with what is checked. Shares come from the tables of the world, everything
else from the labelled arrays that a reader gets (``Outcome.to_dataset``, or ``outcome.nc`` of a
saved run), and each equation is written out as in Caliendo and Parro (2015, eqs. 10-14; see
``docs/models/caliendo-parro.md``) in plain steps: no kernels, no scalings, none of the solver's
unknowns. Levels of wages, prices and costs are over the world table's, so that the equilibrium
before and the one after are each held against the table, and the changes against the two.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from detente.outcome.recheck_sides import (
    SMALL,
    TINY,
    Array,
    Side,
    changes,
    closure,
    levels,
    money,
    new_tally,
    prices_and_flows,
    quotas,
    reported_deficits,
    values,
)
from detente.outcome.tally import Check, Tally

__all__ = ["recheck"]


class _Table(NamedTuple):
    """The world in shares: (J, N, N), (J, N), (K, J, N) input, user, country, and totals (N,)."""

    trade: Array
    tariff: Array
    pi: Array
    beta: Array
    gamma: Array
    alpha: Array
    theta: Array
    value_added: Array
    deficit: Array
    own_income: Array


def recheck(outcome: xr.Dataset, world: xr.Dataset) -> dict[str, Check]:
    """Every check by name.

    Parameters
    ----------
    outcome : what ``Outcome.to_dataset`` gives, attrs included
    world : the tables of the world it was solved on

    Raises
    ------
    InputError
        A variable is missing, or the labels are not those of the world.
    """
    tally = new_tally(outcome, world)
    table = _table(world)
    sides = [_side(outcome, table, name) for name in ("before", "after")]
    for s in sides:
        _costs_and_prices(tally, table, s)
        _markets(tally, table, s)
        money(tally, s, table.value_added)
        if f"quotas_{s.name}" in outcome.attrs:
            quotas(tally, outcome, s)
    after = sides[1]
    reported_deficits(tally, outcome, after, after.deficit + after.transfer)
    changes(tally, outcome, *sides)
    _first_order(tally, outcome, *sides)
    return tally.found


def _table(world: xr.Dataset) -> _Table:
    trade, tariff = world["trade"].values, world["tariff"].values
    inputs, va, final = (world[n].values for n in ("inputs", "value_added", "final"))
    paid = trade * (1 + tariff)
    spent = paid.sum(axis=2)
    made = va + inputs.sum(axis=0)
    some = np.where(made > 0, made, 1.0)
    total = va.sum(axis=0)
    return _Table(
        trade,
        tariff,
        paid / np.where(spent > 0, spent, 1.0)[:, :, None],
        np.where(made > 0, va / some, 1.0),
        inputs / some,
        final / final.sum(axis=0),
        world["theta"].values,
        total,
        world["deficit"].values,
        total + (trade * tariff).sum(axis=(0, 2)),
    )


def _side(outcome: xr.Dataset, table: _Table, name: str) -> Side:
    seen = levels(outcome, name)
    deliver = _who_can(table, seen.d)
    wage_bill = seen.wage * table.value_added
    own = wage_bill + seen.revenue + seen.export_revenue + seen.transfer
    deficit = closure(str(outcome.attrs["deficit"]), table.deficit, table.own_income, own)
    wanted = np.where(table.alpha != 0, table.alpha * np.log(seen.price), 0.0)
    return Side(*seen, deliver, wage_bill, deficit, np.exp(wanted.sum(axis=0)))


def _who_can(table: _Table, iceberg: Array) -> Array:
    """Flows (J, N, N) that can be delivered: a seller needs each of its inputs from someone who
    can produce it himself."""
    open_: Array = np.asarray((table.trade > 0) & np.isfinite(iceberg))
    able: Array = np.asarray(open_.any(axis=1))
    while True:
        deliver: Array = open_ & able[:, None, :]
        lacking = _lacking(table, deliver)
        if not (able & lacking).any():
            return deliver
        able = able & ~lacking


def _lacking(table: _Table, deliver: Array) -> Array:
    """Producers (J, N) that lack an input."""
    served: Array = np.asarray(deliver.any(axis=2))
    return np.asarray(((table.gamma > 0) & ~served[:, None, :]).any(axis=0))


def _costs_and_prices(tally: Tally, table: _Table, s: Side) -> None:
    """Equations 1 to 3: unit costs, price indices, shares."""
    log_w, log_P, log_c = np.log(s.wage), np.log(s.price), np.log(s.cost)
    used = np.where(table.gamma != 0, table.gamma * log_P[:, None, :], 0.0).sum(axis=0)
    cost = np.where(_lacking(table, s.deliver), np.nan, np.exp(table.beta * log_w + used))
    tally.compare("unit costs", f"cost_level_{s.name}", s.cost, cost, np.abs(cost))

    kappa = (1 + s.t) / (1 + table.tariff) * (1 + s.e) * s.d
    terms = np.log(np.where(s.deliver, table.pi, 1.0)) - table.theta[:, None, None] * (
        np.log(np.where(s.deliver, kappa, 1.0)) + np.where(s.deliver, log_c[:, None, :], 0.0)
    )
    prices_and_flows(tally, s, terms, table.theta[:, None])


def _markets(tally: Tally, table: _Table, s: Side) -> None:
    """Equation 4 and labour: what is spent is what users and households want, and wages are what
    producers pay."""
    for_inputs = (table.gamma * s.Y[None, :, :]).sum(axis=1)
    wanted = for_inputs + table.alpha * s.income
    scale = np.maximum(np.abs(wanted), TINY * table.value_added.sum())
    tally.compare("market clearing", f"trade_{s.name}", s.X, wanted, scale)
    paid = (table.beta * s.Y).sum(axis=0)
    tally.compare("labour markets", f"wage_level_{s.name}", s.earned, paid, s.earned)
    spent = s.X.sum(axis=0)
    tally.compare("Walras' law", f"trade_{s.name}", spent - for_inputs.sum(axis=0), s.income, spent)


def _first_order(tally: Tally, outcome: xr.Dataset, b: Side, a: Side) -> None:
    """The first-order terms (Caliendo and Parro 2015, eq. 16, and companions;
    ``docs/equilibrium.md``). A country with a flow that is banned, or whose seller can no longer
    produce, has no welfare sum."""
    M0 = b.flows
    M1 = np.where(M0 > 0, a.flows, 0.0)
    on = M0 > 0
    c = np.where(on, (a.cost / b.cost)[:, None, :], 1.0)
    tax = (1 + a.e) / (1 + b.e)
    known = on & np.isfinite(b.d)
    d = np.where(known, a.d, 1.0) / np.where(known, b.d, 1.0)
    cut = np.isinf(d)
    d = np.where(cut, 1.0, d)
    lost = np.isnan(c)
    gain = M0 * (c * tax - 1.0)
    terms = {
        "terms_of_trade": gain.sum(axis=(0, 1)) - gain.sum(axis=(0, 2)),
        "volume_of_trade": (b.t * (M1 - M0 * c * tax * d)).sum(axis=(0, 2)),
        "trade_cost": (M0 * (1.0 - d)).sum(axis=(0, 2)),
        "export_tax_volume": np.where(
            b.e != 0, b.e * (M1 / (1 + a.e) - M0 / (1 + b.e) * c), 0.0
        ).sum(axis=(0, 1)),
        "transfer_received": a.deficit + a.transfer - b.deficit - b.transfer,
    }
    if "quota_rent_received" in outcome:
        rents = np.zeros(len(b.income))
        for name, sign in (("after", 1.0), ("before", -1.0)):
            if f"quota_rent_{name}" in outcome:
                got, paid = (
                    values(outcome, f"quota_rent{x}_{name}", ("country",)) for x in ("", "_paid")
                )
                rents += sign * (got - paid)
        terms["quota_rent_received"] = rents
        terms["transfer_received"] = terms["transfer_received"] - rents
    terms = {name: 100.0 * value / b.income for name, value in terms.items()}
    no_sum = cut.any(axis=(0, 2)) | lost.any(axis=(0, 2)) | lost.any(axis=(0, 1))
    for name in ("volume_of_trade", "trade_cost"):
        terms[name] = np.where(no_sum, np.nan, terms[name])
    terms["welfare"] = np.sum(list(terms.values()), axis=0)
    for name, expected in terms.items():
        scale = np.maximum(np.abs(expected), SMALL)
        found = values(outcome, name, ("country",))
        tally.compare("first-order terms", name, found, expected, scale)

"""The audit's checks: every equation of the model, from a labelled outcome and its world alone.

Nothing here is shared with what is checked. Shares come from the tables of the world, everything
else from the labelled arrays that a reader gets (``Outcome.to_dataset``, or ``outcome.nc`` of a
saved run), and each equation is written out as in Caliendo and Parro (2015, eqs. 10-14; see
``docs/models/caliendo-parro.md``) in plain steps: no kernels, no scalings, none of the solver's
unknowns. Levels of wages, prices and costs are over the world table's, so that the equilibrium
before and the one after are each held against the table, and the changes against the two.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from detente.errors import InputError
from detente.outcome.tally import Check, Tally
from detente.variables import BILATERAL

__all__ = ["recheck"]

Array = NDArray[Any]

TINY = 1e-250
"""Flows this small against their market have lost their digits to underflow."""

SMALL = 1e-3
"""Percent: changes smaller than this are compared as if they were this large, since a recomputed
change carries the rounding of the levels it comes from."""


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


class _Side(NamedTuple):
    """One equilibrium as labelled: before or after the policy; and what is recomputed of it.

    Border values of flows (J, N, N), spending X (J, N) at users' prices, sales Y (J, N) at the
    gate. ``served``, ``able`` (J, N): somebody can deliver, a producer has what it needs.
    """

    name: str
    t: Array
    e: Array
    d: Array
    transfer: Array
    wage: Array
    price: Array
    cost: Array
    flows: Array
    income: Array
    revenue: Array
    export_revenue: Array
    X: Array
    Y: Array
    deliver: Array
    served: Array
    lacking: Array
    wage_bill: Array
    deficit: Array
    consumer_price: Array


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
    _same_labels(outcome, world)
    tol = float(outcome.attrs["tol"])
    # a price errs by tol, a share by theta (up to 65) times that, a small country's balance by more
    tally = Tally(
        [str(s) for s in world["sector"].values],
        [str(c) for c in world["country"].values],
        max(1e-6, 1e4 * tol),
    )
    table = _table(world)
    sides = [_side(outcome, table, name) for name in ("before", "after")]
    for s in sides:
        _prices_and_flows(tally, table, s)
        _markets(tally, table, s)
        _money(tally, table, s)
        if f"quotas_{s.name}" in outcome.attrs:
            _quotas(tally, outcome, s)
    _reported_deficits(tally, outcome, sides[1])
    _changes(tally, outcome, *sides)
    _first_order(tally, outcome, *sides)
    return tally.found


def _same_labels(outcome: xr.Dataset, world: xr.Dataset) -> None:
    for dim in ("sector", "country"):
        if dim not in outcome.coords or not np.array_equal(
            outcome[dim].values.astype(str), world[dim].values.astype(str)
        ):
            raise InputError(
                f"audit: the {dim} labels of the outcome are not those of the world; audit it with "
                "the world it was solved on"
            )


def _values(outcome: xr.Dataset, name: str, dims: tuple[str, ...]) -> Array:
    if name not in outcome:
        raise InputError(
            f"audit: the outcome has no variable {name!r}; write it again with this version "
            "(Outcome.to_dataset, `detente run --out`)"
        )
    array = outcome.variables[name]
    if array.dims != dims:
        array = array.transpose(*dims)
    return np.asarray(array.values, dtype=float)


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


def _side(outcome: xr.Dataset, table: _Table, name: str) -> _Side:
    def of(stem: str, dims: tuple[str, ...]) -> Array:
        return _values(outcome, f"{stem}_{name}", dims)

    t = _values(outcome, "tariff" if name == "after" else "tariff_before", BILATERAL)
    e, d, flows = (of(stem, BILATERAL) for stem in ("export_tax", "iceberg", "trade"))
    price, cost = (of(stem, ("sector", "country")) for stem in ("price_level", "cost_level"))
    wage, transfer = of("wage_level", ("country",)), of("transfer", ("country",))
    income, revenue, export_revenue = (
        _values(outcome, stem + ("_before" if name == "before" else ""), ("country",))
        for stem in ("income", "revenue", "export_revenue")
    )
    if f"border_wedge_{name}" in outcome:
        # under quotas buyers pay duty and rent alike, and rents may leave the country
        t = of("border_wedge", BILATERAL)
        paid = of("quota_rent_paid", ("country",))
        transfer = transfer + of("quota_rent", ("country",)) - paid
        revenue = revenue + paid
    deliver, served, lacking = _who_can(table, d)
    wage_bill = wage * table.value_added
    own = wage_bill + revenue + export_revenue + transfer
    deficit = _closure(str(outcome.attrs["deficit"]), table, own)
    wanted = np.where(table.alpha != 0, table.alpha * np.log(price), 0.0)
    return _Side(
        name, t, e, d, transfer, wage, price, cost, flows, income, revenue, export_revenue,
        (flows * (1 + t)).sum(axis=2), (flows / (1 + e)).sum(axis=1), deliver, served, lacking,
        wage_bill, deficit, np.exp(wanted.sum(axis=0)),
    )  # fmt: skip


def _who_can(table: _Table, iceberg: Array) -> tuple[Array, Array, Array]:
    """Flows (J, N, N) that can be delivered, markets (J, N) with a seller, producers (J, N) that
    lack an input: a seller needs each of its inputs from someone who can produce it himself."""
    open_: Array = np.asarray((table.trade > 0) & np.isfinite(iceberg))
    needs: Array = np.asarray(table.gamma > 0)
    able: Array = np.asarray(open_.any(axis=1))
    while True:
        deliver: Array = open_ & able[:, None, :]
        served: Array = np.asarray(deliver.any(axis=2))
        lacking: Array = np.asarray((needs & ~served[:, None, :]).any(axis=0))
        if not (able & lacking).any():
            return deliver, served, lacking
        able = able & ~lacking


def _closure(name: str, table: _Table, own_income: Array) -> Array:
    """Trade deficits (N,) under a closure: base ones, none, or the base share of own income with
    deficits divided and surpluses multiplied by one factor."""
    if name == "fixed":
        return table.deficit
    if name == "zero":
        return np.zeros_like(own_income)
    if name != "share":
        raise InputError(f"audit: unknown deficit closure {name!r}; known: fixed, zero, share")
    raw = table.deficit / table.own_income * own_income
    up, down = raw[raw > 0].sum(), -raw[raw < 0].sum()
    factor = np.sqrt(up / down) if down > 0 else 1.0
    return np.where(raw > 0, raw / factor, raw * factor)


def _prices_and_flows(tally: Tally, table: _Table, s: _Side) -> None:
    """Equations 1 to 3: unit costs, price indices, shares; and no flow where none can be."""
    log_w, log_P, log_c = np.log(s.wage), np.log(s.price), np.log(s.cost)
    used = np.where(table.gamma != 0, table.gamma * log_P[:, None, :], 0.0).sum(axis=0)
    cost = np.where(s.lacking, np.nan, np.exp(table.beta * log_w + used))
    tally.compare("unit costs", f"cost_level_{s.name}", s.cost, cost, np.abs(cost))

    theta = table.theta[:, None, None]
    kappa = (1 + s.t) / (1 + table.tariff) * (1 + s.e) * s.d
    terms = np.log(np.where(s.deliver, table.pi, 1.0)) - theta * (
        np.log(np.where(s.deliver, kappa, 1.0)) + np.where(s.deliver, log_c[:, None, :], 0.0)
    )
    terms = np.where(s.deliver, terms, -np.inf)
    # the largest term is taken out: 100^-65 is no number a sum of powers can hold
    top = np.where(s.served, terms.max(axis=2), 0.0)
    powers = np.exp(terms - top[:, :, None]).sum(axis=2)
    theta = table.theta[:, None]
    log_index = -(top + np.log(np.where(s.served, powers, 1.0))) / theta
    index = np.where(s.served, np.exp(log_index), np.nan)
    tally.compare("price indices", f"price_level_{s.name}", s.price, index, np.abs(index))

    height = np.where(s.served, theta * log_P, 0.0)
    share = np.exp(terms + height[:, :, None])
    one = np.where(s.served, share.sum(axis=2), 1.0)
    tally.compare("shares sum to one", f"price_level_{s.name}", one, np.ones_like(one), 1.0)

    flows = share * s.X[:, :, None] / (1 + s.t)
    scale = np.maximum(np.maximum(flows, TINY * s.X[:, :, None]), TINY)
    name = f"trade_{s.name}"
    tally.compare("trade flows", name, s.flows, flows, scale, among=s.deliver)
    size = np.maximum(s.X, TINY)[:, :, None]
    tally.compare(
        "no flow where none can be", name, s.flows, np.zeros_like(flows), size,
        among=~s.deliver, bound=0.0,
    )  # fmt: skip


def _markets(tally: Tally, table: _Table, s: _Side) -> None:
    """Equation 4 and labour: what is spent is what users and households want, and wages are what
    producers pay."""
    for_inputs = (table.gamma * s.Y[None, :, :]).sum(axis=1)
    wanted = for_inputs + table.alpha * s.income
    scale = np.maximum(np.abs(wanted), TINY * table.value_added.sum())
    tally.compare("market clearing", f"trade_{s.name}", s.X, wanted, scale)
    paid = (table.beta * s.Y).sum(axis=0)
    tally.compare("labour markets", f"wage_level_{s.name}", s.wage_bill, paid, s.wage_bill)
    spent = s.X.sum(axis=0)
    tally.compare("Walras' law", f"trade_{s.name}", spent - for_inputs.sum(axis=0), s.income, spent)


def _money(tally: Tally, table: _Table, s: _Side) -> None:
    """Equation 5: revenue from rates and flows, income from its parts, balances as the closure
    sets them; world value added as the unit of account."""
    side = "_before" if s.name == "before" else ""
    border, spent = s.flows, s.X.sum(axis=0)
    revenue = (border * s.t).sum(axis=(0, 2))
    size = np.maximum(np.abs(border * s.t).sum(axis=(0, 2)), TINY)
    # the solver takes revenue as spending less what sellers keep: rounding is that of spending
    size = np.maximum(size, 1e-6 * spent)
    tally.compare("tariff revenue", f"revenue{side}", s.revenue, revenue, size)
    taxes = border * s.e / (1 + s.e)
    size = np.maximum(np.maximum(np.abs(taxes).sum(axis=(0, 1)), 1e-6 * s.Y.sum(axis=0)), TINY)
    collected = taxes.sum(axis=(0, 1))
    tally.compare("export-tax revenue", f"export_revenue{side}", s.export_revenue, collected, size)
    income = s.wage_bill + revenue + collected + s.deficit + s.transfer
    tally.compare("budgets", f"income{side}", s.income, income, np.abs(income))

    balance = border.sum(axis=(0, 2)) - border.sum(axis=(0, 1))
    tally.compare(
        "trade balance", f"trade_{s.name}", balance, s.deficit + s.transfer, np.abs(spent)
    )
    world = table.value_added.sum()
    for variable, amounts in ((f"trade_{s.name}", s.deficit), (f"transfer_{s.name}", s.transfer)):
        nothing = np.zeros(1)
        tally.compare("deficits sum to zero", variable, amounts.sum(keepdims=True), nothing, world)
    found = tally.found["deficits sum to zero"]
    tally.found["deficits sum to zero"] = found._replace(country="")
    # countries that trade with each other, however indirectly, share one unit of account
    linked: Array = np.asarray((s.deliver & np.asarray(s.X > 0)[:, :, None]).any(axis=0))
    group = np.arange(len(linked))
    while True:
        near = np.where(linked | linked.T, group[None, :], len(group)).min(axis=1)
        joined = np.minimum(group, near)
        if (joined == group).all():
            break
        group = joined
    same = group[:, None] == group[None, :]
    unit = (same * table.value_added).sum(axis=1)
    tally.compare(
        "unit of account", f"wage_level_{s.name}", (same * s.wage_bill).sum(axis=1), unit, unit
    )


def _quotas(tally: Tally, outcome: xr.Dataset, s: _Side) -> None:
    """Each quota in one of its three regimes, judged from flows, costs and wedges; and rents as the
    part of the wedge on units within the quota that is no duty."""
    rate = _values(outcome, "tariff" if s.name == "after" else "tariff_before", BILATERAL)
    sectors = [str(x) for x in outcome["sector"].values]
    countries = [str(x) for x in outcome["country"].values]
    shape = s.flows.shape[:2]
    amiss, received, paid = np.zeros(shape), np.zeros(shape[1]), np.zeros(shape[1])
    for q in json.loads(str(outcome.attrs[f"quotas_{s.name}"])):
        j, n = sectors.index(q["sector"]), countries.index(q["importer"])
        at = [countries.index(x) for x in q["exporters"]]
        border = s.flows[j, n, at]
        open_ = border > 0
        price = np.where(open_, s.cost[j, at] * (1 + s.e[j, n, at]) * s.d[j, n, at], 1.0)
        volume, quota = float((border / price).sum()), float(q["volume_usd_mn"])
        if quota == 0:
            amiss[j, n] = max(amiss[j, n], volume if np.isinf(q["over"]) else 0.0)
            continue
        R = (1 + s.t[j, n, at]) / (1 + rate[j, n, at])
        top = (1 + q["over"]) / (1 + rate[j, n, at])
        short = volume / quota - 1
        # a price at the tariff with too much in; one above it with too little; and one between
        # both bounds with anything but the quota
        low, high = bool((R <= 1 + 1e-12).all()), bool((R / top >= 1 - 1e-12).all())
        error = 0.0 if low and high else max(short, 0) if low else max(-short, 0) if high else short
        spread = float(R.max() - R.min()) + max(0.0, float((R - top).max()), float((1 - R).max()))
        amiss[j, n] = max(amiss[j, n], abs(error), spread)
        duty = 1.0 if q["rent"] == "exporter" else 1 + rate[j, n, at]
        rent = border * min(1.0, quota / volume if volume > 0 else 1.0) * (R - 1) * duty
        paid[n] += rent.sum()
        if q["rent"] == "exporter":
            np.add.at(received, at, rent)
        else:
            received[n] += rent.sum()
    tally.compare("quotas", f"trade_{s.name}", 1 + amiss, np.ones(shape), 1.0)
    scale = np.maximum(np.maximum(s.X.sum(axis=0), TINY) * 1e-3, np.abs(received) + paid)
    for name, rents in (("quota_rent", received), ("quota_rent_paid", paid)):
        found = _values(outcome, f"{name}_{s.name}", ("country",))
        tally.compare("quota rents", f"{name}_{s.name}", found, rents, scale)


def _reported_deficits(tally: Tally, outcome: xr.Dataset, after: _Side) -> None:
    """``deficit_after`` is imports less exports: the closure's deficit and the transfers."""
    given = _values(outcome, "deficit_after", ("country",))
    meant = after.deficit + after.transfer
    # imports less exports carry the rounding of imports
    scale = np.maximum(np.abs(meant), 1e-3 * after.flows.sum(axis=(0, 2)))
    tally.compare("reported deficits", "deficit_after", given, meant, scale)


def _changes(tally: Tally, outcome: xr.Dataset, b: _Side, a: _Side) -> None:
    """Percent changes from the levels they are changes of."""

    def growth(before: Array, after: Array) -> Array:
        some = before > 0
        return np.where(some, 100.0 * (after / np.where(some, before, 1.0) - 1.0), np.nan)

    def compare(check: str, name: str, expected: Array) -> None:
        dims = ("sector", "country")[-expected.ndim :]
        scale = np.maximum(np.abs(expected), SMALL)
        tally.compare(check, name, _values(outcome, name, dims), expected, scale)

    index = a.consumer_price / b.consumer_price
    compare("real income", "real_income", 100.0 * (a.income / b.income / index - 1.0))
    compare("real income", "real_wage", 100.0 * (a.wage / b.wage / index - 1.0))
    abroad = ~np.eye(len(index), dtype=bool)
    sold = [(s.flows * abroad) for s in (b, a)]
    for name, expected in (
        ("wage", growth(b.wage, a.wage)),
        ("consumer_price", 100.0 * (index - 1.0)),
        ("prices", np.where(b.X > 0, growth(b.price, a.price), np.nan)),
        ("cost", np.where(b.Y > 0, growth(b.cost, a.cost), np.nan)),
        ("output_value", growth(b.Y, a.Y)),
        ("output", growth(*(np.where(s.Y > 0, s.Y / s.cost, 0.0) for s in (b, a)))),
        ("exports", growth(*(x.sum(axis=(0, 1)) for x in sold))),
        ("imports", growth(*(x.sum(axis=(0, 2)) for x in sold))),
        ("sector_exports", growth(*(x.sum(axis=1) for x in sold))),
    ):
        compare("reported changes", name, expected)


def _first_order(tally: Tally, outcome: xr.Dataset, b: _Side, a: _Side) -> None:
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
                    _values(outcome, f"quota_rent{x}_{name}", ("country",)) for x in ("", "_paid")
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
        found = _values(outcome, name, ("country",))
        tally.compare("first-order terms", name, found, expected, scale)

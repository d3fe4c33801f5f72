"""What the audits of all models share: an equilibrium as it is labelled, money, quotas, changes.

As :mod:`detente.outcome.recheck`, it shares nothing with what is checked. The equations of a
model are in a file of its own: ``recheck`` (caliendo-parro), ``recheck_monopolistic``,
``recheck_labour_supply``.
"""

from __future__ import annotations

import ast
import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from detente.errors import InputError
from detente.outcome.tally import Tally
from detente.variables import BILATERAL

__all__ = [
    "SMALL",
    "TINY",
    "Array",
    "Levels",
    "Side",
    "changes",
    "closure",
    "compare",
    "growth",
    "levels",
    "money",
    "new_tally",
    "prices_and_flows",
    "quotas",
    "reported_deficits",
    "settings",
    "values",
]

Array = NDArray[Any]

TINY = 1e-250
"""Flows this small against their market have lost their digits to underflow."""

SMALL = 1e-3
"""Percent: changes smaller than this are compared as if they were this large, since a recomputed
change carries the rounding of the levels it comes from."""


class Levels(NamedTuple):
    """One equilibrium as labelled: before or after the policy.

    Border values of flows (J, N, N), spending X (J, N) at users' prices, sales Y (J, N) at the
    gate.
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


class Side(NamedTuple):
    """The same with what is recomputed of it.

    ``deliver`` (J, N, N): the seller can make and deliver; ``earned`` (N,) by labour and firms;
    ``deficit`` (N,) as the closure sets it; ``consumer_price`` (N,) over the world table's.
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
    earned: Array
    deficit: Array
    consumer_price: Array


def new_tally(outcome: xr.Dataset, world: xr.Dataset) -> Tally:
    """An empty tally for this outcome; its labels must be those of the world.

    Raises
    ------
    InputError
        They are not.
    """
    _same_labels(outcome, world)
    # a price errs by tol, a share by theta (up to 65) times that, a small country's balance by more
    return Tally(
        [str(s) for s in world["sector"].values],
        [str(c) for c in world["country"].values],
        max(1e-6, 1e4 * float(outcome.attrs["tol"])),
    )


def settings(outcome: xr.Dataset) -> dict[str, Any]:
    """The parameters of the model that gave the outcome.

    Raises
    ------
    InputError
        They cannot be read.
    """
    text = str(outcome.attrs.get("model_settings", "{}"))
    try:
        found = ast.literal_eval(text[:LONGEST])
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        found = None
    if not isinstance(found, dict):
        raise InputError(
            f"audit: attribute 'model_settings' is {text[:80]!r}; the parameters of the model are "
            "needed, as Outcome.to_dataset writes them"
        )
    return found


LONGEST = 100_000
"""Characters of parameters: some hundreds of countries with two numbers each."""


def _same_labels(outcome: xr.Dataset, world: xr.Dataset) -> None:
    for dim in ("sector", "country"):
        if dim not in outcome.coords or not np.array_equal(
            outcome[dim].values.astype(str), world[dim].values.astype(str)
        ):
            raise InputError(
                f"audit: the {dim} labels of the outcome are not those of the world; audit it with "
                "the world it was solved on"
            )


def values(outcome: xr.Dataset, name: str, dims: tuple[str, ...]) -> Array:
    """A labelled array as bare numbers, its dims in this order.

    Raises
    ------
    InputError
        There is no such variable.
    """
    if name not in outcome:
        raise InputError(
            f"audit: the outcome has no variable {name!r}; write it again with this version "
            "(Outcome.to_dataset, `detente run --out`)"
        )
    array = outcome.variables[name]
    if array.dims != dims:
        array = array.transpose(*dims)
    return np.asarray(array.values, dtype=float)


def levels(outcome: xr.Dataset, name: str) -> Levels:
    """One side ("before", "after") of an outcome, read from its labelled arrays."""

    def of(stem: str, dims: tuple[str, ...]) -> Array:
        return values(outcome, f"{stem}_{name}", dims)

    t = values(outcome, "tariff" if name == "after" else "tariff_before", BILATERAL)
    e, d, flows = (of(stem, BILATERAL) for stem in ("export_tax", "iceberg", "trade"))
    price, cost = (of(stem, ("sector", "country")) for stem in ("price_level", "cost_level"))
    wage, transfer = of("wage_level", ("country",)), of("transfer", ("country",))
    income, revenue, export_revenue = (
        values(outcome, stem + ("_before" if name == "before" else ""), ("country",))
        for stem in ("income", "revenue", "export_revenue")
    )
    if f"border_wedge_{name}" in outcome:
        # under quotas buyers pay duty and rent alike, and rents may leave the country
        t = of("border_wedge", BILATERAL)
        paid = of("quota_rent_paid", ("country",))
        transfer = transfer + of("quota_rent", ("country",)) - paid
        revenue = revenue + paid
    return Levels(
        name, t, e, d, transfer, wage, price, cost, flows, income, revenue, export_revenue,
        (flows * (1 + t)).sum(axis=2), (flows / (1 + e)).sum(axis=1),
    )  # fmt: skip


def closure(name: str, deficit: Array, base_income: Array, own_income: Array) -> Array:
    """Trade deficits (N,) under a closure: base ones, none, or the base share of own income with
    deficits divided and surpluses multiplied by one factor."""
    if name == "fixed":
        return deficit
    if name == "zero":
        return np.zeros_like(own_income)
    if name != "share":
        raise InputError(f"audit: unknown deficit closure {name!r}; known: fixed, zero, share")
    raw = deficit / base_income * own_income
    up, down = raw[raw > 0].sum(), -raw[raw < 0].sum()
    factor = np.sqrt(up / down) if down > 0 else 1.0
    return np.where(raw > 0, raw / factor, raw * factor)


def prices_and_flows(
    tally: Tally, s: Side, terms: Array, theta: Array, lift: Array | float = 0.0
) -> None:
    """Price indices, shares and flows from what buyers weigh, and no flow where none can be.

    ``terms`` (J, N, N): logs of base shares times what became of sellers' costs, to the power
    -theta. The index is ``exp(lift) (sum of exp(terms))^(-1/theta)``; ``theta`` (J, 1).
    """
    terms = np.where(s.deliver, terms, -np.inf)
    served = s.deliver.any(axis=2)
    # the largest term is taken out: 100^-65 is no number a sum of powers can hold
    top = np.where(served, terms.max(axis=2), 0.0)
    powers = np.exp(terms - top[:, :, None]).sum(axis=2)
    log_index = lift - (top + np.log(np.where(served, powers, 1.0))) / theta
    index = np.where(served, np.exp(log_index), np.nan)
    tally.compare("price indices", f"price_level_{s.name}", s.price, index, np.abs(index))

    height = np.where(served, theta * (np.log(s.price) - lift), 0.0)
    share = np.exp(terms + height[:, :, None])
    one = np.where(served, share.sum(axis=2), 1.0)
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


def money(tally: Tally, s: Side, base: Array, sold_here: Array | float = 0.0) -> None:
    """Revenue from rates and flows, income from its parts, balances as the closure
    sets them; world value added as the unit of account.

    ``base`` (N,) is what is earned in the world table, ``sold_here`` (N,) what of foreign sales is
    earned where they are made, beside the deficit.
    """
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
    income = s.earned + revenue + collected + s.deficit + s.transfer
    tally.compare("budgets", f"income{side}", s.income, income, np.abs(income))

    balance = border.sum(axis=(0, 2)) - border.sum(axis=(0, 1))
    tally.compare(
        "trade balance", f"trade_{s.name}", balance, s.deficit + s.transfer + sold_here,
        np.abs(spent),
    )  # fmt: skip
    world = base.sum()
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
    unit = (same * base).sum(axis=1)
    tally.compare(
        "unit of account", f"wage_level_{s.name}", (same * s.earned).sum(axis=1), unit, unit
    )


def quotas(tally: Tally, outcome: xr.Dataset, s: Side) -> None:
    """Each quota in one of its three regimes, judged from flows, costs and wedges; and rents as the
    part of the wedge on units within the quota that is no duty."""
    rate = values(outcome, "tariff" if s.name == "after" else "tariff_before", BILATERAL)
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
        found = values(outcome, f"{name}_{s.name}", ("country",))
        tally.compare("quota rents", f"{name}_{s.name}", found, rents, scale)


def reported_deficits(tally: Tally, outcome: xr.Dataset, after: Side, meant: Array) -> None:
    """``deficit_after`` is imports less exports, which the equations say are ``meant``."""
    given = values(outcome, "deficit_after", ("country",))
    # imports less exports carry the rounding of imports
    scale = np.maximum(np.abs(meant), 1e-3 * after.flows.sum(axis=(0, 2)))
    tally.compare("reported deficits", "deficit_after", given, meant, scale)


def growth(before: Array, after: Array) -> Array:
    """Percent change; NaN where there was nothing."""
    some = before > 0
    return np.where(some, 100.0 * (after / np.where(some, before, 1.0) - 1.0), np.nan)


def compare(
    tally: Tally, outcome: xr.Dataset, check: str, name: str, expected: Array, least: float = SMALL
) -> None:
    """A change in percent, as labelled, with the one that is expected (N,) or (J, N); changes
    below ``least`` are compared as if they were as large."""
    dims = ("sector", "country")[-expected.ndim :]
    scale = np.maximum(np.abs(expected), least)
    tally.compare(check, name, values(outcome, name, dims), expected, scale)


def changes(tally: Tally, outcome: xr.Dataset, b: Side, a: Side) -> None:
    """Percent changes from the levels they are changes of."""

    index = a.consumer_price / b.consumer_price
    compare(
        tally, outcome, "real income", "real_income", 100.0 * (a.income / b.income / index - 1.0)
    )
    compare(tally, outcome, "real income", "real_wage", 100.0 * (a.wage / b.wage / index - 1.0))
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
        compare(tally, outcome, "reported changes", name, expected)

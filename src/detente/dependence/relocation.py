"""Where a maker's cars are made: a nest of owners and places, chosen anew model by model.

In a market, buyers choose among models of all owners with elasticity ``eta``; an owner chooses the
place of each model when the model is renewed, a share ``zeta`` of its models a year, the cheapest
place for that model now. With s the base shares of an owner's places, k the landed cost by place
over the base and theta the elasticity between places:

    chosen_i = s_i k_i^-theta / Phi,   Phi = sum_i s_i k_i^-theta
    placed_t = (1 - zeta) placed_{t-1} + zeta chosen_t                       (models, by place)
    S_t      = (1 - zeta) S_{t-1} (k_t / k_{t-1})^(1 - eta)
               + zeta chosen_t Phi_t^((eta - 1) / theta),   S_0 = s
    P_t      = (sum_i S_t)^(1 / (1 - eta)),   spent_t = S_t / sum_i S_t
    sales_t  = sales_0 P_t^(1 - eta) / mean,  the mean over owners weighted by sales_0

This is the staggered sourcing of Chen, Goes, Muendler and Trottner (2023) with owners in the role
of buyers; zeta = 1 is the static nest. What the market spends on cars is held, and a place where an
owner makes none at the base gets none: new countries are outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from detente.errors import InputError
from detente.models.blocks import Array
from detente.outcome import Outcome
from detente.outcome.path import Path
from detente.policy import Policy

__all__ = ["LONG_RUN", "Nest", "landed_costs", "relocate", "tariff_costs"]

LONG_RUN = float("inf")
"""The year in which every model has been renewed often enough."""

SUM_TOL = 1e-9
"""How far an owner's shares may be from one."""

LONGEST = 200
"""Years that can be followed one by one."""


@dataclass(frozen=True)
class Nest:
    """Owners and places in one market at the base.

    Parameters
    ----------
    market : the place that is the market itself
    owners, places : names, B and I of them
    cars_thousand : (B,) cars sold in the market a year, thousand
    sales_usd_bn : (B,) what they are worth at the factory or border, USD billion
    shares : (B, I) where they are made, rows sum to one

    Raises
    ------
    InputError
        Shapes that do not fit, sales or shares below zero, rows that do not sum to one, a market
        that is no place.
    """

    market: str
    owners: tuple[str, ...]
    places: tuple[str, ...]
    cars_thousand: Array
    sales_usd_bn: Array
    shares: Array

    def __post_init__(self) -> None:
        b, i = len(self.owners), len(self.places)
        for name, array, shape in (
            ("cars_thousand", self.cars_thousand, (b,)),
            ("sales_usd_bn", self.sales_usd_bn, (b,)),
            ("shares", self.shares, (b, i)),
        ):
            if np.shape(array) != shape:
                raise InputError(f"nest: {name} has shape {np.shape(array)}; it needs {shape}")
            if not (np.isfinite(array).all() and (np.asarray(array) >= 0).all()):
                raise InputError(f"nest: {name} holds a value below zero or none at all")
        if self.market not in self.places:
            raise InputError(f"nest: the market {self.market} is not among {self.places}")
        for owner, total in zip(self.owners, self.shares.sum(axis=1), strict=True):
            if abs(total - 1.0) > SUM_TOL:
                raise InputError(f"nest: shares of {owner} sum to {total:.6g}; they must sum to 1")

    @property
    def here(self) -> int:
        """Position of the market among the places."""
        return self.places.index(self.market)


def relocate(
    nest: Nest,
    cost: Array,
    *,
    place_elasticity: float,
    owner_elasticity: float,
    renewal: float,
    years: Sequence[float] = (1, 3, 5, 10, LONG_RUN),
) -> xr.Dataset:
    """Where each owner's cars would be made, and how many would have moved to the market.

    Parameters
    ----------
    nest : owners, places, sales and shares at the base
    cost : landed cost by place over the base: (I,) from the first year on, or (T, I) year by year,
        the last one staying
    place_elasticity : theta above, over zero: how sharply a renewed model goes where it is cheaper
    owner_elasticity : eta above, over one: how buyers move between models
    renewal : zeta above, share of an owner's models that choose their place anew in a year
    years : whole years after the change, and :data:`LONG_RUN`

    Returns
    -------
    xarray.Dataset
        dims year, owner, place. ``placed``: models by place, fraction; ``spent``: spending on the
        owner's cars by place, fraction; ``price``: of the owner's cars over the base;
        ``sales_usd_bn``: what the market spends on them; ``moved_share``, ``moved_usd_bn``,
        ``moved_cars_thousand``: models that have come to the market less those that have left, at
        the sales of the base; ``made_usd_bn``: cars made at each place for the market at prices of
        the base, gained and lost sales counted, as if every plant could make more at its cost.

    Raises
    ------
    InputError
        A parameter outside its range, costs that are not above zero, years that are no whole
        years.
    """
    costs = _checked(nest, cost, place_elasticity, owner_elasticity, renewal)
    wanted = [float(y) for y in years]
    for y in wanted:
        if not (y == LONG_RUN or (0 <= y <= LONGEST and y == int(y))):
            raise InputError(f"relocate: year {y}; whole years from 0 to {LONGEST}, or LONG_RUN")
    theta, eta = place_elasticity, owner_elasticity
    last = max([int(y) for y in wanted if y != LONG_RUN], default=0)
    kept: dict[float, tuple[Array, Array, Array]] = {}
    placed = weight = nest.shares
    k = np.ones(len(nest.places))
    kept[0.0] = placed, weight, k
    for t in range(1, last + 1):
        before, k = k, costs[min(t, len(costs)) - 1]
        chosen, level = _choice(nest.shares, k, theta)
        placed = (1 - renewal) * placed + renewal * chosen
        stay = weight * (k / before) ** (1 - eta)
        weight = (1 - renewal) * stay + renewal * chosen * level ** (1 - eta)
        kept[float(t)] = placed, weight, k
    chosen, level = _choice(nest.shares, costs[-1], theta)
    kept[LONG_RUN] = chosen, chosen * level ** (1 - eta), costs[-1]
    return _told(nest, wanted, [kept[y] for y in wanted], eta)


def _choice(shares: Array, k: Array, theta: float) -> tuple[Array, Array]:
    """(B, I) shares of renewed models by place, and (B, 1) the cost index Phi^(-1/theta)."""
    with np.errstate(divide="ignore"):
        logs = np.log(shares) - theta * np.log(k)
    top = logs.max(axis=1, keepdims=True)
    sums = np.exp(logs - top).sum(axis=1, keepdims=True)
    total = top + np.log(sums)
    return np.exp(logs - total), np.exp(-total / theta)


def _told(
    nest: Nest, years: list[float], states: list[tuple[Array, Array, Array]], eta: float
) -> xr.Dataset:
    placed = np.stack([s[0] for s in states])
    weight = np.stack([s[1] for s in states])
    k = np.stack([s[2] for s in states])
    total = weight.sum(axis=2)
    spent = weight / total[:, :, None]
    market = (nest.sales_usd_bn * total).sum(axis=1, keepdims=True) / nest.sales_usd_bn.sum()
    sales = nest.sales_usd_bn * total / market
    moved = placed[:, :, nest.here] - nest.shares[:, nest.here]
    made = sales[:, :, None] * spent / k[:, None, :]
    by_place, by_owner = ("year", "owner", "place"), ("year", "owner")
    return xr.Dataset(
        {
            "placed": (by_place, placed, {"unit": "fraction"}),
            "spent": (by_place, spent, {"unit": "fraction"}),
            "price": (by_owner, total ** (1 / (1 - eta)), {"unit": "ratio"}),
            "sales_usd_bn": (by_owner, sales, {"unit": "USD billion"}),
            "moved_share": (by_owner, moved, {"unit": "fraction"}),
            "moved_usd_bn": (by_owner, moved * nest.sales_usd_bn, {"unit": "USD billion"}),
            "moved_cars_thousand": (by_owner, moved * nest.cars_thousand, {"unit": "thousand"}),
            "made_usd_bn": (by_place, made, {"unit": "USD billion"}),
        },
        {"year": years, "owner": list(nest.owners), "place": list(nest.places)},
        {"market": nest.market},
    )  # fmt: skip


def _checked(nest: Nest, cost: Array, theta: float, eta: float, zeta: float) -> Array:
    """Costs as (T, I), once everything is inside its range."""
    if not 0 < theta < np.inf:
        raise InputError(f"relocate: place_elasticity is {theta}; it must be above zero and finite")
    if not 1 < eta < np.inf:
        raise InputError(f"relocate: owner_elasticity is {eta}; it must be above one and finite")
    if not 0 < zeta <= 1:
        raise InputError(f"relocate: renewal is {zeta}; above 0 and at most 1, 0.16 is 16% a year")
    costs = np.atleast_2d(np.asarray(cost, dtype=float))
    if costs.ndim != 2 or costs.shape[1] != len(nest.places) or not len(costs):
        raise InputError(f"relocate: cost has shape {np.shape(cost)}; it needs one a place, "
                         f"{len(nest.places)}, or a row of them a year")  # fmt: skip
    if not (np.isfinite(costs).all() and (costs > 0).all()):
        raise InputError("relocate: costs are ratios to the base, above zero and finite")
    return costs


# --- costs ----------------------------------------------------------------------------------------
def tariff_costs(before: Array, after: Array) -> Array:
    """Landed cost over the base from tariffs alone (fractions): wages and parts cost what they
    did."""
    return (1.0 + np.asarray(after, dtype=float)) / (1.0 + np.asarray(before, dtype=float))


def landed_costs(
    solved: Outcome | Path, market: str, places: Sequence[str], sector: str = "C29"
) -> Array:
    """Landed cost over the base from a solved world: unit cost at the place times duty.

    Parameters
    ----------
    solved : an outcome, or a path whose periods are years
    market, places : countries of its world; ``sector`` one of its sectors

    Returns
    -------
    (I,) for an outcome, (T, I) for a path

    Raises
    ------
    InputError
        A path whose periods are not years.
    """
    if isinstance(solved, Outcome):
        policies = [solved.policy]
        levels = solved.cost.sel(sector=sector, country=list(places)).values[None, :]
        baseline = solved.baseline
    else:
        if solved.march.months != 12:
            raise InputError(
                f"landed_costs: periods of {solved.march.months} months; solve the path with "
                'every="year"'
            )
        policies = [s.policy for s in solved.stages[: len(solved.solved)]]
        levels = solved.cost.sel(sector=sector, country=list(places)).values
        baseline = solved.march.baseline

    def duty(policy: Policy) -> Array:
        return policy.tariff.sel(sector=sector, importer=market, exporter=list(places)).values

    rates = np.stack([duty(p) for p in policies])
    costs = (1.0 + levels / 100.0) * tariff_costs(duty(baseline), rates)
    return costs[0] if isinstance(solved, Outcome) else costs

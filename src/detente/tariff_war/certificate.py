"""Regret: what a player could still gain, searched by other means than those that found it.

The search uses values only, no gradients: all levers at their bounds where they have any, random
feasible rates (one rate for all levers, free draws, small and large shifts of the answer, single
levers), then a derivative-free optimiser from the answer and from the best draw. It can refute an
answer and cannot prove one; a certificate says what was tried and the best deviation found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import optimize

from detente.errors import InputError
from detente.models.blocks import Array
from detente.outcome.equilibrium import Equilibrium
from detente.tariff_war.arena import LARGEST_LOG, Arena, Rates, limits
from detente.tariff_war.levers import Levers
from detente.tariff_war.objective import Government

__all__ = ["Attack", "Deviation", "attack", "attack_jointly", "usual_deviations"]

FEW = 12
"""Up to so many levers the derivative-free search moves each of them."""


@dataclass(frozen=True, eq=False)
class Deviation:
    """The best deviation found against an answer.

    Attributes
    ----------
    player : who deviates
    gain : what it gains over the answer, percent of its objective; negative when every
        deviation loses
    tariff : tariffs with the deviation, labelled, zero diagonal
    method : what found it
    tried : deviations evaluated
    failed : of these, solves that did not converge and count for nothing
    """

    player: str
    gain: float
    tariff: xr.DataArray
    method: str
    tried: int
    failed: int

    @property
    def regret(self) -> float:
        """The gain, or zero where nothing better was found; percent."""
        return max(0.0, self.gain)


@dataclass(frozen=True)
class Attack:
    """How hard to look: random deviations, evaluations of the derivative-free search, seed.

    Without random deviations nothing is searched: there is no attack.
    """

    deviations: int = 200
    search: int = 60
    seed: int = 0

    @property
    def on(self) -> bool:
        """Whether there is an attack at all."""
        return self.deviations > 0


def usual_deviations(
    arena: Arena, levers: int, deviations: int | None = None, seed: int = 0
) -> Attack:
    """200 random deviations a player, fewer where a solve is expensive, or as many as given; 0
    switches the derivative-free search off as well.

    Raises
    ------
    InputError
        A negative number.
    """
    if deviations is not None and deviations < 0:
        raise InputError(f"deviations: {deviations} is negative; 0 switches the attack off")
    J, N = arena.base.economy.alpha.shape
    work = J * N * N * levers
    usual = Attack(10, 6)
    if work < 8_000_000:
        usual = Attack() if work < 400_000 else Attack(60, 30)
    count = usual.deviations if deviations is None else deviations
    return Attack(count, usual.search if count else 0, seed)


def attack(
    arena: Arena,
    who: Government,
    levers: Levers,
    rates: Rates,
    e: Equilibrium,
    how: Attack,
) -> Deviation:
    """Look for a deviation of ``who`` that beats ``rates``, others held."""
    return attack_jointly(
        arena, who.country, lambda at: arena.value(who, at), [levers], rates, e, how
    )


def attack_jointly(
    arena: Arena,
    name: str,
    value_at: Callable[[Equilibrium], float],
    levers: Sequence[Levers],
    rates: Rates,
    e: Equilibrium,
    how: Attack,
) -> Deviation:
    """Look for a deviation in the levers of several players that raises one log value.

    Where ``how`` is no attack nothing is tried, and the gain is minus infinity.
    """
    rng = np.random.default_rng([how.seed, *(lv.player for lv in levers)])
    low, high = limits(levers)
    here = rates.read(levers)
    level = value_at(e)
    best: tuple[float, Array, str] = (-np.inf, here, "none")
    tried = failed = 0

    def gain(x: Array, method: str) -> float:
        nonlocal best, tried, failed
        x = np.clip(x, low, high)
        if np.abs(x - here).max() < 1e-9:  # the answer itself
            return 0.0
        tried += 1
        there = arena.solve(rates.with_levers(levers, x), e)
        if there is None:
            failed += 1
            return -np.inf
        value = 100.0 * np.expm1(value_at(there) - level)
        if value > best[0]:
            best = (float(value), x, method)
        return float(value)

    if how.on:
        lower, upper = ([v.low for v in levers], "lower"), ([v.high for v in levers], "upper")
        for bounds, side in (lower, upper):
            if np.isfinite(end := np.concatenate(bounds)).all():
                gain(end, f"every lever at its {side} bound")
    for x, method in _draws(rng, here, low, high, how.deviations):
        gain(x, method)
    if how.on and how.search > 0:
        starts = [(here, "derivative-free from the answer")]
        if best[0] > -np.inf and len(here) <= FEW:
            starts.append((best[1], "derivative-free from the best draw"))
        for x, method in starts:
            _search(gain, x, low, high, how.search // len(starts), rng, method)
    value, x, method = best
    return Deviation(name, value, arena.tariff(rates.with_levers(levers, x)), method, tried, failed)


def _draws(rng: np.random.Generator, here: Array, low: Array, high: Array, count: int):
    """Feasible lever vectors and how each was drawn."""
    top = np.minimum(high, np.maximum(np.log1p(3.0), here + 0.5))
    far = np.where(high < LARGEST_LOG, high, top)  # a bound is a rate somebody thought of
    bottom = np.maximum(low, np.minimum(np.log(0.5), here - 0.5))
    for k in range(count):
        kind = k % 5
        if kind == 0:  # one rate for everything
            yield np.full(here.shape, rng.uniform(bottom.min(), far.max())), "one rate for all"
        elif kind == 1:
            yield rng.uniform(bottom, top), "free draw"
        elif kind == 2:
            size = 10.0 ** rng.uniform(-4, -0.5)
            yield here + size * rng.normal(size=here.shape), "shift of every lever"
        elif kind == 3:
            x = here.copy()
            at = rng.integers(len(x))
            x[at] = rng.uniform(bottom[at], top[at])
            yield x, "one lever"
        else:
            size = 10.0 ** rng.uniform(-4, -0.5)
            yield here + size * rng.choice([-1.0, 1.0]), "common shift"


def _search(gain, x: Array, low: Array, high: Array, budget: int, rng, method: str) -> None:
    """A derivative-free optimiser, on every lever or on a few directions through them."""
    if budget < 3:
        return
    m = len(x)
    if m <= FEW:
        directions = np.eye(m)
    else:
        random = rng.normal(size=(3, m)) / np.sqrt(m)
        directions = np.vstack([np.ones(m), random])

    def minus(y: Array) -> float:
        value = gain(x + y @ directions, method)
        return -value if np.isfinite(value) else 1e3

    y = np.zeros(len(directions))
    if _has_cobyqa() and budget > 2 * len(y) + 1:
        optimize.minimize(
            minus, y, method="COBYQA",
            options={"maxfev": budget, "initial_tr_radius": 0.1, "final_tr_radius": 1e-6},
        )  # fmt: skip
        return
    simplex = np.vstack([y, 0.1 * np.eye(len(y))])
    optimize.minimize(
        minus, y, method="Nelder-Mead",
        options={"maxfev": budget, "initial_simplex": simplex, "xatol": 1e-7, "fatol": 1e-12},
    )  # fmt: skip


def _has_cobyqa() -> bool:
    import scipy

    major, minor = (int(part) for part in scipy.__version__.split(".")[:2])
    return (major, minor) >= (1, 14)

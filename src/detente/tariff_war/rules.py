"""Rules of retaliation: how one country's tariffs on another answer that other's tariffs.

All rates are what is added to the status quo, as fractions. A rule answers one aggressor; a
country that faces several answers each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import brentq

from detente.errors import InputError
from detente.models.blocks import Array
from detente.tariff_war.levers import Bounds, check_bounds, levers
from detente.tariff_war.objective import Government
from detente.tariff_war.reply import best_reply
from detente.world import World

if TYPE_CHECKING:
    from detente.tariff_war.arena import Arena, Rates

__all__ = [
    "Answer",
    "BestReply",
    "DutyEquivalent",
    "Ladder",
    "Mirror",
    "Rule",
    "Scene",
    "WelfareEquivalent",
    "named_rule",
]


@dataclass(frozen=True, eq=False)
class Scene:
    """Who answers whom, and within which limits.

    ``scope`` (J,) marks the sectors the answer may tax; ``volume`` (J, N, N) are flows at border
    prices before anything changed.
    """

    arena: Arena
    answerer: Government
    aggressor: Government
    scope: Array
    low: float
    high: float
    volume: Array
    bounds: Bounds = (0.0, 5.0)

    @property
    def j(self) -> int:
        """Position of who answers."""
        return self.answerer.position

    @property
    def i(self) -> int:
        """Position of who is answered."""
        return self.aggressor.position

    def taxable(self) -> Array:
        """(J,) sectors in scope in which the answerer buys from the aggressor."""
        return self.scope & (self.volume[:, self.j, self.i] > 0)

    def added(self, rates: Rates) -> Array:
        """(J,) what the aggressor added to its tariffs on the answerer."""
        return (rates.tariff - self.arena.rates.tariff)[:, self.i, self.j]

    def put(self, extra: Array) -> Answer:
        """The answer that adds ``extra`` (J,), cut to the bounds."""
        ahead = self.arena.rates.tariff[:, self.j, self.i]
        wanted = ahead + np.where(self.taxable(), extra, 0.0)
        cut = np.clip(wanted, min(self.low, ahead.min()), max(self.high, ahead.max()))
        return Answer(cut, bool((np.abs(cut - wanted) > 1e-12).any()))


class Answer(NamedTuple):
    """New tariffs (J,) of the answerer on the aggressor, whether a bound cut them, and a note
    where the rule had no answer."""

    tariff: Array
    capped: bool
    note: str = ""


@dataclass(frozen=True)
class Mirror:
    """Matching: in every sector ``kappa`` times what the aggressor added."""

    kappa: float = 1.0
    name: str = "mirror"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.kappa) and self.kappa >= 0):
            raise InputError(f"mirror: kappa is {self.kappa}; it must be at or above zero")

    def answer(self, scene: Scene, rates: Rates, rung: int = 0) -> Answer:
        """The answer to ``rates``."""
        return scene.put(self.kappa * scene.added(rates))

    def weights(self, scene: Scene) -> Array:
        """(J, J) derivative of the answer in what the aggressor added, by sector."""
        return self.kappa * np.diag(scene.taxable().astype(float))


@dataclass(frozen=True)
class DutyEquivalent:
    """One rate on all in scope that collects the same duties, at volumes before the change:
    ``sum_s t_js X_ji,s = share sum_s t_is X_ij,s`` (the idea of equivalent concessions)."""

    share: float = 1.0
    name: str = "duty-equivalent"

    def answer(self, scene: Scene, rates: Rates, rung: int = 0) -> Answer:
        """The answer to ``rates``."""
        return scene.put(self.weights(scene) @ scene.added(rates))

    def weights(self, scene: Scene) -> Array:
        """(J, J) derivative of the answer in what the aggressor added, by sector."""
        taxable = scene.taxable().astype(float)
        covered = float((taxable * scene.volume[:, scene.j, scene.i]).sum())
        if covered <= 0:
            return np.zeros((len(taxable), len(taxable)))
        hit = scene.volume[:, scene.i, scene.j]
        return self.share * taxable[:, None] * hit / covered


@dataclass(frozen=True)
class WelfareEquivalent:
    """The smallest rate on all in scope that leaves the aggressor no total gain over the status
    quo; none where no rate in bounds does."""

    name: str = "welfare-equivalent"

    def answer(self, scene: Scene, rates: Rates, rung: int = 0) -> Answer:
        """The answer to ``rates``."""
        found = least_rate(scene.arena, scene.aggressor, [scene], rates)
        if found.rate is None:
            kept = scene.arena.rates.tariff[:, scene.j, scene.i].copy()
            return Answer(kept, False, found.text)
        return scene.put(np.full(len(scene.scope), found.rate))


@dataclass(frozen=True)
class BestReply:
    """What is best for who answers: its optimal tariffs on the aggressor's goods."""

    by: str = "uniform"
    name: str = "best reply"

    def answer(self, scene: Scene, rates: Rates, rung: int = 0) -> Answer:
        """The answer to ``rates``."""
        arena, world = scene.arena, scene.arena.world
        sectors = [s for s, inside in zip(world.sectors, scene.scope, strict=True) if inside]
        lv = levers(
            world, scene.answerer.country, self.by, scene.bounds, sectors=sectors,
            partners=[scene.aggressor.country], tariff=arena.rates.tariff,
        )  # fmt: skip
        x = lv.read(rates.tariff, rates.tax)
        f = best_reply(arena, scene.answerer, lv, x, others=rates, tol=1e-8)
        if f.at is None:
            kept = arena.rates.tariff[:, scene.j, scene.i].copy()
            return Answer(kept, False, "the best reply could not be solved")
        capped = bool((np.abs(f.x - lv.high) < 1e-9).any())
        return Answer(f.rates.tariff[:, scene.j, scene.i].copy(), capped)


@dataclass(frozen=True)
class Ladder:
    """Fixed steps: each time the aggressor goes up, the next rate on all in scope."""

    rates: tuple[float, ...]
    name: str = "ladder"

    def __post_init__(self) -> None:
        given = tuple(float(r) for r in self.rates)
        if not given or not all(np.isfinite(r) and r > -1 for r in given):
            raise InputError(f"ladder: {self.rates} needs at least one rate, fractions above -1")
        object.__setattr__(self, "rates", given)

    def answer(self, scene: Scene, rates: Rates, rung: int = 1) -> Answer:
        """The answer on step ``rung``, counted from one; zero is no answer."""
        if rung <= 0:
            return scene.put(np.zeros(len(scene.scope)))
        rate = self.rates[min(rung, len(self.rates)) - 1]
        return scene.put(np.full(len(scene.scope), rate))


Rule = Mirror | DutyEquivalent | WelfareEquivalent | BestReply | Ladder

_NAMED = {
    "mirror": Mirror,
    "matching": Mirror,
    "duty-equivalent": DutyEquivalent,
    "welfare-equivalent": WelfareEquivalent,
    "best reply": BestReply,
    "best response": BestReply,
}


def named_rule(rule: Rule | str) -> Rule:
    """A rule by name, or the rule itself.

    Raises
    ------
    InputError
        A name nobody knows.
    """
    if isinstance(rule, str):
        key = rule.replace("best-", "best ")
        if key not in _NAMED:
            raise InputError(
                f"rule: {rule!r} is not known; the rules are {', '.join(_NAMED)}, or Ladder(rates)"
            )
        return _NAMED[key]()
    if not isinstance(rule, (Mirror, DutyEquivalent, WelfareEquivalent, BestReply, Ladder)):
        raise InputError(f"rule: {rule!r} is not a rule; give a name or e.g. Mirror(kappa=0.5)")
    return rule


@dataclass(frozen=True)
class Least:
    """The least answer found; ``rate`` None where none removes the gain. Gains in percent."""

    rate: float | None
    gain_unanswered: float
    gain: float
    strongest: float
    text: str


def least_rate(
    arena: Arena, aggressor: Government, scenes: list[Scene], rates: Rates, tol: float = 1e-10
) -> Least:
    """The smallest common rate, added on all in scope by everybody who answers, at which the
    aggressor's objective is back at the status quo.

    Scanned from below, since the gain need not fall everywhere; then refined by bisection.
    """
    level = arena.value(aggressor, arena.status_quo.after)
    failed = 0

    def gain(rate: float) -> float:
        nonlocal failed
        tariff = rates.tariff.copy()
        for s in scenes:
            tariff[:, s.j, s.i] = s.put(np.full(len(s.scope), rate)).tariff
        e = arena.solve(type(rates)(tariff, rates.tax))
        if e is None:
            failed += 1
            return np.nan
        return arena.value(aggressor, e) - level

    def percent(x: float) -> float:
        return 100.0 * float(np.expm1(x))

    first = gain(0.0)
    if np.isnan(first):
        return Least(None, np.nan, np.nan, np.nan, "the action itself could not be solved")
    if first <= 0:
        return Least(0.0, percent(first), percent(first), percent(first),
                     "the action does not pay even unanswered")  # fmt: skip
    top = min(max(s.high for s in scenes), 50.0)
    grid = np.minimum(np.r_[0.005 * 2.0 ** np.arange(0, 14), top], top)
    lowest, before = first, 0.0
    for rate in np.unique(grid):
        here = gain(float(rate))
        if np.isnan(here):
            continue
        lowest = min(lowest, here)
        if here <= 0:
            root = float(brentq(gain, before, float(rate), xtol=tol, rtol=1e-12))  # pyright: ignore[reportArgumentType]
            return Least(root, percent(first), percent(gain(root)), percent(lowest), "found")
        before = float(rate)
    text = (
        f"cannot be deterred within bounds: at the strongest answer tried the aggressor still "
        f"gains {percent(lowest):.4g}% (unanswered {percent(first):.4g}%)"
    )
    if failed:
        text += f"; {failed} answers could not be solved"
    return Least(None, percent(first), percent(lowest), percent(lowest), text)


def scenes_of(
    arena: Arena,
    aggressor: Government,
    answerers: list[Government],
    scope: Array,
    bounds: Bounds,
    world: World,
) -> list[Scene]:
    """One scene for each country that answers."""
    low, high = check_bounds(bounds)
    volume = arena.status_quo.after.flows
    return [Scene(arena, a, aggressor, scope, low, high, volume, bounds) for a in answerers]

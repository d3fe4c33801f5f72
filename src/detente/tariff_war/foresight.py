"""Optimal tariffs of a government that foresees the answer by rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import minimize

from detente.errors import InputError
from detente.models.blocks import Array
from detente.outcome.equilibrium import Equilibrium
from detente.tariff_war.arena import Arena, Rates, limits, player_names
from detente.tariff_war.certificate import FEW, Attack
from detente.tariff_war.curvature import uphill
from detente.tariff_war.levers import Bounds, Levers
from detente.tariff_war.objective import Government, government
from detente.tariff_war.optimal import OptimalTariff, find
from detente.tariff_war.reply import NO_MAXIMUM
from detente.tariff_war.rules import DutyEquivalent, Mirror, Rule, Scene, named_rule, scenes_of
from detente.tariff_war.stationary import NOISE, Found, climb, stationary

__all__ = ["optimal_with_foresight"]


class _Foresight(Arena):
    """An arena in which whoever the leader taxes answers at once."""

    leader: int
    scenes: list[tuple[Scene, Rule]]

    @classmethod
    def of(cls, arena: Arena, leader: int, scenes: list[tuple[Scene, Rule]]) -> _Foresight:
        new = cls.__new__(cls)
        new.__dict__.update(arena.__dict__)
        new.leader, new.scenes = leader, scenes
        return new

    def answered(self, rates: Rates) -> Rates:
        """The rates with everybody's answer to the leader in place."""
        tariff = rates.tariff.copy()
        for s, rule in self.scenes:
            tariff[:, s.j, s.i] = rule.answer(s, Rates(tariff, rates.tax), 1).tariff
        return Rates(tariff, rates.tax)

    def solve(self, rates: Rates, start: Equilibrium | None = None) -> Equilibrium | None:
        """The equilibrium once the others have answered."""
        return super().solve(self.answered(rates), start)


def optimal_with_foresight(
    arena: Arena,
    who: Government,
    lv: Levers,
    retaliation: Any,
    *,
    bounds: Bounds,
    tol: float,
    tariff_tol: float,
    starts: Any,
    how: Attack,
) -> OptimalTariff:
    """See :func:`detente.tariff_war.optimal.optimal_tariff`.

    Rules that are linear in the tariff (mirror, duty-equivalent) are differentiated; the others
    are searched without derivatives, which few levers allow.

    Raises
    ------
    InputError
        The leader among those who answer; a rule without derivative and too many levers.
    """
    world = arena.world
    if not isinstance(retaliation, Mapping):
        partners = {world.countries[int(i)] for i in np.unique(lv.partner)}
        retaliation = {c: retaliation for c in world.countries if c in partners}
    if who.country in player_names(world, list(retaliation)):
        raise InputError(f"retaliation: {who.country} would answer itself; name other countries")
    scope = np.ones(len(world.sectors), dtype=bool)
    scenes: list[tuple[Scene, Rule]] = []
    for name, rule in retaliation.items():
        for country in player_names(world, name):
            [s] = scenes_of(arena, who, [government(world, country)], scope, bounds, world)
            scenes.append((s, named_rule(rule)))
    ahead = _Foresight.of(arena, who.position, scenes)
    linear = all(isinstance(r, (Mirror, DutyEquivalent)) for _, r in scenes)
    if not linear and lv.count > FEW:
        raise InputError(
            f"retaliation: a rule without derivative needs at most {FEW} levers, here are "
            f"{lv.count}; use by='uniform' or fewer sectors= or partners="
        )

    def reply(some: Levers, x: Array, at: Equilibrium | None, ascend: bool) -> Found:
        if linear:
            f = _by_gradient(ahead, who, some, x, tariff_tol, ascend)
        else:
            f = _by_values(ahead, who, some, x)
        return replace(f, rates=ahead.answered(f.rates))

    return find(
        ahead, who, lv, reply, starts, how, tol,
        retaliation={s.answerer.country: r.name for s, r in scenes}, bounds=bounds,
    )  # fmt: skip


def _by_gradient(
    ahead: _Foresight, who: Government, lv: Levers, x: Array, tol: float, ascend: bool
) -> Found:
    def slope(e: Equilibrium) -> tuple[Array, Array]:
        s = ahead.slopes([who], e)
        n = who.position
        own = s.tariff(0, n)
        direct = who.own_tariff_term(e.policy.tariff[:, n])
        if direct is not None:
            own = own + direct
        for scene, rule in ahead.scenes:
            assert isinstance(rule, (Mirror, DutyEquivalent))
            now = e.policy.tariff[:, scene.j, scene.i]
            wanted = rule.answer(scene, Rates(e.policy.tariff, None), 1)
            # the answer's slope in log(1 + t), per unit of the leader's tariff
            per_unit = s.tariff(0, scene.j)[:, scene.i] / (1.0 + now)
            if wanted.capped:
                inside = (now > scene.low + 1e-12) & (now < scene.high - 1e-12)
                per_unit = np.where(inside, per_unit, 0.0)
            pulled = per_unit @ rule.weights(scene)
            own[:, scene.j] += pulled * (1.0 + e.policy.tariff[:, n, scene.j])
        # what is sold where the answer falls bends the objective too
        answered = np.zeros_like(own)
        theta = e.economy.theta
        for scene, rule in ahead.scenes:
            assert isinstance(rule, (Mirror, DutyEquivalent))
            sold = e.bought_by(scene.j)[0][:, n]
            answered[:, scene.j] = (theta * sold / e.point.income[n]) @ rule.weights(scene)
        size = lv.size(e) + lv.collect(answered, np.zeros_like(own) if lv.tax.any() else None)
        return lv.collect(own, s.export_tax(0, n) if lv.tax.any() else None), size

    def value(e: Equilibrium) -> float:
        return ahead.value(who, e)

    def end_of(z: Array, ascend: bool) -> Found:
        f = Found(z, ahead.rates, None, np.inf, 0, "failed")
        if not ascend:
            f = stationary(ahead, [lv], slope, z, tol=tol, max_steps=80)
        up = climb(ahead, [lv], value, slope, f.x if f.converged else z, max_steps=400)
        if up.at is None:
            return f
        if f.at is not None and f.converged and value(f.at) >= value(up.at) - NOISE:
            return f
        again = stationary(ahead, [lv], slope, up.x, start=up.at, tol=tol, max_steps=80)
        if again.at is not None and again.converged and value(again.at) >= value(up.at) - NOISE:
            return again
        if up.error <= 1e-6:
            return replace(up, status="converged")
        # an answer cut by a bound makes a kink, where gradients stall
        return _by_values(ahead, who, lv, up.x) if lv.count <= FEW else up

    f = end_of(x, ascend)
    higher = uphill(ahead, [lv], value, slope, f) if f.converged else None
    if higher is not None:
        f = end_of(higher.x, ascend=True)
        if f.converged and uphill(ahead, [lv], value, slope, f) is not None:
            return replace(f, status=NO_MAXIMUM)
    return f


def _by_values(ahead: _Foresight, who: Government, lv: Levers, x: Array) -> Found:
    low, high = limits([lv])
    best: list[Any] = []
    count = 0

    def minus(y: Array) -> float:
        nonlocal count
        count += 1
        z = np.clip(y, low, high)
        rates = ahead.rates.with_levers([lv], z)
        e = ahead.solve(rates)
        if e is None:
            return 1e3
        value = ahead.value(who, e)
        if not best or value > best[0]:
            best[:] = [value, z, rates, e]
        return -value

    simplex = np.vstack([x, x + 0.1 * np.eye(len(x)) * np.where(x + 0.1 > high, -1.0, 1.0)])
    found = minimize(
        minus, x, method="Nelder-Mead",
        options={"initial_simplex": simplex, "xatol": 1e-7, "fatol": 1e-13,
                 "maxfev": 80 * len(x)},
    )  # fmt: skip
    if not best:
        return Found(x, ahead.rates, None, np.inf, count, "failed")
    _, z, rates, e = best
    size = float(np.ptp(found.final_simplex[0], axis=0).max())
    f = Found(z, rates, e, size, count, "converged" if found.success else "max_steps")
    higher = uphill(ahead, [lv], lambda at: ahead.value(who, at), None, f)
    return f if higher is None else replace(f, status=NO_MAXIMUM)

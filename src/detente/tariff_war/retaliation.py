"""Retaliation: answers by rule, the least answer that removes a gain, and which rule fits.

    action = dt.Policy(world, tariff=...)                       # what the aggressor does
    answer = retaliate(world, "USA", "CHN", action=action, rule="duty-equivalent")
    answer.rates, answer.deterred

Rates are what is added to the status quo, as fractions; gains are percent of the objective
(exact real income unless weights say otherwise) over the status quo.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from detente.errors import ConvergenceError, InputError
from detente.keywords import known_keywords
from detente.models.blocks import Array
from detente.models.registry import DEFAULT, parameter_hint
from detente.outcome import Outcome
from detente.outcome.simulate import AnyModel
from detente.policy import Policy
from detente.solve.threads import one_thread
from detente.tariff_war.arena import Arena, Rates, player_names
from detente.tariff_war.levers import Bounds
from detente.tariff_war.objective import Government, governments
from detente.tariff_war.rules import (
    BestReply,
    DutyEquivalent,
    Ladder,
    Mirror,
    Rule,
    Scene,
    WelfareEquivalent,
    least_rate,
    named_rule,
    scenes_of,
)
from detente.world import World

__all__ = [
    "BestReply",
    "DutyEquivalent",
    "Ladder",
    "Mirror",
    "Retaliation",
    "WelfareEquivalent",
    "explain_rate",
    "least_answer",
    "retaliate",
]


@dataclass(frozen=True, eq=False, repr=False)
class Retaliation:
    """An action and its answer.

    Attributes
    ----------
    aggressor, retaliators, rule : who, and by which rule
    tariff : tariffs after the answer; fraction; sector, importer, exporter; zero diagonal
    rates : mean rate each retaliator added on what it may tax, base trade weights; fraction
    gains_unanswered, gains : of the aggressor and the retaliators over the status quo, percent
    deterred : whether the aggressor gains nothing over the status quo (to 1e-7 percent)
    status : "answered", "no response", "capped" (a bound cut the answer), or
        "cannot be deterred within bounds"
    note : what the rule had to say where it found no answer
    """

    aggressor: str
    retaliators: tuple[str, ...]
    rule: str
    tariff: xr.DataArray
    rates: xr.DataArray
    gains_unanswered: xr.DataArray
    gains: xr.DataArray
    deterred: bool
    status: str
    note: str
    statement: tuple[str, ...]
    outcome: Outcome
    policy: Policy
    provenance: Mapping[str, Any] = field(repr=False)

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{c} {100 * float(r):.1f}%"
            for c, r in zip(self.retaliators, self.rates.values, strict=True)
        )
        return f"<Retaliation ({self.rule}) against {self.aggressor}: {shown}; {self.status}>"


@known_keywords(parameter_hint)
@one_thread
def retaliate(
    world: World,
    aggressor: str,
    retaliators: str | Iterable[str],
    *,
    action: Any,
    rule: Rule | str = "mirror",
    sectors: str | Iterable[str] | None = None,
    bounds: Bounds = (0.0, 5.0),
    weights: Mapping[str, Any] | None = None,
    security: Mapping[str, Mapping[str, float]] | None = None,
    policy: Policy | None = None,
    baseline: Policy | None = None,
    model: AnyModel = DEFAULT,
    deficit: str = "fixed",
) -> Retaliation:
    """Answer an action by a rule, all retaliators at once.

    Parameters
    ----------
    action : what the aggressor levies: a policy, a labelled tariff array, or one rate added on
        everything it buys from the retaliators
    rule : "mirror", "duty-equivalent", "welfare-equivalent", "best reply", or a rule object
        such as ``Mirror(kappa=0.5)`` or ``Ladder((0.34, 0.84, 1.25))`` (its first step)
    sectors : what the retaliators may tax (None: all they buy from the aggressor)
    policy : the status quo (None: the tariffs of the world table)

    Welfare-equivalent answers of several retaliators share one rate; best replies are found
    in turn, each given those before it.

    Raises
    ------
    InputError
        The aggressor among the retaliators, an action that changes nothing of the aggressor's,
        and the like.
    ConvergenceError
        The action or its answer could not be solved.
    """
    game = _Setting.of(
        world, aggressor, retaliators, action, sectors, bounds, weights, security, policy,
        baseline, model, deficit,
    )  # fmt: skip
    rule = named_rule(rule)
    rates, capped, notes = _answered(game, rule)
    return _report(game, rule.name, rates, capped, notes)


@known_keywords(parameter_hint)
@one_thread
def least_answer(
    world: World,
    aggressor: str,
    retaliators: str | Iterable[str],
    *,
    action: Any,
    sectors: str | Iterable[str] | None = None,
    bounds: Bounds = (0.0, 5.0),
    weights: Mapping[str, Any] | None = None,
    security: Mapping[str, Mapping[str, float]] | None = None,
    policy: Policy | None = None,
    baseline: Policy | None = None,
    model: AnyModel = DEFAULT,
    deficit: str = "fixed",
) -> Retaliation:
    """The smallest common rate that removes the aggressor's gain; arguments as in
    :func:`retaliate`. ``status`` says when there is none within the bounds."""
    return retaliate(
        world, aggressor, retaliators, action=action, rule=WelfareEquivalent(), sectors=sectors,
        bounds=bounds, weights=weights, security=security, policy=policy, baseline=baseline,
        model=model, deficit=deficit,
    )  # fmt: skip


@known_keywords(parameter_hint)
@one_thread
def explain_rate(
    world: World,
    aggressor: str,
    retaliator: str,
    *,
    action: Any,
    observed: tuple[float, float] = (0.10, 0.15),
    rules: Sequence[Rule | str] = ("mirror", "duty-equivalent", "welfare-equivalent", "best reply"),
    sectors: str | Iterable[str] | None = None,
    bounds: Bounds = (0.0, 5.0),
    weights: Mapping[str, Any] | None = None,
    security: Mapping[str, Mapping[str, float]] | None = None,
    policy: Policy | None = None,
    baseline: Policy | None = None,
    model: AnyModel = DEFAULT,
    deficit: str = "fixed",
) -> pd.DataFrame:
    """Which rule explains an observed answer: the rate each rule implies beside the range.

    Returns
    -------
    pandas.DataFrame
        One row a rule, nearest first: ``rule``, ``rate`` (mean rate added on ``sectors``, NaN
        where the rule has no answer), ``inside`` (within the range), ``distance`` (from it, in
        rates), ``aggressor_gain_pct``, ``retaliator_gain_pct`` (over the status quo),
        ``status``, ``note``. ``attrs["covered_share"]`` is the part of the aggressor's
        exports to the retaliator that the sectors cover.

    Raises
    ------
    InputError
        A range out of order, and what :func:`retaliate` raises.
    """
    low, high = (float(x) for x in observed)
    if not low <= high:
        raise InputError(f"observed: ({low:g}, {high:g}) is out of order; give (lowest, highest)")
    game = _Setting.of(
        world, aggressor, retaliator, action, sectors, bounds, weights, security, policy,
        baseline, model, deficit,
    )  # fmt: skip
    rows: list[dict[str, Any]] = []
    for each in rules:
        rule = named_rule(each)
        rates, capped, notes = _answered(game, rule)
        found = _report(game, rule.name, rates, capped, notes)
        answered = not found.note
        rate = float(found.rates[0]) if answered else np.nan
        rows.append(
            {
                "rule": rule.name,
                "rate": rate,
                "inside": bool(low - 1e-9 <= rate <= high + 1e-9),
                "distance": max(low - rate, rate - high, 0.0) if answered else np.nan,
                "aggressor_gain_pct": float(found.gains[0]),
                "retaliator_gain_pct": float(found.gains[1]),
                "status": found.status,
                "note": found.note,
            }
        )
    frame = pd.DataFrame(rows).sort_values("distance", kind="stable", ignore_index=True)
    scene = game.scenes[0]
    sold = scene.volume[:, scene.j, scene.i]
    frame.attrs = {
        "observed": (low, high),
        "covered_share": float(sold[scene.scope].sum() / sold.sum()) if sold.sum() else np.nan,
    }
    return frame


# --- shared -------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class _Setting:
    arena: Arena
    aggressor: Government
    answerers: list[Government]
    scenes: list[Scene]
    action: Rates

    @classmethod
    def of(
        cls, world: World, aggressor: str, retaliators: Any, action: Any, sectors: Any,
        bounds: Bounds, weights: Any, security: Any, policy: Policy | None,
        baseline: Policy | None, model: AnyModel, deficit: str,
    ) -> _Setting:  # fmt: skip
        [first], others = player_names(world, [aggressor]), player_names(world, retaliators)
        if first in others:
            raise InputError(
                f"retaliators: {first} is the aggressor; a country cannot answer itself, leave it "
                "out"
            )
        arena = Arena(world, policy, baseline, deficit, model=model)
        who = governments(world, [first, *others], weights, security)
        chosen = world.sectors if sectors is None else world.sector_list(sectors, "sectors")
        scope = np.array([s in chosen for s in world.sectors])
        scenes = scenes_of(arena, who[0], who[1:], scope, bounds, world)
        return cls(arena, who[0], who[1:], scenes, action_rates(arena, who[0], who[1:], action))


def action_rates(
    arena: Arena, aggressor: Government, answerers: list[Government], action: Any
) -> Rates:
    """Everybody's rates once the aggressor has acted.

    Raises
    ------
    InputError
        An action that changes no tariff of the aggressor.
    """
    tariff = arena.rates.tariff.copy()
    n = aggressor.position
    if isinstance(action, (int, float)):
        for g in answerers:
            tariff[:, n, g.position] += float(action)
        if not (tariff > -1).all():
            raise InputError(f"action: {action:g} brings a tariff to -100% or below")
    else:
        given = action if isinstance(action, Policy) else Policy(arena.world, tariff=action)
        given.refuse_quotas("games")
        tariff[:, n, :] = given.tariff.values[:, n, :]
    if np.array_equal(tariff, arena.rates.tariff):
        raise InputError(
            f"action: it changes no tariff of {aggressor.country}, so there is nothing to answer"
        )
    return Rates(tariff, arena.rates.tax)


def _answered(game: _Setting, rule: Rule) -> tuple[Rates, bool, list[str]]:
    """All answers to the action put in place."""
    tariff = game.action.tariff.copy()
    if isinstance(rule, WelfareEquivalent):
        found = least_rate(game.arena, game.aggressor, game.scenes, game.action)
        if found.rate is None:
            return game.action, False, [found.text]
        for s in game.scenes:
            tariff[:, s.j, s.i] = s.put(np.full(len(s.scope), found.rate)).tariff
        return Rates(tariff, game.action.tax), False, []
    capped, notes = False, []
    for s in game.scenes:
        answer = rule.answer(s, Rates(tariff, game.action.tax), 1)
        tariff[:, s.j, s.i] = answer.tariff
        capped |= answer.capped
        if answer.note:
            notes.append(answer.note)
    return Rates(tariff, game.action.tax), capped, notes


def added_rates(arena: Arena, scenes: Sequence[Scene], tariff: Array) -> Array:
    """Mean rate that each answerer added on what it may tax, base trade weights."""
    out: list[float] = []
    for s in scenes:
        weight = np.where(s.taxable(), s.volume[:, s.j, s.i], 0.0)
        extra = (tariff - arena.rates.tariff)[:, s.j, s.i]
        out.append(float(weight @ extra / weight.sum()) if weight.sum() > 0 else 0.0)
    return np.array(out)


def _report(game: _Setting, rule: str, rates: Rates, capped: bool, notes: list[str]) -> Retaliation:
    arena = game.arena
    who = [game.aggressor, *game.answerers]
    before = arena.solve(game.action)
    after = arena.solve(rates, before)
    if before is None or after is None:
        raise ConvergenceError(
            f"retaliation ({rule}): {'the action' if before is None else 'the answer'} could not "
            "be solved; try smaller rates or another deficit closure"
        )
    names = [g.country for g in who]
    ahead = arena.values(who, arena.status_quo.after)

    def label(values: Array, labels: list[str], unit: str) -> xr.DataArray:
        return xr.DataArray(values, {"country": labels}, ("country",), attrs={"unit": unit})

    gains = 100.0 * np.expm1(arena.values(who, after) - ahead)
    added = added_rates(arena, game.scenes, rates.tariff)
    if notes and rule == WelfareEquivalent.name:
        status = "cannot be deterred within bounds"
    elif not np.abs(added).max() > 0:
        status = "no response"
    else:
        status = "capped" if capped else "answered"
    out = arena.outcome(rates, after, f"{rule} answer to {game.aggressor.country}")
    return Retaliation(
        aggressor=names[0],
        retaliators=tuple(names[1:]),
        rule=rule,
        tariff=arena.tariff(rates),
        rates=label(added, names[1:], "fraction"),
        gains_unanswered=label(
            100.0 * np.expm1(arena.values(who, before) - ahead), names, "percent"
        ),
        gains=label(gains, names, "percent"),
        deterred=bool(gains[0] <= 1e-7),
        status=status,
        note="; ".join(notes),
        statement=tuple(g.statement for g in who),
        outcome=out,
        policy=out.policy,
        provenance=arena.provenance(rule=rule, aggressor=names[0], retaliators=names[1:]),
    )

"""Escalation: rules answering rules until a fixed point, a cap or a cycle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from detente.errors import InputError
from detente.keywords import known_keywords
from detente.models.registry import DEFAULT, parameter_hint
from detente.outcome import Outcome
from detente.outcome.simulate import AnyModel
from detente.policy import Policy
from detente.solve.threads import one_thread
from detente.tariff_war.arena import Arena, Rates, player_names
from detente.tariff_war.levers import Bounds
from detente.tariff_war.objective import governments
from detente.tariff_war.retaliation import action_rates
from detente.tariff_war.rules import Ladder, Rule, Scene, named_rule, scenes_of
from detente.world import World

__all__ = ["Escalation", "escalate"]

MOVES = ("in turn", "together")
OPENINGS = ("kept", "answered")


@dataclass(frozen=True, eq=False, repr=False)
class Escalation:
    """How a tariff conflict unfolds when everybody follows a rule.

    Attributes
    ----------
    players : who
    status : "fixed point" (nobody moves any more), "cap" (nobody moves, and a bound holds
        somebody back), "cycle" (the same tariffs come round again), or "max_rounds"
    period : length of the cycle in rounds, 0 otherwise
    rounds : rounds played
    path : a row per round, country and opponent: ``round``, ``country``, ``against``, ``rate``
        (mean rate added, base trade weights), ``gain_pct`` of the country over the status quo
        (NaN where the round could not be solved)
    tariff : tariffs at the end; fraction; zero diagonal
    outcome : the equilibrium at the end, None where it could not be solved
    notes : rules that had no answer, solves that failed
    """

    players: tuple[str, ...]
    rules: Mapping[str, str]
    moves: str
    status: str
    period: int
    rounds: int
    path: pd.DataFrame
    tariff: xr.DataArray
    outcome: Outcome | None
    notes: tuple[str, ...]
    statement: tuple[str, ...]
    provenance: Mapping[str, Any] = field(repr=False)

    def __repr__(self) -> str:
        end = f"{self.status} of period {self.period}" if self.period else self.status
        return f"<Escalation of {', '.join(self.players)}: {end} after {self.rounds} rounds>"


@known_keywords(parameter_hint)
@one_thread
def escalate(
    world: World,
    players: str | Iterable[str],
    *,
    action: Any,
    first: str | None = None,
    rules: Rule | str | Mapping[str, Rule | str | None] = "mirror",
    moves: str = "in turn",
    opening: str = "kept",
    sectors: str | Iterable[str] | None = None,
    bounds: Bounds = (0.0, 5.0),
    max_rounds: int = 40,
    digits: int = 6,
    payoffs: bool = True,
    weights: Mapping[str, Any] | None = None,
    security: Mapping[str, Mapping[str, float]] | None = None,
    policy: Policy | None = None,
    baseline: Policy | None = None,
    model: AnyModel = DEFAULT,
    deficit: str = "fixed",
) -> Escalation:
    """Let every player answer every other by its rule, round after round.

    Parameters
    ----------
    first : who acts first (None: the first player)
    action : what it does, as in :func:`retaliate`
    rules : one rule, or a mapping from player; a player without rule never answers
    moves : "in turn" (each sees the answers before its own; the first mover moves last in a
        round) or "together"
    opening : "kept": the first mover never goes below what it did first; "answered": it follows
        its rule from the first round like everybody else, so that it may take its action back
    sectors : what answers may tax
    digits : tariffs that agree to so many digits count as the same
    payoffs : solve each round for everybody's gain

    Raises
    ------
    InputError
        Fewer than two players, unknown rules or moves, and what :func:`retaliate` raises.
    """
    names = player_names(world, players, least=2)
    _known_order(moves, opening, max_rounds)
    starter = names[0] if first is None else player_names(world, [first])[0]
    if starter not in names:
        raise InputError(f"first: {starter} is not one of the players {', '.join(names)}")
    by_rule = _rules_of(names, rules)
    arena = Arena(world, policy, baseline, deficit, model=model)
    who = governments(world, names, weights, security)
    chosen = world.sectors if sectors is None else world.sector_list(sectors, "sectors")
    scope = np.array([s in chosen for s in world.sectors])
    scenes = {
        (s.answerer.country, g.country): s
        for g in who
        for s in scenes_of(arena, g, [o for o in who if o is not g], scope, bounds, world)
    }
    order = [n for n in names if n != starter] + [starter]
    leader = next(g for g in who if g.country == starter)
    rates = action_rates(arena, leader, [g for g in who if g is not leader], action)
    opened = rates.tariff[:, leader.position].copy()

    steps = dict.fromkeys(scenes, 0)  # rungs of ladders
    seen = dict.fromkeys(scenes, 0.0)  # what the opponent's mean rate was at the last answer
    notes: list[str] = []
    rows: list[dict[str, Any]] = []
    visited: dict[bytes, int] = {}
    status, period, rounds, last = "max_rounds", 0, 0, None
    _record(rows, 0, arena, scenes, who, rates, payoffs, notes)
    visited[_key(rates, scenes, steps, digits)] = 0
    for rounds in range(1, max_rounds + 1):
        at_start = rates
        capped = False
        for n in order:
            rule = by_rule[n]
            if rule is None:
                continue
            frame = at_start if moves == "together" else rates
            tariff = rates.tariff.copy()
            for pair, s in scenes.items():
                if pair[0] != n:
                    continue
                if isinstance(rule, Ladder):
                    level = _mean(s, s.added(frame))
                    if level > seen[pair] + 10.0**-digits:
                        steps[pair] = min(steps[pair] + 1, len(rule.rates))
                    seen[pair] = level
                answer = rule.answer(s, frame, steps[pair])
                new = answer.tariff
                if n == starter and opening == "kept":
                    new = np.maximum(new, opened[:, s.i])
                tariff[:, s.j, s.i] = new
                capped |= answer.capped
                if answer.note:
                    notes.append(f"round {rounds}, {n} against {pair[1]}: {answer.note}")
            rates = Rates(tariff, rates.tax)
        _record(rows, rounds, arena, scenes, who, rates, payoffs, notes)
        key = _key(rates, scenes, steps, digits)
        if key == _key(at_start, scenes, steps, digits) and key == last:
            status = "cap" if capped else "fixed point"
            break
        if key in visited and rounds - visited[key] > 1:
            status, period = "cycle", rounds - visited[key]
            break
        visited[key] = rounds
        last = key
    end = arena.solve(rates)
    if end is None:
        notes.append("the last round could not be solved")
    return Escalation(
        tuple(names),
        {n: "none" if r is None else r.name for n, r in by_rule.items()},
        moves, status, period, rounds,
        pd.DataFrame(rows),
        arena.tariff(rates),
        None if end is None else arena.outcome(rates, end, "escalation"),
        tuple(notes),
        tuple(g.statement for g in who),
        arena.provenance(players=names, moves=moves, status=status, period=period),
    )  # fmt: skip


def _known_order(moves: str, opening: str, max_rounds: int) -> None:
    if max_rounds < 1:
        raise InputError(f"max_rounds: {max_rounds}; at least one round is needed")
    if moves not in MOVES:
        raise InputError(f"moves: {moves!r} is not known; choose one of {', '.join(MOVES)}")
    if opening not in OPENINGS:
        raise InputError(f"opening: {opening!r} is not known; choose {' or '.join(OPENINGS)}")


def _rules_of(
    names: list[str], rules: Rule | str | Mapping[str, Rule | str | None]
) -> dict[str, Rule | None]:
    """The rule of each player; None where it never answers."""
    given = rules if isinstance(rules, Mapping) else dict.fromkeys(names, rules)
    odd = [str(k) for k in given if k not in names]
    if odd:
        raise InputError(f"rules: {odd[0]!r} is not one of the players {', '.join(names)}")
    found: dict[str, Rule | None] = {}
    for n in names:
        one = given.get(n)
        found[n] = None if one is None else named_rule(one)
    return found


def _mean(s: Scene, added: Any) -> float:
    weight = s.volume[:, s.i, s.j]
    return float(weight @ added / weight.sum()) if weight.sum() > 0 else 0.0


def _key(
    rates: Rates, scenes: Mapping[tuple[str, str], Scene], steps: Mapping[Any, int], digits: int
) -> bytes:
    """Rounded tariffs between the players and the rungs, as a key of a dictionary."""
    parts = [np.round(rates.tariff[:, s.j, s.i], digits) + 0.0 for s in scenes.values()]
    return np.concatenate([*parts, list(steps.values())]).tobytes()


def _record(
    rows: list[dict[str, Any]],
    number: int,
    arena: Arena,
    scenes: Mapping[tuple[str, str], Scene],
    who: Any,
    rates: Rates,
    payoffs: bool,
    notes: list[str],
) -> None:
    gains = dict.fromkeys((g.country for g in who), float("nan"))
    if payoffs:
        e = arena.solve(rates)
        if e is None:
            notes.append(f"round {number}: the equilibrium could not be solved")
        else:
            ahead = arena.values(who, arena.status_quo.after)
            change = 100.0 * np.expm1(arena.values(who, e) - ahead)
            gains = {g.country: float(c) for g, c in zip(who, change, strict=True)}
    for (country, against), s in scenes.items():
        weight = s.volume[:, s.j, s.i]
        extra = (rates.tariff - arena.rates.tariff)[:, s.j, s.i]
        mean = float(weight @ extra / weight.sum()) if weight.sum() > 0 else 0.0
        rows.append(
            {
                "round": number,
                "country": country,
                "against": against,
                "rate": mean,
                "gain_pct": gains[country],
            }
        )

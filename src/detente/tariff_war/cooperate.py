"""What players could reach together: tariffs that maximise a weighted sum, and Nash bargaining."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

from detente.errors import ConvergenceError, InputError
from detente.keywords import known_keywords
from detente.models.blocks import Array
from detente.models.registry import DEFAULT, parameter_hint
from detente.outcome import Outcome
from detente.outcome.equilibrium import Equilibrium
from detente.outcome.simulate import AnyModel
from detente.policy import Policy
from detente.solve.threads import one_thread
from detente.tariff_war.arena import Arena, player_names, start_rates
from detente.tariff_war.certificate import Attack, Deviation, attack_jointly, usual_deviations
from detente.tariff_war.levers import Bounds, Levers
from detente.tariff_war.nash import Nash, nash, player_levers
from detente.tariff_war.objective import Government, governments
from detente.tariff_war.optimal import Start, binding
from detente.tariff_war.stationary import NOISE, Found, climb, stationary
from detente.world import World

__all__ = ["Cooperation", "cooperate", "nash_bargain"]


@dataclass(frozen=True, eq=False, repr=False)
class Cooperation:
    """Tariffs that players set together.

    Attributes
    ----------
    players : who
    rule : "weighted sum" or "Nash bargaining"
    power : weight of each player, summing to one
    tariff : all tariffs; fraction; sector, importer, exporter; zero diagonal
    objective : of each player, percent of the base
    gain_pct : of each player over the threat point (bargaining) or the status quo, percent
    threat : each player's objective without agreement, percent of the base; the status quo for
        a weighted sum
    regret : most a joint deviation found would add to 100 times the log of the joint objective
    deviation : that deviation
    starts : where each start led; ``objective`` is the joint objective, 100 times its log
    binding : rates at a bound
    status : "converged"; "flat" (solved up to the precision of the objective, not of the
        tariff); "not certified"; "not attacked" (with ``deviations=0``); "no gains" (no tariffs
        in bounds leave every player above its threat point)
    """

    players: tuple[str, ...]
    rule: str
    power: xr.DataArray
    tariff: xr.DataArray
    objective: xr.DataArray
    gain_pct: xr.DataArray
    threat: xr.DataArray
    regret: float
    deviation: Deviation
    starts: tuple[Start, ...]
    binding: tuple[str, ...]
    status: str
    statement: tuple[str, ...]
    outcome: Outcome
    policy: Policy
    provenance: Mapping[str, Any] = field(repr=False)

    def __repr__(self) -> str:
        low, high = float(self.gain_pct.min()), float(self.gain_pct.max())
        return (
            f"<Cooperation of {len(self.players)} by {self.rule}: gains from {low:+.3f}% to "
            f"{high:+.3f}%, {self.status}>"
        )


@known_keywords(parameter_hint)
@one_thread
def cooperate(
    world: World,
    players: str | Iterable[str] = "all",
    *,
    power: Mapping[str, float] | None = None,
    by: str = "sector,partner",
    bounds: Bounds | Mapping[str, Bounds] = (0.0, 5.0),
    sectors: str | Iterable[str] | None = None,
    partners: str | Iterable[str] | None = None,
    weights: Mapping[str, Any] | None = None,
    security: Mapping[str, Mapping[str, float]] | None = None,
    policy: Policy | None = None,
    baseline: Policy | None = None,
    model: AnyModel = DEFAULT,
    deficit: str = "fixed",
    tol: float = 1e-6,
    starts: Any = None,
    deviations: int | None = None,
    seed: int = 0,
) -> Cooperation:
    """Tariffs that maximise the players' log objectives, summed with weights ``power``.

    ``power`` is a mapping from player, default base income: then a gain worth a dollar counts
    the same whoever has it. Other arguments as in :func:`nash`.

    Raises
    ------
    InputError
        Players or weights that make no sense; see the message.
    """
    names = player_names(world, players)
    game = _Game.of(
        world,
        names,
        by,
        bounds,
        sectors,
        partners,
        weights,
        security,
        policy,
        baseline,
        model,
        deficit,
    )
    parts = _power(world, names, power)
    how = _how(game, deviations, seed)
    ahead = game.arena.values(game.who, game.arena.status_quo.after)
    return _maximise(game, parts, None, ahead, starts, how, tol, "weighted sum")


@known_keywords(parameter_hint)
@one_thread
def nash_bargain(
    world: World,
    players: str | Iterable[str],
    *,
    threat: str | Nash | Mapping[str, float] = "status quo",
    power: Mapping[str, float] | None = None,
    by: str = "sector,partner",
    bounds: Bounds | Mapping[str, Bounds] = (0.0, 5.0),
    sectors: str | Iterable[str] | None = None,
    partners: str | Iterable[str] | None = None,
    weights: Mapping[str, Any] | None = None,
    security: Mapping[str, Mapping[str, float]] | None = None,
    policy: Policy | None = None,
    baseline: Policy | None = None,
    model: AnyModel = DEFAULT,
    deficit: str = "fixed",
    tol: float = 1e-4,
    starts: Any = None,
    deviations: int | None = None,
    seed: int = 0,
) -> Cooperation:
    """Tariffs that maximise the product of the players' gains over their threat points.

    Parameters
    ----------
    threat : "status quo", "war" (the Nash tariffs are solved first), a result of :func:`nash`,
        or a mapping from player to its objective without agreement, percent of the base
    power : bargaining power of each player, default equal; scaled to sum to one
    tol : regret in 100 times the log of the product above which the answer is not certified
        (gains are small differences, so this is looser than for one objective)

    Other arguments as in :func:`nash`. Gains are W_i - d_i with W the objective over its base.

    Raises
    ------
    InputError
        A threat point that lacks a player; players or weights that make no sense.
    ConvergenceError
        The war that was asked for as threat point has no certified equilibrium.
    """
    names = player_names(world, players, least=2)
    game = _Game.of(
        world,
        names,
        by,
        bounds,
        sectors,
        partners,
        weights,
        security,
        policy,
        baseline,
        model,
        deficit,
    )
    if threat == "war":
        threat = nash(
            world, names, by=by, bounds=bounds, sectors=sectors, partners=partners,
            weights=weights, security=security, policy=policy, baseline=baseline,
            model=model, deficit=deficit, deviations=deviations, seed=seed,
        )  # fmt: skip
    parts = _power(world, names, power or dict.fromkeys(names, 1.0))
    how = _how(game, deviations, seed)
    outside = _threat(game, names, threat)
    return _maximise(game, parts, np.exp(outside), outside, starts, how, tol, "Nash bargaining")


@dataclass(frozen=True, eq=False)
class _Game:
    arena: Arena
    who: list[Government]
    levers: list[Levers]

    @classmethod
    def of(
        cls, world: World, names: list[str], by: str, bounds: Any, sectors: Any, partners: Any,
        weights: Any, security: Any, policy: Policy | None, baseline: Policy | None,
        model: AnyModel, deficit: str,
    ) -> _Game:  # fmt: skip
        arena = Arena(world, policy, baseline, deficit, model=model)
        lv = player_levers(
            world, names, by, bounds, sectors=sectors, partners=partners,
            tariff=arena.rates.tariff,
        )  # fmt: skip
        return cls(arena, governments(world, names, weights, security), lv)


def _how(game: _Game, deviations: int | None, seed: int) -> Attack:
    count = sum(v.count for v in game.levers) // 4
    return usual_deviations(game.arena, count, deviations, seed)


def _power(world: World, names: list[str], power: Mapping[str, float] | None) -> Array:
    if power is None:
        income = world.final.sum("sector")
        power = {n: float(income.sel(country=n)) for n in names}
    lacking = [n for n in names if n not in power]
    odd = [n for n in power if n not in names]
    if lacking or odd:
        raise InputError(
            f"power: {(lacking or odd)[0]!r} {'has no weight' if lacking else 'does not play'}; "
            f"give one weight for each of {', '.join(names)}"
        )
    parts = np.array([float(power[n]) for n in names])
    if not (np.isfinite(parts) & (parts >= 0)).all() or not parts.sum() > 0:
        raise InputError("power: weights must be at or above zero, and not all zero")
    return parts / parts.sum()


def _threat(game: _Game, names: list[str], threat: Any) -> Array:
    """Log objectives without agreement."""
    if threat == "status quo":
        return game.arena.values(game.who, game.arena.status_quo.after)
    if isinstance(threat, Nash):
        if not threat.stands:
            raise ConvergenceError(
                f"threat: the tariff war is {threat.status!r}; its payoffs cannot be a threat "
                "point. Try other starts= or bounds= in nash"
            )
        values = threat.objective
        threat = {str(c): float(v) for c, v in zip(values["country"].values, values.values,
                                                    strict=True)}  # fmt: skip
    if not isinstance(threat, Mapping):
        raise InputError(
            f"threat: {threat!r} is not understood; give 'status quo', 'war', a result of nash, "
            "or a mapping from player to percent"
        )
    lacking = [n for n in names if n not in threat]
    if lacking:
        raise InputError(f"threat: {lacking[0]} has no payoff; name every player, in percent")
    values = np.array([float(threat[n]) for n in names])
    if not (values > -100).all():
        raise InputError("threat: payoffs are percent changes above -100")
    return np.log1p(values / 100.0)


def _maximise(
    game: _Game,
    parts: Array,
    outside: Array | None,
    compared: Array,
    starts: Any,
    how: Attack,
    tol: float,
    rule: str,
) -> Cooperation:
    """Maximise the joint objective from several starts, attack the best and label it.

    ``outside`` (levels, base = 1) are the threat points of bargaining, None for a weighted sum;
    ``compared`` (logs) is what gains are measured from.
    """
    arena, who, lv = game.arena, game.who, game.levers

    def value(e: Equilibrium) -> float:
        logs = arena.values(who, e)
        if outside is None:
            return float(parts @ logs)
        gains = np.exp(logs) - outside
        if not (gains[parts > 0] > 0).all():
            return -np.inf
        return float(parts[parts > 0] @ np.log(gains[parts > 0]))

    def slope(e: Equilibrium) -> tuple[Array, Array]:
        inside = parts
        if outside is not None:
            levels = np.exp(arena.values(who, e))
            gains = levels - outside
            inside = np.where(gains > 0, parts * levels / np.where(gains > 0, gains, 1.0), parts)
        return _joint_slope(game, inside, e)

    begin = start_rates(arena, lv, (0.0, "status quo", "1/theta") if starts is None else starts)
    if outside is not None:
        begin = _feasible(game, begin, value, np.log(outside), parts)
        if not begin:
            return _no_gains(game, parts, compared, how, rule)
    ends = [(label, _ascend(game, value, slope, x)) for label, x in begin]
    reached = [f for _, f in ends if f.at is not None]
    if not reached:
        raise ConvergenceError(f"{rule}: no start could be solved; try other starts= or bounds=")
    levels = [value(f.at) for f in reached if f.at is not None]
    best = reached[int(np.argmax(levels))]
    e = best.at
    assert e is not None
    deviation = attack_jointly(arena, "all players", value, lv, best.rates, e, how)
    status = "converged" if best.converged else "flat"
    if not how.on:
        status = "not attacked"
    elif deviation.regret > tol:
        status = "not certified"
    listed = tuple(
        Start(
            label, f.status, float("nan") if f.at is None else 100.0 * value(f.at),
            arena.tariff(f.rates), f.error, f.steps,
        )
        for label, f in ends
    )  # fmt: skip
    return _result(game, parts, compared, rule, best, deviation, listed, status, how)


def _joint_slope(game: _Game, parts: Array, e: Equilibrium) -> tuple[Array, Array]:
    arena, who, lv = game.arena, game.who, game.levers
    s = arena.joint_slopes(who, parts, e)
    g: list[Array] = []
    h: list[Array] = []
    for part, player, v in zip(parts, who, lv, strict=True):
        cells = s.tariff(0, v.player)
        direct = player.own_tariff_term(e.policy.tariff[:, v.player])
        g.append(v.collect(cells if direct is None else cells + part * direct, None))
        h.append(max(float(part), 1e-3 * float(parts.max())) * v.size(e))
    return np.concatenate(g), np.concatenate(h)


def _ascend(
    game: _Game,
    value: Callable[[Equilibrium], float],
    slope: Callable[[Equilibrium], tuple[Array, Array]],
    x: Array,
) -> Found:
    arena, lv = game.arena, game.levers
    up = climb(arena, lv, value, slope, x, max_steps=200)
    if up.at is None:
        return up
    settled = stationary(arena, lv, slope, up.x, start=up.at, tol=1e-8, max_steps=80)
    if settled.at is None or not settled.converged:
        return replace(up, status="flat")
    if value(settled.at) >= value(up.at) - NOISE:
        return settled
    return replace(up, status="flat")


def _feasible(
    game: _Game,
    begin: list[tuple[str, Array]],
    value: Callable[[Equilibrium], float],
    outside: Array,
    parts: Array,
) -> list[tuple[str, Array]]:
    """Starts where every player is above its threat point; made by raising the least gain
    (softly) from those where somebody is not."""
    arena, who, lv = game.arena, game.who, game.levers
    good: list[tuple[str, Array]] = []
    rest: list[tuple[str, Array]] = []
    for label, x in begin:
        e = arena.solve(arena.rates.with_levers(lv, x))
        (good if e is not None and np.isfinite(value(e)) else rest).append((label, x))
    if good:
        return good
    counted = parts > 0
    for label, x in rest:
        for sharp in (1e3, 1e4):

            def least(e: Equilibrium, sharp: float = sharp) -> float:
                gains = (arena.values(who, e) - outside)[counted]
                low = gains.min()
                return float(low - np.log(np.exp(-sharp * (gains - low)).sum()) / sharp)

            def slope(e: Equilibrium, sharp: float = sharp) -> tuple[Array, Array]:
                gains = arena.values(who, e) - outside
                pull = np.where(counted, np.exp(-sharp * (gains - gains[counted].min())), 0.0)
                return _joint_slope(game, pull / pull.sum(), e)

            f = climb(arena, lv, least, slope, x)
            x = f.x
            if f.at is not None and np.isfinite(value(f.at)):
                return [(f"{label}, then the least gain raised", x)]
    return []


def _no_gains(game: _Game, parts: Array, compared: Array, how: Attack, rule: str) -> Cooperation:
    arena = game.arena
    x = arena.rates.read(game.levers)
    e = arena.status_quo.after
    here = Found(x, arena.rates, e, 0.0, 0, "no gains")
    nothing = Deviation(
        "all players", 0.0, arena.tariff(arena.rates), "the least gain raised from every start",
        arena.solves, arena.failures,
    )  # fmt: skip
    return _result(game, parts, compared, rule, here, nothing, (), "no gains", how)


def _result(
    game: _Game,
    parts: Array,
    compared: Array,
    rule: str,
    best: Found,
    deviation: Deviation,
    starts: Sequence[Start],
    status: str,
    how: Attack,
) -> Cooperation:
    arena, who, lv = game.arena, game.who, game.levers
    names = [g.country for g in who]
    e = best.at
    assert e is not None
    values = arena.values(who, e)
    out = arena.outcome(best.rates, e, rule)
    ends = np.cumsum([0, *(v.count for v in lv)])

    def label(numbers: Array, name: str, unit: str = "percent") -> xr.DataArray:
        return xr.DataArray(
            numbers, {"country": names}, ("country",), name=name, attrs={"unit": unit}
        )

    return Cooperation(
        players=tuple(names),
        rule=rule,
        power=label(parts, "power", "share"),
        tariff=arena.tariff(best.rates),
        objective=label(100.0 * np.expm1(values), "objective"),
        gain_pct=label(100.0 * np.expm1(values - compared), "gain_pct"),
        threat=label(100.0 * np.expm1(compared), "threat"),
        regret=deviation.regret,
        deviation=deviation,
        starts=tuple(starts),
        binding=tuple(
            f"{g.country}: {text}"
            for p, (g, v) in enumerate(zip(who, lv, strict=True))
            for text in binding(v, best.x[ends[p] : ends[p + 1]])
        ),
        status=status,
        statement=tuple(g.statement for g in who),
        outcome=out,
        policy=out.policy,
        provenance=arena.provenance(
            players=names, rule=rule, levers=sum(v.count for v in lv),
            deviations=how.deviations, seed=how.seed, status=status,
        ),
    )  # fmt: skip

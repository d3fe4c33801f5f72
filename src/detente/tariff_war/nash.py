"""Tariff wars: tariffs from which no player gains by moving alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from detente.errors import DetenteError, InputError, NoSolutionError
from detente.keywords import known_keywords
from detente.models.blocks import Array
from detente.models.registry import DEFAULT, parameter_hint
from detente.outcome import Outcome, simulate
from detente.outcome.equilibrium import Equilibrium
from detente.outcome.simulate import AnyModel
from detente.policy import Policy
from detente.policy.wedges import whole
from detente.solve.threads import one_thread
from detente.tariff_war.arena import Arena, Rates, player_names, start_rates
from detente.tariff_war.certificate import Attack, Deviation, attack, usual_deviations
from detente.tariff_war.curvature import uphill
from detente.tariff_war.equilibria import Nash, NashEquilibrium
from detente.tariff_war.levers import Bounds, Levers, levers
from detente.tariff_war.objective import Government, governments
from detente.tariff_war.optimal import SAME, Start, binding
from detente.tariff_war.reply import best_reply
from detente.tariff_war.stationary import Found, own_errors, stationary
from detente.world import World

__all__ = ["Nash", "NashEquilibrium", "nash", "player_levers"]

Progress = Callable[[int, int], None]
"""Called with pieces of work done and in all."""


@known_keywords(parameter_hint)
@one_thread
def nash(
    world: World,
    players: str | Iterable[str] = "all",
    *,
    by: str = "sector,partner",
    bounds: Bounds | Mapping[str, Bounds] = (0.0, 5.0),
    sectors: str | Iterable[str] | None = None,
    partners: str | Iterable[str] | None = None,
    weights: Mapping[str, Any] | None = None,
    security: Mapping[str, Mapping[str, float]] | None = None,
    export_taxes: bool = False,
    policy: Policy | None = None,
    baseline: Policy | None = None,
    model: AnyModel = DEFAULT,
    deficit: str = "fixed",
    tol: float = 1e-6,
    tariff_tol: float = 1e-8,
    starts: Any = None,
    deviations: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Nash:
    """Tariffs at which every player answers the others best; the rest of the world is fixed.

    From each start all players' first-order conditions are solved together; where that stalls,
    players reply in turn. Each distinct end is then attacked: for every player the second-order
    test (:mod:`detente.tariff_war.curvature`; a minimum is no best reply), a new best reply from
    another start, random deviations, and a derivative-free search.

    Parameters
    ----------
    players : who plays; everybody else keeps what ``policy`` says
    by, bounds, sectors, partners, export_taxes : what each player may set, as in
        :func:`optimal_tariff`; ``bounds`` may be a mapping from player
    weights, security : mappings from player to its own, as in :func:`optimal_tariff`
    policy, baseline, model, deficit : as in :func:`optimal_tariff`
    tol : regret in percent above which an equilibrium is not certified
    tariff_tol : largest tariff error of the first-order conditions, in log(1 + t)
    starts : rates to start from; default (0, "1/theta", 1)
    deviations : random deviations a player; default 200, fewer on large worlds; 0 leaves out the
        derivative-free search too
    progress : called with pieces of work done and in all

    Raises
    ------
    InputError
        A player who is not in the world, fewer than two players, bounds that exclude the
        status quo, unknown sectors or partners.

    Notes
    -----
    When every country plays and nothing bounds the rates, autarky is an equilibrium too: who
    cannot export cannot import. It is listed, its regret zero by this argument.

    With deficits that policy cannot move ("fixed", and nearly so "share") a country with a large
    deficit is paid whatever it levies. Its best reply can then lie at a bound or where others
    are insolvent, and the search reports that instead of an equilibrium; ``deficit="zero"`` is
    the closure in which tariff wars are usually solved.
    """
    names = player_names(world, players, least=2)
    arena = Arena(world, policy, baseline, deficit, model=model)
    who = governments(world, names, weights, security)
    lv = player_levers(
        world, names, by, bounds, sectors=sectors, partners=partners, export_taxes=export_taxes,
        tariff=arena.rates.tariff,
    )  # fmt: skip
    how = usual_deviations(arena, sum(v.count for v in lv) // 4, deviations, seed)
    begin = start_rates(arena, lv, starts)
    done, total = 0, len(begin) + len(names)

    def step() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(min(done, total), total)

    ends: list[tuple[str, Found]] = []
    for label, x in begin:
        ends.append((label, _war(arena, who, lv, x, tariff_tol)))
        step()
    equilibria: list[NashEquilibrium] = []
    seen: list[Array] = []
    queue = [f for _, f in ends if f.converged]
    retried = False
    while queue:
        f = queue.pop(0)
        if any(np.abs(f.x - x).max() <= SAME for x in seen):
            continue
        seen.append(f.x)
        found, better = _certify(arena, who, lv, f, how, tol, step)
        equilibria.append(found)
        if not found.certified and better is not None and not retried:
            # some gain: not an equilibrium; go on from where they would go
            retried = True
            again = _war(arena, who, lv, better, tariff_tol, in_turn=True)
            ends.append(("the deviation found", again))
            if again.converged:
                queue.append(again)
    refuted = [e for e in equilibria if not e.certified]
    equilibria = [e for e in equilibria if e.certified]
    if sectors is None and partners is None:
        alone = _autarky(arena, who, names, lv)
        if alone is not None:
            equilibria.append(alone)
    if any(e.kind != "autarky" for e in equilibria):
        status = "converged" if how.on else "not attacked"
    elif refuted:
        status = "not certified"
    else:
        status = ends[0][1].status if ends else "failed"
    if progress is not None:
        progress(total, total)
    return Nash(
        tuple(names), tuple(equilibria), tuple(refuted), _listed(arena, who, ends), status,
        tuple(g.statement for g in who),
        arena.provenance(
            players=names, by=by, bounds=bounds, levers=sum(v.count for v in lv),
            deviations=how.deviations, search=how.search, seed=seed, status=status,
        ),
    )  # fmt: skip


def _listed(
    arena: Arena, who: Sequence[Government], ends: Sequence[tuple[str, Found]]
) -> tuple[Start, ...]:
    """Where each start led."""
    return tuple(
        Start(
            label, f.status,
            float("nan") if f.at is None else float(_percent(arena.values(who, f.at)).sum()),
            arena.tariff(f.rates), f.error, f.steps,
        )
        for label, f in ends
    )  # fmt: skip


def player_levers(
    world: World,
    names: Sequence[str],
    by: str,
    bounds: Bounds | Mapping[str, Bounds],
    *,
    sectors: str | Iterable[str] | None = None,
    partners: str | Iterable[str] | None = None,
    export_taxes: bool = False,
    tariff: Array | None = None,
) -> list[Levers]:
    """The levers of each player; a player among ``partners`` is taxed by the others only."""
    mine = bounds if isinstance(bounds, Mapping) else dict.fromkeys(names, bounds)
    odd = [b for b in mine if b not in names]
    if odd:
        raise InputError(f"bounds: {odd[0]!r} is not one of the players {', '.join(names)}")
    lacking = [n for n in names if n not in mine]
    if lacking:
        raise InputError(f"bounds: {lacking[0]} has none; name every player, None for no bounds")
    targets = None if partners is None else world.country_list(partners, "partners")
    if sectors is not None and not isinstance(sectors, str):
        sectors = list(sectors)
    return [
        levers(
            world, n, by, mine[n], sectors=sectors,
            partners=None if targets is None else [p for p in targets if p != n],
            export_taxes=export_taxes, tariff=tariff,
        )
        for n in names
    ]  # fmt: skip


def _war(
    arena: Arena,
    who: Sequence[Government],
    lv: Sequence[Levers],
    x: Array,
    tol: float,
    in_turn: bool = False,
) -> Found:
    """From one start to a point where all first-order conditions hold."""
    slope = own_errors(arena, who, lv)
    f = Found(x, arena.rates, None, np.inf, 0, "")
    if not in_turn:
        f = stationary(arena, lv, slope, x, tol=tol)
        if f.converged:
            return f
    z = x.copy()
    ends = np.cumsum([0, *(v.count for v in lv)])
    e: Equilibrium | None = None
    steps = f.steps
    last = np.inf
    for _ in range(30):
        before = z.copy()
        for p, (g, v) in enumerate(zip(who, lv, strict=True)):
            here = slice(ends[p], ends[p + 1])
            reply = best_reply(
                arena, g, v, z[here], others=arena.rates.with_levers(lv, z), start=e, tol=1e-6
            )
            steps += reply.steps
            if reply.at is None:
                continue
            z[here] += (1.0 if last > 1e-2 else 0.8) * (reply.x - z[here])
            e = reply.at
        last = float(np.abs(z - before).max())
        if last < 1e-3:
            tried = stationary(arena, lv, slope, z, tol=tol, start=e)
            steps += tried.steps
            f = Found(tried.x, tried.rates, tried.at, tried.error, steps, tried.status)
            if f.converged or last < 1e-6:
                return f
    return f if f.at is not None else Found(z, arena.rates.with_levers(lv, z), e, last, steps,
                                            "max_steps" if e is not None else "failed")  # fmt: skip


def _certify(
    arena: Arena,
    who: Sequence[Government],
    lv: Sequence[Levers],
    f: Found,
    how: Attack,
    tol: float,
    step: Callable[[], None],
) -> tuple[NashEquilibrium, Array | None]:
    """Attack a point player by player; returns it and, where some gain, where those would go."""
    e = f.at
    assert e is not None
    ends = np.cumsum([0, *(v.count for v in lv)])
    better: Array | None = None
    deviations: dict[str, Deviation] = {}
    for p, (g, v) in enumerate(zip(who, lv, strict=True)):
        found = attack(arena, g, v, f.rates, e, how)
        level = arena.value(g, e)
        [(_, x)] = start_rates(arena, [v], "1/theta")
        reply = best_reply(arena, g, v, x, others=f.rates, start=e, tol=1e-5, max_steps=60)
        replies = [("best reply from 1/theta, by gradients", reply)]
        own = replace(f, x=f.x[ends[p] : ends[p + 1]])
        higher = uphill(
            arena, [v], lambda at, g=g: arena.value(g, at), own_errors(arena, [g], [v]), own,
            others=f.rates,
        )  # fmt: skip
        if higher is not None:
            reply = best_reply(
                arena, g, v, higher.x, others=f.rates, start=higher.at, tol=1e-5, ascend=True
            )
            replies.append(("uphill, from what is no maximum", reply))
        method, tried = found.method, found.tried + sum(reply.steps for _, reply in replies)
        value, there = found.gain, found.tariff
        move = Rates(there.values, f.rates.tax).read([v])
        for name, reply in replies:
            if reply.at is None:
                continue
            gain = 100.0 * float(np.expm1(arena.value(g, reply.at) - level))
            if gain > value:
                value, there, method = gain, arena.tariff(reply.rates), name
                move = reply.x
        deviations[g.country] = Deviation(g.country, value, there, method, tried, found.failed)
        if value > tol:
            better = f.x.copy() if better is None else better
            better[ends[p] : ends[p + 1]] = move
        step()
    regret = np.array([d.regret for d in deviations.values()])
    marks = tuple(
        f"{g.country}: {text}"
        for p, (g, v) in enumerate(zip(who, lv, strict=True))
        for text in binding(v, f.x[ends[p] : ends[p + 1]])
    )
    values, ahead = arena.values(who, e), arena.values(who, arena.status_quo.after)
    label = _labels([g.country for g in who])
    found = NashEquilibrium(
        kind="bounds" if len(marks) == len(f.x) else "interior",
        tariff=arena.tariff(f.rates),
        rates=_rates(who, lv, f.x),
        objective=label(_percent(values), "objective"),
        gain_pct=label(_percent(values - ahead), "gain_pct"),
        regret=label(regret, "regret"),
        deviations=deviations,
        binding=marks,
        error=f.error,
        certified=bool((regret <= tol).all()),
        outcome=arena.outcome(f.rates, e, "tariff war"),
    )
    return found, better


def _autarky(
    arena: Arena, who: Sequence[Government], names: list[str], lv: Sequence[Levers]
) -> NashEquilibrium | None:
    """No trade at all, where everybody plays and no bound forbids it."""
    world = arena.world
    if len(names) < len(world.countries) or any(np.isfinite(v.high).any() for v in lv):
        return None
    N = len(names)
    abroad = ~np.eye(N, dtype=bool)
    iceberg = np.where(abroad, np.inf, whole(arena.policy, "iceberg").values)
    tariff = np.where(abroad, np.inf, 0.0) + np.zeros_like(iceberg)
    out: Outcome | None = None
    values = np.full(N, np.nan)
    try:
        policy = Policy(
            world, tariff=arena.rates.tariff, iceberg=iceberg, transfer=arena.policy.transfer,
            title="autarky",
            prohibitive=True,
        )  # fmt: skip
        out = simulate(
            world, policy, baseline=arena.baseline, model=arena.model, deficit=arena.deficit
        )
        values = arena.values(who, out.after)
    except NoSolutionError:
        pass
    except DetenteError:
        arena.failures += 1
    label = _labels(names)
    ahead = arena.values(who, arena.status_quo.after)
    labelled = arena.policy.tariff.copy(data=tariff).assign_attrs(unit="fraction")
    reason = "none: who cannot export cannot import"
    return NashEquilibrium(
        kind="autarky",
        tariff=labelled,
        rates=_rates([], [], np.zeros(0)),
        objective=label(_percent(values), "objective"),
        gain_pct=label(_percent(values - ahead), "gain_pct"),
        regret=label(np.zeros(N), "regret"),
        deviations={n: Deviation(n, 0.0, labelled, reason, 0, 0) for n in names},
        binding=(),
        error=0.0,
        certified=True,
        outcome=out,
    )


def _rates(who: Sequence[Government], lv: Sequence[Levers], x: Array) -> pd.DataFrame:
    """What each player set each lever to."""
    names = [(g.country, name) for g, v in zip(who, lv, strict=True) for name in v.names]
    return pd.DataFrame(
        {
            "player": [p for p, _ in names],
            "lever": [name for _, name in names],
            "rate_pct": 100.0 * np.expm1(x),
        }
    )


def _percent(log_change: Array) -> Array:
    return 100.0 * np.expm1(log_change)


def _labels(names: list[str]) -> Callable[[Array, str], xr.DataArray]:
    def label(values: Array, name: str) -> xr.DataArray:
        return xr.DataArray(
            values, {"country": names}, ("country",), name=name, attrs={"unit": "percent"}
        )

    return label

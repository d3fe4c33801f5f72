"""Optimal tariffs: what one government would levy if the others stood still, or answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
from detente.tariff_war.arena import Arena, limits, player_names, start_rates
from detente.tariff_war.certificate import Attack, Deviation, attack, usual_deviations
from detente.tariff_war.levers import Bounds, Levers, levers
from detente.tariff_war.objective import Government, government
from detente.tariff_war.reply import best_reply
from detente.tariff_war.search import Reply, Seen, corners, scan
from detente.tariff_war.stationary import NOISE, Found
from detente.world import World

__all__ = ["OptimalTariff", "Start", "binding", "find", "optimal_tariff"]

ROUNDS = 5
"""Attacks, each on the best point known, before an answer is given up as not certified."""

SAME = 1e-5
"""Two ends whose rates differ by less than this part of 1 + t count as one."""


@dataclass(frozen=True, eq=False)
class Start:
    """Where one start led.

    Attributes
    ----------
    name : the start, e.g. "0%", "1/theta"
    status : "converged", or how the search ended
    objective : objective there, percent of the base; NaN where nothing was reached
    tariff : tariffs there (sector, importer, exporter)
    error : largest tariff error left, fraction
    steps : equilibria evaluated by the search
    """

    name: str
    status: str
    objective: float
    tariff: xr.DataArray
    error: float
    steps: int


@dataclass(frozen=True, eq=False, repr=False)
class OptimalTariff:
    """The tariffs that are best for one country, with what certifies them.

    Attributes
    ----------
    country : who sets them
    tariff : all countries' tariffs with the optimum in place; fraction; sector, importer,
        exporter; zero diagonal; the status quo's rate where no rate chosen names the cell
    export_tax : export taxes, same dims, or None
    objective : objective at the optimum, percent of the base (see ``statement``)
    gain_pct : the same over the status quo, percent
    regret : most that any deviation found would add, percent; zero when none adds anything
    deviation : the best deviation found
    starts : where each start led, scan and deviations that were followed included
    optima : distinct local optima, best first, as tariffs; each passed the second-order test
    binding : levers at a bound
    status : "converged": first-order conditions hold, the second-order test is passed, and no
        deviation of the attack adds more than ``tol``. "not attacked": the same without an
        attack (``deviations=0``); the regret is what starts and scan alone show. "not
        certified": the search was still rising when it ended; its last deviation is the answer,
        and the regret is what that added. "climbed": an ascent that ended without meeting
        ``tariff_tol``, e.g. at a kink. "no maximum": the second-order test fails and no higher
        point was reached. Otherwise how the solution of the conditions ended
    statement : the objective in words
    outcome : the equilibrium at the optimum
    policy : the policy behind it
    provenance : what produced it
    """

    country: str
    tariff: xr.DataArray
    export_tax: xr.DataArray | None
    objective: float
    gain_pct: float
    regret: float
    deviation: Deviation
    starts: tuple[Start, ...]
    optima: tuple[xr.DataArray, ...]
    binding: tuple[str, ...]
    status: str
    statement: str
    outcome: Outcome
    policy: Policy
    provenance: Mapping[str, Any] = field(repr=False)

    @property
    def mean(self) -> float:
        """Mean own tariff weighted with base imports; fraction."""
        n = self.outcome.world.countries.index(self.country)
        bought = self.outcome.world.trade.values[:, n, :].copy()
        bought[:, n] = 0.0
        return float((bought * self.tariff.values[:, n, :]).sum() / bought.sum())

    def __repr__(self) -> str:
        return (
            f"<OptimalTariff {self.country}: mean {100 * self.mean:.1f}%, gain "
            f"{self.gain_pct:+.3f}%, regret {self.regret:.1e}%, {self.status}>"
        )


@known_keywords(parameter_hint)
@one_thread
def optimal_tariff(
    world: World,
    country: str,
    *,
    by: str = "sector,partner",
    bounds: Bounds = (0.0, 5.0),
    sectors: str | Iterable[str] | None = None,
    partners: str | Iterable[str] | None = None,
    weights: Any = None,
    security: Mapping[str, float] | None = None,
    export_taxes: bool = False,
    retaliation: Any = None,
    policy: Policy | None = None,
    baseline: Policy | None = None,
    model: AnyModel = DEFAULT,
    deficit: str = "fixed",
    tol: float = 1e-6,
    tariff_tol: float = 1e-9,
    starts: Any = None,
    deviations: int | None = None,
    seed: int = 0,
) -> OptimalTariff:
    """The tariffs that maximise a country's objective, the others' policies given.

    From each start the first-order conditions are solved; an end that is a minimum or a saddle is
    left uphill (:mod:`detente.tariff_war.curvature` says what is tested). A single lever is scanned
    over its bounds as well (:func:`detente.tariff_war.search.scan`). The best end is attacked, and
    as long as any point evaluated is better by more than ``tol``, the search goes on from there
    and attacks again, up to :data:`ROUNDS` times.

    Parameters
    ----------
    country : who chooses
    by : which rates are free: "sector" (one a sector, the same for all partners), "partner",
        "sector,partner", or "uniform"
    bounds : lowest and highest rate as fractions; None for no bounds
    sectors, partners : what may be taxed (None: everything); the rest stays as it is
    weights : political weight of each sector (mapping), None for plain real income
    security : log income lost per unit of average tariff on a partner (mapping)
    export_taxes : choose export taxes as well, by the same scheme and bounds
    retaliation : a rule by which others answer (:mod:`detente.tariff_war.retaliation`), or a
        mapping from country to rule; the government then foresees the answer
    policy : what everybody levies otherwise (None: the tariffs of the world table)
    baseline : what "percent of the base" refers to (None: the world table)
    model, deficit : as in :func:`detente.simulate`
    tol : regret in percent above which the answer is not certified
    tariff_tol : largest tariff error of the first-order conditions, in log(1 + t)
    starts : rates to start from; default (0, "1/theta", 1), and all levers at their lower and at
        their upper bounds where those are finite
    deviations : random deviations of the certificate; default 200, fewer on large worlds; 0
        leaves out its derivative-free search too, and the status says "not attacked"

    Raises
    ------
    InputError
        A country that is not in the world, bounds that exclude the status quo, and the like.
    ConvergenceError
        No start led anywhere.

    Notes
    -----
    With tariffs and export taxes on everything under balanced trade, a common factor can be
    moved from one to the other without any effect (Lerner); export taxes are then reported
    with mean zero (in logs, weighted with base exports).
    """
    [name] = _one_player(world, country)
    arena = Arena(world, policy, baseline, deficit, model=model)
    who = government(world, name, weights, security)
    lv = levers(
        world, name, by, bounds, sectors=sectors, partners=partners, export_taxes=export_taxes,
        tariff=arena.rates.tariff,
    )  # fmt: skip
    how = usual_deviations(arena, lv.count, deviations, seed)
    if retaliation is not None:
        from detente.tariff_war.foresight import optimal_with_foresight

        return optimal_with_foresight(
            arena, who, lv, retaliation, bounds=bounds, tol=tol, tariff_tol=tariff_tol,
            starts=starts, how=how,
        )  # fmt: skip

    def reply(some: Levers, x: Array, at: Equilibrium | None, ascend: bool) -> Found:
        return best_reply(arena, who, some, x, start=at, tol=tariff_tol, ascend=ascend)

    return find(arena, who, lv, reply, starts, how, tol, by=by, bounds=bounds)


def find(
    arena: Arena,
    who: Government,
    lv: Levers,
    reply: Reply,
    starts: Any,
    how: Attack,
    tol: float,
    **how_set: Any,
) -> OptimalTariff:
    """Start, scan, attack, go on from what the attack finds, and label everything."""
    name = who.country
    seen = Seen(arena, who)
    arena.watch = seen
    begin = start_rates(arena, [lv], starts)
    for label, x in corners(lv) if starts is None else ():
        if all(np.abs(x - other).max() > SAME for _, other in begin):
            begin.append((label, x))
    found = [(label, reply(lv, x, None, False)) for label, x in begin]
    found += scan(arena, who, lv, reply, found)
    if all(f.at is None for _, f in found):
        raise ConvergenceError(
            f"optimal tariff of {name}: no start could be solved ({arena.failures} solves failed); "
            "try other starts= or narrower bounds="
        )
    found = [(label, _lerner(arena, lv, f)) for label, f in found]
    deviation, risen = _attacked(arena, who, lv, reply, found, seen, how, tol)
    best = _best(arena, who, found)
    e = _at(best)
    here = arena.value(who, e)
    optima: list[Found] = []
    ends = [f for _, f in found if f.at is not None and f.converged]
    for f in sorted(ends, key=lambda f: (f is not best, -arena.value(who, _at(f)))):
        if all(np.abs(f.x - o.x).max() > SAME for o in optima):
            optima.append(f)
    status = best.status
    if risen or deviation.regret > tol:
        status = "not certified"
    elif best.converged and not how.on:
        status = "not attacked"
    ahead = arena.value(who, arena.status_quo.after)
    out = arena.outcome(best.rates, e, f"optimal tariff of {name}")
    listed = tuple(
        Start(
            label, f.status,
            float("nan") if f.at is None else 100.0 * float(np.expm1(arena.value(who, f.at))),
            arena.tariff(f.rates), f.error, f.steps,
        )
        for label, f in found
    )  # fmt: skip
    return OptimalTariff(
        country=name,
        tariff=arena.tariff(best.rates),
        export_tax=out.policy.export_tax if lv.tax.any() else None,
        objective=100.0 * float(np.expm1(here)),
        gain_pct=100.0 * float(np.expm1(here - ahead)),
        regret=deviation.regret,
        deviation=deviation,
        starts=listed,
        optima=tuple(arena.tariff(o.rates) for o in optima),
        binding=binding(lv, best.x),
        status=status,
        statement=who.statement,
        outcome=out,
        policy=out.policy,
        provenance=arena.provenance(
            country=name, levers=lv.count, deviations=how.deviations, seed=how.seed, status=status,
            **how_set,
        ),
    )  # fmt: skip


def binding(lv: Levers, x: Array) -> tuple[str, ...]:
    """Levers at a bound, in words."""
    low, high = lv.low, lv.high
    return tuple(
        f"{name} at the {'lower' if at_low else 'upper'} bound"
        for name, at_low, at_high in zip(
            lv.names, np.abs(x - low) < 1e-9, np.abs(x - high) < 1e-9, strict=True
        )
        if at_low or at_high
    )


def _attacked(
    arena: Arena,
    who: Government,
    lv: Levers,
    reply: Reply,
    found: list[tuple[str, Found]],
    seen: Seen,
    how: Attack,
    tol: float,
) -> tuple[Deviation, bool]:
    """Attack the best end, and follow what beats it; the ends it leads to join ``found``.

    Returns the best deviation of the last attack, and whether the answer still moved after it.
    """
    low, high = limits([lv])
    rounds = 0
    while True:
        best = _best(arena, who, found)
        here = arena.value(who, _at(best))
        deviation = attack(arena, who, lv, best.rates, _at(best), how)
        assert seen.rates is not None
        gain = 100.0 * float(np.expm1(seen.value - here))
        if not how.on or gain > max(deviation.gain, 100.0 * NOISE):
            method = "a point on the way" if how.on else "starts and scan, no attack"
            deviation = Deviation(
                who.country, gain, arena.tariff(seen.rates), method,
                deviation.tried if how.on else seen.count, deviation.failed,
            )  # fmt: skip
        if gain <= tol:
            return deviation, False
        x = np.clip(seen.rates.read([lv]), low, high)
        rates, at, level = seen.rates, seen.at, seen.value
        f = _lerner(arena, lv, reply(lv, x, at, True))
        if f.at is None or arena.value(who, f.at) < level - NOISE:
            f = Found(x, rates, at, np.inf, f.steps, "climbed")
        found.append(("the deviation found", f))
        rounds += 1
        if rounds == ROUNDS:
            return deviation, True


def _best(arena: Arena, who: Government, found: Sequence[tuple[str, Found]]) -> Found:
    """The highest end; among equals the one whose conditions hold best."""
    reached = [f for _, f in found if f.at is not None]
    values = [arena.value(who, _at(f)) for f in reached]
    near = [f for f, v in zip(reached, values, strict=True) if v >= max(values) - NOISE]
    return min(near, key=lambda f: (not f.converged, f.error))


def _lerner(arena: Arena, lv: Levers, f: Found) -> Found:
    """Move the common factor between tariffs and export taxes to mean-zero export taxes."""
    if f.at is None or not lv.tax.any() or arena.deficit != "zero":
        return f
    flows = arena.world.trade.values > 0
    n = lv.player
    every = int(flows[:, n, :].sum() + flows[:, :, n].sum() - 2 * flows[:, n, n].sum())
    if len(lv.lever) != every or arena.policy.transfer.values.any():
        return f
    traded = np.where(lv.tax, arena.world.trade.values[lv.sector, lv.partner, n], 0.0)
    shift = float((traded * f.x[lv.lever]).sum() / traded.sum())
    is_tax = np.bincount(lv.lever, lv.tax, lv.count) > 0
    x = np.where(is_tax, f.x - shift, f.x + shift)
    low, high = limits([lv])
    if (x < low).any() or (x > high).any():
        return f
    rates = f.rates.with_levers([lv], x)
    e = arena.solve(rates, f.at)
    return f if e is None else Found(x, rates, e, f.error, f.steps, f.status)


def _at(f: Found) -> Equilibrium:
    assert f.at is not None
    return f.at


def _one_player(world: World, country: str) -> list[str]:
    names = player_names(world, [country])
    if len(names) != 1:
        raise InputError(
            f"country: {country!r} stands for {len(names)} countries; name one, or merge them "
            "with world.aggregate"
        )
    return names

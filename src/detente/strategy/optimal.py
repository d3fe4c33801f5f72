"""Optimal tariffs: what one government would levy if the others stood still, or answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from detente.errors import ConvergenceError, InputError
from detente.models.blocks import Array
from detente.outcome import Outcome
from detente.outcome.equilibrium import Equilibrium
from detente.regime import Policy
from detente.solve.threads import one_thread
from detente.strategy.arena import Arena, Rates, limits, player_names, start_rates
from detente.strategy.certificate import Attack, Deviation, attack, usual_deviations
from detente.strategy.levers import Bounds, Levers, levers
from detente.strategy.objective import Government, government
from detente.strategy.stationary import NOISE, Found, climb, own_errors, stationary
from detente.world import World

__all__ = ["OptimalTariff", "Start", "best_reply", "binding", "optimal_tariff"]

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
        exporter; zero diagonal
    export_tax : export taxes, same dims, or None
    objective : objective at the optimum, percent of the base (see ``statement``)
    gain_pct : the same over the status quo, percent
    regret : most that any deviation found would add, percent; zero when none adds anything
    deviation : the best deviation found
    starts : where each start led
    optima : distinct local optima, best first, as tariffs
    binding : levers at a bound
    status : "converged"; "not certified" (a deviation adds more than ``tol``); "climbed" (an
        ascent that ended without meeting ``tariff_tol``, e.g. at a kink); or how it failed
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
    deficit: str = "fixed",
    tol: float = 1e-6,
    tariff_tol: float = 1e-9,
    starts: Any = None,
    deviations: int | None = None,
    seed: int = 0,
) -> OptimalTariff:
    """The tariffs that maximise a country's objective, the others' policies given.

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
    retaliation : a rule by which others answer (:mod:`detente.strategy.retaliation`), or a
        mapping from country to rule; the government then foresees the answer
    policy : what everybody levies otherwise (None: the tariffs of the world table)
    baseline : what "percent of the base" refers to (None: the world table)
    deficit : closure, as in :func:`detente.simulate`
    tol : regret in percent above which the answer is not certified
    tariff_tol : largest tariff error of the first-order conditions, in log(1 + t)
    starts : rates to start from; default (0, "1/theta", 1)
    deviations : random deviations of the certificate; default 200, fewer on large worlds

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
    arena = Arena(world, policy, baseline, deficit)
    who = government(world, name, weights, security)
    lv = levers(
        world, name, by, bounds, sectors=sectors, partners=partners, export_taxes=export_taxes,
        tariff=arena.rates.tariff,
    )  # fmt: skip
    how = usual_deviations(arena, lv.count)
    how = Attack(how.deviations if deviations is None else deviations, how.search, seed)
    if retaliation is not None:
        from detente.strategy.foresight import optimal_with_foresight

        return optimal_with_foresight(
            arena, who, lv, retaliation, bounds=bounds, tol=tol, tariff_tol=tariff_tol,
            starts=starts, how=how,
        )  # fmt: skip

    found: list[tuple[str, Found]] = []
    for label, x in start_rates(arena, [lv], starts):
        found.append((label, best_reply(arena, who, lv, x, tol=tariff_tol)))
    return report(arena, who, lv, found, how, tol, by=by, bounds=bounds)


def report(
    arena: Arena,
    who: Government,
    lv: Levers,
    found: Sequence[tuple[str, Found]],
    how: Attack,
    tol: float,
    **how_set: Any,
) -> OptimalTariff:
    """Put the ends of several starts together, attack the best, and label everything."""
    name = who.country
    reached = [(label, f) for label, f in found if f.at is not None]
    if not reached:
        raise ConvergenceError(
            f"optimal tariff of {name}: no start could be solved ({arena.failures} solves failed); "
            "try other starts= or narrower bounds="
        )
    found = [(label, _lerner(arena, lv, f)) for label, f in found]
    reached = [(label, f) for label, f in found if f.at is not None]
    values = [arena.value(who, _at(f)) for _, f in reached]
    top = _best(values, [f for _, f in reached])
    best = reached[top][1]
    e = _at(best)
    order = sorted(range(len(reached)), key=lambda r: (r != top, -values[r]))
    optima: list[Found] = []
    for r in order:
        f = reached[r][1]
        if f.converged and all(np.abs(f.x - o.x).max() > SAME for o in optima):
            optima.append(f)
    deviation = attack(arena, who, lv, best.rates, e, how)
    status = best.status if not best.converged else (
        "converged" if deviation.regret <= tol else "not certified"
    )  # fmt: skip
    here = arena.value(who, e)
    ahead = arena.value(who, arena.status_quo.after)
    out = arena.outcome(best.rates, e, f"optimal tariff of {name}")
    ends = tuple(
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
        starts=ends,
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


def best_reply(
    arena: Arena,
    who: Government,
    lv: Levers,
    x: Array,
    *,
    others: Rates | None = None,
    start: Equilibrium | None = None,
    tol: float = 1e-9,
    max_steps: int = 120,
    check: bool = True,
) -> Found:
    """Best reply from one start: first-order conditions, an ascent that checks them (and leads
    on where they led to no maximum), and the conditions again. Without ``check`` the ascent is
    left out where the conditions were solved."""
    slope = own_errors(arena, [who], [lv])

    def settle(z: Array, at: Equilibrium | None) -> Found:
        return stationary(
            arena, [lv], slope, z, others=others, tol=tol, max_steps=max_steps, start=at
        )

    f = settle(x, start)
    if f.converged and not check:
        return f
    steps = f.steps
    begin = f if f.converged and f.at is not None else Found(x, f.rates, start, np.inf, 0, "")
    up = climb(
        arena, [lv], lambda e: arena.value(who, e), slope, begin.x, others=others,
        start=begin.at, max_steps=15 if f.converged else 150,
    )  # fmt: skip
    if up.at is None:
        return f
    better = f.at is None or arena.value(who, up.at) > arena.value(who, f.at) + NOISE
    if f.converged and not better:
        return f
    again = settle(up.x, up.at)
    steps += again.steps
    if again.at is not None and arena.value(who, again.at) >= arena.value(who, up.at) - NOISE:
        return Found(again.x, again.rates, again.at, again.error, steps, again.status)
    return Found(up.x, up.rates, up.at, up.error, steps, up.status)


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


def _best(values: list[float], found: list[Found]) -> int:
    """The highest end; among equals the one whose conditions hold best."""
    highest = max(values)
    near = [r for r, v in enumerate(values) if v >= highest - NOISE]
    return min(near, key=lambda r: (not found[r].converged, found[r].error))


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

"""What a search for one government's best tariffs has seen, and a scan where one rate is free."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from detente.models.blocks import Array
from detente.outcome.equilibrium import Equilibrium
from detente.tariff_war.arena import Arena, Rates, limits
from detente.tariff_war.levers import Levers
from detente.tariff_war.objective import Government
from detente.tariff_war.stationary import NOISE, Found

__all__ = ["POINTS", "Reply", "Seen", "corners", "scan"]

Reply = Callable[[Levers, Array, "Equilibrium | None", bool], Found]
"""A best reply from levers at ``x``, which the equilibrium goes with; the last says whether to
go up first, so that the end is not below the start."""

POINTS = 41
"""Rates at which the value of a single lever is looked at."""

EDGE = 1e-9
"""An end this close to the neighbour of a grid point, in log(1 + t), has not stopped by itself."""

OPEN = (float(np.log(0.5)), float(np.log(21.0)))
"""How far a scan goes in log(1 + t) where there is no bound: from -50% to 2000%."""


@dataclass(eq=False)
class Seen:
    """The best point among all that an arena has solved since it began to watch."""

    arena: Arena
    who: Government
    value: float = -np.inf
    rates: Rates | None = None
    at: Equilibrium | None = None
    count: int = 0

    def __call__(self, rates: Rates, e: Equilibrium) -> None:
        """Take note of one equilibrium."""
        self.count += 1
        value = self.arena.value(self.who, e)
        if value > self.value:
            self.value, self.rates, self.at = value, rates, e


def corners(lv: Levers) -> list[tuple[str, Array]]:
    """All levers at their lower, and all at their upper bounds, where those are finite."""
    ends = (("lower bounds", lv.low), ("upper bounds", lv.high))
    return [(name, x.copy()) for name, x in ends if np.isfinite(x).all()]


def scan(
    arena: Arena, who: Government, lv: Levers, reply: Reply, found: Sequence[tuple[str, Found]]
) -> list[tuple[str, Found]]:
    """The local maxima of a single lever on a grid, apart from those in ``found``.

    :data:`POINTS` rates between the bounds, even in log(1 + t), or within :data:`OPEN` where
    there is none. Each that is above its neighbours is refined between them: the best of these
    ends is the global maximum among what was scanned. With more levers nothing is done.
    """
    if lv.count != 1:
        return []
    low, high = (float(b[0]) for b in limits([lv]))
    if not np.isfinite(lv.low[0]):
        low = max(low, OPEN[0])
    if not np.isfinite(lv.high[0]):
        high = min(high, max(OPEN[1], low + 1.0))
    grid = np.linspace(low, high, POINTS)
    values = np.full(POINTS, -np.inf)
    points: list[Equilibrium | None] = []
    last: Equilibrium | None = None
    for k, x in enumerate(grid):
        e = arena.solve(arena.rates.with_levers([lv], np.array([x])), last)
        points.append(e)
        if e is not None:
            values[k], last = arena.value(who, e), e
    more: list[tuple[str, Found]] = []
    for k in range(POINTS):
        left, right = max(k - 1, 0), min(k + 1, POINTS - 1)
        rises = k == left or values[k] > values[left] + NOISE
        falls = k == right or values[right] <= values[k] + NOISE
        if points[k] is None or not (rises and falls):
            continue
        inside = (np.maximum(lv.low, grid[left]), np.minimum(lv.high, grid[right]))
        if any(_holds(arena, who, f, inside, values[k]) for _, f in [*found, *more]):
            continue
        f = reply(replace(lv, low=inside[0], high=inside[1]), grid[[k]], points[k], True)
        to_left, to_right = f.x - inside[0] < EDGE, inside[1] - f.x < EDGE
        to_left &= inside[0] > lv.low
        to_right &= inside[1] < lv.high
        if f.at is not None and (to_left | to_right).any():  # the grid ends here, the lever not
            f = reply(lv, f.x, f.at, True)
        more.append((f"scan at {100 * np.expm1(grid[k]):.3g}%", f))
    return more


def _holds(
    arena: Arena, who: Government, f: Found, inside: tuple[Array, Array], level: float
) -> bool:
    """Whether an end is the maximum between two neighbours of a grid point."""
    if not f.converged or f.at is None:
        return False
    within = (inside[0] <= f.x) & (f.x <= inside[1])
    return bool(within.all()) and arena.value(who, f.at) >= level - NOISE

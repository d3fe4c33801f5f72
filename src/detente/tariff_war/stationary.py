"""Points where no player gains from a small change: stacked first-order conditions.

Let ``g`` be a player's log objective differentiated in log(1 + t) of one of its levers, and
``h`` how fast what is bought through the lever falls as it is raised (:meth:`Levers.size`). Then
``g / h`` is close to the distance of the lever from its best reply: the formula for the optimal
tariff, read as an iteration. Unlike ``g`` itself it is of the size of the tariff error however
small the flow is, so a tolerance on it is a tolerance on the tariff. All players move at once
and the iteration is accelerated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from detente.errors import ConvergenceError
from detente.models.blocks import Array
from detente.outcome.equilibrium import Equilibrium
from detente.solve.anderson import anderson
from detente.tariff_war.arena import Arena, Rates, limits
from detente.tariff_war.levers import Levers
from detente.tariff_war.objective import Government

__all__ = ["NOISE", "Found", "climb", "own_errors", "stationary"]

LARGEST_MOVE = 1.0

FAILURES = 12
"""Solves that may fail in one search: where others become insolvent each takes long to fail, and
a search that runs along that edge finds no end."""

NOISE = 1e-9
"""Log objectives closer than this count as equal: equilibria are known to about 1e-10."""


@dataclass(frozen=True, eq=False)
class Found:
    """A point reached: levers ``x`` end to end, the rates, the equilibrium there (None where
    it could not be solved), the largest tariff error left and how the search ended."""

    x: Array
    rates: Rates
    at: Equilibrium | None
    error: float
    steps: int
    status: str

    @property
    def converged(self) -> bool:
        """Whether the tolerance was met."""
        return self.status == "converged"


Slope = Callable[[Equilibrium], tuple[Array, Array]]
"""Gradient in all levers, and their sizes."""


def own_errors(arena: Arena, who: Sequence[Government], levers: Sequence[Levers]) -> Slope:
    """Each player's objective in its own levers."""

    def at(e: Equilibrium) -> tuple[Array, Array]:
        s = arena.slopes(who, e)
        g = [arena.lever_slope(s, r, who[r], lv) for r, lv in enumerate(levers)]
        return np.concatenate(g), np.concatenate([lv.size(e) for lv in levers])

    return at


def stationary(
    arena: Arena,
    levers: Sequence[Levers],
    slope: Slope,
    x: Array,
    *,
    others: Rates | None = None,
    tol: float = 1e-9,
    max_steps: int = 200,
    memory: int = 12,
    start: Equilibrium | None = None,
) -> Found:
    """Solve ``clip(x + g/h) = x`` from ``x``; ``others`` are the rates nobody here sets."""
    low, high = limits(levers)
    frame = others or arena.rates
    last: Equilibrium | None = start
    failed = 0
    visits: dict[bytes, tuple[Rates, Equilibrium]] = {}

    def residual(z: Array) -> Array:
        nonlocal last, failed
        inside = np.clip(z, low, high)
        rates = frame.with_levers(levers, inside)
        e = arena.solve(rates, last) if failed < FAILURES else None
        if e is None:
            failed += 1
            return np.full_like(z, np.nan)
        last = e
        visits.clear()
        visits[z.tobytes()] = rates, e
        try:
            g, h = slope(e)
        except ConvergenceError:
            return np.full_like(z, np.nan)
        move = np.where(h > 1e-290, g / np.where(h > 1e-290, h, 1.0), 0.0)
        return np.clip(inside + np.clip(move, -LARGEST_MOVE, LARGEST_MOVE), low, high) - z

    found = anderson(
        residual, lambda r: r, np.clip(x, low, high), tol=tol, max_steps=max_steps,
        memory=memory, patience=40,
    )  # fmt: skip
    inside = np.clip(found.value, low, high)
    if found.value.tobytes() in visits:
        rates, e = visits[found.value.tobytes()]
    else:
        rates = frame.with_levers(levers, inside)
        e = arena.solve(rates, last)
    status = found.status.value if e is not None else "failed"
    return Found(inside, rates, e, found.residual, found.steps, status)


def climb(
    arena: Arena,
    levers: Sequence[Levers],
    value: Callable[[Equilibrium], float],
    slope: Slope,
    x: Array,
    *,
    others: Rates | None = None,
    start: Equilibrium | None = None,
    max_steps: int = 100,
) -> Found:
    """Raise one objective by L-BFGS-B from ``x``: slow at the end, but it only goes up."""
    low, high = limits(levers)
    frame = others or arena.rates
    best: list[tuple[float, Array, Rates, Equilibrium]] = []
    begin = arena.solve(frame.with_levers(levers, x), start)
    if begin is None:
        return Found(x, frame.with_levers(levers, x), None, np.inf, 1, "failed")
    h = slope(begin)[1]
    scale = 1.0 / np.sqrt(np.maximum(h, 1e-8 * h.max()))
    failed = 0

    def objective(y: Array) -> tuple[float, Array]:
        nonlocal failed
        z = np.clip(y * scale, low, high)
        rates = frame.with_levers(levers, z)
        e = arena.solve(rates, best[0][3] if best else begin) if failed < FAILURES else None
        worse = 10.0 - (best[0][0] if best else 0.0)
        if e is None:
            failed += 1
            return worse, np.zeros_like(y)
        v = value(e)
        if not np.isfinite(v):
            return worse, np.zeros_like(y)
        if not best or v > best[0][0]:
            best[:] = [(v, z, rates, e)]
        try:
            return -v, -slope(e)[0] * scale
        except ConvergenceError:
            return worse, np.zeros_like(y)

    minimize(
        objective, np.clip(x, low, high) / scale, jac=True, method="L-BFGS-B",
        bounds=list(zip(low / scale, high / scale, strict=True)),
        options={"maxiter": max_steps, "ftol": 1e-15, "gtol": 1e-10, "maxcor": 20},
    )  # fmt: skip
    if not best:
        return Found(x, frame.with_levers(levers, x), None, np.inf, 1, "failed")
    _, z, rates, e = best[0]
    g, h = slope(e)
    move = np.where(h > 1e-290, g / np.where(h > 1e-290, h, 1.0), 0.0)
    error = float(np.abs(np.clip(z + move, low, high) - z).max())
    return Found(z, rates, e, error, 0, "climbed")

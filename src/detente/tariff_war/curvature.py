"""Whether a point where first-order conditions hold is a maximum: the second-order test.

First-order conditions hold at minima and saddles too, and the iteration that solves them does not
tell them apart. What is tested, with levers at or next to a bound held where they are:

- one lever: the curvature in it;
- more levers: the largest curvature in the space of a short Lanczos run (:data:`PRODUCTS` steps)
  that starts at "all levers together"; with no more levers than steps this is every direction.
  Levers are scaled by the size of their flow first, which puts the curvatures of an ordinary
  maximum near -1, so that one of the other sign stands out after few steps.

Curvatures are differences of the exact gradient. Where an objective has no gradient, values on
both sides of every lever, and of all together, are compared instead. Either way a point is left
only for one whose value is higher: values decide. With many levers the test can miss a direction;
what it finds is certain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from detente.errors import ConvergenceError
from detente.models.blocks import Array
from detente.outcome.equilibrium import Equilibrium
from detente.tariff_war.arena import Arena, Rates, limits
from detente.tariff_war.levers import Levers
from detente.tariff_war.stationary import NOISE, Found, Slope

__all__ = ["PRODUCTS", "uphill"]

PRODUCTS = 4
"""Lanczos steps: each costs one equilibrium and one gradient."""

STEP = 1e-3
"""Difference in log(1 + t) behind a curvature; levers closer to a bound than this are held."""

FLAT = 1e-3
"""Curvatures (an ordinary maximum has -1) below this count as flat: along a common factor that
tariffs and export taxes share the objective does not change at all."""

REACHES = (0.01, 0.03, 0.1, 0.3, 1.0)
"""How far from the point values are compared, in log(1 + t)."""


def uphill(
    arena: Arena,
    levers: Sequence[Levers],
    value: Callable[[Equilibrium], float],
    slope: Slope | None,
    f: Found,
    *,
    others: Rates | None = None,
) -> Found | None:
    """A higher point near ``f``, where ``f`` is a minimum or a saddle; None where it passes.

    Parameters
    ----------
    value : the objective, in logs
    slope : its gradient and sizes, as for :func:`detente.tariff_war.stationary.stationary`; None
        compares values only
    f : a point where the first-order conditions hold
    others : the rates nobody here sets
    """
    assert f.at is not None
    low, high = limits(levers)
    free = (f.x > low + STEP) & (f.x < high - STEP)
    if not free.any():
        return None
    if slope is None:
        units = np.eye(len(f.x))[free]
        directions = [*units, free.astype(float)] if len(units) > 1 else [*units]
        reaches = REACHES[:2]
    else:
        found = _upward(arena, levers, slope, f, free, others or arena.rates)
        if found is None:
            return None
        directions, reaches = [found], REACHES
    level = value(f.at)
    best: Found | None = None
    for direction in directions:
        for sign in (1.0, -1.0):
            last = level
            for reach in reaches:
                x = np.clip(f.x + sign * reach * direction, low, high)
                rates = (others or arena.rates).with_levers(levers, x)
                e = arena.solve(rates, f.at)
                if e is None or value(e) <= last + NOISE:
                    if last > level + NOISE:
                        break  # over the top on this side
                    continue
                last = value(e)
                if best is None or best.at is None or last > value(best.at):
                    best = Found(x, rates, e, np.inf, 0, "climbed")
    return best


def _upward(
    arena: Arena, levers: Sequence[Levers], slope: Slope, f: Found, free: Array, frame: Rates
) -> Array | None:
    """The direction (M,), largest entry one, in which the objective curves up most; or None."""
    assert f.at is not None
    at = f.at
    try:
        g, h = slope(at)
    except ConvergenceError:
        return None
    root = np.sqrt(np.maximum(h, 1e-8 * h.max()))[free]
    if not root.max() > 0:
        return None

    def product(v: Array) -> Array | None:
        """The scaled second derivatives times ``v``, by a difference of gradients."""
        d = np.zeros_like(f.x)
        d[free] = v / root
        step = STEP / np.abs(d).max()
        e = arena.solve(frame.with_levers(levers, f.x + step * d), at)
        if e is None:
            return None
        try:
            return (slope(e)[0] - g)[free] / step / root
        except ConvergenceError:
            return None

    rng = np.random.default_rng(0)
    basis: list[Array] = []
    images: list[Array] = []
    v = root / np.linalg.norm(root)  # all levers together
    for _ in range(min(PRODUCTS, len(root))):
        image = product(v)
        if image is None:
            break
        basis.append(v)
        images.append(image)
        v = _apart(image, basis)
        if np.linalg.norm(v) < 1e-6 * np.linalg.norm(image):  # the run has closed on itself
            v = _apart(rng.normal(size=len(root)) * root, basis)
        size = float(np.linalg.norm(v))
        if not size > 0:
            break
        v = v / size
    if not basis:
        return None
    V, H = np.array(basis), np.array(images)
    curvature, vectors = np.linalg.eigh(0.5 * (V @ H.T + H @ V.T))
    if not curvature[-1] > FLAT:
        return None
    direction = np.zeros_like(f.x)
    direction[free] = (vectors[:, -1] @ V) / root
    return direction / np.abs(direction).max()


def _apart(v: Array, basis: list[Array]) -> Array:
    """What of ``v`` is orthogonal to the basis."""
    for _ in range(2):
        for b in basis:
            v = v - (b @ v) * b
    return v

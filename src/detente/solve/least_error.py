"""The last route: the unknowns that leave the smallest error, from several starts.

Where every solver has stopped short it says which of two things has happened. An error of zero is
an equilibrium that lies far from the base. A smallest error above zero, the same from start after
start, means that there is none to be found: a least-squares minimum is not passed by damping.
Dense and slow, so for small worlds only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Array = NDArray[Any]

__all__ = ["LARGEST", "LeastError", "least_error"]

LARGEST = 500
"""Unknowns up to which the search is run; a start takes seconds there."""

SPREAD = (0.0, 0.3, 1.0, 0.3, 1.0, 3.0, 0.3, 1.0, 3.0, 0.3)
"""Spread of the loose unknowns around zero, start after start until one meets the best before
it."""

SAME = 0.02
"""Sums of squares that differ by less than this part are the same minimum."""


class LeastError(NamedTuple):
    """Unknowns with the smallest error found, that error, and whether the starts agree on it."""

    value: Array
    error: float
    agreed: bool


def least_error(
    residual: Callable[[Array], Array],
    jacobian: Callable[[Array], Callable[[Array], Array]],
    size: int,
    loose: int,
    *,
    steps: int = 150,
) -> LeastError:
    """Minimise the sum of squared errors of the equations.

    Parameters
    ----------
    jacobian : at a point, the derivative along a vector
    size, loose : number of unknowns; the first ``loose`` of them are where the starts differ
    """

    def errors(z: Array) -> Array:
        with np.errstate(all="ignore"):
            r = residual(z)
        return np.where(np.isfinite(r), r, 1e3)

    def slopes(z: Array) -> Array:
        with np.errstate(all="ignore"):
            along = jacobian(z)
            columns = np.stack([along(v) for v in np.eye(size)], axis=1)
        return np.where(np.isfinite(columns), columns, 0.0)

    rng = np.random.default_rng(0)  # the same starts every time
    best: tuple[float, float, Array] | None = None
    agreed = False
    for spread in SPREAD:
        z = np.zeros(size)
        z[:loose] = rng.normal(0.0, spread, loose)
        end = least_squares(
            errors,
            z,
            jac=slopes,  # pyright: ignore[reportArgumentType]  (a function, says scipy's manual)
            max_nfev=steps,
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
        )
        cost = float(end.cost)
        if best is not None:
            agreed = abs(cost - best[0]) <= SAME * best[0]
        if best is None or cost < best[0]:
            best = cost, float(np.abs(end.fun).max()), end.x
        if agreed or best[1] < 1e-9:
            break
    assert best is not None
    return LeastError(best[2], best[1], agreed)

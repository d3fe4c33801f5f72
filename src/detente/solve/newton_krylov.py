"""Newton's method with GMRES steps and a line search: the second route to every solution.

It shares no step with :mod:`detente.solve.anderson`: it uses exact derivatives, so that the two
agree only where both have solved the same equations. It is also what takes over when the
accelerated fixed point stalls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.solve.krylov import KrylovSpace
from detente.solve.solution import Solution, Status

Vector = NDArray[Any]

__all__ = ["newton_krylov"]

SLOW = 100
"""Applications of the Jacobian in one linear solve that say that the direction is a poor one."""


@np.errstate(all="ignore")  # a trial point may overflow: it is judged by its residual
def newton_krylov(
    residual: Callable[[Vector], Vector],
    jacobian: Callable[[Vector], Callable[[Vector], Vector]],
    direction: Callable[[Vector], Vector],
    start: Vector,
    *,
    tol: float,
    max_steps: int = 60,
    largest_move: float = 1.0,
    inner: float = 1e-2,
    fitted: Callable[[Vector], Callable[[Vector], Vector]] | None = None,
) -> Solution:
    """Solve ``residual(z) = 0`` to ``max|residual| <= tol``.

    ``jacobian(z)`` returns the map from a vector to the Jacobian at ``z`` times it;
    ``direction`` preconditions (it approximates minus the inverse Jacobian). A step is cut so
    that no unknown (a log) moves by more than ``largest_move``, then halved until the residual
    norm falls. ``inner`` is the relative accuracy of each linear solve: where a direction hardly
    shows in the residual (countries that hardly trade) a loose one misses it. ``fitted(z)`` gives a
    direction that fits at ``z``, at some cost: it is asked once a linear solve has taken
    ``SLOW`` applications.
    """
    z = start.copy()
    with np.errstate(all="ignore"):
        r = residual(z)
    history = [float(np.abs(r).max())]
    status = Status.MAX_STEPS
    slow = False
    for _ in range(max_steps):
        if history[-1] <= tol:
            status = Status.CONVERGED
            break
        if not np.isfinite(history[-1]):
            status = Status.DIVERGING
            break
        toward = fitted(z) if slow and fitted is not None else direction
        space = KrylovSpace(jacobian(z), lambda v, d=toward: -d(v), z.size)
        step = space.solve(-r, rtol=min(inner, history[-1]))
        slow = slow or space.applications > SLOW
        length = min(1.0, largest_move / max(float(np.abs(step).max()), 1e-300))
        norm = float(np.linalg.norm(r))
        while True:
            with np.errstate(all="ignore"):
                trial = residual(z + length * step)
            if np.isfinite(trial).all() and np.linalg.norm(trial) < (1 - 1e-4 * length) * norm:
                break
            length *= 0.5
            if length < 1e-8:
                return Solution(
                    z, history[-1], Status.CYCLING, len(history), "newton-krylov", tuple(history)
                )
        z, r = z + length * step, trial
        history.append(float(np.abs(r).max()))
    if history[-1] <= tol:  # the last step may be the one that does it
        status = Status.CONVERGED
    return Solution(z, history[-1], status, len(history), "newton-krylov", tuple(history))

"""Anderson acceleration with a safeguard (Walker and Ni 2011, SIAM J. Numer. Anal. 49(4)).

The loop of this package, written once. The problem is ``residual(z) = 0``; ``direction(r)``
turns a residual into a plain step (damping, preconditioning), so that ``z + direction(r)`` is
the fixed-point map being accelerated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.solve.solution import Solution, Status

Vector = NDArray[Any]

__all__ = ["anderson"]


@np.errstate(all="ignore")  # a trial point may overflow: it is judged by its residual
def anderson(
    residual: Callable[[Vector], Vector],
    direction: Callable[[Vector], Vector],
    start: Vector,
    *,
    tol: float,
    max_steps: int = 500,
    memory: int = 8,
    patience: int = 60,
) -> Solution:
    """Solve ``residual(z) = 0`` to ``max|residual| <= tol``.

    Differences of past iterates and of past steps span a space in which the next step is the
    one with the smallest combined residual. An accelerated point that is not finite, or whose
    residual is more than ``10x`` the best so far, is thrown away with the memory, and a plain
    step is made from the best point instead.
    """
    z = start.copy()
    best_z, best_step, best = z, np.zeros_like(z), np.inf
    past: tuple[Vector, Vector] | None = None  # the point before, and its plain image
    dG, dM = np.empty((memory, z.size)), np.empty((memory, z.size))  # of steps, of images
    gram = np.zeros((memory, memory))
    held, shrink, since_best = 0, 1.0, 0
    history: list[float] = []
    status = Status.MAX_STEPS
    for _ in range(max_steps):
        r = residual(z)
        error = max(float(r.max()), -float(r.min()))
        history.append(error)
        if error <= tol:
            best_z, best, status = z, error, Status.CONVERGED
            break
        if not np.isfinite(error) or error > 10.0 * best:
            if shrink < 1e-6 or not np.isfinite(best):
                status = Status.DIVERGING
                break
            # the same plain step once more would repeat the failure: halve it next time
            z, shrink = best_z + shrink * best_step, 0.5 * shrink
            held, past = 0, None
            continue
        g = direction(r)
        image = z + g
        if error < best:
            best_z, best_step, best, since_best = z, g, error, 0
            shrink = min(1.0, 2.0 * shrink)
        else:
            since_best += 1
            if since_best > patience:
                status = Status.CYCLING
                break
        z = image
        if past is not None:
            row = held % memory
            np.subtract(g, past[0], out=dG[row])
            np.subtract(image, past[1], out=dM[row])
            held += 1
            m = min(held, memory)
            gram[row, :m] = gram[:m, row] = dG[:m] @ dG[row]
            z = image - _least_squares(gram[:m, :m], dG[:m] @ g) @ dM[:m]
        past = g, image
    return Solution(best_z, best, status, len(history), "anderson", tuple(history))


def _least_squares(gram: Vector, right: Vector) -> Vector:
    """Weights of the past steps; a ridge far below the data keeps the system solvable."""
    scale = 1.0 / np.sqrt(gram.diagonal() + 1e-300)
    normal = gram * scale[:, None] * scale
    normal.flat[:: len(normal) + 1] += 1e-12
    return scale * np.linalg.solve(normal, scale * right)

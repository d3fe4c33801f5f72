"""The third route: phase a change in, and follow the solution.

From a start where the solution is known, the change comes into force in steps. Each step starts
from where the last two point, and is halved until Newton's method reaches it. Where the path ends
before the change is complete, it ends because the solution stops making sense there (in trade:
some country's income goes to zero), or because the equations become singular and the path turns
back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from detente.solve.newton_krylov import newton_krylov
from detente.solve.solution import Solution, Status

Vector = NDArray[Any]

__all__ = ["PhasedIn", "Stage", "phase_in"]

LOOSE = 1e-9
"""Tolerance on the way; the last step is solved to the tolerance asked for. Looser, and unknowns
that hang on hardly anything drift along the path."""

NEAR = 1e-2
"""Part of the change short of all of it from where the last step is tried with a matrix; over
longer steps Newton's method leaps from one path to another."""

LARGEST = 500
"""Unknowns up to which that matrix is formed."""


class Stage(Protocol):
    """The equations with a part of the change in force."""

    def residual(self, z: Vector) -> Vector:
        """Errors of the equations."""
        ...

    def jacobian(self, z: Vector) -> Callable[[Vector], Vector]:
        """The derivative of the errors at ``z`` along a vector."""
        ...

    def direction(self, z: Vector) -> Callable[[Vector], Vector]:
        """The step direction that fits at ``z``."""
        ...

    def stands(self, z: Vector) -> bool:
        """Whether a solution makes sense."""
        ...


class PhasedIn(NamedTuple):
    """Where the path ended: ``share`` is the part of the change in force there, ``value`` the
    unknowns.

    ``turning`` (Z,) is None, or says how much each unknown takes part in the direction in which
    the equations have become singular.
    """

    share: float
    value: Vector
    solution: Solution | None
    turning: Vector | None = None


def phase_in(
    stage: Callable[[float], Stage],
    size: int,
    *,
    tol: float,
    smallest: float = 1e-5,
    max_solves: int = 200,
) -> PhasedIn:
    """Follow the solution from zeros, at ``stage(0)``, to ``stage(1)``.

    Parameters
    ----------
    smallest : the step, as a part of the change, below which the path is taken to end
    """
    z, share, step = np.zeros(size), 0.0, 0.25
    before: tuple[float, Vector] | None = None
    for _ in range(max_solves):
        trial = min(1.0, share + step)
        problem = stage(trial)
        guess = z
        if before is not None:
            guess = z + (trial - share) / (share - before[0]) * (z - before[1])
        solution = _solved(problem, guess, tol if trial == 1.0 else LOOSE)
        if solution.converged and problem.stands(solution.value):
            before, z, share = (share, z), solution.value, trial
            if share == 1.0:
                return PhasedIn(1.0, z, solution)
            step *= 2.0
        else:
            step *= 0.5
            if step < smallest:
                break
    if 1.0 - share < NEAR:
        problem = stage(1.0)
        last = _solved_densely(problem, z, tol)
        if last is not None and problem.stands(last.value):
            return PhasedIn(1.0, last.value, last)
    return PhasedIn(share, z, None, _turning(stage, share, z))


def _solved(problem: Stage, guess: Vector, tol: float) -> Solution:
    with np.errstate(all="ignore"):
        direction = problem.direction(guess)
        return newton_krylov(
            problem.residual, problem.jacobian, direction, guess, tol=tol, max_steps=8, inner=1e-8
        )


def _solved_densely(problem: Stage, guess: Vector, tol: float) -> Solution | None:
    """Newton's method with a matrix in hand, for where unknowns hang on so little that an
    iterative inner solve stalls; None where it does not arrive, or there are too many."""
    if guess.size > LARGEST:
        return None
    z, history = guess, []
    for _ in range(12):
        with np.errstate(all="ignore"):
            r = problem.residual(z)
        history.append(float(np.abs(r).max()))
        if history[-1] <= tol:
            return Solution(
                z, history[-1], Status.CONVERGED, len(history), "newton", tuple(history)
            )
        matrix = _matrix(problem, z)
        if not (np.isfinite(matrix).all() and np.isfinite(r).all()):
            return None
        try:
            move = np.linalg.solve(matrix, -r)
        except np.linalg.LinAlgError:
            return None
        z = z + move * min(1.0, 2.0 / max(float(np.abs(move).max()), 1e-300))
    return None


def _matrix(problem: Stage, z: Vector) -> Vector:
    with np.errstate(all="ignore"):
        along = problem.jacobian(z)
        columns = [along(v) for v in np.eye(z.size)]
    return np.stack(columns, axis=1)


def _singular(problem: Stage, z: Vector) -> tuple[Vector, Vector] | None:
    """Singular values of the Jacobian at ``z``, largest first, and the direction that goes with
    the last; None where its numbers overflow, as they do where an income vanishes."""
    matrix = _matrix(problem, z)
    if not np.isfinite(matrix).all():
        return None
    _, values, right = np.linalg.svd(matrix)
    return values, right[-1]


def _turning(
    stage: Callable[[float], Stage], share: float, z: Vector, largest: int = 3000
) -> Vector | None:
    """The direction (Z,) in which the equations have become singular, without signs, or None:
    they have not, or the system is too large to look, or its numbers overflow."""
    if z.size > largest:
        return None
    found = _singular(stage(share), z)
    first = _singular(stage(0.0), np.zeros_like(z))
    if found is None or first is None:
        return None
    values, direction = found
    if share == 0.0:
        lost = values[-1] < 1e-12 * values[0]
    else:
        lost = values[-1] < 0.1 * values[-2] and values[-1] < 0.1 * first[0][-1]
    return np.abs(direction) if lost else None

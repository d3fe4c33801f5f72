"""A step direction for models with few unknowns: the Jacobian at a point, inverted.

It costs a product with the Jacobian for every unknown and keeps a matrix of their number squared,
so it is for up to some thousands of them. It shapes the path only: the equations decide where it
ends.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from detente.models.blocks import Array, Instruments
from detente.models.closure import Closure
from detente.models.model import Model, Problem

__all__ = ["DenseSteps", "at_base", "dense_steps", "inverse", "jacobian"]


class DenseSteps(NamedTuple):
    """``inverse`` (Z, Z) is minus the inverse Jacobian."""

    inverse: Array

    def direction(self, r: Array) -> Array:
        """The step that a residual asks for."""
        return self.inverse @ r

    def transposed(self, r: Array) -> Array:
        """The transpose of :meth:`direction`."""
        return r @ self.inverse


def at_base(model: Model, base: Any) -> Problem:
    """The problem that the base itself solves: its tariffs, its deficits, nothing else levied."""
    policy = Instruments(base.tariff, None, None, np.zeros_like(base.deficit))
    closure = Closure("fixed", base.deficit, base.value_added)
    return Problem(base, policy, model.kernel(base, policy), closure)


def jacobian(model: Model, p: Any, problem: Problem) -> Array:
    """The Jacobian (Z, Z) of the model's equations at a point, a column for each unknown."""
    unit = np.eye(model.size(problem.base))
    return np.stack([model.tangent(v, p, problem) for v in unit], axis=1)


def dense_steps(model: Model, problem: Problem, p: Any = None) -> DenseSteps:
    """The step of ``problem`` at ``p``; at zero, where unknowns are those of the base, without it.

    Where the Jacobian is singular, what it leaves undetermined stays where it is.
    """
    if p is None:
        p = model.evaluate(np.zeros(model.size(problem.base)), problem)
    return DenseSteps(-inverse(jacobian(model, p, problem)))


def inverse(matrices: Array) -> Array:
    """Inverses (..., Z, Z) for steps. A singular matrix keeps still what it leaves undetermined;
    entries that are no numbers, far from anything that makes sense, count as zero."""
    try:
        found = np.linalg.inv(matrices)
        if np.isfinite(found).all():
            return found
    except np.linalg.LinAlgError:
        pass
    return np.linalg.pinv(np.where(np.isfinite(matrices), matrices, 0.0))

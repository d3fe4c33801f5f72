"""Gradients of many objectives, for models without code of their own for it.

An equilibrium ``F(z, p) = 0`` moves with policy by the implicit function theorem, so an objective
``g(z, p)`` has the gradient ``g_p - F_p' y`` with ``F_z' y = g_z``. The systems of R objectives
share their matrix. Few unknowns to the objective: the matrix is formed and solved. Many: all
systems go side by side through one preconditioned Krylov iteration, started from the solution at
a nearby point.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from detente.errors import ConvergenceError
from detente.models.bars import Columns, PolicyGradient
from detente.models.blocks import Array
from detente.models.model import Model, Problem, Steps

__all__ = ["Adjoint", "adjoint", "solve_columns"]

RTOL = 1e-11
"""Relative error at which the iteration stops."""

WORST = 1e-8
"""Relative error above which a solution is refused."""

FEW = 6
"""Unknowns to the objective up to which the matrix is formed: about what the iteration takes."""

LARGEST = 2000
"""Unknowns up to which the matrix is formed where the iteration stops short."""


@dataclass(frozen=True, eq=False)
class Adjoint:
    """The :class:`detente.models.model.Slopes` of any model: solved adjoints of R objectives.

    ``unknowns`` (Z, R) is the solution, ``error`` its largest relative error.
    """

    model: Model
    columns: Columns
    point: Any
    problem: Problem
    unknowns: Array
    error: float
    _found: dict[int, PolicyGradient] = field(default_factory=dict, repr=False)

    def tariff(self, column: int, importer: int) -> Array:
        """Derivative in log(1 + t) of the importer's tariffs, (J, N) = sector, exporter."""
        rate = self.problem.policy.tariff[:, importer, :]
        return self._gradient(column).tariff[:, importer, :] * (1.0 + rate)

    def export_tax(self, column: int, exporter: int) -> Array:
        """Derivative in log(1 + e) of the exporter's taxes, (J, N) = sector, importer."""
        slope = self._gradient(column).export_tax[:, :, exporter]
        tax = self.problem.policy.export_tax
        return slope if tax is None else slope * (1.0 + tax[:, :, exporter])

    def _gradient(self, column: int) -> PolicyGradient:
        if column not in self._found:
            bars, y = self.columns.bars(column), self.unknowns[:, column]
            found = self.model.policy_gradient(bars, y, self.point, self.problem)
            self._found[column] = found
        return self._found[column]


def adjoint(
    model: Model,
    columns: Columns,
    p: Any,
    problem: Problem,
    steps: Steps,
    start: Array | None = None,
) -> Adjoint:
    """Solve ``cotangent(y) = pull_back(columns)`` for the R objectives of ``columns``.

    Parameters
    ----------
    steps : the model's step direction; its transpose preconditions
    start : (Z, R), the solution at a nearby point

    Raises
    ------
    ConvergenceError
        A system stopped short: the equilibrium is close to singular.
    """
    R = columns.income.shape[1]
    right = np.stack([model.pull_back(columns.bars(r), p, problem) for r in range(R)], axis=1)

    def transpose(y: Array) -> Array:
        return np.stack([model.cotangent(c, p, problem) for c in y.T], axis=1)

    def precondition(r: Array) -> Array:
        return -np.stack([steps.transposed(c) for c in r.T], axis=1)

    y, error = None, np.inf
    if len(right) > FEW * R:
        y, error = solve_columns(transpose, precondition, right, start)
    if not error <= WORST and len(right) <= LARGEST:
        y, error = _solve_densely(transpose(np.eye(len(right))), right)
    if y is None or not error <= WORST:
        raise ConvergenceError(
            f"gradients: the adjoint systems stopped at a relative error of {error:.3g}; the "
            "equilibrium is close to singular there"
        )
    return Adjoint(model, columns, p, problem, y, error)


def solve_columns(
    apply: Callable[[Array], Array],
    precondition: Callable[[Array], Array],
    right: Array,
    start: Array | None = None,
    *,
    rtol: float = RTOL,
    limit: int = 200,
    memory: int = 24,
) -> tuple[Array, float]:
    """GCR on every column of ``apply(y) = right`` at once.

    Parameters
    ----------
    apply, precondition : maps of (Z, R) that act on each column alone; ``precondition`` is
        roughly the inverse of ``apply``
    memory : directions that are remembered before the iteration starts anew

    Returns
    -------
    The solution (Z, R), and the worst column's error relative to its right-hand side.
    """
    goal = np.maximum(np.linalg.norm(right, axis=0), 1e-300)
    y = np.zeros_like(right) if start is None else start.copy()
    r = right.copy() if start is None else right - apply(y)
    worse = ~(np.linalg.norm(r, axis=0) <= goal)  # a start that is worse than none
    y[:, worse], r[:, worse] = 0.0, right[:, worse]
    directions: list[Array] = []
    images: list[Array] = []
    error = float((np.linalg.norm(r, axis=0) / goal).max())
    for _ in range(limit):
        if error <= rtol:
            break
        d = precondition(r)
        a = apply(d)
        if len(images) == memory:
            directions, images = [], []
        for dk, ak in zip(directions, images, strict=True):
            w = (ak * a).sum(axis=0)
            a = a - w * ak
            d = d - w * dk
        size = np.linalg.norm(a, axis=0)
        inverse = np.where(size > 0, 1.0 / np.where(size > 0, size, 1.0), 0.0)
        directions.append(d * inverse)
        images.append(a * inverse)
        along = (images[-1] * r).sum(axis=0)
        y = y + along * directions[-1]
        r = r - along * images[-1]
        before, error = error, float((np.linalg.norm(r, axis=0) / goal).max())
        if not np.isfinite(error) or (error > 0.999 * before and error < 1e-9):
            break
    return y, error


def _solve_densely(matrix: Array, right: Array) -> tuple[Array, float]:
    """With the matrix in hand; the error is that of its product with the solution."""
    if not (np.isfinite(matrix).all() and np.isfinite(right).all()):
        return np.zeros_like(right), np.inf
    try:
        y = np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError:
        return np.zeros_like(right), np.inf
    left = np.linalg.norm(matrix @ y - right, axis=0)
    return y, float((left / np.maximum(np.linalg.norm(right, axis=0), 1e-300)).max())

"""The linearised equations for many objectives side by side.

:mod:`detente.models.caliendo_parro.linear` solves one adjoint system and gives all N x N x J
derivatives. A tariff war needs the other shape: of every player's objective the derivatives in
that player's own instruments only. The systems differ in their right-hand sides alone, so they
are solved side by side: a product is then a matrix times a block of columns instead of many
passes over the trade tensor, and the solution at the equilibrium before is where the next one
starts. The equations are those of ``linear``, with a trailing axis of ``R`` columns; the tests
hold the two together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detente.errors import ConvergenceError
from detente.models.bars import Columns
from detente.models.blocks import Array
from detente.models.caliendo_parro.equations import Point
from detente.models.caliendo_parro.preconditioner import Preconditioner
from detente.models.closure import Closure
from detente.models.model import Problem

__all__ = ["Slopes", "slopes"]

RTOL = 1e-11
LIMIT = 200
BLOCK_BYTES = 6e7
"""Columns are solved in blocks whose remembered directions take about this much each way."""


class _Weights(NamedTuple):
    log_P_new: Array
    Y: Array
    tariff_revenue: Array
    own: Array


class Slopes(NamedTuple):
    """Solved adjoints of R objectives at a point; ask it for derivatives.

    ``unknowns`` (N + 2 J N, R) is the solution, a good start at a nearby point.
    """

    point: Point
    problem: Problem
    weights: _Weights
    unknowns: Array
    error: float

    def tariff(self, column: int, importer: int) -> Array:
        """Derivative in log(1 + t) of the importer's tariffs, (J, N) = sector, exporter."""
        p, k = self.point, self.problem.kernel
        theta = self.problem.base.theta[:, None]
        border, sold = self._flows(importer)
        w, n = self.weights, importer
        price = -w.log_P_new[:, n, column] / (theta[:, 0] * p.supply[:, n])
        g = price[:, None] * (k.A[:, n, :] * p.u)
        g1 = (w.own[:, column] - w.tariff_revenue[n, column]) * border
        g2 = (w.Y[:, :, column] - w.own[:, column]) * sold
        return -theta * (g + g1 + g2) - g1 - g2

    def export_tax(self, column: int, exporter: int) -> Array:
        """Derivative in log(1 + e) of the exporter's taxes, (J, N) = sector, importer."""
        p, k, i = self.point, self.problem.kernel, exporter
        theta = self.problem.base.theta[:, None]
        w = self.weights
        border = k.B1[:, :, i] * p.u[:, i, None] * p.q
        tax = self.problem.policy.export_tax
        sold = border if tax is None else border / (1.0 + tax[:, :, i])
        price = -w.log_P_new[:, :, column] / (theta * p.supply)
        g = price * (k.A[:, :, i] * p.u[:, i, None])
        g1 = (w.own[i, column] - w.tariff_revenue[:, column]) * border
        g2 = (w.Y[:, i, column] - w.own[i, column])[:, None] * sold
        return -theta * (g + g1 + g2) - g2

    def _flows(self, importer: int) -> tuple[Array, Array]:
        """Purchases of one importer at border prices, and without export tax; (J, N)."""
        p, k, n = self.point, self.problem.kernel, importer
        border = k.B1[:, n, :] * p.u * p.q[:, n, None]
        tax = self.problem.policy.export_tax
        return border, border if tax is None else border / (1.0 + tax[:, n, :])


def slopes(
    columns: Columns, p: Point, problem: Problem, steps: Preconditioner, start: Array | None = None
) -> Slopes:
    """Solve the adjoint systems of ``columns`` at ``p``.

    Raises
    ------
    ConvergenceError
        A system stopped short: the equilibrium is close to singular.
    """
    size, R = p.log_w.size + 2 * p.X.size, columns.income.shape[1]
    width = max(1, int(BLOCK_BYTES / (8 * size * 24)))
    parts: list[Array] = []
    worst = 0.0
    for low in range(0, R, width):
        here = slice(low, low + width)
        right, _ = _pull(columns.part(here), None, p, problem)
        y, error = _solve(right, p, problem, steps, None if start is None else start[:, here])
        parts.append(y)
        worst = float(np.maximum(worst, error))  # no number is no solution
    if not worst <= 1e-8:
        raise ConvergenceError(
            f"gradients: the adjoint systems stopped at a relative error of {worst:.3g}; the "
            "equilibrium is close to singular there"
        )
    y = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    _, direct = _pull(columns, None, p, problem)
    weights, X_new, _ = _equation_weights(y, p, problem)
    _, implied = _pull(weights, X_new, p, problem)
    return Slopes(
        p, problem, _Weights(*(a - b for a, b in zip(direct, implied, strict=True))), y, worst
    )


# --- the transposed equations, a block of columns at a time -----------------------------------
def _split(z: Array, J: int, N: int) -> tuple[Array, Array, Array]:
    R = z.shape[1]
    return z[:N], z[N : N + J * N].reshape(J, N, R), z[N + J * N :].reshape(J, N, R)


def _join(w: Array, P: Array, x: Array) -> Array:
    R = w.shape[1]
    return np.concatenate([w, P.reshape(-1, R), x.reshape(-1, R)])


def _by_country(coefficients: Array, values: Array) -> Array:
    """(N, a, b) applied to (b, N, R)."""
    return np.matmul(coefficients, values.transpose(1, 0, 2)).transpose(1, 0, 2)


def _pull(
    columns: Columns, X_new: Array | None, p: Point, problem: Problem
) -> tuple[Array, _Weights]:
    """Weights on contents to weights on unknowns, and those the instruments meet."""
    base, _, k, closure = problem
    theta = base.theta[:, None, None]
    linked = bool(base.gamma.any())
    b_income, b_Y = columns.income, columns.Y
    if X_new is not None:
        b_income = b_income + np.einsum("jn,jnr->nr", base.alpha, X_new)
        if linked:
            b_Y = b_Y + _by_country(base.gamma, X_new)
    b_own = b_income + _closure_adjoint(closure, p.income - p.deficit, b_income)
    u, q, supply = p.u[:, :, None], p.q[:, :, None], p.supply[:, :, None]
    net = (p.net_of_tariff * p.supply)[:, :, None]
    b_tariff = b_own if columns.tariff_revenue is None else b_own + columns.tariff_revenue
    b_q = np.matmul(k.B, u * b_Y) - net * b_tariff
    b_c = u * np.matmul(k.B1.transpose(0, 2, 1), theta * q * b_tariff)
    b_c -= theta * p.Y[:, :, None] * b_Y
    for j in k.taxed:
        gap = k.B1[j] - k.B[j]
        b_q[j] += gap @ (u[j] * b_own)
        b_c[j] -= base.theta[j] * p.u[j][:, None] * (p.q[j] @ gap)[:, None] * b_own
    b_P_new = columns.log_P_new + theta * q * b_q
    b_c += u * np.matmul(k.A.transpose(0, 2, 1), b_P_new / supply)
    b_x = p.X[:, :, None] * b_tariff + q * b_q
    wage_bill = np.exp(p.log_w) * base.value_added
    b_w = wage_bill[:, None] * b_own + np.einsum("jn,jnr->nr", base.beta, b_c)
    if columns.log_w is not None:
        b_w = b_w + columns.log_w
    b_P = _by_country(k.gamma_by_input, b_c) if linked else np.zeros_like(b_c)
    return _join(b_w, b_P, b_x), _Weights(b_P_new, b_Y, b_tariff, b_own)


def _closure_adjoint(closure: Closure, own: Array, weight: Array) -> Array:
    if closure.name != "share":
        return np.zeros_like(weight)
    return np.stack([closure.adjoint(own, w) for w in weight.T], axis=1)


def _equation_weights(y: Array, p: Point, problem: Problem) -> tuple[Columns, Array, Array]:
    """Weights on the equations as weights on the point's contents, those on ``X_new``, and those
    on the unknowns that the equations name themselves."""
    base, k = problem.base, problem.kernel
    J, N = base.beta.shape
    yw, yP, yx = _split(y, J, N)
    used = base.spending > 0
    wage_bill = np.exp(p.log_w) * base.value_added
    member = k.group[:, None] == np.arange(len(k.numeraire))  # (N, G)
    in_group = (member.T.astype(float) @ yw) / (member.T @ wage_bill)[:, None]
    Y = base.beta[:, :, None] * (yw / p.value_added[:, None])
    scale = np.where(used, 1.0 / np.where(used, p.X_new, 1.0), 0.0)
    direct = _join(-yw - wage_bill[:, None] * in_group[k.group], -yP, -yx)
    return Columns(np.zeros_like(yw), yP, Y), scale[:, :, None] * yx, direct


def _cotangent(y: Array, p: Point, problem: Problem) -> Array:
    weights, X_new, direct = _equation_weights(y, p, problem)
    return _pull(weights, X_new, p, problem)[0] + direct


def _precondition(r: Array, steps: Preconditioner) -> Array:
    """Minus the transposed step of the solver, for a block of columns."""
    J, N = steps.wage_prices.shape
    scale = np.maximum(np.abs(r).max(axis=0), 1e-300)
    b_w, b_P, b_x = _split((r / scale).astype(np.float32), J, N)
    seen = b_w + np.einsum("jn,jnr->nr", steps.wage_prices, b_P)
    seen = seen + np.einsum("jn,jnr->nr", steps.wage_orders, b_x)
    c_w = steps.wages.T @ seen
    more = b_x + steps.order_wages[:, :, None] * c_w
    c_x = _by_country(steps.orders.transpose(0, 2, 1), more)
    more = b_P + _by_country(steps.price_orders.transpose(0, 2, 1), c_x)
    more = more + steps.price_wages[:, :, None] * c_w
    c_P = _by_country(steps.prices.transpose(0, 2, 1), more)
    return -scale * _join(c_w, c_P, c_x).astype(float)


def _solve(
    right: Array,
    p: Point,
    problem: Problem,
    steps: Preconditioner,
    start: Array | None,
    memory: int = 24,
) -> tuple[Array, float]:
    """GCR on every column at once; returns the solution and its worst relative error."""
    goal = np.maximum(np.linalg.norm(right, axis=0), 1e-300)
    y = np.zeros_like(right) if start is None else start.copy()
    r = right if start is None else right - _cotangent(y, p, problem)
    if start is not None:
        worse = np.linalg.norm(r, axis=0) > goal
        y[:, worse], r[:, worse] = 0.0, right[:, worse]
    directions: list[Array] = []
    images: list[Array] = []
    error = float((np.linalg.norm(r, axis=0) / goal).max())
    for _ in range(LIMIT):
        if error <= RTOL:
            break
        d = _precondition(r, steps)
        a = _cotangent(d, p, problem)
        if len(images) == memory:
            directions, images = [], []
        for dk, ak in zip(directions, images, strict=True):
            w = np.einsum("zr,zr->r", ak, a)
            a -= w * ak
            d -= w * dk
        size = np.linalg.norm(a, axis=0)
        inverse = np.where(size > 0, 1.0 / np.where(size > 0, size, 1.0), 0.0)
        d *= inverse
        a *= inverse
        directions.append(d)
        images.append(a)
        along = np.einsum("zr,zr->r", a, r)
        y = y + along * d
        r = r - along * a
        before, error = error, float((np.linalg.norm(r, axis=0) / goal).max())
        if not np.isfinite(error) or (error > 0.999 * before and error < 1e-9):
            break
    return y, error

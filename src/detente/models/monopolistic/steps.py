"""The step direction: minus the inverse Jacobian at a point, in blocks.

Sectors meet in wages and spending only, so that numbers of firms are eliminated sector by sector
and one matrix of 2N unknowns is left. It is written out from flows and shares, not from
:func:`detente.models.monopolistic.linear.tangent`, and costs N times less than unit vectors would.
It shapes the path only: the equations decide where it ends.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detente.models.blocks import Array
from detente.models.closure import Closure
from detente.models.dense import DenseSteps, inverse
from detente.models.monopolistic.economy import Base
from detente.models.monopolistic.equations import Kernel, Point, entering, firms

__all__ = ["BlockSteps", "block_steps"]

SINGULAR = 1e-6
"""Error of an inverse from which a sector's equations are not solved by themselves."""

LARGEST = 1500
"""Numbers of firms up to which all are then solved for at once."""


class BlockSteps(NamedTuple):
    """``core`` (2N, 2N) inverts wages and spending once firms are eliminated.

    Where entry is free: ``firms`` (J, N, N) inverts each sector's own equations, ``seen``
    (J, 2N, N) is what their errors do to those of wages and spending, ``moved`` (J, N, 2N) what
    wages and spending do to numbers of firms. Empty arrays where it is not.
    """

    core: Array
    firms: Array
    seen: Array
    moved: Array

    def direction(self, r: Array) -> Array:
        """The step that a residual asks for."""
        size = len(self.core)
        if not len(self.firms):
            return -(self.core @ r)
        r_M = r[size:].reshape(len(self.firms), -1, 1)
        h = self.core @ ((self.seen @ r_M).sum(axis=0)[:, 0] - r[:size])
        M = -(self.firms @ r_M)[:, :, 0] - self.moved @ h
        return np.concatenate([h, M.ravel()])

    def transposed(self, r: Array) -> Array:
        """The transpose of :meth:`direction`, for adjoint systems."""
        size = len(self.core)
        if not len(self.firms):
            return -(r @ self.core)
        b_M = r[size:].reshape(len(self.firms), 1, -1)
        h = (r[:size] - (b_M @ self.moved).sum(axis=0)[0]) @ self.core
        M = h @ self.seen - (b_M @ self.firms)[:, 0]
        return np.concatenate([-h, M.ravel()])


def block_steps(p: Point, base: Base, k: Kernel, closure: Closure) -> BlockSteps | DenseSteps:
    """The step of the equations at ``p``."""
    N = len(p.log_w)
    on_w, on_E, on_M, sales, rivals = _derivatives(p, base, k, closure)
    lost = base.theta[:, None] * p.M  # a dearer firm sells as much less as fewer firms
    core = np.concatenate([on_w - (on_M * lost[:, None, :]).sum(axis=0), on_E], axis=1)
    none = np.empty((0, 0, 0))
    if not base.free:
        return BlockSteps(inverse(core), none, none, none)
    works = entering(base, k)
    per_each = np.where(works, 1.0 / np.where(works, p.each, 1.0), 0.0)[:, :, None]
    rivals, sales = per_each * rivals, per_each * sales  # on the log of what a firm sells
    direct = np.where(works, base.sigma[:, None], 0.0)[:, :, None] * np.eye(N)
    by_h = np.concatenate([-rivals * lost[:, None, :] - direct, sales], axis=2)
    slope = firms(p.m)[1][:, None, :]
    own = np.where(works & (p.m >= -1.0), 0.0, 1.0)[:, :, None] * np.eye(N)
    on_m, by_m = on_M * slope, rivals * slope - own
    inner = inverse(by_m)
    miss = np.abs(by_m @ inner - np.eye(N)).max()
    if p.m.size <= LARGEST and not miss < SINGULAR:
        return DenseSteps(-inverse(_whole(core, on_m, by_h, by_m)))
    seen, moved = on_m @ inner, inner @ by_h
    return BlockSteps(inverse(core - (on_m @ moved).sum(axis=0)), inner, seen, moved)


def _whole(core: Array, on_m: Array, by_h: Array, by_m: Array) -> Array:
    """The Jacobian in one piece: where two countries' firms sell to the same buyers only, their
    numbers are not determined sector by sector, but with wages they are."""
    J, size, N = on_m.shape
    whole = np.zeros((size + J * N, size + J * N))
    whole[:size, :size] = core
    for j in range(J):
        at = slice(size + j * N, size + (j + 1) * N)
        whole[:size, at], whole[at, :size], whole[at, at] = on_m[j], by_h[j], by_m[j]
    return whole


def _derivatives(
    p: Point, base: Base, k: Kernel, closure: Closure
) -> tuple[Array, Array, Array, Array, Array]:
    """Derivatives of the wage and spending equations in log w at given u (2N, N), in log E (2N, N)
    and in each sector's firms (J, 2N, N); of what a firm sells in log E and in firms (J, N, N)."""
    N = len(p.log_w)
    here, eye = np.arange(N), np.eye(N)
    spread = p.one[:, None, :]
    border = k.B1 * spread * p.q[:, :, None]  # sold by one firm
    sold = border if k.B is k.B1 else k.B * spread * p.q[:, :, None]
    share = k.A * spread / p.supply[:, :, None]
    sales = sold.transpose(0, 2, 1)
    rivals = -(sales @ share)
    M = p.M[:, :, None]
    by_M = M * rivals  # of all sales
    by_M[:, here, here] += p.each
    by_E = M * sales
    spent = (p.X * p.net)[:, :, None]
    revenue = spent * share - border
    revenue_E = np.diag(p.tariff_revenue)
    if sold is not border:
        gap = (border - sold).transpose(0, 2, 1)
        revenue = revenue - M * (gap @ share)
        revenue[:, here, here] += gap.sum(axis=2)
        revenue_E = revenue_E + (M * gap).sum(axis=0)

    rho = base.rho[:, None, None]
    same = k.group[:, None] == k.group
    level = same / (same @ p.value_added)[:, None]
    kept = eye + np.stack([closure.derivative(p.income - p.deficit, e) for e in eye], axis=1)
    labour = np.where(p.labour > 0, p.labour, 1.0)[:, None]
    kept /= p.income[:, None]

    def errors(to_labour: Array, profits: Array, own: Array) -> Array:
        return np.concatenate([to_labour / labour - level @ profits, kept @ own], axis=-2)

    profits = (1.0 - rho) * by_M
    on_M = errors(rho * by_M, profits, profits + revenue)
    profits = ((1.0 - rho) * by_E).sum(axis=0)
    on_E = errors((rho * by_E).sum(axis=0), profits, profits + revenue_E)
    on_E[N:] -= eye
    wages = np.diag(p.wage_bill)
    return errors(-eye * labour, wages, wages), on_E, on_M, sales, rivals

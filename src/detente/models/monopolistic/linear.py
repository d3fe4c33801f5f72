"""The equations of :mod:`detente.models.monopolistic.equations`, linearised at a point.

``tangent`` is the Jacobian of :func:`equations` times a vector, ``cotangent`` its transpose times a
vector; each costs what a step does. ``pull_back`` carries weights on anything a :class:`Point`
holds back to the unknowns, and ``policy_gradient`` carries them on to the instruments.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detente.models.bars import Bars, PolicyGradient
from detente.models.blocks import Array, Instruments, from_exporters, to_exporters
from detente.models.closure import Closure
from detente.models.levied import levied_gradient
from detente.models.monopolistic.economy import Base
from detente.models.monopolistic.equations import Kernel, Point, entering, firms, join, split

__all__ = ["cotangent", "policy_gradient", "pull_back", "tangent"]


def tangent(v: Array, p: Point, base: Base, k: Kernel, closure: Closure) -> Array:
    """Directional derivative of the equation errors along ``v`` (the unknowns' layout)."""
    N = len(p.log_w)
    dw, dE, dm = split(v, base)
    dc = -base.theta[:, None] * dw
    dM = firms(p.m)[1] * dm
    du = p.one * dM + p.u * dc
    dq = p.q * (dE - from_exporters(k.A, du) / p.supply)
    d_each = p.one * to_exporters(k.B, dq) + p.each * dc
    dY = p.M * d_each + p.each * dM
    d_tariff = (p.X * dE - dq * p.net * p.supply - p.q * from_exporters(k.B1, du)).sum(axis=0)
    d_export = np.zeros(N)
    for j in k.taxed:
        gap = k.B1[j] - k.B[j]
        d_export += p.u[j] * (dq[j] @ gap) + du[j] * (p.q[j] @ gap)
    d_earned = p.wage_bill * dw + (1.0 - base.rho) @ dY
    d_own = d_earned + d_tariff + d_export
    d_income = d_own + closure.derivative(p.income - p.deficit, d_own)
    groups = len(k.numeraire)
    d_level = np.bincount(k.group, d_earned, groups) / np.bincount(k.group, p.value_added, groups)
    r_w = base.rho @ dY / p.labour - dw - d_level[k.group]
    r_E = d_income / p.income - dE
    if not base.free:
        return np.concatenate([r_w, r_E])
    works = entering(base, k)
    r_m = d_each / np.where(works, p.each, 1.0) - dw - (p.m < -1.0) * dm
    return join(r_w, r_E, np.where(works, r_m, -dm), base)


class Pulled(NamedTuple):
    """Weights on the unknowns ``z``, and those on the way that the instruments meet:
    price indices, sales, what a firm sells, both revenues (own income's weight included) and own
    income."""

    z: Array
    log_P_new: Array
    Y: Array
    each: Array
    tariff_revenue: Array
    export_revenue: Array
    own: Array


def pull_back(
    b: Bars, p: Point, base: Base, k: Kernel, closure: Closure, b_each: Array | float = 0.0
) -> Pulled:
    """Go back through the equations: weights on a point's contents to weights on unknowns.

    Each line is the transpose of one of :func:`tangent`, in reverse order. ``b_each`` weighs
    :attr:`Point.each`.
    """
    theta = base.theta[:, None]
    b_X_new = np.broadcast_to(np.asarray(b.X_new, dtype=float), p.X.shape)
    b_income = b.income + (base.alpha * b_X_new).sum(axis=0)
    b_own = b_income + closure.adjoint(p.income - p.deficit, b.deficit + b_income)
    b_tariff, b_export = b.tariff_revenue + b_own, b.export_revenue + b_own
    b_Y = b.Y + (1.0 - base.rho)[:, None] * b_own
    each = np.broadcast_to(np.asarray(b_each, dtype=float), p.X.shape)
    sold = p.M * b_Y + each
    b_q = from_exporters(k.B, p.one * sold) - p.net * p.supply * b_tariff
    b_u = -to_exporters(k.B1, p.q * b_tariff)
    for j in k.taxed:
        gap = k.B1[j] - k.B[j]
        b_q[j] += gap @ (p.u[j] * b_export)
        b_u[j] += (p.q[j] @ gap) * b_export
    if b.flows is not None:
        weighted = b.flows * k.B1
        b_q += from_exporters(weighted, p.u)
        b_u += to_exporters(weighted, p.q)
    b_P_new = b.log_P_new + theta * p.q * b_q
    b_u -= to_exporters(k.A, b_P_new / (theta * p.supply))
    b_E = (p.X * b_tariff + p.q * b_q).sum(axis=0)
    b_m = firms(p.m)[1] * (p.one * b_u + p.each * b_Y)
    b_c = b.log_c - theta * (p.u * b_u + p.each * sold)
    b_w = b.log_w + p.wage_bill * b_own + b_c.sum(axis=0)
    return Pulled(join(b_w, b_E, b_m, base), b_P_new, b_Y, each, b_tariff, b_export, b_own)


def equation_bars(y: Array, p: Point, base: Base, k: Kernel) -> tuple[Bars, Array | float, Array]:
    """Weights ``y`` on the equations as weights on the point's contents, as weights on what a firm
    sells, and as weights on the unknowns that the equations name themselves."""
    yw, yE, ym = split(y, base)
    groups = len(k.numeraire)
    level = np.bincount(k.group, yw, groups) / np.bincount(k.group, p.value_added, groups)
    earned = -level[k.group]  # on what labour and firms earn: wage bills and profits
    bars = Bars(
        Y=base.rho[:, None] * (yw / p.labour) + (1.0 - base.rho)[:, None] * earned,
        income=yE / p.income,
    )
    direct_w = p.wage_bill * earned - yw
    if not base.free:
        return bars, 0.0, np.concatenate([direct_w, -yE])
    works = entering(base, k)
    on_firms = np.where(works, ym, 0.0)
    direct_m = -np.where(works & (p.m >= -1.0), 0.0, ym)
    direct = join(direct_w - on_firms.sum(axis=0), -yE, direct_m, base)
    return bars, on_firms / np.where(works, p.each, 1.0), direct


def cotangent(y: Array, p: Point, base: Base, k: Kernel, closure: Closure) -> Array:
    """Transpose of :func:`tangent`: weights on the equations to weights on the unknowns."""
    bars, each, direct = equation_bars(y, p, base, k)
    return pull_back(bars, p, base, k, closure, each).z + direct


def policy_gradient(
    objective: Bars,
    y: Array,
    policy: Instruments,
    p: Point,
    base: Base,
    k: Kernel,
    closure: Closure,
) -> PolicyGradient:
    """Derivative of an objective less ``y`` times the equations, unknowns held.

    With ``y`` the solution of ``cotangent(y) = pull_back(objective).z`` this is the total
    derivative (implicit function theorem). A flow that is zero or banned has derivative zero.
    """
    direct = pull_back(objective, p, base, k, closure)
    bars, each, _ = equation_bars(y, p, base, k)
    implied = pull_back(bars, p, base, k, closure, each)
    b_P_new, b_Y, b_each, b_tariff, b_export, b_own = (
        a - b for a, b in zip(direct[1:], implied[1:], strict=True)
    )
    price = -b_P_new / (base.theta[:, None] * p.supply)
    more = None  # a firm that stays out would also sell less
    if base.free:
        more = k.B * p.q[:, :, None] * (p.one * b_each)[:, None, :]
    found = levied_gradient(
        price, b_Y, b_tariff, b_export, objective.flows, more, base.theta, policy, k, p.u, p.q
    )
    return PolicyGradient(*found, b_own + objective.transfer)

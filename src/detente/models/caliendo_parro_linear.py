"""The equations of :mod:`detente.models.caliendo_parro`, linearised at a point.

``tangent`` is the Jacobian of :func:`equations` times a vector, ``cotangent`` its transpose
times a vector; each costs three streaming passes, as a step does. Checked against each other
(inner products) and against complex-step derivatives in the tests.
"""

from __future__ import annotations

import numpy as np

from detente.models.blocks import Array, Economy, by_country, from_exporters, to_exporters
from detente.models.caliendo_parro import Kernel, Point, join, split
from detente.models.closure import Closure

__all__ = ["cotangent", "tangent"]


def tangent(v: Array, p: Point, base: Economy, k: Kernel, closure: Closure) -> Array:
    """Directional derivative of the equation errors along ``v`` (the unknowns' layout)."""
    J, N = base.beta.shape
    theta = base.theta[:, None]
    dw, dP, dx = split(v, J, N)
    dc = base.beta * dw + by_country(base.gamma, dP)
    udc = p.u * dc
    dP_new = from_exporters(k.A, udc) / p.supply
    dq = p.q * (dx + theta * dP_new)
    dY = p.u * to_exporters(k.B, dq) - theta * dc * p.Y
    net = p.net_of_tariff * p.supply
    d_tariff = (p.X * dx - dq * net + theta * p.q * from_exporters(k.B1, udc)).sum(axis=0)
    d_export = np.zeros(N)
    for j in k.taxed:
        gap = k.B1[j] - k.B[j]
        d_export += p.u[j] * (dq[j] @ gap) - base.theta[j] * udc[j] * (p.q[j] @ gap)
    wage_bill = np.exp(p.log_w) * base.value_added
    d_own = wage_bill * dw + d_tariff + d_export
    own = p.income - p.deficit
    d_income = d_own + closure.derivative(own, d_own)
    dX_new = by_country(k.gamma_by_input, dY) + base.alpha * d_income
    r_w = (base.beta * dY).sum(axis=0) / p.value_added - dw
    r_w -= _group_mean(wage_bill * dw, wage_bill, k)
    used = base.spending > 0
    r_x = np.where(used, dX_new / np.where(used, p.X_new, 1.0) - dx, -dx)
    return join(r_w, dP_new - dP, r_x)


def cotangent(y: Array, p: Point, base: Economy, k: Kernel, closure: Closure) -> Array:
    """Transpose of :func:`tangent`: weights on the equations to weights on the unknowns."""
    J, N = base.beta.shape
    theta = base.theta[:, None]
    yw, yP, yx = split(y, J, N)
    used = base.spending > 0
    wage_bill = np.exp(p.log_w) * base.value_added
    bX_new = np.where(used, yx / np.where(used, p.X_new, 1.0), 0.0)
    b_income = (base.alpha * bX_new).sum(axis=0)
    bY = by_country(base.gamma, bX_new) + base.beta * (yw / p.value_added)
    b_own = b_income + closure.adjoint(p.income - p.deficit, b_income)
    groups = int(k.group.max()) + 1
    in_group = np.bincount(k.group, yw, groups) / np.bincount(k.group, wage_bill, groups)
    bw = wage_bill * (b_own - in_group[k.group]) - yw
    bx = p.X * b_own - yx
    bq = from_exporters(k.B, p.u * bY) - p.net_of_tariff * p.supply * b_own
    bc = p.u * to_exporters(k.B1, theta * p.q * b_own) - theta * p.Y * bY
    for j in k.taxed:
        gap = k.B1[j] - k.B[j]
        bq[j] += gap @ (p.u[j] * b_own)
        bc[j] -= base.theta[j] * p.u[j] * (p.q[j] @ gap) * b_own
    bx += p.q * bq
    bP_new = yP + theta * p.q * bq
    bc += p.u * to_exporters(k.A, bP_new / p.supply)
    bw += (base.beta * bc).sum(axis=0)
    bP = by_country(k.gamma_by_input, bc) - yP
    return join(bw, bP, bx)


def _group_mean(values: Array, weights: Array, k: Kernel) -> Array:
    groups = int(k.group.max()) + 1
    return (np.bincount(k.group, values, groups) / np.bincount(k.group, weights, groups))[k.group]

"""The equations of :mod:`detente.models.caliendo_parro.equations`, linearised at a point.

``tangent`` is the Jacobian of :func:`equations` times a vector, ``cotangent`` its transpose
times a vector; each costs three streaming passes, as a step does. ``pull_back`` is the general
transpose: it carries weights on anything a :class:`Point` holds back to the unknowns, and
``policy_gradient`` carries them on to the instruments. Checked against each other (inner
products) and against differences in the tests.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detente.models.bars import Bars, PolicyGradient
from detente.models.blocks import (
    Array,
    Instruments,
    by_country,
    from_exporters,
    to_exporters,
)
from detente.models.caliendo_parro.economy import Economy
from detente.models.caliendo_parro.equations import Kernel, Point, join, split
from detente.models.closure import Closure
from detente.models.levied import levied_gradient

__all__ = ["cotangent", "equation_bars", "policy_gradient", "pull_back", "tangent"]


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


class Pulled(NamedTuple):
    """Weights on the unknowns ``z``, and those on the way that the instruments meet:
    price indices, sales, both revenues (own income's weight included) and own income."""

    z: Array
    log_P_new: Array
    Y: Array
    tariff_revenue: Array
    export_revenue: Array
    own: Array


def pull_back(b: Bars, p: Point, base: Economy, k: Kernel, closure: Closure) -> Pulled:
    """Go back through the equations: weights on a point's contents to weights on unknowns.

    Each line is the transpose of one of :func:`tangent`, in reverse order.
    """
    theta = base.theta[:, None]
    b_X_new = np.broadcast_to(np.asarray(b.X_new, dtype=float), p.X.shape)
    b_income = b.income + (base.alpha * b_X_new).sum(axis=0)
    b_Y = b.Y + by_country(base.gamma, b_X_new)
    b_own = b_income + closure.adjoint(p.income - p.deficit, b.deficit + b_income)
    b_tariff, b_export = b.tariff_revenue + b_own, b.export_revenue + b_own
    b_q = from_exporters(k.B, p.u * b_Y) - p.net_of_tariff * p.supply * b_tariff
    b_c = p.u * to_exporters(k.B1, theta * p.q * b_tariff) - theta * p.Y * b_Y + b.log_c
    for j in k.taxed:
        gap = k.B1[j] - k.B[j]
        b_q[j] += gap @ (p.u[j] * b_export)
        b_c[j] -= base.theta[j] * p.u[j] * (p.q[j] @ gap) * b_export
    if b.flows is not None:
        weighted = b.flows * k.B1
        b_q += from_exporters(weighted, p.u)
        b_c -= theta * p.u * to_exporters(weighted, p.q)
    b_P_new = b.log_P_new + theta * p.q * b_q
    b_c += p.u * to_exporters(k.A, b_P_new / p.supply)
    b_x = p.X * b_tariff + p.q * b_q
    wage_bill = np.exp(p.log_w) * base.value_added
    b_w = b.log_w + wage_bill * b_own + (base.beta * b_c).sum(axis=0)
    b_P = by_country(k.gamma_by_input, b_c)
    return Pulled(join(b_w, b_P, b_x), b_P_new, b_Y, b_tariff, b_export, b_own)


def equation_bars(y: Array, p: Point, base: Economy, k: Kernel) -> tuple[Bars, Array]:
    """Weights ``y`` on the equations as weights on the point's contents, and as weights on the
    unknowns that the equations name themselves."""
    J, N = base.beta.shape
    yw, yP, yx = split(y, J, N)
    used = base.spending > 0
    wage_bill = np.exp(p.log_w) * base.value_added
    groups = len(k.numeraire)
    in_group = np.bincount(k.group, yw, groups) / np.bincount(k.group, wage_bill, groups)
    bars = Bars(
        log_P_new=yP,
        Y=base.beta * (yw / p.value_added),
        X_new=np.where(used, yx / np.where(used, p.X_new, 1.0), 0.0),
    )
    return bars, join(-yw - wage_bill * in_group[k.group], -yP, -yx)


def cotangent(y: Array, p: Point, base: Economy, k: Kernel, closure: Closure) -> Array:
    """Transpose of :func:`tangent`: weights on the equations to weights on the unknowns."""
    bars, direct = equation_bars(y, p, base, k)
    return pull_back(bars, p, base, k, closure).z + direct


def policy_gradient(
    objective: Bars,
    y: Array,
    policy: Instruments,
    p: Point,
    base: Economy,
    k: Kernel,
    closure: Closure,
) -> PolicyGradient:
    """Derivative of an objective less ``y`` times the equations, unknowns held.

    With ``y`` the solution of ``cotangent(y) = pull_back(objective).z`` this is the total
    derivative (implicit function theorem). A flow that is zero or banned has derivative zero.
    """
    direct = pull_back(objective, p, base, k, closure)
    implied = pull_back(equation_bars(y, p, base, k)[0], p, base, k, closure)
    b_P_new, b_Y, b_tariff, b_export, b_own = (
        a - b for a, b in zip(direct[1:], implied[1:], strict=True)
    )
    price = -b_P_new / (base.theta[:, None] * p.supply)
    found = levied_gradient(
        price, b_Y, b_tariff, b_export, objective.flows, None, base.theta, policy, k, p.u, p.q
    )
    return PolicyGradient(*found, b_own + objective.transfer)


def _group_mean(values: Array, weights: Array, k: Kernel) -> Array:
    groups = len(k.numeraire)
    return (np.bincount(k.group, values, groups) / np.bincount(k.group, weights, groups))[k.group]

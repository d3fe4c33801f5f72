"""The equations of :mod:`detente.models.labour_supply.equations`, linearised at a point.

``tangent`` is the Jacobian of :func:`equations` times a vector, ``cotangent`` its transpose times
a vector, ``jacobian`` the matrix. ``pull_back`` is the general transpose: it carries weights on
anything a point holds back to the unknowns, and ``policy_gradient`` carries them on to the
instruments.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detente.models.bars import Bars, PolicyGradient
from detente.models.blocks import Array, Instruments
from detente.models.closure import Closure
from detente.models.labour_supply.economy import Economy
from detente.models.labour_supply.equations import Kernel, Point, join, split

__all__ = ["cotangent", "jacobian", "policy_gradient", "pull_back", "tangent"]


def tangent(v: Array, p: Point, base: Economy, k: Kernel, closure: Closure) -> Array:
    """Directional derivative of the equation errors along ``v`` (the unknowns' layout)."""
    kappa, psi, nu, phi, relief, _ = base.at
    eps, A, B1 = base.theta[0], k.A[0], k.B1[0]
    dw, dE, dL = split(v)
    dc = dw - psi * dL
    udc = p.u * dc
    paid_more = (A @ udc) / p.supply  # what costs alone add to the price index
    dP = (1.0 - phi) * (dE - dw) + paid_more
    dq = p.q * (dE + eps * paid_more)
    d_bought = dq * p.net - eps * p.q * (B1 @ udc)
    dR = p.X[0] * dE - d_bought
    d_earned = p.u * (((1.0 - nu) * dq) @ B1) - eps * dc * p.paid + nu * d_bought
    d_bill = p.wage_bill * (dw + dL)
    d_own = d_bill + dR
    d_income = d_own + closure.derivative(p.income - p.deficit, d_own)
    d_kept = np.zeros_like(dR)
    if relief:
        d_kept = (dR - p.tariff_revenue * (dw + dL)) / p.wage_bill / (1.0 - p.relief)
    r_w = d_earned / p.value_added - (dw + dL) - _group_mean(d_bill, p.wage_bill, k)
    return join(r_w, d_income / p.income - dE, kappa * (dw - dP + d_kept) - dL)


def jacobian(p: Point, base: Economy, k: Kernel, closure: Closure) -> Array:
    """The matrix of :func:`tangent` (3N, 3N), at the cost of one product of (N, N) matrices."""
    kappa, psi, nu, phi, relief, _ = base.at
    eps, A, B1 = base.theta[0], k.A[0], k.B1[0]
    N = len(p.log_w)
    # by log cost c, then by log spending E
    P_c = A * p.u / p.supply[:, None]
    q_c = eps * p.q[:, None] * P_c
    bought_c = p.net[:, None] * q_c - eps * p.q[:, None] * (B1 * p.u)
    kept = (1.0 - nu)[:, None] * B1 * p.u  # what sellers' own labour gets, over q
    earned_c = kept.T @ q_c - np.diag(eps * p.paid) + nu[:, None] * bought_c
    earned_E = kept.T * p.q + np.diag(nu * p.bought)
    by_own = np.eye(N)
    if closure.name == "share":
        own = p.income - p.deficit
        by_own += np.stack([closure.derivative(own, e) for e in np.eye(N)], axis=1)
    by_tau = kappa / p.wage_bill / (1.0 - p.relief) if relief else np.zeros(N)
    level = (k.group[:, None] == k.group) * p.wage_bill
    level /= level.sum(axis=1, keepdims=True)

    rows = [earned_c / p.value_added[:, None], -by_own @ bought_c / p.income[:, None],
            -kappa * P_c - by_tau[:, None] * bought_c]  # fmt: skip
    # wages and hours move costs, and the wage bill
    bill = [-np.eye(N) - level, by_own * p.wage_bill / p.income[:, None],
            np.diag(-by_tau * p.tariff_revenue)]  # fmt: skip
    by_w = [row + more for row, more in zip(rows, bill, strict=True)]
    by_w[2] += np.diag(kappa * (2.0 - phi))
    by_L = [more - psi * row for row, more in zip(rows, bill, strict=True)]
    by_L[2] -= np.eye(N)
    by_E = [earned_E / p.value_added[:, None],
            by_own * p.tariff_revenue / p.income[:, None] - np.eye(N),
            np.diag(by_tau * p.tariff_revenue - kappa * (1.0 - phi))]  # fmt: skip
    return np.block([[w, E, L] for w, E, L in zip(by_w, by_E, by_L, strict=True)])


class Pulled(NamedTuple):
    """Weights on the unknowns ``z``, and those on the way that the instruments meet: on log price
    indices with what spending per seller adds, on sales by who earns them, on purchases, on own
    income."""

    z: Array
    price: Array
    earned: Array
    sold: Array
    bought: Array
    own: Array


class Inner(NamedTuple):
    """Weights on what only the equations weigh: labour income and the hours of eq. 5, (N,)."""

    value_added: Array | float = 0.0
    log_L_new: Array | float = 0.0


def pull_back(
    b: Bars, p: Point, base: Economy, k: Kernel, closure: Closure, inner: Inner | None = None
) -> Pulled:
    """Go back through the equations: weights on a point's contents to weights on unknowns.

    Each line is the transpose of one of :func:`tangent`, in reverse order.
    """
    kappa, psi, nu, phi, relief, _ = base.at
    eps, A, B1 = base.theta[0], k.A[0], k.B1[0]
    zero = np.zeros_like(p.log_w)
    inner = inner or Inner()
    hours = kappa * (zero + inner.log_L_new)
    b_P = zero + _flat(b.log_P_new) - hours
    b_tau = hours / (1.0 - p.relief) if relief else zero
    b_income = zero + b.income + _flat(b.X_new)
    b_own = b_income + closure.adjoint(p.income - p.deficit, b_income + b.deficit)
    b_R = b.tariff_revenue + b_tau / p.wage_bill + b_own
    b_bill = p.wage_bill * b_own - b_tau * p.tariff_revenue / p.wage_bill  # in its log

    b_earned, b_sold = zero + inner.value_added, zero + _flat(b.Y)
    b_bought = nu * b_earned - b_R
    b_q = (1.0 - nu) * (B1 @ (p.u * b_earned)) + B1 @ (p.u * b_sold) + p.net * b_bought
    b_c = -p.paid * b_earned - p.Y[0] * b_sold - p.u * ((p.q * b_bought) @ B1)
    if b.flows is not None:
        weighted = b.flows[0] * B1
        b_q += weighted @ p.u
        b_c -= p.u * (p.q @ weighted)
    b_price = b_P + eps * p.q * b_q
    b_c = eps * b_c + p.u * ((b_price / p.supply) @ A) + _flat(b.log_c)
    b_E = p.X[0] * b_R + p.q * b_q + (1.0 - phi) * b_P
    b_w = b.log_w + hours - (1.0 - phi) * b_P + b_c + b_bill
    b_L = b.log_L - psi * b_c + b_bill
    return Pulled(join(b_w, b_E, b_L), b_price, b_earned, b_sold, b_bought, b_own)


def equation_bars(y: Array, p: Point, k: Kernel) -> tuple[Bars, Inner, Array]:
    """Weights ``y`` on the equations as weights on the point's contents, and as weights on the
    unknowns that the equations name themselves."""
    yw, yE, yL = split(y)
    groups = len(k.numeraire)
    in_group = np.bincount(k.group, yw, groups) / np.bincount(k.group, p.wage_bill, groups)
    by_bill = -yw - p.wage_bill * in_group[k.group]
    bars = Bars(income=yE / p.income)
    return bars, Inner(yw / p.value_added, yL), join(by_bill, -yE, by_bill - yL)


def cotangent(y: Array, p: Point, base: Economy, k: Kernel, closure: Closure) -> Array:
    """Transpose of :func:`tangent`: weights on the equations to weights on the unknowns."""
    bars, inner, direct = equation_bars(y, p, k)
    return pull_back(bars, p, base, k, closure, inner).z + direct


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
    bars, inner, _ = equation_bars(y, p, k)
    direct = pull_back(objective, p, base, k, closure)
    implied = pull_back(bars, p, base, k, closure, inner)
    price, earned, sold, bought, own = (a - b for a, b in zip(direct[1:], implied[1:], strict=True))
    eps, nu, phi = base.theta[0], base.at.nu[:, None], base.at.phi[:, None]
    flows = k.B1[0] * p.u * p.q[:, None]
    # weights on log B1, then on log A
    g1 = flows * ((1.0 - nu) * earned + sold + bought[:, None])
    if objective.flows is not None:
        g1 += objective.flows[0] * flows
    g = g1 - (price / p.supply)[:, None] / eps * (k.A[0] * p.u)
    tariff = (-eps * phi * g - g1) / (1.0 + policy.tariff[0])
    iceberg = -eps * g if policy.iceberg is None else -eps * g / policy.iceberg[0]
    return PolicyGradient(
        tariff[None], np.zeros_like(policy.tariff), iceberg[None], own + objective.transfer
    )


def _flat(weights: Array | float) -> Array | float:
    """(1, N) as (N,)."""
    return weights[0] if isinstance(weights, np.ndarray) and weights.ndim == 2 else weights


def _group_mean(values: Array, weights: Array, k: Kernel) -> Array:
    groups = len(k.numeraire)
    return (np.bincount(k.group, values, groups) / np.bincount(k.group, weights, groups))[k.group]

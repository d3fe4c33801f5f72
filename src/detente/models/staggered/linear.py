"""The equations of :mod:`detente.models.staggered.equations`, linearised at a point.

``tangent`` is the Jacobian of :func:`equations` times a vector, ``cotangent`` its transpose times
a vector; each costs what a step does. ``pull_back`` carries weights on anything a :class:`Point`
holds back to the unknowns, and ``policy_gradient`` carries them on to the instruments. What past
periods left is given: these are derivatives of one period.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detente.models.bars import Bars, PolicyGradient
from detente.models.blocks import Array, Instruments, by_country, from_exporters, to_exporters
from detente.models.closure import Closure
from detente.models.levied import levied_gradient
from detente.models.staggered.economy import Staged
from detente.models.staggered.equations import Kernel, Point, join, split, staffed

__all__ = ["cotangent", "policy_gradient", "pull_back", "tangent"]


def tangent(d: Array, p: Point, base: Staged, k: Kernel, closure: Closure) -> Array:
    """Directional derivative of the equation errors along ``d`` (the unknowns' layout)."""
    theta, power = base.theta[:, None], 1.0 - base.sigma[:, None]
    anew = k.anew
    dw, dP, dx, dr = split(d, base)
    dc = base.beta * (dw + dr) + by_country(base.gamma, dP)
    udc, vdc = p.u * dc, p.v * dc
    d_phi = -theta * from_exporters(anew.A, udc) / p.supply
    d_new = -power / theta * d_phi  # of the log
    dM = (power * from_exporters(k.C, vdc) + p.new * d_new) / p.M  # of the log
    dP_new = dM / power
    dq_stay = p.q_stay * (dx - dM)
    dq_new = p.q_new * (dx + d_new - dM - d_phi)
    dY = p.v * to_exporters(k.D, dq_stay) + power * dc * p.Y_stay
    dY += p.u * to_exporters(anew.B, dq_new) - theta * dc * (p.Y - p.Y_stay)
    d_net = dq_stay * from_exporters(k.D1, p.v) + power * p.q_stay * from_exporters(k.D1, vdc)
    d_net += dq_new * from_exporters(anew.B1, p.u) - theta * p.q_new * from_exporters(anew.B1, udc)
    d_tariff = (p.X * dx - d_net).sum(axis=0)
    d_export = np.zeros(len(dw))
    for j in anew.taxed:
        gap, gap_stay = anew.B1[j] - anew.B[j], k.D1[j] - k.D[j]
        d_export += p.u[j] * (dq_new[j] @ gap) - base.theta[j] * udc[j] * (p.q_new[j] @ gap)
        d_export += p.v[j] * (dq_stay[j] @ gap_stay) + power[j] * vdc[j] * (p.q_stay[j] @ gap_stay)
    wage_bill = np.exp(p.log_w) * base.value_added
    own = p.income - p.deficit
    d_own = wage_bill * dw + d_tariff + d_export
    d_income = d_own + closure.derivative(own, d_own)
    dX_new = by_country(anew.gamma_by_input, dY) + base.alpha * d_income
    groups = len(anew.numeraire)
    in_group = np.bincount(anew.group, wage_bill * dw, groups)
    level = np.bincount(anew.group, wage_bill, groups)
    r_w = (base.beta * dY).sum(axis=0) / p.value_added - dw - (in_group / level)[anew.group]
    used = base.spending > 0
    r_x = np.where(used, dX_new / np.where(used, p.X_new, 1.0) - dx, -dx)
    r_r = -dr
    if p.labour is not None:
        works = staffed(base, p)
        asked = dY / np.where(works, p.Y, 1.0)
        r_r = np.where(works, asked - p.labour.tangent(dw + dr, base.kappa) - dw - dr, -dr)
    return join(r_w, dP_new - dP, r_x, r_r, base)


class Pulled(NamedTuple):
    """Weights on the unknowns ``z``, and those on the way that the instruments meet: the logs of
    Phi and of what stays, sales, both revenues (own income's weight included) and own income."""

    z: Array
    phi: Array
    stay: Array
    Y: Array
    tariff_revenue: Array
    export_revenue: Array
    own: Array


def pull_back(b: Bars, p: Point, base: Staged, k: Kernel, closure: Closure) -> Pulled:
    """Go back through the equations: weights on a point's contents to weights on unknowns.

    Each line is the transpose of one of :func:`tangent`, in reverse order.
    """
    theta, power = base.theta[:, None], 1.0 - base.sigma[:, None]
    anew = k.anew
    b_X_new = np.broadcast_to(np.asarray(b.X_new, dtype=float), p.X.shape)
    b_income = b.income + (base.alpha * b_X_new).sum(axis=0)
    b_Y = b.Y + by_country(base.gamma, b_X_new)
    b_own = b_income + closure.adjoint(p.income - p.deficit, b.deficit + b_income)
    b_tariff, b_export = b.tariff_revenue + b_own, b.export_revenue + b_own
    b_stay = from_exporters(k.D, p.v * b_Y) - from_exporters(k.D1, p.v) * b_tariff
    b_new = from_exporters(anew.B, p.u * b_Y) - from_exporters(anew.B1, p.u) * b_tariff
    b_c = power * p.Y_stay * b_Y - theta * (p.Y - p.Y_stay) * b_Y + b.log_c
    b_c -= power * p.v * to_exporters(k.D1, p.q_stay * b_tariff)
    b_c += theta * p.u * to_exporters(anew.B1, p.q_new * b_tariff)
    for j in anew.taxed:
        gap, gap_stay = anew.B1[j] - anew.B[j], k.D1[j] - k.D[j]
        b_new[j] += gap @ (p.u[j] * b_export)
        b_stay[j] += gap_stay @ (p.v[j] * b_export)
        b_c[j] -= base.theta[j] * p.u[j] * (p.q_new[j] @ gap) * b_export
        b_c[j] += power[j] * p.v[j] * (p.q_stay[j] @ gap_stay) * b_export
    if b.flows is not None:
        weighted, weighted_stay = b.flows * anew.B1, b.flows * k.D1
        b_new += from_exporters(weighted, p.u)
        b_stay += from_exporters(weighted_stay, p.v)
        b_c -= theta * p.u * to_exporters(weighted, p.q_new)
        b_c += power * p.v * to_exporters(weighted_stay, p.q_stay)
    b_x = p.X * b_tariff + p.q_stay * b_stay + p.q_new * b_new
    b_M = b.log_P_new / power - p.q_stay * b_stay - p.q_new * b_new
    b_log_new = p.q_new * b_new + p.new / p.M * b_M
    b_phi = -power / theta * b_log_new - p.q_new * b_new
    b_kept = b_M * p.stay / p.M  # on the log of what stays
    b_c += power * p.v * to_exporters(k.C, b_M / p.M)
    b_c -= theta * p.u * to_exporters(anew.A, b_phi / p.supply)
    wage_bill = np.exp(p.log_w) * base.value_added
    b_r = base.beta * b_c
    b_w = b.log_w + wage_bill * b_own + b_r.sum(axis=0)
    b_P = by_country(anew.gamma_by_input, b_c)
    z = join(b_w, b_P, b_x, b_r, base)
    return Pulled(z, b_phi, b_kept, b_Y, b_tariff, b_export, b_own)


def equation_bars(y: Array, p: Point, base: Staged, k: Kernel) -> tuple[Bars, Array]:
    """Weights ``y`` on the equations as weights on the point's contents, and as weights on the
    unknowns that the equations name themselves."""
    yw, yP, yx, yr = split(y, base)
    used = base.spending > 0
    wage_bill = np.exp(p.log_w) * base.value_added
    groups = len(k.anew.numeraire)
    in_group = np.bincount(k.anew.group, yw, groups) / np.bincount(k.anew.group, wage_bill, groups)
    b_Y = base.beta * (yw / p.value_added)
    direct_w, direct_r = -yw - wage_bill * in_group[k.anew.group], -yr
    if p.labour is not None:
        works = staffed(base, p)
        on = np.where(works, yr, 0.0)
        b_Y = b_Y + on / np.where(works, p.Y, 1.0)
        by_wage = p.labour.cotangent(on, base.kappa)
        direct_r = direct_r - by_wage
        direct_w = direct_w - (by_wage + on).sum(axis=0)
    bars = Bars(log_P_new=yP, Y=b_Y, X_new=np.where(used, yx / np.where(used, p.X_new, 1.0), 0.0))
    return bars, join(direct_w, -yP, -yx, direct_r, base)


def cotangent(y: Array, p: Point, base: Staged, k: Kernel, closure: Closure) -> Array:
    """Transpose of :func:`tangent`: weights on the equations to weights on the unknowns."""
    bars, direct = equation_bars(y, p, base, k)
    return pull_back(bars, p, base, k, closure).z + direct


def policy_gradient(
    objective: Bars,
    y: Array,
    policy: Instruments,
    p: Point,
    base: Staged,
    k: Kernel,
    closure: Closure,
) -> PolicyGradient:
    """Derivative of an objective less ``y`` times the equations, unknowns held.

    With ``y`` the solution of ``cotangent(y) = pull_back(objective).z`` this is the total
    derivative (implicit function theorem). A flow that is zero or banned has derivative zero.
    """
    direct = pull_back(objective, p, base, k, closure)
    implied = pull_back(equation_bars(y, p, base, k)[0], p, base, k, closure)
    b_phi, b_stay, b_Y, b_tariff, b_export, b_own = (
        a - b for a, b in zip(direct[1:], implied[1:], strict=True)
    )
    weights = b_Y, b_tariff, b_export, objective.flows, None
    by_new = levied_gradient(b_phi / p.supply, *weights, base.theta, policy, k.anew, p.u, p.q_new)
    stays = _Stay(k.C, k.D1, k.D)
    held = b_stay / np.where(p.stay > 0, p.stay, 1.0)
    by_stay = levied_gradient(held, *weights, base.sigma - 1.0, policy, stays, p.v, p.q_stay)
    tariff, export_tax, iceberg = (a + b for a, b in zip(by_new, by_stay, strict=True))
    return PolicyGradient(tariff, export_tax, iceberg, b_own + objective.transfer)


class _Stay(NamedTuple):
    """The kernels of those who stay, under the names of Levied."""

    A: Array
    B1: Array
    B: Array

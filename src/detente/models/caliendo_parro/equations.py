"""Caliendo and Parro (2015), "Estimates of the Trade and Welfare Effects of NAFTA",
Review of Economic Studies 82(1), 1-44: their equilibrium in relative changes (eqs. 10-14),
with export taxes, icebergs and transfers beside the tariffs.

n importer, i exporter, j sector, k input; beta value-added share, gamma input shares, alpha
final shares, pi import shares, t tariff, e export tax, d iceberg. Unknowns, all in logs:
``w`` wages (N), ``P`` price indices (J, N), ``x`` spending over base spending (J, N).

1. c_nj   = w_n^beta_nj prod_k P_nk^gamma_n,kj
2. P_nj   = [sum_i pi_nij (kappa_nij c_ij)^-theta_j]^(-1/theta_j),  kappa = (1+t)(1+e)d
3. pi'_nij = pi_nij (kappa_nij c_ij / P_nj)^-theta_j
4. X'_nj  = sum_k gamma_n,jk Y'_nk + alpha_nj I'_n
   Y'_ij  = sum_n pi'_nij X'_nj / ((1+t')(1+e'))
5. I'_n   = w_n w_nL_n + tariff revenue + export-tax revenue + D'_n + T_n,
   and labour markets clear: w_n w_nL_n = sum_j beta_nj Y'_nj. Numeraire: world value added.

``pi'`` is never formed here. With the kernels A = pi kappa^-theta, B1 = A/(1+t') and
B = B1/(1+e') built once, a step is three passes over one (J, N, N) array each.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detente.models.blocks import (
    Array,
    by_country,
    from_exporters,
    to_exporters,
)
from detente.models.caliendo_parro.economy import Economy
from detente.models.closure import Closure

__all__ = ["Kernel", "Point", "equations", "evaluate", "join", "split"]


class Kernel(NamedTuple):
    """What a policy makes of an economy; built once, streamed over at every step.

    ``A``, ``B1``, ``B`` are (J, N, N) with each importer's row scaled by ``exp(row_scale)``, so
    that prohibitive rates at high theta do not underflow. ``taxed`` lists the sectors with an
    export tax (``B is B1`` when there is none). ``producing`` (J, N) is 1 where a producer can
    work, ``unserved`` (J, N) is 1 where nobody sells, ``unused`` (J, N) where nobody buys.
    ``linked`` (N, N) is true where the importer still buys from the exporter, ``group`` (N,)
    labels countries that still trade with each other, ``numeraire`` (G,) is the base value
    added of each group; ``gamma_by_input`` is gamma with user and input swapped.
    """

    A: Array
    B1: Array
    B: Array
    row_scale: Array
    taxed: tuple[int, ...]
    producing: Array
    unserved: Array
    unused: Array
    linked: NDArray[np.bool_]
    group: Array
    numeraire: Array
    gamma_by_input: Array
    transfer: Array


class Point(NamedTuple):
    """Everything the equations produce at one vector of unknowns; (J, N) and (N,) arrays."""

    log_w: Array
    log_P: Array
    log_c: Array
    u: Array  # c^-theta, scaled per sector
    supply: Array  # sum_i A u, the price index before the root
    net_of_tariff: Array  # sum_i B1 u / supply: what the seller and his state keep of spending
    X: Array
    q: Array  # X / supply
    Y: Array
    value_added: Array
    tariff_revenue: Array
    export_revenue: Array
    deficit: Array
    income: Array
    X_new: Array
    log_P_new: Array


def split(z: Array, J: int, N: int) -> tuple[Array, Array, Array]:
    """Unknowns as (log w, log P, x)."""
    return z[:N], z[N : N + J * N].reshape(J, N), z[N + J * N :].reshape(J, N)


def join(log_w: Array, log_P: Array, x: Array) -> Array:
    """The inverse of :func:`split`."""
    return np.concatenate([log_w, log_P.ravel(), x.ravel()])


def evaluate(z: Array, base: Economy, k: Kernel, closure: Closure) -> Point:
    """Go once through the five equations at ``z``."""
    J, N = base.beta.shape
    theta = base.theta[:, None]
    log_w, log_P, x = split(z, J, N)

    log_c = by_country(base.gamma, log_P) + base.beta * log_w  # 1
    height = theta * log_c
    lowest = height.min(axis=1, keepdims=True)
    u = np.exp(lowest - height) * k.producing
    supply = from_exporters(k.A, u) + k.unserved
    log_P_new = (lowest + k.row_scale - np.log(supply)) / theta  # 2
    log_P_new[k.unserved > 0] = 0.0  # no price where nobody sells; nobody buys there either

    X = base.spending * np.exp(x)
    q = X / supply  # 3: pi' X = A u q
    net = from_exporters(k.B1, u)
    Y = u * to_exporters(k.B, q)
    tariff_revenue = (X - q * net).sum(axis=0)
    export_revenue = np.zeros(N)
    for j in k.taxed:
        export_revenue += u[j] * (q[j] @ (k.B1[j] - k.B[j]))

    wage_bill = np.exp(log_w) * base.value_added
    own = wage_bill + tariff_revenue + export_revenue + k.transfer
    deficit = closure.deficit(own)
    income = own + deficit  # 5
    X_new = by_country(k.gamma_by_input, Y) + base.alpha * income  # 4
    return Point(
        log_w, log_P, log_c, u, supply, net / supply, X, q, Y, (base.beta * Y).sum(axis=0),
        tariff_revenue, export_revenue, deficit, income, X_new, log_P_new,
    )  # fmt: skip


def equations(p: Point, base: Economy, k: Kernel) -> Array:
    """Errors of the equations in logs, in the order of :func:`split`; zero in equilibrium.

    The wage block is labour demand over labour supply; every group of countries that trade with
    each other carries its own numeraire (its base value added), which closes the system.
    """
    wage_bill = np.exp(p.log_w) * base.value_added
    groups = len(k.numeraire)
    level = np.bincount(k.group, wage_bill, groups) / k.numeraire
    r_w = np.log(p.value_added / wage_bill / level[k.group])
    # A spending that would fall below a tenth in one step is held there: a bound on the step,
    # not on the result, since it is slack wherever X_new = X. An unused market stays so.
    X_new = np.maximum(p.X_new, 0.1 * p.X) * (1.0 - k.unused) + k.unused
    r_x = np.log(X_new / (p.X + k.unused))
    return join(r_w, p.log_P_new - p.log_P, r_x)

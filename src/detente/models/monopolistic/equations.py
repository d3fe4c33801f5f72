"""Ossa (2014), "Trade Wars and Trade Talks with Data", American Economic Review 104(12),
4104-4146: his equilibrium in relative changes (eqs. 10-13), after Krugman (1980), "Scale
Economies, Product Differentiation, and the Pattern of Trade", American Economic Review 70(5),
with export taxes, icebergs, transfers and deficits beside the tariffs, and free entry as an
option.

n importer, i exporter, j sector; pi import shares, alpha shares of spending, sigma elasticity of
substitution, t tariff, e export tax, d iceberg, kappa = (1+t)(1+e)d over the base. A firm makes
its own variety from labour and sells at the markup sigma/(sigma-1). Unknowns, over the base: ``w``
wages and ``E`` spending (N), in logs, and where entry is free ``M`` numbers of firms (J, N).

12.  P_nj   = [sum_i pi_nij M_ij (kappa_nij w_i)^(1-sigma_j)]^(1/(1-sigma_j))
     X'_nij = pi_nij M_ij (kappa_nij w_i / P_nj)^(1-sigma_j) alpha_nj E'_n
     Y'_ij  = sum_n X'_nij / ((1+t')(1+e'))
10.  profits'_ij = Y'_ij / sigma_j
11.  w_i w_iL_i  = sum_j Y'_ij (sigma_j - 1)/sigma_j
13.  E'_n   = w_n w_nL_n + profits'_n + tariff revenue + export-tax revenue + D'_n + T_n

That is Ossa's case, ``entry="none"``: firms are given, M = 1. With ``entry="free"`` labour also
pays for entry, until profits net of it are zero: Y'_ij goes to labour whole, profits' = 0, and
what a firm sells rises as the wage,

7'.  Y'_ij / M_ij = w_i Y_ij,    or M_ij = 0 and a firm would sell less than that.

A sector may leave a country, so that the number of firms cannot be a log. It is exp(m) of an
unknown m above zero, 1 + m down to m = -1, and zero below, where m + 1 is the log of what a firm
would sell over what entry costs.

Numeraire: world value added, which is what labour and firms earn before taxes: fixed deficits
then mean what they mean in Caliendo and Parro (2015). Ossa fixes world labour income; without
deficits and transfers nothing real depends on it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detente.models.blocks import Array, from_exporters, to_exporters
from detente.models.closure import Closure
from detente.models.monopolistic.economy import Base

__all__ = ["Kernel", "Point", "entering", "equations", "evaluate", "firms", "join", "split"]


class Kernel(NamedTuple):
    """What a policy makes of a base; built once, streamed over at every step.

    ``A``, ``B1``, ``B``, ``row_scale`` and ``taxed`` are those of :mod:`detente.models.levied`.
    ``producing`` (J, N) is 1 where a sector can sell to somebody, ``unserved`` (J, N) is 1 where
    nobody sells. ``linked`` (N, N) is true where the importer still buys from the exporter,
    ``group`` (N,) labels countries that still trade with each other, ``numeraire`` (G,) is the
    base value added of each group.
    """

    A: Array
    B1: Array
    B: Array
    row_scale: Array
    taxed: tuple[int, ...]
    producing: Array
    unserved: Array
    linked: NDArray[np.bool_]
    group: Array
    numeraire: Array
    transfer: Array


class Point(NamedTuple):
    """Everything the equations produce at one vector of unknowns; (J, N) and (N,) arrays.

    ``log_c`` are sellers' prices, which rise as the wage; ``value_added`` is what labour and firms
    earn, ``labour`` what sectors pay to labour.
    """

    log_w: Array
    log_E: Array
    m: Array
    log_c: Array
    M: Array
    one: Array  # w^(1-sigma), scaled per sector
    u: Array  # M w^(1-sigma)
    supply: Array  # sum_i A u, the price index before the root
    net: Array  # sum_i B1 u / supply: what the seller and his state keep of spending
    X: Array
    q: Array  # X / supply
    each: Array  # what the firms of the base would sell: Y / M
    Y: Array
    profits: Array
    wage_bill: Array
    labour: Array
    value_added: Array
    tariff_revenue: Array
    export_revenue: Array
    deficit: Array
    income: Array
    X_new: Array
    log_P_new: Array


def split(z: Array, base: Base) -> tuple[Array, Array, Array]:
    """Unknowns as (log w, log E, m); m is zero where entry is none."""
    J, N = base.alpha.shape
    m = z[2 * N :].reshape(J, N) if base.free else np.zeros((J, N))
    return z[:N], z[N : 2 * N], m


def join(log_w: Array, log_E: Array, m: Array, base: Base) -> Array:
    """The inverse of :func:`split`."""
    return np.concatenate([log_w, log_E, m.ravel()] if base.free else [log_w, log_E])


def firms(m: Array) -> tuple[Array, Array]:
    """Numbers of firms over the base, and their derivative in ``m``."""
    grown = np.exp(np.maximum(m, 0.0))
    M = np.where(m > 0, grown, np.maximum(1.0 + m, 0.0))
    return M, np.where(m > 0, grown, (m >= -1.0).astype(float))


def evaluate(z: Array, base: Base, k: Kernel, closure: Closure) -> Point:
    """Go once through the equations at ``z``."""
    J, N = base.alpha.shape
    theta = base.theta[:, None]
    log_w, log_E, m = split(z, base)
    M = firms(m)[0] if base.free else np.ones((J, N))

    log_one = -theta * log_w
    highest = log_one.max(axis=1, keepdims=True)
    one = np.exp(log_one - highest) * k.producing
    u = M * one
    supply = from_exporters(k.A, u) + k.unserved
    log_P_new = (k.row_scale - highest - np.log(supply)) / theta  # 12
    log_P_new[k.unserved > 0] = 0.0  # no price where nobody sells; nobody buys there either

    X = base.spending * np.exp(log_E)
    q = X / supply  # X'_nij (1+t') = A u q
    net = from_exporters(k.B1, u) / supply
    each = one * to_exporters(k.B, q)
    Y = M * each
    profits = (1.0 - base.rho)[:, None] * Y  # 10
    tariff_revenue = (X - X * net).sum(axis=0)
    export_revenue = np.zeros(N)
    for j in k.taxed:
        export_revenue += u[j] * (q[j] @ (k.B1[j] - k.B[j]))

    wage_bill = np.exp(log_w) * base.labour
    value_added = wage_bill + profits.sum(axis=0)
    own = value_added + tariff_revenue + export_revenue + k.transfer
    deficit = closure.deficit(own)
    income = own + deficit  # 13
    return Point(
        log_w, log_E, m, np.broadcast_to(log_w, (J, N)), M, one, u, supply, net, X, q, each, Y,
        profits, wage_bill, base.rho @ Y, value_added, tariff_revenue, export_revenue, deficit,
        income, base.alpha * income, log_P_new,
    )  # fmt: skip


def equations(p: Point, base: Base, k: Kernel) -> Array:
    """Errors of the equations in logs, in the order of :func:`split`; zero in equilibrium.

    The wage block is labour demand over labour supply (11); every group of countries that trade
    with each other carries its own numeraire (its base value added), which closes the system.
    """
    groups = len(k.numeraire)
    level = np.bincount(k.group, p.value_added, groups) / k.numeraire
    r_w = np.log(p.labour / p.wage_bill / level[k.group])
    # An income that would fall below a tenth of spending in one step is held there: a bound on
    # the step, not on the result, since it is slack wherever income is spending.
    spent = np.exp(p.log_E) * base.total
    r_E = np.log(np.maximum(p.income, 0.1 * spent) / spent)
    if not base.free:
        return np.concatenate([r_w, r_E])
    works = entering(base, k)
    sells = np.log(np.where(works, p.each, 1.0) / np.where(works, base.output, 1.0))
    r_m = np.where(works, sells - p.log_w + np.maximum(-1.0 - p.m, 0.0), -p.m)  # 7'
    return join(r_w, r_E, r_m, base)


def entering(base: Base, k: Kernel) -> NDArray[np.bool_]:
    """Where firms can enter (J, N): hat algebra cannot open a sector that was closed."""
    return (k.producing > 0) & (base.output > 0)

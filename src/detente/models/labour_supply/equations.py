"""Ignatenko, Lashkaripour, Macedoni and Simonovska (2025), "Making America Great Again? The
Economic Impacts of Liberation Day Tariffs", Journal of International Economics 157, 104138: their
equilibrium in relative changes (eqs. 1-6), with icebergs and policy transfers beside the tariffs.

n importer, i exporter; eps trade elasticity, kappa labour supply, psi scale, nu part of sales that
pays labour of the buyer's country, phi pass-through of tariffs to import prices; t tariff, d
iceberg, T transfers. Unknowns, all in logs over the base: ``w`` wages, ``E`` spending, ``L`` hours
worked, (N) each. Y and E alone are base values.

1. c_i   = w_i / L_i^psi
2. S_n   = sum_i lambda_ni (c_i d_ni)^-eps (1+t_ni)^(-eps phi_n)
   lambda'_ni = lambda_ni (c_i d_ni)^-eps (1+t_ni)^(-eps phi_n) / S_n                   (their 1)
   P_n   = (E_n / w_n)^(1 - phi_n) S_n^(-1/eps)                                           (4)
3. X_ni  = lambda'_ni E'_n / (1 + t'_ni),   R_n = sum_i t'_ni X_ni                        (6)
   labour markets: w_i L_i Y_i = sum_n (1 - nu_n) X_ni + nu_i sum_k X_ik                  (2)
4. E'_n  = w_n L_n Y_n + R_n + T_n;  numeraire: world labour income                       (5)
5. L_n   = (w_n / P_n / (1 - tau_n))^kappa                                                (3)
   tau_n = R_n / (w_n L_n Y_n), less its base value: the points by which revenue lowers the
   income tax; or 0, where revenue is handed back as a lump sum

With nu > 0 a part of what foreigners sell here is earned here, so trade need not balance where T
is zero: imports less exports are T_n + nu_n sum_i X_ni - sum_k nu_k X_kn (7).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detente.models.blocks import Array, Instruments, trade_components
from detente.models.closure import Closure
from detente.models.labour_supply.economy import Economy
from detente.models.levied import levied

__all__ = ["Kernel", "Point", "build_kernel", "equations", "evaluate", "join", "split"]


class Kernel(NamedTuple):
    """What a policy makes of an economy; built once, streamed over at every step.

    ``A`` weighs sellers in buyers' spending and ``B1`` leaves the tariff out, (1, N, N), with each
    importer's row scaled by ``exp(row_scale)``, (1, N). ``linked`` (N, N) is true where the
    importer still buys from the exporter, ``group`` (N,) labels countries that still trade with
    each other, ``numeraire`` (G,) is the base labour income of each group.
    """

    A: Array
    B1: Array
    row_scale: Array
    linked: NDArray[np.bool_]
    group: Array
    numeraire: Array
    transfer: Array


class Point(NamedTuple):
    """Everything the equations produce at one vector of unknowns: (N,), and (1, N) where the
    models of many sectors have (J, N)."""

    log_w: Array
    log_E: Array
    log_L: Array
    log_c: Array
    u: Array  # c^-eps, scaled
    supply: Array  # S, scaled
    net: Array  # sum_i B1 u: what sellers get of spending, before it is divided by S
    X: Array
    q: Array  # X / S
    Y: Array  # sales, at sellers' prices
    paid: Array  # the part of them that pays the seller's own labour
    bought: Array  # purchases, tariff out
    wage_bill: Array
    value_added: Array  # what buyers everywhere pay for this labour
    tariff_revenue: Array
    export_revenue: Array
    deficit: Array
    income: Array
    relief: Array  # tau
    log_P_new: Array
    log_L_new: Array


def split(z: Array) -> tuple[Array, Array, Array]:
    """Unknowns as (log w, log E, log L)."""
    log_w, log_E, log_L = z.reshape(3, -1)
    return log_w, log_E, log_L


def join(log_w: Array, log_E: Array, log_L: Array) -> Array:
    """The inverse of :func:`split`."""
    return np.concatenate([log_w, log_E, log_L])


def build_kernel(base: Economy, policy: Instruments) -> Kernel:
    """Build A = lambda d^-eps (1+t)^(-eps phi) and B1 = A/(1+t')."""
    k = levied(base.pi, base.theta, base.tariff, policy, base.at.phi)
    linked: NDArray[np.bool_] = np.asarray(k.A[0] > 0)
    group = trade_components(linked)
    return Kernel(
        k.A, k.B1, k.row_scale, linked,
        group, np.bincount(group, base.value_added), policy.transfer,
    )  # fmt: skip


def evaluate(z: Array, base: Economy, k: Kernel, closure: Closure) -> Point:
    """Go once through the five equations at ``z``."""
    kappa, psi, nu, phi, relief, _ = base.at
    eps, A, B1 = base.theta[0], k.A[0], k.B1[0]
    w, E, L = split(z)

    c = w - psi * L  # 1
    lowest = c.min()
    u = np.exp(-eps * (c - lowest))
    S = A @ u  # 2
    P = (1.0 - phi) * (E - w) + lowest + (k.row_scale[0] - np.log(S)) / eps

    X = base.spending[0] * np.exp(E)
    q, net = X / S, B1 @ u  # 3: lambda' X = A u q
    bought = q * net
    R = X - bought
    Y, paid = u * (q @ B1), u * (((1.0 - nu) * q) @ B1)

    wage_bill = np.exp(w + L) * base.value_added
    own = wage_bill + R + k.transfer
    deficit = closure.deficit(own)
    income = own + deficit  # 4
    tau = np.zeros_like(R)
    if relief:
        tau = R / wage_bill - base.revenue_share
    kept = np.where(tau < 1.0, 1.0 - tau, np.nan)  # no hours are enough where nothing is left
    L_new = kappa * (w - P - np.log(kept))  # 5
    return Point(
        w, E, L, c[None], u, S, net, X[None], q, Y[None], paid, bought, wage_bill,
        paid + nu * bought, R, np.zeros_like(R), deficit, income, tau, P[None], L_new,
    )  # fmt: skip


def equations(p: Point, k: Kernel) -> Array:
    """Errors of the equations in logs, in the order of :func:`split`; zero in equilibrium.

    The wage block is labour demand over labour supply; every group of countries that trade with
    each other carries its own numeraire (its base labour income), which closes the system.
    """
    level = np.bincount(k.group, p.wage_bill, len(k.numeraire)) / k.numeraire
    r_w = np.log(p.value_added / p.wage_bill / level[k.group])
    # A spending that would fall below a tenth in one step is held there: a bound on the step,
    # not on the result, since it is slack wherever income equals spending.
    r_E = np.log(np.maximum(p.income / p.X[0], 0.1))
    return join(r_w, r_E, p.log_L_new - p.log_L)

"""One period of staggered sourcing: a temporary equilibrium.

Chen, Goes, Muendler and Trottner (2024), "Dynamic Adjustment to Trade Shocks"; Arkolakis, Eaton
and Kortum (2011), "Staggered Adjustment and Trade Dynamics". In each period a share zeta of the
goods of sector j in country n may choose its supplier anew, the cheapest of today; the rest stay
with theirs and adjust quantities with elasticity sigma. Everything is in changes against the
base, k = kappa c with kappa = (1+t)(1+e)d. Past choices are kept as weights of quantities T
(:class:`detente.models.staggered.economy.Staged`), into which cohorts of all ages collapse:

2. Phi_nj  = sum_i pi_nij k_nij^-theta_j
   new_nij = zeta pi_nij k_nij^-theta_j / Phi_nj  Phi_nj^((sigma_j - 1)/theta_j)
   M_nj    = sum_i [(1 - zeta) T_nij k_nij^(1 - sigma_j) + new_nij],  P_nj = M_nj^(1/(1-sigma_j))
3. pi'_nij = [(1 - zeta) T_nij k_nij^(1 - sigma_j) + new_nij] / M_nj

Equations 1, 4 and 5 are those of :mod:`detente.models.caliendo_parro.equations`, which is this
model at zeta = 1, and where a constant policy leads. Goods whose supplier is banned, or cannot
produce, choose anew at once. Buyers look at today's cost ("myopic"). Where labour is sticky there
is a wage in each sector, and ``r`` (J, N) is its log over the country's mean wage: labour demand
beta Y meets the hands of :mod:`detente.models.staggered.labour`.

As there, the arrays by flow are never formed: six passes over a (J, N, N) array make a step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detente.models.blocks import Array, by_country, from_exporters, to_exporters
from detente.models.caliendo_parro.equations import Kernel as Sourcing
from detente.models.closure import Closure
from detente.models.staggered.economy import Staged
from detente.models.staggered.labour import Supply, supply

__all__ = ["Kernel", "Point", "equations", "evaluate", "join", "split"]


class Kernel(NamedTuple):
    """What a policy makes of a period.

    ``anew`` is the kernel of those who choose anew. For those who stay ``C`` = (1-zeta) T
    kappa^(1-sigma), ``D1`` = C/(1+t'), ``D`` = D1/(1+e') (J, N, N), ``D is D1`` without export
    taxes. ``zeta`` (J, N) is the share that chooses, with those who have to; ``alive`` (J, N, N)
    the part of past purchases that goes on, or None: all.
    """

    anew: Sourcing
    C: Array
    D1: Array
    D: Array
    zeta: Array
    alive: Array | None

    @property
    def linked(self) -> NDArray[np.bool_]:
        """(N, N), true where the importer may still buy from the exporter."""
        return self.anew.linked

    @property
    def transfer(self) -> Array:
        """(N,)."""
        return self.anew.transfer


class Point(NamedTuple):
    """Everything the equations produce at one vector of unknowns; (J, N) and (N,) arrays."""

    log_w: Array
    r: Array
    log_P: Array
    log_c: Array
    u: Array  # c^-theta, scaled per sector
    v: Array  # c^(1-sigma)
    supply: Array  # Phi, scaled
    stay: Array  # sum_i C v
    new: Array  # zeta Phi^((sigma-1)/theta)
    M: Array
    X: Array
    q_stay: Array  # X / M
    q_new: Array  # X new / (M supply)
    Y_stay: Array
    Y: Array
    net_of_tariff: Array  # of spending, USD million
    labour: Supply | None
    value_added: Array
    tariff_revenue: Array
    export_revenue: Array
    deficit: Array
    income: Array
    X_new: Array
    log_P_new: Array


def split(z: Array, base: Staged) -> tuple[Array, Array, Array, Array]:
    """Unknowns as (log w, log P, x, r); r is zero where labour moves freely."""
    J, N = base.beta.shape
    parts = z[N:].reshape(-1, J, N)
    return z[:N], parts[0], parts[1], parts[2] if base.mu is not None else np.zeros((J, N))


def join(log_w: Array, log_P: Array, x: Array, r: Array, base: Staged) -> Array:
    """The inverse of :func:`split`."""
    own = (r.ravel(),) if base.mu is not None else ()
    return np.concatenate([log_w, log_P.ravel(), x.ravel(), *own])


def evaluate(z: Array, base: Staged, k: Kernel, closure: Closure) -> Point:
    """Go once through the equations at ``z``."""
    theta, power = base.theta[:, None], 1.0 - base.sigma[:, None]
    log_w, log_P, x, r = split(z, base)
    wages = log_w + r
    unserved = k.anew.unserved

    log_c = by_country(base.gamma, log_P) + base.beta * wages  # 1
    height = theta * log_c
    lowest = height.min(axis=1, keepdims=True)
    u = np.exp(lowest - height) * k.anew.producing
    v = np.exp(power * log_c)  # what cannot be made has no weight in C
    supplied = from_exporters(k.anew.A, u) + unserved
    log_phi = np.log(supplied) - lowest - k.anew.row_scale
    new = k.zeta * np.exp(-power / theta * log_phi) * (1.0 - unserved)
    stay = from_exporters(k.C, v)
    M = stay + new + unserved
    log_P_new = np.log(M) / power  # 2
    log_P_new[unserved > 0] = 0.0  # no price where nobody sells; nobody buys there either

    X = base.spending * np.exp(x)
    q_stay = X / M  # 3: spending on those who stay is C v q_stay
    q_new = q_stay * new / supplied  # and on the new A u q_new
    net = q_stay * from_exporters(k.D1, v) + q_new * from_exporters(k.anew.B1, u)
    Y_stay = v * to_exporters(k.D, q_stay)
    Y = Y_stay + u * to_exporters(k.anew.B, q_new)
    tariff_revenue = (X - net).sum(axis=0)
    export_revenue = np.zeros(len(log_w))
    for j in k.anew.taxed:
        export_revenue += v[j] * (q_stay[j] @ (k.D1[j] - k.D[j]))
        export_revenue += u[j] * (q_new[j] @ (k.anew.B1[j] - k.anew.B[j]))

    labour = None
    if base.mu is not None:
        labour = supply(wages, base.hands, base.talent, base.mu, base.kappa)
    wage_bill = np.exp(log_w) * base.value_added
    own = wage_bill + tariff_revenue + export_revenue + k.transfer
    deficit = closure.deficit(own)
    income = own + deficit  # 5
    X_new = by_country(k.anew.gamma_by_input, Y) + base.alpha * income  # 4
    return Point(
        log_w, r, log_P, log_c, u, v, supplied, stay, new, M, X, q_stay, q_new, Y_stay, Y, net,
        labour, (base.beta * Y).sum(axis=0), tariff_revenue, export_revenue, deficit, income,
        X_new, log_P_new,
    )  # fmt: skip


def staffed(base: Staged, p: Point) -> Array:
    """Where a sector has hands and something to sell (J, N)."""
    return (base.talent > 0) & (p.Y > 0)


def equations(p: Point, base: Staged, k: Kernel) -> Array:
    """Errors of the equations in logs, in the order of :func:`split`; zero in equilibrium."""
    anew = k.anew
    wage_bill = np.exp(p.log_w) * base.value_added
    groups = len(anew.numeraire)
    level = np.bincount(anew.group, wage_bill, groups) / anew.numeraire
    r_w = np.log(p.value_added / wage_bill / level[anew.group])
    # a bound on the step, not on the result, as in Caliendo and Parro's equations
    X_new = np.maximum(p.X_new, 0.1 * p.X) * (1.0 - anew.unused) + anew.unused
    r_x = np.log(X_new / (p.X + anew.unused))
    r_r = -p.r
    if p.labour is not None:
        works = staffed(base, p)
        asked = np.where(works, base.beta * p.Y / base.value_added, 1.0)
        offered = np.where(works, p.labour.hands, 1.0)
        r_r = np.where(works, np.log(asked / offered) - p.log_w - p.r, -p.r)
    return join(r_w, p.log_P_new - p.log_P, r_x, r_r, base)

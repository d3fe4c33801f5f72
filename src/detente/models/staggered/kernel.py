"""From instruments and past choices to the kernels of a period, and on to the next one."""

from __future__ import annotations

import numpy as np

from detente.models.blocks import Array, Instruments
from detente.models.caliendo_parro.kernel import build_kernel as build_sourcing
from detente.models.staggered.economy import Staged, long_run
from detente.models.staggered.equations import Kernel, Point

__all__ = ["advance", "build_kernel"]


def build_kernel(base: Staged, policy: Instruments) -> Kernel:
    """Build A, B1, B of those who choose anew, and C, D1, D of those who stay."""
    anew = build_sourcing(long_run(base), policy)
    alive = np.where((anew.A > 0) & (anew.producing[:, None, :] > 0), 1.0, 0.0)
    if base.kept is not None:
        alive *= base.kept
    zeta = base.zeta[:, None]
    lost = (base.goods * (1.0 - alive)).sum(axis=2)
    C = (1.0 - zeta)[:, :, None] * base.bought * alive
    C *= _cost(base, policy, alive) ** (1.0 - base.sigma)[:, None, None]
    D1 = C / (1.0 + policy.tariff)
    D = D1
    if anew.taxed and policy.export_tax is not None:
        D = D1 / (1.0 + policy.export_tax)
    return Kernel(anew, C, D1, D, zeta + (1.0 - zeta) * lost, alive)


def _cost(base: Staged, policy: Instruments, alive: Array) -> Array:
    """kappa without the icebergs that stand for bans (J, N, N); 1 where no purchase goes on."""
    kappa = (1.0 + policy.tariff) / (1.0 + base.tariff)
    if policy.export_tax is not None:
        kappa *= 1.0 + policy.export_tax
    if policy.iceberg is not None:
        kappa *= np.where(alive > 0, policy.iceberg, 1.0)
        if base.open is not None:
            kappa *= np.where(base.open > 0, base.open, 1.0) ** (1.0 / base.theta)[:, None, None]
    return kappa


def advance(p: Point, base: Staged, policy: Instruments, k: Kernel) -> Staged:
    """Where buyers and workers stand once the period is over.

    A ban on part of a flow weighs in the choice like a cost, but is none: what is bought then is
    counted at the cost without it.
    """
    sigma = base.sigma[:, None, None]
    chosen = k.anew.A * p.u[:, None, :] / p.supply[:, :, None]  # of those who choose anew
    fresh = (k.anew.A > 0).astype(float)
    cost = _cost(base, policy, fresh) * np.exp(p.log_c)[:, None, :]
    new = p.new[:, :, None] * chosen * np.where(fresh > 0, cost, 1.0) ** (sigma - 1.0)
    rest = (1.0 - base.zeta)[:, None, None] * k.alive
    hands = base.hands if p.labour is None else p.labour.hands
    return base._replace(
        bought=rest * base.bought + new,
        goods=rest * base.goods + k.zeta[:, :, None] * chosen,
        kept=None,
        hands=hands,
    )

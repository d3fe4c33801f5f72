"""From instruments and past choices to the kernels of a period, and on to the next one."""

from __future__ import annotations

import numpy as np

from detente.models.blocks import Array, Instruments
from detente.models.caliendo_parro.equations import Kernel as Sourcing
from detente.models.caliendo_parro.kernel import build_kernel as build_sourcing
from detente.models.staggered.economy import Staged, long_run
from detente.models.staggered.equations import Kernel, Point

__all__ = ["advance", "build_kernel"]


def build_kernel(base: Staged, policy: Instruments) -> Kernel:
    """Build A, B1, B of those who choose anew, and C, D1, D of those who stay."""
    anew = build_sourcing(long_run(base), policy)
    alive = _alive(base, anew)
    zeta = base.zeta[:, None]
    choosing = np.broadcast_to(zeta, base.beta.shape)
    C = (1.0 - zeta)[:, :, None] * base.bought
    if alive is not None:
        C *= alive
        choosing = zeta + (1.0 - zeta) * (base.goods * (1.0 - alive)).sum(axis=2)
    _multiply(C, base, policy, 1.0 - base.sigma)
    D1 = C / (1.0 + policy.tariff)
    D = D1
    if policy.export_tax is not None:
        D = D1 / (1.0 + policy.export_tax)
    return Kernel(anew, C, D1, D, choosing, alive)


def _alive(base: Staged, anew: Sourcing) -> Array | None:
    """The part of past purchases that goes on (J, N, N); None where all of them do."""
    ends = (anew.A == 0.0) & (base.goods > 0.0)
    if not anew.producing.all():
        ends |= (anew.producing == 0.0)[:, None, :] & (base.goods > 0.0)
    if not ends.any():
        return base.kept
    return np.where(ends, 0.0, 1.0 if base.kept is None else base.kept)


def _multiply(weights: Array, base: Staged, policy: Instruments, power: Array) -> None:
    """Multiply by kappa^power where it differs from one; icebergs that stand for bans left out.

    Only cells with a weight count: there no iceberg is infinite.
    """
    for j in range(len(weights)):  # by sector: no further array of the size of the trade tensor
        kappa = (1.0 + policy.tariff[j]) / (1.0 + base.tariff[j])
        if policy.export_tax is not None:
            kappa *= 1.0 + policy.export_tax[j]
        if policy.iceberg is not None:
            kappa *= np.where(np.isinf(policy.iceberg[j]), 1.0, policy.iceberg[j])
            if base.open is not None:
                real = np.where(base.open[j] > 0.0, base.open[j], 1.0)
                kappa *= real ** (1.0 / base.theta[j])
        at = (kappa != 1.0) & (weights[j] > 0.0)
        weights[j][at] *= kappa[at] ** power[j]


def advance(p: Point, base: Staged, policy: Instruments, k: Kernel) -> Staged:
    """Where buyers and workers stand once the period is over.

    A ban on part of a flow weighs in the choice like a cost, but is none: what is bought then is
    counted at the cost without it.
    """
    chosen = k.anew.A * p.u[:, None, :]  # of those who choose anew
    chosen /= p.supply[:, :, None]
    # at cost c a weight of quantities is c^(sigma - 1), one over v, of what is spent
    new = chosen / p.v[:, None, :]
    new *= p.new[:, :, None]
    _multiply(new, base, policy, base.sigma - 1.0)
    for j, stays in enumerate(1.0 - base.zeta):
        rest = stays if k.alive is None else stays * k.alive[j]
        new[j] += rest * base.bought[j]
        chosen[j] *= k.zeta[j][:, None]
        chosen[j] += rest * base.goods[j]
    hands = base.hands if p.labour is None else p.labour.hands
    return base._replace(bought=new, goods=chosen, kept=None, hands=hands)

"""From instruments to kernels, and whether an equilibrium can exist at all."""

from __future__ import annotations

import numpy as np

from detente.models.blocks import Array, Economy, Instruments, trade_components
from detente.models.caliendo_parro import Kernel

__all__ = ["build_kernel", "starved"]


def build_kernel(base: Economy, policy: Instruments) -> Kernel:
    """Build A = pi kappa^-theta, B1 = A/(1+t'), B = B1/(1+e').

    Only rows that the policy touches are recomputed. A row whose every seller faces a cost
    change is scaled by its smallest one, which keeps 100^-65 away from underflow.
    """
    J, N = base.beta.shape
    with np.errstate(divide="ignore"):
        ratio = (1.0 + policy.tariff) / (1.0 + base.tariff)
        if policy.export_tax is not None:
            ratio *= 1.0 + policy.export_tax
        if policy.iceberg is not None:
            ratio *= policy.iceberg
    touched = (ratio != 1.0).any(axis=2)
    A = base.pi.copy()
    row_scale = np.zeros((J, N))
    if touched.any():
        pi = base.pi[touched]
        rise = base.theta[np.nonzero(touched)[0], None] * np.log(ratio[touched])
        rise[pi == 0.0] = np.inf  # hat algebra cannot open a closed flow
        least = rise.min(axis=1)
        least = np.where(np.isfinite(least), least, 0.0)
        A[touched] = pi * np.exp(least[:, None] - rise)
        row_scale[touched] = least
    B1 = A / (1.0 + policy.tariff)
    taxed: tuple[int, ...] = ()
    B = B1
    if policy.export_tax is not None:
        taxed = tuple(int(j) for j in np.nonzero((policy.export_tax != 0).any(axis=(1, 2)))[0])
        if taxed:
            B = B1 / (1.0 + policy.export_tax)
    producing, unserved = _reachable(base, A)
    return Kernel(
        A, B1, B, row_scale, taxed, producing, unserved, trade_components(A)[1],
        np.ascontiguousarray(base.gamma.transpose(0, 2, 1)), policy.transfer,
    )  # fmt: skip


def _reachable(base: Economy, A: Array) -> tuple[Array, Array]:
    """Who can produce and who is served once bans have cut flows.

    A producer needs every input it uses; an input needs one seller who can produce. The two
    are peeled off in turn until nothing changes.
    """
    J, N = base.beta.shape
    flows: Array = np.asarray(A > 0)
    uses: Array = np.asarray(base.gamma > 0)  # (N, user, input)
    producing: Array = np.asarray(flows.any(axis=1))  # sells to somebody
    if flows[:, np.arange(N), np.arange(N)].all():
        # every domestic flow is alive, so every market is served
        return producing.astype(float), np.zeros((J, N))
    while True:
        served: Array = np.asarray((flows & producing[:, None, :]).any(axis=2))
        lacking = (uses & ~served.T[:, None, :]).any(axis=2).T
        still = producing & ~lacking
        if (still == producing).all():
            return producing.astype(float), (~served).astype(float)
        producing = still


def starved(base: Economy, k: Kernel) -> list[tuple[int, int]]:
    """(sector, country) pairs where final buyers want a good that nobody can sell them."""
    missing = (k.unserved > 0) & (base.alpha > 0) & (base.spending > 0)
    return [(int(j), int(n)) for j, n in zip(*np.nonzero(missing), strict=True)]

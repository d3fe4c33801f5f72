"""From instruments to kernels, and whether an equilibrium can exist at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detente.models.blocks import Array, Instruments, trade_components
from detente.models.caliendo_parro.economy import Economy
from detente.models.caliendo_parro.equations import Kernel
from detente.models.caliendo_parro.existence import ordered
from detente.models.levied import levied

__all__ = ["build_kernel", "starved"]


def build_kernel(base: Economy, policy: Instruments) -> Kernel:
    """Build A = pi kappa^-theta, B1 = A/(1+t'), B = B1/(1+e'), and find who can still trade."""
    A, B1, B, row_scale, taxed = levied(base.pi, base.theta, base.tariff, policy)
    flows: NDArray[np.bool_] = np.asarray(A > 0)
    producing, unserved = _reachable(base, flows)
    bought = ordered(base, flows, producing > 0)
    if not (bought.all() and producing.all()):
        flows = flows & bought[:, :, None] & (producing > 0)[:, None, :]
    linked: NDArray[np.bool_] = np.asarray(flows.any(axis=0))
    group = trade_components(linked)
    return Kernel(
        A, B1, B, row_scale, taxed, producing, unserved, (~bought).astype(float),
        linked, group, np.bincount(group, base.value_added), base.gamma.transpose(0, 2, 1),
        policy.transfer,
    )  # fmt: skip


def _reachable(base: Economy, flows: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Who can produce and who is served once bans have cut flows.

    A producer needs every input it uses; an input needs one seller who can produce. The two
    are peeled off in turn until nothing changes.
    """
    J, N = base.beta.shape
    producing: NDArray[np.bool_] = np.asarray(flows.any(axis=1))  # sells to somebody
    if flows[:, np.arange(N), np.arange(N)].all():
        # every domestic flow is alive, so every market is served
        return producing.astype(float), np.zeros((J, N))
    uses = base.gamma > 0  # (N, user, input)
    while True:
        served: NDArray[np.bool_] = np.asarray((flows & producing[:, None, :]).any(axis=2))
        lacking = np.asarray((uses & ~served.T[:, None, :]).any(axis=2)).T
        still = producing & ~lacking
        if (still == producing).all():
            return producing.astype(float), (~served).astype(float)
        producing = still


def starved(base: Economy, k: Kernel) -> list[tuple[int, int]]:
    """(sector, country) pairs where final buyers want a good that nobody can sell them."""
    missing = (k.unserved > 0) & (base.alpha > 0) & (base.spending > 0)
    return [(int(j), int(n)) for j, n in zip(*np.nonzero(missing), strict=True)]

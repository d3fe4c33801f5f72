"""From instruments to kernels, and who can still trade."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detente.models.blocks import Instruments, trade_components
from detente.models.levied import levied
from detente.models.monopolistic.economy import Base
from detente.models.monopolistic.equations import Kernel

__all__ = ["build_kernel", "starved"]


def build_kernel(base: Base, policy: Instruments) -> Kernel:
    """Build the kernels of a policy, and find who can still trade."""
    kernels = levied(base.pi, base.theta, base.tariff, policy)
    flows: NDArray[np.bool_] = np.asarray(kernels.A > 0)
    producing = flows.any(axis=1).astype(float)
    unserved = (~flows.any(axis=2)).astype(float)
    linked: NDArray[np.bool_] = np.asarray(flows.any(axis=0))
    group = trade_components(linked)
    numeraire = np.bincount(group, base.value_added)
    return Kernel(*kernels, producing, unserved, linked, group, numeraire, policy.transfer)


def starved(base: Base, k: Kernel) -> list[tuple[int, int]]:
    """(sector, country) pairs where buyers want a good that nobody can sell them."""
    missing = (k.unserved > 0) & (base.spending > 0)
    return [(int(j), int(n)) for j, n in zip(*np.nonzero(missing), strict=True)]

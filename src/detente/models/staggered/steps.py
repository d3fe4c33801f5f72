"""The step direction of a period: that of Caliendo and Parro, with the period's elasticity."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detente.models.blocks import Array
from detente.models.caliendo_parro.preconditioner import Preconditioner, preconditioner
from detente.models.staggered.economy import Staged, long_run

__all__ = ["Steps", "steps"]


class Steps(NamedTuple):
    """``inner`` steps wages, prices and spending; ``by_sector`` (J, N) the sector wages, or None
    where labour moves freely."""

    inner: Preconditioner
    by_sector: Array | None

    def direction(self, r: Array) -> Array:
        """The step that a residual asks for."""
        if self.by_sector is None:
            return self.inner.direction(r)
        size = self.by_sector.size
        rest, own = r[:-size], r[-size:]
        return np.concatenate([self.inner.direction(rest), self.by_sector.ravel() * own])

    def transposed(self, r: Array) -> Array:
        """The transpose of :meth:`direction`."""
        if self.by_sector is None:
            return self.inner.transposed(r)
        size = self.by_sector.size
        return np.concatenate(
            [self.inner.transposed(r[:-size]), self.by_sector.ravel() * r[-size:]]
        )


def steps(base: Staged) -> Steps:
    """Build the step of this base."""
    react = base.zeta * base.theta + (1.0 - base.zeta) * (base.sigma - 1.0)
    inner = preconditioner(long_run(base)._replace(theta=react))
    if base.mu is None:
        return Steps(inner, None)
    flows = base.spending[:, :, None] * base.pi / (1.0 + base.tariff)
    sales = flows.sum(axis=1)
    kept = (flows * base.pi).sum(axis=1) / np.where(sales > 0, sales, 1.0)
    # what a sector's wage does to the demand for its labour and to its supply, by itself
    loses = react[:, None] * (1.0 - kept) * base.beta
    moves = base.mu * (base.kappa - 1.0) * (1.0 - base.talent)
    return Steps(inner, 1.0 / (1.0 + loses + moves))

"""Sticky labour: who works in which sector, when few may move in a period.

A share mu of a country's workers chooses a sector anew; each has a talent for each sector, drawn
from a Frechet distribution of shape kappa (Roy's model; Galle, Rodriguez-Clare and Yi 2023,
"Slicing the Pie", Review of Economic Studies 90(1), 331-375, section 2). The others stay and earn
what their sector pays. With sector wages w_j over the base, l_j the base shares of pay:

    W   = (sum_j l_j w_j^kappa)^(1/kappa)             what a mover earns
    E_j = (1 - mu) E_j,before + mu l_j w_j^(kappa-1) W^(1-kappa)

in efficiency units; mu = 1 is the static Roy model, and kappa to infinity free mobility.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detente.models.blocks import Array

__all__ = ["Supply", "supply"]


class Supply(NamedTuple):
    """Labour by sector (J, N): ``hands`` E, of which ``movers`` chose this period; ``choice``
    (J, N) is the share of movers' pay in each sector, ``mover_pay`` (N,) the log of W."""

    hands: Array
    movers: Array
    choice: Array
    mover_pay: Array

    def tangent(self, d_wages: Array, kappa: float) -> Array:
        """Derivative of log E along changes of log sector wages (J, N)."""
        mean = (self.choice * d_wages).sum(axis=0)
        return self._part * (kappa - 1.0) * (d_wages - mean)

    def cotangent(self, weights: Array, kappa: float) -> Array:
        """Transpose of :meth:`tangent`."""
        pulled = self._part * (kappa - 1.0) * weights
        return pulled - self.choice * pulled.sum(axis=0)

    @property
    def _part(self) -> Array:
        return self.movers / np.where(self.hands > 0, self.hands, 1.0)


def supply(wages: Array, before: Array, talent: Array, mu: float, kappa: float) -> Supply:
    """Labour at log sector wages (J, N)."""
    top = wages.max(axis=0)
    weighed = talent * np.exp(kappa * (wages - top))
    total = weighed.sum(axis=0)
    choice = weighed / total
    mover_pay = top + np.log(total) / kappa
    movers = mu * choice * np.exp(mover_pay - wages)
    return Supply((1.0 - mu) * before + movers, movers, choice, mover_pay)

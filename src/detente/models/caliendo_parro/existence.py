"""Whether an equilibrium can exist, judged from who can still trade with whom."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detente.models.balance import unbalanced
from detente.models.caliendo_parro.economy import Economy

__all__ = ["ordered", "unbalanced"]

Mask = NDArray[np.bool_]


def ordered(base: Economy, flows: Mask, producing: Mask) -> Mask:
    """Markets (J, N) that somebody buys in: final buyers, or users whose own goods are bought.

    ``flows`` (J, N, N) are open, ``producing`` (J, N) can work. A good bought only to make
    things that nobody buys any more has no sales left, and the logs of its equation would go to
    minus infinity.
    """
    bought: Mask = np.asarray((base.alpha > 0) & (base.spending > 0))
    if bool(np.all(bought == (base.spending > 0))):
        return bought
    alive = flows & producing[:, None, :]
    uses = base.gamma > 0  # (N, user, input)
    while True:
        sells = (alive & np.expand_dims(bought, 2)).any(axis=1)
        orders = (uses & np.expand_dims(sells.T, 2)).any(axis=1).T & (base.spending > 0)
        more: Mask = np.asarray(bought | orders)
        if (more == bought).all():
            return bought
        bought = more

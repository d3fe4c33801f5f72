"""Whether an equilibrium can exist, judged from who can still trade with whom."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detente.models.blocks import Array, reachable
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


def unbalanced(
    linked: Mask, fixed: Array, signs: Array, tolerance: float
) -> tuple[Mask, str] | None:
    """A set of countries whose trade cannot balance as it must, and how it is cut off.

    ``linked`` (N, N): the importer buys from the exporter, and every such flow is positive in
    equilibrium. Country n must run a trade deficit of ``fixed[n]`` plus a free amount of sign
    ``signs[n]``. A country with all it buys from, directly or through others, can only sell to
    the rest: it must run a surplus. One with all that buy from it must run a deficit. Cut off
    on both sides, it must balance, and free amounts that follow its own income cannot see to that.
    Returns (members (N,), "sell" | "buy" | "neither") of the
    smallest set that cannot, or None.
    """
    reach = reachable(linked)
    if reach.all():
        return None
    wrong: list[tuple[int, Mask, str]] = []
    for sets, way in ((reach, "sell"), (reach.T, "buy")):
        for inside in np.unique(sets, axis=0):
            if inside.all():  # the world balances by construction
                continue
            cut_off = not (linked[inside][:, ~inside].any() or linked[~inside][:, inside].any())
            net = float(fixed[inside].sum())
            up, down = bool((signs[inside] > 0).any()), bool((signs[inside] < 0).any())
            if cut_off:
                possible = abs(net) <= tolerance and not (up or down)
            elif way == "sell":
                possible = net < 0 or down
            else:
                possible = net > 0 or up
            if not possible:
                wrong.append((int(inside.sum()), inside, "neither" if cut_off else way))
    if not wrong:
        return None
    _, inside, way = min(wrong, key=lambda found: found[0])
    return inside, way

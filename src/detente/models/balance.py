"""Whether trade can balance, judged from who can still trade with whom."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detente.models.blocks import Array, reachable
from detente.models.closure import Closure
from detente.models.model import Impossible

__all__ = ["cannot_balance", "unbalanced"]

Mask = NDArray[np.bool_]


def cannot_balance(
    linked: Mask, transfer: Array, closure: Closure, world: float
) -> Impossible | None:
    """Countries whose trade cannot balance as their deficits ask, or None.

    ``linked`` (N, N) as for :func:`unbalanced`; ``transfer`` (N,) is what the policy moves,
    ``world`` world value added.
    """
    base = closure.base_deficit
    fixed = transfer + (base if closure.name == "fixed" else 0.0)
    signs = np.zeros(len(transfer))
    if closure.name == "share":
        signs = np.sign(np.where(np.abs(base) > 1e-12 * world, base, 0.0))
    found = unbalanced(linked, fixed, signs, 1e-9 * world)
    if found is None:
        return None
    inside, way = found
    return Impossible("no balance", tuple(int(n) for n in np.flatnonzero(inside)), way=way)


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

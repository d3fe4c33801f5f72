"""Players who look ahead: which networks survive when moves answer moves.

A secondary view. The largest consistent set (Chwe 1994) may keep too much to inform; pairwise
farsightedly stable single networks (Herings, Mauleon and Vannetelbosch 2009) may not exist.
Moves are link by link: a link is cut by any one member and added by all of its members.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detente.errors import InputError
from detente.games.stability import LARGEST_COALITIONAL, NetworkGame
from detente.models.blocks import Array

__all__ = ["Farsighted", "farsighted_stable"]


@dataclass(frozen=True, eq=False)
class Farsighted:
    """Networks kept by the two notions.

    Attributes
    ----------
    consistent : the largest consistent set
    single : networks that every other network leads to along a farsighted improving path, each
        of which is a pairwise farsightedly stable set by itself
    leads : (networks, networks), whether such a path leads from the row to the column
    names : names of the consistent set
    left_out : networks without payoffs, which no player looks ahead to
    """

    consistent: tuple[int, ...]
    single: tuple[int, ...]
    leads: Array
    names: tuple[str, ...]
    left_out: tuple[int, ...]


def farsighted_stable(game: NetworkGame) -> Farsighted:
    """The largest consistent set and the farsightedly stable networks.

    Raises
    ------
    InputError
        More than :data:`LARGEST_COALITIONAL` links.
    """
    L = len(game.links)
    if L > LARGEST_COALITIONAL:
        raise InputError(
            f"farsighted: {L} links make {2**L:,} networks; at most "
            f"{2**LARGEST_COALITIONAL:,} are worked out. Name fewer candidate links"
        )
    u, tol = game.payoffs, game.tol
    count = 2**L
    lost: Array = np.asarray(np.isnan(u).any(axis=1))
    value = np.where(np.isnan(u), -np.inf, u)
    g = np.arange(count)
    # better[i][g, e]: player i is better off at e than at g
    better = [value[None, :, i] > value[:, None, i] + tol for i in range(len(game.players))]
    worse = [value[None, :, i] < value[:, None, i] - tol for i in range(len(game.players))]
    movers: list[tuple[int, Array]] = []
    for link in range(L):
        M = game.members(link)
        # where the link is in force any member cuts it; where it is not all members sign
        gains = np.logical_or.reduce([better[m] for m in M])
        signs = gains & ~np.logical_or.reduce([worse[m] for m in M])
        allowed = np.where((g >> link & 1 == 1)[:, None], gains, signs)
        allowed[lost, :] = False
        allowed[:, lost] = False
        movers.append((link, allowed))
    leads = np.zeros((count, count), dtype=bool)
    arrived = np.eye(count, dtype=bool)
    while True:
        before = leads.sum()
        for link, allowed in movers:
            leads |= allowed & (leads | arrived)[g ^ (1 << link)]
        if leads.sum() == before:
            break
    np.fill_diagonal(leads, False)
    alive = ~lost
    single = tuple(int(e) for e in g[alive] if (leads[alive, e] | (g[alive] == e)).all())
    consistent = _consistent(game, alive, leads | arrived, better)
    return Farsighted(
        consistent, single, leads, tuple(game.name(e) for e in consistent),
        tuple(g[lost].tolist()),
    )  # fmt: skip


def _consistent(
    game: NetworkGame, alive: Array, reach: Array, better: list[Array]
) -> tuple[int, ...]:
    """Drop networks from which a deviation is safe whatever follows, until none is left."""
    kept = alive.copy()
    L = len(game.links)
    while True:
        drop = []
        for here in np.flatnonzero(kept).tolist():
            for link in range(L):
                there = here ^ 1 << link
                if not alive[there]:
                    continue
                ends = np.flatnonzero(kept & reach[there])
                M = game.members(link)
                coalitions = [[m] for m in M] if here >> link & 1 else [M]
                # deterred where some end leaves a mover no better off than here
                if not all(
                    any(any(not better[m][here, e] for m in S) for e in ends) for S in coalitions
                ):
                    drop.append(here)
                    break
        if not drop:
            return tuple(np.flatnonzero(kept).tolist())
        kept[drop] = False

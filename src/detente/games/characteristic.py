"""Games with transfers: core, Shapley value, nucleolus.

A coalition is numbered by its bits: bit i is set where player i belongs. ``values[0]`` is the
empty coalition and zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import factorial

import numpy as np

from detente.errors import DetenteError, InputError
from detente.models.blocks import Array

__all__ = ["CooperativeGame", "Core", "core", "nucleolus", "shapley"]

MOST_PLAYERS = 12


@dataclass(frozen=True, eq=False)
class CooperativeGame:
    """What every coalition can get by itself, in one transferable unit.

    Parameters
    ----------
    players : names, at most 12
    values : (2 ** players,) or a mapping from coalitions (tuples of names) to values, where
        what is not named is zero
    unit : of the values

    Raises
    ------
    InputError
        Too many players, a wrong size, a value that is not a number (a failed solve is no
        value), or an empty coalition that is worth something.
    """

    players: tuple[str, ...]
    values: Array
    unit: str = "USD billion a year"

    def __post_init__(self) -> None:
        n = len(self.players)
        if not 1 <= n <= MOST_PLAYERS:
            raise InputError(
                f"cooperative game: {n} players make {2**n:,} coalitions; at most "
                f"{MOST_PLAYERS} players are worked out"
            )
        given = self.values
        if isinstance(given, Mapping):
            array = np.zeros(2**n)
            for coalition, value in given.items():
                array[self.number(coalition)] = value
            object.__setattr__(self, "values", array)
        if self.values.shape != (2**n,):
            raise InputError(f"cooperative game: {2**n} values are needed for {n} players")
        bad = np.flatnonzero(~np.isfinite(self.values))
        if len(bad):
            raise InputError(
                f"cooperative game: the value of {self.name(int(bad[0]))} is "
                f"{self.values[bad[0]]}; a failed solve is not a value"
            )
        if self.values[0] != 0.0:
            raise InputError("cooperative game: the empty coalition is worth zero")

    def number(self, coalition: Sequence[str]) -> int:
        """The number of a coalition of names."""
        from detente.errors import UnknownNameError

        for name in coalition:
            if name not in self.players:
                raise UnknownNameError.of("player", name, self.players, "coalition")
        return sum(1 << self.players.index(name) for name in set(coalition))

    def name(self, coalition: int) -> str:
        """ "JPN, KOR"."""
        return ", ".join(p for i, p in enumerate(self.players) if coalition >> i & 1) or "nobody"

    @property
    def membership(self) -> Array:
        """(2 ** n, n) of zeros and ones."""
        n = len(self.players)
        return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(float)


@dataclass(frozen=True)
class Core:
    """Whether a split exists that no coalition can improve on.

    Attributes
    ----------
    empty : no such split
    split : one that meets every claim (the least-core one), by player; where the core is empty,
        the split with the smallest largest shortfall
    shortfall : largest claim left unmet by ``split``; at or below zero where the core exists
    binding : coalitions whose claim is the tightest
    range : smallest and largest payoff of each player in the core; empty where it is
    """

    empty: bool
    split: Mapping[str, float]
    shortfall: float
    binding: tuple[str, ...]
    range: Mapping[str, tuple[float, float]]


def core(game: CooperativeGame, tol: float = 1e-9) -> Core:
    """The core by linear programmes: minimise the largest shortfall over all coalitions.

    The tolerance is relative to the largest value.
    """
    n, full = len(game.players), 2 ** len(game.players) - 1
    scale = max(float(np.abs(game.values).max()), 1e-300)
    v, M = game.values / scale, game.membership
    inner = np.arange(1, full)
    if n == 1:
        total = float(game.values[full])
        return Core(False, {game.players[0]: total}, 0.0, (), {game.players[0]: (total, total)})
    # variables x, e: x(S) + e >= v(S)
    result = _solve(
        np.append(np.zeros(n), 1.0),
        np.column_stack([-M[inner], -np.ones(len(inner))]), -v[inner],
        np.append(M[full], 0.0)[None, :], v[[full]],
    )  # fmt: skip
    x, shortfall = result.x[:n], float(result.x[n])
    excess = v[inner] - M[inner] @ x
    binding = tuple(game.name(int(S)) for S in inner[excess > shortfall - 1e-7])
    split = dict(zip(game.players, (scale * x).tolist(), strict=True))
    empty = shortfall > tol
    ranges: dict[str, tuple[float, float]] = {}
    if not empty:
        slack = max(shortfall, 0.0)
        for i, player in enumerate(game.players):
            ends = []
            for sign in (1.0, -1.0):
                cost = np.zeros(n)
                cost[i] = sign
                end = _solve(cost, -M[inner], slack - v[inner], M[full][None, :], v[[full]])
                ends.append(scale * float(end.x[i]))
            ranges[player] = (ends[0], ends[1])
    return Core(empty, split, scale * shortfall, binding, ranges)


def shapley(game: CooperativeGame) -> dict[str, float]:
    """The Shapley value: each player's marginal worth, averaged over all orders of arrival."""
    n = len(game.players)
    coalitions = np.arange(2**n)
    size = game.membership.sum(axis=1).astype(int)
    weight = np.array([factorial(s) * factorial(n - s - 1) / factorial(n) for s in range(n)])
    out = {}
    for i, player in enumerate(game.players):
        without = coalitions[coalitions >> i & 1 == 0]
        added = game.values[without | 1 << i] - game.values[without]
        out[player] = float(weight[size[without]] @ added)
    return out


def nucleolus(game: CooperativeGame) -> dict[str, float]:
    """The nucleolus (Schmeidler 1969) by a sequence of linear programmes.

    Each programme minimises the largest shortfall of the coalitions that are not settled yet;
    coalitions whose shortfall cannot be smaller (a positive dual) are settled at it. It ends
    when the settled coalitions fix every payoff. Payoffs are not bounded below by what players
    get alone (the prenucleolus; the two agree wherever the core is not empty).
    """
    n, full = len(game.players), 2 ** len(game.players) - 1
    scale = max(float(np.abs(game.values).max()), 1e-300)
    v, M = game.values / scale, game.membership
    rows, levels = [M[full]], [v[full]]
    open_ = np.arange(1, full)
    while True:
        fixed = np.array(rows)
        rank = np.linalg.matrix_rank(fixed)
        if rank == n:
            break
        # a coalition spanned by settled ones is settled with them
        inside = np.array(
            [np.linalg.matrix_rank(np.vstack([fixed, M[S]])) == rank for S in open_], dtype=bool
        )
        open_ = open_[~inside]
        result = _solve(
            np.append(np.zeros(n), 1.0),
            np.column_stack([-M[open_], -np.ones(len(open_))]), -v[open_],
            np.column_stack([fixed, np.zeros(len(fixed))]), np.array(levels),
        )  # fmt: skip
        shortfall = float(result.x[n])
        tight = open_[-result.ineqlin.marginals > 1e-9]
        if not len(tight):
            raise DetenteError("nucleolus: a linear programme returned no dual; please report")
        for S in tight:
            rows.append(M[S])
            levels.append(v[S] - shortfall)
        open_ = np.setdiff1d(open_, tight)
    x = np.linalg.lstsq(np.array(rows), np.array(levels), rcond=None)[0]
    return dict(zip(game.players, (scale * x).tolist(), strict=True))


def _solve(cost: Array, A_ub: Array, b_ub: Array, A_eq: Array, b_eq: Array):
    from scipy.optimize import linprog

    result = linprog(cost, A_ub, b_ub, A_eq, b_eq, bounds=(None, None), method="highs")
    if result.status != 0:
        raise DetenteError(f"linear programme: {result.message}")
    return result

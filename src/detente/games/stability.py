"""Which networks of agreements last: pairwise, strong, coalition-proof; with and without transfers.

A network is a set of links among players and is numbered by its bits: bit l is set where link l
is in force. A link has two members or more (a plurilateral pact); it needs all of them and ends
when one leaves. Notions: Jackson and Wolinsky (1996) for pairwise stability, Jackson and van den
Nouweland (2005) for strong stability, Bernheim, Peleg and Whinston (1987) for deviations that
are themselves proof against further ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from detente.errors import InputError, UnknownNameError
from detente.models.blocks import Array

__all__ = [
    "CONCEPTS", "NetworkGame", "Search", "SidePayment", "Stability",
    "coalition_proof", "pairwise_stable", "search_stable", "side_payment",
]  # fmt: skip

CONCEPTS = ("pairwise", "pairwise with transfers", "strong", "coalition-proof")

LARGEST_COALITIONAL = 10
"""Links up to which coalitional and farsighted notions are worked out (1,024 networks)."""


@dataclass(frozen=True, eq=False)
class NetworkGame:
    """Payoffs of every network over named links.

    Attributes
    ----------
    players : names
    links : members of each link
    payoffs : (2 ** links, players), percent of income; NaN where the solve failed
    weights : (players,), what one percent is worth in a common unit (USD billion), for
        transfers between players; ones by default
    tol : payoffs closer than this count as equal, percent
    """

    players: tuple[str, ...]
    links: tuple[tuple[str, ...], ...]
    payoffs: Array
    weights: Array | None = None
    tol: float = 1e-7

    def __post_init__(self) -> None:
        for link in self.links:
            for member in link:
                if member not in self.players:
                    raise InputError(
                        f"link {'-'.join(link)}: {member} is not a player; the players are "
                        f"{', '.join(self.players)}"
                    )
        if len({frozenset(link) for link in self.links}) < len(self.links):
            raise InputError("links: two links have the same members; keep one")
        shape = (2 ** len(self.links), len(self.players))
        if self.payoffs.shape != shape:
            raise InputError(f"payoffs: shape {self.payoffs.shape}; {shape} is needed")
        if self.weights is None:
            object.__setattr__(self, "weights", np.ones(len(self.players)))

    @property
    def worth(self) -> Array:
        """Payoffs in the common unit, (networks, players)."""
        assert self.weights is not None
        return self.payoffs * self.weights

    def name(self, network: int) -> str:
        """ "CHN-JPN + CHN-KOR", or "none"."""
        inside = ["-".join(x) for i, x in enumerate(self.links) if network >> i & 1]
        return " + ".join(inside) or "none"

    def number(self, links: Sequence[Sequence[str]]) -> int:
        """The number of the network with these links.

        Raises
        ------
        InputError
            A link that is not among the candidates.
        """
        known = {frozenset(link): i for i, link in enumerate(self.links)}
        total = 0
        for link in links:
            if frozenset(link) not in known:
                raise InputError(
                    f"{'-'.join(link)} is not a candidate link; the candidates are "
                    f"{', '.join('-'.join(x) for x in self.links)}"
                )
            total |= 1 << known[frozenset(link)]
        return total

    def members(self, link: int) -> list[int]:
        """Positions of a link's members among the players."""
        return [self.players.index(m) for m in self.links[link]]

    @property
    def failed(self) -> int:
        """Networks without payoffs."""
        return int(np.isnan(self.payoffs).any(axis=1).sum())

    def with_costs(self, costs_pct: Sequence[Mapping[str, float]]) -> NetworkGame:
        """The same game when belonging to link l costs a member ``costs_pct[l][member]``."""
        if len(costs_pct) != len(self.links):
            raise InputError("with_costs: give one mapping for each link")
        payoffs = self.payoffs.copy()
        networks = np.arange(len(payoffs))
        for link, costs in enumerate(costs_pct):
            for who, cost in costs.items():
                if who not in self.links[link]:
                    raise InputError(
                        f"with_costs: {who} is not a member of {'-'.join(self.links[link])}"
                    )
                payoffs[networks >> link & 1 == 1, self.players.index(who)] -= cost
        return NetworkGame(self.players, self.links, payoffs, self.weights, self.tol)


@dataclass(frozen=True)
class Stability:
    """What a notion keeps.

    Attributes
    ----------
    concept : one of :data:`CONCEPTS`
    stable : numbers of the networks it keeps
    undecided : networks that would need a payoff whose solve failed
    blocked : for each other network, one deviation that blocks it, in words
    names : the stable networks by name
    """

    concept: str
    stable: tuple[int, ...]
    undecided: tuple[int, ...]
    blocked: Mapping[int, str]
    names: tuple[str, ...]


def pairwise_stable(game: NetworkGame, transfers: bool = False) -> Stability:
    """Networks where no member gains by leaving a link, and no missing link has a member who
    gains while no other member loses.

    With ``transfers`` the members of a link count the sum of their payoffs in the common unit.
    """
    u = game.worth if transfers else game.payoffs
    networks = np.arange(len(u))
    blocked: dict[int, str] = {}
    undecided = set(np.flatnonzero(np.isnan(u).any(axis=1)).tolist())
    for link in range(len(game.links)):
        M = game.members(link)
        text = "-".join(game.links[link])
        out = networks[networks >> link & 1 == 0]
        gain = u[out | 1 << link][:, M] - u[out][:, M]
        for g, d in zip(out.tolist(), gain, strict=True):
            if np.isnan(d).any():
                undecided |= {g, g | 1 << link}
                continue
            tol = game.tol * (float(np.asarray(game.weights)[M].max()) if transfers else 1.0)
            if transfers:
                joins, leaves = d.sum() > tol, ["together"] if d.sum() < -tol else []
            else:
                joins = bool((d >= -tol).all() and (d > tol).any())
                leaves = [game.players[m] for m, x in zip(M, d, strict=True) if x < -tol]
            if joins:
                blocked.setdefault(g, f"{text} would sign")
            if leaves:
                who = text if transfers else " and ".join(leaves)
                blocked.setdefault(g | 1 << link, f"{who} would leave {text}")
    return _kept(game, CONCEPTS[int(transfers)], blocked, undecided)


def coalition_proof(game: NetworkGame, credible: bool = True) -> Stability:
    """Networks from which no coalition moves.

    A coalition adds links whose members all belong to it and cuts links with a member in it; it
    moves where none of it loses and one gains. With ``credible`` a move counts only if no part
    of the coalition would move on from where it leads (coalition-proof); without it every move
    counts (strong stability).

    Raises
    ------
    InputError
        More than :data:`LARGEST_COALITIONAL` links.
    """
    L, n = len(game.links), len(game.players)
    if L > LARGEST_COALITIONAL:
        raise InputError(
            f"coalition_proof: {L} links make {2**L:,} networks; at most "
            f"{2**LARGEST_COALITIONAL:,} are worked out. Name fewer candidate links, or ask for "
            "pairwise stability"
        )
    u, tol = game.payoffs, game.tol
    lost: Array = np.asarray(np.isnan(u).any(axis=1))
    value = np.where(np.isnan(u), -np.inf, u)
    g: Array = np.arange(2**L)
    added = np.bitwise_and(g[None, :], ~g[:, None])
    cut = np.bitwise_and(g[:, None], ~g[None, :])
    leads: dict[frozenset[int], Array] = {}  # coalition -> networks it would move on from
    blocked: dict[int, str] = {}
    for size in range(1, n + 1):
        for S in combinations(range(n), size):
            inside = sum(1 << x for x in range(L) if set(game.members(x)) <= set(S))
            touched = sum(1 << x for x in range(L) if set(game.members(x)) & set(S))
            moves = np.equal(added & ~inside, 0) & np.equal(cut & ~touched, 0)
            np.fill_diagonal(moves, False)
            moves &= ~lost[None, :] & ~lost[:, None]
            for i in S:
                moves &= value[None, :, i] >= value[:, None, i] - tol
            some = np.zeros(moves.shape, dtype=bool)
            for i in S:
                some |= value[None, :, i] > value[:, None, i] + tol
            moves &= some
            if credible:
                for T, onward in leads.items():
                    if T.issubset(S) and len(T) < size:
                        moves &= ~onward[None, :]
                leads[frozenset(S)] = np.asarray(moves.any(axis=1))
            for here in np.flatnonzero(moves.any(axis=1)).tolist():
                if here not in blocked:
                    there = int(np.flatnonzero(moves[here])[0])
                    who = ", ".join(game.players[i] for i in S)
                    blocked[here] = f"{who} would move to {game.name(there)}"
    # a network whose payoff is unknown could attract a move from any other
    undecided: set[int] = set(g.tolist()) - set(blocked) if lost.any() else set()
    return _kept(game, CONCEPTS[3] if credible else CONCEPTS[2], blocked, undecided)


def _kept(
    game: NetworkGame, concept: str, blocked: dict[int, str], undecided: set[int]
) -> Stability:
    open_ = {g for g in undecided if g not in blocked}
    stable = tuple(g for g in range(len(game.payoffs)) if g not in blocked and g not in open_)
    return Stability(
        concept, stable, tuple(sorted(open_)), blocked, tuple(game.name(g) for g in stable)
    )


@dataclass(frozen=True, eq=False)
class SidePayment:
    """What would keep the members of a network from leaving.

    Attributes
    ----------
    network : its name
    table : one row a player: gain over no agreement, best gain from leaving (and what is left),
        the payment it needs, ``max(0, gain from leaving)``, and what it can spare
    needed, spare : sums, USD billion a year (or the game's common unit)
    affordable : whether those who gain by the network can pay those who do not
    """

    network: str
    table: pd.DataFrame
    needed: float
    spare: float
    affordable: bool


def side_payment(game: NetworkGame, links: Sequence[Sequence[str]] | int) -> SidePayment:
    """The smallest payments among players that stop every member from cutting any of its links.

    Payments are counted at par: they are not moved through the model here, and they do not
    change what leaving would bring.

    Raises
    ------
    InputError
        A link that is not a candidate; a network, or one a member could leave it for, whose
        payoff failed to solve.
    """
    g = links if isinstance(links, int) else game.number(links)
    worth, rows = game.worth, []
    for i, player in enumerate(game.players):
        own = [x for x in range(len(game.links)) if g >> x & 1 and i in game.members(x)]
        options = {
            g & ~sum(1 << x for x in cut)
            for size in range(1, len(own) + 1)
            for cut in combinations(own, size)
        }
        values = {h: float(worth[h, i]) for h in options}
        here = float(worth[g, i])
        unknown = [game.name(h) for h, v in [*values.items(), (g, here)] if np.isnan(v)]
        if unknown:
            raise InputError(
                f"side_payment: the payoff of {unknown[0]} failed to solve, so that what "
                f"{player} gains by leaving is not known"
            )
        best = max(values, key=values.__getitem__, default=g)
        leaving = values.get(best, here) - here
        rows.append(
            {
                "player": player,
                "gain": here - float(worth[0, i]),
                "gain_from_leaving": leaving if own else 0.0,
                "left_with": game.name(best) if own else "",
                "needs": max(0.0, leaving) if own else 0.0,
                "spares": max(0.0, -leaving) if own else 0.0,
            }
        )
    table = pd.DataFrame(rows)
    needed, spare = float(table["needs"].sum()), float(table["spares"].sum())
    return SidePayment(game.name(g), table, needed, spare, needed <= spare)


@dataclass(frozen=True, eq=False)
class Search:
    """Stable networks found by following gainful moves; others may exist.

    Attributes
    ----------
    stable : numbers of the stable networks reached
    cycles : closed walks of gainful moves met on the way, as tuples of networks
    visited : payoffs by network, every one evaluated
    unfinished : starts that ran out of budget or into failed solves
    """

    stable: tuple[int, ...]
    cycles: tuple[tuple[int, ...], ...]
    visited: Mapping[int, Array]
    unfinished: tuple[int, ...]


def search_stable(
    players: Sequence[str],
    links: Sequence[Sequence[str]],
    evaluate: Callable[[Sequence[int]], Array],
    *,
    starts: Sequence[int] | None = None,
    budget: int = 2000,
    tol: float = 1e-7,
) -> Search:
    """Follow gainful one-link moves from several starts until none is left.

    From each network the move with the largest gain of its movers is taken. What it reaches is
    pairwise stable; what it does not reach is not ruled out.

    Parameters
    ----------
    evaluate : networks -> payoffs (networks, players), NaN where a solve failed
    starts : networks to start from; by default none, all, and each single link
    budget : networks to evaluate at most

    Raises
    ------
    UnknownNameError
        A link names someone who does not play.
    """
    L = len(links)
    for link in links:
        for member in link:
            if member not in players:
                raise UnknownNameError.of("player", member, players, f"link {'-'.join(link)}")
    members = [[list(players).index(m) for m in link] for link in links]
    visited: dict[int, Array] = {}

    def look(networks: Sequence[int]) -> None:
        new = sorted(set(networks) - set(visited))
        if new:
            visited.update(zip(new, evaluate(new), strict=True))

    begin = [0, 2**L - 1, *(1 << x for x in range(L))] if starts is None else list(starts)
    stable: dict[int, None] = {}
    cycles: dict[tuple[int, ...], None] = {}
    unfinished: list[int] = []
    for start in dict.fromkeys(begin):
        here, path = start, [start]
        while True:
            near = [here ^ 1 << x for x in range(L)]
            if len(visited) + len({here, *near} - set(visited)) > budget:
                unfinished.append(start)
                break
            look([here, *near])
            if np.isnan(visited[here]).any():
                unfinished.append(start)
                break
            best, step = tol, None
            unknown = False
            for x, there in enumerate(near):
                d = (visited[there] - visited[here])[members[x]]
                if np.isnan(d).any():
                    unknown = True
                elif here >> x & 1:
                    if d.max() > best:
                        best, step = float(d.max()), there
                elif (d >= -tol).all() and d.max() > best:
                    best, step = float(d.max()), there
            if step is None:
                if unknown:
                    unfinished.append(start)
                else:
                    stable[here] = None
                break
            if step in path:
                loop = path[path.index(step) :]
                turn = loop.index(min(loop))
                cycles[tuple(loop[turn:] + loop[:turn])] = None
                break
            here = step
            path.append(here)
    return Search(tuple(sorted(stable)), tuple(cycles), visited, tuple(unfinished))

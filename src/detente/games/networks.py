"""Games of trade agreements: every network of candidate pacts, solved.

All 2^L networks over L candidate agreements are solved up to four players' worth of pairs
(64) without asking and up to 2^15 (six players) on request; beyond that a pruned search follows
gainful moves over named candidates and says that it is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from detente.errors import InputError
from detente.games.cells import Cells, Payoff, Progress, run_cells
from detente.games.farsighted import Farsighted, farsighted_stable
from detente.games.stability import (
    NetworkGame,
    Search,
    SidePayment,
    Stability,
    coalition_proof,
    pairwise_stable,
    search_stable,
    side_payment,
)
from detente.models.blocks import Array
from detente.policy import Policy
from detente.policy.changes import Levy, Pact
from detente.policy.draft import amend
from detente.policy.scope import player_list
from detente.policy.wedges import rates
from detente.world import World

__all__ = ["PactGame", "PactSearch", "Penalty", "pact_game", "pact_search"]

ENUMERATED = 64
"""Networks solved without being asked for."""

LARGEST = 2**15
"""Networks solved at most: all pairs of six players."""

SECONDS_PER_SOLVE = 0.03
"""For the time named in refusals; a solve of world-2022 on one core."""


@dataclass(frozen=True)
class Penalty:
    """What a country levies on those who sign with another: ``rate`` more on every goods sector
    of each country that shares an agreement with ``partner`` ("" for any agreement)."""

    imposer: str
    partner: str
    rate: float
    sectors: tuple[str, ...] | None = None


@dataclass(frozen=True, eq=False)
class PactGame:
    """Every network over the candidate agreements, with payoffs.

    Attributes
    ----------
    game : payoffs in percent of real income against no agreement, costs of belonging included
    agreements : the candidates, one a link of ``game``
    penalties : what others levy on those who sign
    cells : the solves; ``cells.failed`` of them failed
    policy : the status quo the agreements change
    """

    game: NetworkGame
    agreements: tuple[Pact, ...]
    penalties: tuple[Penalty, ...]
    cells: Cells
    policy: Policy
    deficit: str

    @property
    def table(self) -> pd.DataFrame:
        """One row a network: its number, name, status, payoff of each player in percent."""
        game = self.game
        frame = pd.DataFrame(game.payoffs, columns=[f"{p}_pct" for p in game.players])
        frame.insert(0, "network", [game.name(g) for g in range(len(game.payoffs))])
        frame.insert(0, "number", range(len(game.payoffs)))
        frame["status"] = list(self.cells.status)
        return frame

    def stable(self, concept: str = "pairwise") -> Stability:
        """Networks kept by a notion of :data:`detente.games.stability.CONCEPTS`."""
        from detente.errors import UnknownNameError
        from detente.games.stability import CONCEPTS

        if concept not in CONCEPTS:
            raise UnknownNameError.of("concept", concept, CONCEPTS, "stable")
        if concept.startswith("pairwise"):
            return pairwise_stable(self.game, transfers=concept.endswith("transfers"))
        return coalition_proof(self.game, credible=concept == "coalition-proof")

    def farsighted(self) -> Farsighted:
        """Networks that players who look ahead keep; a secondary view."""
        return farsighted_stable(self.game)

    def side_payment(self, links: Sequence[Sequence[str]] | int) -> SidePayment:
        """What would stabilise a network, USD billion a year; see
        :func:`detente.games.stability.side_payment`."""
        return side_payment(self.game, links)

    def with_costs(self, costs_pct: Mapping[str, float], partner: str | None = None) -> PactGame:
        """The same solves when each link (with ``partner``, or any) costs a member this much.

        ``costs_pct`` is percent of the member's income for each link and comes on top of what
        the agreements themselves state.
        """
        per_link = [
            {
                m: float(costs_pct[m])
                for m in link
                if m in costs_pct and (partner is None or (partner in link and m != partner))
            }
            for link in self.game.links
        ]
        return replace(self, game=self.game.with_costs(per_link))

    def paid_in_model(self, payment: SidePayment) -> pd.DataFrame:
        """Solve the network with the side payments moved as income.

        Those who spare pay in proportion. One row a player: the payment (USD billion a year),
        the payoff before, after, and what a transfer at par would have made of it.
        """
        game = self.game
        network = next(g for g in range(len(game.payoffs)) if game.name(g) == payment.network)
        table = payment.table.set_index("player")
        if not payment.affordable:
            raise InputError(
                f"paid_in_model: {payment.needed:.3g} is needed and {payment.spare:.3g} can be "
                "spared; there is no payment among the players to move"
            )
        share = payment.needed / payment.spare if payment.spare else 0.0
        net = table["needs"] - table["spares"] * share
        policy = amend(self.policy, _changes(self.agreements, self.penalties, network))
        moves = policy.transfer * 0.0
        moves.loc[{"country": list(game.players)}] = 1e3 * net[list(game.players)].to_numpy()
        moved = Policy(
            policy.world,
            **rates(policy),
            transfer=policy.transfer + moves,
            quota=policy.quota,
            prohibitive=True,
        )
        cells = run_cells([moved], ["paid"], baseline=self.policy, deficit=self.deficit)
        assert game.weights is not None
        before = game.payoffs[network]
        costs = before - self.cells.of(list(game.players))[network]
        after = cells.of(list(game.players))[0] + costs
        at_par = before + np.array([net[p] for p in game.players]) / game.weights
        return pd.DataFrame(
            {
                "player": list(game.players),
                "payment_usd_bn": [float(net[p]) for p in game.players],
                "before_pct": before,
                "after_pct": after,
                "at_par_pct": at_par,
            }
        )


@dataclass(frozen=True, eq=False)
class PactSearch:
    """A pruned search: stable networks that gainful moves reach, not all there may be."""

    search: Search
    agreements: tuple[Pact, ...]
    players: tuple[str, ...]
    names: tuple[str, ...]
    solved: int
    failed: int
    networks: int
    provenance: Mapping[str, Any]
    complete: bool = False


def pact_game(
    where: World | Policy,
    players: Iterable[str],
    agreements: Sequence[Pact] | None = None,
    *,
    penalties: Sequence[Penalty] = (),
    template: Pact | None = None,
    limit: int = ENUMERATED,
    deficit: str = "fixed",
    payoff: Payoff | None = None,
    progress: Progress | None = None,
) -> PactGame:
    """Solve every network of agreements among ``players``.

    Parameters
    ----------
    where : the status quo, as a policy or a world (its own tariffs)
    players : who may sign
    agreements : the candidates; by default one for each pair, with the terms of ``template``
    penalties : what outsiders or players levy on those who sign
    limit : networks to solve at most; raise it up to 32,768 (six players) knowingly
    payoff : another objective than real income, percent

    Raises
    ------
    InputError
        An agreement that names a country that does not play; more networks than ``limit``.
    """
    policy, names, candidates = _set_up(where, players, agreements, template, penalties)
    count = 2 ** len(candidates)
    if count > min(limit, LARGEST):
        minutes = count * SECONDS_PER_SOLVE / 60
        remedy = (
            f"pass limit={count} to solve them (about {minutes:.0f} minutes on one core), or "
            if count <= LARGEST
            else ""
        )
        raise InputError(
            f"pact_game: {len(candidates)} candidate agreements among {len(names)} players make "
            f"{count:,} networks, more than {min(limit, LARGEST):,}; {remedy}name fewer "
            "agreements, or use pact_search, which follows gainful moves over named candidates "
            "(pruned: it may miss stable networks)"
        )
    policies = [
        amend(policy, _changes(candidates, penalties, g), f"network {g}") for g in range(count)
    ]
    cells = run_cells(
        policies, [str(g) for g in range(count)], baseline=policy, deficit=deficit,
        payoff=payoff,
        progress=progress,
    )  # fmt: skip
    weights = cells.income_usd_bn.sel(country=names).values / 100.0
    links = tuple(a.members for a in candidates)
    bare = NetworkGame(tuple(names), links, cells.of(names), weights)
    game = bare.with_costs([a.costs_pct for a in candidates])
    return PactGame(game, candidates, tuple(penalties), cells, policy, deficit)


def pact_search(
    where: World | Policy,
    players: Iterable[str],
    agreements: Sequence[Pact],
    *,
    penalties: Sequence[Penalty] = (),
    budget: int = 500,
    deficit: str = "fixed",
    payoff: Payoff | None = None,
    progress: Progress | None = None,
) -> PactSearch:
    """Look for stable networks over named candidates without solving them all.

    Raises
    ------
    InputError
        An agreement that names a country that does not play.
    """
    policy, names, candidates = _set_up(where, players, agreements, None, penalties)
    costs = [a.costs_pct for a in candidates]
    failed = 0
    last: Cells | None = None
    solved = 0

    def evaluate(networks: Sequence[int]) -> Array:
        nonlocal failed, last, solved
        cells = run_cells(
            [amend(policy, _changes(candidates, penalties, g)) for g in networks],
            [str(g) for g in networks], baseline=policy, deficit=deficit, payoff=payoff,
        )  # fmt: skip
        failed, last, solved = failed + cells.failed, cells, solved + len(networks)
        if progress is not None:
            progress(solved, budget)
        values = cells.of(names)
        for row, g in enumerate(networks):
            for link, cost in enumerate(costs):
                for who, pct in cost.items():
                    if g >> link & 1:
                        values[row, names.index(who)] -= pct
        return values

    links = [a.members for a in candidates]
    found = search_stable(names, links, evaluate, budget=budget)
    label = NetworkGameNames(tuple(a.members for a in candidates))
    return PactSearch(
        found, candidates, tuple(names), tuple(label(g) for g in found.stable), solved, failed,
        2 ** len(candidates), {} if last is None else last.provenance,
    )  # fmt: skip


@dataclass(frozen=True)
class NetworkGameNames:
    """Names of networks over ``links``, without payoffs."""

    links: tuple[tuple[str, ...], ...]

    def __call__(self, network: int) -> str:
        inside = ["-".join(x) for i, x in enumerate(self.links) if network >> i & 1]
        return " + ".join(inside) or "none"


# --- setting up ---------------------------------------------------------------------------------
def _set_up(
    where: World | Policy,
    players: Iterable[str],
    agreements: Sequence[Pact] | None,
    template: Pact | None,
    penalties: Sequence[Penalty],
) -> tuple[Policy, list[str], tuple[Pact, ...]]:
    policy = where if isinstance(where, Policy) else Policy(where)
    world = policy.world
    names = player_list(world, players)
    if agreements is None:
        terms = template or Pact(("a", "b"))
        agreements = [
            replace(
                terms, members=pair, title="",
                costs_pct={m: c for m, c in terms.costs_pct.items() if m in pair},
            )
            for pair in combinations(names, 2)
        ]  # fmt: skip
    elif template is not None:
        raise InputError("pact_game: template is for pairs made by default; leave one of them out")
    resolved = []
    for agreement in agreements:
        members = tuple(world.country_list(list(agreement.members), f"agreement {agreement.name}"))
        for member in members:
            if member not in names:
                raise InputError(
                    f"agreement {agreement.name}: {member} does not play; the players are "
                    f"{', '.join(names)}. Add it to the players or take it out of the agreement"
                )
        resolved.append(replace(agreement, members=members))
    if not resolved:
        raise InputError("pact_game: no candidate agreement")
    for penalty in penalties:
        world.country_list(penalty.imposer, "penalty: imposer")
    return policy, names, tuple(resolved)


def _changes(
    agreements: Sequence[Pact], penalties: Sequence[Penalty], network: int
) -> list[Pact | Levy]:
    active = [a for i, a in enumerate(agreements) if network >> i & 1]
    changes: list[Pact | Levy] = list(active)
    for p in penalties:
        hit = {
            m
            for a in active
            if p.partner in a.members or not p.partner
            for m in a.members
            if m not in (p.partner, p.imposer)
        }
        changes += [Levy(p.imposer, m, p.rate, p.sectors) for m in sorted(hit)]
    return changes

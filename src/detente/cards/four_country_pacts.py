"""Who would sign with whom among the United States, China, Japan and Korea: all 64 networks."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from detente.cards.draws import Prior
from detente.cards.kind import Answer, Kind, Parameter, elasticities, the
from detente.cards.room import Desk, Room
from detente.cards.verdict import percent
from detente.games.stability import NetworkGame, pairwise_stable
from detente.models.blocks import Array
from detente.policy.changes import Change, Levy, Pact
from detente.records import Record

__all__ = ["KIND", "LINKS", "PLAYERS", "Settings", "game", "incomes"]


class Settings(Record):
    """Nothing is given: who plays is in the name of the question."""


LEADER, RIVAL = "USA", "CHN"
ALLIES = ("JPN", "KOR")
PLAYERS = (LEADER, RIVAL, *ALLIES)
LINKS = tuple(combinations(PLAYERS, 2))
RIVALRY = LINKS.index((LEADER, RIVAL))


def signs_with(network: int, country: str) -> list[str]:
    """The partners of a country in a network."""
    inside = [link for i, link in enumerate(LINKS) if network >> i & 1 and country in link]
    return [b if a == country else a for a, b in inside]


def defects(network: int, ally: str) -> bool:
    """Whether an ally has a pact with the rival while the leader has none."""
    return RIVAL in signs_with(network, ally) and not network >> RIVALRY & 1


def incomes(desk: Desk, v: Mapping[str, Any]) -> Array:
    """(64 networks, countries) log real incomes in percent.

    A pact takes away what the leader levies on its partner; the penalty comes on top.
    """
    out: dict[int, Array] = {}
    start = desk.base.solution.value
    for n in range(2 ** len(LINKS)):
        g = n ^ n >> 1  # each differs from the one before by one pact
        case: list[Change] = []
        if v["us_tariff_pct"] > 0:
            case += [Levy(LEADER, c, v["us_tariff_pct"] / 100) for c in (RIVAL, *ALLIES)]
        case += [
            Pact(link, utilisation=v["coverage"], non_tariff_cut=v["non_tariff_cut_pct"] / 100)
            for i, link in enumerate(LINKS)
            if g >> i & 1
        ]
        if v["penalty_pct"] > 0:
            case += [Levy(LEADER, a, v["penalty_pct"] / 100) for a in ALLIES if defects(g, a)]
        out[g], start = desk.case(case, start)
    return np.stack([out[g] for g in range(len(out))])


def game(desk: Desk, log: Array, v: Mapping[str, Any]) -> NetworkGame:
    """Payoffs against no pact, with what pacts cost outside trade."""
    own = log[:, [desk.at(c) for c in PLAYERS]]
    own = own - own[0]
    for g in range(len(own)):
        for a in ALLIES:
            if defects(g, a):
                own[g, PLAYERS.index(a)] -= v["security_pct"] * (1 - v["kept"])
        if g >> RIVALRY & 1:
            own[g, :2] -= v["rivalry_pct"]
    return NetworkGame(PLAYERS, LINKS, own, tol=1e-5)


def label(network: int | None) -> str:
    """The verdict that a network stands for."""
    if network is None:
        return "none is stable"
    if network >> RIVALRY & 1:
        return "the two rivals"
    west, east = (any(signs_with(network, a).count(c) for a in ALLIES) for c in (LEADER, RIVAL))
    if west and east:
        return "both sides"
    return "leader" if west else "rival" if east else "each other" if network else "nobody"


def chosen(stable: tuple[int, ...]) -> int | None:
    """Of the stable networks, the one with fewest pacts, nearest to what is."""
    return min(stable, key=lambda g: (int(g).bit_count(), g)) if stable else None


def evaluate(s: Settings, room: Room, v: Mapping[str, Any]) -> Answer:
    """One draw."""
    desk = room.desk(v["elasticities"], v["elasticity_scale"])
    found = game(desk, incomes(desk, v), v)
    stable = tuple(int(g) for g in pairwise_stable(found).stable)
    least = chosen(stable)
    numbers = {"stable_networks": float(len(stable))}
    for i, (a, b) in enumerate(LINKS):
        hit = np.nan if least is None else float(least >> i & 1)
        numbers[f"{a}_{b}_sign"] = hit
    for i, c in enumerate(PLAYERS):
        numbers[f"{c}_gain_pct"] = np.nan if least is None else float(found.payoffs[least, i])
        numbers[f"{c}_gain_if_all_pct"] = float(found.payoffs[-1, i])
    return Answer(label(least), numbers)


def tables(
    s: Settings, room: Room, v: Mapping[str, Any], good: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """How often each pair signs; the 64 networks at the point; what moves the stable ones."""
    desk = room.desk(v["elasticities"], v["elasticity_scale"])
    log = incomes(desk, v)
    at = game(desk, log, v)
    held = {int(g) for g in pairwise_stable(at).stable}
    pairs = [
        {"pair": f"{a} and {b}", "share_signs": float(good[f"{a}_{b}_sign"].mean())}
        for a, b in LINKS
    ]
    rows = [
        {
            "network": at.name(g), "would_last": "yes" if g in held else "no",
            **{f"{c}_pct": float(at.payoffs[g, i]) for i, c in enumerate(PLAYERS)},
        }
        for g in sorted(range(len(log)), key=lambda g: (g not in held, g.bit_count(), g))
    ]  # fmt: skip
    moves = []
    for penalty in (0.0, 25.0, 46.0):
        here = log if penalty == v["penalty_pct"] else incomes(desk, {**v, "penalty_pct": penalty})
        for tie in (0.0, 0.3, 1.0, 2.0):
            for rivalry in (0.0, 1.0):
                given = {**v, "penalty_pct": penalty, "security_pct": tie, "rivalry_pct": rivalry}
                one = game(desk, here, given)
                stable = pairwise_stable(one).stable
                moves.append(
                    {
                        "us_penalty_pct": penalty, "tie_pct_of_income": tie,
                        "rivalry_pct_of_income": rivalry,
                        "networks_that_last": "; ".join(one.name(int(g)) for g in stable) or "none",
                    }
                )  # fmt: skip
    return {
        "pairs": pd.DataFrame(pairs),
        "what_moves_them": pd.DataFrame(moves),
        "networks": pd.DataFrame(rows),
    }


def remarks(s: Settings, good: pd.DataFrame) -> list[str]:
    """Which pairs would sign, and how often several networks would last."""
    each = ", ".join(
        f"{the(a)} with {the(b)} in {percent(float(good[f'{a}_{b}_sign'].mean()))}"
        for a, b in LINKS
    )
    out = [f"Who would sign with whom: {each} of the draws."]
    several = float((good["stable_networks"] > 1).mean())
    if several > 0:
        out.append(
            f"In {percent(several)} of the draws more than one set of pacts would last; the one "
            "with fewest pacts is counted."
        )
    gain = {c: float(good[f"{c}_gain_if_all_pct"].median()) for c in PLAYERS}
    told = ", ".join(f"{the(c)} {gain[c]:+.2f}%" for c in PLAYERS)
    out.append(
        "If all four signed with one another, real income, less what a pact costs outside trade, "
        f"would change by (medians, long run): {told}."
    )
    return out


def verdicts(s: Settings, priors: Mapping[str, Prior]) -> dict[str, str]:
    """Every verdict in words."""
    one, other = the(LEADER), the(RIVAL)
    allies = " or ".join(the(a) for a in ALLIES)
    return {
        "nobody": "nobody would sign with anybody",
        "each other": f"{' and '.join(the(a) for a in ALLIES)} would sign with each other alone",
        "leader": f"{allies} would sign with {one}, neither with {other}",
        "rival": f"{allies} would sign with {other}, neither with {one}",
        "both sides": f"{one} and {other} would each have a pact with an ally, none with each "
        "other",
        "the two rivals": f"{one} and {other} would sign with each other",
        "none is stable": "no set of pacts would last",
    }


def numbers(s: Settings, priors: Mapping[str, Prior]) -> dict[str, str]:
    """What each number is."""
    return {
        "stable_networks": "sets of pacts that would last, how many of 64",
        **{f"{a}_{b}_sign": f"1 where {the(a)} and {the(b)} would sign" for a, b in LINKS},
        **{f"{c}_gain_pct": f"{the(c)}: gain from the pacts that would last, percent"
           for c in PLAYERS},
        **{f"{c}_gain_if_all_pct": f"{the(c)}: gain if all four signed, percent" for c in PLAYERS},
    }  # fmt: skip


KIND = Kind(
    name="four-country-pacts",
    parameters={
        **elasticities(),
        "us_tariff_pct": Parameter(
            "US tariff on the three, on top of 2022, that a pact takes away", "%", 0, 300
        ),
        "penalty_pct": Parameter(
            "what the US would add on an ally that signs with China", "points", 0, 300
        ),
        "security_pct": Parameter(
            "what the security tie with the US is worth to each ally", "% of income", 0, 100
        ),
        "kept": Parameter("share of the tie that an ally would keep", "share", 0, 1),
        "rivalry_pct": Parameter(
            "what a pact with the rival would cost the US and China outside trade", "% of income",
            0, 100,
        ),
        "coverage": Parameter("share of eligible trade that becomes free", "share", 0, 1),
        "non_tariff_cut_pct": Parameter("cut of other trade costs", "% of price", 0, 50),
    },
    settings=Settings,
    verdicts=verdicts,
    numbers=numbers,
    main="KOR_gain_if_all_pct",
    evaluate=evaluate,
    tables=tables,
    remarks=remarks,
    notes=(
        "A network lasts where no member gains by leaving a pact and no missing pact has two sides "
        "that want it (pairwise stability). All 64 networks are solved in every draw.",
        "An ally with a pact with China pays the penalty and loses of the tie unless the United "
        "States has a pact with China itself.",
    ),
)  # fmt: skip

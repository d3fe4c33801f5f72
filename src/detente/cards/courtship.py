"""Do Japan and Korea sign with China: which network of pacts is pairwise stable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from detente.cards.draws import Prior
from detente.cards.kind import Answer, Kind, Parameter, elasticities, the
from detente.cards.room import Desk, Room
from detente.games.stability import NetworkGame, pairwise_stable
from detente.policy.changes import Change, Levy, Pact
from detente.records import Record

__all__ = ["KIND", "Settings"]


class Settings(Record):
    """Who courts, and who penalises."""

    suitor: str = "CHN"
    leader: str = "USA"


ALLIES = ("KOR", "JPN")


NAMES = ("neither", "KOR only", "JPN only", "both")


def networks(s: Settings, desk: Desk, v: Mapping[str, Any], free: bool = False) -> np.ndarray:
    """(4 networks, countries) log incomes: none, first ally, second ally, both."""
    cases: list[list[Change]] = []
    for g in range(4):
        signed = [a for i, a in enumerate(ALLIES) if g >> i & 1]
        case: list[Change] = [
            Pact(
                (s.suitor, a), phase_in=1.0, utilisation=v["coverage"],
                non_tariff_cut=v["non_tariff_cut_pct"] / 100,
            )
            for a in signed
        ]  # fmt: skip
        for a in ALLIES:
            extra = v["penalty_pct"] if a in signed and not free else 0.0
            rate = (v["us_tariff_pct"] + extra) / 100
            if rate > 0:
                case.append(Levy(s.leader, a, rate))
        cases.append(case)
    return desk.many(cases)


def evaluate(s: Settings, room: Room, v: Mapping[str, Any]) -> Answer:
    """One draw."""
    desk = room.desk(v["elasticities"], v["elasticity_scale"])
    log = networks(s, desk, v)
    players = (s.suitor, *ALLIES)
    own = log[:, [desk.at(c) for c in players]]
    own = own - own[0]
    trade = own.copy()
    for i, a in enumerate(ALLIES):
        cost = v[f"security_{a}_pct"] * (1 - v["kept"])
        signed = [g for g in range(4) if g >> i & 1]
        own[signed, i + 1] -= cost
        own[signed, 0] += v["suitor_value_pct"]
    game = NetworkGame(players, tuple((s.suitor, a) for a in ALLIES), own, tol=1e-5)
    kept = list(pairwise_stable(game).stable)
    # where several networks last, the one with fewest pacts, nearest to the status quo
    verdict = NAMES[min(kept, key=lambda g: (int(g).bit_count(), g))] if kept else "none is stable"
    numbers = {
        "stable_networks": float(len(kept)),
        "suitor_gain_both_pct": float(trade[3, 0]),
    }
    for i, a in enumerate(ALLIES):
        numbers[f"{a}_trade_gain_pct"] = float(trade[1 << i, i + 1])
        numbers[f"{a}_net_gain_pct"] = float(own[1 << i, i + 1])
        numbers[f"suitor_gain_{a}_pct"] = float(own[1 << i, 0])
    return Answer(verdict, numbers)


def tables(
    s: Settings, room: Room, v: Mapping[str, Any], good: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Payoffs of the four networks at the point, with and without the penalty; by ally."""
    desk = room.desk(v["elasticities"], v["elasticity_scale"])
    rows = []
    for free in (True, False):
        log = networks(s, desk, v, free)
        for g in range(4):
            row: dict[str, Any] = {
                "network": NAMES[g], "us_penalty": "without" if free else "with",
            }  # fmt: skip
            for c in (s.suitor, *ALLIES, s.leader):
                row[f"{c}_pct"] = float(log[g, desk.at(c)] - log[0, desk.at(c)])
            rows.append(row)
    allies = []
    for a in ALLIES:
        net = good[f"{a}_net_gain_pct"]
        trade = good[f"{a}_trade_gain_pct"]
        allies.append(
            {
                "ally": a,
                "share_signing_pays_ally": float((net > 0).mean()),
                "share_signing_pays_suitor": float((good[f"suitor_gain_{a}_pct"] > 0).mean()),
                "share_trade_gain_positive": float((trade > 0).mean()),
                "median_trade_gain_pct": float(trade.median()),
                "median_net_gain_pct": float(net.median()),
            }
        )
    return {"networks": pd.DataFrame(rows), "allies": pd.DataFrame(allies)}


def remarks(s: Settings, good: pd.DataFrame) -> list[str]:
    """Who signs, and how often several networks last."""
    out = []
    hit = 100 * float(good["verdict"].isin(NAMES[1:]).mean())
    out.append(f"At least one ally would sign in {hit:.0f}% of the draws.")
    for a in ALLIES:
        trade, net = good[f"{a}_trade_gain_pct"], good[f"{a}_net_gain_pct"]
        out.append(
            f"For {the(a)}, signing alone would change real income by {trade.median():+.2f}% in "
            f"the long run (median), the penalty of {the(s.leader)} included, and by "
            f"{net.median():+.2f}% once what is lost of the security tie is counted; it would pay "
            f"for {the(a)} in {100 * float((net > 0).mean()):.0f}% of the draws, and for "
            f"{the(s.suitor)}, with what the pact is worth to it outside trade, in "
            f"{100 * float((good[f'suitor_gain_{a}_pct'] > 0).mean()):.0f}%."
        )
    several = float((good["stable_networks"] > 1).mean())
    if several > 0:
        out.append(
            f"In {100 * several:.0f}% of the draws more than one set of pacts would last; the one "
            "with fewest pacts is counted."
        )
    return out


def verdicts(s: Settings, priors: Mapping[str, Prior]) -> dict[str, str]:
    """Every verdict in words."""
    who = the(s.suitor)
    return {
        "neither": f"neither ally would sign with {who}",
        **{f"{a} only": f"{the(a)} alone would sign with {who}" for a in ALLIES},
        "both": f"both allies would sign with {who}",
        "none is stable": "no set of pacts would last",
    }


def numbers(s: Settings, priors: Mapping[str, Prior]) -> dict[str, str]:
    """What each number is."""
    who, out = the(s.suitor), {}
    for a in ALLIES:
        out[f"{a}_trade_gain_pct"] = (
            f"{the(a)}, if it alone signed: change of real income, penalty included, percent"
        )
        out[f"{a}_net_gain_pct"] = (
            f"{the(a)}, if it alone signed: the same less what is lost of the tie, percent"
        )
    out["suitor_gain_both_pct"] = (
        f"{who}, if both signed: change of real income, trade alone, percent"
    )
    for a in ALLIES:
        out[f"suitor_gain_{a}_pct"] = (
            f"{who}, if {the(a)} alone signed: the same with worth outside trade, percent"
        )
    return {**out, "stable_networks": "sets of pacts that would last, how many"}


KIND = Kind(
    name="courtship",
    parameters={
        **elasticities(),
        "us_tariff_pct": Parameter("US tariff on both allies, on top of 2022", "%", 0, 300),
        "penalty_pct": Parameter("what the US would add on an ally that signs", "points", 0, 300),
        "security_KOR_pct": Parameter(
            "what the security tie with the US is worth to Korea", "% of income", 0, 100
        ),
        "security_JPN_pct": Parameter(
            "what the security tie with the US is worth to Japan", "% of income", 0, 100
        ),
        "kept": Parameter("share of the tie that an ally would keep after signing", "share", 0, 1),
        "coverage": Parameter("share of eligible trade that becomes free", "share", 0, 1),
        "suitor_value_pct": Parameter(
            "worth of each pact to China outside trade", "% of its income", 0, 100
        ),
        "non_tariff_cut_pct": Parameter("cut of other trade costs", "% of price", 0, 50),
    },
    settings=Settings,
    verdicts=verdicts,
    numbers=numbers,
    main="KOR_net_gain_pct",
    evaluate=evaluate,
    tables=tables,
    remarks=remarks,
    notes=(
        "A network lasts where no member gains by leaving and no missing pact has two sides that "
        "want it (pairwise stability). Only pacts of China with each ally are candidates.",
    ),
)

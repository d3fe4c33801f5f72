"""At which US tariff a pact of China, Japan and Korea becomes worth it despite the security tie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from detente.cards.draws import Prior
from detente.cards.kind import Answer, Kind, Parameter, elasticities, the
from detente.cards.room import Desk, Room
from detente.cards.verdict import percent
from detente.games.tipping import Curves, Tipping
from detente.models.blocks import Array
from detente.policy.changes import Levy, Pact
from detente.records import Count, Number, Record

__all__ = ["KIND", "Settings"]


class Settings(Record):
    """The leader, the range of its tariff (percent), and how many points are solved."""

    leader: str = "USA"
    top_pct: Number = Field(default=145.0, gt=0, le=1000)
    early_pct: Number = Field(default=25.0, gt=0)
    points: Count = Field(default=6, ge=4, le=60)
    largest_penalty_pct: Number = Field(default=46.0, ge=0, le=500)


PARTNER = "CHN"
ALLIES = ("KOR", "JPN")


def curves(s: Settings, desk: Desk, v: Mapping[str, Any], points: int) -> dict[str, Curves]:
    """Log payoffs of both allies along the leader's tariff on both, with and without the pact."""
    pact = Pact(
        (PARTNER, *ALLIES), utilisation=v["coverage"],
        non_tariff_cut=v["non_tariff_cut_pct"] / 100,
    )  # fmt: skip
    top = s.top_pct / 100
    end = top + s.largest_penalty_pct / 100
    grid = np.unique(np.append(end * np.linspace(0, 1, points) ** 1.5, top))
    found: list[Array] = []
    for join in (True, False):
        cases = []
        for t in grid.tolist():
            levies = [Levy(s.leader, a, t) for a in ALLIES] if t else []
            cases.append([*([pact] if join else []), *levies])
        found.append(desk.many(cases))

    def refuse(joins: bool, tariff: float) -> float:
        raise AssertionError("curves of a card are read between their points")

    return {
        a: Curves(
            a, s.leader, (pact,), (), grid, found[0][:, desk.at(a)], found[1][:, desk.at(a)],
            2 * len(grid), 0, {}, {}, refuse,
        )
        for a in ALLIES
    }  # fmt: skip


def answers(s: Settings, c: Mapping[str, Curves], v: Mapping[str, Any]) -> dict[str, Tipping]:
    """Where each ally switches."""
    return {
        a: c[a].answer(
            security_pct=v[f"security_{a}_pct"], kept=v["kept"], penalty=v["penalty_pct"] / 100,
            top=s.top_pct / 100, exact=False,
        )
        for a in ALLIES
    }  # fmt: skip


def evaluate(s: Settings, room: Room, v: Mapping[str, Any]) -> Answer:
    """One draw: the pact is worth it where it pays for both allies."""
    desk = room.desk(v["elasticities"], v["elasticity_scale"])
    c = curves(s, desk, v, s.points)
    grid = np.linspace(0, s.top_pct / 100, 117)
    net, free = np.full(len(grid), np.inf), np.full(len(grid), np.inf)
    numbers: dict[str, float] = {}
    for a, found in answers(s, c, v).items():
        cost = v[f"security_{a}_pct"] * (1 - v["kept"])
        own = c[a].trade_gain(grid, v["penalty_pct"] / 100) - cost
        net = np.minimum(net, own)
        free = np.minimum(free, c[a].trade_gain(grid, 0.0) - cost)
        rising = [x.at for x in found.crossings if x.rising]
        numbers[f"{a}_switch_pct"] = 100 * rising[0] if rising else np.nan
        numbers[f"{a}_gain_at_0_pct"] = float(own[0] + cost)
        numbers[f"{a}_gain_at_top_pct"] = float(own[-1] + cost)
        numbers[f"{a}_no_crossing_above_pct"] = found.no_crossing_above_pct
        numbers[f"{a}_net_at_best_pct"] = float(own.max())
    pays = net >= 0
    first = 100 * float(grid[int(pays.argmax())]) if pays.any() else np.nan
    numbers["switch_pct"] = first
    numbers["net_at_best_pct"] = float(net.max())
    numbers["switches"] = float(_switches(pays))
    numbers["switches_without_penalty"] = float(_switches(free >= 0))
    numbers["always_without_penalty"] = float((free >= 0).all())
    if pays.all():
        verdict = "always"
    elif not pays.any():
        verdict = "no crossing"
    elif pays[0]:
        verdict = "only below"
    else:
        verdict = "early" if first <= s.early_pct else "late"
    return Answer(verdict, numbers)


def _switches(pays: np.ndarray) -> bool:
    """Whether the pact pays at some tariffs and not at others."""
    return bool(pays.any() and not pays.all())


def tables(
    s: Settings, room: Room, v: Mapping[str, Any], good: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Gains along the tariff at the point; switch points by ally; a map over s and penalty."""
    desk = room.desk(v["elasticities"], v["elasticity_scale"])
    c = curves(s, desk, v, max(s.points, 13))
    top = s.top_pct / 100
    rows = []
    for t in np.unique(np.append(np.linspace(0, 1, 7) ** 1.5 * top, [0.1, 0.15, 0.25])).tolist():
        if t > top:
            continue
        row: dict[str, Any] = {"us_tariff_pct": 100 * t}
        for a in ALLIES:
            row[f"{a}_trade_gain_pct"] = float(c[a].trade_gain(t, v["penalty_pct"] / 100))
            row[f"{a}_no_penalty_pct"] = float(c[a].trade_gain(t, 0.0))
        rows.append(row)
    allies = []
    for a in ALLIES:
        x = good[f"{a}_switch_pct"]
        best, cost = good[f"{a}_net_at_best_pct"], good[f"security_{a}_pct"] * (1 - good["kept"])
        never = good[best < 0]
        allies.append(
            {
                "ally": a,
                "share_switches": float(x.notna().mean()),
                "share_never": float((best < 0).mean()),
                "share_pays_at_zero": float((good[f"{a}_gain_at_0_pct"] >= cost).mean()),
                "switch_p05_pct": float(x.quantile(0.05)),
                "switch_median_pct": float(x.median()),
                "switch_p95_pct": float(x.quantile(0.95)),
                "median_no_crossing_above_pct": float(good[f"{a}_no_crossing_above_pct"].median()),
                "never_lacks_median_pct": float(-never[f"{a}_net_at_best_pct"].median())
                if len(never) else np.nan,
            }
        )  # fmt: skip
    penalties = [p for p in (0.0, 0.1, 0.25, 0.46) if p <= s.largest_penalty_pct / 100 + 1e-12]
    maps = [
        c[a].map((0.0, 0.1, 0.3, 1.0, 2.0), penalties, top).assign(ally=a)[
            ["ally", "security_pct", "penalty_pct", "verdict", "switch_tariff_pct",
             "no_crossing_above_pct"]
        ]
        for a in ALLIES
    ]  # fmt: skip
    return {
        "along_the_tariff": pd.DataFrame(rows),
        "allies": pd.DataFrame(allies),
        "security_and_penalty": pd.concat(maps, ignore_index=True),
    }


def remarks(s: Settings, good: pd.DataFrame) -> list[str]:
    """Switch points, and what would create one where there is none."""
    out = []
    x = good.loc[good["verdict"].isin(["early", "late"]), "switch_pct"]
    if len(x):
        out.append(
            f"Where there is a switch point, it would be a tariff of {the(s.leader)} of "
            f"{x.median():.0f}% at the median ({x.quantile(0.05):.0f}% to {x.quantile(0.95):.0f}% "
            "in nine draws of ten)."
        )
    with_, without, always = (
        percent(float(good[x].mean()))
        for x in ("switches", "switches_without_penalty", "always_without_penalty")
    )
    out.append(
        f"There is a switch point in {with_} of the draws with their penalty on allies that sign, "
        f"in {without} of the same draws without one; without one the pact would pay at every "
        f"tariff in {always}."
    )
    for a in ALLIES:
        cap = good[f"{a}_no_crossing_above_pct"]
        out.append(
            f"For {the(a)} no tariff of {the(s.leader)} up to {s.top_pct:g}% would make the pact "
            f"pay once the part of "
            f"the security tie that it loses is worth more than {cap.median():.2f}% of income "
            f"(median; {cap.quantile(0.05):.2f}% to {cap.quantile(0.95):.2f}% in nine draws of "
            "ten)."
        )
    none = good[good["verdict"] == "no crossing"]
    if len(none):
        out.append(
            "Where the pact would pay at no tariff, a loss of security lower by "
            f"{-none['net_at_best_pct'].median():.2f}% of income (median) would change that; a "
            "smaller penalty or deeper cuts among the three work the same way."
        )
    return out


def verdicts(s: Settings, priors: Mapping[str, Prior]) -> dict[str, str]:
    """Every verdict in words."""
    whose = "US" if s.leader == "USA" else the(s.leader)
    span = f"{whose} tariff from 0 to {s.top_pct:g}%"
    return {
        "always": f"the pact would pay for both allies at every {span}",
        "early": f"the pact would start to pay for both at a {whose} tariff of {s.early_pct:g}% "
        "or less",
        "late": f"the pact would start to pay for both only at a {whose} tariff above "
        f"{s.early_pct:g}%",
        "only below": f"the pact would pay for both at low {whose} tariffs but not at higher ones",
        "no crossing": f"at no {span} would the pact pay for both",
    }


KIND = Kind(
    name="cjk-pact",
    parameters={
        **elasticities(),
        "penalty_pct": Parameter("what the US would add on allies that sign", "points", 0, 500),
        "security_KOR_pct": Parameter(
            "what the security tie with the US is worth to Korea", "% of income", 0, 100
        ),
        "security_JPN_pct": Parameter(
            "what the security tie with the US is worth to Japan", "% of income", 0, 100
        ),
        "kept": Parameter("share of the tie that an ally would keep after signing", "share", 0, 1),
        "coverage": Parameter("share of eligible trade that becomes free", "share", 0, 1),
        "non_tariff_cut_pct": Parameter("cut of other trade costs", "% of price", 0, 50),
    },
    settings=Settings,
    verdicts=verdicts,
    numbers={
        "switch_pct": "lowest US tariff at which the pact pays for both, percent (if any)",
        "net_at_best_pct": "net gain of the ally with less, at the best US tariff, percent",
        "KOR_switch_pct": "Korea's own switch point, percent",
        "JPN_switch_pct": "Japan's own switch point, percent",
        "KOR_gain_at_0_pct": "Korea's trade gain at a US tariff of 0, percent of income",
        "JPN_gain_at_0_pct": "Japan's trade gain at a US tariff of 0, percent of income",
        "KOR_gain_at_top_pct": "Korea's trade gain at the highest US tariff, percent of income",
        "JPN_gain_at_top_pct": "Japan's trade gain at the highest US tariff, percent of income",
        "KOR_no_crossing_above_pct": "loss of security above which Korea never gains, percent",
        "JPN_no_crossing_above_pct": "loss of security above which Japan never gains, percent",
        "KOR_net_at_best_pct": "Korea's net gain at its best US tariff, percent",
        "JPN_net_at_best_pct": "Japan's net gain at its best US tariff, percent",
        "switches": "1 where the pact pays at some US tariffs and not at others",
        "switches_without_penalty": "the same if the US added nothing on allies that sign",
        "always_without_penalty": "1 where it then pays at every US tariff",
    },
    main="net_at_best_pct",
    evaluate=evaluate,
    tables=tables,
    remarks=remarks,
    notes=(
        "The US tariff falls on both allies alike, whether or not they sign; the penalty comes on "
        "top for signers. Payoffs between solved tariffs are read off a cubic that keeps their "
        "order.",
    ),
)

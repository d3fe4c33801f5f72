"""Does a coalition of Japan, Korea, Vietnam and India with the United States hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from detente.cards.draws import Prior
from detente.cards.kind import Answer, Kind, Parameter, elasticities, the
from detente.cards.room import Desk, Room
from detente.cards.verdict import percent
from detente.models.blocks import Array
from detente.policy.changes import Change, Levy
from detente.records import Number, Record

__all__ = ["KIND", "Settings"]


class Settings(Record):
    """Who leads, against whom, and what the leader levies itself (percent)."""

    leader: str = "USA"
    target: str = "CHN"
    leader_tariff_pct: Number = Field(default=145.0, ge=0, le=1000)


TOL = 1e-5
HARD = 50.0
"""Points of an answer from which it is told apart; China's answers on all US goods of 2025 were 84
and 125."""

ASKED = ("JPN", "KOR", "VNM", "IND")


def case(s: Settings, v: Mapping[str, Any], S: int) -> list[Change]:
    """What everyone levies where the coalition is ``S`` (a bit for each that was asked)."""
    out: list[Change] = [Levy(s.leader, s.target, s.leader_tariff_pct / 100)]
    for i, c in enumerate(ASKED):
        if S >> i & 1:
            out.append(Levy(c, s.target, v["tariff_pct"] / 100))
            if v["retaliation_pct"] > 0:
                out.append(Levy(s.target, c, v["retaliation_pct"] / 100))
        elif v["penalty_pct"] > 0:
            out.append(Levy(s.leader, c, v["penalty_pct"] / 100))
    return out


class Payoffs:
    """Log incomes of those that were asked, by coalition, each solved once.

    Coalitions near to each other have solutions near to each other, and what two members do
    nearly adds up, which says where to start looking for the next.
    """

    def __init__(self, s: Settings, desk: Desk, v: Mapping[str, Any]) -> None:
        self._s, self._desk, self._v = s, desk, v
        self._columns = [desk.at(c) for c in ASKED]
        self._found: dict[int, tuple[Array, Array]] = {}

    def __getitem__(self, S: int) -> Array:
        if S not in self._found:
            log, solution = self._desk.case(case(self._s, self._v, S), self._start(S))
            self._found[S] = log[self._columns], solution
        return self._found[S][0]

    def _start(self, S: int) -> Array:
        bits = [1 << i for i in range(len(ASKED))]
        for a in bits:
            for b in bits:
                sides = [x for x in (S ^ a, S ^ b, S ^ a ^ b) if x in self._found]
                if a < b and len(sides) == 3:
                    one, two, both = (self._found[x][1] for x in sides)
                    return one + two - both
        near = [S ^ a for a in bits if S ^ a in self._found]
        return self._found[near[0]][1] if near else self._desk.base.solution.value


def payoffs(s: Settings, desk: Desk, v: Mapping[str, Any]) -> Array:
    """(coalitions, asked) log incomes in percent."""
    found, every = Payoffs(s, desk, v), range(2 ** len(ASKED))
    for S in sorted(every, key=lambda S: -S.bit_count()):  # each near to one already solved
        found[S]
    return np.stack([found[S] for S in every])


def standing(v: Mapping[str, Any]) -> float:
    """What staying out would cost beside the penalty, percent of income."""
    return v["security_pct"] * (1 - v["kept"])


def gains(s: Settings, u: Array, v: Mapping[str, Any]) -> Array:
    """(coalitions, invited) gain of each from being in, given who else is."""
    S = np.arange(len(u))
    out = np.empty_like(u)
    for i in range(len(ASKED)):
        out[:, i] = u[S | 1 << i, i] - u[S & ~(1 << i), i] + standing(v)
    return out


def holding(s: Settings, gain: Array) -> list[int]:
    """Coalitions that nobody leaves and nobody joins."""
    inside = np.arange(len(gain))[:, None] >> np.arange(len(ASKED)) & 1
    broken = np.where(inside == 1, gain < -TOL, gain > TOL).any(axis=1)
    return np.flatnonzero(~broken).tolist()


def _verdict(s: Settings, stable: Sequence[int]) -> str:
    full = 2 ** len(ASKED) - 1
    if not stable:
        return "unstable"
    if len(stable) > 1 and full in stable:
        return "depends"
    largest = max(stable, key=lambda S: S.bit_count())
    return "all" if largest == full else "some" if largest else "none"


def settle(s: Settings, desk: Desk, v: Mapping[str, Any]) -> tuple[int | None, Array]:
    """From a coalition of all, who loses most by staying leaves, or who gains most joins, until
    nobody moves: that coalition (None where it goes round) and the gains when all are in."""
    full = 2 ** len(ASKED) - 1
    known = Payoffs(s, desk, v)

    def gain(S: int) -> Array:
        rows = [known[S | 1 << i][i] - known[S & ~(1 << i)][i] for i in range(len(ASKED))]
        return np.array(rows) + standing(v)

    S, seen = full, set[int]()
    first = here = gain(full)
    while S not in seen:
        seen.add(S)
        inside = np.array([S >> i & 1 for i in range(len(ASKED))], dtype=bool)
        wish = np.where(inside, -here, here)
        leaving = np.where(inside, wish, -np.inf)
        mover = int(leaving.argmax()) if leaving.max() > TOL else int(wish.argmax())
        if wish[mover] <= TOL:
            return S, first
        S ^= 1 << mover
        here = gain(S) if S not in seen else here
    return None, first


def evaluate(s: Settings, room: Room, v: Mapping[str, Any]) -> Answer:
    """One draw."""
    S, gain = settle(s, room.desk(v["elasticities"], v["elasticity_scale"]), v)
    numbers = {
        "members": float(S.bit_count()) if S is not None else np.nan,
        "weakest_gain_pct": float(gain.min()),
    }
    for i, c in enumerate(ASKED):
        numbers[f"{c}_gain_from_staying_pct"] = float(gain[i])
        numbers[f"{c}_joins"] = float(S >> i & 1) if S is not None else np.nan
    return Answer(_verdict(s, [] if S is None else [S]), numbers)


def tables(
    s: Settings, room: Room, v: Mapping[str, Any], good: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Who joins, over the draws; the map of the two flip variables at the point."""
    members = []
    for c in ASKED:
        x = good[f"{c}_gain_from_staying_pct"]
        members.append(
            {
                "country": c, "share_joins": float(good[f"{c}_joins"].mean()),
                "share_stays_if_all_in": float((x >= 0).mean()),
                "gain_from_staying_p05_pct": float(x.quantile(0.05)),
                "gain_from_staying_median_pct": float(x.median()),
                "gain_from_staying_p95_pct": float(x.quantile(0.95)),
            }
        )  # fmt: skip
    desk = room.desk(v["elasticities"], v["elasticity_scale"])
    rows = []
    for r in (0.0, 25.0, 50.0, 125.0):
        for p in (0.0, 10.0, 25.0, 46.0):
            at = {**v, "retaliation_pct": r, "penalty_pct": p}
            gain = gains(s, payoffs(s, desk, at), at)
            stable = holding(s, gain)
            rows.append(
                {
                    "chinese_retaliation_pct": r, "us_penalty_pct": p,
                    "verdict": _verdict(s, stable),
                    "stable_coalitions": "; ".join(_name(s, S) for S in stable) or "none",
                    "first_to_leave_all": ASKED[int(gain[-1].argmin())],
                }
            )  # fmt: skip
    return {"members": pd.DataFrame(members), "flip_map": pd.DataFrame(rows)}


def _name(s: Settings, S: int) -> str:
    return " + ".join([s.leader, *(c for i, c in enumerate(ASKED) if S >> i & 1)])


def remarks(s: Settings, good: pd.DataFrame) -> list[str]:
    """Who joins, and the weakest."""
    each = ", ".join(f"{the(c)} in {100 * float(good[f'{c}_joins'].mean()):.0f}%" for c in ASKED)
    staying = {c: float(good[f"{c}_gain_from_staying_pct"].median()) for c in ASKED}
    weakest, most = (pick(staying, key=lambda c: staying[c]) for pick in (min, max))
    hard = good["retaliation_pct"] >= HARD
    by = [
        f"in {percent(float((good.loc[m, 'verdict'] == 'all').mean()))} {text}"
        for m, text in (
            (hard, f"of the draws where {the(s.target)} would add {HARD:g} points or more"),
            (~hard, "of those where less"),
        )
        if m.any()
    ]
    return [
        f"All four would hold {', '.join(by)}.",
        f"Who would be in the coalition that holds: {each} of the draws.",
        f"With all four in, {the(weakest)} would have least reason to stay: staying would change "
        f"its income by {staying[weakest]:+.2f}% in the long run (median), against {the(most)} "
        f"with {staying[most]:+.2f}%.",
    ]


def verdicts(s: Settings, priors: Mapping[str, Prior]) -> dict[str, str]:
    """Every verdict in words."""
    return {
        "all": f"the coalition of {the(s.leader)} with all four would hold",
        "some": f"only some of the four would join {the(s.leader)}",
        "none": f"none of the four would join {the(s.leader)}",
        "unstable": "no coalition would be reached that holds",
    }


KIND = Kind(
    name="encirclement",
    parameters={
        **elasticities(),
        "tariff_pct": Parameter("what joiners would add on China's goods", "points", 0, 1000),
        "retaliation_pct": Parameter(
            "what China would add on the goods of each that joins", "points", 0, 1000
        ),
        "penalty_pct": Parameter("what the US would add on who stays out", "points", 0, 1000),
        "security_pct": Parameter(
            "what standing with the US is worth to each of the four", "% of income", -100, 100
        ),
        "kept": Parameter(
            "share of its standing with the US that one who stays out would keep", "share", 0, 1
        ),
    },
    settings=Settings,
    verdicts=verdicts,
    numbers={
        "members": "how many of the four are in the coalition that holds",
        "weakest_gain_pct": "gain of the least willing from staying, all others in, percent",
        **{f"{c}_gain_from_staying_pct": f"{the(c)}: gain from staying if all are in, percent"
           for c in ASKED},
        **{f"{c}_joins": f"{the(c)}: 1 where it is in the coalition that holds"
           for c in ASKED},
    },
    main="weakest_gain_pct",
    evaluate=evaluate,
    tables=tables,
    remarks=remarks,
    notes=(
        "A coalition holds where no member gains by leaving and nobody outside gains by joining. "
        "The US levies its own tariff on China whoever joins.",
        "In each draw the game starts with all in and moves one at a time; the flip map looks at "
        "every coalition.",
    ),
)  # fmt: skip

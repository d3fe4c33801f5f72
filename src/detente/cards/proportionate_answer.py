"""Is a 10-15% answer proportionate: which rule of retaliation implies which rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from detente.cards.draws import Prior
from detente.cards.kind import Answer, Kind, Parameter, elasticities, the
from detente.cards.room import Desk, Room
from detente.errors import UnknownNameError
from detente.policy.changes import Levy, Withdrawal
from detente.records import Number, Record
from detente.tariff_war.retaliation import explain_rate

__all__ = ["KIND", "Settings"]


class Settings(Record):
    """Who acted, who answered, the answer seen (percent), and the scopes to choose from."""

    aggressor: str = "USA"
    answerer: str = "CHN"
    observed_pct: tuple[Number, Number] = (10.0, 15.0)
    scopes: dict[str, list[str]] = Field(
        default={"all goods": ["goods"], "energy and machines": ["B05_06", "C28", "C29"]}
    )
    bound_pct: Number = Field(default=500.0, gt=0)


RULES = ("mirror", "duty_equivalent", "loss_equivalent", "welfare_equivalent")

BENCHMARKS = {
    "the same duties collected": "duty_equivalent",
    "the same points": "mirror",
    "the same loss in money": "loss_equivalent",
    "no gain left to the other side": "welfare_equivalent",
}
"""What an answer may be measured against, in words."""


def rates(s: Settings, desk: Desk, v: Mapping[str, Any]) -> dict[str, float]:
    """Rate in percent that each rule implies on the scope; NaN where it implies none.

    mirror: the same points. duty equivalent: the same duties at trade before. loss equivalent:
    the rate at which the aggressor loses by the answer what the answerer lost by the step.
    welfare equivalent: the least rate that leaves the aggressor no gain from its step. Beside
    them, how far the middle of the rates seen is from an embargo of the scope: the aggressor's
    loss by the answer in percent of its loss by the embargo.
    """
    if v["scope"] not in s.scopes:
        raise UnknownNameError.of("scope", v["scope"], s.scopes, "parameters.scope")
    world, step = desk.world, v["us_step_pct"] / 100
    a, b = desk.at(s.aggressor), desk.at(s.answerer)
    scope = tuple(world.sector_list(s.scopes[v["scope"]]))
    j = [world.sectors.index(x) for x in scope]
    goods = [world.sectors.index(x) for x in world.sector_list("goods")]
    trade = world.trade.values
    duties = step * trade[goods, a, b].sum()
    covered = float(trade[j, b, a].sum())
    act = Levy(s.aggressor, s.answerer, step)
    top, seen = s.bound_pct / 100, 0.5 * sum(s.observed_pct) / 100
    grid = np.array([0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.0, 5.0, seen])
    grid = np.append(np.unique(grid[(grid < top) & (grid > 0)]), top)
    answers = [Levy(s.answerer, s.aggressor, float(r), scope) for r in grid]
    log = desk.many([[act], *([act, answer] for answer in answers)])
    ban = desk.log_income([act, Withdrawal(s.aggressor, s.answerer, "purchases", scope)])
    hit = log[0]
    gain, harm = float(hit[a]), -float(hit[b])
    # in money, so that a large and a small economy are compared at par
    worth = desk.income_usd_bn
    harm_usd = harm * float(worth[b])

    taken = gain - log[1:, a]
    most, here = gain - float(ban[a]), float(np.interp(seen, np.append(0.0, grid),
                                                       np.append(0.0, taken)))  # fmt: skip
    return {
        "mirror": 100 * step,
        "duty_equivalent": 100 * duties / covered if covered > 0 else np.nan,
        "loss_equivalent": 100 * _first(grid, taken, harm_usd / float(worth[a])),
        "welfare_equivalent": 0.0 if gain <= 0 else 100 * _first(grid, taken, gain),
        "aggressor_gain_pct": gain,
        "answerer_loss_pct": harm,
        "covered_pct": 100 * covered / float(trade[goods, b, a].sum()),
        "of_embargo_pct": 100 * here / most if most > 0 else np.nan,
        "embargo_loss_pct": most,
    }


def _first(grid: np.ndarray, taken: np.ndarray, target: float) -> float:
    """Smallest rate at which ``taken`` reaches ``target``; NaN where none does."""
    if target <= 0:
        return 0.0
    x, y = np.append(0.0, grid), np.append(0.0, taken)
    for i in range(1, len(x)):
        if y[i] >= target:
            return float(x[i - 1] + (x[i] - x[i - 1]) * (target - y[i - 1]) / (y[i] - y[i - 1]))
    return np.nan


def evaluate(s: Settings, room: Room, v: Mapping[str, Any]) -> Answer:
    """One draw."""
    found = rates(s, room.desk(v["elasticities"], v["elasticity_scale"]), v)
    low, high = s.observed_pct
    inside = [r for r in RULES if low - 1e-9 <= found[r] <= high + 1e-9]
    due = found[BENCHMARKS[v["benchmark"]]]
    if not found["covered_pct"] > 0:
        verdict = "no trade"
    elif np.isnan(due) or due > high:
        verdict = "milder"  # no rate that was tried does as much
    else:
        verdict = "harsher" if due < low else "proportionate"
    numbers = {f"{r}_pct" if r in RULES else r: float(x) for r, x in found.items()}
    for r in RULES:
        numbers[f"{r}_inside"] = float(r in inside)
    numbers["benchmark_rate_pct"] = float(due)
    return Answer(verdict, numbers)


def tables(
    s: Settings, room: Room, v: Mapping[str, Any], good: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Each rule's rate over the draws; each rule by scope and step at the point."""
    rows = []
    for r in RULES:
        x = good[f"{r}_pct"]
        rows.append(
            {
                "rule": r.replace("_", " "),
                "share_inside": float(good[f"{r}_inside"].mean()),
                "share_without_answer": float(x.isna().mean()),
                "rate_p05_pct": float(x.quantile(0.05)),
                "rate_median_pct": float(x.median()),
                "rate_p95_pct": float(x.quantile(0.95)),
            }
        )
    desk = room.desk(v["elasticities"], v["elasticity_scale"])
    cases = []
    for scope in s.scopes:
        for step in sorted({10.0, 20.0, float(v["us_step_pct"])}):
            found = rates(s, desk, {**v, "scope": scope, "us_step_pct": step})
            cases.append(
                {"scope": scope, "us_step_pct": step, "covered_pct": found["covered_pct"],
                 **{f"{r}_pct": found[r] for r in RULES}}
            )  # fmt: skip
    replies = []
    for scope, sectors in s.scopes.items():
        one = explain_rate(
            desk.world, s.aggressor, s.answerer, action=v["us_step_pct"] / 100,
            observed=(s.observed_pct[0] / 100, s.observed_pct[1] / 100), sectors=sectors,
            rules=("best reply",),
        ).iloc[0]  # fmt: skip
        replies.append(
            {
                "scope": scope, "us_step_pct": float(v["us_step_pct"]),
                "best_reply_pct": 100 * float(one["rate"]),
                "inside": "yes" if one["inside"] else "no", "status": str(one["status"]),
            }
        )  # fmt: skip
    return {
        "rules": pd.DataFrame(rows),
        "by_scope_and_step": pd.DataFrame(cases),
        "best_reply_at_the_point": pd.DataFrame(replies),
    }


def remarks(s: Settings, good: pd.DataFrame) -> list[str]:
    """Which rule gives the rate seen."""
    parts = []
    for r in RULES:
        x = good[f"{r}_pct"]
        median = f"none up to {s.bound_pct:g}%" if x.isna().all() else f"{x.median():.0f}%"
        parts.append(
            f"{_MEANS[r]}, {median} (within {_seen(s)} in "
            f"{100 * float(good[f'{r}_inside'].mean()):.0f}% of the draws)"
        )
    best = max(RULES, key=lambda r: float(good[f"{r}_inside"].mean()))
    hit = float(good[f"{best}_inside"].mean())
    explained = (
        f"The rule that most often gives {_seen(s)}: {_MEANS[best]}."
        if hit >= 0.5
        else f"No rule gives {_seen(s)} in half of the draws."
    )
    out = [f"The rate each rule asks for, at the median: {'; '.join(parts)}. {explained}"]
    middle, far = 0.5 * (s.observed_pct[0] + s.observed_pct[1]), good["of_embargo_pct"]
    out.append(
        f"How far it is from an embargo: an answer of {middle:g}% would do {far.median():.0f}% of "
        f"the harm to {the(s.aggressor)} that it would suffer if {the(s.answerer)} bought none of "
        f"the goods in scope (median; {far.quantile(0.05):.0f}% to {far.quantile(0.95):.0f}% in "
        "nine draws of ten)."
    )
    lost = float((good["aggressor_gain_pct"] <= 0).mean())
    if lost >= 0.5:
        out.append(
            f"In {100 * lost:.0f}% of the draws {the(s.aggressor)} would lose by its own step, so "
            "that no answer is needed to take a gain away."
        )
    return out


def verdicts(s: Settings, priors: Mapping[str, Prior]) -> dict[str, str]:
    """Every verdict in words."""
    seen = _seen(s)
    return {
        "proportionate": f"{seen} is proportionate by the benchmark drawn",
        "milder": f"{seen} is milder than the benchmark drawn",
        "harsher": f"{seen} is harsher than the benchmark drawn",
        "no trade": "nothing is traded in the scope of the answer",
    }


def numbers(s: Settings, priors: Mapping[str, Prior]) -> dict[str, str]:
    """What each number is."""
    one, other = the(s.aggressor), the(s.answerer)
    middle = 0.5 * (s.observed_pct[0] + s.observed_pct[1])
    return {
        "benchmark_rate_pct": "rate that the benchmark asks for, percent",
        "of_embargo_pct": f"loss of {one} by an answer of {middle:g}%, in percent of its loss if "
        f"{other} bought none of the goods in scope",
        "embargo_loss_pct": f"loss of {one} if {other} bought none of them, percent",
        "duty_equivalent_pct": "rate that collects the same duties, percent",
        "mirror_pct": "rate of the same points, percent",
        "loss_equivalent_pct": f"rate at which {one} loses what {other} lost, in money, percent",
        "welfare_equivalent_pct": f"least rate that leaves {one} no gain from its step, percent",
        "aggressor_gain_pct": f"change of real income of {one} by its step unanswered, percent",
        "answerer_loss_pct": f"loss of {other} from the step, percent",
        "covered_pct": f"part of the goods that {one} sells to {other} in scope, percent",
        **{f"{r}_inside": f"1 where the rule \"{_MEANS[r]}\" gives {_seen(s)}"
           for r in RULES},
    }  # fmt: skip


_MEANS = {rule: words for words, rule in BENCHMARKS.items()}


def _seen(s: Settings) -> str:
    """The rates of the answer seen: "10-15%", or "10%" where they are one."""
    low, high = s.observed_pct
    return f"{low:g}%" if low == high else f"{low:g}-{high:g}%"


KIND = Kind(
    name="proportionate-answer",
    parameters={
        **elasticities(),
        "benchmark": Parameter(
            "what the answer is measured against", "name", names=tuple(BENCHMARKS)
        ),
        "us_step_pct": Parameter("what the US added on China's goods", "points", 0.1, 500),
        "scope": Parameter("goods that the answer falls on", "name", names=()),
    },
    settings=Settings,
    verdicts=verdicts,
    numbers=numbers,
    main="benchmark_rate_pct",
    evaluate=evaluate,
    tables=tables,
    remarks=remarks,
    notes=(
        "Equal duties, at trade before the step, is the idea of equivalent concessions (GATT "
        "XXVIII, DSU 22.4); the verdict follows from the benchmark, so that it is drawn.",
    ),
)  # fmt: skip

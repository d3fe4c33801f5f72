"""How low the pledge must go for 15% on cars: the most Korea gives, and what decides it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from detente.cards.draws import Prior
from detente.cards.kind import Answer, Kind, Parameter, elasticities, the
from detente.cards.room import Desk, Room
from detente.games.bargaining import Terms, zone
from detente.models.monopolistic import Monopolistic
from detente.models.staggered import Staggered
from detente.policy.changes import Change, Levy
from detente.records import Number, Record
from detente.world.horizons import horizon_record

__all__ = ["KIND", "Settings"]


class Settings(Record):
    """The relief: sectors and rates in percent; rivals pay ``rivals_pct`` with and without it.

    ``marks_usd_bn`` are the pledges that verdicts tell apart, from the largest down: what is
    asked, and what it might go down to.
    """

    payer: str = "KOR"
    grantor: str = "USA"
    sectors: str = "C29"
    from_pct: Number = Field(default=25.0, ge=0)
    to_pct: Number = Field(default=15.0, ge=0)
    rivals: tuple[str, ...] = ("JPN", "EU27")
    rivals_pct: Number = Field(default=15.0, ge=0)
    marks_usd_bn: tuple[Annotated[Number, Field(gt=0)], ...] = Field(
        default=(350.0, 250.0, 200.0), min_length=1, max_length=8
    )

    @model_validator(mode="after")
    def _falling(self) -> Settings:
        if list(self.marks_usd_bn) != sorted(set(self.marks_usd_bn), reverse=True):
            raise ValueError("marks_usd_bn must fall from one to the next")
        return self


def gains(s: Settings, desk: Desk, sectors: str | None = None) -> tuple[float, float]:
    """USD billion a year: payer, grantor, from the deal over no deal."""
    which = sectors or s.sectors
    cases: list[list[Change]] = []
    for rate in (s.from_pct, s.to_pct):
        case: list[Change] = [Levy(s.grantor, s.payer, rate / 100, which, "total")]
        if s.rivals_pct and s.rivals:
            case.append(Levy(s.grantor, s.rivals, s.rivals_pct / 100, which, "total"))
        cases.append(case)
    log = desk.many(cases)
    usd = [
        desk.income_usd_bn[desk.at(c)]
        * np.exp(log[0, desk.at(c)] / 100)
        * np.expm1((log[1, desk.at(c)] - log[0, desk.at(c)]) / 100)
        for c in (s.payer, s.grantor)
    ]
    return float(usd[0]), float(usd[1])


COUNTED = (
    "real income, workers free to move",
    "real income, workers stay in their sector",
    "real income with profits of firms",
    "duty that the makers would pay",
)
"""Ways to count what the relief is worth to the payer, from economists' to the makers' own."""


def relief(
    s: Settings, room: Room, v: Mapping[str, Any], sectors: str | None = None
) -> tuple[float, float]:
    """USD billion a year: payer, grantor, as the payer's gain is counted.

    Workers who stay: the share ``mu`` of a year of the question's horizon set changes sector,
    while buyers do as at the room's horizon. Profits: Ossa (2014), without inputs, the same at
    both horizons. Duty: on sales of the base year, the most that makers could bear.
    """
    way, given = v["counted"], (v["elasticities"], v["elasticity_scale"])
    if way == COUNTED[1]:
        labour = horizon_record(room.horizon).labour
        pace = room.pace or Staggered(zeta=1.0)
        sticky = replace(pace, labour="sticky", mu=labour.mu, kappa=labour.kappa)
        return gains(s, room.desk(*given, sticky), sectors)
    if way == COUNTED[2]:
        return gains(s, room.desk(*given, Monopolistic()), sectors)
    own, theirs = gains(s, room.desk(*given), sectors)
    return (duty(s, room, sectors) if way == COUNTED[3] else own), theirs


def duty(s: Settings, room: Room, sectors: str | None = None) -> float:
    """Duty spared by the relief on the payer's sales of the base year, USD billion a year."""
    world = room.world
    j = [world.sectors.index(x) for x in world.sector_list(sectors or s.sectors)]
    n, i = world.countries.index(s.grantor), world.countries.index(s.payer)
    sales, now = world.trade.values[j, n, i], world.tariff.values[j, n, i]
    high, low = (np.maximum(now, rate / 100) for rate in (s.from_pct, s.to_pct))
    return float((sales * (high - low)).sum() / 1e3)


def terms(v: Mapping[str, Any], **changes: float) -> Terms:
    """Everything but the trade model, from the drawn values."""
    given = {
        "grant_share": v["grant_share"], "horizon_years": v["horizon_years"],
        "discount": v["discount_pct"] / 100, "relief_risk": v["relief_risk_pct"] / 100,
        "reimposition": v["reimposition_pct"] / 100, "disbursement": v["disbursement"],
        "cost_usd_bn": v["political_cost_usd_bn"], "gain_share": v["gain_share"],
    }  # fmt: skip
    return Terms(**{**given, **changes})


def share_at(gain: float, pledge: float, t: Terms) -> float:
    """Grant share at which the payer just accepts ``pledge``."""
    return (gain * t.annuity - t.cost_usd_bn) / (t.disbursement * pledge)


def evaluate(s: Settings, room: Room, v: Mapping[str, Any]) -> Answer:
    """One draw."""
    own, theirs = relief(s, room, v)
    wide, _ = relief(s, room, v, "goods")
    t = terms(v)
    split = zone(own, theirs, t)
    most = split.p_max
    if most <= 0:
        verdict = "nothing"
    else:
        least = f"below {s.marks_usd_bn[-1]:g}"
        verdict = next((f"{m:g}" for m in s.marks_usd_bn if most >= m), least)
    numbers = {
        "p_max_usd_bn": most,
        "p_min_usd_bn": split.p_min,
        "payer_gain_usd_bn": own,
        "grantor_gain_usd_bn": theirs,
        "present_value_usd_bn": own * t.annuity,
        "annuity_years": t.annuity,
        "zone": float(split.zone),
        "all_goods_gain_usd_bn": wide,
        "all_goods_p_max_usd_bn": zone(wide, 0.0, t).p_max,
    }
    for m in s.marks_usd_bn:
        numbers[f"grant_at_{m:g}_pct"] = 100 * share_at(own, m, t)
    return Answer(verdict, numbers)


def tables(
    s: Settings, room: Room, v: Mapping[str, Any], good: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """The surface over share, horizon and risk; the marks; the gain on other scopes and worlds."""
    desk = room.desk(v["elasticities"], v["elasticity_scale"])
    own, theirs = relief(s, room, v)
    rows = []
    for g in (0.01, 0.02, 0.05, 0.1, 0.25, 1.0):
        for H in (4.0, 10.0, 30.0):
            for q in (0.0, 0.25):
                t = terms(v, grant_share=g, horizon_years=H, reimposition=q, relief_risk=0.0)
                most = zone(own, theirs, t).p_max
                row: dict[str, Any] = {
                    "grant_share": g, "horizon_years": H, "yearly_risk_pct": 100 * q,
                    "largest_pledge_usd_bn": most,
                }  # fmt: skip
                rows.append(
                    row | {f"accepts_{m:g}": "yes" if most >= m else "no" for m in s.marks_usd_bn}
                )
    marks = []
    for m in s.marks_usd_bn:
        x = good[f"grant_at_{m:g}_pct"] / 100
        marks.append(
            {
                "pledge_usd_bn": m,
                "share_of_draws_accepting": float((good["p_max_usd_bn"] >= m).mean()),
                "grant_share_p05": float(x.quantile(0.05)),
                "grant_share_median": float(x.median()),
                "grant_share_p95": float(x.quantile(0.95)),
            }
        )
    whole = room.whole_desk(v["elasticities"], v["elasticity_scale"])
    checks, asked = [], s.marks_usd_bn[0]
    for label, d in (("merged world", desk), ("full world", whole)):
        if d is None:
            continue
        here = s if label == "merged world" else s.model_copy(update={"rivals": _rivals(s)})
        for scope, sectors in (("as asked", None), ("all goods", "goods")):
            k, u = gains(here, d, sectors)
            t = terms(v)
            checks.append(
                {
                    "world": label, "relief_on": scope, "payer_gain_usd_bn": k,
                    "payer_gain_pct": 100 * k / float(d.income_usd_bn[d.at(s.payer)]),
                    "grantor_gain_usd_bn": u, "largest_pledge_usd_bn": zone(k, u, t).p_max,
                    f"grant_share_at_{asked:g}": share_at(k, asked, t),
                }
            )  # fmt: skip
    soon = room.first_year()
    ways = []
    for way in COUNTED:
        early, late = (relief(s, r, {**v, "counted": way})[0] for r in (soon, room))
        drawn = good[good["counted"] == way]
        ways.append(
            {
                "relief_counted_as": way, "worth_after_one_year_usd_bn": early,
                "worth_in_the_long_run_usd_bn": late,
                "largest_pledge_usd_bn": zone(late, theirs, terms(v)).p_max,
                **{f"share_of_draws_accepting_{m:g}": float((drawn["p_max_usd_bn"] >= m).mean())
                   if len(drawn) else np.nan for m in s.marks_usd_bn},
            }
        )  # fmt: skip
    return {
        "marks": pd.DataFrame(marks),
        "ways_to_count": pd.DataFrame(ways),
        "scope_and_world": pd.DataFrame(checks),
        "surface": pd.DataFrame(rows),
    }


def _rivals(s: Settings) -> tuple[str, ...]:
    return tuple(r for r in s.rivals if r != "ROW")


def remarks(s: Settings, good: pd.DataFrame) -> list[str]:
    """The most, by quantiles; the share at the pledge asked; the zone."""
    asked = s.marks_usd_bn[0]
    p, g = good["p_max_usd_bn"], good[f"grant_at_{asked:g}_pct"] / 100
    gain, none = good["payer_gain_usd_bn"], float((good["zone"] == 0).mean())
    wide = good["all_goods_p_max_usd_bn"]
    return [
        f"The largest pledge that would leave {the(s.payer)} no worse off is ${p.median():,.0f} bn "
        f"at the median (${p.quantile(0.05):,.0f} bn to ${p.quantile(0.95):,.0f} bn in nine draws "
        f"of ten), for relief worth ${gain.median():.1f} bn a year (${gain.quantile(0.05):.1f} bn "
        f"to ${gain.quantile(0.95):.1f} bn in nine draws of ten).",
        f"${asked:g} bn would just be acceptable where {100 * g.median():.1f}% of it is a grant in "
        f"effect (median; {100 * g.quantile(0.05):.1f}% to {100 * g.quantile(0.95):.1f}%, at most "
        f"{100 * g.max():.1f}%): loans, guarantees and investments that earn nearly their cost "
        "may come so low, cash without return does not.",
        "Were the relief on all goods, the largest pledge would be "
        f"${wide.median():,.0f} bn at the median, and ${asked:g} bn or more in "
        f"{100 * float((wide >= asked).mean()):.0f}% of the draws.",
        "In every draw some pledge would suit both sides."
        if none == 0
        else f"In {100 * none:.0f}% of the draws no pledge would suit both sides.",
    ]


def verdicts(s: Settings, priors: Mapping[str, Prior]) -> dict[str, str]:
    """Every verdict in words."""
    marks = s.marks_usd_bn
    out = {
        f"{marks[0]:g}": f"the ${marks[0]:g} bn pledge would pay for {the(s.payer)} as it stands"
    }
    for above, m in pairwise(marks):
        out[f"{m:g}"] = f"the pledge would have to go down to between ${m:g} bn and ${above:g} bn"
    out[f"below {marks[-1]:g}"] = f"the pledge would have to go below ${marks[-1]:g} bn"
    return {**out, "nothing": "the relief would be worth no pledge at all"}


def numbers(s: Settings, priors: Mapping[str, Prior]) -> dict[str, str]:
    """What each number is."""
    payer, grantor, asked = the(s.payer), the(s.grantor), s.marks_usd_bn[0]
    return {
        "p_max_usd_bn": f"the largest pledge that would pay for {payer}, USD bn",
        f"grant_at_{asked:g}_pct": f"part of ${asked:g} bn that may be a gift, for the pledge just "
        "to pay, percent",
        **{f"grant_at_{m:g}_pct": f"the same for ${m:g} bn" for m in s.marks_usd_bn[1:]},
        "p_min_usd_bn": f"the least pledge that would pay for {grantor}, USD bn",
        "payer_gain_usd_bn": f"gain of {payer} from the relief, USD bn a year",
        "grantor_gain_usd_bn": f"gain of {grantor} from the relief without a pledge, USD bn a year",
        "present_value_usd_bn": f"worth of the relief to {payer}, USD bn today",
        "annuity_years": "years that a stream counts for after discount and risk",
        "all_goods_gain_usd_bn": f"gain of {payer} if all goods had the relief, USD bn a year",
        "all_goods_p_max_usd_bn": f"the same if all goods had the relief, {payer}, USD bn",
        "zone": "1 where some pledge suits both sides",
    }


KIND = Kind(
    name="korea-pledge",
    parameters={
        **elasticities(),
        "counted": Parameter("how the worth of the relief is counted", "name", names=COUNTED),
        "grant_share": Parameter(
            "part of each dollar pledged that is a gift in effect", "share", 1e-4, 1
        ),
        "horizon_years": Parameter("how long the relief counts", "years", 0.5, 200),
        "discount_pct": Parameter("discount rate", "% a year", 0, 50),
        "relief_risk_pct": Parameter("chance the tariff falls without a deal", "% a year", 0, 200),
        "reimposition_pct": Parameter("chance it is raised again despite one", "% a year", 0, 200),
        "disbursement": Parameter("discount factor of the payment profile", "share", 0.01, 1),
        "political_cost_usd_bn": Parameter("political cost to Korea", "USD bn", 0, 1000),
        "gain_share": Parameter("gain to the US, of each dollar pledged", "share", 1e-4, 1),
    },
    settings=Settings,
    verdicts=verdicts,
    numbers=numbers,
    main="p_max_usd_bn",
    evaluate=evaluate,
    tables=tables,
    remarks=remarks,
    told=("payer_gain_usd_bn", "p_max_usd_bn"),
    notes=(
        "One year after: what the pledge would be worth if every year were like the first.",
        "The pledge is compared with the worth of the relief at par; a payment that moves the "
        "terms of trade is in detente.games.pledge.",
    ),
)

"""Who has more hold over Korea: what it loses if China or the United States withdraws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from detente.cards.draws import Prior
from detente.cards.kind import Answer, Kind, Parameter, elasticities, the
from detente.cards.room import Desk, Room
from detente.models.caliendo_parro import CaliendoParro
from detente.policy.changes import Withdrawal
from detente.records import Number, Record

__all__ = ["KIND", "Settings"]


class Settings(Record):
    """The country; two losses closer than ``even`` (as a ratio) count as equal."""

    country: str = "KOR"
    even: Number = Field(default=0.05, ge=0, lt=1)


RIVALS = ("CHN", "USA")
WAYS = ("trade", "sales", "purchases")


def losses(s: Settings, desk: Desk, sectors: tuple[str, ...] | str) -> dict[str, float]:
    """Percent losses by partner and way, and what each withdrawal costs the partner."""
    out: dict[str, float] = {}
    for p in RIVALS:
        for way in WAYS:
            log = desk.log_income([Withdrawal(s.country, p, way, sectors)])
            out[f"{p}_{way}_loss_pct"] = float(-100 * np.expm1(log[desk.at(s.country)] / 100))
            out[f"{p}_{way}_own_cost_pct"] = float(-100 * np.expm1(log[desk.at(p)] / 100))
    return out


def _larger(s: Settings, a: float, b: float) -> str:
    if max(a, b) <= 0 or abs(a - b) <= s.even * max(abs(a), abs(b)):
        return "even"
    return RIVALS[0] if a > b else RIVALS[1]


def evaluate(s: Settings, room: Room, v: Mapping[str, Any]) -> Answer:
    """One draw."""
    # whoever loses a supplier to a ban chooses anew at once, so that a first year by the pace of
    # sourcing would be as easy as the long run: it is told by elasticities far below theirs
    soon = v["first_year_scale"] if room.pace is not None else 1.0
    desk = room.desk(v["elasticities"], v["elasticity_scale"] * soon, CaliendoParro())
    found = losses(s, desk, v["scope"])
    by = {w: _larger(s, *(found[f"{p}_{w}_loss_pct"] for p in RIVALS)) for w in WAYS}
    both = {by["trade"], by["sales"]}
    if len(both) == 1:
        (one,) = both
        verdict = "even" if one == "even" else f"{one} on both"
    elif "even" in both:
        (one,) = both - {"even"}
        verdict = f"{one} on one"
    else:
        verdict = "split"
    ratio = {w: found[f"CHN_{w}_loss_pct"] / found[f"USA_{w}_loss_pct"] for w in WAYS}
    influence = {
        f"{p}_influence_pct": found[f"{p}_trade_loss_pct"] - found[f"{p}_trade_own_cost_pct"]
        for p in RIVALS
    }
    return Answer(
        verdict, {**found, **influence, **{f"{w}_ratio": x for w, x in ratio.items()}}
    )  # fmt: skip


def tables(
    s: Settings, room: Room, v: Mapping[str, Any], good: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Losses by partner over the draws; the point on the full world; the first sectors."""
    rows = []
    for p in RIVALS:
        for way in WAYS:
            x, own = good[f"{p}_{way}_loss_pct"], good[f"{p}_{way}_own_cost_pct"]
            rows.append(
                {
                    "partner": p, "withdraws": _WORDS[way],
                    "loss_p05_pct": float(x.quantile(0.05)),
                    "loss_median_pct": float(x.median()),
                    "loss_p95_pct": float(x.quantile(0.95)),
                    "partner_cost_median_pct": float(own.median()),
                }
            )  # fmt: skip
    desk = room.desk(v["elasticities"], v["elasticity_scale"])
    checks = []
    whole = room.whole_desk(v["elasticities"], v["elasticity_scale"])
    for label, d in (("merged world", desk), ("full world", whole)):
        if d is None:
            continue
        found = losses(s, d, v["scope"])
        for p in RIVALS:
            checks.append(
                {"world": label, "partner": p,
                 **{f"{w}_loss_pct": found[f"{p}_{w}_loss_pct"] for w in WAYS}}
            )  # fmt: skip
    world = desk.world
    at, flows = desk.at(s.country), world.trade.values
    sectors = []
    for p in RIVALS:
        bought = flows[:, at, desk.at(p)]
        every = flows[:, at, :].sum(axis=1)
        for k in np.argsort(-bought)[:5].tolist():
            sectors.append(
                {
                    "partner": p, "sector": world.sectors[k],
                    "bought_usd_bn": float(bought[k] / 1e3),
                    "supplier_share_pct": float(100 * bought[k] / every[k]),
                    "loss_alone_pct": float(
                        -100 * np.expm1(
                            desk.log_income(
                                [Withdrawal(s.country, p, "sales", world.sectors[k])]
                            )[at] / 100
                        )
                    ),
                }
            )  # fmt: skip
    return {
        "losses": pd.DataFrame(rows),
        "worlds": pd.DataFrame(checks),
        "sectors": pd.DataFrame(sectors),
    }


_WORDS = {"trade": "all trade", "sales": "its sales (inputs)", "purchases": "its purchases"}
_STOPS = {"trade": "stopped all trade", "sales": "stopped selling", "purchases": "stopped buying"}


_WITH = {"trade": " with", "sales": " to", "purchases": " from"}


def _loss(x: pd.Series) -> str:
    """Median and the middle nine draws of ten."""
    low, high = x.quantile(0.05), x.quantile(0.95)
    return f"{x.median():.1f}% ({low:.1f}% to {high:.1f}% in nine draws of ten)"


def remarks(s: Settings, good: pd.DataFrame) -> list[str]:
    """Losses, and who pays for the threat."""
    out = []
    for way in ("trade", "sales"):
        a, b = (good[f"{p}_{way}_loss_pct"] for p in RIVALS)
        out.append(
            f"If {the(RIVALS[0])} {_STOPS[way]}{_WITH[way]} {the(s.country)}, that would cost "
            f"{the(s.country)} {_loss(a)} of real income in the long run; if {the(RIVALS[1])} did, "
            f"{_loss(b)}."
        )
    own = [float(good[f"{p}_trade_own_cost_pct"].median()) for p in RIVALS]
    out.append(
        f"Stopping all trade would cost {the(RIVALS[0])} itself {own[0]:.2f}% of its income and "
        f"{the(RIVALS[1])} {own[1]:.2f}% (medians)."
    )
    return out


def verdicts(s: Settings, priors: Mapping[str, Prior]) -> dict[str, str]:
    """Every verdict in words."""
    return {
        **{f"{p} on both": f"{the(p)} would have more economic hold, by all trade and by inputs"
           for p in RIVALS},
        "split": "one would have more economic hold by all trade and the other by inputs",
        **{f"{p} on one": f"{the(p)} would have more economic hold on one of the two measures"
           for p in RIVALS},
        "even": f"the two would have about the same economic hold (within {100 * s.even:g}%)",
    }  # fmt: skip


def numbers(s: Settings, priors: Mapping[str, Prior]) -> dict[str, str]:
    """What each number is."""
    who = the(s.country)
    return {
        **{f"{p}_{w}_loss_pct": f"loss of {who} if {the(p)} {_STOPS[w]}, percent of real income"
           for p in RIVALS for w in WAYS},
        **{f"{w}_ratio": f"loss if China {_STOPS[w]}, over that if the United States did"
           for w in WAYS},
        **{f"{p}_influence_pct": f"loss of {who} less the own loss of {the(p)}, all trade, percent"
           for p in RIVALS},
        **{f"{p}_{w}_own_cost_pct": f"own loss of {the(p)} if it {_STOPS[w]}, percent"
           for p in RIVALS for w in WAYS},
    }  # fmt: skip


KIND = Kind(
    name="hold-over-korea",
    parameters={
        **elasticities(),
        "first_year_scale": Parameter(
            "elasticities of the first year over those of the long run", "share", 0.05, 1
        ),
        "scope": Parameter("what is withdrawn, all trade or goods", "name", names=("all", "goods")),
    },
    settings=Settings,
    verdicts=verdicts,
    numbers=numbers,
    main="trade_ratio",
    evaluate=evaluate,
    tables=tables,
    remarks=remarks,
    notes=("Trade that is closed is closed by a ban, not a high tariff.",),
    told=("CHN_trade_loss_pct", "USA_trade_loss_pct"),
    first_year="the elasticities are the share drawn of those of the long run",
)  # fmt: skip

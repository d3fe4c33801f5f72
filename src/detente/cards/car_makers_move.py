"""Will car makers move: how much would be made in the market, how soon, and does a plant pay."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from detente.cards.car_makers_point import Settings, count, evaluate
from detente.cards.car_makers_tables import tables
from detente.cards.draws import Prior
from detente.cards.kind import Kind, Parameter
from detente.cards.sensitivity import variance_share
from detente.dependence.car_makers import car_makers

__all__ = ["KIND", "Settings"]


def remarks(s: Settings, good: pd.DataFrame) -> list[str]:
    """How much and how soon; what a plant needs; what decides it; what was said and happened."""
    makers = car_makers()
    name, other = makers.owners[s.owner].name, makers.owners[s.other].name
    x = {k: good[k] for k in good.columns if k in numbers(s, {})}
    level = x["break_even_pct"]
    much, pays = x["moved_pct"] >= s.mark_pct, x["margin_points"] >= 0
    jobs, early, late, end = (
        x[k].median()
        for k in ("jobs_thousand", "moved_1_year_pct", "moved_10_years_pct", "moved_long_run_pct")
    )
    out = [
        f"After {count(s.years)}, {x['moved_pct'].median():.0f}% of what {name} sell in the "
        f"United States would have moved to plants there ({_span(x['moved_pct'], '.0f')}% in nine "
        f"draws of ten; {s.mark_pct:g}% or more in {_percent(much)} of the draws): "
        f"${x['moved_usd_bn'].median():,.0f} bn of cars a year and some {jobs:,.0f} thousand jobs "
        f"in plants ({_span(x['jobs_thousand'], ',.0f')} thousand). After one year it would be "
        f"{early:.0f}%, after ten {late:.0f}%, in the long run {end:.0f}%.",
        f"A new plant would pay for itself at a tariff of {level.median():.0f}% "
        f"({_span(level, '.0f')}%), and would at the tariff drawn in {_percent(pays)} of the "
        "draws.",
    ]
    decisive = _decisive(good)
    if decisive:
        out.append(
            f"What decides it most is a matter of judgement, not of data: {decisive}."
            if decisive in _JUDGED
            else f"What decides it most: {decisive}."
        )
    plans = [p for p in makers.statements if p.made_here_pct is not None]
    said = "; ".join(
        f"{p.firm}, {p.kind}: {p.made_here_pct:.0f}% made there by {p.by_year}" for p in plans
    )
    out.append(
        f"Said: {said}. Here {name} would make {x['made_here_pct'].median():.0f}% there after "
        f"{count(s.years)}, {other} {x['other_made_here_pct'].median():.0f}%."
    )
    counted = "; ".join(
        f"{h.what}, {h.when}: {h.change_pct:+.1f}% in {h.unit} over a year before"
        for h in makers.happened
        if h.owner == s.owner
    )
    return [*out, f"What happened: {counted}."] if counted else out


def _decisive(good: pd.DataFrame) -> str:
    """The parameter behind the largest share of the variance of verdicts (or of the margin)."""
    bins = min(10, len(good) // 4)
    if bins < 2:
        return ""
    labels = sorted(set(good["verdict"]))
    outcomes = (
        np.stack([(good["verdict"] == x).to_numpy(float) for x in labels], axis=1)
        if len(labels) > 1
        else good[KIND.main].to_numpy(float)
    )
    shares = {}
    for name in KIND.parameters:
        x = good[name].to_numpy(float)
        if x.min() < x.max():
            groups = (bins * x.argsort().argsort()) // len(x)
            shares[name] = variance_share(groups, outcomes)
    best = max(shares, key=lambda k: shares[k], default="")
    return KIND.parameters[best].about if best and shares[best] > 0 else ""


def _percent(hits: pd.Series) -> str:
    return f"{100 * float(hits.mean()):.0f}%"


def _span(x: pd.Series, form: str) -> str:
    return f"{x.quantile(0.05):{form}} to {x.quantile(0.95):{form}}"


def verdicts(s: Settings, priors: Mapping[str, Prior]) -> dict[str, str]:
    """Every verdict in words."""
    name = car_makers().owners[s.owner].name
    much, when = f"{s.mark_pct:g}%", f"within {count(s.years)}"
    sold = f"of what {name} sell"
    return {
        "plants": f"a new plant in the United States would pay, and {much} or more {sold} there "
        f"would move {when}",
        "standing": f"a new plant in the United States would not pay, yet {much} or more {sold} "
        f"there would move to existing plants {when}",
        "slow": f"a new plant would pay, but less than {much} {sold} would move {when}",
        "stay": f"a new plant would not pay, and less than {much} {sold} would move {when}",
    }


def numbers(s: Settings, priors: Mapping[str, Prior]) -> dict[str, str]:
    """What each number is."""
    makers = car_makers()
    name, other = makers.owners[s.owner].name, makers.owners[s.other].name
    home = makers.places[makers.owners[s.owner].home].name
    after = f"after {count(s.years)}"
    moved_of = f"{name}: moved to plants in the United States"
    of = "% of what they sell there"
    return {
        "moved_pct": f"{moved_of} {after}, {of}",
        "break_even_pct": "tariff at which a new plant just pays, %",
        "jobs_thousand": f"jobs in plants for the cars moved {after}, thousand",
        "moved_1_year_pct": f"moved after 1 year, {of}",
        "moved_3_years_pct": f"moved after 3 years, {of}",
        "moved_5_years_pct": f"moved after 5 years, {of}",
        "moved_10_years_pct": f"moved after 10 years, {of}",
        "moved_long_run_pct": f"moved in the long run, {of}",
        "moved_usd_bn": f"{moved_of} {after}, USD bn a year",
        "moved_thousand_cars": f"{moved_of} {after}, thousand cars a year",
        "plants": "the same, counted in new plants of the size drawn",
        "made_here_pct": f"{name}: made in the United States {after}, {of}",
        "from_home_pct": f"{name}: cars from {home} for the United States {after}, change in %, "
        "lost sales counted",
        "other_moved_pct": f"{other}: moved to plants in the United States {after}, {of}",
        "other_made_here_pct": f"{other}: made in the United States {after}, {of}",
        "duty_pct": f"what cars from {home} would pay, %",
        "margin_points": "tariff above what a new plant needs, points",
        "plant_worth_usd_bn": "worth of a new plant over one at home, less its cost, USD bn today",
    }


KIND = Kind(
    name="will-car-makers-move",
    parameters={
        "tariff_pct": Parameter("tariff added on cars from overseas", "points", 0, 200),
        "neighbours_pct": Parameter(
            "tariff added on cars from Mexico and Canada", "points", 0, 200
        ),
        "place_elasticity": Parameter(
            "how sharply makers go where a car is cheaper to make and land",
            "% for 1% of cost",
            0.1,
            60,
        ),
        "owner_elasticity": Parameter(
            "how readily buyers change to another make", "% for 1% of price", 1.05, 20
        ),
        "renewal_pct": Parameter("models that choose their plant anew", "% a year", 0.5, 100),
        "fixed_cost_usd_bn": Parameter("cost of a new plant", "USD bn", 0, 50),
        "plant_thousand_cars": Parameter("what a new plant makes", "thousand cars a year", 1, 2000),
        "horizon_years": Parameter("how long makers count on the tariff", "years", 0.5, 60),
        "discount_pct": Parameter("discount rate of makers", "% a year", 0, 50),
        "end_risk_pct": Parameter("chance that the tariff ends", "% a year", 0, 100),
        "cost_gap_pct": Parameter(
            "what a car costs more to make there than at home", "% of its value", -20, 60
        ),
        "jobs_per_thousand": Parameter("jobs for a thousand cars a year", "jobs", 1, 60),
    },
    settings=Settings,
    verdicts=verdicts,
    numbers=numbers,
    main="margin_points",
    evaluate=evaluate,
    tables=tables,
    remarks=remarks,
    modelled=False,
    notes=(
        "Costs change by the tariff alone in the draws; the table beside has the point case with "
        "wages and prices of the solved world (world-2022).",
        "Moved counts models whose place is chosen anew, at the sales before the tariff; the worth "
        "of a plant is a separate account and does not bound what moves to plants that stand.",
    ),
)

_JUDGED = frozenset(
    KIND.parameters[k].about
    for k in ("horizon_years", "end_risk_pct", "cost_gap_pct", "place_elasticity", "discount_pct")
)
"""Parameters that no record settles."""

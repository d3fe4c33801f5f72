"""The tables behind the card on car makers: by maker, other figures, what was said and happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from detente.cards.car_makers_point import YEARS, Settings, moved, plant, tag
from detente.dependence.car_makers import CarMakers, car_makers
from detente.dependence.relocation import LONG_RUN, landed_costs

__all__ = ["tables"]


def tables(
    s: Settings, room: None, v: Mapping[str, Any], good: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """By owner and year; the tariff a plant needs; other shares and costs; said, and happened."""
    makers = car_makers()
    return {
        "by_maker": _by_owner(makers, s, v),
        "tariff_a_new_plant_needs": _break_even(makers, s, v),
        "other_figures_of_where_cars_are_made_now": _ranges(makers, s, v),
        "costs_from_the_tariff_alone_and_from_the_whole_world": _costs(makers, s, v),
        "said_by_makers_and_press": pd.DataFrame(
            [
                {
                    "who": x.firm, "date": x.date, "what": x.said, "how": x.kind,
                    "publisher": makers.sources[x.source].publisher,
                }
                for x in makers.statements
            ]
        ),
        "what_happened": _happened(makers),
        "how_the_figures_were_put_together": _sources(makers),
    }  # fmt: skip


def _by_owner(makers: CarMakers, s: Settings, v: Mapping[str, Any]) -> pd.DataFrame:
    found = moved(makers, v, tuple(dict.fromkeys((*YEARS, float(s.years)))))
    nest = makers.nest()
    rows = []
    for b, (key, owner) in enumerate(makers.owners.items()):
        mine = found.sel(owner=key)
        cars = float(mine["moved_cars_thousand"].sel(year=s.years))
        rows.append(
            {
                "makers": owner.name, "sold_there_thousand_cars": owner.cars_thousand,
                "sold_there_usd_bn": float(nest.sales_usd_bn[b]),
                "made_there_now_pct": 100 * owner.shares[makers.market],
                **{
                    _column(y): 100 * float(mine["moved_share"].sel(year=y)) for y in YEARS
                },
                f"moved_after_{tag(s.years)}_usd_bn": float(
                    mine["moved_usd_bn"].sel(year=s.years)
                ),
                f"jobs_after_{tag(s.years)}_thousand": cars * v["jobs_per_thousand"] / 1000,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _column(year: float) -> str:
    return "moved_in_the_long_run_pct" if year == LONG_RUN else f"moved_after_{tag(year)}_pct"


def _break_even(makers: CarMakers, s: Settings, v: Mapping[str, Any]) -> pd.DataFrame:
    rows = []
    for cost in (1.5, 4.0, 7.6):
        for cars in (150.0, 300.0, 500.0):
            row: dict[str, Any] = {"plant_costs_usd_bn": cost, "thousand_cars_a_year": cars}
            for years in (4.0, 10.0, 20.0):
                site = plant(
                    makers, s.owner, v,
                    fixed_cost_usd_bn=cost, cars_thousand=cars, horizon_years=years,
                )  # fmt: skip
                row[f"counted_on_for_{years:g}_years_pct"] = 100 * site.break_even
            rows.append(row)
    return pd.DataFrame(rows)


def _ranges(makers: CarMakers, s: Settings, v: Mapping[str, Any]) -> pd.DataFrame:
    rows = []
    for key in dict.fromkeys((s.owner, s.other)):
        owner = makers.owners[key]
        now = owner.shares[makers.market]
        for what, x in (
            ("lowest found", owner.made_here.low), ("taken", now),
            ("highest found", owner.made_here.high),
        ):  # fmt: skip
            found = moved(makers, v, (s.years, LONG_RUN), made_here={key: x})["moved_share"]
            rows.append(
                {
                    "makers": owner.name, "figure": what, "made_there_now_pct": 100 * x,
                    f"moved_after_{tag(s.years)}_pct": (
                        100 * float(found.sel(owner=key, year=s.years))
                    ),
                    "moved_in_the_long_run_pct": 100 * float(found.sel(owner=key, year=LONG_RUN)),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _costs(makers: CarMakers, s: Settings, v: Mapping[str, Any]) -> pd.DataFrame:
    """The point case with wages and prices of parts as they would be, at the end and by year."""
    from detente.outcome import simulate
    from detente.policy import Policy
    from detente.policy.changes import Levy
    from detente.policy.draft import amend
    from detente.timeline.path import path
    from detente.world import load_world

    world, market, sector = load_world(), makers.market, makers.sector
    near = ("MEX", "CAN")
    far = tuple(c for c in world.countries if c not in (market, *near))
    policy = amend(
        Policy(world),
        [
            Levy(market, far, v["tariff_pct"] / 100, sector, "added"),
            Levy(market, near, v["neighbours_pct"] / 100, sector, "added"),
        ],
    )
    sites = [p.cost_of for p in makers.places.values()]
    out = simulate(world, policy)
    # in force from the first year on: the ten years stand for none of the calendar
    marched = path(world, policy, start="2001-01", end="2010-12", every="year")
    rows = []
    for what, cost in (
        ("the tariff alone", None),
        ("the world once it has settled", landed_costs(out, market, sites, sector)),
        ("the world year by year", landed_costs(marched, market, sites, sector)),
    ):
        found = moved(makers, v, (1.0, float(s.years), 10.0), cost)["moved_share"]
        row: dict[str, Any] = {"costs_from": what}
        for key in dict.fromkeys((s.owner, s.other)):
            for years in dict.fromkeys((1, s.years, 10)):
                name = f"{makers.owners[key].name}_moved_after_{tag(years)}_pct"
                row[name] = 100 * float(found.sel(owner=key, year=years))
        rows.append(row)
    return pd.DataFrame(rows)


def _happened(makers: CarMakers) -> pd.DataFrame:
    """What was counted, and the pledges of governments that the ledger holds."""
    from detente.ledger import load_ledger

    rows = [
        {
            "what": x.what, "when": x.when, "counted_in": x.unit, "change_pct": x.change_pct,
            "publisher": makers.sources[x.source].publisher, "date": makers.sources[x.source].date,
        }
        for x in makers.happened
    ]  # fmt: skip
    pledges = load_ledger().pledges
    for key in makers.pledges:
        pledge = pledges[key]
        last = pledge.history[-1]
        rows.append(
            {
                "what": f"{pledge.title}, of the government: {last.status.replace('_', ' ')}",
                "when": str(last.date), "counted_in": f"${pledge.value_usd_bn:g} bn",
                "change_pct": np.nan, "publisher": "the ledger of this package",
                "date": str(last.date),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _sources(makers: CarMakers) -> pd.DataFrame:
    jobs = makers.jobs_per_thousand_cars
    before = "Duties collected over imports of cars, 2024."
    rows = [("duties before", before, [makers.duty_before_source])]
    rows += [(o.name, o.how, o.sources) for o in makers.owners.values()]
    rows.append(("jobs", jobs.how, jobs.sources))

    def cited(key: str) -> str:
        return f"{makers.sources[key].publisher}, {makers.sources[key].date}"

    return pd.DataFrame(
        [{"of": what, "how": how, "from": "; ".join(map(cited, keys))} for what, how, keys in rows]
    )

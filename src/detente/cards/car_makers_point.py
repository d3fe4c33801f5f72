"""Car makers at one point: what would move, what a new plant needs, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr
from pydantic import Field, model_validator

from detente.cards.kind import Answer
from detente.dependence.car_makers import CarMakers, car_makers
from detente.dependence.plants import Plant
from detente.dependence.relocation import LONG_RUN, relocate, tariff_costs
from detente.models.blocks import Array
from detente.records import Count, Number, Record

__all__ = ["YEARS", "Settings", "count", "duty", "evaluate", "moved", "plant", "tag"]

YEARS: tuple[float, ...] = (1, 3, 5, 10, LONG_RUN)


class Settings(Record):
    """Whose answer it is, and what counts as moving.

    ``owner`` is the group of makers that the verdict is on, ``other`` one beside it; making moves
    where at least ``mark_pct`` of what the owner sells has come to the market after ``years``.
    """

    owner: str = "JPN"
    other: str = "KOR"
    years: Count = Field(default=5, ge=1, le=30)
    mark_pct: Number = Field(default=5.0, gt=0, le=100)

    @model_validator(mode="after")
    def _known(self) -> Settings:
        known = list(car_makers().owners)
        for name in (self.owner, self.other):
            if name not in known:
                raise ValueError(f"makers {name!r} are not in the data; those are {known}")
        if car_makers().owners[self.owner].home == car_makers().market:
            raise ValueError(f"owner {self.owner!r} is at home in the market; name one from abroad")
        return self


def moved(
    makers: CarMakers, v: Mapping[str, Any], years: tuple[float, ...],
    cost: Array | None = None, made_here: dict[str, float] | None = None,
) -> xr.Dataset:  # fmt: skip
    """The nest at drawn values; without ``cost``, from tariffs alone."""
    if cost is None:
        after = makers.added(v["tariff_pct"] / 100, v["neighbours_pct"] / 100)
        cost = tariff_costs(makers.duties_before, after)
    return relocate(
        makers.nest(made_here), cost, place_elasticity=v["place_elasticity"],
        owner_elasticity=v["owner_elasticity"], renewal=v["renewal_pct"] / 100, years=years,
    )  # fmt: skip


def plant(makers: CarMakers, owner: str, v: Mapping[str, Any], **changes: float) -> Plant:
    """A new plant of an owner in the market, at drawn values."""
    given = {
        "fixed_cost_usd_bn": v["fixed_cost_usd_bn"], "cars_thousand": v["plant_thousand_cars"],
        "car_usd": makers.owners[owner].car_usd, "horizon_years": v["horizon_years"],
        "discount": v["discount_pct"] / 100, "cost_gap": v["cost_gap_pct"] / 100,
        "end_risk": v["end_risk_pct"] / 100,
    }  # fmt: skip
    return Plant(**{**given, **changes})


def duty(makers: CarMakers, owner: str, v: Mapping[str, Any]) -> float:
    """What cars from the owner's home pay, percent."""
    return makers.places[makers.owners[owner].home].duty_before_pct + v["tariff_pct"]


def evaluate(s: Settings, room: None, v: Mapping[str, Any]) -> Answer:
    """One draw."""
    makers = car_makers()
    found = moved(makers, v, tuple(dict.fromkeys((*YEARS, float(s.years)))))
    site = plant(makers, s.owner, v)
    home = makers.owners[s.owner].home
    share = found["moved_share"].sel(owner=s.owner)
    at = found.sel(year=s.years)
    before = makers.nest()
    b, i = before.owners.index(s.owner), before.places.index(home)
    at_home = float(before.sales_usd_bn[b] * before.shares[b, i])
    kept = float(at["made_usd_bn"].sel(owner=s.owner, place=home)) / at_home
    levied = duty(makers, s.owner, v)
    pays = levied >= 100 * site.break_even
    much = 100 * float(share.sel(year=s.years)) >= s.mark_pct
    verdict = {(True, True): "plants", (True, False): "slow", (False, True): "standing"}
    cars = float(at["moved_cars_thousand"].sel(owner=s.owner))
    numbers = {
        "moved_pct": 100 * float(share.sel(year=s.years)),
        **{f"moved_{tag(y)}_pct": 100 * float(share.sel(year=y)) for y in YEARS},
        "moved_usd_bn": float(at["moved_usd_bn"].sel(owner=s.owner)),
        "moved_thousand_cars": cars,
        "plants": cars / v["plant_thousand_cars"],
        "jobs_thousand": cars * v["jobs_per_thousand"] / 1000,
        "made_here_pct": 100 * float(at["placed"].sel(owner=s.owner, place=makers.market)),
        "from_home_pct": 100 * (kept - 1),
        "other_moved_pct": 100 * float(at["moved_share"].sel(owner=s.other)),
        "other_made_here_pct": 100 * float(at["placed"].sel(owner=s.other, place=makers.market)),
        "duty_pct": levied,
        "break_even_pct": 100 * site.break_even,
        "margin_points": levied - 100 * site.break_even,
        "plant_worth_usd_bn": site.worth_usd_bn(levied / 100),
    }  # fmt: skip
    return Answer(verdict.get((pays, much), "stay"), numbers)


def count(years: float) -> str:
    """ "1 year", "5 years"."""
    return "1 year" if years == 1 else f"{years:g} years"


def tag(year: float) -> str:
    """A year in the name of a number: "5_years", "long_run"."""
    return "long_run" if year == LONG_RUN else count(year).replace(" ", "_")

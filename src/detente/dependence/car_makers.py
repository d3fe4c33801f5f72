"""Makers of cars in the United States: who sells how many, where they are made, what was said.

The file beside this module holds the figures with their sources, and how each was put together.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from pydantic import Field, model_validator

from detente.dependence.relocation import Nest
from detente.models.blocks import Array
from detente.records import Count, Number, Record, validate
from detente.texts import read_yaml

__all__ = ["CarMakers", "Owner", "Site", "Statement", "car_makers", "read_car_makers"]


class Cited(Record):
    """A source."""

    title: str
    publisher: str
    date: str
    url: str = ""


class Site(Record):
    """A place of production; ``cost_of`` is the country of the world table that stands for it."""

    name: str
    duty_before_pct: Number = Field(ge=0)
    cost_of: str


class Range(Record):
    """A range in which the figure lies."""

    low: Number = Field(ge=0, le=1)
    high: Number = Field(ge=0, le=1)


class Owner(Record):
    """Makers with head offices in one country.

    ``shares`` are of cars sold in the market, by place; ``made_here`` is the range of the market's
    own share; ``figures`` are the published numbers that ``how`` puts together.
    """

    name: str
    home: str
    cars_thousand: Number = Field(gt=0)
    car_usd: Number = Field(gt=0)
    shares: dict[str, Number]
    made_here: Range
    figures: dict[str, Number]
    how: str
    sources: list[str] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> Owner:
        if abs(sum(self.shares.values()) - 1.0) > 1e-9:
            raise ValueError(f"shares sum to {sum(self.shares.values()):.6g}; they must sum to 1")
        if not self.made_here.low <= self.made_here.high:
            raise ValueError("made_here: low and high are out of order")
        return self


class Jobs(Record):
    """Workers in the plant for a thousand cars a year."""

    point: Number
    low: Number
    high: Number
    how: str
    sources: list[str] = Field(min_length=1)


class Statement(Record):
    """What a maker announced, or the press reported or expected; not what happened."""

    firm: str
    owner: str
    date: str
    said: str
    kind: str
    made_here_pct: Number | None = None
    by_year: Count | None = None
    source: str


class Observed(Record):
    """What was counted later, percent over a year before."""

    owner: str
    what: str
    when: str
    unit: str
    change_pct: Number
    source: str


class CarMakers(Record):
    """The whole file."""

    id: str
    title: str
    date: str
    market: str
    sector: str
    about: str
    places: dict[str, Site]
    duty_before_source: str
    owners: dict[str, Owner]
    jobs_per_thousand_cars: Jobs
    statements: list[Statement]
    happened: list[Observed]
    pledges: list[str]
    sources: dict[str, Cited]

    @model_validator(mode="after")
    def _known(self) -> CarMakers:
        named = [s for o in self.owners.values() for s in o.sources]
        named += [*self.jobs_per_thousand_cars.sources, self.duty_before_source]
        named += [x.source for x in (*self.statements, *self.happened)]
        lost = sorted(set(named) - set(self.sources))
        if lost:
            raise ValueError(f"sources {lost} are named but not given under sources")
        sites = [p for o in self.owners.values() for p in (o.home, *o.shares)]
        lost = sorted({self.market, *sites} - set(self.places))
        if lost:
            raise ValueError(f"places {lost} are named but not given under places")
        lost = sorted({x.owner for x in (*self.statements, *self.happened)} - set(self.owners))
        if lost:
            raise ValueError(f"owners {lost} are named but not given under owners")
        bare = sorted(k for k, o in self.owners.items() if o.shares.get(self.market, 0.0) <= 0)
        if bare:
            raise ValueError(
                f"owners {bare} make none in {self.market}; the nest needs a start there"
            )
        return self

    @property
    def duties_before(self) -> Array:
        """(I,) what cars from each place paid at the base, fraction."""
        return np.array([p.duty_before_pct / 100 for p in self.places.values()])

    def added(self, overseas: float, neighbours: float) -> Array:
        """(I,) duties after an addition (fractions): one for Mexico and Canada, one for the other
        places abroad."""
        near = {"MEX": neighbours, "CAN": neighbours, self.market: 0.0}
        return self.duties_before + np.array([near.get(p, overseas) for p in self.places])

    def nest(self, made_here: dict[str, float] | None = None) -> Nest:
        """Owners and places for :func:`~detente.dependence.relocation.relocate`.

        ``made_here`` puts another share on the market itself for some owners, the others in
        proportion.
        """
        shares = np.zeros((len(self.owners), len(self.places)))
        for b, (key, owner) in enumerate(self.owners.items()):
            row = dict(owner.shares)
            if made_here and key in made_here:
                rest = (1.0 - made_here[key]) / (1.0 - row[self.market])
                row = {p: x * rest for p, x in row.items()} | {self.market: made_here[key]}
            for place, x in row.items():
                shares[b, list(self.places).index(place)] = x
        cars = np.array([o.cars_thousand for o in self.owners.values()])
        worth = cars * np.array([o.car_usd for o in self.owners.values()]) / 1e6
        return Nest(self.market, tuple(self.owners), tuple(self.places), cars, worth, shares)


def read_car_makers(path: Path) -> CarMakers:
    """The makers in a YAML file.

    Raises
    ------
    RecordError
        A key that is not known or missing, shares that do not sum to one, a source that is named
        and not given.
    """
    return validate(CarMakers, read_yaml(path), path.name)


@lru_cache(maxsize=1)
def car_makers() -> CarMakers:
    """The makers that ship with the package."""
    return read_car_makers(Path(str(files("detente") / "dependence" / "data" / "car-makers.yaml")))

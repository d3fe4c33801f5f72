"""A run's answers after one, three and ten years and in the long run, with their ranges.

The measures are taken to come into force at once and to stay. The path of ten years is that of the
horizon set asked for; a range runs over every horizon set, and over every set of trade
elasticities under the horizon sets that take the world's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from detente.errors import DetenteError, InputError
from detente.labels import country_name
from detente.memory import Kept
from detente.models.blocks import Array
from detente.models.staggered import Staggered
from detente.outcome.march import March, Stage
from detente.outcome.outcome import Outcome
from detente.outcome.path import Path, solve_path
from detente.world import World
from detente.world.horizons import HorizonRecord, horizon_record, horizon_sets
from detente.world.theta import theta_sets

__all__ = ["AFTER", "Horizons", "horizons_of", "staggered_of", "world_under"]

YEARS = 10

AFTER = {"one_year": 1, "three_years": 3, "ten_years": 10}
"""The horizons that are printed before the long run, in years."""

COARSE = (1, 2, 7)
"""Lengths of the steps, in years, on which ranges are worked out."""

Values = dict[str, dict[str, Array]]
"""Numbers by horizon and measure, each (N,)."""


class Variant(NamedTuple):
    """One set of assumptions, the horizon set and the elasticities, and what follows from it."""

    horizon: str
    theta: str
    values: Values


@dataclass(frozen=True, eq=False)
class Horizons:
    """``path`` is the main one, ``long_run`` where it ends; ``variants`` span the ranges.

    ``missing`` names the sets of assumptions under which there was no result.
    """

    record: HorizonRecord
    path: Path
    long_run: Outcome
    market: tuple[str, str] | None
    variants: tuple[Variant, ...]
    missing: tuple[str, ...]

    @property
    def table(self) -> pd.DataFrame:
        """One row a country and horizon: numbers, and the lowest and highest over the variants.

        ``years`` is empty for the long run; ``real_income_usd_bn`` is the change at the income of
        the baseline, a year.
        """
        world, main = self.path.world, values_of(self.path, self.long_run, self.market)
        base = self.path.start.base.point.income
        parts = []
        for name, values in main.items():
            columns: dict[str, object] = {
                "country": world.countries,
                "name": [country_name(c) for c in world.countries],
                "horizon": name,
                "years": np.full(len(base), AFTER.get(name, np.nan)),
            }
            for measure, found in values.items():
                every = np.stack([found, *(v.values[name][measure] for v in self.variants)])
                columns[f"{measure}_pct"] = found
                columns[f"{measure}_low_pct"] = every.min(axis=0)
                columns[f"{measure}_high_pct"] = every.max(axis=0)
                if measure == "real_income":
                    columns["real_income_usd_bn"] = 1e-3 * base * found / 100.0
            parts.append(pd.DataFrame(columns))
        return pd.concat(parts, ignore_index=True)

    @property
    def groups(self) -> pd.DataFrame:
        """One row a country, sector and horizon: the real wage of those who worked in the sector at
        the start, wherever they work then, and their share of the country's pay.

        Raises
        ------
        InputError
            Labour is mobile.
        """
        wages, world = self.path.real_wage_by_origin, self.path.world
        share = 100.0 * self.path.origins.values
        after = {name: wages.sel(time=_year(years)).values for name, years in AFTER.items()}
        # in the long run all have chosen anew, with the same prospects
        end = np.broadcast_to(self.long_run.real_wage.values, share.shape)
        after["long_run"] = np.where(share > 0, end, np.nan)
        J, N = share.shape
        parts = [
            pd.DataFrame(
                {
                    "country": np.tile(world.countries, J),
                    "sector": np.repeat(world.sectors, N),
                    "horizon": name,
                    "share_of_pay_pct": share.ravel(),
                    "real_wage_pct": values.ravel(),
                }
            )
            for name, values in after.items()
        ]
        rows = pd.concat(parts, ignore_index=True)
        return rows[rows["share_of_pay_pct"] > 0].reset_index(drop=True)

    @property
    def spanned(self) -> str:
        """What the ranges run over, in words."""
        if not self.variants:
            return "no range asked for"
        sets = {v.horizon for v in self.variants} | {self.record.id}
        thetas = {v.theta for v in self.variants}
        return f"{len(sets)} horizon sets and {len(thetas)} sets of elasticities"

    def after(self, years: int) -> Outcome:
        """The outcome after some whole years.

        Raises
        ------
        InputError
            Not 1 to 10.
        """
        if years not in range(1, YEARS + 1):
            raise InputError(f"horizons: {years} years; whole years from 1 to {YEARS} are solved")
        return self.path.at(_year(years))


_worlds: WeakKeyDictionary[World, Kept[str | float, World]] = WeakKeyDictionary()


def world_under(world: World, theta: str | float) -> World:
    """The world under a set of elasticities or one number; "own" keeps what it came with. Kept, so
    that its baselines are solved once."""
    if theta == "own" or world.theta.attrs.get("set") == theta:
        return world
    held = _worlds.setdefault(world, Kept(16))
    if theta not in held:
        held[theta] = world.with_theta(theta)
    return held[theta]


def staggered_of(
    record: HorizonRecord, labour: str = "mobile", *, sigma: float | Sequence[float] | None = None,
    zeta: float | Sequence[float] | None = None, mu: float | None = None,
    kappa: float | None = None,
) -> Staggered:  # fmt: skip
    """The model of a horizon set, with some parameters given.

    Raises
    ------
    InputError
        A parameter out of its range.
    """
    return Staggered(
        sigma=record.sigma if sigma is None else sigma,  # pyright: ignore[reportArgumentType]
        zeta=record.zeta if zeta is None else zeta,  # pyright: ignore[reportArgumentType]
        labour=labour,  # pyright: ignore[reportArgumentType]  # checked there
        mu=record.labour.mu if mu is None else mu,
        kappa=record.labour.kappa if kappa is None else kappa,
    )


def horizons_of(
    out: Outcome, horizon: str, *, labour: str = "mobile",
    market: tuple[str, str] | None = None, ranges: bool = True,
) -> Horizons:  # fmt: skip
    """Solve the path of an outcome's policy from its baseline on, the long run, and the variants
    that span the ranges.

    Raises
    ------
    UnknownNameError
        No such horizon set.
    NoSolutionError, ConvergenceError
        A year of the main path has no result.
    """
    record = horizon_record(horizon)
    path, end = _solve(out, record, "own", labour, market, (1,) * YEARS)
    variants: list[Variant] = []
    missing: list[str] = []
    mine = str(out.world.theta.attrs.get("set", "own"))
    for name in horizon_sets() if ranges else ():
        other = horizon_record(name)
        for theta in ["own"] if other.theta is not None else ["own", *theta_sets()]:
            if (name == record.id and theta == "own") or theta == mine:
                continue  # the main path itself, or the world's own set once more
            said = mine if theta == "own" else theta
            said = said if other.theta is None else f"{other.theta:g}"
            try:
                found = _solve(out, other, theta, labour, market, COARSE)
            except DetenteError:
                missing.append(f"{name}, elasticities {said}")
                continue
            variants.append(Variant(name, said, values_of(*found, market)))
    return Horizons(record, path, end, market, tuple(variants), tuple(missing))


def values_of(path: Path, long_run: Outcome, market: tuple[str, str] | None) -> Values:
    """The measures of each horizon; of a market, whose flows the path has watched, too."""
    plain = ("real_income", "real_wage", "exports")
    found: Values = {}
    for name, years in AFTER.items():
        values = path.solved[path.times.index(_year(years))].values
        found[name] = {n: values[n] for n in plain}
    found["long_run"] = {n: getattr(long_run, n).values for n in plain}
    if market is None:
        return found
    j, sales = path.world.sectors.index(market[0]), path.watched
    for name, years in AFTER.items():
        place = path.times.index(_year(years))
        found[name]["focus_output"] = path.solved[place].values["output"][j]
        found[name]["focus_sales"] = sales[place]
    cell = dict(zip(("sector", "importer"), market, strict=True))
    found["long_run"]["focus_output"] = long_run.output.values[j]
    found["long_run"]["focus_sales"] = long_run.sales.sel(cell).values
    return found


def _solve(
    out: Outcome, record: HorizonRecord, theta: str, labour: str,
    market: tuple[str, str] | None, steps: Sequence[int],
) -> tuple[Path, Outcome]:  # fmt: skip
    """A path with steps of some years each, and where it ends; ``theta`` names the elasticities of
    horizon sets that have none."""
    world = world_under(out.world, record.theta or theta)
    policy, model = out.policy.under(world), staggered_of(record, labour)
    march = March(world, out.baseline.under(world), model, 12, out.deficit, 1e-10)
    stages = [
        Stage(_year(int(end)), "", "", policy, months=12 * step)
        for end, step in zip(np.cumsum(steps), steps, strict=True)
    ]
    watch = None
    if market is not None:
        watch = world.sectors.index(market[0]), world.countries.index(market[1])
    path = solve_path(march, stages, settings={"horizon": record.id}, watch=watch)
    return path, path.long_run


def _year(n: int) -> str:
    return f"year {n}"

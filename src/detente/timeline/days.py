"""The timeline: what the law of every change date since 2018 does to every country.

Each date is solved against the world table, always from the base equilibrium, so that its numbers
do not depend on the order of solving. Two dates are compared by ratios: a percent change from one
to the other is (1 + a)/(1 + b) - 1 of their changes against the table.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import date as _date
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from detente.errors import DateError, UnknownNameError
from detente.labels import country_name, group_members, group_names
from detente.ledger import Change, Ledger
from detente.models.blocks import Array
from detente.outcome import Outcome, simulate
from detente.outcome.economy import prepare
from detente.outcome.simulate import restore
from detente.outcome.tables import average_tariffs
from detente.policy import Policy
from detente.timeline.headlines import changes_by_day, headline
from detente.timeline.laws import Laws
from detente.world import World

__all__ = ["COLUMNS", "Column", "Timeline", "flows_of", "levels_of"]

BN = 1e-3

KEPT = 16
"""Dates whose flows are kept, a megabyte each."""


class Column(NamedTuple):
    """A number of the timeline by country: its unit, what it means, whether it is a change."""

    name: str
    unit: str
    definition: str
    relative: bool


COLUMNS = {
    c.name: c
    for c in (
        Column("real_income_pct", "percent",
               "Exact change of income over the consumer price index.", True),
        Column("real_wage_pct", "percent",
               "Change of the wage over the consumer price index.", True),
        Column("exports_pct", "percent",
               "Change of goods and services exports at border prices.", True),
        Column("imports_pct", "percent",
               "Change of goods and services imports at border prices.", True),
        Column("tariff_charged_pct", "percent",
               "Average tariff on the goods a country imports, at the trade of the base year.",
               False),
        Column("tariff_faced_pct", "percent",
               "Average tariff its goods meet abroad, at the trade of the base year.", False),
        Column("tariff_revenue_usd_bn", "USD billion a year",
               "Tariff revenue of the country's own state.", False),
    )
}  # fmt: skip
"""The columns; ``relative`` ones are changes against the day compared with, the others are what
holds on the day."""


def levels_of(out: Outcome) -> Array:
    """The columns of an outcome on its world table, (column, country)."""
    return np.stack([
        out.real_income.values, out.real_wage.values, out.exports.values, out.imports.values,
        *average_tariffs(out.policy), BN * out.revenue.values,
    ])  # fmt: skip


def flows_of(out: Outcome) -> Array:
    """Flows of an outcome at border prices, USD billion; (sector, importer, exporter)."""
    return BN * out.after.flows


def group_or_none(name: str) -> list[str]:
    """The members of a group, or nobody where there is no such group."""
    return group_members(name) if name in group_names() else []


def rebased(now: Array, then: Array) -> Array:
    """Percent change between two dates from their percent changes against one table."""
    return 100.0 * ((1.0 + now / 100.0) / (1.0 + then / 100.0) - 1.0)


class Timeline:
    """Change dates, the law of each, and its outcome.

    A date is solved when first asked for and kept; ``put`` takes what was solved elsewhere. Any
    calendar day means the law in force then, which is that of the last change date.

    Parameters
    ----------
    ledger : the ledger, or a function that loads it when words are asked for
    world : the world that the laws belong to
    laws : the law of every change date
    """

    def __init__(self, ledger: Ledger | Callable[[], Ledger], world: World, laws: Laws) -> None:
        self.world, self.laws = world, laws
        self._ledger = ledger
        self._levels: dict[int, Array] = {}
        self._solved: dict[int, tuple[Any, Any]] = {}
        self._trade: OrderedDict[int, Array] = OrderedDict()
        self._given: dict[int, Array] = {}

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger; loading it takes longer than solving a date."""
        return self._ledger() if callable(self._ledger) else self._ledger

    # --- dates ------------------------------------------------------------------------------
    @property
    def dates(self) -> tuple[str, ...]:
        """Change dates, the first one is where the timeline begins."""
        return self.laws.dates

    def place(self, day: str) -> int:
        """The place of the date whose law is in force on ``day``.

        Raises
        ------
        DateError
            Not a date, or outside what the record covers.
        """
        try:
            if _date.fromisoformat(day).isoformat() != day:
                raise ValueError
        except ValueError:
            raise DateError(f"date {day!r} is not a date; write YYYY-MM-DD") from None
        if day > self.laws.until:
            raise DateError(
                f"date {day}: the ledger ends on {self.laws.until}; ask for a day up to then"
            )
        return self.laws.at(day)

    def same_as(self, place: int) -> int:
        """The first date with the same arrays; what changed since has no number."""
        return self.laws.same_as[place]

    @cached_property
    def distinct(self) -> tuple[int, ...]:
        """Places of the dates whose arrays differ from the date before."""
        return tuple(sorted(set(self.laws.same_as)))

    # --- words ------------------------------------------------------------------------------
    @cached_property
    def _changes(self) -> dict[str, list[Change]]:
        moved = self._moved

        def weight(day: str, imposer: str) -> float:
            behind = [imposer] if imposer in self.world.countries else group_or_none(imposer)
            rows = [self.world.countries.index(c) for c in behind if c in self.world.countries]
            return float(moved[self.place(day)][rows].sum())

        return changes_by_day(self.ledger, self.dates, weight)

    @cached_property
    def _moved(self) -> Array:
        """How much duty each date's changes add or take away at base-year trade, USD million;
        (date, importer)."""
        held = self.world.tariff.values.copy().ravel()
        trade = self.world.trade.values.ravel()
        N = len(self.world.countries)
        out = np.zeros((len(self.dates), N))
        cells, values, ends = self.laws.cells[0], self.laws.values[0], self.laws.ends[0]
        for n in range(len(self.dates)):
            here = slice(ends[n - 1] if n else 0, ends[n])
            moved = np.abs(values[here] - held[cells[here]]) * trade[cells[here]]
            np.add.at(out[n], cells[here] // N % N, moved)
            held[cells[here]] = values[here]
        return out

    def changes(self, place: int) -> list[Change]:
        """What changed on a date, the weightiest first."""
        return self._changes[self.dates[place]]

    @cached_property
    def headlines(self) -> tuple[str, ...]:
        """One line in words for each date."""
        return tuple(headline(self.ledger, self.changes(n), n == 0) for n in range(len(self.dates)))

    # --- numbers ----------------------------------------------------------------------------
    def policy(self, place: int) -> Policy:
        """The law of a date on the timeline's world."""
        return self.laws.policy(place, self.world)

    def outcome(self, place: int) -> Outcome:
        """The outcome of a date against the world table; solved once, kept small."""
        first, policy = self.same_as(place), self.policy(place)
        if policy.quota:  # price wedges are not in a point
            return simulate(self.world, policy)
        if first not in self._solved:
            out = simulate(self.world, policy)
            self._solved[first] = out.after.point, out.after.solution
            return out
        unchanged = prepare(self.world).unchanged
        return restore(
            self.world, policy, unchanged, *self._solved[first], deficit="fixed", tol=1e-10
        )

    def trade(self, place: int) -> Array:
        """Flows of a date at border prices, USD billion; (sector, importer, exporter). Those of
        dates solved elsewhere are held, of the others the last ones asked for."""
        first = self.same_as(place)
        if first in self._given:
            return self._given[first]
        if first not in self._trade:
            self._trade[first] = flows_of(self.outcome(first))
            while len(self._trade) > KEPT:
                self._trade.popitem(last=False)
        self._trade.move_to_end(first)
        return self._trade[first]

    def levels(self, place: int) -> Array:
        """The columns of a date against the world table, (column, country)."""
        first = self.same_as(place)
        if first not in self._levels:
            self.put(first, levels_of(self.outcome(first)))
        return self._levels[first]

    def put(self, place: int, levels: Array, trade: Array | None = None) -> None:
        """Take the columns of a date that were solved elsewhere, and its flows (a megabyte)."""
        self._levels[self.same_as(place)] = levels
        if trade is not None:
            self._given[self.same_as(place)] = trade

    def missing(self, places: Iterable[int]) -> list[int]:
        """Which of the dates have to be solved, each law once."""
        wanted = dict.fromkeys(self.same_as(p) for p in places)
        return [p for p in wanted if p not in self._levels]

    def compare(self, place: int, since: int) -> Array:
        """The columns of a date, changes against another date, (column, country)."""
        now, then = self.levels(place), self.levels(since)
        relative = np.array([c.relative for c in COLUMNS.values()])[:, None]
        return np.where(relative, rebased(now, then), now)

    def rows(self, place: int, since: int) -> list[dict[str, Any]]:
        """One row a country, in the world's order: country, name and the columns."""
        lines = self.compare(place, since).T.tolist()
        return [
            {"country": c, "name": country_name(c), **dict(zip(COLUMNS, line, strict=True))}
            for c, line in zip(self.world.countries, lines, strict=True)
        ]

    def series(self, variable: str) -> Array:
        """A column of every date against the world table, (date, country).

        Raises
        ------
        UnknownNameError
            No such column.
        """
        if variable not in COLUMNS:
            raise UnknownNameError.of("variable", variable, COLUMNS, "timeline")
        row = list(COLUMNS).index(variable)
        return np.stack([self.levels(n)[row] for n in range(len(self.dates))])

    def flows(
        self, place: int, since: int, importer: str, exporter: str, sector: str
    ) -> dict[str, list[dict[str, Any]]]:
        """Where the trade went between two dates, USD billion at border prices.

        ``rows``: who sells the sector to the importer, the largest losses first; ``redirected``:
        where the exporter sells it instead, its home market included, the largest gains first.

        Raises
        ------
        UnknownNameError
            A country or sector the world does not hold.
        """
        (n,) = self._one("country", importer, "importer")
        (i,) = self._one("country", exporter, "exporter")
        (j,) = self._one("sector", sector, "sector")
        before, after = self.trade(since)[j], self.trade(place)[j]
        sellers = self._moves("seller", before[n], after[n])
        buyers = self._moves("buyer", before[:, i], after[:, i])
        buyers = [row for row in buyers if row["buyer"] != self.world.countries[n]]
        return {
            "rows": sorted(sellers, key=lambda r: (r["change_usd_bn"], r["seller"])),
            "redirected": sorted(buyers, key=lambda r: (-r["change_usd_bn"], r["buyer"])),
        }

    def _one(self, kind: str, name: str, where: str) -> list[int]:
        known = self.world.countries if kind == "country" else self.world.sectors
        if name not in known:
            raise UnknownNameError.of(kind, name, known, where)
        return [known.index(name)]

    def _moves(self, who: str, before: Array, after: Array) -> list[dict[str, Any]]:
        return [
            {
                who: c,
                "before_usd_bn": float(before[n]),
                "after_usd_bn": float(after[n]),
                "change_usd_bn": float(after[n] - before[n]),
            }
            for n, c in enumerate(self.world.countries)
            if before[n] > 0 or after[n] > 0
        ]

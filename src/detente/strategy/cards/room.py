"""Cases of the trade model under drawn elasticities, at the cost of little more than a solve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from detente.errors import ConvergenceError
from detente.models.blocks import Array, Instruments
from detente.outcome.economy import instruments, prepare
from detente.outcome.equilibrium import Equilibrium, solve_equilibrium
from detente.strategy import edits
from detente.strategy.edits import Agreement, Change, Levy
from detente.world import World
from detente.world.theta import theta_set

__all__ = ["Desk", "Room"]

TOL = 1e-8
"""Largest error of any equation, in logs: 1e-6 in percent of income."""


class Room:
    """The world of a question; :meth:`desk` gives it other elasticities."""

    def __init__(self, world: World, whole: World | None = None) -> None:
        self.world, self.whole = world, whole
        self._desks: dict[tuple[str, float], Desk] = {}

    def desk(self, elasticities: str, scale: float) -> Desk:
        """The world with a set of elasticities times ``scale``; the last few are kept."""
        key = (elasticities, float(scale))
        if key not in self._desks:
            while len(self._desks) >= 3:
                self._desks.pop(next(iter(self._desks)))
            theta = theta_set(elasticities)
            theta = theta.copy(data=theta.values * scale)
            self._desks[key] = Desk(self.world.with_theta(theta))
        return self._desks[key]

    def whole_desk(self, elasticities: str, scale: float) -> Desk | None:
        """The same on the world that is not aggregated, where the question asks for it."""
        if self.whole is None:
            return None
        theta = theta_set(elasticities)
        return Desk(self.whole.with_theta(theta.copy(data=theta.values * scale)))


class Desk:
    """One world with its base equilibrium; changes in, log real incomes out."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._prepared = prepare(world)
        self._fixed = instruments(self._prepared.unchanged)
        self.base = self._solve(self._fixed)
        self._price = np.log(self.base.consumer_price)
        self.solves = 1

    @property
    def income_usd_bn(self) -> Array:
        """Income at the base, USD billion a year."""
        return self.base.point.income / 1e3

    def at(self, country: str) -> int:
        """Position of a country."""
        return self.world.countries.index(country)

    def log_income(self, changes: Iterable[Change], start: Array | None = None) -> Array:
        """100 times the log change of real income of every country.

        Raises
        ------
        ConvergenceError, NoSolutionError
            The case has no solution that was found.
        """
        return self._case(changes, start)[0]

    def _case(self, changes: Iterable[Change], start: Array | None) -> tuple[Array, Array]:
        tariff = self._fixed.tariff.copy()
        iceberg = np.ones_like(tariff)
        for change in changes:
            if isinstance(change, Levy):
                edits._levy(self.world, tariff, change)
            elif isinstance(change, Agreement):
                edits._agree(self.world, tariff, iceberg, change)
            else:
                edits._withdraw(self.world, iceberg, change)
        cost = iceberg if (iceberg != 1.0).any() else None
        self.solves += 1
        e = self._solve(Instruments(tariff, None, cost, self._fixed.transfer), start)
        if not (e.point.income > 0).all():
            raise ConvergenceError("a country is left without income")
        real = np.log(e.point.income / self.base.point.income)
        return 100.0 * (real - np.log(e.consumer_price) + self._price), e.solution.value

    def many(self, cases: Sequence[Sequence[Change]]) -> Array:
        """(cases, countries); each case starts where the one before it ended."""
        out: list[Array] = []
        start = self.base.solution.value
        for case in cases:
            log, start = self._case(case, start)
            out.append(log)
        return np.stack(out)

    def _solve(self, policy: Instruments, start: Array | None = None) -> Equilibrium:
        return solve_equilibrium(
            self._prepared, policy, "fixed", self._prepared.labels, tol=TOL, start=start
        )

"""Cases of the trade model under drawn elasticities, at the cost of little more than a solve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from detente.errors import ConvergenceError, InputError
from detente.models.blocks import Array, Instruments
from detente.models.model import Model
from detente.models.monopolistic import Monopolistic
from detente.models.staggered import Staggered
from detente.outcome.economy import instruments, prepare, with_elasticities
from detente.outcome.equilibrium import Equilibrium
from detente.outcome.solver import solve_equilibrium
from detente.policy.changes import Change
from detente.policy.draft import Draft
from detente.runs.horizons import staggered_of
from detente.world import World
from detente.world.horizons import DEFAULT_HORIZON, horizon_record
from detente.world.theta import theta_set

__all__ = ["Desk", "Room"]

TOL = 1e-8
"""Largest error of any equation, in logs: 1e-6 in percent of income."""

DESKS = 4
"""Elasticities whose desks are kept."""


class Room:
    """The world of a question; :meth:`desk` gives it other elasticities.

    Attributes
    ----------
    world, whole : the merged world; all countries, where the question asks for a check on them
    pace : the model of the first year after a change (:mod:`detente.models.staggered`), or None:
        the long run
    horizon : the horizon set by which the question tells a first year
    """

    def __init__(
        self,
        world: World,
        whole: World | None = None,
        pace: Staggered | None = None,
        horizon: str = DEFAULT_HORIZON,
    ) -> None:
        self.world, self.whole, self.pace, self.horizon = world, whole, pace, horizon
        self._desks: dict[tuple[str, float, Model | None], Desk] = {}
        self._soon: dict[str, Room] = {}

    def first_year(self, horizon: str = "") -> Room:
        """The same world one year after a change, at the pace of a horizon set, by default the
        question's; kept.

        Raises
        ------
        UnknownNameError
            No such set.
        """
        name = horizon or self.horizon
        if name not in self._soon:
            pace = staggered_of(horizon_record(name))
            self._soon[name] = Room(self.world, self.whole, pace, name)
        return self._soon[name]

    def desk(self, elasticities: str, scale: float, model: Model | None = None) -> Desk:
        """The world with a set of elasticities times ``scale``; the last few are kept.

        ``model`` is another than the room's.
        """
        chosen = self.pace if model is None else model
        key = (elasticities, float(scale), chosen)
        if key not in self._desks:
            while len(self._desks) >= DESKS:
                self._desks.pop(next(iter(self._desks)))
            self._desks[key] = Desk(self.world, *key)
        return self._desks[key]

    def whole_desk(self, elasticities: str, scale: float) -> Desk | None:
        """The same on the world that is not aggregated, where the question asks for it."""
        if self.whole is None:
            return None
        return Desk(self.whole, elasticities, float(scale), self.pace)


class Desk:
    """A world under some elasticities, with its base equilibrium; changes in, log real incomes
    out.

    In a model with profits an elasticity of substitution is the trade elasticity plus one, and
    the world's inputs are left out, since that model knows none.
    """

    def __init__(
        self, world: World, elasticities: str, scale: float, model: Model | None = None
    ) -> None:
        self._theta = theta_set(elasticities) * scale
        theta = self._theta.sel(sector=world.sectors).values
        if isinstance(model, Monopolistic):
            sigma = dict(zip(world.sectors, (theta + 1.0).tolist(), strict=True))
            world = World.from_tables(world.trade, tariff=world.tariff, sigma=sigma)
            self._prepared = prepare(world, model)
        else:
            self._prepared = with_elasticities(prepare(world, model), theta)
        self._table = world
        self._fixed = instruments(self._prepared.unchanged)
        self.base = self._solve(self._fixed)
        self._price = np.log(self.base.consumer_price)
        self.solves = 1

    @cached_property
    def world(self) -> World:
        """The world with these elasticities, for functions that take a world."""
        return self._table.with_theta(self._theta)

    @cached_property
    def income_usd_bn(self) -> Array:
        """Income at the base, USD billion a year."""
        return self.base.point.income / 1e3

    def at(self, country: str) -> int:
        """Position of a country."""
        return self._table.countries.index(country)

    def log_income(self, changes: Iterable[Change], start: Array | None = None) -> Array:
        """100 times the log change of real income of every country.

        Raises
        ------
        ConvergenceError, NoSolutionError
            The case has no solution that was found.
        """
        return self.case(changes, start)[0]

    def case(self, changes: Iterable[Change], start: Array | None = None) -> tuple[Array, Array]:
        """As :meth:`log_income`, with the solution that a near case can ``start`` from."""
        draft = Draft(self._table, tariff=self._fixed.tariff)
        for change in changes:
            draft.put(change)
        draft.check()
        if draft.quotas:
            raise InputError("quota: a question of the desk asks about rates only; use tariffs")
        tax = draft.export_tax if draft.export_tax.any() else None
        cost = draft.iceberg if (draft.iceberg != 1.0).any() else None
        self.solves += 1
        e = self._solve(Instruments(draft.tariff, tax, cost, self._fixed.transfer), start)
        if not (e.point.income > 0).all():
            raise ConvergenceError("a country is left without income")
        real = np.log(e.point.income / self.base.point.income)
        return 100.0 * (real - np.log(e.consumer_price) + self._price), e.solution.value

    def many(self, cases: Sequence[Sequence[Change]]) -> Array:
        """(cases, countries); each case starts where the one before it ended."""
        out: list[Array] = []
        start = self.base.solution.value
        for case in cases:
            log, start = self.case(case, start)
            out.append(log)
        return np.stack(out)

    def _solve(self, policy: Instruments, start: Array | None = None) -> Equilibrium:
        return solve_equilibrium(self._prepared, policy, "fixed", tol=TOL, start=start)

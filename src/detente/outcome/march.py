"""Solving a sequence of temporary equilibria: each period starts where the one before ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from detente.errors import ConvergenceError, InputError, NoSolutionError
from detente.models.blocks import Array
from detente.models.model import Problem
from detente.models.staggered import Staggered
from detente.models.staggered.economy import Staged
from detente.models.staggered.kernel import advance
from detente.outcome.economy import Prepared, instruments, prepare, tables
from detente.outcome.equilibrium import Equilibrium
from detente.outcome.outcome import Outcome
from detente.outcome.simulate import base_of, refuse_foreign, refuse_unlevied
from detente.outcome.solver import solve_equilibrium
from detente.policy import Policy
from detente.world import World

__all__ = ["LONGEST", "March", "Stage", "Standing", "Start", "per_period"]

LONGEST = 1200
"""Periods of the longest path: a hundred years of months."""


@dataclass(frozen=True)
class Stage:
    """A period: its name, its first and last day (ISO), and what is levied in it.

    ``levied`` is a policy, or makes one: the law of many periods is arrays that are better made
    when they are wanted. ``months`` is the period's length, where it is not that of the others.
    """

    name: str
    first: str
    last: str
    levied: Policy | Callable[[], Policy]
    months: int | None = None

    @property
    def policy(self) -> Policy:
        """What is levied; made anew each time where it is made."""
        return self.levied if isinstance(self.levied, Policy) else self.levied()


def per_period(yearly: float, months: int) -> float:
    """The share that moves in a period of some months, from the share that moves in a year."""
    return 1.0 - (1.0 - yearly) ** (months / 12.0)


class Start(NamedTuple):
    """The equilibrium under the baseline, and what its choices leave to the first period."""

    base: Equilibrium
    state: Staged


class Standing(NamedTuple):
    """Where a path stands between two periods: what buyers and workers have chosen, the shares of
    flows left open in the period before, and its solution, from which the next solve starts."""

    state: Staged
    open: Array | None
    z: Array


@dataclass(frozen=True, eq=False)
class March:
    """A world on its way under changing policies, from rest under ``baseline``.

    ``yearly`` is the model with the shares ``zeta`` and ``mu`` of a year, ``months`` the length of
    a period.
    """

    world: World
    baseline: Policy
    yearly: Staggered
    months: int
    deficit: str
    tol: float

    def moving(self, stage: Stage) -> Staggered:
        """The model of one period: the shares that move in it."""
        months = stage.months or self.months
        y = self.yearly
        zeta = y.zeta if isinstance(y.zeta, tuple) else (y.zeta,)
        short = tuple(per_period(z, months) for z in zeta)
        one = short if isinstance(y.zeta, tuple) else short[0]
        return replace(y, zeta=one, mu=per_period(y.mu, months))

    def start(self) -> Start:
        """Rest under the baseline: everyone has chosen, and labour earns the same everywhere."""
        refuse_foreign(self.baseline, self.world, "path: the baseline")
        tol = min(self.tol, 1e-10)
        static = base_of(prepare(self.world), self.baseline, self.deficit, tol)
        model = replace(self.yearly, zeta=1.0)
        state = model.base(tables(self.world))
        p = static.point
        z = static.solution.value
        paid = state.beta * p.Y
        talent = paid / paid.sum(axis=0)
        state = state._replace(hands=talent, talent=talent, open=self.baseline.open)
        if state.mu is not None:
            z = np.concatenate([z, np.zeros(paid.size)])
        kernel = model.kernel(state, static.policy)
        problem = Problem(model.in_use(state, kernel), static.policy, kernel, static.closure)
        point = model.evaluate(z, problem)
        error = float(np.abs(model.residual(point, problem)).max())
        if not error <= 10.0 * tol:
            raise ConvergenceError(
                f"path: the baseline's equilibrium misses the equations of the period by {error:g}"
            )
        base = Equilibrium(
            model, state, static.policy, static.closure, point,
            replace(static.solution, value=z), static.quotas,
        )  # fmt: skip
        return Start(base, advance(point, state, static.policy, kernel))

    def walk(self, start: Start, stages: Sequence[Stage]) -> Iterator[Outcome]:
        """The outcome of each period in turn, against the baseline.

        Raises
        ------
        InputError
            A policy of another world.
        NoSolutionError, ConvergenceError
            A period has no equilibrium, or its solve stopped early; the message names the period.
        """
        standing = self.standing(start)
        for stage in stages:
            out = self.step(start, standing, stage)
            yield out
            standing = self.after(out)
            del out  # its arrays by flow; the next period makes its own

    def standing(self, start: Start) -> Standing:
        """Before the first period."""
        return Standing(start.state, self.baseline.open, start.base.solution.value)

    def step(self, start: Start, standing: Standing, stage: Stage) -> Outcome:
        """The outcome of one period that begins where ``standing`` says, against the baseline.

        Raises
        ------
        InputError, NoSolutionError, ConvergenceError
            As :meth:`walk`.
        """
        prepared, policy = self.ready(start), stage.policy
        refuse_foreign(policy, self.world, f"path, {stage.name}: the policy")
        levied = instruments(policy)
        refuse_unlevied(prepared.model, levied, f"path, {stage.name}")
        here = self.entering(standing.state, stage, policy.open, standing.open)
        ready = replace(prepared, model=self.moving(stage), economy=here)
        try:
            after = solve_equilibrium(ready, levied, self.deficit, tol=self.tol, start=standing.z)
        except ConvergenceError as error:
            raise ConvergenceError(f"path, {stage.name}: {error}", error.solution) from None
        except NoSolutionError as error:
            raise type(error)(f"path, {stage.name}: {error}") from None
        return Outcome(
            self.world, policy, self.baseline, start.base, after, "staggered",
            self.deficit, self.tol,
        )  # fmt: skip

    def after(self, out: Outcome) -> Standing:
        """Where the path stands once a period is over, whose outcome is ``out``."""
        e = out.after
        state = advance(e.point, e.table, e.policy, e.kernel)
        return Standing(state, out.policy.open, e.solution.value)

    def entering(
        self, state: Staged, stage: Stage, now: Array | None, before: Array | None
    ) -> Staged:
        """The state as a period begins: what new bans end, and how many choose. ``now`` and
        ``before`` are the shares of flows that bans leave open, in the period and before it."""
        model = self.moving(stage)
        zeta = np.broadcast_to(np.asarray(model.zeta, dtype=float), state.zeta.shape)
        mu = model.mu if state.mu is not None else None
        return state._replace(zeta=zeta, mu=mu, kept=ended(before, now), open=now)

    def ready(self, start: Start) -> Prepared:
        """What every period's solve needs beside its state; the step direction is a year's."""
        prepared = prepare(self.world, self.yearly)
        size = prepared.model.size(prepared.economy)
        if start.base.solution.value.shape != (size,):
            raise InputError("path: the baseline was solved with another kind of labour")
        return prepared


def ended(before: Array | None, now: Array | None) -> Array | None:
    """The part of past purchases that goes on (J, N, N), where bans on parts of flows change."""
    if now is None:
        return None  # whole bans are seen in the costs
    was = np.ones_like(now) if before is None else before
    if (now >= was).all():
        return None
    return np.where(now < was, now / np.where(was > 0, was, 1.0), 1.0)

"""The equilibrium under quotas, in any model: price wedges and rents that fit the volumes.

A quota is a tariff of a height yet to be found (:mod:`detente.models.quotas`). Its unknowns are the
log wedge of each quota and the rents that leave a country. At given ones the model is solved as
under any policy; what they must be is found by a Newton method on the complementarity conditions
(an active-set, or semi-smooth Newton, method: Hintermueller, Ito and Kunisch 2002), whose Jacobian
is exact: it comes from the model's own derivatives. Nothing here knows a model by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from detente.errors import ConvergenceError, NoSolutionError
from detente.models.bars import PolicyGradient
from detente.models.blocks import Array, Instruments, Quota
from detente.models.quotas import (
    Sales,
    ceiling,
    effective,
    enforced,
    owned_abroad,
    sales,
)
from detente.outcome.economy import Prepared
from detente.outcome.equilibrium import Equilibrium
from detente.outcome.quota_slopes import Slopes, in_unknowns
from detente.solve.solution import Status

__all__ = ["Held", "under_quotas"]

MAX_ROUNDS = 60
"""Newton steps; each is one equilibrium, and up to six more where it has to be shortened."""

LONGEST = 2.0
"""Longest step of a log wedge."""

Solve = Callable[[Instruments, Array, float, bool], Equilibrium]
"""The equilibrium under a policy without quotas, from a start, to a tolerance; by every route, or
for a trial (true) by the direct ones only."""


@dataclass(frozen=True, eq=False)
class Held:
    """The quotas of an equilibrium, and what they do there.

    ``policy`` is what is levied besides (tariffs are those within the quotas; a quota of zero has
    become a ban or its over-quota rate), ``live`` the quotas above zero, ``log_R`` (K,) their log
    price wedges, ``abroad`` the rents that leave, ``sold`` what is sold under each, ``error`` the
    largest violation of a condition, relative.
    """

    quotas: tuple[Quota, ...]
    policy: Instruments
    live: tuple[Quota, ...]
    log_R: Array
    abroad: Array
    sold: tuple[Sales, ...]
    error: float

    @cached_property
    def top(self) -> Array:
        """Largest log wedges (K,)."""
        return np.array([ceiling(q, self.policy) for q in self.live])

    @cached_property
    def regimes(self) -> tuple[str, ...]:
        """ "slack", "binding" or "over" of each live quota."""
        return tuple(
            "slack" if r == 0 and not (t == 0 and s.volume > q.volume)
            else "over" if r >= t else "binding"
            for q, r, t, s in zip(self.live, self.log_R, self.top, self.sold, strict=True)
        )  # fmt: skip

    @cached_property
    def rents(self) -> tuple[Array, ...]:
        """Rents of each live quota by exporter, USD million, whoever owns them."""
        found = []
        for q, r, s, regime in zip(self.live, self.log_R, self.sold, self.regimes, strict=True):
            if q.owner == "exporter":
                own = [m for m, (k, _) in enumerate(owned_abroad(self.live)) if self.live[k] is q]
                found.append(self.abroad[own])
                continue
            inside = q.volume / s.volume if regime == "over" else 1.0
            rate = self.policy.tariff[q.sector, q.importer, list(q.exporters)]
            found.append(inside * s.border * (1.0 + rate) * np.expm1(r))
        return tuple(found)

    @cached_property
    def in_importers(self) -> Array:
        """Part of what the model books as tariff revenue that is rent, (N,): the duty on the price
        with rent is none of it."""
        out = np.zeros(len(self.policy.transfer))
        for q, rent in zip(self.live, self.rents, strict=True):
            out[q.importer] += rent.sum()
        return out

    @cached_property
    def received(self) -> Array:
        """Rents received by the firms and the treasury of each country, (N,), USD million."""
        out = np.zeros(len(self.policy.transfer))
        for q, rent in zip(self.live, self.rents, strict=True):
            if q.owner == "exporter":
                np.add.at(out, list(q.exporters), rent)
            else:
                out[q.importer] += rent.sum()
        return out

    @cached_property
    def from_abroad(self) -> Array:
        """Rents received from abroad less rents paid there, (N,), USD million."""
        return self.received - self.in_importers


class _State(NamedTuple):
    """One trial: its unknowns, its equilibrium, log volume over quota, rents due, and how far the
    conditions are from met, in logs of volumes and parts of sales."""

    log_R: Array
    abroad: Array
    e: Equilibrium
    sold: tuple[Sales, ...]
    gap: Array
    due: Array
    residual: Array
    error: float

    @property
    def merit(self) -> float:
        return float(np.linalg.norm(self.residual))


def under_quotas(
    prepared: Prepared, policy: Instruments, solve: Solve, start: Array, tol: float, throw: bool
) -> Equilibrium:
    """Solve for the equilibrium under a policy with quotas.

    Parameters
    ----------
    solve : solves without quotas, and raises where it cannot
    tol : of the model's equations; volumes meet their quotas to ten times that (more where the
        elasticity is above 5, which magnifies it)

    Raises
    ------
    ConvergenceError
        No regimes of the quotas were found that fit together, and ``throw`` is true; the message
        names the cell.
    """
    search = _Quotas(prepared, policy, solve, tol)
    state, steps = search.run(start)
    held = Held(
        policy.quotas, search.policy, search.live, state.log_R, state.abroad, state.sold,
        state.error,
    )  # fmt: skip
    solution = replace(state.e.solution, steps=steps)
    if not search.met(state):
        error = ConvergenceError(search.complaint(state), solution)
        if throw:
            raise error
        solution = replace(solution, status=Status.CYCLING, error=error)
    found = replace(state.e, solution=solution, quotas=held)
    vars(found).update(kernel=state.e.kernel, economy=state.e.economy)  # both are at hand
    return found


class _Quotas:
    """The conditions, and the way to them."""

    def __init__(self, prepared: Prepared, policy: Instruments, solve: Solve, tol: float) -> None:
        self._prepared, self._solve, self._tol = prepared, solve, tol
        self.policy = enforced(policy, policy.quotas)
        self.live = tuple(q for q in policy.quotas if q.volume > 0)
        self._pairs = owned_abroad(self.live)
        self._theta = np.array([prepared.economy.theta[q.sector] for q in self.live])
        self._top = np.array([ceiling(q, self.policy) for q in self.live])
        self._steps = 0

    def run(self, start: Array) -> tuple[_State, int]:
        """The state reached and the steps taken: by Newton steps from no wedge; else with the
        quotas tightened bit by bit; else from wedges that are too high, since volume can rise with
        a wedge where imports pay for a fixed deficit."""
        K, M = len(self.live), len(self._pairs)
        free = self._at(np.zeros(K), np.zeros(M), start, self._tol)
        found = self._newton_from(free, MAX_ROUNDS)
        if not self.met(found):
            for way in (self._tightened, self._from_above):
                other = way(free)
                if other is not None and other.merit < found.merit:
                    found = other
                if self.met(found):
                    break
        return found, self._steps

    def _newton_from(self, state: _State, rounds: int) -> _State:
        """Newton steps, shortened where they do not help; the best state."""
        best, worse = state, 0
        for _ in range(rounds):
            if self.met(state):
                return state
            trial = self._step(state)
            if trial is None:
                break
            worse = worse + 1 if trial.merit >= best.merit else 0
            if trial.merit < best.merit:
                best = trial
            if worse > 4:
                break
            state = trial
        return best

    def _tightened(self, free: _State) -> _State | None:
        """From volumes that let everything in to those of the quotas, each stage a start of the
        next."""
        meant = self.live
        excess = np.maximum(free.gap, 0.0)
        done, step, state = 0.0, 0.25, free
        while step > 0.01:
            part = min(1.0, done + step)
            self.live = tuple(
                q._replace(volume=q.volume * np.exp((1.0 - part) * x))
                for q, x in zip(meant, excess, strict=True)
            )
            trial = self._newton_from(self._read(state.log_R, state.abroad, state.e), 12)
            if not self.met(trial):
                step *= 0.4
                continue
            state, done, step = trial, part, 1.5 * step
            if done == 1.0:
                break
        self.live = meant
        return state if done == 1.0 else None

    def _from_above(self, free: _State) -> _State | None:
        """From over-quota rates where there are any, and from wedges that shut nearly all out, also
        what would take the place of what is shut out."""
        best: _State | None = None
        nothing = np.zeros(len(self._pairs))
        tight = {q.importer for q, gap in zip(self.live, free.gap, strict=True) if gap > 0}
        of_tight = np.array([q.importer in tight for q in self.live])
        shut = (np.maximum(free.gap, 0.0) + 5.0) / self._theta
        rated = np.where(np.isfinite(self._top) & (free.gap > 0), self._top, 0.0)
        for lift in (rated, shut, 1.0, 2.0, 4.0):
            log_R = np.where(of_tight, np.minimum(lift, self._top), 0.0)
            try:
                state = self._at(log_R, nothing, free.e.solution.value, self._tol)
            except (ConvergenceError, NoSolutionError):
                continue
            state = self._newton_from(state, 30)
            if best is None or state.merit < best.merit:
                best = state
            if self.met(best):
                break
        return best

    def met(self, state: _State) -> bool:
        """Whether every condition holds to the tolerance."""
        bound = 10.0 * self._tol * np.maximum(1.0, self._theta / 5.0)
        volumes = self._violations(state) <= bound
        rents = np.abs(state.residual[len(self.live) :]) <= 10.0 * self._tol
        return bool(volumes.all() and rents.all())

    def complaint(self, state: _State) -> str:
        """Which quota could not be met."""
        k = int(np.abs(state.residual[: len(self.live)]).argmax())
        q = self.live[k]
        sectors, countries = self._prepared.labels
        where = f"{sectors[q.sector]} of {countries[q.importer]} from " + ", ".join(
            countries[i] for i in q.exporters
        )
        return (
            f"quota: {where}: no price wedge was found at which the volume meets the quota; the "
            f"closest leaves {state.sold[k].volume:,.6g} against {q.volume:,.6g} USD million at "
            f"base-year prices (wedge {100 * np.expm1(state.log_R[k]):.4g}%); try another volume, "
            "fewer quotas at once, or another deficit closure"
        )

    # --- one trial ----------------------------------------------------------------------------
    def _at(self, log_R: Array, abroad: Array, start: Array, tol: float) -> _State:
        levied = effective(self.policy, self.live, log_R, abroad)
        free = not (log_R.any() or abroad.any())
        try:
            e = self._solve(levied, start, tol, not free)
        except ConvergenceError:
            if tol >= self._tol:
                raise
            e = self._solve(levied, start, self._tol, not free)
        self._steps += e.solution.steps
        return self._read(log_R, abroad, e)

    def _read(self, log_R: Array, abroad: Array, e: Equilibrium) -> _State:
        model, p, problem = e.model, e.point, e.problem
        sold = tuple(sales(q, model, p, problem) for q in self.live)
        with np.errstate(divide="ignore"):
            volume = np.array([s.volume for s in sold])
            gap = np.log(volume) - np.log([q.volume for q in self.live])
        # V <= Q where R is one, and so on: each condition as one number that is zero
        aim = np.clip(log_R + gap / self._theta, 0.0, self._top)
        short = (log_R - aim) * self._theta
        due, size = np.zeros(len(self._pairs)), np.ones(len(self._pairs))
        for m, (k, place) in enumerate(self._pairs):
            inside = min(1.0, float(np.exp(-gap[k]))) if log_R[k] >= self._top[k] else 1.0
            due[m] = np.expm1(log_R[k]) * inside * sold[k].border[place]
            size[m] = max(float(sold[k].border.sum()), 1e-300)
        residual = np.concatenate([short, (abroad - due) / size])
        state = _State(log_R, abroad, e, sold, gap, due, residual, 0.0)
        worst = [*self._violations(state), *np.abs(residual[len(self.live) :])]
        return state._replace(error=float(max(worst, default=0.0)))

    def _violations(self, state: _State) -> Array:
        """Of each quota: volume above it where it is slack, off it where it binds, below where the
        over-quota rate is due."""
        low, high = state.log_R <= 0, state.log_R >= self._top
        over, under = np.maximum(state.gap, 0.0), np.maximum(-state.gap, 0.0)
        return np.where(low & high, 0.0, np.where(low, over, np.where(high, under, over + under)))

    def _step(self, state: _State) -> _State | None:
        """The Newton step, shortened until it helps; the best of the shortened ones if none does;
        None where no trial has an equilibrium."""
        d_R, d_abroad, fixed = self._newton(state)
        best: _State | None = None
        for share in (1.0, 0.5, 0.25, 0.1, 0.03):
            log_R = np.clip(state.log_R + share * d_R, 0.0, self._top)
            if share == 1.0:  # to the bound and not beside it
                log_R = np.where(np.isnan(fixed), log_R, fixed)
            abroad = state.abroad + share * d_abroad
            try:
                trial = self._at(log_R, abroad, state.e.solution.value, 0.1 * self._tol)
            except (ConvergenceError, NoSolutionError):
                continue
            if best is None or trial.merit < best.merit:
                best = trial
            if trial.merit <= (1.0 - 0.1 * share) * state.merit or self.met(trial):
                return trial
        return best

    def _newton(self, state: _State) -> tuple[Array, Array, Array]:
        """Steps of log wedges and rents, and the bounds that some wedges go to (NaN: none)."""
        K, M = len(self.live), len(self._pairs)
        aim = state.log_R + state.gap / self._theta
        slack, over = aim <= 0, aim >= self._top
        fixed = np.where(slack, 0.0, np.where(over, self._top, np.nan))
        matrix, right = np.eye(K + M), np.zeros(K + M)
        slopes = Slopes(state.e, self._prepared.steps, 1e-9)
        for k, q in enumerate(self.live):
            if not np.isnan(fixed[k]):
                right[k] = fixed[k] - state.log_R[k]
            else:
                matrix[k] = self._row(state, slopes.volume(q, state.sold[k]))
                right[k] = -state.gap[k]
        for m, (k, place) in enumerate(self._pairs):
            at, q, sold = K + m, self.live[k], state.sold[k]
            if slack[k] or not sold.border[place] > 0:
                right[at] = -state.abroad[m]
                continue
            inside = q.volume / sold.volume if over[k] else 1.0
            amount, wedge = inside * sold.border[place], float(np.expm1(state.log_R[k]))
            slope = self._row(state, slopes.inside(q, sold, place, bool(over[k])))
            matrix[at] -= wedge * slope
            matrix[at, k] -= (1.0 + wedge) * amount
            right[at] = wedge * amount - state.abroad[m]
        try:
            step = np.linalg.solve(matrix, right)
        except np.linalg.LinAlgError:
            step = np.linalg.lstsq(matrix, right, rcond=None)[0]
        d_R = np.clip(step[:K], -LONGEST, LONGEST)
        return d_R, step[K:], np.where(np.abs(step[:K]) <= LONGEST, fixed, np.nan)

    def _row(self, state: _State, found: PolicyGradient) -> Array:
        """A derivative in the unknowns: log wedges and rents that leave."""
        return in_unknowns(found, self.live, state.e.policy)

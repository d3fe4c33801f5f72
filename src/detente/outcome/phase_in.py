"""The third route: phase the measures in, and follow the equilibrium.

From the world table, which is an equilibrium, tariffs, taxes and icebergs rise in equal steps of
their logs, banned flows shrink to zero, transfers move in proportion; under the "zero" closure
the deficits shrink first, while trade is still open. Each step starts from where the last two
point, and is halved until Newton's method reaches it. Where the path ends before the measures
are complete, it ends because some country's income goes to zero there, or because the equations
become singular and the path turns back.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detente.models.blocks import Array, Economy, Instruments
from detente.models.caliendo_parro.equations import Kernel, Point, equations, evaluate
from detente.models.caliendo_parro.kernel import build_kernel
from detente.models.caliendo_parro.linear import tangent
from detente.models.caliendo_parro.preconditioner import preconditioner
from detente.models.closure import Closure
from detente.solve.newton_krylov import newton_krylov
from detente.solve.solution import Solution, Status

__all__ = ["PhasedIn", "phase_in"]

LOOSE = 1e-9
"""Tolerance on the way; the last step is solved to the tolerance asked for. Looser, and wages of
countries that hardly trade drift along the path."""


NEAR = 1e-2
"""Share of the measures short of all of them from where the last step is tried with a matrix; over
longer steps Newton's method leaps from one path to another."""

LARGEST = 500
"""Unknowns up to which that matrix is formed."""


class PhasedIn(NamedTuple):
    """Where the path ended: ``share`` is the part of the measures in force there.

    ``turning`` (N,) is None, or says how much each wage takes part in the direction in which
    the equations have become singular.
    """

    share: float
    point: Point
    solution: Solution | None
    turning: Array | None = None


def phase_in(
    base: Economy,
    policy: Instruments,
    closure: Closure,
    *,
    tol: float,
    smallest: float = 1e-5,
    max_solves: int = 200,
) -> PhasedIn:
    """Follow the equilibrium from the world table to ``policy``.

    Parameters
    ----------
    base : the world table in shares; markets that nobody buys in under ``policy`` at zero
    smallest : the step, as a share of the measures, below which the path is taken to end
    """
    J, N = base.beta.shape
    z, share, step = np.zeros(N + 2 * J * N), 0.0, 0.25
    point = _Problem(base, policy, closure, 0.0).at(z)
    before: tuple[float, Array] | None = None
    for _ in range(max_solves):
        trial = min(1.0, share + step)
        problem = _Problem(base, policy, closure, trial)
        guess = z
        if before is not None:
            guess = z + (trial - share) / (share - before[0]) * (z - before[1])
        solution = problem.solve(guess, tol if trial == 1.0 else LOOSE)
        reached = problem.at(solution.value)
        if solution.converged and (reached.income > 0).all():
            before, z, share, point = (share, z), solution.value, trial, reached
            if share == 1.0:
                return PhasedIn(1.0, point, solution)
            step *= 2.0
        else:
            step *= 0.5
            if step < smallest:
                break
    if 1.0 - share < NEAR:
        problem = _Problem(base, policy, closure, 1.0)
        last = problem.solve_densely(z, tol)
        if last is not None and (problem.at(last.value).income > 0).all():
            return PhasedIn(1.0, problem.at(last.value), last)
    turning = _turning(base, policy, closure, share, z)
    if closure.name == "zero":
        share = max(0.0, 2.0 * share - 1.0)
    return PhasedIn(share, point, None, turning)


class _Problem:
    """The equations with a share of the measures in force."""

    def __init__(self, base: Economy, policy: Instruments, closure: Closure, share: float) -> None:
        self.base, self.closure = base, closure
        if closure.name == "zero":
            left = max(0.0, 1.0 - 2.0 * share)
            share = max(0.0, 2.0 * share - 1.0)
            if left > 0:
                self.closure = Closure(
                    "fixed", left * closure.base_deficit, closure.base_own_income
                )
        self.policy = _part_of(policy, base, share)
        self.kernel: Kernel = build_kernel(base, self.policy)

    def at(self, z: Array) -> Point:
        with np.errstate(all="ignore"):
            return evaluate(z, self.base, self.kernel, self.closure)

    def solve(self, guess: Array, tol: float) -> Solution:
        def residual(z: Array) -> Array:
            return equations(self.at(z), self.base, self.kernel)

        def jacobian(z: Array):
            p = self.at(z)
            return lambda v: tangent(v, p, self.base, self.kernel, self.closure)

        with np.errstate(all="ignore"):
            direction = preconditioner(self._here(self.at(guess))).direction
            return newton_krylov(
                residual, jacobian, direction, guess, tol=tol, max_steps=8, inner=1e-8
            )

    def solve_densely(self, guess: Array, tol: float) -> Solution | None:
        """Newton's method with a matrix in hand, for where wages hang on flows so thin that an
        iterative inner solve stalls; None where it does not arrive, or there are too many."""
        if guess.size > LARGEST:
            return None
        z, history = guess, []
        for _ in range(12):
            p = self.at(z)
            with np.errstate(all="ignore"):
                r = equations(p, self.base, self.kernel)
            history.append(float(np.abs(r).max()))
            if history[-1] <= tol:
                return Solution(
                    z, history[-1], Status.CONVERGED, len(history), "newton", tuple(history)
                )
            jacobian = self._jacobian(p)
            if not (np.isfinite(jacobian).all() and np.isfinite(r).all()):
                return None
            try:
                move = np.linalg.solve(jacobian, -r)
            except np.linalg.LinAlgError:
                return None
            z = z + move * min(1.0, 2.0 / max(float(np.abs(move).max()), 1e-300))
        return None

    def _jacobian(self, p: Point) -> Array:
        unit = np.eye(p.log_w.size + 2 * p.X.size)
        with np.errstate(all="ignore"):
            columns = [tangent(v, p, self.base, self.kernel, self.closure) for v in unit]
        return np.stack(columns, axis=1)

    def singular(self, z: Array) -> tuple[Array, Array] | None:
        """Singular values of the Jacobian at ``z``, largest first, and the direction that goes
        with the last; None where its numbers overflow, as they do where an income vanishes."""
        jacobian = self._jacobian(self.at(z))
        if not np.isfinite(jacobian).all():
            return None
        _, values, right = np.linalg.svd(jacobian)
        return values, right[-1]

    def _here(self, p: Point) -> Economy:
        """The economy at a point, as the base of a step that fits it."""
        rate = self.policy.tariff
        if self.policy.export_tax is not None:
            rate = (1.0 + rate) * (1.0 + self.policy.export_tax) - 1.0
        return self.base._replace(
            pi=self.kernel.A * p.u[:, None, :] / p.supply[:, :, None],
            tariff=rate,
            spending=p.X,
            value_added=np.exp(p.log_w) * self.base.value_added,
        )


def _turning(
    base: Economy,
    policy: Instruments,
    closure: Closure,
    share: float,
    z: Array,
    largest: int = 3000,
) -> Array | None:
    """The wage part (N,) of the direction in which the equations have become singular, or None:
    they have not, or the system is too large to look, or its numbers overflow."""
    if z.size > largest:
        return None
    found = _Problem(base, policy, closure, share).singular(z)
    first = _Problem(base, policy, closure, 0.0).singular(np.zeros_like(z))
    if found is None or first is None:
        return None
    values, direction = found
    if share == 0.0:
        lost = values[-1] < 1e-12 * values[0]
    else:
        lost = values[-1] < 0.1 * values[-2] and values[-1] < 0.1 * first[0][-1]
    return np.abs(direction[: base.value_added.size]) if lost else None


def _part_of(policy: Instruments, base: Economy, share: float) -> Instruments:
    """The measures at a share of their logs. A ban is a cost of ``(1 - share)^-4`` at least, and
    leaves no more than ``(1 - share)^4`` of the flow at equal prices: nearly nothing, in costs
    and in flows, already where the last steps are small."""
    if share == 1.0:
        return policy
    was, will = np.log1p(base.tariff), np.log1p(policy.tariff)
    tariff = np.where(was == will, base.tariff, np.expm1((1 - share) * was + share * will))
    tax = None if policy.export_tax is None else np.expm1(share * np.log1p(policy.export_tax))
    iceberg = policy.iceberg
    if iceberg is not None:
        banned = np.isinf(iceberg)
        finite = np.exp(share * np.log(np.where(banned, 1.0, iceberg)))
        part = (1.0 - share) ** (-4.0 * np.maximum(1.0, 1.0 / base.theta))[:, None, None]
        iceberg = np.where(banned, part, finite)
    return Instruments(tariff, tax, iceberg, share * policy.transfer)

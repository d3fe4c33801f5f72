"""The only place where a model's equations are solved: the routes to an equilibrium, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from detente.errors import ConvergenceError
from detente.models.blocks import Array, Instruments, reachable
from detente.models.closure import Closure
from detente.models.model import Model, Problem
from detente.outcome.economy import Prepared
from detente.outcome.equilibrium import Equilibrium
from detente.outcome.phasing import Phase, share_in_force
from detente.outcome.quotas import under_quotas
from detente.outcome.refusals import (
    hint,
    refuse_impossible,
    refuse_insolvent,
    refuse_one_way,
    refuse_turning,
)
from detente.solve.anderson import anderson
from detente.solve.least_error import LARGEST, least_error
from detente.solve.newton_krylov import newton_krylov
from detente.solve.phase_in import PhasedIn, phase_in
from detente.solve.solution import Solution, Status

__all__ = ["METHODS", "solve_equilibrium"]

METHODS = ("auto", "anderson", "newton-krylov")


def solve_equilibrium(
    prepared: Prepared,
    policy: Instruments,
    deficit: str,
    *,
    tol: float,
    start: Array | None = None,
    method: str = "auto",
    max_steps: int = 400,
    throw: bool = True,
) -> Equilibrium:
    """Solve for the equilibrium under ``policy``.

    ``method="auto"`` accelerates the fixed point, hands over to Newton-Krylov when it stalls, and
    then phases the measures in. Quotas are met by :mod:`detente.outcome.quotas`, around it.

    Raises
    ------
    NoSolutionError
        A market that final buyers need has no seller, or trade cannot balance.
    ConvergenceError
        The solve stopped early and ``throw`` is true.
    """
    z = np.zeros(prepared.model.size(prepared.economy)) if start is None else start
    if not policy.quotas:
        return _without_quotas(prepared, policy, deficit, tol, z, method, max_steps, throw)

    def solve(levied: Instruments, begin: Array, to: float, trial: bool) -> Equilibrium:
        if not trial or method != "auto":
            return _without_quotas(prepared, levied, deficit, to, begin, method, max_steps, True)
        try:
            return _without_quotas(prepared, levied, deficit, to, begin, "anderson", 80, True)
        except ConvergenceError:
            return _without_quotas(prepared, levied, deficit, to, begin, "newton-krylov", 80, True)

    try:
        return under_quotas(prepared, policy, solve, z, tol, throw)
    except ConvergenceError as error:
        if throw or not isinstance(error.solution, Solution):
            raise
        closure = Closure(deficit, prepared.economy.deficit, prepared.own_income)
        failed = replace(error.solution, error=error)
        bare = policy._replace(quotas=())
        point = prepared.model.evaluate(
            failed.value,
            Problem(prepared.economy, bare, prepared.model.kernel(prepared.economy, bare), closure),
        )
        return Equilibrium(prepared.model, prepared.economy, bare, closure, point, failed)


def _without_quotas(
    prepared: Prepared,
    policy: Instruments,
    deficit: str,
    tol: float,
    z: Array,
    method: str,
    max_steps: int,
    throw: bool,
) -> Equilibrium:
    model, table = prepared.model, prepared.economy
    kernel = model.kernel(table, policy)
    closure = Closure(deficit, table.deficit, prepared.own_income)
    refuse_impossible(model, Problem(table, policy, kernel, closure), prepared.labels)
    search = _Search(model, Problem(model.in_use(table, kernel), policy, kernel, closure), prepared)
    solution = search.directly(z, method, tol, max_steps)
    if method == "auto" and not (solution.converged and search.solvent(solution.value)):
        solution = search.by_phasing_in(solution, tol)
    if solution.converged and not search.solvent(solution.value):
        solution = replace(solution, status=Status.DIVERGING)
    if throw and not solution.converged:
        raise ConvergenceError(
            f"no equilibrium reached: {solution.status.value} after {solution.steps} "
            f"{solution.method} steps, largest error {solution.residual:.3g} against "
            f"{tol:g}; {solution.message}{hint(kernel, closure)}",
            solution,
        )
    found = Equilibrium(model, table, policy, closure, search.at(solution.value), solution)
    vars(found).update(kernel=kernel, economy=search.problem.base)  # both are at hand
    return found


class _Search:
    """One set of equations and the routes to their solution."""

    def __init__(self, model: Model, problem: Problem, prepared: Prepared) -> None:
        self.model, self.problem = model, problem
        self._steps, self._countries = prepared.steps, prepared.labels[1]
        self._seen: tuple[Array, Any] | None = None

    def at(self, z: Array) -> Any:
        """The point at ``z``; the last one is kept, since a solve ends where it evaluated."""
        if self._seen is None or self._seen[0] is not z:
            self._seen = z, self.model.evaluate(z, self.problem)
        return self._seen[1]

    def residual(self, z: Array) -> Array:
        return self.model.residual(self.at(z), self.problem)

    def jacobian(self, z: Array) -> Callable[[Array], Array]:
        p = self.at(z)
        return lambda v: self.model.tangent(v, p, self.problem)

    def solvent(self, z: Array) -> bool:
        return bool((self.at(z).income > 0).all())

    def directly(self, z: Array, method: str, tol: float, max_steps: int) -> Solution:
        """The accelerated fixed point, and Newton-Krylov from where it stopped and from ``z``."""
        solution = None
        if method in ("auto", "anderson"):
            solution = anderson(
                self.residual, self._steps.direction, z, tol=tol, max_steps=max_steps,
                patience=60 if method == "auto" else 400,
            )  # fmt: skip
        if method == "newton-krylov" or (
            method == "auto" and solution is not None and not solution.converged
        ):
            for begin in [z] if solution is None else [solution.value, z]:
                tried = self._newton(begin, tol)
                if solution is None or tried.residual < solution.residual or tried.converged:
                    solution = replace(
                        tried, history=(*(solution.history if solution else ()), *tried.history)
                    )
                if solution.converged:
                    break
        assert solution is not None
        return solution

    def by_phasing_in(self, solution: Solution, tol: float) -> Solution:
        """The equilibrium that grows out of the base, where the direct routes found none; refuses
        where the path ends before all measures are in force."""
        model, (base, policy, kernel, closure) = self.model, self.problem

        def stage(share: float) -> Phase:
            return Phase(model, base, policy, closure, share)

        def insolvent(phased: PhasedIn) -> None:
            point = stage(phased.share).at(phased.value)
            in_force = share_in_force(closure, phased.share)
            refuse_insolvent(in_force, point, base, self._countries)

        size, N = model.size(base), len(self._countries)
        phased = phase_in(stage, size, tol=tol)
        if phased.solution is None and phased.turning is not None:
            insolvent(phased)
            # a path that bends sharply looks from afar like one that turns back
            finer = phase_in(stage, size, tol=tol, smallest=1e-7, max_solves=400)
            phased = phased if finer.solution is None else finer
        if phased.solution is not None:
            steps = solution.steps + phased.solution.steps
            history = (*solution.history, *phased.solution.history)
            return replace(phased.solution, steps=steps, history=history)
        insolvent(phased)
        turning = None if phased.turning is None else phased.turning[:N]
        refuse_turning(share_in_force(closure, phased.share), turning, self._countries)
        if closure.name == "share" and size <= LARGEST and not reachable(kernel.linked).all():
            least = least_error(self.residual, self.jacobian, size, N)
            refuse_one_way(least, kernel, self._countries)
            tried = self._newton(least.value, tol)
            if tried.converged:
                return replace(tried, history=(*solution.history, *tried.history))
        return solution

    def _newton(self, begin: Array, tol: float) -> Solution:
        return newton_krylov(
            self.residual, self.jacobian, self._steps.direction, begin, tol=tol, fitted=self._fitted
        )

    def _fitted(self, z: Array) -> Callable[[Array], Array]:
        """The step direction of the economy at ``z``; that of the base where it has none."""
        try:
            return self.model.steps_at(self.at(z), self.problem).direction
        except np.linalg.LinAlgError:  # a singular loop, far from anything that makes sense
            return self._steps.direction

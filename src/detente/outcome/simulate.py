"""The one place where world, policy and model meet."""

from __future__ import annotations

import numpy as np

from detente.errors import InputError, UnknownNameError
from detente.models.blocks import Array
from detente.models.caliendo_parro.equations import Point
from detente.models.closure import CLOSURES, Closure
from detente.outcome.economy import Prepared, instruments, prepare
from detente.outcome.equilibrium import METHODS, Equilibrium, solve_equilibrium
from detente.outcome.outcome import Outcome
from detente.regime import Policy
from detente.solve.solution import Solution
from detente.solve.threads import one_thread
from detente.world import World

__all__ = ["MODELS", "base_of", "restore", "simulate"]

MODELS = ("caliendo-parro",)


@one_thread
def simulate(
    world: World,
    policy: Policy | None = None,
    *,
    baseline: Policy | None = None,
    model: str = "caliendo-parro",
    deficit: str = "fixed",
    tol: float = 1e-10,
    start: Outcome | None = None,
    method: str = "auto",
    max_steps: int = 400,
    throw: bool = True,
) -> Outcome:
    """Solve for the equilibrium under ``policy`` and report changes from the baseline.

    Parameters
    ----------
    world : the base economy
    policy : what governments levy after the change (None: no change)
    baseline : what they levied before it (None: the tariffs of the world table)
    model : "caliendo-parro" (Caliendo and Parro 2015)
    deficit : "fixed" against world value added; "zero", where the baseline is re-solved
        without deficits first; "share" of own income, rescaled so that they sum to zero
    tol : largest error of any equation, in logs
    start : an earlier outcome on the same world, to start from
    method : "auto", or one of the two routes "anderson", "newton-krylov"
    max_steps : limit of the accelerated fixed point
    throw : raise when the solve does not converge; otherwise look at ``outcome.status``

    Raises
    ------
    InputError
        Unknown model, closure or method; a policy built on another world.
    NoSolutionError
        No equilibrium exists; the message names the market or country.
    ConvergenceError
        The solve stopped before ``tol`` and ``throw`` is true.
    """
    for kind, name, known in (
        ("model", model, MODELS),
        ("deficit closure", deficit, CLOSURES),
        ("method", method, METHODS),
    ):
        if name not in known:
            raise UnknownNameError.of(kind, name, known, "simulate")
    if not tol > 0:
        raise InputError(f"simulate: tol is {tol}; it must be above zero (1e-10 is the default)")
    prepared = prepare(world)
    policy = policy or prepared.unchanged
    baseline = baseline or prepared.unchanged
    for what, p in (("policy", policy), ("baseline", baseline)):
        if p.world is not world and not _same_labels(p.world, world):
            raise InputError(
                f"simulate: the {what} was built on {p.world.name}, the world is {world.name}; "
                "build it on the world it is simulated on"
            )
    base = base_of(prepared, baseline, deficit, min(tol, 1e-10))
    begin: Array = base.solution.value if start is None else start.after.solution.value
    if begin.shape != base.solution.value.shape:
        raise InputError("simulate: start is an outcome of a world of another size")
    after = solve_equilibrium(
        prepared, instruments(policy), deficit, prepared.labels,
        tol=tol, start=begin, method=method, max_steps=max_steps, throw=throw,
    )  # fmt: skip
    return Outcome(world, policy, baseline, base, after, model, deficit, tol)


def base_of(prepared: Prepared, baseline: Policy, deficit: str, tol: float) -> Equilibrium:
    """The equilibrium under ``baseline``, solved once for each world, closure and baseline."""
    key = (deficit, baseline.hash)
    if key not in prepared.bases:
        prepared.bases[key] = solve_equilibrium(
            prepared, instruments(baseline), deficit, prepared.labels, tol=tol
        )
    return prepared.bases[key]


def _same_labels(a: World, b: World) -> bool:
    return (
        a.countries == b.countries
        and a.sectors == b.sectors
        and np.array_equal(a.tariff.values, b.tariff.values)
    )


def restore(
    world: World,
    policy: Policy,
    baseline: Policy,
    point: Point,
    solution: Solution,
    *,
    deficit: str,
    tol: float,
) -> Outcome:
    """The outcome of a solve that was made elsewhere, from what it reached."""
    prepared = prepare(world)
    base = base_of(prepared, baseline, deficit, min(tol, 1e-10))
    closure = Closure(deficit, prepared.economy.deficit, prepared.own_income)
    after = Equilibrium(prepared.economy, instruments(policy), closure, point, solution)
    return Outcome(world, policy, baseline, base, after, MODELS[0], deficit, tol)

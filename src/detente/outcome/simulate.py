"""The one place where world, policy and model meet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from detente.errors import InputError, NoSolutionError, UnknownNameError
from detente.instruments import INSTRUMENTS
from detente.keywords import known_keywords
from detente.models.blocks import Array, Instruments
from detente.models.closure import CLOSURES, Closure
from detente.models.model import Model
from detente.models.registry import DEFAULT, model_of, parameter_hint, refuse_unable
from detente.outcome.economy import Prepared, instruments, prepare
from detente.outcome.equilibrium import Equilibrium, Nowhere
from detente.outcome.outcome import Outcome
from detente.outcome.solver import METHODS, solve_equilibrium
from detente.policy import Policy
from detente.solve.solution import Solution, Status
from detente.solve.threads import one_thread
from detente.world import World

__all__ = ["base_of", "checked_model", "refuse_foreign", "refuse_unlevied", "restore", "simulate"]

AnyModel = str | Model | Mapping[str, Any]
"""A model's name, ``{"name": ..., parameters}``, or a model."""


@known_keywords(parameter_hint)
@one_thread
def simulate(
    world: World,
    policy: Policy | None = None,
    *,
    baseline: Policy | None = None,
    model: AnyModel = DEFAULT,
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
    model : a name of :data:`detente.models.registry.MODELS` ("caliendo-parro" is the default), a
        model with other parameters, or ``{"name": ..., parameters}``
    deficit : "fixed" against world value added; "zero", where the baseline is re-solved
        without deficits first; "share" of own income, rescaled so that they sum to zero
    tol : largest error of any equation, in logs
    start : an earlier outcome on the same world, to start from
    method : "auto", or one of the two routes "anderson", "newton-krylov"
    max_steps : limit of the accelerated fixed point
    throw : raise when there is no solution or the solve does not converge; otherwise look at
        ``outcome.status`` ("converged", "no_solution", ...) and ``outcome.error``

    Raises
    ------
    InputError
        Unknown model, closure or method; a policy built on another world; an instrument or
        closure that the model does not support (those that do are named).
    NoSolutionError
        No equilibrium exists and ``throw`` is true; the message names the market or country.
    ConvergenceError
        The solve stopped before ``tol`` and ``throw`` is true.
    """
    chosen = checked_model(model, deficit, "simulate", world)
    if method not in METHODS:
        raise UnknownNameError.of("method", method, METHODS, "simulate")
    if not tol > 0:
        raise InputError(f"simulate: tol is {tol}; it must be above zero (1e-10 is the default)")
    prepared = prepare(world, chosen)
    policy = policy or prepared.unchanged
    baseline = baseline or prepared.unchanged
    for what, p in (("policy", policy), ("baseline", baseline)):
        refuse_foreign(p, world, f"simulate: the {what}")
    levied = instruments(policy)
    refuse_unlevied(chosen, levied, "simulate: the policy")
    base = base_of(prepared, baseline, deficit, min(tol, 1e-10))
    begin: Array = base.solution.value if start is None else start.after.solution.value
    if begin.shape != base.solution.value.shape:
        raise InputError("simulate: start is an outcome of a world of another size")
    try:
        after = solve_equilibrium(
            prepared, levied, deficit,
            tol=tol, start=begin, method=method, max_steps=max_steps, throw=throw,
        )  # fmt: skip
    except NoSolutionError as error:
        if throw:
            raise
        after = _unsolved(prepared, levied, base.closure, begin, error)
    return Outcome(world, policy, baseline, base, after, chosen.name, deficit, tol)


def _unsolved(
    prepared: Prepared, levied: Instruments, closure: Closure, begin: Array, error: NoSolutionError
) -> Equilibrium:
    """No equilibrium, and why; it has no point to read."""
    solution = Solution(begin, float("nan"), Status.NO_SOLUTION, 0, "none", (), error)
    return Equilibrium(prepared.model, prepared.economy, levied, closure, Nowhere(error), solution)


def checked_model(model: AnyModel, deficit: str, where: str, world: World) -> Model:
    """A model and the name of a closure it supports.

    Parameters of the model that may differ between countries are taken as a mapping from country
    or group to value too; ``others`` stands for all that are not named.

    Raises
    ------
    InputError
        Either is unknown, the model does not have the closure, or a mapping leaves a country out.
    """
    if isinstance(model, Mapping):
        model = {key: _by_country(value, key, where, world) for key, value in model.items()}
    chosen = model_of(model, where)
    if deficit not in CLOSURES:
        raise UnknownNameError.of("deficit closure", deficit, CLOSURES, where)
    refuse_unable(chosen, "closure", deficit, where)
    return chosen


def _by_country(value: Any, name: str, where: str, world: World) -> Any:
    """``{"USA": 0.27, "others": 0.11}`` as one value a country of the world, in its order."""
    if not isinstance(value, Mapping):
        return value
    values = dict.fromkeys(world.countries, value.get("others"))
    for who, one in value.items():
        if who != "others":
            for country in world.country_list(str(who), f"{where}: {name}"):
                values[country] = one
    lacking = [c for c, one in values.items() if one is None]
    if lacking:
        raise InputError(
            f"{where}: {name} has no value for {', '.join(lacking[:5])} ({len(lacking)} countries "
            "in all); name them, or give others: a number"
        )
    return tuple(values.values())


def refuse_unlevied(model: Model, levied: Instruments, where: str) -> None:
    """Refuse a policy that uses an instrument the model does not have.

    Raises
    ------
    InputError
        The message names the instrument and the models that have it.
    """
    used = {
        "export_tax": levied.export_tax is not None,
        "iceberg": levied.iceberg is not None,
        "transfer": bool(levied.transfer.any()),
        "quota": bool(levied.quotas),
    }
    for name in INSTRUMENTS:
        if used.get(name, False):
            refuse_unable(model, "instrument", name, where)


def base_of(prepared: Prepared, baseline: Policy, deficit: str, tol: float) -> Equilibrium:
    """The equilibrium under ``baseline``, solved once for each world, closure and baseline.

    Raises
    ------
    InputError
        The baseline uses an instrument that the model does not have.
    """
    key = (deficit, baseline.hash)
    if key not in prepared.bases:
        levied = instruments(baseline)
        refuse_unlevied(prepared.model, levied, "simulate: the baseline")
        prepared.bases[key] = solve_equilibrium(prepared, levied, deficit, tol=tol)
    return prepared.bases[key]


def refuse_foreign(policy: Policy, world: World, what: str) -> None:
    """Refuse a policy of another world; one that differs in its elasticities only will do.

    Raises
    ------
    InputError
        Countries, sectors or tariffs differ; ``what`` names the policy.
    """
    if policy.world is not world and not _same_labels(policy.world, world):
        raise InputError(
            f"{what} was built on {policy.world.name}, the world is {world.name}; "
            "build it on the world it is simulated on"
        )


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
    point: Any,
    solution: Solution,
    *,
    deficit: str,
    tol: float,
    model: AnyModel = DEFAULT,
) -> Outcome:
    """The outcome of a solve that was made elsewhere, from what it reached.

    Raises
    ------
    InputError
        The policy has quotas, whose price wedges are not in a point.
    """
    policy.refuse_quotas("restore")
    chosen = model_of(model)
    prepared = prepare(world, chosen)
    base = base_of(prepared, baseline, deficit, min(tol, 1e-10))
    closure = Closure(deficit, prepared.economy.deficit, prepared.own_income)
    after = Equilibrium(chosen, prepared.economy, instruments(policy), closure, point, solution)
    return Outcome(world, policy, baseline, base, after, chosen.name, deficit, tol)

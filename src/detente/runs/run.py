"""``run``: from a scenario file to results, with the range over elasticity sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from detente.errors import InputError, UnknownNameError
from detente.files import there as is_there
from detente.keywords import known_keywords
from detente.models.registry import DEFAULT, parameter_hint, refuse_unable
from detente.models.staggered.model import LABOUR
from detente.outcome import Outcome, simulate
from detente.outcome.audit import Audit
from detente.outcome.audit import audit as audit_of
from detente.outcome.simulate import checked_model
from detente.policy import Policy
from detente.policy.scenario import Scenario, load_scenario, parse_scenario
from detente.runs.build_policy import LawOf, build_policy, law_policy
from detente.runs.horizons import world_under
from detente.runs.result import RunResult, Timing
from detente.world import World, load_world
from detente.world.horizons import DEFAULT_HORIZON, horizon_record

__all__ = ["RunResult", "run", "scenario_policies"]


@known_keywords(parameter_hint)
def run(
    scenario: str | Path | Scenario,
    *,
    overrides: Mapping[str, str] | None = None,
    theta: str | None = None,
    model: str | Mapping[str, Any] | None = None,
    deficit: str | None = None,
    compare: str | Path | None = None,
    world: World | None = None,
    progress: Callable[[str], None] | None = None,
    laws: LawOf | None = None,
    audit: bool = False,
    horizon: str | None = None,
    labour: str = "mobile",
) -> RunResult:
    """Run a scenario by shipped name, file or object.

    Parameters
    ----------
    overrides : ``{"measures.0.rate_pct": "15"}``; values are read as YAML
    theta : an elasticity set instead of the scenario's; "all" runs every set, keeps the
        scenario's as the main one and reports the range
    model : a model's name, or ``{"name": ..., parameters}``, instead of the scenario's
    deficit : "fixed", "zero" or "share" instead of the scenario's
    compare : another scenario, run on the same world, baseline and closure
    world : a world instead of the one the scenario names
    progress : called with a text before each further solve
    audit : check every outcome again from its labelled output (:func:`detente.audit`)
    horizon : a set of :mod:`detente.world.horizons`: how fast trade adjusts, for
        ``result.horizons`` (None: the default set); "long": the long run only
    labour : "mobile", or "sticky": few workers change their sector in a year, and
        ``result.table("groups")`` says who gains and loses by sector of origin

    Raises
    ------
    InputError and its children for bad input; NoSolutionError, ConvergenceError from the solve;
    AuditError where an audit fails.
    """
    from detente.world.theta import theta_sets

    folder = None
    if not isinstance(scenario, Scenario):
        path = Path(scenario)
        folder = path.parent if path.suffix in (".yaml", ".yml") else None
        scenario = load_scenario(scenario, overrides)
    elif overrides:
        raise InputError("run: overrides apply to a scenario file; change the object instead")
    changes: dict[str, Any] = {}
    if model is not None:
        changes["model"] = model
    if deficit is not None:
        changes["deficit"] = deficit
    if theta is not None and theta != "all":
        changes["theta"] = theta
    if changes:
        scenario = parse_scenario(
            {**scenario.model_dump(by_alias=True), **changes}, scenario.source
        )
    base_world = world or load_world(scenario.world)
    chosen = checked_model(
        scenario.model, scenario.deficit, f"{scenario.source}: model", base_world
    )
    if audit:
        refuse_unable(chosen, "task", "audit", f"{scenario.source}: audit")
    known = theta_sets()
    if scenario.theta not in [*known, "own"]:
        raise UnknownNameError.of("theta set", scenario.theta, [*known, "own"], scenario.id)
    others = [t for t in known if t != scenario.theta] if theta == "all" else []
    by_theta: dict[str, Outcome] = {}
    compared = None
    for name in [scenario.theta, *others]:
        if progress is not None and others:
            progress(f"elasticities {name}")
        solved_on = world_under(base_world, name)
        baseline = _baseline(scenario, solved_on, folder, laws)
        policy = build_policy(scenario, solved_on, folder=folder, laws=laws)
        by_theta[name] = simulate(
            solved_on, policy, baseline=baseline, model=chosen, deficit=scenario.deficit
        )
        if compare is not None and name == scenario.theta:
            other, there = _beside(compare, folder)
            compared = simulate(
                solved_on,
                build_policy(other, solved_on, folder=there, laws=laws),
                baseline=baseline,
                model=chosen,
                deficit=scenario.deficit,
            )
    main = by_theta[scenario.theta]
    audits: dict[str, Audit] = {}
    if audit:
        named = {**by_theta, **({} if compared is None else {str(compare): compared})}
        for name, outcome in named.items():
            if progress is not None:
                progress(f"audit {name}")
            audits[name] = audit_of(outcome).raise_if_failed()
    compared_id = None if compare is None else str(compare)
    timing = _timing(horizon, labour, chosen.name, scenario)
    return RunResult(scenario, main, by_theta, compared, compared_id, folder, audits, timing)


def _timing(horizon: str | None, labour: str, model: str, scenario: Scenario) -> Timing | None:
    """How fast the world adjusts; None for the long run only.

    Raises
    ------
    InputError
        A horizon or sticky labour asked for in a model that has no path.
    """
    if labour not in LABOUR:
        raise UnknownNameError.of("labour", labour, LABOUR, scenario.id)
    if horizon == "long":
        if labour != "mobile":
            raise InputError(
                f"{scenario.id}: labour {labour} belongs to a path; leave horizon long out"
            )
        return None
    name = horizon or DEFAULT_HORIZON
    horizon_record(name)
    if model != DEFAULT:
        if horizon is None and labour == "mobile":
            return None
        raise InputError(
            f"{scenario.id}: the model {model} has no horizons; {DEFAULT} does: leave the model "
            'out, or ask for the long run only (horizon "long")'
        )
    return Timing(name, labour)


def _baseline(
    scenario: Scenario, world: World, folder: Path | None, laws: LawOf | None
) -> Policy | None:
    name, law = scenario.baseline.scenario, scenario.baseline.law
    if law is not None:
        return (laws or law_policy)(law, world)
    if name is None:
        return None
    before, there = _beside(name, folder)
    if before.baseline.scenario is not None:
        raise InputError(
            f"{scenario.id}: baseline.scenario: {name} has a baseline of its own; name one that "
            "starts from the world table"
        )
    return build_policy(before, world, folder=there, laws=laws)


def _beside(name: str | Path, folder: Path | None) -> tuple[Scenario, Path | None]:
    """Another scenario, looked for beside this one first, and the folder its tables lie in."""
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        return load_scenario(name), None
    if folder is not None and is_there(folder / path):
        path = folder / path
    return load_scenario(path), path.parent


def scenario_policies(
    scenario: str | Path | Scenario, world: World
) -> tuple[Policy | None, Policy]:
    """The baseline (None: the world table) and the policy of a scenario on a world.

    Raises
    ------
    InputError and its children for bad input.
    """
    folder = None
    if not isinstance(scenario, Scenario):
        path = Path(scenario)
        folder = path.parent if path.suffix in (".yaml", ".yml") else None
        scenario = load_scenario(scenario)
    before = _baseline(scenario, world, folder, None)
    return before, build_policy(scenario, world, folder=folder)

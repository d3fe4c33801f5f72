"""Scenarios that come from outside: what they may name, and how they are run in a worker."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import pandas as pd

from detente.errors import InputError, UnknownNameError
from detente.policy.scenario import (
    Scenario,
    TableRef,
    load_scenario,
    parse_scenario,
    scenario_folder,
    scenario_names,
)
from detente.texts import parse_json, yaml_text
from detente.timeline.live import LiveRuns
from detente.web import worker
from detente.web.answers import frame_json, json_bytes
from detente.world import load_world
from detente.world.files import EMBEDDED
from detente.world.theta import theta_sets

__all__ = [
    "MEASURES", "TABLES", "as_file", "outside_scenario", "scenario_yaml", "solve",
]  # fmt: skip

MEASURES = 200
"""Measures that a scenario from outside may have; a file may have more."""

CLAIMS = 40

TABLES = (
    "countries", "sectors", "diversion", "redirection", "markets", "claims", "prices", "flows",
    "welfare", "before", "after",
)  # fmt: skip
"""Tables that may be asked for."""


def outside_scenario(body: bytes) -> Scenario:
    """The scenario in a request's body, checked against the schema; it may name only the worlds,
    tables and baselines that ship with the package.

    Raises
    ------
    InputError
        It breaks the schema, names something else, or has too many measures.
    """
    data = parse_json(body, "the body")
    if not isinstance(data, dict):
        raise InputError("the body must be a scenario: a JSON object")
    for name, most in (("measures", MEASURES), ("claims", CLAIMS)):
        given = data.get(name)
        if isinstance(given, list) and len(given) > most:
            raise InputError(
                f"{name}: {len(given)} are given, at most {most} are solved here; use "
                "`detente run` for more"
            )
    scenario = parse_scenario(data, "scenario")
    _known("world", scenario.world, EMBEDDED)
    _known("theta set", scenario.theta, theta_sets())
    if scenario.baseline.scenario is not None:
        _known("baseline.scenario", scenario.baseline.scenario, scenario_names())
    tables = sorted(p.name for p in (scenario_folder() / "tables").glob("*.csv"))
    for n, measure in enumerate(scenario.measures):
        for field in ("base", "covered_share", "taxed_share"):
            given = getattr(measure, field)
            if isinstance(given, TableRef):
                _known(f"table in measures.{n}.{field}", given.table, tables)
    return scenario


def _known(kind: str, name: str, known: Any) -> None:
    if name not in list(known):
        raise UnknownNameError.of(kind, name[:80], known)


def scenario_yaml(scenario: Scenario) -> str:
    """The scenario as a file that ``detente run`` takes."""
    data = scenario.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return yaml_text(data)


def shipped(name: str) -> dict[str, Any]:
    """A shipped scenario as JSON; only bare names of shipped files are known.

    Raises
    ------
    UnknownNameError
        No such scenario.
    """
    _known("scenario", name, scenario_names())
    return load_scenario(name).model_dump(mode="json", by_alias=True, exclude_defaults=True)


# --- in the worker ------------------------------------------------------------------------------
@lru_cache(maxsize=2)
def _runs(laws: str) -> LiveRuns:
    return LiveRuns(load_world(), worker.timeline(laws) if laws else None)


def solve(laws: str, body: bytes, tables: tuple[str, ...], every_theta: bool) -> bytes:
    """The answer of /api/simulate to the body of a request; raises what ``outside_scenario``
    raises and what solving raises."""
    scenario = outside_scenario(body)
    result = _runs(laws).run(scenario, "all" if every_theta else None)
    wanted = [t for t in tables if t != "claims" or scenario.claims]
    frames: dict[str, pd.DataFrame] = {name: result.table(name) for name in wanted}
    if every_theta:
        frames["theta_range"] = result.table("theta_range")
    rows = frames.pop("countries", None)
    out = {"meta": result.meta, "rows": [] if rows is None else frame_json(rows)}
    return json_bytes({**out, **{name: frame_json(f) for name, f in frames.items()}})


def as_file(body: bytes) -> tuple[str, str]:
    """The id and the YAML text of the scenario in a request's body."""
    scenario = outside_scenario(body)
    return scenario.id, scenario_yaml(scenario)


def warm(laws: str) -> None:
    """Solve once, so that the first request finds everything loaded."""
    body = json.dumps(shipped("us-cars-25")).encode()
    solve(laws, body, ("countries",), False)

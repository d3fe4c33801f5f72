"""No record takes a truth value or a text in quotes for a number, or a text for a truth value."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from detente.cards.question import (
    KINDS,
    Question,
    find_kind,
    parse_question,
    question_folder,
)
from detente.errors import DetenteError
from detente.ledger.load import RECORDS
from detente.ledger.schema import KINDS as RECORD_KINDS
from detente.ledger.schema import ProductList
from detente.policy.scenario import Scenario, parse_scenario, scenario_folder
from detente.texts import read_yaml
from detente.world.theta import ThetaRecord

MODELS: dict[str, type[BaseModel]] = {
    "Scenario": Scenario, "Question": Question, "ThetaRecord": ThetaRecord,
    "ProductList": ProductList,
    **{f"settings of {kind}": find_kind(kind, "test").settings for kind in KINDS},
    **{f"record {kind}": model for kind, model in RECORD_KINDS.items()},
}  # fmt: skip
PLAIN = ("float", "int", "bool", "decimal", "complex")
GUARDS = ("function-before", "function-wrap", "function-plain")


# --- the schemas ------------------------------------------------------------------------------
def loose(schema: Any, strict: bool = False, where: str = "", guarded: bool = False) -> list[str]:
    """Numbers and truth values of a core schema that would be made out of something else.

    What stands behind a validator is left to the tests with values below.
    """
    if isinstance(schema, list | tuple):
        return [x for part in schema for x in loose(part, strict, where, guarded)]
    if not isinstance(schema, dict):
        return []
    kind = schema.get("type")
    if kind == "definition-ref":
        return []  # its definition is walked once, where it stands
    strict = schema.get("strict", (schema.get("config") or {}).get("strict", strict))
    guarded = guarded or kind in GUARDS
    found = [] if kind not in PLAIN or strict or guarded else [f"{where}: {kind}"]
    for key, part in schema.items():
        if key in ("metadata", "serialization", "config", "default", "ref", "cls"):
            continue
        if key == "fields" and isinstance(part, dict):
            for name, field in part.items():
                found += loose(field, strict, f"{where}.{name}", guarded)
        elif isinstance(part, dict | list | tuple):
            found += loose(part, strict, where, guarded)
    return found


@pytest.mark.parametrize("name", MODELS)
def test_every_number_is_strict_or_guarded(name: str) -> None:
    assert loose(MODELS[name].__pydantic_core_schema__, where=name) == []


def test_a_loose_number_is_noticed() -> None:
    class Part(BaseModel):
        log: bool

    class Loose(BaseModel):
        rate: float
        parts: list[Part]
        ways: dict[str, float | str]

    found = loose(Loose.__pydantic_core_schema__)
    assert {w.rpartition(": ")[2] for w in found} == {"float", "bool"}
    assert len(found) == 3


# --- values -----------------------------------------------------------------------------------
def places(model: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], type]]:
    """Where numbers and truth values stand in a record that was read."""
    if isinstance(model, BaseModel):
        # names as they are written in files
        items: Any = (
            (f.alias or n, getattr(model, n)) for n, f in type(model).model_fields.items()
        )
    elif isinstance(model, dict):
        items = model.items()
    elif isinstance(model, list | tuple):
        items = enumerate(model)
    else:
        return
    for key, value in items:
        if type(value) in (int, float, bool):
            yield (*path, key), type(value)
        else:
            yield from places(value, (*path, key))


def put(data: Any, path: tuple[Any, ...], value: Any) -> bool:
    """Whether ``data`` has something at ``path``; it is ``value`` from then on."""
    for key in path[:-1]:
        if not isinstance(data, dict | list) or (isinstance(data, dict) and key not in data):
            return False
        data = data[key]
    if isinstance(data, dict) and path[-1] not in data:
        return False
    data[path[-1]] = value
    return True


WRONG: dict[type, tuple[Any, ...]] = {
    float: (True, False, "25", "yes", "nan"), int: (True, "25", "yes"),
    bool: ("yes", "true", "on", 1, 0, "1"),
}  # fmt: skip


def refused(data: dict[str, Any], record: Any, read: Any) -> int:
    """Feed every number and truth value of a valid record something else; how many were fed."""
    fed = 0
    for path, kind in places(record):
        for wrong in WRONG[float if kind is int else kind]:
            bent = copy.deepcopy(data)
            if not put(bent, path, wrong):
                continue  # a default that the file leaves out
            fed += 1
            with pytest.raises((DetenteError, ValidationError)):
                read(bent)
    return fed


@pytest.mark.parametrize("path", sorted(scenario_folder().glob("*.yaml")), ids=lambda p: p.stem)
def test_scenarios(path: Any) -> None:
    data = read_yaml(path)
    # with the truth values a file may leave out
    data |= {"allow_prohibitive": False}
    record = parse_scenario(data, path.name)
    assert refused(data, record, lambda bent: parse_scenario(bent, path.name)) > 0


@pytest.mark.parametrize("path", sorted(question_folder().glob("*.yaml")), ids=lambda p: p.stem)
def test_questions(path: Any) -> None:
    data = read_yaml(path)
    data["world"] = {"full_check": False, **data.get("world", {})}
    data["settings"] = find_kind(data["kind"], path.name).settings().model_dump(mode="json") | (
        data.get("settings", {})
    )
    record = parse_question(data, path.name)
    # a name to choose from may be any text, so only what was a number is bent
    assert refused(data, record, lambda bent: parse_question(bent, path.name)) > 0


@pytest.mark.parametrize("kind", RECORD_KINDS)
def test_records(kind: str) -> None:
    model, fed = RECORD_KINDS[kind], 0
    paths = [p for p in sorted(RECORDS.rglob("*.yaml")) if p.stat().st_size < 8000]
    for data in map(read_yaml, paths[:: 1 if kind != "measure" else 5]):
        if data["kind"] == kind:
            if kind == "interaction":  # no small record has a rate
                data |= {"rule": "cap", "over": ["a"], "rate_pct": 10}
            fed += refused(data, model.model_validate(data), model.model_validate)
    assert (fed > 0) == (kind not in WITHOUT_NUMBERS)


WITHOUT_NUMBERS = ("group", "actor", "ledger", "conflict")
"""Kinds of records that hold texts only."""


def test_theta_sets() -> None:
    from importlib.resources import files

    for file in (files("detente.world") / "theta_sets").iterdir():
        if file.name.endswith(".yaml"):
            data = read_yaml(file)  # pyright: ignore[reportArgumentType]
            record = ThetaRecord.model_validate(data)
            assert refused(data, record, ThetaRecord.model_validate) > 0

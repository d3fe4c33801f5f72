"""Questions: YAML with a strict schema, that can extend one another."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import Field

from detente.cards.draws import Prior
from detente.cards.kind import Kind
from detente.errors import RecordError, UnknownNameError, shown
from detente.files import there
from detente.records import Count, Flag, Record, quoted, validate
from detente.texts import parse_value, read_yaml
from detente.world.horizons import DEFAULT_HORIZON, horizon_sets

__all__ = [
    "Article", "Event", "Question", "find_kind", "load_question", "parse_question",
    "question_folder", "question_names",
]  # fmt: skip

KINDS = {
    "courtship": "courtship",
    "cjk-pact": "cjk_pact",
    "korea-pledge": "korea_pledge",
    "encirclement": "encirclement",
    "proportionate-answer": "proportionate_answer",
    "hold-over-korea": "hold_over_korea",
    "number-one-partner": "number_one_partner",
    "will-car-makers-move": "car_makers_move",
    "four-country-pacts": "four_country_pacts",
}

MOST_EXTENDED = 8
"""Files of which each extends the next."""

LEAST_DRAWS, MOST_DRAWS = 2, 100_000


class Article(Record):
    """Where the question comes from, and what the article itself says."""

    outlet: str
    title: str
    date: str
    says: str
    note: str = ""


class Where(Record):
    """The world: which countries stay by themselves; the EU and the rest are merged.

    ``horizon`` names the horizon set by which the first year after a change is told.
    """

    name: str = "world-2022"
    countries: list[str] = Field(default_factory=list)
    full_check: Flag = False
    horizon: str = DEFAULT_HORIZON


class Event(Record):
    """Something that happened since: a record of the ledger, and which of its days.

    Without ``date`` it is how the record stands on the last day covered. ``provision`` chooses
    among a measure's by title; ``member`` an agreement's by code; ``source`` a key of its sources.
    """

    record: str
    date: str = ""
    provision: str = ""
    member: str = ""
    source: str = ""


class Source(Record):
    """A source of a number or a range."""

    title: str
    publisher: str = ""
    date: str = ""
    url: str = ""
    note: str = ""


class Question(Record):
    """A question as read; ``settings`` are checked by its kind."""

    id: str
    kind: str
    title: str
    asked: str
    article: Article
    world: Where = Where()
    draws: Count = Field(default=500, ge=LEAST_DRAWS, le=MOST_DRAWS)
    settings: dict[str, Any] = Field(default_factory=dict)
    parameters: dict[str, Prior]
    happened: list[Event] = Field(default_factory=list)
    assumptions: list[str] = Field(min_length=1)
    outside: list[str] = Field(min_length=1)
    sources: list[Source] = Field(min_length=1)


def question_folder() -> Path:
    """Where the shipped questions lie."""
    return Path(str(files("detente") / "questions"))


def question_names() -> list[str]:
    """Names of the shipped questions."""
    return sorted(p.stem for p in question_folder().glob("*.yaml"))


def find_kind(name: str, source: str) -> Kind:
    """The kind of a question.

    Raises
    ------
    UnknownNameError
        No such kind.
    """
    if name not in KINDS:
        raise UnknownNameError.of("kind", name, KINDS, f"{source}: kind")
    return import_module(f"detente.cards.{KINDS[name]}").KIND


def load_question(name: str | Path, overrides: Mapping[str, str] | None = None) -> Question:
    """A shipped question or a YAML file, with ``path=value`` overrides applied.

    Raises
    ------
    UnknownNameError
        No such file or question, or an unknown kind or parameter.
    RecordError
        The file breaks the schema.
    """
    data, source = _read(name, ())
    for where, text in (overrides or {}).items():
        _set(data, where, text, source)
    return parse_question(data, source)


def parse_question(data: Mapping[str, Any], source: str) -> Question:
    """A question from a mapping; settings and parameters are checked against its kind."""
    q = validate(Question, data, source)
    kind = find_kind(q.kind, source)
    for name in q.parameters:
        if name not in kind.parameters:
            raise UnknownNameError.of(
                "parameter", name, kind.parameters, f"{source}: parameters.{name}"
            )
    missing = [p for p in kind.parameters if p not in q.parameters]
    if missing:
        raise RecordError(
            f"{source}: parameters.{missing[0]}: is missing; state a value, a range or choices "
            f"and a source ({kind.parameters[missing[0]].about})"
        )
    for name, prior in q.parameters.items():
        _within(kind, name, prior, source)
    settings = validate(kind.settings, q.settings, f"{source}: settings")
    if kind.modelled and not q.world.countries:
        raise RecordError(f"{source}: world.countries: is missing; name who stays by itself")
    if q.world.horizon not in horizon_sets():
        raise UnknownNameError.of(
            "horizon set", q.world.horizon, horizon_sets(), f"{source}: world.horizon"
        )
    return q.model_copy(update={"settings": settings.model_dump()})


def _within(kind: Kind, name: str, prior: Prior, source: str) -> None:
    spec, where = kind.parameters[name], f"{source}: parameters.{name}"
    values = prior.choices or [x for x in (prior.value, prior.low, prior.high) if x is not None]
    for x in values:
        if spec.names is not None:
            if spec.names and x not in spec.names:
                raise UnknownNameError.of("value", x, spec.names, where)
            continue
        if isinstance(x, str):
            raise RecordError(f"{where}: {shown(x)} is not a number ({spec.unit})")
        low = spec.lowest if spec.lowest is not None else x
        high = spec.highest if spec.highest is not None else x
        if not low <= x <= high:
            raise RecordError(f"{where}: {x:g} is outside {low:g} to {high:g} ({spec.unit})")


def _read(name: str | Path, seen: tuple[str, ...]) -> tuple[dict[str, Any], str]:
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        if not there(path):
            raise UnknownNameError(f"{path}: no such question file; shipped: {question_names()}")
    elif str(name) in question_names():
        path = question_folder() / f"{name}.yaml"
    else:
        raise UnknownNameError.of("question", str(name), question_names())
    source = path.name if path.parent == question_folder() else str(path)
    data = read_yaml(path)
    base = data.pop("extends", None)
    if base is None:
        return data, source
    if not isinstance(base, str) or base in seen or len(seen) >= MOST_EXTENDED:
        raise RecordError(
            f"{source}: extends: {shown(base)}; name one question, not in a circle and not over "
            f"more than {MOST_EXTENDED} files"
        )
    local = path.parent / base
    below, _ = _read(local if local.suffix and there(local) else base, (*seen, base))
    return _merge(below, data), source


def _merge(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """``above`` over ``below``; mappings key by key, except that a prior is replaced whole."""
    out = dict(below)
    for key, value in above.items():
        old = out.get(key)
        if isinstance(value, Mapping) and isinstance(old, dict):
            prior = {"value", "low", "choices"} & set(value)
            out[key] = dict(value) if prior else _merge(old, value)
        else:
            out[key] = value
    return out


def _set(data: dict[str, Any], where: str, text: str, source: str) -> None:
    """Apply ``parameters.penalty_pct.high=20``; a parameter itself may be set to one value."""
    parts = where.split(".")
    where = quoted(where)
    value = parse_value(text, f"--set {where}")
    node: Any = data
    for i, part in enumerate(parts[:-1]):
        if not isinstance(node, dict):
            raise RecordError(f"--set {where}: {shown('.'.join(parts[:i]))} holds no further keys")
        if part not in node and i == 0 and part in ("settings", "world"):
            node[part] = {}  # a file may leave either out; the schema knows their keys
        if part not in node:
            raise UnknownNameError.of("key", part, [str(k) for k in node], f"--set {where}")
        node = node[part]
    if not isinstance(node, dict):
        raise RecordError(f"--set {where}: {source} has no keys at {shown('.'.join(parts[:-1]))}")
    if parts[0] == "parameters" and len(parts) == 2 and not isinstance(value, dict):
        value = {"value": value, "source": "set by hand"}
    node[parts[-1]] = value

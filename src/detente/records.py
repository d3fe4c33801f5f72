"""Strict YAML records: duplicate keys refused, dates kept as text, unknown keys refused.

Every YAML file of the package (scenarios, ledger, elasticity sets, questions) is read here, so
that a slip gets the same clear message everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from detente.errors import RecordError

__all__ = ["Record", "parse_yaml", "read_yaml", "validate"]

MAX_BYTES = 5_000_000
"""A record is written by hand; anything larger is a mistake or an attack."""


class Record(BaseModel):
    """Base of every record: unknown keys forbidden, frozen once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


R = TypeVar("R", bound=BaseModel)


_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictLoader(_Base):
    """SafeLoader that refuses duplicate keys, keeps dates as text, and knows true and false only.

    YAML 1.1 would turn 2025-04-02 into a date object and "no", "on", "yes" into truth values.
    """


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: dict[Any, int] = {}
    found: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise RecordError(f"line {line}: a key must be a word, not a list or a mapping")
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise RecordError(
                f"key {key!r} appears twice (lines {seen[key]} and {line}); keep one of them"
            )
        seen[key] = line
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_NATIVE = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool")
_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag not in _NATIVE]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), list("tf")
)


def parse_yaml(text: str, source: str) -> dict[str, Any]:
    """The mapping a YAML text holds.

    Raises
    ------
    RecordError
        Not YAML, not a mapping, a key twice, or aliases (they hide copies).
    """
    try:
        if "*" in text and any(
            isinstance(t, yaml.AliasToken) for t in yaml.scan(text, Loader=_Base)
        ):
            raise RecordError("YAML aliases (*name) are not allowed; write the value out")
        data = yaml.load(text, Loader=_StrictLoader)
    except RecordError as error:
        raise RecordError(f"{source}: {error}") from None
    except RecursionError:
        raise RecordError(f"{source}: nested too deeply; a record is flat") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        raise RecordError(
            f"{source}{where}: not valid YAML ({getattr(error, 'problem', None) or error}); check "
            "indentation, and put text with a colon in quotes"
        ) from None
    if not isinstance(data, dict):
        raise RecordError(f"{source}: a mapping of keys is needed, found {type(data).__name__}")
    return data


def read_yaml(path: Path, name: str | None = None) -> dict[str, Any]:
    """The mapping in a YAML file; errors name the file, or ``name`` where it is given."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RecordError(f"{path}: larger than {MAX_BYTES:,} bytes; a record is small")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise RecordError(f"{path}: is not UTF-8 text") from None
    return parse_yaml(text, name or str(path))


def validate(model: type[R], data: Mapping[str, Any], source: str) -> R:
    """``data`` as a ``model``.

    Raises
    ------
    RecordError
        Names the source, each field, its value, what is wrong and a close known key.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise RecordError(f"{source}: " + "; ".join(_explain(model, error))) from None


def _explain(model: type[BaseModel], error: ValidationError) -> list[str]:
    lines = []
    for e in error.errors()[:5]:
        field = ".".join(str(part) for part in e["loc"]) or "record"
        if e["type"] == "extra_forbidden":
            known = sorted(_all_keys(model))
            from difflib import get_close_matches

            close = get_close_matches(str(e["loc"][-1]), known, n=2, cutoff=0.6)
            hint = f"; did you mean {', '.join(close)}?" if close else f"; keys are {known}"
            lines.append(f"{field}: unknown key{hint}")
        elif e["type"] == "missing":
            lines.append(f"{field}: is missing; add it")
        else:
            # a fault of the record as a whole names its field itself
            message = e["msg"].removeprefix("Value error, ")
            shown = f" (found {repr(e.get('input'))[:80]})" if e["loc"] else ""
            lines.append(f"{field}: {message}{shown}" if e["loc"] else message)
    more = error.error_count() - len(lines)
    return lines + ([f"and {more} more"] if more > 0 else [])


def _all_keys(model: type[BaseModel], seen: set[type] | None = None) -> set[str]:
    seen = seen if seen is not None else set()
    if model in seen:
        return set()
    seen.add(model)
    keys: set[str] = set()
    for name, info in model.model_fields.items():
        keys.add(info.alias or name)
        for part in _models_in(info.annotation):
            keys |= _all_keys(part, seen)
    return keys


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for arg in getattr(annotation, "__args__", ()) for m in _models_in(arg)]

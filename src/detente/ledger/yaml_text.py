"""Strict YAML: duplicate keys refused, dates kept as text, only true and false are truth values."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from detente.errors import RecordError

__all__ = ["read_yaml"]


# The C parser reads the records several times faster; it accepts the same language.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    pass


# YAML 1.1 turns 2025-04-02 into a date object and "no", "on", "yes" into truth values.
_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in rules
        if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool")
    ]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), list("tf"))


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            line = key_node.start_mark.line + 1
            raise yaml.constructor.ConstructorError(
                None, None, f"key {key!r} stands twice (line {line}); keep one", None
            )
        seen[key] = loader.construct_object(value_node, deep=True)
    return seen


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_yaml(path: Path, name: str) -> dict[str, Any]:
    """One record file as a mapping. Raises RecordError naming the file and what to mend."""
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except yaml.constructor.ConstructorError as bad:
        raise RecordError(f"{name}: {bad.problem}") from None
    except yaml.YAMLError as bad:
        mark = getattr(bad, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        raise RecordError(
            f"{name}{where}: not valid YAML ({getattr(bad, 'problem', bad)}); check indentation, "
            "and put text with a colon in quotes"
        ) from None
    if not isinstance(data, dict):
        raise RecordError(f"{name}: the file must be a mapping that starts with kind: ...")
    return data

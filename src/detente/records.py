"""Records: strict schemas for everything that people write by hand.

Every YAML file of the package (scenarios, ledger, elasticity sets, questions) is checked here, so
that a slip gets the same clear message everywhere. Unknown keys are refused; a truth value or a
text in quotes is no number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from detente.errors import RecordError, shown

__all__ = ["Count", "Flag", "Number", "Record", "place", "quoted", "said", "validate"]

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A finite number; ``true`` and "25" in quotes are none."""

Count = Annotated[int, Field(strict=True)]
"""A whole number."""

Flag = Annotated[bool, Field(strict=True)]
"""true or false; "yes" is a text."""


class Record(BaseModel):
    """Base of every record: unknown keys forbidden, frozen once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_WORD = re.compile(r"[\w.\[\]-]{1,60}")

R = TypeVar("R", bound=BaseModel)


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
        raise RecordError(f"{source}: " + "; ".join(_explain(model, error, data))) from None


MOST = 12
"""Faults of one record that are told; several may belong to one field."""


def place(loc: tuple[int | str, ...], kind: str, data: Any) -> tuple[int | str, ...]:
    """Where a fault lies in ``data``: pydantic's path without the names of the alternatives it
    tried on the way."""
    found: list[int | str] = []
    node = data
    for n, part in enumerate(loc):
        last = n == len(loc) - 1
        if isinstance(node, Mapping) and (part in node or (last and kind == "missing")):
            node = node.get(part)
        elif isinstance(node, list | tuple) and isinstance(part, int) and part < len(node):
            node = node[part]
        else:
            continue
        found.append(part)
    return tuple(found)


def quoted(part: int | str) -> str:
    """A key as messages show it: as it is, or in quotes where it is no word."""
    if isinstance(part, int) or _WORD.fullmatch(part):
        return str(part)
    return shown(part)


def said(message: str) -> str:
    """A message of pydantic in the words of a writer of files."""
    return re.sub(r"dictionary( or instance of \w+)?", "mapping", message)


def _explain(model: type[BaseModel], error: ValidationError, data: Any) -> list[str]:
    lines: dict[str, str] = {}
    for e in error.errors(include_url=False)[:MOST]:
        field = ".".join(quoted(part) for part in place(e["loc"], e["type"], data)) or "record"
        if e["type"] == "extra_forbidden":
            known = sorted(_all_keys(model))
            from difflib import get_close_matches

            close = get_close_matches(str(e["loc"][-1])[:200], known, n=2, cutoff=0.6)
            hint = f"; did you mean {', '.join(close)}?" if close else f"; keys are {known}"
            line = f"{field}: unknown key{hint}"
        elif e["type"] == "missing":
            line = f"{field}: is missing; add it"
        else:
            # a fault of the record as a whole names its field itself
            message = said(e["msg"].removeprefix("Value error, "))
            found = f" (found {shown(e.get('input'))})" if e["loc"] else ""
            line = f"{field}: {message}{found}" if e["loc"] else message
        # one of several forms is enough; the first stands for them all
        lines.setdefault(field if e["loc"] else line, line)
    more = max(0, error.error_count() - MOST) + max(0, len(lines) - 5)
    return [*lines.values()][:5] + ([f"and {more} more"] if more else [])


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

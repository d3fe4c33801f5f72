"""Records: strict schemas for everything that people write by hand.

Every YAML file of the package (scenarios, ledger, elasticity sets, questions) is checked here, so
that a slip gets the same clear message everywhere. Unknown keys are refused; a truth value or a
text in quotes is no number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from detente.errors import RecordError

__all__ = ["Count", "Flag", "Number", "Record", "validate"]

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A finite number; ``true`` and "25" in quotes are none."""

Count = Annotated[int, Field(strict=True)]
"""A whole number."""

Flag = Annotated[bool, Field(strict=True)]
"""true or false; "yes" is a text."""


class Record(BaseModel):
    """Base of every record: unknown keys forbidden, frozen once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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

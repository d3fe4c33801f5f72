"""The formats every command can print."""

from __future__ import annotations

from enum import StrEnum

from detente.errors import InputError

__all__ = ["Format", "changes"]


class Format(StrEnum):
    """How a command prints its result."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def changes(given: list[str] | None, example: str) -> dict[str, str]:
    """``--set path=value`` options as a mapping.

    Raises
    ------
    InputError
        No path or no sign of equality.
    """
    out = {}
    for item in given or []:
        path, sign, value = item.partition("=")
        if not sign or not path:
            raise InputError(f"--set {item}: write path=value, e.g. {example}")
        out[path] = value
    return out

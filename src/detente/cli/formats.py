"""The formats every command can print."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from detente.errors import InputError

__all__ = ["Format", "changes", "named_path"]


class Format(StrEnum):
    """How a command prints its result."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def named_path(text: str) -> Path:
    """A path of an option; what is empty is a variable of the shell that was not set.

    Raises
    ------
    InputError
        It is empty, by which the folder one stands in would be meant.
    """
    if not text:
        raise InputError("is empty; name a file or folder, or leave the option out")
    return Path(text)


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

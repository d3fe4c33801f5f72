"""Printing one main table in the format asked for."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import pandas as pd

from detente.cli.formats import Format
from detente.errors import InputError

__all__ = ["say_csv", "say_json", "say_text", "show"]


def show(
    rows: pd.DataFrame,
    meta: Mapping[str, Any],
    format_: Format,
    *,
    title: str = "",
    tables: Mapping[str, pd.DataFrame] | None = None,
) -> None:
    """Print ``rows`` (and in JSON the further ``tables``) as table, JSON or CSV."""
    from detente.report.tabular import csv_text, envelope
    from detente.version import __version__

    if format_ is Format.JSON:
        full = {"package": "detente", "version": __version__, "status": "ok", **meta}
        say_json(envelope(full, rows, tables))
    elif format_ is Format.CSV:
        say_csv(csv_text(rows))
    else:
        from detente.report.text import frame_table, terminal

        terminal().print(frame_table(rows, {}, title, signed=False))


def say_json(body: Mapping[str, Any]) -> None:
    """Print JSON; where the output knows few letters, the others are escaped."""
    from detente.report.tabular import json_text

    text = json_text(body)
    sys.stdout.write(text if _fits(text) else json_text(body, ascii_only=True))


def say_csv(text: str) -> None:
    """Print CSV, in which no letter can stand for another.

    Raises
    ------
    InputError
        The output does not know a letter.
    """
    if not _fits(text):
        raise InputError(
            f"standard output takes {sys.stdout.encoding} and cannot hold every name; set "
            "PYTHONIOENCODING=utf-8, or use --format json"
        )
    sys.stdout.write(text)


def say_text(text: str) -> None:
    """Print text for people; a letter the output does not know becomes a question mark."""
    sys.stdout.write(text)


def _fits(text: str) -> bool:
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True

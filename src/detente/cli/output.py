"""Printing one main table in the format asked for."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import pandas as pd

from detente.cli.formats import Format

__all__ = ["show"]


def show(
    rows: pd.DataFrame,
    meta: Mapping[str, Any],
    format_: Format,
    *,
    title: str = "",
    tables: Mapping[str, pd.DataFrame] | None = None,
) -> None:
    """Print ``rows`` (and in JSON the further ``tables``) as table, JSON or CSV."""
    from detente.report.tabular import csv_text, envelope, json_text
    from detente.version import __version__

    if format_ is Format.JSON:
        full = {"package": "detente", "version": __version__, "status": "ok", **meta}
        sys.stdout.write(json_text(envelope(full, rows, tables)))
    elif format_ is Format.CSV:
        sys.stdout.write(csv_text(rows))
    else:
        from detente.report.text import frame_table, terminal

        terminal().print(frame_table(rows, {}, title, signed=False))

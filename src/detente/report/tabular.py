"""Results as JSON and CSV: the shape every command shares.

``{"meta": {...provenance, status}, "rows": [...], "<table>": [...]}`` with units in field names;
NaN becomes null.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from detente.runs.run import RunResult

__all__ = ["csv_text", "envelope", "json_text", "records", "run_json"]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain dictionaries, NaN as None."""
    clean = frame.astype(object).where(frame.notna(), None)
    return [{str(k): _plain(v) for k, v in row.items()} for row in clean.to_dict("records")]


def envelope(
    meta: Mapping[str, Any], rows: pd.DataFrame | list[dict[str, Any]],
    tables: Mapping[str, pd.DataFrame] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The shape of every JSON answer."""
    body = records(rows) if isinstance(rows, pd.DataFrame) else rows
    return {
        "meta": {k: _plain(v) for k, v in meta.items()},
        "rows": body,
        **{name: records(table) for name, table in (tables or {}).items()},
    }


def run_json(result: RunResult) -> dict[str, Any]:
    """A run in the common shape: ``rows`` is the country table."""
    tables = dict(result.tables)
    return envelope(result.meta, tables.pop("countries"), tables)


def json_text(body: Mapping[str, Any], ascii_only: bool = False) -> str:
    """JSON with a line break at the end; refuses NaN."""
    return json.dumps(body, indent=1, ensure_ascii=ascii_only, allow_nan=False) + "\n"


def csv_text(frame: pd.DataFrame) -> str:
    """CSV with ten significant digits."""
    return frame.to_csv(index=False, float_format="%.10g", lineterminator="\n")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and value != value:
        return None
    return value

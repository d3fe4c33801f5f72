"""Import weights that a user gives instead of the shipped ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detente.errors import TableError
from detente.law.tables import MASKS, LineTable, line_table
from detente.memory import Kept

__all__ = ["user_table"]


def user_table(importer: str, frame: object) -> LineTable:
    """A line table with a user's weights."""
    lacking = [c for c in ("hs", "partner", "value_usd") if c not in getattr(frame, "columns", ())]
    if lacking:
        raise TableError(
            f"weights[{importer!r}]: column {lacking[0]!r} is missing; the columns are hs, "
            "partner, value_usd"
        )
    table = line_table(importer)
    codes = np.asarray(frame["hs"], dtype=str)  # pyright: ignore[reportIndexIssue]
    width = len(table.codes[0])
    short = np.array([c[:width] for c in codes])
    at = np.searchsorted(table.codes, short)
    unknown = (at >= len(table.codes)) | (
        table.codes[np.minimum(at, len(table.codes) - 1)] != short
    )
    if unknown.any():
        raise TableError(
            f"weights[{importer!r}]: hs {str(codes[unknown][0])!r} is not a code of the line table "
            f"({int(unknown.sum())} such rows)"
        )
    partner = np.asarray(frame["partner"], dtype=str)  # pyright: ignore[reportIndexIssue]
    value = np.asarray(frame["value_usd"], dtype=float)  # pyright: ignore[reportIndexIssue]
    if not (np.isfinite(value) & (value >= 0)).all():
        raise TableError(f"weights[{importer!r}]: value_usd must be numbers of zero or more")
    partners, owner = np.unique(partner, return_inverse=True)
    return replace(
        table, partners=tuple(str(p) for p in partners), flow_line=at, flow_partner=owner,
        flow_value=value, weighted=True, masks=Kept(MASKS),
    )  # fmt: skip

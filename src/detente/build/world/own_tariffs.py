"""Replace tariffs by a table of the user, for instance an extract of WITS/TRAINS."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detente.build.world.fold import GOODS, SECTORS
from detente.build.world.report import BuildReport
from detente.errors import TableError

__all__ = ["own_tariffs"]

Array = NDArray[np.float64]
_COLUMNS = ["sector", "importer", "exporter", "value"]


def own_tariffs(
    table: pd.DataFrame, countries: list[str], tariff: Array, report: BuildReport
) -> Array:
    """Return ``tariff`` (23, 77, 77) with the rows of ``table`` put in.

    table: columns sector (a goods sector), importer, exporter (ISO3), value (fraction, at least
    zero). Cells without a row keep their rate. Raises TableError naming the first bad row.
    """
    lacking = [c for c in _COLUMNS if c not in table.columns]
    if lacking:
        raise TableError(f"tariffs: columns {lacking} are missing; give {_COLUMNS}.")
    if bool(table.duplicated(_COLUMNS[:3]).any()):
        twice = table[table.duplicated(_COLUMNS[:3])].iloc[0]
        raise TableError(
            f"tariffs: {[twice[c] for c in _COLUMNS[:3]]} is given twice; keep one row."
        )
    out = tariff.copy()
    place = {c: i for i, c in enumerate(countries)}
    row_of = {s: j for j, s in enumerate(SECTORS[:GOODS])}
    for s, n, i, value in table[_COLUMNS].itertuples(index=False, name=None):
        if s not in row_of or n not in place or i not in place or n == i:
            raise TableError(
                f"tariffs: no cell for sector {s!r}, importer {n!r}, exporter {i!r}; use the goods "
                "sectors and two different countries of world-2022."
            )
        if not (np.isfinite(value) and value >= 0):
            raise TableError(
                f"tariffs: sector {s}, importer {n}, exporter {i}: {value}; give a fraction of at "
                "least zero (0.25 is 25%)."
            )
        out[row_of[s], place[n], place[i]] = value
    report.add("own tariffs", "rates replaced", "count", 0.0, float(len(table)))
    return out

"""The worst error of each check of an audit, and where it was found."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Check", "Tally"]

Array = NDArray[Any]


class Check(NamedTuple):
    """One check, at the cell where it errs most.

    ``error`` is relative; ``variable`` is the labelled array it was found in; ``partner`` is set
    for flows, ``sector`` and ``country`` are "" where the check has none; ``cells`` counts the
    numbers compared.
    """

    name: str
    error: float
    bound: float
    variable: str
    country: str
    sector: str
    partner: str
    cells: int

    @property
    def passed(self) -> bool:
        """Whether the error is within the bound."""
        return self.error <= self.bound

    @property
    def place(self) -> str:
        """Where it errs most, e.g. "KOR C29 from JPN"."""
        where = " ".join(x for x in (self.country, self.sector) if x)
        return f"{where} from {self.partner}" if self.partner else where


class Tally:
    """The worst error of each check so far."""

    def __init__(self, sectors: list[str], countries: list[str], bound: float) -> None:
        self.sectors, self.countries, self.bound = sectors, countries, bound
        self.found: dict[str, Check] = {}

    def compare(
        self,
        name: str,
        variable: str,
        found: Array,
        expected: Array,
        scale: Array | float,
        *,
        among: Array | None = None,
        bound: float | None = None,
    ) -> None:
        """Compare ``found`` with ``expected``, both (N,), (J, N) or (J, N, N).

        The error is the difference over ``scale``. A cell that is NaN in one of the two only is
        an infinite error. ``among`` limits the cells.
        """
        bound = self.bound if bound is None else bound
        found, expected = np.broadcast_arrays(found, expected)
        same = (found == expected) | (np.isnan(found) & np.isnan(expected))
        with np.errstate(all="ignore"):
            gap = np.abs(found - expected) / scale
        gap = np.where(same, 0.0, np.where(np.isnan(gap), np.inf, gap))
        among = np.ones(gap.shape, dtype=bool) if among is None else among
        cells = int(among.sum())
        old = self.found.get(name)
        if cells == 0:
            if old is None:
                self.found[name] = Check(name, 0.0, bound, variable, "", "", "", 0)
            return
        flat = int(np.argmax(np.where(among, gap, -1.0)))
        at = [int(i) for i in np.unravel_index(flat, gap.shape)]
        error = float(gap.ravel()[flat])
        cells += old.cells if old else 0
        if old is not None and old.cells > 0 and old.error >= error:
            self.found[name] = old._replace(cells=cells)
            return
        sector = self.sectors[at[0]] if len(at) > 1 else ""
        country = self.countries[at[1] if len(at) > 1 else at[0]]
        partner = self.countries[at[2]] if len(at) > 2 else ""
        self.found[name] = Check(name, error, bound, variable, country, sector, partner, cells)

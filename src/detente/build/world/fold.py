"""Sum the raw countries and sectors to the 77 x 23 of world-2022."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detente.build.world.raw import RawTables
from detente.errors import TableError

__all__ = ["FOLDED", "GOODS", "SECTORS", "SERVICES", "Folding", "fold_technology"]

Array = NDArray[np.float64]

SECTORS = (
    "A01_02", "A03", "B05_06", "B07_08", "B09", "C10T12", "C13T15", "C16", "C17_18", "C19", "C20",
    "C21", "C22", "C23", "C24", "C25", "C26", "C27", "C28", "C29", "C30", "C31T33", "services",
)  # fmt: skip
GOODS = len(SECTORS) - 1
"""Number of goods sectors; they come first."""
SERVICES = SECTORS[-1]
FOLDED = ("AGO", "ARE", "COD", "STP")
"""Countries of the trade file without a technology of their own; they join ROW."""

_RAW_TO_SECTOR = {
    "A01": "A01_02", "A02": "A01_02", "B05": "B05_06", "B06": "B05_06", "B07": "B07_08",
    "B08": "B07_08", "C24A": "C24", "C24B": "C24", "C301": "C30", "C302T309": "C30",
    "Services (aggregate)": SERVICES,
}  # fmt: skip


class Folding:
    """Where each raw country and sector goes; sums flows and averages rates accordingly."""

    def __init__(self, raw: RawTables) -> None:
        self.countries = list(raw.technology_countries)
        extra = sorted(set(raw.countries) - set(self.countries))
        if extra != sorted(FOLDED):
            raise TableError(
                f"the trade file holds {extra} beyond the technology file, expected "
                f"{sorted(FOLDED)}; the two files must be of the editions in PROVENANCE.md."
            )
        names = [_RAW_TO_SECTOR.get(s, s) for s in raw.sectors]
        unknown = sorted(set(names) - set(SECTORS))
        if unknown:
            raise TableError(f"the trade file holds unknown sectors {unknown}.")
        row = self.countries.index("ROW")
        self._country = np.array(
            [self.countries.index(c) if c in self.countries else row for c in raw.countries]
        )
        self._sector = np.array([SECTORS.index(s) for s in names])

    def trade(self, flows: Array) -> Array:
        """Sum (28, 81, 81) flows to (23, 77, 77); flows inside ROW become its domestic sales."""
        n = len(self.countries)
        out = np.zeros((len(SECTORS), n, n))
        np.add.at(
            out,
            (
                self._sector[:, None, None],
                self._country[None, :, None],
                self._country[None, None, :],
            ),
            flows,
        )
        return out

    def tariff(self, rates: Array, flows: Array) -> Array:
        """Average (28, 81, 81) rates to (23, 77, 77), weighted by flows.

        Cells without any flow take the plain mean of their parts; the diagonal is zero.
        """
        total = self.trade(flows)
        weighted = self.trade(flows * rates)
        plain = self.trade(rates) / self.trade(np.ones_like(rates))
        out = np.where(total > 0, weighted / np.where(total > 0, total, 1.0), plain)
        n = len(self.countries)
        out[:, np.arange(n), np.arange(n)] = 0.0
        return out


def fold_technology(raw: RawTables) -> tuple[Array, Array]:
    """Input shares (23 inputs, 23 users, 77) and value-added shares (23, 77) of 2020.

    Input rows are summed. The 23 service users are averaged with their estimated outputs.
    """
    goods = list(raw.technology_sectors[:GOODS])
    if goods != list(SECTORS[:GOODS]):
        raise TableError(
            f"the technology file starts with sectors {goods}, expected {list(SECTORS[:GOODS])}."
        )
    inputs = np.concatenate(
        [raw.input_share[:GOODS], raw.input_share[GOODS:].sum(axis=0, keepdims=True)]
    )
    weight = raw.service_output / raw.service_output.sum(axis=0)
    shares = np.concatenate(
        [
            inputs[:, :, :GOODS],
            np.einsum("knj,jn->kn", inputs[:, :, GOODS:], weight)[:, :, None],
        ],
        axis=2,
    )
    value_added = np.concatenate(
        [
            raw.value_added_share[:GOODS],
            (raw.value_added_share[GOODS:] * weight).sum(axis=0, keepdims=True),
        ]
    )
    return np.ascontiguousarray(shares.transpose(0, 2, 1)), value_added

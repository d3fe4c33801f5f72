"""What governments levy: one row an instrument, the only list.

Checks of values, abilities of models, what can be differentiated in, schemas and docs read it.
``owner`` says whose income the instrument's proceeds are.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["INSTRUMENTS", "RENT_OWNERS", "Instrument", "instrument_names"]

_FLOW = ("sector", "importer", "exporter")


class Instrument(NamedTuple):
    """One row. Values lie above ``lowest`` (or at it, where ``closed``), and below infinity unless
    ``endless``; ``neutral`` changes nothing (None: the world table's own); ``hint`` explains the
    range; ``per`` is the unit of a derivative, "" where there is none. ``within`` names the tariff,
    export tax or iceberg whose wedge an instrument multiplies (:mod:`detente.policy.wedges`);
    where it is given, ``dims`` may be a part of those of a flow."""

    name: str
    dims: tuple[str, ...]
    unit: str
    lowest: float
    closed: bool
    endless: bool
    neutral: float | None
    owner: str
    per: str
    hint: str
    words: str
    within: str = ""

    def holds(self, value: float) -> bool:
        """Whether ``value`` is in the range (never a NaN)."""
        low = value >= self.lowest if self.closed else value > self.lowest
        return low and (self.endless or value < float("inf"))

    @property
    def range(self) -> str:
        """The range in words."""
        text = f"a number {'of at least' if self.closed else 'above'} {self.lowest:g}"
        return text + (f" ({self.hint})" if self.hint else "")


_TABLE = (
    Instrument(
        "tariff", _FLOW, "fraction", -1.0, False, False, None, "the importer's state",
        "unit tariff (1 = 100 points)", "a fraction: 0.25 is 25%",
        "import tariff on the price at the border",
    ),
    Instrument(
        "export_tax", _FLOW, "fraction", -1.0, False, False, 0.0, "the exporter's state",
        "unit export tax (1 = 100 points)", "a fraction: 0.25 is 25%",
        "tax of the exporter's state on the producer's price",
    ),
    Instrument(
        "iceberg", _FLOW, "factor", 0.0, False, True, 1.0, "nobody: resources are used up",
        "unit iceberg factor (1 = delivery costs another base price)", "inf is a ban",
        "cost of delivery over the base",
    ),
    Instrument(
        "transfer", ("country",), "USD million", float("-inf"), False, False, 0.0,
        "who receives it",
        "USD million received", "",
        "income moved between countries; sums to zero",
    ),
    Instrument(
        "quota", ("quota",), "USD million at base-year prices", 0.0, True, True, float("inf"),
        "importer, exporter or auction, as the quota says",
        "USD million of quota at base-year prices", "inf never binds",
        "volume that enters at the tariff; above it the over-quota rate is due, or nothing enters",
    ),
)  # fmt: skip

INSTRUMENTS: dict[str, Instrument] = {row.name: row for row in _TABLE}

RENT_OWNERS = {
    "importer": "the importer's firms, which hold the licences",
    "exporter": "the exporter's firms, which hold the licences",
    "auction": "the importer's treasury, which sells the licences",
}
"""Who may own the rent of a quota."""


def instrument_names() -> tuple[str, ...]:
    """Every instrument, in the order of the table."""
    return tuple(INSTRUMENTS)

"""What the build changed: one row per change, and the notes behind it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

__all__ = ["BuildReport", "Row"]


@dataclass(frozen=True)
class Row:
    """One number before and after a step. Empty country or sector means all of them."""

    step: str
    country: str
    sector: str
    measure: str
    unit: str
    before: float | None
    after: float | None
    note: str = ""


@dataclass
class BuildReport:
    """Everything the build did: rows in the order of the steps, residuals, inputs by sha256."""

    rows: list[Row] = field(default_factory=list)
    residuals: dict[str, float] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)

    def add(
        self,
        step: str,
        measure: str,
        unit: str,
        before: float | None,
        after: float | None,
        *,
        country: str = "",
        sector: str = "",
        note: str = "",
    ) -> None:
        """Append one row."""
        self.rows.append(Row(step, country, sector, measure, unit, before, after, note))

    def of(self, step: str, measure: str | None = None) -> list[Row]:
        """The rows of one step (and one measure), in order."""
        return [r for r in self.rows if r.step == step and measure in (None, r.measure)]

    def to_frame(self) -> pd.DataFrame:
        """The rows as a table: step, country, sector, measure, unit, before, after, note."""
        return pd.DataFrame(
            [vars(r) for r in self.rows],
            columns=["step", "country", "sector", "measure", "unit", "before", "after", "note"],
        )

    def to_csv(self) -> str:
        """The rows as CSV text with ten significant digits; stable between runs."""
        return self.to_frame().to_csv(index=False, float_format="%.10g", lineterminator="\n")

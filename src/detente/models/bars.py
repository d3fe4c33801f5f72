"""Weights on what an equilibrium holds, and derivatives in what governments levy: the two ends of
every gradient, the same for all models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from detente.models.blocks import Array

__all__ = ["Bars", "Columns", "PolicyGradient", "combine", "total"]


class Bars(NamedTuple):
    """Weights on what a point holds: of an objective its partial derivatives.

    (N,) and (J, N) arrays, or 0 where nothing is weighted; ``flows`` (J, N, N) weighs sales at
    border prices, tariff out. ``deficit`` weighs the closure's deficit; ``transfer`` what the
    policy moves, which no unknown changes. ``log_L`` weighs the log of hours worked, in models
    that have them.
    """

    log_w: Array | float = 0.0
    log_c: Array | float = 0.0
    log_P_new: Array | float = 0.0
    Y: Array | float = 0.0
    tariff_revenue: Array | float = 0.0
    export_revenue: Array | float = 0.0
    deficit: Array | float = 0.0
    transfer: Array | float = 0.0
    income: Array | float = 0.0
    X_new: Array | float = 0.0
    log_L: Array | float = 0.0
    flows: Array | None = None


class Columns(NamedTuple):
    """Weights of R objectives side by side: (N, R) for income, wages, hours and tariff revenue,
    (J, N, R) for log prices and sales; None where no objective weighs them."""

    income: Array
    log_P_new: Array
    Y: Array
    log_w: Array | None = None
    log_L: Array | None = None
    tariff_revenue: Array | None = None

    @property
    def given(self) -> dict[str, Array]:
        """Those that are not None, by name."""
        return {name: c for name, c in self._asdict().items() if c is not None}

    def part(self, here: slice) -> Columns:
        """Some of the columns."""
        return self._replace(**{name: c[..., here] for name, c in self.given.items()})

    def bars(self, column: int) -> Bars:
        """One column as weights."""
        return Bars(**{name: c[..., column] for name, c in self.given.items()})


class PolicyGradient(NamedTuple):
    """Derivatives in the instruments: (J, N, N), and (N,) for ``transfer``."""

    tariff: Array
    export_tax: Array
    iceberg: Array
    transfer: Array


def combine(parts: Sequence[tuple[float, Bars]]) -> Bars:
    """The weighted sum of several objectives' bars."""
    flows = [w * b.flows for w, b in parts if b.flows is not None]
    sums = {
        name: sum(w * getattr(b, name) for w, b in parts)
        for name in Bars._fields
        if name != "flows"
    }
    return Bars(**sums, flows=sum(flows[1:], flows[0]) if flows else None)


def total(columns: Columns, parts: Array) -> Columns:
    """The sum of the columns with weights ``parts`` (R,), as a single column."""
    sums = {name: (c @ parts)[..., None] for name, c in columns.given.items()}
    return columns._replace(**sums)

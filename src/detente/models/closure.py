"""Deficit closures: what happens to a country's trade deficit when policy changes.

Caliendo and Parro (2015, section 3.3) hold deficits fixed against world value added; Dekle,
Eaton and Kortum (2008) set them to zero; a third habit keeps them at a share of own income.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detente.models.blocks import Array

__all__ = ["CLOSURES", "Closure"]

CLOSURES = ("fixed", "zero", "share")


class Closure(NamedTuple):
    """A closure by name, with base deficits (N,) and base own income (N,).

    Own income is value added plus tariff and export-tax revenue plus transfers: income before
    the deficit.
    """

    name: str
    base_deficit: Array
    base_own_income: Array

    def deficit(self, own_income: Array) -> Array:
        """Deficits (N,) at the given own income; they sum to zero."""
        if self.name == "zero":
            return np.zeros_like(own_income)
        if self.name == "fixed":
            return self.base_deficit
        raw = self.base_deficit / self.base_own_income * own_income
        factor = self.factor(own_income)
        return np.where(raw > 0, raw / factor, raw * factor)

    def factor(self, own_income: Array) -> float:
        """The common factor of the share closure: deficits are divided by it, surpluses
        multiplied, so that they sum to zero; one for the other closures."""
        if self.name != "share":
            return 1.0
        raw = self.base_deficit / self.base_own_income * own_income
        plus, minus = raw[raw > 0].sum(), -raw[raw < 0].sum()
        return float(np.sqrt(plus / minus)) if minus > 0 else 1.0

    def derivative(self, own_income: Array, change: Array) -> Array:
        """Derivative of :meth:`deficit` along ``change`` (N,)."""
        if self.name != "share":
            return np.zeros_like(change)
        share = self.base_deficit / self.base_own_income
        raw, draw = share * own_income, share * change
        factor, up = self.factor(own_income), raw > 0
        plus, minus = raw[up].sum(), -raw[~up].sum()
        if minus == 0:
            return np.zeros_like(change)
        dlog = 0.5 * (draw[up].sum() / plus + draw[~up].sum() / minus)
        return np.where(up, (draw - raw * dlog) / factor, (draw + raw * dlog) * factor)

    def adjoint(self, own_income: Array, weight: Array) -> Array:
        """Transpose of :meth:`derivative` applied to ``weight`` (N,)."""
        if self.name != "share":
            return np.zeros_like(weight)
        share = self.base_deficit / self.base_own_income
        raw = share * own_income
        factor, up = self.factor(own_income), raw > 0
        plus, minus = raw[up].sum(), -raw[~up].sum()
        if minus == 0:
            return np.zeros_like(weight)
        scale = np.where(up, 1.0 / factor, factor)
        pull = float((weight * np.where(up, -raw, raw) * scale).sum())
        return share * (weight * scale + 0.5 * pull * np.where(up, 1.0 / plus, 1.0 / minus))

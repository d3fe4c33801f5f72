"""Instruments that act within another's wedge.

Between what a producer gets and what a buyer pays stand three wedges: the tariff's, the export
tax's and the iceberg's; models see no others. An instrument whose row in
:mod:`detente.instruments` says ``within`` multiplies one of them: a tax on production is an export
tax on every sale, at home too, and freight a part of the iceberg. A wedge is one plus a fraction,
or the factor itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from detente.instruments import INSTRUMENTS, Instrument
from detente.variables import BILATERAL

if TYPE_CHECKING:
    from detente.policy.policy import Policy

__all__ = ["beside", "inner", "rates", "whole"]


def inner() -> list[Instrument]:
    """The instruments that act within another's wedge."""
    return [row for row in INSTRUMENTS.values() if row.within]


def whole(policy: Policy, name: str) -> xr.DataArray:
    """The tariff, export tax or iceberg with all that acts within it; labelled as it, and the
    policy's own array where nothing does."""
    own: xr.DataArray = getattr(policy, name)
    others = _product(policy, name, "")
    if others is None:
        return own
    row = INSTRUMENTS[name]
    wedge = _wedge(row, own.values) * others
    return own.copy(deep=False, data=wedge if row.unit == "factor" else wedge - 1.0)


def rates(policy: Policy) -> dict[str, Any]:
    """The three wholes by name, to make another policy of."""
    return {name: whole(policy, name).values for name in ("tariff", "export_tax", "iceberg")}


def beside(policy: Policy, name: str) -> Any:
    """The rest of the wedge that an instrument is in (J, N, N): its derivative in that
    instrument. None where there is no rest."""
    row = INSTRUMENTS[name]
    rest = _product(policy, row.within or name, name)
    if not row.within:
        return rest
    outer = _wedge(INSTRUMENTS[row.within], getattr(policy, row.within).values)
    return outer if rest is None else outer * rest


def _product(policy: Policy, outer: str, leave: str) -> Any:
    """The wedges in use within ``outer``, multiplied, but for one; None where there are none."""
    product = None
    for row in inner():
        if row.within != outer or row.name == leave:
            continue
        values = getattr(policy, row.name).values
        if (values != row.neutral).any():
            missing = tuple(k for k, d in enumerate(BILATERAL) if d not in row.dims)
            wedge = np.expand_dims(_wedge(row, values), missing)
            product = wedge if product is None else product * wedge
    return product


def _wedge(row: Instrument, values: np.ndarray) -> np.ndarray:
    return values if row.unit == "factor" else 1.0 + values

"""Elasticities by sector, as users give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import xarray as xr

from detente.errors import TableError
from detente.world.identities import TOLERANCE

__all__ = ["elasticity_array", "sigma_array", "theta_array"]

_RANGES = {
    "theta": (0.0, "a trade elasticity is above zero"),
    "sigma": (1.0, "an elasticity of substitution is above 1 (firms charge sigma/(sigma - 1))"),
    "markup": (1.0, "a markup is price over marginal cost, above 1 (1.25 is 25% over cost)"),
}
"""What an elasticity is above, and what it is."""


def theta_array(theta: Any, sectors: list[str]) -> xr.DataArray:
    """Trade elasticities (sector,) from a set's name, a number, a mapping, a table or an array.

    Raises
    ------
    TableError
        A sector has no value or one that is not above zero.
    """
    if isinstance(theta, str):
        from detente.world.theta import theta_set

        found = theta_set(theta)
        return elasticity_array("theta", found, sectors).assign_attrs(found.attrs)
    return elasticity_array("theta", theta, sectors)


def elasticity_array(name: str, given: Any, sectors: list[str]) -> xr.DataArray:
    """One number a sector (sector,) from a number, a mapping, a table, a labelled array, or
    numbers in the order of the sectors.

    Raises
    ------
    TableError
        A sector has no value, or one outside the range of ``name`` (theta, sigma or markup).
    """
    low, what = _RANGES[name]
    if isinstance(given, str):
        raise TableError(f"{name}: {given!r} is no number; {what}")
    if isinstance(given, Real):
        values = dict.fromkeys(sectors, float(given))
    elif isinstance(given, xr.DataArray) and given.ndim == 1:
        labels = given[given.dims[0]].values
        values = {str(k): float(v) for k, v in zip(labels, given.values, strict=True)}
    elif isinstance(given, Mapping):
        values = {str(k): float(v) for k, v in given.items()}
    elif isinstance(given, (np.ndarray, Sequence)):
        if np.shape(given) != (len(sectors),):
            raise TableError(
                f"{name}: an array of {len(sectors)} numbers is needed, in the order of the "
                f"sectors, not of shape {np.shape(given)}"
            )
        values = {s: float(v) for s, v in zip(sectors, given, strict=True)}
    else:
        from detente.world.tables import to_frame

        frame = to_frame(name, given, ("sector",))
        values = dict(zip(frame["sector"], frame["value"], strict=True))
    lacking = [s for s in sectors if s not in values]
    if lacking:
        raise TableError(
            f"{name}: sector {lacking[0]!r} has no value ({len(lacking)} such sectors)"
        )
    for s in sectors:
        if not values[s] > low or not np.isfinite(values[s]):
            raise TableError(f"{name}: sector {s} is {values[s]}; {what}")
    return xr.DataArray([values[s] for s in sectors], {"sector": sectors}, ("sector",))


def sigma_array(sigma: Any, markup: Any, sectors: list[str]) -> xr.DataArray | None:
    """Elasticities of substitution (sector,) from themselves or from markups; None from neither.

    Raises
    ------
    TableError
        A number is out of range, or the two do not agree.
    """
    if markup is None:
        return None if sigma is None else elasticity_array("sigma", sigma, sectors)
    ratio = elasticity_array("markup", markup, sectors)
    implied = ratio / (ratio - 1.0)
    if sigma is None:
        return implied
    own = elasticity_array("sigma", sigma, sectors)
    expected = own / (own - 1.0)
    for s, given, fits in zip(sectors, ratio.values, expected.values, strict=True):
        if not abs(given - fits) <= TOLERANCE * fits:
            raise TableError(
                f"markup: sector {s} is {given:.6g}, but its sigma is {float(own.sel(sector=s)):g},"
                f" of which the markup is sigma/(sigma - 1) = {fits:.6g}; give one of the two"
            )
    return own

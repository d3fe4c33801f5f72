"""Arrays with a world's labels, percent changes and cross-border sums: what results are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
import xarray as xr

from detente.models.blocks import Array
from detente.outcome.equilibrium import Equilibrium
from detente.variables import variable

if TYPE_CHECKING:
    from detente.world import World

__all__ = ["abroad", "abroad_by_sector", "change", "named", "template"]

_templates: WeakKeyDictionary[World, dict[tuple[str, ...], xr.DataArray]] = WeakKeyDictionary()


def template(world: World, dims: tuple[str, ...]) -> xr.DataArray:
    """An empty array with the labels of some dims, made once a world: making labels takes longer
    than reading a number."""
    held = _templates.setdefault(world, {})
    if dims not in held:
        labels = {d: world.sectors if d == "sector" else world.countries for d in dims}
        shape = [len(labels[d]) for d in dims]
        held[dims] = xr.DataArray(np.broadcast_to(np.nan, shape), labels, dims)
    return held[dims]


def named(
    world: World, name: str, values: Array, dims: tuple[str, ...] | None = None
) -> xr.DataArray:
    """A variable of :mod:`detente.variables` with labels, unit and definition; in other dims than
    its own where they are given."""
    row = variable(name)
    array = template(world, dims or row.dims).copy(deep=False, data=np.asarray(values))
    array.name = name
    array.attrs = {"unit": row.unit, "long_name": row.definition}
    return array


def change(before: Array, after: Array) -> Array:
    """Percent change; NaN where there was nothing before."""
    return np.where(before > 0, 100.0 * (after / np.where(before > 0, before, 1.0) - 1.0), np.nan)


def abroad(flows: Array, axis: int) -> Array:
    """Cross-border sums (N,): over importers with ``axis=1`` (exports), over exporters with 2."""
    return _between(flows).sum(axis=(0, axis))


def abroad_by_sector(e: Equilibrium) -> Array:
    """Cross-border sales by sector and seller (J, N)."""
    return _between(e.flows).sum(axis=1)


def _between(flows: Array) -> Array:
    """Flows between different countries. The diagonal is left out rather than taken off a sum, of
    which the rounding would be exports of a country that has none."""
    return flows * ~np.eye(flows.shape[1], dtype=bool)

"""Derivatives of a path in what is levied: central differences of whole paths.

What a period leaves to the next depends on the policy too, so that the derivative of one period's
equations (:func:`detente.gradient` of ``path.at(time)``) is not that of the path. Here the path is
solved twice for each cell, a little above and below; two step lengths give the error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import xarray as xr

from detente.errors import InputError, UnknownNameError
from detente.instruments import INSTRUMENTS
from detente.outcome.march import Stage
from detente.outcome.objective import parse
from detente.outcome.path import BY_COUNTRY, BY_SECTOR, Path, solve_path
from detente.policy import Policy

__all__ = ["path_slopes"]

STEP = 1e-3
IN = ("tariff", "export_tax", "iceberg")


def path_slopes(
    path: Path, of: str, cells: Sequence[tuple[str, str, str]], instrument: str = "tariff"
) -> xr.DataArray:
    """Derivatives of a variable of a path in single rates that hold in every period.

    Parameters
    ----------
    path : a solved path
    of : a variable with its labels, ``real_income[KOR]`` or ``output[C29, JPN]``
    cells : (sector, importer, exporter) of each rate
    instrument : "tariff", "export_tax" or "iceberg"

    Returns
    -------
    Dims time, cell; per unit of the instrument (a tariff: per 100 points). ``attrs["error"]`` is
    the largest difference between the two step lengths used, relative to the largest derivative.

    Raises
    ------
    UnknownNameError
        A variable, label or instrument that does not exist.
    InputError
        No cell, a flow that is banned in a period, or a path without a result.
    """
    if instrument not in IN:
        raise UnknownNameError.of("instrument", instrument, IN, "path slopes")
    if path.error is not None:
        raise InputError(f"path slopes: the path has no result after {path.times[-1:]}")
    name, at = parse(path.world, of)
    if name not in BY_COUNTRY + BY_SECTOR or len(at) != path[name].ndim - 1:
        raise UnknownNameError.of("variable", name, BY_COUNTRY + BY_SECTOR, "path slopes")
    if not cells:
        raise InputError("path slopes: no cell; name (sector, importer, exporter) of a rate")
    found, coarse = [], []
    for cell in cells:
        place = _place(path, cell, instrument)
        wide, narrow = (_difference(path, name, at, instrument, place, h) for h in (STEP, STEP / 2))
        coarse.append(narrow)
        found.append((4.0 * narrow - wide) / 3.0)  # Richardson
    values, first = np.stack(found, axis=1), np.stack(coarse, axis=1)
    size = float(np.abs(values).max())
    labels = [", ".join(cell) for cell in cells]
    array = xr.DataArray(values, {"time": path.times, "cell": labels}, ("time", "cell"), name=of)
    array.attrs = {
        "unit": f"{path[name].attrs['unit']} per {INSTRUMENTS[instrument].per}",
        "error": float(np.abs(values - first).max()) / size if size > 0 else 0.0,
    }
    return array


def _place(path: Path, cell: tuple[str, str, str], instrument: str) -> tuple[int, int, int]:
    world = path.world
    sector, importer, exporter = cell
    (j,) = (world.sectors.index(s) for s in world.sector_list(sector, "path slopes: sector")[:1])
    (n,) = (world.countries.index(c) for c in world.country_list(importer, "path slopes")[:1])
    (i,) = (world.countries.index(c) for c in world.country_list(exporter, "path slopes")[:1])
    for stage in path.stages:
        if np.isinf(stage.policy.iceberg.values[j, n, i]):
            raise InputError(
                f"path slopes: {sector} from {exporter} to {importer} is banned in {stage.name}; a "
                f"{instrument} on it changes nothing there"
            )
    return j, n, i


def _difference(
    path: Path, name: str, at: tuple[int, ...], instrument: str, place: tuple[int, int, int],
    step: float,
) -> np.ndarray:  # fmt: skip
    ends = []
    for h in (step, -step):
        stages = [replace(s, levied=partial(_moved, s, instrument, place, h)) for s in path.stages]
        march = replace(path.march, tol=min(path.march.tol, 1e-12))
        ends.append(solve_path(march, stages)[name].values[(slice(None), *at)])
    return (ends[0] - ends[1]) / (2.0 * step)


def _moved(stage: Stage, instrument: str, place: tuple[int, int, int], step: float) -> Policy:
    policy = stage.policy
    values = getattr(policy, instrument).values.copy()
    values[place] += step
    return replace(policy, **{instrument: values}, prohibitive=True)

"""From anyone's tables to a world.

A table has one column per dim plus ``value``. Column order and row order do not matter, but
every cell must be there once: what is missing is named, never filled (unless the caller says
``missing="zero"``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from detente.errors import TableError
from detente.world.elasticities import sigma_array, theta_array
from detente.world.identities import DIMS, OPTIONAL

__all__ = ["assemble", "labelled", "to_frame"]

_ALIASES = {"region": "country", "user": "sector"}


def assemble(given: Mapping[str, Any], missing: Literal["error", "zero"]) -> xr.Dataset:
    """Bring all tables to one set of labels and derive what was left out.

    Returns the variables of a world; ``attrs["derived"]`` lists those that were implied by the
    others instead of given.
    """
    trade = labelled("trade", given["trade"], None, missing)
    sectors = [str(s) for s in trade.sector.values]
    countries = [str(c) for c in trade.importer.values]
    sellers = [str(c) for c in trade.exporter.values]
    if set(sellers) != set(countries):
        odd = sorted(set(sellers) ^ set(countries))
        raise TableError(
            f"trade: {odd[:5]} appear only as importer or only as exporter; every country needs "
            "both, and its domestic sales on the diagonal"
        )
    trade = trade.sel(exporter=countries)
    coords = {
        "sector": sectors, "input": sectors,
        "importer": countries, "exporter": countries, "country": countries,
    }  # fmt: skip
    derived: list[str] = []

    def table(name: str) -> xr.DataArray | None:
        if given[name] is None:
            derived.append(name)
            return None
        return labelled(name, given[name], coords, missing)

    def zeros(name: str) -> xr.DataArray:
        own = {d: coords[d] for d in DIMS[name]}
        return xr.DataArray(np.zeros([len(v) for v in own.values()]), own, DIMS[name])

    def or_zero(found: xr.DataArray | None, name: str) -> xr.DataArray:
        return zeros(name) if found is None else found

    tariff = or_zero(table("tariff"), "tariff")
    inputs = or_zero(table("inputs"), "inputs")
    output = trade.sum("importer").rename(exporter="country")
    spending = (trade * (1 + tariff)).sum("exporter").rename(importer="country")
    value_added, final, deficit = table("value_added"), table("final"), table("deficit")
    if value_added is None:
        value_added = _residual("value_added", output - inputs.sum("input"))
    if final is None:
        used = inputs.sum("sector").rename(input="sector")
        final = _residual("final", spending - used)
    if deficit is None:
        off = trade.sum(["sector", "exporter"]).rename(importer="country")
        deficit = off - trade.sum(["sector", "importer"]).rename(exporter="country")
    sigma = sigma_array(given.get("sigma"), given.get("markup"), sectors)
    if given["theta"] is not None:
        theta = theta_array(given["theta"], sectors)
    elif sigma is not None:
        derived.append("theta")
        theta = sigma - 1.0
    else:
        raise TableError(
            "theta: the trade elasticities were left out, and there is no sigma they would follow "
            "from (sigma - 1); give theta as a number, by sector, or by a set's name"
        )
    found = {
        "trade": trade, "tariff": tariff, "inputs": inputs, "value_added": value_added,
        "final": final, "deficit": deficit, "theta": theta,
    }  # fmt: skip
    if sigma is not None:
        found["sigma"] = sigma
    if given.get("profits") is not None:
        if sigma is None:
            raise TableError(
                "profits: given without sigma; they are sales over sigma, so give sigma (or "
                "markup) too"
            )
        found["profits"] = labelled("profits", given["profits"], coords, missing)
    ds = xr.Dataset(found).assign_coords(coords)
    for name, dims in (DIMS | OPTIONAL).items():
        if name not in ds:
            continue
        ds[name] = ds[name].transpose(*dims).astype("float64")
    ds.attrs["derived"] = ", ".join(derived)
    return ds


def _residual(name: str, left: xr.DataArray) -> xr.DataArray:
    scale = float(np.abs(left).max())
    if float(left.min()) < -1e-9 * scale:
        at = left.where(left == left.min(), drop=True)
        where = ", ".join(str(at[d].values[0]) for d in at.dims)
        raise TableError(
            f"{name} was left out and the other tables imply {float(left.min()):.6g} for {where}; "
            f"give {name}, or correct the inputs of that cell"
        )
    return left.clip(min=0.0)  # rounding only: the check above bounds it


def labelled(
    name: str,
    table: Any,
    coords: Mapping[str, list[str]] | None,
    missing: Literal["error", "zero", "nan"],
    dims: tuple[str, ...] = (),
) -> xr.DataArray:
    """A table as a labelled array in the fixed order of dims, by default those of ``name``.

    ``coords`` gives the labels to match (None: take them from the table, in order of first
    appearance). ``missing="nan"`` leaves cells that no row names as NaN.

    Raises
    ------
    TableError
        A column is missing, a cell appears twice, is not a number, or is not there at all.
    """
    dims = dims or (DIMS | OPTIONAL).get(name, DIMS["trade"])
    if isinstance(table, xr.DataArray):
        return _from_array(name, table, dims, coords, missing)
    frame = to_frame(name, table, dims)
    labels = {d: list(dict.fromkeys(frame[d])) if coords is None else list(coords[d]) for d in dims}
    position = {d: {label: i for i, label in enumerate(labels[d])} for d in dims}
    index = []
    for d in dims:
        codes = frame[d].map(position[d])
        if codes.isna().any():
            odd = sorted({str(x) for x in frame[d][codes.isna()]})
            raise TableError(
                f"{name}: {d} {', '.join(odd[:5])} is not among the {len(labels[d])} labels of "
                f"trade ({', '.join(labels[d][:4])}, ...); labels must match exactly"
            )
        index.append(codes.to_numpy(dtype=int))
    shape = tuple(len(labels[d]) for d in dims)
    flat = np.ravel_multi_index(tuple(index), shape)
    if np.unique(flat).size < flat.size:
        again = frame[pd.Series(flat).duplicated().to_numpy()].iloc[0]
        where = ", ".join(f"{d} {again[d]}" for d in dims)
        raise TableError(f"{name}: the cell {where} appears more than once; keep one row per cell")
    out = np.full(int(np.prod(shape)), np.nan)
    out[flat] = frame["value"].to_numpy(dtype=float)
    absent = np.ones(out.size, dtype=bool)
    absent[flat] = False
    _refuse_bad(name, out[flat], frame, dims)
    if absent.any() and missing == "error":
        first = np.unravel_index(int(np.flatnonzero(absent)[0]), shape)
        where = ", ".join(f"{d} {labels[d][i]}" for d, i in zip(dims, first, strict=True))
        raise TableError(
            f"{name}: {int(absent.sum())} of {out.size} cells are missing, the first is {where}; "
            "add the rows, or say missing='zero' if absent rows mean no flow"
        )
    if missing == "zero":
        out[absent] = 0.0
    return xr.DataArray(out.reshape(shape), labels, dims, name=name)


def _bad(name: str, values: np.ndarray) -> np.ndarray:
    """Cells that cannot stand: not a number, or a negative flow. An infinite iceberg is a ban."""
    if name == "iceberg":
        return np.isnan(values)
    bad = ~np.isfinite(values)
    return bad | (values < 0) if name == "trade" else bad


def _complaint(name: str, where: str, value: float, count: int) -> str:
    what = "a flow cannot be negative" if value < 0 else "every cell needs a number"
    return f"{name}: {where} is {value}; {what} ({count} such cells)"


def _refuse_bad(name: str, values: np.ndarray, frame: pd.DataFrame, dims: tuple[str, ...]) -> None:
    bad = _bad(name, values)
    if bad.any():
        row = frame.iloc[int(np.flatnonzero(bad)[0])]
        where = ", ".join(f"{d} {row[d]}" for d in dims)
        raise TableError(_complaint(name, where, float(row["value"]), int(bad.sum())))


def _from_array(
    name: str,
    table: xr.DataArray,
    dims: tuple[str, ...],
    coords: Mapping[str, list[str]] | None,
    missing: str,
) -> xr.DataArray:
    if set(table.dims) != set(dims):
        raise TableError(f"{name}: a labelled array with dims {dims} is needed, not {table.dims}")
    table = table.transpose(*dims).astype("float64")
    for d in dims:
        names = [str(x) for x in table[d].values]
        if len(set(names)) < len(names):
            twice = next(x for x in names if names.count(x) > 1)
            raise TableError(f"{name}: {d} {twice!r} appears twice; labels must be unique")
    bad = _bad(name, table.values)
    if bad.any():
        at = tuple(np.argwhere(bad)[0])
        where = ", ".join(f"{d} {table[d].values[i]}" for d, i in zip(dims, at, strict=True))
        raise TableError(_complaint(name, where, float(table.values[at]), int(bad.sum())))
    if coords is not None:
        for d in dims:
            odd = [str(x) for x in table[d].values if str(x) not in set(coords[d])]
            if odd:
                raise TableError(f"{name}: {d} {odd[:5]} is not among the labels of trade")
        table = table.reindex({d: coords[d] for d in dims})
    absent = np.isnan(table.values)  # every cell that was given is a number
    if absent.any() and missing == "error":
        at = np.argwhere(absent)[0]
        where = ", ".join(f"{d} {table[d].values[i]}" for d, i in zip(dims, at, strict=True))
        raise TableError(
            f"{name}: {int(absent.sum())} of {absent.size} cells are missing, the first is "
            f"{where}; add them, or say missing='zero' if absent cells mean no flow"
        )
    filled = table.fillna(0.0) if missing == "zero" else table
    return filled.assign_coords({d: [str(x) for x in filled[d].values] for d in dims})


def to_frame(name: str, table: Any, dims: tuple[str, ...]) -> pd.DataFrame:
    """A pandas frame with the columns of ``dims`` and ``value`` from pandas, polars or arrow.

    Raises
    ------
    TableError
        Not a table, or a column is missing.
    """
    if isinstance(table, pd.Series):
        table = table.rename("value").reset_index()
    if not isinstance(table, pd.DataFrame):
        if not hasattr(table, "to_pandas"):
            raise TableError(
                f"{name}: give a pandas, polars or arrow table with columns {[*dims, 'value']} or "
                f"a labelled array, not {type(table).__name__}"
            )
        table = table.to_pandas()
    frame = table.rename(columns={k: v for k, v in _ALIASES.items() if v not in table.columns})
    rest = [c for c in frame.columns if c not in dims]
    if "value" not in frame.columns and len(rest) == 1:
        frame = frame.rename(columns={rest[0]: "value"})
    lacking = [c for c in (*dims, "value") if c not in frame.columns]
    if lacking:
        raise TableError(
            f"{name}: column {lacking[0]!r} is missing; the columns are {[*dims, 'value']}, found "
            f"{list(table.columns)}"
        )
    frame = frame[[*dims, "value"]].copy()
    for d in dims:
        frame[d] = frame[d].astype(str)
    try:
        frame["value"] = frame["value"].astype(float)
    except (TypeError, ValueError) as error:
        raise TableError(f"{name}: column 'value' is not all numbers ({error})") from None
    return frame.reset_index(drop=True)

"""Read the raw tables; every fault names the file and the remedy."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detente.errors import TableError

__all__ = ["FILES", "RawTables", "read_raw"]

Array = NDArray[np.float64]

ICIO = "icio/ICIO2022.mat"
CALIBRATION = "icio/icio2020_calib.npz"
IMPORTS = "us_imports/us_imports_2024_hs10.parquet"
CONCORDANCE = "concordance/hs6_to_sector.csv"
FILES = (ICIO, CALIBRATION, IMPORTS, CONCORDANCE)
"""The raw files, relative to the folder given to ``read_raw``."""


@dataclass(frozen=True)
class RawTables:
    """The raw tables as found.

    trade, tariff: (28 sectors, 81 importers, 81 exporters), USD million at basic prices and
    fractions. input_share: (45 inputs, 77 countries, 45 users) and value_added_share: (45, 77),
    shares of gross output in 2020. service_output: (23 services, 77), weights only.
    imports: US imports and duties of 2024 by partner and HS10, USD. hs6: HS6 code to sector.
    """

    countries: list[str]
    sectors: list[str]
    trade: Array
    tariff: Array
    technology_countries: list[str]
    technology_sectors: list[str]
    input_share: Array
    value_added_share: Array
    service_output: Array
    imports: pd.DataFrame
    hs6: pd.DataFrame
    sha256: dict[str, str]


def read_raw(folder: Path | str) -> RawTables:
    """Read and check the raw tables under ``folder``.

    Raises TableError for a missing, unreadable or incomplete file.
    """
    root = Path(folder)
    if not root.is_dir():
        raise TableError(f"{root}: no such folder; give the folder that holds {', '.join(FILES)}.")
    for name in FILES:
        if not (root / name).is_file():
            raise TableError(
                f"{root / name}: missing; put the raw file there "
                "(sources: PROVENANCE.md beside the embedded world)."
            )
    countries, sectors, trade, tariff = _read_icio(root / ICIO)
    technology = _read_calibration(root / CALIBRATION)
    imports = _read_imports(root / IMPORTS)
    hs6 = _read_concordance(root / CONCORDANCE)
    return RawTables(
        countries=countries,
        sectors=sectors,
        trade=trade,
        tariff=tariff,
        technology_countries=[str(c) for c in technology["countries"]],
        technology_sectors=[str(s) for s in technology["sectors"]],
        input_share=technology["G"],
        value_added_share=technology["B"],
        service_output=technology["svc_output_est"],
        imports=imports,
        hs6=hs6,
        sha256={name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in FILES},
    )


def _unreadable(path: Path, error: Exception) -> TableError:
    return TableError(
        f"{path}: cannot be read ({error}); fetch the file again, it may be cut short."
    )


def _check(path: Path, name: str, values: Array, shape: tuple[int, ...]) -> Array:
    if values.shape != shape:
        raise TableError(
            f"{path}: {name} has shape {values.shape}, expected {shape}; "
            "the build needs the edition named in PROVENANCE.md."
        )
    bad = ~np.isfinite(values) | (values < 0)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise TableError(
            f"{path}: {name}{list(where)} is {values[where]}; every cell must be a number of at "
            "least zero. Fetch the file again."
        )
    return values


def _read_icio(path: Path) -> tuple[list[str], list[str], Array, Array]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            data: Any = file["data"]
            countries = _cells(file, data["countries"])
            sectors = _cells(file, data["sectors"])
            trade = np.asarray(data["Xjik_3D"][()], dtype=np.float64)
            tariff = np.asarray(data["tjik_3D"][()], dtype=np.float64)
    except (OSError, KeyError, TypeError) as error:
        raise _unreadable(path, error) from error
    shape = (28, 81, 81)
    if len(countries) != 81 or len(sectors) != 28:
        raise TableError(
            f"{path}: {len(countries)} countries and {len(sectors)} sectors, expected 81 and 28."
        )
    return (
        countries,
        sectors,
        _check(path, "Xjik_3D", trade, shape),
        _check(path, "tjik_3D", tariff, shape),
    )


def _cells(file: Any, dataset: Any) -> list[str]:
    """A MATLAB cell array of strings: references to arrays of character codes."""
    return ["".join(chr(c) for c in file[ref][()].ravel()) for ref in dataset[()].ravel()]


def _read_calibration(path: Path) -> dict[str, Any]:
    shapes = {"G": (45, 77, 45), "B": (45, 77), "svc_output_est": (23, 77)}
    try:
        # opened here, since numpy leaves a damaged archive open
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            out: dict[str, Any] = {k: file[k] for k in (*shapes, "countries", "sectors")}
    except Exception as error:  # numpy and zipfile raise many kinds for a damaged archive
        raise _unreadable(path, error) from error
    for name, shape in shapes.items():
        out[name] = _check(path, name, np.asarray(out[name], dtype=np.float64), shape)
    sums = out["B"] + out["G"].sum(axis=0).T
    worst = float(np.abs(sums - 1).max())
    if worst > 1e-9:
        raise TableError(
            f"{path}: value-added and input shares miss one by up to {worst:.1e}; "
            "they must add up to one for every country and sector."
        )
    return out


def _read_imports(path: Path) -> pd.DataFrame:
    columns = ["partner", "hs10", "imports_usd", "duty_usd"]
    try:
        frame = pd.read_parquet(path, columns=columns)
    except Exception as error:  # pyarrow raises its own kinds
        raise _unreadable(path, error) from error
    bad = frame[columns].isna().any(axis=1) | (frame["imports_usd"] < 0) | (frame["duty_usd"] < 0)
    if bool(bad.any()):
        row = frame[bad].iloc[0]
        raise TableError(
            f"{path}: partner {row['partner']}, product {row['hs10']}: imports "
            f"{row['imports_usd']}, duty {row['duty_usd']}; both must be at least zero."
        )
    return frame


def _read_concordance(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except Exception as error:
        raise _unreadable(path, error) from error
    if list(frame.columns[:2]) != ["hs6", "sector"]:
        raise TableError(f"{path}: columns {list(frame.columns)}, expected hs6, sector.")
    repeated = frame["hs6"][frame["hs6"].duplicated()]
    if len(repeated):
        raise TableError(
            f"{path}: code {repeated.iloc[0]} is listed twice; keep one sector for it."
        )
    return frame[["hs6", "sector"]]

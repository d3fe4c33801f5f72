"""Write the world, its report and its provenance; the same inputs give the same bytes."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import xarray as xr

from detente.build.world.provenance import provenance
from detente.build.world.report import BuildReport
from detente.files import write_folder

__all__ = ["write"]


def write(dataset: xr.Dataset, report: BuildReport, folder: Path | str) -> list[Path]:
    """Write ``<id>.nc``, ``PROVENANCE.md`` and ``build-report.csv`` into ``folder``.

    The folder is made if needed. Returns the paths written, the netCDF first. Raises
    OutputError where they cannot be written; then none is.
    """
    return write_folder(
        Path(folder),
        {
            f"{dataset.attrs['id']}.nc": _netcdf(dataset),
            "PROVENANCE.md": provenance(dataset, report).encode(),
            "build-report.csv": report.to_csv().encode(),
        },
    )


def _netcdf(dataset: xr.Dataset) -> bytes:
    """netCDF-4 by h5py: h5netcdf would stamp the versions of libraries into the file.

    Fixed compression, tracked creation order, no times and no library versions: nothing in
    the file depends on when or with what it was written.
    """
    with TemporaryDirectory() as place:
        path = Path(place) / "world.nc"
        _fill(dataset, path)
        return path.read_bytes()


def _fill(dataset: xr.Dataset, path: Path) -> None:
    import h5py

    # to a file: made in memory, the same content gets another layout and other bytes
    with h5py.File(path, "w", libver="earliest", track_order=True) as file:
        scales: dict[str, Any] = {}
        for number, dim in enumerate(dataset.sizes):
            labels = [str(v) for v in dataset[dim].values]
            scales[str(dim)] = file.create_dataset(
                str(dim), data=np.array(labels, dtype=object), dtype=h5py.string_dtype(),
                track_times=False, track_order=True,
            )  # fmt: skip
            scales[str(dim)].make_scale(str(dim))
            scales[str(dim)].attrs["_Netcdf4Dimid"] = np.int32(number)
            _attributes(scales[str(dim)], dataset[dim].attrs)
        for name, variable in dataset.data_vars.items():
            values = np.ascontiguousarray(variable.values, dtype="<f8")
            stored = file.create_dataset(
                str(name), data=values, chunks=values.shape, compression="gzip",
                compression_opts=9, shuffle=True, track_times=False, track_order=True,
            )  # fmt: skip
            for axis, dim in enumerate(variable.dims):
                stored.dims[axis].attach_scale(scales[str(dim)])
            _attributes(stored, variable.attrs)
        _attributes(file, dataset.attrs)


def _attributes(target: Any, attrs: dict[Any, Any]) -> None:
    for key, value in attrs.items():
        target.attrs[str(key)] = str(value)

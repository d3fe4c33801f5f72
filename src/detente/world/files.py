"""Worlds on disk: the embedded default and netCDF files."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import xarray as xr

from detente.errors import FileError, TableError, UnknownNameError, shown
from detente.files import read_bytes, there, write_whole
from detente.world.hdf5 import Refused, read_apart, read_tables
from detente.world.identities import DIMS, OPTIONAL, held
from detente.world.world import World

__all__ = ["EMBEDDED", "load_world", "netcdf_bytes", "save"]

EMBEDDED = ("world-2022",)
"""Worlds that ship with the package."""

MAX_NAME = 200
"""Letters in the name of a world."""

MAX_BYTES = 2_000_000_000
"""Size of a world file; the embedded one has 1 MB."""

LABELS = frozenset({"sector", "country", "importer", "exporter", "input"})


def load_world(world: str | Path | None = None) -> World:
    """Load a world: the embedded "world-2022" by default, an embedded name, or a ``.nc`` path.

    Raises
    ------
    UnknownNameError
        Neither an embedded world nor a file.
    TableError
        The file is cut short, lacks a variable or does not add up.
    """
    if world is None or str(world) in EMBEDDED:
        return _embedded(str(world or EMBEDDED[0]))
    path = Path(world)
    if not there(path):
        raise UnknownNameError.of(
            "world", str(world), EMBEDDED, "load_world (a .nc file or an embedded name)"
        )
    return _read(path, path.stem)


@lru_cache(maxsize=4)
def _embedded(name: str) -> World:
    return _read(Path(str(files("detente.world") / "data" / f"{name}.nc")), name, ours=True)


def _read(path: Path, name: str, ours: bool = False) -> World:
    # read whole first: what is checked is then what is read
    data = read_bytes(path, MAX_BYTES, "netCDF file")
    try:
        tables = (read_tables if ours else read_apart)(data, LABELS)
    except Refused as why:
        raise FileError(
            f"{path}: cannot be read as a netCDF world ({why}); the file may be cut short, write "
            "it again with World.save or `detente world build`",
            path,
        ) from None
    lacking = [v for v in DIMS if v not in tables.arrays]
    if lacking:
        raise TableError(f"{path}: variables {lacking} are missing; a world needs {list(DIMS)}")
    for name, dims in tables.dims.items():
        if len(set(dims)) < len(dims):
            raise FileError(
                f"{path}: {name!r} has one dimension twice ({', '.join(dims)}); write it with "
                "World.save",
                path,
            )
    try:
        ds = xr.Dataset(
            {
                v: (tables.dims[v], tables.arrays[v], tables.attrs[v])
                for v in (*DIMS, *OPTIONAL)
                if v in tables.arrays
            },
            {
                v: (tables.dims[v], tables.arrays[v], tables.attrs[v])
                for v in tables.arrays
                if v in LABELS
            },
            tables.attrs[""],
        )
    except ValueError as error:
        raise FileError(
            f"{path}: its variables do not fit together ({error}); write it with World.save", path
        ) from None
    mode = "report" if str(ds.attrs.get("identities")) == "report" else "strict"
    own = ds.attrs.get("id", name)
    if not isinstance(own, str) or not own.isprintable() or not 0 < len(own) <= MAX_NAME:
        raise TableError(
            f"{path}: its id {shown(own)} is no name of up to {MAX_NAME} letters; write it with "
            "World.save"
        )
    try:
        return World(ds, own, mode)
    except TableError as error:  # which knows the world's own name only
        raise TableError(str(error) if str(path) in str(error) else f"{path}: {error}") from None


def save(world: World, path: Path) -> Path:
    """Write ``world`` as netCDF with compression; the folder must exist.

    Raises
    ------
    TableError
        The path does not end in ``.nc`` or its folder does not exist.
    """
    if path.suffix != ".nc" or not path.parent.is_dir():
        raise TableError(f"{path}: a world is saved as NAME.nc in a folder that exists")
    ds = world.dataset.assign_attrs(id=world.name, identities=world.identities)
    encoding = {v: {"zlib": True, "complevel": 5, "shuffle": True} for v in held(ds)}
    write_whole(path, netcdf_bytes(ds, encoding))
    return path


def netcdf_bytes(ds: xr.Dataset, encoding: dict[str, dict[str, Any]]) -> bytes:
    """A dataset as the content of a netCDF file.

    Made in memory: the HDF5 library crashes the process where a disk is full.
    """
    import h5netcdf
    from xarray.backends import H5NetCDFStore

    made = BytesIO()
    with h5netcdf.File(made, "w") as file:
        store = H5NetCDFStore(file)
        ds.dump_to_store(store, encoding=encoding)
        store.sync()
    return made.getvalue()

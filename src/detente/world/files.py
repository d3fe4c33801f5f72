"""Worlds on disk: the embedded default and netCDF files."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import xarray as xr

from detente.errors import TableError, UnknownNameError
from detente.world.identities import DIMS
from detente.world.world import World

__all__ = ["EMBEDDED", "load_world", "save"]

EMBEDDED = ("world-2022",)
"""Worlds that ship with the package."""


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
    if not path.exists():
        raise UnknownNameError.of(
            "world", str(world), EMBEDDED, "load_world (a .nc file or an embedded name)"
        )
    return _read(path, path.stem)


@lru_cache(maxsize=4)
def _embedded(name: str) -> World:
    return _read(Path(str(files("detente.world") / "data" / f"{name}.nc")), name)


def _read(path: Path, name: str) -> World:
    try:
        with xr.open_dataset(path, engine="h5netcdf") as opened:
            ds = opened.load()
    except (OSError, ValueError, KeyError) as error:
        raise TableError(
            f"{path}: cannot be read as a netCDF world ({error}); the file may be cut short, "
            "write it again with World.save or `detente world build`"
        ) from None
    lacking = [v for v in DIMS if v not in ds]
    if lacking:
        raise TableError(f"{path}: variables {lacking} are missing; a world needs {list(DIMS)}")
    kept = ds[list(DIMS)].astype("float64")
    kept.attrs = ds.attrs
    mode = "report" if ds.attrs.get("identities") == "report" else "strict"
    return World(kept, str(ds.attrs.get("id", name)), mode)


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
    encoding = {v: {"zlib": True, "complevel": 5, "shuffle": True} for v in DIMS}
    ds.to_netcdf(path, engine="h5netcdf", encoding=encoding)
    return path

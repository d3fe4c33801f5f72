"""``World``: the economy of a base year as labelled arrays."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from detente.errors import TableError, UnknownNameError, shown
from detente.world import identities
from detente.world.identities import DIMS, OPTIONAL, Miss, held

__all__ = ["World"]

_ISO3 = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, eq=False, repr=False)
class World:
    """A base year: trade, tariffs, inputs, value added, final demand, deficits, elasticities.

    Build one with :func:`detente.load_world`, :meth:`World.from_tables` or
    :meth:`World.aggregate`. The dataset holds the variables of ``identities.DIMS`` in USD
    million (``tariff`` a fraction, ``theta`` an elasticity), dims always in that order. A world
    with markups holds ``sigma`` too, and ``profits`` where they were given.

    Attributes
    ----------
    dataset : the table
    name : short id, e.g. "world-2022"
    misses : identities that do not hold; empty unless built with ``identities="report"``

    Raises
    ------
    TableError
        Dims or labels are off, a cell is missing or not a number, an identity fails.
    """

    dataset: xr.Dataset
    name: str = "world"
    identities: Literal["strict", "report"] = "strict"
    misses: tuple[Miss, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        if self.identities not in ("strict", "report"):
            raise UnknownNameError.of("identities mode", self.identities, ("strict", "report"))
        _check_shape(self.dataset, self.name)
        if self.identities == "strict":
            identities.check(self.dataset, self.name)
        else:
            object.__setattr__(self, "misses", tuple(identities.find_misses(self.dataset)))

    # --- labels -----------------------------------------------------------------------------
    @property
    def countries(self) -> list[str]:
        """Country labels in table order."""
        return list(self._labels[0])

    @property
    def sectors(self) -> list[str]:
        """Sector labels in table order."""
        return list(self._labels[1])

    @cached_property
    def _labels(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        ds = self.dataset
        return tuple(str(c) for c in ds.country.values), tuple(str(s) for s in ds.sector.values)

    @cached_property
    def uses_iso3(self) -> bool:
        """Whether every country label looks like an ISO3 code, so that names and groups apply."""
        return all(_ISO3.fullmatch(c) for c in self.countries)

    def country_list(self, names: str | Iterable[str], where: str = "") -> list[str]:
        """Labels for names, codes or groups; "all" is every country.

        A group member that the world lacks is an error naming it, since a group without it
        would be another group.

        Raises
        ------
        UnknownNameError
            A name that is neither a label nor a group of this world.
        """
        return self._resolve("country", names, self.countries, where)

    def sector_list(self, names: str | Iterable[str], where: str = "") -> list[str]:
        """Labels for sector codes or names; "all", "goods" and "services" are understood."""
        return self._resolve("sector", names, self.sectors, where)

    def _resolve(
        self, kind: str, names: str | Iterable[str], known: list[str], where: str
    ) -> list[str]:
        wanted = [names] if isinstance(names, str) else list(names)
        found: dict[str, None] = {}
        for name in wanted:
            if name in ("all", "*"):
                found.update(dict.fromkeys(known))
            elif name in known:
                found[name] = None
            elif kind == "sector" or self.uses_iso3:
                from detente import labels

                resolve = labels.resolve_countries if kind == "country" else labels.resolve_sectors
                try:
                    found.update(dict.fromkeys(resolve([name], known=known)))
                except UnknownNameError as error:
                    raise UnknownNameError(f"{where}: {error}" if where else str(error)) from None
            else:
                raise UnknownNameError.of(kind, name, known, where)
        return list(found)

    # --- the table --------------------------------------------------------------------------
    @property
    def trade(self) -> xr.DataArray:
        """USD million, basic prices; dims sector, importer, exporter."""
        return self.dataset.trade

    @property
    def tariff(self) -> xr.DataArray:
        """Fraction; dims sector, importer, exporter."""
        return self.dataset.tariff

    @property
    def inputs(self) -> xr.DataArray:
        """USD million at user's prices; dims input, sector, country."""
        return self.dataset.inputs

    @property
    def value_added(self) -> xr.DataArray:
        """USD million; dims sector, country."""
        return self.dataset.value_added

    @property
    def final(self) -> xr.DataArray:
        """USD million at user's prices; dims sector, country."""
        return self.dataset.final

    @property
    def deficit(self) -> xr.DataArray:
        """USD million; dim country."""
        return self.dataset.deficit

    @property
    def theta(self) -> xr.DataArray:
        """Trade elasticity; dim sector."""
        return self.dataset.theta

    @property
    def sigma(self) -> xr.DataArray | None:
        """Elasticity of substitution; dim sector. None in a world without markups."""
        return self.dataset.sigma if "sigma" in self.dataset else None

    @property
    def profits(self) -> xr.DataArray | None:
        """USD million; dims sector, country: as given, or sales over sigma. None without sigma."""
        if self.sigma is None or "profits" in self.dataset:
            return self.dataset.get("profits")
        return self.output / self.sigma

    @property
    def output(self) -> xr.DataArray:
        """Gross output, USD million; dims sector, country."""
        return self.trade.sum("importer").rename(exporter="country")

    @cached_property
    def hash(self) -> str:
        """First 16 hex digits of the SHA-256 of labels and numbers."""
        digest = hashlib.sha256()
        digest.update("\x00".join([*self.countries, "", *self.sectors]).encode())
        for name in held(self.dataset):
            if name in OPTIONAL:  # the name marks what the numbers are; without it nothing changes
                digest.update(name.encode())
            digest.update(np.ascontiguousarray(self.dataset[name].values, dtype="<f8").data)
        return digest.hexdigest()[:16]

    # --- other worlds -----------------------------------------------------------------------
    @classmethod
    def from_tables(
        cls,
        trade: Any,
        *,
        theta: Any = None,
        tariff: Any = None,
        inputs: Any = None,
        value_added: Any = None,
        final: Any = None,
        deficit: Any = None,
        sigma: Any = None,
        markup: Any = None,
        profits: Any = None,
        name: str = "world",
        identities: Literal["strict", "report"] = "strict",
        missing: Literal["error", "zero"] = "error",
    ) -> World:
        """Build a world from anyone's tidy tables; see :mod:`detente.world.tables`.

        Each table is a pandas, polars or arrow table with one column per dim plus ``value``, or
        a labelled array. ``theta``, ``sigma`` and ``markup`` may also be one number or a mapping,
        ``theta`` the name of a set. Left out, ``tariff`` is zero, ``inputs`` are none, and
        ``value_added``, ``final`` and ``deficit`` are what the other tables imply.

        ``sigma`` is the elasticity of substitution between varieties of a sector, above 1, for
        models with markups; or give ``markup``, price over marginal cost, sigma/(sigma - 1).
        ``theta`` is then sigma - 1 where it is left out, and ``profits`` sales over sigma.

        Raises
        ------
        TableError
            A cell is missing, a label unknown, a number out of range, or the tables do not add up.
        """
        from detente.world import tables

        given = {
            "trade": trade, "tariff": tariff, "inputs": inputs, "value_added": value_added,
            "final": final, "deficit": deficit, "theta": theta, "sigma": sigma, "markup": markup,
            "profits": profits,
        }  # fmt: skip
        return cls(tables.assemble(given, missing), name, identities)

    def aggregate(
        self,
        countries: Mapping[str, Iterable[str]] | Iterable[str] | str | None = None,
        sectors: Mapping[str, Iterable[str]] | Iterable[str] | str | None = None,
    ) -> World:
        """Merge countries or sectors, conserving totals; see :mod:`detente.world.aggregate`."""
        from detente.world.aggregate import aggregate

        return aggregate(self, countries, sectors)

    def with_theta(self, theta: Any) -> World:
        """The same world with other trade elasticities: a set's name, number, mapping, array.

        Raises
        ------
        TableError
            A sector without a value, or a value that is not above zero.
        """
        from detente.world.elasticities import theta_array

        new = theta_array(theta, self.sectors)
        return World(self.dataset.assign(theta=new), self.name, self.identities)

    def with_sigma(self, sigma: Any) -> World:
        """The same world with other elasticities of substitution (number, mapping, table, array);
        None takes them, and profits, away. ``theta`` stays what it is, profits are sales over
        sigma.

        Raises
        ------
        TableError
            A sector without a value, or a value that is not above one.
        """
        from detente.world.elasticities import elasticity_array

        new = self.dataset.drop_vars(list(OPTIONAL), errors="ignore")
        if sigma is not None:
            new = new.assign(sigma=elasticity_array("sigma", sigma, self.sectors))
        return World(new, self.name, self.identities)

    def save(self, path: str | Path) -> Path:
        """Write the world as netCDF (h5netcdf) and return the path."""
        from detente.world.files import save

        return save(self, Path(path))

    def __repr__(self) -> str:
        return f"<World {self.name}: {len(self.countries)} countries x {len(self.sectors)} sectors>"


def _check_shape(ds: xr.Dataset, source: str) -> None:
    for name, dims in held(ds).items():
        if name not in ds:
            raise TableError(f"{source}: variable {name!r} is missing; a world needs {list(DIMS)}")
        if ds[name].dims != dims:
            raise TableError(
                f"{source}: {name} has dims {ds[name].dims}; the order is {dims}. Use "
                f".transpose{dims}."
            )
        values = ds[name].values
        if not np.isfinite(values).all():
            where = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
            labels = {d: str(ds[d].values[i]) for d, i in zip(dims, where, strict=True)}
            raise TableError(
                f"{source}: {name} at {labels} is {values[where]}; every cell needs a number "
                "(write 0 where there is no flow)"
            )
    for dim, other in (("importer", "country"), ("exporter", "country"), ("input", "sector")):
        if list(ds[dim].values) != list(ds[other].values):
            raise TableError(f"{source}: labels of {dim} and {other} differ; they must be the same")
    for dim in ("country", "sector"):
        labels = Counter(str(x) for x in ds[dim].values)
        if len(labels) < ds.sizes[dim]:
            twice = labels.most_common(1)[0][0]
            raise TableError(f"{source}: {dim} {shown(twice)} appears twice; labels must be unique")
    _positive(ds, "theta", 0.0, source, "a trade elasticity is above zero")
    if "sigma" in ds:
        _positive(ds, "sigma", 1.0, source, "an elasticity of substitution is above 1")
    elif "profits" in ds:
        raise TableError(f"{source}: profits are there, but no sigma that they follow from")
    _positive(ds, "tariff", -1.0, source, "a tariff is a fraction above -1 (0.25 is 25%)")


def _positive(ds: xr.Dataset, name: str, bound: float, source: str, remedy: str) -> None:
    values = ds[name].values
    if (values <= bound).any():
        where = tuple(int(i) for i in np.argwhere(values <= bound)[0])
        at = ", ".join(str(ds[d].values[i]) for d, i in zip(ds[name].dims, where, strict=True))
        raise TableError(f"{source}: {name} of {at} is {values[where]:g}; {remedy}")

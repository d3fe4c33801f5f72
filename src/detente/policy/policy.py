"""``Policy``: labelled trade-cost arrays on a world."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import xarray as xr

from detente.errors import InputError, UnitWarning, UnknownNameError
from detente.instruments import INSTRUMENTS
from detente.policy.bans import cost_of_leaving
from detente.policy.quota import read_quotas
from detente.policy.wedges import inner
from detente.variables import BILATERAL
from detente.world import World
from detente.world.tables import labelled

__all__ = ["Policy"]

LOOKS_LIKE_PERCENT = 10.0
"""A rate from which on it is asked whether percent was meant: 10 is 1,000%."""


@dataclass(frozen=True, eq=False, repr=False)
class Policy:
    """What governments levy after the change; what is not named stays as it is in the world.

    Parameters
    ----------
    world : the world the labels belong to
    tariff : import tariffs after the change, fraction above -1
    export_tax : export taxes after the change, fraction above -1 (none in a world table)
    iceberg : delivery cost over the base, factor above 0; 1 is unchanged, inf is a ban
    transfer : USD million received by each country; sums to zero
    quota : volumes that may enter at the tariff: records or a table with ``sector``, ``importer``,
        ``exporter`` (one, a list or a group that shares it, or "all"), ``volume`` (over the base
        year's) or ``volume_usd_mn`` (at base-year prices), ``over`` (the rate above it, a fraction;
        None: nothing enters above) and ``rent`` ("importer", the default, "exporter" or
        "auction"); becomes a tuple of :class:`~detente.policy.quota.Quota`
    open : (sector, importer, exporter) share of each flow that no ban touches, where bans on parts
        of flows are in ``iceberg`` as open^(-1/theta); None: only infinite icebergs are bans. A
        solve of the long run does not need it; along a path a ban ends purchases at once, and a
        cost does not
    title : a short text for reports
    notes : how the arrays were made, printed with results
    prohibitive : rates of many hundred percent are meant; without it a policy whose every new
        rate is 1 (100%) or more, up to at least 10, brings a :class:`~detente.errors.UnitWarning`,
        since such numbers usually are percent

    The bilateral ones are labelled arrays with dims sector, importer, exporter, tables with
    those columns plus ``value``, or one number for every flow between different countries.
    Tables and arrays may cover some cells only. ``transfer`` is a mapping from country to USD
    million, or a labelled array.

    Raises
    ------
    InputError
        A tariff or export tax at or below -1, an iceberg at or below 0, a NaN, transfers that do
        not cancel, or a label the world does not hold; the message names the cell.
    """

    world: World
    tariff: Any = None
    export_tax: Any = None
    iceberg: Any = None
    transfer: Any = None
    quota: Any = ()
    open: Any = None
    title: str = ""
    notes: tuple[str, ...] = ()
    prohibitive: bool = False

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "tariff", self._bilateral("tariff", self.tariff, self.world.tariff))
        for row in (INSTRUMENTS["export_tax"], INSTRUMENTS["iceberg"], *inner()):
            shape = tuple(self.world.tariff.sizes[d] for d in row.dims)
            start = _labelled(self.world, row.name, np.full(shape, row.neutral, dtype=float))
            set_(self, row.name, self._bilateral(row.name, getattr(self, row.name), start))
        set_(self, "transfer", self._transfer(self.transfer))
        set_(self, "quota", read_quotas(self.quota, self.world, self.tariff.values))
        set_(self, "open", self._shares(self.open))
        if not self.prohibitive:
            self._warn_of_percent("tariff", self.world.tariff.values)
            self._warn_of_percent("export_tax", 0.0)

    def _shares(self, given: Any) -> np.ndarray | None:
        if given is None:
            return None
        values, shape = np.asarray(given, dtype=float), self.world.tariff.shape
        if values.shape != shape:
            raise InputError(f"open: an array of shape {shape} is needed, not {values.shape}")
        if not ((values >= 0.0) & (values <= 1.0)).all():
            raise InputError("open: every share of a flow lies between 0 and 1")
        if not np.isinf(self.iceberg.values[values == 0.0]).all():
            raise InputError("open: a flow of which nothing is open needs an infinite iceberg")
        return values

    def _warn_of_percent(self, name: str, usual: Any) -> None:
        values = getattr(self, name).values
        top = float(values.max())
        if top < LOOKS_LIKE_PERCENT:
            return
        new = values[values != usual]
        if ((new > 0.0) & (new < 1.0)).any():
            return
        warnings.warn(
            f"{name}: rates are fractions, and {top:g} is {100 * top:,.0f}%; divide by 100 if "
            "percent was meant, or say that it is not with prohibitive=True",
            UnitWarning,
            stacklevel=4,
        )

    def _bilateral(self, name: str, given: Any, base: xr.DataArray) -> xr.DataArray:
        if given is None:
            return base
        values, dims = base.values.copy(), INSTRUMENTS[name].dims
        if isinstance(given, (int, float, np.floating)):
            abroad = ~np.eye(values.shape[1], dtype=bool) if dims == BILATERAL else slice(None)
            values[:, abroad] = float(given)
        elif isinstance(given, np.ndarray):
            if given.shape != values.shape:
                raise InputError(f"{name}: an array of shape {values.shape} is needed, not "
                                 f"{given.shape}")  # fmt: skip
            values = given.astype(float)
        elif (
            isinstance(given, xr.DataArray)
            and given.dims == dims
            and all(np.array_equal(given[d].values, base[d].values) for d in dims)
        ):
            values = given.values.astype(float)
        else:
            coords = {d: [str(x) for x in base[d].values] for d in dims}
            values = self._partial(name, given, values, coords)
        row = INSTRUMENTS[name]
        bad = ~(values > row.lowest)
        if not row.endless:
            bad |= np.isinf(values)
        if bad.any():
            where = np.argwhere(bad)[0]
            at = ", ".join(f"{d} {base[d].values[i]}" for d, i in zip(dims, where, strict=True))
            raise InputError(f"{name}: {at} is {values[tuple(where)]:g}; it must be {row.range}")
        return _labelled(self.world, name, values)

    def _partial(
        self, name: str, given: Any, values: np.ndarray, coords: Mapping[str, list[str]]
    ) -> np.ndarray:
        absent = labelled(name, given, coords, "nan", INSTRUMENTS[name].dims).values
        return np.where(np.isnan(absent), values, absent)

    def _transfer(self, given: Any) -> xr.DataArray:
        countries = self.world.countries
        values = dict.fromkeys(countries, 0.0)
        if isinstance(given, xr.DataArray):
            given = {str(k): float(v) for k, v in zip(given["country"].values, given.values,
                                                       strict=True)}  # fmt: skip
        for name, amount in (given or {}).items():
            found = self.world.country_list(name, "transfer")
            if len(found) != 1:
                raise UnknownNameError(f"transfer: {name!r} is a group; name single countries")
            values[found[0]] += float(amount)
        array = np.array(list(values.values()))
        if not np.isfinite(array).all():
            raise InputError("transfer: every amount must be a number (USD million)")
        if abs(array.sum()) > 1e-6 * max(np.abs(array).sum(), 1.0):
            raise InputError(
                f"transfer: amounts sum to {array.sum():g} USD million; what one country receives "
                "another pays, so they must sum to zero"
            )
        return xr.DataArray(array, {"country": countries}, ("country",), name="transfer")

    @property
    def banned(self) -> xr.DataArray:
        """True where a flow is banned; dims sector, importer, exporter."""
        return xr.DataArray(np.isinf(self.iceberg.values), self.tariff.coords, BILATERAL)

    def under(self, world: World) -> Policy:
        """The same policy on a world that differs from its own in the elasticities only: a ban on
        part of a flow costs there what leaves the same part."""
        if self.world is world:
            return self
        iceberg = self.iceberg.values
        if self.open is not None:
            some = (self.open > 0.0) & (self.open < 1.0)
            here, there = (
                cost_of_leaving(self.open, w.theta.values[:, None, None])
                for w in (self.world, world)
            )
            iceberg = iceberg.copy()
            iceberg[some] = iceberg[some] / here[some] * there[some]
        return replace(self, world=world, iceberg=iceberg, prohibitive=True)

    def refuse_quotas(self, where: str) -> None:
        """Refuse a policy with quotas where only rates can be handled.

        Raises
        ------
        InputError
            The policy has a quota; the message names the first.
        """
        if self.quota:
            raise InputError(
                f"{where}: the policy has quotas ({self.quota[0].cell}), which {where} does not "
                "support; dt.simulate does. Leave them out, or give the tariffs that let the same "
                "volumes in (outcome.quota holds the price wedges)"
            )

    @cached_property
    def hash(self) -> str:
        """First 16 hex digits of the SHA-256 of the arrays."""
        digest = hashlib.sha256()
        for array in (self.tariff, self.export_tax, self.iceberg, self.transfer):
            digest.update(np.ascontiguousarray(array.values, dtype="<f8").data)
        for name, array in self._used():
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(array.values, dtype="<f8").data)
        if self.quota:
            digest.update(repr(self.quota).encode())
        return digest.hexdigest()[:16]

    def _used(self) -> list[tuple[str, xr.DataArray]]:
        """The instruments that act within another's wedge and are in use."""
        held = [(row, getattr(self, row.name)) for row in inner()]
        return [(row.name, a) for row, a in held if (a.values != row.neutral).any()]

    def __repr__(self) -> str:
        changed = int((self.tariff.values != self.world.tariff.values).sum())
        text = f"<Policy {self.title or 'untitled'}: {changed} tariffs changed"
        if (n := int((self.export_tax.values != 0).sum())) > 0:
            text += f", {n} export taxes"
        if (n := int((self.iceberg.values != 1).sum())) > 0:
            text += f", {n} icebergs ({int(self.banned.values.sum())} bans)"
        text += "".join(f", {name}" for name, _ in self._used())
        if self.quota:
            text += f", {len(self.quota)} quotas"
        return text + f", on {self.world.name}>"


_templates: WeakKeyDictionary[World, xr.DataArray] = WeakKeyDictionary()


def _labelled(world: World, name: str, values: np.ndarray) -> xr.DataArray:
    """``values`` with the world's labels, which are made once: making them takes longer than
    filling an array."""
    dims = INSTRUMENTS[name].dims
    if dims != BILATERAL:
        return xr.DataArray(values, {d: world.tariff[d].values for d in dims}, dims, name=name)
    if world not in _templates:
        labels = {d: world.tariff[d].values for d in BILATERAL}
        _templates[world] = xr.DataArray(np.broadcast_to(np.nan, values.shape), labels, BILATERAL)
    array = _templates[world].copy(deep=False, data=values)
    array.name = name
    return array

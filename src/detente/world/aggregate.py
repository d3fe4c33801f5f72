"""Merging countries and sectors; every total is conserved.

Trade, inputs, value added, final demand and deficits are sums. A tariff of a merged cell is the
trade-weighted mean, so that revenue is conserved; where members of a group tax each other, the
group's diagonal carries that mean, since dropping it would drop revenue. A merged sector's
trade elasticity is the mean weighted with international trade; sectors with different elasticities
of substitution are not merged, since no one markup is that of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import xarray as xr

from detente.errors import InputError
from detente.world.identities import held
from detente.world.world import World

__all__ = ["aggregate"]

Groups = Mapping[str, Iterable[str]] | Iterable[str] | str | None


def aggregate(world: World, countries: Groups = None, sectors: Groups = None) -> World:
    """Merge countries and sectors of ``world``.

    Parameters
    ----------
    countries, sectors : a mapping from a new label to members, or names of groups ("EU27",
        "ASEAN"; "goods", "services"). What no group names stays as it is.

    Raises
    ------
    UnknownNameError
        A member or group that the world does not hold.
    InputError
        A country or sector in two groups, a new label that is already taken, or sectors of
        different sigma in one group.
    """
    to_country = _mapping(world, "country", countries)
    to_sector = _mapping(world, "sector", sectors)
    new_c = list(dict.fromkeys(to_country.values()))
    new_s = list(dict.fromkeys(to_sector.values()))
    C = _indicator(to_country, new_c)  # (old, new)
    S = _indicator(to_sector, new_s)

    ds = world.dataset
    duty = ds.trade.values * ds.tariff.values
    trade = _fold(ds.trade.values, S, C)
    duties = _fold(duty, S, C)
    with np.errstate(invalid="ignore", divide="ignore"):
        tariff = np.where(trade > 0, duties / trade, _plain_mean(ds.tariff.values, S, C))
    crossing = ds.trade.values.sum(axis=(1, 2)) - np.einsum("jnn->j", ds.trade.values)
    weight = np.where(crossing > 0, crossing, 1e-12 * max(crossing.max(), 1.0))
    theta = (S.T @ (weight * ds.theta.values)) / (S.T @ weight)

    out = {
        "trade": trade,
        "tariff": tariff,
        "inputs": np.einsum("kjn,ka,jb,nc->abc", ds.inputs.values, S, S, C, optimize=True),
        "value_added": S.T @ ds.value_added.values @ C,
        "final": S.T @ ds.final.values @ C,
        "deficit": ds.deficit.values @ C,
        "theta": theta,
    }
    if "sigma" in ds:
        out["sigma"] = _one_sigma(world, to_sector, new_s)
    if "profits" in ds:
        out["profits"] = S.T @ ds.profits.values @ C
    labels = {
        "sector": new_s, "input": new_s,
        "importer": new_c, "exporter": new_c, "country": new_c,
    }  # fmt: skip
    merged = xr.Dataset(
        {name: (dims, out[name]) for name, dims in held(ds).items()},
        labels,
        attrs={**ds.attrs, "aggregated_from": f"{world.name} ({world.hash})"},
    )
    name = f"{world.name}-{len(new_c)}x{len(new_s)}"
    merged.attrs["id"] = name
    return World(merged, name, world.identities)


def _mapping(world: World, kind: str, groups: Groups) -> dict[str, str]:
    """Old label -> new label, in table order."""
    old = world.countries if kind == "country" else world.sectors
    resolve = world.country_list if kind == "country" else world.sector_list
    if groups is None:
        return {x: x for x in old}
    if isinstance(groups, str):
        groups = groups.split(",")
    if not isinstance(groups, Mapping):
        groups = {str(g).strip(): [str(g).strip()] for g in groups}
    target: dict[str, str] = {}
    for label, members in groups.items():
        for member in resolve(members, f"group {label!r}"):
            if member in target:
                raise InputError(
                    f"{kind} {member} is in the groups {target[member]!r} and {label!r}; "
                    "a merge needs each in one group"
                )
            target[member] = str(label)
    for x in old:
        if x not in target and x in groups:
            raise InputError(f"group {x!r} has the label of a {kind} outside it; choose another")
    return {x: target.get(x, x) for x in old}


def _one_sigma(world: World, mapping: dict[str, str], new: list[str]) -> np.ndarray:
    """The elasticity of substitution that the sectors of each group share."""
    found: dict[str, tuple[str, float]] = {}
    for sector, value in zip(world.sectors, world.dataset.sigma.values, strict=True):
        first, own = found.setdefault(mapping[sector], (sector, float(value)))
        if not np.isclose(own, value, rtol=1e-12, atol=0.0):
            raise InputError(
                f"sectors {first} (sigma {own:g}) and {sector} (sigma {value:g}) are both in "
                f"{mapping[sector]!r}; a merged sector has one markup: keep them apart, or merge "
                "world.with_sigma(None) and give the merged world a sigma by with_sigma"
            )
    return np.array([found[label][1] for label in new])


def _indicator(mapping: dict[str, str], new: list[str]) -> np.ndarray:
    position = {label: i for i, label in enumerate(new)}
    out = np.zeros((len(mapping), len(new)))
    out[np.arange(len(mapping)), [position[v] for v in mapping.values()]] = 1.0
    return out


def _fold(x: np.ndarray, S: np.ndarray, C: np.ndarray) -> np.ndarray:
    return np.einsum("jni,ja,nb,ic->abc", x, S, C, C, optimize=True)


def _plain_mean(x: np.ndarray, S: np.ndarray, C: np.ndarray) -> np.ndarray:
    """The rate where no trade gives weights: the simple mean of the merged rates."""
    return _fold(x, S, C) / _fold(np.ones_like(x), S, C)

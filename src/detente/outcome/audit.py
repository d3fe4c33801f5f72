"""``audit``: an outcome checked again, slowly and plainly, from its labelled output alone.

The checks (:mod:`detente.outcome.recheck`) share no code with the solver. Two further ones solve
again: a world in another currency must give the same percents, and going from the baseline to
the baseline must change nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from detente.errors import AuditError, FileError, InputError
from detente.files import read_bytes
from detente.models.model import Model
from detente.models.registry import DEFAULT, model_of, refuse_unable
from detente.outcome.outcome import Outcome
from detente.outcome.recheck import recheck
from detente.outcome.recheck_labour_supply import recheck_labour_supply
from detente.outcome.recheck_monopolistic import recheck_monopolistic
from detente.outcome.recheck_sides import settings
from detente.outcome.simulate import simulate
from detente.outcome.tally import Check, Tally
from detente.policy import Policy
from detente.policy.quota import Quota
from detente.world import World, load_world
from detente.world.files import EMBEDDED, LABELS, MAX_BYTES
from detente.world.hdf5 import Refused, read_apart

__all__ = ["Audit", "audit"]

CURRENCY = 1234.5
"""Units of the other currency for one of the world's."""

Recheck = Callable[[xr.Dataset, xr.Dataset], dict[str, Check]]

CHECKS: dict[str, Recheck] = {
    "caliendo-parro": recheck,
    "monopolistic": recheck_monopolistic,
    "labour-supply": recheck_labour_supply,
}
"""The checks by model: of each that names the task "audit" among its abilities."""

_MONEY = ("trade", "inputs", "value_added", "final", "deficit", "profits")


@dataclass(frozen=True)
class Audit:
    """What an audit found: one :class:`~detente.outcome.tally.Check` a row."""

    checks: tuple[Check, ...]
    title: str = ""

    @property
    def passed(self) -> bool:
        """Whether every check is within its bound."""
        return all(c.passed for c in self.checks)

    @property
    def failures(self) -> list[Check]:
        """The checks beyond their bounds, worst first."""
        return sorted((c for c in self.checks if not c.passed), key=lambda c: -c.error)

    @property
    def worst(self) -> Check:
        """The check with the largest error; a failed one if there is any."""
        return max(self.failures or self.checks, key=lambda c: c.error)

    @property
    def table(self) -> pd.DataFrame:
        """One row a check: check, largest_relative_error, bound, passed, variable, country,
        sector, partner (where it errs most), cells (numbers compared)."""
        rows = [
            {
                "check": c.name, "largest_relative_error": c.error, "bound": c.bound,
                "passed": c.passed, "variable": c.variable, "country": c.country,
                "sector": c.sector, "partner": c.partner, "cells": c.cells,
            }
            for c in self.checks
        ]  # fmt: skip
        return pd.DataFrame(rows)

    @property
    def summary(self) -> str:
        """One line: how many passed, and where the worst is."""
        if not self.passed:
            failed = self.failures
            listed = "; ".join(f"{_said(c)}, bound {c.bound:g}" for c in failed[:3])
            return f"Audit: {len(failed)} of {len(self.checks)} checks failed: {listed}"
        return f"Audit: {len(self.checks)} checks passed, worst {_said(self.worst)}"

    def raise_if_failed(self) -> Audit:
        """This audit, if it passed.

        Raises
        ------
        AuditError
            Names the worst check, with its country and sector.
        """
        if self.passed:
            return self
        worst = self.worst
        raise AuditError(
            f"{self.title or 'outcome'}: {self.summary}. Its numbers are not results; please "
            "report the scenario and version that gave them",
            worst.name,
            worst.country,
            worst.sector,
        )

    def __repr__(self) -> str:
        return f"<{self.summary}>"


def audit(
    outcome: Outcome | xr.Dataset | str | Path,
    world: World | None = None,
    *,
    again: bool = True,
) -> Audit:
    """Check an outcome from its labelled output, independently of what solved it.

    Parameters
    ----------
    outcome : an outcome; its dataset; or the folder (or ``outcome.nc``) of a saved run
    world : the world it was solved on; for a dataset or a folder only, and there the one that
        the provenance names if left out
    again : also solve again, in another currency and from the policy back to the baseline

    Raises
    ------
    InputError
        The dataset is of another version or world, or of a model that has no audit.
    """
    if isinstance(outcome, Outcome):
        _check_of(outcome.after.model)
        ds, world = outcome.to_dataset(), outcome.world
    else:
        ds = outcome if isinstance(outcome, xr.Dataset) else _read(Path(outcome))
        if "model" in ds.attrs:
            _check_of(model_of(str(ds.attrs["model"])))
        world = _world_of(ds, world)
    found = _check_of(_model(ds))(ds, world.dataset)
    if again:
        found |= _again(ds, world, next(iter(found.values())).bound)
    return Audit(tuple(found.values()), str(ds.attrs.get("policy", "")))


def _model(ds: xr.Dataset) -> Model:
    """The model, with the parameters, that gave a labelled outcome."""
    name = str(ds.attrs.get("model", DEFAULT))
    return model_of({"name": name, **settings(ds)}, "audit")


def _check_of(model: Model) -> Recheck:
    """The checks of a model, or a refusal by name."""
    refuse_unable(model, "task", "audit", "audit")
    return CHECKS[model.name]


def _said(c: Check) -> str:
    where = f", {c.place}" if c.place else ""
    return f"{c.error:.0e} ({c.name}{where})"


def _read(path: Path) -> xr.Dataset:
    if path.is_dir():
        path = path / "outcome.nc"
    if not path.exists():
        raise InputError(f"audit: {path} does not exist; give the folder of `detente run --out`")
    data = read_bytes(path, MAX_BYTES, "saved outcome")
    try:
        tables = read_apart(data, LABELS)
    except Refused as why:
        raise FileError(
            f"audit: {path} cannot be read as a saved outcome ({why}); write it again with "
            "`detente run --out`",
            path,
        ) from None
    found = {
        name: (tables.dims[name], array, tables.attrs[name])
        for name, array in tables.arrays.items()
    }
    # netCDF keeps a number as an array of one
    attrs = {
        name: value[0] if isinstance(value, list) and len(value) == 1 else value
        for name, value in tables.attrs[""].items()
    }
    try:
        return xr.Dataset(found, attrs=attrs)
    except ValueError as error:
        raise FileError(
            f"audit: {path}: its variables do not fit together ({error})", path
        ) from None


def _world_of(ds: xr.Dataset, world: World | None) -> World:
    for name in ("world", "world_hash", "theta", "deficit", "tol"):
        if name not in ds.attrs:
            raise InputError(f"audit: the dataset has no attribute {name!r}; it is no outcome")
    tol = ds.attrs["tol"]
    if not isinstance(tol, (int, float)) or not 0 < tol < 1:
        raise InputError(f"audit: attribute 'tol' is {tol!r}; the tolerance of a solve is needed")
    wanted, theta = str(ds.attrs["world_hash"]), str(ds.attrs["theta"])
    if world is None:
        name = str(ds.attrs["world"])
        if name not in EMBEDDED:
            raise InputError(
                f"audit: the outcome was solved on {name!r}, which is no world of the package; "
                "give it as world=load_world(path)"
            )
        world = load_world(name)
    if world.hash != wanted and theta not in ("own", world.theta.attrs.get("set", "own")):
        world = world.with_theta(theta)
    if world.hash != wanted:
        raise InputError(
            f"audit: the outcome was solved on world {ds.attrs['world']} (hash {wanted}), not on "
            f"this {world.name} (hash {world.hash}); give the world it was solved on"
        )
    return world


def _quotas(ds: xr.Dataset, side: str) -> list[Quota]:
    """The quotas of one side in the other currency."""
    records = json.loads(str(ds.attrs.get(f"quotas_{side}", "[]")))
    return [
        Quota(
            q["sector"], q["importer"], tuple(q["exporters"]), CURRENCY * q["volume_usd_mn"],
            q["over"], q["rent"],
        )
        for q in records
    ]  # fmt: skip


def _again(ds: xr.Dataset, world: World, bound: float) -> dict[str, Check]:
    """Solve the same question in another currency, and then go from the policy back."""
    money = {name: world.dataset[name] * CURRENCY for name in _MONEY if name in world.dataset}
    other = World(world.dataset.assign(money), world.name, world.identities)

    def policy(side: str) -> Policy:
        tariff = ds["tariff" if side == "after" else "tariff_before"]
        return Policy(
            other,
            tariff=tariff,
            export_tax=ds[f"export_tax_{side}"],
            iceberg=ds[f"iceberg_{side}"],
            transfer=ds[f"transfer_{side}"] * CURRENCY,
            quota=_quotas(ds, side),
            prohibitive=True,
        )

    before = policy("before")
    options: dict[str, Any] = {
        "model": _model(ds), "deficit": str(ds.attrs["deficit"]), "tol": float(ds.attrs["tol"]),
    }  # fmt: skip
    there = simulate(other, policy("after"), baseline=before, **options)
    back = simulate(other, before, baseline=before, start=there, **options)
    in_other = there.to_dataset()
    tally = Tally(world.sectors, world.countries, bound)
    for name, ours in ds.data_vars.items():
        unit = ours.attrs.get("unit")
        if unit not in ("percent", "USD million"):
            continue
        a, b = ours.values, in_other[str(name)].values
        scale: np.ndarray | float = 100.0  # percent: an error of the ratio behind it
        if unit == "USD million":
            b = b / CURRENCY
            # a balance of zero has no relative error: against a billionth of the world at least
            least = 1e-9 * float(world.value_added.sum())
            scale = np.maximum(np.abs(a).max(axis=-1, keepdims=True), least)
        tally.compare("another currency", str(name), b, a, scale)
    for name in ("real_income", "real_wage", "wage", "prices", "output"):
        change = getattr(back, name).values
        tally.compare("no change", name, change, np.where(np.isnan(change), np.nan, 0.0), 100.0)
    return tally.found

"""All variables of an outcome in one labelled dataset, and one outcome less another."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from detente.errors import InputError
from detente.outcome.decomposition import under_quotas
from detente.outcome.labelled import named
from detente.policy.wedges import whole
from detente.variables import variable

if TYPE_CHECKING:
    from detente.outcome.equilibrium import Equilibrium
    from detente.outcome.outcome import Outcome
    from detente.policy import Policy

__all__ = ["compare", "dataset"]


def dataset(outcome: Outcome) -> xr.Dataset:
    """Results, levels before and after, and what was levied in each; provenance in ``attrs``."""
    found = _results(outcome)
    world = outcome.world
    for side, e, levied in (
        ("before", outcome.base, outcome.baseline),
        ("after", outcome.after, outcome.policy),
    ):
        levels = {
            "wage_level": e.wage,
            "price_level": np.exp(e.price_logs),
            "cost_level": np.exp(e.cost_logs),
        }
        for name, values in levels.items():
            found[f"{name}_{side}"] = named(world, name, values)
        for name in ("export_tax", "iceberg", "transfer"):
            array = levied.transfer if name == "transfer" else whole(levied, name)
            found[f"{name}_{side}"] = array.assign_attrs(unit=variable(name).unit)
        found |= _under_quotas(outcome, side, e, levied)
    found["tariff_before"] = whole(outcome.baseline, "tariff").assign_attrs(unit="fraction")
    b = outcome.base.point
    found["income_before"] = named(world, "income", b.income)
    found["revenue_before"] = outcome.revenue_before
    found["export_revenue_before"] = named(world, "export_revenue", b.export_revenue)
    out = _together(outcome, found)
    for side, levied in (("before", outcome.baseline), ("after", outcome.policy)):
        if levied.quota:
            out.attrs[f"quotas_{side}"] = json.dumps([asdict(q) for q in levied.quota])
    return out


def compare(this: Outcome, other: Outcome) -> xr.Dataset:
    """``this`` less ``other``; see :meth:`detente.outcome.outcome.Outcome.compare`."""
    if (this.world.hash, this.baseline.hash, this.deficit, this.after.model) != (
        other.world.hash, other.baseline.hash, other.deficit, other.after.model,
    ):  # fmt: skip
        raise InputError(
            "compare: the outcomes differ in world, baseline, model or deficit closure, so "
            "that their changes have different origins; simulate both on one world and "
            "baseline, in one model"
        )
    mine, theirs = (_together(o, _results(o)) for o in (this, other))
    out = mine - theirs
    for name in out.data_vars:
        unit = str(mine[name].attrs.get("unit", ""))
        out[name].attrs["unit"] = "percentage points" if unit == "percent" else unit
    out.attrs = {"this": this.policy.title, "other": other.policy.title}
    return out


def _results(outcome: Outcome) -> dict[str, xr.DataArray]:
    """Changes and flows, and the tariffs after the change."""
    names = (
        "real_income", "real_wage", "wage", "consumer_price", "income", "revenue",
        "export_revenue", "deficit_after", "exports", "imports", "output", "output_value",
        "prices", "cost", "sector_exports",
    )  # fmt: skip
    found = {name: getattr(outcome, name) for name in names}
    if under_quotas(outcome):
        found["quota_rent"] = outcome.quota_rent
    found |= {name: outcome.own(name) for name in outcome.after.model.abilities.variables}
    found |= {str(name): array for name, array in outcome.first_order.data_vars.items()}
    found["trade_after"], found["trade_before"] = outcome.trade, outcome.trade_before
    found["tariff"] = whole(outcome.policy, "tariff").assign_attrs(unit="fraction")
    return found


def _under_quotas(
    outcome: Outcome, side: str, e: Equilibrium, levied: Policy
) -> dict[str, xr.DataArray]:
    """What an audit needs besides, where there are quotas: all that buyers pay over the border
    price, and who receives rents and who pays them."""
    if e.quotas is None:
        return {}
    iceberg = whole(levied, "iceberg").values if e.policy.iceberg is None else e.policy.iceberg
    world = outcome.world
    return {
        f"border_wedge_{side}": levied.tariff.copy(data=e.policy.tariff).assign_attrs(
            unit="fraction"
        ),
        f"iceberg_{side}": levied.iceberg.copy(data=iceberg).assign_attrs(unit="factor"),
        f"quota_rent_{side}": named(world, "quota_rent", e.quotas.received),
        f"quota_rent_paid_{side}": named(world, "quota_rent", e.quotas.in_importers),
    }


def _together(outcome: Outcome, arrays: dict[str, xr.DataArray]) -> xr.Dataset:
    # all have the world's labels: aligning them one by one would take longer than the solve
    places = dict.fromkeys(("country", "importer", "exporter"), outcome.world.countries)
    labels = {"sector": outcome.world.sectors, **places}
    attrs = {
        k: v if isinstance(v, (str, int, float)) else str(v) for k, v in outcome.provenance.items()
    }
    bare = {name: (a.dims, a.values, a.attrs) for name, a in arrays.items()}
    return xr.Dataset(bare, labels, attrs)

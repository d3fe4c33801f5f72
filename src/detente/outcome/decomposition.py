"""The first-order terms of an outcome, summed, labelled, or missing with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from detente.models.blocks import Array
from detente.outcome.labelled import named
from detente.outcome.welfare import FirstOrder

if TYPE_CHECKING:
    from detente.outcome.outcome import Outcome

__all__ = ["by_country", "by_partner", "sums", "under_quotas"]


def under_quotas(outcome: Outcome) -> bool:
    """Whether there are quotas before or after."""
    return outcome.base.quotas is not None or outcome.after.quotas is not None


def sums(outcome: Outcome) -> dict[str, Array]:
    """The terms as bare arrays, percent of base income, (N,)."""
    if not _has_terms(outcome):
        outcome.require_converged()
        nothing = np.full(len(outcome.world.countries), np.nan)
        own = ("quota_rent_received",) if under_quotas(outcome) else ()
        names = (*FirstOrder._fields[:5], *own, "welfare")
        return dict.fromkeys(names, nothing)
    terms = outcome.first_order_terms
    found = {
        name: getattr(terms, name).sum(axis=(0, 2))
        for name in ("terms_of_trade", "volume_of_trade", "trade_cost", "export_tax_volume")
    }
    found["transfer_received"] = terms.transfer_received
    if under_quotas(outcome):
        rent = _rent_term(outcome)
        found["quota_rent_received"] = rent
        found["transfer_received"] = terms.transfer_received - rent
    for name in ("volume_of_trade", "trade_cost"):
        found[name] = np.where(terms.missing, np.nan, found[name])
    found["welfare"] = np.sum(list(found.values()), axis=0)
    return found


def by_country(outcome: Outcome) -> xr.Dataset:
    """The sums labelled, with the countries that have none and why."""
    found = outcome.first_order_sums
    world = outcome.world
    lacking, reason = world.countries, f"the model {outcome.model} has no first-order terms"
    if _has_terms(outcome):
        missing = outcome.first_order_terms.missing
        lacking = [c for c, m in zip(world.countries, missing, strict=True) if m]
        reason = "a flow is banned" if lacking else ""
    return xr.Dataset(
        {name: named(world, name, value) for name, value in found.items()},
        attrs={"missing": ", ".join(lacking), "reason": reason},
    )


def by_partner(outcome: Outcome) -> xr.Dataset:
    """The bilateral terms by sector, country and partner, percent of the country's income."""
    terms = outcome.first_order_terms
    dims = ("sector", "country", "partner")
    coords = {
        "sector": outcome.world.sectors,
        "country": outcome.world.countries,
        "partner": outcome.world.countries,
    }
    return xr.Dataset(
        {
            name: xr.DataArray(getattr(terms, name), coords, dims, attrs={"unit": "percent"})
            for name in terms._fields[:4]
        }
    )


def _has_terms(outcome: Outcome) -> bool:
    return "first order" in outcome.after.model.abilities.tasks


def _rent_term(outcome: Outcome) -> Array:
    """Change of the rents received from abroad, net, percent of base income (N,)."""
    before, after = (
        0.0 if e.quotas is None else e.quotas.from_abroad for e in (outcome.base, outcome.after)
    )
    return np.asarray(100.0 * (after - before) / outcome.base.point.income)

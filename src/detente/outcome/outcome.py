"""``Outcome``: labelled results of one simulation, with units, checks and provenance."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from detente.errors import ConvergenceError, DetenteError, InputError
from detente.models.blocks import Array
from detente.models.registry import refuse_unable
from detente.outcome.equilibrium import Equilibrium
from detente.outcome.labelled import abroad, abroad_by_sector, change, template
from detente.outcome.welfare import FirstOrder, first_order
from detente.policy.wedges import whole
from detente.variables import variable

if TYPE_CHECKING:
    import pandas as pd

    from detente.policy import Policy
    from detente.world import World

__all__ = ["Outcome"]


@dataclass(frozen=True, eq=False, repr=False)
class Outcome:
    """Changes between two equilibria of one world: ``base`` and ``after`` the policy.

    Percent where :mod:`detente.variables` says percent, USD million elsewhere. A percent change
    of something that was zero is NaN. Values of an outcome whose ``status`` is not "converged"
    raise, unless read through ``base`` and ``after``.
    """

    world: World
    policy: Policy
    baseline: Policy
    base: Equilibrium
    after: Equilibrium
    model: str
    deficit: str
    tol: float

    # --- how the solve went -----------------------------------------------------------------
    @property
    def status(self) -> str:
        """ "converged", "cycling", "diverging", "max_steps" or "no_solution"."""
        return self.after.solution.status.value

    @property
    def error(self) -> DetenteError | None:
        """Why there are no results; None where there are."""
        if self.status == "converged":
            return None
        s = self.after.solution
        if isinstance(s.error, DetenteError):
            return s.error
        return ConvergenceError(
            f"no equilibrium reached: {self.status} after {s.steps} {s.method} steps, largest "
            f"error {s.residual:.3g}; {s.message}",
            s,
        )

    @property
    def checks(self) -> dict[str, float]:
        """Relative errors of market clearing, Walras' law and share sums; empty where there is no
        solution."""
        return {} if self.status == "no_solution" else self.after.checks

    @property
    def provenance(self) -> dict[str, Any]:
        """What produced these numbers: enough to produce them again."""
        from detente.version import __version__

        s = self.after.solution
        return {
            "package": "detente",
            "version": __version__,
            "world": self.world.name,
            "world_hash": self.world.hash,
            "policy_hash": self.policy.hash,
            "baseline_hash": self.baseline.hash,
            "policy": self.policy.title,
            **({"quotas": len(self.policy.quota)} if self.policy.quota else {}),
            **self.after.model.named,
            "deficit": self.deficit,
            "deficit_factor": self.deficit_factor,
            "theta": str(self.world.theta.attrs.get("set", "own")),
            "tol": self.tol,
            "status": self.status,
            "method": s.method,
            "steps": s.steps,
            "residual": s.residual,
            "checks": self.checks,
            "numeraire": "world value added",
        }

    @property
    def deficit_factor(self) -> float:
        """The rescaling of the "share" closure (1 elsewhere): deficits over it, surpluses
        times it."""
        if self.status == "no_solution":
            return 1.0
        p = self.after.point
        return self.after.closure.factor(p.income - p.deficit)

    # --- countries --------------------------------------------------------------------------
    @cached_property
    def real_income(self) -> xr.DataArray:
        """Exact change of real income, percent; dim country."""
        b, a = self.base, self.after
        ratio = a.point.income / b.point.income / (a.consumer_price / b.consumer_price)
        return self._of("real_income", 100.0 * (ratio - 1.0))

    @cached_property
    def real_wage(self) -> xr.DataArray:
        """Change of the real wage, percent; dim country."""
        b, a = self.base, self.after
        ratio = a.wage / b.wage / (a.consumer_price / b.consumer_price)
        return self._of("real_wage", 100.0 * (ratio - 1.0))

    @cached_property
    def wage(self) -> xr.DataArray:
        """Change of the nominal wage, percent; dim country."""
        return self._of("wage", change(self.base.wage, self.after.wage))

    @property
    def wage_level(self) -> xr.DataArray:
        """Wage after the change over the world table's, ratio; dim country."""
        return self._of("wage_level", self.after.wage)

    @cached_property
    def consumer_price(self) -> xr.DataArray:
        """Change of the consumer price index, percent; dim country."""
        b, a = self.base.consumer_price, self.after.consumer_price
        return self._of("consumer_price", change(b, a))

    @cached_property
    def income(self) -> xr.DataArray:
        """Income after the change, USD million; dim country."""
        return self._of("income", self.after.point.income)

    @cached_property
    def revenue(self) -> xr.DataArray:
        """Tariff revenue after the change, USD million; dim country."""
        return self._of("revenue", self.after.tariff_revenue)

    @cached_property
    def revenue_before(self) -> xr.DataArray:
        """Tariff revenue before the change, USD million; dim country."""
        return self._of("revenue", self.base.tariff_revenue)

    @cached_property
    def export_revenue(self) -> xr.DataArray:
        """Export-tax revenue after the change, USD million; dim country."""
        return self._of("export_revenue", self.after.point.export_revenue)

    @cached_property
    def quota_rent(self) -> xr.DataArray:
        """Rents of quotas that a country's firms and treasury receive after the change, USD
        million; dim country."""
        held = self.after.quotas
        nothing = np.zeros(len(self.world.countries))
        return self._of("quota_rent", nothing if held is None else held.received)

    @property
    def quota(self) -> pd.DataFrame:
        """One row a quota of the policy: regime, volumes, price wedge, rent and who gets it
        (:func:`detente.outcome.tables.quota_table`)."""
        from detente.outcome.tables import quota_table

        self.require_converged()
        return quota_table(self)

    @cached_property
    def deficit_after(self) -> xr.DataArray:
        """Trade deficit after the change, USD million; dim country: imports less exports at
        border prices, transfers and rents of quotas from abroad included."""
        return self._of("deficit_after", self.after.trade_deficit)

    @cached_property
    def exports(self) -> xr.DataArray:
        """Change of total exports at border prices, percent; dim country."""
        return self._of("exports", change(*(abroad(e.flows, 1) for e in self._both)))

    @cached_property
    def imports(self) -> xr.DataArray:
        """Change of total imports at border prices, percent; dim country."""
        return self._of("imports", change(*(abroad(e.flows, 2) for e in self._both)))

    # --- sectors ----------------------------------------------------------------------------
    @cached_property
    def output(self) -> xr.DataArray:
        """Change of the quantity produced, percent; dims sector, country."""
        b, a = (e.point.Y / np.exp(e.point.log_c) for e in self._both)
        return self._of("output", change(b, a))

    @cached_property
    def output_value(self) -> xr.DataArray:
        """Change of sales at basic prices, percent; dims sector, country."""
        return self._of("output_value", change(self.base.point.Y, self.after.point.Y))

    @cached_property
    def prices(self) -> xr.DataArray:
        """Change of buyers' prices, percent; dims sector, country."""
        b, a = (e.price_logs for e in self._both)
        change = 100.0 * np.expm1(a - b)
        return self._of("prices", np.where(self.base.point.X > 0, change, np.nan))

    @cached_property
    def cost(self) -> xr.DataArray:
        """Change of sellers' unit costs, percent; dims sector, country."""
        b, a = (e.cost_logs for e in self._both)
        change = 100.0 * np.expm1(a - b)
        return self._of("cost", np.where(self.base.point.Y > 0, change, np.nan))

    @property
    def price_level(self) -> xr.DataArray:
        """Buyers' prices after the change over the world table's, ratio; dims sector, country."""
        return self._of("price_level", np.exp(self.after.price_logs))

    @property
    def cost_level(self) -> xr.DataArray:
        """Unit costs after the change over the world table's, ratio; dims sector, country."""
        return self._of("cost_level", np.exp(self.after.cost_logs))

    @cached_property
    def sector_exports(self) -> xr.DataArray:
        """Change of exports by sector at border prices, percent; dims sector, country."""
        b, a = (abroad_by_sector(e) for e in self._both)
        return self._of("exports", change(b, a), ("sector", "country"))

    # --- what only some models have -----------------------------------------------------------
    def own(self, name: str) -> xr.DataArray:
        """A variable that only some models have (see their ``abilities``): its change in percent,
        or its level after the change where its unit is another.

        Raises
        ------
        InputError
            The model does not have it; the message names those that do.
        """
        refuse_unable(self.after.model, "variable", name, "outcome")
        before, level = (e.extra[name] for e in self._both)
        changes = variable(name).unit == "percent"
        return self._of(name, change(before, level) if changes else level)

    # --- flows ------------------------------------------------------------------------------
    @cached_property
    def trade(self) -> xr.DataArray:
        """Flows after the change at border prices, USD million; sector, importer, exporter."""
        return self._of("trade_after", self.after.flows)

    @cached_property
    def trade_before(self) -> xr.DataArray:
        """Flows before the change at border prices, USD million; sector, importer, exporter."""
        return self._of("trade_before", self.base.flows)

    @cached_property
    def trade_change(self) -> xr.DataArray:
        """Flows after less before, USD million; sector, importer, exporter."""
        return self._of("trade_change", self.after.flows - self.base.flows)

    @property
    def sales(self) -> xr.DataArray:
        """Change of each flow at border prices, percent; sector, importer, exporter."""
        return self._of("sales", change(self.base.flows, self.after.flows))

    # --- first-order decomposition ----------------------------------------------------------
    @cached_property
    def first_order(self) -> xr.Dataset:
        """Terms of trade, volume of trade and their companions, percent; dim country.

        NaN for a country with a banned flow: the first-order formula has no value there, and
        ``attrs["missing"]`` names those countries; NaN everywhere in a model that has no such
        formula. ``welfare`` is the sum of the terms. With quotas the volume of trade counts their
        price wedges like tariffs, rents at home in it, and ``quota_rent_received`` is the change of
        the rents that cross borders.
        """
        sums = self.first_order_sums
        named, reason = self.world.countries, f"the model {self.model} has no first-order terms"
        if self._has_first_order:
            missing = self._terms.missing
            named = [c for c, m in zip(self.world.countries, missing, strict=True) if m]
            reason = "a flow is banned" if named else ""
        return xr.Dataset(
            {name: self._of(name, value) for name, value in sums.items()},
            attrs={"missing": ", ".join(named), "reason": reason},
        )

    @property
    def _has_first_order(self) -> bool:
        return "first order" in self.after.model.abilities.tasks

    @property
    def _has_quotas(self) -> bool:
        return self.base.quotas is not None or self.after.quotas is not None

    @property
    def _rent_term(self) -> Array:
        """Change of the rents received from abroad, net, percent of base income (N,)."""
        before, after = (0.0 if e.quotas is None else e.quotas.from_abroad for e in self._both)
        return np.asarray(100.0 * (after - before) / self.base.point.income)

    @cached_property
    def first_order_sums(self) -> dict[str, Array]:
        """The terms of ``first_order`` as bare arrays, (N,)."""
        if not self._has_first_order:
            self.require_converged()
            nothing = np.full(len(self.world.countries), np.nan)
            own = ("quota_rent_received",) if self._has_quotas else ()
            names = (*FirstOrder._fields[:5], *own, "welfare")
            return dict.fromkeys(names, nothing)
        terms = self._terms
        sums = {
            name: getattr(terms, name).sum(axis=(0, 2))
            for name in ("terms_of_trade", "volume_of_trade", "trade_cost", "export_tax_volume")
        }
        sums["transfer_received"] = terms.transfer_received
        if self._has_quotas:
            sums["quota_rent_received"] = self._rent_term
            sums["transfer_received"] = terms.transfer_received - self._rent_term
        for name in ("volume_of_trade", "trade_cost"):
            sums[name] = np.where(terms.missing, np.nan, sums[name])
        sums["welfare"] = np.sum(list(sums.values()), axis=0)
        return sums

    @cached_property
    def first_order_detail(self) -> xr.Dataset:
        """The bilateral terms by sector, country and partner, percent of the country's income."""
        terms = self._terms
        dims = ("sector", "country", "partner")
        coords = {
            "sector": self.world.sectors,
            "country": self.world.countries,
            "partner": self.world.countries,
        }
        return xr.Dataset(
            {
                name: xr.DataArray(getattr(terms, name), coords, dims, attrs={"unit": "percent"})
                for name in terms._fields[:4]
            }
        )

    @cached_property
    def _terms(self) -> FirstOrder:
        refuse_unable(self.after.model, "task", "first order", "first_order")
        self.require_converged()
        return first_order(self.base, self.after)

    # --- together ---------------------------------------------------------------------------
    def to_dataset(self) -> xr.Dataset:
        """Every variable of the outcome in one labelled dataset, provenance in ``attrs``.

        Changes and flows; levels (ratios to the world table) and incomes ``_before`` and
        ``_after`` the policy, and what was levied in each: enough to audit the outcome without
        the solver (:func:`detente.audit`).
        """
        found = self._results()
        for side, e, levied in (
            ("before", self.base, self.baseline),
            ("after", self.after, self.policy),
        ):
            levels = {
                "wage_level": e.wage,
                "price_level": np.exp(e.price_logs),
                "cost_level": np.exp(e.cost_logs),
            }
            for name, values in levels.items():
                found[f"{name}_{side}"] = self._of(name, values)
            for name in ("export_tax", "iceberg", "transfer"):
                array = levied.transfer if name == "transfer" else whole(levied, name)
                found[f"{name}_{side}"] = array.assign_attrs(unit=variable(name).unit)
            found |= self._under_quotas(side, e, levied)
        found["tariff_before"] = whole(self.baseline, "tariff").assign_attrs(unit="fraction")
        b = self.base.point
        found["income_before"] = self._of("income", b.income)
        found["revenue_before"] = self.revenue_before
        found["export_revenue_before"] = self._of("export_revenue", b.export_revenue)
        out = self._together(found)
        for side, levied in (("before", self.baseline), ("after", self.policy)):
            if levied.quota:
                out.attrs[f"quotas_{side}"] = json.dumps([asdict(q) for q in levied.quota])
        return out

    def _under_quotas(self, side: str, e: Equilibrium, levied: Policy) -> dict[str, xr.DataArray]:
        """What an audit needs besides, where there are quotas: all that buyers pay over the border
        price, and who receives rents and who pays them."""
        if e.quotas is None:
            return {}
        iceberg = levied.iceberg.values if e.policy.iceberg is None else e.policy.iceberg
        return {
            f"border_wedge_{side}": levied.tariff.copy(data=e.policy.tariff).assign_attrs(
                unit="fraction"
            ),
            f"iceberg_{side}": levied.iceberg.copy(data=iceberg).assign_attrs(unit="factor"),
            f"quota_rent_{side}": self._of("quota_rent", e.quotas.received),
            f"quota_rent_paid_{side}": self._of("quota_rent", e.quotas.in_importers),
        }

    def _results(self) -> dict[str, xr.DataArray]:
        """Changes and flows, and the tariffs after the change."""
        names = (
            "real_income", "real_wage", "wage", "consumer_price", "income", "revenue",
            "export_revenue", "deficit_after", "exports", "imports", "output", "output_value",
            "prices", "cost", "sector_exports",
        )  # fmt: skip
        found = {name: getattr(self, name) for name in names}
        if self._has_quotas:
            found["quota_rent"] = self.quota_rent
        found |= {name: self.own(name) for name in self.after.model.abilities.variables}
        found |= {str(name): array for name, array in self.first_order.data_vars.items()}
        found["trade_after"], found["trade_before"] = self.trade, self.trade_before
        found["tariff"] = whole(self.policy, "tariff").assign_attrs(unit="fraction")
        return found

    def _together(self, arrays: dict[str, xr.DataArray]) -> xr.Dataset:
        # all have the world's labels: aligning them one by one would take longer than the solve
        places = dict.fromkeys(("country", "importer", "exporter"), self.world.countries)
        labels = {"sector": self.world.sectors, **places}
        attrs = {
            k: v if isinstance(v, (str, int, float)) else str(v) for k, v in self.provenance.items()
        }
        bare = {name: (a.dims, a.values, a.attrs) for name, a in arrays.items()}
        return xr.Dataset(bare, labels, attrs)

    def compare(self, other: Outcome) -> xr.Dataset:
        """This outcome less ``other``: percentage points, or USD million; labelled.

        Raises
        ------
        InputError
            The two are not on the same world and baseline.
        """
        if (self.world.hash, self.baseline.hash, self.deficit, self.after.model) != (
            other.world.hash, other.baseline.hash, other.deficit, other.after.model,
        ):  # fmt: skip
            raise InputError(
                "compare: the outcomes differ in world, baseline, model or deficit closure, so "
                "that their changes have different origins; simulate both on one world and "
                "baseline, in one model"
            )
        mine, theirs = (o._together(o._results()) for o in (self, other))
        out = mine - theirs
        for name in out.data_vars:
            unit = str(mine[name].attrs.get("unit", ""))
            out[name].attrs["unit"] = "percentage points" if unit == "percent" else unit
        out.attrs = {"this": self.policy.title, "other": other.policy.title}
        return out

    def __repr__(self) -> str:
        if self.status != "converged":
            return f"<Outcome {self.policy.title or 'untitled'}: {self.status}>"
        low = self.real_income.min().item()
        return (
            f"<Outcome {self.policy.title or 'untitled'} on {self.world.name}: converged in "
            f"{self.after.solution.steps} steps, real income from {low:+.2f}% to "
            f"{self.real_income.max().item():+.2f}%>"
        )

    @property
    def _both(self) -> tuple[Equilibrium, Equilibrium]:
        return self.base, self.after

    def require_converged(self) -> None:
        """Refuse to be read where there is no result.

        Raises
        ------
        ConvergenceError, NoSolutionError
            The solve stopped early, or there is no equilibrium.
        """
        if self.status == "no_solution" and self.error is not None:
            raise self.error
        if self.status != "converged":
            raise ConvergenceError(
                f"this outcome is {self.status}: {self.after.solution.message}; its numbers "
                "are not results (outcome.after holds what was reached)",
                self.after.solution,
            )

    def _of(self, name: str, values: Array, dims: tuple[str, ...] | None = None) -> xr.DataArray:
        self.require_converged()
        row = variable(name)
        dims = dims or row.dims
        array = template(self.world, dims).copy(deep=False, data=np.asarray(values))
        array.name = name
        array.attrs = {"unit": row.unit, "long_name": row.definition}
        return array

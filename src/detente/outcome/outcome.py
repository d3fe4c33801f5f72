"""``Outcome``: labelled results of one simulation, with units, checks and provenance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from detente.errors import DetenteError
from detente.models.blocks import Array
from detente.models.registry import refuse_unable
from detente.outcome import decomposition
from detente.outcome.dataset import compare, dataset
from detente.outcome.equilibrium import Equilibrium
from detente.outcome.labelled import abroad, abroad_by_sector, change, named
from detente.outcome.provenance import failure, provenance, refusal
from detente.outcome.welfare import FirstOrder, first_order
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
        return failure(self)

    @property
    def checks(self) -> dict[str, float]:
        """Relative errors of market clearing, Walras' law and share sums; empty where there is no
        solution."""
        return {} if self.status == "no_solution" else self.after.checks

    @property
    def provenance(self) -> dict[str, Any]:
        """What produced these numbers: enough to produce them again."""
        return provenance(self)

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
        return decomposition.by_country(self)

    @cached_property
    def first_order_sums(self) -> dict[str, Array]:
        """The terms of ``first_order`` as bare arrays, (N,)."""
        return decomposition.sums(self)

    @cached_property
    def first_order_detail(self) -> xr.Dataset:
        """The bilateral terms by sector, country and partner, percent of the country's income."""
        return decomposition.by_partner(self)

    @cached_property
    def first_order_terms(self) -> FirstOrder:
        """The terms by sector, country and partner as bare arrays.

        Raises
        ------
        InputError
            The model has no such formula.
        """
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
        return dataset(self)

    def compare(self, other: Outcome) -> xr.Dataset:
        """This outcome less ``other``: percentage points, or USD million; labelled.

        Raises
        ------
        InputError
            The two are not on the same world and baseline.
        """
        return compare(self, other)

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
        if (error := refusal(self)) is not None:
            raise error

    def _of(self, name: str, values: Array, dims: tuple[str, ...] | None = None) -> xr.DataArray:
        self.require_converged()
        return named(self.world, name, values, dims)

"""``Equilibrium``: one solved set of equations, and what can be read off it in any model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from detente.models.blocks import Array, Instruments
from detente.models.closure import Closure
from detente.models.model import Model, Problem
from detente.solve.solution import Solution

if TYPE_CHECKING:
    from detente.outcome.quotas import Held

__all__ = ["Equilibrium", "Nowhere"]


@dataclass(frozen=True)
class Nowhere:
    """In place of a point where there is no solution: reading it says why."""

    error: Exception

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise self.error


@dataclass(frozen=True, eq=False)
class Equilibrium:
    """One equilibrium in levels: (N,) and (J, N) arrays relative to the world's base prices.

    Under quotas ``policy`` is what the model was given: tariffs with the quotas' price wedges in
    them, transfers with the rents that leave; ``quotas`` holds what they do.

    ``table`` is the model's base. The kernel is built when first asked for, so that an
    equilibrium solved in another process comes home as its small arrays only.
    """

    model: Model
    table: Any
    policy: Instruments
    closure: Closure
    point: Any
    solution: Solution
    quotas: Held | None = None

    @cached_property
    def kernel(self) -> Any:
        """What the policy makes of the table."""
        return self.model.kernel(self.table, self.policy)

    @cached_property
    def economy(self) -> Any:
        """The table without the markets that nobody buys in under the policy."""
        return self.model.in_use(self.table, self.kernel)

    @property
    def problem(self) -> Problem:
        """The equations that were solved."""
        return Problem(self.economy, self.policy, self.kernel, self.closure)

    @cached_property
    def wage(self) -> Array:
        """Wage over the world table's, (N,)."""
        return np.exp(self.point.log_w)

    @cached_property
    def consumer_price(self) -> Array:
        """Price index of final demand over the world table's, (N,)."""
        return np.exp((self.table.alpha * self.point.log_P_new).sum(axis=0))

    @cached_property
    def price_logs(self) -> Array:
        """Log of buyers' prices over the world table's (J, N); NaN where nobody can sell."""
        return self.model.price_logs(self.point, self._whole)

    @cached_property
    def cost_logs(self) -> Array:
        """Log of sellers' prices before taxes over the world table's (J, N); NaN where a producer
        lacks an input."""
        return self.model.cost_logs(self.point, self._whole)

    @cached_property
    def flows(self) -> Array:
        """Sales at border prices, export tax in, tariff out; (J, N, N) sector, importer,
        exporter; USD million."""
        return self.model.flows(self.point, self.kernel)

    @cached_property
    def shares(self) -> Array:
        """Shares of buyers' spending (J, N, N): sector, importer, exporter."""
        return self.model.shares(self.point, self.kernel)

    def bought_by(self, importer: int) -> tuple[Array, Array]:
        """What one country buys (J, N) = sector, exporter: flows at border prices, and shares of
        its spending."""
        return self.model.bought_by(importer, self.point, self.kernel)

    def sold_by(self, exporter: int) -> tuple[Array, Array]:
        """What one country sells (J, N) = sector, importer: flows at border prices, and shares of
        its buyers' spending."""
        return self.model.sold_by(exporter, self.point, self.kernel)

    @cached_property
    def trade_deficit(self) -> Array:
        """Imports less exports at border prices, (N,)."""
        return self.model.trade_deficit(self.point, self.kernel)

    @cached_property
    def extra(self) -> dict[str, Array]:
        """Levels of the model's own variables, by name."""
        return self.model.extra(self.point, self.problem)

    @cached_property
    def checks(self) -> dict[str, float]:
        """Largest relative errors of market clearing, of Walras' law and of shares."""
        found = self.model.checks(self.point, self.problem)
        return found if self.quotas is None else {**found, "quotas": self.quotas.error}

    @cached_property
    def tariff_revenue(self) -> Array:
        """Duties collected by each importer's state, (N,): without the rents of quotas."""
        revenue = self.point.tariff_revenue
        return revenue if self.quotas is None else revenue - self.quotas.in_importers

    @property
    def _whole(self) -> Problem:
        return Problem(self.table, self.policy, self.kernel, self.closure)

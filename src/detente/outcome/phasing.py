"""A policy with a part of its measures in force, for :mod:`detente.solve.phase_in`.

From the world table, which is an equilibrium, tariffs, taxes and icebergs rise in equal steps of
their logs, banned flows shrink to zero, transfers move in proportion; under the "zero" closure
the deficits shrink first, while trade is still open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from detente.models.blocks import Array, Instruments
from detente.models.closure import Closure
from detente.models.model import Model, Problem

__all__ = ["Phase", "part_of", "share_in_force"]


class Phase:
    """The equations of a model with a share of the measures in force.

    ``base`` is the model's, with the markets that nobody buys in under ``policy`` at zero.
    """

    def __init__(
        self, model: Model, base: Any, policy: Instruments, closure: Closure, share: float
    ) -> None:
        self.model, self.closure = model, closure
        if closure.name == "zero":
            left = max(0.0, 1.0 - 2.0 * share)
            share = share_in_force(closure, share)
            if left > 0:
                self.closure = Closure(
                    "fixed", left * closure.base_deficit, closure.base_own_income
                )
        levied = part_of(policy, base, share)
        self.problem = Problem(base, levied, model.kernel(base, levied), self.closure)

    def at(self, z: Array) -> Any:
        """The model's point."""
        with np.errstate(all="ignore"):
            return self.model.evaluate(z, self.problem)

    def residual(self, z: Array) -> Array:
        """Errors of the equations."""
        return self.model.residual(self.at(z), self.problem)

    def jacobian(self, z: Array) -> Callable[[Array], Array]:
        """Their derivative along a vector."""
        p = self.at(z)
        return lambda v: self.model.tangent(v, p, self.problem)

    def direction(self, z: Array) -> Callable[[Array], Array]:
        """The step direction of the economy at ``z``."""
        return self.model.steps_at(self.at(z), self.problem).direction

    def stands(self, z: Array) -> bool:
        """Whether every country has an income."""
        return bool((self.at(z).income > 0).all())


def share_in_force(closure: Closure, share: float) -> float:
    """The part of the measures in force at ``share`` of the way: under "zero" the first half
    takes the deficits down."""
    return max(0.0, 2.0 * share - 1.0) if closure.name == "zero" else share


def part_of(policy: Instruments, base: Any, share: float) -> Instruments:
    """The measures at a share of their logs. A ban is a cost of ``(1 - share)^-4`` at least, and
    leaves no more than ``(1 - share)^4`` of the flow at equal prices: nearly nothing, in costs
    and in flows, already where the last steps are small."""
    if share == 1.0:
        return policy
    was, will = np.log1p(base.tariff), np.log1p(policy.tariff)
    tariff = np.where(was == will, base.tariff, np.expm1((1 - share) * was + share * will))
    tax = None if policy.export_tax is None else np.expm1(share * np.log1p(policy.export_tax))
    iceberg = policy.iceberg
    if iceberg is not None:
        banned = np.isinf(iceberg)
        finite = np.exp(share * np.log(np.where(banned, 1.0, iceberg)))
        part = (1.0 - share) ** (-4.0 * np.maximum(1.0, 1.0 / base.theta))[:, None, None]
        iceberg = np.where(banned, part, finite)
    return Instruments(tariff, tax, iceberg, share * policy.transfer)

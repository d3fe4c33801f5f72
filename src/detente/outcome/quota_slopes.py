"""Derivatives under quotas: of volumes and rents, and of outcomes through them.

Where a quota binds its price wedge moves with every policy, and so do rents that leave a country.
With ``s`` the log wedges and those rents, ``u`` what governments set, ``x(u, s)`` what the model is
given and ``C(u, s) = 0`` the conditions of the regimes that hold, an outcome ``g`` has

    dg/du = g_x x_u - mu C_u,    with mu solving  C_s' mu = g_s.

Regimes are held: that is the derivative where no quota stands at a kink, where just the quota
enters at the tariff, or at the over-quota rate. There it is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from detente.errors import InputError
from detente.models.bars import Bars, PolicyGradient
from detente.models.blocks import Array, Instruments, Quota
from detente.models.quotas import Sales, owned_abroad, rent_bars, volume_bars
from detente.outcome.equilibrium import Equilibrium
from detente.solve.krylov import KrylovSpace

if TYPE_CHECKING:
    from detente.outcome.quotas import Held

__all__ = ["Slopes", "Through", "in_unknowns"]

KINK = 1e-6
"""Log volume from the quota, or log wedge from its bounds, below which a quota is at a kink."""


class Slopes:
    """Derivatives of volumes and rents at one equilibrium, in all instruments."""

    def __init__(self, e: Equilibrium, steps: Any, rtol: float) -> None:
        self._e, self._rtol = e, rtol
        self._shape = e.policy.tariff.shape
        problem = e.problem
        self._problem = problem
        self._space = KrylovSpace(
            lambda y: e.model.cotangent(y, e.point, problem),
            lambda v: -steps.transposed(v),
            e.solution.value.size,
        )

    def volume(self, quota: Quota, sold: Sales) -> PolicyGradient:
        """Of the log volume under a quota."""
        found = self._of(volume_bars(quota, sold, self._shape))
        return self._priced(found, quota, sold, 1.0)

    def inside(self, quota: Quota, sold: Sales, place: int, over: bool) -> PolicyGradient:
        """Of one exporter's sales within the quota."""
        found = self._of(rent_bars(quota, sold, place, self._shape, over))
        if not over:
            return found
        return self._priced(found, quota, sold, -quota.volume / sold.volume * sold.border[place])

    def _priced(
        self, found: PolicyGradient, quota: Quota, sold: Sales, weight: float
    ) -> PolicyGradient:
        """Taxes and icebergs also are in the prices that volumes are sales over."""
        j, n, i = quota.sector, quota.importer, list(quota.exporters)
        part = weight * sold.volumes / sold.volume
        policy = self._e.policy
        tax = 0.0 if policy.export_tax is None else policy.export_tax[j, n, i]
        found.export_tax[j, n, i] -= part / (1.0 + tax)
        iceberg = 1.0 if policy.iceberg is None else policy.iceberg[j, n, i]
        found.iceberg[j, n, i] -= part / iceberg
        return found

    def _of(self, bars: Bars) -> PolicyGradient:
        e, problem = self._e, self._problem
        target = e.model.pull_back(bars, e.point, problem)
        y = self._space.solve(target, rtol=self._rtol)
        found = e.model.policy_gradient(bars, y, e.point, problem)
        return PolicyGradient(*(np.array(part) for part in found))


def in_unknowns(found: PolicyGradient, live: tuple[Quota, ...], policy: Instruments) -> Array:
    """A derivative in the model's instruments as one in log wedges and rents that leave (K + M,).

    ``policy`` is what the model was given, wedges in it.
    """
    wedges = [
        float(
            found.tariff[q.sector, q.importer, list(q.exporters)]
            @ (1.0 + policy.tariff[q.sector, q.importer, list(q.exporters)])
        )
        for q in live
    ]
    rents = [
        float(found.transfer[live[k].exporters[e]] - found.transfer[live[k].importer])
        for k, e in owned_abroad(live)
    ]
    return np.array([*wedges, *rents])


class Through:
    """The way from a derivative in what the model is given to one in what governments set.

    Raises
    ------
    InputError
        A quota is at a kink; the message names it.
    """

    def __init__(self, e: Equilibrium, steps: Any, cells: list[str], rtol: float) -> None:
        held = e.quotas
        assert held is not None
        self._e, self._held = e, held
        _refuse_kinks(held, cells)
        slopes, K = Slopes(e, steps, rtol), len(held.live)
        self._pairs = owned_abroad(held.live)
        size = K + len(self._pairs)
        self._rows: list[PolicyGradient | None] = [None] * size
        self._weights = np.zeros(size)
        matrix = np.eye(size)
        for k, q in enumerate(held.live):
            if held.regimes[k] == "binding":
                row = self._rows[k] = slopes.volume(q, held.sold[k])
                self._weights[k] = 1.0
                matrix[k] = in_unknowns(row, held.live, e.policy)
        for m, (k, place) in enumerate(self._pairs):
            q, sold, regime = held.live[k], held.sold[k], held.regimes[k]
            if regime == "slack" or not sold.border[place] > 0:
                continue
            row = self._rows[K + m] = slopes.inside(q, sold, place, regime == "over")
            wedge = float(np.expm1(held.log_R[k]))
            self._weights[K + m] = -wedge
            matrix[K + m] -= wedge * in_unknowns(row, held.live, e.policy)
            matrix[K + m, k] -= (1.0 + wedge) * self._inside(k) * sold.border[place]
        self._matrix = matrix

    def _inside(self, k: int) -> float:
        """Part of the sales under a quota that is within it."""
        held = self._held
        return held.live[k].volume / held.sold[k].volume if held.regimes[k] == "over" else 1.0

    def _multipliers(self, found: PolicyGradient) -> Array:
        right = in_unknowns(found, self._held.live, self._e.policy)
        return np.linalg.solve(self._matrix.T, right)

    def instruments(self, found: PolicyGradient) -> PolicyGradient:
        """Derivatives in tariffs (within quotas), taxes, icebergs and transfers."""
        held = self._held
        mu = self._multipliers(found)
        arrays = [np.array(part) for part in found]
        for row, weight, multiplier in zip(self._rows, self._weights, mu, strict=True):
            if row is not None:
                for array, part in zip(arrays, row, strict=True):
                    array -= multiplier * weight * part
        out = PolicyGradient(*arrays)
        rates, K = held.policy.tariff, len(held.live)
        for k, q in enumerate(held.live):
            cells = q.sector, q.importer, list(q.exporters)
            # buyers pay the over-quota rate whatever the tariff within the quota
            out.tariff[cells] *= 0.0 if held.regimes[k] == "over" else np.exp(held.log_R[k])
        for m, (k, place) in enumerate(self._pairs):
            if held.regimes[k] == "over":
                q = held.live[k]
                cell = q.sector, q.importer, q.exporters[place]
                inside = self._inside(k) * held.sold[k].border[place]
                out.tariff[cell] -= mu[K + m] * np.exp(held.log_R[k]) * inside / (1.0 + rates[cell])
        return out

    def volumes(self, found: PolicyGradient) -> Array:
        """Derivatives in the volumes of the quotas, in the policy's order; NaN for a quota of
        zero, which no volume can be taken from."""
        held = self._held
        mu, K = self._multipliers(found), len(held.live)
        live = np.zeros(K)
        for k, q in enumerate(held.live):
            if held.regimes[k] == "binding":
                live[k] = mu[k] / q.volume
        for m, (k, place) in enumerate(self._pairs):
            if held.regimes[k] == "over":
                border = held.sold[k].border[place] / held.sold[k].volume
                live[k] += mu[K + m] * float(np.expm1(held.log_R[k])) * border
        places = iter(live)
        return np.array([next(places) if q.volume > 0 else np.nan for q in held.quotas])


def _refuse_kinks(held: Held, cells: list[str]) -> None:
    live = [c for c, q in zip(cells, held.quotas, strict=True) if q.volume > 0]
    for k, (q, sold, regime) in enumerate(zip(held.live, held.sold, held.regimes, strict=True)):
        if regime == "binding":
            near = min(held.log_R[k], held.top[k] - held.log_R[k])
        elif sold.volume > 0 and np.isfinite(q.volume):
            near = abs(float(np.log(sold.volume / q.volume)))
        else:
            continue
        if near <= KINK and held.top[k] > 0:
            raise InputError(
                f"gradient: {live[k]}: just the quota enters at the "
                f"{'tariff' if held.log_R[k] < 0.5 * held.top[k] else 'over-quota rate'}, a kink "
                "where derivatives to the left and to the right differ; change the quota a little"
            )

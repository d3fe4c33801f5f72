"""Quotas and tariff-rate quotas on top of any model.

The first units up to a volume enter at the tariff; what is above pays the over-quota rate, or
stays out. All units sell at one price. Let R be that price over the price at the tariff alone,
V the volume that enters and Q the quota. One of three regimes holds:

    slack     R = 1                       V <= Q
    binding   1 < R < (1+t_over)/(1+t)    V  = Q
    over      R = (1+t_over)/(1+t)        V >= Q

To the model a quota is therefore a tariff, (1+t)R - 1, whose proceeds are shared out: those who
may import or export within the quota keep what the price is above cost and duty, their rent. A
rent at home stays in the importer's income, where the model puts the proceeds. A rent abroad
leaves as a transfer from the importer to the exporter. With b the sales at border prices, rent
left out, and f = min(1, Q/V) the part of them within the quota,

    of the importer's firms, or the auction   f b (1+t)(R-1)    duty is on the price without rent
    of the exporter's firms                   f b (R-1)         duty is on the price they ask

The second is what a tax of R - 1 by the exporter's state would bring at the same tariff: a quota
administered abroad is a voluntary export restraint. Volumes are sales over the change of the
delivered border price, in USD million at base-year prices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from detente.models.bars import Bars
from detente.models.blocks import Array, Instruments, Quota
from detente.models.model import Model, Problem

__all__ = ["Sales", "ceiling", "effective", "enforced", "owned_abroad", "rent_bars", "sales",
           "volume_bars"]  # fmt: skip


class Sales(NamedTuple):
    """What one quota's exporters (E,) sell under it: at border prices without rent, USD million;
    log of the delivered border price over the base; and volumes, USD million at base prices."""

    border: Array
    log_price: Array
    volumes: Array

    @property
    def volume(self) -> float:
        """Of all exporters together."""
        return float(self.volumes.sum())


def ceiling(quota: Quota, policy: Instruments) -> float:
    """Log of the largest R: where the over-quota rate is due; infinite if nothing enters above."""
    if np.isinf(quota.over):
        return float("inf")
    rate = policy.tariff[quota.sector, quota.importer, quota.exporters[0]]
    return float(np.log1p(quota.over) - np.log1p(rate))


def enforced(policy: Instruments, quotas: Sequence[Quota]) -> Instruments:
    """The policy with quotas of zero as what they are: a ban, or the over-quota rate for all."""
    tariff, iceberg = policy.tariff, policy.iceberg
    for q in quotas:
        if q.volume > 0:
            continue
        cells = q.sector, q.importer, list(q.exporters)
        if np.isinf(q.over):
            iceberg = np.ones_like(tariff) if iceberg is None else iceberg.copy()
            iceberg[cells] = np.inf
        else:
            tariff = tariff.copy()
            tariff[cells] = q.over
    return policy._replace(tariff=tariff, iceberg=iceberg, quotas=())


def owned_abroad(quotas: Sequence[Quota]) -> list[tuple[int, int]]:
    """(number of the quota, position among its exporters) of every rent that leaves."""
    owned = [(k, q) for k, q in enumerate(quotas) if q.owner == "exporter"]
    return [(k, e) for k, q in owned for e in range(len(q.exporters))]


def effective(
    policy: Instruments, quotas: Sequence[Quota], log_R: Array, abroad: Array
) -> Instruments:
    """What the model is given: tariffs with the price wedges (K,) in them, and the rents that
    leave (as :func:`owned_abroad`) among the transfers."""
    tariff, transfer = policy.tariff, policy.transfer
    if (log_R != 0).any():
        tariff = tariff.copy()
        for q, log in zip(quotas, log_R, strict=True):
            if log != 0:
                cells = q.sector, q.importer, list(q.exporters)
                tariff[cells] = (1.0 + tariff[cells]) * np.exp(log) - 1.0
    if (abroad != 0).any():
        transfer = transfer.copy()
        for (k, e), rent in zip(owned_abroad(quotas), abroad, strict=True):
            transfer[quotas[k].exporters[e]] += rent
            transfer[quotas[k].importer] -= rent
    return policy._replace(tariff=tariff, transfer=transfer, quotas=())


def sales(quota: Quota, model: Model, p: Any, problem: Problem) -> Sales:
    """What is sold under a quota at a point."""
    j, n, i = quota.sector, quota.importer, list(quota.exporters)
    border = model.bought_by(n, p, problem.kernel)[0][j, i]
    log_price = np.array(p.log_c[j, i], dtype=float)
    for raised, plus in ((problem.policy.export_tax, 1.0), (problem.policy.iceberg, 0.0)):
        if raised is not None:
            log_price += np.log(raised[j, n, i] + plus)
    open_ = border > 0
    volumes = np.where(open_, border * np.exp(-np.where(open_, log_price, 0.0)), 0.0)
    return Sales(border, log_price, volumes)


def volume_bars(quota: Quota, sold: Sales, shape: tuple[int, ...]) -> Bars:
    """Weights of log volume on what a point holds; ``shape`` is (J, N, N)."""
    j, n, i = quota.sector, quota.importer, list(quota.exporters)
    flows, log_c = np.zeros(shape), np.zeros(shape[:2])
    part = sold.volumes / sold.volume
    open_ = sold.border > 0
    flows[j, n, i] = np.where(open_, part / np.where(open_, sold.border, 1.0), 0.0)
    log_c[j, i] = -part
    return Bars(flows=flows, log_c=log_c)


def rent_bars(quota: Quota, sold: Sales, place: int, shape: tuple[int, ...], over: bool) -> Bars:
    """Weights of the sales ``f b`` of one exporter within the quota; ``f`` is one in the binding
    regime."""
    flows, log_c = np.zeros(shape), np.zeros(shape[:2])
    inside = quota.volume / sold.volume if over else 1.0
    flows[quota.sector, quota.importer, quota.exporters[place]] = inside
    if over:
        spread = volume_bars(quota, sold, shape)
        amount = inside * sold.border[place]
        flows -= amount * np.asarray(spread.flows)
        log_c -= amount * np.asarray(spread.log_c)
    return Bars(flows=flows, log_c=log_c)

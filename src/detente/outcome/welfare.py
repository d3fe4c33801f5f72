"""The first-order welfare decomposition of Caliendo and Parro (2015, eq. 16), with the further
terms that icebergs, export taxes and transfers bring.

From the envelope theorem, at base weights and with finite changes put in for differentials
(g is the growth of a flow at border prices, p its delivered border price c (1+e) d):

    terms of trade    sum over partners of  exports0 (c_n(1+e) - 1) - imports0 (c_i(1+e) - 1)
    volume of trade   sum of  t0 imports0 (g - (p - 1))
    trade cost        minus the sum of  imports0 (d - 1)
    export-tax volume sum of  e0 sales0 (growth of sales - (c - 1))
    transfer          change of the trade deficit: the closure's deficit and transfers

all over base income. Domestic flows are in the sums: their terms of trade cancel. It is an
approximation, and not the exact change of real income.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detente.models.blocks import Array
from detente.outcome.equilibrium import Equilibrium

__all__ = ["FirstOrder", "first_order"]


class FirstOrder(NamedTuple):
    """Terms in percent of base income, by sector, country and partner (J, N, N), except
    ``transfer_received`` (N,). ``missing`` marks countries with a banned flow (N,), and those that
    trade with a seller who can no longer produce, for want of an input: his price is NaN."""

    terms_of_trade: Array
    volume_of_trade: Array
    trade_cost: Array
    export_tax_volume: Array
    transfer_received: Array
    missing: Array


def first_order(base: Equilibrium, after: Equilibrium) -> FirstOrder:
    """The terms between two equilibria of one world."""
    M0, M1 = base.flows, after.flows
    if base.policy.iceberg is not None:
        M1 = np.where(M0 > 0, M1, 0.0)  # what a ban had closed has no growth
    scale = 100.0 / base.point.income[:, None]
    c = np.exp(after.cost_logs - base.cost_logs)[:, None, :]
    stopped = np.isnan(c) & (M0 > 0)
    c = np.where(np.isnan(c) & (M0 == 0), 1.0, c) if np.isnan(c).any() else c
    e0, e1 = base.policy.export_tax, after.policy.export_tax
    tax = (1.0 if e1 is None else 1.0 + e1) / (1.0 if e0 is None else 1.0 + e0)
    fob = c * tax
    gain = M0 * (fob - 1.0)
    tot = gain.transpose(0, 2, 1) - gain
    tot *= scale
    d = _cost_change(base.policy.iceberg, after.policy.iceberg)
    cut = np.zeros(len(scale), dtype=bool)
    cost = np.zeros_like(M0)
    if d is not None:
        cut = np.asarray((np.isinf(d) & (M0 > 0)).any(axis=(0, 2)))
        d = np.where(np.isinf(d), 1.0, d)
        cost = M0 * (1.0 - d) * scale
        fob = fob * d
    cut |= stopped.any(axis=(0, 2)) | stopped.any(axis=(0, 1))
    # a flow times its growth is the flow after
    vot = M1 - M0 * fob
    vot *= base.policy.tariff
    vot *= scale
    sold = np.zeros_like(M0)
    if e0 is not None:
        sold = np.where(e0 != 0.0, e0 / (1.0 + e0) * (M1 / tax - M0 * c), 0.0)
        sold = np.ascontiguousarray(sold.transpose(0, 2, 1))
        sold *= scale
    transfer = after.trade_deficit - base.trade_deficit
    return FirstOrder(tot, vot, cost, sold, 100.0 * transfer / base.point.income, cut)


def _cost_change(before: Array | None, after: Array | None) -> Array | None:
    """Iceberg after over before; infinite where a ban is new, one where a flow was banned
    already; None where neither has icebergs."""
    if before is None and after is None:
        return None
    d0 = np.ones(1) if before is None else before
    d1 = np.ones(1) if after is None else after
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(np.isinf(d0), 1.0, d1 / d0))

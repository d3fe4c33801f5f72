"""The first-order welfare decomposition of Caliendo and Parro (2015, eq. 16), with the further
terms that icebergs, export taxes and transfers bring.

From the envelope theorem, at base weights and with finite changes put in for differentials
(g is the growth of a flow at border prices, p its delivered border price c (1+e) d):

    terms of trade    sum over partners of  exports0 (c_n(1+e) - 1) - imports0 (c_i(1+e) - 1)
    volume of trade   sum of  t0 imports0 (g - (p - 1))
    trade cost        minus the sum of  imports0 (d - 1)
    export-tax volume sum of  e0 sales0 (growth of sales - (c - 1))
    transfer          change of deficit and transfers

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
    ``transfer_received`` (N,). ``missing`` marks countries with a banned flow (N,)."""

    terms_of_trade: Array
    volume_of_trade: Array
    trade_cost: Array
    export_tax_volume: Array
    transfer_received: Array
    missing: Array


def first_order(base: Equilibrium, after: Equilibrium) -> FirstOrder:
    """The terms between two equilibria of one world."""
    M0, M1 = base.flows, after.flows
    income = base.point.income
    c = np.exp(after.point.log_c - base.point.log_c)[:, None, :]
    one = np.ones(1)
    e0 = one - 1 if base.policy.export_tax is None else base.policy.export_tax
    e1 = one - 1 if after.policy.export_tax is None else after.policy.export_tax
    d0 = one if base.policy.iceberg is None else base.policy.iceberg
    d1 = one if after.policy.iceberg is None else after.policy.iceberg
    with np.errstate(invalid="ignore", divide="ignore"):
        d = np.broadcast_to(np.where(np.isinf(d0), 1.0, d1 / d0), M0.shape)
    tax = (1 + e1) / (1 + e0)
    fob = np.broadcast_to(c * tax, M0.shape)
    traded = M0 > 0
    cut = np.asarray(np.isinf(d) & traded)
    finite = np.where(np.isinf(d), 1.0, d)
    growth = np.where(traded, M1 / np.where(traded, M0, 1.0), 1.0)
    gain = M0 * (fob - 1)
    tot = gain.transpose(0, 2, 1) - gain
    vot = base.policy.tariff * M0 * (growth - fob * finite)
    cost = -M0 * (finite - 1)
    sold = e0 * M0 / (1 + e0) * (growth / tax - c)
    scale = 100.0 / income[:, None]
    transfer = after.point.deficit + after.kernel.transfer
    transfer = transfer - base.point.deficit - base.kernel.transfer
    return FirstOrder(
        tot * scale,
        vot * scale,
        cost * scale,
        np.ascontiguousarray(np.broadcast_to(sold, M0.shape).transpose(0, 2, 1)) * scale,
        100.0 * transfer / income,
        np.asarray(cut.any(axis=(0, 2))),
    )

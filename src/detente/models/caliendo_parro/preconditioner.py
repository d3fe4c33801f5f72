"""A step direction that knows how countries work inside.

The plain map (new wages, prices and spending from old) needs about ninety damped steps: prices
and spending converge no faster than the input-output multiplier allows, wages no faster than
their damping. Both loops run mostly inside a country, where they are small dense systems. So
solve them there: per country ``(I - home share x gamma)^-1`` for prices, its transpose-like
twin for spending, and one N x N matrix for wages, whose entries are labour-demand elasticities
at the base; and pass on what the one does to the others at home. Built once for each economy;
one application costs as much as the input-output terms of a step. It shapes the path only: the
equations decide where it ends. That is why it is kept and applied in single precision, at half
the memory and time: a step wrong by 1e-7 of itself is as good a step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detente.models.blocks import Array, by_country, trade_components
from detente.models.caliendo_parro.economy import Economy
from detente.models.caliendo_parro.equations import join, split

__all__ = ["WAGE_DAMPING", "Preconditioner", "preconditioner"]

WAGE_DAMPING = 0.8
"""Part of the estimated wage step that is taken; the elasticities are those of the base."""


class Preconditioner(NamedTuple):
    """The pieces of the step.

    ``prices``, ``orders`` (N, J, J) invert a country's own loops, ``wages`` (N, N) the labour
    markets. The couplings: ``price_orders`` (N, J, J) and ``price_wages`` (J, N) say what own
    prices do to own orders and labour demand (buyers turn away), ``order_wages`` (J, N) what
    orders do to labour demand, ``wage_prices`` and ``wage_orders`` (J, N) what wages do.
    """

    prices: Array
    orders: Array
    wages: Array
    price_orders: Array
    price_wages: Array
    order_wages: Array
    wage_prices: Array
    wage_orders: Array

    def direction(self, r: Array) -> Array:
        """The step that a residual asks for: roughly minus the inverse Jacobian times it."""
        J, N = self.wage_prices.shape
        r_w, r_P, r_x = split(r.astype(np.float32), J, N)
        dP = by_country(self.prices, r_P)
        dx = by_country(self.orders, r_x + by_country(self.price_orders, dP))
        seen = r_w + (self.price_wages * dP).sum(axis=0) + (self.order_wages * dx).sum(axis=0)
        dw = self.wages @ seen
        # what prices and orders do once wages have moved, folded into (J, N) per unit of wage
        step = join(dw, dP + self.wage_prices * dw, dx + self.wage_orders * dw)
        return step.astype(float)

    def transposed(self, r: Array) -> Array:
        """The transpose of :meth:`direction`, for adjoint systems."""
        J, N = self.wage_prices.shape
        scale = max(float(np.abs(r).max()), 1e-300)  # adjoint weights have no natural size
        b_w, b_P, b_x = split((r / scale).astype(np.float32), J, N)
        seen = b_w + (self.wage_prices * b_P).sum(axis=0) + (self.wage_orders * b_x).sum(axis=0)
        c_w = seen @ self.wages
        c_x = by_country(self.orders.transpose(0, 2, 1), b_x + self.order_wages * c_w)
        more = by_country(self.price_orders.transpose(0, 2, 1), c_x) + self.price_wages * c_w
        c_P = by_country(self.prices.transpose(0, 2, 1), b_P + more)
        return scale * join(c_w, c_P, c_x).astype(float)


def preconditioner(base: Economy) -> Preconditioner:
    """Build the step of this economy."""
    J, N = base.beta.shape
    here = np.arange(N)
    theta = base.theta[:, None]
    home = base.pi[:, here, here]
    eye = np.eye(J)
    spending = np.where(base.spending > 0, base.spending, 1.0)
    sales, kept = _sales(base)
    value_added = (base.beta * sales).sum(axis=0)
    value_added = np.where(value_added > 0, value_added, 1.0)
    home_sales = home / (1.0 + base.tariff[:, here, here]) * base.spending
    by_input = base.gamma.transpose(0, 2, 1) / spending.T[:, :, None]
    lost = theta * (sales - kept)  # sales a producer loses when its cost rises by 1
    prices = np.linalg.inv(eye - home.T[:, :, None] * base.gamma)
    orders = np.linalg.inv(eye - by_input * home_sales.T[:, None, :])
    price_orders = -np.matmul(by_input * lost.T[:, None, :], base.gamma)
    # one per cent more on a country's wage: its prices, its costs, its orders
    wage_prices = by_country(prices, home * base.beta)
    cost = base.beta + by_country(base.gamma, wage_prices)
    income = base.alpha * base.value_added / spending
    wage_orders = by_country(orders, income - by_country(by_input, lost * cost))
    parts = Preconditioner(
        prices=prices,
        orders=orders,
        wages=WAGE_DAMPING * _wage_matrix(base, sales, cost, wage_orders),
        price_orders=price_orders,
        price_wages=-by_country(base.gamma.transpose(0, 2, 1), base.beta * lost / value_added),
        order_wages=base.beta * home_sales / value_added,
        wage_prices=wage_prices,
        wage_orders=wage_orders,
    )
    return Preconditioner(*(part.astype(np.float32) for part in parts))


def _sales(base: Economy) -> tuple[Array, Array]:
    """Sales of each producer (J, N), and the part of them that its own weight in its buyers'
    price indices keeps when its cost rises."""
    flows = base.spending[:, :, None] * base.pi
    flows /= 1.0 + base.tariff
    sales = flows.sum(axis=1)
    flows *= base.pi
    return sales, flows.sum(axis=1)


def _wage_matrix(base: Economy, sales: Array, cost: Array, orders: Array) -> Array:
    """Minus the inverse of d log(labour demand / supply) / d log wages, where own costs move
    by ``cost`` (J, N) and own orders by ``orders`` (J, N) per unit of own wages."""
    J, N = base.beta.shape
    labour = base.beta * sales
    share = labour / np.maximum(labour.sum(axis=0), 1e-300)
    jacobian = np.zeros((N, N))
    for j in range(J):
        flows = base.spending[j][:, None] * base.pi[j] / (1.0 + base.tariff[j])
        buyers = (flows / np.where(sales[j] > 0, sales[j], 1.0)).T
        theta = base.theta[j]
        demand = buyers * orders[j] + theta * (buyers @ (base.pi[j] * cost[j]))
        demand[np.diag_indices(N)] -= theta * cost[j]
        jacobian += share[j][:, None] * demand
    # each group of countries that trade with each other has a numeraire of its own
    group = trade_components(np.asarray((base.pi > 0).any(axis=0)))
    same = group[:, None] == group
    jacobian -= np.eye(N) + same * base.value_added / (same @ base.value_added)[:, None]
    return -np.linalg.inv(jacobian)

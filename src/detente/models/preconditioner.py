"""A step direction that knows how countries work inside.

The plain map (new wages, prices and spending from old) needs about ninety damped steps: prices
and spending converge no faster than the input-output multiplier allows, wages no faster than
their damping. Both loops run mostly inside a country, where they are small dense systems. So
solve them there: per country ``(I - home share x gamma)^-1`` for prices, its transpose-like
twin for spending, and one N x N matrix for wages, whose entries are labour-demand elasticities
at the base. Built once for each economy; one application costs as much as the input-output
terms of a step. It shapes the path only: the equations decide where it ends.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detente.models.blocks import Array, Economy, by_country
from detente.models.caliendo_parro import join, split

__all__ = ["WAGE_DAMPING", "Preconditioner", "preconditioner"]

WAGE_DAMPING = 0.6
"""Part of the estimated wage step that is taken; the elasticities are those of the base."""


class Preconditioner(NamedTuple):
    """The pieces of the step: ``prices``, ``orders`` (N, J, J), ``wages`` (N, N), and the
    couplings between the blocks (J, N)."""

    prices: Array
    orders: Array
    wages: Array
    from_orders: Array
    to_prices: Array
    to_orders: Array

    def direction(self, r: Array) -> Array:
        """The step that a residual asks for: roughly minus the inverse Jacobian times it."""
        J, N = self.to_prices.shape
        r_w, r_P, r_x = split(r, J, N)
        dx = by_country(self.orders, r_x)
        dw = self.wages @ (r_w + (self.from_orders * dx).sum(axis=0))
        dP = by_country(self.prices, r_P + self.to_prices * dw)
        dx = by_country(self.orders, r_x + self.to_orders * dw)
        return join(dw, dP, dx)

    def transposed(self, r: Array) -> Array:
        """The transpose of :meth:`direction`, for adjoint systems."""
        J, N = self.to_prices.shape
        r_w, r_P, r_x = split(r, J, N)
        b_P = by_country(self.prices.transpose(0, 2, 1), r_P)
        b_x = by_country(self.orders.transpose(0, 2, 1), r_x)
        b_w = r_w + (self.to_prices * b_P).sum(axis=0) + (self.to_orders * b_x).sum(axis=0)
        b_w = b_w @ self.wages
        more = by_country(self.orders.transpose(0, 2, 1), self.from_orders * b_w)
        return join(b_w, b_P, b_x + more)


def preconditioner(base: Economy) -> Preconditioner:
    """Build the step of this economy."""
    J, N = base.beta.shape
    here = np.arange(N)
    home = base.pi[:, here, here]
    eye = np.eye(J)
    spending = np.where(base.spending > 0, base.spending, 1.0)
    home_sales = home / (1.0 + base.tariff[:, here, here]) * base.spending
    feedback = base.gamma.transpose(0, 2, 1) * home_sales.T[:, None, :] / spending.T[:, :, None]
    value_added = np.maximum((base.beta * _sales(base)).sum(axis=0), 1e-300)
    return Preconditioner(
        prices=np.linalg.inv(eye - home.T[:, :, None] * base.gamma),
        orders=np.linalg.inv(eye - feedback),
        wages=WAGE_DAMPING * _wage_matrix(base),
        from_orders=base.beta * home_sales / value_added,
        to_prices=home * base.beta,
        to_orders=base.alpha * base.value_added / spending,
    )


def _sales(base: Economy) -> Array:
    return np.matmul(base.spending[:, None, :], base.pi / (1.0 + base.tariff))[:, 0, :]


def _wage_matrix(base: Economy) -> Array:
    """Minus the inverse of d log(labour demand / supply) / d log wages, with own costs moving
    one for one with own wages and spending with income."""
    J, N = base.beta.shape
    sales = _sales(base)
    labour = base.beta * sales
    share = labour / np.maximum(labour.sum(axis=0), 1e-300)
    jacobian = np.zeros((N, N))
    for j in range(J):
        flows = base.spending[j][:, None] * base.pi[j] / (1.0 + base.tariff[j])
        to_buyers = flows / np.where(sales[j] > 0, sales[j], 1.0)
        theta = base.theta[j]
        demand = to_buyers.T + theta * (to_buyers.T @ base.pi[j]) - theta * np.eye(N)
        jacobian += share[j][:, None] * demand
    jacobian -= np.eye(N) + base.value_added / base.value_added.sum()
    return -np.linalg.inv(jacobian)

"""Welfare when hours are work: consumption less the disutility of labour.

Preferences are ``C - kappa/(kappa+1) L^(1+1/kappa)``. In changes from the base, with
``k = kappa/(1+kappa)`` and what is in front of it at base values,

    W = d E/P + (1-d) h,   d = E / (E - k (1-tau) Y)

``h`` is the change of the disutility of hours. These preferences and eq. 3 give
``h = L^(1+1/kappa) = (w/P) L / (1-tau)``. The paper's tables are those of ``h = (w/P) L``, without
the tax: the two differ where revenue lowers the income tax.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detente.models.bars import Columns
from detente.models.blocks import Array
from detente.models.labour_supply.economy import Economy
from detente.models.labour_supply.equations import Point
from detente.models.model import Target

__all__ = ["log_utility", "utility_columns"]


def log_utility(p: Point, base: Economy) -> Array:
    """Log W (N,) over the base; NaN where the base has none, minus infinity where hours cost more
    than consumption is worth."""
    _, left, start = _parts(p, base)
    none = np.where(start > 0, -np.inf, np.nan)
    good = (left > 0) & (start > 0)
    value = np.log(np.where(good, left, 1.0)) - np.log(np.where(good, start, 1.0))
    return np.where(good, value - p.log_P_new[0], none)


def utility_columns(who: Sequence[Target], p: Point, base: Economy) -> Columns:
    """Partial derivatives of each country's :func:`log_utility` in what the point holds."""
    share, left, start = _parts(p, base)
    at, N, R = base.at, len(left), len(who)
    k = at.kappa / (1.0 + at.kappa)
    by_bill = -k * share * p.wage_bill / left  # in the log of the wage bill
    by_tau = np.zeros(N)
    if at.relief:
        by_tau = -k * base.value_added / start
        if at.printed:
            by_tau = by_tau + k * p.wage_bill / left
        by_bill = by_bill - by_tau * p.tariff_revenue / p.wage_bill
    income, price, bill, revenue = (np.zeros((N, R)) for _ in range(4))
    for r, target in enumerate(who):
        n = target.country
        income[n, r] = 1.0 / left[n]
        price[n, r] = -1.0
        bill[n, r] = by_bill[n]
        revenue[n, r] = by_tau[n] / p.wage_bill[n]
    return Columns(income, price[None], np.zeros((1, N, R)), bill, bill, revenue)


def _parts(p: Point, base: Economy) -> tuple[Array, Array, Array]:
    """What part of the wage bill hours cost, what is left of income at the point and at the
    base."""
    at = base.at
    k = at.kappa / (1.0 + at.kappa)
    kept = 1.0 - p.relief
    share = kept if at.printed else np.ones_like(kept)
    start = base.spending[0] - k * kept * base.value_added
    return share, p.income - k * share * p.wage_bill, start

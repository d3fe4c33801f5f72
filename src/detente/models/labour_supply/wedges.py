"""From what firms spend on selling to ``nu``, which is by market.

Accounts show the share of a firm's sales that it spends on selling, by where the firm is at home;
``nu`` is by where it sells. The share of the firms of a group of countries is the mean of ``nu``
over its markets, weighted by its sales (Ignatenko, Lashkaripour, Macedoni and Simonovska 2025,
appendix F.4, with two groups: the United States 0.26, the others 0.12).
"""

from __future__ import annotations

import numpy as np

from detente.errors import InputError
from detente.models.blocks import Array

__all__ = ["distribution_wedges"]


def distribution_wedges(trade: Array, shares: Array) -> Array:
    """``nu`` (N,) that gives the firms of each country the selling costs they have.

    Parameters
    ----------
    trade : (N, N) sales, importer by exporter, domestic sales on the diagonal
    shares : (N,) selling costs over sales of each country's firms, at or above 0 and below 1;
        countries with the same share are one group, within which ``nu`` is the same

    Returns
    -------
    (N,), at least zero.

    Raises
    ------
    InputError
        A share out of its range; groups whose sales do not tell their markets apart.
    """
    shares = np.asarray(shares, dtype=float)
    if shares.shape != (len(trade),) or not ((shares >= 0) & (shares < 1)).all():
        raise InputError(
            f"distribution_wedges: shares has the shape {shares.shape} and lies between "
            f"{shares.min():g} and {shares.max():g}; give one share a country ({len(trade)}), at "
            "or above 0 and below 1"
        )
    values, group = np.unique(shares, return_inverse=True)
    member = np.eye(len(values))[group]
    sales = member.T @ trade.T @ member  # seller's group, buyer's group
    markets = sales / sales.sum(axis=1, keepdims=True)
    if np.linalg.cond(markets) > 1e10:
        raise InputError(
            "distribution_wedges: groups of countries sell to the same markets in the same "
            "proportions, so that their selling costs cannot be told apart; give them one share"
        )
    nu = np.linalg.solve(markets, values)
    return np.maximum(nu, 0.0)[group]

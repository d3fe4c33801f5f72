"""The base economy of Caliendo and Parro (2015): a world's tables in shares and levels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detente.models.blocks import Array, by_country, to_exporters
from detente.models.model import Tables

__all__ = ["Economy", "economy"]


class Economy(NamedTuple):
    """A base economy in shares and levels; what hat algebra needs and no more.

    Attributes
    ----------
    pi : (J, N, N) share of importer n's spending on j that goes to exporter i, incl. tariffs
    beta : (J, N) value-added share of gross output
    gamma : (N, J, K) share of input k in the gross output of user j; rows sum to 1 - beta
    alpha : (J, N) final-demand shares; columns sum to one
    theta : (J,) trade elasticity, > 0
    tariff : (J, N, N) base ad-valorem tariff, fraction
    value_added : (N,) base value added, world sum fixed as the numeraire
    spending : (J, N) base spending at user's prices
    deficit : (N,) base trade deficit, sums to zero
    """

    pi: Array
    beta: Array
    gamma: Array
    alpha: Array
    theta: Array
    tariff: Array
    value_added: Array
    spending: Array
    deficit: Array


def economy(tables: Tables) -> Economy:
    """Shares and levels of a world.

    Output is value added plus inputs. Where published columns disagree (``exact`` is false),
    spending is what the shares imply at base wages.
    """
    trade, tariff = tables.trade, tables.tariff
    inputs, va = tables.inputs, tables.value_added
    spending = (trade * (1 + tariff)).sum(axis=2)
    pi = trade * (1 + tariff) / np.where(spending > 0, spending, 1.0)[:, :, None]
    output = va + inputs.sum(axis=0)
    made = np.where(output > 0, output, 1.0)
    beta = np.where(output > 0, va / made, 1.0)
    gamma = np.ascontiguousarray((inputs / made).transpose(2, 1, 0))
    alpha = tables.final / tables.final.sum(axis=0)
    value_added = va.sum(axis=0)
    deficit = tables.deficit.copy()
    if not tables.exact:
        spending = _implied_spending(spending, pi, gamma, alpha, tariff, value_added, deficit)
    return Economy(
        pi, beta, gamma, alpha, tables.theta.copy(), tariff, value_added, spending, deficit
    )


def _implied_spending(
    guess: Array, pi: Array, gamma: Array, alpha: Array, tariff: Array, va: Array, deficit: Array
) -> Array:
    """Spending that the shares imply at base wages, by iterating on orders."""
    net = pi / (1 + tariff)
    kept = net.sum(axis=2)
    by_input = np.ascontiguousarray(gamma.transpose(0, 2, 1))
    X = guess
    for _ in range(500):
        income = va + (X * (1 - kept)).sum(axis=0) + deficit
        new = by_country(by_input, to_exporters(net, X)) + alpha * income
        # a market nobody orders from any more has no spending; keep the rest positive
        new = np.where(guess > 0, np.maximum(new, 0.0), 0.0)
        if np.abs(new - X).max() <= 1e-12 * X.max():
            return new
        X = new
    return X

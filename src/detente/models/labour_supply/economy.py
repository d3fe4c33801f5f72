"""The base year of the model, from a table of trade."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detente.errors import InputError
from detente.models.blocks import Array
from detente.models.model import Tables

__all__ = ["Economy", "Elasticities", "economy"]


class Elasticities(NamedTuple):
    """The numbers behind the equations, with the defaults filled in.

    ``kappa`` labour supply, ``psi`` scale, ``nu`` (N,) part of sales that pays labour of the
    buyer's country, ``phi`` (N,) pass-through of tariffs to import prices; ``relief`` says that
    revenue lowers the income tax, ``printed`` that welfare counts hours as the paper's tables do.
    """

    kappa: float
    psi: float
    nu: Array
    phi: Array
    relief: bool
    printed: bool


class Economy(NamedTuple):
    """A base year in shares and levels (USD million); the one sector is axis 0 where J is.

    Attributes
    ----------
    pi : (1, N, N) share of importer n's spending that goes to exporter i, incl. tariffs
    alpha : (1, N) ones
    theta : (1,) trade elasticity
    tariff : (1, N, N) base ad-valorem tariff, fraction
    value_added : (N,) what labour earns, making and selling; its world sum is the numeraire
    spending : (1, N) spending at buyers' prices
    deficit : (N,) transfers received, the part of the trade deficit that nothing here moves; sums
        to zero
    revenue_share : (N,) tariff revenue over what labour earns
    at : the elasticities
    """

    pi: Array
    alpha: Array
    theta: Array
    tariff: Array
    value_added: Array
    spending: Array
    deficit: Array
    revenue_share: Array
    at: Elasticities


def economy(tables: Tables, at: Elasticities) -> Economy:
    """Read trade and tariffs; earnings, spending and transfers follow from them (eqs. 2, 5, 8).

    Raises
    ------
    InputError
        Inputs in production, or a country that buys or earns nothing.
    """
    if (tables.inputs > 0).any():
        raise InputError(
            "labour-supply: the world has inputs in production, and the model has none; leave them "
            "out: World.from_tables(trade, tariff=tariff, theta=4), with trade and tariff of "
            "world.aggregate(sectors={'goods': 'all'})"
        )
    trade, tariff = tables.trade[0], tables.tariff[0]
    bought, revenue = trade.sum(axis=1), (tariff * trade).sum(axis=1)
    E = bought + revenue
    Y = (1.0 - at.nu) @ trade + at.nu * bought
    if not ((E > 0) & (Y > 0)).all():
        n = int(np.argmin(np.minimum(E, Y)))
        raise InputError(
            f"labour-supply: country {n + 1} of {len(E)} in the world spends {E[n]:g} and its "
            f"labour earns {Y[n]:g} USD million; both must be above zero: leave it out, or merge "
            "it with a neighbour by world.aggregate"
        )
    return Economy(
        pi=((1.0 + tariff) * trade / E[:, None])[None],
        alpha=np.ones((1, len(E))),
        theta=tables.theta,
        tariff=tables.tariff,
        value_added=Y,
        spending=E[None],
        deficit=E - revenue - Y,
        revenue_share=revenue / Y,
        at=at,
    )

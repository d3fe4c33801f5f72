"""The base economy of Krugman (1980) and Ossa (2014): trade, tariffs and elasticities alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detente.errors import InputError
from detente.models.blocks import Array
from detente.models.model import Tables

__all__ = ["Base", "base_of"]


class Base(NamedTuple):
    """A base economy in shares and levels.

    Attributes
    ----------
    pi : (J, N, N) share of importer n's spending on j that goes to exporter i, incl. tariffs
    alpha : (J, N) shares of spending; columns sum to one
    sigma : (J,) elasticity of substitution, > 1
    theta : (J,) elasticity of trade values in costs, sigma - 1
    rho : (J,) part of sales that labour earns: (sigma - 1)/sigma, or 1 where entry is free
    free : whether entry is free
    tariff : (J, N, N) base ad-valorem tariff, fraction
    output : (J, N) base sales at sellers' prices
    labour : (N,) base labour income
    value_added : (N,) base income of labour and firms, world sum fixed as the numeraire
    spending : (J, N) base spending at buyers' prices
    total : (N,) base spending on all sectors
    deficit : (N,) base trade deficit, sums to zero
    """

    pi: Array
    alpha: Array
    sigma: Array
    theta: Array
    rho: Array
    free: bool
    tariff: Array
    output: Array
    labour: Array
    value_added: Array
    spending: Array
    total: Array
    deficit: Array


def base_of(tables: Tables, entry: str) -> Base:
    """Shares and levels of a world; all from trade, tariffs and sigma, as in the paper.

    Without inputs, sales are value added and purchases are final demand, so the other tables say
    the same; where published columns miss (``exact`` is false), trade is what counts.

    Raises
    ------
    InputError
        The world has inputs, or no sigma.
    """
    if tables.inputs.any():
        raise InputError(
            "monopolistic: the world has intermediate inputs "
            f"({tables.inputs.sum() / tables.trade.sum():.0%} of sales), which this model does not "
            "know: sales are wages and profits there; build the world without `inputs` (its "
            "value_added and final then follow from trade), or take model='caliendo-parro'"
        )
    if tables.sigma is None:
        raise InputError(
            "monopolistic: the world has no sigma (elasticity of substitution by sector, above 1); "
            "give sigma= or markup= to World.from_tables, or take World.with_sigma"
        )
    trade, tariff, sigma = tables.trade, tables.tariff, tables.sigma
    paid = trade * (1.0 + tariff)
    spending, output = paid.sum(axis=2), trade.sum(axis=1)
    total = spending.sum(axis=0)
    free = entry == "free"
    rho = np.ones_like(sigma) if free else (sigma - 1.0) / sigma
    return Base(
        pi=paid / np.where(spending > 0, spending, 1.0)[:, :, None],
        alpha=spending / total,
        sigma=sigma.copy(),
        theta=sigma - 1.0,
        rho=rho,
        free=free,
        tariff=tariff,
        output=output,
        labour=rho @ output,
        value_added=output.sum(axis=0),
        spending=spending,
        total=total,
        deficit=trade.sum(axis=(0, 2)) - trade.sum(axis=(0, 1)),
    )

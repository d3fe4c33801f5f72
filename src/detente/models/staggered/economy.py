"""Where the buyers and workers of staggered sourcing stand at the start of a period."""

from __future__ import annotations

from typing import NamedTuple

from detente.models.blocks import Array
from detente.models.caliendo_parro.economy import Economy, economy
from detente.models.model import Tables

__all__ = ["Staged", "long_run", "staged"]


class Staged(NamedTuple):
    """A base economy, and what past choices left behind; all changes are against the base.

    The first nine fields are those of :class:`detente.models.caliendo_parro.economy.Economy`.

    Attributes
    ----------
    sigma, zeta : (J,) elasticity of quantities bought from the same supplier; share of goods that
        chooses its supplier anew this period
    bought : (J, N, N) T: what past choices still buy from each seller, as weights of quantities:
        at user costs k the price index is (sum_i T_i k_i^(1 - sigma))^(1 / (1 - sigma))
    goods : (J, N, N) share of the importer's goods that each seller supplies
    kept : (J, N, N) part of those purchases that no ban ends this period, or None: all
    open : (J, N, N) share of a flow that no ban touches, in the policy's iceberg as
        open^(-1/theta), or None: bans are infinite icebergs
    mu, kappa : share of workers who choose their sector anew this period, elasticity of that
        choice; ``mu`` is None where labour moves freely
    hands : (J, N) efficiency units of labour by sector, of the country's base value added
    talent : (J, N) share of each sector where nothing has changed
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
    sigma: Array
    zeta: Array
    bought: Array
    goods: Array
    kept: Array | None
    open: Array | None
    mu: float | None
    kappa: float
    hands: Array
    talent: Array


def staged(tables: Tables, sigma: Array, zeta: Array, mu: float | None, kappa: float) -> Staged:
    """The first period after the base year: all buy, and work, where the tables say."""
    e = economy(tables)
    paid = e.beta * (tables.value_added + tables.inputs.sum(axis=0))
    talent = paid / paid.sum(axis=0)
    return Staged(*e, sigma, zeta, e.pi, e.pi, None, None, mu, kappa, talent, talent)


def long_run(base: Staged) -> Economy:
    """The economy of Caliendo and Parro to which constant policy leads."""
    b = base
    return Economy(
        b.pi, b.beta, b.gamma, b.alpha, b.theta, b.tariff, b.value_added, b.spending, b.deficit
    )

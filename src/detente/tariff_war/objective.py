"""What a government maximises: real income, sector weights, a security term.

    log G_i = log(I_i / P_i) + log(sum_s l_is v_is) - sum_j s_ij (average tariff on j)

``v_is`` is the share of sector s in value added. Workers move between sectors, and revenue,
deficits and transfers are paid out per worker, so real income earned in sector s is
``v_is I_i / P_i``: it sums to national real income, and weights ``l_is`` of mean one give the
objective of Grossman and Helpman (1994) as Ossa (2014) writes it. The last term is what the
government thinks its ties are worth: ``s_ij`` log income lost when the average tariff on j rises
by one (100 points), with base trade as fixed weights. Without weights and ties the objective
is the exact change of real income, as :attr:`detente.Outcome.real_income` reports it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from detente.errors import InputError
from detente.models.bars import Columns
from detente.models.blocks import Array
from detente.models.model import Model, Target
from detente.models.registry import refuse_unable
from detente.outcome import Outcome
from detente.outcome.equilibrium import Equilibrium
from detente.world import World

__all__ = ["Government", "columns", "government", "governments", "sector_real_income"]


@dataclass(frozen=True, eq=False)
class Government:
    """A government's objective.

    Attributes
    ----------
    country : whose
    weights : (J,) political weight of each sector, mean one; None for plain real income
    security : (N,) log income lost per unit of average tariff on each partner; None for no ties
    """

    country: str
    position: int
    weights: Array | None
    security: Array | None
    _tie: Array | None = None  # (J, N) derivative of the security term in own tariffs

    @property
    def target(self) -> Target:
        """Whose welfare a model is asked for."""
        return Target(self.position, self.weights)

    @property
    def statement(self) -> str:
        """The objective in words; every result carries it."""
        text = f"{self.country}: exact real income, percent of the base"
        if self.weights is not None:
            text += (
                f", sectors weighted from {self.weights.min():.3g} to {self.weights.max():.3g} "
                "(mean 1; real income earned in a sector is its share of value added)"
            )
        if self.security is not None:
            text += ", less a security term linear in the average tariff on partners"
        return text

    def log_value(self, base: Equilibrium, after: Equilibrium) -> float:
        """Log change of the objective between two equilibria.

        Raises
        ------
        InputError
            It has weights, and the model knows none.
        """
        self.refuse_weights(after.model)
        value = after.model.log_welfare(self.target, base.point, after.point, after.economy)
        return value - self.security_cost(base, after)

    def refuse_weights(self, model: Model) -> None:
        """Refuse sector weights in a model in which they would mean nothing."""
        if self.weights is not None:
            refuse_unable(model, "task", "political weights", f"weights of {self.country}")

    def security_cost(self, base: Equilibrium, after: Equilibrium) -> float:
        """The security term, in log income."""
        if self._tie is None:
            return 0.0
        n = self.position
        return float((self._tie * (after.policy.tariff[:, n] - base.policy.tariff[:, n])).sum())

    def own_tariff_term(self, tariff: Array) -> Array | None:
        """Direct derivative of the objective in log(1 + t) of its own tariffs, (J, N)."""
        return None if self._tie is None else -self._tie * (1.0 + tariff)


def government(
    world: World,
    country: str,
    weights: Any = None,
    security: Mapping[str, float] | None = None,
) -> Government:
    """The objective of one country.

    Parameters
    ----------
    weights : mapping or labelled array from sector to political weight, at or above zero;
        sectors left out weigh 1; scaled to mean one
    security : mapping from partner to log income lost per unit of average tariff on it

    Raises
    ------
    InputError
        Negative or missing numbers, weights that are all zero, unknown names.
    """
    [name] = _one(world, country)
    n = world.countries.index(name)
    given = None if weights is None else _weights(world, name, weights)
    ties = tie = None
    if security:
        ties = np.zeros(len(world.countries))
        for partner, value in security.items():
            for each in world.country_list(partner, f"security of {name}"):
                if each == name:
                    raise InputError(f"security: {name} is named as its own partner; leave it out")
                if not np.isfinite(value):
                    raise InputError(f"security: {name} on {each} is {value}; give a number")
                ties[world.countries.index(each)] = float(value)
        bought = world.trade.values[:, n, :]
        total = bought.sum(axis=0)
        tie = ties * bought / np.where(total > 0, total, 1.0)
    return Government(name, n, given, ties, tie)


def governments(
    world: World, players: list[str], weights: Any = None, security: Any = None
) -> list[Government]:
    """One objective a player; ``weights`` and ``security`` are mappings from player.

    Raises
    ------
    InputError
        A mapping that names a country which does not play.
    """
    for what, given in (("weights", weights), ("security", security)):
        odd = [str(k) for k in given or {} if str(k) not in players]
        if odd:
            raise InputError(
                f"{what}: {odd[0]!r} is not one of the players {', '.join(players)}; give "
                f"{what} as a mapping from player to its own"
            )
    return [government(world, p, (weights or {}).get(p), (security or {}).get(p)) for p in players]


def sector_real_income(outcome: Outcome) -> xr.DataArray:
    """Real income earned in each sector, USD million at base prices; sector, country.

    Value added and the sector's share of revenue, deficit and transfers, over the consumer
    price index of the change. Sums over sectors to national real income.
    """
    a, b = outcome.after, outcome.base
    earned = a.model.sector_income(a.point, a.economy)
    like = outcome.output
    return xr.DataArray(
        earned / (a.consumer_price / b.consumer_price),
        like.coords,
        like.dims,
        name="sector_real_income",
        attrs={"unit": "USD million", "long_name": "real income earned in the sector"},
    )


def columns(who: list[Government], e: Equilibrium) -> Columns:
    """Partial derivatives of each log objective in what the equilibrium holds."""
    for g in who:
        g.refuse_weights(e.model)
    return e.model.welfare_columns([g.target for g in who], e.point, e.economy)


def _weights(world: World, country: str, given: Any) -> Array:
    if isinstance(given, xr.DataArray):
        given = {str(k): float(v) for k, v in zip(given[given.dims[0]].values, given.values,
                                                   strict=True)}  # fmt: skip
    if not isinstance(given, Mapping):
        raise InputError(
            f"weights of {country}: a mapping from sector to weight is needed, not "
            f"{type(given).__name__}"
        )
    values = dict.fromkeys(world.sectors, 1.0)
    for name, value in given.items():
        for sector in world.sector_list(str(name), f"weights of {country}"):
            values[sector] = float(value)
    array = np.array(list(values.values()))
    if not (np.isfinite(array) & (array >= 0)).all() or not array.sum() > 0:
        bad = next((s for s, v in values.items() if not v >= 0), "all of them")
        raise InputError(f"weights of {country}: {bad} must be at or above zero, and not all zero")
    return array / array.mean()


def _one(world: World, country: str) -> list[str]:
    found = world.country_list(country, "player")
    if len(found) != 1:
        raise InputError(
            f"player {country!r} stands for {len(found)} countries; name one, or merge them first "
            "with world.aggregate"
        )
    return found

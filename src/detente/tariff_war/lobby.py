"""Lobby weights that observed tariffs reveal.

A government that sets its tariffs as in Grossman and Helpman (1994) has levied each of them to
where the weighted sum of real incomes earned by sector no longer rises:

    sum_s l_s dV_s / dt_k = 0   for every rate k strictly between its bounds,

with V_s from :func:`detente.tariff_war.objective.sector_real_income`. The slopes come from the
model,
the weights solve the system; they are defined up to scale, so their mean is one. There may be no
weights that fit (see ``residual``), or many (see ``rank``): of many, the ones nearest to equal
weights are given. A rate at zero says only that the government would not go below zero; such
rates are left out and looked at afterwards (see ``refuted``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import lsq_linear

from detente.errors import InputError
from detente.keywords import known_keywords
from detente.models.blocks import Array
from detente.models.registry import DEFAULT, parameter_hint
from detente.outcome.simulate import AnyModel
from detente.policy import Policy
from detente.solve.threads import one_thread
from detente.tariff_war.arena import Arena
from detente.tariff_war.levers import levers
from detente.tariff_war.objective import Government, government
from detente.world import World

__all__ = ["LobbyWeights", "lobby_weights"]

NONE = 1e-9
"""A rate whose log(1 + t) is below this is at zero."""


@dataclass(frozen=True, eq=False, repr=False)
class LobbyWeights:
    """Sector weights under which a country's tariffs are what its government wants.

    Attributes
    ----------
    country : whose
    weights : dim sector, mean one, at or above zero; ready for ``weights=`` of the desk's functions
    residual : largest slope left, as a share of what the sectors' slopes of that rate add up to
        without sign: 0 fits exactly, 1 explains nothing
    rank : independent conditions; below ``len(weights) - 1`` other weights fit as well
    conditions : one row a rate that had to fit: lever, rate_pct, slope at equal weights and at
        these weights (percent of real income a percentage point)
    refuted : rates at zero that these weights would raise
    statement : what was done, in words
    """

    country: str
    weights: xr.DataArray
    residual: float
    rank: int
    conditions: pd.DataFrame
    refuted: tuple[str, ...]
    statement: str
    provenance: Mapping[str, Any] = field(repr=False)

    @property
    def unique(self) -> bool:
        """Whether the conditions leave no other weights of mean one."""
        return self.rank >= self.weights.size - 1

    def __repr__(self) -> str:
        low, high = float(self.weights.min()), float(self.weights.max())
        return (
            f"<LobbyWeights {self.country}: {low:.3g} to {high:.3g}, residual "
            f"{self.residual:.2g}, {'unique' if self.unique else f'rank {self.rank}'}>"
        )


@known_keywords(parameter_hint)
@one_thread
def lobby_weights(
    world: World,
    country: str,
    *,
    by: str = "sector",
    sectors: str | Iterable[str] | None = None,
    partners: str | Iterable[str] | None = None,
    policy: Policy | None = None,
    model: AnyModel = DEFAULT,
    deficit: str = "fixed",
    tol: float = 1e-10,
) -> LobbyWeights:
    """Weights under which ``country`` has no reason to change its tariffs.

    Parameters
    ----------
    by, sectors, partners : which rates it sets, as for :func:`detente.optimal_tariff`; a rate that
        moves many cells is read as their mean
    policy : the tariffs in force; by default those of the world table

    Raises
    ------
    InputError
        No rate is above zero, so that nothing is revealed.
    """
    arena = Arena(world, policy, None, deficit, tol, model=model)
    here = arena.status_quo.after
    who = government(world, country)
    own = levers(world, who.country, by, (0.0, None), sectors=sectors, partners=partners,
                 tariff=arena.rates.tariff)  # fmt: skip
    rates = own.read(arena.rates.tariff, None)
    slopes = _slopes(arena, who, own)
    total = slopes.sum(axis=1)
    set_ = rates > NONE
    if not set_.any():
        raise InputError(
            f"lobby weights: {who.country} levies nothing on the flows asked for, so its tariffs "
            "reveal no weights"
        )
    given = _solve(slopes[set_])
    left = slopes @ given
    size = np.abs(slopes * given).sum(axis=1)
    # log(1 + t) rises by 0.01 / (1 + t) a percentage point; slopes are shares of real income
    per_point = 1.0 / np.exp(rates)
    conditions = pd.DataFrame(
        {
            "lever": [n for n, s in zip(own.names, set_, strict=True) if s],
            "rate_pct": 100.0 * np.expm1(rates[set_]),
            "slope_equal_weights_pct": (total * per_point)[set_],
            "slope_pct": (left * per_point)[set_],
        }
    )
    odd = ~set_ & (left > 1e-9 * size)
    values = np.linalg.svd(_scaled(slopes[set_]), compute_uv=False)
    return LobbyWeights(
        who.country,
        xr.DataArray(given, {"sector": world.sectors}, ["sector"], name="lobby_weight",
                     attrs={"unit": "weight, mean 1"}),
        float((np.abs(left) / size)[set_].max()),
        int((values > 1e-10 * values[0]).sum()),
        conditions,
        tuple(n for n, o in zip(own.names, odd, strict=True) if o),
        f"{who.country}: weights nearest to one under which its tariffs by {by} on "
        f"{int(set_.sum())} of {own.count} rates are where its objective no longer rises; "
        "real income earned in a sector is its share of value added "
        f"({here.closure.name} deficits)",
        arena.provenance(country=who.country, by=by),
    )  # fmt: skip


def _slopes(arena: Arena, who: Government, own: Any) -> Array:
    """Slopes of each sector's real income in each rate, over national real income, (M, J)."""
    e = arena.status_quo.after
    n = who.position
    earned = e.model.sector_income(e.point, e.economy)[:, n]
    share = earned / earned.sum()
    # a government that weighs one sector alone has the log of that sector's income as objective
    alone = [
        Government(who.country, n, unit, None) if share[s] > 0 else None
        for s, unit in enumerate(np.eye(len(share)))
    ]
    found = arena.slopes([g for g in alone if g is not None], e)
    out = np.zeros((own.count, len(share)))
    column = 0
    for s, g in enumerate(alone):
        if g is not None:
            out[:, s] = share[s] * arena.lever_slope(found, column, g, own)
            column += 1
    return out


def _scaled(slopes: Array) -> Array:
    """Each condition on its own scale, so that small markets count as much as large ones."""
    size = np.abs(slopes).sum(axis=1, keepdims=True)
    return slopes / np.where(size > 0, size, 1.0)


def _solve(slopes: Array) -> Array:
    """Weights (J,) at or above zero, of mean one, that fit best; nearest to one among equals."""
    J = slopes.shape[1]
    rows, firm, near = _scaled(slopes), 1e3, 1e-7
    matrix = np.vstack([rows, np.full((1, J), firm / J), near * np.eye(J)])
    right = np.concatenate([np.zeros(len(rows)), [firm], np.full(J, near)])
    found = lsq_linear(matrix, right, bounds=(0.0, np.inf), method="bvls", tol=1e-15)
    return found.x / found.x.mean()

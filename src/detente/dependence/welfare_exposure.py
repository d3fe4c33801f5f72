"""Friends and enemies: whose productivity helps or hurts whom, to first order.

For one sector without inputs, tariffs or deficits, the matrices of Kleinman, Liu and Redding
(2024) in closed form; for any world, derivatives of the solved model. Row n, column i: percent
change of n's real income per one percent of labour productivity in i. Rows sum to one: a
percent more everywhere is a percent more for everyone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from detente.errors import InputError
from detente.models.blocks import Array
from detente.outcome import Outcome, simulate
from detente.outcome.gradient import jacobian
from detente.world import World

__all__ = ["KLR", "exposure_matrix", "friends_and_enemies"]


@dataclass(frozen=True, eq=False)
class KLR:
    """Closed-form first-order exposure in a one-sector world.

    Attributes
    ----------
    S : share of the row's spending on the column's goods
    T : share of the row's income earned from the column
    M : market exposure, T S - I; rows sum to zero
    A : income exposure; rows sum to zero
    U : welfare exposure; rows sum to one
    """

    S: Array
    T: Array
    M: Array
    A: Array
    U: Array


def friends_and_enemies(trade: Array, theta: float) -> KLR:
    """Kleinman, Liu and Redding (2024), International Friends and Enemies, one sector.

    Parameters
    ----------
    trade : (importer, exporter), balanced: spending equals sales in every country
    theta : trade elasticity

    Raises
    ------
    InputError
        Trade that is not balanced, a negative flow, or an elasticity at or below zero.
    """
    X = np.asarray(trade, dtype=float)
    if X.ndim != 2 or X.shape[0] != X.shape[1] or (X < 0).any() or not theta > 0:
        raise InputError("friends_and_enemies: a square table of flows at or above zero is needed")
    spending, sales = X.sum(axis=1), X.sum(axis=0)
    if not np.allclose(spending, sales, rtol=1e-8):
        worst = int(np.abs(spending / sales - 1).argmax())
        raise InputError(
            f"friends_and_enemies: row {worst} spends {spending[worst]:g} and sells "
            f"{sales[worst]:g}; the closed form holds for balanced trade (use exposure_matrix)"
        )
    N = len(X)
    S, T, eye = X / spending[:, None], X.T / sales[:, None], np.eye(N)
    Q = np.ones((N, 1)) @ (sales / sales.sum())[None, :]
    M = T @ S - eye
    V = (T + theta * T @ S) / (1.0 + theta) - Q
    A = -theta / (1.0 + theta) * np.linalg.solve(eye - V, M)
    U = (eye - S) @ A + S
    return KLR(S, T, M, A, U)


def exposure_matrix(
    where: World | Outcome,
    countries: Iterable[str] | None = None,
    *,
    deficit: str = "fixed",
) -> xr.DataArray:
    """Percent change of real income per percent of labour productivity, solved derivatives.

    A percent of labour productivity in i makes a sector's goods cheaper by its value-added share
    wherever they are sold, home included; its effect is read from the gradient in icebergs, one
    adjoint a row. With inputs, tariffs and deficits all on. Deficits fixed in units of world
    value added keep their real worth for everyone, so that rows sum to one; a closure that
    does not scale may miss that.

    Parameters
    ----------
    where : an outcome (the derivative is taken there) or a world
    countries : the rows wanted; all by default

    Returns
    -------
    xarray.DataArray
        Dims country, source.

    Raises
    ------
    InputError
        The outcome is of a model in which productivity is no change of delivery costs.
    """
    out = simulate(where, deficit=deficit) if isinstance(where, World) else where
    world = out.world
    rows = world.countries if countries is None else world.country_list(countries, "exposure")
    slope = jacobian(out, [f"real_income[{c}]" for c in rows], "iceberg").values
    iceberg = np.where(np.isfinite(out.policy.iceberg.values), out.policy.iceberg.values, 0.0)
    beta = getattr(out.base.economy, "beta", None)  # part of unit cost that is labour's
    if beta is None:
        raise InputError(
            f"exposure: in the model {out.model} productivity is no change of delivery costs ("
            "firms also pay labour to enter, or earn profits); caliendo-parro answers this question"
        )
    # percent per unit of log iceberg, over one percent of it, per percent of own real income
    effect = -np.einsum("cjne,jne,je->ce", slope, iceberg, beta) / 100.0
    level = 1.0 + out.real_income.sel(country=rows).values / 100.0
    meta: Mapping[str, Any] = {
        "unit": "percent per percent",
        "long_name": "exposure of real income to labour productivity",
        "world_hash": world.hash,
    }
    return xr.DataArray(
        effect / level[:, None],
        {"country": rows, "source": world.countries},
        ("country", "source"),
        attrs=dict(meta),
    )

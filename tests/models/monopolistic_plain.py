"""The model of monopolistic competition written out, for tests: no kernels, scalings or masks.

``errors`` takes wages, numbers of firms and spending from an equilibrium and computes everything
else from the tables of the world and the levels of the policy, one sector at a time.
"""

from __future__ import annotations

import numpy as np

import detente as dt
from detente.models.monopolistic import Monopolistic
from worlds import Draw, random_world


def markup_world(draw: Draw) -> dt.World:
    """A random world without inputs, with sigma = theta + 1."""
    world = random_world(draw)
    return world.with_sigma(1.0 + world.theta.values)


def written_out(world: dt.World, policy, w, M, E):
    """Flows at border prices and at the gate, tariffs paid (J, N, N) and log price indices (J, N)
    at wages ``w``, firms ``M`` and spending ``E``."""
    trade, t0, sigma = world.trade.values, world.tariff.values, world.sigma.values
    J, N, _ = trade.shape
    t = policy.tariff
    e = np.zeros_like(t) if policy.export_tax is None else policy.export_tax
    d = np.ones_like(t) if policy.iceberg is None else policy.iceberg
    paid0 = trade * (1 + t0)
    spent0 = paid0.sum(axis=(0, 2))
    border, log_P = np.zeros_like(trade), np.full((J, N), np.nan)
    for j in range(J):
        for n in range(N):
            terms = np.zeros(N)
            for i in range(N):
                if paid0[j, n, i] > 0 and np.isfinite(d[j, n, i]) and M[j, i] > 0:
                    rise = (1 + t[j, n, i]) / (1 + t0[j, n, i]) * (1 + e[j, n, i]) * d[j, n, i]
                    share = paid0[j, n, i] / paid0[j, n].sum()
                    terms[i] = share * M[j, i] * (rise * w[i]) ** (1 - sigma[j])
            if terms.sum() > 0:
                alpha = paid0[j, n].sum() / spent0[n]
                border[j, n] = terms / terms.sum() * alpha * E[n] / (1 + t[j, n])
                log_P[j, n] = np.log(terms.sum()) / (1 - sigma[j])
    return border, border / (1 + e), border * t, log_P


def errors(world: dt.World, equilibrium) -> dict[str, float]:
    """The largest relative error of each condition of an equilibrium."""
    model, p = equilibrium.model, equilibrium.point
    assert isinstance(model, Monopolistic)
    free = model.entry == "free"
    sigma, trade0 = world.sigma.values, world.trade.values
    rho = np.ones_like(sigma) if free else (sigma - 1) / sigma
    w, M, E = np.exp(p.log_w), p.M, p.income
    border, gate, duty, log_P = written_out(world, equilibrium.policy, w, M, E)
    Y0, Y = trade0.sum(axis=1), gate.sum(axis=1)
    wages = w * (rho @ Y0)
    profits = (1 - rho)[:, None] * Y
    D, T = p.deficit, equilibrium.policy.transfer
    own = wages + profits.sum(axis=0) + duty.sum(axis=(0, 2)) + (border - gate).sum(axis=(0, 1))
    world_income = Y0.sum()
    gap = border.sum(axis=(0, 2)) - border.sum(axis=(0, 1)) - D - T
    found = {
        "labour markets": float(np.abs(rho @ Y / wages - 1).max()),
        "budgets": float(np.abs((own + D + T) / E - 1).max()),
        "trade balance": float(np.abs(gap / E).max()),
        "numeraire": abs((wages + profits.sum(axis=0)).sum() / world_income - 1),
        "deficits sum to zero": abs(D.sum()) / world_income,
        "flows": float(np.abs(equilibrium.flows - border).max() / border.max()),
        "prices": float(np.nanmax(np.abs(p.log_P_new - log_P))),
        "profits": float(np.abs(p.profits - profits).max() / world_income),
        "incomes": float(max(0.0, -E.min())),
    }
    if equilibrium.closure.name == "zero":
        found["deficits"] = float(np.abs(D).max()) / world_income
    elif equilibrium.closure.name == "fixed":
        found["deficits"] = float(np.abs(D - world.deficit.values).max()) / world_income
    if free:
        works = (M > 0) & (Y0 > 0)
        size = np.where(works, Y / np.where(works, M * w * Y0, 1.0), 1.0)
        found["free entry"] = float(np.abs(size - 1).max())
        found["nobody would enter"] = _gain_of_entry(world, equilibrium, w, M, E, Y0)
    else:
        found["firms"] = float(np.abs(M - 1).max())
    return found


def _gain_of_entry(world: dt.World, equilibrium, w, M, E, Y0) -> float:
    """The largest part by which sales of a first firm would be above what entry costs, where a
    sector has left: the sales of a billionth of the base's firms, put there."""
    worst, few = 0.0, 1e-9
    for j, i in np.argwhere((M == 0) & (Y0 > 0)):
        more = M.copy()
        more[j, i] = few
        _, gate, _, _ = written_out(world, equilibrium.policy, w, more, E)
        worst = max(worst, float(gate[j, :, i].sum() / (few * w[i] * Y0[j, i]) - 1))
    return worst

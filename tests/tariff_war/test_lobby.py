"""Weights revealed by tariffs: those that made a tariff optimal come out again."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.errors import InputError
from worlds import Draw, random_world


@pytest.fixture(scope="module")
def world() -> dt.World:
    return random_world(Draw(N=4, J=4, seed=11, theta=(3, 7)))


@pytest.mark.parametrize("given", [(1.0, 1.0, 1.0, 1.0), (1.3, 0.9, 1.0, 0.8)])
def test_weights_behind_an_optimum_come_back(world, given):
    weights = dict(zip(world.sectors, given, strict=True))
    best = dt.optimal_tariff(
        world, "c00", by="sector", weights=weights, deficit="zero", tariff_tol=1e-9, deviations=5
    )
    assert best.status == "converged"
    assert not best.binding
    found = dt.lobby_weights(world, "c00", policy=best.policy, deficit="zero")
    assert found.unique
    assert found.residual < 1e-6
    np.testing.assert_allclose(found.weights.values, np.array(given), rtol=1e-5)
    assert np.abs(found.conditions["slope_pct"]).max() < 1e-7


def test_fewer_rates_than_sectors_leave_the_nearest_to_equal_weights(world):
    best = dt.optimal_tariff(world, "c00", by="uniform", deficit="zero", tariff_tol=1e-9)
    found = dt.lobby_weights(world, "c00", by="uniform", policy=best.policy, deficit="zero")
    assert not found.unique
    assert found.rank == 1
    # equal weights made this tariff optimal, so none are nearer
    np.testing.assert_allclose(found.weights.values, 1.0, atol=1e-6)


def test_low_tariffs_need_unequal_weights_or_do_not_fit(world):
    tariff = np.zeros(world.trade.shape)
    tariff[:, 0, 1:] = 0.02  # far below the optimum: equal weights would raise every rate
    found = dt.lobby_weights(world, "c00", policy=dt.Policy(world, tariff=tariff), deficit="zero")
    assert (found.conditions["slope_equal_weights_pct"] > 0).all()
    left = np.abs(found.conditions["slope_pct"])
    assert left.sum() < found.conditions["slope_equal_weights_pct"].sum()
    assert float(found.weights.mean()) == pytest.approx(1.0)
    assert float(found.weights.min()) >= 0.0


def test_no_tariff_reveals_nothing(world):
    free = dt.Policy(world, tariff=np.zeros(world.trade.shape))
    with pytest.raises(InputError, match="levies nothing"):
        dt.lobby_weights(world, "c00", policy=free, deficit="zero")

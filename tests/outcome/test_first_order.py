"""First-order terms where an instrument is levied before or after only."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.outcome.welfare import _cost_change
from worlds import Draw, random_world


@pytest.fixture(scope="module")
def world() -> dt.World:
    return random_world(Draw(N=4, J=2, seed=4, theta=(2.0, 8.0), deficit=0.2))


def test_costs_that_are_lifted_gain_what_they_had_added(world):
    """Icebergs of 25% before and none after: what was delivered costs a fifth less."""
    dear = np.where(np.eye(4, dtype=bool), 1.0, 1.25) * np.ones(world.trade.shape)
    plain, walled = dt.Policy(world), dt.Policy(world, iceberg=dear)
    for old, new, part in ((walled, plain, 0.2), (plain, walled, -0.25), (walled, walled, 0.0)):
        out = dt.simulate(world, new, baseline=old)
        abroad = (out.trade_before.values * (dear > 1)).sum(axis=(0, 2))
        expected = 100 * part * abroad / out.base.point.income
        np.testing.assert_allclose(out.first_order.trade_cost, expected, atol=1e-9)


def test_export_taxes_before_and_after_only(world):
    """The terms of trade see the tax in the seller's price; its volume counts where it stood."""
    taxed = dt.Policy(world, export_tax=0.1 * (1 - np.eye(4)) * np.ones(world.trade.shape))
    plain = dt.Policy(world)
    for old, new, factor in ((taxed, plain, 1 / 1.1), (plain, taxed, 1.1), (taxed, taxed, 1.0)):
        out = dt.simulate(world, new, baseline=old, tol=1e-12)
        c = np.exp(out.after.point.log_c - out.base.point.log_c)
        M0, M1 = out.trade_before.values, out.trade.values
        abroad = ~np.eye(4, dtype=bool)
        dearer = np.where(abroad, c[:, None, :] * factor, c[:, None, :]) - 1
        gain = M0 * dearer
        tot = gain.sum(axis=(0, 1)) - gain.sum(axis=(0, 2))
        income = out.base.point.income
        np.testing.assert_allclose(out.first_order.terms_of_trade, 100 * tot / income, atol=1e-8)
        sold = np.zeros(4)
        if old is taxed:
            was, now = M0 / 1.1, M1 / (1.1 if new is taxed else 1.0)
            sold = (0.1 * abroad * (now - was * c[:, None, :])).sum(axis=(0, 1))
        found = out.first_order.export_tax_volume
        np.testing.assert_allclose(found, 100 * sold / income, atol=1e-8)


def test_changes_of_costs():
    """After over before; a new ban is infinite, one that stood or was lifted is no change."""
    two = np.array([2.0, np.inf, 1.0])
    assert _cost_change(None, None) is None
    for before, after, expected in (
        (None, two, [2.0, np.inf, 1.0]),
        (two, None, [0.5, 1.0, 1.0]),
        (two, two, [1.0, 1.0, 1.0]),
        (two, np.array([3.0, 5.0, np.inf]), [1.5, 1.0, np.inf]),
    ):
        found = _cost_change(before, after)
        assert found is not None
        assert found.tolist() == expected

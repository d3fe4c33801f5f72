"""The table of quotas: what enters, at which price, against the flows and prices of the outcome."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.outcome.tables import quota_table
from worlds import build


@pytest.fixture(scope="module")
def world() -> dt.World:
    return build(np.array([[[100.0, 20.0, 10.0], [20.0, 100.0, 5.0], [10.0, 5.0, 80.0]]]))


def test_a_quota_of_zero_with_a_rate_above_is_that_rate(world):
    quota = {"sector": "s00", "importer": "c00", "exporter": "c01", "volume": 0.0, "over": 0.25}
    out = dt.simulate(world, dt.Policy(world, quota=[quota]))
    rates = np.zeros(world.trade.shape)
    rates[0, 0, 1] = 0.25
    taxed = dt.simulate(world, dt.Policy(world, tariff=rates))
    np.testing.assert_allclose(out.real_income, taxed.real_income, atol=1e-8)
    [row] = quota_table(out).to_dict("records")
    # a volume is a flow over the change of its price at the border
    price = float(taxed.cost_level.sel(sector="s00", country="c01"))
    assert row["volume_usd_mn"] == pytest.approx(float(taxed.trade[0, 0, 1]) / price, rel=1e-7)
    assert 0 < row["volume_usd_mn"] < 20.0
    assert np.isnan(row["volume_over_quota"])
    assert row["wedge_pct"] == pytest.approx(25.0, abs=1e-9)
    assert row["rent_usd_mn"] == 0.0


def test_a_binding_quota_lets_in_what_it_says(world):
    quota = {"sector": "s00", "importer": "c00", "exporter": "c01", "volume": 0.5}
    out = dt.simulate(world, dt.Policy(world, quota=[quota]))
    [row] = quota_table(out).to_dict("records")
    price = float(out.cost_level.sel(sector="s00", country="c01"))
    flow = float(out.trade[0, 0, 1])
    assert row["quota_usd_mn"] == 10.0
    assert row["volume_usd_mn"] == pytest.approx(10.0, rel=1e-8)
    assert flow / price == pytest.approx(10.0, rel=1e-7)
    assert row["volume_over_quota"] == pytest.approx(1.0, rel=1e-8)
    assert row["rent_usd_mn"] == pytest.approx(flow * row["premium_pct"] / 100, rel=1e-7)
    assert np.isnan(row["over_quota_rate_pct"])

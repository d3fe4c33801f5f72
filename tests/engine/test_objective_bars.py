"""Weights on outcomes, and the gradient written out cell by cell where it can be."""

from __future__ import annotations

import numpy as np
import pytest
from engine_cases import random_case, solve

from detente.models.bars import Bars, combine
from detente.outcome.gradient import gradient


def test_weighted_sums_of_bars():
    one = Bars(log_w=np.array([1.0, 2.0]), income=np.array([3.0, 0.0]))
    two = Bars(log_w=np.array([4.0, 8.0]), Y=np.ones((2, 2)), flows=np.full((2, 2, 2), 5.0))
    three = Bars(flows=np.full((2, 2, 2), 7.0))
    found = combine([(2.0, one), (-0.5, two), (3.0, three)])
    assert found.log_w.tolist() == [0.0, 0.0]  # 2 - 2, 4 - 4
    assert found.income.tolist() == [6.0, 0.0]
    assert found.Y.tolist() == [[-0.5, -0.5], [-0.5, -0.5]]
    assert np.asarray(found.flows).tolist() == np.full((2, 2, 2), 18.5).tolist()  # 21 - 2.5
    assert found.X_new == 0.0
    assert combine([(1.0, one)]).flows is None


@pytest.mark.parametrize("bans", [False, True])
def test_sums_of_flows_add_up_in_the_gradient(bans):
    """Three weighted flows in one objective, against three objectives."""
    world, parts = random_case(2, 4, 3, bans=bans)
    out = solve(world, parts)
    s, c = world.sectors, world.countries
    names = [f"trade[{s[0]},{c[0]},{c[1]}]", f"trade[{s[1]},{c[2]},{c[1]}]",
             f"trade[{s[0]},{c[3]},{c[3]}]"]  # fmt: skip
    weights = [2.0, -0.5, 3.0]
    for wrt in ("tariff", "export_tax", "iceberg", "transfer"):
        whole = gradient(out, dict(zip(names, weights, strict=True)), wrt)
        each = [gradient(out, n, wrt) for n in names]
        expected = sum(w * g for w, g in zip(weights, each, strict=True))
        size = max(float(abs(g).max()) for g in each)
        np.testing.assert_allclose(whole, expected, atol=1e-9 * size)


def test_a_gradient_without_export_taxes_or_icebergs():
    """The same equilibrium with the instruments written as none and as zeros and ones."""
    world, parts = random_case(2, 4, 5, bans=False)
    plain = solve(world, {"tariff": parts["tariff"]}, tol=1e-12)
    cell = (1, 2, 0)
    for wrt, neutral in (("export_tax", 0.0), ("iceberg", 1.0)):
        found = gradient(plain, f"real_income[{world.countries[0]}]", wrt)
        values = []
        for step in (-2e-4, -1e-4, 1e-4, 2e-4):
            array = np.full(world.tariff.shape, neutral)
            array[cell] += step
            moved = solve(world, {"tariff": parts["tariff"], wrt: array}, tol=1e-13)
            values.append(float(moved.real_income[0]))
        a, b, c, d = values
        numeric = (a - 8 * b + 8 * c - d) / (12 * 1e-4)
        assert float(found[cell]) == pytest.approx(numeric, rel=1e-6, abs=1e-8)

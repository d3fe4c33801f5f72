"""A government's objective: sums, weights, ties, and its gradients by two routes."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.errors import InputError
from detente.outcome.economy import prepare
from detente.tariff_war.objective import (
    columns,
    government,
    governments,
    sector_real_income,
)
from detente.tariff_war.optimal import optimal_tariff
from worlds import Draw, random_world


@pytest.fixture(scope="module")
def world() -> dt.World:
    return random_world(Draw(N=5, J=4, seed=3, theta=(2, 8), deficit=0.2))


@pytest.fixture(scope="module")
def moved(world) -> dt.Outcome:
    rng = np.random.default_rng(0)
    tariff = rng.uniform(0, 0.6, world.trade.shape) * (1 - np.eye(5))
    return dt.simulate(world, dt.Policy(world, tariff=tariff), tol=1e-12)


def test_plain_objective_is_real_income(world, moved):
    for country in world.countries:
        value = government(world, country).log_value(moved.base, moved.after)
        expected = float(moved.real_income.sel(country=country))
        assert 100 * np.expm1(value) == pytest.approx(expected, abs=1e-11)


def test_sector_incomes_sum_to_national_real_income(world, moved):
    total = sector_real_income(moved).sum("sector")
    expected = moved.base.point.income * (1 + moved.real_income / 100)
    np.testing.assert_allclose(total, expected, rtol=1e-12)


def test_weighted_objective_is_the_weighted_sum_of_sector_incomes(world, moved):
    weights = {"s00": 1.5, "s01": 0.5, "s02": 1.2, "s03": 0.8}  # mean one
    unchanged = dt.simulate(world, tol=1e-12)
    w = np.array(list(weights.values()))
    after = (w[:, None] * sector_real_income(moved)).sum("sector")
    before = (w[:, None] * sector_real_income(unchanged)).sum("sector")
    for n, country in enumerate(world.countries):
        value = government(world, country, weights).log_value(moved.base, moved.after)
        assert value == pytest.approx(float(np.log(after[n] / before[n])), abs=1e-10)


def test_weights_are_scaled_to_mean_one(world, moved):
    one = government(world, "c01", {"s00": 3.0, "s01": 1.0, "s02": 1.0, "s03": 1.0})
    two = government(world, "c01", {"s00": 6.0, "s01": 2.0, "s02": 2.0, "s03": 2.0})
    assert one.weights is not None
    assert one.weights.mean() == pytest.approx(1.0)
    np.testing.assert_allclose(one.weights, two.weights)
    assert "mean 1" in one.statement


def test_equal_weights_change_nothing(world, moved):
    plain = government(world, "c02").log_value(moved.base, moved.after)
    equal = government(world, "c02", dict.fromkeys(world.sectors, 7.0))
    assert equal.log_value(moved.base, moved.after) == pytest.approx(plain, abs=1e-14)


def test_security_term_is_linear_in_the_average_tariff(world, moved):
    tie = government(world, "c00", security={"c01": 0.02})
    plain = government(world, "c00")
    bought = world.trade.values[:, 0, 1]
    rise = (moved.policy.tariff - world.tariff).values[:, 0, 1]
    cost = 0.02 * float(bought @ rise / bought.sum())
    values = [g.log_value(moved.base, moved.after) for g in (tie, plain)]
    assert values[1] - values[0] == pytest.approx(cost, abs=1e-14)
    assert "security" in tie.statement


@pytest.mark.parametrize("deficit", ["fixed", "zero", "share"])
def test_block_adjoint_agrees_with_the_gradient_of_one_objective(world, deficit):
    """Two routes: many columns side by side, against detente.gradient."""
    rng = np.random.default_rng(1)
    tariff = rng.uniform(0, 0.6, world.trade.shape) * (1 - np.eye(5))
    tax = rng.uniform(-0.1, 0.2, world.trade.shape) * (1 - np.eye(5))
    out = dt.simulate(world, dt.Policy(world, tariff=tariff, export_tax=tax), deficit=deficit)
    who = governments(world, world.countries)
    e = out.after
    steps = prepare(world).steps
    s = e.model.adjoints(columns(who, e), e.point, e.problem, steps, None)
    for n, country in enumerate(world.countries):
        level = 100 + float(out.real_income.sel(country=country))
        for wrt, rate in (("tariff", tariff), ("export_tax", tax)):
            full = dt.gradient(out, f"real_income[{country}]", wrt).values / level * (1 + rate)
            ours = s.tariff(n, n) if wrt == "tariff" else s.export_tax(n, n)
            theirs = full[:, n, :] if wrt == "tariff" else full[:, :, n]
            np.testing.assert_allclose(ours, theirs, atol=1e-9 * np.abs(full).max())


def test_gradient_with_weights_and_ties_equals_differences(world):
    from detente.tariff_war.arena import Arena
    from detente.tariff_war.levers import levers

    arena = Arena(world, None, None, "fixed", tol=1e-13)
    g = government(world, "c00", {"s00": 2.0}, {"c01": 0.05})
    lv = levers(world, "c00", "sector", None)
    x = np.full(lv.count, 0.2)
    e = arena.solve(arena.rates.with_levers([lv], x))
    assert e is not None
    ours = arena.lever_slope(arena.slopes([g], e), 0, g, lv)
    for k in range(lv.count):
        side = []
        for sign in (1, -1):
            y = x.copy()
            y[k] += sign * 1e-5
            there = arena.solve(arena.rates.with_levers([lv], y))
            assert there is not None
            side.append(arena.value(g, there))
        assert ours[k] == pytest.approx((side[0] - side[1]) / 2e-5, rel=1e-6, abs=1e-10)


def test_a_heavier_sector_is_never_worse_off_at_the_optimum(world):
    """Revealed preference: raising a weight never lowers the income earned there."""
    shares = []
    for weight in (0.5, 1.0, 2.0):
        best = optimal_tariff(
            world, "c01", by="sector", deficit="zero", weights={"s02": weight}, deviations=0
        )
        earned = sector_real_income(best.outcome).sel(country="c01")
        shares.append(float(earned.sel(sector="s02") / earned.sum()))
    assert shares == sorted(shares)


@pytest.mark.parametrize(
    ("weights", "security", "word"),
    [
        ({"s00": -1.0}, None, "at or above zero"),
        (dict.fromkeys(["s00", "s01", "s02", "s03"], 0.0), None, "not all zero"),
        ({"nowhere": 1.0}, None, "nowhere"),
        (3.0, None, "mapping"),
        (None, {"c00": 1.0}, "own partner"),
        (None, {"c01": float("nan")}, "number"),
    ],
)
def test_bad_objectives(world, weights, security, word):
    with pytest.raises(InputError, match=word):
        government(world, "c00", weights, security)


def test_weights_of_a_country_that_does_not_play(world):
    with pytest.raises(InputError, match="not one of the players"):
        governments(world, ["c00"], {"c01": {}})

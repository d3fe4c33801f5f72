"""The step against what it stands for: each piece by a dense inverse, the whole by the Jacobian."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.models.caliendo_parro.equations import evaluate, split
from detente.models.caliendo_parro.kernel import build_kernel
from detente.models.caliendo_parro.linear import tangent
from detente.models.caliendo_parro.preconditioner import (
    WAGE_DAMPING,
    _sales,
    _wage_matrix,
    preconditioner,
)
from detente.models.closure import Closure
from detente.outcome.economy import instruments, prepare
from worlds import Draw, build, random_world


@pytest.fixture(scope="module", params=["full", "sparse", "merged"])
def case(request):
    sparse = request.param == "sparse"
    world = random_world(Draw(N=5, J=3, seed=7, theta=(1.0, 9.0), deficit=0.2,
                              sparsity=0.5 * sparse, empty=0.2 * sparse))  # fmt: skip
    if request.param == "merged":  # countries that are several have tariffs at home
        tariff = np.array(world.tariff.values)
        tariff[:, np.arange(5), np.arange(5)] = np.linspace(0.1, 0.5, 5)
        world = build(world.trade.values, tariff=tariff, inputs=world.inputs.values,
                      theta=world.theta.values)  # fmt: skip
    prepared = prepare(world)
    return world, prepared.economy, preconditioner(prepared.economy), prepared


def test_own_loops_are_inverted(case):
    world, _, steps, _ = case
    made = np.where(world.output.values > 0, world.output.values, 1.0)
    for n in range(5):
        paid = world.trade.values[:, n] * (1 + world.tariff.values[:, n])
        spent = np.where(paid.sum(axis=1) > 0, paid.sum(axis=1), 1.0)
        home = np.diag(paid[:, n] / spent)
        gamma = (world.inputs.values[:, :, n] / made[:, n]).T  # user, input
        loop = np.eye(3) - home @ gamma
        np.testing.assert_allclose(steps.prices[n] @ loop, np.eye(3), atol=2e-6)
        # orders: a good's spending follows the sales at home of those who use it
        at_home = np.diag(world.trade.values[:, n, n])
        loop = np.eye(3) - np.diag(1 / spent) @ gamma.T @ at_home
        np.testing.assert_allclose(steps.orders[n] @ loop, np.eye(3), atol=2e-6)


def test_direction_and_transpose_are_one_matrix(case):
    _, _, steps, _ = case
    size = 5 + 2 * 15
    eye = np.eye(size)
    forward = np.column_stack([steps.direction(v) for v in eye])
    back = np.stack([steps.transposed(v) for v in eye])
    np.testing.assert_allclose(back, forward, atol=2e-6 * np.abs(forward).max())
    assert forward.dtype == float
    assert back.dtype == float
    # adjoint weights have no natural size: the smallest and largest of single precision are far
    y = np.linspace(-1, 1, size)
    for scale in (1e-60, 1e60):
        np.testing.assert_allclose(steps.transposed(scale * y), scale * steps.transposed(y),
                                   rtol=1e-4, atol=1e-6 * scale)  # fmt: skip
    assert (steps.transposed(np.zeros(size)) == 0).all()


def test_what_a_block_alone_does(case):
    """With nothing wrong in wages and prices only orders move, and so on: the order of the step."""
    _, _, steps, _ = case
    rng = np.random.default_rng(1)
    z = np.zeros(35)
    z[20:] = rng.normal(size=15)
    dw, dP, dx = split(steps.direction(z), 3, 5)
    own = np.einsum("nab,bn->an", steps.orders, z[20:].reshape(3, 5))
    seen = (steps.order_wages * own).sum(axis=0)
    np.testing.assert_allclose(dw, steps.wages @ seen, atol=1e-5)
    np.testing.assert_allclose(dP, steps.wage_prices * dw, atol=1e-5)
    np.testing.assert_allclose(dx, own + steps.wage_orders * dw, atol=1e-5)


def test_in_a_country_alone_the_step_is_the_damped_newton_step():
    """One country that trades with nobody: its own loops are all there is. Wages are the
    numeraire, so an error in prices and orders is met exactly."""
    world = random_world(Draw(N=3, J=3, seed=2, theta=(2.0, 6.0), tariffs=False, deficit=0.2))
    trade = np.zeros_like(world.trade.values)
    here = np.arange(3)
    trade[:, here, here] = world.output.values
    alone = build(trade, inputs=world.inputs.values, theta=world.theta.values)
    prepared = prepare(alone)
    base, steps = prepared.economy, preconditioner(prepared.economy)
    k = build_kernel(base, instruments(dt.Policy(alone)))
    closure = Closure("zero", base.deficit, prepared.own_income)
    p = evaluate(np.zeros(21), base, k, closure)
    jacobian = np.column_stack([tangent(v, p, base, k, closure) for v in np.eye(21)])
    rng = np.random.default_rng(3)
    r = np.concatenate([np.zeros(3), rng.normal(size=9), np.zeros(9)])
    step = steps.direction(r)
    # prices alone: what the step leaves of the price errors is nothing
    left = r + jacobian @ step
    np.testing.assert_allclose(left[3:12], 0.0, atol=1e-5)


@pytest.mark.parametrize("deficit", ["zero", "fixed"])
def test_the_step_takes_most_of_a_small_error_away(case, deficit):
    """Undamped it would be a Newton step but for what other countries do; so at the base the
    error that is left, over a few steps, shrinks by the part that is damped and more."""
    world, base, steps, prepared = case
    k = build_kernel(base, instruments(dt.Policy(world)))
    closure = Closure(deficit, base.deficit, prepared.own_income)
    p = evaluate(np.zeros(35), base, k, closure)
    jacobian = np.column_stack([tangent(v, p, base, k, closure) for v in np.eye(35)])
    forward = np.column_stack([steps.direction(v) for v in np.eye(35)])
    rate = np.abs(np.linalg.eigvals(np.eye(35) + jacobian @ forward)).max()
    assert rate < 0.9
    assert WAGE_DAMPING < 1


def test_sales_and_what_own_weight_keeps_of_them(case):
    """When a seller's cost rises by one, a buyer's price index rises by its share there."""
    world, base, _, _ = case
    sales, kept = _sales(base)
    trade = world.trade.values
    np.testing.assert_allclose(sales, trade.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(kept, (trade * base.pi).sum(axis=1), rtol=1e-12)


def test_the_wage_matrix_market_by_market(case):
    """What one country's wage does to every country's labour demand over supply, summed over
    sectors and buyers: the buyer's own orders, prices that follow a dearer seller, buyers who
    turn away from it, supply, and the numeraire."""
    world, base, _, _ = case
    trade, theta, here = world.trade.values, base.theta, range(5)
    sales = trade.sum(axis=1)
    labour = base.beta * sales
    rng = np.random.default_rng(0)
    cost, orders = rng.uniform(0.2, 1, (2, *sales.shape))
    found = np.zeros((5, 5))
    for i in here:
        for m in here:
            for j in range(3):
                if sales[j, i] == 0:
                    continue
                felt = sum(trade[j, n, i] / sales[j, i] * theta[j] * base.pi[j, n, m] * cost[j, m]
                           for n in here)  # fmt: skip
                felt += trade[j, m, i] / sales[j, i] * orders[j, m]
                felt -= theta[j] * cost[j, i] * (i == m)
                found[i, m] += labour[j, i] / labour[:, i].sum() * felt
            found[i, m] -= (i == m) + base.value_added[m] / base.value_added.sum()
    step = _wage_matrix(base, sales, cost, orders)
    np.testing.assert_allclose(-step @ found, np.eye(5), atol=1e-9)


def test_couplings_inside_a_country(case):
    """What own prices do to own labour demand (buyers turn away), and what orders do."""
    world, base, steps, _ = case
    trade = world.trade.values
    sales, kept = _sales(base)
    paid = world.value_added.values.sum(axis=0)
    for n in range(5):
        lost = base.theta * (sales[:, n] - kept[:, n])
        for k in range(3):
            felt = -sum(base.beta[j, n] * lost[j] / paid[n] * base.gamma[n, j, k] for j in range(3))
            assert steps.price_wages[k, n] == pytest.approx(felt, rel=1e-5, abs=1e-7)
            ordered = base.beta[k, n] * trade[k, n, n] / paid[n]
            assert steps.order_wages[k, n] == pytest.approx(ordered, rel=1e-5, abs=1e-7)

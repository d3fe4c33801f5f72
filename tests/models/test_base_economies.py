"""Base economies and points of Caliendo and Parro's model, read against the tables behind them."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.models.bars import Columns, total
from detente.models.blocks import Instruments
from detente.models.caliendo_parro import CaliendoParro
from detente.models.closure import Closure
from detente.models.dense import at_base
from detente.models.model import Problem, Target
from detente.outcome.economy import instruments, prepare, tables
from worlds import Change, Draw, random_policy, random_world

MODEL = CaliendoParro()


def off_equilibrium(draw: Draw, change: Change, deficit: str = "fixed"):
    """A problem, a point of it that is no equilibrium, and its unknowns."""
    world = random_world(draw)
    prepared = prepare(world, MODEL)
    base, policy = prepared.economy, instruments(random_policy(world, change))
    closure = Closure(deficit, base.deficit, prepared.own_income)
    problem = Problem(base, policy, MODEL.kernel(base, policy), closure)
    problem = problem._replace(base=MODEL.in_use(base, problem.kernel))
    z = 0.1 * np.random.default_rng(draw.seed).normal(size=MODEL.size(base))
    return problem, MODEL.evaluate(z, problem), z


@pytest.fixture(params=["everything", "closed markets", "alone"])
def case(request):
    return off_equilibrium(*{
        "everything": (Draw(N=4, J=3, seed=1, theta=(1.0, 9.0)),
                       Change(seed=1, highest=1.0, export_taxes=0.5, icebergs=0.4, transfers=0.1)),
        "closed markets": (Draw(N=5, J=4, seed=5, theta=(1.0, 9.0), sparsity=0.9, empty=0.3,
                                homeless=0.3), Change(seed=5, highest=1.0)),
        "alone": (Draw(N=4, J=2, seed=4, theta=(1.0, 9.0)),
                  Change(seed=4, highest=1.0, autarky=True, export_taxes=0.3)),
    }[request.param])  # fmt: skip


# --- the base ---------------------------------------------------------------------------------
def published(draw: Draw, noise: float = 0.2):
    """Tables whose columns do not add up, as published ones do not."""
    held = tables(random_world(draw))
    rng = np.random.default_rng(draw.seed)
    off = np.exp(rng.normal(0, noise, held.final.shape))
    return held._replace(exact=False, final=held.final * off, value_added=held.value_added * off)


@pytest.mark.parametrize("empty", [0.0, 0.3])
def test_spending_that_shares_imply_where_columns_disagree(empty):
    """Orders of users and final buyers at base wages, summed market by market."""
    t = published(Draw(N=4, J=3, seed=3, theta=(2.0, 6.0), empty=empty, homeless=empty))
    base = MODEL.base(t)
    J, N = base.alpha.shape
    X, kept = base.spending, base.pi / (1 + t.tariff)
    sales = np.array([[sum(X[j, n] * kept[j, n, i] for n in range(N)) for i in range(N)]
                      for j in range(J)])  # fmt: skip
    for n in range(N):
        duty = sum(X[j, n] * kept[j, n] @ t.tariff[j, n] for j in range(J))
        income = t.value_added[:, n].sum() + duty + t.deficit[n]
        for j in range(J):
            made = t.value_added[:, n] + t.inputs[:, :, n].sum(axis=0)
            used = sum(t.inputs[j, k, n] / made[k] * sales[k, n] for k in range(J) if made[k] > 0)
            final = t.final[j, n] / t.final[:, n].sum() * income
            assert X[j, n] == pytest.approx(used + final, rel=1e-9, abs=1e-9 * X.max())
    assert (X >= 0).all()
    closed = t.trade.sum(axis=2) == 0
    assert closed.any() == (empty > 0)
    assert (X[closed] == 0).all()


def test_where_columns_agree_spending_is_what_was_paid():
    t = tables(random_world(Draw(N=4, J=3, seed=3, theta=(2.0, 6.0))))
    base = MODEL.base(t)
    np.testing.assert_array_equal(base.spending, (t.trade * (1 + t.tariff)).sum(axis=2))
    # and the loop over orders, started there, would stay
    again = MODEL.base(t._replace(exact=False))
    np.testing.assert_allclose(again.spending, base.spending, rtol=1e-9)


def test_shares_of_a_base_sum_to_one_and_are_zero_where_nothing_is_bought():
    t = published(Draw(N=5, J=4, seed=5, theta=(2.0, 6.0), sparsity=0.9, empty=0.3, homeless=0.3))
    base = MODEL.base(t)
    bought = (t.trade > 0).any(axis=2)
    assert not bought.all()
    np.testing.assert_allclose(base.pi.sum(axis=2), bought.astype(float), rtol=1e-12)
    np.testing.assert_allclose(base.alpha.sum(axis=0), 1.0, rtol=1e-12)
    np.testing.assert_allclose(base.gamma.sum(axis=2).T, 1.0 - base.beta, atol=1e-12)
    np.testing.assert_array_equal(base.value_added, t.value_added.sum(axis=0))


def test_own_income_is_value_added_and_duties():
    world = random_world(Draw(N=4, J=3, seed=3))
    t = tables(world)
    base = MODEL.base(t)
    duties = [sum(t.trade[j, n] @ t.tariff[j, n] for j in range(3)) for n in range(4)]
    expected = t.value_added.sum(axis=0) + np.array(duties)
    np.testing.assert_allclose(MODEL.own_income(t, base), expected, rtol=1e-12)
    assert MODEL.size(base) == 4 + 2 * 12
    theta = np.array([1.0, 2.0, 3.0])
    drawn = MODEL.with_elasticities(base, theta)
    assert drawn.theta.tolist() == theta.tolist()
    assert drawn._replace(theta=base.theta) == base


def test_a_base_keeps_its_markets_unless_nobody_buys_there(case):
    problem, _, _ = case
    base = problem.base
    k = problem.kernel
    idle = np.zeros_like(base.spending)
    assert MODEL.in_use(base, k._replace(unused=idle)) is base
    idle[1, 2] = 1.0
    left = MODEL.in_use(base._replace(spending=np.ones_like(idle)), k._replace(unused=idle))
    np.testing.assert_array_equal(left.spending, 1.0 - idle)


# --- a point as a base of its own -------------------------------------------------------------
def test_a_point_is_the_base_of_the_economy_there(case):
    """Its shares at its own prices sell what the point sells, whoever takes the tax."""
    problem, p, _ = case
    here = MODEL.economy_at(p, problem)
    at_gate = here.spending[:, :, None] * here.pi / (1 + here.tariff)
    np.testing.assert_allclose(at_gate.sum(axis=1), p.Y, rtol=1e-11, atol=1e-11 * p.Y.max())
    np.testing.assert_allclose(here.value_added, np.exp(p.log_w) * problem.base.value_added)
    np.testing.assert_array_equal(here.spending, p.X)
    np.testing.assert_array_equal(here.theta, problem.base.theta)


def test_an_equilibrium_is_the_base_of_its_own_problem():
    """Without export taxes, whose revenue another country has, nothing is left to solve there."""
    world = random_world(Draw(N=4, J=3, seed=6, theta=(1.0, 9.0), deficit=0.2))
    policy = random_policy(world, Change(seed=6, highest=1.0, icebergs=0.4))
    after = dt.simulate(world, policy, tol=1e-12).after
    here = MODEL.economy_at(after.point, after.problem)
    problem = at_base(MODEL, here)
    p = MODEL.evaluate(np.zeros(MODEL.size(here)), problem)
    assert np.abs(MODEL.residual(p, problem)).max() < 1e-10


# --- what is read off a point -----------------------------------------------------------------
def test_checks_are_the_errors_of_the_equations(case):
    """Far from an equilibrium, where none of them is small."""
    problem, p, z = case
    base, policy, k, _ = problem
    J, N = base.alpha.shape
    found = MODEL.checks(p, problem)
    r = MODEL.residual(p, problem)
    r_P, r_x = r[N : N + J * N].reshape(J, N), r[N + J * N :]
    X = MODEL.flows(p, k)
    gate = X if policy.export_tax is None else X / (1 + policy.export_tax)
    # labour's demand is its part of sales at the gate
    demand = (base.beta * gate.sum(axis=1)).sum(axis=0)
    supply = np.exp(z[:N]) * base.value_added
    assert found["labour_markets"] == pytest.approx(np.abs(demand / supply - 1).max(), rel=1e-9)
    assert found["goods_markets"] == pytest.approx(np.abs(np.expm1(r_x)).max(), rel=1e-9)
    shares = np.expm1(base.theta[:, None] * r_P)
    assert found["share_sums"] == pytest.approx(np.abs(shares).max(), rel=1e-9)
    gap = X.sum(axis=(0, 2)) - X.sum(axis=(0, 1)) - p.deficit - policy.transfer
    assert found["walras"] == pytest.approx(np.abs(gap / p.income).max(), rel=1e-9)
    assert min(found.values()) > 1e-6


def test_one_country_is_a_row_and_a_column_of_all(case):
    problem, p, _ = case
    k = problem.kernel
    flows, shares = MODEL.flows(p, k), MODEL.shares(p, k)
    for n in range(flows.shape[1]):
        for found, expected in zip(
            (*MODEL.bought_by(n, p, k), *MODEL.sold_by(n, p, k)),
            (flows[:, n], shares[:, n], flows[:, :, n], shares[:, :, n]),
            strict=True,
        ):
            np.testing.assert_allclose(found, expected, rtol=1e-13)
    paid = flows * (1 + problem.policy.tariff)
    np.testing.assert_allclose(paid, shares * p.X[:, :, None], rtol=1e-11, atol=1e-11 * p.X.max())
    np.testing.assert_allclose(shares.sum(axis=2), 1.0 - k.unserved, atol=1e-12)


def test_no_price_where_nobody_sells_and_no_cost_where_an_input_is_missing(case):
    problem, p, _ = case
    base, k = problem.base, problem.kernel
    nobody = k.A.sum(axis=2) == 0
    prices, costs = MODEL.price_logs(p, problem), MODEL.cost_logs(p, problem)
    np.testing.assert_array_equal(np.isnan(prices), k.unserved > 0)
    assert (nobody <= (k.unserved > 0)).all()
    np.testing.assert_array_equal(prices[k.unserved == 0], p.log_P_new[k.unserved == 0])
    J, N = base.alpha.shape
    for n in range(N):
        for j in range(J):
            lacks = any(base.gamma[n, j, i] > 0 and k.unserved[i, n] > 0 for i in range(J))
            assert np.isnan(costs[j, n]) == lacks
            assert lacks or costs[j, n] == p.log_c[j, n]


def test_a_user_of_what_nobody_sells_has_no_cost():
    """Of two goods the second is made from the first, which nobody sells in country 0."""
    problem, p, _ = off_equilibrium(Draw(N=3, J=2, seed=1), Change(seed=1, highest=0.5))
    gamma = np.zeros_like(problem.base.gamma)
    gamma[:, 1, 0] = 0.4
    unserved = np.zeros((2, 3))
    unserved[0, 0] = 1.0
    at = problem._replace(
        base=problem.base._replace(gamma=gamma), kernel=problem.kernel._replace(unserved=unserved)
    )
    expected = np.zeros((2, 3), dtype=bool)
    expected[1, 0] = True
    np.testing.assert_array_equal(np.isnan(MODEL.cost_logs(p, at)), expected)


# --- welfare ----------------------------------------------------------------------------------
def test_welfare_columns_are_slopes_of_log_welfare(case):
    problem, p, z = case
    base = problem.base
    J = len(base.theta)
    weights = np.random.default_rng(0).uniform(0.2, 2.0, J)
    before = MODEL.evaluate(np.zeros_like(z), problem)
    v = np.random.default_rng(1).normal(size=z.size)
    v /= np.linalg.norm(v)
    for who in (Target(1), Target(2, weights / weights.mean())):
        columns = MODEL.welfare_columns([Target(0), who], p, base)
        found = MODEL.pull_back(columns.bars(1), p, problem)

        def value(h, who=who):
            return MODEL.log_welfare(who, before, MODEL.evaluate(z + h * v, problem), base)

        wide, narrow = ((value(h) - value(-h)) / (2 * h) for h in (2e-4, 1e-4))
        expected = (4 * narrow - wide) / 3
        assert found @ v == pytest.approx(expected, abs=1e-8 * float(np.linalg.norm(found)))


def test_sector_income_sums_to_income(case):
    problem, p, _ = case
    earned = MODEL.sector_income(p, problem.base)
    np.testing.assert_allclose(earned.sum(axis=0), p.income, rtol=1e-12)
    paid = problem.base.beta * p.Y
    np.testing.assert_allclose(earned * paid.sum(axis=0), paid * p.income, rtol=1e-12)


# --- when no equilibrium can exist ------------------------------------------------------------
def test_who_sells_nothing_is_named():
    """Country 1 may buy from everybody and sells to nobody, not even at home."""
    world = random_world(Draw(N=3, J=2, seed=1, inputs=False))
    base = prepare(world, MODEL).economy
    ice = np.ones_like(base.tariff)
    ice[:, :, 1] = np.inf
    policy = Instruments(base.tariff, None, ice, np.zeros(3))
    closure = Closure("zero", base.deficit, base.value_added)
    problem = Problem(base, policy, MODEL.kernel(base, policy), closure)
    found = MODEL.impossible(problem)
    assert found is not None
    assert (found.reason, found.countries) == ("no sales", (1,))
    ice[:, 2, :] = np.inf  # and 2 may not buy: its markets have no seller
    policy = policy._replace(iceberg=ice)
    found = MODEL.impossible(problem._replace(policy=policy, kernel=MODEL.kernel(base, policy)))
    assert found is not None
    assert (found.reason, found.countries) == ("no seller", (2, 2))
    assert found.cells == ((0, 2), (1, 2))


# --- columns ----------------------------------------------------------------------------------
def test_sums_and_parts_of_columns():
    rng = np.random.default_rng(0)
    whole = Columns(rng.normal(size=(3, 4)), rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 4)),
                    log_w=rng.normal(size=(3, 4)))  # fmt: skip
    assert list(whole.given) == ["income", "log_P_new", "Y", "log_w"]
    some = whole.part(slice(1, 3))
    weights = np.array([2.0, -1.0])
    one = total(some, weights)
    for name, c in whole.given.items():
        np.testing.assert_array_equal(getattr(some, name), c[..., 1:3])
        expected = 2.0 * c[..., 1] - c[..., 2]
        np.testing.assert_allclose(getattr(one, name)[..., 0], expected)
        np.testing.assert_array_equal(getattr(whole.bars(3), name), c[..., 3])
    assert one.log_L is None
    assert whole.bars(0).income.shape == (3,)  # pyright: ignore[reportAttributeAccessIssue]

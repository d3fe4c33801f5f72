"""What the models of firms and of hours read off a point, against its flows."""

from __future__ import annotations

import numpy as np
import pytest
from monopolistic_plain import markup_world

from detente.models.bars import Bars
from detente.models.closure import Closure
from detente.models.labour_supply import LabourSupply
from detente.models.labour_supply.welfare import log_utility
from detente.models.model import Model, Problem, Target
from detente.models.monopolistic import Monopolistic
from detente.outcome.economy import instruments, prepare, tables
from worlds import Change, Draw, random_policy, random_world

NU = (0.3, 0.1, 0.0, 0.2)

MODELS: dict[str, Model] = {
    "firms": Monopolistic("none"),
    "entry": Monopolistic("free"),
    "hours": LabourSupply(nu=NU),
    "hours, lump sum": LabourSupply(nu=NU, revenue="lump-sum", disutility="exact"),
    "hours, exact": LabourSupply(nu=NU, disutility="exact"),
}


@pytest.fixture(params=list(MODELS)[:-1])
def case(request):
    """A model, a problem of it with every instrument, and a point that is no equilibrium."""
    model = MODELS[request.param]
    firms = isinstance(model, Monopolistic)
    draw = Draw(N=4, J=3 if firms else 1, seed=4, inputs=False, theta=(2.0, 6.0), sparsity=0.2)
    world = markup_world(draw) if firms else random_world(draw)
    prepared = prepare(world, model)
    taxes = 0.4 if firms else 0.0
    change = Change(seed=5, highest=1.0, icebergs=0.4, export_taxes=taxes, transfers=0.05)
    policy = instruments(random_policy(world, change))
    if not firms:
        policy = policy._replace(export_tax=None)
    closure = Closure("fixed", prepared.economy.deficit, prepared.own_income)
    kernel = model.kernel(prepared.economy, policy)
    problem = Problem(prepared.economy, policy, kernel, closure)
    z = 0.1 * np.random.default_rng(0).normal(size=model.size(prepared.economy))
    return world, model, problem, model.evaluate(z, problem)


def imports_less_exports(flows):
    return flows.sum(axis=(0, 2)) - flows.sum(axis=(0, 1))


def test_own_income_is_what_is_earned_and_duties(case):
    world, model, problem, _ = case
    t = tables(world)
    base = problem.base
    duties = (t.trade * t.tariff).sum(axis=(0, 2))
    earned = t.trade.sum(axis=(0, 1))
    if isinstance(model, LabourSupply):  # a part of sales pays labour where they are sold
        nu = np.array(NU)
        earned = (1 - nu) @ t.trade[0] + nu * t.trade[0].sum(axis=1)
    np.testing.assert_allclose(model.own_income(t, base), earned + duties, rtol=1e-12)
    np.testing.assert_allclose(base.value_added, earned, rtol=1e-12)
    # what is spent beyond that is the deficit
    spent = (t.trade * (1 + t.tariff)).sum(axis=(0, 2))
    np.testing.assert_allclose(base.deficit, spent - earned - duties, atol=1e-9 * spent.max())
    assert abs(base.deficit.sum()) < 1e-9 * spent.sum()


def test_shares_are_of_spending_and_flows_leave_the_tariff_out(case):
    _, model, problem, p = case
    shares, flows = model.shares(p, problem.kernel), model.flows(p, problem.kernel)
    np.testing.assert_allclose(shares.sum(axis=2), 1.0, rtol=1e-12)
    paid = flows * (1 + problem.policy.tariff)
    np.testing.assert_allclose(paid, shares * p.X[:, :, None], rtol=1e-11, atol=1e-11 * p.X.max())
    tax = problem.policy.export_tax
    gate = flows if tax is None else flows / (1 + tax)
    np.testing.assert_allclose(gate.sum(axis=1), p.Y, rtol=1e-11)
    np.testing.assert_allclose((paid - flows).sum(axis=(0, 2)), p.tariff_revenue, rtol=1e-9)
    np.testing.assert_allclose((flows - gate).sum(axis=(0, 1)), p.export_revenue, rtol=1e-9)
    for n in range(4):
        np.testing.assert_array_equal(model.bought_by(n, p, problem.kernel)[0], flows[:, n])
        np.testing.assert_array_equal(model.bought_by(n, p, problem.kernel)[1], shares[:, n])
        np.testing.assert_array_equal(model.sold_by(n, p, problem.kernel)[0], flows[:, :, n])
        np.testing.assert_array_equal(model.sold_by(n, p, problem.kernel)[1], shares[:, :, n])


def test_the_trade_deficit_and_its_weights(case):
    _, model, problem, p = case
    flows = model.flows(p, problem.kernel)
    found = model.trade_deficit(p, problem.kernel)
    if isinstance(model, LabourSupply):
        np.testing.assert_allclose(found, imports_less_exports(flows), atol=1e-9 * p.X.max())
    else:
        np.testing.assert_array_equal(found, p.deficit + problem.policy.transfer)
    for n in range(4):
        bars = model.trade_deficit_bars(n, p)
        held = {"flows": flows, "transfer": problem.policy.transfer}
        weighed = sum(float(np.sum(getattr(bars, f) * held.get(f, getattr(p, f, 0.0))))
                      for f in Bars._fields if getattr(bars, f) is not None)  # fmt: skip
        assert weighed == pytest.approx(found[n], abs=1e-9 * p.X.max())


def test_checks_are_the_errors_of_the_equations(case):
    """Far from an equilibrium, where none of them is small but shares, which hold at any point."""
    _, model, problem, p = case
    base, policy, k, _ = problem
    found = model.checks(p, problem)
    flows = model.flows(p, k)
    gate = flows if policy.export_tax is None else flows / (1 + policy.export_tax)
    spent = p.X.sum(axis=0)
    assert found["goods_markets"] == pytest.approx(np.abs(p.income / spent - 1).max(), rel=1e-9)
    assert found["share_sums"] < 1e-12
    expected = {"labour_markets", "goods_markets", "walras", "share_sums"}
    if isinstance(model, Monopolistic):
        demand = (base.rho[:, None] * gate.sum(axis=1)).sum(axis=0)
        supply = np.exp(p.log_w) * base.labour
        gap = imports_less_exports(flows) - p.deficit - policy.transfer
        if base.free:
            expected.add("free_entry")
            made = p.M * np.exp(p.log_w) * base.output  # what they must sell to pay for entry
            size = np.where(base.output > 0, gate.sum(axis=1) / np.where(made > 0, made, 1.0), 1.0)
            assert found["free_entry"] == pytest.approx(np.abs(size - 1).max(), rel=1e-9)
    else:
        nu = np.array(NU)
        earned = (1 - nu) @ gate[0] + nu * gate[0].sum(axis=1)
        demand, supply = earned, np.exp(p.log_w + p.log_L) * base.value_added
        # a part of what foreigners sell here is earned here, and of what is sold there, there
        abroad = nu * gate[0].sum(axis=1) - nu @ gate[0]
        gap = imports_less_exports(flows) - abroad - p.deficit - policy.transfer
        expected.add("hours")
        hours = np.exp(p.log_L_new - p.log_L) - 1
        assert found["hours"] == pytest.approx(np.abs(hours).max(), rel=1e-9)
        assert found["hours"] > 1e-3
    assert found["labour_markets"] == pytest.approx(np.abs(demand / supply - 1).max(), rel=1e-9)
    assert found["walras"] == pytest.approx(np.abs(gap / p.income).max(), rel=1e-7)
    assert set(found) == expected
    assert min(found[name] for name in ("labour_markets", "goods_markets", "walras")) > 1e-3


def test_variables_of_their_own(case):
    _, model, problem, p = case
    base, k = problem.base, problem.kernel
    found = model.extra(p, problem)
    assert tuple(found) == model.abilities.variables
    if isinstance(model, Monopolistic):
        gate = model.flows(p, k) / (1 + problem.policy.export_tax)  # pyright: ignore[reportOptionalOperand]
        part = 0.0 if base.free else 1 / base.sigma[:, None]
        expected = part * gate.sum(axis=1)
        np.testing.assert_allclose(found["profits"], expected, rtol=1e-11)
        np.testing.assert_array_equal(found["firms"], np.where(base.output > 0, p.M, 0.0))
    else:
        np.testing.assert_allclose(found["labour"], np.exp(p.log_L))
        now = p.tariff_revenue / (np.exp(p.log_w + p.log_L) * base.value_added)
        duties = (base.tariff / (1 + base.tariff) * base.pi).sum(axis=(0, 2)) * base.spending[0]
        points = 100 * (now - duties / base.value_added) if base.at.relief else 0.0 * now
        np.testing.assert_allclose(found["income_tax"], points, atol=1e-11)


def test_sector_income(case):
    _, model, problem, p = case
    found = model.sector_income(p, problem.base)
    np.testing.assert_allclose(found.sum(axis=0), p.income, rtol=1e-12)
    if isinstance(model, Monopolistic):
        paid = problem.base.rho[:, None] * p.Y
        rest = p.income - p.profits.sum(axis=0)
        np.testing.assert_allclose((found - p.profits) * paid.sum(axis=0), paid * rest)


# --- welfare where hours are work -------------------------------------------------------------
@pytest.mark.parametrize("case", ["hours", "hours, lump sum", "hours, exact"], indirect=True)
def test_welfare_is_consumption_less_what_hours_cost(case):
    """W = d E/P + (1-d) h as the paper writes it, in changes."""
    _, model, problem, p = case
    base, at = problem.base, problem.base.at
    k = at.kappa / (1 + at.kappa)
    E, Y = base.spending[0], base.value_added
    d = E / (E - k * (1 - p.relief) * Y)
    spending, price = p.income / E, np.exp(p.log_P_new[0])
    h = np.exp(p.log_w + p.log_L) / price
    if not at.printed:
        h = h / (1 - p.relief)
    expected = d * spending / price + (1 - d) * h
    np.testing.assert_allclose(np.exp(log_utility(p, base)), expected, rtol=1e-12)
    for n in range(4):
        before = model.evaluate(np.zeros(12), problem)
        assert model.log_welfare(Target(n), before, p, base) == pytest.approx(
            log_utility(p, base)[n] - log_utility(before, base)[n], rel=1e-12
        )


@pytest.mark.parametrize("case", ["hours"], indirect=True)
def test_welfare_ends_where_hours_cost_all_that_is_consumed(case):
    _, _, problem, p = case
    at = problem.base.at
    cost = at.kappa / (1 + at.kappa) * (1 - p.relief) * p.wage_bill
    factor = np.array([0.5, 1.0, 1.5, 1.5])  # less than hours cost, as much, and more
    spending = problem.base.spending * [1.0, 1.0, 1.0, 0.01]  # the last had nothing to begin with
    poor = problem.base._replace(spending=spending)
    found = log_utility(p._replace(income=factor * cost), poor)
    assert found[:2].tolist() == [-np.inf, -np.inf]
    assert np.isfinite(found[2])
    assert np.isnan(found[3])
    found = log_utility(p._replace(income=0.5 * cost), poor)
    assert np.isnan(found[3])


# --- when no equilibrium can exist ------------------------------------------------------------
def test_markets_without_sellers_and_sellers_without_markets(case):
    _, model, problem, _ = case
    assert model.impossible(problem) is None
    base = problem.base

    def under(iceberg):
        policy = problem.policy._replace(iceberg=iceberg)
        return model.impossible(problem._replace(policy=policy, kernel=model.kernel(base, policy)))

    J = len(base.theta)
    wall = np.ones_like(base.tariff)
    wall[:, 2, :] = np.inf  # 2 may not buy
    found = under(wall)
    assert found is not None
    needed = [(j, 2) for j in range(J) if base.spending[j, 2] > 0]
    assert (found.reason, found.cells) == ("no seller", tuple(needed))
    assert found.countries == (2,) * len(needed)
    wall = np.ones_like(base.tariff)
    wall[:, :, 2] = np.inf  # 2 may not sell; where it has nu = 0 its labour earns nothing
    found = under(wall)
    assert found is not None
    assert (found.reason, found.countries) == ("no sales", (2,))
    wall = np.ones_like(base.tariff)
    wall[:, 0, 1:] = wall[:, 1:, 0] = np.inf  # 0 is alone, and has a deficit
    found = under(wall)
    assert found is not None
    assert (found.reason, found.way) == ("no balance", "neither")
    assert found.countries == (0,)


def test_labour_that_earns_on_what_others_sell_needs_no_sales():
    """Where a part of purchases pays labour of the buyer's country."""
    world = random_world(Draw(N=4, J=1, seed=4, inputs=False, theta=(2.0, 6.0)))
    model = LabourSupply(nu=NU)
    base = prepare(world, model).economy
    wall = np.ones_like(base.tariff)
    wall[:, :, 0] = np.inf  # nu of country 0 is 0.3
    policy = instruments(random_policy(world, Change(seed=5, tariffs=0.0)))
    policy = policy._replace(iceberg=wall)
    closure = Closure("fixed", np.array([3.0, -1.0, -1.0, -1.0]), base.value_added)
    problem = Problem(base, policy, model.kernel(base, policy), closure)
    assert model.impossible(problem) is None

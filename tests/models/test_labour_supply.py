"""Ignatenko, Lashkaripour, Macedoni and Simonovska (2025): derivatives, closed forms, the model
inside it that the package already has, and what it refuses. Their tables are in
``test_liberation_day``."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.errors import InputError, NoSolutionError, UnknownNameError
from detente.models.bars import Bars
from detente.models.closure import Closure
from detente.models.dense import jacobian as by_columns
from detente.models.labour_supply import LabourSupply, distribution_wedges
from detente.models.labour_supply.linear import jacobian
from detente.models.labour_supply.welfare import log_utility
from detente.models.model import Problem, Target
from detente.models.registry import model_of
from detente.outcome.economy import instruments, prepare
from detente.variables import VARIABLES
from worlds import Change, Draw, build, random_policy, random_world

NU = (0.3, 0.1, 0.0, 0.2, 0.15)
MODELS = {
    "plain": LabourSupply(),
    "lump-sum": LabourSupply(kappa=0.8, nu=NU, revenue="lump-sum"),
    "income-tax": LabourSupply(nu=NU, psi=0.3),
    "exact": LabourSupply(nu=NU, phi=(1.2, 0.9, 1.0, 1.4, 0.5), disutility="exact"),
}
DRAW = Draw(N=5, J=1, seed=3, theta=(3.0, 6.0), inputs=False, sparsity=0.1)
CHANGE = Change(seed=1, highest=1.0, icebergs=0.4, bans=0.1, transfers=0.05)


def one_sector(**changes) -> dt.World:
    return random_world(Draw(**{**vars(DRAW), **changes}))


@pytest.fixture(params=[(m, d) for m in MODELS for d in ("fixed", "share", "zero")], ids="-".join)
def setting(request):
    """Model, problem and unknowns away from any equilibrium."""
    model, deficit = MODELS[request.param[0]], request.param[1]
    world = one_sector()
    held = prepare(world, model)
    policy = instruments(random_policy(world, CHANGE))
    closure = Closure(deficit, held.economy.deficit, held.own_income)
    problem = Problem(held.economy, policy, model.kernel(held.economy, policy), closure)
    rng = np.random.default_rng(7)
    return model, problem, 0.05 * rng.normal(size=15), rng


def slope(f, z, v):
    """Richardson's central difference: error of order h^4."""
    wide, narrow = ((f(z + h * v) - f(z - h * v)) / (2 * h) for h in (2e-4, 1e-4))
    return (4 * narrow - wide) / 3


# --- derivatives ----------------------------------------------------------------------------
def test_tangent_is_the_derivative_of_the_equations(setting):
    model, problem, z, rng = setting
    for _ in range(4):
        v = rng.normal(size=z.size)
        found = model.tangent(v, model.evaluate(z, problem), problem)
        numeric = slope(lambda at: model.residual(model.evaluate(at, problem), problem), z, v)
        np.testing.assert_allclose(found, numeric, atol=1e-7 * np.abs(found).max())


def test_cotangent_is_the_transpose(setting):
    model, problem, z, rng = setting
    p = model.evaluate(z, problem)
    for _ in range(4):
        v, y = rng.normal(size=(2, z.size))
        there = y @ model.tangent(v, p, problem)
        assert model.cotangent(y, p, problem) @ v == pytest.approx(there, rel=1e-12, abs=1e-12)


def test_the_matrix_is_that_of_the_tangent(setting):
    model, problem, z, _ = setting
    p = model.evaluate(z, problem)
    found = jacobian(p, problem.base, problem.kernel, problem.closure)
    np.testing.assert_allclose(found, by_columns(model, p, problem), atol=1e-13)


@pytest.mark.parametrize("field", [f for f in Bars._fields if f not in ("transfer", "X_new")])
def test_weights_on_a_point_come_back_to_the_unknowns(setting, field):
    """Each field of the weights, against a difference of what it weighs."""
    model, problem, z, rng = setting
    p = model.evaluate(z, problem)

    def held(at):
        q = model.evaluate(at, problem)
        return model.flows(q, problem.kernel) if field == "flows" else getattr(q, field)

    weights = rng.normal(size=np.shape(held(z)))
    back = model.pull_back(Bars(**{field: weights}), p, problem)
    v = rng.normal(size=z.size)
    numeric = slope(lambda at: float((weights * held(at)).sum()), z, v)
    assert back @ v == pytest.approx(numeric, rel=1e-7, abs=1e-7 * np.abs(weights).max())


def test_a_weight_on_new_spending_is_one_on_income(setting):
    model, problem, z, rng = setting
    p, weights = model.evaluate(z, problem), rng.normal(size=5)
    one = model.pull_back(Bars(X_new=weights[None]), p, problem)
    np.testing.assert_array_equal(one, model.pull_back(Bars(income=weights), p, problem))


def test_welfare_has_the_derivative_it_states(setting):
    model, problem, z, rng = setting
    p, v = model.evaluate(z, problem), rng.normal(size=z.size)
    columns = model.welfare_columns([Target(n) for n in range(5)], p, problem.base)
    before = model.evaluate(0 * z, problem)
    for n in range(5):

        def value(at, n=n):
            after = model.evaluate(at, problem)
            return model.log_welfare(Target(n), before, after, problem.base)

        back = model.pull_back(columns.bars(n), p, problem)
        assert back @ v == pytest.approx(slope(value, z, v), rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("of", ["real_income[c01]", "deficit_after[c00]", "trade[s00,c03,c00]"])
def test_gradients_of_solved_outcomes(name, of):
    """The implicit-function gradient against solving again, in each instrument the model has."""
    world, model = one_sector(), MODELS[name]
    policy = random_policy(world, CHANGE)

    def outcome(tariff=0.0, iceberg=0.0, transfer=0.0):
        p = dt.Policy(
            world,
            tariff=policy.tariff.values + tariff,
            iceberg=policy.iceberg.values + iceberg,
            transfer=dict(zip(world.countries, policy.transfer.values + transfer, strict=True)),
        )
        return dt.simulate(world, p, model=model, tol=1e-13)

    def value(out):
        variable, at = dt.outcome.objective.parse(world, of)
        return float(getattr(out, variable).values[at])

    here = outcome()
    rng = np.random.default_rng(4)
    for wrt, shape in (("tariff", (1, 5, 5)), ("iceberg", (1, 5, 5)), ("transfer", (5,))):
        v = rng.normal(size=shape)
        v = v - v.mean() if wrt == "transfer" else v * (1 - np.eye(5))
        found = float((dt.gradient(here, of, wrt).values * v).sum())
        size = 1.0 if wrt != "transfer" else float(world.value_added.sum()) / 100
        numeric = slope(lambda h, w=wrt, v=v: value(outcome(**{w: h * v})), 0.0, size) / size
        unit = 1.0 if of.startswith("real") else float(world.value_added.sum())
        assert found == pytest.approx(numeric, rel=1e-6, abs=1e-9 * unit)


# --- identities -----------------------------------------------------------------------------
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("deficit", ["fixed", "share", "zero"])
def test_no_change_gives_hats_of_one_and_money_is_neutral(name, deficit):
    world, model = one_sector(), MODELS[name]
    still = dt.simulate(world, model=model, deficit=deficit)
    np.testing.assert_allclose(still.real_income, 0.0, atol=1e-9)
    np.testing.assert_allclose(still.own("utility"), 0.0, atol=1e-9)
    tenfold = build(world.trade.values * 10, tariff=world.tariff.values, theta=world.theta.values)
    pair = [
        dt.simulate(w, dt.Policy(w, tariff=w.tariff.values * 3), model=model, deficit=deficit)
        for w in (world, tenfold)
    ]
    for variable in ("utility", "labour", "income_tax"):
        a, b = (out.own(variable).values for out in pair)
        np.testing.assert_allclose(a, b, atol=1e-8)
    assert max(pair[0].checks.values()) < 1e-9


def test_a_policy_of_everything_closes_the_accounts():
    world = one_sector()
    for model in MODELS.values():
        out = dt.simulate(world, random_policy(world, CHANGE), model=model)
        assert max(out.checks.values()) < 1e-9
        after = out.trade.values[0]
        gap = after.sum(axis=1) - after.sum(axis=0)
        np.testing.assert_allclose(out.deficit_after, gap, atol=1e-9 * after.sum())
        nu = np.broadcast_to(np.asarray(model.nu), 5)  # their eq. 7
        inside = nu * after.sum(axis=1) - nu @ after
        moved = out.policy.transfer.values + world.deficit.values - base_part(world, nu)
        np.testing.assert_allclose(gap, moved + inside, atol=1e-6 * after.sum())


def base_part(world, nu):
    trade = world.trade.values[0]
    return nu * trade.sum(axis=1) - nu @ trade


# --- closed forms ---------------------------------------------------------------------------
@pytest.mark.parametrize("name", MODELS)
def test_hours_follow_from_the_home_share_and_the_tax(name):
    """With P = (E/w)^(1-phi) c (home share hat)^(1/eps), eq. 3 is a formula for hours."""
    model = MODELS[name]
    world = one_sector(sparsity=0.0)
    policy = dt.Policy(world, tariff=world.tariff.values + 0.2 * (1 - np.eye(5)))
    out = dt.simulate(world, policy, model=model, tol=1e-12)
    at = prepare(world, model).economy.at
    home = np.diag(out.after.shares[0]) / np.diag(out.base.shares[0])
    spent = np.log(out.after.point.X[0] / out.base.point.X[0])
    w, tau = np.log(out.after.wage), out.own("income_tax").values / 100
    log_P = (1 - at.phi) * (spent - w) + w + np.log(home) / float(world.theta[0])
    hours = at.kappa * (w - log_P - np.log(1 - tau)) / (1 - at.kappa * at.psi)
    np.testing.assert_allclose(out.own("labour"), 100 * np.expm1(hours), atol=1e-8)
    assert (tau == 0).all() if model.revenue == "lump-sum" else (tau > 0).all()


def test_an_economy_that_only_trades_with_itself():
    """Autarky with everything spent at home: hours and welfare do not react to tariffs on nothing,
    and an iceberg on home sales of factor d cuts hours by d^(-kappa / (1 - kappa g)), with
    g = psi + phi - 1 the gain of real wages from hours."""
    trade = np.zeros((1, 2, 2))
    trade[0] = np.diag([70.0, 30.0])
    world = build(trade, theta=5.0)
    model = LabourSupply(kappa=0.6, nu=(0.2, 0.0))
    d = np.ones((1, 2, 2))
    d[0, 0, 0] = d[0, 1, 1] = 1.25
    out = dt.simulate(world, dt.Policy(world, iceberg=d), model=model)
    psi = 0.67 / 5
    phi = 1 + (1 + psi) * np.array([0.2, 0.0]) / (1 - np.array([0.2, 0.0]))
    hours = 1.25 ** (-0.6 / (1 - 0.6 * (psi + phi - 1)))
    np.testing.assert_allclose(out.own("labour"), 100 * (hours - 1), rtol=1e-9)
    np.testing.assert_allclose(out.own("utility"), 100 * (hours ** (1 + 1 / 0.6) - 1), rtol=1e-9)


def test_welfare_is_that_of_the_preferences():
    """C - k L^(1+1/kappa), written out; as printed it differs by the tax on the hours."""
    world = one_sector()
    policy = dt.Policy(world, tariff=world.tariff.values + 0.3 * (1 - np.eye(5)))
    for revenue in ("lump-sum", "income-tax"):
        found = {}
        for disutility in ("exact", "as-printed"):
            model = LabourSupply(nu=NU, revenue=revenue, disutility=disutility)
            out = dt.simulate(world, policy, model=model, tol=1e-12)
            found[disutility] = out.own("utility").values
        base = prepare(world, model).economy
        tau, k = out.own("income_tax").values / 100, 0.5 / 1.5
        E, Y = base.spending[0], base.value_added
        real = out.after.point.income / E / out.after.consumer_price
        L = 1 + out.own("labour").values / 100
        cost = k * (1 - tau) * Y
        exact = (E * real - cost * L ** (1 + 1 / 0.5)) / (E - cost)
        np.testing.assert_allclose(found["exact"], 100 * (exact - 1), atol=1e-8)
        earned = out.after.wage * L / out.after.consumer_price
        printed = (E * real - cost * earned) / (E - cost)
        np.testing.assert_allclose(found["as-printed"], 100 * (printed - 1), atol=1e-8)
        same = np.allclose(found["exact"], found["as-printed"], atol=1e-8)
        assert same == (revenue == "lump-sum")


def test_without_hours_scale_and_wedge_it_is_eaton_kortum():
    """kappa = psi = nu = 0: one-sector Caliendo-Parro, whatever is done with revenue."""
    world = one_sector()
    policy = dt.Policy(
        world,
        tariff=random_policy(world, CHANGE).tariff.values,
        iceberg=random_policy(world, CHANGE).iceberg.values,
    )
    for deficit in ("fixed", "share", "zero"):
        other = dt.simulate(world, policy, deficit=deficit, tol=1e-12)
        for revenue in ("lump-sum", "income-tax"):
            model = LabourSupply(kappa=0, psi=0, revenue=revenue)
            out = dt.simulate(world, policy, model=model, deficit=deficit, tol=1e-12)
            for name in ("real_income", "real_wage", "consumer_price"):
                a, b = getattr(out, name).values, getattr(other, name).values
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
            for name in ("trade", "deficit_after", "revenue"):  # USD million, world 1e6
                a, b = getattr(out, name).values, getattr(other, name).values
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-5)
            np.testing.assert_allclose(out.own("utility"), other.real_income, atol=1e-9)
            assert (out.own("labour") == 0).all()
    slope_a, slope_b = (
        dt.gradient(o, "real_income[c01]").values
        for o in (out, dt.simulate(world, policy, deficit="zero", tol=1e-12))
    )
    np.testing.assert_allclose(slope_a, slope_b, atol=1e-8)


def test_elastic_hours_are_reached_smoothly():
    """kappa and psi near zero give what they give at zero."""
    world = one_sector()
    policy = dt.Policy(world, tariff=world.tariff.values + 0.2)
    none = dt.simulate(world, policy, model=LabourSupply(kappa=0, psi=0))
    for small in ({"kappa": 1e-7, "psi": 0.3}, {"kappa": 1e-7}):
        near = dt.simulate(world, policy, model=LabourSupply(**small))
        np.testing.assert_allclose(near.real_income, none.real_income, atol=1e-5)


# --- games ----------------------------------------------------------------------------------
def small_and_large() -> dt.World:
    """A country too small to move prices abroad, and two that trade in balance."""
    size = 1e-4
    trade = np.array([[[800, 100, 20 * size], [100, 700, 20 * size],
                       [20 * size, 20 * size, 60 * size]]]) * 1e6  # fmt: skip
    return build(trade, theta=4.0)


@pytest.mark.parametrize("nu", [0.0, 0.2])
def test_a_small_country_levies_what_proposition_2_says(nu):
    """1 / ((1 + eps) phi - 1), where no hours respond; with nu = 0 the textbook's 1/eps."""
    model = LabourSupply(kappa=0, nu=nu)
    best = dt.optimal_tariff(small_and_large(), "c02", by="uniform", model=model, bounds=(0, 3))
    phi = 1 + (1 + 0.67 / 4) * nu / (1 - nu)
    assert best.status == "converged"
    assert float(best.tariff[0, 2, 0]) == pytest.approx(1 / ((1 + 4) * phi - 1), rel=1e-3)


def test_what_printed_welfare_makes_of_the_optimal_tariff():
    """By its preferences a country with elastic hours levies about 1/eps; welfare as printed
    leaves the tax out of what hours cost, so that revenue looks like more than it is."""
    world = small_and_large()
    rates = {
        d: float(dt.optimal_tariff(world, "c02", by="uniform", bounds=(0, 3),
                                   model=LabourSupply(psi=0, disutility=d)).tariff[0, 2, 0])
        for d in ("exact", "as-printed")
    }  # fmt: skip
    assert rates["exact"] == pytest.approx(0.25, abs=0.002)
    assert rates["as-printed"] > 0.30


@pytest.mark.parametrize("deficit", ["fixed", "zero"])
def test_a_tariff_war_with_a_certificate(deficit):
    world = one_sector(N=4, sparsity=0.0, seed=5, deficit=0.1)
    model = LabourSupply(nu=(0.3, 0.1, 0.1, 0.2), disutility="exact")
    war = dt.nash(world, ["c00", "c01", "c02"], by="uniform", model=model, deficit=deficit)
    assert war.status == "converged"
    assert float(war.regret.max()) < 1e-5
    for player in ("c00", "c01", "c02"):
        reply = dt.optimal_tariff(
            world, player, by="uniform", model=model, deficit=deficit, policy=war.outcome.policy
        )
        n = world.countries.index(player)
        others = np.arange(4) != n
        np.testing.assert_allclose(
            reply.tariff.values[0, n, others], war.tariff.values[0, n, others], atol=2e-4
        )


# --- calibration ----------------------------------------------------------------------------
def test_selling_costs_come_back_from_the_wedges():
    trade = np.exp(np.random.default_rng(0).normal(size=(6, 6))) + 5 * np.eye(6)
    shares = np.array([0.26, 0.12, 0.12, 0.12, 0.2, 0.2])
    nu = distribution_wedges(trade, shares)
    assert len(set(nu.round(12))) == 3
    for s in set(shares):
        firms = shares == s
        assert (nu @ trade[:, firms]).sum() / trade[:, firms].sum() == pytest.approx(s, rel=1e-12)


def test_equal_selling_costs_are_the_wedge():
    trade = np.arange(1.0, 10.0).reshape(3, 3)
    np.testing.assert_allclose(distribution_wedges(trade, np.full(3, 0.12)), 0.12)


def test_wedges_that_cannot_be_told():
    with pytest.raises(InputError, match=r"at or above 0 and below 1"):
        distribution_wedges(np.ones((2, 2)), np.array([0.1, 1.0]))
    with pytest.raises(InputError, match="one share a country"):
        distribution_wedges(np.ones((2, 2)), np.array([0.1]))
    with pytest.raises(InputError, match="same proportions"):
        distribution_wedges(np.ones((2, 2)), np.array([0.1, 0.2]))


# --- refusals -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kappa": -0.1}, ["kappa is -0.1", "at or above 0"]),
        ({"kappa": float("inf")}, ["kappa is inf", "at or above 0"]),
        ({"kappa": "much"}, ["kappa is 'much'", "number"]),
        ({"psi": -1}, ["psi is -1", "at or above 0"]),
        ({"nu": 1.0}, ["nu is 1.0", "at or above 0 and below 1"]),
        ({"nu": (0.1, -0.2)}, ["nu is -0.2 to 0.1", "at or above 0 and below 1"]),
        ({"nu": [[0.1]]}, ["nu has 2 dims"]),
        ({"nu": None}, ["nu is None"]),
        ({"phi": 0}, ["phi is 0", "above 0"]),
        ({"phi": (1.0, float("nan"))}, ["phi", "above 0"]),
    ],
)
def test_parameters_out_of_range(settings, words):
    with pytest.raises(InputError) as caught:
        LabourSupply(**settings)
    for word in words:
        assert word in str(caught.value)


def test_unknown_words():
    with pytest.raises(UnknownNameError, match="income-tax"):
        LabourSupply(revenue="burnt")
    with pytest.raises(UnknownNameError, match="as-printed"):
        LabourSupply(disutility="none")


def test_worlds_that_do_not_suit():
    many = random_world(Draw(N=3, J=2, seed=1, inputs=False))
    with pytest.raises(InputError, match=r"2 sectors.*world\.aggregate"):
        dt.simulate(many, model="labour-supply")
    merged = many.aggregate(sectors={"goods": "all"})
    assert dt.simulate(merged, model="labour-supply").status == "converged"
    with_inputs = random_world(Draw(N=3, J=1, seed=1, theta=(4, 5)))
    with pytest.raises(InputError, match=r"inputs.*from_tables"):
        dt.simulate(with_inputs, model="labour-supply")
    bare = dt.World.from_tables(with_inputs.trade, tariff=with_inputs.tariff, theta=4.0)
    assert dt.simulate(bare, model="labour-supply").status == "converged"
    with pytest.raises(InputError, match="nu has 2 numbers and the world 3 countries"):
        dt.simulate(bare, model=LabourSupply(nu=(0.1, 0.2)))
    with pytest.raises(InputError, match=r"kappa \(psi \+ phi - 1\) is 2"):
        dt.simulate(bare, model=LabourSupply(kappa=4, psi=0.5))


def test_what_it_does_not_levy():
    world = one_sector()
    tax = dt.Policy(world, export_tax=0.1 * (1 - np.eye(5))[None])
    with pytest.raises(InputError, match=r"labour-supply does not support .*export_tax"):
        dt.simulate(world, tax, model="labour-supply")
    with pytest.raises(InputError, match="export_tax"):
        dt.gradient(dt.simulate(world, model="labour-supply"), "real_income[c00]", "export_tax")


def test_equilibria_that_cannot_be():
    world = one_sector(sparsity=0.0)
    wall = np.ones((1, 5, 5))
    wall[0, 0, :] = np.inf
    with pytest.raises(NoSolutionError, match="c00"):
        dt.simulate(world, dt.Policy(world, iceberg=wall), model="labour-supply")
    alone = np.ones((1, 5, 5))
    alone[0, 0, 1:] = alone[0, 1:, 0] = np.inf
    with pytest.raises(NoSolutionError, match="c00"):  # it would still owe or be owed transfers
        dt.simulate(world, dt.Policy(world, iceberg=alone), model=LabourSupply(nu=NU))
    out = dt.simulate(world, dt.Policy(world, iceberg=alone), model=LabourSupply(nu=NU),
                      deficit="zero")  # fmt: skip
    assert float(out.deficit_after[0]) == pytest.approx(0.0, abs=1e-6)


def test_a_country_whose_hours_cost_more_than_it_consumes_has_no_welfare():
    """It sells five times what it buys: consumption is worth less than the hours behind it."""
    trade = np.array([[[10.0, 1.0, 1.0], [95.0, 90.0, 1.0], [1.0, 1.0, 50.0]]])
    world = build(trade, theta=4.0)
    out = dt.simulate(
        world, dt.Policy(world, tariff=0.1 * (1 - np.eye(3))[None]), model=LabourSupply(kappa=1.0)
    )
    assert np.isnan(out.own("utility")[0])
    assert np.isfinite(out.real_income).all()
    assert np.isfinite(out.own("utility")[1:]).all()


# --- through the package --------------------------------------------------------------------
def test_by_name_and_with_settings():
    world = one_sector()
    policy = dt.Policy(world, tariff=world.tariff.values + 0.1)
    given = {"name": "labour-supply", "nu": list(NU), "revenue": "lump-sum"}
    out = dt.simulate(world, policy, model=given)
    same = dt.simulate(world, policy, model=LabourSupply(nu=np.array(NU), revenue="lump-sum"))
    assert model_of(given) == LabourSupply(nu=NU, revenue="lump-sum")
    assert out.after is not same.after
    np.testing.assert_array_equal(out.real_income, same.real_income)
    assert out.provenance["model"] == "labour-supply"
    assert out.provenance["model_settings"]["nu"] == NU
    with pytest.raises(UnknownNameError, match="kappa"):
        dt.simulate(world, model={"name": "labour-supply", "kapa": 1})


def test_its_own_variables_are_in_the_outcome():
    world = one_sector()
    policy = dt.Policy(world, tariff=world.tariff.values + 0.1)
    out = dt.simulate(world, policy, model="labour-supply")
    data = out.to_dataset()
    for name in LabourSupply.abilities.variables:
        row, held = VARIABLES[name], out.own(name)
        assert row.read_as == f'own("{name}")'
        assert held.dims == row.dims == ("country",)
        assert held.attrs["unit"] == row.unit
        np.testing.assert_array_equal(data[name], held)
    value = np.exp(log_utility(out.after.point, out.after.economy)) - 1
    np.testing.assert_allclose(out.own("utility"), 100 * value, atol=1e-8)
    paid = out.revenue.values / out.after.point.wage_bill
    tau = paid - out.revenue_before.values / out.base.point.wage_bill
    np.testing.assert_allclose(out.own("income_tax"), 100 * tau, atol=1e-8)
    with pytest.raises(InputError, match="labour-supply"):
        dt.simulate(world).own("utility")

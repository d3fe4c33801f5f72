"""Staggered sourcing: limits, formulas, and what a period hands to the next."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.errors import InputError, UnknownNameError
from detente.models.closure import Closure
from detente.models.model import Problem
from detente.models.registry import model_of
from detente.models.staggered import Staggered
from detente.models.staggered.kernel import advance
from detente.models.staggered.labour import supply
from detente.outcome.economy import instruments, prepare, tables
from detente.world.horizons import elasticity_after, horizon_record
from worlds import Change, Draw, build, random_policy, random_world

EVERYTHING = (
    Draw(N=5, J=4, seed=1, theta=(0.5, 12.0), sparsity=0.2),
    Change(seed=1, highest=0.6, export_taxes=0.5, icebergs=0.4, transfers=0.05),
)
BANS = (
    Draw(N=6, J=3, seed=2, theta=(0.5, 12.0), sparsity=0.5, empty=0.1),
    Change(seed=2, highest=0.6, export_taxes=0.2, icebergs=0.4, bans=0.1),
)
UNSERVED = (  # markets that nobody serves
    Draw(N=5, J=4, seed=5, theta=(1.0, 12.0), sparsity=0.9, empty=0.3, homeless=0.3),
    Change(seed=5, highest=0.6),
)
MODELS = (
    Staggered(sigma=0.7, zeta=0.3),
    Staggered(sigma=1.8, zeta=0.1, labour="sticky", mu=0.2, kappa=2.5),
    Staggered(sigma=(0.5, 1.4, 2.2), zeta=(0.2, 0.9, 0.4), labour="sticky", mu=0.05),
)


def fitting(model: Staggered, J: int) -> Staggered:
    """Parameters by sector cut or repeated to the sectors of a world."""
    if not isinstance(model.sigma, tuple):
        return model
    of = [tuple(np.resize(v, J)) for v in (model.sigma, model.zeta)]
    return Staggered(of[0], of[1], model.labour, model.mu, model.kappa)


@pytest.fixture(params=[(w, m, d) for w in (0, 1, 2) for m in range(3) for d in ("fixed", "share")],
                ids=lambda p: f"{p[0]}-{p[1]}-{p[2]}")  # fmt: skip
def setting(request):
    """A model, its problem in a second period, and a point that is no equilibrium."""
    which, m, deficit = request.param
    draw, change = (EVERYTHING, BANS, UNSERVED)[which]
    world = random_world(draw)
    model = fitting(MODELS[m], draw.J)
    prepared = prepare(world, model)
    closure = Closure(deficit, prepared.economy.deficit, prepared.own_income)
    first = instruments(random_policy(world, Change(seed=9, highest=0.3)))
    rng = np.random.default_rng(7)
    size = model.size(prepared.economy)
    kernel = model.kernel(prepared.economy, first)
    problem = Problem(prepared.economy, first, kernel, closure)
    p = model.evaluate(0.03 * rng.normal(size=size), problem)
    base = advance(p, prepared.economy, first, kernel)  # past choices that differ from the base's
    policy = instruments(random_policy(world, change))
    problem = Problem(base, policy, model.kernel(base, policy), closure)
    return model, problem, 0.05 * rng.normal(size=size), rng


def test_tangent_is_the_derivative_of_the_equations(setting):
    model, problem, z, rng = setting
    unused = problem.kernel.anew.unused.ravel()
    N = problem.base.beta.shape[1]
    unknown = np.ones(z.size)
    unknown[N + unused.size : N + 2 * unused.size] -= unused  # spending where nobody buys

    def errors(at):
        return model.residual(model.evaluate(at, problem), problem)

    point = model.evaluate(z, problem)
    for _ in range(3):
        v = rng.normal(size=z.size) * unknown
        v /= np.linalg.norm(v)
        steps = [(errors(z + h * v) - errors(z - h * v)) / (2 * h) for h in (2e-4, 1e-4)]
        differences = (4 * steps[1] - steps[0]) / 3
        found = model.tangent(v, point, problem)
        np.testing.assert_allclose(found, differences, atol=2e-8 * np.abs(found).max())


def test_one_case_has_markets_that_nobody_serves():
    world = random_world(UNSERVED[0])
    model = MODELS[0]
    policy = instruments(random_policy(world, UNSERVED[1]))
    kernel = model.kernel(prepare(world, model).economy, policy)
    assert (kernel.anew.unserved > 0).any()


def test_cotangent_is_the_transpose(setting):
    model, problem, z, rng = setting
    point = model.evaluate(z, problem)
    for _ in range(3):
        v, y = rng.normal(size=z.size), rng.normal(size=z.size)
        there = y @ model.tangent(v, point, problem)
        assert model.cotangent(y, point, problem) @ v == pytest.approx(there, rel=1e-10)


def test_the_step_is_transposed_too():
    world = random_world(EVERYTHING[0])
    for model in MODELS[:2]:
        prepared = prepare(world, model)
        rng = np.random.default_rng(3)
        a, b = rng.normal(size=(2, model.size(prepared.economy)))
        there = a @ prepared.steps.direction(b)
        assert prepared.steps.transposed(a) @ b == pytest.approx(there, rel=1e-4)  # in float32


@pytest.mark.parametrize("sigma", [0.4, 3.0])
@pytest.mark.parametrize(("draw", "change"), [EVERYTHING, BANS])
def test_where_all_choose_it_is_caliendo_and_parro(draw, change, sigma):
    world = random_world(draw)
    policy = random_policy(world, change)
    static = dt.simulate(world, policy, tol=1e-12)
    ours = dt.simulate(
        world, policy, model={"name": "staggered", "zeta": 1.0, "sigma": sigma}, tol=1e-12
    )
    for name in ("real_income", "output", "sales", "prices", "revenue"):
        np.testing.assert_allclose(
            getattr(ours, name), getattr(static, name), rtol=1e-9, atol=1e-9, err_msg=name
        )


def test_on_the_embedded_world_too():
    world = dt.load_world()
    policy = dt.run("us-cars-25").outcome.policy
    static = dt.simulate(world, policy)
    ours = dt.simulate(world, policy, model={"name": "staggered", "zeta": 1.0})
    np.testing.assert_allclose(ours.real_income, static.real_income, atol=1e-9)
    np.testing.assert_allclose(ours.trade, static.trade, rtol=1e-8)


def test_labour_that_moves_for_any_gain_is_mobile():
    world = random_world(EVERYTHING[0])
    policy = random_policy(world, EVERYTHING[1])
    mobile = dt.simulate(world, policy, model={"name": "staggered", "zeta": 0.4})
    gaps = []
    for kappa in (20.0, 200.0, 2000.0):
        sticky = {"name": "staggered", "zeta": 0.4, "labour": "sticky", "mu": 1.0, "kappa": kappa}
        found = dt.simulate(world, policy, model=sticky)
        gaps.append(float(np.abs(found.real_income - mobile.real_income).max()))
    assert gaps[1] < gaps[0] / 5
    assert gaps[2] < gaps[1] / 5
    assert gaps[2] < 1e-2


def test_the_static_roy_case_has_its_closed_form():
    """With mu = 1 a country's pay is (sum_j l_j w_j^kappa)^(1/kappa) (Galle, Rodriguez-Clare and
    Yi 2023, section 2), and a sector's share in it l_j w_j^kappa over that sum."""
    world = random_world(EVERYTHING[0])
    model = {"name": "staggered", "zeta": 0.5, "labour": "sticky", "mu": 1.0, "kappa": 1.7}
    out = dt.simulate(world, random_policy(world, EVERYTHING[1]), model=model, tol=1e-12)
    talent = out.after.table.talent
    wage = 1.0 + out.own("sector_wage").values / 100.0
    terms = talent * np.where(talent > 0, wage, 1.0) ** 1.7
    np.testing.assert_allclose(out.after.wage, terms.sum(axis=0) ** (1 / 1.7), rtol=1e-10)
    paid = out.after.table.beta * out.after.point.Y
    np.testing.assert_allclose(paid / paid.sum(axis=0), terms / terms.sum(axis=0), atol=1e-10)


def test_movers_are_paid_alike_wherever_they_go():
    rng = np.random.default_rng(1)
    wages = rng.normal(size=(5, 3))
    talent = rng.dirichlet(np.ones(5), size=3).T
    found = supply(wages, talent, talent, 0.3, 2.2)
    pay = (found.movers * np.exp(wages)).sum(axis=0)
    np.testing.assert_allclose(pay, 0.3 * np.exp(found.mover_pay), rtol=1e-13)
    np.testing.assert_allclose(found.choice.sum(axis=0), 1.0, rtol=1e-13)
    np.testing.assert_allclose(supply(0 * wages, talent, talent, 0.3, 2.2).hands, talent)


def small_flow_world(share: float) -> dt.World:
    """Three countries that trade, of which one sells almost nothing to one other."""
    trade = np.array([[[100.0, share, 9.0], [10.0, 90.0, 8.0], [8.0, 9.0, 95.0]]])
    return build(trade, theta=3.0)


@pytest.mark.parametrize("name", ["cgmt", "blp", "cgmt-code"])
def test_the_elasticity_by_horizon_is_the_formula(name):
    """A small tariff on a flow too small to move anything else."""
    record = horizon_record(name)
    world = small_flow_world(1e-7).with_theta(record.theta)
    slopes = []
    for h in (1e-3, 5e-4):
        found = []
        for t in (h, -h):
            tariff = world.tariff.copy()
            tariff[0, 0, 1] = np.expm1(t)
            path = dt.path(
                world, dt.Policy(world, tariff=tariff), start="2025", end="2034", every="year",
                horizon=name, tol=1e-13,
            )  # fmt: skip
            found.append(path.trade.values[:, 0, 0, 1])
        slopes.append(np.log(found[0] / found[1]) / (2 * h))
    slope = (4 * slopes[1] - slopes[0]) / 3  # Richardson
    years = np.arange(1, 11)
    inclusive = np.array(
        [elasticity_after(y, record.theta, record.sigma, record.zeta) for y in years]
    )
    np.testing.assert_allclose(slope + 1.0, inclusive, atol=1e-6)


def test_the_set_meets_the_published_elasticities():
    for name, miss in (("cgmt", 0.001), ("blp", 0.0005)):
        r = horizon_record(name)
        assert len(r.published) >= 2
        for p in r.published:
            ours = elasticity_after(p.years, r.theta, r.sigma, r.zeta) - (p.of == "exclusive")
            assert ours == pytest.approx(p.value, abs=miss)


@pytest.mark.parametrize("labour", ["mobile", "sticky"])
def test_a_gradient_is_the_difference_of_two_solves(labour):
    world = random_world(EVERYTHING[0])
    policy = random_policy(world, EVERYTHING[1])
    model = {"name": "staggered", "zeta": 0.3, "sigma": 1.6, "labour": labour}
    out = dt.simulate(world, policy, model=model, tol=1e-13)
    who = world.countries[1]
    slope = dt.gradient(out, f"real_income[{who}]")
    h = 1e-4
    cell = {"sector": world.sectors[0], "importer": who, "exporter": world.countries[2]}
    values = []
    for step in (h, -h):
        tariff = policy.tariff.copy()
        tariff.loc[cell] += step
        moved = dt.Policy(
            world, tariff=tariff, export_tax=policy.export_tax, iceberg=policy.iceberg,
            transfer=policy.transfer,
        )  # fmt: skip
        found = dt.simulate(world, moved, model=model, tol=1e-13)
        values.append(float(found.real_income.sel(country=who)))
    difference = (values[0] - values[1]) / (2 * h)
    assert float(slope.sel(cell)) == pytest.approx(difference, rel=1e-5, abs=1e-8)


def test_bad_parameters_are_named_with_their_range():
    for given, words in (
        ({"sigma": 1.0}, "sigma is 1.0; it is a number at or above 0 and not 1"),
        ({"sigma": -0.1}, "sigma is -0.1"),
        ({"sigma": float("nan")}, "sigma is nan"),
        ({"zeta": 0.0}, "zeta is 0.0; it is a share, above 0 to 1"),
        ({"zeta": 1.2}, "zeta is 1.2"),
        ({"zeta": (0.5, 0.0)}, "zeta is 0.0"),
        ({"mu": 0.0}, "mu is 0.0; it is a share, above 0 to 1"),
        ({"mu": 1.01}, "mu is 1.01"),
        ({"kappa": 1.0}, "kappa is 1.0; it is a number above 1"),
        ({"kappa": float("inf")}, "kappa is inf"),
    ):
        with pytest.raises(InputError, match=words.replace(".", r"\.")):
            model_of({"name": "staggered", **given})
    with pytest.raises(UnknownNameError, match="labour"):
        model_of({"name": "staggered", "labour": "glued"})
    world = random_world(EVERYTHING[0])
    whole = Staggered(sigma=2, zeta=1).base(tables(world))
    assert whole.sigma.dtype == whole.zeta.dtype == float
    with pytest.raises(InputError, match="zeta has 2 values, the world 4 sectors"):
        dt.simulate(world, model={"name": "staggered", "zeta": (0.5, 0.2)})


@pytest.mark.parametrize("labour", ["mobile", "sticky"])
def test_what_is_earned_by_sector_is_the_countrys_income(labour):
    world = random_world(BANS[0])
    model = {"name": "staggered", "labour": labour}
    out = dt.simulate(world, random_policy(world, BANS[1]), model=model, tol=1e-12)
    e = out.after
    earned = e.model.sector_income(e.point, e.table)
    np.testing.assert_allclose(earned.sum(axis=0), e.point.income, rtol=1e-12)
    idle = world.value_added.values == 0
    assert idle.any()
    assert (earned[idle] == 0).all()
    for name in ("sector_wage", "sector_labour"):  # nobody works there
        values = out.own(name).values
        assert np.isnan(values[idle]).all()
        assert np.isfinite(values[~idle & (e.point.Y > 0)]).all()


def test_hands_are_what_payrolls_pay_for():
    world = random_world(EVERYTHING[0])
    model = {"name": "staggered", "labour": "sticky", "mu": 0.3, "kappa": 2.0}
    out = dt.simulate(world, random_policy(world, EVERYTHING[1]), model=model, tol=1e-12)
    hands = out.after.table.talent * (1 + out.own("sector_labour").values / 100)
    np.testing.assert_allclose(
        np.nan_to_num(hands), out.after.point.labour.hands, rtol=1e-9, atol=1e-12
    )
    mobile = dt.simulate(world, random_policy(world, EVERYTHING[1]), model="staggered")
    wage = mobile.own("sector_wage")
    for country in world.countries:
        here = wage.sel(country=country).dropna("sector")
        np.testing.assert_allclose(here, mobile.wage.sel(country=country), atol=1e-9)


def test_a_period_is_handed_on_in_few_arrays():
    """What choices leave is worked out sector by sector: two arrays by flow come out, and less than
    one more is needed on the way, whatever part of the flows a policy touches."""
    import tracemalloc

    world = random_world(Draw(N=40, J=12, seed=4, theta=(2.0, 8.0)))
    policy = random_policy(world, Change(seed=4, highest=0.5, export_taxes=0.5, icebergs=0.5))
    prepared = prepare(world, Staggered())
    levied = instruments(policy)
    kernel = prepared.model.kernel(prepared.economy, levied)
    closure = Closure("fixed", prepared.economy.deficit, prepared.own_income)
    problem = Problem(prepared.economy, levied, kernel, closure)
    p = prepared.model.evaluate(np.zeros(prepared.model.size(prepared.economy)), problem)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    advance(p, prepared.economy, levied, kernel)
    most = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert most < 3.0 * world.trade.values.nbytes


def test_a_market_that_nobody_serves_has_no_price():
    world = random_world(UNSERVED[0])
    model = fitting(MODELS[0], UNSERVED[0].J)
    prepared = prepare(world, model)
    levied = instruments(random_policy(world, UNSERVED[1]))
    kernel = model.kernel(prepared.economy, levied)
    closure = Closure("fixed", prepared.economy.deficit, prepared.own_income)
    problem = Problem(prepared.economy, levied, kernel, closure)
    p = model.evaluate(np.zeros(model.size(prepared.economy)), problem)
    nobody = kernel.anew.unserved > 0
    assert nobody.any()
    np.testing.assert_array_equal(np.isnan(model.price_logs(p, problem)), nobody)
    assert (model.shares(p, kernel)[nobody] == 0).all()

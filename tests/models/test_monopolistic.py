"""Monopolistic competition: its derivatives, its steps, and its equations written out again."""

from __future__ import annotations

import numpy as np
import pytest
from monopolistic_plain import errors, markup_world

import detente as dt
from detente.errors import ConvergenceError, InputError, NoSolutionError, UnknownNameError
from detente.models.adjoint import adjoint, solve_columns
from detente.models.bars import Bars
from detente.models.blocks import Instruments
from detente.models.closure import Closure
from detente.models.dense import at_base, dense_steps, inverse, jacobian
from detente.models.model import Problem, Target
from detente.models.monopolistic import Monopolistic
from detente.outcome.economy import instruments, prepare
from worlds import Change, Draw, random_policy, random_world

CASES = [
    (Draw(N=5, J=4, seed=1, inputs=False, theta=(0.5, 12.0), sparsity=0.2),
     Change(seed=1, highest=1.0, export_taxes=0.5, icebergs=0.4, transfers=0.1)),
    (Draw(N=6, J=3, seed=2, inputs=False, theta=(0.5, 12.0), sparsity=0.4, empty=0.1),
     Change(seed=2, highest=1.0, export_taxes=0.2, icebergs=0.4, bans=0.1)),
    (Draw(N=4, J=2, seed=4, inputs=False, theta=(1.0, 20.0)),
     Change(seed=4, highest=20.0, autarky=True)),
]  # fmt: skip

ENTRIES = ("none", "free")


class Setting:
    """A model, its problem under a policy that uses everything, and a point of no equilibrium."""

    def __init__(self, case: int, entry: str, deficit: str) -> None:
        draw, change = CASES[case]
        self.world = markup_world(draw)
        self.model = Monopolistic(entry)  # pyright: ignore[reportArgumentType]
        prepared = prepare(self.world, self.model)
        self.base = prepared.economy
        self.closure = Closure(deficit, self.base.deficit, prepared.own_income)
        self.policy = instruments(random_policy(self.world, change))
        self.problem = self.under(self.policy)
        self.rng = np.random.default_rng(case)
        J, N = self.base.alpha.shape
        z = 0.05 * self.rng.normal(size=self.model.size(self.base))
        if entry == "free":  # some sectors grow, some shrink, some have left
            m = self.rng.uniform(-0.9, 1.0, (J, N))
            m[self.rng.random((J, N)) < 0.15] = -1.3
            m[:, 0] = 0.1  # somebody serves every market that country 0 serves
            z[2 * N :] = m.ravel()
        self.z = z
        self.p = self.model.evaluate(z, self.problem)
        assert np.isfinite(self.model.residual(self.p, self.problem)).all()

    def under(self, policy: Instruments) -> Problem:
        return Problem(self.base, policy, self.model.kernel(self.base, policy), self.closure)

    def residual(self, z):
        return self.model.residual(self.model.evaluate(z, self.problem), self.problem)

    def direction(self):
        v = self.rng.normal(size=self.z.size)
        return v / np.linalg.norm(v)

    def bars(self) -> Bars:
        """Random weights on everything a point holds, each about as large as the others."""
        J, N = self.base.alpha.shape
        draw, size = self.rng.normal, 1.0 / self.base.value_added.mean()
        sums = ("tariff_revenue", "export_revenue", "deficit", "transfer", "income")
        nation = {name: draw(size=N) * size for name in sums}
        return Bars(
            log_w=draw(size=N), log_c=draw(size=(J, N)), log_P_new=draw(size=(J, N)),
            Y=draw(size=(J, N)) * size, X_new=draw(size=(J, N)) * size,
            flows=draw(size=(J, N, N)) * size, **nation,
        )  # fmt: skip

    def weighed(self, bars: Bars, y, z, problem: Problem) -> float:
        p = self.model.evaluate(z, problem)
        value = -float(y @ self.model.residual(p, problem))
        for name in Bars._fields:
            if name == "log_L":
                continue
            held = {"flows": lambda: self.model.flows(p, problem.kernel),
                    "transfer": lambda: problem.policy.transfer}  # fmt: skip
            content = held[name]() if name in held else getattr(p, name)
            value += float((getattr(bars, name) * content).sum())
        return value


@pytest.fixture(
    params=[(c, e, d) for c in range(len(CASES)) for e in ENTRIES for d in ("fixed", "share")],
    ids=lambda p: f"{p[0]}-{p[1]}-{p[2]}",
)
def setting(request):
    return Setting(*request.param)


def slope(f, h: float = 1e-4):
    """Central differences with one Richardson step: an error of order h^4."""
    wide, narrow = ((f(s) - f(-s)) / (2 * s) for s in (2 * h, h))
    return (4 * narrow - wide) / 3


# --- derivatives ------------------------------------------------------------------------------
def test_cases_have_corners_and_bans():
    free = Setting(0, "free", "fixed")
    assert (free.p.M == 0).any()
    assert (free.p.M > 1).any()
    assert not Setting(1, "none", "fixed").problem.kernel.linked.all()
    assert len(Setting(2, "none", "fixed").problem.kernel.numeraire) == 2


def test_tangent_is_the_derivative_of_the_equations(setting):
    s = setting
    for _ in range(4):
        v = s.direction()
        differences = slope(lambda h, v=v: s.residual(s.z + h * v))
        found = s.model.tangent(v, s.p, s.problem)
        np.testing.assert_allclose(found, differences, atol=2e-7 * np.abs(found).max())


def test_cotangent_is_the_transpose(setting):
    s = setting
    for _ in range(5):
        v, y = s.direction(), s.direction()
        there = y @ s.model.tangent(v, s.p, s.problem)
        back = s.model.cotangent(y, s.p, s.problem) @ v
        size = np.linalg.norm(s.model.cotangent(y, s.p, s.problem))
        assert back == pytest.approx(there, abs=1e-12 * size)


def test_pull_back_of_everything_a_point_holds(setting):
    s = setting
    nothing = np.zeros(s.z.size)
    for _ in range(3):
        bars, v = s.bars(), s.direction()
        expected = slope(lambda h, b=bars, v=v: s.weighed(b, nothing, s.z + h * v, s.problem))
        found = s.model.pull_back(bars, s.p, s.problem)
        assert found @ v == pytest.approx(expected, abs=1e-7 * np.linalg.norm(found))


@pytest.mark.parametrize("name", ["tariff", "export_tax", "iceberg", "transfer"])
def test_policy_gradient_in_every_instrument(setting, name):
    s = setting
    policy = s.policy
    if policy.iceberg is None:
        policy = policy._replace(iceberg=np.ones_like(policy.tariff))
    if policy.export_tax is None:
        policy = policy._replace(export_tax=np.zeros_like(policy.tariff))
    bars, y = s.bars(), s.direction()
    found = getattr(s.model.policy_gradient(bars, y, s.p, s.under(policy)), name)
    assert np.isfinite(found).all()
    for _ in range(3):
        by = s.rng.normal(size=found.shape)
        if name == "transfer":
            by *= s.base.value_added

        def moved(h, by=by):
            level = getattr(policy, name)
            with np.errstate(invalid="ignore"):  # a ban stays one
                return s.under(
                    policy._replace(**{name: np.where(np.isinf(level), level, level + h * by)})
                )

        expected = slope(lambda h, moved=moved: s.weighed(bars, y, s.z, moved(h)), 1e-5)
        size = float(np.linalg.norm(found * by))
        assert float((found * by).sum()) == pytest.approx(expected, abs=1e-6 * size)


def test_a_closed_flow_has_no_slope():
    s = Setting(1, "free", "fixed")
    shut = s.problem.kernel.A == 0
    found = s.model.policy_gradient(s.bars(), s.direction(), s.p, s.problem)
    # a firm that has left has no sales either, but would have some: that is a slope
    shut &= ~((s.p.M == 0)[:, None, :])
    assert shut.any()
    for each in found[:3]:
        assert (each[shut] == 0).all()


# --- steps ------------------------------------------------------------------------------------
def test_block_steps_invert_the_jacobian(setting):
    s = setting
    blocks = s.model.steps_at(s.p, s.problem)
    dense = dense_steps(s.model, s.problem, s.p)
    J = jacobian(s.model, s.p, s.problem)
    limit = 1e-12 * np.linalg.cond(J)
    for _ in range(3):
        r = s.direction()
        step = blocks.direction(r)
        assert np.abs(step - dense.direction(r)).max() <= limit * np.abs(step).max()
        assert np.abs(J @ step + r).max() <= limit
        back = blocks.transposed(r)
        assert np.abs(back - dense.transposed(r)).max() <= limit * np.abs(back).max()
        v = s.direction()
        assert back @ v == pytest.approx(r @ blocks.direction(v), abs=limit * np.linalg.norm(back))


@pytest.mark.parametrize("entry", ENTRIES)
def test_steps_of_the_base_are_newton_steps_there(entry):
    world = markup_world(Draw(N=6, J=5, seed=3, inputs=False, theta=(1.0, 8.0)))
    model = Monopolistic(entry)
    base = prepare(world, model).economy
    problem = at_base(model, base)
    p = model.evaluate(np.zeros(model.size(base)), problem)
    assert np.abs(model.residual(p, problem)).max() < 1e-12  # the base solves its own problem
    r = np.random.default_rng(0).normal(size=model.size(base))
    step = model.steps(base).direction(r)
    np.testing.assert_allclose(step, dense_steps(model, problem).direction(r), rtol=1e-8)


def test_a_sector_that_is_singular_by_itself():
    """Two countries' firms that sell to one market only: wages alone do not say how many each
    has, everything together does."""
    world = markup_world(Draw(N=2, J=7, seed=79, inputs=False, theta=(0.5, 15.0), sparsity=0.6,
                              homeless=0.1, deficit=0.3))  # fmt: skip
    sole = (world.trade.values > 0).sum(axis=1) == 1
    market = world.trade.values.argmax(axis=1)
    both = sole.all(axis=1) & (market[:, 0] == market[:, 1])
    assert both.any()
    out = dt.simulate(world, model=Monopolistic("free"), deficit="zero")
    assert max(errors(world, out.after).values()) < 1e-8


def test_inverse_of_what_has_none():
    singular = np.array([[2.0, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(inverse(singular), [[0.5, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(
        inverse(np.array([[2.0, np.nan], [0.0, 4.0]])), [[0.5, 0], [0, 0.25]]
    )


# --- adjoints ---------------------------------------------------------------------------------
@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("many", [False, True], ids=["few objectives", "many"])
def test_adjoints_of_many_governments(entry, many):
    """Few unknowns to the objective are solved with a matrix, many by iteration; both solve."""
    s = Setting(0, entry, "share")
    weights = s.rng.uniform(0.5, 1.5, len(s.base.sigma))
    who = [Target(0), Target(1, weights / weights.mean())] + [Target(2)] * (60 if many else 0)
    columns = s.model.welfare_columns(who, s.p, s.base)
    found = s.model.adjoints(columns, s.p, s.problem, s.model.steps(s.base))
    assert found.error <= 1e-8
    for r, n in ((0, 0), (1, 1)):
        bars = columns.bars(r)
        y = found.unknowns[:, r]
        wanted = s.model.pull_back(bars, s.p, s.problem)
        left = s.model.cotangent(y, s.p, s.problem) - wanted
        assert np.linalg.norm(left) <= 1e-8 * np.linalg.norm(wanted)
        g = s.model.policy_gradient(bars, y, s.p, s.problem)
        by_tariff = g.tariff[:, n] * (1 + s.policy.tariff[:, n])
        by_tax = g.export_tax[:, :, n] * (1 + s.policy.export_tax[:, :, n])
        np.testing.assert_array_equal(found.tariff(r, n), by_tariff)
        np.testing.assert_array_equal(found.export_tax(r, n), by_tax)


def test_adjoints_start_from_a_nearby_solution():
    s = Setting(0, "free", "fixed")
    columns = s.model.welfare_columns([Target(0)], s.p, s.base)
    calls = []

    class Counted(Monopolistic):
        def cotangent(self, y, p, problem):
            calls.append(1)
            return super().cotangent(y, p, problem)

    model = Counted("free")
    rough = s.model.steps(s.base)  # of the base: some iterations are needed
    first = adjoint(model, columns, s.p, s.problem, rough)
    once = len(calls)
    again = adjoint(model, columns, s.p, s.problem, rough, first.unknowns)
    assert once > 3
    assert len(calls) - once <= 2
    np.testing.assert_allclose(again.unknowns, first.unknowns, rtol=1e-8)
    far = adjoint(model, columns, s.p, s.problem, rough, 1e9 * np.ones_like(first.unknowns))
    np.testing.assert_allclose(far.unknowns, first.unknowns, rtol=1e-6)


def test_columns_are_solved_side_by_side():
    rng = np.random.default_rng(1)
    A = np.eye(40) + 0.1 * rng.normal(size=(40, 40))
    right = rng.normal(size=(40, 5)) * 10.0 ** np.arange(5)
    y, error = solve_columns(lambda v: A @ v, lambda v: v, right)
    assert error <= 1e-11
    np.testing.assert_allclose(y, np.linalg.solve(A, right), rtol=1e-9, atol=1e-9 * right.max())


def test_a_singular_system_is_refused():
    s = Setting(0, "none", "fixed")
    columns = s.model.welfare_columns([Target(0)], s.p, s.base)

    class Flat(Monopolistic):
        def cotangent(self, y, p, problem):
            return np.zeros_like(y)

    with pytest.raises(ConvergenceError, match="close to singular"):
        adjoint(Flat(), columns, s.p, s.problem, s.model.steps(s.base))


# --- welfare ----------------------------------------------------------------------------------
def test_welfare_columns_are_slopes_of_log_welfare(setting):
    s = setting
    weights = s.rng.uniform(0.2, 2.0, len(s.base.sigma))
    before = s.model.evaluate(np.zeros(s.z.size), at_base(s.model, s.base))
    for who in (Target(1), Target(2, weights / weights.mean())):
        columns = s.model.welfare_columns([who], s.p, s.base)
        found = s.model.pull_back(columns.bars(0), s.p, s.problem)
        v = s.direction()

        def value(h, who=who, v=v):
            p = s.model.evaluate(s.z + h * v, s.problem)
            return s.model.log_welfare(who, before, p, s.base)

        assert found @ v == pytest.approx(slope(value), abs=1e-8 * np.linalg.norm(found))


def test_sector_income_sums_to_income(setting):
    s = setting
    earned = s.model.sector_income(s.p, s.base)
    np.testing.assert_allclose(earned.sum(axis=0), s.p.income, rtol=1e-12)


# --- the equations, written out ---------------------------------------------------------------
@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("seed", [s for s in range(41) if s != 11])  # whose bans cut trade one way
def test_random_worlds_satisfy_the_equations(seed, entry):
    rng = np.random.default_rng(seed)
    draw = Draw(N=int(rng.integers(3, 7)), J=int(rng.integers(1, 6)), seed=seed, inputs=False,
                theta=(0.5, 12.0), deficit=0.2, sparsity=float(rng.choice([0.0, 0.3])))  # fmt: skip
    change = Change(seed=seed, highest=float(rng.choice([0.5, 20.0])), lowest=-0.2,
                    bans=float(rng.choice([0.0, 0.05])), export_taxes=0.3, icebergs=0.3,
                    transfers=0.02)  # fmt: skip
    world = markup_world(draw)
    deficit = str(rng.choice(["fixed", "zero", "share"]))
    policy = random_policy(world, change)
    out = dt.simulate(world, policy, model=Monopolistic(entry), deficit=deficit)
    for side in (out.base, out.after):
        found = errors(world, side)
        assert max(found.values()) < 1e-8, found
        assert max(side.checks.values()) < 1e-8


def test_the_two_routes_agree():
    world = markup_world(Draw(N=5, J=4, seed=2, inputs=False, theta=(1.0, 9.0), deficit=0.1))
    policy = random_policy(world, Change(seed=2, highest=0.6, lowest=0.0, export_taxes=0.2))
    one, two = (
        dt.simulate(world, policy, model="monopolistic", method=m, tol=1e-11)
        for m in ("anderson", "newton-krylov")
    )
    assert one.after.solution.method != two.after.solution.method
    np.testing.assert_allclose(one.real_income, two.real_income, atol=1e-8)


# --- refusals ---------------------------------------------------------------------------------
def test_a_world_with_inputs_is_refused():
    linked = random_world(Draw(N=3, J=2, seed=1, theta=(2.0, 6.0))).with_sigma(50.0)
    with pytest.raises(InputError, match=r"intermediate inputs.*% of sales.*caliendo-parro"):
        dt.simulate(linked, model="monopolistic")


def test_a_world_without_sigma_is_refused():
    plain = random_world(Draw(N=3, J=2, seed=1, inputs=False))
    with pytest.raises(InputError, match=r"no sigma.*above 1.*with_sigma"):
        dt.simulate(plain, model="monopolistic")


def test_an_unknown_entry_is_refused():
    with pytest.raises(UnknownNameError, match=r"entry 'open'.*known: none, free"):
        Monopolistic("open")  # pyright: ignore[reportArgumentType]
    with pytest.raises(UnknownNameError, match="parameter of monopolistic"):
        dt.simulate(markup_world(CASES[0][0]), model={"name": "monopolistic", "entyr": "free"})


@pytest.mark.parametrize("entry", ENTRIES)
def test_impossible_bans_are_named(entry):
    world = markup_world(Draw(N=3, J=2, seed=1, inputs=False, deficit=0.1))
    model = Monopolistic(entry)
    shut = np.ones(world.trade.shape)
    shut[1, 2, :] = np.inf
    with pytest.raises(NoSolutionError, match="c02 s01") as seller:
        dt.simulate(world, dt.Policy(world, iceberg=shut), model=model)
    assert seller.value.reason == "no seller"
    shut = np.ones(world.trade.shape)
    shut[:, :, 0] = np.inf
    with pytest.raises(NoSolutionError, match="c00") as sales:
        dt.simulate(world, dt.Policy(world, iceberg=shut), model=model)
    assert sales.value.reason in ("no sales", "no seller")
    shut = np.ones(world.trade.shape)
    shut[:, 0, 1:] = shut[:, 1:, 0] = np.inf
    with pytest.raises(
        NoSolutionError, match=r"neither buys nor sells abroad.*c00|c00.*neither"
    ) as b:
        dt.simulate(world, dt.Policy(world, iceberg=shut), model=model, deficit="fixed")
    assert b.value.reason == "no balance"

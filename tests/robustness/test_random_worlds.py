"""Random worlds under random policies: solved, or refused for a reason that holds.

Sparse flows, cells without output, sellers without exports or without a home market, elasticities
from 0.4 to 65 in one world, deficits up to 40% of value added; tariffs from -50% to 10,000%,
bans, autarky, export taxes, icebergs and transfers. Each converged case is put through the
equations written out (:func:`worlds.equation_errors`) and each refusal is proved by other means
than those that made it. Nothing may end without either.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import detente as dt
from detente.errors import NoSolutionError
from detente.models.caliendo_parro import equations, evaluate
from detente.outcome.economy import instruments, prepare
from worlds import Change, Draw, equation_errors, random_policy, random_world

LOOSE = 1e-6
"""The shares of a price index err by theta (up to 65) times what a log price does; tol is 1e-10
in logs, so a bound of 1e-8 on the package's own checks and 1e-6 on what is recomputed."""

draws = st.builds(
    Draw,
    N=st.one_of(*[st.integers(3, 6)] * 4, st.integers(3, 25)),  # mostly small: time
    J=st.one_of(*[st.integers(1, 3)] * 2, st.integers(1, 8)),
    seed=st.integers(0, 2**32 - 1),
    sparsity=st.sampled_from([0.0, 0.0, 0.3, 0.3, 0.7, 0.9]),
    empty=st.sampled_from([0.0, 0.1, 0.3]),
    homeless=st.sampled_from([0.0, 0.0, 0.2, 0.5]),
    inputs=st.booleans(),
    largest_input_share=st.sampled_from([0.6, 0.95]),
    tariffs=st.booleans(),
    theta=st.sampled_from([(0.4, 65.0), (4.0, 4.01), (0.4, 1.0), (20.0, 65.0)]),
    deficit=st.sampled_from([0.05, 0.4]),
)
changes = st.builds(
    Change,
    seed=st.integers(0, 2**32 - 1),
    tariffs=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    highest=st.sampled_from([1.0, 100.0]),
    lowest=st.sampled_from([0.0, -0.5]),
    bans=st.sampled_from([0.0, 0.0, 0.05, 0.5]),
    autarky=st.sampled_from([False] * 7 + [True]),
    export_taxes=st.sampled_from([0.0, 0.0, 0.2, 0.7]),
    icebergs=st.sampled_from([0.0, 0.0, 0.3]),
    transfers=st.sampled_from([0.0, 0.0, 0.1]),
)
closures = st.sampled_from(["fixed", "zero", "share"])


def options(cases: int):
    return settings(
        max_examples=cases,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],  # shrinking solves for minutes: do it by hand
        suppress_health_check=list(HealthCheck),
    )


seen: Counter = Counter()


def examine(draw: Draw, change: Change, deficit: str, proof: str = "sampled") -> str:
    """Solve one case and prove the answer; returns what it was."""
    world = random_world(draw)
    policy = random_policy(world, change)
    try:
        out = dt.simulate(world, policy, deficit=deficit)
    except NoSolutionError as error:
        prove_refusal(error, world, policy, deficit, LARGEST_PROOF[proof])
        return error.reason
    assert out.status == "converged"
    assert max(out.checks.values()) < 1e-7, out.checks
    assert out.after.solution.residual <= 1e-10
    for equilibrium in (out.base, out.after):
        errors = equation_errors(world, equilibrium, deficit)
        worst = max(errors, key=lambda name: errors[name])
        assert errors[worst] < LOOSE, (worst, errors[worst])
    assert np.isfinite(out.real_income).all()
    banned = policy.banned.values
    assert (out.trade.values[banned] == 0.0).all()
    if change.seed % 10 == 0:  # the second route, on a sample
        other = dt.simulate(
            world, policy, deficit=deficit, method="newton-krylov", start=out, throw=False
        )
        assert other.status == "converged"
        np.testing.assert_allclose(other.after.wage, out.after.wage, rtol=1e-6)
    return "converged"


# --- refusals ---------------------------------------------------------------------------------
def open_flows(world, policy) -> np.ndarray:
    return (world.trade.values > 0) & ~policy.banned.values


def live_flows(world, policy) -> np.ndarray:
    """Open flows from sellers who can produce to markets that somebody buys in, peeled off one
    at a time."""
    flows = open_flows(world, policy)
    uses = world.inputs.values > 0  # input, user, country
    final = world.final.values > 1e-12 * world.final.values.sum()
    J, N, _ = flows.shape
    while True:
        able, wanted = flows.any(axis=1), final.copy()
        for n in range(N):
            for j in range(J):
                if able[j, n] and not all(flows[k, n].any() for k in range(J) if uses[k, j, n]):
                    able[j, n] = False
                wanted[j, n] |= any(uses[j, k, n] and able[k, n] for k in range(J))
        less = flows & able[:, None, :] & wanted[:, :, None]
        if (less == flows).all():
            return flows
        flows = less


def prove_refusal(error: NoSolutionError, world, policy, deficit: str, largest: int) -> None:
    countries = world.countries
    named = np.isin(countries, error.countries)
    assert named.any()
    assert error.reason != "no balance" or not named.all()
    assert all(c in str(error) for c in error.countries[:5])
    # the base is refused on its own account where the closure alone has no solution
    policies = [policy, dt.Policy(world)]
    if error.reason == "no seller":
        assert any(
            all(
                world.final.sel(country=c, sector=s) > 0
                and not live_flows(world, p)[world.sectors.index(s), countries.index(c)].any()
                for c, s in zip(error.countries, error.sectors, strict=True)
            )
            for p in policies
        )
    elif error.reason == "no sales":
        assert any(not live_flows(world, p)[:, :, named].any() for p in policies)
    elif error.reason == "no balance":
        assert any(cannot_balance(world, p, named, deficit) for p in policies)
    elif error.reason in ("no income", "no path"):
        assert any(path_ends(error, world, p, deficit, largest) for p in policies)
    elif error.reason == "no share":
        assert deficit == "share"
        assert any(errs_everywhere(world, p) for p in policies)
    else:
        pytest.fail(f"unknown reason {error.reason!r}")


def cannot_balance(world, policy, inside, deficit: str) -> bool:
    """The set trades one way only (or not at all), against the sign of what it must run."""
    linked = live_flows(world, policy).any(axis=0)
    buys, sells = linked[inside][:, ~inside].any(), linked[~inside][:, inside].any()
    if buys and sells:
        return False
    need = policy.transfer.values[inside].sum()
    own = world.deficit.values[inside]
    if deficit == "fixed":
        need += own.sum()
    if deficit == "share":
        own = own[np.abs(own) > 1e-9 * world.value_added.values.sum()]
        if not buys and not sells:
            return own.size > 0 or need != 0
        return bool(need <= 0 and (own <= 0).all() if buys else need >= 0 and (own >= 0).all())
    return bool(need != 0 if not buys and not sells else need <= 0 if buys else need >= 0)


def errs_everywhere(world, policy) -> bool:
    """Levenberg and Marquardt with differences for slopes, from starts of its own, leave an error
    under the share closure; and some country does trade one way only."""
    from scipy.optimize import least_squares

    from detente.models.closure import Closure
    from detente.models.kernel import build_kernel

    linked = live_flows(world, policy).any(axis=0)
    reach = np.linalg.matrix_power(linked.astype(float) + np.eye(len(linked)), len(linked)) > 0
    if (reach == reach.T).all():
        return False
    prepared, bare = prepare(world), instruments(policy)
    kernel = build_kernel(prepared.economy, bare)
    base = prepared.economy
    base = base._replace(spending=base.spending * (1 - kernel.unused))
    closure = Closure("share", base.deficit, prepared.own_income)
    N, size = len(linked), len(linked) * (1 + 2 * len(base.theta))
    if size > 130:  # differences take too long; taken at its word
        return True

    def errors(z):
        with np.errstate(all="ignore"):
            r = equations(evaluate(z, base, kernel, closure), base, kernel)
        return np.where(np.isfinite(r), r, 1e3)

    rng = np.random.default_rng(7)
    least = np.inf
    for spread in (0.1, 0.5, 1.0):
        start = np.concatenate([rng.normal(0, spread, N), np.zeros(size - N)])
        end = least_squares(errors, start, method="lm", max_nfev=100 * size)
        least = min(least, float(np.abs(end.fun).max()))
    return least > 1e-5


LARGEST_PROOF = {"sampled": 14, "full": 90}
"""Unknowns up to which a path is followed a second time with dense matrices, which takes seconds;
refusals of larger worlds are taken at their word."""


def path_ends(error, world, policy, deficit: str, largest: int) -> bool:
    """Follow the equilibrium again with small steps and dense Newton solves: it must end
    before the measures are complete, with the named income gone or with a singular Jacobian."""
    from detente.models.caliendo_parro_linear import tangent
    from detente.outcome.phase_in import _Problem

    prepared = prepare(world)
    base, bare = prepared.economy, instruments(policy)
    from detente.models.closure import Closure
    from detente.models.kernel import build_kernel

    unused = build_kernel(base, bare).unused
    base = base._replace(spending=base.spending * (1 - unused))
    closure = Closure(deficit, base.deficit, prepared.own_income)
    z, share, step = np.zeros(base.value_added.size * (1 + 2 * len(base.theta))), 0.0, 1 / 16
    who = world.countries.index(error.countries[0])
    if z.size > largest:
        return True

    def jacobian(problem, p):
        return np.column_stack(
            [tangent(v, p, problem.base, problem.kernel, problem.closure) for v in np.eye(z.size)]
        )

    def solve(at: float, z):
        problem = _Problem(base, bare, closure, at)
        with np.errstate(all="ignore"):
            for _ in range(12):
                p = evaluate(z, problem.base, problem.kernel, problem.closure)
                r = equations(p, problem.base, problem.kernel)
                if not np.isfinite(r).all():
                    return None
                if np.abs(r).max() < 1e-8:
                    return (z, p, problem) if (p.income > 0).all() else None
                try:
                    move = np.linalg.solve(jacobian(problem, p), -r)
                except np.linalg.LinAlgError:
                    return None
                z = z + move * min(1.0, 2.0 / max(np.abs(move).max(), 1e-300))
        return None

    reached = solve(0.0, z)
    assert reached is not None
    for _ in range(500):
        if share == 1.0 or step < 1e-6:
            break
        found = solve(min(1.0, share + step), reached[0])
        if found is None:
            step /= 4
        else:
            share, reached, step = min(1.0, share + step), found, min(2 * step, 1 / 16)
    if share == 1.0:
        return False
    _, p, problem = reached
    wage_bill = np.exp(p.log_w) * base.value_added
    left = p.income / np.maximum(wage_bill, base.value_added)
    values = np.linalg.svd(jacobian(problem, p), compute_uv=False)
    return bool(left[who] < 0.05 or left.min() < 0.05 or values[-1] < 0.1 * values[-2])


# --- the runs ---------------------------------------------------------------------------------
@options(500)
@given(draw=draws, change=changes, deficit=closures)
def test_five_hundred_random_worlds(draw, change, deficit):
    seen[examine(draw, change, deficit)] += 1


def test_most_of_them_were_solved():
    """The refusals above must not be what the suite is about (runs after it)."""
    if not seen:
        pytest.skip("the random worlds did not run in this process")
    assert seen["converged"] > 0.4 * sum(seen.values()), seen


@pytest.mark.slow
@options(20_000)
@given(draw=draws, change=changes, deficit=closures)
def test_twenty_thousand_random_worlds(draw, change, deficit):
    examine(draw, change, deficit, "full")


# --- the corners, one by one ------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rate", "deficit"),
    [(-0.5, "zero"), (-0.5, "share"), (10.0, "zero"), (10.0, "share"), (100.0, "zero")],
)
def test_prohibitive_and_subsidised(rate, deficit):
    world = random_world(Draw(N=6, J=3, seed=1, inputs=False, deficit=0.2))
    out = dt.simulate(world, dt.Policy(world, tariff=rate), deficit=deficit)
    assert max(equation_errors(world, out.after, deficit).values()) < LOOSE


def test_one_way_trade_under_the_share_closure_is_refused_with_its_reason():
    """c00, c02 and c05 sell nothing abroad, c01 and c03 buy nothing: transfers move what deficits
    would have to be, and one factor for all cannot follow."""
    draw = Draw(N=6, J=1, seed=1964, sparsity=0.7, empty=0.1, homeless=0.2, inputs=False,
                largest_input_share=0.95, tariffs=False, deficit=0.05)  # fmt: skip
    change = Change(seed=1964, tariffs=0.0, highest=1.0, lowest=0.0, bans=0.05, transfers=0.1)
    world = random_world(draw)
    policy = random_policy(world, change)
    with pytest.raises(NoSolutionError, match="one way only") as caught:
        dt.simulate(world, policy, deficit="share")
    assert caught.value.reason == "no share"
    prove_refusal(caught.value, world, policy, "share", 90)


def test_ten_thousand_per_cent_at_the_highest_elasticity():
    """100^-65 is 1e-132: powers must be taken in logs."""
    world = random_world(Draw(N=5, J=2, seed=3, theta=(64.9, 65.0)))
    tariff = np.full(world.trade.shape, 100.0)  # home sales as well: every seller is touched
    out = dt.simulate(world, dt.Policy(world, tariff=tariff), deficit="zero")
    assert max(equation_errors(world, out.after, "zero").values()) < LOOSE
    assert np.isfinite(out.real_income).all()


@pytest.mark.parametrize(("N", "J"), [(3, 1), (3, 170), (200, 1), (60, 20)])
def test_sizes(N, J):
    world = random_world(Draw(N=N, J=J, seed=5, sparsity=0.5, theta=(1.0, 20.0), deficit=0.2))
    out = dt.simulate(world, dt.Policy(world, tariff=0.3), deficit="share")
    assert max(out.checks.values()) < 1e-8


def test_same_input_same_bits():
    world = random_world(Draw(N=8, J=4, seed=6, sparsity=0.3))
    again = random_world(Draw(N=8, J=4, seed=6, sparsity=0.3))
    one = dt.simulate(world, dt.Policy(world, tariff=0.4), deficit="share")
    two = dt.simulate(again, dt.Policy(again, tariff=0.4), deficit="share")
    for name in ("real_income", "trade", "prices"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_a_market_that_only_dead_users_bought_in():
    """A good that is bought only to make what nobody may buy any more loses all its sales; its
    log spending would run to minus infinity."""
    from worlds import build

    trade = np.array([np.diag([7.0, 7.0]) + 1.0, np.diag([4.0, 4.0]) + 1.0, np.diag([3.0, 3.0]),
                      np.diag([2.0, 2.0]) + 1.0])  # fmt: skip
    # all of good 2 goes into good 1; good 1 is bought as an input of good 0 only
    inputs = np.zeros((4, 4, 2))
    inputs[2, 1] = 3.0
    inputs[1, 0] = 6.0
    world = build(trade, inputs=inputs, theta=4.0)
    assert (world.final.sel(sector=["s01", "s02"]) == 0).all()
    policy = dt.Policy(world, tariff=0.5)
    out = dt.simulate(world, policy)
    assert max(out.checks.values()) < 1e-8
    iceberg = np.ones(trade.shape)
    iceberg[0, :, 0] = np.inf  # good 0 of country 0 may not be sold: its inputs lose their use
    closed = dt.simulate(world, dt.Policy(world, iceberg=iceberg))
    assert max(closed.checks.values()) < 1e-8
    assert float(closed.trade.sel(sector="s01", importer="c00").sum()) == 0.0
    assert max(equation_errors(world, closed.after, "fixed").values()) < LOOSE


def test_countries_that_never_trade_keep_their_own_numeraire():
    from worlds import build

    trade = np.array([[[3.0, 1.0, 0.0], [1.0, 3.0, 0.0], [0.0, 0.0, 5.0]]])
    world = build(trade, theta=3.0)
    for deficit in ("fixed", "zero", "share"):
        out = dt.simulate(world, dt.Policy(world, tariff=0.2), deficit=deficit)
        assert float(out.real_income.sel(country="c02")) == pytest.approx(0.0, abs=1e-8)
        assert float(out.real_income.sel(country="c00")) < 0


# --- refusals, one by one ---------------------------------------------------------------------
def refusal(world, policy, **options) -> NoSolutionError:
    with pytest.raises(NoSolutionError) as caught:
        dt.simulate(world, policy, **options)
    return caught.value


def test_no_seller():
    world = random_world(Draw(N=4, J=2, seed=2, theta=(2.0, 8.0)))
    iceberg = np.ones(world.trade.shape)
    iceberg[1, 3, :] = np.inf
    error = refusal(world, dt.Policy(world, iceberg=iceberg))
    assert (error.reason, error.countries, error.sectors) == ("no seller", ["c03"], ["s01"])
    assert "c03 s01" in str(error)


def test_no_sales():
    world = random_world(Draw(N=4, J=2, seed=2, theta=(2.0, 8.0)))
    iceberg = np.ones(world.trade.shape)
    iceberg[:, :, 2] = np.inf
    error = refusal(world, dt.Policy(world, iceberg=iceberg))
    assert (error.reason, error.countries) == ("no sales", ["c02"])


@pytest.mark.parametrize("side", ["alone", "buys", "sells"])
def test_no_balance(side):
    world = random_world(Draw(N=4, J=2, seed=2, theta=(2.0, 8.0)))
    n = int(np.argmin(world.deficit.values) if side == "buys" else np.argmax(world.deficit.values))
    iceberg = np.ones(world.trade.shape)
    others = [i for i in range(4) if i != n]
    if side in ("alone", "buys"):
        iceberg[:, others, n] = np.inf
    if side in ("alone", "sells"):
        iceberg[:, n, others] = np.inf
    error = refusal(world, dt.Policy(world, iceberg=iceberg))
    assert error.reason == "no balance"
    assert world.countries[n] in error.countries
    assert cannot_balance(world, dt.Policy(world, iceberg=iceberg),
                          np.isin(world.countries, error.countries), "fixed")  # fmt: skip


def test_no_income():
    """A transfer no smaller than all that the payer has."""
    world = random_world(Draw(N=3, J=2, seed=4, inputs=False, theta=(2.0, 4.0), deficit=0.01))
    own = world.value_added.sum("sector")
    pay = {"c00": -3.0 * float(own.sum()), "c01": 3.0 * float(own.sum())}
    error = refusal(world, dt.Policy(world, transfer=pay))
    assert (error.reason, error.countries) == ("no income", ["c00"])
    assert "transfers" in str(error)

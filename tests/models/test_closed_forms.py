"""Closed forms: what the model must give where theory gives the answer on paper."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import detente as dt
from worlds import BILATERAL, Draw, build, random_world


def domestic_share(outcome, which: str) -> np.ndarray:
    """Share of spending at user's prices that stays at home, (J, N), from labelled results."""
    if which == "before":
        trade, tariff = outcome.trade_before, outcome.baseline.tariff
    else:
        trade, tariff = outcome.trade, outcome.policy.tariff
    paid = (trade * (1 + tariff)).values
    return np.einsum("jnn->jn", paid) / paid.sum(axis=2)


def revenue_share(outcome, which: str) -> np.ndarray:
    """Tariff revenue over spending, (N,)."""
    if which == "before":
        trade, tariff = outcome.trade_before, outcome.baseline.tariff
    else:
        trade, tariff = outcome.trade, outcome.policy.tariff
    return (trade * tariff).values.sum(axis=(0, 2)) / (trade * (1 + tariff)).values.sum(axis=(0, 2))


def one_sector(seed: int, tariffs: bool, theta: float) -> dt.World:
    return random_world(
        Draw(N=6, J=1, seed=seed, inputs=False, tariffs=tariffs, theta=(theta, theta + 1e-9))
    )


# --- Arkolakis, Costinot and Rodriguez-Clare (2012) -------------------------------------------
@pytest.mark.parametrize("theta", [0.4, 5.0, 30.0])
@pytest.mark.parametrize("seed", range(3))
def test_acr_with_icebergs(seed, theta):
    """One sector, balanced, no revenue: real income is lambda^(-1/theta)."""
    world = one_sector(seed, tariffs=False, theta=theta)
    rng = np.random.default_rng(seed)
    iceberg = np.exp(rng.normal(0, 0.2, world.trade.shape))
    np.einsum("jnn->jn", iceberg)[:] = 1.0
    out = dt.simulate(world, dt.Policy(world, iceberg=iceberg), deficit="zero", tol=1e-12)
    ratio = domestic_share(out, "after") / domestic_share(out, "before")
    expected = ratio[0] ** (-1 / world.theta.values[0])
    np.testing.assert_allclose(1 + out.real_income.values / 100, expected, rtol=1e-10)
    np.testing.assert_allclose(1 + out.real_wage.values / 100, expected, rtol=1e-10)


@pytest.mark.parametrize("theta", [0.4, 5.0, 30.0])
@pytest.mark.parametrize("seed", range(3))
def test_acr_with_tariffs(seed, theta):
    """With revenue: [(1 - r)/(1 - r')] lambda^(-1/theta), r revenue over spending."""
    world = one_sector(seed, tariffs=True, theta=theta)
    rng = np.random.default_rng(100 + seed)
    tariff = rng.uniform(-0.2, 0.8, world.trade.shape)
    np.einsum("jnn->jn", tariff)[:] = 0.0
    out = dt.simulate(world, dt.Policy(world, tariff=tariff), deficit="zero", tol=1e-12)
    ratio = (domestic_share(out, "after") / domestic_share(out, "before"))[0]
    kept = (1 - revenue_share(out, "before")) / (1 - revenue_share(out, "after"))
    expected = kept * ratio ** (-1 / world.theta.values[0])
    np.testing.assert_allclose(1 + out.real_income.values / 100, expected, rtol=1e-10)


# --- the input-output real wage ---------------------------------------------------------------
@pytest.mark.parametrize("seed", range(4))
def test_input_output_real_wage(seed):
    """ln(w/P) = -alpha' (I - A')^-1 (ln pi_nn hat / theta), whatever the tariffs did."""
    world = random_world(Draw(N=5, J=6, seed=seed, theta=(1.0, 20.0), deficit=0.1))
    rng = np.random.default_rng(seed)
    tariff = rng.uniform(-0.1, 0.6, world.trade.shape)
    np.einsum("jnn->jn", tariff)[:] = 0.0
    out = dt.simulate(world, dt.Policy(world, tariff=tariff), deficit="share", tol=1e-12)
    change = np.log(domestic_share(out, "after") / domestic_share(out, "before"))
    made = (world.value_added + world.inputs.sum("input")).values
    alpha = (world.final / world.final.sum("sector")).values
    for n, country in enumerate(world.countries):
        A = world.inputs.values[:, :, n] / made[:, n]  # input i for a unit of output j
        gain = np.linalg.solve(np.eye(len(A)) - A.T, change[:, n] / world.theta.values)
        expected = -alpha[:, n] @ gain
        ours = np.log1p(float(out.real_wage.sel(country=country)) / 100)
        assert ours == pytest.approx(expected, abs=1e-9)


# --- gains from trade -------------------------------------------------------------------------
def ban_country(world: dt.World, country: str) -> dt.Policy:
    iceberg = xr.ones_like(world.tariff)
    for side, other in (("importer", "exporter"), ("exporter", "importer")):
        rest = [c for c in world.countries if c != country]
        iceberg.loc[{side: country, other: rest}] = np.inf
    return dt.Policy(world, iceberg=iceberg, title=f"{country} alone")


@pytest.mark.parametrize("seed", range(3))
def test_autarky_by_bans_is_the_closed_form(seed):
    """Bans on every flow of one country: its home shares rise to one, so that its real wage is
    the closed form at pi_nn hat = 1/pi_nn."""
    world = random_world(Draw(N=4, J=4, seed=seed, theta=(1.5, 30.0), deficit=0.1))
    out = dt.simulate(world, ban_country(world, "c01"), deficit="zero", tol=1e-12)
    home = domestic_share(out, "before")[:, 1]
    np.testing.assert_allclose(domestic_share(out, "after")[:, 1], 1.0, rtol=1e-12)
    made = (world.value_added + world.inputs.sum("input")).values[:, 1]
    A = world.inputs.values[:, :, 1] / made
    alpha = (world.final / world.final.sum("sector")).values[:, 1]
    gain = np.linalg.solve(np.eye(4) - A.T, np.log(home) / world.theta.values)
    ours = np.log1p(float(out.real_wage.sel(country="c01")) / 100)
    assert ours == pytest.approx(alpha @ gain, abs=1e-9)
    # alone there is no revenue: the income it loses on top is its former tariffs
    before = out.base.point
    lost = before.tariff_revenue[1] / (before.income[1] - before.tariff_revenue[1])
    income = np.log1p(float(out.real_income.sel(country="c01")) / 100)
    assert income == pytest.approx(ours - np.log1p(lost), abs=1e-9)
    # a ban is exactly zero, not small
    flows = out.trade.sel(importer="c01").drop_sel(exporter="c01")
    assert (flows == 0.0).all()


@pytest.mark.parametrize(
    ("home", "gains"), [(0.68, 8.0), (0.70, 7.4), (0.80, 4.6), (0.88, 2.6), (0.92, 1.7)]
)
def test_autarky_gains_of_the_handbook(home, gains):
    """One sector, elasticity 5 (oracles 2.4): lambda^(-1/5) - 1 in percent."""
    trade = np.array([[[home, 1 - home], [1 - home, 3.0]]])
    world = build(trade, theta=5.0)
    out = dt.simulate(world, ban_country(world, "c00"), deficit="zero")
    lost = 1 + float(out.real_income.sel(country="c00")) / 100
    assert 100 * (1 / lost - 1) == pytest.approx(gains, abs=0.051)


# --- Kleinman, Liu and Redding (2024) ---------------------------------------------------------
def exposure(world: dt.World) -> np.ndarray:
    """U: derivative of log welfare with respect to log productivity (importer, exporter)."""
    trade = world.trade.values[0]
    theta = world.theta.values[0]
    S = trade / trade.sum(axis=1, keepdims=True)  # import shares
    T = (trade / trade.sum(axis=0)).T  # income shares by market
    income = trade.sum(axis=0)
    Q = np.tile(income / income.sum(), (len(income), 1))
    M = T @ S - np.eye(len(S))
    V = (T + theta * T @ S) / (1 + theta) - Q
    A = -theta / (1 + theta) * np.linalg.solve(np.eye(len(S)) - V, M)
    return (np.eye(len(S)) - S) @ A + S


def balanced_one_sector(seed: int, N: int, theta: float) -> dt.World:
    """Symmetric flows are balanced flows."""
    rng = np.random.default_rng(seed)
    flow = np.exp(rng.normal(0, 1, (N, N)))
    flow = flow + flow.T + np.diag(3 * np.exp(rng.normal(0, 1, N)))
    return build(flow[None], theta=theta)


@pytest.mark.parametrize("theta", [0.7, 5.0])
def test_kleinman_liu_redding_exposure(theta):
    """A productivity rise in i is an iceberg fall on all its sales, home ones included. Central
    differences of full solves, Richardson-extrapolated: error O(h^4) plus rounding over h."""
    world = balanced_one_sector(3, 5, theta)
    U = exposure(world)
    np.testing.assert_allclose(U.sum(axis=1), 1.0, atol=1e-12)

    def log_welfare(i: int, h: float) -> np.ndarray:
        iceberg = np.ones(world.trade.shape)
        iceberg[:, :, i] = np.exp(-h)
        out = dt.simulate(world, dt.Policy(world, iceberg=iceberg), tol=1e-13)
        return np.log1p(out.real_income.values / 100)

    for i in range(5):
        slopes = [(log_welfare(i, h) - log_welfare(i, -h)) / (2 * h) for h in (0.02, 0.01)]
        found = (4 * slopes[1] - slopes[0]) / 3
        np.testing.assert_allclose(found, U[:, i], atol=2e-9)


@pytest.mark.parametrize("theta", [0.7, 5.0])
def test_kleinman_liu_redding_by_tangent(theta):
    """The same identity with the model's own linearisation, to rounding."""
    from detente.models.caliendo_parro.equations import evaluate
    from detente.models.caliendo_parro.kernel import build_kernel
    from detente.models.caliendo_parro.linear import tangent
    from detente.models.closure import Closure
    from detente.outcome.economy import instruments, prepare

    world = balanced_one_sector(3, 5, theta)
    N = 5
    prepared = prepare(world)
    economy = prepared.economy
    kernel = build_kernel(economy, instruments(dt.Policy(world)))
    closure = Closure("fixed", economy.deficit, prepared.own_income)
    size = N + 2 * N
    point = evaluate(np.zeros(size), economy, kernel, closure)
    jacobian = np.column_stack([tangent(v, point, economy, kernel, closure) for v in np.eye(size)])
    U = exposure(world)
    for i in range(N):
        # d equations / d log productivity of i, by hand, at pi and base sales:
        # prices fall by the share, i's sales rise by theta times what prices do not follow
        dP = -economy.pi[0][:, i]
        flows = economy.pi[0] * economy.spending[0][:, None]
        push = theta * flows * ((np.arange(N) == i)[None, :] + dP[:, None])
        dY = push.sum(axis=0)
        labour = dY / economy.value_added
        moved = np.concatenate([labour, dP, np.zeros(N)])
        dz = np.linalg.solve(jacobian, -moved)
        d_welfare = dz[:N] - dz[N : 2 * N]
        np.testing.assert_allclose(d_welfare, U[:, i], atol=1e-11)


# --- neutrality -------------------------------------------------------------------------------
@pytest.mark.parametrize("deficit", ["fixed", "zero", "share"])
@pytest.mark.parametrize("method", ["anderson", "newton-krylov"])
def test_no_change_gives_hats_of_one(deficit, method):
    world = random_world(Draw(N=5, J=4, seed=11, theta=(0.5, 40.0), deficit=0.3))
    out = dt.simulate(world, deficit=deficit, method=method)
    data = out.to_dataset()
    for name in ("real_income", "real_wage", "wage", "output", "prices", "cost", "welfare"):
        assert float(abs(data[name]).max()) < 1e-7, name
    if deficit != "zero":
        scale = float(world.trade.max())
        assert float(abs(out.trade - world.trade).max()) < 1e-8 * scale
        np.testing.assert_allclose(out.income, world.final.sum("sector"), rtol=1e-9)


def test_nominal_homogeneity():
    """All money in another unit: every real result is the same, every nominal one scales."""
    draw = Draw(N=5, J=3, seed=5, theta=(1.0, 20.0), deficit=0.3)
    world = random_world(draw)
    factor = 137.0
    scaled = build(
        world.trade.values * factor, tariff=world.tariff.values,
        inputs=world.inputs.values * factor, theta=world.theta.values,
    )  # fmt: skip
    tariff = world.tariff.values + 0.1
    for deficit in ("fixed", "share", "zero"):
        one = dt.simulate(world, dt.Policy(world, tariff=tariff), deficit=deficit, tol=1e-12)
        two = dt.simulate(scaled, dt.Policy(scaled, tariff=tariff), deficit=deficit, tol=1e-12)
        for name in ("real_income", "real_wage", "output", "prices"):
            np.testing.assert_allclose(getattr(two, name), getattr(one, name), atol=1e-8)
        np.testing.assert_allclose(two.revenue, factor * one.revenue, rtol=1e-9)
        np.testing.assert_allclose(two.trade, factor * one.trade, rtol=1e-8)


def test_scaled_productivity_of_all_is_neutral_for_trade():
    """An iceberg on everything, home sales included, cuts real income by the closed form and
    moves no share."""
    world = random_world(Draw(N=4, J=3, seed=2, inputs=False, theta=(1.0, 20.0)))
    out = dt.simulate(world, dt.Policy(world, iceberg=np.full(world.trade.shape, 1.25)))
    np.testing.assert_allclose(1 + out.real_income / 100, 0.8, rtol=1e-9)
    np.testing.assert_allclose(out.trade, world.trade, rtol=1e-8)


@pytest.mark.parametrize("inputs", [False, True])
def test_lerner_symmetry(inputs):
    """A uniform import tariff and a uniform export tax of one country are the same policy."""
    world = random_world(
        Draw(N=4, J=3, seed=8, inputs=inputs, tariffs=False, theta=(1.0, 12.0), deficit=0.2)
    )
    rate = 0.3
    tariff = world.tariff.copy()
    tariff.loc[{"importer": "c02"}] = rate
    tax = xr.zeros_like(world.tariff)
    tax.loc[{"exporter": "c02"}] = rate
    for array in (tariff, tax):
        array.loc[{"importer": "c02", "exporter": "c02"}] = 0.0
    imports = dt.simulate(world, dt.Policy(world, tariff=tariff), deficit="zero", tol=1e-12)
    exports = dt.simulate(world, dt.Policy(world, export_tax=tax), deficit="zero", tol=1e-12)
    np.testing.assert_allclose(imports.real_income, exports.real_income, atol=1e-8)
    np.testing.assert_allclose(imports.real_wage, exports.real_wage, atol=1e-8)
    np.testing.assert_allclose(imports.output, exports.output, atol=1e-7)
    assert float(exports.export_revenue.sel(country="c02")) > 0
    assert float(exports.revenue.sel(country="c02")) == pytest.approx(0.0, abs=1e-6)


def test_armington_is_eaton_kortum_at_equal_elasticity():
    """CES demand with elasticity sigma = 1 + theta over national varieties, written out by
    itself and solved with scipy, gives the trade of the probabilistic model."""
    from scipy.optimize import fsolve

    theta = 4.0
    sigma = 1 + theta
    world = balanced_one_sector(6, 4, theta)
    flow = world.trade.values[0]
    share, income = flow / flow.sum(axis=1, keepdims=True), flow.sum(axis=0)
    rng = np.random.default_rng(1)
    tariff = rng.uniform(0, 0.5, (4, 4)) * (1 - np.eye(4))

    def armington(log_w):
        w = np.exp(np.append(log_w, 0.0))
        price = (1 + tariff) * w  # importer, exporter
        weight = share * price ** (1 - sigma)
        demand = weight / weight.sum(axis=1, keepdims=True)
        # spending I = w L + revenue, revenue = I sum(demand t/(1+t))
        kept = (demand / (1 + tariff)).sum(axis=1)
        spending = w * income / kept
        sales = (spending[:, None] * demand / (1 + tariff)).sum(axis=0)
        return sales, w, demand, spending

    def gap(log_w):
        sales, w, *_ = armington(log_w)
        return (sales / (w * income) - 1)[:-1]

    log_w, *_ = fsolve(gap, np.zeros(3), xtol=1e-13, full_output=True)
    _, w, demand, spending = armington(log_w)
    out = dt.simulate(world, dt.Policy(world, tariff=tariff[None]), tol=1e-12)
    price = (demand.diagonal() / share.diagonal()) ** (1 / theta) * w
    expected = spending / flow.sum(axis=1) / price
    np.testing.assert_allclose(1 + out.real_income / 100, expected, rtol=1e-9)
    paid = out.trade.values[0] * (1 + tariff)
    np.testing.assert_allclose(paid / paid.sum(axis=1, keepdims=True), demand, rtol=1e-9)


# --- transfers and closures -------------------------------------------------------------------
def test_a_transfer_is_a_deficit():
    """Income moved by transfer equals the same amount in the fixed deficits of the base."""
    world = random_world(Draw(N=4, J=3, seed=21, theta=(1.0, 12.0), deficit=0.2))
    undo = {c: -float(world.deficit.sel(country=c)) for c in world.countries}
    paid = dt.simulate(world, dt.Policy(world, transfer=undo), deficit="fixed", tol=1e-12)
    zero = dt.simulate(world, deficit="zero", tol=1e-12)  # its base is the world without deficits
    np.testing.assert_allclose(paid.after.wage, zero.after.wage, rtol=1e-10)
    np.testing.assert_allclose(paid.income, zero.income, rtol=1e-9)
    assert float(abs(paid.trade - zero.trade).max()) < 1e-8 * float(world.trade.max())
    # imports less exports at border prices are the deficit and the transfer
    trade = paid.trade
    gap = trade.sum(["sector", "exporter"]).values - trade.sum(["sector", "importer"]).values
    np.testing.assert_allclose(gap, 0.0, atol=1e-8 * float(world.trade.sum()))


def test_fixed_and_transfer_signs():
    """A country that is paid gains; the payers lose together (no tariffs, so no other wedge)."""
    world = random_world(
        Draw(N=3, J=1, seed=2, inputs=False, tariffs=False, theta=(5.0, 5.1), deficit=0.1)
    )
    amount = 0.05 * float(world.value_added.sum("sector").sel(country="c01"))
    pay = {"c01": amount, "c00": -amount / 2, "c02": -amount / 2}
    out = dt.simulate(world, dt.Policy(world, transfer=pay), deficit="fixed")
    assert float(out.real_income.sel(country="c01")) > 0
    assert float(out.real_income.sel(country="c00")) < 0
    assert float(out.real_income.sel(country="c02")) < 0
    balance = (
        out.trade.sum(["sector", "exporter"]).values - out.trade.sum(["sector", "importer"]).values
    )
    expected = world.deficit.values + np.array([pay[c] for c in world.countries])
    np.testing.assert_allclose(balance, expected, atol=1e-7 * float(world.value_added.sum()))


def test_share_closure():
    """Deficits keep their share of own income up to one factor, reported, and sum to zero."""
    world = random_world(Draw(N=6, J=3, seed=4, theta=(1.0, 12.0), deficit=0.3))
    tariff = world.tariff.values + 0.4 * (1 - np.eye(6))
    out = dt.simulate(world, dt.Policy(world, tariff=tariff), deficit="share", tol=1e-12)
    own0 = (world.final.sum("sector") - world.deficit).values
    D0, D1 = world.deficit.values, out.deficit_after.values
    own1 = out.income.values - D1
    factor = out.deficit_factor
    assert abs(D1.sum()) < 1e-9 * own1.sum()
    scaled = np.where(D0 > 0, D1 * factor, D1 / factor)
    np.testing.assert_allclose(scaled / own1, D0 / own0, rtol=1e-9)
    assert factor != 1.0
    unchanged = dt.simulate(world, deficit="share")
    assert unchanged.deficit_factor == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("deficit", ["fixed", "zero", "share"])
def test_two_routes_agree(seed, deficit):
    world = random_world(Draw(N=6, J=4, seed=seed, sparsity=0.2, theta=(0.8, 30.0), deficit=0.2))
    rng = np.random.default_rng(seed)
    policy = dt.Policy(
        world,
        tariff=rng.uniform(-0.1, 0.5, world.trade.shape),
        export_tax=rng.uniform(-0.1, 0.2, world.trade.shape),
        iceberg=rng.uniform(0.9, 1.5, world.trade.shape),
    )
    one, two = (
        dt.simulate(world, policy, deficit=deficit, method=m, tol=1e-11)
        for m in ("anderson", "newton-krylov")
    )
    for name in ("real_income", "real_wage", "wage"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), atol=1e-7)  # 1e-9
    assert float(abs(one.trade - two.trade).max()) < 1e-9 * float(world.trade.max())


def test_walras_the_market_nobody_wrote_down():
    """Trade balances are not among the equations solved; they must hold all the same."""
    world = random_world(Draw(N=6, J=4, seed=9, theta=(1.0, 20.0), deficit=0.3))
    tariff = xr.DataArray(world.tariff.values * 3 + 0.05, world.tariff.coords, BILATERAL)
    out = dt.simulate(world, dt.Policy(world, tariff=tariff), tol=1e-12)
    assert out.checks["walras"] < 1e-10
    flows = out.trade
    gap = flows.sum(["sector", "exporter"]).values - flows.sum(["sector", "importer"]).values
    np.testing.assert_allclose(
        gap, world.deficit.values, atol=1e-9 * float(world.value_added.sum())
    )


@pytest.mark.parametrize("deficit", ["fixed", "zero", "share"])
@pytest.mark.parametrize("before", [False, True])
def test_the_trade_deficit_is_imports_less_exports(deficit, before):
    """Whatever moves income between countries is spent on what others make, so that transfers
    are part of the trade deficit; export taxes count as exports, tariffs not as imports."""
    world = random_world(Draw(N=4, J=3, seed=6, deficit=0.2))
    rng = np.random.default_rng(6)
    size = 0.03 * float(world.value_added.sum("sector").min())
    pay = dict(zip(world.countries, size * np.array([-2.0, 1.0, 0.5, 0.5]), strict=True))
    policy = dt.Policy(
        world,
        tariff=rng.uniform(0.0, 0.5, world.trade.shape),
        export_tax=rng.uniform(-0.1, 0.3, world.trade.shape),
        iceberg=rng.uniform(0.9, 1.2, world.trade.shape),
        transfer=pay,
    )
    baseline = dt.Policy(world, transfer={c: -2 * x for c, x in pay.items()}) if before else None
    out = dt.simulate(world, policy, baseline=baseline, deficit=deficit, tol=1e-12)

    def gap(flows: xr.DataArray) -> np.ndarray:
        bought = flows.sum(["sector", "exporter"]).values
        return bought - flows.sum(["sector", "importer"]).values

    scale = float(world.value_added.sum())
    np.testing.assert_allclose(out.deficit_after.values, gap(out.trade), atol=1e-9 * scale)
    if deficit == "zero":
        np.testing.assert_allclose(out.deficit_after.values, list(pay.values()), atol=1e-9 * scale)
    # the first-order term is the change of the same gap, over base income
    change = 100 * (gap(out.trade) - gap(out.trade_before)) / out.base.point.income
    np.testing.assert_allclose(out.first_order.transfer_received.values, change, atol=1e-6)

"""Monopolistic competition where theory, or another engine, gives the answer."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import xarray as xr
from monopolistic_plain import markup_world

import detente as dt
from detente.models.monopolistic import Monopolistic
from worlds import Change, Draw, build, random_policy, random_world

NONE, FREE = Monopolistic("none"), Monopolistic("free")
BOTH = pytest.mark.parametrize("model", [NONE, FREE], ids=["none", "free"])


def domestic(trade: xr.DataArray, tariff: xr.DataArray) -> np.ndarray:
    """Share of spending at user's prices that stays at home, (J, N)."""
    paid = (trade * (1 + tariff)).values
    return np.einsum("jnn->jn", paid) / paid.sum(axis=2)


def kept(trade: xr.DataArray, tariff: xr.DataArray) -> np.ndarray:
    """One less revenue over spending, (N,)."""
    return 1 - (trade * tariff).values.sum(axis=(0, 2)) / (trade * (1 + tariff)).values.sum(
        axis=(0, 2)
    )


def alone(world: dt.World, country: str) -> dt.Policy:
    """Bans on every flow of one country."""
    iceberg = xr.ones_like(world.tariff)
    rest = [c for c in world.countries if c != country]
    iceberg.loc[{"importer": country, "exporter": rest}] = np.inf
    iceberg.loc[{"importer": rest, "exporter": country}] = np.inf
    return dt.Policy(world, iceberg=iceberg)


# --- nesting ----------------------------------------------------------------------------------
@pytest.mark.parametrize("deficit", ["fixed", "zero", "share"])
@pytest.mark.parametrize("seed", range(3))
def test_equal_markups_are_no_markups(seed, deficit):
    """With one sigma everywhere profits are the same part of all sales, a second wage: everything
    is as under perfect competition with theta = sigma - 1, whatever is levied."""
    plain = random_world(Draw(N=5, J=4, seed=seed, inputs=False, theta=(4.0, 4.0 + 1e-12)))
    world = plain.with_sigma(plain.theta.values + 1.0)
    policy = random_policy(
        world, Change(seed=seed, highest=2.0, export_taxes=0.3, icebergs=0.3, bans=0.05,
                      transfers=0.02)
    )  # fmt: skip
    ours, theirs = (
        dt.simulate(world, policy, model=m, deficit=deficit, tol=1e-12)
        for m in (NONE, "caliendo-parro")
    )
    for name in ("real_income", "real_wage", "wage", "output", "prices", "cost"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=1e-8)
    for name in ("trade", "revenue", "export_revenue", "income", "deficit_after"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9, atol=1e-3)
    change = 100 * (theirs.after.point.Y / theirs.base.point.Y - 1)
    np.testing.assert_allclose(ours.own("profits").values, change, atol=1e-8)


@BOTH
def test_one_sector_is_the_armington_economy(model):
    """All labour makes the one good: no firm can enter or leave, and no markup distorts."""
    world = markup_world(Draw(N=5, J=1, seed=4, inputs=False, theta=(3.0, 3.1)))
    policy = random_policy(world, Change(seed=4, highest=2.0, export_taxes=0.3, transfers=0.02))
    ours = dt.simulate(world, policy, model=model, tol=1e-12)
    theirs = dt.simulate(world, policy, tol=1e-12)
    np.testing.assert_allclose(ours.real_income, theirs.real_income, atol=1e-8)
    np.testing.assert_allclose(ours.trade, theirs.trade, rtol=1e-9, atol=1e-3)
    np.testing.assert_allclose(ours.own("firms"), 0.0, atol=1e-8)


def test_markups_vanish_as_varieties_become_alike():
    """sigma towards infinity: profits are a part 1/sigma of sales, and flows those of perfect
    competition with theta = sigma - 1 but for terms of that order. Costs change by some per cent
    over theta, so that flows move as much at every sigma."""
    plain = random_world(Draw(N=4, J=3, seed=1, inputs=False, tariffs=False, deficit=0.1))
    pattern = np.array([0.5, 1.0, 3.0])
    rng = np.random.default_rng(1)
    push = rng.uniform(0, 1.0, plain.trade.shape)
    np.einsum("jnn->jn", push)[:] = 0.0
    gaps, incomes, profits = [], [], []
    for scale in (50.0, 100.0, 200.0, 400.0):
        theta = scale * pattern
        world = plain.with_theta(theta).with_sigma(theta + 1.0)
        policy = dt.Policy(world, tariff=np.expm1(push / theta[:, None, None]))
        ours, theirs = (
            dt.simulate(world, policy, model=m, deficit="zero", tol=1e-13)
            for m in (NONE, "caliendo-parro")
        )
        moved = np.abs(theirs.trade_change.values).max()
        gaps.append(np.abs(ours.trade.values - theirs.trade.values).max() / moved)
        incomes.append(np.abs(ours.real_income.values - theirs.real_income.values).max())
        profits.append(float(world.profits.sum() / world.value_added.sum()))
    assert gaps[0] > 1e-4  # the markups are felt before they vanish
    for series in (gaps, incomes, profits):
        for first, second in pairwise(series):
            assert first / second == pytest.approx(2.0, rel=0.05)


# --- a second route: markups as export taxes, in another engine ---------------------------------
def competitive_twin(world: dt.World) -> tuple[dt.World, dict[str, Any]]:
    """A world of perfect competition that does the same, and what is levied in it from the start.

    A firm's markup is what an export tax of 1/(sigma - 1) on all its sales, at home too, is to a
    competitive seller: buyers pay sigma/(sigma - 1) over cost, and the country earns the part
    1/sigma. An iceberg of the inverse keeps the buyers' price of the base where it is.
    """
    sigma = world.sigma.values[:, None]
    value_added = world.value_added * xr.DataArray(
        (sigma - 1) / sigma, dims=("sector", "one")
    ).isel(one=0)
    twin = dt.World.from_tables(
        world.trade, tariff=world.tariff, value_added=value_added, final=world.final,
        deficit=world.deficit, theta=world.sigma - 1, identities="report",
    )  # fmt: skip
    tax = np.broadcast_to(1 / (sigma[:, :, None] - 1), world.trade.shape)
    return twin, {"export_tax": tax, "iceberg": 1 / (1 + tax)}


@pytest.mark.parametrize("seed", range(6))
def test_markups_are_export_taxes_on_all_sales(seed):
    world = markup_world(Draw(N=5, J=4, seed=seed, inputs=False, theta=(1.0, 8.0), deficit=0.2))
    twin, levied = competitive_twin(world)
    rng = np.random.default_rng(seed)
    tariff = world.tariff.values + rng.uniform(0, 0.5, world.trade.shape)
    ice = np.exp(rng.uniform(-0.2, 0.2, world.trade.shape))
    ours = dt.simulate(world, dt.Policy(world, tariff=tariff, iceberg=ice), model=NONE,
                       deficit="zero", tol=1e-12)  # fmt: skip
    theirs = dt.simulate(
        twin,
        dt.Policy(twin, tariff=tariff, export_tax=levied["export_tax"],
                  iceberg=levied["iceberg"] * ice),
        baseline=dt.Policy(twin, **levied),
        deficit="zero",
        tol=1e-12,
    )  # fmt: skip
    np.testing.assert_allclose(ours.real_income, theirs.real_income, atol=1e-8)
    np.testing.assert_allclose(ours.real_wage, theirs.real_wage, atol=1e-8)
    # the unit of account is another: there, world labour income
    for name in ("trade", "trade_before", "revenue"):
        one, two = getattr(ours, name).values, getattr(theirs, name).values
        np.testing.assert_allclose(one / one.sum(), two / two.sum(), atol=1e-11)
    income = ours.after.point.profits.sum(axis=0) / ours.income.values
    np.testing.assert_allclose(income, (theirs.export_revenue / theirs.income).values, atol=1e-10)


def test_the_tariff_war_is_that_of_the_competitive_twin():
    world = markup_world(Draw(N=3, J=2, seed=2, inputs=False, theta=(1.5, 6.0), deficit=0.1))
    twin, levied = competitive_twin(world)
    ours = dt.nash(world, "all", model=NONE, deficit="zero", starts=0.2)
    theirs = dt.nash(twin, "all", policy=dt.Policy(twin, **levied),
                     baseline=dt.Policy(twin, **levied), deficit="zero", starts=0.2)  # fmt: skip
    assert ours.status == theirs.status == "converged"
    np.testing.assert_allclose(ours.tariff, theirs.tariff, atol=1e-6)
    np.testing.assert_allclose(ours.gain_pct, theirs.gain_pct, atol=1e-7)
    assert float(ours.tariff.max()) > 0.1


# --- gains from trade, and from variety ---------------------------------------------------------
@pytest.mark.parametrize("seed", range(3))
@BOTH
def test_real_wages_by_home_shares_and_varieties(seed, model):
    """P_j^(1-sigma) lambda_j = M_j w^(1-sigma): the real wage is prod (M/lambda)^(alpha/(sigma-1)),
    whatever is levied, where M follows labour and lambda is the home share."""
    world = markup_world(Draw(N=5, J=4, seed=seed, inputs=False, theta=(1.0, 8.0), deficit=0.1))
    policy = random_policy(world, Change(seed=seed, highest=0.5, lowest=0.0, icebergs=0.2))
    out = dt.simulate(world, policy, model=model, tol=1e-12)
    change = domestic(out.trade, policy.tariff) / domestic(world.trade, world.tariff)
    varieties = np.ones_like(change)
    if model is FREE:
        labour = out.after.point.Y / np.exp(out.after.point.log_w)
        varieties = labour / out.base.point.Y
        np.testing.assert_allclose(out.own("firms"), 100 * (varieties - 1), atol=1e-7)
    alpha = (world.final / world.final.sum("sector")).values
    power = alpha / (world.sigma.values[:, None] - 1)
    expected = np.exp((power * np.log(varieties / change)).sum(axis=0))
    np.testing.assert_allclose(1 + out.real_wage / 100, expected, rtol=1e-9)


@BOTH
def test_one_sector_gains_are_a_power_of_the_home_share(model):
    """Krugman (1980) as Arkolakis, Costinot and Rodriguez-Clare (2012) have it: closing the border
    multiplies real income by lambda^(1/(sigma - 1)), free entry or not."""
    world = markup_world(Draw(N=4, J=1, seed=3, inputs=False, tariffs=False, theta=(4.0, 4.1)))
    out = dt.simulate(world, alone(world, "c02"), model=model, deficit="zero", tol=1e-12)
    home = domestic(out.trade_before, world.tariff)[0, 2]
    expected = home ** (1 / (float(world.sigma[0]) - 1))
    found = 1 + float(out.real_income.sel(country="c02")) / 100
    assert found == pytest.approx(expected, rel=1e-10)
    assert found < 0.996


@pytest.mark.parametrize("seed", range(3))
@BOTH
def test_autarky_in_many_sectors(seed, model):
    """Alone, a country spends and works alpha_j in each sector. With firms given its income over
    its wage bill is 1/sum rho alpha; with free entry varieties follow labour: alpha Y / Y_j."""
    world = markup_world(Draw(N=4, J=5, seed=seed, inputs=False, tariffs=False, theta=(1.0, 8.0)))
    out = dt.simulate(world, alone(world, "c01"), model=model, deficit="zero", tol=1e-12)
    base = out.base
    home = domestic(out.trade_before, world.tariff)[:, 1]
    alpha = (world.final / world.final.sum("sector")).values[:, 1]
    sold = base.point.Y[:, 1] / base.point.Y[:, 1].sum()
    sigma = world.sigma.values
    rho, varieties = (sigma - 1) / sigma, np.ones_like(sigma)
    if model is FREE:
        rho, varieties = np.ones_like(sigma), alpha / sold
    wage = np.exp(alpha / (sigma - 1) @ np.log(home * varieties))
    found = 1 + float(out.real_wage.sel(country="c01")) / 100
    assert found == pytest.approx(wage, rel=1e-9)
    income = wage * (rho @ sold) / (rho @ alpha)
    found = 1 + float(out.real_income.sel(country="c01")) / 100
    assert found == pytest.approx(income, rel=1e-9)
    assert max(out.checks.values()) < 1e-10


@BOTH
def test_blocs_that_no_longer_trade_have_a_unit_of_account_each(model):
    """Cut in two, each bloc keeps its own value added; and what one levies is no longer felt in
    the other."""
    world = markup_world(Draw(N=5, J=3, seed=6, inputs=False, theta=(1.0, 8.0)))
    here, there = world.countries[:2], world.countries[2:]
    iceberg = xr.ones_like(world.tariff)
    iceberg.loc[{"importer": here, "exporter": there}] = np.inf
    iceberg.loc[{"importer": there, "exporter": here}] = np.inf
    apart = dt.Policy(world, iceberg=iceberg)
    tariff = world.tariff.copy()
    tariff.loc[{"importer": "c03", "exporter": "c04"}] += 0.4
    taxed = dt.Policy(world, iceberg=iceberg, tariff=tariff)
    one, two = (
        dt.simulate(world, p, model=model, deficit="zero", tol=1e-12) for p in (apart, taxed)
    )
    for out in (one, two):
        earned = xr.DataArray(
            out.after.point.value_added, {"country": world.countries}, ["country"]
        )
        for bloc in (here, there):
            own = float(world.value_added.sel(country=bloc).sum())
            assert float(earned.sel(country=bloc).sum()) == pytest.approx(own, rel=1e-9)
    np.testing.assert_allclose(
        one.real_income.sel(country=here), two.real_income.sel(country=here), atol=1e-9
    )
    felt = (one.real_income - two.real_income).sel(country=there)
    assert float(np.abs(felt).max()) > 1e-3


# --- optimal tariffs --------------------------------------------------------------------------
@BOTH
@pytest.mark.parametrize("foreign", [0.0, 0.25])
def test_optimal_tariff_of_two_countries(model, foreign):
    """Gros (1987): t = (1 - r_F) / ((sigma - 1) lambda_FF) at the equilibrium reached.

    Home trades along the foreign offer curve: M = p x, with p the price of home goods and M what
    foreigners buy. Private buyers see the average x/M times 1 + t, the country the slope dx/dM:
    t = -dlog p / dlog M. Foreign spending on home goods is u E, u = 1 - lambda_FF, and with tariff
    t_F spending is E = w L / (1 - r_F), r_F = u t_F/(1+t_F), so that dlog M = dlog u / (1 - r_F);
    and dlog u = -(sigma - 1) lambda_FF dlog p. Labour makes one good, so that neither markups nor
    entry move anything.
    """
    tariff = np.zeros((1, 2, 2))
    tariff[0, 1, 0] = foreign
    world = build(np.array([[[100.0, 25.0], [25.0, 180.0]]]), tariff=tariff, theta=2.5, sigma=3.5)
    best = dt.optimal_tariff(world, "c00", model=model, deficit="zero")
    assert best.status == "converged"
    out = best.outcome
    paid = (out.trade * (1 + out.policy.tariff)).sel(importer="c01").values[0]
    r = foreign * float(out.trade.sel(importer="c01", exporter="c00").item()) / paid.sum()
    expected = (1 - r) / (2.5 * paid[1] / paid.sum())
    found = float(best.tariff.sel(importer="c00", exporter="c01").item())
    assert found == pytest.approx(expected, abs=1e-6)


@BOTH
def test_a_tariff_on_all_imports_is_a_tax_on_all_exports(model):
    """Lerner (1936) symmetry, which balanced trade needs and markups do not disturb."""
    world = markup_world(Draw(N=4, J=3, seed=5, inputs=False, tariffs=False, theta=(1.0, 6.0)))
    abroad = ~np.eye(4, dtype=bool)
    tariff, tax = np.zeros(world.trade.shape), np.zeros(world.trade.shape)
    tariff[:, 1, abroad[1]] = tax[:, abroad[1], 1] = 0.3
    one = dt.simulate(
        world, dt.Policy(world, tariff=tariff), model=model, deficit="zero", tol=1e-12
    )
    two = dt.simulate(
        world, dt.Policy(world, export_tax=tax), model=model, deficit="zero", tol=1e-12
    )
    np.testing.assert_allclose(one.real_income, two.real_income, atol=1e-8)
    assert float(np.abs(one.real_income).max()) > 0.01


def test_protection_draws_firms_home():
    """The home market effect: with free entry a small tariff on one sector brings more firms and,
    unlike under perfect competition, can lower its price index for home buyers (Venables 1987)."""
    trade = np.array([[[60.0, 20.0], [20.0, 60.0]], [[300.0, 100.0], [100.0, 300.0]]])
    world = build(trade, theta=[4.0, 4.0], sigma=5.0)
    tariff = np.zeros_like(trade)
    tariff[0, 0, 1] = 0.05
    policy = dt.Policy(world, tariff=tariff)
    free, given = (dt.simulate(world, policy, model=m) for m in (FREE, NONE))
    assert float(free.own("firms").sel(sector="s00", country="c00")) > 1.0
    assert float(free.own("firms").sel(sector="s00", country="c01")) < -1.0
    at = {"sector": "s00", "country": "c00"}
    real = {m: out.prices.sel(at) - out.wage.sel(country="c00") for m, out in
            (("free", free), ("given", given))}  # fmt: skip
    assert float(real["free"]) < 0 < float(real["given"])


def test_a_sector_may_leave():
    """A high tariff abroad on a good that is made mostly for export: the last firm goes, and its
    flows are zero, not small."""
    trade = np.array([[[5.0, 4.0], [60.0, 40.0]], [[200.0, 30.0], [30.0, 200.0]],
                      [[100.0, 56.0], [0.0, 100.0]]])  # fmt: skip
    world = build(trade, theta=[3.0, 5.0, 4.0], sigma=[4.0, 6.0, 5.0])
    tariff = np.zeros_like(trade)
    tariff[0, 1, 0] = 1.0
    out = dt.simulate(world, dt.Policy(world, tariff=tariff), model=FREE, tol=1e-11)
    assert float(out.own("firms").sel(sector="s00", country="c00")) == -100.0
    assert (out.trade.sel(sector="s00", exporter="c00") == 0.0).all()
    assert max(out.checks.values()) < 1e-9


# --- accounts ---------------------------------------------------------------------------------
@BOTH
@pytest.mark.parametrize("deficit", ["fixed", "zero", "share"])
def test_income_is_what_is_earned_and_levied(model, deficit):
    """From labelled results alone: wages and profits are sales at the gate, by sector."""
    world = markup_world(Draw(N=5, J=4, seed=8, inputs=False, theta=(1.0, 8.0), deficit=0.2))
    policy = random_policy(
        world, Change(seed=8, highest=0.8, lowest=0.0, export_taxes=0.3, transfers=0.02)
    )
    out = dt.simulate(world, policy, model=model, deficit=deficit, tol=1e-12)
    gate = out.trade / (1 + policy.export_tax)
    sales = gate.sum("importer").rename(exporter="country")
    wages = (1 + out.wage / 100) * out.base.point.wage_bill
    profits = out.after.point.profits
    rho = (world.sigma - 1) / world.sigma if model is NONE else xr.ones_like(world.sigma)
    np.testing.assert_allclose(wages, (rho * sales).sum("sector"), rtol=1e-10)
    np.testing.assert_allclose(
        profits, ((1 - rho) * sales).transpose("sector", "country"), rtol=1e-9
    )
    revenue = (out.trade * policy.tariff).sum(["sector", "exporter"])
    taxes = (out.trade - gate).sum(["sector", "importer"])
    np.testing.assert_allclose(out.revenue, revenue, rtol=1e-9)
    np.testing.assert_allclose(out.export_revenue, taxes, rtol=1e-9)
    income = wages + profits.sum(axis=0) + out.revenue + out.export_revenue + out.deficit_after
    np.testing.assert_allclose(out.income, income, rtol=1e-10)
    # Walras: what countries spend beyond what they earn is what they buy beyond what they sell
    bought = out.trade.sum(["sector", "exporter"]).values
    sold = out.trade.sum(["sector", "importer"]).values
    np.testing.assert_allclose(out.deficit_after, bought - sold, atol=1e-9 * sold.sum())
    # the unit of account: what labour and firms of the world earn
    earned = float(wages.sum()) + profits.sum()
    assert earned == pytest.approx(float(world.value_added.sum()), rel=1e-10)


@BOTH
def test_another_currency_changes_nothing_real(model):
    world = markup_world(Draw(N=4, J=3, seed=9, inputs=False, theta=(1.0, 8.0), deficit=0.2))
    ds = world.dataset
    money = ("trade", "inputs", "value_added", "final", "deficit")
    other = dt.World(ds.assign({n: 1e-3 * ds[n] for n in money}))
    tariff = world.tariff.values + 0.2
    one, two = (
        dt.simulate(w, dt.Policy(w, tariff=tariff), model=model, tol=1e-12) for w in (world, other)
    )
    np.testing.assert_allclose(one.real_income, two.real_income, atol=1e-9)


def test_trade_is_what_counts_where_tables_disagree():
    """Published columns that miss are on the world; this model takes trade, tariffs and sigma."""
    world = markup_world(Draw(N=3, J=2, seed=1, inputs=False, theta=(1.0, 8.0)))
    off = dt.World.from_tables(
        world.trade, tariff=world.tariff, value_added=1.3 * world.value_added, final=world.final,
        deficit=world.deficit, sigma=world.sigma, identities="report",
    )  # fmt: skip
    assert off.misses
    tariff = world.tariff.values + 0.2
    one, two = (
        dt.simulate(w, dt.Policy(w, tariff=tariff), model=NONE, tol=1e-12) for w in (world, off)
    )
    np.testing.assert_allclose(one.real_income, two.real_income, atol=1e-8)

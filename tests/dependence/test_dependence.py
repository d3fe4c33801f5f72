"""Shares, withdrawals against bans by hand, first-order exposure against the solver."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.dependence.holds import (
    bilateral_dependence,
    ces_loss_pct,
    concentration,
    diversification,
    hold_over,
    withdrawal,
)
from detente.dependence.welfare_exposure import exposure_matrix, friends_and_enemies
from detente.errors import InputError, UnknownNameError
from worlds import Draw, build, random_world


@pytest.fixture(scope="module")
def world():
    return random_world(Draw(N=4, J=3, seed=11, theta=(2.0, 8.0)))


# --- shares -------------------------------------------------------------------------------------
def test_equal_suppliers_give_one_over_their_number():
    for n in (3, 5):
        trade = np.full((2, n, n), 100.0)
        for j in range(2):
            np.fill_diagonal(trade[j], 1000.0)
        table = concentration(build(trade))
        assert np.allclose(table["hhi"], 1 / (n - 1))
        assert np.allclose(concentration(build(trade), "exports")["hhi"], 1 / (n - 1))


def test_concentration_lies_between_its_bounds_and_autarky_is_zero(world):
    table = concentration(world)
    assert table["hhi"].between(0, 1 + 1e-12).all()
    total = table[table["sector"] == "all"]
    assert (total["hhi"] >= 1 / 3 - 1e-12).all()
    trade = np.zeros((1, 3, 3))
    np.fill_diagonal(trade[0], 100.0)
    trade[0, 0, 1] = trade[0, 1, 0] = 10.0
    alone = concentration(build(trade))
    assert (alone.loc[alone["country"] == "c02", "hhi"] == 0).all()
    assert (alone.loc[alone["country"] == "c02", "top_partner"] == "").all()
    with pytest.raises(UnknownNameError):
        concentration(world, "services")


def test_bilateral_dependence_is_trade_over_income_and_its_asymmetry_cancels(world):
    found = bilateral_dependence(world)
    a, b = world.countries[:2]
    flows = world.trade.sum("sector")
    revenue = (world.trade * world.tariff).sum(["sector", "exporter"]).rename(importer="country")
    income = world.value_added.sum("sector") + revenue + world.deficit
    both = float(flows.sel(importer=a, exporter=b) + flows.sel(importer=b, exporter=a))
    expected = both / float(income.sel(country=a))
    assert float(found.dependence.sel(country=a, partner=b)) == pytest.approx(expected)
    D = found.asymmetry.values
    assert np.allclose(D + D.T, 0)


def test_ces_loss_in_levels():
    for w, loss in ((0.05, 1.3), (0.2, 5.4), (0.5, 15.9), (0.8, 33.1)):
        assert ces_loss_pct(w, 1.0, 4.0) == pytest.approx(loss, abs=0.05)
        assert ces_loss_pct(w, 1.0, 4.0) == pytest.approx(100 * (1 - (1 - w) ** 0.25))


def test_ces_loss_rises_with_share_falls_with_elasticity_and_is_convex():
    w = np.linspace(0, 0.95, 40)
    loss = np.array([ces_loss_pct(x, 1.0, 4.0) for x in w])
    assert (np.diff(loss) > 0).all()
    assert (np.diff(loss, 2) > 0).all()
    assert ces_loss_pct(0.5, 1.0, 2.0) > ces_loss_pct(0.5, 1.0, 8.0)
    assert ces_loss_pct(1.0, 0.0, 4.0) == 0.0
    with pytest.raises(InputError, match="no supplier is left"):
        ces_loss_pct(1.0, 0.5, 4.0)


# --- withdrawal ---------------------------------------------------------------------------------
@pytest.mark.parametrize("direction", ["sales", "purchases", "trade"])
def test_a_withdrawal_is_the_ban_written_by_hand(world, direction):
    a, b = world.countries[:2]
    iceberg = np.ones(world.trade.shape)
    if direction != "purchases":
        iceberg[:, 0, 1] = np.inf
    if direction != "sales":
        iceberg[:, 1, 0] = np.inf
    out = dt.simulate(world, dt.Policy(world, iceberg=iceberg)).real_income
    found = withdrawal(world, a, b, direction=direction, by_sector=False)
    assert found.status == "converged"
    assert found.loss_pct == pytest.approx(-out.sel(country=a).item(), abs=1e-7)
    assert found.partner_loss_pct == pytest.approx(-out.sel(country=b).item(), abs=1e-7)


def test_a_partner_without_trade_takes_nothing():
    trade = np.array([[[100.0, 10, 0], [10, 100, 10], [0, 10, 100]]])
    found = withdrawal(build(trade), "c00", "c02")
    assert found.loss_pct == pytest.approx(0.0, abs=1e-8)
    assert found.ces_pct == found.linked_pct == found.first_order_pct == 0.0


def test_a_small_country_losing_a_supplier_meets_the_closed_form_at_its_own_wage():
    # one sector, and a country too small to move prices abroad: its welfare is that of the
    # closed form once its own wage has risen to balance trade, which makes the loss smaller
    size = np.array([1.0, 1e4, 1e4])
    share = np.array([[0.9, 0.02, 0.08], [0.0, 0.5, 0.5], [0.0, 0.5, 0.5]])
    trade = (share * size[:, None])[None]
    trade[0, 1, 0], trade[0, 2, 0] = 0.02, 0.08
    trade[0, 1, 1] -= 0.02
    trade[0, 2, 2] -= 0.08
    trade[0, 1, 2] = trade[0, 2, 1]
    world = build(trade * 1e3, theta=8.0)
    found = withdrawal(world, "c00", "c01", direction="sales")
    assert found.linked_pct == pytest.approx(100 * (1 - 0.98**0.125), rel=1e-9)
    assert found.ces_pct == pytest.approx(found.linked_pct)
    assert found.first_order_pct < found.ces_pct
    assert 0 < found.loss_pct < found.linked_pct
    iceberg = np.ones(world.trade.shape)
    iceberg[:, 0, 1] = np.inf
    wage = dt.simulate(world, dt.Policy(world, iceberg=iceberg)).wage
    w = 1 + wage.sel(country="c00").item() / 100
    abroad = 1 + wage.sel(country="c02").item() / 100
    price = (0.9 * w**-8.0 + 0.08 * abroad**-8.0) ** (-1 / 8.0)
    assert found.loss_pct == pytest.approx(100 * (1 - w / price), abs=1e-7)


def test_links_raise_the_closed_form_and_single_sectors_are_in_the_table(world):
    a, b = world.countries[:2]
    found = withdrawal(world, a, b, direction="sales")
    assert found.linked_pct >= found.ces_pct >= found.first_order_pct > 0
    assert found.failed == 0
    assert set(found.sectors["sector"]) == set(world.sectors)
    one = found.sectors.iloc[0]
    again = withdrawal(world, a, b, direction="sales", sectors=one["sector"], by_sector=False)
    assert again.loss_pct == pytest.approx(one["loss_pct"], abs=1e-7)
    expected = found.loss_pct / found.sectors["loss_pct"].sum()
    assert found.joint_over_sum == pytest.approx(expected)


def test_joint_withdrawal_of_the_closed_form_exceeds_the_sum_of_small_parts():
    # complements: losses multiply across sectors of one budget, and shares are convex
    joint = ces_loss_pct([0.6, 0.6], [0.5, 0.5], [4.0, 4.0])
    half = ces_loss_pct([0.3, 0.3], [0.5, 0.5], [4.0, 4.0])
    assert joint > 2 * half


def test_hold_compares_partners_and_its_influence_is_antisymmetric(world):
    a, b, c, _ = world.countries
    found = hold_over(world, a, (b, c), by_sector=True)
    back = hold_over(world, b, (a,))
    mine = found.table.set_index("partner").loc[b, "influence_pct"]
    assert mine == pytest.approx(-back.table.loc[0, "influence_pct"], abs=1e-7)
    row = found.table.set_index("partner").loc[b]
    assert row["without_trade_pct"] == pytest.approx(withdrawal(world, a, b).loss_pct, abs=1e-6)
    assert set(found.by_sector["partner"]) == {b, c}
    assert found.failed == 0


def test_a_withdrawal_that_leaves_no_equilibrium_has_no_number():
    trade = np.array([[[0.0, 100.0], [100.0, 50.0]]])
    found = withdrawal(build(trade), "c00", "c01")
    assert found.status == "no_solution"
    assert np.isnan(found.loss_pct)
    assert found.failed >= 1


def test_bad_withdrawals_are_refused(world):
    a, b = world.countries[:2]
    with pytest.raises(InputError):
        withdrawal(world, a, a)
    with pytest.raises(UnknownNameError):
        withdrawal(world, a, b, direction="sideways")
    with pytest.raises(UnknownNameError):
        hold_over(world, a, ("Atlantis",))


# --- diversification ----------------------------------------------------------------------------
def test_diversification_comes_near_its_cut_and_ranks_by_security_per_cost():
    trade = np.full((3, 4, 4), 20.0)
    for j in range(3):
        np.fill_diagonal(trade[j], 5000.0)
    trade[:, 0, 1] = [50.0, 100.0, 25.0]
    trade[:, 1, 0] = [50.0, 100.0, 25.0]
    world = build(trade, theta=[3.0, 6.0, 9.0])
    table = diversification(world, "c00", "c01", cut=0.05)
    # other things are not equal in the solve: home wages rise, and some of the cut comes back
    assert table["share_cut_pct"].between(0.7 * 5.0, 5.0).all()
    assert (table["per_cost"].diff().dropna() <= 0).all()
    assert (table["security_bought_pct"] > 0).all()
    assert (table["status"] == "converged").all()
    deeper = diversification(world, "c00", "c01", cut=0.2, solve=False).set_index("sector")
    shallow = table.set_index("sector").loc[deeper.index]
    assert (deeper["security_bought_pct"] > shallow["security_bought_pct"]).all()
    with pytest.raises(InputError):
        diversification(world, "c00", "c01", cut=1.0)


# --- friends and enemies ------------------------------------------------------------------------
def one_sector(seed: int = 0, n: int = 5) -> tuple[np.ndarray, float]:
    """A balanced matrix: symmetric flows balance by themselves."""
    rng = np.random.default_rng(seed)
    flows = np.exp(rng.normal(0, 1, (n, n)))
    flows = flows + flows.T
    np.fill_diagonal(flows, flows.sum(axis=1) * 2)
    return flows * 1e3, 4.5


def test_the_closed_form_matrices_have_their_row_sums():
    trade, theta = one_sector()
    k = friends_and_enemies(trade, theta)
    one = np.ones(len(trade))
    assert k.U @ one == pytest.approx(one, abs=1e-12)
    assert k.A @ one == pytest.approx(0 * one, abs=1e-12)
    assert k.M @ one == pytest.approx(0 * one, abs=1e-12)


def test_the_closed_form_is_the_derivative_of_the_solver():
    trade, theta = one_sector(1)
    k = friends_and_enemies(trade, theta)
    U = exposure_matrix(build(trade[None], theta=theta))
    assert np.allclose(U.values, k.U, atol=1e-9)


def test_rows_sum_to_one_with_inputs_tariffs_and_deficits_on(world):
    U = exposure_matrix(world)
    assert U.sum("source").values == pytest.approx(np.ones(4), abs=1e-8)


def test_exposure_is_the_difference_quotient_of_the_solver(world):
    a = world.countries[0]
    U = exposure_matrix(world, [a])
    beta = (world.value_added / (world.value_added + world.inputs.sum("input"))).fillna(1.0)
    h = 1e-4
    ups = []
    for sign in (1, -1):
        iceberg = np.ones(world.trade.shape)
        iceberg[:, :, 1] = np.exp(-sign * h * beta.values[:, 1])[:, None]
        out = dt.simulate(world, dt.Policy(world, iceberg=iceberg), tol=1e-12)
        ups.append(np.log1p(out.real_income.sel(country=a).item() / 100))
    slope = (ups[0] - ups[1]) / (2 * h)
    assert U.sel(country=a, source=world.countries[1]).item() == pytest.approx(slope, rel=1e-5)


def test_an_autarkic_country_is_exposed_to_itself_only():
    trade = np.array([[[100.0, 10, 0], [10, 100, 0], [0, 0, 50]]])
    k = friends_and_enemies(trade[0], 4.0)
    assert k.S[2] == pytest.approx([0, 0, 1])
    assert k.U[2] == pytest.approx([0, 0, 1], abs=1e-12)


def test_unbalanced_trade_has_no_closed_form():
    with pytest.raises(InputError, match="balanced"):
        friends_and_enemies(np.array([[10.0, 5.0], [1.0, 10.0]]), 4.0)

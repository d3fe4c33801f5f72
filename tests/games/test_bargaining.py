"""Pledges: closed forms, limits, monotone surfaces; the model behind them; several issues."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.errors import ConvergenceError, InputError, UnknownNameError
from detente.games.bargaining import Terms, annuity, pledge, zone
from detente.games.issues import nash_in_nash, packages
from detente.policy.changes import Levy
from detente.policy.draft import amend
from worlds import build


# --- annuity ------------------------------------------------------------------------------------
def test_annuity_limits():
    assert annuity(0.05, 0.0, 0.0, np.inf) == pytest.approx(20.0)
    assert annuity(0.0, 0.0, 0.0, 7.0) == 7.0
    assert annuity(1e-9, 0.0, 0.0, 7.0) == pytest.approx(7.0, rel=1e-7)
    assert annuity(0.02, 0.03, 0.05, 10.0) == pytest.approx(annuity(0.1, 0.0, 0.0, 10.0))
    grid = np.linspace(0, 10, 200_001)
    integral = np.trapezoid(np.exp(-0.1 * grid), grid)
    assert annuity(0.1, 0.0, 0.0, 10.0) == pytest.approx(integral, rel=1e-8)
    with pytest.raises(InputError):
        annuity(0.0, 0.0, 0.0, np.inf)
    with pytest.raises(InputError):
        annuity(-0.1, 0.0, 0.0, 1.0)


# --- zone and splits ----------------------------------------------------------------------------
def test_bounds_are_where_each_side_is_indifferent():
    terms = Terms(grant_share=0.2, disbursement=0.9, cost_usd_bn=3.0, gain_share=0.4,
                  political_gain_usd_bn=2.0, discount=0.04, horizon_years=12.0)  # fmt: skip
    found = zone(2.0, -0.5, terms)
    worth = 2.0 * terms.annuity
    assert found.p_max * 0.2 * 0.9 + 3.0 == pytest.approx(worth)
    assert found.p_min * 0.4 * 0.9 + 2.0 == pytest.approx(0.5 * terms.annuity)


def test_equal_weights_take_the_midpoint_and_swapped_ones_the_mirror():
    terms = Terms(grant_share=0.3, gain_share=0.3)
    found = zone(2.0, -0.5, terms)
    assert found.nash == pytest.approx((found.p_min + found.p_max) / 2)
    assert found.kalai_smorodinsky == pytest.approx(found.nash)
    low = zone(2.0, -0.5, Terms(grant_share=0.3, gain_share=0.3, payer_weight=0.8))
    high = zone(2.0, -0.5, Terms(grant_share=0.3, gain_share=0.3, payer_weight=0.2))
    assert low.nash - found.p_min == pytest.approx(found.p_max - high.nash)


def test_the_nash_split_maximises_the_product_of_gains():
    for weight in (0.3, 0.5, 0.8):
        terms = Terms(grant_share=0.25, gain_share=0.6, payer_weight=weight)
        found = zone(2.0, -0.5, terms)
        P = np.linspace(found.p_min_unclipped, found.p_max, 200_001)[1:-1]
        a = terms.annuity
        log = weight * np.log(2.0 * a - 0.25 * P) + (1 - weight) * np.log(-0.5 * a + 0.6 * P)
        assert P[log.argmax()] == pytest.approx(found.nash, rel=1e-4)


def test_kalai_and_smorodinsky_give_equal_shares_of_the_best():
    terms = Terms(grant_share=0.25, gain_share=0.6, cost_usd_bn=1.0, political_gain_usd_bn=0.5)
    found = zone(2.0, -0.5, terms)
    a, P = terms.annuity, found.kalai_smorodinsky
    payer, grantor = 2 * a - 1 - 0.25 * P, -0.5 * a + 0.5 + 0.6 * P
    best_payer = 2 * a - 1 - 0.25 * found.p_min
    best_grantor = -0.5 * a + 0.5 + 0.6 * found.p_max
    assert payer / best_payer == pytest.approx(grantor / best_grantor)


def test_the_split_is_clipped_after_the_formula():
    found = zone(1.0, 0.2, Terms())  # the grantor gains by the deal itself
    assert found.p_min == 0.0
    assert found.p_min_unclipped < 0
    expected = found.p_min_unclipped + 0.5 * (found.p_max - found.p_min_unclipped)
    assert found.nash == pytest.approx(expected)
    assert zone(1.0, 5.0, Terms()).nash == 0.0  # so much that it would pay


def test_an_empty_zone_is_a_verdict():
    found = zone(0.5, -3.0, Terms())
    assert not found.zone
    assert "no zone of agreement" in found.verdict
    assert np.isnan(found.nash)
    assert found.p_min > found.p_max


@pytest.mark.parametrize(
    "bad",
    [{"grant_share": 0.0}, {"grant_share": 1.2}, {"gain_share": -1.0}, {"payer_weight": 2.0},
     {"disbursement": 0.0}],
)  # fmt: skip
def test_terms_out_of_range_are_refused(bad):
    with pytest.raises(InputError):
        Terms(**bad)


def test_a_failed_solve_is_no_payoff():
    with pytest.raises(InputError, match="failed solve"):
        zone(np.nan, 1.0, Terms())


# --- on a world ---------------------------------------------------------------------------------
def two_and_rest() -> dt.World:
    trade = np.array(
        [
            [[9000.0, 700, 800], [700, 4000, 400], [800, 400, 9000]],
            [[9000.0, 300, 500], [300, 4000, 300], [500, 300, 9000]],
        ]
    )
    tariff = np.zeros_like(trade)
    return build(trade, tariff=tariff, theta=4.0)


@pytest.fixture(scope="module")
def deal():
    world = two_and_rest()
    status_quo = amend(dt.Policy(world), [Levy("c00", "c01", 0.25, "s00")], "25%")
    relief = amend(dt.Policy(world), [Levy("c00", "c01", 0.15, "s00")], "15%")
    return pledge(relief, status_quo, "c01", "c00")


def test_gains_are_differences_of_solved_real_income(deal):
    world = deal.no_deal.world
    before = 1 + dt.simulate(world, deal.no_deal).real_income.values / 100
    after = 1 + dt.simulate(world, deal.deal).real_income.values / 100
    change = 100 * (after / before - 1)
    assert deal.payer_gain_pct == pytest.approx(change[1], abs=1e-8)
    assert deal.grantor_gain_pct == pytest.approx(change[0], abs=1e-8)
    assert deal.payer_gain_pct > 0
    assert deal.disagreement == "25%"


def test_the_surface_moves_the_way_it_must(deal):
    table = deal.surface()
    by = ["grant_share", "horizon_years", "discount", "reimposition"]
    p = table.set_index(by)["p_max_usd_bn"].unstack("grant_share")
    assert (p.diff(axis=1).iloc[:, 1:] < 0).all().all()
    for name, sign in (("horizon_years", 1), ("discount", -1), ("reimposition", -1)):
        q = table.set_index(by)["p_max_usd_bn"].unstack(name)
        assert (sign * q.diff(axis=1).iloc[:, 1:] > 0).all().all()
    risk = [deal.split(relief_risk=h).p_max for h in (0.0, 0.1, 0.3)]
    assert risk == sorted(risk, reverse=True)


def test_marks_are_accepted_exactly_up_to_their_grant_share(deal):
    for mark in (350.0, 0.2):
        g = deal.grant_share_at(mark)
        if g <= 1.0:
            assert deal.split(grant_share=g).p_max == pytest.approx(mark)
    mark = deal.split(grant_share=0.5).p_max
    table = deal.surface(horizons=[10.0], discounts=[0.05], reimpositions=[0.0], marks=[mark])
    accepted = table.set_index("grant_share")[f"accepts_{mark:g}"]
    assert accepted[[0.02, 0.05, 0.1, 0.2]].all()
    assert not accepted[1.0]
    assert table[f"grant_share_at_{mark:g}"].to_numpy() == pytest.approx(0.5)


def test_the_moved_pledge_hurts_the_payer_and_helps_the_grantor(deal):
    amount = deal.split().p_max
    table = deal.moved(amount).set_index("country")
    assert table["yearly_payment_usd_bn"].sum() == pytest.approx(0.0)
    assert table.loc["c01", "solved_pct"] < table.loc["c01", "deal_alone_pct"]
    assert table.loc["c00", "solved_pct"] > table.loc["c00", "deal_alone_pct"]
    # the payment at par takes exactly the gain of the marginal pledge
    assert table.loc["c01", "payment_at_par_pct"] == pytest.approx(0.0, abs=1e-9)
    # home bias turns the terms of trade against who pays
    assert table.loc["c01", "terms_of_trade_pct"] < 0
    small = deal.moved(1e-9).set_index("country")
    assert np.allclose(small["solved_pct"], small["deal_alone_pct"], atol=1e-6)


def test_bad_pledges_are_refused(deal):
    with pytest.raises(InputError, match="different"):
        pledge(deal.deal, deal.no_deal, "c00", "c00")
    with pytest.raises(UnknownNameError):
        deal.split(generosity=1.0)
    with pytest.raises(UnknownNameError):
        pledge(deal.deal, deal.no_deal, "c00", "Atlantis")
    iceberg = deal.no_deal.iceberg.values.copy()
    iceberg[:, 1, :] = np.inf
    with pytest.raises(ConvergenceError):
        pledge(dt.Policy(deal.no_deal.world, iceberg=iceberg), deal.no_deal, "c01", "c00")


# --- issues and pairs ---------------------------------------------------------------------------
def test_packages_hold_single_issues_and_the_nash_one_harms_nobody(deal):
    issues = {
        "one": [Levy("c00", "c01", 0.0, "s00", "replaced")],
        "two": [Levy("c01", "c00", -0.05, "s01")],
    }
    found = packages(deal.no_deal, "c01", "c00", issues)
    assert list(found.table["package"]) == ["none", "one", "two", "one + two"]
    alone = dt.simulate(
        deal.no_deal.world, amend(deal.no_deal, issues["one"]), baseline=deal.no_deal
    )
    assert found.table.loc[1, "c01_usd_bn"] == pytest.approx(
        alone.real_income.sel(country="c01").item() * deal.income_usd_bn["c01"] / 100
    )
    chosen = found.table.set_index("package").loc[found.nash]
    assert (chosen[["c01_usd_bn", "c00_usd_bn"]] >= 0).all()
    best = found.table.set_index("package").loc[found.efficient]
    assert best["sum_usd_bn"] == found.table["sum_usd_bn"].max()
    # after the payment both have half of the sum
    assert best["c01_usd_bn"] - found.payment_usd_bn == pytest.approx(best["sum_usd_bn"] / 2)
    with pytest.raises(InputError, match="512 packages"):
        packages(deal.no_deal, "c01", "c00", {str(i): [] for i in range(9)})


def test_one_pair_of_equals_bargains_to_free_trade_in_its_own_world():
    # two countries alone: joint income is largest where neither taxes the other
    trade = np.array([[[5000.0, 1000.0], [1000.0, 5000.0]]])
    tariff = np.array([[[0.0, 0.2], [0.2, 0.0]]])
    world = build(trade, tariff=tariff, theta=4.0)
    found = nash_in_nash(dt.Policy(world), [("c00", "c01")], bounds=(-0.2, 0.3), damping=1.0)
    assert found.converged
    row = found.table.iloc[0]
    assert row["first_adds"] == pytest.approx(-0.2, abs=2e-3)
    assert row["second_adds"] == pytest.approx(-0.2, abs=2e-3)
    assert row["payment_usd_bn"] == pytest.approx(0.0, abs=1e-6)
    assert found.regret_usd_bn < 1e-6


def test_pairs_report_residual_regret_and_payments_that_cancel():
    found = nash_in_nash(
        amend(dt.Policy(two_and_rest()), [Levy("c00", ("c01", "c02"), 0.1)]),
        [("c00", "c01"), ("c00", "c02")],
        bounds=(-0.1, 0.3),
        rounds=2,
    )
    assert found.gains["payments_usd_bn"].sum() == pytest.approx(0.0, abs=1e-9)
    assert found.table["first_adds"].between(-0.1, 0.3).all()
    assert found.rounds == 2
    assert found.converged == (found.residual <= 1e-4)
    assert found.regret_usd_bn >= 0
    assert (found.table["joint_gain_usd_bn"] > 0).all()
    assert found.failed == 0
    with pytest.raises(InputError, match="exclude the status quo"):
        nash_in_nash(dt.Policy(two_and_rest()), [("c00", "c01")], bounds=(0.1, 0.2))
    with pytest.raises(InputError, match="each once"):
        nash_in_nash(dt.Policy(two_and_rest()), [("c00", "c01"), ("c01", "c00")])

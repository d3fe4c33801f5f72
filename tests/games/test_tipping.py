"""Roots of constructed functions, adoption maps with known fixed points, solved switch points."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import detente as dt
from detente.errors import InputError
from detente.games.adoption import adoption_game, fixed_points, hysteresis, logistic
from detente.games.tipping import crossings, tipping_point, welfare_curves
from detente.policy.changes import Levy, Pact
from detente.policy.draft import amend
from worlds import build


# --- roots --------------------------------------------------------------------------------------
def test_every_known_root_is_found_with_its_direction():
    def f(t):
        return (t - 0.2) * (t - 0.61) * (t - 1.1)

    grid = np.linspace(0, 1.45, 30)
    found = crossings(grid, f(grid), f, 1e-9)
    assert [c.at for c in found] == pytest.approx([0.2, 0.61, 1.1], abs=1e-8)
    assert [c.rising for c in found] == [True, False, True]


def test_functions_of_one_sign_have_no_root():
    grid = np.linspace(0, 1.45, 30)
    for f in (lambda t: t + 0.1, lambda t: -np.exp(t)):
        assert crossings(grid, f(grid), f) == []


def test_a_root_on_the_grid_counts_once_and_a_touch_not_at_all():
    grid = np.array([0.0, 0.5, 1.0])
    assert [c.at for c in crossings(grid, grid - 0.5, lambda t: t - 0.5)] == [0.5]
    assert crossings(grid, (grid - 0.5) ** 2, lambda t: (t - 0.5) ** 2) == []


def test_nothing_is_read_into_a_gap_of_failed_solves():
    grid = np.array([0.0, 0.5, 1.0])
    assert crossings(grid, np.array([-1.0, np.nan, 1.0]), lambda t: t - 0.5) == []


# --- adoption -----------------------------------------------------------------------------------
def test_logistic_adoption():
    assert logistic(3.0, 0.0) == 0.5
    assert logistic(0.0, 7.0) == 0.5
    assert logistic(1.0, 2.0) == pytest.approx(1 / (1 + np.exp(-2.0)))
    assert logistic(-1e6, 5.0) == pytest.approx(0.0)


@pytest.mark.parametrize(("slope", "count"), [(2.0, 1), (3.9, 1), (4.1, 3), (8.0, 3)])
def test_the_logistic_map_has_three_fixed_points_iff_its_slope_exceeds_four(slope, count):
    found = fixed_points(lambda x: float(logistic(slope * (x - 0.5), 1.0)))
    assert len(found) == count
    middle = min(found, key=lambda p: abs(p.x - 0.5))
    assert middle.x == pytest.approx(0.5, abs=1e-9)
    assert middle.stable == (slope < 4)
    assert middle.slope == pytest.approx(slope / 4, rel=1e-4)
    for p in found:
        assert p.x == pytest.approx(float(logistic(slope * (p.x - 0.5), 1.0)), abs=1e-9)


def test_hysteresis_appears_with_multiplicity_and_not_without():
    values = np.linspace(0.0, 1.0, 41)

    def phi(strength):
        return lambda x, t: float(logistic(strength * (x - 0.5) + 4.0 * (t - 0.5), 1.0))

    strong, weak = hysteresis(phi(8.0), values), hysteresis(phi(2.0), values)
    assert strong["gap"].max() > 0.5
    assert strong["gap"].min() > -1e-9
    assert weak["gap"].abs().max() < 1e-6
    assert (strong["up"].diff().dropna() >= -1e-9).all()


# --- solved -------------------------------------------------------------------------------------
def ally_world() -> dt.World:
    """Four countries: ally c00, leader c01, hub c02, another ally c03."""
    trade = np.array(
        [
            [[6000.0, 900, 500, 300], [900, 9000, 1200, 900], [500, 1200, 7000, 500],
             [300, 900, 500, 6000]],
        ] * 2
    )  # fmt: skip
    tariff = np.full_like(trade, 0.1)
    for j in range(2):
        np.fill_diagonal(tariff[j], 0.0)
    return build(trade, tariff=tariff, theta=4.0)


PACT = Pact(("c00", "c02"))


@pytest.fixture(scope="module")
def curves():
    return welfare_curves(ally_world(), "c00", PACT, leader="c01", largest_penalty=0.3, points=12)


def test_a_good_agreement_without_cost_or_penalty_always_pays(curves):
    answer = curves.answer()
    assert answer.verdict == "always"
    assert not answer.crossings
    assert (answer.table["net_pct"] > 0).all()
    assert answer.failed == 0


def test_a_high_security_weight_means_never_and_says_what_would_change_it(curves):
    answer = curves.answer(security_pct=50.0)
    assert answer.verdict == "never"
    flip = answer.nearest["security_pct"]
    assert flip == pytest.approx(answer.no_crossing_above_pct)
    assert curves.answer(security_pct=0.999 * flip).verdict == "crossings"
    assert curves.answer(security_pct=1.001 * flip).verdict == "never"
    assert curves.answer(security_pct=50.0, kept=answer.nearest["kept"] + 1e-4).verdict != "never"


def test_the_net_gain_falls_with_security_weight_and_penalty(curves):
    base = curves.answer().table["net_pct"].to_numpy()
    tied = curves.answer(security_pct=0.1).table["net_pct"].to_numpy()
    assert np.allclose(base - tied, 0.1)
    kept = curves.answer(security_pct=0.1, kept=1.0).table["net_pct"].to_numpy()
    assert np.allclose(base, kept)
    punished = curves.answer(penalty=0.3).table["net_pct"].to_numpy()
    assert (punished < base).all()


def test_a_crossing_is_where_the_two_solved_payoffs_differ_by_the_cost(curves):
    cost = 0.5 * (curves.answer().no_crossing_above_pct + curves.answer().no_crossing_below_pct)
    answer = curves.answer(security_pct=cost)
    assert answer.verdict == "crossings"
    world = ally_world()
    for crossing in answer.crossings:
        levy = [Levy("c01", "c00", crossing.at)]
        logs = [
            100 * np.log1p(dt.simulate(world, amend(dt.Policy(world), [*pact, *levy]))
                           .real_income.sel(country="c00").item() / 100)
            for pact in ([PACT], [])
        ]  # fmt: skip
        assert logs[0] - logs[1] == pytest.approx(cost, abs=1e-5)


def test_interpolated_and_solved_crossings_agree(curves):
    cost = 0.5 * (curves.answer().no_crossing_above_pct + curves.answer().no_crossing_below_pct)
    for penalty in (0.0, 0.1):
        solved = curves.answer(security_pct=cost, penalty=penalty)
        quick = curves.answer(security_pct=cost, penalty=penalty, exact=False)
        assert [c.at for c in quick.crossings] == pytest.approx(
            [c.at for c in solved.crossings], abs=0.02
        )


def test_the_map_repeats_the_answers(curves):
    table = curves.map([0.0, 50.0], [0.0, 0.1])
    assert list(table["verdict"])[:1] == ["always"]
    assert set(table.loc[table["security_pct"] == 50.0, "verdict"]) == {"never"}


def test_tipping_at_once_equals_its_two_steps(curves):
    once = tipping_point(
        ally_world(), "c00", PACT, leader="c01", security_pct=0.05, penalty=0.1, points=12
    )
    twice = curves.answer(security_pct=0.05, penalty=0.1)
    assert once.verdict == twice.verdict
    assert [c.at for c in once.crossings] == pytest.approx(
        [c.at for c in twice.crossings], abs=1e-4
    )


def test_bad_questions_are_refused(curves):
    with pytest.raises(InputError, match="member of none"):
        welfare_curves(ally_world(), "c03", PACT, leader="c01")
    with pytest.raises(InputError, match="its own leader"):
        welfare_curves(ally_world(), "c00", PACT, leader="c00")
    with pytest.raises(InputError, match="largest_penalty"):
        curves.answer(penalty=0.9)
    with pytest.raises(InputError, match="share"):
        curves.answer(kept=1.2)


@pytest.fixture(scope="module")
def allies():
    return adoption_game(
        ally_world(), ("c00", "c03"), "c02", leader="c01", tariffs=(0.0, 0.5, 1.0), penalty=0.05
    )


def test_gains_from_signing_compare_the_sets_with_and_without(allies):
    world = ally_world()
    both = [Levy("c01", "c00", 0.5 + 0.05), Levy("c01", "c03", 0.5)]
    joined = amend(dt.Policy(world), [PACT, *both])
    alone = amend(dt.Policy(world), [Levy("c01", "c00", 0.5), Levy("c01", "c03", 0.5)])
    logs = [np.log1p(dt.simulate(world, p).real_income.values[0] / 100) for p in (joined, alone)]
    assert allies.gain[1, 0, 0] == pytest.approx(100 * (logs[0] - logs[1]), abs=1e-6)
    assert allies.gain[1, 1, 0] == allies.gain[1, 0, 0]


def test_adoption_at_no_precision_is_one_half(allies):
    (only,) = allies.fixed_points(0.5, 0.0)
    assert only.x == pytest.approx(0.5)


def test_fixed_points_reproduce_themselves_and_stability_alternates(allies):
    cost = allies.gain[1].mean()
    tied = allies.assume({"c00": cost * 4 / 3, "c03": cost * 4 / 3}, relief=0.6)
    found = tied.fixed_points(0.5, 2000.0)
    for p in found:
        assert tied.phi(p.x, 0.5, 2000.0) == pytest.approx(p.x, abs=1e-6)
    assert len(found) % 2 == 1
    stable = [p.slope < 1 for p in found]
    assert all(a != b for a, b in pairwise(stable))


def test_equilibria_are_sets_nobody_leaves_alone(allies):
    assert allies.assume({"c00": 99.0, "c03": 99.0}).equilibria(0.5) == ["none"]
    assert allies.assume({"c00": -99.0, "c03": 99.0}).equilibria(0.5) == ["c00"]
    assert allies.assume({"c00": -99.0, "c03": -99.0}).equilibria(0.0) == ["c00 + c03"]
    with pytest.raises(InputError, match="not among"):
        allies.assume({"c02": 1.0})

"""How deviations are drawn and searched: ranges, budgets, and what is counted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy

import detente as dt
import detente.tariff_war.certificate as module
from detente.errors import InputError
from detente.tariff_war.arena import LARGEST_LOG, Arena
from detente.tariff_war.certificate import (
    FEW,
    Attack,
    Deviation,
    _draws,
    _search,
    attack,
    attack_jointly,
    usual_deviations,
)
from detente.tariff_war.levers import levers
from detente.tariff_war.objective import governments
from worlds import build


# --- how hard to look -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("J", "N", "count", "expected"),
    [
        (1, 10, 3_999, Attack(200, 60)),  # sectors x pairs x levers: below 400,000
        (1, 10, 4_000, Attack(60, 30)),
        (4, 10, 1_000, Attack(60, 30)),
        (2, 100, 399, Attack(60, 30)),  # 7,980,000
        (2, 100, 400, Attack(10, 6)),
    ],
)
def test_the_usual_number_falls_with_the_work(J, N, count, expected):
    economy = SimpleNamespace(alpha=np.zeros((J, N)))
    arena: Any = SimpleNamespace(base=SimpleNamespace(economy=economy))
    assert usual_deviations(arena, count) == expected
    seeded = Attack(expected.deviations, expected.search, 7)
    assert usual_deviations(arena, count, seed=7) == seeded
    assert usual_deviations(arena, count, 33) == Attack(33, expected.search)
    assert usual_deviations(arena, count, 1) == Attack(1, expected.search)
    assert usual_deviations(arena, count, 0) == Attack(0, 0)
    with pytest.raises(InputError, match="-1 is negative"):
        usual_deviations(arena, count, -1)


def test_an_attack_is_on_with_one_deviation():
    assert not Attack(0).on
    assert Attack(1).on
    assert (Attack().deviations, Attack().search, Attack().seed) == (200, 60, 0)


# --- draws ------------------------------------------------------------------------------------
class Ends:
    """In place of a generator: the low or the high end of every range, and what was asked."""

    def __init__(self, end: int) -> None:
        self.end, self.place = end, 0

    def uniform(self, low, high):
        return (low, high)[self.end]

    def normal(self, size):
        return np.full(size, [-1.0, 1.0][self.end])

    def choice(self, of):
        return of[self.end]

    def integers(self, count):
        self.place = (self.place + 1) % count
        return self.place


HERE = np.array([0.0, np.log(2.0), 2.0])
LOW = np.array([-0.3, -np.inf, -np.inf])
HIGH = np.array([0.2, 5.0, LARGEST_LOG])


def drawn(end: int):
    return list(_draws(Ends(end), HERE, LOW, HIGH, 10))  # pyright: ignore[reportArgumentType]


def test_draws_reach_to_the_ends_of_their_ranges():
    """Down to half the price or half below the answer, up to 300% or half above it, within
    bounds; one rate for all goes up to the bounds that somebody gave."""
    bottom = [-0.3, np.log(0.5), np.log(0.5)]  # 2 - 0.5 is above log(1/2)
    top = [0.2, np.log(4.0), 2.5]
    low, high = drawn(0), drawn(1)
    names = ["one rate for all", "free draw", "shift of every lever", "one lever", "common shift"]
    assert [m for _, m in low] == names * 2
    np.testing.assert_allclose(low[0][0], np.full(3, np.log(0.5)))
    np.testing.assert_allclose(high[0][0], np.full(3, 5.0))
    np.testing.assert_allclose(low[1][0], bottom)
    np.testing.assert_allclose(high[1][0], top)
    np.testing.assert_allclose(low[2][0], HERE - 1e-4)
    np.testing.assert_allclose(high[2][0], HERE + 10**-0.5)
    np.testing.assert_allclose(low[3][0], [HERE[0], bottom[1], HERE[2]])  # the second lever
    np.testing.assert_allclose(high[8][0], [HERE[0], HERE[1], top[2]])  # then the third
    np.testing.assert_allclose(low[4][0], HERE - 1e-4)
    np.testing.assert_allclose(high[4][0], HERE + 10**-0.5)
    assert len(list(_draws(Ends(0), HERE, LOW, HIGH, 3))) == 3  # pyright: ignore[reportArgumentType]
    # far below the usual range the answer counts
    deep = list(_draws(Ends(0), HERE - 3, LOW - 9, HIGH, 2))  # pyright: ignore[reportArgumentType]
    np.testing.assert_allclose(deep[1][0], np.minimum(np.log(0.5), HERE - 3.5))


# --- the search without gradients -------------------------------------------------------------
def searched(start, budget, peak, **how):
    """What is tried when the gain is a parabola around ``peak``."""
    tried = []

    def gain(x, method):
        assert method == "by name"
        tried.append(x.copy())
        return -float(((x - peak) ** 2).sum())

    m = len(start)
    bounds = np.full(m, -np.inf), np.full(m, np.inf)
    _search(gain, start, *bounds, budget, np.random.default_rng(0), "by name")
    return np.array(tried).reshape(-1, m)


@pytest.mark.parametrize("route", ["COBYQA", "Nelder-Mead"])
def test_a_few_levers_are_moved_one_by_one_to_the_peak(monkeypatch, route):
    monkeypatch.setattr(module, "_has_cobyqa", lambda: route == "COBYQA")
    asked = []
    minimize = module.optimize.minimize

    def watched(*args, **how):
        asked.append(how["method"])
        return minimize(*args, **how)

    monkeypatch.setattr(module.optimize, "minimize", watched)
    start, peak = np.array([0.5, -0.2]), np.array([0.7, 0.1])
    tried = searched(start, 60, peak)
    assert asked == [route]
    assert len(tried) <= 60
    np.testing.assert_array_equal(tried[0], start)
    assert np.abs(tried[1:3] - start).max() == pytest.approx(0.1)  # the first steps
    assert np.abs(tried - peak).max(axis=1).min() < 1e-3
    assert len(searched(start, 2, peak)) == 0
    assert 3 <= len(searched(start, 3, peak)) <= 4
    assert asked[-1] == "Nelder-Mead"  # too few evaluations for the other
    searched(start, 5, peak)
    assert asked[-1] == "Nelder-Mead"
    searched(start, 6, peak)
    assert asked[-1] == route


def test_many_levers_are_moved_together_and_in_three_directions():
    for m, rank in ((FEW, FEW), (FEW + 1, 4)):
        start = np.linspace(0, 1, m)
        tried = searched(start, 200, start + 1.0)
        moves = tried - start
        assert np.linalg.matrix_rank(moves, tol=1e-9) == rank
        # the peak lies where all move by one
        assert np.abs(moves - 1.0).max(axis=1).min() < 1e-2
    # the other three are of about the length of one lever
    ones = np.ones(m) / np.sqrt(m)
    beside = moves[1:5] - np.outer(moves[1:5] @ ones, ones)
    lengths = np.linalg.norm(beside, axis=1)
    assert lengths.max() < 0.3
    assert (lengths > 0.02).sum() >= 2


def test_what_cannot_be_solved_is_stepped_round():
    tried = []

    def gain(x, method):
        tried.append(x[0])
        return -np.inf if x[0] > 0.3 else -((x[0] - 0.25) ** 2)

    _search(gain, np.zeros(1), -np.ones(1), np.ones(1), 60, np.random.default_rng(0), "any")
    assert np.abs(np.array(tried) - 0.25).min() < 1e-3


def test_which_scipy_has_the_better_optimiser(monkeypatch):
    for version, has in (("1.13.1", False), ("1.14.0", True), ("1.15.2", True), ("2.0.0", True),
                         ("0.19.1", False)):  # fmt: skip
        monkeypatch.setattr(scipy, "__version__", version)
        assert module._has_cobyqa() == has


# --- the attack -------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def stage():
    world = build(np.array([[[60.0, 40.0], [40.0, 60.0]]]), theta=4.0)
    arena = Arena(world, None, None, "zero")
    return world, arena, governments(world, ["c00", "c01"])


def test_bounds_are_tried_first_and_counted(stage, monkeypatch):
    world, arena, who = stage
    seen = []
    solve = arena.solve

    def watched(rates, e):
        seen.append(float(rates.tariff[0, 0, 1]))
        return solve(rates, e)

    monkeypatch.setattr(arena, "solve", watched)
    here, e = arena.rates, arena.status_quo.after
    lv = levers(world, "c00", "uniform", None)
    for bounds, first in (((-0.1, 0.1), [-0.1, 0.1]), ((0.0, 0.1), [0.1]), (None, [])):
        seen.clear()
        lv = levers(world, "c00", "uniform", bounds)
        found = attack(arena, who[0], lv, here, e, Attack(25, 0))
        np.testing.assert_allclose(seen[: len(first)], first, atol=1e-12)
        assert found.tried == len(seen)
        assert found.player == "c00"
        assert len(seen) <= len(first) + 25
        if bounds:
            assert min(seen) >= bounds[0] - 1e-12
            assert max(seen) <= bounds[1] + 1e-12
    seen.clear()
    nothing = attack(arena, who[0], lv, here, e, Attack(0, 60))
    assert seen == []
    assert (nothing.gain, nothing.method, nothing.tried) == (-np.inf, "none", 0)
    assert nothing.regret == 0.0
    np.testing.assert_array_equal(nothing.tariff.values, here.tariff)


def test_solves_that_fail_count_for_nothing(stage, monkeypatch):
    world, arena, who = stage
    solve, calls = arena.solve, []

    def fails(rates, e):
        calls.append(1)
        return None if len(calls) % 2 else solve(rates, e)

    monkeypatch.setattr(arena, "solve", fails)
    lv = levers(world, "c00", "uniform", None)
    found = attack(arena, who[0], lv, arena.rates, arena.status_quo.after, Attack(20, 0))
    assert found.tried == len(calls)
    assert found.failed == (len(calls) + 1) // 2
    assert found.gain > -np.inf
    # the same seed draws the same deviations, another others
    monkeypatch.setattr(arena, "solve", solve)
    e = arena.status_quo.after
    gains = [attack(arena, who[0], lv, arena.rates, e, Attack(3, 0, s)).gain for s in (1, 1, 2)]
    assert gains[0] == gains[1] != gains[2]
    other = levers(world, "c01", "uniform", None)  # nor do two players draw the same
    theirs = attack(arena, who[1], other, arena.rates, e, Attack(3, 0, 1)).gain
    assert theirs != pytest.approx(gains[0], rel=1e-6)


def test_the_search_begins_at_the_answer_and_at_the_best_draw(stage, monkeypatch):
    world, arena, who = stage
    asked = []

    def watched(gain, x, low, high, budget, rng, method):
        asked.append((x.copy(), budget, method))

    monkeypatch.setattr(module, "_search", watched)
    lv = levers(world, "c00", "uniform", None)
    e, here = arena.status_quo.after, arena.rates
    found = attack(arena, who[0], lv, here, e, Attack(10, 7))
    start, best = here.read([lv]), np.log1p(found.tariff.values[0, 0, 1])
    assert [(b, m) for _, b, m in asked] == [(3, "derivative-free from the answer"),
                                             (3, "derivative-free from the best draw")]  # fmt: skip
    np.testing.assert_array_equal(asked[0][0], start)
    np.testing.assert_allclose(asked[1][0], best)
    for few, starts in ((1, 2), (0, 1)):  # with many levers from the answer only
        asked.clear()
        monkeypatch.setattr(module, "FEW", few)
        attack(arena, who[0], lv, here, e, Attack(10, 8))
        assert [b for _, b, _ in asked] == [8 // starts] * starts
    monkeypatch.setattr(module, "FEW", FEW)
    asked.clear()
    monkeypatch.setattr(arena, "solve", lambda rates, e: None)  # no draw is any good
    lost = attack(arena, who[0], lv, here, e, Attack(10, 7))
    assert [(b, m) for _, b, m in asked] == [(7, "derivative-free from the answer")]
    assert lost.failed == lost.tried > 0
    asked.clear()
    attack(arena, who[0], lv, here, e, Attack(10, 0))
    assert asked == []


def test_a_joint_deviation_moves_both(stage):
    """Two countries that lower tariffs together, weighed by the sum of their logs."""
    world, _, _ = stage
    policy = dt.Policy(world, tariff=0.3)
    arena = Arena(world, policy, None, "zero")
    who = governments(world, ["c00", "c01"])
    lv = [levers(world, c, "uniform", None) for c in ("c00", "c01")]
    e = arena.status_quo.after

    def both(at):
        return sum(arena.value(g, at) for g in who)

    found = attack_jointly(arena, "both", both, lv, arena.rates, e, Attack(40, 40))
    assert isinstance(found, Deviation)
    assert found.player == "both"
    assert found.gain > 0
    abroad = found.tariff.values[0][~np.eye(2, dtype=bool)]
    assert (abroad < 0.3).all()

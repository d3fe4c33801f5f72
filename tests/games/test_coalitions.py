"""Cooperative values on known games; coalitions against an outsider, solved."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest

import detente as dt
from detente.errors import InputError, UnknownNameError
from detente.games.characteristic import CooperativeGame, core, nucleolus, shapley
from detente.games.coalitions import coalition_values, encirclement, threshold
from detente.policy.changes import Levy
from detente.policy.draft import amend
from worlds import build


def game_of(players, value) -> CooperativeGame:
    n = len(players)
    values = np.array([value([i for i in range(n) if S >> i & 1]) for S in range(2**n)])
    return CooperativeGame(tuple(players), values.astype(float))


GLOVES = game_of("LMR", lambda S: min(len(set(S) & {0, 1}), int(2 in S)))


def bankruptcy(estate: float) -> CooperativeGame:
    """Aumann and Maschler (1985): claims 100, 200, 300."""
    claims = [100, 200, 300]
    return game_of(
        "abc", lambda S: max(0.0, estate - sum(c for i, c in enumerate(claims) if i not in S))
    )


def test_glove_game():
    assert shapley(GLOVES) == pytest.approx({"L": 1 / 6, "M": 1 / 6, "R": 2 / 3})
    found = core(GLOVES)
    assert not found.empty
    for player, end in (("L", 0.0), ("M", 0.0), ("R", 1.0)):
        assert found.range[player] == pytest.approx((end, end), abs=1e-9)
    assert nucleolus(GLOVES) == pytest.approx({"L": 0, "M": 0, "R": 1}, abs=1e-9)


@pytest.mark.parametrize(
    ("estate", "split"),
    [(100, (100 / 3, 100 / 3, 100 / 3)), (200, (50, 75, 75)), (300, (50, 100, 150))],
)
def test_bankruptcy_in_the_talmud(estate, split):
    assert tuple(nucleolus(bankruptcy(estate)).values()) == pytest.approx(split, abs=1e-7)


def test_an_additive_game_gives_everyone_what_they_bring():
    worth = [3.0, -1.0, 0.5, 7.0]
    game = game_of("abcd", lambda S: sum(worth[i] for i in S))
    expected = dict(zip("abcd", worth, strict=True))
    assert shapley(game) == pytest.approx(expected)
    assert nucleolus(game) == pytest.approx(expected)
    assert core(game).split == pytest.approx(expected)


def test_majority_voting_has_an_empty_core_and_an_equal_nucleolus():
    game = game_of("abc", lambda S: float(len(S) >= 2))
    found = core(game)
    assert found.empty
    assert found.shortfall == pytest.approx(1 / 3)
    assert not found.range
    assert nucleolus(game) == pytest.approx(dict.fromkeys("abc", 1 / 3))


@pytest.mark.parametrize("seed", range(5))
def test_values_share_the_whole_and_do_not_depend_on_names(seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=16)
    values[0] = 0.0
    game = CooperativeGame(("a", "b", "c", "d"), values)
    for solution in (shapley, nucleolus):
        found = solution(game)
        assert sum(found.values()) == pytest.approx(values[-1])
        order = list(rng.permutation(4))
        renamed = np.empty(16)
        for S in range(16):
            renamed[sum(1 << order[i] for i in range(4) if S >> i & 1)] = values[S]
        other = solution(CooperativeGame(game.players, renamed))
        for i, player in enumerate(game.players):
            assert other[game.players[order[i]]] == pytest.approx(found[player], abs=1e-8)


def test_shapley_equals_the_average_over_orders():
    rng = np.random.default_rng(0)
    values = np.append(0.0, rng.normal(size=15))
    game = CooperativeGame(("a", "b", "c", "d"), values)
    total = np.zeros(4)
    orders = list(permutations(range(4)))
    for order in orders:
        S = 0
        for i in order:
            total[i] += values[S | 1 << i] - values[S]
            S |= 1 << i
    assert list(shapley(game).values()) == pytest.approx((total / len(orders)).tolist())


@pytest.mark.parametrize("seed", range(8))
def test_the_nucleolus_lies_in_the_core_and_nothing_shrinks_the_largest_shortfall(seed):
    rng = np.random.default_rng(seed)
    size = np.array([S.bit_count() for S in range(32)])
    values = size**2 + rng.uniform(0, 1, 32) * (size > 0)
    values[0] = 0.0
    game = CooperativeGame(tuple("abcde"), values.astype(float))
    x = np.array(list(nucleolus(game).values()))
    excess = (game.values - game.membership @ x)[1:-1]
    assert excess.max() == pytest.approx(core(game).shortfall, abs=1e-8)
    assert (excess <= 1e-8).all()
    # lexicographic optimality against random efficient directions
    best = np.sort(excess)[::-1]
    for _ in range(200):
        step = rng.normal(size=5)
        step -= step.mean()
        moved = np.sort((game.values - game.membership @ (x + 1e-3 * step))[1:-1])[::-1]
        differ = np.flatnonzero(np.abs(moved - best) > 1e-9)
        assert moved[differ[0]] > best[differ[0]]


def test_symmetric_players_get_the_same():
    game = game_of("abcd", lambda S: len(S) ** 2)
    for solution in (shapley(game), nucleolus(game)):
        assert np.ptp(list(solution.values())) < 1e-9


def test_games_that_make_no_sense_are_refused():
    with pytest.raises(InputError, match="at most 12"):
        CooperativeGame(tuple("abcdefghijklm"), np.zeros(2**13))
    with pytest.raises(InputError, match="failed solve"):
        CooperativeGame(("a", "b"), np.array([0.0, 1.0, np.nan, 2.0]))
    with pytest.raises(InputError, match="zero"):
        CooperativeGame(("a",), np.array([1.0, 1.0]))
    with pytest.raises(UnknownNameError):
        CooperativeGame(("a", "b"), {("a", "z"): 1.0})


# --- against an outsider ------------------------------------------------------------------------
def ring(n: int = 4) -> dt.World:
    """n equal countries with much trade: leader, target, two to be invited."""
    trade = np.full((1, n, n), 1000.0)
    np.fill_diagonal(trade[0], 4000.0)
    return build(trade, theta=5.0)


@pytest.fixture(scope="module")
def solved():
    world = ring()
    a, b, c, d = world.countries
    return encirclement(
        world, a, b, (c, d), tariff=0.2, retaliation=(0.0, 0.2, 0.6), penalty=(0.0, 0.2, 0.6)
    )


def test_symmetric_invited_have_equal_payoffs(solved):
    u = solved.payoff.sel(country=list(solved.invited))
    assert np.allclose(u.isel(coalition=1, country=0), u.isel(coalition=2, country=1), atol=1e-7)
    assert np.allclose(u.isel(coalition=3, country=0), u.isel(coalition=3, country=1), atol=1e-7)


def test_payoffs_are_those_of_the_policies_written_by_hand(solved):
    world = ring()
    a, b, c, d = world.countries
    policy = amend(
        dt.Policy(world),
        [Levy(a, b, 0.2), Levy(c, b, 0.2), Levy(b, c, 0.6), Levy(a, d, 0.2)],
    )
    out = dt.simulate(world, policy).real_income
    u = solved.payoff.sel(retaliation=0.6, penalty=0.2, coalition=1)
    assert np.allclose(u.sel(country=[a, c, d, b]), out.sel(country=[a, c, d, b]), atol=1e-7)


def test_joining_pays_less_with_retaliation_and_more_with_a_penalty(solved):
    gain = np.array(
        [[solved.gain_from_joining(r, p) for p in (0.0, 0.2, 0.6)] for r in (0.0, 0.2, 0.6)]
    )
    assert (np.diff(gain, axis=0) <= 1e-8).all()
    assert (np.diff(gain, axis=1) >= -1e-8).all()


def test_stable_coalitions_are_those_nobody_leaves_or_joins(solved):
    for r, p in [(0.0, 0.0), (0.2, 0.2), (0.6, 0.0), (0.0, 0.6)]:
        gain = solved.gain_from_joining(r, p)
        expected = [
            S
            for S in range(4)
            if all(gain[S, i] >= -1e-7 if S >> i & 1 else gain[S, i] <= 1e-7 for i in range(2))
        ]
        assert solved.stable(r, p) == (expected, [])


def test_the_map_has_every_cell_and_flips_both_ways(solved):
    table = solved.map
    assert len(table) == 9
    words = {"joins", "stays out", "either", "none", "undecided"}
    assert set(table[list(solved.invited)].to_numpy().ravel()) <= words
    at = table.set_index(["retaliation_pct", "penalty_pct"])["stable"]
    assert "c02 + c03" in at[0.0, 60.0]
    assert at[60.0, 0.0] == "c00"


def test_security_value_is_added_to_joining(solved):
    worth = solved.with_security({"c02": 100.0})
    assert (worth.map["c02"] == "joins").all()
    with pytest.raises(InputError, match="not invited"):
        solved.with_security({"c00": 1.0})


def test_side_payment_is_zero_where_the_coalition_holds(solved):
    stable, _ = solved.stable(0.0, 0.6)
    assert 3 in stable
    assert solved.side_payment(0.0, 0.6)["needs_usd_bn"].sum() == 0.0
    needs = solved.side_payment(0.6, 0.0)["needs_usd_bn"]
    gain = solved.gain_from_joining(0.6, 0.0)[-1]
    worth = solved.income_usd_bn.sel(country=list(solved.invited)).values / 100
    assert np.allclose(needs, -gain * worth)


def test_a_failed_solve_makes_a_cell_undecided(solved):
    from dataclasses import replace

    payoff = solved.payoff.copy()
    payoff[0, 0, 1] = np.nan
    broken = replace(solved, payoff=payoff)
    stable, undecided = broken.stable(0.0, 0.0)
    assert 1 not in stable
    whole = solved.stable(0.0, 0.0)[0]
    assert set(stable) <= set(whole)
    assert set(whole) <= set(stable) | set(undecided)


def test_the_threshold_is_where_the_gain_of_the_weakest_is_zero():
    world = ring()
    a, b, c, d = world.countries
    found = threshold(
        world, a, b, (c, d), vary="retaliation", tariff=0.2, penalty=0.1, top=1.4, points=5
    )
    assert found.holds_at_zero
    assert not found.holds_at_top
    (at,) = found.values
    gain = encirclement(
        world, a, b, (c, d), tariff=0.2, retaliation=(at,), penalty=(0.1,)
    ).gain_from_joining(at, 0.1)[-1]
    assert abs(gain.min()) < 1e-3
    with pytest.raises(UnknownNameError):
        threshold(world, a, b, (c, d), vary="patience")


def test_coalition_values_add_up_and_grow_when_levying_is_voluntary():
    world = ring()
    a, b, c, d = world.countries
    forced = coalition_values(world, (a, c, d), b, tariff=0.2, voluntary=False)
    free = coalition_values(world, (a, c, d), b, tariff=0.2)
    assert (free.values >= forced.values - 1e-9).all()
    assert (free.values >= 0).all()
    for size in (1, 2):
        same = [forced.values[sum(1 << i for i in S)] for S in combinations(range(3), size)]
        assert np.ptp(same) < 1e-6 * max(abs(np.array(same)).max(), 1e-9)
    by_hand = dt.simulate(world, amend(dt.Policy(world), [Levy(a, b, 0.2), Levy(c, b, 0.2)]))
    usd = by_hand.real_income.values / 100 * world.value_added.sum("sector").values / 1e3
    assert forced.values[0b011] == pytest.approx(usd[0] + usd[2], rel=1e-6)


def test_bad_encirclements_are_refused():
    world = ring()
    a, b, c, _ = world.countries
    with pytest.raises(InputError, match="twice"):
        encirclement(world, a, b, (b, c))
    with pytest.raises(InputError, match="different numbers"):
        encirclement(world, a, b, (c,), retaliation=(0.1, 0.1))
    with pytest.raises(UnknownNameError):
        encirclement(world, a, b, ("Atlantis",))

"""Networks of agreements: notions of stability on known games, then solved pact games."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
import xarray as xr

import detente as dt
from detente.errors import InputError, UnknownNameError
from detente.games.cells import run_cells
from detente.games.networks import Penalty, pact_game, pact_search
from detente.games.stability import (
    NetworkGame,
    coalition_proof,
    pairwise_stable,
    search_stable,
    side_payment,
)
from detente.policy.changes import Levy, Pact, Withdrawal
from detente.policy.draft import amend
from worlds import Draw, build, random_world


def connections(n: int, delta: float, cost: float) -> NetworkGame:
    """The connections model of Jackson and Wolinsky (1996): delta^distance less own links."""
    players = tuple(f"p{i}" for i in range(n))
    pairs = list(combinations(range(n), 2))
    payoffs = np.zeros((2 ** len(pairs), n))
    for g in range(len(payoffs)):
        distance = np.full((n, n), np.inf)
        np.fill_diagonal(distance, 0)
        for bit, (i, j) in enumerate(pairs):
            if g >> bit & 1:
                distance[i, j] = distance[j, i] = 1
        degree = (distance == 1).sum(axis=1)
        for k in range(n):
            distance = np.minimum(distance, distance[:, [k]] + distance[[k], :])
        payoffs[g] = np.where(distance > 0, delta**distance, 0).sum(axis=1) - cost * degree
    return NetworkGame(players, tuple((players[i], players[j]) for i, j in pairs), payoffs)


def star(n: int, hub: int = 0) -> set[frozenset[int]]:
    return {frozenset((hub, i)) for i in range(n) if i != hub}


def as_sets(game: NetworkGame, network: int) -> set[frozenset[int]]:
    return {
        frozenset(game.players.index(m) for m in link)
        for bit, link in enumerate(game.links)
        if network >> bit & 1
    }


# --- the connections model ----------------------------------------------------------------------
def test_cheap_links_make_the_complete_network_the_only_stable_one():
    game = connections(4, delta=0.5, cost=0.2)  # c < delta - delta^2 = 0.25
    assert pairwise_stable(game).stable == (2**6 - 1,)


def test_dearer_links_make_a_star_stable():
    game = connections(4, delta=0.5, cost=0.4)  # delta - delta^2 < c < delta
    stable = [as_sets(game, g) for g in pairwise_stable(game).stable]
    assert all(star(4, hub) in stable for hub in range(4))
    assert as_sets(game, 2**6 - 1) not in stable


def test_links_dearer_than_what_they_bring_leave_the_empty_network():
    game = connections(4, delta=0.5, cost=0.6)
    assert 0 in pairwise_stable(game).stable
    assert all(len(as_sets(game, g)) == 0 for g in coalition_proof(game, credible=False).stable)


def test_strong_stability_refines_pairwise_and_coalition_proofness_lies_between():
    for cost in (0.1, 0.2, 0.3, 0.4, 0.6):
        game = connections(4, 0.5, cost)
        strong = set(coalition_proof(game, credible=False).stable)
        proof = set(coalition_proof(game).stable)
        assert strong <= proof
        assert strong <= set(pairwise_stable(game).stable)


def test_every_network_that_is_not_stable_has_a_deviation_that_blocks_it():
    game = connections(4, 0.5, 0.2)
    for found in (pairwise_stable(game), coalition_proof(game)):
        assert set(found.stable) | set(found.blocked) == set(range(64))
        assert not set(found.stable) & set(found.blocked)


def test_stability_does_not_depend_on_the_names_of_players():
    rng = np.random.default_rng(3)
    base = connections(3, 0.5, 0.1)
    game = NetworkGame(base.players, base.links, rng.normal(size=(8, 3)))
    found = {frozenset(as_sets(game, g)) for g in pairwise_stable(game).stable}
    for order in permutations(range(3)):
        relabelled = np.empty_like(game.payoffs)
        for g in range(8):
            links = [tuple(f"p{order[i]}" for i in sorted(s)) for s in as_sets(game, g)]
            relabelled[game.number(links)][list(order)] = game.payoffs[g]
        other = NetworkGame(base.players, base.links, relabelled)
        back = {
            frozenset(frozenset(order.index(i) for i in s) for s in as_sets(other, g))
            for g in pairwise_stable(other).stable
        }
        assert back == found


# --- transfers, side payments, failures ---------------------------------------------------------
def two_players(first: float, second: float, weights=(1.0, 1.0)) -> NetworkGame:
    payoffs = np.array([[0.0, 0.0], [first, second]])
    return NetworkGame(("a", "b"), (("a", "b"),), payoffs, np.array(weights))


def test_transfers_save_a_link_whose_sum_is_positive():
    game = two_players(3.0, -1.0)
    assert pairwise_stable(game).stable == (0,)
    assert pairwise_stable(game, transfers=True).stable == (1,)
    # what counts is the sum in money, not in percent
    assert pairwise_stable(two_players(3.0, -1.0, (1.0, 4.0)), transfers=True).stable == (0,)


def test_side_payment_is_the_gain_from_leaving():
    payment = side_payment(two_players(3.0, -1.0, (2.0, 5.0)), [("a", "b")])
    assert payment.needed == pytest.approx(5.0)
    assert payment.spare == pytest.approx(6.0)
    assert payment.affordable
    assert side_payment(two_players(1.0, 1.0), 1).needed == 0.0


def test_a_failed_payoff_leaves_networks_undecided_and_side_payments_refused():
    payoffs = connections(3, 0.5, 0.1).payoffs.copy()
    payoffs[5] = np.nan
    game = NetworkGame(("p0", "p1", "p2"), connections(3, 0.5, 0.1).links, payoffs)
    found = pairwise_stable(game)
    assert 5 in found.undecided
    assert 5 not in found.stable
    assert not set(found.stable) & set(found.undecided)
    assert game.failed == 1
    with pytest.raises(InputError, match="failed to solve"):
        side_payment(game, 7)


def test_costs_of_belonging_are_subtracted_where_the_link_is():
    game = two_players(1.0, 1.0).with_costs([{"b": 1.5}])
    assert np.allclose(game.payoffs, [[0, 0], [1.0, -0.5]])
    with pytest.raises(InputError, match="not a member"):
        two_players(1.0, 1.0).with_costs([{"c": 1.0}])


# --- looking ahead ------------------------------------------------------------------------------
def test_farsighted_notions_on_a_game_all_want_to_complete():
    from detente.games.farsighted import farsighted_stable

    base = connections(3, 0.5, 0.1)
    size = np.array([g.bit_count() for g in range(8)], dtype=float)
    game = NetworkGame(base.players, base.links, np.repeat(size[:, None], 3, axis=1))
    found = farsighted_stable(game)
    assert found.consistent == (7,)
    assert found.single == (7,)


def test_the_largest_consistent_set_holds_what_is_stable_against_every_move():
    from detente.games.farsighted import farsighted_stable

    game = connections(3, 0.5, 0.4)
    kept = set(farsighted_stable(game).consistent)
    assert set(coalition_proof(game, credible=False).stable) <= kept


# --- the pruned search --------------------------------------------------------------------------
@pytest.mark.parametrize("cost", [0.2, 0.4, 0.6])
def test_what_the_search_reaches_is_pairwise_stable(cost):
    game = connections(4, 0.5, cost)
    found = search_stable(game.players, game.links, lambda gs: game.payoffs[list(gs)])
    assert set(found.stable) <= set(pairwise_stable(game).stable)
    assert found.stable
    assert not found.unfinished


def test_the_search_reports_cycles_and_its_budget():
    # a wants the link, b wants it gone once it is there, and signs again when it is not
    payoffs = {0: np.array([0.0, 0.0]), 1: np.array([1.0, 1.0])}
    calls = []

    def evaluate(networks):
        calls.extend(networks)
        return np.array([payoffs[g] for g in networks])

    found = search_stable(["a", "b"], [("a", "b")], evaluate, budget=1)
    assert found.unfinished == (0, 1)
    assert not calls
    with pytest.raises(UnknownNameError):
        search_stable(["a"], [("a", "z")], evaluate)


# --- solved games -------------------------------------------------------------------------------
def symmetric(n: int = 3) -> dt.World:
    """n equal countries, two sectors, a tariff of 20% everywhere."""
    trade = np.full((2, n, n), 1000.0)
    for j in range(2):
        np.fill_diagonal(trade[j], 9000.0)
    tariff = np.full((2, n, n), 0.2)
    for j in range(2):
        np.fill_diagonal(tariff[j], 0.0)
    return build(trade, tariff=tariff, theta=4.0)


def test_symmetric_countries_get_equal_payoffs_up_to_relabelling():
    world = symmetric()
    play = pact_game(world, world.countries)
    game = play.game
    assert len(game.payoffs) == 8
    assert play.cells.failed == 0
    complete, nothing = game.payoffs[7], game.payoffs[0]
    assert np.ptp(complete) < 1e-7
    assert np.abs(nothing).max() < 1e-7
    for order in permutations(range(3)):
        for g in range(8):
            links = [tuple(f"c{order[i]:02d}" for i in s) for s in as_sets(game, g)]
            there = game.payoffs[game.number(links)]
            assert np.allclose(there[list(order)], game.payoffs[g], atol=1e-7)


def test_free_trade_among_equals_with_high_tariffs_is_stable_and_better():
    world = symmetric()
    play = pact_game(world, world.countries)
    assert 7 in play.stable().stable
    assert (play.game.payoffs[7] > 0).all()
    assert play.side_payment(7).needed == 0.0


def test_the_whole_network_equals_one_pact_of_all_and_the_tariffs_written_by_hand():
    world = random_world(Draw(N=4, J=2, seed=5, theta=(3.0, 8.0)))
    members = tuple(world.countries[:3])
    pairs = pact_game(world, members)
    pact = pact_game(world, members, [Pact(members)])
    tariff = world.tariff.values.copy()
    tariff[:, :3, :3] = np.minimum(tariff[:, :3, :3], 0.0)
    by_hand = dt.simulate(world, dt.Policy(world, tariff=tariff)).real_income.values[:3]
    assert np.allclose(pairs.game.payoffs[-1], by_hand, atol=1e-6)
    assert np.allclose(pact.game.payoffs[-1], by_hand, atol=1e-6)


def test_utilisation_and_phase_in_scale_the_cut():
    world = symmetric()
    policy = dt.Policy(world)
    a, b = world.countries[:2]
    for u, f in ((0.5, 1.0), (1.0, 0.5)):
        new = amend(policy, [Pact((a, b), utilisation=u, phase_in=f)])
        assert np.allclose(new.tariff.sel(importer=a, exporter=b), 0.1)
    none = amend(policy, [Pact((a, b), utilisation=0.0)])
    assert np.array_equal(none.tariff.values, policy.tariff.values)
    part = amend(policy, [Pact((a, b), sectors="s00", non_tariff_cut=0.1)])
    assert part.tariff.sel(sector="s01", importer=a, exporter=b) == 0.2
    assert np.allclose(part.iceberg.sel(sector="s00", importer=b, exporter=a), 0.9)


def test_a_cut_of_non_tariff_costs_helps_more_than_none():
    world = symmetric()
    bare = pact_game(world, world.countries[:2])
    deep = pact_game(world, world.countries[:2], template=Pact(("x", "y"), non_tariff_cut=0.05))
    assert (deep.game.payoffs[1] > bare.game.payoffs[1]).all()


def test_a_penalty_falls_on_signers_only_and_can_undo_a_pact():
    world = symmetric(4)
    a, b, c, d = world.countries
    free = pact_game(world, [a, b, c])
    taxed = pact_game(world, [a, b, c], penalties=[Penalty(d, b, 0.5)])
    with_b = free.game.number([(a, b)])
    assert taxed.game.payoffs[with_b, 0] < free.game.payoffs[with_b, 0]
    without = free.game.number([(a, c)])
    assert np.allclose(taxed.game.payoffs[without], free.game.payoffs[without], atol=1e-7)


def test_security_costs_only_lower_the_payoff_of_those_who_bear_them():
    world = symmetric()
    play = pact_game(world, world.countries)
    a, b, _ = world.countries
    dear = play.with_costs({b: 1.0}, partner=a)
    g = play.game.number([(a, b)])
    assert dear.game.payoffs[g, 1] == pytest.approx(play.game.payoffs[g, 1] - 1.0)
    assert dear.game.payoffs[g, 0] == play.game.payoffs[g, 0]


def test_side_payments_moved_in_the_model_come_close_to_par():
    world = symmetric()
    a, b, _ = world.countries
    play = pact_game(world, [a, b], [Pact((a, b), costs_pct={b: 0.8})])
    gain = play.game.payoffs[1]
    if gain[1] >= 0 or gain.sum() <= 0:
        play = play.with_costs({b: float(gain[1] + 0.1)})
    moved = play.paid_in_model(play.side_payment([(a, b)]))
    assert moved["payment_usd_bn"].sum() == pytest.approx(0.0, abs=1e-9)
    shift = moved["after_pct"] - moved["before_pct"]
    assert np.sign(shift).tolist() == np.sign(moved["payment_usd_bn"]).tolist()
    assert np.allclose(moved["after_pct"], moved["at_par_pct"], atol=0.15)


def test_the_search_over_solved_networks_agrees_with_the_enumeration():
    world = random_world(Draw(N=4, J=2, seed=8, theta=(3.0, 8.0)))
    players = world.countries
    full = pact_game(world, players)
    found = pact_search(world, players, full.agreements)
    assert not found.complete
    assert found.networks == 64
    assert set(found.search.stable) <= set(full.stable().stable)
    for g, payoff in found.search.visited.items():
        assert np.allclose(payoff, full.game.payoffs[g], atol=1e-6)


# --- refusals -----------------------------------------------------------------------------------
def test_a_pact_with_a_non_member_is_refused():
    world = symmetric()
    a, b, c = world.countries
    with pytest.raises(InputError, match="does not play"):
        pact_game(world, [a, b], [Pact((a, c))])
    with pytest.raises(UnknownNameError):
        pact_game(world, [a, "Atlantis"])
    with pytest.raises(InputError, match="twice"):
        pact_game(world, [a, a, b])


def test_too_large_a_game_states_its_size_and_offers_the_search():
    world = random_world(Draw(N=6, J=1, seed=1))
    with pytest.raises(InputError, match=r"1,024 networks.*limit=1024.*pact_search"):
        pact_game(world, world.countries[:5])
    seven = random_world(Draw(N=7, J=1, seed=1))
    with pytest.raises(InputError, match=r"2,097,152 networks.*pact_search"):
        pact_game(seven, seven.countries, limit=10**9)


@pytest.mark.parametrize(
    "bad",
    [
        {"members": ("c00",)},
        {"members": ("c00", "c00")},
        {"members": ("c00", "c01"), "utilisation": 1.5},
        {"members": ("c00", "c01"), "phase_in": -0.1},
        {"members": ("c00", "c01"), "non_tariff_cut": 1.0},
        {"members": ("c00", "c01"), "costs_pct": {"c02": 1.0}},
    ],
)
def test_agreements_that_make_no_sense_are_refused(bad):
    with pytest.raises(InputError):
        Pact(**bad)


def test_levies_and_withdrawals_do_what_they_say():
    world = symmetric()
    a, b, c = world.countries
    policy = dt.Policy(world)
    added = amend(policy, [Levy(a, (b, c), 0.25, "s01")])
    assert np.allclose(added.tariff.sel(sector="s01", importer=a, exporter=[b, c]), 0.45)
    assert np.allclose(added.tariff.sel(sector="s00"), policy.tariff.sel(sector="s00"))
    total = amend(policy, [Levy(a, b, 0.15, form="total")])
    assert np.allclose(total.tariff.sel(importer=a, exporter=b), 0.2)
    closed = amend(policy, [Withdrawal(a, b, "sales")])
    assert closed.banned.sel(importer=a, exporter=b).all()
    assert not closed.banned.sel(importer=b, exporter=a).any()
    with pytest.raises(InputError, match="above -100"):
        amend(policy, [Levy(a, b, -1.5)])
    with pytest.raises(UnknownNameError):
        amend(policy, [Levy(a, b, 0.1, form="plus")])


def test_a_failed_solve_is_not_a_payoff():
    world = symmetric()
    a, b, c = world.countries
    dead = amend(dt.Policy(world), [Withdrawal(a, x, "trade") for x in (a, b, c) if x != a])
    iceberg = dead.iceberg.values.copy()
    iceberg[:, 0, 0] = np.inf
    cells = run_cells([dt.Policy(world), dt.Policy(world, iceberg=iceberg)], ["fine", "dead"])
    assert cells.status[0] == "converged"
    assert cells.failed == 1
    assert np.isnan(cells.payoff.sel(cell="dead")).all()
    assert list(cells.failures["cell"]) == ["dead"]
    assert cells.reasons["dead"]


def test_payoffs_of_governments_with_weights_enter_the_game():
    from detente.games.cells import Governments
    from detente.tariff_war.objective import government

    world = random_world(Draw(N=3, J=2, seed=2, theta=(3.0, 8.0)))
    a = world.countries[0]
    plain = Governments((government(world, a),))
    policy = dt.Policy(world, tariff=0.1)
    bare = run_cells([policy])
    same = run_cells([policy], payoff=plain)
    xr.testing.assert_allclose(bare.payoff.drop_attrs(), same.payoff.drop_attrs())
    lobby = run_cells([policy], payoff=Governments((government(world, a, {"s00": 3.0}),)))
    assert lobby.payoff.sel(country=a) != bare.payoff.sel(country=a)
    assert "weighted" in lobby.provenance["objective"]


def test_a_game_says_with_which_parameters_it_was_played():
    world = random_world(Draw(N=3, J=1, seed=2, inputs=False, theta=(3.0, 8.0)))
    free, bare = dt.Policy(world), run_cells([dt.Policy(world)])
    assert bare.provenance["model"] == "caliendo-parro"
    assert "model_settings" not in bare.provenance
    model = {"name": "labour-supply", "kappa": 0.3, "nu": {"c01": 0.2, "others": 0.1}}
    said = run_cells([free], model=model).provenance
    assert said["model"] == "labour-supply"
    assert (said["model_settings"]["kappa"], said["model_settings"]["nu"]) == (0.3, (0.1, 0.2, 0.1))
    assert (
        said["model_settings"] == dt.simulate(world, free, model=model).provenance["model_settings"]
    )

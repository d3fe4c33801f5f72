"""Tariff wars: closed-form pairs, certificates, starts, autarky."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.errors import InputError
from detente.tariff_war.nash import nash
from worlds import Draw, build, random_world


def pair(size: float, theta: float) -> dt.World:
    traded = 2.0 * min(1.0, size)
    return build(np.array([[[10.0, traded], [traded, 10.0 * size]]]), theta=theta)


@pytest.mark.parametrize("size", [0.1, 0.4, 1.0, 5.0])
@pytest.mark.parametrize("theta", [2.0, 6.0])
def test_two_country_closed_form_pair(size, theta):
    """t_H = (1 - r_F) / (theta lam_FF) and its mirror image, both at once."""
    war = nash(pair(size, theta), by="uniform", deficit="zero", bounds=(0, None), deviations=5)
    trade, tariff = war.outcome.trade.values[0], war.tariff.values[0]
    paid = trade * (1 + tariff)
    kept = 1 - (trade * tariff).sum(axis=1) / paid.sum(axis=1)
    home = np.diag(paid) / paid.sum(axis=1)
    assert tariff[0, 1] == pytest.approx(kept[1] / (theta * home[1]), abs=1e-6)
    assert tariff[1, 0] == pytest.approx(kept[0] / (theta * home[0]), abs=1e-6)
    assert war.status == "converged"
    assert float(war.regret.max()) < 1e-6
    # against undistorted free trade not everybody gains
    assert float(war.gain_pct.min()) < 0


def test_autarky_is_listed_when_bounds_admit_it():
    world = pair(1.0, 4.0)
    free = nash(world, by="uniform", deficit="zero", bounds=None, deviations=5)
    assert [e.kind for e in free.equilibria] == ["interior", "autarky"]
    alone = free.equilibria[-1]
    home = 10.0 / 12.0
    np.testing.assert_allclose(alone.objective, 100 * (home ** (1 / 4.0) - 1), rtol=1e-9)
    assert np.isinf(alone.tariff.values[0, 0, 1])
    assert float(alone.regret.max()) == 0.0
    bounded = nash(world, by="uniform", deficit="zero", bounds=(0, 5), deviations=5)
    assert [e.kind for e in bounded.equilibria] == ["interior"]
    # somebody outside the game can still be traded with
    three = random_world(Draw(N=3, J=1, seed=1, theta=(3, 6)))
    some = nash(three, ["c00", "c01"], by="uniform", bounds=None, deficit="zero", deviations=5)
    assert all(e.kind != "autarky" for e in some.equilibria)


@pytest.fixture(scope="module")
def world() -> dt.World:
    return random_world(Draw(N=5, J=3, seed=3, theta=(2, 8), deficit=0.2))


@pytest.fixture(scope="module")
def war(world):
    return nash(world, ["c00", "c01", "c02"], by="sector", deficit="zero", deviations=30)


def test_three_starts_one_equilibrium(war):
    assert [s.status for s in war.starts] == ["converged"] * 3
    for s in war.starts:
        assert float(abs(s.tariff - war.tariff).max()) < 1e-6
    assert len(war.equilibria) == 1
    assert war.status == "converged"
    assert set(war.deviations) == {"c00", "c01", "c02"}
    for d in war.deviations.values():
        assert d.tried >= 30
        assert d.failed == 0


def test_random_deviations_never_beat_it(world, war):
    """The certificate, attacked through simulate alone."""
    rng = np.random.default_rng(5)
    for n, player in enumerate(war.players):
        level = float(war.objective.sel(country=player))
        assert level == pytest.approx(float(war.outcome.real_income.sel(country=player)), abs=1e-12)
        for k in range(25):
            tariff = war.outcome.policy.tariff.values.copy()
            mine = tariff[:, n, (n + 1) % 5]
            rates = (
                rng.uniform(0, 2, 3)
                if k % 2
                else np.maximum(0, mine + 10.0 ** rng.uniform(-3, -1) * rng.normal(size=3))
            )
            tariff[:, n, :] = rates[:, None]
            tariff[:, n, n] = 0.0
            out = dt.simulate(
                world, dt.Policy(world, tariff=tariff), deficit="zero", start=war.outcome
            )
            assert float(out.real_income.sel(country=player)) <= level + 1e-7


def test_rest_of_the_world_is_fixed(world, war):
    rest = ["c03", "c04"]
    np.testing.assert_array_equal(
        war.tariff.sel(importer=rest).values, world.tariff.sel(importer=rest).values
    )


def test_each_rate_is_a_best_reply(world, war):
    """Two routes: the joint solution, and one player's optimum with the others held."""
    from detente.tariff_war.optimal import optimal_tariff

    best = optimal_tariff(
        world, "c01", by="sector", policy=war.outcome.policy, deficit="zero", starts=(0.5,),
        deviations=0,
    )  # fmt: skip
    assert float(abs(best.tariff - war.tariff).max()) < 1e-6


def test_replies_in_turn_find_the_same(world, war):
    from detente.tariff_war.arena import Arena, start_rates
    from detente.tariff_war.nash import _war, player_levers
    from detente.tariff_war.objective import governments

    arena = Arena(world, None, None, "zero")
    names = list(war.players)
    lv = player_levers(world, names, "sector", (0.0, 5.0), tariff=arena.rates.tariff)
    [(_, x)] = start_rates(arena, lv, 0.0)
    found = _war(arena, governments(world, names), lv, x, 1e-8, in_turn=True)
    assert found.converged
    np.testing.assert_allclose(found.rates.tariff, war.outcome.policy.tariff.values, atol=1e-6)


def test_symmetric_players_choose_the_same():
    trade = np.full((2, 3, 3), 1.0)
    trade[:, np.arange(3), np.arange(3)] = 6.0
    war = nash(build(trade, theta=5.0), deficit="zero", deviations=5)
    rates = war.tariff.values[:, ~np.eye(3, dtype=bool)]
    assert np.ptp(rates) < 1e-6
    assert np.ptp(war.gain_pct.values) < 1e-8
    assert float(war.gain_pct.max()) < 0


def test_upper_bounds_that_bind_are_named():
    war = nash(pair(1.0, 4.0), by="uniform", deficit="zero", bounds=(0, 0.1), deviations=5)
    assert war.equilibria[0].kind == "bounds"
    assert len(war.binding) == 2
    assert war.status == "converged"


def test_progress_ends_complete():
    seen: list[tuple[int, int]] = []
    nash(
        pair(1.0, 4.0), by="uniform", deficit="zero", deviations=1,
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert seen[-1][0] == seen[-1][1]


def test_a_point_where_a_player_gains_is_refuted_not_listed(world):
    """The certificate must see a point that is no equilibrium."""
    from detente.tariff_war.arena import Arena
    from detente.tariff_war.certificate import Attack
    from detente.tariff_war.nash import _certify, player_levers
    from detente.tariff_war.objective import governments
    from detente.tariff_war.stationary import Found

    arena = Arena(world, None, None, "zero")
    names = ["c00", "c01"]
    lv = player_levers(world, names, "uniform", (0.0, 5.0), tariff=arena.rates.tariff)
    x = np.log1p(np.array([0.02, 0.02]))
    rates = arena.rates.with_levers(lv, x)
    e = arena.solve(rates)
    point = Found(x, rates, e, 0.0, 0, "converged")
    found, better = _certify(
        arena, governments(world, names), lv, point, Attack(10, 20), 1e-6, lambda: None
    )
    assert not found.certified
    assert better is not None
    assert float(found.regret.max()) > 1e-3


@pytest.mark.parametrize(
    ("players", "options", "word"),
    [
        (["c00", "nowhere"], {}, "nowhere"),
        (["c00"], {}, "at least 2"),
        (["c00", "c00"], {}, "twice"),
        (["c00", "c01"], {"bounds": (0, 1e-4)}, "exclude the status quo"),
        (["c00", "c01"], {"bounds": {"c00": None}}, "c01 has none"),
        (["c00", "c01"], {"weights": {"c02": {}}}, "not one of the players"),
        (["c00", "c01"], {"by": "colour"}, "colour"),
    ],
)
def test_bad_input(world, players, options, word):
    with pytest.raises(InputError, match=word):
        nash(world, players, **options)


@pytest.mark.slow
def test_seven_players_by_sector_and_partner():
    """About 1,100 rates: one equilibrium from three starts, certified."""
    world = dt.load_world()
    players = ["USA", "CHN", "JPN", "KOR", "IND", "BRA", "DEU"]
    world = world.aggregate({"REST": [c for c in world.countries if c not in players]})
    war = nash(world, players, deficit="zero")
    assert war.status == "converged"
    assert len(war.equilibria) == 1
    assert max(float(abs(s.tariff - war.tariff).max()) for s in war.starts) < 1e-6


@pytest.mark.parametrize("by", ["uniform", "sector", "partner", "sector,partner"])
def test_a_rate_stands_on_what_is_not_traded_too(by):
    """Here c00 buys no s01 from c02, and nothing at all from c03. A rate on all, on a sector or
    on a partner holds there as well; a rate of that one flow is not chosen, so nothing changes."""
    trade = np.full((2, 4, 4), 3.0) + 30.0 * np.eye(4)
    trade[1, 0, 2] = trade[:, 0, 3] = 0.0
    trade[1, 2, 0] = trade[:, 3, 0] = 0.0
    tariff = np.zeros_like(trade)
    tariff[:, 0, 1:] = 0.07
    world = build(trade, tariff=tariff, theta=4.0)
    war = nash(world, ["c00", "c01"], by=by, deficit="zero", deviations=0)
    mine = war.rates[war.rates.player == "c00"].set_index("lever").rate_pct / 100
    mine.index = mine.index.str.removeprefix("tariff ")
    chosen = war.tariff.sel(importer="c00")
    expected = {
        "uniform": lambda s, c: mine["on all"],
        "sector": lambda s, c: mine[s],
        "partner": lambda s, c: mine["c02"] if c == "c02" else 0.07,
        "sector,partner": lambda s, c: 0.07,
    }[by]
    for s, c in (("s01", "c02"), ("s00", "c03"), ("s01", "c03")):
        assert float(chosen.sel(sector=s, exporter=c)) == pytest.approx(expected(s, c), rel=1e-12)
    # it can be given back, and nothing that is traded comes out otherwise
    again = dt.simulate(world, dt.Policy(world, tariff=war.tariff), deficit="zero")
    np.testing.assert_allclose(again.trade, war.outcome.trade, rtol=1e-8)

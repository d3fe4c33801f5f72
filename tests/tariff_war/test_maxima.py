"""Optimal tariffs are maxima, global where one lever is scanned: against values by simulate."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import detente as dt
from detente.tariff_war.arena import Arena
from detente.tariff_war.curvature import uphill
from detente.tariff_war.levers import levers
from detente.tariff_war.nash import nash
from detente.tariff_war.objective import government
from detente.tariff_war.optimal import optimal_tariff
from detente.tariff_war.reply import best_reply
from detente.tariff_war.stationary import own_errors, stationary
from worlds import Draw, build, random_world


@cache
def three() -> dt.World:
    """One sector; the first country buys more than it sells, and keeps its deficit whatever it
    levies, so that beyond a hump of tariffs it gains again by closing itself off."""
    trade = np.array([[[100.0, 10.0, 10.0], [7.0, 100.0, 10.0], [7.0, 10.0, 100.0]]])
    return build(trade, theta=4.0)


def value(world: dt.World, n: int, rates, deficit: str = "fixed") -> float:
    """Real income of country ``n`` under its own rates: a number, or one a sector."""
    tariff = world.tariff.values.copy()
    tariff[:, n, :] = np.reshape(rates, (-1, 1))
    tariff[:, n, n] = 0.0
    out = dt.simulate(world, dt.Policy(world, tariff=tariff, prohibitive=True), deficit=deficit)
    return float(out.real_income[n])


def rate(tariff) -> float:
    return float(tariff.values[0, 0, 1])


@pytest.mark.parametrize("deviations", [0, None])
@pytest.mark.parametrize("top", [0.3, 0.6, 1.2, 1.5, 4.0, 10.0])
def test_the_hump_and_what_lies_beyond(top, deviations):
    world = three()
    best = optimal_tariff(world, "c00", by="uniform", bounds=(0.0, top), deviations=deviations)
    grid = np.linspace(0.0, top, 80)
    scanned = [value(world, 0, x) for x in grid]
    assert best.objective == pytest.approx(value(world, 0, best.mean), abs=1e-7)
    assert best.objective >= max(scanned) - 1e-7
    assert best.mean == pytest.approx(grid[int(np.argmax(scanned))], abs=top / 79)
    assert best.regret <= 1e-6
    assert best.status == ("not attacked" if deviations == 0 else "converged")
    if top in (0.3, 1.5, 4.0, 10.0):
        assert best.mean == pytest.approx(top)
        assert best.binding == ("tariff on all at the upper bound",)
    else:
        assert not best.binding
    # no optimum has a better neighbour, and each is listed once
    for tariff in best.optima:
        here = value(world, 0, rate(tariff))
        for step in (-1e-2, 1e-2):
            assert value(world, 0, np.clip(rate(tariff) + step, 0.0, top)) <= here + 1e-8
    rates = [rate(t) for t in best.optima]
    assert len(set(np.round(rates, 4))) == len(rates)
    # up to the top of the hump there is one optimum; beyond the trough the bound is another
    assert len(rates) == (2 if top > 1.0 else 1)


def test_the_second_order_test_tells_a_minimum_from_a_maximum():
    world = three()
    arena = Arena(world, None, None, "fixed")
    who = government(world, "c00")
    lv = levers(world, "c00", "partner", (0.0, 4.0))
    slope = own_errors(arena, [who], [lv])

    def level(e) -> float:
        return arena.value(who, e)

    found = {x: stationary(arena, [lv], slope, np.log1p([x, x]), tol=1e-9) for x in (0.3, 1.0)}
    assert all(f.converged for f in found.values())
    assert uphill(arena, [lv], level, slope, found[0.3]) is None
    trough = found[1.0]
    higher = uphill(arena, [lv], level, slope, trough)
    assert higher is not None
    assert level(higher.at) > level(trough.at)
    # and by values alone
    assert uphill(arena, [lv], level, None, found[0.3]) is None
    assert uphill(arena, [lv], level, None, trough) is not None
    # a best reply does not stay in the trough
    reply = best_reply(arena, who, lv, np.log1p([1.0, 1.0]))
    assert reply.converged
    assert np.abs(reply.x - trough.x).max() > 0.1
    assert level(reply.at) > level(trough.at)


def test_a_better_deviation_is_followed():
    """From one start below the hump only the attack sees what lies beyond it."""
    world = three()
    local = optimal_tariff(
        world, "c00", by="partner", bounds=(0.0, 4.0), starts=[0.3], deviations=0
    )
    assert local.status == "not attacked"
    assert local.mean == pytest.approx(0.4033, abs=1e-3)
    best = optimal_tariff(world, "c00", by="partner", bounds=(0.0, 4.0), starts=[0.3])
    assert best.status == "converged"
    assert [s.name for s in best.starts][:2] == ["30%", "the deviation found"]
    assert best.mean == pytest.approx(4.0)
    assert best.objective == pytest.approx(value(world, 0, 4.0), abs=1e-7)
    assert len(best.binding) == 2


def test_without_deviations_nothing_is_attacked():
    world = three()
    solves = {
        n: optimal_tariff(
            world, "c00", by="partner", bounds=(0.0, 4.0), starts=[0.3], deviations=n
        ).provenance["solves"]
        for n in (0, 1)
    }
    assert solves[0] < 40 < solves[1]
    with pytest.raises(dt.errors.InputError, match="deviations: -1"):
        optimal_tariff(world, "c00", deviations=-1)


@pytest.mark.parametrize("deficit", ["fixed", "zero"])
@pytest.mark.parametrize("seed", range(5))
def test_uniform_tariffs_against_a_dense_scan(seed, deficit):
    world = random_world(Draw(N=4, J=2, seed=seed, theta=(2, 8), deficit=0.2))
    best = optimal_tariff(
        world, "c01", by="uniform", bounds=(0.0, 4.0), deficit=deficit, deviations=0
    )
    grid = np.expm1(np.linspace(0.0, np.log(5.0), 100))
    scanned = [value(world, 1, x, deficit) for x in grid]
    assert best.objective >= max(scanned) - 1e-7
    top = grid[int(np.argmax(scanned))]
    own = float(best.tariff.values[:, 1].max())
    assert abs(np.log1p(own) - np.log1p(top)) <= np.log(5.0) / 99
    # the scan's local maxima, ends included, are the optima listed
    v = np.array([-np.inf, *scanned, -np.inf])
    humps = np.flatnonzero((v[1:-1] > v[:-2]) & (v[1:-1] > v[2:]))
    listed = sorted(float(t.values[:, 1].max()) for t in best.optima)
    np.testing.assert_allclose(np.log1p(listed), np.log1p(grid[humps]), atol=np.log(5.0) / 99)


@pytest.mark.parametrize(("seed", "far"), [(2, True), (3, False)])
def test_two_rates_against_a_dense_grid(seed, far):
    world = random_world(Draw(N=4, J=2, seed=seed, theta=(2, 8), deficit=0.2))
    best = optimal_tariff(world, "c01", by="sector", bounds=(0.0, 4.0), deficit="fixed")
    grid = np.expm1(np.linspace(0.0, np.log(5.0), 16))
    scanned = {(a, b): value(world, 1, [a, b]) for a in grid for b in grid}
    assert best.status == "converged"
    assert best.objective >= max(scanned.values()) - 1e-7
    top = max(scanned, key=lambda ab: scanned[ab])
    own = best.tariff.values[:, 1].max(axis=1)
    assert np.abs(np.log1p(own) - np.log1p(top)).max() <= np.log(5.0) / 15
    assert (len(best.binding) == 2) == far


def test_no_player_of_a_war_sits_in_a_trough():
    world = three()
    war = nash(world, by="uniform", bounds=(0.0, 4.0), starts=(1.0,), deviations=20)
    assert war.status == "converged"
    for e in war.equilibria:
        tariff = e.tariff.values
        assert tariff[0, 0, 1] == pytest.approx(4.0)
        for n in range(3):
            mine = float(tariff[0, n].max())
            moved = tariff.copy()
            at = []
            for x in (mine, *np.linspace(0.0, 4.0, 25)):
                moved[0, n] = x
                moved[0, n, n] = 0.0
                out = dt.simulate(world, dt.Policy(world, tariff=moved))
                at.append(float(out.real_income[n]))
            assert max(at) <= at[0] + 1e-6
    # the war without an attack says so
    bare = nash(world, by="uniform", bounds=(0.0, 4.0), deviations=0)
    assert bare.status == "not attacked"
    assert bare.stands


def test_a_trough_is_refuted_without_an_attack():
    """First-order conditions hold for both, and the first player is at a minimum."""
    bounds = {"c00": (0.0, 4.0), "c01": (0.0, 0.01)}
    war = nash(
        three(), ["c00", "c01"], by="uniform", bounds=bounds, starts=(1.0,), deviations=0
    )  # fmt: skip
    assert war.starts[0].status == "converged"
    trough = war.refuted[0]
    assert 0.8 < rate(trough.tariff) < 1.0
    assert trough.deviations["c00"].method.startswith("uphill")
    assert float(trough.regret.sel(country="c00")) > 1.0
    assert rate(war.tariff) == pytest.approx(4.0)
    assert war.status == "not attacked"

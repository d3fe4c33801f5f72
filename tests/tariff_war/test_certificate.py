"""Regret is in percent of the objective: what the certificate says, against two full solves."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.tariff_war.arena import Arena, Rates
from detente.tariff_war.certificate import Attack, Deviation, attack
from detente.tariff_war.levers import levers
from detente.tariff_war.nash import _certify
from detente.tariff_war.objective import governments
from detente.tariff_war.stationary import Found
from worlds import build


@pytest.fixture(scope="module")
def stage():
    """Two countries without tariffs: far from anybody's best reply."""
    world = build(np.array([[[60.0, 40.0], [40.0, 60.0]]]), theta=4.0)
    arena = Arena(world, None, None, "zero")
    who = governments(world, ["c00", "c01"])
    lv = [levers(world, c, "uniform", None) for c in ("c00", "c01")]
    return world, arena, who, lv


def income(world, tariff, country: str) -> float:
    out = dt.simulate(world, dt.Policy(world, tariff=tariff), deficit="zero", tol=1e-12)
    return 1 + float(out.real_income.sel(country=country)) / 100


def percent_gained(world, found: Deviation, country: str) -> float:
    """The same number by two full solves of the model."""
    here = income(world, world.tariff, country)
    return 100 * (income(world, found.tariff, country) / here - 1)


def test_the_gain_of_an_attack_is_in_percent(stage):
    world, arena, who, lv = stage
    for g, v in zip(who, lv, strict=True):
        found = attack(arena, g, v, arena.rates, arena.status_quo.after, Attack(40, 20))
        assert found.gain > 0.05  # a small optimal tariff is worth something
        assert found.gain == pytest.approx(percent_gained(world, found, g.country), rel=1e-6)
        assert found.regret == found.gain
        assert found.failed == 0
        assert 40 <= found.tried <= 60


def test_the_gain_of_a_best_reply_is_in_percent(stage):
    """With no random deviations the best reply is all there is."""
    world, arena, who, lv = stage
    at = Found(arena.rates.read(lv), arena.rates, arena.status_quo.after, 0.0, 0, "converged")
    point, better = _certify(arena, who, lv, at, Attack(0, 0), 1e-6, lambda: None)
    assert not point.certified
    gains = {}
    for g in who:
        found = point.deviations[g.country]
        gains[g.country] = found.gain
        assert found.method == "best reply from 1/theta, by gradients"
        assert found.gain == pytest.approx(percent_gained(world, found, g.country), rel=1e-6)
        assert float(point.regret.sel(country=g.country)) == found.gain
    # it leads to where each player that gains would go by itself; here both do
    assert min(gains.values()) > 0
    assert better is not None
    for p, g in enumerate(who):
        own = Rates(point.deviations[g.country].tariff.values, None).read([lv[p]])
        assert better[p] == pytest.approx(own[0], abs=1e-12)


def test_no_regret_where_every_deviation_loses(stage):
    _, arena, _, _ = stage
    empty = arena.tariff(arena.rates)
    assert Deviation("c00", -0.3, empty, "none", 1, 0).regret == 0.0
    assert Deviation("c00", 0.3, empty, "none", 1, 0).regret == 0.3

"""What players reach together: efficiency, bargaining, and no deal where there is none."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.errors import InputError
from detente.tariff_war.cooperate import cooperate, nash_bargain
from detente.tariff_war.nash import nash
from worlds import Draw, build, random_world


def symmetric(N: int = 3, rate: float = 0.0) -> dt.World:
    trade = np.full((1, N, N), 1.0)
    trade[:, np.arange(N), np.arange(N)] = 6.0
    tariff = np.full((1, N, N), rate)
    tariff[:, np.arange(N), np.arange(N)] = 0.0
    return build(trade, tariff=tariff, theta=5.0)


def test_symmetric_countries_agree_on_free_trade():
    world = symmetric(3, 0.3)
    found = cooperate(world, deficit="zero", deviations=40)
    assert float(found.tariff.max()) < 1e-6
    assert np.ptp(found.gain_pct.values) < 1e-8
    assert float(found.gain_pct.min()) > 0
    assert found.regret < 1e-6
    assert found.status in ("converged", "flat")


def test_bargaining_among_equals_splits_equally():
    world = symmetric(2)
    war = nash(world, by="uniform", deficit="zero", deviations=5)
    found = nash_bargain(world, "all", threat=war, by="uniform", deficit="zero", deviations=20)
    assert float(found.tariff.max()) < 1e-4
    np.testing.assert_allclose(found.gain_pct[0], found.gain_pct[1], rtol=1e-5)
    np.testing.assert_allclose(found.threat, war.objective)
    # what bargaining adds to the war is what the war took from free trade
    np.testing.assert_allclose(found.objective, 0.0, atol=1e-6)


def test_power_moves_the_split():
    """More bargaining power never means a smaller gain; bounds let tariffs carry transfers."""
    world = symmetric(2)
    gains = []
    for share in (0.3, 0.5, 0.7):
        found = nash_bargain(
            world, "all", threat={"c00": -2.0, "c01": -2.0}, by="uniform", deficit="zero",
            power={"c00": share, "c01": 1 - share}, deviations=20, bounds=(-0.3, 5),
        )  # fmt: skip
        gains.append(float(found.objective.sel(country="c00")))
    assert gains == sorted(gains)
    assert gains[0] < -1e-3 < 1e-3 < gains[2]
    assert gains[1] == pytest.approx(0.0, abs=1e-4)


def test_a_weighted_sum_beats_war_and_status_quo():
    world = random_world(Draw(N=4, J=2, seed=3, theta=(2, 8), deficit=0.2))
    power = {"c00": 0.4, "c01": 0.3, "c02": 0.2, "c03": 0.1}
    found = cooperate(world, power=power, deficit="zero", deviations=60)
    war = nash(world, deficit="zero", deviations=5)
    parts = np.array(list(power.values()))

    def joint(objective) -> float:
        return float(parts @ np.log1p(objective.values / 100))

    assert joint(found.objective) > joint(war.objective)
    assert joint(found.objective) > 0
    assert found.regret < 1e-6
    np.testing.assert_allclose(
        found.objective, found.outcome.real_income.sel(country=list(found.players)), atol=1e-9
    )


def test_everybody_gains_over_the_threat_point():
    world = random_world(Draw(N=3, J=2, seed=3, theta=(2, 8), deficit=0.2))
    found = nash_bargain(world, "all", threat="war", deficit="zero", deviations=10)
    assert float(found.gain_pct.min()) > 0
    assert found.status in ("converged", "flat")


def test_no_deal_is_an_answer():
    world = symmetric(2)
    found = nash_bargain(
        world, "all", threat={"c00": 5.0, "c01": 5.0}, by="uniform", deficit="zero", deviations=5
    )
    assert found.status == "no gains"
    np.testing.assert_array_equal(found.tariff.values, 0.0)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"threat": {"c00": 0.0}}, "c01 has no payoff"),
        ({"threat": "nothing"}, "not understood"),
        ({"power": {"c00": 1.0}}, "no weight"),
        ({"power": {"c00": -1.0, "c01": 1.0}}, "above zero"),
    ],
)
def test_bad_input(options, word):
    with pytest.raises(InputError, match=word):
        nash_bargain(symmetric(2), "all", by="uniform", **options)


def test_without_deviations_nothing_is_attacked():
    world = random_world(Draw(N=3, J=1, seed=1, deficit=0.0))
    found = cooperate(world, by="uniform", deficit="zero", deviations=0)
    assert found.status == "not attacked"
    # a war that was not attacked, and not refuted either, may be a threat
    bargain = nash_bargain(
        world, "all", threat="war", by="uniform", deficit="zero", deviations=0
    )  # fmt: skip
    assert bargain.status in ("not attacked", "no gains")

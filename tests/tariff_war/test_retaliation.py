"""Rules of retaliation, escalation and deterrence."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.errors import InputError
from detente.tariff_war.deterrence import critical_discount, deterrence
from detente.tariff_war.escalation import escalate
from detente.tariff_war.optimal import optimal_tariff
from detente.tariff_war.retaliation import explain_rate, least_answer, retaliate
from detente.tariff_war.rules import BestReply, DutyEquivalent, Ladder, Mirror
from worlds import Draw, build, random_world


@pytest.fixture(scope="module")
def world() -> dt.World:
    return random_world(Draw(N=4, J=3, seed=3, theta=(2, 8), deficit=0.2))


@pytest.fixture(scope="module")
def action(world) -> dt.Policy:
    """c00 adds 20, 5 and 0 points on what it buys from c03."""
    tariff = world.tariff.values.copy()
    tariff[:, 0, 3] += [0.2, 0.05, 0.0]
    return dt.Policy(world, tariff=tariff)


def test_mirror_matches_sector_by_sector(world, action):
    found = retaliate(world, "c00", "c03", action=action, rule=Mirror(0.5))
    added = found.tariff.values[:, 3, 0] - world.tariff.values[:, 3, 0]
    np.testing.assert_allclose(added, [0.1, 0.025, 0.0], atol=1e-15)
    weight = world.trade.values[:, 3, 0]
    assert float(found.rates[0]) == pytest.approx(float(weight @ added / weight.sum()))


def test_no_matching_is_no_response(world, action):
    found = retaliate(world, "c00", "c03", action=action, rule=Mirror(0.0))
    assert found.status == "no response"
    np.testing.assert_array_equal(found.gains.values, found.gains_unanswered.values)


@pytest.mark.parametrize("sectors", [None, ["s01"]])
def test_duty_equivalent_collects_the_same_duties(world, action, sectors):
    """An identity on duties at volumes before the change."""
    found = retaliate(
        world, "c00", "c03", action=action, rule="duty-equivalent", sectors=sectors,
        bounds=(0, None),
    )  # fmt: skip
    before = dt.simulate(world).trade.values
    change = found.tariff.values - world.tariff.values
    levied = float((change[:, 0, 3] * before[:, 0, 3]).sum())
    answered = float((change[:, 3, 0] * before[:, 3, 0]).sum())
    assert answered == pytest.approx(levied, rel=1e-9)
    assert np.ptp(change[change[:, 3, 0] > 0, 3, 0]) < 1e-14  # one rate


def test_the_least_answer_removes_the_gain(world):
    best = optimal_tariff(
        world, "c00", by="uniform", partners=["c03"], deficit="zero", deviations=0
    )
    found = least_answer(world, "c00", "c03", action=best.policy, deficit="zero")
    assert float(found.gains_unanswered.sel(country="c00")) > 0
    assert float(found.gains.sel(country="c00")) == pytest.approx(0.0, abs=1e-7)
    assert found.deterred
    # least: a tenth less leaves a gain
    less = Ladder((0.9 * float(found.rates[0]),))
    weaker = retaliate(world, "c00", "c03", action=best.policy, rule=less, deficit="zero")
    assert float(weaker.gains.sel(country="c00")) > 0
    assert not weaker.deterred


def test_what_cannot_be_deterred_is_said():
    """A buyer of almost nothing has nothing to answer with."""
    trade = np.array([[[10.0, 4.0, 4.0], [0.01, 10.0, 5.0], [7.99, 1.0, 30.0]]])
    world = build(trade, theta=4.0)
    found = least_answer(world, "c00", "c01", action=0.25, deficit="zero", bounds=(0, 0.05))
    assert float(found.gains_unanswered[0]) > 0
    assert found.status == "cannot be deterred within bounds"
    assert "still gains" in found.note
    assert not found.deterred


def test_an_action_that_does_not_pay_needs_no_answer(world):
    tariff = world.tariff.values.copy()
    tariff[:, 0, 3] += 3.0
    found = least_answer(world, "c00", "c03", action=dt.Policy(world, tariff=tariff))
    assert float(found.gains_unanswered[0]) < 0
    assert float(found.rates[0]) == 0.0
    assert found.status == "no response"
    assert found.deterred


def test_best_reply_is_the_optimal_tariff(world, action):
    found = retaliate(world, "c00", "c03", action=action, rule=BestReply(), deficit="zero")
    best = optimal_tariff(
        world, "c03", by="uniform", partners=["c00"], policy=action, deficit="zero", deviations=0
    )
    assert float(abs(found.tariff - best.tariff).max()) < 1e-6


def test_ladder_takes_its_first_step(world, action):
    found = retaliate(world, "c00", ["c03", "c02"], action=action, rule=Ladder((0.1, 0.3)))
    np.testing.assert_allclose(found.rates, 0.1)


def test_which_rule_explains_an_observed_rate(world):
    table = explain_rate(world, "c00", "c03", action=0.12, observed=(0.10, 0.15), deficit="zero")
    mirror = table[table["rule"] == "mirror"].iloc[0]
    assert mirror["rate"] == pytest.approx(0.12)
    assert mirror["inside"]
    assert list(table["distance"]) == sorted(table["distance"])
    assert table.attrs["covered_share"] == pytest.approx(1.0)
    for row in table.itertuples():
        out = {"mirror": Mirror(), "duty-equivalent": DutyEquivalent()}.get(str(row.rule))
        if out is not None:
            again = retaliate(world, "c00", "c03", action=0.12, rule=out, deficit="zero")
            assert float(again.gains[0]) == pytest.approx(row.aggressor_gain_pct, abs=1e-9)


# --- escalation -------------------------------------------------------------------------------
def rates(found, country: str) -> list[float]:
    path = found.path[found.path["country"] == country]
    return [round(r, 9) for r in path["rate"]]


def test_matching_in_turn_is_a_fixed_point(world):
    found = escalate(world, ["c00", "c03"], action=0.1, rules="mirror")
    assert found.status == "fixed point"
    assert rates(found, "c03")[-1] == pytest.approx(0.1)
    assert rates(found, "c00")[-1] == pytest.approx(0.1)


def test_matching_the_last_move_of_each_other_is_a_cycle(world):
    """Both move at once and copy what the other did last: the tariff changes sides for ever."""
    found = escalate(
        world, ["c00", "c03"], action=0.1, rules="mirror", moves="together", opening="answered"
    )
    assert (found.status, found.period) == ("cycle", 2)
    assert rates(found, "c00")[:3] == [0.1, 0.0, 0.1]
    assert rates(found, "c03")[:3] == [0.0, 0.1, 0.0]


def test_overmatching_ends_at_the_cap(world):
    found = escalate(world, ["c00", "c03"], action=0.1, rules=Mirror(1.5), bounds=(0, 0.8),
                     payoffs=False)  # fmt: skip
    assert found.status == "cap"
    assert rates(found, "c03")[1] == pytest.approx(0.15)
    top = found.tariff.values[:, 3, 0]
    assert top.max() == pytest.approx(0.8)


def test_undermatching_dies_out(world):
    found = escalate(
        world, ["c00", "c03"], action=0.1, rules=Mirror(0.5), opening="answered", payoffs=False
    )
    assert found.status == "fixed point"
    assert rates(found, "c00")[-1] == pytest.approx(0.0, abs=1e-6)


def test_no_matching_leaves_the_action_unanswered(world):
    found = escalate(world, ["c00", "c03"], action=0.1, rules=Mirror(0.0))
    assert found.status == "fixed point"
    assert rates(found, "c03")[-1] == 0.0
    assert rates(found, "c00")[-1] == pytest.approx(0.1)


def test_ladders_climb_to_their_last_steps(world):
    ladders = {"c00": Ladder((0.2, 0.54, 1.25)), "c03": Ladder((0.1, 0.34, 0.84))}
    found = escalate(world, ["c00", "c03"], action=0.1, rules=ladders, payoffs=False)
    assert found.status == "fixed point"
    assert rates(found, "c03")[:4] == [0.0, 0.1, 0.34, 0.84]
    assert rates(found, "c00")[:4] == [0.1, 0.2, 0.54, 1.25]


def test_best_replies_end_in_the_tariff_war():
    from detente.tariff_war.nash import nash

    world = build(np.array([[[10.0, 2.0], [2.0, 5.0]]]), theta=4.0)
    found = escalate(
        world, ["c00", "c01"], action=0.1, rules="best reply", opening="answered", deficit="zero"
    )
    war = nash(world, by="uniform", deficit="zero", deviations=5)
    assert found.status == "fixed point"
    assert float(abs(found.tariff - war.tariff).max()) < 1e-5


def test_a_player_without_rule_never_moves(world):
    found = escalate(world, ["c00", "c03"], action=0.1, rules={"c00": "mirror"}, payoffs=False)
    assert set(rates(found, "c03")) == {0.0}


# --- deterrence -------------------------------------------------------------------------------
def test_critical_discount_of_the_prisoners_dilemma():
    assert critical_discount(5, 3, 1) == 0.5
    assert critical_discount(2, 3, 1) == 0.0  # deviating does not pay
    assert critical_discount(5, 3, 3) == np.inf  # the war is no threat
    with pytest.raises(InputError, match="failed solve"):
        critical_discount(float("nan"), 3, 1)


def test_free_trade_among_equals_needs_the_same_patience():
    trade = np.full((1, 3, 3), 1.0)
    trade[:, np.arange(3), np.arange(3)] = 6.0
    world = build(trade, theta=5.0)
    found = deterrence(world, "all", cooperation="free trade", deficit="zero", deviations=5)
    table = found.table
    assert (table["deviation_pct"] > table["cooperation_pct"]).all()
    assert (table["cooperation_pct"] > table["war_pct"]).all()
    assert np.ptp(table["critical_discount"]) < 1e-6
    assert 0 < found.critical_discount < 1
    for row in table.itertuples():
        expected = (row.deviation_pct - row.cooperation_pct) / (row.deviation_pct - row.war_pct)
        assert row.critical_discount == pytest.approx(expected)
    # deviating from free trade is the optimal tariff against it
    best = optimal_tariff(world, "c00", deficit="zero", deviations=0)
    assert table["deviation_pct"][0] == pytest.approx(best.objective, abs=1e-8)


# --- bad input --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"retaliators": ["c00", "c01"]}, "is the aggressor"),
        ({"retaliators": "nowhere"}, "nowhere"),
        ({"rule": "revenge"}, "revenge"),
        ({"action": 0.0}, "changes no tariff"),
        ({"action": -2.0}, "-100%"),
        ({"bounds": (1, 0)}, "empty"),
    ],
)
def test_bad_input(world, options, word):
    given = {"retaliators": "c03", "action": 0.1, **options}
    with pytest.raises(InputError, match=word):
        retaliate(world, "c00", given.pop("retaliators"), **given)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"moves": "sideways"}, "sideways"),
        ({"opening": "closed"}, "closed"),
        ({"first": "c02"}, "not one of the players"),
        ({"rules": {"c02": "mirror"}}, "not one of the players"),
        ({"max_rounds": 0}, "at least one"),
    ],
)
def test_bad_escalation(world, options, word):
    with pytest.raises(InputError, match=word):
        escalate(world, ["c00", "c03"], action=0.1, **options)


def test_bad_rules():
    with pytest.raises(InputError, match="kappa"):
        Mirror(-1.0)
    with pytest.raises(InputError, match="at least one rate"):
        Ladder(())

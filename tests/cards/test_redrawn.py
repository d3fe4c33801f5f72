"""Cards told in time: the first year, what happened since, what decides, what is drawn wide."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import detente as dt
from detente.cards import evaluate, load_question, play, question_names
from detente.cards.cjk_pact import curves
from detente.cards.draws import Prior, draw
from detente.cards.evaluate import room_of, settings_of
from detente.cards.four_country_pacts import LINKS, PLAYERS, defects, incomes, label
from detente.cards.happened import day_in_words, happened
from detente.cards.hold_over_korea import losses
from detente.cards.kind import Parameter, measured, span
from detente.cards.korea_pledge import COUNTED, duty, gains, relief
from detente.cards.question import Event, find_kind
from detente.cards.room import Desk
from detente.cards.sensitivity import drivers
from detente.cards.verdict import decided, decisive
from detente.dependence.partner_ranks import ahead_of, partner_ranks
from detente.errors import InputError, RecordError, UnknownNameError
from detente.games.networks import pact_game
from detente.ledger import load_ledger
from detente.policy.changes import Levy, Pact, Withdrawal
from detente.policy.draft import amend
from detente.world.horizons import horizon_record
from detente.world.theta import theta_set

YEAR = horizon_record()


def room(name: str, **settings: str):
    return room_of(load_question(name, {"world.full_check": "false", **settings}))


# --- what happened --------------------------------------------------------------------------------
@pytest.mark.parametrize("name", question_names())
def test_what_happened_is_in_the_ledger_on_that_day(name):
    ledger, q = load_ledger(), load_question(name)
    rows = happened(q, ledger)
    assert len(rows) == len(q.happened) > 0
    assert list(rows["date"]) == sorted(rows["date"])
    for row in rows.to_dict("records"):
        record = ledger.records[row["record"]][1]
        assert row["what_happened"].startswith(record.title)
        assert row["source"] in {s.label for s in record.sources.values()}
        asked = [e for e in q.happened if e.record == row["record"]]
        assert row["date"] in {e.date or ledger.record_until for e in asked}


def test_the_dates_that_are_published():
    rows = happened(load_question("korea-pledge")).set_index("date")
    assert rows.loc["2026-03-12", "what_happened"].startswith(
        "Korea's $350bn investment pledge: enacted, $350 bn"
    )
    end = happened(load_question("encirclement"))
    end = end[(end["date"] == "2026-02-24") & end["what_happened"].str.contains("all countries")]
    assert end.iloc[0]["what_happened"].endswith("ended")
    assert "Learning Resources" in end.iloc[0]["source"]  # the Supreme Court's ruling
    assert day_in_words("2026-02-24") == "24 February 2026"


@pytest.mark.parametrize(
    ("event", "error", "words"),
    [
        ({"record": "usa/section-233-cars"}, UnknownNameError, "section-232-cars"),
        ({"record": "usa/section-232-cars", "date": "2025-04-04"}, RecordError, "its days: "),
        ({"record": "usa/ieepa-reciprocal", "date": "2026-02-24"}, RecordError, "choose one by"),
        ({"record": "cjkfta", "source": "nobody"}, UnknownNameError, "source"),
        (
            {"record": "usa/section-232-cars", "date": "2025-04-03", "provision": "Mars"},
            UnknownNameError, "provision",
        ),
    ],
)  # fmt: skip
def test_an_event_the_ledger_does_not_hold_is_refused(event, error, words):
    q = load_question("courtship").model_copy(update={"happened": [Event(**event)]})
    with pytest.raises(error, match=words):
        happened(q)


# --- what decides ---------------------------------------------------------------------------------
def test_the_parameter_that_decides_is_found_with_its_ends():
    priors = {
        "a": Prior(low=0, high=2, source="assumption"),
        "b": Prior(choices=["x", "y"], source="assumption"),
    }
    specs = {"a": Parameter("the tie", "% of income", 0, 100), "b": Parameter("b", "name")}
    good = draw(priors, 600, 1)
    good["verdict"] = np.where(good["a"] > 1, "no", "yes")
    ranked = drivers(good[["a", "b"]], priors, (good["verdict"] == "yes").to_numpy(), [True] * 600)
    found = decisive(good, priors, ranked)
    assert found is not None
    assert found.flips
    assert (found.parameter, found.low.verdict, found.high.verdict) == ("a", "yes", "no")
    assert found.low.share == found.high.share == 1.0
    assert found.low.bound == pytest.approx(2 / 3, abs=0.01)
    assert found.high.bound == pytest.approx(4 / 3, abs=0.01)
    text = decided(found, good, specs, priors, {"yes": "it pays", "no": "it does not"}, ranked, "x")
    assert text.startswith("What decides it: the tie (drawn from 0% to 2% of income); at 0.66")
    assert "most often it pays (in 100%)" in text
    same = good.assign(verdict="yes")
    assert decisive(same, priors, ranked) is None
    alone = decided(None, same, specs, priors, {"yes": "it pays"}, ranked, "the gain")
    assert alone.startswith("No draw gives another answer")


@pytest.mark.parametrize("name", ["courtship", "encirclement", "proportionate-answer"])
def test_the_parameter_named_in_a_verdict_flips_it_when_moved(name):
    card = play(name, draws=60)
    found, good = card.decisive, card.samples
    assert found is not None
    assert card.specs[found.parameter].about in card.verdict
    values, prior = good[found.parameter], card.question.parameters[found.parameter]
    for side, inside in (
        (found.low, values == found.low.bound if prior.choices else values <= found.low.bound),
        (found.high, values == found.high.bound if prior.choices else values >= found.high.bound),
    ):
        counts = good.loc[inside, "verdict"].value_counts()
        assert counts.iloc[0] / inside.sum() == pytest.approx(side.share, abs=1e-12)
        assert counts[side.verdict] == counts.iloc[0]
    flips = card.flips[card.flips["flips"]]
    assert len(flips)
    for row in flips.to_dict("records"):
        given = row["at"] if prior_is_named(card, row["parameter"]) else float(row["at"])
        moved = evaluate(card.question, {row["parameter"]: given})
        assert moved.verdict == row["to"] != card.point_verdict


def prior_is_named(card, parameter: str) -> bool:
    return card.specs[parameter].names is not None


def test_values_are_said_with_their_units():
    share, income = Parameter("x", "share", 0, 1), Parameter("x", "% of income", 0, 1)
    assert measured(share, 0.003442) == "0.344%"
    assert span(income, "0.25", "0.26") == "from 0.25% to 0.26% of income"
    assert span(Parameter("x", "points"), "10", "25") == "from 10 to 25 points"
    assert span(Parameter("x", "USD bn"), "1", "2") == "from $1 bn to $2 bn"
    assert measured(Parameter("x", "name", names=("all",)), "all") == "all"


# --- the first year -------------------------------------------------------------------------------
def simulated(world, changes, model, theta="fgo", title="a game"):
    """100 times log changes of real income, by the front door."""
    there = world.with_theta(theta_set(theta)) if theta else world
    quo = dt.Policy(there)
    out = dt.simulate(there, amend(quo, changes), baseline=quo, model=model)
    return 100 * np.log1p(out.real_income.values / 100)


STAGGERED = {"name": "staggered", "sigma": YEAR.sigma, "zeta": YEAR.zeta}


@pytest.mark.parametrize(
    "changes",
    [
        [Pact(("CHN", "KOR"), non_tariff_cut=0.01), Levy("USA", ("KOR", "JPN"), 0.25)],
        [Withdrawal("KOR", "CHN")],
    ],
)
def test_a_desk_of_the_first_year_is_a_simulation_with_the_staggered_model(changes):
    here = room("courtship")
    soon = here.first_year().desk("fgo", 1.0).log_income(changes)
    np.testing.assert_allclose(soon, simulated(here.world, changes, STAGGERED), atol=2e-5)
    late = here.desk("fgo", 1.0).log_income(changes)
    np.testing.assert_allclose(late, simulated(here.world, changes, "caliendo-parro"), atol=2e-5)
    assert np.abs(soon - late).max() > 1e-3


def test_the_first_year_of_a_card_is_its_kind_in_that_room():
    q = load_question("courtship")
    card = play(q, draws=8)
    kind, settings, here = find_kind(q.kind, q.id), settings_of(q), room_of(q)
    names = list(q.parameters)
    expected = [
        kind.evaluate(settings, here.first_year(), dict(row))
        for row in card.samples.head(2)[names].to_dict("records")
    ]
    verdicts = pd.Series([a.verdict for a in expected]).value_counts()
    rows = card.first_year.set_index("verdict")["draws"]
    assert rows.sum() == 2
    assert dict(rows[rows > 0]) == dict(verdicts)
    table = card.horizons.set_index("number")
    main = [a.numbers[kind.main] for a in expected]
    assert table.loc[kind.main, "one_year_median"] == pytest.approx(np.median(main), rel=1e-9)
    late = card.samples.head(2)[kind.main]
    assert table.loc[kind.main, "long_run_median"] == pytest.approx(np.median(late), rel=1e-9)
    assert table.loc[kind.main, "draws"] == 2
    assert "After one year: " in card.verdict


def test_a_first_year_without_partners_costs_several_times_the_long_run():
    q = load_question("hold-over-korea", {"world.full_check": "false"})
    kind, settings, here = find_kind(q.kind, q.id), settings_of(q), room_of(q)
    at = {k: p.centre for k, p in q.parameters.items()} | {"first_year_scale": 0.2}
    late, soon = (kind.evaluate(settings, r, at).numbers for r in (here, here.first_year()))
    direct = losses(settings, Desk(here.world, "fgo", at["elasticity_scale"] * 0.2), "all")
    for name, value in direct.items():
        assert soon[name] == pytest.approx(value, rel=1e-9)
    for p in ("CHN", "USA"):  # published with the defects: 11.0 and 5.8 against 2.9 and 1.6
        assert 2 * late[f"{p}_trade_loss_pct"] < soon[f"{p}_trade_loss_pct"]


def test_a_horizon_set_nobody_knows_is_refused():
    with pytest.raises(UnknownNameError, match="did you mean cgmt"):
        load_question("courtship", {"world.horizon": "cgmtt"})


# --- the pledge -----------------------------------------------------------------------------------
def test_the_relief_is_counted_by_the_models_of_the_same_names():
    here = room("korea-pledge")
    s = settings_of(load_question("korea-pledge"))
    base = {"elasticities": "fgo", "elasticity_scale": 1.0}
    world = here.world
    korea = world.countries.index("KOR")
    rivals = Levy("USA", ("JPN", "EU27"), 0.15, "C29", "total")

    def direct(where, model):
        quo = dt.Policy(where)
        logs = []
        for rate in (0.25, 0.15):
            p = amend(quo, [Levy("USA", "KOR", rate, "C29", "total"), rivals])
            out = dt.simulate(where, p, baseline=quo, model=model)
            logs.append(float(np.log1p(out.real_income.values[korea] / 100)))
            income = out.base.point.income[korea] / 1e3
        return income * (np.exp(logs[1]) - np.exp(logs[0]))

    there = world.with_theta(theta_set("fgo"))
    sticky = {
        "name": "staggered", "sigma": 1.3045, "zeta": 1.0, "labour": "sticky",
        "mu": YEAR.labour.mu, "kappa": YEAR.labour.kappa,
    }  # fmt: skip
    theta = theta_set("fgo").sel(sector=world.sectors).values
    sigma = dict(zip(world.sectors, (theta + 1).tolist(), strict=True))
    firms = dt.World.from_tables(world.trade, tariff=world.tariff, sigma=sigma)
    found = [relief(s, here, {**base, "counted": way})[0] for way in COUNTED]
    expected = [
        direct(there, "caliendo-parro"), direct(there, sticky), direct(firms, "monopolistic"),
    ]  # fmt: skip
    assert found[:3] == pytest.approx(expected, rel=2e-3)
    assert found[0] == gains(s, here.desk("fgo", 1.0))[0]
    # ten points of what Korea's makers sold; nobody can lose more on these cars at given sales
    sales = world.trade.sel(sector="C29", importer="USA", exporter="KOR").item() / 1e3
    assert found[3] == duty(s, here) == pytest.approx(0.1 * sales, rel=1e-12)
    assert max(found) == found[3]
    early = relief(s, here.first_year(), {**base, "counted": COUNTED[1]})[0]
    assert early > found[1]  # before buyers have turned away, the ten points are on more cars


# --- wide priors, other counts --------------------------------------------------------------------
def test_the_switch_point_is_the_penaltys():
    q = load_question("cjk-pact")
    free = evaluate(q, {"penalty_pct": 0.0})
    for share in (0.0, 20.0, 46.0):
        found = evaluate(q, {"penalty_pct": share}).numbers
        for name in ("switches_without_penalty", "always_without_penalty"):
            assert found[name] == free.numbers[name]
    assert free.numbers["switches"] == free.numbers["switches_without_penalty"]
    here, s = room_of(q), settings_of(q)
    v = {k: p.centre for k, p in q.parameters.items()}
    along = curves(s, here.desk("fgo", 1.0), v, s.points)["KOR"].trade_gain(
        np.linspace(0, 1.45, 30), 0.0
    )
    assert np.ptp(along) < 0.25 * abs(along[0])  # without a penalty the gain hardly moves


def test_more_trade_with_china_than_with_the_us():
    count, others = ahead_of("CHN", "USA")
    assert count == 139  # as counted from the same source by hand
    reverse, same = ahead_of("USA", "CHN")
    assert same == others
    ranks = partner_ranks()
    value = ranks.set_index(["economy", "partner"])["value_usd_mn"]
    ties = sum(
        value.get((e, "CHN"), 0.0) == value.get((e, "USA"), 0.0)
        for e in set(ranks["economy"]) - {"CHN", "USA"}
    )
    assert count + reverse + ties == others
    found = evaluate("number-one-partner", {"rank": "ahead of the rival"})
    assert (found.verdict, found.numbers["count"]) == ("fits", 139)
    with pytest.raises(UnknownNameError, match="partner"):
        ahead_of("CHN", "DEU")
    japan = {"settings.partner": "JPN"}
    with pytest.raises(InputError, match="cannot be counted"):
        play("number-one-partner", draws=8, overrides=japan)
    first = play("number-one-partner", draws=8, overrides={**japan, "parameters.rank": "first"})
    assert first.status == "ok"
    assert "trade more with" not in first.verdict


def test_the_benchmark_makes_the_verdict_and_an_embargo_is_the_far_end():
    q = load_question("proportionate-answer")
    at = {"us_step_pct": 10.0, "scope": "both lists", "elasticity_scale": 1.0}
    mirror = evaluate(q, {**at, "benchmark": "the same points"})
    assert mirror.numbers["benchmark_rate_pct"] == pytest.approx(10.0)
    assert mirror.verdict == "proportionate"
    duties = evaluate(q, {**at, "benchmark": "the same duties collected"})
    assert duties.numbers["benchmark_rate_pct"] == duties.numbers["duty_equivalent_pct"]
    assert duties.verdict == "milder"
    far = []
    for rate in ("[0.1, 0.1]", "[12.5, 12.5]", "[100, 100]", "[499, 499]"):
        there = load_question("proportionate-answer", {"settings.observed_pct": rate})
        far.append(evaluate(there, at).numbers["of_embargo_pct"])
    assert 0 <= far[0] < far[1] < far[2]
    assert far[3] == pytest.approx(100, abs=5)
    here = room_of(q)
    scope = tuple(here.world.sector_list(settings_of(q).scopes["both lists"]))
    act = Levy("USA", "CHN", 0.1)
    ban = Withdrawal("USA", "CHN", "purchases", scope)
    one, both = (
        simulated(here.world, c, "caliendo-parro")[here.world.countries.index("USA")]
        for c in ([act], [act, ban])
    )
    assert duties.numbers["embargo_loss_pct"] == pytest.approx(one - both, rel=1e-3)


# --- four countries -------------------------------------------------------------------------------
def test_the_64_networks_are_those_of_the_pact_game():
    here = room("four-country-pacts")
    v = {
        "us_tariff_pct": 0.0, "penalty_pct": 0.0, "coverage": 0.8, "non_tariff_cut_pct": 0.5,
    }  # fmt: skip
    desk = here.desk("fgo", 1.0)
    log = incomes(desk, v)
    template = Pact(("a", "b"), utilisation=0.8, non_tariff_cut=0.005)
    there = here.world.with_theta(theta_set("fgo"))
    found = pact_game(there, PLAYERS, template=template)
    assert [tuple(x) for x in found.game.links] == list(LINKS)
    columns = [desk.at(c) for c in PLAYERS]
    own = 100 * np.expm1((log[:, columns] - log[0, columns]) / 100)
    np.testing.assert_allclose(own, found.game.payoffs, atol=1e-5)


def test_networks_have_names_and_a_penalty_needs_a_defector():
    at = {frozenset(link): 1 << i for i, link in enumerate(LINKS)}

    def net(*pairs):
        return sum(at[frozenset(p)] for p in pairs)

    assert label(0) == "nobody"
    assert label(None) == "none is stable"
    assert label(net(("JPN", "KOR"))) == "each other"
    assert label(net(("USA", "JPN"), ("JPN", "KOR"))) == "leader"
    assert label(net(("CHN", "KOR"))) == "rival"
    assert label(net(("CHN", "KOR"), ("USA", "JPN"))) == "both sides"
    assert label(63) == "the two rivals"
    assert defects(net(("CHN", "KOR")), "KOR")
    assert not defects(net(("CHN", "KOR")), "JPN")
    assert not defects(net(("CHN", "KOR"), ("USA", "CHN")), "KOR")


def test_rivalry_moves_the_stable_network():
    q = load_question("four-country-pacts")
    calm = evaluate(q, {"rivalry_pct": 0.0})
    rivals = evaluate(q, {"rivalry_pct": 5.0})
    assert calm.numbers["USA_CHN_sign"] == 1.0
    assert rivals.numbers["USA_CHN_sign"] == 0.0
    assert calm.verdict == "the two rivals" != rivals.verdict

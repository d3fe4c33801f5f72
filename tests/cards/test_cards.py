"""Answer cards: schema, draws, sensitivity, refusals; every shipped question plays."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

from detente.cards import card as cards
from detente.cards import cases, evaluate, load_question, play, question_names
from detente.cards.draws import Prior, draw, uniforms
from detente.cards.evaluate import settings_of
from detente.cards.kind import Answer, Kind, Parameter
from detente.cards.question import find_kind, parse_question
from detente.cards.sensitivity import drivers, variance_share
from detente.errors import ConvergenceError, InputError, RecordError, UnknownNameError
from detente.report.card import card_json, card_markdown, save_card
from detente.report.tabular import json_text

NAMES = [
    "cjk-pact", "courtship", "encirclement", "four-country-pacts", "hold-over-korea",
    "korea-pledge", "number-one-partner", "proportionate-answer", "will-car-makers-move",
]  # fmt: skip
RANGE = {"low": 0.0, "high": 1.0, "source": "assumption"}


def test_the_questions_that_ship():
    assert question_names() == NAMES


# --- schema ---------------------------------------------------------------------------------------
def written(tmp_path, text: str):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("extends: courtship\ncolour: red\n", "colour: unknown key"),
        (
            "extends: courtship\nparameters:\n  penalty: {value: 1, source: assumption}\n",
            "parameters.penalty: unknown parameter 'penalty'; did you mean penalty_pct",
        ),
        ("extends: courtship\nsettings: {leeder: USA}\n", "leeder: unknown key"),
        (
            "extends: courtship\nparameters:\n  kept: {low: 0, high: 2, source: assumption}\n",
            "parameters.kept: 2 is outside 0 to 1",
        ),
        (
            "extends: courtship\nparameters:\n  kept: {low: 1, high: 0, source: assumption}\n",
            "out of order",
        ),
        ("extends: courtship\nparameters:\n  kept: {value: 1}\n", "source: is missing"),
        (
            "extends: courtship\nparameters:\n  elasticities: {value: xyz, source: assumption}\n",
            "unknown value 'xyz'",
        ),
        ("extends: courtships\n", "unknown question"),
        ("extends: courtship\nkind: courting\n", "unknown kind"),
    ],
)
def test_a_slip_names_file_and_field(tmp_path, text, words):
    with pytest.raises((RecordError, UnknownNameError)) as error:
        load_question(written(tmp_path, text))
    assert words in str(error.value)
    if "courtships" not in text:
        assert "mine.yaml" in str(error.value)


def test_a_missing_parameter_is_refused():
    data = load_question("number-one-partner").model_dump(exclude_none=True)
    del data["parameters"]["claim"]
    with pytest.raises(RecordError, match=r"mine: parameters\.claim: is missing"):
        parse_question(data, "mine")


def test_questions_extend_one_another_and_take_overrides(tmp_path):
    path = written(
        tmp_path,
        "extends: courtship\nid: strict\nparameters:\n  kept: {value: 0, source: assumption}\n",
    )
    q = load_question(path, {"parameters.penalty_pct.high": "40", "parameters.us_tariff_pct": "15"})
    assert q.id == "strict"
    assert q.parameters["kept"].fixed
    assert q.parameters["penalty_pct"].high == 40
    assert q.parameters["us_tariff_pct"].value == 15
    assert q.parameters["coverage"] == load_question("courtship").parameters["coverage"]
    with pytest.raises(UnknownNameError, match="penalties"):
        load_question(path, {"parameters.penalties.high": "1"})


# --- draws and sensitivity ------------------------------------------------------------------------
def test_draws_are_stratified_named_and_inside():
    u = uniforms("a", 50, 1)
    assert sorted((u * 50).astype(int)) == list(range(50))
    assert not np.allclose(u, uniforms("b", 50, 1))
    np.testing.assert_array_equal(u, uniforms("a", 50, 1))
    log = Prior(low=0.1, high=10, log=True, source="assumption")
    one, two = Prior(**RANGE), Prior(choices=["x", "y"], source="assumption")
    table = draw({"one": one, "two": two, "log": log}, 400, 3)
    assert table["one"].between(0, 1).all()
    assert table["two"].value_counts()["x"] == 200
    assert np.median(table["log"]) == pytest.approx(1.0, abs=0.05)
    alone = draw({"one": one}, 400, 3)
    pd.testing.assert_series_equal(alone["one"], table["one"])  # others leave a stream alone


def test_variance_shares_match_a_known_decomposition():
    priors = {k: Prior(**RANGE) for k in "abc"}
    x = draw(priors, 4000, 1)
    y = 2 * x["a"] + x["b"]  # variances 4 and 1 to 12: shares 0.8 and 0.2
    found = drivers(x, priors, y.to_numpy(), list(y > 1.5)).set_index("parameter")
    assert found.loc["a", "variance_share"] == pytest.approx(0.8, abs=0.03)
    assert found.loc["b", "variance_share"] == pytest.approx(0.2, abs=0.03)
    assert found.loc["c", "variance_share"] < 0.02
    assert found.index[0] == "a"
    assert found.loc["a", "leading_share_high"] > found.loc["a", "leading_share_low"]
    assert variance_share(np.array([0, 0, 1, 1]), np.ones(4)) == 0.0


# --- the machinery, on a kind without a model -----------------------------------------------------
def toy(fails_above: float = 2.0) -> Kind:
    from detente.records import Record

    class Settings(Record):
        pass

    def evaluate(s, room, v):
        if v["x"] > fails_above:
            raise ConvergenceError("did not converge")
        return Answer("yes" if v["x"] > 0.3 else "no", {"y": 10 * v["x"] + v["z"]})

    return Kind(
        name="toy",
        parameters={k: Parameter(k, "share", 0, 1) for k in "xz"},
        settings=Settings,
        verdicts={"yes": "it holds", "no": "it does not"},
        numbers={"y": "a number"},
        main="y",
        evaluate=evaluate,
        tables=lambda s, room, v, good: {},
        remarks=lambda s, good: [],
        modelled=False,
    )


@pytest.fixture
def played(monkeypatch):
    def go(x=None, z=None, fails_above=2.0, draws=200, seed=1):
        from importlib import import_module

        from detente.cards import question as questions

        evaluation = import_module("detente.cards.evaluate")

        kind = toy(fails_above)
        for module in (cards, cases, evaluation, questions):
            monkeypatch.setattr(module, "find_kind", lambda name, source: kind)
        data = load_question_data()
        data["parameters"] = {"x": x or RANGE, "z": z or RANGE}
        return play(parse_question(data, "toy"), draws=draws, seed=seed)

    return go


def load_question_data():
    return {
        "id": "toy", "kind": "toy", "title": "t", "asked": "a?", "parameters": {},
        "article": {"outlet": "o", "title": "t", "date": "d", "says": "s"},
        "assumptions": ["a"], "outside": ["b"], "sources": [{"title": "made up"}],
    }  # fmt: skip


def test_shares_flip_and_driver_of_a_known_verdict(played):
    card = played()
    shares = card.distribution.set_index("verdict")["share"]
    assert shares["yes"] == pytest.approx(0.7, abs=0.01)
    assert shares.sum() == pytest.approx(1.0, abs=1e-12)
    assert card.drivers.loc[0, "parameter"] == "x"
    assert card.drivers.loc[0, "variance_share"] > 0.8
    flip = card.flips.iloc[0]
    assert flip["parameter"] == "x"
    assert float(flip["at"]) == pytest.approx(0.3, abs=0.02)
    assert not card.flips.set_index("parameter").loc["z", "flips"]
    assert card.verdict.startswith("Likely: it holds, in 70% of 200 draws")
    assert card.nearest_flip.startswith("With every parameter at its point, it holds. ")
    move = f"x, from 50% to {100 * float(flip['at']):.3g}%; then it does not."
    assert move in card.nearest_flip
    assert move in card.verdict  # the parameter that decides is named, with what it takes


def test_a_degenerate_prior_is_the_point_run(played):
    fixed = {"value": 0.4, "source": "assumption"}
    card = played(x=fixed, z=fixed)
    row = card.numbers.iloc[0]
    assert row["point"] == row["p05"] == row["p95"] == pytest.approx(4.4)
    assert card.distribution.loc[0, "share"] == 1.0
    assert card.point_verdict == "yes"
    assert not len(card.drivers)


def test_widening_a_prior_never_narrows_the_interval(played):
    spans = []
    for half in (0.1, 0.2, 0.4):
        x = {"low": 0.5 - half, "high": 0.5 + half, "source": "assumption"}
        row = played(x=x).numbers.iloc[0]
        spans.append(row["p95"] - row["p05"])
    assert spans == sorted(spans)


@pytest.mark.parametrize(("limit", "status"), [(0.996, "ok"), (0.95, "refused")])
def test_failed_draws_are_counted_and_too_many_refuse_a_verdict(played, limit, status):
    card = played(fails_above=limit)
    assert card.failed == round(200 * (1 - limit))
    assert card.status == status
    shares = card.distribution["share"]
    assert shares.sum() == pytest.approx(1.0)
    assert "failed" in set(card.distribution["verdict"]) or not card.failed
    assert card.verdict.startswith("No verdict") == (status == "refused")
    json.loads(json_text(card_json(card)))


def test_a_card_whose_every_draw_fails_is_refused(played):
    card = played(fails_above=-1.0, draws=20)
    assert (card.status, card.failed) == ("refused", 20)
    assert card.verdict.startswith("No verdict")
    json.loads(json_text(card_json(card)))


def test_same_seed_same_card_and_another_seed_another(played):
    one, two, three = played(seed=5), played(seed=5), played(seed=6)
    assert json_text(card_json(one)) == json_text(card_json(two))
    pd.testing.assert_frame_equal(one.samples, two.samples)
    assert not one.samples["x"].equals(three.samples["x"])


# --- the shipped questions ------------------------------------------------------------------------
@pytest.mark.parametrize("name", NAMES)
def test_every_question_plays(name, tmp_path):
    off = {} if name not in ("korea-pledge", "hold-over-korea") else {"world.full_check": "false"}
    card = play(name, draws=8, overrides=off)
    assert card.status == "ok", card.verdict
    assert card.failed == 0
    assert card.distribution["share"].sum() == pytest.approx(1.0, abs=1e-12)
    assert len(card.samples) == 8
    assert set(card.samples["verdict"]) <= set(card.distribution["verdict"])
    assert card.verdict.split()[0] in {"Firm:", "Likely:", "More", "Open:"}
    there = evaluate(name)
    assert there.verdict == card.point_verdict
    at = card.numbers.set_index("number")["point"]
    assert dict(there.numbers) == pytest.approx(at.to_dict(), rel=1e-9, nan_ok=True)
    assert set(there.about) == set(there.numbers)
    body = json.loads(json_text(card_json(card)))
    assert {"meta", "rows", "numbers", "drivers", "flips", "parameters"} <= set(body)
    assert body["meta"]["article"]["says"]
    text = card_markdown(card)
    read = text.split("## Parameters drawn", maxsplit=1)[0]  # that table gives names to --set
    raw = [p for p in card.question.parameters if "_" in p]
    raw += ["USA", "CHN", "JPN", "KOR", "VNM", "IND"]
    assert not [word for word in raw if re.search(rf"\b{word}\b", read)]
    for head in ("Distribution", "What flips it", "Assumptions", "Outside the model", "Sources"):
        assert f"## {head}" in text
    if name == "number-one-partner":
        files = {f.name for f in save_card(card, tmp_path / "card")}
        assert {"card.md", "card.json", "draws.csv", f"{name}.png"} <= files
        assert (tmp_path / "card" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_point_of_the_pledge_is_the_function_of_the_same_name():
    import detente as dt
    from detente.cards.evaluate import room_of
    from detente.cards.korea_pledge import gains
    from detente.games import pledge
    from detente.policy.changes import Levy
    from detente.policy.draft import amend

    q = load_question("korea-pledge", {"world.full_check": "false"})
    room, s = room_of(q), settings_of(q)
    own, theirs = gains(s, room.desk("fgo", 1.0))
    quo = dt.Policy(room.world)
    rivals = Levy("USA", ("JPN", "EU27"), 0.15, "C29", "total")
    with_, without = (
        amend(quo, [Levy("USA", "KOR", rate, "C29", "total"), rivals]) for rate in (0.15, 0.25)
    )
    found = pledge(with_, without)
    assert own == pytest.approx(found.payer_gain_usd_bn, rel=0.01)
    assert theirs == pytest.approx(found.grantor_gain_usd_bn, rel=0.01)


@pytest.mark.parametrize(
    ("name", "settings", "words", "gone"),
    [
        ("cjk-pact", {"settings.top_pct": "60", "settings.early_pct": "12"}, ["60%", "12%"], "145"),
        ("number-one-partner", {"parameters.claim": "60"}, ["more than 60"], "120"),
        ("korea-pledge", {"settings.marks_usd_bn": "[300, 90]"}, ["$300 bn", "$90 bn"], "350"),
        ("proportionate-answer", {"settings.observed_pct": "[20, 30]"}, ["20-30%", "25%"], "10-15"),
        ("courtship", {"settings.suitor": "USA"}, ["the United States"], "China"),
    ],
)
def test_the_words_follow_the_settings(name, settings, words, gone):
    q = load_question(name, settings)
    kind, mine = find_kind(q.kind, q.id), settings_of(q)
    said = [*kind.says(mine, q.parameters).values(), *kind.about(mine, q.parameters).values()]
    text = " ".join(said)
    for word in words:
        assert word in text
    assert gone not in text


def test_other_marks_of_a_pledge_make_other_verdicts():
    q = load_question("korea-pledge", {"settings.marks_usd_bn": "[5, 0.5]"})
    low = {"grant_share": 1.0, "horizon_years": 4.0}
    found = evaluate(q, low)
    assert found.verdict == "0.5"
    assert "between $0.5 bn and $5 bn" in found.says
    with pytest.raises(RecordError, match="marks_usd_bn must fall"):
        load_question("korea-pledge", {"settings.marks_usd_bn": "[200, 350]"})


def test_a_point_takes_values_and_keeps_the_others():
    middle = evaluate("korea-pledge")
    cash = evaluate("korea-pledge", {"grant_share": 1})
    assert cash.values["grant_share"] == 1.0
    assert cash.values["horizon_years"] == middle.values["horizon_years"]
    assert cash.numbers["p_max_usd_bn"] < middle.numbers["p_max_usd_bn"]
    assert cash.numbers["payer_gain_usd_bn"] == middle.numbers["payer_gain_usd_bn"]
    for bad, error, words in (
        ({"grant": 1}, UnknownNameError, "did you mean grant_share"),
        ({"grant_share": 2}, InputError, "grant_share: 2 is outside 0.0001 to 1"),
        ({"grant_share": float("nan")}, InputError, "outside"),
        ({"grant_share": "half"}, InputError, "is not a number"),
        ({"elasticities": "xyz"}, UnknownNameError, "unknown value 'xyz'"),
        ({"elasticities": 3}, UnknownNameError, "unknown value"),
    ):
        with pytest.raises(error, match=words):
            evaluate("korea-pledge", bad)
    with pytest.raises(UnknownNameError, match="scope"):
        evaluate("proportionate-answer", {"scope": "everything"})


def test_workers_do_not_change_a_card(monkeypatch):
    fast = {"settings.points": "4"}
    here = play("cjk-pact", draws=10, overrides=fast)
    monkeypatch.setattr(cases, "cores", lambda: 1)
    alone = play("cjk-pact", draws=10, overrides=fast)
    pd.testing.assert_frame_equal(here.samples, alone.samples)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_real_card_at_its_own_draws(name):
    card = play(name)
    assert card.draws >= (100 if name == "four-country-pacts" else 500)
    assert card.status == "ok"


def test_a_real_card_without_the_model():
    card = play("number-one-partner")
    assert card.draws == 500
    assert card.distribution.loc[0, "verdict"] == "does not fit"
    by = card.samples.groupby("rank")["verdict"].agg(lambda x: (x == "fits").mean())
    assert by["first"] == 0  # under no definition is China first for more than 120
    assert by["ahead of the rival"] == pytest.approx(2 / 3, abs=0.1)  # 4 to 6 of 9 definitions
    assert not len(card.first_year)
    assert card.numbers.set_index("number").loc["first_for", "point"] == 69

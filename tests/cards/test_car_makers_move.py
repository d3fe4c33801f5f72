"""Will car makers move: the verdict by hand, its four answers, its words and its tables."""

from __future__ import annotations

import numpy as np
import pytest

from detente.cards import evaluate, load_question, play
from detente.dependence.car_makers import car_makers
from detente.dependence.plants import Plant
from detente.errors import RecordError
from detente.report.card import card_markdown

NAME = "will-car-makers-move"


@pytest.fixture(scope="module")
def card():
    return play(NAME, draws=60)


def test_the_point_is_the_closed_form():
    found = evaluate(NAME)
    v, n = found.values, found.numbers
    s = car_makers().owners["JPN"].shares
    k = {"USA": 1.0, "MEX": 1.154 / 1.004, "CAN": 1.151 / 1.001, "JPN": 1.275 / 1.025}
    weights = {p: s[p] * k[p] ** -v["place_elasticity"] for p in s}
    end = weights["USA"] / sum(weights.values()) - s["USA"]
    assert n["moved_long_run_pct"] == pytest.approx(100 * end, rel=1e-12)
    for years in (1, 3, 5, 10):
        done = 1 - (1 - v["renewal_pct"] / 100) ** years
        tag = f"{years}_year" + ("s" if years > 1 else "")
        assert n[f"moved_{tag}_pct"] == pytest.approx(100 * done * end, rel=1e-12)
    assert n["moved_pct"] == n["moved_5_years_pct"]
    assert n["made_here_pct"] == pytest.approx(51 + n["moved_pct"])
    assert n["moved_thousand_cars"] == pytest.approx(58.80 * n["moved_pct"])
    assert n["jobs_thousand"] == pytest.approx(0.0177 * n["moved_thousand_cars"])
    assert n["plants"] == pytest.approx(n["moved_thousand_cars"] / 300)
    site = Plant(4, 300, 31_990, 10, 0.08, cost_gap=0.08, end_risk=0.10)
    assert n["duty_pct"] == 27.5
    assert n["break_even_pct"] == pytest.approx(100 * site.break_even)
    assert n["margin_points"] == pytest.approx(27.5 - 100 * site.break_even)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({}, "plants"),
        ({"fixed_cost_usd_bn": 10}, "standing"),
        ({"renewal_pct": 2}, "slow"),
        ({"renewal_pct": 2, "horizon_years": 2}, "stay"),
        ({"cost_gap_pct": 25}, "standing"),
        ({"end_risk_pct": 100}, "standing"),
    ],
)
def test_the_sliders_reach_every_verdict(values, verdict):
    found = evaluate(NAME, values)
    assert found.verdict == verdict
    assert "would" in found.says


def test_without_a_tariff_nothing_moves():
    found = evaluate(NAME, {"tariff_pct": 0, "neighbours_pct": 0})
    n = found.numbers
    for key in ("moved_pct", "moved_usd_bn", "moved_long_run_pct", "jobs_thousand",
                "from_home_pct", "other_moved_pct"):  # fmt: skip
        assert n[key] == pytest.approx(0.0, abs=1e-10), key
    assert found.verdict == "stay"


def test_cars_from_home_fall_as_the_tariff_rises():
    falls = [
        evaluate(NAME, {"tariff_pct": t}).numbers["from_home_pct"] for t in np.linspace(0, 25, 6)
    ]
    assert (np.diff(falls) < 0).all()


def test_the_words_of_the_card(card):
    text = card_markdown(card)
    read = text.split("## Parameters drawn", maxsplit=1)[0]
    assert "look likely to set up car plants in the US" in read
    assert "to Make Civic Hybrid in US Instead of Mexico" in read
    assert "Asia Financial" in read
    assert "31 March 2025" in read
    for word in ("USA", "JPN", "KOR", "MEX", "CAN", "CHN", "C29", "_pct"):
        assert word not in read
    assert "would have moved" in card.verdict
    assert "What decides it most" in card.verdict
    leader = card.specs[card.drivers.loc[0, "parameter"]].about
    assert leader in card.verdict  # two routes: bins of the remark and of the table
    assert "Hyundai, announced: 80% made there by 2030" in card.verdict
    assert "What happened: Japan's car exports" in card.verdict


def test_the_shares_of_the_remark_are_those_of_the_draws(card):
    x = card.samples
    assert f"5% or more in {100 * (x['moved_pct'] >= 5).mean():.0f}% of the draws" in card.verdict
    pays = 100 * (x["margin_points"] >= 0).mean()
    assert f"at the tariff drawn in {pays:.0f}% of the draws" in card.verdict
    d = card.distribution.set_index("verdict")["share"]
    assert d["plants"] + d["slow"] == pytest.approx(pays / 100)


def test_the_tables_agree_with_the_point(card):
    at = card.numbers.set_index("number")["point"]
    by = card.tables["by_maker"].set_index("makers").loc["Japanese makers"]
    assert by["moved_after_5_years_pct"] == pytest.approx(at["moved_5_years_pct"])
    assert by["moved_in_the_long_run_pct"] == pytest.approx(at["moved_long_run_pct"])
    assert by["jobs_after_5_years_thousand"] == pytest.approx(at["jobs_thousand"])
    costs = card.tables["costs_from_the_tariff_alone_and_from_the_whole_world"]
    assert costs.loc[0, "Japanese makers_moved_after_5_years_pct"] == pytest.approx(at["moved_pct"])
    # dearer plants in the United States and cheaper ones abroad hold back some of it
    assert costs.loc[1, "Japanese makers_moved_after_5_years_pct"] < at["moved_pct"]
    ranges = card.tables["other_figures_of_where_cars_are_made_now"]
    taken = ranges[ranges["figure"] == "taken"].iloc[0]
    assert taken["moved_after_5_years_pct"] == pytest.approx(at["moved_pct"])
    needs = card.tables["tariff_a_new_plant_needs"]
    row = needs[(needs["plant_costs_usd_bn"] == 4) & (needs["thousand_cars_a_year"] == 300)].iloc[0]
    assert row["counted_on_for_10_years_pct"] == pytest.approx(at["break_even_pct"])
    said = card.tables["said_by_makers_and_press"]
    assert {"Toyota", "Honda", "Hyundai"} <= set(said["who"])
    assert said["publisher"].str.len().min() > 2
    happened = card.tables["what_happened"]
    assert happened["what"].str.contains("investment pledge").sum() == 2


def test_the_jobs_drawn_are_those_of_the_data():
    prior = load_question(NAME).parameters["jobs_per_thousand"]
    jobs = car_makers().jobs_per_thousand_cars
    assert (prior.low, prior.centre, prior.high) == (jobs.low, jobs.point, jobs.high)


def test_other_makers_years_and_marks():
    korea = load_question(
        NAME,
        {"settings.owner": "KOR", "settings.other": "JPN", "settings.years": "2",
         "settings.mark_pct": "9"},
    )  # fmt: skip
    found = evaluate(korea)
    assert "Hyundai and Kia" in found.says
    assert "9%" in found.says
    assert "within 2 years" in found.says
    home = evaluate(NAME)
    assert found.numbers["other_moved_pct"] == pytest.approx(
        home.numbers["moved_long_run_pct"] * (1 - 0.84**2)
    )
    assert found.numbers["duty_pct"] == 25
    with pytest.raises(RecordError, match="makers 'FRA' are not in the data"):
        load_question(NAME, {"settings.owner": "FRA"})
    with pytest.raises(RecordError, match="owner 'USA' is at home in the market"):
        load_question(NAME, {"settings.owner": "USA"})
    assert "GM, Ford" in " ".join(
        evaluate(load_question(NAME, {"settings.other": "USA"})).about.values()
    )

"""The makers' figures: shares that follow from the published numbers, sources, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from detente.dependence.car_makers import car_makers, read_car_makers
from detente.errors import RecordError
from detente.ledger import load_ledger
from detente.world import load_world
from raw_tables import raw_folder


@pytest.fixture(scope="module")
def makers():
    return car_makers()


def test_the_nest_holds_the_owners_of_the_file(makers):
    nest = makers.nest()
    np.testing.assert_allclose(nest.shares.sum(axis=1), 1.0, atol=1e-12)
    assert nest.cars_thousand.sum() == pytest.approx(0.97 * 16_100, rel=0.01)  # JATO: 16.1 million
    for b, owner in enumerate(makers.owners.values()):
        assert nest.sales_usd_bn[b] == pytest.approx(owner.cars_thousand * owner.car_usd / 1e6)
        assert owner.made_here.low <= owner.shares["USA"] <= owner.made_here.high
        assert all(source in makers.sources for source in owner.sources)


def test_japans_shares_are_those_of_the_published_counts(makers):
    o = makers.owners["JPN"]
    f = o.figures
    assert o.shares["JPN"] == pytest.approx(
        f["from_japan_2024_thousand"] / f["sold_2024_thousand"], abs=0.005
    )
    sold_2023 = f["sold_2024_thousand"] / (1 + f["growth_2024_pct"] / 100)
    here = (f["built_in_us_2023_thousand"] - f["exported_from_us_2018_thousand"]) / sold_2023
    assert o.shares["USA"] == pytest.approx(here, abs=0.01)
    near = o.shares["CAN"] + o.shares["MEX"]
    assert near == pytest.approx(1 - here - o.shares["JPN"], abs=0.01)
    canada, mexico = f["canada_output_2024_thousand"], f["mexico_output_2024_thousand"]
    assert o.shares["CAN"] / near == pytest.approx(canada / (canada + mexico), abs=0.05)
    assert o.car_usd == pytest.approx(
        1e6 * f["customs_value_2024_usd_bn"] / f["from_japan_2024_thousand"], rel=1e-3
    )


def test_koreas_and_germanys_shares_are_those_of_the_published_counts(makers):
    o = makers.owners["KOR"]
    f = o.figures
    sold = f["sold_2024_thousand"]
    assert o.shares["KOR"] == pytest.approx(f["exported_to_us_2024_thousand"] / sold, abs=0.01)
    assert f["built_in_us_2024_thousand"] / sold == pytest.approx(0.419, abs=1e-3)  # as printed
    assert o.shares["USA"] < f["built_in_us_2024_thousand"] / sold  # some are exported
    assert o.car_usd == pytest.approx(
        1e6 * f["customs_value_2024_usd_bn"] / f["from_korea_all_makers_2024_thousand"], rel=1e-3
    )
    o = makers.owners["EU"]
    f = o.figures
    assert o.shares["EU"] == pytest.approx(
        f["from_eu_2018_thousand"] / f["sold_2018_thousand"], abs=0.01
    )
    local = f["built_in_us_2018_thousand"] * f["sold_locally_2018_share"]
    assert o.shares["USA"] == pytest.approx(local / f["sold_2018_thousand"], abs=0.01)
    assert o.car_usd == pytest.approx(
        1e6 * f["eu_value_2024_eur_bn"] * f["usd_per_eur"] / f["eu_cars_2024_thousand"], rel=1e-3
    )


def test_the_home_makers_are_the_sum_of_four(makers):
    o = makers.owners["USA"]
    f = o.figures
    firms = ("gm", "ford", "stellantis", "tesla")
    sold = {n: f[f"{n}_2024_thousand"] for n in firms}
    total = sum(sold.values())
    assert o.cars_thousand == pytest.approx(total, rel=0.01)
    here = sum(sold[n] * f[f"{n}_made_here"] for n in firms) / total
    near = sum(sold[n] * f[f"{n}_canada_mexico"] for n in firms) / total
    assert o.shares["USA"] == pytest.approx(here, abs=0.01)
    assert o.shares["MEX"] + o.shares["CAN"] == pytest.approx(near, abs=0.01)
    canada, mexico = f["canada_output_2024_thousand"], f["mexico_output_2024_thousand"]
    assert o.shares["CAN"] / near == pytest.approx(canada / (canada + mexico), abs=0.02)
    assert o.shares["KOR"] == pytest.approx(f["gm_from_korea_thousand"] / total, abs=0.005)


def test_jobs_are_workers_over_cars(makers):
    jobs = makers.jobs_per_thousand_cars
    assert jobs.point == pytest.approx(65_443 / 3_687.282, abs=0.06)
    assert jobs.low == pytest.approx(3_700 / 300, abs=0.05)
    assert jobs.high == pytest.approx(8_500 / 300, abs=0.05)


@pytest.mark.raw_tables
def test_values_and_duties_are_those_of_the_customs_records(makers):
    table = pd.read_parquet(raw_folder() / "us_imports" / "us_imports_2024_hs10.parquet")
    cars = table[table["hs10"].str.startswith("8703")].groupby("partner")[
        ["imports_usd", "duty_usd"]
    ].sum()  # fmt: skip
    for key, partner in (("JPN", "JPN"), ("KOR", "KOR")):
        value = makers.owners[key].figures["customs_value_2024_usd_bn"]
        assert value == pytest.approx(cars.loc[partner, "imports_usd"] / 1e9, abs=1e-3)
    for place, partner in (("MEX", "MEX"), ("CAN", "CAN"), ("JPN", "JPN"), ("KOR", "KOR"),
                           ("EU", "EU27"), ("CHN", "CHN")):  # fmt: skip
        row = cars.loc[partner]
        paid = 100 * row["duty_usd"] / row["imports_usd"]
        assert makers.places[place].duty_before_pct == pytest.approx(paid, abs=0.05)


def test_duties_are_added_by_place(makers):
    added = dict(zip(makers.places, makers.added(0.25, 0.15) - makers.duties_before, strict=True))
    assert added == pytest.approx(
        {"USA": 0, "MEX": 0.15, "CAN": 0.15, "JPN": 0.25, "KOR": 0.25, "EU": 0.25, "CHN": 0.25}
    )
    assert dict(zip(makers.places, makers.duties_before, strict=True))["JPN"] == 0.025


def test_another_share_made_here_keeps_the_others_in_proportion(makers):
    nest = makers.nest({"JPN": 0.62})
    row = dict(zip(nest.places, nest.shares[nest.owners.index("JPN")], strict=True))
    assert row["USA"] == pytest.approx(0.62)
    assert sum(row.values()) == pytest.approx(1.0)
    assert row["JPN"] / row["MEX"] == pytest.approx(0.22 / 0.14)
    other = nest.owners.index("KOR")
    np.testing.assert_array_equal(nest.shares[other], makers.nest().shares[other])


def test_every_place_has_costs_and_every_pledge_is_in_the_ledger(makers):
    assert {p.cost_of for p in makers.places.values()} <= set(load_world().countries)
    assert set(makers.pledges) <= set(load_ledger().pledges)
    assert {s.firm for s in makers.statements} >= {"Honda", "Hyundai", "Toyota"}
    for statement in makers.statements:
        assert statement.date >= "2025-03-31"
        assert makers.sources[statement.source].publisher


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("{USA: 0.51, JPN: 0.22", "{USA: 0.61, JPN: 0.22", "shares sum to 1.1"),
        ("{USA: 0.39, KOR: 0.56", "{USA: 0.39, THA: 0.56", "places .*THA"),
        ("sources: [barclays, ", "sources: [somebody, ", "sources .*somebody"),
        ("made_here: {low: 0.36, high: 0.42}", "made_here: {low: 0.5, high: 0.42}", "out of order"),
        ("- {owner: JPN,", "- {owner: FRA,", "owners .*FRA"),
        ("cars_thousand: 1708", "cars_thousend: 1708", "cars_thousend: unknown key"),
    ],
)
def test_a_file_that_does_not_add_up_is_refused(tmp_path, old, new, words):
    from importlib.resources import files

    text = (files("detente") / "dependence" / "data" / "car-makers.yaml").read_text("utf-8")
    assert old in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(RecordError, match=words) as error:
        read_car_makers(path)
    assert "mine.yaml" in str(error.value)

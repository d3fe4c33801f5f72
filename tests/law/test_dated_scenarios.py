"""Scenarios that name days instead of rates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import detente as dt
from detente.errors import DateError, RecordError, UnknownNameError
from detente.law.line import sector_rates
from detente.policy.scenario import load_scenario, scenario_names
from detente.runs.build_policy import law_policy

from .conftest import mean

DATED = ["china-145-law", "korea-deal-law", "metals-50-law", "truce-2025-05", "us-cars-25-law"]


def pair(name: str, world):
    scenario = load_scenario(name)
    assert scenario.baseline.law is not None
    assert scenario.policy is not None
    return law_policy(scenario.baseline.law, world), law_policy(scenario.policy, world)


def moved(name: str, world) -> set[tuple[str, str]]:
    before, after = pair(name, world)
    changed = (abs(after.tariff.values - before.tariff.values) > 1e-9).any(axis=0)
    assert (before.export_tax.values == after.export_tax.values).all()
    assert (before.iceberg.values == after.iceberg.values).all()
    return {(world.countries[n], world.countries[e]) for n, e in np.argwhere(changed)}


def test_they_are_the_ones_with_a_date_and_tell_their_sources():
    found = [n for n in scenario_names() if load_scenario(n).policy is not None]
    assert found == DATED
    for name in found:
        scenario = load_scenario(name)
        assert scenario.id == name
        assert not scenario.measures
        assert len(scenario.sources) >= 2
        assert len(scenario.blurs) > 200


def test_the_truce_is_two_lines_and_moves_two_countries(world):
    assert moved("truce-2025-05", world) == {("USA", "CHN"), ("USA", "HKG"), ("CHN", "USA")}
    before, after = pair("truce-2025-05", world)
    # 125 to 10 on what the reciprocal tariff covers: 115 on clothes, nothing on most of C26
    clothes, chips = (
        100 * float((after.tariff - before.tariff).sel(sector=s, importer="USA", exporter="CHN"))
        for s in ("C13T15", "C26")
    )
    assert clothes == pytest.approx(-115, abs=1)
    assert -60 < chips < 0
    # China took 115 of 125 off everything
    back = (after.tariff - before.tariff).sel(importer="CHN", exporter="USA")
    assert float(back.sel(sector="C28")) == pytest.approx(-1.15)
    assert float(back.sel(sector="services")) == 0


def test_the_truce_in_two_lines_of_python_is_the_scenario(world, ledger):
    before, after = pair("truce-2025-05", world)
    assert before.hash == dt.apply(ledger.at("2025-05-13"), world).hash
    assert after.hash == dt.apply(ledger.at("2025-05-14"), world).hash


def test_the_truce_helps_both_and_costs_those_who_replaced_china(world):
    result = dt.run("truce-2025-05")
    gain = result.outcome.real_income
    assert float(gain.sel(country="USA")) > 0
    assert float(gain.sel(country="CHN")) > 0
    assert float(gain.sel(country="VNM")) < 0
    assert result.outcome.status == "converged"


def test_cars_by_law_and_by_hand_agree(world):
    """Two routes to the rise of C29: the ledger line by line, and shares written in a table."""
    reached = moved("us-cars-25-law", world)
    assert {i for i, _ in reached} == {"USA"}
    before, after = pair("us-cars-25-law", world)
    law = (after.tariff - before.tariff).sel(sector="C29", importer="USA")
    hand = dt.run("us-cars-25").outcome
    by_hand = (hand.policy.tariff - hand.world.tariff).sel(sector="C29", importer="USA")
    for partner in ("JPN", "KOR", "DEU"):
        # 25 on the share of cars: 20.1 Japan, 20.6 Korea, 20.7 EU
        assert float(law.sel(exporter=partner)) == pytest.approx(
            float(by_hand.sel(exporter=partner)), abs=0.003
        )
    # USMCA: the claim shares of both are of 2024; without a claim the fentanyl duty goes
    assert float(law.sel(exporter="MEX")) <= float(by_hand.sel(exporter="MEX")) + 0.003
    others = [s for s in world.sectors if s not in ("C29", "C30", "C28", "C25", "C22")]
    rest = (after.tariff - before.tariff).sel(importer="USA", sector=others)
    assert float(abs(rest).max()) < 0.02


def test_metals_by_law(world, ledger):
    reached = moved("metals-50-law", world)
    assert {i for i, _ in reached} == {"USA"}
    before, after = pair("metals-50-law", world)
    rise = 100 * (after.tariff - before.tariff).sel(importer="USA")
    # Japanese basic metals: 50 on most of it, where 10 reciprocal were before
    assert 20 < float(rise.sel(sector="C24", exporter="JPN")) < 50
    assert float(rise.sel(sector="C24", exporter="GBR")) < (
        float(rise.sel(sector="C24", exporter="JPN"))
    )
    law = ledger.at("2025-06-04")
    expected = sector_rates(law, "USA")
    k, j = expected.partners.index("JPN"), expected.sectors.index("C24")
    assert 100 * float(after.tariff.sel(sector="C24", importer="USA", exporter="JPN")) == (
        pytest.approx(expected.rate_pct[j, k], abs=1e-9)
    )


def test_china_145_by_law(world):
    assert moved("china-145-law", world) == {("USA", "CHN"), ("USA", "HKG")}
    before, after = pair("china-145-law", world)
    rise = 100 * (after.tariff - before.tariff).sel(importer="USA", exporter="CHN")
    # clothes: 20 + 125 in place of 10; C26 mostly exempt from the 125, so 20 in place of nothing
    assert float(rise.sel(sector="C13T15")) == pytest.approx(135, abs=1)
    assert 20 < float(rise.sel(sector="C26")) < 80
    assert float(rise.max()) <= 135 + 1e-9


def test_koreas_deal_by_what_was_known(world):
    assert moved("korea-deal-law", world) == {("USA", "KOR")}
    before, after = pair("korea-deal-law", world)
    cut = 100 * (after.tariff - before.tariff).sel(importer="USA", exporter="KOR")
    # cars 25 to 15, parts 25 to 15: about 10 of C29, heavy trucks aside
    assert float(cut.sel(sector="C29")) == pytest.approx(-10, abs=1)
    assert float(cut.max()) <= 1e-9
    assert mean(world, after.tariff, "USA", "KOR") < mean(world, before.tariff, "USA", "KOR")


def write(folder: Path, lines: str) -> Path:
    path = folder / "own.yaml"
    path.write_text(
        "id: own\ntitle: t\nabout: a\nblurs: b\n"
        "sources: [{title: made up, publisher: the tests, cite: none}]\n" + lines,
        encoding="utf-8",
    )
    return path


def test_without_and_with(world, ledger, tmp_path: Path):
    policy = "policy: {date: 2025-10-01, without: [section-232], with: [section-122]}\n"
    path = write(tmp_path, "baseline: {date: 2025-10-01}\n" + policy)
    scenario = load_scenario(path)
    assert scenario.policy is not None
    made = law_policy(scenario.policy, world)
    by_hand = ledger.at("2025-10-01").without(["section-232"]).including(["section-122"])
    assert made.hash == dt.apply(by_hand, world).hash


@pytest.mark.parametrize(
    ("lines", "error", "said"),
    [
        ("policy: {date: 2017-12-31}", DateError, "begins on 2018-01-01; ask for a later day"),
        ("policy: {date: 2027-01-01}", DateError, "the ledger ends on 2026-10-31"),
        ("policy: {date: 2025-02-30}", DateError, "write YYYY-MM-DD"),
        ("policy: {date: 2025-04-10, without: [section-323]}", UnknownNameError, "section-232"),
        ("policy: {date: 2025-04-10, with: [no-such]}", UnknownNameError, "no-such"),
        ("policy: {day: 2025-04-10}", RecordError, "policy.day: unknown key"),
        ("policy: {date: 2025-04-10}\nbaseline: {without: [x]}", RecordError, "need a date"),
        ("policy: {date: 2025-04-10}\nbaseline: {date: 2025-04-09, scenario: us-cars-25}",
         RecordError, "scenario or date, not both"),
    ],
)  # fmt: skip
def test_bad_dates_and_names(tmp_path: Path, lines: str, error, said: str):
    with pytest.raises(error, match=said):
        dt.run(write(tmp_path, lines + "\n"))

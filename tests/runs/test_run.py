"""`dt.run` is the same as the steps by hand, and its ranges and tables add up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import detente as dt
from detente.policy.scenario import parse_scenario

SCENARIO = {
    "id": "own",
    "title": "10% on Korean cars",
    "about": "x",
    "blurs": "x",
    "sources": [{"title": "made up", "publisher": "the tests", "cite": "none"}],
    "focus": {"sector": "C29", "importer": "USA"},
    "measures": [
        {
            "imposer": "USA", "targets": "KOR", "sectors": "C29", "instrument": "import_tariff",
            "rate_pct": 10, "covered_share": 0.8,
        }
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def result():
    return dt.run(parse_scenario(SCENARIO, "own"))


def test_run_equals_the_steps_by_hand(result):
    world = dt.load_world()
    tariff = world.tariff.copy(deep=True)
    tariff.loc[{"sector": "C29", "importer": "USA", "exporter": "KOR"}] += 0.8 * 0.10
    by_hand = dt.simulate(world, dt.Policy(world, tariff=tariff))
    np.testing.assert_allclose(result.outcome.real_income, by_hand.real_income, atol=1e-9)


def test_range_holds_every_set_and_the_main_one_is_unchanged(result):
    ranged = dt.run(parse_scenario(SCENARIO, "own"), theta="all")
    assert ranged.scenario.theta == "fgo"
    np.testing.assert_array_equal(ranged.outcome.real_income, result.outcome.real_income)
    table = ranged.tables["theta_range"]
    assert set(table["theta"]) == set(ranged.by_theta)
    rows = ranged.tables["countries"]
    assert (rows["real_income_low_pct"] <= rows["real_income_pct"]).all()
    assert (rows["real_income_pct"] <= rows["real_income_high_pct"]).all()


def test_diversion_and_redirection_are_the_same_flows(result):
    tables = result.tables
    lost = tables["diversion"].set_index("exporter")["change_usd_bn"]
    change = result.outcome.trade_change.sel(sector="C29", importer="USA").to_series() / 1e3
    np.testing.assert_allclose(lost.to_numpy(), change.loc[lost.index].to_numpy(), atol=1e-12)
    moved = tables["redirection"].query("exporter == 'KOR'")["change_usd_bn"].sum()
    total = result.outcome.trade_change.sel(sector="C29", exporter="KOR").sum().item() / 1e3
    assert moved + lost["KOR"] == pytest.approx(total, abs=1e-9)


def test_a_baseline_scenario_is_the_origin(tmp_path: Path):
    import yaml

    before, after = tmp_path / "before.yaml", tmp_path / "after.yaml"
    before.write_text(yaml.safe_dump(SCENARIO), encoding="utf-8")
    after.write_text(
        yaml.safe_dump({**SCENARIO, "baseline": {"scenario": "before.yaml"}}), encoding="utf-8"
    )
    same = dt.run(after)
    # the policy equals its baseline, so nothing changes
    assert np.abs(same.outcome.real_income).max() < 1e-7
    assert same.outcome.baseline.hash == same.outcome.policy.hash

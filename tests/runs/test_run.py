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


def test_a_scenario_with_a_quota_prints_and_keeps_it(tmp_path):
    from io import StringIO

    from rich.console import Console

    from detente.report.schema import run_schema
    from detente.report.text import print_run

    measure = {
        "imposer": "USA", "targets": "KOR", "sectors": "C24", "instrument": "quota",
        "volume_pct_of_base": 70, "over_quota_rate_pct": 25, "rent": "exporter",
    }  # fmt: skip
    found = dt.run(parse_scenario({**SCENARIO, "focus": None, "measures": [measure]}, "own"))
    world = dt.load_world()
    quota = {"sector": "C24", "importer": "USA", "exporter": "KOR", "volume": 0.7, "over": 0.25,
             "rent": "exporter"}  # fmt: skip
    by_hand = dt.simulate(world, dt.Policy(world, quota=[quota]))
    np.testing.assert_allclose(found.outcome.real_income, by_hand.real_income, atol=1e-9)
    row = found.tables["quotas"].iloc[0]
    assert row.volume_over_quota == pytest.approx(1.0, rel=1e-8)
    assert row.regime.startswith("binding")
    assert set(found.tables["quotas"]) >= {"sector", "rent_to", "wedge_pct"}
    assert "quotas" in run_schema()["properties"]
    text = StringIO()
    print_run(found, Console(file=text, width=120))
    assert "Quotas; the wedge is all that buyers pay" in text.getvalue()
    path = tmp_path / "outcome.nc"
    found.outcome.to_dataset().to_netcdf(path)
    assert dt.audit(path, again=False).raise_if_failed().passed

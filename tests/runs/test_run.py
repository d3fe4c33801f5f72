"""`dt.run` is the same as the steps by hand, and its ranges and tables add up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import detente as dt
from detente.errors import InputError
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


# --- horizons ---------------------------------------------------------------------------------
def test_horizons_are_the_years_of_a_path(result):
    """Two routes: the run's horizons, and a path of the same policy solved by itself."""
    found = result.horizons
    path = dt.path(law=result.outcome.policy, start="2025", end="2034", every="year")
    rows = found.table.set_index(["horizon", "country"])
    for name, place in (("one_year", 0), ("three_years", 2), ("ten_years", 9)):
        part = rows.loc[name].loc[path.world.countries]
        np.testing.assert_allclose(part["real_income_pct"], path.real_income[place], atol=1e-9)
        output = path.output.sel(sector="C29")[place]
        np.testing.assert_allclose(part["focus_output_pct"], output, atol=1e-9)
    base = result.outcome.base.point.income
    dollars = rows.loc["one_year"].loc[path.world.countries]["real_income_usd_bn"]
    np.testing.assert_allclose(dollars, base * path.real_income[0] / 1e5, atol=1e-12)


def test_ranges_run_over_horizon_sets_and_elasticities(result):
    """Eight published sets and one number under each set that takes the world's own; the others
    have one long run."""
    from detente.world.horizons import horizon_record, horizon_sets
    from detente.world.theta import theta_sets

    found = result.horizons
    expected = {("cgmt-sectors", t) for t in theta_sets() if t != "fgo"}
    for name in horizon_sets():
        if (own := horizon_record(name).theta) is not None:
            expected.add((name, f"{own:g}"))
    assert {(v.horizon, v.theta) for v in found.variants} == expected
    assert found.missing == ()
    one = found.table.query("horizon == 'one_year'").set_index("country")
    every = [v.values["one_year"]["real_income"][0] for v in found.variants]
    first = result.outcome.world.countries[0]
    every.append(one.loc[first, "real_income_pct"])
    assert one.loc[first, "real_income_low_pct"] == min(every)
    assert one.loc[first, "real_income_high_pct"] == max(every)


def test_a_published_figure_is_compared_at_its_horizon():
    claim = {"statement": "x", "source": "made up", "ours": "output[C29,KOR]", "published_pct": -1}
    both = {**SCENARIO, "claims": [{**claim, "years": 2}, claim]}
    result = dt.run(parse_scenario(both, "own"))
    table = result.tables["claims"]
    korea = {"sector": "C29", "country": "KOR"}
    assert result.horizons is not None
    after = result.horizons.path.output.sel(korea)[1].item()
    assert table["ours_pct"].tolist() == pytest.approx(
        [after, result.outcome.output.sel(korea).item()], abs=1e-9
    )
    assert table["ours_pct"][1] < table["ours_pct"][0] < 0
    with pytest.raises(InputError, match="11 years; whole years from 1 to 10 are solved"):
        result.horizons.after(11)


def test_the_long_run_only_has_no_horizons():
    result = dt.run(parse_scenario(SCENARIO, "own"), horizon="long")
    assert result.horizons is None
    assert "horizons" not in result.tables
    refused: tuple[tuple[dict[str, Any], str], ...] = (
        ({"horizon": "cgtm"}, "cgtm"),
        ({"labour": "slow"}, "slow.*sticky"),
        ({"horizon": "long", "labour": "sticky"}, "labour sticky belongs to a path"),
        ({"model": "staggered", "horizon": "cgmt"}, "staggered has no horizons"),
    )
    for given, words in refused:
        with pytest.raises(InputError, match=words):
            dt.run(parse_scenario(SCENARIO, "own"), **given)

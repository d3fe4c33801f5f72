"""`detente path`, `detente world horizons`, and the horizons of `detente run`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import jsonschema
import pytest

import detente as dt
from detente.report.schema import horizons_schema, path_schema, run_schema
from detente.world.horizons import elasticity_after, horizon_record, horizon_sets

from .conftest import Run

SHORT = ("--from", "2025-01", "--to", "2025-06")


# --- detente path -----------------------------------------------------------------------------
def test_table_has_a_row_a_quarter_and_says_what_it_rests_on(detente: Run):
    done = detente("path", *SHORT)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    for words in ("Real income, change in percent, against law of 2025-01-01", "2025Q1", "2025Q2",
                  "South Korea", "United States", "Horizon set cgmt-sectors",
                  "workers move freely between sectors", "Every period converged"):  # fmt: skip
        assert words in said
    assert "The record ends" not in said
    later = " ".join(detente("path", "--from", "2026-04", "--to", "2027-03").stdout.split())
    until = dt.load_ledger().record_until
    assert f"The record ends on {until}; after that day the last law known" in later


def test_json_follows_its_schema_and_is_what_python_gives(detente: Run):
    done = detente("path", "us-cars-25", *SHORT, "--country", "all", "--format", "json")
    assert done.returncode == 0, done.stderr
    body = json.loads(done.stdout)
    jsonschema.validate(body, path_schema())
    path = dt.path(law="us-cars-25", start="2025-01", end="2025-06")
    assert len(body["rows"]) == 2 * 77
    for row in body["rows"]:
        value = float(path.real_income.sel(time=row["time"], country=row["country"]))
        assert row["real_income_pct"] == pytest.approx(value, abs=1e-9)
    assert body["meta"]["scenario"] == "us-cars-25"
    assert body["meta"]["status"] == "converged"
    assert body["meta"]["policy_hashes"] == path.provenance["policy_hashes"]


def test_csv_holds_the_countries_asked_for(detente: Run):
    done = detente("path", *SHORT, "--every", "month", "--country", "KOR,JPN", "--format", "csv")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {r["country"] for r in rows} == {"KOR", "JPN"}
    assert list(dict.fromkeys(r["time"] for r in rows)) == [f"2025-0{m}" for m in range(1, 7)]
    assert rows[0]["first"] == "2025-01-01"
    assert rows[0]["last"] == "2025-01-31"


def test_a_sector_and_a_flow(detente: Run):
    done = detente("path", "us-cars-25", *SHORT, "--sector", "C29", "--format", "json")
    body = json.loads(done.stdout)
    jsonschema.validate(body, path_schema())
    korea = [r for r in body["rows"] if r["country"] == "KOR"]
    assert korea[1]["output_pct"] < korea[0]["output_pct"] < 0
    flow = ("--sector", "C29", "--importer", "USA", "--exporter", "KOR")
    done = detente("path", "us-cars-25", *SHORT, *flow, "--format", "json")
    body = json.loads(done.stdout)
    jsonschema.validate(body, path_schema())
    path = dt.path(law="us-cars-25", start="2025-01", end="2025-06")
    cell = {"sector": "C29", "importer": "USA", "exporter": "KOR"}
    assert [r["sales_pct"] for r in body["rows"]] == pytest.approx(path.sales.sel(cell).values)
    levied = float(path.stages[0].policy.tariff.sel(cell))
    assert body["rows"][0]["tariff_pct"] == pytest.approx(100 * levied)
    table = detente("path", "us-cars-25", *SHORT, *flow).stdout
    assert "Sales, USD billion a year, and the tariff" in table


def test_groups_sum_to_the_country(detente: Run):
    sticky = ("path", "us-cars-25", *SHORT, "--labour", "sticky", "--format", "json")
    done = detente(*sticky, "--groups", "KOR")
    assert done.returncode == 0, done.stderr
    groups = json.loads(done.stdout)
    jsonschema.validate(groups, path_schema())
    whole = json.loads(detente(*sticky, "--country", "KOR").stdout)
    for row in whole["rows"]:
        mine = [r for r in groups["rows"] if r["time"] == row["time"]]
        assert sum(r["share_of_pay_pct"] for r in mine) == pytest.approx(100)
        summed = sum(r["share_of_pay_pct"] * r["real_wage_pct"] for r in mine) / 100
        assert summed == pytest.approx(row["real_wage_pct"], abs=1e-8)
        worst = min(mine, key=lambda r: r["real_wage_pct"])
        assert worst["sector"] == "C29"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--from", "2025-06", "--to", "2025-01"], ["2025-01", "before it starts"]),
        (["--from", "2025-15"], ["start '2025-15' is not a month", "YYYY-MM"]),
        (["--to", "the end"], ["end 'the end' is not a month"]),
        (["--from", "2017-06", "--to", "2019-01"], ["2017-06-01", "record on 2018-01-01"]),
        (["--to", "2851-04", "--every", "month"], ["10,000 periods", "1,200"]),
        (["--every", "week"], ["week", "quarter"]),
        (["--horizon", "cgtm"], ["horizon set", "cgtm", "cgmt"]),
        (["--horizon", "long"], ["horizon set", "long"]),
        (["--labour", "slow"], ["slow", "sticky"]),
        (["--deficit", "none"], ["none", "fixed"]),
        (["--baseline", "May"], ["baseline 'May' is not a day"]),
        (["--country", "KOX", *SHORT], ["KOX", "KOR"]),
        (["--sector", "C99", *SHORT], ["C99"]),
        (["--importer", "USA"], ["--sector, --importer and --exporter together"]),
        (["--importer", "USA", "--exporter", "KOR"], ["--sector, --importer and --exporter"]),
        (["--groups", "KOR"], ["--labour sticky"]),
        (["--groups", "KOX", "--labour", "sticky", *SHORT], ["KOX", "KOR"]),
        (["us-cars-25"], ["--from and --to", "are needed"]),
        (["no-such-scenario", *SHORT], ["unknown scenario"]),
    ],
    ids=" ".join,
)
def test_bad_arguments_exit_2_with_a_remedy(detente: Run, args: list[str], words: list[str]):
    done = detente("path", *args)
    assert done.returncode == 2, done.stdout
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


# --- detente world horizons -------------------------------------------------------------------
def test_horizons_are_the_sets_with_their_formula(detente: Run):
    done = detente("world", "horizons", "--format", "json")
    assert done.returncode == 0, done.stderr
    body = json.loads(done.stdout)
    jsonschema.validate(body, horizons_schema())
    assert [r["horizon"] for r in body["rows"]] == horizon_sets()
    assert [r["horizon"] for r in body["rows"] if r["default"]] == [body["meta"]["default"]]
    for row in body["rows"]:
        r = horizon_record(row["horizon"])
        theta = -row["long_run"]
        assert r.theta in (None, theta)
        for years, name in ((1, "after_1_year"), (3, "after_3_years"), (10, "after_10_years")):
            found = elasticity_after(years, theta, r.sigma, r.zeta)
            assert row[name] == pytest.approx(found, abs=1e-9)
    table = detente("world", "horizons")
    assert table.returncode == 0
    said = " ".join(table.stdout.split())
    for words in ("cgmt-sectors, the default", "-0.62", "long run", "Boehm", "tariffs included"):
        assert words in said


# --- detente run ------------------------------------------------------------------------------
def test_the_long_run_alone_is_one_column(detente: Run, scenario: Path):
    done = detente("run", str(scenario), "--horizon", "long")
    assert done.returncode == 0, done.stderr
    assert "Change against the baseline, worst real income first" in done.stdout
    assert "no time path" in " ".join(done.stdout.split())
    for words in ("after one year", "ten years", "horizon sets"):
        assert words not in done.stdout
    body = json.loads(detente("run", str(scenario), "--horizon", "long", "--format", "json").stdout)
    jsonschema.validate(body, run_schema())
    assert "horizons" not in body
    assert "horizon" not in body["meta"]


def test_horizons_stand_beside_the_long_run_they_end_in(detente: Run, scenario: Path):
    done = detente("run", str(scenario), "--format", "json")
    body = json.loads(done.stdout)
    jsonschema.validate(body, run_schema())
    rows = body["horizons"]
    assert len(rows) == 4 * 77
    assert body["meta"]["horizon"] == "cgmt-sectors"
    assert body["meta"]["horizon_ranges_without"] == []
    assert "4 horizon sets" in body["meta"]["horizon_ranges"]
    measures = ("real_income", "real_wage", "exports", "focus_output", "focus_sales")
    for row in rows:
        for name in measures:
            low, value, high = (row[f"{name}{end}_pct"] for end in ("_low", "", "_high"))
            if value is None:  # nothing was sold before
                assert name.startswith("focus")
                continue
            assert low <= value <= high, (row["country"], row["horizon"], name)
    ends = {r["country"]: r for r in rows if r["horizon"] == "long_run"}
    for row in body["rows"]:  # `real_income_pct` of the main table is the long run
        assert ends[row["country"]]["real_income_pct"] == pytest.approx(
            row["real_income_pct"], abs=1e-8
        )
        assert ends[row["country"]]["years"] is None
    sales = {r["horizon"]: r["focus_sales_pct"] for r in rows if r["country"] == "KOR"}
    assert 0 > sales["one_year"] > sales["three_years"] > sales["ten_years"] > sales["long_run"]


def test_groups_of_a_run_sum_to_the_country_s_real_wage(detente: Run, scenario: Path):
    sticky = ("run", str(scenario), "--labour", "sticky", "--groups")
    done = detente(*sticky, "--format", "json")
    assert done.returncode == 0, done.stderr
    body = json.loads(done.stdout)
    jsonschema.validate(body, run_schema())
    for row in body["horizons"]:
        mine = [r for r in body["groups"]
                if (r["country"], r["horizon"]) == (row["country"], row["horizon"])]  # fmt: skip
        assert sum(r["share_of_pay_pct"] for r in mine) == pytest.approx(100)
        summed = sum(r["share_of_pay_pct"] * r["real_wage_pct"] for r in mine) / 100
        assert summed == pytest.approx(row["real_wage_pct"], abs=1e-8)
    korea = [r for r in body["groups"] if (r["country"], r["horizon"]) == ("KOR", "one_year")]
    assert min(korea, key=lambda r: r["real_wage_pct"])["sector"] == "C29"
    table = detente(*sticky)
    assert "Real wage by the sector where people worked" in table.stdout
    assert "few workers change their sector in a year" in " ".join(table.stdout.split())


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--horizon", "cgtm"], ["horizon set", "cgtm", "cgmt"]),
        (["--labour", "slow"], ["slow", "sticky"]),
        (["--groups"], ["--labour sticky"]),
        (["--horizon", "long", "--labour", "sticky"], ["sticky", "horizon long"]),
        (["--model", "staggered", "--horizon", "cgmt"], ["staggered has no horizons", "long"]),
        (["--model", "staggered", "--labour", "sticky"], ["staggered has no horizons", "long"]),
    ],
    ids=" ".join,
)
def test_horizons_that_a_run_refuses(
    detente: Run, scenario: Path, args: list[str], words: list[str]
):
    done = detente("run", str(scenario), *args)
    assert done.returncode == 2, done.stdout
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr

"""`detente run`: formats, folders, overrides; bad input exits 2 and writes nothing."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import jsonschema
import pytest
import xarray as xr

from detente.report.schema import run_schema

from .conftest import SCENARIO, Run


def test_json_follows_its_schema_and_names_units(detente: Run, scenario: Path):
    done = detente("run", str(scenario), "--format", "json", "--theta", "all")
    assert done.returncode == 0, done.stderr
    body = json.loads(done.stdout)
    jsonschema.validate(body, run_schema())
    assert len(body["rows"]) == 77
    korea = next(r for r in body["rows"] if r["country"] == "KOR")
    assert korea["real_income_low_pct"] <= korea["real_income_pct"] <= korea["real_income_high_pct"]
    assert korea["focus_sales_pct"] < 0 < body["meta"]["scenario"]["measures"][0]["rate_pct"]
    assert body["meta"]["status"] == "converged"


def test_rows_are_ranked_by_effect_and_csv_holds_the_same_rows(detente: Run, scenario: Path):
    as_json = json.loads(detente("run", str(scenario), "--format", "json").stdout)["rows"]
    changes = [r["real_income_pct"] for r in as_json]
    assert changes == sorted(changes)
    table = list(
        csv.DictReader(io.StringIO(detente("run", str(scenario), "--format", "csv").stdout))
    )
    assert [r["country"] for r in table] == [r["country"] for r in as_json]


def test_out_writes_a_folder_whose_run_json_runs_again(
    detente: Run, scenario: Path, tmp_path: Path
):
    done = detente("run", str(scenario), "--out", "result", "--format", "json")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "result"
    names = {p.name for p in folder.iterdir()}
    assert {"outcome.nc", "run.json", "countries.csv", "sectors.csv", "own.png"} <= names
    assert (folder / "own.png").read_bytes().startswith(b"\x89PNG")
    with xr.open_dataset(folder / "outcome.nc", engine="h5netcdf") as ds:
        assert ds.real_income.attrs["unit"] == "percent"
        assert ds.attrs["status"] == "converged"
    again = detente("run", str(folder / "run.json"), "--format", "json")
    assert json.loads(again.stdout) == json.loads(done.stdout)


def test_set_changes_one_value(detente: Run, scenario: Path):
    small = json.loads(detente("run", str(scenario), "--format", "json").stdout)
    done = detente(
        "run", str(scenario), "--format", "json", "--set", "measures[0].rate_pct=25",
        "--deficit", "zero",
    )  # fmt: skip
    large = json.loads(done.stdout)
    assert large["meta"]["deficit"] == "zero"
    loss = [next(r for r in b["rows"] if r["country"] == "KOR") for b in (small, large)]
    assert loss[1]["real_income_pct"] < loss[0]["real_income_pct"] < 0


def test_compare_is_the_difference_of_two_runs(detente: Run, scenario: Path, tmp_path: Path):
    other = tmp_path / "other.yaml"
    other.write_text(SCENARIO.replace("rate_pct: 10", "rate_pct: 25"), encoding="utf-8")
    both = json.loads(
        detente("run", str(scenario), "--compare", str(other), "--format", "json").stdout
    )
    alone = json.loads(detente("run", str(other), "--format", "json").stdout)
    value = {r["country"]: r["real_income_pct"] for r in alone["rows"]}
    mine = {r["country"]: r["real_income_pct"] for r in both["rows"]}
    for row in both["comparison"]:
        c = row["country"]
        assert row["real_income_points"] == pytest.approx(mine[c] - value[c], abs=1e-9)


def test_table_prints_the_story(detente: Run, scenario: Path):
    done = detente("run", str(scenario))
    assert done.returncode == 0, done.stderr
    for words in ("10% on Korean cars", "South Korea", "Who would replace whom", "Converged",
                  "Sources: made up"):  # fmt: skip
        assert words in done.stdout


def test_audit_is_printed_saved_and_can_be_made_again(detente: Run, scenario: Path, tmp_path: Path):
    import detente as package

    done = detente("run", str(scenario), "--audit", "--format", "json", "--out", "result")
    assert done.returncode == 0, done.stderr
    body = json.loads(done.stdout)
    jsonschema.validate(body, run_schema())
    assert body["meta"]["audit"].startswith(f"Audit: {len(body['audit'])} checks passed")
    assert {r["outcome"] for r in body["audit"]} == {body["meta"]["theta"]}
    text = (tmp_path / "result" / "audit.csv").read_text(encoding="utf-8")
    saved = list(csv.DictReader(io.StringIO(text)))
    assert [r["check"] for r in saved] == [r["check"] for r in body["audit"]]
    again = package.audit(tmp_path / "result")
    assert again.passed
    assert again.table["check"].tolist() == [r["check"] for r in saved]
    plain = json.loads(detente("run", str(scenario), "--format", "json").stdout)
    assert plain["rows"] == body["rows"]
    assert "audit" not in plain


def test_every_outcome_of_a_range_and_a_comparison_is_audited(
    detente: Run, scenario: Path, tmp_path: Path
):
    other = tmp_path / "other.yaml"
    other.write_text(SCENARIO.replace("rate_pct: 10", "rate_pct: 25"), encoding="utf-8")
    done = detente("run", str(scenario), "--audit", "--theta", "all", "--compare", str(other),
                   "--format", "json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    body = json.loads(done.stdout)
    jsonschema.validate(body, run_schema())
    named = {r["outcome"] for r in body["audit"]}
    assert named == {*body["meta"]["theta_sets"], str(other)}
    table = detente("run", str(scenario), "--audit")
    assert "Audit: 20 checks passed, worst" in " ".join(table.stdout.split())


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (("KOR", "KOX"), ["measures.0.targets", "KOX", "KOR"]),
        (("C29,", "C99,"), ["measures.0.sectors", "C99"]),
        (("import_tariff", "import_tarif"), ["measures.0.instrument", "import_tariff"]),
        (("rate_pct: 10", "rate_pct: 2500"), ["rate_pct", "2500", "allow_prohibitive"]),
        (("rate_pct: 10", "rate_pct: -150"), ["rate_pct", "-150", "above -100"]),
        (("rate_pct: 10", "rate: 0.1"), ["measures.0.rate", "unknown key", "rate_pct"]),
        (("about: A", "title: twice\nabout: A"), ["title", "appears twice"]),
        (("about: A", "abut: A"), ["abut", "about"]),
        (("rate_pct: 10", "rate_pct: .nan"), ["rate_pct", "finite"]),
    ],
)
def test_bad_scenarios_exit_2_and_write_nothing(
    detente: Run, scenario: Path, tmp_path: Path, edit: tuple[str, str], words: list[str]
):
    scenario.write_text(SCENARIO.replace(*edit), encoding="utf-8")
    done = detente("run", str(scenario), "--out", "result")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for word in [scenario.stem, *words]:
        assert word in done.stderr
    assert not (tmp_path / "result").exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["run", "no-such-scenario"], ["unknown scenario"]),
        (["run", "missing.yaml"], ["no such scenario file"]),
        (["run", "own.yaml", "--theta", "ggy"], ["theta", "gyy"]),
        (["run", "own.yaml", "--deficit", "none"], ["deficit", "fixed"]),
        (["run", "own.yaml", "--set", "measures.3.rate_pct=1"], ["--set", "0 to 0"]),
        (["run", "own.yaml", "--set", "rubbish"], ["path=value"]),
        (["run", "own.yaml", "--world", "nowhere.nc"], ["nowhere.nc"]),
        (["run", "own.yaml", "--out", "own.yaml"], ["is a file"]),
        (["world", "check", "own.yaml"], ["own.yaml", "netCDF"]),
        (["world", "build", "empty", "--out", "x"], ["empty"]),
        (["world", "aggregate", "world-2022"], ["--countries"]),
        (["world", "aggregate", "world-2022", "--countries", "EU28"], ["EU28"]),
    ],
)
def test_bad_arguments_exit_2_with_a_remedy(
    detente: Run, scenario: Path, args: list[str], words: list[str]
):
    done = detente(*args)
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_no_equilibrium_is_exit_3_with_the_reason(detente: Run, scenario: Path):
    # Luxembourg cut off from the world: its deficit has nobody to be run against.
    text = SCENARIO.replace(
        "  - {imposer: USA, targets: [KOR], sectors: C29, instrument: import_tariff, rate_pct: 10}",
        "  - {imposer: LUX, sectors: all, instrument: ban}\n"
        "  - {imposer: all, targets: [LUX], sectors: all, instrument: ban}",
    )
    scenario.write_text(text, encoding="utf-8")
    done = detente("run", str(scenario))
    assert done.returncode == 3
    assert "LUX" in done.stderr
    assert "no equilibrium" in done.stderr
    assert done.stdout == ""

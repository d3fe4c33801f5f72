"""`detente world`: the shipped table shown, checked and merged."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from detente.report.schema import table_schema

from .conftest import Run


def test_show_lists_every_country_with_units(detente: Run):
    body = json.loads(detente("world", "show", "--format", "json").stdout)
    jsonschema.validate(body, table_schema())
    usa = next(r for r in body["rows"] if r["country"] == "USA")
    # World Bank GDP 2022: 26.0 tn; the ICIO-based table has 25.6 tn of value added
    assert usa["value_added_usd_bn"] == pytest.approx(25_600, rel=0.01)
    assert len(body["rows"]) == 77
    assert len(body["sectors"]) == 23


def test_check_reports_every_identity(detente: Run):
    done = detente("world", "check", "--format", "json")
    assert done.returncode == 0
    rows = json.loads(done.stdout)["rows"]
    assert len(rows) == 5
    assert all(r["largest_relative_miss"] < 1e-6 for r in rows)


def test_aggregate_conserves_totals_and_saves(detente: Run, tmp_path: Path):
    whole = json.loads(detente("world", "show", "--format", "json").stdout)["rows"]
    done = detente(
        "world", "aggregate", "world-2022", "--countries", "EU27,NA=USA+CAN+MEX",
        "--sectors", "goods", "--out", "small.nc", "--format", "json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    assert len(rows) == 77 - 27 + 1 - 3 + 1
    for name in ("value_added_usd_bn", "output_usd_bn"):
        assert sum(r[name] for r in rows) == pytest.approx(sum(r[name] for r in whole), rel=1e-12)
    again = detente("world", "check", str(tmp_path / "small.nc"))
    assert again.returncode == 0, again.stderr


def test_scenarios_lists_the_shipped_ones(detente: Run):
    body = json.loads(detente("scenarios", "--format", "json").stdout)
    jsonschema.validate(body, table_schema())
    assert {"us-cars-25", "china-145", "rcep-complete"} <= {r["scenario"] for r in body["rows"]}


def test_every_option_is_documented(detente: Run):
    for command in (["run"], ["path"], ["world", "show"], ["world", "build"],
                    ["world", "aggregate"], ["world", "horizons"]):  # fmt: skip
        text = detente(*command, "--help").stdout
        for line in text.splitlines():
            if line.strip().startswith("--") and "--help" not in line:
                assert len(line.split(None, 2)) > 2 or "[" in line, line

"""`detente play`: formats, folders, overrides; bad input exits 2 and writes nothing."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from .conftest import Run

QUICK = ("number-one-partner", "--draws", "18")


def test_json_has_the_common_shape_and_the_same_seed_the_same_bytes(detente: Run):
    done = detente("play", *QUICK, "--format", "json", "--seed", "4")
    assert done.returncode == 0, done.stderr
    body = json.loads(done.stdout)
    assert body["meta"]["status"] == "ok"
    assert body["meta"]["seed"] == 4
    assert sum(r["share"] for r in body["rows"]) == 1.0
    assert detente("play", *QUICK, "--format", "json", "--seed", "4").stdout == done.stdout


def test_table_markdown_and_csv_hold_the_verdict(detente: Run):
    table = detente("play", *QUICK)
    assert table.returncode == 0, table.stderr
    for word in ("Distribution over verdicts", "The article itself", "Nearest flip", "Sources"):
        assert word in table.stdout
    assert "## What flips it" in detente("play", *QUICK, "--format", "md").stdout
    rows = list(csv.DictReader(io.StringIO(detente("play", *QUICK, "--format", "csv").stdout)))
    assert {r["verdict"] for r in rows} == {"fits", "does not fit"}


def test_out_writes_a_folder_and_set_changes_the_verdict(detente: Run, tmp_path: Path):
    done = detente("play", *QUICK, "--set", "parameters.claim=10", "--out", "card", "--format",
                   "json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"][0]["verdict"] == "fits"
    names = {p.name for p in (tmp_path / "card").iterdir()}
    assert {"card.md", "card.json", "draws.csv", "number-one-partner.png"} <= names


def test_bad_input_exits_2_and_writes_nothing(detente: Run, tmp_path: Path):
    for args, words in (
        (("courtshipp",), "did you mean courtship"),
        ((*QUICK, "--set", "parameters.claims=10"), "parameters.claims"),
        ((*QUICK, "--set", "claim"), "write path=value"),
        (("number-one-partner", "--draws", "0"), "draws: 0"),
    ):
        done = detente("play", *args, "--out", "card")
        assert done.returncode == 2, done.stderr
        assert words in done.stderr
        assert not (tmp_path / "card").exists()


def test_questions_lists_what_ships(detente: Run):
    rows = json.loads(detente("questions", "--format", "json").stdout)["rows"]
    assert {"courtship", "four-country-pacts"} <= {r["question"] for r in rows}
    assert "courtship" in {r["question"] for r in rows}

"""`detente regime`: rates, derivations, averages, many lines; bad input exits 2 in one line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import jsonschema
import pytest

from detente.report.schema import table_schema

from .conftest import Run

KOREAN_CAR = ("--date", "2025-10-01", "--exporter", "KOR", "--hs", "8703.23")


def body(detente: Run, *args: str) -> dict:
    done = detente("regime", *args, "--format", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    jsonschema.validate(found, table_schema())
    return found


def test_a_short_code_gives_one_row_a_rate_heaviest_first(detente: Run):
    found = body(detente, *KOREAN_CAR)
    # 0 under KORUS + 25, and 2.5 + 25 without the claim; never their mean
    assert [r["rate_pct"] for r in found["rows"]] == [25.0, 27.5]
    shares = [r["share_of_imports_pct"] for r in found["rows"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100)
    assert found["meta"]["status"] == "ok"
    assert found["meta"]["record_until"] == "2026-10-31"
    assert len(found["meta"]["ledger"]) == 64


def test_why_names_base_measures_rules_and_sources(detente: Run):
    found = body(detente, *KOREAN_CAR, "--why")
    steps = [s for s in found["derivation"] if s["row"] == 0]
    counted = [s for s in steps if s["step"] in ("base", "applied", "rule")]
    assert sum(s["added_pct"] for s in counted) == found["rows"][0]["rate_pct"]
    assert any(s["step"] == "set aside" and "reciprocal" in s["record"] for s in steps)
    assert all(s["source"] for s in counted)
    text = detente("regime", *KOREAN_CAR, "--why").stdout
    for word in ("25%", "korus claimed", "Proclamation", "set aside", "90 FR"):
        assert word in text


def test_averages_by_partner_and_overall(detente: Run):
    rows = {r["partner"]: r for r in body(detente, "--date", "2025-10-01", "--average")["rows"]}
    assert {"ALL", "EU27", "CHN", "KOR"} <= set(rows)
    assert next(iter(rows)) == "ALL"
    parts = [r for p, r in rows.items() if p != "ALL"]
    total = sum(r["imports_usd_bn"] for r in parts)
    mean = sum(r["average_rate_pct"] * r["imports_usd_bn"] for r in parts) / total
    assert rows["ALL"]["average_rate_pct"] == pytest.approx(mean)
    one = body(detente, "--date", "2025-10-01", "--average", "--exporter", "Germany")["rows"]
    assert [r["partner"] for r in one] == ["EU27"]


def test_averages_of_a_sector(detente: Run):
    (row,) = body(
        detente, "--date", "2025-10-01", "--average", "--sector", "C29", "--exporter", "JPN"
    )["rows"]  # fmt: skip
    assert 10 < row["average_rate_pct"] < 16
    assert row["weights"] == "imports, USD"


def test_known_on_legal_and_announced(detente: Run):
    def rate(*args: str) -> float:
        return body(detente, "--exporter", "KOR", "--hs", "8703230140", *args)["rows"][0][
            "rate_pct"
        ]

    assert rate("--date", "2025-11-05") == 15
    assert rate("--date", "2025-11-05", "--known-on", "2025-11-05") == 25
    assert rate("--date", "2025-10-30", "--known-on", "2025-10-30", "--announced") == 15

    def shirt(*args: str) -> float:
        found = body(
            detente, "--exporter", "VNM", "--hs", "6109100012", "--date", "2026-02-21", *args
        )
        return found["rows"][0]["rate_pct"]

    # 16.5 + 20, collected to the 23rd, void from the 20th
    assert (shirt(), shirt("--legal")) == (36.5, 16.5)


def test_many_lines_at_once(detente: Run, tmp_path: Path):
    (tmp_path / "q.csv").write_text(
        "hs,exporter,date\n8703230140,JPN,2025-09-15\n8703230140,JPN,2025-09-16\n"
        "6109.10.0012,VNM,2025-08-07\n",
        encoding="utf-8",
    )
    rows = body(detente, "--lines", "q.csv")["rows"]
    # one row a distinct rate: some Japanese cars enter without the ordinary 2.5
    found = {(r["date"], r["rate_pct"]) for r in rows if r["route"] == "no preference claimed"}
    assert found == {("2025-09-15", 27.5), ("2025-09-16", 15.0), ("2025-08-07", 36.5)}
    done = detente("regime", "--lines", "q.csv", "--format", "csv")
    table = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [float(r["rate_pct"]) for r in table] == [r["rate_pct"] for r in rows]


def test_the_terminal_table_is_readable(detente: Run):
    for args in (KOREAN_CAR, ("--date", "2025-10-01", "--average")):
        text = detente("regime", *args).stdout
        assert "…" not in text
        assert max(map(len, text.splitlines())) <= 100


BAD = [
    (("--exporter", "KOR", "--hs", "8703"), "--date"),
    (("--date", "2017-12-31", "--exporter", "KOR", "--hs", "8703"), "begins on 2018-01-01"),
    (("--date", "2026-11-01", "--exporter", "KOR", "--hs", "8703"), "the ledger ends on 2026-10-31"),  # noqa: E501
    (("--date", "1 May 2025", "--exporter", "KOR", "--hs", "8703"), "write YYYY-MM-DD"),
    (("--date", "2025-02-30", "--exporter", "KOR", "--hs", "8703"), "write YYYY-MM-DD"),
    (("--date", "2025-05-01", "--exporter", "KOR", "--hs", "770100"), "unknown HS code '770100'"),
    (("--date", "2025-05-01", "--exporter", "KOR", "--hs", "car"), "give 2 to 10 digits"),
    (("--date", "2025-05-01", "--exporter", "Koria", "--hs", "8703"), "Koria"),
    (("--date", "2025-05-01", "--exporter", "XXQ", "--hs", "8703"), "XXQ"),
    (("--date", "2025-05-01", "--exporter", "ASEAN", "--hs", "8703"), "name one"),
    (("--date", "2025-05-01", "--exporter", "USA", "--hs", "8703"), "name two countries"),
    (("--date", "2025-05-01", "--exporter", "KOR"), "--hs or --sector"),
    (("--date", "2025-05-01", "--exporter", "KOR", "--hs", "8703", "--sector", "C29"), "one of them"),  # noqa: E501
    (("--date", "2025-05-01", "--sector", "C99", "--exporter", "KOR"), "C99"),
    (("--date", "2025-05-01", "--average", "--hs", "8703"), "leave --hs out"),
    (("--date", "2025-05-01", "--average", "--importer", "CHN"), "no import values are held for CHN"),  # noqa: E501
    (("--date", "2025-05-01", "--hs", "8703", "--importer", "CHN"), "name the --exporter"),
    (("--date", "2025-05-01", "--average", "--exporter", "ISL"), "from ISL"),
    (("--date", "2025-05-01", "--exporter", "KOR", "--hs", "8703", "--without", "x-232"), "x-232"),
    (("--date", "2025-05-01", "--known-on", "2030-01-01", "--average"), "known_on 2030-01-01"),
    (("--lines", "absent.csv"), "absent.csv: no such file"),
]  # fmt: skip


@pytest.mark.parametrize(("args", "said"), BAD)
def test_bad_input_is_one_line_and_exit_2(detente: Run, args: tuple[str, ...], said: str):
    done = detente("regime", *args)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hs,date\n8703,2025-05-01\n", "column 'exporter' is missing"),
        ("hs,exporter,date\n8703,,2025-05-01\n", "line 2: exporter is empty"),
        ("hs,exporter,date\n8703,KOR,2025-05-01\n7701,KOR,2025-05-01\n", "line 3: unknown HS code"),
        ("hs,exporter,date\n8703,KOR,2027-05-01\n", "line 2: date 2027-05-01: the ledger ends on"),
        ("", "empty"),
    ],
)
def test_bad_files_of_lines_name_file_and_line(detente: Run, tmp_path: Path, text: str, said: str):
    (tmp_path / "q.csv").write_text(text, encoding="utf-8")
    done = detente("regime", "--lines", "q.csv")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "q.csv" in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr

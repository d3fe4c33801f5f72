"""`detente ledger`: list, show, check, changes; faults of a folder name file, field and remedy."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import jsonschema
import pytest

from detente.report.schema import table_schema

from .conftest import Run

CARD = (
    'kind: ledger\ntitle: small\nversion: "1"\nrecord_from: 2018-01-01\nrecord_until: 2026-10-31\n'
)
SOURCES = "sources: {a: {title: t, publisher: p, cite: c, date_read: 2026-01-01, evidence: G}}\n"


def measure(key: str = "m", **change: str) -> str:
    fields = {
        "kind": "measure", "id": key, "title": "a measure", "imposer": "KOR", "authority": "none",
        "programme": f"p-{key}", "instrument": "tariff", "targets": "{all: true}",
        "products": "{all: true}",
        "provisions": "[{title: all, history: [{in_force: 2025-01-01, form: added, rate_pct: 5}]}]",
        **change,
    }  # fmt: skip
    return "".join(f"{k}: {v}\n" for k, v in fields.items()) + SOURCES


def rule(key: str, where: str, drop: str) -> str:
    return (
        f"kind: interaction\nid: {key}\ntitle: r\nrule: exclude\nimposer: KOR\nwhere: [{where}]\n"
        f"drop: [{drop}]\nstarts: 2025-01-01\n" + SOURCES
    )


def folder(tmp_path: Path, **files: str) -> str:
    root = tmp_path / "records"
    root.mkdir()
    for name, text in {"ledger": CARD, **files}.items():
        (root / f"{name}.yaml").write_text(text, encoding="utf-8")
    return str(root)


def body(detente: Run, *args: str) -> dict:
    done = detente("ledger", *args, "--format", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    jsonschema.validate(found, table_schema())
    return found


def test_list_show_check_changes(detente: Run):
    rows = body(detente, "list", "--kind", "measure", "--imposer", "USA")["rows"]
    assert "usa/section-232-cars" in {r["id"] for r in rows}
    shown = body(detente, "show", "usa/section-232-cars")
    assert shown["rows"][0]["rate_pct"] == 25
    assert shown["rows"][0]["in_force"] == "2025-04-03"
    assert body(detente, "check")["meta"]["record_until"] == "2026-10-31"
    weak = body(detente, "check", "--evidence")["rows"]
    assert {r["evidence"] for r in weak} == {"C", "G"}
    days = [r["date"] for r in body(detente, "changes", "--from", "2025-05-01",
                                    "--to", "2025-05-31")["rows"]]  # fmt: skip
    assert days == sorted(days)
    assert "2025-05-14" in days


def test_csv(detente: Run):
    done = detente("ledger", "changes", "--from", "2025-05-14", "--to", "2025-05-14",
                   "--imposer", "USA", "--format", "csv")  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert all(r["date"] == "2025-05-14" and r["source"] for r in rows)


def test_a_new_measure_is_one_file(detente: Run, tmp_path: Path):
    root = folder(tmp_path, m=measure())
    assert detente("ledger", "check", "--folder", root).returncode == 0


FAULTS = {
    "a group without members": (
        {"m": measure(targets="{groups: [g]}"),
         "g": "kind: group\nid: g\ntitle: g\n" 
         "members: [{country: JPN, joined: 2026-01-01}]\n" + SOURCES},
        ("m.yaml", "targets.groups", "has no members on 2025-01-01", "name countries"),
    ),
    "entries that overlap": (
        {"m": measure(provisions="[{title: all, history: [{in_force: 2025-01-01, form: added, "
                      "rate_pct: 5}, {in_force: 2025-01-01, form: added, rate_pct: 6}]}]")},
        ("m.yaml", "provisions[0].history[1]", "overlaps", "known_from"),
    ),
    "exclusions in a circle": (
        {"m": measure(), "n": measure("n"), "r": rule("r", "m", "n"), "s": rule("s", "n", "m")},
        ("r.yaml", "where/drop", "circular exclusions", "drop one direction"),
    ),
    "products of no sector": (
        {"m": measure(products='{codes: ["7701"]}')},
        ("m.yaml", "products.codes", "'7701' maps to no sector", "01 to 97"),
    ),
    "a sector nobody knows": (
        {"m": measure(products="{sectors: [C99]}")},
        ("m.yaml", "products.sectors", "unknown sector 'C99'", "did you mean"),
    ),
    "a country nobody knows": (
        {"m": measure(targets="{countries: [XXQ]}")},
        ("m.yaml", "targets.countries", "XXQ", "country"),
    ),
    "an impossible date": (
        {"m": measure(provisions="[{title: all, history: [{in_force: 2025-02-30, form: added, "
                      "rate_pct: 5}]}]")},
        ("m.yaml", "in_force", "impossible date", "check day and month"),
    ),
    "a rate out of range": (
        {"m": measure(provisions="[{title: all, history: [{in_force: 2025-02-03, form: added, "
                      "rate_pct: 5000}]}]")},
        ("m.yaml", "rate_pct", "out of range", "between 0 and 1000"),
    ),
    "an unknown key": (
        {"m": measure(imposr="KOR")}, ("m.yaml", "imposr", "unknown key", "did you mean imposer"),
    ),
    "a key twice": (
        {"m": measure() + "title: again\n"}, ("m.yaml", "title", "twice", "keep one"),
    ),
    "no source": (
        {"m": measure().replace(SOURCES, "sources: {}\n")}, ("m.yaml", "at least one source"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_faults_name_file_field_and_remedy(detente: Run, tmp_path: Path, case: str):
    files, words = FAULTS[case]
    done = detente("ledger", "check", "--folder", folder(tmp_path, **files))
    assert done.returncode == 2, done.stdout
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("show", "usa/section-232-car"), "did you mean"),
        (("list", "--kind", "measures"), "measure"),
        (("list", "--imposer", "XXQ"), "XXQ"),
        (("changes", "--from", "2025-13-01"), "write YYYY-MM-DD"),
        (("changes", "--from", "2017-01-01"), "begins on 2018-01-01"),
        (("changes", "--to", "2030-01-01"), "the ledger ends on 2026-10-31"),
        (("changes", "--imposer", "XXQ"), "XXQ"),
        (("check", "--grades", "Z", "--evidence"), "A, B, C"),
        (("check", "--folder", "absent"), "no such folder"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(detente: Run, args: tuple[str, ...], said: str):
    done = detente("ledger", *args)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr

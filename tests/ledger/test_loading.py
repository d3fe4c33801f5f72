"""Broken records: each is refused with its file, its field and a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from detente.errors import RecordError
from detente.ledger import load_ledger
from detente.ledger.load import RECORDS

CARD = "kind: ledger\ntitle: t\nversion: '1'\nrecord_from: 2018-01-01\nrecord_until: 2025-12-31\n"
SOURCES = """sources:
  a: {title: Order, publisher: Gazette, cite: 1 FR 1, date_read: 2025-01-01, evidence: A}
"""
GOOD = (
    """kind: measure
id: aaa/test
title: Test duty
imposer: USA
authority: Test Act
programme: test
instrument: tariff
targets: {countries: [KOR]}
products: {codes: ["8703"]}
provisions:
  - title: all
    history:
      - {announced: 2025-01-01, in_force: 2025-02-01, form: added, rate_pct: 25}
"""
    + SOURCES
)
ENTRY = "{announced: 2025-01-01, in_force: 2025-02-01, form: added, rate_pct: 25}"
RULE = """kind: interaction
id: {id}
title: rule
rule: exclude
imposer: USA
where: [{a}]
drop: [{b}]
starts: 2025-01-01
""" + SOURCES.replace("{", "{{").replace("}", "}}")


def load(folder: Path, **files: str) -> None:
    (folder / "ledger.yaml").write_text(CARD)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    load_ledger(folder)


def test_good_file_loads(tmp_path: Path) -> None:
    load(tmp_path, good=GOOD)


BROKEN = {
    "unknown key": (
        GOOD.replace("rate_pct", "rate_pc"),
        ["provisions[0].history[0].rate_pc", "unknown key", "did you mean rate_pct"],
    ),
    "duplicate key": (GOOD + "imposer: CHN\n", ["'imposer'", "appears twice"]),
    "missing sources": (GOOD.split("sources:")[0], ["sources", "missing"]),
    "empty sources": (GOOD.split("sources:")[0] + "sources: {}\n", ["sources is empty"]),
    "impossible date": (
        GOOD.replace("2025-02-01", "2025-02-30"),
        ["history[0].in_force", "impossible date"],
    ),
    "rate out of range": (
        GOOD.replace("rate_pct: 25", "rate_pct: 2500"),
        ["history[0].rate_pct", "out of range", "0 and 1000"],
    ),
    "unquoted code": (GOOD.replace('"8703"', "8703"), ["products.codes[0]", "in quotes"]),
    "total without base": (GOOD.replace("added", "total"), ["base (mfn or claimed)"]),
    "ends before it starts": (
        GOOD.replace("form: added", "ended: 2025-01-15, form: added"),
        ["ends on 2025-01-15, before it starts on 2025-02-01"],
    ),
    "unknown country": (GOOD.replace("KOR", "KRO"), ["targets.countries", "'KRO'", "did you mean"]),
    "unknown group": (
        GOOD.replace("countries: [KOR]", "groups: [nafta]"),
        ["targets.groups", "unknown group 'nafta'"],
    ),
    "unknown list": (
        GOOD.replace('codes: ["8703"]', "lists: [usa/x]"),
        ["products.lists", "unknown list 'usa/x'"],
    ),
    "no sector": (GOOD.replace('"8703"', '"7701"'), ["products.codes", "maps to no sector"]),
    "unknown sector": (
        GOOD.replace('codes: ["8703"]', "sectors: [C99]"),
        ["products.sectors", "unknown sector 'C99'"],
    ),
    "overlap": (
        GOOD.replace(ENTRY, ENTRY + "\n      - " + ENTRY),
        ["provisions[0].history[1]", "overlaps", "known_from"],
    ),
    "long quote": (
        GOOD.replace("evidence: A", "evidence: A, quote: " + "word " * 26),
        ["sources.a.quote", "26 words", "at most 25"],
    ),
    "unknown kind": (GOOD.replace("kind: measure", "kind: measures"), ["'measures'", "not known"]),
    "unknown source": (
        GOOD.replace("rate_pct: 25", "rate_pct: 25, source: [b]"),
        ["source 'b' is not among sources"],
    ),
    "indentation": (GOOD.replace("    history", "   history"), ["not valid YAML"]),
    "bad status": (
        GOOD.replace("form: added", "status: active, form: added"),
        ["history[0].status", "'active' is not allowed"],
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_file_is_refused(case: str, tmp_path: Path) -> None:
    text, wanted = BROKEN[case]
    with pytest.raises(RecordError) as caught:
        load(tmp_path, broken=text)
    message = str(caught.value)
    for part in ["broken.yaml", *wanted]:
        assert part in message


def test_id_used_twice_names_both_files(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"two.yaml: id: 'aaa/test' is already used in one.yaml"):
        load(tmp_path, one=GOOD, two=GOOD)


def test_circular_exclusions(tmp_path: Path) -> None:
    other = GOOD.replace("aaa/test", "aaa/other").replace("programme: test", "programme: other")
    with pytest.raises(RecordError, match=r"r1.yaml, r2.yaml: .*circular exclusions"):
        load(
            tmp_path,
            one=GOOD,
            two=other,
            r1=RULE.format(id="r1", a="test", b="other"),
            r2=RULE.format(id="r2", a="other", b="test"),
        )


def test_group_without_members_on_the_day(tmp_path: Path) -> None:
    group = (
        "kind: group\nid: later\ntitle: Later\nmembers:\n  - {country: KOR, joined: 2025-06-01}\n"
    )
    measure = GOOD.replace("countries: [KOR]", "groups: [later]")
    with pytest.raises(RecordError, match=r"broken.yaml: targets.groups: .*no members on 2025-02"):
        load(tmp_path, broken=measure, group=group + SOURCES)


def test_all_faults_are_reported_together(tmp_path: Path) -> None:
    with pytest.raises(RecordError) as caught:
        load(tmp_path, one=GOOD.replace("rate_pct: 25", "rate_pct: -1"), two="- a list\n")
    assert "one.yaml" in str(caught.value)
    assert "two.yaml" in str(caught.value)


def test_list_needs_its_source(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "cars.csv").write_text("# title: Cars\nhs\n8703\n")
    with pytest.raises(RecordError, match=r"lists/cars.csv: publisher: missing"):
        load(tmp_path, good=GOOD)


def test_the_example_of_the_readme_loads(tmp_path: Path) -> None:
    text = (RECORDS / "README.md").read_text(encoding="utf-8")
    example = text.split("```yaml\n")[1].split("```")[0]
    load(tmp_path, example=example)
    # 25% on Chinese steel from 22 October 2024, nothing the day before
    ledger = load_ledger(tmp_path)
    assert not ledger.at("2024-10-21").active
    assert ledger.at("2024-10-22").active[0].provisions[0].entry.rate_pct == 25

"""Inputs whose reading once took time or memory out of proportion, or would."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detente.errors import RecordError, UnknownNameError
from detente.ledger import load_ledger
from detente.policy.scenario import load_scenario
from detente.texts import parse_yaml
from detente.world.identities import MOST, find_misses
from fuzz.judge import LINES, Refusal, judged
from fuzz.readers import CARD, small_world

RECORD = """kind: {kind}
id: {id}
title: t
imposer: USA
authority: a
programme: p
instrument: tariff
targets: {{countries: [KOR]}}
products: {{codes: ["8703"]}}
linked_to: [{linked}]
provisions:
  - title: all
    history: [{{in_force: 2025-02-01, form: added, rate_pct: 25}}]
sources:
  a: {{title: Order, publisher: Gazette, cite: 1 FR 1, date_read: 2025-01-01, evidence: A}}
"""

TEXTS = {
    # equal hashes: looking each up among the others is work by the square
    "numbers as keys": "".join(f"{n * (2**61 - 1)}: 1\n" for n in range(1, 100_001)),
    "directives": "".join(f"%TAG !{n}! x\n" for n in range(200_000)) + "---\na: 1\n",
    "brackets": "a: " + "[" * 1_000_000,
    "questions": "? " * 500_000,
    "dashes": "- " * 500_000,
    "braces": "{a: " * 500_000,
    "many keys": "".join(f"k{n}: 1\n" for n in range(200_000)),
    "one long word": "a: " + "x" * 4_000_000,
    "one long key": "k" * 4_000_000 + ": 1",
    "quotes": "a: '" + "''" * 2_000_000,
    "comments": "# x\n" * 1_000_000 + "a: 1\n",
    "anchors": "a: [" + "".join(f"&x{n} 1, " for n in range(100_000)) + "1]\n",
}


@pytest.mark.parametrize("text", TEXTS)
def test_yaml_is_read_in_time(text: str) -> None:
    judged(lambda: parse_yaml(TEXTS[text], "a.yaml"), "a.yaml", twice=False)


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"k{n}: 1\n" for n in range(150_000)),
        "measures: [" + "{}, " * 100_000 + "{}]\n",
        "id: " + "x" * 4_000_000 + "\n",
        "measures: {" + ", ".join(f"a{n}: 1" for n in range(100_000)) + "}\n",
    ],
    ids=["unknown keys", "empty measures", "long id", "wide"],
)
def test_faults_of_a_record_are_told_in_time(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    judged(lambda: load_scenario(path), str(path), twice=False)
    (tmp_path / "ledger.yaml").write_bytes(CARD)
    path.write_text("kind: measure\n" + text.replace("id:", "imposer:"))
    found = judged(lambda: load_ledger(tmp_path), "a.yaml", lines=LINES, twice=False)
    assert isinstance(found, Refusal)


def test_a_name_of_megabytes_is_looked_up_in_time() -> None:
    def unknown() -> None:
        raise UnknownNameError.of("country", "x" * 4_000_000, [f"C{n}" for n in range(300)], "here")

    judged(unknown, "here")


def test_many_faulty_records_are_told_in_time(tmp_path: Path) -> None:
    """Each of 1,500 records links to one that is not there."""
    (tmp_path / "ledger.yaml").write_bytes(CARD)
    for n in range(1500):
        text = RECORD.format(kind="measure", id=f"aaa/r-{n}", linked=f"aaa/s-{n}")
        (tmp_path / f"r{n}.yaml").write_text(text)
    found = judged(lambda: load_ledger(tmp_path), "r0.yaml", lines=LINES, twice=False)
    assert found.startswith("1500 faults in the ledger:\n")
    assert "did you mean" in found
    assert found.endswith("and 1300 more")


def test_members_named_again_and_again(tmp_path: Path) -> None:
    members = "\n".join(f"  - {{group: g{n}}}" for n in range(40_000))
    text = f"""kind: agreement
id: x
title: t
type: trade
status: signed
scope: s
members:
{members}
  - {{group: g1}}
sources:
  a: {{title: Order, publisher: Gazette, cite: 1 FR 1, date_read: 2025-01-01, evidence: A}}
"""
    (tmp_path / "ledger.yaml").write_bytes(CARD)
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(RecordError, match="g1 stands twice"):
        load_ledger(tmp_path)


def test_a_world_of_negative_entries_is_listed_in_part() -> None:
    world = small_world()
    ds = world.dataset.isel(sector=np.zeros(2000, dtype=int), input=[0]).copy(deep=True)
    ds["trade"][...] = -1.0
    ds["trade"][7, 1, 2] = -5.0
    listed = [m for m in find_misses(ds) if m.identity == "not negative" and "trade" in m.country]
    assert ds["trade"].size > MOST == len(listed)
    assert listed[0].gap == 5.0

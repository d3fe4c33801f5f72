"""What held on a day, as known now and as known then."""

from __future__ import annotations

import pytest

from detente.errors import DateError, UnknownNameError
from detente.ledger import Ledger, load_ledger
from detente.ledger.asof import entry_at
from detente.ledger.measure import Entry


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return load_ledger()


def rate(history: list[Entry], day: str, **how: object) -> float | None:
    entry = entry_at(history, day, **how)  # type: ignore[arg-type]
    return entry.rate_pct if entry else None


STEPS = [
    Entry(announced="2025-01-10", in_force="2025-02-01", form="added", rate_pct=10),
    Entry(announced="2025-02-20", in_force="2025-03-01", form="added", rate_pct=20),
    # a court ends it on the 9th by law; collection stops after the 12th
    Entry(
        in_force="2025-04-01",
        ended="2025-05-09",
        collected_until="2025-05-12",
        end_known_from="2025-05-10",
        form="added",
        rate_pct=30,
    ),
]


def test_an_entry_holds_until_the_next() -> None:
    assert rate(STEPS, "2025-01-31") is None
    assert rate(STEPS, "2025-02-01") == 10
    assert rate(STEPS, "2025-02-28") == 10
    assert rate(STEPS, "2025-03-31") == 20
    assert rate(STEPS, "2025-04-01") == 30


def test_last_days_are_inclusive_and_legal_differs_from_collection() -> None:
    assert rate(STEPS, "2025-05-12") == 30
    assert rate(STEPS, "2025-05-13") is None
    assert rate(STEPS, "2025-05-09", dates="legal") == 30
    assert rate(STEPS, "2025-05-10", dates="legal") is None


def test_end_not_yet_known() -> None:
    assert rate(STEPS, "2025-05-20", known_on="2025-05-09") == 30
    assert rate(STEPS, "2025-05-20", known_on="2025-05-20") is None


def test_retroactive_entry_replaces_only_once_known() -> None:
    history = [
        Entry(announced="2025-07-31", in_force="2025-08-07", form="added", rate_pct=15),
        Entry(announced="2025-09-04", in_force="2025-08-07", form="total", rate_pct=12, base="mfn"),
    ]
    assert rate(history, "2025-08-20") == 12
    assert rate(history, "2025-08-20", known_on="2025-08-20") == 15


def test_announced_only_when_asked() -> None:
    history = [Entry(announced="2025-03-01", status="announced", form="added", rate_pct=40)]
    assert rate(history, "2025-03-02") is None
    assert rate(history, "2025-03-02", announced=True) == 40
    assert rate(history, "2025-02-28", announced=True) is None


def test_suspension_leaves_nothing() -> None:
    history = [*STEPS[:1], Entry(in_force="2025-02-10", status="suspended")]
    assert rate(history, "2025-02-09") == 10
    assert rate(history, "2025-02-10") is None


def test_dates_outside_the_record(ledger: Ledger) -> None:
    with pytest.raises(DateError, match=f"the ledger ends on {ledger.record_until}"):
        ledger.at("2030-01-01")
    with pytest.raises(DateError, match="the ledger begins on 2018-01-01"):
        ledger.at("2017-12-31")
    with pytest.raises(DateError, match="not a date"):
        ledger.at("2025-02-30")


def test_court_ruling_by_law_and_by_collection(ledger: Ledger) -> None:
    def on(day: str, **how: str) -> bool:
        ids = {a.measure.id for a in ledger.at(day, **how).active}  # type: ignore[arg-type]
        return "usa/ieepa-reciprocal" in ids

    # exempt headings stay printed; the taxing headings are what ends
    def taxed(day: str, dates: str) -> bool:
        regime = ledger.at(day, dates=dates)  # type: ignore[arg-type]
        found = [a for a in regime.active if a.measure.id == "usa/ieepa-reciprocal"]
        return any(p.entry.form != "exempt" for a in found for p in a.provisions)

    assert on("2026-02-23")
    assert taxed("2026-02-23", "collection")
    assert not taxed("2026-02-24", "collection")
    assert taxed("2026-02-19", "legal")
    assert not taxed("2026-02-20", "legal")


def test_changes_in_words_and_change_dates(ledger: Ledger) -> None:
    found = ledger.changes("2025-04-10", "2025-04-10")
    assert [c.words for c in found if c.record == "usa/ieepa-reciprocal" and "125" in c.words]
    # phase one lasted one day: its end is a change of the 10th
    assert any("Vietnam" in c.words and c.words.endswith("ended") for c in found)
    days = ledger.change_dates("USA")
    assert days == sorted(set(days))
    assert {"2018-07-06", "2025-04-05", "2025-04-09", "2025-04-10", "2026-02-24"} <= set(days)


def test_without_takes_measures_out(ledger: Ledger) -> None:
    regime = ledger.at("2025-04-10").without(["section-232"])
    assert "usa/section-232-cars" not in {a.measure.id for a in regime.active}
    with pytest.raises(UnknownNameError, match="did you mean"):
        regime.without(["section-23"])


def test_groups_are_dated(ledger: Ledger) -> None:
    assert "GBR" in ledger.groups["eu"].at("2019-06-01")
    assert "GBR" not in ledger.groups["eu"].at("2021-01-01")
    assert len(ledger.groups["eu"].at("2025-01-01")) == 27


def test_rcep_members_enter_one_by_one(ledger: Ledger) -> None:
    rcep = ledger.agreements["rcep"]
    assert len(rcep.members) == 15
    # ten on 1 January 2022, Korea a month later
    assert len(rcep.members_at("2022-01-01")) == 10
    assert len(rcep.members_at("2022-02-01")) == 11
    assert len(rcep.members_at("2023-06-02")) == 15


def test_weak_evidence_is_listed(ledger: Ledger) -> None:
    weak = ledger.weak_evidence()
    # the fentanyl duty on Mexico: official text, but its start date is general knowledge
    assert ("usa/ieepa-fentanyl-mexico.yaml", "9903.01.01", "G") in weak
    # the car proclamation is graded A
    assert not [w for w in weak if w[0] == "usa/section-232-cars.yaml"]

"""The law of a day, entry by entry and label by label, on records of a few lines."""

from __future__ import annotations

import pytest

from detente.errors import UnknownNameError
from detente.ledger.asof import entry_at, row_at
from detente.ledger.measure import Entry
from detente.ledger.schema import ShareOf, Targets, TargetsPart
from small_law import agreement, entry, heading, measure, preference, rule, share, write


@pytest.fixture
def law(tmp_path):
    return lambda *records: write(tmp_path, *records)


def made(rate: float | None, in_force: str | None = None, **fields) -> Entry:
    form = {} if rate is None else {"form": "added", "rate_pct": rate}
    return Entry(in_force=in_force, **{**form, **fields})


def rate(history: list[Entry], day: str, **how) -> float | None:
    found = entry_at(history, day, **how)
    return None if found is None else found.rate_pct


# --- entries ----------------------------------------------------------------------------------
def test_first_and_last_day_count():
    history = [made(10, "2025-02-01", ended="2025-02-20")]
    days = ["2025-01-31", "2025-02-01", "2025-02-20", "2025-02-21"]
    assert [rate(history, d) for d in days] == [None, 10, 10, None]
    assert entry_at([], "2025-01-01") is None


def test_the_latest_start_wins_whatever_the_order_in_the_file():
    early, late = made(10, "2025-02-01"), made(20, "2025-03-01")
    for history in ([early, late], [late, early]):
        assert rate(history, "2025-02-28") == 10
        assert rate(history, "2025-03-01") == 20


def test_of_two_that_start_together_the_one_made_known_last_wins_then_the_later_line():
    first = made(10, "2025-02-01", announced="2025-01-10")
    second = made(20, "2025-02-01", announced="2025-01-20")
    assert rate([first, second], "2025-02-01") == rate([second, first], "2025-02-01") == 20
    again = made(30, "2025-02-01", announced="2025-01-20")
    assert rate([second, again], "2025-02-01") == 30
    assert rate([again, second], "2025-02-01") == 20


def test_an_entry_that_ran_out_does_not_bring_back_the_one_before():
    history = [made(10, "2025-02-01"), made(20, "2025-03-01", ended="2025-03-31")]
    assert rate(history, "2025-04-01") is None


@pytest.mark.parametrize("status", ["suspended", "struck_down", "expired", "ended"])
def test_a_status_that_switches_off_leaves_nothing(status):
    history = [made(10, "2025-02-01"), made(None, "2025-03-01", status=status)]
    assert [rate(history, d) for d in ("2025-02-28", "2025-03-01")] == [10, None]


def test_collection_and_legal_dates():
    history = [made(10, "2025-02-01", collected_from="2025-02-05", ended="2025-05-01",
                    collected_until="2025-05-07")]  # fmt: skip
    for day, collected, legal in (
        ("2025-02-01", None, 10), ("2025-02-04", None, 10), ("2025-02-05", 10, 10),
        ("2025-05-01", 10, 10), ("2025-05-02", 10, None), ("2025-05-07", 10, None),
        ("2025-05-08", None, None),
    ):  # fmt: skip
        assert rate(history, day) == collected
        assert rate(history, day, dates="legal") == legal


def test_what_was_known():
    history = [made(10, "2025-02-01", known_from="2025-01-15"), made(20, "2025-02-01",
               announced="2025-03-10")]  # fmt: skip
    asked = ["2025-01-14", "2025-01-15", "2025-03-09", "2025-03-10"]
    assert [rate(history, "2025-03-20", known_on=d) for d in asked] == [None, 10, 10, 20]
    # the legal date is when it was public where nothing else is written
    assert rate([made(10, "2025-02-01")], "2025-02-10", known_on="2025-01-31") is None
    assert rate([made(10, "2025-02-01")], "2025-02-10", known_on="2025-02-01") == 10


def test_an_entry_unknown_or_threatened_does_not_hide_those_behind_it():
    late = made(20, "2025-02-01", announced="2025-03-10")
    threat = made(90, None, status="threatened", announced="2025-01-05")
    standing = made(10, "2025-01-01")
    assert rate([late, standing], "2025-02-10", known_on="2025-02-10") == 10
    assert rate([threat, standing], "2025-02-10", announced=True) == 10
    assert rate([threat], "2025-02-10", announced=True) is None
    coming = made(40, None, status="announced", announced="2025-01-05")
    assert rate([coming, standing], "2025-02-10") == 10
    future = made(50, "2026-01-01")
    assert rate([future, standing], "2025-02-10") == 10


def test_an_end_counts_once_it_is_known():
    sudden = [made(10, "2025-02-01", ended="2025-03-01", end_known_from="2025-03-08")]
    asked = ["2025-03-07", "2025-03-08"]
    assert [rate(sudden, "2025-03-10", known_on=d) for d in asked] == [10, None]
    assert rate(sudden, "2025-03-10") is None
    # an end without a date on which it became known was known from the start
    assert rate([made(10, "2025-02-01", ended="2025-03-01")], "2025-03-10",
                known_on="2025-02-02") is None  # fmt: skip


@pytest.mark.parametrize("status", ["announced", "understanding"])
def test_what_is_announced_counts_from_that_day_when_asked(status):
    history = [made(40, None, status=status, announced="2025-03-01")]
    assert [rate(history, d, announced=True) for d in ("2025-02-28", "2025-03-01")] == [None, 40]
    assert rate(history, "2025-03-01") is None
    dated = [made(40, "2025-06-01", status=status, announced="2025-03-01")]
    assert rate(dated, "2025-06-01") is None  # not decided, date or not
    assert rate(dated, "2025-03-01", announced=True) == 40


def test_asked_for_what_is_announced_a_decided_entry_begins_when_it_was_announced():
    history = [made(10, "2025-02-01", announced="2024-12-01"), made(20, "2025-06-01",
               announced="2025-03-01")]  # fmt: skip
    asked = ["2024-11-30", "2024-12-01", "2025-02-28", "2025-03-01"]
    assert [rate(history, d, announced=True) for d in asked] == [None, 10, 10, 20]
    # announced after it began: the earlier of the two days
    late = [made(10, "2025-02-01", announced="2025-02-20"), made(5, "2025-02-10")]
    assert rate(late, "2025-02-25", announced=True) == 5
    # announced after it began, and no other entry: in force from the first of its two days on
    assert rate(late[:1], "2025-02-10", announced=True) == 10
    # one that began between its two days is overtaken on the first of them, or not at all
    standing = made(5, "2025-02-01")
    coming = [made(20, "2025-06-01", announced="2025-03-01"), standing]
    assert [rate(coming, d, announced=True) for d in ("2025-02-28", "2025-03-01")] == [5, 20]
    older = [made(20, "2025-03-01", announced="2025-01-05"), standing]
    assert rate(older, "2025-03-10", announced=True) == 5
    # announced, and not yet on the day asked for
    assert (
        rate([made(20, "2025-01-01", announced="2025-03-01")], "2025-02-01", announced=True) == 20
    )


def test_rows_hold_until_the_next():
    rows = [ShareOf(starts=d, share_pct=p, assumption="a")
            for d, p in (("2025-01-01", 1), ("2025-02-01", 2))]  # fmt: skip
    found = [row_at(rows, d) for d in ("2024-12-31", "2025-01-01", "2025-01-31", "2025-02-01")]
    assert [getattr(r, "share_pct", None) for r in found] == [None, 1, 1, 2]


# --- the view of a day ------------------------------------------------------------------------
def test_measures_by_imposer_and_flow(law):
    ledger = law(
        measure("a", entry(rate_pct=1)), measure("b", entry(rate_pct=1), imposer="CHN"),
        measure("c", entry(rate_pct=1), flow="export", instrument="export_tax"),
        measure("d", entry(rate_pct=1, in_force="2025-07-01"), imposer="JPN"),
    )  # fmt: skip
    view = ledger.at("2025-06-01")
    assert view.imposers == ("CHN", "USA")
    assert [a.measure.id for a in view.by("USA")] == ["a"]
    assert [a.measure.id for a in view.by("USA", "export")] == ["c"]
    assert [a.measure.id for a in view.by("CHN")] == ["b"]
    assert ledger.at("2025-07-01").imposers == ("CHN", "JPN", "USA")


def ids(view) -> list[str]:
    return [a.measure.id for a in view.active]


def test_without_and_including_by_measure_and_programme(law):
    records = [
        measure("a", entry(rate_pct=1)), measure("b", entry(rate_pct=2), programme="twins"),
        measure("c", heading(entry(rate_pct=3), entry(None, in_force="2025-03-01",
                status="suspended")), heading(entry(rate_pct=4), entry(rate_pct=5,
                in_force="2025-12-01")), programme="twins"),
        measure("d", entry(rate_pct=6, in_force="2025-12-01")),
    ]  # fmt: skip
    view = law(*records).at("2025-06-01")
    assert ids(view) == ["a", "b", "c"]
    assert ids(view.without(["b"])) == ["a", "c"]
    assert ids(view.without(["twins"])) == ["a"]
    assert ids(view.without(["of-a", "b"])) == ["c"]
    assert ids(view.without([])) == ["a", "b", "c"]
    # counted as in force by the last entry that states a form, in the ledger's order
    more = view.including(["twins", "d"])
    assert ids(more) == ["a", "b", "c", "d"]
    held = {a.measure.id: [(p.number, p.entry.rate_pct) for p in a.provisions] for a in more.active}
    assert held == {"a": [(0, 1)], "b": [(0, 2)], "c": [(0, 3), (1, 5)], "d": [(0, 6)]}
    # c itself on the day: the first heading is suspended, the second at its first rate
    (c,) = [a for a in view.active if a.measure.id == "c"]
    assert [(p.number, p.entry.rate_pct) for p in c.provisions] == [(1, 4)]
    assert more.date == view.date
    assert ids(view.without(["a"]).including(["a"])) == ["a", "b", "c"]
    for change in (view.without, view.including):
        with pytest.raises(UnknownNameError, match="'twinz'; did you mean twins"):
            change(["twins", "twinz"])


def test_a_measure_that_never_states_a_form_cannot_be_counted(law):
    off = measure("off", entry(None, in_force="2025-03-01", status="suspended"))
    view = law(off, measure("a", entry(rate_pct=1))).at("2025-06-01")
    assert ids(view.including(["off"])) == ["a"]


GROUP = {
    "kind": "group", "id": "club", "title": "club", "as_partner": "CLUB",
    "members": [{"country": "KOR"}, {"country": "JPN", "joined": "2025-03-01"},
                {"country": "CHN", "left": "2025-04-30"}],
    "sources": measure("x", entry(rate_pct=1))["sources"],
}  # fmt: skip


def test_groups_have_members_by_day(law):
    ledger = law(GROUP)
    asked = ("2025-02-28", "2025-03-01", "2025-04-30", "2025-05-01")
    found = [sorted(ledger.at(d).members_of_partner("CLUB")) for d in asked]
    assert found == [["CHN", "KOR"], ["CHN", "JPN", "KOR"], ["CHN", "JPN", "KOR"], ["JPN", "KOR"]]
    view = ledger.at("2025-06-01")
    assert view.members_of_partner("USA") == {"USA"}
    assert len(view.members_of_partner("EU27")) == 27
    with pytest.raises(UnknownNameError, match="unknown partner 'CLOB'; did you mean CLUB"):
        view.members_of_partner("CLOB")


def test_targets_name_countries(law):
    view = law(GROUP).at("2025-06-01")
    assert view.countries(Targets(countries=("USA",), groups=("club",))) == {"USA", "KOR", "JPN"}
    assert view.countries(TargetsPart(countries=("USA",))) == {"USA"}
    every = view.countries(Targets(all=True))
    assert {"USA", "KOR", "DEU"} < every
    assert view.countries(Targets(all=True, but=TargetsPart(groups=("club",)))) == every - {
        "KOR", "JPN"}  # fmt: skip
    assert view.countries(Targets(groups=("club",), but=TargetsPart(countries=("JPN",)))) == {"KOR"}
    assert view.reaches(Targets(countries=("KOR", "JPN", "USA")), "CLUB")
    assert not view.reaches(Targets(countries=("KOR", "USA")), "CLUB")
    assert view.reaches(Targets(countries=("KOR",)), "KOR")


def test_a_group_without_members_is_reached_by_nothing(law):
    gone = {**GROUP, "members": [{"country": "CHN", "left": "2025-04-30"}]}
    view = law(gone).at("2025-06-01")
    assert view.members_of_partner("CLUB") == frozenset()
    assert not view.reaches(Targets(all=True), "CLUB")
    pact = agreement("pact", preference({"rate_pct": 0}))
    view = law(gone, pact).at("2025-06-01")
    (held, granted) = view.preferences("USA")[0]
    assert not view.grants(held, granted, "CLUB")


# --- agreements -------------------------------------------------------------------------------
def test_preferences_by_importer_day_and_priority(law):
    late = preference({}, steps=[{"starts": "2025-03-01", "rate_pct": 0}])
    other = preference({"rate_pct": 0}, importer="KOR")
    ledger = law(
        agreement("b", preference({"rate_pct": 0}), other, priority=1),
        agreement("a", preference({"rate_pct": 0}), late, priority=1),
        agreement("c", preference({"rate_pct": 0}), priority=2),
        agreement("d", preference({"rate_pct": 0})),
    )  # fmt: skip
    named = [a.id for a, _ in ledger.at("2025-06-01").preferences("USA")]
    assert named == ["c", "a", "a", "b", "d"]
    assert [a.id for a, _ in ledger.at("2025-02-28").preferences("USA")] == ["c", "a", "b", "d"]
    assert [a.id for a, _ in ledger.at("2025-02-28").preferences("KOR")] == ["b"]
    assert ledger.at("2025-06-01").preferences("JPN") == ()


def granted(view, partner: str, number: int = 0) -> bool:
    pact = view.ledger.agreements["pact"]
    return view.grants(pact, pact.preferences[number], partner)


def test_a_preference_is_open_while_both_sides_are_members(law):
    members = [{"country": "USA", "in_force": "2025-01-10"},
               {"country": "KOR", "in_force": "2025-02-01", "left": "2025-04-30"},
               {"country": "JPN"}]  # fmt: skip
    ledger = law(agreement("pact", preference({"rate_pct": 0}), members=members))
    days = ("2025-01-31", "2025-02-01", "2025-04-30", "2025-05-01")
    assert [granted(ledger.at(d), "KOR") for d in days] == [False, True, True, False]
    assert not granted(ledger.at("2025-03-01"), "JPN")  # signed, not ratified
    assert not granted(ledger.at("2025-03-01"), "DEU")
    assert not granted(ledger.at("2025-03-01"), "USA")  # to itself
    early = law(agreement("pact", preference({"rate_pct": 0}), members=[
        {"country": "USA", "in_force": "2025-06-01"}, "KOR"]))  # fmt: skip
    days = ("2025-05-31", "2025-06-01")
    assert [granted(early.at(d), "KOR") for d in days] == [False, True]


def test_parties_spell_groups_out(law):
    members = ["USA", {"group": "club", "in_force": "2025-01-01"}, {"country": "MEX"}]
    ledger = law(GROUP, agreement("pact", preference({"rate_pct": 0}), members=members))
    view = ledger.at("2025-06-01")
    assert view.parties(ledger.agreements["pact"]) == {"USA", "KOR", "JPN"}
    assert view.parties(ledger.agreements["pact"]) == {"USA", "KOR", "JPN"}  # once more, kept
    assert ledger.at("2025-02-01").parties(ledger.agreements["pact"]) == {"USA", "KOR", "CHN"}
    assert granted(view, "CLUB")
    assert granted(view, "JPN")
    assert not granted(view, "CHN")


def test_named_exporters_narrow_a_preference(law):
    to_japan = preference({"rate_pct": 0}, exporters={"countries": ["JPN", "DEU"]})
    ledger = law(agreement("pact", to_japan, members=("USA", "KOR", "JPN")))
    view = ledger.at("2025-06-01")
    assert [granted(view, c) for c in ("JPN", "KOR", "DEU")] == [True, False, False]


def test_a_unilateral_scheme_needs_no_members(law):
    scheme = agreement("pact", preference({"rate_pct": 0}, exporters={"countries": ["VNM", "KHM"]}),
                       members=(), type="unilateral")  # fmt: skip
    view = law(scheme).at("2025-06-01")
    assert [granted(view, c) for c in ("VNM", "KOR")] == [True, False]


def test_a_union_grants_nothing_to_its_own_members(law):
    own = preference({"rate_pct": 0}, importer="EU27")
    members = [{"group": "eu", "in_force": "2025-01-01"}, "KOR", "DEU"]
    view = law(agreement("pact", own, members=members)).at("2025-06-01")
    assert [granted(view, c) for c in ("KOR", "DEU", "EU27")] == [True, False, False]


def test_rules_of_the_day(law):
    duty = measure("a", entry(rate_pct=1))
    ledger = law(duty, rule("cap", over=["a"], rate_pct=1, starts="2025-02-01", ended="2025-03-31",
                            known_from="2025-01-20"))  # fmt: skip
    days = ("2025-01-31", "2025-02-01", "2025-03-31", "2025-04-01")
    assert [len(ledger.at(d).rules) for d in days] == [0, 1, 1, 0]
    known = ("2025-01-19", "2025-01-20")
    assert [len(ledger.at("2025-02-10", known_on=d).rules) for d in known] == [0, 1]


def test_use_of_a_preference_changes_by_day(law):
    used = [share(10, "2025-01-01"), share(20, "2025-03-01")]
    ledger = law(agreement("pact", preference({"rate_pct": 0}, utilisation=used)))
    ((_, held),) = ledger.at("2025-06-01").preferences("USA")
    found = [row_at(held.utilisation, d) for d in ("2025-02-28", "2025-03-01")]
    assert [getattr(r, "share_pct", None) for r in found] == [10, 20]

"""What stacking says about how it came to its numbers, and what it does once for many records."""

from __future__ import annotations

import numpy as np
import pytest

from detente.law.stacking import Cells, _same_scope, evaluate
from small_law import (
    CAR,
    SHIRT,
    STEEL,
    agreement,
    ask,
    entry,
    heading,
    measure,
    paths,
    preference,
    rule,
    share,
    three_lines,
    write,
)


@pytest.fixture
def law(tmp_path):
    return lambda *records, **more: write(tmp_path, *records, **more)


def test_a_rule_sets_aside_only_what_would_apply(law):
    """Korea is exempt of e, and Japan is no target of it: nothing to set aside in either."""
    every = measure("e", heading(entry(rate_pct=10), targets={"countries": ["KOR"], "groups":
                    ["eu"]}), heading(entry("exempt"), targets={"countries": ["KOR"]}))  # fmt: skip
    ledger = law(measure("s", entry(rate_pct=50)), every, rule("exclude", where=["s"], drop=["e"]))
    said = {}
    for partner in ("KOR", "JPN", "EU27"):
        (trace,) = (t for t in ask(ledger, partner=partner, trace=True).trace
                    if t.measure.measure.id == "e")  # fmt: skip
        said[partner] = (trace.choice[0], trace.dropped[0], trace.added[0])
    assert said == {"KOR": (1, -1, 0), "JPN": (-1, -1, 0), "EU27": (0, 0, 0)}


def test_headings_of_one_scope_are_taken_together(law):
    """Sixty countries are one run; an exemption, other goods or another path begin a new one."""
    countries = ["JPN", "KOR", "CHN", "IND"]
    many = [heading(entry(rate_pct=n), targets={"countries": [c]})
            for n, c in enumerate(countries)]  # fmt: skip
    cars = heading(entry(rate_pct=9), products={"codes": ["8703"]})
    free = heading(entry("exempt"), targets={"countries": ["JPN"]})
    again = heading(entry(rate_pct=0), targets={"countries": ["JPN"]})
    headings = [*many, free, cars, heading(entry(rate_pct=9)), again]
    for several, expected in (("last", [4, 1, 1, 2]), ("highest", [1] * 8)):
        ledger = law(measure("a", *headings, **({} if several == "last" else {"several": several})))
        (active,) = ledger.at("2025-06-01").active
        runs = _same_scope(active)
        assert [len(members) for _, _, members in runs] == expected
        assert [number for _, _, members in runs for number, _ in members] == list(range(8))
        assert [active.measure.scope(active.provisions[n].provision)[1]
                for products, _, members in runs for n, _ in members] == [
            products for products, _, members in runs for _ in members]  # fmt: skip


def test_a_preference_nobody_has_used_yet_changes_nothing(law):
    """Open from 2018, with shares of use from 2026 on: on the day nothing is known to claim it."""
    later = preference({"rate_pct": 0}, utilisation=[share(100, "2026-01-01")])
    ledger = law(agreement("fta", later))
    assert paths(ask(ledger)) == [(1.0, 10.0)]
    assert paths(ask(ledger, day="2026-06-01")) == [(1.0, 0.0)]


def test_an_agreement_with_others_hides_no_agreement(law):
    free = preference({"rate_pct": 0})
    ledger = law(agreement("a", free, members=("USA", "JPN")), agreement("b", free))
    assert [a.id for a, _ in ledger.at("2025-06-01").preferences("USA")] == ["a", "b"]
    table = three_lines()
    only = Cells(np.zeros(1, dtype=int), np.zeros(1, dtype=int), ("KOR",), ("KOR",))
    assert evaluate(ledger.at("2025-06-01"), table, only).rate.tolist() == [0.0]


def test_a_group_without_members_is_no_target(law, monkeypatch):
    """A group that trades under one label, before anybody had joined: "all" does not reach it."""
    regime = law(measure("a", entry(rate_pct=5))).at("2025-06-01")
    monkeypatch.setattr(
        type(regime), "members_of_partner",
        lambda self, p: frozenset() if p == "EU27" else frozenset({p}),
    )  # fmt: skip
    two = Cells(np.zeros(2, dtype=int), np.array([0, 1]), ("KOR", "EU27"), ("KOR", "EU27"))
    assert evaluate(regime, three_lines(), two).added.tolist() == [5.0, 0.0]


def test_a_heading_that_reaches_nobody_here_hides_no_other(law):
    ledger = law(measure(
        "a", heading(entry(rate_pct=9), targets={"countries": ["CHN"]}),
        heading(entry(rate_pct=5), products={"codes": ["72"]}, targets={"countries": ["KOR"]}),
    ))  # fmt: skip
    assert [ask(ledger, line).added[0] for line in (STEEL, CAR)] == [5, 0]


def test_a_rule_for_some_countries_looks_at_the_goods_as_well(law):
    """On Korean steel a sets e aside; on Korean cars there is no a, and for Japan no rule."""
    ledger = law(
        measure("a", entry(rate_pct=1), products={"codes": ["72"]}),
        measure("e", entry(rate_pct=40)),
        rule("exclude", where=["a"], drop=["e"], targets={"countries": ["KOR"]}),
    )
    found = [ask(ledger, line, partner).added[0]
             for line, partner in ((STEEL, "KOR"), (CAR, "KOR"), (STEEL, "JPN"))]  # fmt: skip
    assert found == [1, 40, 41]


def test_only_an_exclusion_sets_aside(law):
    """The higher of 5 and 7 is due, whatever else a rule of that kind happens to name."""
    highest = rule("highest", over=["a", "b"], where=["a"], drop=["b"])
    result = ask(law(measure("a", entry(rate_pct=5)), measure("b", entry(rate_pct=7)), highest))
    assert result.added.tolist() == [7.0]


def test_bans_and_gaps_are_truth_values(law):
    result = ask(law(measure("a", entry(rate_pct=5))))
    assert (result.banned.dtype, result.partial.dtype) == (bool, bool)


def test_exceptions_are_taken_from_the_goods_that_are_named(law):
    but = {"codes": ["72", "87"], "but": {"codes": ["8703"]}}
    ledger = law(measure("a", entry(rate_pct=5), products=but))
    assert [ask(ledger, line).added[0] for line in (STEEL, CAR, SHIRT)] == [5, 0, 0]


def test_a_rule_looks_at_all_the_measures_it_names(law):
    """On steel a applies, on cars b, on shirts both; each is enough to set e aside."""
    ledger = law(
        measure("a", entry(rate_pct=1), products={"codes": ["72", "61"]}),
        measure("b", entry(rate_pct=2), products={"codes": ["87", "61"]}),
        measure("e", entry(rate_pct=40)),
        rule("exclude", where=["a", "b"], drop=["e"]),
    )
    assert [ask(ledger, line).added[0] for line in (STEEL, CAR, SHIRT)] == [1, 2, 3]
    assert ask(ledger, STEEL, "JPN").added[0] == 1


def test_rules_on_others_do_not_end_the_list(law):
    """The first two say nothing about e; the third does."""
    three = [measure(n, entry(rate_pct=r)) for n, r in (("a", 1), ("b", 2), ("e", 40))]
    ledger = law(
        *three,
        rule("cap", "r1", over=["a"], rate_pct=50),
        rule("exclude", "r2", where=["a"], drop=["b"]),
        rule("exclude", "r3", where=["a"], drop=["e"]),
    )
    assert ask(ledger).added[0] == 1
    (trace,) = (t for t in ask(ledger, trace=True).trace if t.measure.measure.id == "e")
    assert trace.dropped[0] == 2

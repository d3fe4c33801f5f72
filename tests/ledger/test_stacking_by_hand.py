"""How measures meet on one good, each rule on a law of a few lines worked out by hand.

The lines are steel at 2%, cars at 10%, shirts at 20%; every number is summed up in its comment.
"""

from __future__ import annotations

import numpy as np
import pytest

from detente.law.scopes import scope_lines
from detente.law.stacking import Cells, evaluate
from small_law import (
    CAR,
    LINE,
    PARTNERS,
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
    split,
    three_lines,
    write,
)


@pytest.fixture
def law(tmp_path):
    return lambda *records, **more: write(tmp_path, *records, **more)


def rate(ledger, line=CAR, partner="KOR", **how) -> float:
    """The rate of a cell with one path."""
    ((whole, found),) = paths(ask(ledger, line, partner, **how))
    assert whole == 1.0
    return found


# --- forms ------------------------------------------------------------------------------------
def test_no_measure_leaves_the_base_alone(law):
    found = ask(law())
    assert (found.base[0], found.added[0], found.mfn[0]) == (10, 0, 10)
    assert {found.base.dtype, found.added.dtype, found.mfn.dtype} == {np.dtype(float)}
    assert not found.banned[0]
    assert not found.partial[0]
    assert found.claim[0] == -1


def test_added_rates_add_up(law):
    ledger = law(measure("a", entry(rate_pct=25)), measure("b", entry(rate_pct=7)))
    assert rate(ledger) == 42  # 10 + 25 + 7
    assert rate(ledger, STEEL) == 34  # 2 + 25 + 7


def test_a_total_tops_the_base_up_and_never_lowers_it(law):
    ledger = law(measure("a", entry("total", 15, base="mfn")))
    assert [rate(ledger, line) for line in (STEEL, CAR, SHIRT)] == [15, 15, 20]
    assert ask(ledger, STEEL).added[0] == 13  # 15 - 2


def test_a_total_is_measured_against_the_base_it_names(law):
    free = agreement("fta", preference({"rate_pct": 0}))
    for base, expected in (("mfn", 5), ("claimed", 15)):  # 15 - 10 on top of 0; 15 - 0
        assert rate(law(free, measure("a", entry("total", 15, base=base)))) == expected


def test_bases_are_replaced_before_totals_are_measured(law):
    # 8 in place of 10, and 15 in total: 8 + 7. By the alphabet the total came first: 8 + 5
    ledger = law(
        measure("a-total", entry("total", 15, base="mfn")),
        measure("z-replaced", entry("replaced", 8)),
    )
    found = ask(ledger)
    assert (found.base[0], found.added[0], found.mfn[0]) == (8, 7, 8)


def test_of_two_replaced_bases_the_later_in_the_stated_order_stands(law):
    two = [measure("a", entry("replaced", 8)), measure("b", entry("replaced", 9)),
           measure("c", entry("replaced", 6))]  # fmt: skip
    assert rate(law(*two)) == 6  # by the alphabet
    assert rate(law(*two, rule("order", over=["b", "c", "a"]))) == 8
    # c is not named: it comes after those that are
    assert rate(law(*two, rule("order", over=["b", "a"]))) == 6
    # a name that stands twice counts where it stands first
    assert rate(law(*two, rule("order", over=["a", "c", "b", "a"]))) == 9
    assert rate(law(*two, rule("order", over=["of-c", "of-b", "of-a"]))) == 8  # programmes


def test_a_ban_has_no_rate_and_an_amount_without_equivalent_is_partial(law):
    found = ask(law(measure("a", entry("ban"))))
    assert (bool(found.banned[0]), bool(found.partial[0]), found.rate[0]) == (True, False, 10)
    found = ask(law(measure("a", entry("quota"))))
    assert (bool(found.banned[0]), bool(found.partial[0]), found.rate[0]) == (False, True, 10)
    found = ask(law(measure("a", entry("quota", equivalent_pct=4))))
    assert (bool(found.partial[0]), found.rate[0]) == (False, 14)


def test_partial_stays_where_another_amount_is_known(law):
    found = ask(law(measure("a", entry("quota")), measure("b", entry("quota", equivalent_pct=4))))
    assert (bool(found.partial[0]), found.rate[0]) == (True, 14)


# --- scopes -----------------------------------------------------------------------------------
def test_a_scope_reaches_its_lines_and_its_partners_only(law):
    ledger = law(measure("a", entry(rate_pct=5), products={"codes": ["87", "6109"]},
                         targets={"countries": ["KOR"], "groups": ["eu"]}))  # fmt: skip
    found = {(line, p): rate(ledger, line, p) for line in (STEEL, CAR, SHIRT) for p in PARTNERS}
    assert found == {
        (STEEL, "KOR"): 2, (CAR, "KOR"): 15, (SHIRT, "KOR"): 25,
        (STEEL, "JPN"): 2, (CAR, "JPN"): 10, (SHIRT, "JPN"): 20,
        (STEEL, "EU27"): 2, (CAR, "EU27"): 15, (SHIRT, "EU27"): 25,
    }  # fmt: skip


def test_a_group_is_reached_when_all_its_members_are(law):
    ledger = law(measure("a", entry(rate_pct=5), targets={"countries": ["DEU", "FRA"]}))
    assert rate(ledger, partner="EU27") == 10
    ledger = law(measure("a", entry(rate_pct=5), targets={"all": True, "but": {"groups": ["eu"]}}))
    assert (rate(ledger, partner="EU27"), rate(ledger)) == (10, 15)


def test_the_imposer_is_never_its_own_target(law):
    ledger = law(measure("a", entry(rate_pct=5), imposer="KOR"))
    assert rate(ledger, partner="KOR", importer="KOR") == 10
    assert rate(ledger, partner="JPN", importer="KOR") == 15
    union = law(measure("a", entry(rate_pct=5), imposer="EU27"))
    assert rate(union, partner="EU27", importer="EU27") == 10
    assert rate(union, partner="KOR", importer="EU27") == 15


def test_product_scopes(law):
    ledger = law(
        measure("all", entry(rate_pct=1)),
        measure("sectors", entry(rate_pct=1), products={"sectors": ["C24", "C29"]}),
        measure("both", entry(rate_pct=1), products={"sectors": ["C24"], "codes": ["87"]}),
        measure("but", entry(rate_pct=1), products={"all": True, "but": {"codes": ["8703"]}}),
        measure("but-sector", entry(rate_pct=1),
                products={"all": True, "but": {"sectors": ["C24"]}}),
        measure("outside", entry(rate_pct=1), products={"outside_goods": "services"}),
    )  # fmt: skip
    table = three_lines()
    covered = {m.id: scope_lines(table, ledger, m.products)[list(LINE.values())].tolist()
               for m in ledger.measures.values()}  # fmt: skip
    kinds = {scope_lines(table, ledger, m.products).dtype for m in ledger.measures.values()}
    assert kinds == {np.dtype(bool)}  # a mask, and no positions
    # shirt, steel, car
    assert covered == {
        "all": [True, True, True], "sectors": [False, True, True], "both": [False, True, True],
        "but": [True, True, False], "but-sector": [True, False, True],
        "outside": [False, False, False],
    }  # fmt: skip


def test_scopes_by_list(law):
    listed = {"products": {"lists": ["metals"], "codes": ["6109"]}}
    but = {"products": {"all": True, "but": {"lists": ["metals"]}}}
    ledger = law(measure("a", entry(rate_pct=5), **listed), measure("b", entry(rate_pct=7), **but),
                 lists={"metals": ["7208", "7209"]})  # fmt: skip
    assert [rate(ledger, line) for line in (STEEL, CAR, SHIRT)] == [7, 17, 32]


def test_measures_on_exports_and_of_others_do_not_count(law):
    ledger = law(measure("a", entry(rate_pct=5), flow="export", instrument="export_tax"),
                 measure("b", entry(rate_pct=5), imposer="JPN"))  # fmt: skip
    assert rate(ledger) == 10


# --- several provisions -----------------------------------------------------------------------
def test_the_last_heading_is_an_exception_to_those_above(law):
    headings = [heading(entry(rate_pct=25)),
                heading(entry(rate_pct=5), products={"codes": ["8703"]}),
                heading(entry("exempt"), targets={"countries": ["JPN"]})]  # fmt: skip
    ledger = law(measure("a", *headings))
    assert rate(ledger) == 15  # 10 + 5, although 25 is higher
    assert rate(ledger, STEEL) == 27
    assert rate(ledger, partner="JPN") == 10
    assert rate(ledger, STEEL, "JPN") == 2


def test_headings_of_one_scope_may_name_many_countries(law):
    headings = [heading(entry(rate_pct=r), targets={"countries": [c]})
                for c, r in (("JPN", 11), ("KOR", 12), ("CHN", 13))]  # fmt: skip
    ledger = law(measure("a", *headings))
    assert (rate(ledger), rate(ledger, partner="JPN"), rate(ledger, partner="EU27")) == (22, 21, 10)


def test_the_highest_heading_where_the_measure_says_so(law):
    headings = [heading(entry(rate_pct=25)),
                heading(entry(rate_pct=5), products={"codes": ["8703"]}),
                heading(entry(rate_pct=30), products={"codes": ["72"]}),
                heading(entry("exempt"), targets={"countries": ["JPN"]}),
                heading(entry(rate_pct=40), targets={"countries": ["JPN"]})]  # fmt: skip
    ledger = law(measure("a", *headings, several="highest"))
    assert rate(ledger) == 35  # 10 + 25
    assert rate(ledger, STEEL) == 32  # 2 + 30
    assert rate(ledger, partner="JPN") == 10  # exempt, whatever stands below it


def test_the_highest_of_two_headings_of_one_scope_whatever_their_order(law):
    for rates in ((30, 10), (10, 30)):
        headings = [heading(entry(rate_pct=r)) for r in rates]
        assert rate(law(measure("a", *headings, several="highest"))) == 40
        assert rate(law(measure("a", *headings))) == 10 + rates[1]


def test_a_heading_of_nothing_is_below_half_a_point(law):
    headings = [heading(entry(rate_pct=0.5)), heading(entry(rate_pct=0))]
    assert rate(law(measure("a", *headings, several="highest"))) == 10.5


def test_a_highest_rate_of_nothing_is_still_reached(law):
    ledger = law(measure("a", entry(rate_pct=0), several="highest"))
    assert ask(ledger, trace=True).trace[0].choice.tolist() == [0]


def test_forms_may_differ_between_headings(law):
    headings = [heading(entry(rate_pct=25)),
                heading(entry("total", 15, base="mfn"), targets={"countries": ["JPN"]}),
                heading(entry("ban"), targets={"groups": ["eu"]})]  # fmt: skip
    ledger = law(measure("a", *headings))
    assert (rate(ledger), rate(ledger, partner="JPN")) == (35, 15)
    union = ask(ledger, partner="EU27")
    assert (union.rate[0], bool(union.banned[0])) == (10, True)


# --- rules ------------------------------------------------------------------------------------
TWO = (measure("a", entry(rate_pct=30)), measure("b", entry(rate_pct=20), targets={
    "countries": ["KOR", "JPN"]}), measure("c", entry(rate_pct=3)))  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "pct", "expected"),
    [
        ("cap", 40, 53),  # 10 + min(30 + 20, 40) + 3
        ("cap", 60, 63),  # 10 + 50 + 3: under the cap nothing is cut
        ("floor", 70, 83),  # 10 + max(50, 70) + 3
        ("floor", 40, 63),  # above the floor nothing is added
        ("highest", None, 43),  # 10 + max(30, 20) + 3
    ],
)
def test_caps_floors_and_the_highest(law, kind, pct, expected):
    over = {"over": ["a", "of-b"], **({} if pct is None else {"rate_pct": pct})}
    ledger = law(*TWO, rule(kind, **over))
    found = ask(ledger)
    assert found.rate.tolist() == [expected]
    assert found.adjusted["rule"].tolist() == [expected - 63]


def test_a_floor_lifts_only_what_pays_something(law):
    duty = measure("a", entry(rate_pct=4), targets={"countries": ["KOR"]})
    ledger = law(duty, rule("floor", over=["a"], rate_pct=12))
    assert rate(ledger) == 22  # 10 + 12
    assert rate(ledger, partner="JPN") == 10


def test_a_rule_holds_for_its_targets(law):
    ledger = law(*TWO, rule("cap", over=["a", "b"], rate_pct=40, targets={"countries": ["JPN"]}))
    assert rate(ledger) == 63
    assert rate(ledger, partner="JPN") == 53


def test_a_rule_over_measures_not_in_force_does_nothing(law):
    later = measure("later", entry(rate_pct=9, in_force="2025-12-01"))
    found = ask(law(later, *TWO, rule("cap", over=["later"], rate_pct=1)))
    assert found.rate.tolist() == [63]
    assert found.adjusted == {}


def test_rules_of_another_imposer_do_not_count(law):
    other = rule("cap", over=["a", "b"], rate_pct=1, imposer="JPN")
    assert rate(law(*TWO, other)) == 63


def test_a_rule_is_there_on_its_first_and_its_last_day_and_not_around_them(law):
    ledger = law(*TWO, rule("cap", over=["a", "b"], rate_pct=40, starts="2025-03-02",
                            ended="2025-03-05"))  # fmt: skip
    days = ["2025-03-01", "2025-03-02", "2025-03-05", "2025-03-06"]
    assert [rate(ledger, day=d) for d in days] == [63, 53, 53, 63]
    # the record says from when a rule was public: its first day unless it says so
    assert rate(ledger, day="2025-03-03", known_on="2025-03-01") == 63
    assert rate(ledger, day="2025-03-03", known_on="2025-03-02") == 53


def test_exclusion_sets_aside_where_the_other_applies(law):
    steel = measure("s", entry(rate_pct=50), products={"codes": ["72"]})
    every = measure("e", entry(rate_pct=10))
    ledger = law(steel, every, rule("exclude", where=["s"], drop=["e"]))
    assert rate(ledger, STEEL) == 52  # 2 + 50, and no 10
    assert rate(ledger) == 20  # 10 + 10
    by_programme = law(steel, every, rule("exclude", where=["of-s"], drop=["of-e"]))
    assert rate(by_programme, STEEL) == 52
    for_japan = law(steel, every, rule("exclude", where=["s"], drop=["e"],
                                       targets={"countries": ["JPN"]}))  # fmt: skip
    assert rate(for_japan, STEEL) == 62
    assert rate(for_japan, STEEL, "JPN") == 52


def test_what_is_exempt_or_set_aside_excludes_nothing(law):
    exempt = measure("s", heading(entry(rate_pct=50)),
                     heading(entry("exempt"), targets={"countries": ["KOR"]}))  # fmt: skip
    every = measure("e", entry(rate_pct=10))
    ledger = law(exempt, every, rule("exclude", where=["s"], drop=["e"]))
    assert rate(ledger) == 20  # exempt of s: 10 + 10
    assert rate(ledger, partner="JPN") == 60  # 10 + 50
    # a sets b aside, and b, set aside, no longer sets c aside: 10 + 1 + 4
    chain = [measure(n, entry(rate_pct=r)) for n, r in (("a", 1), ("b", 2), ("c", 4))]
    ledger = law(*chain, rule("exclude", "ab", where=["a"], drop=["b"]),
                 rule("exclude", "bc", where=["b"], drop=["c"]))  # fmt: skip
    assert rate(ledger) == 15


def test_the_trace_says_what_each_measure_did(law):
    records = [measure(n, entry(rate_pct=r)) for n, r in (("a", 1), ("b", 2), ("c", 4))]
    ledger = law(*records, rule("exclude", "first", where=["a"], drop=["c"]),
                 rule("exclude", "second", where=["b"], drop=["c"]),
                 rule("cap", "third", over=["a"], rate_pct=9))  # fmt: skip
    found = ask(ledger, trace=True)
    assert [r.id for r in found.rules] == ["first", "second", "third"]
    said = {t.measure.measure.id: (t.choice[0], t.dropped[0], t.added[0]) for t in found.trace}
    assert said == {"a": (0, -1, 1), "b": (0, -1, 2), "c": (0, 0, 0)}  # the first rule that does
    assert ask(ledger).trace == ()


# --- preferences ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"rate_pct": 0}, 0),
        ({"rate_pct": 4}, 4),
        ({"rate_pct": 14}, 10),  # no preference above the ordinary rate
        ({"cut_pct": 40}, 6),  # 10 less 40%
        ({"cut_pct": 100}, 0),
        ({"cut_pct": 0}, 10),
    ],
)
def test_a_preference_is_a_rate_or_a_cut(law, step, expected):
    ledger = law(agreement("fta", preference(step)))
    assert rate(ledger) == expected
    assert rate(ledger, partner="JPN") == 10


def test_part_of_the_entries_claims(law):
    found = ask(law(agreement("fta", preference({"rate_pct": 4}, used_pct=25))))
    assert paths(found) == [(0.25, 4), (0.75, 10)]
    assert found.entry_share.tolist() == [0.75, 0.25]
    assert found.value_share.tolist() == [1, 1]
    assert found.claim.tolist() == [-1, 0]
    assert [a.id for a in found.claims] == ["fta"]


def test_a_preference_nobody_uses_opens_no_path(law):
    found = ask(law(agreement("fta", preference({"rate_pct": 4}, used_pct=0))))
    assert paths(found) == [(1, 10)]
    assert found.claim.tolist() == [-1]


def test_a_preference_that_changes_nothing_opens_a_path_only_where_a_measure_asks_for_it(law):
    idle = agreement("fta", preference({"rate_pct": 10}, used_pct=25))
    assert paths(ask(law(idle))) == [(1, 10)]
    asks = measure("a", entry(rate_pct=25), provisions=[
        heading(entry(rate_pct=25), when={"no_claims": ["fta"]})])  # fmt: skip
    assert paths(ask(law(idle, asks))) == [(0.25, 10), (0.75, 35)]
    asks = measure("a", entry(rate_pct=25), provisions=[
        heading(entry(rate_pct=25), when={"claims": ["fta"]})])  # fmt: skip
    assert paths(ask(law(idle, asks))) == [(0.75, 10), (0.25, 35)]


def test_the_agreement_of_higher_priority_is_claimed(law):
    low, high = (agreement(n, preference({"rate_pct": r}), priority=p)
                 for n, r, p in (("a", 1, 1), ("b", 2, 2)))  # fmt: skip
    assert rate(law(low, high)) == 2
    # on goods that it does not hold, the other is
    narrow = agreement("b", preference({"rate_pct": 2}, products={"codes": ["87"]}), priority=2)
    ledger = law(low, narrow)
    assert (rate(ledger), rate(ledger, SHIRT)) == (2, 1)
    found = ask(ledger, SHIRT)
    assert found.claims[found.claim[0]].id == "a"


def test_a_preference_on_a_replaced_base(law):
    new = measure("a", entry("replaced", 30))
    # a cut is a cut of the new rate; a rate stays where it is lower than the new one
    assert rate(law(new, agreement("fta", preference({"cut_pct": 40})))) == 18
    assert rate(law(new, agreement("fta", preference({"rate_pct": 4})))) == 4
    assert rate(law(new)) == 30
    low = measure("a", entry("replaced", 3))
    assert rate(law(low, agreement("fta", preference({"rate_pct": 4})))) == 3
    # what is not claimed pays the new rate
    half = agreement("fta", preference({"cut_pct": 40}, used_pct=50))
    assert paths(ask(law(new, half))) == [(0.5, 18), (0.5, 30)]


def test_steps_and_use_are_those_of_the_day(law):
    steps = [{"starts": "2018-01-01", "rate_pct": 8}, {"starts": "2025-03-01", "rate_pct": 5}]
    used = [share(100, "2018-01-01"), share(50, "2025-05-01")]
    ledger = law(agreement("fta", preference({}, steps=steps, utilisation=used)))
    found = [paths(ask(ledger, day=d)) for d in ("2025-02-28", "2025-03-01", "2025-05-01")]
    assert found == [[(1, 8)], [(1, 5)], [(0.5, 5), (0.5, 10)]]


def test_a_path_is_chosen_among_several_agreements(law):
    korea = agreement("k", preference({"rate_pct": 0}))
    japan = agreement("j", preference({"rate_pct": 0}), members=("USA", "JPN"))
    asks = measure("a", heading(entry(rate_pct=25), when={"no_claims": ["k"]}),
                   products={"codes": ["87"]})  # fmt: skip
    ledger = law(korea, japan, asks)
    assert (rate(ledger), rate(ledger, partner="JPN"), rate(ledger, partner="EU27")) == (0, 25, 35)
    wants = measure("a", heading(entry(rate_pct=25), when={"claims": ["j"]}))
    ledger = law(korea, japan, wants)
    assert (rate(ledger), rate(ledger, partner="JPN"), rate(ledger, partner="EU27")) == (0, 25, 10)


# --- splits -----------------------------------------------------------------------------------
def on_part(name: str, pct: float, part: str, of: str = "metal") -> dict:
    return measure(name, heading(entry(rate_pct=pct), when={"parts": {of: part}}))


def test_a_split_by_value_weighs_two_rates_of_one_good(law):
    metal = split("metal", "value", {"products": {"codes": ["72", "87"]}, "shares": [share(40)]})
    ledger = law(metal, on_part("a", 50, "first"), on_part("b", 5, "second"))
    found = ask(ledger)
    assert paths(found) == [(0.6, 15), (0.4, 60)]  # 10 + 5 on the rest, 10 + 50 on the metal
    assert found.entry_share.tolist() == [1, 1]
    assert sorted(found.value_share.tolist()) == [0.4, 0.6]
    # a line in no row is all second part
    assert paths(ask(ledger, SHIRT)) == [(1, 25)]


def test_a_split_by_entry_divides_entries(law):
    quota = split("metal", "entry", {"products": {"all": True}, "shares": [share(30)]})
    found = ask(law(quota, on_part("a", 0, "first"), on_part("b", 50, "second")))
    assert paths(found) == [(0.3, 10), (0.7, 60)]
    assert found.value_share.tolist() == [1, 1]
    assert sorted(found.entry_share.tolist()) == [0.3, 0.7]


@pytest.mark.parametrize(("pct", "expected"), [(100, [(1, 60)]), (0, [(1, 10)])])
def test_a_split_that_is_all_of_one_part_is_one_path(law, pct, expected):
    whole = split("metal", "value", {"products": {"all": True}, "shares": [share(pct)]})
    assert paths(ask(law(whole, on_part("a", 50, "first")))) == expected


def test_later_rows_of_a_split_override_and_hold_for_their_targets_and_days(law):
    rows = [{"products": {"all": True}, "shares": [share(40)]},
            {"products": {"codes": ["8703"]}, "targets": {"countries": ["JPN"]},
             "shares": [share(10, "2025-02-01"), share(20, "2025-04-01")]}]  # fmt: skip
    ledger = law(split("metal", "value", *rows), on_part("a", 50, "first"))
    assert paths(ask(ledger)) == [(0.6, 10), (0.4, 60)]
    for day, part in (("2025-01-31", 0.4), ("2025-02-01", 0.1), ("2025-04-01", 0.2)):
        found = paths(ask(ledger, partner="JPN", day=day))
        assert found == [(round(1 - part, 12), 10), (part, 60)]


def test_a_split_meets_a_partial_claim_and_another_split(law):
    """Four and eight paths, whose shares are products."""
    fta = agreement("fta", preference({"rate_pct": 0}, used_pct=25))
    metal = split("metal", "value", {"products": {"all": True}, "shares": [share(40)]})
    ledger = law(fta, metal, on_part("a", 50, "first"))
    assert paths(ask(ledger)) == [(0.15, 0), (0.45, 10), (0.1, 50), (0.3, 60)]
    quota = split("quota", "entry", {"products": {"all": True}, "shares": [share(20)]})
    ledger = law(fta, metal, quota, on_part("a", 50, "first"), on_part("b", 7, "second", "quota"))
    assert paths(ask(ledger)) == [
        (0.03, 0), (0.12, 7), (0.09, 10), (0.36, 17), (0.02, 50), (0.08, 57), (0.06, 60),
        (0.24, 67),
    ]  # fmt: skip


# --- many cells at once -----------------------------------------------------------------------
def test_cells_together_are_cells_one_by_one(law):
    fta = agreement("fta", preference({"cut_pct": 50}, used_pct=25))
    metal = split("metal", "value", {"products": {"codes": ["72", "87"]}, "shares": [share(40)]})
    ledger = law(
        fta, metal, on_part("a", 50, "first"),
        measure("b", heading(entry(rate_pct=5)),
                heading(entry("exempt"), products={"codes": ["61"]})),
        measure("c", entry("total", 15, base="claimed"), targets={"countries": ["JPN"]}),
        measure("d", entry("replaced", 12), targets={"groups": ["eu"]}),
        rule("cap", over=["a", "b"], rate_pct=52), rule("exclude", "x", where=["a"], drop=["c"]),
        rule("highest", "y", over=["b", "c"]),
    )  # fmt: skip
    asked = [(line, p) for p in PARTNERS for line in (STEEL, CAR, SHIRT)]
    cells = Cells(np.array([LINE[line] for line, _ in asked]),
                  np.array([PARTNERS.index(p) for _, p in asked]), PARTNERS, PARTNERS)  # fmt: skip
    table = three_lines()
    for _ in range(2):  # the second time from scopes kept on the table
        whole = evaluate(ledger.at("2025-06-01"), table, cells)
        for n, (line, p) in enumerate(asked):
            here = whole.cell == n
            held = zip((whole.entry_share * whole.value_share)[here], whole.rate[here], strict=True)
            mine = sorted((round(float(r), 9), round(float(w), 12)) for w, r in held)
            alone = sorted((r, w) for w, r in paths(ask(ledger, line, p)))
            assert mine == alone, (line, p)


def test_shares_of_a_table_go_by_line_and_by_the_label_of_the_data(law, monkeypatch):
    """Korea's figures stand under another label in the tables; a line that is not in them has 0."""
    asked = []

    def shares(name, importer, codes, partner):
        asked.append((name, importer, partner))
        held = {"KOREA": {"870323": 0.25, "720839": 1.0}, "JPN": {"870323": 0.5}}[partner]
        return np.array([held.get(c, 0.0) for c in codes])

    monkeypatch.setattr("detente.law.scopes.claim_shares", shares)
    used = [{"starts": "2018-01-01", "table": "claims"}]
    free = preference({"rate_pct": 0}, utilisation=used)
    ledger = law(agreement("fta", free, members=("USA", "KOR", "JPN")))
    pairs = [(CAR, 0), (STEEL, 0), (SHIRT, 0), (CAR, 1)]
    cells = Cells(np.array([LINE[line] for line, _ in pairs]), np.array([p for _, p in pairs]),
                  PARTNERS, ("KOREA", "JPN", "EU27"))  # fmt: skip
    table = three_lines()
    for _ in range(2):
        found = evaluate(ledger.at("2025-06-01"), table, cells)
        claimed = np.bincount(found.cell, found.entry_share * (found.claim >= 0), 4)
        assert claimed.tolist() == [0.25, 1.0, 0.0, 0.5]
    # read once for each partner
    assert sorted(asked) == [("claims", "USA", "JPN"), ("claims", "USA", "KOREA")]


def test_a_floor_lifts_what_pays_a_fraction_of_a_point(law):
    ledger = law(measure("a", entry(rate_pct=0.4)), rule("floor", over=["a"], rate_pct=12))
    assert rate(ledger) == 22  # 10 + 12


def test_an_agreement_that_reaches_no_cell_is_not_among_the_claims(law):
    narrow = agreement("fta", preference({"rate_pct": 0}, products={"codes": ["87"]}))
    ledger = law(narrow)
    assert ask(ledger, SHIRT).claims == ()
    assert [a.id for a in ask(ledger).claims] == ["fta"]


def test_a_path_says_which_part_it_is(law):
    metal = split("metal", "value", {"products": {"all": True}, "shares": [share(40)]})
    found = ask(law(metal, on_part("a", 50, "first")))
    held = dict(zip(found.parts["metal"].tolist(), found.value_share.tolist(), strict=True))
    assert held == {0: 0.4, 1: 0.6}  # the first part, and the rest
    assert set(found.parts) == {"metal"}


def test_an_order_may_name_what_is_not_in_force(law):
    later = measure("b", entry("replaced", 9, in_force="2025-12-01"))
    two = [measure("a", entry("replaced", 8)), measure("c", entry("replaced", 6))]
    assert rate(law(later, *two, rule("order", over=["c", "b", "a"]))) == 8

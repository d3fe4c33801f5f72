"""What a kept result is found by: a key that leaves something out gives the answer to another
question. Each test changes one thing and nothing else."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

import detente as dt
from detente.law import rates as cache
from detente.law.apply import _without_number
from detente.law.preferences import preference_cuts
from detente.timeline import laws as laws_module
from detente.timeline.laws import Laws, build_laws, inputs_key
from small_law import (
    agreement,
    entry,
    heading,
    measure,
    preference,
    rule,
    share,
    split,
    three_lines,
    write,
)

DAY = "2025-06-01"


@pytest.fixture
def law(tmp_path):
    return lambda *records: write(tmp_path, *records)


CLUB = {"kind": "group", "id": "club", "title": "club", "members": [
    {"country": "KOR"}, {"country": "CHN", "left": "2025-06-30"}],
    "sources": measure("x", entry())["sources"]}  # fmt: skip
RECORDS = (
    measure("a", heading(entry(rate_pct=5), entry(rate_pct=6, in_force="2025-07-01"))),
    measure("b", heading(entry(rate_pct=5, in_force="2025-08-01"))),
    measure("c", heading(entry(rate_pct=5), when={"parts": {"metal": "first"}})),
    rule("cap", over=["a"], rate_pct=50, starts="2025-09-01"),
    split("metal", "value", {"products": {"all": True},
                             "shares": [share(10), share(20, "2025-10-01")]}),
    agreement("fta", preference({}, steps=[{"starts": "2018-01-01", "rate_pct": 3},
                                           {"starts": "2025-11-01", "rate_pct": 2}],
                                utilisation=[share(10), share(20, "2025-12-01")])),
)  # fmt: skip
EVENTS = {
    "entry": "2025-07-01", "measure": "2025-08-01", "rule": "2025-09-01", "split": "2025-10-01",
    "step": "2025-11-01", "use": "2025-12-01",
}  # fmt: skip


@pytest.mark.parametrize("event", EVENTS)
def test_the_key_of_rates_changes_with_each_thing_that_changes_them(law, event):
    ledger = law(*RECORDS)
    day = EVENTS[event]
    before, on, after = (ledger.at(str(np.datetime64(day) + k)) for k in (-1, 0, 1))
    assert cache.fingerprint(before, "USA") != cache.fingerprint(on, "USA")
    assert cache.fingerprint(on, "USA") == cache.fingerprint(after, "USA")
    (was,), (now,), (then,) = (cache.laws(v, "USA", ["KOR"]) for v in (before, on, after))
    assert was != now
    assert now == then
    # what others levy is not touched
    assert cache.fingerprint(before, "CHN") == cache.fingerprint(on, "CHN")


def test_the_key_of_rates_holds_the_groups_of_the_day(law):
    ledger = law(CLUB, *RECORDS[:1])
    before, after = ledger.at("2025-06-29"), ledger.at("2025-07-01").without(["a"])
    assert cache._groups(before) != cache._groups(after)
    assert cache.fingerprint(before.without(["a"]), "USA") != cache.fingerprint(after, "USA")


def test_groups_of_two_ledgers_on_one_day_are_told_apart(law, monkeypatch):
    monkeypatch.setattr(cache, "_memberships", {})
    other = {**CLUB, "members": [{"country": "KOR"}]}
    one, two = cache._groups(law(CLUB).at(DAY)), cache._groups(law(other).at(DAY))
    assert one != two
    assert cache._groups(law(CLUB).at(DAY)) == one


def test_members_of_an_agreement_are_part_of_the_key(law):
    members = ["USA", {"country": "KOR", "in_force": "2025-07-01"}]
    ledger = law(agreement("fta", preference({"rate_pct": 0}), members=members))
    one, two = ledger.at("2025-06-30"), ledger.at("2025-07-01")
    assert cache.fingerprint(one, "USA") != cache.fingerprint(two, "USA")
    assert cache.laws(one, "USA", ["KOR"]) != cache.laws(two, "USA", ["KOR"])
    assert cache.laws(one, "USA", ["JPN"]) == cache.laws(two, "USA", ["JPN"])


def test_the_key_of_rates_holds_what_the_records_say(law):
    """The same ids and places, another number: only the ledger's own hash tells."""
    keys = []
    for pct in (5, 6):
        view = law(measure("a", entry(rate_pct=pct))).at(DAY)
        keys.append((cache.fingerprint(view, "USA"), *cache.laws(view, "USA", ["KOR"])))
    assert keys[0][0] != keys[1][0]
    assert keys[0][1] != keys[1][1]


def test_two_importers_have_two_keys(law):
    view = law().at(DAY)
    assert cache.fingerprint(view, "USA") != cache.fingerprint(view, "JPN")
    assert cache.laws(view, "USA", ["KOR"]) != cache.laws(view, "JPN", ["KOR"])


def test_another_version_has_other_keys(law, monkeypatch):
    view = law().at(DAY)
    before = cache.fingerprint(view, "USA"), cache.laws(view, "USA", ["KOR"])
    monkeypatch.setattr(cache, "__version__", "99")
    assert cache.fingerprint(view, "USA") != before[0]
    assert cache.laws(view, "USA", ["KOR"]) != before[1]


def test_partners_share_a_text_only_where_nothing_tells_them_apart(law):
    ledger = law(
        measure("a", entry(rate_pct=5), targets={"countries": ["KOR", "JPN"]}),
        agreement("fta", preference({"rate_pct": 0}), members=("USA", "MEX")),
        split("metal", "value", {"products": {"all": True}, "targets": {"countries": ["BRA"]},
                                 "shares": [share(5)]}),
        measure("c", heading(entry(rate_pct=5), when={"parts": {"metal": "first"}}),
                targets={"countries": ["CAN"]}),
        rule("cap", over=["a"], rate_pct=4, targets={"countries": ["IND"]}),
    )  # fmt: skip
    asked = ["KOR", "JPN", "MEX", "BRA", "IND", "CHN", "AUS", "USA"]
    text = dict(zip(asked, cache.laws(ledger.at(DAY), "USA", asked), strict=True))
    same = {frozenset(p) for p in combinations(asked, 2) if text[p[0]] == text[p[1]]}
    nothing = {frozenset(p) for p in combinations(("CHN", "AUS", "USA"), 2)}
    assert same == {frozenset(("KOR", "JPN"))} | nothing


def test_columns_are_kept_by_law_and_by_weights(law, monkeypatch):
    monkeypatch.setattr(cache, "_columns", {})
    view = law(measure("a", entry(rate_pct=5), targets={"countries": ["KOR", "JPN"]})).at(DAY)
    partners = ["CHN", "KOR", "JPN", "AUS", "IND"]
    asked: list[list[int]] = []

    def evaluate(places):
        asked.append(places)
        at = np.array([[float(p) for p in places]])
        arrays = {n: 10.0 * k + at for k, n in enumerate(cache._ARRAYS)}
        return cache.SectorRates("USA", DAY, ("C29",), tuple(partners[p] for p in places),
                                 basis="made", **arrays)  # fmt: skip

    weights = ["w", "w", "w", "w", "v"]
    found = cache.rates_by_law(view, "USA", partners, weights, evaluate)
    # Korea stands for Japan, China for Australia; India is weighed otherwise
    assert asked == [[0, 1, 4]]
    for k, name in enumerate(cache._ARRAYS):
        assert getattr(found, name).tolist() == [[10.0 * k + p for p in (0, 1, 1, 0, 4)]]
    assert (found.partners, found.sectors, found.basis) == (tuple(partners), ("C29",), "made")
    assert (found.importer, found.date) == ("USA", DAY)
    cache.rates_by_law(view, "USA", partners, weights, evaluate)
    assert len(asked) == 1
    cache.rates_by_law(view, "USA", ["JPN", "BRA"], ["u", "w"], evaluate)
    assert asked[1:] == [[0]]  # Brazil is as China; Japan under other weights is new


def test_weights_are_told_apart_by_partner_line_and_value():
    table = three_lines()
    flows = {"flow_line": np.array([0, 1]), "flow_partner": np.array([0, 1]),
             "flow_value": np.array([1.0, 2.0]), "partners": ("KOR", "JPN")}  # fmt: skip
    one = replace(table, **flows)
    others = [
        replace(one, flow_line=np.array([0, 2])), replace(one, flow_partner=np.array([1, 1])),
        replace(one, flow_value=np.array([1.0, 3.0])), replace(one, partners=("KOR", "CHN")),
    ]  # fmt: skip
    found = [cache.weights_digest(t) for t in (one, *others)]
    assert len(set(found)) == 5
    assert cache.weights_digest(replace(one)) == found[0]
    assert cache.weights_digest(one) == found[0]  # kept


def test_kept_rates_belong_to_one_law_one_table_and_take_the_day_asked_for(law, monkeypatch):
    monkeypatch.setattr(cache, "_memory", {})
    ledger = law(measure("a", entry(rate_pct=5), entry(rate_pct=6)))
    made = []

    def rates(view, table):
        def compute():
            made.append(view.date)
            empty = np.zeros((1, 1))
            return cache.SectorRates("USA", view.date, ("C29",), ("KOR",), *[empty] * 6,
                                     basis="b")  # fmt: skip

        return cache.cached_rates(view, "USA", table, compute)

    one = three_lines()
    first, second = ledger.at("2025-06-01"), ledger.at("2025-06-02")
    assert rates(first, one).date == "2025-06-01"
    assert rates(second, one).date == "2025-06-02"  # the law is the same
    assert made == ["2025-06-01"]
    rates(first, replace(one, partners=("KOR", "CHN", "EU27")))
    rates(first, ("KOR",))
    rates(first, ("JPN",))
    rates(first.without(["a"]), one)
    assert len(made) == 5


def test_the_key_of_all_laws_holds_ledger_world_and_tables(law, monkeypatch):
    from worlds import Draw, random_world

    ledger, world = law(), random_world(Draw(N=3, J=2))
    first = inputs_key(ledger, world)
    assert inputs_key(law(), random_world(Draw(N=3, J=2))) == first
    assert inputs_key(ledger, random_world(Draw(N=3, J=2, seed=1))) != first
    # a rule of stacking is a record like any other
    assert inputs_key(law(rule("cap", over=["a"], rate_pct=5), measure("a", entry(rate_pct=9))),
                      world) != inputs_key(law(measure("a", entry(rate_pct=9))), world)  # fmt: skip
    monkeypatch.setattr(laws_module, "tables_hash", lambda: "other tables")
    assert inputs_key(ledger, world) != first


@pytest.mark.parametrize(
    ("room", "name"), [("law/data", "USA_base_1.parquet"), ("vocabulary", "countries.csv")]
)
def test_the_hash_of_the_tables_holds_names_and_contents(tmp_path, monkeypatch, room, name):
    made = tmp_path / "detente"
    for sub in ("law/data", "vocabulary"):
        (made / sub).mkdir(parents=True)
    (made / "law/data" / "readme.txt").write_text("not a table")
    monkeypatch.setattr(laws_module, "files", lambda _: made)
    found = []
    for text in ("a", "b"):
        (made / room / name).write_text(text)
        found.append(laws_module.tables_hash.__wrapped__())
    (made / room / name).rename(made / room / f"2{name}")
    found.append(laws_module.tables_hash.__wrapped__())
    assert len(set(found)) == 3
    (made / "law/data" / "readme.txt").write_text("still not a table")
    assert laws_module.tables_hash.__wrapped__() == found[-1]


# --- cuts of younger preferences --------------------------------------------------------------
@pytest.fixture(scope="module")
def real() -> dt.World:
    return dt.load_world()


@pytest.mark.parametrize(
    ("step", "used", "left"),
    [
        ({"rate_pct": 0}, 100, 0.0),
        ({"rate_pct": 0}, 25, 0.75),  # a quarter of the entries is free
        ({"cut_pct": 40}, 100, 0.6),
        ({"cut_pct": 40}, 50, 0.8),  # 1 - 0.4 x 0.5
        ({"cut_pct": 0}, 50, 1.0),
    ],
)
def test_a_younger_preference_leaves_one_less_cut_times_use(law, real, step, used, left):
    members = [{"country": c, "in_force": "2023-01-01"} for c in ("JPN", "CHN")]
    fta = agreement("fta", preference(step, used, importer="JPN"), members=members)
    found = preference_cuts(law(fta).at(DAY), real, "JPN", ["CHN", "KOR"])
    of = dict(zip(real.sectors, found, strict=True))
    assert of["C29"].tolist() == [pytest.approx(left, abs=1e-15), 1.0]
    assert of["services"].tolist() == [1.0, 1.0]


def test_a_preference_as_old_as_the_table_is_in_it_already(law, real):
    year = str(real.dataset.attrs.get("tariff_year", "2021"))[:4]
    for joined, left in ((f"{year}-12-31", 1.0), (f"{int(year) + 1}-01-01", 0.5)):
        members = [{"country": "JPN", "in_force": "2018-01-01"},
                   {"country": "CHN", "in_force": joined}]  # fmt: skip
        fta = agreement("fta", preference({"rate_pct": 0}, 50, importer="JPN"), members=members)
        found = preference_cuts(law(fta).at(DAY), real, "JPN", ["CHN"])
        assert found[real.sectors.index("C29"), 0] == left


def test_of_two_younger_preferences_the_first_to_claim_cuts(law, real):
    members = [{"country": c, "in_force": "2023-01-01"} for c in ("JPN", "CHN")]
    two = [agreement(n, preference({"cut_pct": cut}, importer="JPN"), members=members, priority=p)
           for n, cut, p in (("a", 40, 1), ("b", 10, 2))]  # fmt: skip
    found = preference_cuts(law(*two).at(DAY), real, "JPN", ["CHN"])
    assert found[real.sectors.index("C29"), 0] == pytest.approx(0.9, abs=1e-15)


def test_rates_come_back_from_disk_as_they_went(tmp_path, monkeypatch):
    monkeypatch.setenv("DETENTE_CACHE", str(tmp_path))
    arrays = {n: np.array([[k + 0.5, np.nan]]) for k, n in enumerate(cache._ARRAYS)}
    rates = cache.SectorRates("USA", DAY, ("C29",), ("KOR", "JPN"), basis="made", **arrays)
    cache._save("entry", rates)
    found = cache._load("entry")
    assert found is not None
    for name in ("importer", "date", "sectors", "partners", "basis"):
        assert getattr(found, name) == getattr(rates, name)
    for name, array in arrays.items():
        np.testing.assert_array_equal(getattr(found, name), array)
    assert cache._load("another") is None


# --- measures without a number ----------------------------------------------------------------
def test_which_measures_have_no_number(law):
    """Those whose headings give no rate, share or equivalent, and those on no flow of goods."""
    numbered = {
        "added": entry(rate_pct=5), "total": entry("total", 5, base="mfn"),
        "replaced": entry("replaced", 5), "ban": entry("ban"), "exempt": entry("exempt"),
        "worth": entry("quota", equivalent_pct=3), "share": entry("entity_share", share_pct=30),
    }  # fmt: skip
    bare = {"quota": entry("quota"), "licence": entry("licensing"),
            "entities": entry("entity_share")}  # fmt: skip
    ledger = law(
        *(measure(name, e) for name, e in (numbered | bare).items()),
        measure("elsewhere", entry(rate_pct=5), flow="other"),
        measure("later", entry("quota", in_force="2026-01-01")),
        measure("both", entry(rate_pct=5), entry("quota")),
    )  # fmt: skip
    assert _without_number(ledger.at(DAY)) == {*bare, "elsewhere", "both"}


# --- the laws of all days ---------------------------------------------------------------------
def test_kept_laws_are_what_apply_gives_day_by_day(law, real, tmp_path):
    """A tariff, an export tax, a ban and a share of one, which come and go."""
    korea = {"imposer": "KOR", "targets": {"countries": ["JPN"]}}
    out = {**korea, "flow": "export"}
    ledger = law(
        measure("t", entry(rate_pct=5), **korea),
        measure("x", entry(rate_pct=7, in_force="2025-02-01", ended="2025-03-31"),
                instrument="export_tax", products={"sectors": ["C24"]}, **out),
        measure("b", entry("ban", in_force="2025-03-01"), instrument="import_ban",
                products={"sectors": ["A03"]}, **korea),
        measure("s", entry("entity_share", share_pct=30, in_force="2025-05-01"),
                instrument="entity_list", products={"sectors": ["C26"]}, **out),
    )  # fmt: skip
    made = build_laws(ledger, real)
    assert made.dates == ("2018-01-01", "2025-01-01", "2025-02-01", "2025-03-01", "2025-04-01",
                          "2025-05-01")  # fmt: skip
    assert made.key == inputs_key(ledger, real)
    path = tmp_path / "laws.npz"
    path.write_bytes(made.to_bytes())
    for laws in (made, Laws.read(path)):
        for n, day in enumerate(laws.dates):
            kept, worked = laws.policy(n, real), dt.apply(ledger.at(day), real)
            for name in ("tariff", "export_tax", "iceberg"):
                np.testing.assert_allclose(getattr(kept, name), getattr(worked, name), rtol=1e-13)
            assert kept.notes == worked.notes
            assert laws.at(day) == n
        assert laws.same_as == (0, 1, 2, 3, 4, 5)
    bans = made.policy(5, real).iceberg.sel(importer="KOR", exporter="JPN", sector="A03")
    assert np.isinf(float(bans))

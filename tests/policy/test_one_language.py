"""A dated law, a measure of a scenario and a move of a game that say the same thing give the same
arrays; what a change does to a cell, from formulas on paper; bad input is refused by name."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import detente as dt
from detente.errors import DetenteError, InputError, RecordError, UnknownNameError
from detente.policy.changes import (
    Ban,
    ByFlow,
    Cost,
    Levy,
    Pact,
    Schedule,
    TariffQuota,
    Withdrawal,
)
from detente.policy.draft import Draft, amend
from detente.policy.scenario import parse_scenario
from detente.policy.scope import Said, player_list, scope_of
from detente.runs.build_policy import build_policy
from small_law import DAY, agreement, entry, measure, preference, write
from worlds import build

THETA = (4.0, 8.0)
HOME = ("s01", "c00", "c01")


@pytest.fixture(scope="module")
def world() -> dt.World:
    trade = np.full((2, 3, 3), 5.0)
    tariff = np.full((2, 3, 3), 0.1) * ~np.eye(3, dtype=bool)
    return build(trade, tariff=tariff, theta=np.array(THETA))


@pytest.fixture(scope="module")
def real() -> dt.World:
    return dt.load_world()


def as_scenario(world, *measures, folder=None):
    data = {"id": "small", "title": "small", "about": "a test", "blurs": "nothing",
            "sources": [{"title": "made up", "publisher": "the tests", "cite": "none"}],
            "measures": list(measures)}  # fmt: skip
    return build_policy(parse_scenario(data, "small.yaml"), world, folder=folder)


def as_game(world, *changes):
    return amend(dt.Policy(world), changes)


def same(one: dt.Policy, other: dt.Policy) -> None:
    """To the last bit."""
    for name in ("tariff", "export_tax", "iceberg"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert one.quota == other.quota


def near(one: dt.Policy, other: dt.Policy) -> None:
    """To rounding: the law works with averages over lines."""
    for name in ("tariff", "export_tax", "iceberg"):
        np.testing.assert_allclose(
            getattr(one, name), getattr(other, name), rtol=1e-13, atol=1e-15, err_msg=name
        )
    assert one.quota == other.quota


# --- a scenario and a game --------------------------------------------------------------------
ONE = {"imposer": "c00", "targets": ["c01"], "sectors": ["s01"], "instrument": "import_tariff"}
PARTS = {"covered_share": 0.5, "taxed_share": 0.6}
QUOTA = {**ONE, "instrument": "quota", "targets": "all"}


def levy(rate: float, form: str = "added", **more) -> Levy:
    return Levy("c00", "c01", rate, "s01", form, **more)


@pytest.mark.parametrize(
    ("said", "moved"),
    [
        ({**ONE, "rate_pct": 25}, levy(0.25)),
        ({**ONE, "rate_pct": 5, "form": "total"}, levy(0.05, "total")),
        ({**ONE, "rate_pct": 17, "form": "total"}, levy(0.17, "total")),
        ({**ONE, "rate_pct": 3, "form": "replaced"}, levy(0.03, "replaced")),
        ({**ONE, "rate_pct": 17, "form": "total", **PARTS}, levy(0.17, "total", **PARTS)),
        ({**ONE, "rate_pct": 25, "instrument": "export_tax"}, levy(0.25, instrument="export_tax")),
        (
            {**ONE, "targets": "all", "except_targets": ["c02"], "rate_pct": {"default": 4}},
            Levy("c00", "all", {"c01": 0.04}, ("s01",), except_targets=("c02",)),
        ),
        (
            {**ONE, "instrument": "iceberg", "cost_pct": 20, "covered_share": 0.25},
            Cost("c00", "c01", 0.2, "s01", covered_share=0.25),
        ),
        (
            {**ONE, "instrument": "ban", "covered_share": 0.19},
            Ban("c00", "c01", "s01", covered_share=0.19),
        ),
        ({**ONE, "instrument": "ban"}, Ban("c00", "c01", "s01")),
        (
            {**ONE, "targets": "all", "except_targets": ["c02"], "instrument": "ban"},
            Ban("c00", "all", "s01", except_targets="c02"),
        ),
        (
            {**ONE, "targets": "all", "except_targets": ["c02"], "instrument": "iceberg",
             "cost_pct": -5},
            Cost("c00", "all", -0.05, "s01", except_targets="c02"),
        ),
        ({**ONE, "instrument": "ban"}, Withdrawal("c00", "c01", "sales", "s01")),
        (
            {**ONE, "imposer": "c01", "targets": "c00", "instrument": "ban"},
            Withdrawal("c00", "c01", "purchases", "s01"),
        ),
        (
            {**ONE, "imposer": "c01", "targets": "c00", "instrument": "ban"},
            Ban("c00", "c01", "s01", "export"),
        ),
        (
            {**ONE, "imposer": ["c00", "c01"], "targets": ["c00", "c01"], "sectors": "all",
             "form": "replaced", "rate_pct": 0},
            Pact(("c00", "c01")),
        ),
        (
            {**ONE, "imposer": ["c00", "c01"], "targets": ["c00", "c01"], "form": "replaced",
             "rate_pct": 0, "covered_share": 0.3},
            Pact(("c00", "c01"), sectors="s01", utilisation=0.5, phase_in=0.6),
        ),
        (
            {**QUOTA, "volume_pct_of_base": 40, "rate_pct": 2, "over_quota_rate_pct": 50},
            TariffQuota("c00", "all", "s01", volume=0.4, within=0.02, over=0.5),
        ),
        (
            {**QUOTA, "volume_pct_of_base": 40, "rent": "exporter", "each_target": True},
            TariffQuota("c00", "all", "s01", volume=0.4, rent="exporter", each_target=True),
        ),
        (
            {**QUOTA, "volume_usd_mn": 3},
            TariffQuota("c00", ("c01", "c02"), "s01", volume_usd_mn=3.0),
        ),
    ],
)  # fmt: skip
def test_a_scenario_and_a_game_say_the_same(world, said, moved):
    found = as_game(world, moved)
    same(as_scenario(world, said), found)
    assert found.hash != dt.Policy(world).hash or moved == levy(0.05, "total")


def test_tables_and_groups_say_the_same(real, tmp_path):
    (tmp_path / "t.csv").write_text(
        "sector,exporter,share\nC29,DEU,0.5\nC29,EU27,0.25\nC29,ALL,0.125\n"
    )
    said = {"imposer": "USA", "targets": ["DEU", "FRA", "JPN"], "sectors": ["C29"],
            "instrument": "import_tariff", "form": "replaced",
            "rate_pct": {"EU27": 10, "DEU": 30, "JPN": 20},
            "covered_share": {"table": "t.csv"}}  # fmt: skip
    rows = {("C29", "DEU"): 0.5, ("C29", "EU27"): 0.25, ("C29", "ALL"): 0.125}
    moved = Levy("USA", ("DEU", "FRA", "JPN"), {"EU27": 0.1, "DEU": 0.3, "JPN": 0.2}, "C29",
                 "replaced", covered_share=ByFlow(rows))  # fmt: skip
    found = as_game(real, moved)
    same(as_scenario(real, said, folder=tmp_path), found)
    for who, rate, share in (("DEU", 0.3, 0.5), ("FRA", 0.1, 0.25), ("JPN", 0.2, 0.125)):
        cell = {"sector": "C29", "importer": "USA", "exporter": who}
        base = float(real.tariff.sel(cell))
        here = float(found.tariff.sel(cell))
        assert here == pytest.approx((1 - share) * base + share * rate, rel=1e-13)


def test_a_pact_cuts_costs_as_far_as_it_is_phased_in(world):
    pact = Pact(("c00", "c01"), preferential=0.05, phase_in=0.5, non_tariff_cut=0.1, title="one")
    assert (pact.name, Pact(("c00", "c01")).name) == ("one", "c00-c01")
    found = as_game(world, pact)
    mutual = [("c00", "c01"), ("c01", "c00")]
    parts = [Cost(a, b, -0.05) for a, b in mutual]
    parts += [Levy(a, b, 0.05, form="replaced", covered_share=0.5) for a, b in mutual]
    near(found, as_game(world, *parts))
    assert int((found.iceberg != 1.0).sum()) == 4  # two sectors, both ways
    # it cuts, and raises nothing
    same(as_game(world, Pact(("c00", "c01"), preferential=0.2)), dt.Policy(world))


def test_goods_are_meant_where_nothing_is_said_but_a_closed_border_closes_all(real):
    moved = [Levy("KOR", "CHN", 0.1), Cost("KOR", "CHN", 0.1), Withdrawal("KOR", "CHN")]
    levied, dearer, closed = (as_game(real, change) for change in moved)
    goods = set(real.sector_list("goods"))
    pair = {"importer": "KOR", "exporter": "CHN"}
    for found, start in ((levied.tariff, real.tariff), (dearer.iceberg, 1.0)):
        touched = (found != start).sel(pair)
        assert {s for s in real.sectors if touched.sel(sector=s)} == goods
    assert bool(closed.banned.sel(pair).all())
    assert bool(closed.banned.sel(importer="CHN", exporter="KOR").all())
    assert int(closed.banned.sum()) == 2 * len(real.sectors)


# --- a law ------------------------------------------------------------------------------------
LAW = {"imposer": "JPN", "targets": {"countries": ["KOR"]}, "products": {"sectors": ["C24"]}}
EXPORT = {**LAW, "flow": "export", "instrument": "export_tax"}
SAID = {"imposer": "JPN", "targets": ["KOR"], "sectors": ["C24"]}


@pytest.fixture
def law(tmp_path, real):
    return lambda *records: dt.apply(write(tmp_path / "ledger", *records).at(DAY), real)


@pytest.mark.parametrize(
    ("record", "said", "moved"),
    [
        (
            measure("a", entry("added", 25), **LAW),
            {**SAID, "instrument": "import_tariff", "rate_pct": 25},
            Levy("JPN", "KOR", 0.25, "C24"),
        ),
        (
            measure("b", entry("ban"), **LAW | {"instrument": "import_ban"}),
            {**SAID, "instrument": "ban"},
            Ban("JPN", "KOR", "C24"),
        ),
        (
            measure("c", entry("added", 10), **EXPORT),
            {**SAID, "instrument": "export_tax", "rate_pct": 10},
            Levy("JPN", "KOR", 0.1, "C24", instrument="export_tax"),
        ),
        (
            measure("d", entry("ban"), **EXPORT | {"instrument": "export_ban"}),
            {**SAID, "imposer": "KOR", "targets": ["JPN"], "instrument": "ban"},
            Ban("JPN", "KOR", "C24", "export"),
        ),
        (
            measure("e", entry("entity_share", share_pct=19, assumption="assumed"),
                    **EXPORT | {"instrument": "entity_list"}),
            {**SAID, "imposer": "KOR", "targets": ["JPN"], "instrument": "ban",
             "covered_share": 0.19},
            Ban("JPN", "KOR", "C24", "export", 0.19),
        ),
        (
            measure("f", entry("quota", quantity=50,
                               quantity_unit="percent of base-year imports"),
                    **LAW | {"instrument": "quota"}),
            {**SAID, "instrument": "quota", "volume_pct_of_base": 50},
            TariffQuota("JPN", "KOR", "C24", volume=0.5),
        ),
    ],
    ids=["tariff", "import ban", "export tax", "export ban", "export control", "quota"],
)  # fmt: skip
def test_a_law_a_scenario_and_a_game_say_the_same(law, real, record, said, moved):
    game = as_game(real, moved)
    same(as_scenario(real, said), game)
    near(law(record), game)
    assert game.hash != dt.Policy(real).hash


def test_a_preference_of_the_law_is_a_pact_of_a_game(law, real):
    """Free of tariffs on half the trade, since two years after the tariffs of the table."""
    young = [{"country": c, "in_force": "2024-01-01"} for c in ("JPN", "AUS")]
    both = [preference({"rate_pct": 0}, 50) | {"importer": c, "partners": None}
            for c in ("JPN", "AUS")]  # fmt: skip
    both = [{k: v for k, v in p.items() if v is not None} for p in both]
    found = law(agreement("p", *both, members=young))
    near(found, as_game(real, Pact(("JPN", "AUS"), utilisation=0.5)))
    assert (found.tariff.values < real.tariff.values).any()


def test_bans_of_a_law_are_gathered_and_cost_what_they_cost_one_by_one(world):
    bans = [Ban("c00", "all", covered_share=0.5), Ban("c00", "c01", "s01", "both", 0.2)]
    gathered = Draft(world, gather_bans=True)
    for ban in bans:
        gathered.put(ban)
    found = gathered.policy()
    near(found, as_game(world, *bans))
    left = found.iceberg.sel(sector="s01", importer="c00", exporter="c01") ** -THETA[1]
    assert float(left) == pytest.approx(0.5 * 0.8, rel=1e-13)


def test_a_schedule_replaces_rows_and_a_second_law_adds_what_it_changes(world):
    def rows(rate: float, left: float = 1.0) -> Schedule:
        tariff = world.tariff.values[:, :1].copy()
        tariff[1, 0, 1] = rate
        kept = np.ones_like(tariff)
        kept[1, 0, 2] = left
        return Schedule(("c00",), tariff, kept, ("said",))

    once, twice = Draft(world, gather_bans=True), Draft(world)
    once.put(rows(0.3))
    for schedule in (rows(0.3, 0.5), rows(0.15, 0.5)):
        twice.put(schedule)
    assert float(once.policy().tariff.sel(sector="s01", importer="c00", exporter="c01")) == 0.3
    found = twice.policy()
    # 20 points of the one law and 5 of the other, on 10
    cell = found.tariff.sel(sector="s01", importer="c00", exporter="c01")
    assert float(cell) == pytest.approx(0.35, rel=1e-13)
    stopped = found.iceberg.sel(sector="s01", importer="c00", exporter="c02")
    assert float(stopped) ** -THETA[1] == pytest.approx(0.25, rel=1e-13)
    assert int((found.iceberg != 1.0).sum()) == 1
    assert found.notes == ("said", "said")
    assert int((found.tariff != world.tariff).sum()) == 1


def test_a_rate_on_a_whole_flow_is_that_rate_to_the_last_bit(world):
    pairs = [(k / 997, n / 1000) for k in range(1, 400, 7) for n in range(1, 400, 11)]
    # base and rate weighed with a share of one would miss some of them
    assert any(base + 1.0 * (rate - base) != rate for base, rate in pairs)
    for base, rate in pairs:
        draft = Draft(world, tariff=np.full(world.tariff.shape, base))
        draft.put(levy(rate, "replaced"))
        assert draft.tariff[1, 0, 1] == rate
        draft.put(levy(2 * rate, "total"))
        assert draft.tariff[1, 0, 1] == 2 * rate


# --- what a draft leaves alone ----------------------------------------------------------------
def test_a_start_is_left_as_it_was_and_what_is_not_named_stays(world):
    start = dt.Policy(
        world, tariff=0.3, export_tax=0.2, iceberg=1.5, transfer={"c00": 1.0, "c01": -1.0},
        quota=[{"sector": "s00", "importer": "c02", "exporter": "c00", "volume": 2.0}],
    )  # fmt: skip
    before = start.hash
    found = amend(start, [levy(0.1), Cost("c00", "c01", 0.1, "s01"),
                          levy(0.1, instrument="export_tax")])  # fmt: skip
    assert start.hash == before
    at = dict(zip(("sector", "importer", "exporter"), HOME, strict=True))
    assert float(found.tariff.sel(at)) == pytest.approx(0.4)
    assert float(found.iceberg.sel(at)) == pytest.approx(1.65)
    assert int((found.tariff != start.tariff).sum()) == 1
    assert int((found.export_tax != start.export_tax).sum()) == 1
    assert found.quota == start.quota
    np.testing.assert_array_equal(found.transfer, start.transfer)


def test_a_levy_may_go_below_and_come_back(world):
    """Only what the changes leave together counts."""
    found = as_game(world, levy(-0.9), levy(-0.9), levy(1.8))
    at = dict(zip(("sector", "importer", "exporter"), HOME, strict=True))
    assert float(found.tariff.sel(at)) == pytest.approx(0.1, rel=1e-12)


def test_lists_of_names_are_taken_too(world):
    one = as_game(world, Pact(["c00", "c01"], sectors=["s01"]), Levy(["c00"], ["c02"], 0.1))  # type: ignore[arg-type]
    same(one, as_game(world, Pact(("c00", "c01"), sectors="s01"), Levy("c00", "c02", 0.1)))


def test_what_is_kept_of_a_scope_does_not_keep_the_world():
    world = build(np.full((1, 2, 2), 5.0))
    first = scope_of(world, Said("levy"), "c00", "c01", None)
    assert scope_of(world, Said("other"), "c00", "c01", None) is first
    gone = weakref.ref(world)
    del world
    gc.collect()
    assert gone() is None


def test_players_are_labels_each_once(world):
    assert player_list(world, ["c02", "c00"]) == ["c02", "c00"]
    with pytest.raises(InputError, match=r"players: a game needs two players or more, here \['c0"):
        player_list(world, "c00")
    with pytest.raises(InputError, match="signers: c01 is named twice; each player plays once"):
        player_list(world, ["c01", "c01"], "signers")
    with pytest.raises(UnknownNameError, match="signers: unknown country 'c09'"):
        player_list(world, ["c01", "c09"], "signers")


# --- bad input --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: levy(-1.0), r"levy: rate is -1; .* stays above -100%"),
        (lambda: levy(np.inf), "levy: rate is inf"),
        (lambda: levy(np.nan), "levy: rate is nan"),
        (lambda: Levy("c00", "c01", {"c01": -3.0}), r"levy: rate \(c01\) is -3; .* above -100%"),
        (lambda: levy(0.1, base=ByFlow({("s01", "ALL"): -2.0})), r"base \(s01, ALL\) is -2;"),
        (lambda: levy(0.1, covered_share=1.5), r"levy: covered_share is 1.5; it is a share, 0 to"),
        (lambda: levy(0.1, taxed_share=-0.5), r"levy: taxed_share is -0.5; it is a share, 0 to 1"),
        (lambda: levy(0.1, "totl"), "levy: unknown form 'totl'; did you mean total"),
        (lambda: levy(0.1, instrument="tarif"), "levy: unknown instrument 'tarif'; did you mean"),
        (lambda: Cost("c00", "c01", -1.0), r"cost: cost is -1; .* above -1; a Ban closes a flow"),
        (lambda: Cost("c00", "c01", np.inf), r"cost: cost is inf; .* a Ban closes a flow"),
        (lambda: Cost("c00", "c01", 0.1, flow="in"), "cost: unknown flow 'in'; "),
        (lambda: Ban("c00", "c01", covered_share=2.0), r"ban: covered_share is 2; .* 0 to 1"),
        (lambda: Ban("c00", "c01", flow="x"), "ban: unknown flow 'x'; known: import, export, both"),
        (lambda: Withdrawal("c00", "c01", "x"), "unknown direction 'x'; known: sales, purchases"),
        (lambda: TariffQuota("c00", "c01"), "one of volume .* and volume_usd_mn .* is needed"),
        (lambda: TariffQuota("c00", "c01", volume=-1.0), "volume is -1; a volume is 0 or more"),
        (lambda: TariffQuota("c00", "c01", volume=1.0, over=-1.0), "quota: over is -1; a rate"),
        (lambda: TariffQuota("c00", "c01", volume=1.0, rent="x"), "quota: unknown rent 'x'"),
        (lambda: Pact(("c00",)), "agreement c00: it needs two different members or more"),
        (lambda: Pact("c00"), "it needs two different members or more"),  # type: ignore[arg-type]
        (lambda: Pact(("c00", "c01", "c00")), "agreement c00-c01-c00: a member is named twice"),
        (lambda: Pact(("c00", "c01"), phase_in=1.5), "phase_in is 1.5; it is a share, 0 to 1"),
    ],
)  # fmt: skip
def test_a_change_that_makes_no_sense_is_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ([Levy("c99", "c01", 0.1)], UnknownNameError, "levy: imposer: unknown country 'c99'"),
        ([Levy("c00", "c99", 0.1)], UnknownNameError, "levy: targets: unknown country 'c99'"),
        ([Levy("c00", "c01", 0.1, "s99")], UnknownNameError, "levy: sectors: unknown sector"),
        ([Levy("c00", "c01", 0.1, ())], InputError, "levy: sectors: is empty; name a sector"),
        ([Levy("c00", "c00", 0.1)], InputError, r"levy: no pair .* \(c00 and c00\); name another"),
        ([Levy("c00", "all", {"c01": 0.1})], RecordError, "levy: rate: c02 has no value; add it"),
        (
            [Levy("c00", "c01", 0.1, covered_share=ByFlow({("s00", "ALL"): 0.5}, "mine"))],
            RecordError,
            "levy: covered_share: mine has no row for sector s01; add one for c01 or for ALL",
        ),
        ([Withdrawal("c99", "c01")], UnknownNameError, "withdrawal: country: unknown country"),
        ([Withdrawal("c00", "c99")], UnknownNameError, "withdrawal: partner: unknown country"),
        ([Withdrawal("c00", "c00")], InputError, "withdrawal: no pair of different countries"),
        ([Pact(("c00", "c99"))], UnknownNameError, "agreement c00-c99: members: unknown country"),
        (
            [Pact(("c00", "c01"), sectors="s00", except_sectors="s00")],
            InputError,
            "agreement c00-c01: no sector is left in its coverage; name fewer in except_sectors",
        ),
        (
            [levy(-0.9), levy(-0.9)],
            InputError,
            r"leave a tariff of -170% for c00 on s01 from c01; .* above -100%; raise rate",
        ),
        (
            [levy(-0.9, instrument="export_tax")] * 2,
            InputError,
            r"leave a export_tax of -180% for c01 on s01 from c00; .* raise rate",
        ),
        (
            [levy(0.1), *[levy(-0.6, instrument="export_tax")] * 2],
            InputError,
            r"leave a export_tax of -120% for c01 on s01 from c00",
        ),
        ([levy(1e308)] * 2, InputError, "leave a tariff larger than any number; lower rate"),
        (
            [Cost("c00", "c01", 1e200)] * 2,
            InputError,
            "cost: cost: the measures together change costs beyond any number; write a Ban",
        ),
        (
            [Cost("c00", "c01", -1 + 1e-12)] * 40,
            InputError,
            "cost: cost: the measures together change costs beyond any number",
        ),
        (
            [levy(0.1, base={"c02": 0.1})],
            RecordError,
            "levy: base: c01 has no value; add it or a default",
        ),
        (
            [Ban("c00", "c01", covered_share=1 - 1e-16)] * 300,
            InputError,
            "ban: covered_share: .* beyond any number; write a Ban",
        ),
        (
            [TariffQuota("c00", "c01", "all", volume_usd_mn=3.0)],
            InputError,
            "quota: volume_usd_mn: it is one amount, and .* 2 pairs .* or give volume",
        ),
        (
            [TariffQuota("c00", "c01", "s01", volume=1.0, over=0.05)],
            InputError,
            r"quota\[0\].over: .* is 0.05; .*at or above the tariff within it, here 0.1",
        ),
    ],
)  # fmt: skip
def test_a_change_that_does_not_fit_the_world_is_refused(world, changes, kind, words):
    with pytest.raises(DetenteError, match=words) as caught:
        as_game(world, *changes)
    assert type(caught.value) is kind
    assert not str(caught.value).startswith(":")


def test_who_puts_a_change_may_say_how_it_is_called(world):
    draft = Draft(world)
    for change in (Pact(("c00", "c99")), Withdrawal("c99", "c00"), Cost("c99", "c00", 0.1)):
        with pytest.raises(UnknownNameError, match=r"^clause 3\.\w+: unknown country 'c99'"):
            draft.put(change, Said("clause 3", between="."))
    for _ in range(2):
        draft.put(levy(-0.9))
    with pytest.raises(InputError, match=r"^the measures together leave a tariff of -170%"):
        draft.check()
    with pytest.raises(InputError, match=r"^a\.yaml: the measures .*; raise rate_pct$"):
        draft.check("a.yaml", "rate_pct")


def test_a_quota_of_a_scenario_is_refused_in_its_own_words(world):
    with pytest.raises(UnknownNameError, match=r"^small.yaml: measures\.0\.targets: unknown"):
        as_scenario(world, {**QUOTA, "targets": ["c09"], "volume_pct_of_base": 10})
    with pytest.raises(InputError, match=r"measures\.0\.volume_usd_mn: .*volume_pct_of_base"):
        as_scenario(world, {**QUOTA, "sectors": "all", "volume_usd_mn": 3})

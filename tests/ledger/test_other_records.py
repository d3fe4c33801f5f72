"""Measures of imposers other than the United States; each number is worked out beside it."""

from __future__ import annotations

import csv

import pytest

from detente.errors import DateError
from detente.law.line import LineRate, line_rates
from detente.ledger import Ledger, load_ledger
from detente.ledger.load import RECORDS

NO = "no preference claimed"
EXCLUDED = "chn-exclusions claimed"
SOY, CAR, BIG_CAR, FROZEN_PORK = "120190", "870323", "870324", "020329"


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return load_ledger()


def rows(ledger: Ledger, day: str, imposer: str, exporter: str, hs: str) -> dict[str, LineRate]:
    return {r.route: r for r in line_rates(ledger.at(day), imposer, exporter, hs)}


RATES = [
    # China on US soybeans. Ordinary duty 3 (Reuters, November 2025: "13%, including a preexisting
    # 3% base tariff"). List 1: 3 + 25
    ("2018-07-05", "CHN", "USA", SOY, NO, 3.0),
    ("2018-07-06", "CHN", "USA", SOY, NO, 28.0),
    # list 4, part 1: 3 + 25 + 5 (Farm Talk: "soybean tariffs at 30 percent", the 3 not counted)
    ("2019-09-01", "CHN", "USA", SOY, NO, 33.0),
    # halved on 14 February 2020: 3 + 25 + 2.5
    ("2020-02-14", "CHN", "USA", SOY, NO, 30.5),
    # from 2 March 2020 with an exclusion only the ordinary duty
    ("2020-03-02", "CHN", "USA", SOY, EXCLUDED, 3.0),
    ("2020-03-02", "CHN", "USA", SOY, NO, 30.5),
    # 2025: 3 + 10 March; + 84; + 125 two days later; + 10 in the truce
    ("2025-03-10", "CHN", "USA", SOY, EXCLUDED, 13.0),
    ("2025-04-10", "CHN", "USA", SOY, EXCLUDED, 97.0),
    ("2025-04-12", "CHN", "USA", SOY, EXCLUDED, 138.0),
    ("2025-05-14", "CHN", "USA", SOY, EXCLUDED, 23.0),
    # 10 November 2025: the March duty ends, 3 + 10 = the 13 of Reuters; without exclusion + 27.5
    ("2025-11-10", "CHN", "USA", SOY, EXCLUDED, 13.0),
    ("2025-11-10", "CHN", "USA", SOY, NO, 40.5),
    # China on US cars: 25, then 15 for all; + 25 list 1 ("from 40 percent to the 15 percent");
    # suspended from 1 January 2019
    ("2018-06-30", "CHN", "USA", CAR, NO, 25.0),
    ("2018-07-01", "CHN", "USA", CAR, NO, 15.0),
    ("2018-07-06", "CHN", "USA", CAR, NO, 40.0),
    ("2019-01-01", "CHN", "USA", CAR, NO, 15.0),
    ("2019-12-15", "CHN", "USA", CAR, NO, 15.0),  # 25 again was announced, and put on hold
    # large engines + 10 from 10 February 2025; 15 + 10 + 125; 15 + 10 + 10; others 15 + 10
    ("2025-02-10", "CHN", "USA", BIG_CAR, NO, 25.0),
    ("2025-02-10", "CHN", "USA", CAR, NO, 15.0),
    ("2025-04-12", "CHN", "USA", BIG_CAR, NO, 150.0),
    ("2025-11-10", "CHN", "USA", BIG_CAR, NO, 35.0),
    ("2025-11-10", "CHN", "USA", CAR, NO, 25.0),
    # frozen pork, ordinary duty 12: + 25 (April 2018), + 25 (list 1), + 10 (list 4): "60 percent in
    # addition to the 12 percent standard duty"; 72 in all
    ("2018-04-02", "CHN", "USA", FROZEN_PORK, NO, 37.0),
    ("2018-07-06", "CHN", "USA", FROZEN_PORK, NO, 62.0),
    ("2019-09-01", "CHN", "USA", FROZEN_PORK, NO, 72.0),
    # Canadian rapeseed in China: 9 + 75.8 = 84.8 ("combined 84"); then 9 + 5.9 = 14.9
    ("2025-08-14", "CHN", "CAN", "120510", NO, 84.8),
    ("2026-03-01", "CHN", "CAN", "120510", NO, 14.9),
    # Canada: cars 6.1; a Chinese electric car 6.1 + 100
    ("2024-09-30", "CAN", "CHN", "870380", NO, 6.1),
    ("2024-10-01", "CAN", "CHN", "870380", NO, 106.1),
    # a US car: not entitled 6.1 + 25; entitled 0 + 25 x (100 - 15)/100 = 21.25 (SOR/2025-118)
    ("2025-04-09", "CAN", "USA", CAR, NO, 31.1),
    ("2025-04-09", "CAN", "USA", CAR, "usmca claimed", 21.25),
    # EU: a Chinese electric car 10 + 37.6 (provisional), then 10 + 35.3
    ("2024-07-04", "EU27", "CHN", "870380", NO, 10.0),
    ("2024-07-05", "EU27", "CHN", "870380", NO, 47.6),
    ("2024-10-30", "EU27", "CHN", "870380", NO, 45.3),
    # EU: rebalancing suspended, so a US car pays 10; free from 1 July 2026
    ("2025-08-07", "EU27", "USA", CAR, NO, 10.0),
    ("2026-06-30", "EU27", "USA", CAR, NO, 10.0),
    ("2026-07-01", "EU27", "USA", CAR, NO, 0.0),
    # Vietnam: cars to 32 for all origins from 31 March 2025
    ("2025-03-31", "VNM", "USA", CAR, NO, 32.0),
]


@pytest.mark.parametrize(("day", "imposer", "exporter", "hs", "route", "expected"), RATES)
def test_rate(
    ledger: Ledger, day: str, imposer: str, exporter: str, hs: str, route: str, expected: float
) -> None:
    found = rows(ledger, day, imposer, exporter, hs)
    assert found[route].rate_pct == pytest.approx(expected, abs=1e-6)


ADDED = [
    # Canada, steel wire 7217.10: 25 from 1 July 2018 to 19 May 2019; again from 13 March 2025
    ("2018-06-30", "CAN", "USA", "721710", 0.0),
    ("2018-07-01", "CAN", "USA", "721710", 25.0),
    ("2019-05-19", "CAN", "USA", "721710", 25.0),
    ("2019-05-20", "CAN", "USA", "721710", 0.0),
    ("2025-03-12", "CAN", "USA", "721710", 0.0),
    ("2025-03-13", "CAN", "USA", "721710", 25.0),
    ("2025-09-01", "CAN", "USA", "721710", 25.0),  # steel stays
    # computers, on the same list: ended with August 2025
    ("2025-08-31", "CAN", "USA", "847130", 25.0),
    ("2025-09-01", "CAN", "USA", "847130", 0.0),
    # chicken cuts, list of 4 March 2025
    ("2025-03-03", "CAN", "USA", "020713", 0.0),
    ("2025-03-04", "CAN", "USA", "020713", 25.0),
    ("2025-09-01", "CAN", "USA", "020713", 0.0),
    # EU on US motorcycles: 25 from 22 June 2018 to the end of 2021, then suspended, also in 2025
    ("2018-06-21", "EU27", "USA", "871150", 0.0),
    ("2018-06-22", "EU27", "USA", "871150", 25.0),
    ("2021-12-31", "EU27", "USA", "871150", 25.0),
    ("2022-01-01", "EU27", "USA", "871150", 0.0),
    ("2025-04-15", "EU27", "USA", "871150", 0.0),
    # Mexico on US pork: 10, 20 a month later, nothing from 20 May 2019
    ("2018-06-05", "MEX", "USA", "020329", 10.0),
    ("2018-07-05", "MEX", "USA", "020329", 20.0),
    ("2019-05-20", "MEX", "USA", "020329", 0.0),
    # Turkey on US cars: 60, doubled to 120 on 15 August 2018
    ("2018-06-21", "TUR", "USA", CAR, 60.0),
    ("2018-08-15", "TUR", "USA", CAR, 120.0),
    # Canadian crab in China: 25, not levied from 1 March 2026; rapeseed oil stays at 100
    ("2026-02-28", "CHN", "CAN", "030633", 25.0),
    ("2026-03-01", "CHN", "CAN", "030633", 0.0),
    ("2026-03-01", "CHN", "CAN", "151411", 100.0),
    # US liquefied gas in China: 10 (2018), 25 (2019), + 15 in February 2025, + 10 of April
    ("2018-09-24", "CHN", "USA", "271111", 10.0),
    ("2019-06-01", "CHN", "USA", "271111", 25.0),
]


@pytest.mark.parametrize(("day", "imposer", "exporter", "hs", "expected"), ADDED)
def test_added(
    ledger: Ledger, day: str, imposer: str, exporter: str, hs: str, expected: float
) -> None:
    for row in line_rates(ledger.at(day), imposer, exporter, hs):
        assert row.added_pct == pytest.approx(expected)


def test_seafood_ban_is_a_ban_and_not_a_rate(ledger: Ledger) -> None:
    banned = {
        day: line_rates(ledger.at(day), "CHN", "JPN", "030722")[0].banned
        for day in ("2023-08-23", "2023-08-24", "2025-06-28", "2025-06-29", "2025-11-19")
    }
    # total ban 24 August 2023; 37 prefectures readmitted 29 June 2025; halted 19 November 2025
    assert list(banned.values()) == [False, True, True, False, True]


def test_what_was_expected_of_list_93bn_is_not_what_came(ledger: Ledger) -> None:
    whisky = "220830"
    # on 30 July 2025 up to 30 was due on 7 August; the suspension came on 5 August
    then = line_rates(ledger.at("2025-08-07", known_on="2025-07-30"), "EU27", "USA", whisky)
    now = line_rates(ledger.at("2025-08-07"), "EU27", "USA", whisky)
    assert (then[0].added_pct, now[0].added_pct) == (30.0, 0.0)


def test_announced_and_threatened(ledger: Ledger) -> None:
    # the second Canadian list was announced and never applied: only on request
    day, hs = "2025-03-20", "010121"
    assert line_rates(ledger.at(day), "CAN", "USA", hs)[0].added_pct == 0.0
    assert line_rates(ledger.at(day, announced=True), "CAN", "USA", hs)[0].added_pct == 25.0
    # a threat counts in neither
    names = {a.measure.id for a in ledger.at("2026-03-01", announced=True).active}
    assert "usa-controls/korea-threat-2026" not in names


def test_export_controls_do_not_touch_import_rates(ledger: Ledger) -> None:
    regime = ledger.at("2025-06-01")
    controls = {a.measure.id for a in regime.by("CHN", "export")}
    assert "chn/export-rare-earths-april-2025" in controls
    assert not controls & {a.measure.id for a in regime.by("CHN", "import")}
    # five announcements of 9 October never took effect: suspended on 7 November, due on the 8th
    october = "chn/export-announcements-october-2025"
    titles = {
        p.provision.title[:6]
        for day in ("2025-11-08", "2025-12-01", "2026-10-31")
        for a in ledger.at(day).active
        if a.measure.id == october
        for p in a.provisions
    }
    assert titles == set()
    active = {a.measure.id: a for a in ledger.at("2025-10-20").active}[october]
    assert [p.provision.title[:6] for p in active.provisions] == ["No. 62"]


def test_hanwha_units(ledger: Ledger) -> None:
    measure = ledger.measures["chn/hanwha-2025"]
    assert len(measure.provisions[0].entities) == 5
    held = {d: any(a.measure is measure for a in ledger.at(d).active)
            for d in ("2025-10-13", "2025-10-14", "2025-11-09", "2025-11-10")}  # fmt: skip
    assert list(held.values()) == [False, True, True, False]


def test_lists_keep_leading_zeros_and_weights(ledger: Ledger) -> None:
    counts = {
        "can/usa-march-2025": 1256,  # 1,270 lines less 14 of chapters 98 and 99
        "can/usa-march-2025-metals": 299,
        "can/usa-march-2025-other": 240,
        "can/usa-proposed-125bn": 4416,
        "chn/usa-march-2025-10": 690,
        "chn/usa-march-2025-15": 29,
    }
    for name, n in counts.items():
        codes = ledger.lists[name].codes
        assert len(codes) == n
        assert {len(c) for c in codes} == {8}
        assert all("01" <= c[:2] <= "97" for c in codes)
    # every six-digit code with a weight stands on its list
    for rate in ("10", "15"):
        six = {c[:6] for c in ledger.lists[f"chn/usa-march-2025-{rate}"].codes}
        path = RECORDS / f"lists/chn/usa-march-2025-{rate}-weights.csv"
        lines = [x for x in path.read_text(encoding="utf-8").splitlines() if x[0] != "#"]
        weights = {r["hs"]: float(r["exports_usd"]) for r in csv.DictReader(lines)}
        assert set(weights) <= six
        assert sum(weights.values()) > 0


def test_record_ends(ledger: Ledger) -> None:
    with pytest.raises(DateError, match="ends on"):
        ledger.at("2026-11-11")


# The rows of the collected table of other imposers, each with the record that holds it.
ROWS: dict[str, list[str]] = {
    "can-chn-ev-2024": ["can/china-ev-2024"],
    "can-chn-evquota-2026": ["can/china-ev-2024"],
    "can-chn-steel-2024": ["can/china-steel-2024"],
    "can-fta-steel-2025": ["can/steel-quotas-2025"],
    "can-melt-2025": ["can/melted-in-china"],
    "can-nonfta-steel-2025": ["can/steel-quotas-2025"],
    "can-usa-2018-10": ["can/usa-2018"],
    "can-usa-2018-25": ["can/usa-2018"],
    "can-usa-2025-09-off": ["can/usa-2025-march", "can/usa-2025-metals"],
    "can-usa-2025-29.8": ["can/usa-2025-metals"],
    "can-usa-2025-30": ["can/usa-2025-march"],
    "can-usa-2025-alcohol": ["can/usa-alcohol"],
    "can-usa-2025-autos": ["can/usa-2025-cars"],
    "che-usa-pledge-2025": ["pledges/che-usa-200bn"],
    "chn-all-2018-automfn": ["chn/ordinary-duties"],
    "chn-all-beef-2026": ["chn/beef-safeguard"],
    "chn-aus-barley-wine": ["chn/australia-barley", "chn/australia-wine"],
    "chn-can-2025-100": ["chn/canada-2025"],
    "chn-can-2025-25": ["chn/canada-2025"],
    "chn-can-2025-canola": ["chn/canada-canola"],
    "chn-can-2026-canola": ["chn/canada-canola"],
    "chn-can-2026-susp": ["chn/canada-2025"],
    "chn-ecl-2025-03-04": ["chn/export-control-list-usa"],
    "chn-ecl-2025-04-04": ["chn/export-control-list-usa"],
    "chn-ecl-2025-04-09": ["chn/export-control-list-usa"],
    "chn-ecl-2025-11-05": ["chn/export-control-list-usa"],
    "chn-eu-brandy-2025": ["chn/eu-brandy"],
    "chn-eu-dairy-2026": ["chn/eu-dairy"],
    "chn-eu-ep-2025": ["chn/eu-parliament-2025"],
    "chn-eu-pork-2025": ["chn/eu-pork"],
    "chn-eu-pork-2025p": ["chn/eu-pork"],
    "chn-hanwha-2025": ["chn/hanwha-2025"],
    "chn-hanwha-2025-susp": ["chn/hanwha-2025"],
    "chn-jpn-dual-2026": ["chn/export-japan-dual-use"],
    "chn-jpn-ecl-2026-02": ["chn/export-control-list-japan"],
    "chn-jpn-lists-2026-06": ["chn/export-control-list-japan"],
    "chn-jpn-seafood-2011": ["chn/japan-seafood"],
    "chn-jpn-seafood-2023": ["chn/japan-seafood"],
    "chn-jpn-seafood-2025-06": ["chn/japan-seafood"],
    "chn-jpn-seafood-2025-11": ["chn/japan-seafood"],
    "chn-jpn-watch-2026-02": ["chn/export-control-list-japan"],
    "chn-mex-probe-2025": ["chn/mexico-inquiry"],
    "chn-micron-2023": ["chn/micron-2023"],
    "chn-nexperia-2025": ["chn/export-nexperia"],
    "chn-twn-ecfa-2024": ["ecfa"],
    "chn-uel-2025-01-02": ["chn/unreliable-entity-list"],
    "chn-uel-2025-02-04": ["chn/unreliable-entity-list"],
    "chn-uel-2025-03-04": ["chn/unreliable-entity-list"],
    "chn-uel-2025-04-04": ["chn/unreliable-entity-list"],
    "chn-uel-2025-04-09": ["chn/unreliable-entity-list"],
    "chn-uel-2025-09-25": ["chn/unreliable-entity-list"],
    "chn-uel-2025-10-09": ["chn/unreliable-entity-list"],
    "chn-usa-2018-232": ["chn/usa-2018-steel-answer"],
    "chn-usa-2018-l1": ["chn/usa-2018-list-1"],
    "chn-usa-2018-l2": ["chn/usa-2018-list-2"],
    "chn-usa-2018-l3": ["chn/usa-2018-list-3"],
    "chn-usa-2019-l3up": ["chn/usa-2018-list-3"],
    "chn-usa-2019-l4a": ["chn/usa-2019-list-4"],
    "chn-usa-2019-l4b": ["chn/usa-2019-list-4"],
    "chn-usa-2020-excl": ["chn-exclusions"],
    "chn-usa-2020-l4a-cut": ["chn/usa-2019-list-4"],
    "chn-usa-2020-p1": ["pledges/chn-usa-phase-one"],
    "chn-usa-2025-02-10": ["chn/usa-2025-february"],
    "chn-usa-2025-02-15": ["chn/usa-2025-february"],
    "chn-usa-2025-03-10": ["chn/usa-2025-march-farm"],
    "chn-usa-2025-03-15": ["chn/usa-2025-march-farm"],
    "chn-usa-2025-04-125": ["chn/usa-2025-april"],
    "chn-usa-2025-04-34": ["chn/usa-2025-april"],
    "chn-usa-2025-04-84": ["chn/usa-2025-april"],
    "chn-usa-2025-05-10": ["chn/usa-2025-april"],
    "chn-usa-2025-08-ext": ["chn/usa-2025-april"],
    "chn-usa-2025-11-10": ["chn/usa-2025-april"],
    "chn-usa-2025-11-farm-off": ["chn/usa-2025-march-farm"],
    "chn-usa-2025-logs": ["chn/usa-2025-logs"],
    "chn-usa-2025-portfee": ["chn/usa-port-fee"],
    "chn-usa-2025-poultry": ["chn/usa-2025-poultry"],
    "chn-usa-2025-soy": ["pledges/chn-usa-soybeans"],
    "chn-usa-2026-02-review": ["chn/usa-2025-april"],
    "chn-usa-2026-05-30bn": ["usachn-board-of-trade"],
    "chn-xc-2025-10-n55": ["chn/export-announcements-october-2025"],
    "chn-xc-2025-10-n56": ["chn/export-announcements-october-2025"],
    "chn-xc-2025-10-n57": ["chn/export-announcements-october-2025"],
    "chn-xc-2025-10-n58": ["chn/export-announcements-october-2025"],
    "chn-xc-2025-10-n61": ["chn/export-announcements-october-2025"],
    "chn-xc-2025-10-n62": ["chn/export-announcements-october-2025"],
    "chn-xc-2025-10-susp": ["chn/export-announcements-october-2025"],
    "chn-xc-battech-2025": ["chn/export-battery-technology"],
    "chn-xc-gage-2023": ["chn/export-gallium-germanium"],
    "chn-xc-graphite-2023": ["chn/export-graphite"],
    "chn-xc-ree-2025-04": ["chn/export-rare-earths-april-2025"],
    "chn-xc-retech-2023": ["chn/export-rare-earth-technology"],
    "chn-xc-sb-2024": ["chn/export-antimony"],
    "chn-xc-us-ban-2024": ["chn/export-us-minerals"],
    "chn-xc-us-ban-2025-susp": ["chn/export-us-minerals"],
    "chn-xc-w-2025": ["chn/export-tungsten"],
    "eu-all-ferroalloy-2025": ["eu27/ferroalloys"],
    "eu-all-steel-2018": ["eu27/steel-safeguard"],
    "eu-all-steel-2026": ["eu27/steel-2026"],
    "eu-chn-bev-2024": ["eu27/china-electric-cars"],
    "eu-chn-bev-2024p": ["eu27/china-electric-cars"],
    "eu-chn-bev-vw-2026": ["eu27/china-electric-cars"],
    "eu-usa-2018": ["eu27/usa-2018-rebalancing"],
    "eu-usa-2020-boeing": ["eu27/usa-aircraft-2020"],
    "eu-usa-2025-21bn": ["eu27/usa-2025-rebalancing"],
    "eu-usa-2025-93bn": ["eu27/usa-2025-rebalancing"],
    "eu-usa-2025-susp1": ["eu27/usa-2025-rebalancing"],
    "eu-usa-2026-susp2": ["eu27/usa-2025-rebalancing"],
    "eu-usa-concession-2026": ["eu27/usa-concession-2026"],
    "eu-usa-lobster-2026": ["eu27/usa-concession-2026"],
    "eu-usa-pledge-energy": ["pledges/eu-usa-750bn"],
    "eu-usa-pledge-inv": ["pledges/eu-usa-600bn"],
    "gbr-usa-epd-2025": ["gbr/usa-epd-2025"],
    "hkg-jpn-seafood-2023": ["hkg/japan-seafood-2023", "mac/japan-seafood-2023"],
    "ind-all-steel-2025": ["ind/flat-steel-2025"],
    "ind-usa-2019": ["ind/usa-2019"],
    "ind-usa-2026-fw": ["ind/usa-framework-2026"],
    "ind-usa-wto-2025": ["ind/usa-wto-2025"],
    "jpn-all-chip-2023": ["jpn/chip-equipment-2023"],
    "jpn-enduser-2025": ["jpn/end-user-list-2025"],
    "jpn-kor-2019-3items": ["jpn/korea-three-items"],
    "jpn-kor-2019-whitelist": ["jpn/korea-white-list"],
    "jpn-usa-pledge-2025": ["pledges/jpn-usa-550bn"],
    "jpn-usa-tranche1-2026": ["pledges/jpn-usa-550bn"],
    "kor-chn-plate-2025": ["kor/china-plate"],
    "kor-jpn-2019-whitelist": ["kor/japan-white-list"],
    "kor-jpn-chn-hrc-2025": ["kor/hot-rolled"],
    "kor-jpn-seafood-2013": ["kor/japan-seafood-2013"],
    "kor-usa-act-2026": ["pledges/kor-usa-350bn"],
    "kor-usa-pledge-2025": ["pledges/kor-usa-350bn"],
    "mex-nonfta-2024": ["mex/non-agreement-2024"],
    "mex-nonfta-2026": ["mex/non-agreement-2026"],
    "mex-usa-2018": ["mex/usa-2018"],
    "nld-all-duv-2023": ["nld/lithography-2023"],
    "rus-jpn-seafood-2023": ["rus/japan-seafood-2023"],
    "tur-usa-2018": ["tur/usa-2018"],
    "twn-chn-2025": ["twn/strategic-entities-2025"],
    "twn-usa-pledge-2026": ["pledges/twn-usa-500bn"],
    "un-prk-2397": ["un/north-korea-exports", "un/north-korea-oil"],
    "usa-all-50pct-2025": ["usa-controls/affiliates-rule"],
    "usa-all-aidiff-2025": ["usa-controls/ai-diffusion"],
    "usa-chn-301-2024": ["usa/section-301-china"],
    "usa-chn-el-2023": ["usa-controls/entity-list"],
    "usa-chn-el-2024": ["usa-controls/entity-list"],
    "usa-chn-el-2025-01": ["usa-controls/entity-list"],
    "usa-chn-outbound-2025": ["usa-controls/outbound-investment"],
    "usa-chn-ship-2025": ["usa-controls/section-301-ships"],
    "usa-chn-xc-2022": ["usa-controls/advanced-chips"],
    "usa-chn-xc-2023": ["usa-controls/advanced-chips"],
    "usa-chn-xc-2024": ["usa-controls/advanced-chips"],
    "usa-kor-threat-2026": ["usa-controls/korea-threat-2026"],
    "usa-kor-veu-2025": ["usa-controls/korean-fabs-in-china"],
    "usa-multi-el-2025-03": ["usa-controls/entity-list"],
    "vnm-all-2025-cars": ["vnm/mfn-cuts-2025"],
    "vnm-all-2025-ethanol": ["vnm/mfn-cuts-2025"],
    "vnm-all-2025-farm": ["vnm/mfn-cuts-2025"],
    "vnm-all-2025-lng": ["vnm/mfn-cuts-2025"],
    "vnm-chn-hrc-2025": ["vnm/china-hot-rolled"],
    "vnm-usa-2025-fw": ["vnm/usa-framework-2025"],
}


def test_every_collected_row_is_held(ledger: Ledger) -> None:
    assert len(ROWS) == 158
    missing = {r for ids in ROWS.values() for r in ids} - set(ledger.records)
    assert not missing


def test_general_knowledge_is_marked(ledger: Ledger) -> None:
    for rid, (file, record) in ledger.records.items():
        for source in getattr(record, "sources", {}).values():
            if source.publisher == "general knowledge":
                assert source.evidence == "G", (rid, file)

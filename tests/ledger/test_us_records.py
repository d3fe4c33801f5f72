"""The US records: lines worked out by hand, the guard of authorities, averages against bands.

Base rates are those of the 2025 schedule. Sources of the steps stand in the records; the comment
gives the sum and the heading or order behind it.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from detente.law.line import LineRate, averages, line_rates
from detente.ledger import Ledger, load_ledger
from detente.ledger import load as load_module

NO = "no preference claimed"
USMCA = "usmca claimed"
SHIRT = "6109100012"  # cotton T-shirts, MFN 16.5
PLASTIC = "3926909989"  # plastic articles, MFN 5.3
STEEL = "7208390030"  # hot-rolled steel, MFN free
CAR = "8703230140"  # MFN 2.5
GUARD = load_module.RECORDS / "expected-authorities.csv"


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return load_ledger()


def rates(ledger: Ledger, day: str, exporter: str, hs: str, **how: str) -> list[LineRate]:
    return list(line_rates(ledger.at(day, **how), "USA", exporter, hs, why=False))  # type: ignore[arg-type]


CASES = [
    # -- emergency tariffs: country rates ------------------------------------------------------
    # 9903.01.76: Lesotho 16.5 + 50 for one day, then 16.5 + 10; 9903.02.34: 16.5 + 15
    ("2025-04-09", "LSO", SHIRT, NO, 66.5),
    ("2025-04-10", "LSO", SHIRT, NO, 26.5),
    ("2025-08-07", "LSO", SHIRT, NO, 31.5),
    # 9903.02.59: Syria 16.5 + 41; no heading for Singapore: 5.3 + 10 throughout
    ("2025-08-07", "SYR", SHIRT, NO, 57.5),
    ("2025-08-07", "SGP", PLASTIC, NO, 15.3),
    # 9903.02.58: Switzerland 5.3 + 39; 9903.02.83: 15 in total from 14 November
    ("2025-08-07", "CHE", PLASTIC, NO, 44.3),
    ("2025-11-14", "CHE", PLASTIC, NO, 15.0),
    # 9903.02.74: natural cork of the EU (4501.10, free): max(0, 15), from 1 September free
    ("2025-08-31", "PRT", "4501100000", NO, 15.0),
    ("2025-09-01", "PRT", "4501100000", NO, 0.0),
    # Brazil: coffee free, 10 + 40 (9903.02.09, 9903.01.77), exempt from both on 13 November
    ("2025-08-06", "BRA", "0901110025", NO, 50.0),
    ("2025-11-13", "BRA", "0901110025", NO, 0.0),
    # India: 16.5 + 25, + 25 oil order (9903.01.84), + 18 from 7 February 2026
    ("2025-08-26", "IND", SHIRT, NO, 41.5),
    ("2025-08-27", "IND", SHIRT, NO, 66.5),
    ("2026-02-07", "IND", SHIRT, NO, 34.5),
    # -- fentanyl ------------------------------------------------------------------------------
    # Mexico, three days in which USMCA goods paid too: 0 + 25, unclaimed 16.5 + 25; then 0
    ("2025-03-04", "MEX", SHIRT, USMCA, 25.0),
    ("2025-03-04", "MEX", SHIRT, NO, 41.5),
    ("2025-03-07", "MEX", SHIRT, USMCA, 0.0),
    # Canada unclaimed: 16.5 + 25, + 35 from 1 August (9903.01.10)
    ("2025-07-31", "CAN", SHIRT, NO, 41.5),
    ("2025-08-01", "CAN", SHIRT, NO, 51.5),
    # natural gas of Canada, free: 10 (9903.01.13), never 35
    ("2025-08-01", "CAN", "2711210000", NO, 10.0),
    # -- steel and aluminium -------------------------------------------------------------------
    # Proclamation 9705: EU exempt, 25 from 1 June 2018, tariff quota from 2022; Türkiye 50
    ("2018-04-01", "DEU", STEEL, NO, 0.0),
    ("2018-06-01", "DEU", STEEL, NO, 25.0),
    ("2022-01-01", "DEU", STEEL, NO, 0.0),
    ("2018-09-01", "TUR", STEEL, NO, 50.0),
    ("2019-06-01", "TUR", STEEL, NO, 25.0),
    # Japan 25 until its tariff quota of April 2022; Korea under a quota from May 2018
    ("2022-03-31", "JPN", STEEL, NO, 25.0),
    ("2022-04-01", "JPN", STEEL, NO, 0.0),
    ("2019-01-01", "KOR", STEEL, NO, 0.0),
    # every arrangement ended on 12 March 2025: Korea 25, then 50
    ("2025-03-12", "KOR", STEEL, NO, 25.0),
    ("2025-06-04", "KOR", STEEL, NO, 50.0),
    # Canada claimed: 25 metals; unclaimed 25 fentanyl instead (EO 14289); both 50 from 4 June
    ("2025-03-12", "CAN", STEEL, NO, 25.0),
    ("2025-06-04", "CAN", STEEL, NO, 50.0),
    # United Kingdom: 25 where others pay 50, also under Annex I-A
    ("2025-06-04", "GBR", STEEL, NO, 25.0),
    ("2026-04-06", "GBR", STEEL, NO, 25.0),
    # kitchen ware 7323.93, MFN 2: Annex I-B 2 + 25; United Kingdom 2 + 15 (9903.82.05)
    ("2026-04-06", "IND", "7323930080", NO, 27.0),
    ("2026-04-06", "GBR", "7323930080", NO, 17.0),
    # filters 8421.29, free: Annex III, 15 in total
    ("2026-04-06", "JPN", "8421290065", NO, 15.0),
    # sister suffix of 7326.90.8688 on Annex I-B: 2.9 + 25 List 3 + 25 = 52.9 (8688 pays 77.9)
    ("2026-09-18", "CHN", "7326908660", NO, 52.9),
    ("2026-09-18", "CHN", "7326908688", NO, 77.9),
    # copper tube 7411.10.10, MFN 1.5: Annex II until 31 July 2025, then 1.5 + 50
    ("2025-07-31", "JPN", "74111010", NO, 1.5),
    ("2025-08-01", "JPN", "74111010", NO, 51.5),
    # -- vehicles, wood ------------------------------------------------------------------------
    # car parts 8708.30.50 brakes, MFN 2.5: + 25 on 3 May 2025; Japan 15 in total from 16 September
    ("2025-05-02", "JPN", "8708305090", NO, 12.5),
    ("2025-05-03", "JPN", "8708305090", NO, 27.5),
    ("2025-09-16", "JPN", "8708305090", NO, 15.0),
    # ... of the United Kingdom 10 in total from 30 June; of Mexico under USMCA free
    ("2025-06-30", "GBR", "8708305090", NO, 10.0),
    ("2025-05-03", "MEX", "8708305090", USMCA, 0.0),
    # tractors for semi-trailers 8701.21, MFN 4: 4 + 25; Mexico claimed 0 + 25 on 60%
    ("2025-11-01", "DEU", "8701210015", NO, 29.0),
    ("2025-11-01", "MEX", "8701210015", USMCA, 15.0),
    # buses 8702.10.31, MFN 2: 2 + 10
    ("2025-11-01", "DEU", "8702103100", NO, 12.0),
    # softwood 4407.11, free, 10; sofas 9401.61.4011, free: 25, Japan 15, United Kingdom 10
    ("2025-10-14", "SWE", "4407110001", NO, 10.0),
    ("2025-10-14", "VNM", "9401614011", NO, 25.0),
    ("2025-10-14", "JPN", "9401614011", NO, 15.0),
    ("2025-10-14", "GBR", "9401614011", NO, 10.0),
    # -- Section 301 ---------------------------------------------------------------------------
    # Chinese electric cars, MFN 2.5: List 1 25; 100 from 27 September 2024;
    # + 20 fentanyl + 25 Section 232 in April 2025, no reciprocal tariff
    ("2024-09-26", "CHN", "8703800020", NO, 27.5),
    ("2024-09-27", "CHN", "8703800020", NO, 102.5),
    ("2025-04-10", "CHN", "8703800020", NO, 147.5),
    # Chinese processors 8542.31, free: List 2 25, 50 from 2025, + 20 fentanyl
    ("2024-12-31", "CHN", "8542310070", NO, 25.0),
    ("2025-01-01", "CHN", "8542310070", NO, 50.0),
    ("2025-04-10", "CHN", "8542310070", NO, 70.0),
    # Chinese battery cells 8507.60, MFN 3.4: List 4A 7.5, 25 from 2026, + 10 + 10 of the truce
    # (8507.60 is on the list of car parts: the other entries)
    ("2024-12-31", "CHN", "8507600020", NO, 10.9),
    # -- safeguards ----------------------------------------------------------------------------
    # quartz slabs of Vietnam, free: 25 within the quota + 12.5 forced labour = 37.5
    ("2026-08-25", "VNM", "6810990040", NO, 37.5),
    # -- 2026 ----------------------------------------------------------------------------------
    # Section 122: 16.5 + 10; forced labour: Vietnam 16.5 + 12.5, Bangladesh 16.5 + 10
    ("2026-02-24", "VNM", SHIRT, NO, 26.5),
    ("2026-07-23", "VNM", SHIRT, NO, 26.5),
    ("2026-07-24", "VNM", SHIRT, NO, 29.0),
    ("2026-07-24", "BGD", SHIRT, NO, 26.5),
    # Laos is not among the 60 economies
    ("2026-07-24", "LAO", SHIRT, NO, 16.5),
    # Germany: 16.5 is above the total of 10; plastic max(5.3, 10); Japan max(5.3, 12.5)
    ("2026-07-24", "DEU", SHIRT, NO, 16.5),
    ("2026-07-24", "DEU", PLASTIC, NO, 10.0),
    ("2026-07-24", "JPN", PLASTIC, NO, 12.5),
    # China: 5.3 + 7.5 List 4A + 12.5 = 25.3; Brazil 5.3 + 25 + 12.5 = 42.8
    ("2026-07-24", "CHN", PLASTIC, NO, 25.3),
    ("2026-07-24", "BRA", PLASTIC, NO, 42.8),
    # a Japanese car stays at 15: neither Section 122 nor forced labour falls on Section 232 goods
    ("2026-03-01", "JPN", CAR, NO, 15.0),
    ("2026-08-01", "JPN", CAR, NO, 15.0),
    # Mexico under USMCA is free of both
    ("2026-03-01", "MEX", SHIRT, USMCA, 0.0),
    ("2026-08-01", "MEX", SHIRT, USMCA, 0.0),
]


@pytest.mark.parametrize(("day", "exporter", "hs", "route", "expected"), CASES)
def test_line(
    ledger: Ledger, day: str, exporter: str, hs: str, route: str, expected: float
) -> None:
    found: dict[str, float | None] = {}
    # heaviest first: the rest of a split by use is small
    for r in rates(ledger, day, exporter, hs):
        found.setdefault(r.route, r.rate_pct)
    if route not in found and len(found) == 1:  # all routes pay one rate: one row
        (route,) = found
    assert found[route] == pytest.approx(expected, abs=1e-6)


SPLIT = [
    # British cars, MFN 2.5: before 30 June 2025 27.5; then 10 within the quota, 27.5 over it
    ("2025-06-29", "GBR", CAR, [27.5]),
    ("2025-06-30", "GBR", CAR, [10.0, 27.5]),
    # boards and units 8471.50.0150 of Taiwan in 2026: most free of the chip tariff, the rest 25
    ("2026-01-16", "TWN", "8471500150", [0.0, 25.0]),
    # solar modules of Malaysia, free: 14.25 since the bifacial relief ended, 14 in the last year
    ("2024-07-01", "MYS", "8541430010", [14.25]),
    ("2025-03-01", "MYS", "8541430010", [14.0]),
    ("2026-02-07", "THA", "8541430010", [19.0]),
    # washing machines of Thailand, MFN 1, first year: 1 + 20 within, 1 + 50 over the quota
    ("2018-03-01", "THA", "8450200080", [21.0, 51.0]),
]


@pytest.mark.parametrize(("day", "exporter", "hs", "expected"), SPLIT)
def test_entries_that_pay_different_rates(
    ledger: Ledger, day: str, exporter: str, hs: str, expected: list[float]
) -> None:
    found = sorted({r.rate_pct for r in rates(ledger, day, exporter, hs) if r.route == NO})
    assert found == pytest.approx(expected)


def test_legal_date_and_collection_date_of_the_ruling(ledger: Ledger) -> None:
    # void from 20 February 2026, collected to the 23rd: shirt of Vietnam 16.5, and 16.5 + 20
    day = "2026-02-21"
    assert rates(ledger, day, "VNM", SHIRT)[0].rate_pct == 36.5
    assert rates(ledger, day, "VNM", SHIRT, dates="legal")[0].rate_pct == 16.5
    # nobody knew of the ruling on the 19th
    then = rates(ledger, day, "VNM", SHIRT, dates="legal", known_on="2026-02-19")
    assert then[0].rate_pct == 36.5


def test_canadian_beer(ledger: Ledger) -> None:
    # 2203, free: Section 338 takes 50 also under USMCA, forced labour nothing; then it is banned
    found = {r.route: r for r in rates(ledger, "2026-08-22", "CAN", "2203000030")}
    assert found[USMCA].rate_pct == pytest.approx(50.0)
    assert all(r.banned for r in rates(ledger, "2026-09-29", "CAN", "2203000030"))


def test_patented_drugs_of_deal_partners(ledger: Ledger) -> None:
    # 3004.90.92, free: 15 in total on the patented fifth of German drugs, 100 on Singapore's
    for exporter, taxed in [("DEU", 15.0), ("SGP", 100.0)]:
        found = {r.rate_pct: r.share_pct for r in rates(ledger, "2026-08-05", exporter, "30049092")}
        assert set(found) == {0.0, taxed}
        assert found[taxed] == pytest.approx(20.0)
    assert {r.rate_pct for r in rates(ledger, "2026-08-05", "IND", "30049092")} == {0.0}


def test_russian_aluminium(ledger: Ledger) -> None:
    # 200 stands in place of the 50 of Annex I-A, on the base in place of column 2
    (row,) = rates(ledger, "2026-05-01", "RUS", "7601103000")
    assert row.added_pct == 200.0


def expected_authorities() -> list[tuple[str, str, str]]:
    lines = [x for x in Path(GUARD).read_text().splitlines() if not x.startswith("#")]
    return [(r["measure"], r["first_day"], r["last_day"] or "9999") for r in csv.DictReader(lines)]


def test_completeness_guard_at_every_change(ledger: Ledger) -> None:
    table = expected_authorities()
    days = {d for d in ledger.change_dates("USA") if d <= ledger.record_until}
    days |= {d for _, d, _ in table} | {d for _, _, d in table if d != "9999"}
    ours = {m for m, _, _ in table}
    for day in sorted(days):
        regime = ledger.at(day)
        active = {
            a.measure.id
            for a in regime.by("USA")
            if any(p.entry.form != "exempt" for p in a.provisions)
        }
        wanted = {m for m, first, last in table if first <= day <= last}
        assert active & ours == wanted, day
        others = {i for i in active - ours if i.startswith("usa/")}
        assert not others, f"{day}: not in the guard: {sorted(others)}"


# Published averages before substitution (Budget Lab), and how far ours may lie from them.
# docs/us-average-tariff.md explains each difference.
BANDS = [
    ("2024-12-31", 2.4, 0.4, ()),
    ("2025-04-10", 27.0, 3.0, ()),
    ("2025-04-15", 28.0, 3.5, ()),
    ("2025-05-14", 17.8, 3.0, ()),
    ("2025-07-09", 18.0, 3.5, ()),
    ("2025-09-04", 17.4, 1.0, ()),
    ("2025-10-30", 17.9, 1.0, ()),
    ("2026-02-24", 9.1, 1.75, ("section-122",)),
]


@pytest.mark.parametrize(("day", "published", "within", "without"), BANDS)
def test_average_lies_near_the_published_one(
    ledger: Ledger, day: str, published: float, within: float, without: tuple[str, ...]
) -> None:
    found = averages(ledger.at(day).without(without), "USA")["ALL"]
    assert found.average_rate_pct == pytest.approx(published, abs=within)
    assert found.base_unknown_pct < 1


def test_the_report_of_9_april_has_china_at_125_in_all(ledger: Ledger) -> None:
    """The announcement said 125; that it stands on top of the 20 over fentanyl was said a day
    later. So read, the published 27 comes out."""
    known = ledger.at("2025-04-10", known_on="2025-04-10").without(["usa/ieepa-fentanyl-china"])
    assert averages(known, "USA")["ALL"].average_rate_pct == pytest.approx(27.0, abs=0.5)


def test_the_truce_takes_off_what_the_reports_say(ledger: Ledger) -> None:
    """28.0 in the report of 15 April and 17.8 in that of 12 May: levels differ from ours by the
    same amount in both (docs/us-average-tariff.md), the fall does not."""
    before, after = (
        averages(ledger.at(day), "USA")["ALL"].average_rate_pct
        for day in ("2025-04-15", "2025-05-14")
    )
    assert before - after == pytest.approx(28.0 - 17.8, abs=0.3)


def test_averages_move_the_right_way(ledger: Ledger) -> None:
    def of(day: str, partner: str) -> float:
        return averages(ledger.at(day), "USA")[partner].average_rate_pct

    assert of("2025-04-10", "CHN") > of("2025-05-14", "CHN") > of("2025-11-10", "CHN")
    assert of("2025-09-15", "JPN") > of("2025-09-16", "JPN")
    assert of("2025-10-31", "KOR") > of("2025-11-14", "KOR")
    assert of("2026-02-23", "ALL") > of("2026-02-24", "ALL")


def test_an_entry_that_another_replaces_on_its_first_day_is_no_change(ledger: Ledger) -> None:
    said = [c.words for c in ledger.changes("2025-08-07", "2025-08-07") if c.imposer == "EU27"]
    assert any("suspended; the 30% announced before did not begin" in w for w in said)
    assert not any(w.endswith("30% added") for w in said)
    japan = [
        c.words for c in ledger.changes("2025-08-07", "2025-08-07") if "Japan, August" in c.words
    ]
    assert len(japan) == 1
    assert "15% in total" in japan[0]
    assert "given back" in japan[0]

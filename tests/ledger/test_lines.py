"""The rate of a line on a day. Every expected number is worked out in its comment."""

from __future__ import annotations

import numpy as np
import pytest

from detente.errors import InputError, UnknownNameError
from detente.law.line import LineRate, averages, line_rates, sector_rates
from detente.law.stacking import Cells, evaluate
from detente.law.tables import covered, line_table
from detente.ledger import Ledger, load_ledger

CAR = "8703230140"  # MFN 2.5%
SHIRT = "6109100012"  # cotton T-shirts, MFN 16.5%
PLASTIC = "39269099"  # MFN 5.3%, List 4A


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return load_ledger()


def rows(ledger: Ledger, day: str, exporter: str, hs: str, **how: str) -> dict[str, LineRate]:
    found = line_rates(ledger.at(day, **how), "USA", exporter, hs)  # type: ignore[arg-type]
    return {r.route: r for r in found}


NO = "no preference claimed"
CASES = [
    # cars of Japan: MFN 2.5; with Section 232 2.5 + 25; after the deal max(2.5, 15)
    ("2025-04-02", "JPN", CAR, NO, 2.5),
    ("2025-04-03", "JPN", CAR, NO, 27.5),
    ("2025-09-15", "JPN", CAR, NO, 27.5),
    ("2025-09-16", "JPN", CAR, NO, 15.0),
    # a Japanese truck, 8704.21: MFN 25 is above the total of 15, so nothing is added
    ("2025-09-16", "JPN", "87042101", NO, 25.0),
    # cars of Korea: KORUS 0 + 25; unclaimed 2.5 + 25; after the deal 15 in total
    ("2025-10-01", "KOR", CAR, "korus claimed", 25.0),
    ("2025-10-01", "KOR", CAR, NO, 27.5),
    ("2025-11-01", "KOR", CAR, "korus claimed", 15.0),
    # cars of the EU, retroactive to 1 August 2025: 2.5 + 25, then 15
    ("2025-07-31", "DEU", CAR, NO, 27.5),
    ("2025-08-01", "DEU", CAR, NO, 15.0),
    # a USMCA car of Mexico: base 0, 25 on the 60% that is not US content = 15
    ("2025-10-01", "MEX", "8703230140", "usmca claimed", 15.0),
    # the same without a claim: 2.5 + 25
    ("2025-10-01", "MEX", "8703230140", NO, 27.5),
    # a Vietnamese shirt: 16.5 + 46 for one day, + 10 in the pause, + 20 from 7 August
    ("2025-04-09", "VNM", SHIRT, NO, 62.5),
    ("2025-04-10", "VNM", SHIRT, NO, 26.5),
    ("2025-05-20", "VNM", SHIRT, NO, 26.5),
    ("2025-08-07", "VNM", SHIRT, NO, 36.5),
    # a German shirt: 16.5 is above the total of 15
    ("2025-08-07", "DEU", SHIRT, NO, 16.5),
    # Chinese plastic articles: 5.3 MFN + 7.5 List 4A = 12.8
    ("2024-12-31", "CHN", PLASTIC, NO, 12.8),
    # 12.8 + 10 fentanyl = 22.8; 12.8 + 20 = 32.8; 12.8 + 20 + 10 baseline = 42.8;
    # 12.8 + 20 + 84 = 116.8; 12.8 + 20 + 125 = 157.8
    ("2025-02-04", "CHN", PLASTIC, NO, 22.8),
    ("2025-03-04", "CHN", PLASTIC, NO, 32.8),
    ("2025-04-05", "CHN", PLASTIC, NO, 42.8),
    ("2025-04-09", "CHN", PLASTIC, NO, 116.8),
    ("2025-04-10", "CHN", PLASTIC, NO, 157.8),
    # truce: 5.3 + 7.5 + 20 + 10 = 42.8; from 10 November 5.3 + 7.5 + 10 + 10 = 32.8
    ("2025-05-14", "CHN", PLASTIC, NO, 42.8),
    ("2025-11-10", "CHN", PLASTIC, NO, 32.8),
    # after the ruling 5.3 + 7.5
    ("2026-02-24", "CHN", PLASTIC, NO, 12.8),
    # List 4A at 15 before the cut of 14 February 2020: 5.3 + 15; after: 5.3 + 7.5
    ("2020-02-13", "CHN", PLASTIC, NO, 20.3),
    ("2020-02-14", "CHN", PLASTIC, NO, 12.8),
    # an iron article, List 3: 2.9 + 10 in 2018, 2.9 + 25 from 10 May 2019
    ("2018-09-24", "CHN", "7326908688", NO, 12.9),
    ("2019-05-10", "CHN", "7326908688", NO, 27.9),
    # the same in 2026: 2.9 + 25 List 3 + 50 Annex I-A
    ("2026-09-18", "CHN", "7326908688", NO, 77.9),
    # an exempt chip of Taiwan, Annex II: free
    ("2025-04-10", "TWN", "85423100", NO, 0.0),
    # hot-rolled steel of Japan, 7208, free MFN: 25, then 50; no reciprocal on top
    ("2025-04-10", "JPN", "72083900", NO, 25.0),
    ("2025-06-04", "JPN", "72083900", NO, 50.0),
]


@pytest.mark.parametrize(("day", "exporter", "hs", "route", "expected"), CASES)
def test_line(
    ledger: Ledger, day: str, exporter: str, hs: str, route: str, expected: float
) -> None:
    found = rows(ledger, day, exporter, hs)
    assert found[route].rate_pct == pytest.approx(expected, abs=1e-6)


def test_known_on_gives_what_was_known_then(ledger: Ledger) -> None:
    # Korean car on 5 November 2025: the notice came on 4 December, so 25 was known, 15 is right now
    now = rows(ledger, "2025-11-05", "KOR", CAR)["korus claimed"]
    then = rows(ledger, "2025-11-05", "KOR", CAR, known_on="2025-11-05")["korus claimed"]
    assert (now.rate_pct, then.rate_pct) == (15.0, 25.0)
    # a laptop from Vietnam (free MFN) on 9 April 2025: exempt since the 11th, 46 as known then
    laptop = "8471300100"
    assert rows(ledger, "2025-04-09", "VNM", laptop)[NO].rate_pct == 0.0
    then = rows(ledger, "2025-04-09", "VNM", laptop, known_on="2025-04-09")[NO]
    assert then.rate_pct == 46.0


def test_understanding_counts_only_when_asked(ledger: Ledger) -> None:
    day = "2025-10-30"
    assert rows(ledger, day, "KOR", CAR)["korus claimed"].rate_pct == 25.0
    regime = ledger.at(day, announced=True, known_on=day)
    asked = line_rates(regime, "USA", "KOR", CAR)
    # 15 in total on either route: one rate, one row
    assert [r.rate_pct for r in asked] == [15.0]


def test_metal_part_pays_the_metals_duty_and_the_rest_the_reciprocal(ledger: Ledger) -> None:
    # furniture parts of aluminium, 9403.99.90.10, free MFN, Vietnam, 10 June 2025:
    # 40% metal at 50 and 60% at 10 reciprocal = 20 + 6 = 26
    found = rows(ledger, "2025-06-10", "VNM", "9403999010")[NO]
    assert found.rate_pct == pytest.approx(26.0)
    assert sorted((p.share_of_value_pct, p.rate_pct) for p in found.paths) == [
        (40.0, 50.0),
        (60.0, 10.0),
    ]
    rest = next(p for p in found.paths if p.share_of_value_pct == 60.0)
    assert rest.part == "metal-content: rest"


def test_derivation_adds_up_and_names_rule_and_source(ledger: Ledger) -> None:
    found = rows(ledger, "2025-10-01", "KOR", CAR)["korus claimed"]
    (path,) = found.paths
    applied = [s.added_pct or 0 for s in path.steps if s.what in ("base", "applied", "rule")]
    assert sum(applied) == found.rate_pct
    aside = {s.record: s for s in path.steps if s.what == "set aside"}
    assert aside["usa/ieepa-reciprocal"].because.startswith("usa/cars-over-reciprocal")
    assert "EO 14257" in aside["usa/ieepa-reciprocal"].source[0]
    unreached = {s.record: s.because for s in path.steps if s.what == "not reached"}
    assert unreached["usa/section-301-china"] == "does not target KOR"
    assert all(s.source for s in path.steps if s.what != "not reached")


def test_short_code_gives_distinct_rates_heaviest_first(ledger: Ledger) -> None:
    found = line_rates(ledger.at("2025-10-01"), "USA", "KOR", "870323")
    shares = [r.share_pct for r in found]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100)
    assert len({r.rate_pct for r in found}) == len(found)
    # 97.8% of the duty on chapter 87 was not collected in 2024: claimed 25, else 27.5
    assert [r.rate_pct for r in found] == [25.0, 27.5]
    assert shares[0] == pytest.approx(97.791)


def test_other_importers_give_what_is_added(ledger: Ledger) -> None:
    (cheese,) = line_rates(ledger.at("2025-04-01"), "CHN", "USA", "04069000")
    # 10% list of March 2025; China's base is not held for cheese, so no total is given
    assert (cheese.base_pct, cheese.added_pct, cheese.rate_pct) == (None, 10.0, None)
    (after,) = line_rates(ledger.at("2025-11-10"), "CHN", "USA", "04069000")
    # the March duty ended; the 10 kept of April 2025 is on all goods
    assert after.added_pct == 10.0


def test_ban_comes_and_goes(ledger: Ledger) -> None:
    def banned(day: str) -> bool:
        return line_rates(ledger.at(day), "CHN", "JPN", "030760")[0].banned

    days = ["2023-08-23", "2023-08-24", "2025-06-28", "2025-06-29", "2025-11-19"]
    assert [banned(d) for d in days] == [False, True, True, False, True]


def test_bad_input(ledger: Ledger) -> None:
    regime = ledger.at("2025-04-10")
    with pytest.raises(UnknownNameError, match="unknown HS code '770100'"):
        line_rates(regime, "USA", "KOR", "770100")
    with pytest.raises(InputError, match="not an HS code"):
        line_rates(regime, "USA", "KOR", "cars")
    with pytest.raises(InputError, match="itself"):
        line_rates(regime, "USA", "USA", CAR)
    with pytest.raises(UnknownNameError, match="unknown partner 'KRO'"):
        line_rates(regime, "USA", "KRO", CAR)
    with pytest.raises(InputError, match="no import values are held for CHN"):
        averages(regime, "CHN")


def test_paths_of_every_cell_sum_to_one(ledger: Ledger) -> None:
    table = line_table("USA")
    cells = Cells(table.flow_line, table.flow_partner, table.partners, table.partners)
    result = evaluate(ledger.at("2025-10-01"), table, cells)
    sums = np.bincount(result.cell, result.entry_share * result.value_share)
    np.testing.assert_allclose(sums, 1.0, atol=1e-12)


def test_average_is_the_weighted_mean_of_single_queries(ledger: Ledger) -> None:
    # two routes to one number: all cars of Korea, one query, against the matrix cell by hand
    regime = ledger.at("2025-10-01")
    found = line_rates(regime, "USA", "KOR", "8703", why=False)
    by_query = sum((r.rate_pct or 0) * r.share_pct / 100 for r in found)
    table = line_table("USA")
    cells = Cells(table.flow_line, table.flow_partner, table.partners, table.partners)
    result = evaluate(regime, table, cells)
    w = result.entry_share * result.value_share * result.rate
    rate = np.bincount(result.cell, w)
    cars = np.char.startswith(table.codes[table.flow_line], "8703")
    here = cars & (table.flow_partner == table.partners.index("KOR"))
    by_matrix = np.average(rate[here], weights=table.flow_value[here])
    assert by_query == pytest.approx(by_matrix, abs=1e-4)


def test_sector_rates_for_an_importer_without_weights(ledger: Ledger) -> None:
    found = sector_rates(ledger.at("2025-01-10"), "CHN", ("JPN", "KOR"))
    assert found.basis.startswith("six-digit lines")
    fishing = found.sectors.index("A03")
    # every fresh or frozen fish line of Japan is banned, none of Korea
    assert found.banned_share[fishing, 0] > 0.5
    assert found.banned_share[fishing, 1] == 0


def test_covered_by_prefix_and_by_longer_codes() -> None:
    codes = np.array(["010121", "870321", "870322", "870410"])
    assert covered(codes, ["8703"]).tolist() == [False, True, True, False]
    assert covered(codes, ["87032201"]).tolist() == [False, False, True, False]
    assert covered(codes, []).tolist() == [False] * 4

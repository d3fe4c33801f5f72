"""Every measure the five articles name is held, with the article among its sources, and every
disagreement among them is recorded with both readings."""

from __future__ import annotations

import re

import pytest

from detente.ledger import Ledger, load_ledger
from detente.ledger.schema import Agreement, Conflict, Entry, Measure, Pledge


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return load_ledger()


def cites(record: object, article: str) -> bool:
    return any(s.article == article for s in getattr(record, "sources", {}).values())


def entries(ledger: Ledger, record: str) -> list[Entry]:
    return [e for p in ledger.measures[record].provisions for e in p.history]


# implementer, target, article, record, statuses the text allows
MEASURES = [
    ("USA", "all", "asia-financial-2025-03", "usa/section-232-cars", {"in_force"}),
    ("USA", "all", "asia-financial-2025-03", "usa/ieepa-reciprocal", {"in_force"}),
    ("USA", "all", "newsletter-2025-05", "usa/ieepa-reciprocal", {"in_force"}),
    ("USA", "all", "asia-financial-2025-03", "usa-controls/chips-reported-2025", {"threatened"}),
    ("CHN", "USA", "asia-financial-2025-03", "chn/usa-2025-february", {"in_force"}),
    ("CHN", "USA", "asia-financial-2025-03", "chn/usa-2025-march-farm", {"in_force"}),
    ("USA", "CHN", "asia-financial-2025-03", "usa-controls/entity-list", {"in_force"}),
    ("VNM", "USA", "asia-financial-2025-03", "vnm/mfn-cuts-2025", {"in_force"}),
    ("USA", "CHN", "wsj-mint-2024-05", "usa/section-301-china", {"in_force"}),
    ("USA", "CHN", "wsj-mint-2024-05", "usa-controls/advanced-chips", {"in_force"}),
    (
        "USA",
        "CHN",
        "wsj-mint-2024-05",
        "usa-controls/outbound-investment",
        {"in_force", "announced"},
    ),
    ("JPN", "CHN", "wsj-mint-2024-05", "jpn/chip-equipment-2023", {"threatened"}),
    ("KOR", "CHN", "wsj-mint-2024-05", "kor/export-limits-feared", {"threatened"}),
    ("USA", "KOR", "firstpost-2025-10", "usa/section-232-cars", {"understanding", "in_force"}),
    ("CHN", "KOR", "firstpost-2025-10", "chn/hanwha-2025", {"in_force"}),
    ("CHN", "JPN", "digest-2025-03", "chn/japan-seafood", {"in_force"}),
    ("CHN", "DEU", "newsletter-2025-05", "chn/eu-parliament-2025", {"ended"}),
    ("USA", "CHN", "newsletter-2025-05", "usa-controls/encirclement-wanted", {"threatened"}),
]


@pytest.mark.parametrize(("imposer", "target", "article", "record", "statuses"), MEASURES)
def test_measure_of_an_article(
    ledger: Ledger, imposer: str, target: str, article: str, record: str, statuses: set[str]
) -> None:
    measure = ledger.measures[record]
    assert measure.imposer == imposer
    assert cites(measure, article)
    assert statuses <= {e.status for e in entries(ledger, record)}
    regime = ledger.at("2025-06-01")
    reached = frozenset[str]().union(
        *(regime.countries(measure.scope(p)[0]) for p in measure.provisions)
    )
    assert (len(reached) > 150) if target == "all" else (target in reached)


def test_values_of_the_articles(ledger: Ledger) -> None:
    def rates(record: str) -> set[float | None]:
        return {e.rate_pct for e in entries(ledger, record)}

    assert 25 in rates("usa/section-232-cars")  # 000: 25% on cars
    assert 15 in rates("usa/section-232-cars")  # 002: from 25 to 15
    assert 50 in rates("usa/section-232-metals")  # 002: 50% on steel and aluminium
    # 000: 10 to 15% duties
    both = rates("chn/usa-2025-february") | rates("chn/usa-2025-march-farm")
    assert {10.0, 15.0} <= both
    # 004: 145 = 125 reciprocal + 20 fentanyl
    assert 125 in rates("usa/ieepa-reciprocal")
    assert 20 in rates("usa/ieepa-fentanyl-china")
    # 002: five entities; 000: 80 entities
    assert len(ledger.measures["chn/hanwha-2025"].provisions[0].entities) == 5
    titles = [p.title for p in ledger.measures["usa-controls/entity-list"].provisions]
    assert any("80 entities" in t for t in titles)
    # 003: total ban, since the release of 2023
    ban = next(e for e in entries(ledger, "chn/japan-seafood") if e.form == "ban")
    assert ban.in_force == "2023-08-24"


def test_pledge_agreements_and_coalition(ledger: Ledger) -> None:
    pledge = ledger.pledges["pledges/kor-usa-350bn"]
    assert isinstance(pledge, Pledge)
    assert cites(pledge, "firstpost-2025-10")
    assert "usa/section-232-cars" in pledge.linked_to  # 002: in exchange for tariff relief
    for name in ("usjpn-sec", "uskor-sma12", "uskor-mdt"):  # 003
        agreement = ledger.agreements[name]
        assert isinstance(agreement, Agreement)
        assert agreement.type == "security"
        assert cites(agreement, "digest-2025-03")
    assert ledger.groups["bessent-four"].at("2025-05-07") == {"JPN", "KOR", "VNM", "IND"}


def test_implementer_inferred_and_label_kept_apart(ledger: Ledger) -> None:
    # the text of 002 on steel names no implementer; "embargo" is a label of 145%
    steel = ledger.conflicts["conflicts/steel-duty-implementer"]
    assert "inferred" in (steel.adopted or "")
    assert steel.records == ("usa/section-232-metals",)
    assert {r.article for r in steel.readings} >= {"asia-financial-2025-03", "firstpost-2025-10"}
    assert "not a second measure" in ledger.conflicts["conflicts/tariff-or-embargo"].because


ITEMS = {
    1: ("unveiling-day", {"asia-financial-2025-03", "newsletter-2025-05"}),
    2: ("first-talks", {"asia-financial-2025-03", "digest-2025-03", "newsletter-2025-05"}),
    3: ("leaders-or-ministers", {"wsj-mint-2024-05", "digest-2025-03"}),
    4: ("korean-car-duty-label", {"asia-financial-2025-03", "firstpost-2025-10"}),
    5: ("korea-cars-signed", {"firstpost-2025-10"}),
    6: ("talks-stalled-since", {"asia-financial-2025-03", "wsj-mint-2024-05"}),
    7: ("pledge-aim-or-limit", {"firstpost-2025-10"}),
    8: ("encirclement", {"wsj-mint-2024-05", "digest-2025-03", "newsletter-2025-05"}),
    9: ("car-exports", {"asia-financial-2025-03"}),
    10: ("talks-or-negotiations", {"newsletter-2025-05"}),
    11: ("names", {"wsj-mint-2024-05", "firstpost-2025-10"}),
    12: (
        "not-reporting",
        {"asia-financial-2025-03", "wsj-mint-2024-05", "firstpost-2025-10", "newsletter-2025-05"},
    ),
    13: ("five-years-or-2019", {"asia-financial-2025-03", "wsj-mint-2024-05"}),
    14: ("deal-or-no-initiative", {"wsj-mint-2024-05", "newsletter-2025-05"}),
    15: ("ministers-or-summit", {"digest-2025-03"}),
    16: ("china-hopes-or-turns-away", {"asia-financial-2025-03", "newsletter-2025-05"}),
    17: ("population-and-output", {"digest-2025-03"}),
}


@pytest.mark.parametrize("item", ITEMS)
def test_disagreement(ledger: Ledger, item: int) -> None:
    name, articles = ITEMS[item]
    conflict = ledger.conflicts[f"conflicts/{name}"]
    assert isinstance(conflict, Conflict)
    assert len(conflict.readings) >= 2
    assert {r.article for r in conflict.readings} >= articles
    assert conflict.because
    assert conflict.notes is not None
    assert conflict.notes.startswith(f"Item {item} ")


def test_where_no_reading_is_adopted_both_stand(ledger: Ledger) -> None:
    for item in (6, 8, 16):
        assert ledger.conflicts[f"conflicts/{ITEMS[item][0]}"].adopted is None


def test_article_sources_name_outlet_and_date(ledger: Ledger) -> None:
    outlets = {
        "asia-financial-2025-03": "Asia Financial",
        "wsj-mint-2024-05": "Wall Street Journal via Mint",
        "firstpost-2025-10": "Firstpost",
    }
    for rid, (_, record) in ledger.records.items():
        for source in getattr(record, "sources", {}).values():
            if source.article and not isinstance(record, Measure):
                # outlet and date, as in "Firstpost, late October 2025"
                assert re.search(r"\b20(24|25)$", source.cite or ""), rid
            if source.article in outlets and rid.split("/")[0] != "usa":
                assert source.publisher == outlets[source.article], rid

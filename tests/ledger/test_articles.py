"""Every measure the five articles name is held, with the article among its sources, and every
disagreement among them is recorded with both readings."""

from __future__ import annotations

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
    ("USA", "all", "000", "usa/section-232-cars", {"in_force"}),
    ("USA", "all", "000", "usa/ieepa-reciprocal", {"in_force"}),
    ("USA", "all", "004", "usa/ieepa-reciprocal", {"in_force"}),
    ("USA", "all", "000", "usa-controls/chips-reported-2025", {"threatened"}),
    ("CHN", "USA", "000", "chn/usa-2025-february", {"in_force"}),
    ("CHN", "USA", "000", "chn/usa-2025-march-farm", {"in_force"}),
    ("USA", "CHN", "000", "usa-controls/entity-list", {"in_force"}),
    ("VNM", "USA", "000", "vnm/mfn-cuts-2025", {"in_force"}),
    ("USA", "CHN", "001", "usa/section-301-china", {"in_force"}),
    ("USA", "CHN", "001", "usa-controls/advanced-chips", {"in_force"}),
    ("USA", "CHN", "001", "usa-controls/outbound-investment", {"in_force", "announced"}),
    ("JPN", "CHN", "001", "jpn/chip-equipment-2023", {"threatened"}),
    ("KOR", "CHN", "001", "kor/export-limits-feared", {"threatened"}),
    ("USA", "KOR", "002", "usa/section-232-cars", {"understanding", "in_force"}),
    ("CHN", "KOR", "002", "chn/hanwha-2025", {"in_force"}),
    ("CHN", "JPN", "003", "chn/japan-seafood", {"in_force"}),
    ("CHN", "DEU", "004", "chn/eu-parliament-2025", {"ended"}),
    ("USA", "CHN", "004", "usa-controls/encirclement-wanted", {"threatened"}),
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
    assert cites(pledge, "002")
    assert "usa/section-232-cars" in pledge.linked_to  # 002: in exchange for tariff relief
    for name in ("usjpn-sec", "uskor-sma12", "uskor-mdt"):  # 003
        agreement = ledger.agreements[name]
        assert isinstance(agreement, Agreement)
        assert agreement.type == "security"
        assert cites(agreement, "003")
    assert ledger.groups["bessent-four"].at("2025-05-07") == {"JPN", "KOR", "VNM", "IND"}


def test_implementer_inferred_and_label_kept_apart(ledger: Ledger) -> None:
    # the text of 002 on steel names no implementer; "embargo" is a label of 145%
    steel = ledger.conflicts["conflicts/steel-duty-implementer"]
    assert "inferred" in (steel.adopted or "")
    assert steel.records == ("usa/section-232-metals",)
    assert {r.article for r in steel.readings} >= {"000", "002"}
    assert "not a second measure" in ledger.conflicts["conflicts/tariff-or-embargo"].because


ITEMS = {
    1: ("unveiling-day", {"000", "004"}),
    2: ("first-talks", {"000", "003", "004"}),
    3: ("leaders-or-ministers", {"001", "003"}),
    4: ("korean-car-duty-label", {"000", "002"}),
    5: ("korea-cars-signed", {"002"}),
    6: ("talks-stalled-since", {"000", "001"}),
    7: ("pledge-aim-or-limit", {"002"}),
    8: ("encirclement", {"001", "003", "004"}),
    9: ("car-exports", {"000"}),
    10: ("talks-or-negotiations", {"004"}),
    11: ("names", {"001", "002"}),
    12: ("not-reporting", {"000", "001", "002", "004"}),
    13: ("five-years-or-2019", {"000", "001"}),
    14: ("deal-or-no-initiative", {"001", "004"}),
    15: ("ministers-or-summit", {"003"}),
    16: ("china-hopes-or-turns-away", {"000", "004"}),
    17: ("population-and-output", {"003"}),
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
    outlets = {"000": "Asia Financial", "001": "Wall Street Journal via Mint", "002": "Firstpost"}
    for rid, (_, record) in ledger.records.items():
        for source in getattr(record, "sources", {}).values():
            if source.article and not isinstance(record, Measure):
                assert f"article {source.article}" in (source.cite or ""), rid
            if source.article in outlets and rid.split("/")[0] != "usa":
                assert source.publisher == outlets[source.article], rid

"""Names, aliases and groups; memberships are facts, dated by the treaties."""

import csv
from importlib.resources import files

import pytest

from detente import labels
from detente.errors import DateError, UnknownNameError


def test_the_vocabulary_has_77_countries_and_23_sectors():
    assert len(labels.country_codes()) == 77
    assert len(labels.sector_codes()) == 23
    assert len(labels.goods_sectors()) == 22
    assert labels.sector_name("C29") == "Motor vehicles"
    assert "ISIC Rev.4 29" in labels.sector_long_name("C29")
    assert labels.country_name("JPN") == "Japan"
    assert labels.country_name("XXX") == "XXX"


@pytest.mark.parametrize("name", ["countries.csv", "sectors.csv", "groups.csv", "members.csv"])
def test_every_row_of_a_vocabulary_has_as_many_fields_as_its_header(name):
    text = (files("detente") / "vocabulary" / name).read_text(encoding="utf-8")
    rows = list(csv.reader(text.splitlines()))
    assert {len(row) for row in rows} == {len(rows[0])}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("KOR", "KOR"), ("Korea", "KOR"), ("south korea", "KOR"), ("US", "USA"), ("Turkey", "TUR"),
        ("Türkiye", "TUR"), ("UK", "GBR"), ("Hong Kong, China", "HKG"), ("Viet Nam", "VNM"),
    ],
)  # fmt: skip
def test_names_and_aliases(name, code):
    assert labels.resolve_countries(name) == [code]


def test_lists_keep_their_order_and_name_each_country_once():
    assert labels.resolve_countries(["Japan", "CJK", "USA"]) == ["JPN", "CHN", "KOR", "USA"]


def test_all_means_all_of_the_world():
    assert labels.resolve_countries("all") == labels.country_codes()
    assert labels.resolve_countries("*", known=["JPN", "ROW"]) == ["JPN", "ROW"]
    assert labels.resolve_sectors("all") == labels.sector_codes()


@pytest.mark.parametrize(
    ("group", "on", "size"),
    [
        ("EU", None, 27), ("EU27", None, 27), ("EU", "2019-06-01", 28), ("EU", "2003-01-01", 15),
        ("ASEAN", None, 10), ("ASEAN", "2026-01-01", 11), ("RCEP", None, 15),
        ("RCEP", "2022-01-15", 10), ("USMCA", None, 3), ("NAFTA", None, 3),
        ("NAFTA", "2021-01-01", 0), ("CPTPP", None, 12), ("CPTPP", "2022-12-31", 9),
        ("G7", None, 7), ("BRICS", None, 5), ("BRICS", "2025-06-01", 10), ("Quad", None, 4),
        ("CJK", None, 3),
    ],
)  # fmt: skip
def test_group_sizes_on_dates(group, on, size):
    assert len(labels.group_members(group, on)) == size


def test_every_group_states_its_source():
    assert all(labels.group_source(g) for g in labels.group_names())


def test_members_a_world_lacks_are_reported():
    assert labels.missing_members("BRICS", labels.country_codes(), "2025-06-01") == [
        "ETH",
        "IRN",
        "ARE",
    ]
    with pytest.raises(UnknownNameError, match="ETH, IRN, ARE"):
        labels.resolve_countries("BRICS", on="2025-06-01")
    held = labels.resolve_countries("BRICS", on="2025-06-01", partial_groups=True)
    assert set(held) == {"BRA", "RUS", "IND", "CHN", "ZAF", "EGY", "IDN"}
    with pytest.raises(UnknownNameError, match="HRV"):
        labels.resolve_countries("EU27", known=["DEU", "FRA"])


def test_an_empty_group_is_refused():
    with pytest.raises(UnknownNameError, match="NAFTA"):
        labels.resolve_countries("NAFTA", on="2021-01-01")


def test_unknown_names_come_with_close_matches():
    with pytest.raises(UnknownNameError, match="Japan"):
        labels.resolve_countries("Japn")
    with pytest.raises(UnknownNameError, match="Motor vehicles"):
        labels.resolve_sectors("Motor vehicle")
    with pytest.raises(UnknownNameError, match="ASEAN"):
        labels.group_members("ASEEN")
    with pytest.raises(UnknownNameError):
        labels.resolve_countries("Japan", known=["DEU"])
    with pytest.raises(DateError, match="2025-13-01"):
        labels.group_members("EU", "2025-13-01")


def test_sectors_by_code_name_alias_and_kind():
    assert labels.resolve_sectors(["C29", "Cars", "motor vehicles"]) == ["C29"]
    assert labels.resolve_sectors("goods") == labels.goods_sectors()
    assert labels.resolve_sectors("services") == ["services"]
    with pytest.raises(UnknownNameError):
        labels.resolve_sectors("services", known=["C29"])

"""Partner ranks: the shipped table against its source, and what it says of the claim."""

from __future__ import annotations

import pandas as pd
import pytest

from detente.dependence.partner_ranks import (
    GROUPINGS,
    MEASURES,
    build_partner_ranks,
    first_partner_of,
    partner_ranks,
    top_partners,
)
from detente.errors import TableError, UnknownNameError

BACI = ("baci", "baci_2023_bilateral.parquet")


def write(tmp_path, rows):
    path = tmp_path / "flows.parquet"
    columns = ["exporter", "importer", "value_usd_thousand"]
    pd.DataFrame(rows, columns=columns).to_parquet(path)
    return path


def test_ranks_of_a_table_worked_out_by_hand(tmp_path):
    path = write(
        tmp_path,
        [("USA", "KOR", 10.0), ("CHN", "KOR", 30.0), ("KOR", "USA", 50.0), ("KOR", "CHN", 20.0),
         ("HKG", "KOR", 25.0), ("CHN", "HKG", 99.0), ("DEU", "KOR", 8.0), ("FRA", "KOR", 7.0)],
    )  # fmt: skip
    table = build_partner_ranks(path).set_index(["grouping", "measure", "economy", "rank"])
    partner = table["partner"]
    assert partner["economies", "imports", "KOR", 1] == "CHN"
    assert partner["economies", "exports", "KOR", 1] == "USA"
    assert partner["economies", "total", "KOR", 1] == "USA"  # 60 against 50
    joined = "China with Hong Kong and Macao"
    assert partner[joined, "total", "KOR", 1] == "CHN+HKG+MAC"  # 75
    assert partner["EU as one", "imports", "KOR", 3] == "EU"  # 15 against 10 of the USA
    assert table.loc[("economies", "total", "KOR", 1), "share"] == pytest.approx(60 / 150)
    assert "HKG" not in set(table.loc[joined].reset_index()["economy"])


def test_bad_tables_are_refused(tmp_path):
    with pytest.raises(TableError, match="twice"):
        build_partner_ranks(write(tmp_path, [("A", "B", 1.0), ("A", "B", 2.0)]))
    with pytest.raises(TableError, match="negative"):
        build_partner_ranks(write(tmp_path, [("A", "B", -1.0)]))
    bad = tmp_path / "bad.parquet"
    pd.DataFrame({"exporter": ["A"]}).to_parquet(bad)
    with pytest.raises(TableError, match="missing"):
        build_partner_ranks(bad)


@pytest.mark.raw_tables
def test_the_shipped_table_is_what_the_build_makes(shared_data):
    made = build_partner_ranks(shared_data.joinpath(*BACI))
    for grouping in GROUPINGS:
        for measure in MEASURES:
            rows = (made["grouping"] == grouping) & (made["measure"] == measure)
            part = made[rows].drop(columns=["grouping", "measure"]).reset_index(drop=True)
            pd.testing.assert_frame_equal(part, partner_ranks(None, measure, grouping))


@pytest.mark.raw_tables
def test_first_partners_counted_straight_from_the_source(shared_data):
    flows = pd.read_parquet(shared_data.joinpath(*BACI))
    source = flows.loc[flows.groupby("importer")["value_usd_thousand"].idxmax(), "exporter"]
    found = first_partner_of("CHN").table.set_index(["grouping", "measure"])["first_for"]
    assert found["economies", "imports"] == (source == "CHN").sum()


def test_china_is_first_for_69_by_total_and_78_by_imports_and_the_claim_does_not_fit():
    # design figures of systems.md, section E, counted from the same source by another hand
    found = first_partner_of("CHN", 120)
    counts = found.table.set_index(["grouping", "measure"])["first_for"]
    assert counts["economies", "total"] == 69
    assert counts["economies", "imports"] == 78
    assert not found.fits
    assert not found.table["fits_claim"].any()
    assert "under none of 9 definitions" in found.text
    assert len(found.economies["economies", "total"]) == 69
    assert first_partner_of("CHN", 60).fits


def test_shares_and_ranks_are_ordered():
    table = partner_ranks()
    for _, rows in table.groupby("economy"):
        assert rows["rank"].is_monotonic_increasing
        assert rows["value_usd_mn"].is_monotonic_decreasing
    assert table["share"].between(0, 1).all()


def test_names_resolve_and_unknown_ones_are_refused():
    assert list(top_partners("Korea")["rank"]) == [1, 2, 3, 4, 5]
    assert top_partners("KOR").equals(top_partners("Korea"))
    with pytest.raises(UnknownNameError):
        partner_ranks("Atlantis")
    with pytest.raises(UnknownNameError):
        partner_ranks("KOR", "services")
    with pytest.raises(UnknownNameError):
        first_partner_of("Atlantis")

"""The tables of shares: facts of 2024 trade, and a rebuild that gives the same bytes."""

import csv
import shutil

import pandas as pd
import pytest

import detente as dt
from detente.build.line_tables import build_tables
from detente.errors import TableError
from detente.policy.scenario import scenario_folder

TABLES = scenario_folder() / "tables"
RAW = (
    "us_imports/us_imports_2024_hs10.parquet",
    "concordance/hs6_to_sector.csv",
    "action_lists/steel-tariffs.csv",
    "action_lists/alu-tariffs.csv",
    "action_lists/annex-II-exemptions.csv",
    "action_lists/annex-II-exemptions-nov14.csv",
    "us_lists/s232_auto_parts.txt",
    "us_lists/mfn_rates_2025.csv",
    "us_lists/mfn_exemption_shares.csv",
    "us_lists/census_codes.csv",
)


def rows(name: str) -> list[dict[str, str]]:
    with (TABLES / name).open(newline="") as handle:
        return list(csv.DictReader(handle))


def value(name: str, sector: str, exporter: str, column: str) -> float:
    found = [r for r in rows(name) if (r["sector"], r["exporter"]) == (sector, exporter)]
    assert len(found) == 1
    return float(found[0][column])


@pytest.mark.parametrize("name", ["us-cars-2024.csv", "us-metals-2024.csv",
                                  "us-liberation-day-2024.csv"])  # fmt: skip
def test_shares_are_shares_and_all_is_their_mean(name):
    table = pd.read_csv(TABLES / name)
    assert table["share"].between(0, 1).all()
    assert not table.duplicated(["sector", "exporter"]).any()
    whole = table[table.exporter == "ALL"].set_index("sector")
    parts = table[table.exporter != "ALL"]
    covered = (parts["share"] * parts["imports_usd_million"]).groupby(parts["sector"]).sum()
    value = parts.groupby("sector")["imports_usd_million"].sum()
    assert (covered / value).sub(whole["share"]).abs().max() < 2e-6
    assert value.sub(whole["imports_usd_million"]).abs().max() < 0.01


def test_cars_agree_with_the_published_car_imports():
    # US imports 2024 of heading 8703: Japan 41.9 bn, Korea 36.9 bn dollars; light trucks (8704)
    # of both are small, vans of 8703.10 and 8703.21 are not cars here
    for partner, published in (("JPN", 41.9), ("KOR", 36.9)):
        share = value("us-cars-2024.csv", "C29", partner, "share")
        imports = value("us-cars-2024.csv", "C29", partner, "imports_usd_million")
        assert share * imports / 1e3 == pytest.approx(published, rel=0.01)


def test_column_1_holds_no_section_301_and_no_metals_duty():
    # Chinese cars pay 2.5% and parts 0 to 2.5% (China has no preference); collected were 25%
    assert 2.0 < value("us-column-1-2024.csv", "C29", "CHN", "rate_pct") < 2.5
    # steel is free in column 1 and aluminium 0 to 6.5%; Turkey, Taiwan and Vietnam paid 13 to 17
    for partner in ("TUR", "TWN", "VNM", "IND"):
        assert value("us-column-1-2024.csv", "C24", partner, "rate_pct") < 3.0
    # clothes carry the highest ordinary rates of the United States
    rate = {s: value("us-column-1-2024.csv", s, "CHN", "rate_pct") for s in ("C13T15", "C26")}
    assert rate["C13T15"] > 8 > 1 > rate["C26"]
    # free trade partners pay next to nothing on cars
    for partner in ("CAN", "MEX", "KOR"):
        assert value("us-column-1-2024.csv", "C29", partner, "rate_pct") < 1.0


def test_phones_and_computers_are_covered_on_2_april():
    assert value("us-liberation-day-2024.csv", "C26", "CHN", "share") > 0.9
    assert value("us-liberation-day-2024.csv", "C21", "EU27", "share") < 0.1  # drugs: Annex II
    assert value("us-liberation-day-2024.csv", "C29", "JPN", "share") < 0.1  # cars: Section 232
    assert value("us-liberation-day-2024.csv", "C13T15", "VNM", "share") > 0.99


def test_what_is_left_out_is_written_down():
    percent = {r["left_out"]: float(r["percent_of_imports"]) for r in rows("us-left-out-2024.csv")}
    # chapters 98 and 99 are 3.9% of US imports
    special = sum(v for k, v in percent.items() if "chapter 9" in k)
    assert special == pytest.approx(3.9, abs=0.05)
    assert len(percent) == 5


@pytest.mark.parametrize("partner", ["BRA", "CAN", "CHE", "EU27", "GBR", "JPN", "KOR", "MEX"])
def test_column_1_meets_what_was_collected_where_nothing_else_was_due(partner):
    # machines and vehicles: no Section 301, no metals duty, so the duties of 2024 over imports
    # (the world table) are the ordinary or preferential rate, to a quarter of a point
    world = dt.load_world()
    country = "DEU" if partner == "EU27" else partner
    for sector in ("C28", "C29", "C30"):
        collected = 100 * float(world.tariff.sel(sector=sector, importer="USA", exporter=country))
        rate = value("us-column-1-2024.csv", sector, partner, "rate_pct")
        assert rate == pytest.approx(collected, abs=0.25), (sector, rate, collected)


@pytest.mark.raw_tables
def test_the_rebuild_equals_the_shipped_tables_byte_for_byte(shared_data, tmp_path):
    tables = build_tables(shared_data, tmp_path)
    assert sorted(tables) == sorted(p.name for p in TABLES.glob("*.csv"))
    for name in tables:
        assert (tmp_path / name).read_bytes() == (TABLES / name).read_bytes(), name


@pytest.fixture
def raw(shared_data, tmp_path):
    """A copy of the raw files that the build reads, free to be damaged."""
    folder = tmp_path / "raw"
    for name in RAW:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shared_data / name, folder / name)
    return folder


def drop(path, word: str) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(x for x in lines if word not in x), encoding="utf-8")


@pytest.mark.raw_tables
def test_a_partner_without_a_name_or_a_record_stops_the_build(raw, tmp_path):
    path = raw / "us_lists" / "census_codes.csv"
    kept = path.read_text(encoding="utf-8")
    drop(path, "Denmark")
    with pytest.raises(TableError, match=r"census_codes\.csv: no country named Denmark.*correct"):
        build_tables(raw, tmp_path / "out")
    path.write_text(kept, encoding="utf-8")
    drop(raw / "us_lists" / "mfn_exemption_shares.csv", ",5880,")
    with pytest.raises(TableError, match=r"mfn_exemption_shares\.csv: no row for JPN; add"):
        build_tables(raw, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.raw_tables
def test_unknown_codes_of_weight_stop_the_build(raw, tmp_path):
    drop(raw / "concordance" / "hs6_to_sector.csv", "870323")
    with pytest.raises(TableError, match=r"hs6_to_sector\.csv: .*870323.*add them"):
        build_tables(raw, tmp_path / "out")


@pytest.mark.raw_tables
def test_a_missing_raw_file_is_named(raw, tmp_path):
    (raw / "us_lists" / "mfn_rates_2025.csv").unlink()
    with pytest.raises(TableError, match=r"mfn_rates_2025\.csv: not found; give the folder"):
        build_tables(raw, tmp_path / "out")

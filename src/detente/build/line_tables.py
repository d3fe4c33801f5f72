"""Build the small tables that sector-level scenarios need from product-level records.

A sector tariff is a product tariff times the share of the sector it covers. The shares are those
of 2024 US imports for consumption by HS10 and partner (US Census Bureau). Run

    python -m detente.build.line_tables RAW OUT

where RAW is a folder with the raw tables. The output is the same byte for byte for the same
input; ``scenarios/tables/PROVENANCE.md`` describes each file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from detente.errors import TableError

__all__ = ["build_tables"]

CARS = (
    "87032201", "87032301", "87032401", "87033101", "87033201", "87033301", "87034000", "87035000",
    "87036000", "87037000", "87038000", "87039001", "87042101", "87043101", "87044100", "87045100",
    "87046000",
)  # fmt: skip
"""Passenger vehicles and light trucks: HTS chapter 99, subchapter III, note 33(b)."""

STEEL = (
    "7206", "7207", "7208", "7209", "7210", "7211", "7212", "7213", "7214", "7215", "721610",
    "721621", "721622", "721631", "721632", "721633", "721640", "721650", "721699", "7217", "7218",
    "7219", "7220", "7221", "7222", "7223", "7224", "7225", "7226", "7227", "7228", "7229",
    "730110", "730210", "730240", "730290", "7304", "7305", "7306",
)  # fmt: skip
"""Articles of steel: HTS chapter 99, subchapter III, note 16(c)(iii), the list of Proclamation
9705 (7206.10 to 7216.50, 7216.99 to 7301.10, 7302.10, 7302.40 to 7302.90, 7304 to 7306)."""

ALUMINIUM = (
    "7601", "7604", "7605", "7606", "7607", "7608", "7609", "7616995160", "7616995170"
)  # fmt: skip
"""Articles of aluminium: HTS chapter 99, subchapter III, note 16(c)(i), the list of Proclamation
9704."""


NO_PREFERENCE = ("CHN", "HKG")
"""Their shares in the record of free entry are not believed: it is read from collected duties,
which hold Section 301 (it has 72% of Chinese vehicles free of column 1, which none is)."""

AGREEMENTS = (
    "AGO", "AUS", "CAN", "CHL", "COL", "CRI", "DOM", "GTM", "HND", "ISR", "KOR", "MEX", "NGA",
    "NIC", "PER", "SGP", "SLV", "ZAF",
)  # fmt: skip
"""Partners with a free trade agreement or, in Africa, AGOA. In chapters 72, 73 and 76 only theirs
are believed, since the duties of the others hold the metals duties of 2024."""

UNKNOWN_LIMIT = 0.001
"""Largest part of imports that may carry codes the concordance does not know."""


def build_tables(raw: Path, out: Path) -> dict[str, pd.DataFrame]:
    """Write the tables to ``out`` and return them by file name.

    ``us-left-out-2024.csv`` says what the other tables leave out, and why.

    Raises
    ------
    TableError
        A raw file is missing, too many codes are unknown, or a partner has no preference record.
    """
    imports, left_out = _imports(raw)
    column_1, unrated = _column_1(raw, imports)
    tables = {
        "us-cars-2024.csv": _share(imports, _starts(imports, CARS), ["C29"]),
        "us-metals-2024.csv": _share(imports, _metals(raw, imports), ["C24", "C25"]),
        "us-liberation-day-2024.csv": _share(imports, _reciprocal(raw, imports), None),
        "us-column-1-2024.csv": column_1,
        "us-left-out-2024.csv": pd.concat([left_out, unrated], ignore_index=True),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(out / name, index=False, float_format="%.6f", lineterminator="\n")
    return tables


def _read(path: Path, **options: object) -> pd.DataFrame:
    if not path.exists():
        raise TableError(f"{path}: not found; give the folder that holds the raw tables")
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, dtype=str, comment="#", **options)  # pyright: ignore


def _imports(raw: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """US imports 2024 with their goods sector, and what has none.

    Raises TableError where codes outside chapters 98 and 99 that the concordance does not know
    hold more than ``UNKNOWN_LIMIT`` of imports.
    """
    imports = _read(raw / "us_imports" / "us_imports_2024_hs10.parquet")
    sectors = _read(raw / "concordance" / "hs6_to_sector.csv")
    imports["hs6"] = imports["hs10"].str[:6]
    imports = imports.merge(sectors, on="hs6", how="left")
    chapter = imports["hs10"].str[:2]
    unknown = imports["sector"].isna() & ~chapter.isin(["98", "99"])
    codes = " ".join(sorted(set(imports.loc[unknown, "hs6"])))
    reasons = {
        "every table: chapter 98 (returned and repaired goods, government)": chapter == "98",
        "every table: chapter 99 (low value, by estimate)": chapter == "99",
        f"every table: not in the concordance ({codes})": unknown,
        "every table: electricity and gas, a service here": imports["sector"] == "services",
    }
    total = float(imports["imports_usd"].sum())
    rows = [_left(reason, imports[rows], total) for reason, rows in reasons.items()]
    lost = float(imports.loc[unknown, "imports_usd"].sum())
    if lost > UNKNOWN_LIMIT * total:
        raise TableError(
            f"{raw / 'concordance' / 'hs6_to_sector.csv'}: {lost / 1e6:,.1f} USD million of "
            f"imports carry codes it does not hold ({codes[:80]}); add them"
        )
    kept = imports[imports["sector"].notna() & (imports["sector"] != "services")]
    return kept.copy(), pd.DataFrame(rows)


def _left(reason: str, part: pd.DataFrame, total: float) -> dict[str, object]:
    value = float(part["imports_usd"].sum())
    return {
        "left_out": reason,
        "imports_usd_million": value / 1e6,
        "percent_of_imports": 100 * value / total,
    }


def _starts(imports: pd.DataFrame, codes: Iterable[str]) -> pd.Series:
    return imports["hs10"].str.startswith(tuple(codes))


def _metals(raw: Path, imports: pd.DataFrame) -> pd.Series:
    derivatives: list[str] = []
    for name in ("steel-tariffs", "alu-tariffs"):
        codes = _read(raw / "action_lists" / f"{name}.csv").iloc[:, 0]
        derivatives += [c.strip() for c in codes]
    return _starts(imports, [*STEEL, *ALUMINIUM, *derivatives])


def _reciprocal(raw: Path, imports: pd.DataFrame) -> pd.Series:
    """What Executive Order 14257 covered on 2 April 2025: all but Annex II and the articles
    under Section 232 (cars, car parts, steel, aluminium).

    Annex II as of April is read from two lists: one of April that lacks whole chapters (chips
    among them), and the complete one of 14 November 2025 without what came after 2 April: farm
    goods and fertiliser (November), phones, network gear, drives and monitors (memorandum of
    11 April; only 8541 and 8542 of chapter 85 stay). Other additions of September 2025 cannot be
    told apart and stay. The parts list names heading 8471 for computers built into cars; laptops
    and servers came under no car tariff, so that heading is left out.
    """
    folder = raw / "action_lists"
    april = _read(folder / "annex-II-exemptions.csv").iloc[:, 0].str.strip()
    november = _read(folder / "annex-II-exemptions-nov14.csv").iloc[:, 0].str.strip()
    farm = (november.str[:2] < "25") | (november.str[:2] == "31")
    later = (november.str[:2] == "85") & ~november.str[:4].isin(["8541", "8542"])
    kept = november[~farm & ~later]
    parts = (raw / "us_lists" / "s232_auto_parts.txt").read_text().split()
    out = (
        _starts(imports, [*april, *kept])
        | _starts(imports, CARS)
        | _starts(imports, [p for p in parts if not p.startswith("8471")])
        | _metals(raw, imports)
    )
    return ~out


def _share(imports: pd.DataFrame, covered: pd.Series, sectors: list[str] | None) -> pd.DataFrame:
    """Covered value over sector value, by sector and partner; "ALL" is every partner."""
    rows = imports.assign(covered=np.where(covered, imports["imports_usd"], 0))
    if sectors is not None:
        rows = rows[rows["sector"].isin(sectors)]
    by_partner = rows.groupby(["sector", "partner"])[["covered", "imports_usd"]].sum()
    whole = rows.groupby("sector")[["covered", "imports_usd"]].sum()
    whole.index = pd.MultiIndex.from_product([whole.index, ["ALL"]], names=["sector", "partner"])
    table = pd.concat([by_partner, whole]).sort_index()
    table = table[table["imports_usd"] > 0]
    return pd.DataFrame(
        {
            "sector": table.index.get_level_values(0),
            "exporter": table.index.get_level_values(1),
            "share": (table["covered"] / table["imports_usd"]).to_numpy(),
            "imports_usd_million": (table["imports_usd"] / 1e6).to_numpy(),
        }
    )


def _column_1(raw: Path, imports: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Column-1 or preferential ad-valorem rate by sector and partner at 2024 weights, and what
    enters it without a rate.

    The statutory rate of each HTS8 times one less the share of imports that enter free of it
    (by chapter and country). Specific and compound duties enter as their ad-valorem equivalent:
    duties over value in 2024 for partners without a preference programme, China left out, since
    its collected duties contain Section 301.
    """
    rates = _read(raw / "us_lists" / "mfn_rates_2025.csv")
    rates["mfn_rate"] = rates["mfn_rate"].astype(float)
    imports = imports.assign(hs8=imports["hs10"].str[:8], hs2=imports["hs10"].str[:2])
    imports = imports.merge(rates[["hs8", "mfn_rate", "rate_type"]], on="hs8", how="left")
    exempt = _exempt(raw, set(imports["partner"]))
    imports = imports.merge(exempt, on=["hs2", "partner"], how="left")
    # no row means no recorded use of a preference in that chapter
    imports["exemption_share"] = imports["exemption_share"].fillna(0.0)
    plain = imports[(imports["exemption_share"] < 0.05) & ~imports["partner"].isin(["CHN", "HKG"])]
    pooled = plain.groupby("hs8")[["duty_usd", "imports_usd"]].sum()
    pooled = pooled[pooled["imports_usd"] > 0]
    equivalent = (pooled["duty_usd"] / pooled["imports_usd"]).rename("equivalent")
    imports = imports.merge(equivalent, on="hs8", how="left")
    stated = imports["rate_type"].isin(["ad_valorem", "free"])
    rate = imports["mfn_rate"].where(stated, imports["equivalent"])
    known = rate.notna()
    value = imports["imports_usd"].astype(float)
    paid = rate.where(known, 0.0) * (1 - imports["exemption_share"]) * value
    frame = imports.assign(paid=paid, value=value.where(known, 0.0))
    by_partner = frame.groupby(["sector", "partner"])[["paid", "value"]].sum()
    whole = frame.groupby("sector")[["paid", "value"]].sum()
    whole.index = pd.MultiIndex.from_product([whole.index, ["ALL"]], names=["sector", "partner"])
    table = pd.concat([by_partner, whole]).sort_index()
    table = table[table["value"] > 0]
    rates_by_partner = pd.DataFrame(
        {
            "sector": table.index.get_level_values(0),
            "exporter": table.index.get_level_values(1),
            "rate_pct": (100 * table["paid"] / table["value"]).to_numpy(),
        }
    )
    reason = "us-column-1-2024.csv only: no stated rate and nothing to read one from"
    total = float(imports["imports_usd"].sum())
    return rates_by_partner, pd.DataFrame([_left(reason, imports[~known], total)])


def _exempt(raw: Path, partners: set[str]) -> pd.DataFrame:
    """Share of imports entering free of the column-1 rate, by chapter and partner.

    EU members are averaged plainly: the file has no weights by member, and the EU has no
    preference, so that the shares are small. See ``NO_PREFERENCE`` and ``AGREEMENTS`` for what
    the record is not believed on.

    Raises TableError where a partner of the import file has no country code or no record, since
    it would silently pay the full column-1 rate.
    """
    path = raw / "us_lists" / "mfn_exemption_shares.csv"
    shares = _read(path)
    shares["exemption_share"] = shares["exemption_share"].astype(float)
    shares["partner"] = shares["cty_code"].map(_census_partners(raw))
    shares = shares[shares["partner"].notna()].copy()
    metals = shares["hs2"].isin(["72", "73", "76"]) & ~shares["partner"].isin(AGREEMENTS)
    shares.loc[metals | shares["partner"].isin(NO_PREFERENCE), "exemption_share"] = 0.0
    lacking = sorted(partners - set(shares["partner"]))
    if lacking:
        raise TableError(
            f"{path}: no row for {', '.join(lacking)}; add the partner's Census country name to "
            "the map of names, or its rows to the file"
        )
    return shares.groupby(["hs2", "partner"])["exemption_share"].mean().reset_index()


def _census_partners(raw: Path) -> dict[str, str]:
    """Census country code to the partner labels of the import file.

    Raises TableError where the file lacks a name of the map.
    """
    path = raw / "us_lists" / "census_codes.csv"
    names = _read(path)
    lacking = sorted(set(_PARTNERS) - set(names["Name"]))
    if lacking:
        raise TableError(f"{path}: no country named {', '.join(lacking)}; correct the name")
    return {
        code: _PARTNERS[name]
        for code, name in zip(names["Code"], names["Name"], strict=True)
        if name in _PARTNERS
    }


_EU = (
    "Austria", "Belgium", "Bulgaria", "Croatia", "Cyprus", "Denmark, except Greenland", "Estonia",
    "Finland", "France", "Greece", "Hungary", "Ireland", "Italy", "Latvia", "Lithuania",
    "Luxembourg", "Malta", "Netherlands", "Poland", "Portugal", "Romania", "Slovakia", "Slovenia",
    "Spain", "Sweden",
)  # fmt: skip
_PARTNERS = {
    **dict.fromkeys(_EU, "EU27"),
    "Germany (Federal Republic of Germany)": "EU27", "Czech Republic": "EU27",
    "Angola": "AGO", "United Arab Emirates": "ARE", "Argentina": "ARG", "Australia": "AUS",
    "Bangladesh": "BGD", "Brazil": "BRA", "Canada": "CAN", "Switzerland": "CHE", "Chile": "CHL",
    "China": "CHN", "Colombia": "COL", "Costa Rica": "CRI", "Dominican Republic": "DOM",
    "Algeria": "DZA", "Ecuador": "ECU", "Egypt": "EGY", "United Kingdom": "GBR",
    "Guatemala": "GTM", "Hong Kong": "HKG", "Honduras": "HND", "Indonesia": "IDN", "India": "IND",
    "Iraq": "IRQ", "Israel": "ISR", "Japan": "JPN", "Cambodia": "KHM",
    "South Korea (Republic of Korea)": "KOR", "Kuwait": "KWT", "Sri Lanka": "LKA", "Mexico": "MEX",
    "Malaysia": "MYS", "Nigeria": "NGA", "Nicaragua": "NIC", "Norway": "NOR",
    "New Zealand": "NZL", "Pakistan": "PAK", "Peru": "PER", "Philippines": "PHL", "Russia": "RUS",
    "Saudi Arabia": "SAU", "Singapore": "SGP", "El Salvador": "SLV", "Thailand": "THA",
    "Trinidad and Tobago": "TTO", "Turkey": "TUR", "Taiwan": "TWN", "Venezuela": "VEN",
    "Vietnam": "VNM", "South Africa": "ZAF",
}  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("usage: python -m detente.build.line_tables RAW OUT")
    print(build_tables(Path(sys.argv[1]), Path(sys.argv[2]))["us-left-out-2024.csv"].to_string())

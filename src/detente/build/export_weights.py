"""Build the compact tables the line engine needs, from a folder of raw public tables.

    python -m detente.build.export_weights RAW_FOLDER

Deterministic: the same raw files give the same bytes. Sources stand in data/PROVENANCE.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["build"]

DATA = Path(__file__).parents[1] / "law" / "data"

# Census partner names as they stand in the code file, for the partners of the import table.
NAMES = {
    "AGO": "Angola", "ARE": "United Arab Emirates", "ARG": "Argentina", "AUS": "Australia",
    "BGD": "Bangladesh", "BRA": "Brazil", "CAN": "Canada", "CHE": "Switzerland", "CHL": "Chile",
    "CHN": "China", "COL": "Colombia", "CRI": "Costa Rica", "DOM": "Dominican Republic",
    "DZA": "Algeria", "ECU": "Ecuador", "EGY": "Egypt", "GBR": "United Kingdom",
    "GTM": "Guatemala", "HKG": "Hong Kong", "HND": "Honduras", "IDN": "Indonesia", "IND": "India",
    "IRQ": "Iraq", "ISR": "Israel", "JPN": "Japan", "KHM": "Cambodia",
    "KOR": "South Korea (Republic of Korea)",
    "KWT": "Kuwait", "LKA": "Sri Lanka", "MEX": "Mexico", "MYS": "Malaysia", "NGA": "Nigeria",
    "NIC": "Nicaragua", "NOR": "Norway", "NZL": "New Zealand", "PAK": "Pakistan", "PER": "Peru",
    "PHL": "Philippines", "RUS": "Russia", "SAU": "Saudi Arabia", "SGP": "Singapore",
    "SLV": "El Salvador", "THA": "Thailand", "TTO": "Trinidad and Tobago", "TUR": "Turkey",
    "TWN": "Taiwan", "VEN": "Venezuela", "VNM": "Vietnam", "ZAF": "South Africa",
    "AUT": "Austria", "BEL": "Belgium", "BGR": "Bulgaria", "HRV": "Croatia", "CYP": "Cyprus",
    "CZE": "Czech Republic", "DNK": "Denmark, except Greenland", "EST": "Estonia", "FIN": "Finland",
    "FRA": "France",
    "DEU": "Germany (Federal Republic of Germany)",
    "GRC": "Greece",
    "HUN": "Hungary", "IRL": "Ireland",
    "ITA": "Italy", "LVA": "Latvia", "LTU": "Lithuania", "LUX": "Luxembourg", "MLT": "Malta",
    "NLD": "Netherlands", "POL": "Poland", "PRT": "Portugal", "ROU": "Romania", "SVK": "Slovakia",
    "SVN": "Slovenia", "ESP": "Spain", "SWE": "Sweden",
}  # fmt: skip
EU = tuple(list(NAMES)[-27:])  # the members stand last in NAMES
# Partners whose 2024 duties contain more than the ordinary duty, so no guide to it.
NOT_ORDINARY = ("CHN", "HKG", "RUS")


def build(raw: Path, out: Path = DATA) -> None:
    """Write every table to ``out``. Shares are fractions, rates percent, values USD."""
    out.mkdir(parents=True, exist_ok=True)
    codes = _partner_codes(raw)
    imports = pd.read_parquet(raw / "us_imports/us_imports_2024_hs10.parquet")
    _write(
        imports[imports.imports_usd > 0][["partner", "hs10", "imports_usd"]]
        .rename(columns={"hs10": "hs", "imports_usd": "value_usd"})
        .sort_values(["partner", "hs"]),
        out / "USA_imports_2024.parquet",
    )
    exempt = _exemptions(raw, codes)
    _write(exempt, out / "USA_claims_mfn-exemption-2024.parquet")
    _write(_base(raw, imports, exempt), out / "USA_base_2025.parquet")
    for year in ("2024", "2025", "2025_12"):
        claims = pd.read_csv(raw / f"us_lists/usmca_product_shares_{year}.csv.gz", dtype=str)
        claims = claims.assign(
            hs=claims.hts10,
            partner=claims.cty_code.map(codes),
            share=claims.usmca_share.astype(float).clip(0, 1).round(6),
        )
        claims = claims[claims.share > 0][["partner", "hs", "share"]]
        name = f"USA_claims_usmca-{year.replace('_', '-')}.parquet"
        _write(claims.sort_values(["partner", "hs"]), out / name)
    sectors = pd.read_csv(raw / "concordance/hs6_to_sector.csv", dtype=str)
    _write(
        sectors.rename(columns={"hs6": "hs"}).sort_values("hs")[["hs", "sector"]],
        out / "hs6_sector.parquet",
    )


def _partner_codes(raw: Path) -> dict[str, str]:
    table = pd.read_csv(raw / "us_lists/census_codes.csv", dtype=str)
    by_name = dict(zip(table["Name"].str.strip(), table["Code"].str.strip(), strict=True))
    found: dict[str, str] = {}
    for iso, name in NAMES.items():
        code = by_name.get(name)
        if code is None:
            raise SystemExit(f"census_codes.csv has no {name!r}; mend NAMES")
        found[code] = iso
    return found


def _exemptions(raw: Path, codes: dict[str, str]) -> pd.DataFrame:
    """Share of the MFN duty not paid, by HS chapter and partner; the EU by members' exports."""
    table = pd.read_csv(raw / "us_lists/mfn_exemption_shares.csv", dtype=str)
    table = table.assign(
        hs=table.hs2, iso=table.cty_code.map(codes), share=table.exemption_share.astype(float)
    ).dropna(subset=["iso"])
    baci = pd.read_parquet(raw / "baci/baci_2023_bilateral.parquet")
    exporter, importer, value = _baci_columns(baci)
    to_usa = baci[baci[importer] == "USA"].groupby(exporter)[value].sum()
    weight = table.iso.map(lambda i: float(to_usa.get(i, 0.0)) if i in EU else 1.0)
    table = table.assign(partner=np.where(table.iso.isin(EU), "EU27", table.iso), w=weight)
    total_eu = sum(float(to_usa.get(i, 0.0)) for i in EU)
    table["ws"] = table.share * table.w / np.where(table.partner == "EU27", total_eu, 1.0)
    done = table.groupby(["partner", "hs"], as_index=False).ws.sum()
    done["share"] = done.ws.clip(0, 1).round(6)
    return done[done.share > 0][["partner", "hs", "share"]].sort_values(["partner", "hs"])


def _baci_columns(baci: pd.DataFrame) -> tuple[str, str, str]:
    names = {c.lower(): c for c in baci.columns}
    pick = [
        next(names[n] for n in options if n in names)
        for options in (
            ("exporter", "iso_o", "exp", "i", "origin"),
            ("importer", "iso_d", "imp", "j", "destination"),
            (
                "value",
                "trade",
                "v",
                "trade_value",
                "value_kusd",
                "exports",
                "value_thousand_usd",
                "value_usd_thousand",
            ),
        )
    ]
    return pick[0], pick[1], pick[2]


def _base(raw: Path, imports: pd.DataFrame, exempt: pd.DataFrame) -> pd.DataFrame:
    """Statutory column-1 rate by HS8; specific parts as equivalents from 2024 collected duties.

    The equivalent is duties over imports from partners that mostly pay the ordinary duty
    (exempt share of the chapter under 20%, and no surcharges in 2024).
    """
    table = pd.read_csv(raw / "us_lists/mfn_rates_2025.csv", dtype=str)
    flows = imports.assign(hs8=imports.hs10.str[:8], hs2=imports.hs10.str[:2])
    flows = flows.merge(
        exempt.rename(columns={"hs": "hs2"}), on=["partner", "hs2"], how="left"
    ).fillna({"share": 0.0})
    plain = flows[(flows.share < 0.2) & ~flows.partner.isin(NOT_ORDINARY)]
    sums = plain.groupby("hs8")[["imports_usd", "duty_usd"]].sum()
    sums = sums[sums.imports_usd > 0]
    paid = table.hs8.map(100 * sums.duty_usd / sums.imports_usd)
    rate = 100 * table.mfn_rate.astype(float)
    mixed = table.rate_type.isin(["specific", "compound"])
    base = rate.mask(mixed, pd.concat([rate, paid], axis=1).max(axis=1))
    unknown = mixed & paid.isna()
    base = base.where(~(unknown & (table.rate_type == "specific")), np.nan)
    done = pd.DataFrame(
        {
            "hs": table.hs8,
            "base_pct": base.round(4),
            "statutory_pct": rate.round(4),
            "type": table.rate_type,
            "text": table.rate_raw.where(mixed | (table.rate_type == "other"), ""),
        }
    )
    return done.drop_duplicates("hs").sort_values("hs")


def _write(table: pd.DataFrame, path: Path) -> None:
    table = table.reset_index(drop=True)
    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(arrow, path, compression="zstd", compression_level=19)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m detente.build.export_weights RAW_FOLDER")
    build(Path(sys.argv[1]))

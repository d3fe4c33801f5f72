"""The US tariff column: duties collected in 2024 over imports of 2024, by partner and sector."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detente.build.world.fold import GOODS, SECTORS, SERVICES
from detente.build.world.raw import RawTables
from detente.build.world.report import BuildReport
from detente.build.world.tariffs import EU27
from detente.errors import TableError

__all__ = ["FALLBACK", "replace_us_column"]

Array = NDArray[np.float64]

EU_PARTNER = "EU27"
AGREEMENT = ("AUS", "CAN", "CHL", "COL", "CRI", "ISR", "KOR", "MEX", "PER", "SGP")
"""Partners in the file with a free trade agreement with the United States."""
NO_NORMAL_RELATIONS = ("RUS",)
"""Column-2 rates since 9 April 2022 (Public Law 117-110), as for Belarus."""
APART = ("CHN", "HKG")
"""Not part of the general rate: Section 301 duties on China; Hong Kong's goods are marked as
Chinese and its shipments partly carry them."""

FALLBACK = {
    "BLR": "column 2", "BRN": "general", "CIV": "general", "CMR": "general", "ISL": "general",
    "JOR": "agreement", "KAZ": "general", "LAO": "general", "MAR": "agreement", "MMR": "general",
    "SEN": "general", "TUN": "general", "UKR": "general",
}  # fmt: skip
"""Countries without a partner of their own in the import file, and whose rates they take.

general: imports-weighted rate of the partners without an agreement (China, Hong Kong, Russia
left out; the preference scheme for developing countries lapsed at the end of 2020).
agreement: imports-weighted rate of the partners with an agreement (Jordan 2001, Morocco 2006).
column 2: the rates of Russia. ROW takes the pooled rate of the partners outside the table.
"""


def replace_us_column(
    raw: RawTables, countries: list[str], trade: Array, tariff: Array, report: BuildReport
) -> Array:
    """Return ``tariff`` (23, 77, 77) with the US importer replaced; ``trade`` weights the report.

    A partner without imports in a sector takes the general rate of that sector.
    """
    usa = countries.index("USA")
    duty, value = _by_sector(raw, report)
    known = set(duty.columns)
    outside = sorted(known - set(countries) - {EU_PARTNER})
    general_partners = sorted(
        known - set(AGREEMENT) - set(NO_NORMAL_RELATIONS) - set(APART) - set(outside)
    )
    pools = {
        "general": _pooled(duty, value, general_partners),
        "agreement": _pooled(duty, value, list(AGREEMENT)),
        "column 2": _pooled(duty, value, list(NO_NORMAL_RELATIONS)),
        "outside the table": _pooled(duty, value, outside),
    }
    out = tariff.copy()
    for i, country in enumerate(countries):
        if country == "USA":
            continue
        partner = EU_PARTNER if country in EU27 else country
        if partner in known:
            rate, source = _pooled(duty, value, [partner]), f"collected, partner {partner}"
        elif country == "ROW":
            rate = pools["outside the table"]
            source = f"collected, partners {' '.join(outside)}"
        elif country in FALLBACK:
            rate, source = pools[FALLBACK[country]], f"fallback: {FALLBACK[country]} rate"
        else:
            raise TableError(
                f"us_imports: no partner for {country} and no fallback; add it to FALLBACK."
            )
        empty = [s for s, a, b in zip(SECTORS, rate, pools["general"], strict=False)
                 if np.isnan(a) and not np.isnan(b)]  # fmt: skip
        rate = np.where(np.isnan(rate), pools["general"], rate)
        rate = np.where(np.isnan(rate), 0.0, rate)  # B09: no product code belongs to it
        note = source + (f"; general rate where nothing was imported: {' '.join(empty)}"
                         if empty else "")  # fmt: skip
        flows = trade[:GOODS, usa, i]
        before = _mean(out[:GOODS, usa, i], flows)
        out[:GOODS, usa, i] = rate
        report.add(
            "US tariffs by partner", "tariff on goods, 2022 trade weights", "percent",
            before * 100, _mean(rate, flows) * 100, country=country, note=note,
        )  # fmt: skip
    foreign = [i for i in range(len(countries)) if i != usa]
    for j in range(GOODS):
        flows = trade[j, usa, foreign]
        report.add(
            "US tariffs by sector", "tariff, 2022 trade weights", "percent",
            _mean(tariff[j, usa, foreign], flows) * 100, _mean(out[j, usa, foreign], flows) * 100,
            country="USA", sector=SECTORS[j],
        )  # fmt: skip
    out[GOODS, usa] = 0.0
    return out


def _by_sector(raw: RawTables, report: BuildReport) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Duties and imports, USD, sectors by partners; what maps to no sector is reported."""
    frame = raw.imports.assign(hs6=raw.imports["hs10"].str[:6])
    frame = frame.merge(raw.hs6, on="hs6", how="left")
    chapter = frame["hs10"].str[:2]
    special = chapter.isin(["98", "99"])
    lost = frame["sector"].isna()
    total = float(frame["imports_usd"].sum())
    for what, part in (
        ("chapter 98", frame[chapter == "98"]),
        ("chapter 99", frame[chapter == "99"]),
        ("codes missing from the concordance", frame[lost & ~special]),
        ("electricity and gas (services)", frame[frame["sector"] == SERVICES]),
    ):
        codes = " ".join(sorted(set(part["hs6"]))[:5]) if what.startswith("codes") else ""
        report.add(
            "US imports without a goods sector", what, "percent of US imports",
            None, 100 * float(part["imports_usd"].sum()) / total, country="USA", note=codes,
        )  # fmt: skip
        report.add(
            "US imports without a goods sector", f"{what}: duties", "USD million",
            None, float(part["duty_usd"].sum()) / 1e6, country="USA", note=codes,
        )  # fmt: skip
    kept = frame[~special & frame["sector"].isin(SECTORS[:GOODS])]
    for partner in ("CHN", "JPN", "KOR", EU_PARTNER, "MEX", "CAN"):
        every = frame[frame["partner"] == partner]
        report.add(
            "US collected duties 2024", "duties over all imports, chapters 98 and 99 included",
            "percent", None,
            100 * float(every["duty_usd"].sum()) / max(float(every["imports_usd"].sum()), 1.0),
            country=partner,
        )  # fmt: skip
    sums = kept.groupby(["sector", "partner"])[["duty_usd", "imports_usd"]].sum()
    goods = list(SECTORS[:GOODS])
    duty = sums["duty_usd"].unstack(fill_value=0).reindex(goods, fill_value=0).astype("float64")
    value = sums["imports_usd"].unstack(fill_value=0).reindex(goods, fill_value=0).astype("float64")
    return duty, value


def _pooled(duty: pd.DataFrame, value: pd.DataFrame, partners: list[str]) -> Array:
    """Duties over imports by sector; not a number where nothing was imported."""
    paid = duty[partners].to_numpy().sum(axis=1)
    bought = value[partners].to_numpy().sum(axis=1)
    return np.where(bought > 0, paid / np.where(bought > 0, bought, 1.0), np.nan)


def _mean(rates: Array, flows: Array) -> float:
    total = float(flows.sum())
    return float((rates * flows).sum() / total) if total > 0 else 0.0

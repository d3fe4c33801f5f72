"""Repair the 2021 tariff rates; every repair is a row of the report.

All functions take and return rates of shape (28 sectors, 81 importers, 81 exporters), fractions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detente.build.world.raw import RawTables
from detente.build.world.report import BuildReport

__all__ = ["EU27", "ROW_DONORS", "import_weighted", "repair_tariffs"]

Array = NDArray[np.float64]

EU27 = (
    "AUT", "BEL", "BGR", "HRV", "CYP", "CZE", "DNK", "EST", "FIN", "FRA", "DEU", "GRC", "HUN",
    "IRL", "ITA", "LVA", "LTU", "LUX", "MLT", "NLD", "POL", "PRT", "ROU", "SVK", "SVN", "ESP",
    "SWE",
)  # fmt: skip

ROW_DONORS = (
    "AGO", "ARG", "BGD", "BLR", "BRA", "CHN", "CIV", "CMR", "COD", "COL", "CRI", "EGY", "IDN",
    "IND", "JOR", "KAZ", "KHM", "LAO", "MAR", "MEX", "MMR", "MYS", "NGA", "PAK", "PER", "PHL",
    "RUS", "SEN", "STP", "THA", "TUN", "TUR", "UKR", "VNM", "ZAF",
)  # fmt: skip
"""Low- and middle-income economies of the file outside the EU (World Bank groups, fiscal 2024)."""

FOOD = "C10T12"
OUTLIER = 0.5
"""Highest partner rate above which food rates count as inflated. Seven importers pass it in
food and none in any other sector, where no rate reaches 0.4."""


def import_weighted(rates: Array, trade: Array, importer: int, sectors: list[int]) -> float:
    """Mean rate of one importer over ``sectors`` and foreign partners, weighted by imports."""
    flows = trade[sectors, importer].copy()
    flows[:, importer] = 0.0
    total = flows.sum()
    return float((flows * rates[sectors, importer]).sum() / total) if total > 0 else 0.0


def repair_tariffs(raw: RawTables, report: BuildReport) -> Array:
    """Zero on services, repaired food rates, filled ROW; the input stays untouched."""
    rates = raw.tariff.copy()
    _services(raw, rates, report)
    _food(raw, rates, report)
    _rest_of_world(raw, rates, report)
    inside = [raw.countries.index(c) for c in EU27]
    worst = float(rates[:, inside][:, :, inside].max())
    report.add("tariff checks", "highest rate inside the EU27", "percent", worst * 100, worst * 100)
    hkg = float(rates[:, raw.countries.index("HKG")].max())
    report.add(
        "tariff checks", "highest rate", "percent", hkg * 100, hkg * 100, country="HKG",
        note="Hong Kong is a free port: zero is true and kept",
    )  # fmt: skip
    return rates


def _services(raw: RawTables, rates: Array, report: BuildReport) -> None:
    """Customs duties are levied on goods; what the file puts on services is set to zero.

    B09, support activities for mining, is a service too: no product code belongs to it.
    """
    for s, sector in ((raw.sectors.index("B09"), "B09"), (len(raw.sectors) - 1, "services")):
        for n, country in enumerate(raw.countries):
            before = import_weighted(rates, raw.trade, n, [s])
            if before > 0:
                report.add(
                    "services tariff set to zero", "import-weighted tariff", "percent",
                    before * 100, 0.0, country=country, sector=sector,
                )  # fmt: skip
        rates[s] = 0.0


def _food(raw: RawTables, rates: Array, report: BuildReport) -> None:
    """Scale the food rates of importers whose highest partner rate exceeds OUTLIER.

    Ad valorem equivalents of specific duties on alcohol, tobacco and sugar have blown up a plain
    mean over products. An importer's general rate is the rate at the upper quartile of its
    partners. A flagged general rate is brought down to the lower of two references from the
    importers that are not flagged: their median general food rate; and the own general rate on
    agriculture (A01) times their median ratio of food to agriculture. One factor scales all
    partners, so preferences keep their relative size. The EU27 counts as one importer.
    """
    food, farm = raw.sectors.index(FOOD), raw.sectors.index("A01")
    general = np.quantile(rates, 0.75, axis=2)
    highest = rates[food].max(axis=1)
    flagged = [n for n in range(len(raw.countries)) if highest[n] > OUTLIER]
    union = [raw.countries.index(c) for c in EU27]
    peers = [
        n
        for n, c in enumerate(raw.countries)
        if n not in flagged and c not in EU27 and highest[n] > 0 and general[farm, n] > 0
    ]
    food_rates = [*general[food, peers], float(np.median(general[food, union]))]
    farm_rates = [*general[farm, peers], float(np.median(general[farm, union]))]
    typical = float(np.median(food_rates))
    ratio = float(np.median(np.array(food_rates) / np.array(farm_rates)))
    report.add(
        "food tariffs", "median general rate of other importers", "percent", None, typical * 100,
        sector=FOOD,
    )  # fmt: skip
    report.add("food tariffs", "median ratio of food to agriculture", "ratio", None, ratio,
               sector=FOOD)  # fmt: skip
    for n in flagged:
        target = min(typical, ratio * float(general[farm, n]))
        rule = "median of others" if target == typical else "own agriculture times ratio"
        before = import_weighted(rates, raw.trade, n, [food])
        rates[food, n] *= target / general[food, n]
        country = raw.countries[n]
        report.add(
            "food tariffs", "highest partner rate", "percent", float(highest[n]) * 100,
            float(rates[food, n].max()) * 100, country=country, sector=FOOD, note=rule,
        )  # fmt: skip
        report.add(
            "food tariffs", "import-weighted tariff", "percent", before * 100,
            import_weighted(rates, raw.trade, n, [food]) * 100, country=country, sector=FOOD,
            note=rule,
        )  # fmt: skip


def _rest_of_world(raw: RawTables, rates: Array, report: BuildReport) -> None:
    """Give ROW, all zero in the file, the import-weighted mean of ROW_DONORS by sector.

    An assumption, not data. The mean runs over all partners of the donors, so that it contains
    their preferences; every exporter to ROW meets the same rate.
    """
    row = raw.countries.index("ROW")
    donors = [raw.countries.index(c) for c in ROW_DONORS]
    for s, sector in enumerate(raw.sectors[:-1]):
        flows = raw.trade[s, donors].copy()
        flows[np.arange(len(donors)), donors] = 0.0
        rate = float((flows * rates[s, donors]).sum() / flows.sum())
        before = import_weighted(rates, raw.trade, row, [s])
        rates[s, row] = rate
        rates[s, row, row] = 0.0
        report.add(
            "ROW tariffs assumed", "import-weighted tariff", "percent", before * 100,
            rate * 100, country="ROW", sector=sector,
        )  # fmt: skip

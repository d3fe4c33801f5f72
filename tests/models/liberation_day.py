"""The 194 economies and the tariffs of Ignatenko, Lashkaripour, Macedoni and Simonovska (2025),
from the raw tables.

As in their build: goods trade of 2023 (BACI), GDP of 2023 or the latest year (World Bank), rates
of the annex of 2 April 2025 and no less than 10 percent, no tariffs before. ``nu`` matches selling
costs of 0.26 of sales for firms of the United States and 0.12 for others. Two of their rates are
not those of the text: Mexico has 17 percent (the text says 10), Switzerland 31 (the annex says 32).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import xarray as xr

import detente as dt
from detente.labels import group_members
from detente.models.labour_supply import LabourSupply, distribution_wedges
from raw_tables import raw_folder

EPS = 4.0
PSI = 0.67 / 4

# USD million. World Bank, latest year: Eritrea 2011 and Venezuela 2014 are before the raw table;
# France with Monaco, Switzerland with Liechtenstein, the United States with Puerto Rico and the
# Virgin Islands, as BACI counts them
GDP = {
    "ERI": 2_065.0016, "VEN": 482_359.3188, "FRA": 3_061_826.9619, "CHE": 892_301.9067,
    "USA": 27_843_283.3,
}  # fmt: skip

NAMES = {
    "Algeria": "DZA", "Angola": "AGO", "Bangladesh": "BGD", "Bosnia and Herzegovina": "BIH",
    "Botswana": "BWA", "Brunei": "BRN", "Cambodia": "KHM", "Cameroon": "CMR", "Chad": "TCD",
    "Côte d`Ivoire": "CIV", "Democratic Republic of the Congo": "COD", "Equatorial Guinea": "GNQ",
    "Fiji": "FJI", "Guyana": "GUY", "India": "IND", "Indonesia": "IDN", "Iraq": "IRQ",
    "Israel": "ISR", "Japan": "JPN", "Jordan": "JOR", "Kazakhstan": "KAZ", "Laos": "LAO",
    "Lesotho": "LSO", "Libya": "LBY", "Madagascar": "MDG", "Malawi": "MWI", "Malaysia": "MYS",
    "Mauritius": "MUS", "Moldova": "MDA", "Mozambique": "MOZ", "Myanmar (Burma)": "MMR",
    "Namibia": "NAM", "Nicaragua": "NIC", "Nigeria": "NGA", "North Macedonia": "MKD",
    "Norway": "NOR", "Pakistan": "PAK", "Philippines": "PHL", "Serbia": "SRB",
    "South Africa": "ZAF", "South Korea": "KOR", "Sri Lanka": "LKA", "Syria": "SYR",
    "Thailand": "THA", "Tunisia": "TUN", "Vanuatu": "VUT", "Venezuela": "VEN", "Vietnam": "VNM",
    "Zambia": "ZMB", "Zimbabwe": "ZWE",
}  # fmt: skip
ELSEWHERE = {"Falkland Islands", "Liechtenstein", "Nauru", "Taiwan"}  # not among the 194

# welfare of the first case, percent, as their programs write it out
PUBLISHED = {
    "USA": 1.13071, "CAN": -0.99579, "MEX": -2.54123, "CHN": -1.13256, "JPN": -0.29138,
    "KOR": -1.70798, "DEU": -0.73312, "FRA": 0.17687, "GBR": 0.42292, "IRL": -2.96613,
    "IND": 0.24860, "VNM": -11.02286, "KHM": -2.97814, "THA": -2.74004, "GUY": -18.48122,
    "HKG": 3.62180, "LBR": 5.17475, "CHE": -0.97477, "NOR": -2.02814, "BRA": -0.45289,
    "RUS": -0.86129, "SXM": -4.26520, "NIC": -1.56290, "LSO": 0.93644, "ZWE": 0.06155,
}  # fmt: skip


@cache
def countries() -> list[str]:
    flows = pd.read_parquet(raw_folder() / "baci" / "baci_2023_bilateral.parquet")
    return sorted(set(flows.exporter) | set(flows.importer))


@cache
def sales_and_nu() -> tuple[np.ndarray, np.ndarray]:
    """Sales with domestic ones (importer, exporter), USD million, and ``nu``: each needs the
    other, since transfers, and with them spending, depend on who earns what is sold."""
    names = countries()
    flows = pd.read_parquet(raw_folder() / "baci" / "baci_2023_bilateral.parquet")
    table = flows.pivot(index="importer", columns="exporter", values="value_usd_thousand")
    trade = table.reindex(index=names, columns=names).fillna(0.0).to_numpy() / 1e3
    np.fill_diagonal(trade, 0.0)
    gdp = pd.read_csv(raw_folder() / "macro" / "gdp_population.csv").dropna(subset="gdp_usd")
    latest = gdp.sort_values("year").groupby("iso3").gdp_usd.last() / 1e6
    Y = np.array([GDP.get(c, latest.get(c, np.nan)) for c in names])
    assert np.isfinite(Y).all()
    shares = np.where(np.array(names) == "USA", 0.26, 0.12)
    nu, imports = shares, trade.sum(axis=1)
    for _ in range(100):
        T = (1 - nu) * (imports - (1 - nu) @ trade)
        full = trade + np.diag(np.maximum(Y + T - imports, 0.0))
        before, nu = nu, distribution_wedges(full, shares)
        if np.abs(nu - before).max() < 1e-14:
            return full, nu
    raise AssertionError("sales and nu do not settle")


@cache
def world(theta: float = EPS) -> dt.World:
    full, _ = sales_and_nu()
    labels = {"sector": ["goods"], "importer": countries(), "exporter": countries()}
    array = xr.DataArray(full[None], labels, tuple(labels))
    return dt.World.from_tables(array, theta=theta, name="goods-2023")


def model(**settings) -> LabourSupply:
    return LabourSupply(**{"nu": tuple(sales_and_nu()[1]), **settings})


@cache
def announced() -> np.ndarray:
    """Rates on each exporter (N,), fractions."""
    annex = pd.read_csv(raw_folder() / "action_lists" / "reciprocal-tariffs-annex-I.csv")
    rates = dict.fromkeys(countries(), 0.10)
    for name, percent in zip(annex.CTY_NAME, annex.tariff_rate, strict=True):
        if name == "European Union":
            rates.update(dict.fromkeys(group_members("eu"), percent / 100))
        elif name in NAMES:
            rates[NAMES[name]] = percent / 100
        else:
            assert name in ELSEWHERE | {"China", "Canada", "Mexico", "Switzerland"}
    rates |= {"CHN": 0.54, "CAN": 0.10, "MEX": 0.17, "CHE": 0.31}
    values = np.maximum(0.10, np.array([rates[c] for c in countries()]))
    values[countries().index("USA")] = 0.0
    return values


def policy(us=None, others=None, theta: float = EPS) -> dt.Policy:
    """Tariffs of the United States by exporter, and of the others on it by importer."""
    w = world(theta)
    n = countries().index("USA")
    tariff = np.zeros(w.tariff.shape)
    for place, rates in (((0, n), us), ((0, slice(None), n), others)):
        if rates is not None:
            tariff[place] = rates
    tariff[0, n, n] = 0.0
    return dt.Policy(w, tariff=tariff)


def optimal(sales: np.ndarray, nu: np.ndarray, taxed: np.ndarray) -> np.ndarray:
    """Their Proposition 2 (N,): ``1 / ((1 + e) phi - 1)``, with ``taxed`` (N,) for imports."""
    abroad = sales * (1.0 - np.eye(len(sales)))
    part = abroad / sales.sum(axis=1, keepdims=True)
    elasticity = EPS * ((1 - nu)[:, None] * abroad * (1 - part)).sum(axis=0) / ((1 - nu) * taxed)
    return 1.0 / ((1.0 + elasticity) * pass_through(nu) - 1.0)


def pass_through(nu: np.ndarray) -> np.ndarray:
    return 1.0 + (1.0 + PSI) * nu / (1.0 - nu)

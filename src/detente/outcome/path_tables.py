"""A path as tables for people: percent and USD billion, one row a period."""

from __future__ import annotations

import numpy as np
import pandas as pd

from detente.labels import country_name, sector_name
from detente.outcome.path import Path

__all__ = ["path_countries", "path_flow", "path_origins", "path_sector"]

BN = 1e-3


def path_countries(path: Path) -> pd.DataFrame:
    """One row a period and country: real income (percent, and at the base's income in USD billion
    a year), real wage, exports, imports, tariff revenue."""
    base = path.start.base.point.income
    columns = {
        "real_income_pct": path.real_income.values,
        "real_income_usd_bn": BN * base * path.real_income.values / 100.0,
        "real_wage_pct": path.real_wage.values,
        "exports_pct": path.exports.values,
        "imports_pct": path.imports.values,
        "tariff_revenue_usd_bn": BN * path.revenue.values,
    }
    return _long(path, columns, "country")


def path_sector(path: Path, sector: str) -> pd.DataFrame:
    """One row a period and country: what a sector makes, sells abroad and pays, percent."""
    (sector,) = path.world.sector_list(sector, "path: sector")[:1]
    columns = {
        "output_pct": path.output.sel(sector=sector).values,
        "prices_pct": path.prices.sel(sector=sector).values,
        "exports_pct": path.sector_exports.sel(sector=sector).values,
        "wage_pct": path.sector_wage.sel(sector=sector).values,
        "labour_pct": path.sector_labour.sel(sector=sector).values,
    }
    rows = _long(path, columns, "country")
    rows.insert(3, "sector", sector)
    return rows


def path_flow(path: Path, sector: str, importer: str, exporter: str) -> pd.DataFrame:
    """One row a period: sales of a sector from one country to another, USD billion a year, their
    change in percent, and the tariff."""
    world = path.world
    (sector,) = world.sector_list(sector, "path: sector")[:1]
    (importer,) = world.country_list(importer, "path: importer")[:1]
    (exporter,) = world.country_list(exporter, "path: exporter")[:1]
    cell = {"sector": sector, "importer": importer, "exporter": exporter}
    flow = path.trade.sel(cell).values
    at = (
        world.sectors.index(sector), world.countries.index(importer),
        world.countries.index(exporter),
    )  # fmt: skip
    before = path.start.base.flows[at]
    change = flow / before - 1.0 if before > 0 else np.full(len(flow), np.nan)
    stages = path.stages[: len(path.solved)]
    return pd.DataFrame(
        {
            "time": path.times,
            "first": [s.first for s in stages],
            "last": [s.last for s in stages],
            **cell,
            "sales_usd_bn": BN * flow,
            "sales_pct": 100.0 * change,
            "tariff_pct": [100.0 * float(s.policy.tariff.values[at]) for s in stages],
        }
    )


def path_origins(path: Path, country: str) -> pd.DataFrame:
    """One row a period and sector: the real wage of those who worked there at the start, percent,
    and their share of the country's pay.

    Raises
    ------
    InputError
        Labour is mobile on the path.
    """
    (country,) = path.world.country_list(country, "path: groups")[:1]
    wages = path.real_wage_by_origin.sel(country=country).values
    rows = _long(path, {"real_wage_pct": wages}, "sector")
    share = 100.0 * path.origins.sel(country=country).values
    rows["share_of_pay_pct"] = np.tile(share, len(path.times))
    rows.insert(3, "country", country)
    return rows[rows["share_of_pay_pct"] > 0].reset_index(drop=True)


def _long(path: Path, columns: dict[str, np.ndarray], dim: str) -> pd.DataFrame:
    """(time, label) arrays as rows."""
    labels = path.world.countries if dim == "country" else path.world.sectors
    name = country_name if dim == "country" else sector_name
    stages, n = path.stages[: len(path.solved)], len(labels)
    return pd.DataFrame(
        {
            "time": np.repeat(path.times, n),
            "first": np.repeat([s.first for s in stages], n),
            "last": np.repeat([s.last for s in stages], n),
            dim: labels * len(stages),
            "name": [name(label) for label in labels] * len(stages),
            **{key: values.ravel() for key, values in columns.items()},
        }
    )

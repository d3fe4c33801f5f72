"""The steps from the raw tables to world-2022, in order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from detente.build.world.balance import Balanced, balance
from detente.build.world.fold import FOLDED, GOODS, SECTORS, Folding, fold_technology
from detente.build.world.own_tariffs import own_tariffs
from detente.build.world.raw import RawTables, read_raw
from detente.build.world.report import BuildReport
from detente.build.world.tariffs import repair_tariffs
from detente.build.world.us_column import replace_us_column
from detente.errors import TableError
from detente.world.theta import DEFAULT_THETA, theta_set

__all__ = ["build_world_2022"]

Array = NDArray[np.float64]

TOLERANCE = 1e-9


def build_world_2022(
    raw: Path | str, tariffs: pd.DataFrame | None = None
) -> tuple[xr.Dataset, BuildReport]:
    """Build the 77 x 23 world of 2022 from the folder of raw tables.

    raw: folder with the files of ``raw.FILES``. tariffs: own rates to put in place of the
    table's, columns sector, importer, exporter, value (fraction); the id then ends in
    "-own-tariffs".

    Returns the dataset (variables, dims and units of the architecture's World table, float64)
    and the report of every repair. Takes a few seconds; the result depends on the raw files only.

    Raises TableError for a missing or damaged raw file, or if the result misses an identity.
    """
    tables = read_raw(raw)
    report = BuildReport(inputs=tables.sha256)
    folding = Folding(tables)
    rates = repair_tariffs(tables, report)
    trade = _short(folding.trade(tables.trade))
    tariff = folding.tariff(rates, tables.trade)
    tariff = replace_us_column(tables, folding.countries, trade, tariff, report)
    if tariffs is not None:
        tariff = own_tariffs(tariffs, folding.countries, tariff, report)
    tariff = _short(tariff)
    _report_folding(tables, folding, rates, report)
    shares, value_added_share = fold_technology(tables)
    done = balance(trade, tariff, shares, value_added_share)
    without = balance(trade, np.zeros_like(tariff), shares, value_added_share)
    _report_balance(folding.countries, trade, tariff, done, without, report)
    dataset = _dataset(folding.countries, trade, tariff, done, tables.sha256)
    if tariffs is not None:
        dataset.attrs["id"] += "-own-tariffs"
    report.residuals = residuals(dataset)
    for name, value in report.residuals.items():
        if value > TOLERANCE:
            raise TableError(f"world-2022: identity {name!r} misses by {value:.1e} (relative).")
    return dataset, report


def residuals(dataset: xr.Dataset) -> dict[str, float]:
    """Largest relative miss of each identity, and the lowest value of any cell."""
    v = {str(k): a.values for k, a in dataset.data_vars.items()}
    output = v["trade"].sum(axis=1)
    spending = (v["trade"] * (1 + v["tariff"])).sum(axis=2)
    revenue = (v["trade"] * v["tariff"]).sum(axis=(0, 2))
    income = v["value_added"].sum(axis=0) + revenue + v["deficit"]
    deficit = v["trade"].sum(axis=(0, 2)) - v["trade"].sum(axis=(0, 1))

    def miss(left: Array, right: Array) -> float:
        scale = np.maximum(np.abs(left), np.abs(right))
        return float((np.abs(left - right) / np.where(scale > 0, scale, 1.0)).max())

    return {
        "output = value added + inputs": miss(output, v["value_added"] + v["inputs"].sum(axis=0)),
        "spending = inputs + final": miss(spending, v["inputs"].sum(axis=1) + v["final"]),
        "final = value added + revenue + deficit": miss(v["final"].sum(axis=0), income),
        "deficit = imports - exports": float(np.abs(v["deficit"] - deficit).max() / output.sum()),
        "deficits sum to zero": float(abs(v["deficit"].sum()) / np.abs(v["deficit"]).sum()),
        "negative cells": float(sum(int((a < 0).sum()) for k, a in v.items() if k != "deficit")),
    }


def _short(values: Array) -> Array:
    """Round to 24 significant bits (7 digits): the numbers of a float32, kept as float64.

    Done before balancing, so that the identities hold for what is stored; the file is half
    the size.
    """
    return values.astype(np.float32).astype(np.float64)


def _report_folding(raw: RawTables, folding: Folding, rates: Array, report: BuildReport) -> None:
    inside = [i for i, c in enumerate(raw.countries) if c in (*FOLDED, "ROW")]
    block = raw.trade[:, inside][:, :, inside]
    k = np.arange(len(inside))
    between = block.copy()
    between[:, k, k] = 0.0
    duty = float((between * rates[:, inside][:, :, inside]).sum())
    report.add(
        "countries folded into ROW", "trade among the parts, now domestic sales of ROW",
        "USD million", float(between.sum()), 0.0, country=" ".join(FOLDED),
    )  # fmt: skip
    report.add(
        "countries folded into ROW", "tariff revenue on it, no longer counted", "USD million",
        duty, 0.0, country=" ".join(FOLDED),
    )  # fmt: skip
    total = float(raw.trade.sum())
    report.add("sectors and countries folded", "total flows", "USD million", total,
               float(folding.trade(raw.trade).sum()))  # fmt: skip


def _report_balance(
    countries: list[str], trade: Array, tariff: Array, done: Balanced, without: Balanced,
    report: BuildReport,
) -> None:  # fmt: skip
    output = trade.sum(axis=1)
    for j, i in np.argwhere(output == 0):
        report.add("zero output kept", "gross output", "USD million", 0.0, 0.0,
                   country=countries[i], sector=SECTORS[j])  # fmt: skip
    for j, i in np.argwhere((done.value_added == 0) & (output > 0)):
        report.add(
            "zero value added kept", "gross output", "USD million", float(output[j, i]),
            float(output[j, i]), country=countries[i], sector=SECTORS[j],
            note="the technology of 2020 has no value added here",
        )  # fmt: skip
    for name, result in (("tariffs included", done), ("tariffs left out", without)):
        negative = result.residual < 0
        report.add(
            f"inputs rebalanced, {name}", "inputs moved, world", "percent", None,
            100 * float((result.moved * result.weight).sum()), note=f"{result.rounds} RAS rounds",
        )  # fmt: skip
        report.add(
            f"inputs rebalanced, {name}", "negative final demand, world",
            "percent of absolute final demand",
            100 * float(-result.residual[negative].sum() / np.abs(result.residual).sum()),
            0.0, note=f"{int(negative.sum())} cells",
        )  # fmt: skip
        for i, country in enumerate(countries):
            cells = [SECTORS[j] for j in np.flatnonzero(negative[:, i])]
            report.add(
                f"inputs rebalanced, {name}", "inputs moved", "percent", None,
                100 * float(result.moved[i]), country=country,
                note=f"negative before: {' '.join(cells)}" if cells else "",
            )  # fmt: skip
    revenue = (trade * tariff)[:GOODS].sum(axis=(0, 2))
    imports = trade[:GOODS].sum(axis=(0, 2)) - np.einsum("jnn->n", trade[:GOODS])
    for i, country in enumerate(countries):
        report.add(
            "result", "import-weighted tariff on goods", "percent", None,
            100 * float(revenue[i] / imports[i]), country=country,
        )  # fmt: skip


_META = {
    "trade": (("sector", "importer", "exporter"), "USD million",
              "Flows at basic prices, tariff-exclusive; the diagonal is domestic sales"),
    "tariff": (("sector", "importer", "exporter"), "1", "Ad valorem tariff, fraction"),
    "inputs": (("input", "sector", "country"), "USD million",
               "Intermediate use at user's prices, tariffs included"),
    "value_added": (("sector", "country"), "USD million", "Value added"),
    "final": (("sector", "country"), "USD million",
              "Final demand at user's prices, tariffs included"),
    "deficit": (("country",), "USD million", "Imports less exports at basic prices"),
    "theta": (("sector",), "1", "Trade elasticity"),
}  # fmt: skip


def _dataset(
    countries: list[str], trade: Array, tariff: Array, done: Balanced, sha256: dict[str, str]
) -> xr.Dataset:
    theta = theta_set(DEFAULT_THETA)
    sectors = list(SECTORS)
    values = {
        "trade": trade, "tariff": tariff, "inputs": done.inputs,
        "value_added": done.value_added, "final": done.final, "deficit": done.deficit,
        "theta": theta.sel(sector=sectors).values,
    }  # fmt: skip
    coords = {
        "sector": sectors, "importer": countries, "exporter": countries, "input": sectors,
        "country": countries,
    }  # fmt: skip
    data = {}
    for name, (dims, units, long_name) in _META.items():
        attrs = {"units": units, "long_name": long_name}
        if name == "theta":
            attrs |= {k: str(x) for k, x in theta.attrs.items()}
        data[name] = (dims, values[name], attrs)
    attrs = {
        "Conventions": "CF-1.8",
        "id": "world-2022",
        "title": "World economy 2022: 77 countries x 23 sectors",
        "source": (
            "Flows: OECD ICIO tables, 2025 edition, year 2022. Technology: OECD ICIO tables, 2023 "
            "edition, year 2020. Tariffs: Teti Global Tariff Database, 2021. US tariffs: US "
            "Census Bureau, collected duties 2024. Elasticities: see theta."
        ),
        "licence": (
            "Derived figures with attribution to OECD, F. Teti and the US Census Bureau; the "
            "tariff database has no explicit licence. See PROVENANCE.md."
        ),
        "tariff_year": "2021; US imports 2024, Section 301 and 2024 metals duties included",
        "inputs_sha256": "; ".join(f"{k} {v}" for k, v in sorted(sha256.items())),
    }
    return xr.Dataset(data, coords=coords, attrs=attrs)

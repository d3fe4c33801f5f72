"""Tidy tables of an outcome: plain columns with the unit in the name, ready for CSV and JSON."""

from __future__ import annotations

import numpy as np
import pandas as pd

from detente.instruments import RENT_OWNERS
from detente.labels import goods_sectors
from detente.models.blocks import Array
from detente.models.quotas import sales
from detente.outcome.outcome import Outcome
from detente.policy import Policy
from detente.variables import variable

__all__ = [
    "average_tariffs",
    "country_table",
    "diversion_table",
    "flow_table",
    "market_changes",
    "price_table",
    "quota_table",
    "redirection_table",
    "sector_table",
    "tariff_table",
    "welfare_table",
]

BN = 1e-3
"""USD million to USD billion."""


def country_table(out: Outcome, market: tuple[str, str] | None = None) -> pd.DataFrame:
    """One row a country, worst real income first.

    ``market`` (sector, importer) adds two columns: the country's output of that sector and its
    sales to that importer.

    Columns: country, name, real_income_pct, real_income_usd_bn (base income times the change),
    real_wage_pct, exports_pct, imports_pct, tariff_revenue_usd_bn and its change, and the
    first-order terms (NaN where a banned flow leaves them without a value, or the model has none);
    then what only this model has, such as utility_pct.
    """
    first = out.first_order_sums
    income = out.base.point.income
    table = pd.DataFrame(
        {
            "country": out.world.countries,
            "name": _names(out),
            "real_income_pct": out.real_income.values,
            "real_income_usd_bn": BN * income * out.real_income.values / 100,
            "real_wage_pct": out.real_wage.values,
            "consumer_price_pct": out.consumer_price.values,
            "exports_pct": out.exports.values,
            "imports_pct": out.imports.values,
            "tariff_revenue_usd_bn": BN * out.revenue.values,
            "tariff_revenue_change_usd_bn": BN * (out.revenue - out.revenue_before).values,
            "first_order_welfare_pct": first["welfare"],
            "terms_of_trade_pct": first["terms_of_trade"],
            "volume_of_trade_pct": first["volume_of_trade"],
            "trade_cost_pct": first["trade_cost"],
            "export_tax_volume_pct": first["export_tax_volume"],
            "transfer_received_pct": first["transfer_received"],
            **_own(out, ("country",)),
        }
    )
    if market is not None:
        sector, importer = market
        table["focus_output_pct"] = out.output.sel(sector=sector).values
        before = out.trade_before.sel(sector=sector, importer=importer).values
        after = out.trade.sel(sector=sector, importer=importer).values
        table["focus_sales_pct"] = _pct(before, after)
        table["focus_sales_change_usd_bn"] = BN * (after - before)
    return table.sort_values(["real_income_pct", "country"]).reset_index(drop=True)


def sector_table(out: Outcome) -> pd.DataFrame:
    """One row a sector and country, in the world's order.

    Columns: sector, country, output_pct (quantity), output_value_pct, exports_pct, cost_pct
    (sellers' unit cost), price_pct (buyers' price), sales_usd_bn (base); then what only this model
    has, such as profits_pct.
    """
    J, N = len(out.world.sectors), len(out.world.countries)
    return pd.DataFrame(
        {
            "sector": np.repeat(out.world.sectors, N),
            "country": np.tile(out.world.countries, J),
            "output_pct": out.output.values.ravel(),
            "output_value_pct": out.output_value.values.ravel(),
            "exports_pct": out.sector_exports.values.ravel(),
            "cost_pct": out.cost.values.ravel(),
            "price_pct": out.prices.values.ravel(),
            "sales_usd_bn": BN * out.base.point.Y.ravel(),
            **_own(out, ("sector", "country")),
        }
    )


def _own(out: Outcome, dims: tuple[str, ...]) -> dict[str, Array]:
    """Columns of the variables that only the outcome's model has."""
    rows = [variable(name) for name in out.after.model.abilities.variables]
    unit = {"percent": "pct", "percentage points": "points"}
    return {
        f"{row.name}_{unit[row.unit]}": out.own(row.name).values.ravel()
        for row in rows
        if row.dims == dims
    }


def market_changes(out: Outcome) -> pd.DataFrame:
    """Markets (sector, importer) by how much sales moved between sellers, largest first.

    ``moved_usd_bn`` is half the sum over sellers of what each sells beyond its share in the
    market's growth: zero where all sellers grow or shrink alike.
    """
    before, after = out.trade_before.values, out.trade.values
    size = before.sum(axis=2, keepdims=True)
    growth = after.sum(axis=2, keepdims=True) / np.where(size > 0, size, 1.0)
    moved = 0.5 * np.abs(after - growth * before).sum(axis=2)
    J, N = moved.shape
    table = pd.DataFrame(
        {
            "sector": np.repeat(out.world.sectors, N),
            "importer": np.tile(out.world.countries, J),
            "moved_usd_bn": BN * moved.ravel(),
        }
    )
    order = ["moved_usd_bn", "sector", "importer"]
    return table.sort_values(order, ascending=[False, True, True]).reset_index(drop=True)


def diversion_table(out: Outcome, markets: list[tuple[str, str]]) -> pd.DataFrame:
    """Who replaced whom: sellers in the given (sector, importer) markets, losers first.

    Columns: sector, importer, exporter, before_usd_bn, after_usd_bn, change_usd_bn, change_pct;
    border prices, domestic sellers included.
    """
    parts = []
    for sector, importer in markets:
        j, n = out.world.sectors.index(sector), out.world.countries.index(importer)
        before = BN * out.trade_before.values[j, n]
        after = BN * out.trade.values[j, n]
        part = pd.DataFrame(
            {
                "sector": sector,
                "importer": importer,
                "exporter": out.world.countries,
                "before_usd_bn": before,
                "after_usd_bn": after,
                "change_usd_bn": after - before,
                "change_pct": _pct(before, after),
            }
        )
        part = part[(part.before_usd_bn > 0) | (part.after_usd_bn > 0)]
        parts.append(part.sort_values(["change_usd_bn", "exporter"]))
    return pd.concat(parts, ignore_index=True)


def redirection_table(out: Outcome, markets: list[tuple[str, str]], sellers: int = 6) -> (
    pd.DataFrame
):  # fmt: skip
    """Where the trade went instead: for the sellers that lost most in each market, their change
    of sales of that sector to every other destination, largest first.

    Columns: sector, importer (the market they lost), exporter, destination, before_usd_bn,
    change_usd_bn, change_pct.
    """
    parts, countries = [], out.world.countries
    for sector, importer in markets:
        j, n = out.world.sectors.index(sector), countries.index(importer)
        change = out.trade_change.values[j]
        order = np.argsort(change[n], kind="stable")
        for i in order[change[n][order] < 0][:sellers]:
            exporter = countries[i]
            before = BN * out.trade_before.values[j, :, i]
            moved = BN * change[:, i]
            part = pd.DataFrame(
                {
                    "sector": sector,
                    "importer": importer,
                    "exporter": exporter,
                    "destination": countries,
                    "before_usd_bn": before,
                    "change_usd_bn": moved,
                    "change_pct": _pct(before, before + moved),
                }
            )
            part = part[(part.destination != importer) & (part.before_usd_bn > 0)]
            parts.append(
                part.sort_values(["change_usd_bn", "destination"], ascending=[False, True])
            )
    if not parts:
        return pd.DataFrame(
            columns=["sector", "importer", "exporter", "destination", "before_usd_bn",
                     "change_usd_bn", "change_pct"]
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def price_table(out: Outcome) -> pd.DataFrame:
    """What buyers pay, all sellers together: sector, country, price_pct."""
    J, N = len(out.world.sectors), len(out.world.countries)
    return pd.DataFrame(
        {
            "sector": np.repeat(out.world.sectors, N),
            "country": np.tile(out.world.countries, J),
            "price_pct": out.prices.values.ravel(),
        }
    )


def flow_table(out: Outcome, limit: int = 200) -> pd.DataFrame:
    """The flows between countries that change most, the largest change first.

    Columns: sector, importer, exporter, before_usd_bn, after_usd_bn, change_usd_bn, change_pct;
    border prices.
    """
    before, after = BN * out.base.flows, BN * out.trade.values
    size = np.abs(after - before)
    here = np.arange(size.shape[1])
    size[:, here, here] = 0.0
    flat = size.ravel()
    top = (
        np.sort(np.argpartition(-flat, limit)[:limit])
        if limit < flat.size
        else np.arange(flat.size)
    )
    top = top[np.argsort(-flat[top], kind="stable")]
    top = top[flat[top] > 0]
    j, n, i = np.unravel_index(top, size.shape)
    sectors, countries = np.array(out.world.sectors), np.array(out.world.countries)
    old, new = before.ravel()[top], after.ravel()[top]
    return pd.DataFrame(
        {
            "sector": sectors[j],
            "importer": countries[n],
            "exporter": countries[i],
            "before_usd_bn": old,
            "after_usd_bn": new,
            "change_usd_bn": new - old,
            "change_pct": _pct(old, new),
        }
    )


def welfare_table(out: Outcome) -> pd.DataFrame:
    """The first-order decomposition: country, welfare_pct and its terms, percent of income."""
    first = out.first_order_sums
    terms = ("welfare", "terms_of_trade", "volume_of_trade", "trade_cost", "export_tax_volume",
             "transfer_received")  # fmt: skip
    columns = {f"{name}_pct": first[name] for name in terms}
    return pd.DataFrame({"country": out.world.countries, **columns})


REGIMES = {
    "slack": "slack: less than the quota enters",
    "binding": "binding: just the quota enters",
    "over": "over: more enters, at the over-quota rate",
    "closed": "closed: nothing enters",
}


def quota_table(out: Outcome) -> pd.DataFrame:
    """One row a quota, in the policy's order.

    Columns: sector, importer, exporters, regime (in words), quota_usd_mn and volume_usd_mn (USD
    million a year at base-year prices), volume_over_quota, tariff_pct (within the quota),
    over_quota_rate_pct (NaN: nothing enters above), wedge_pct (what all units pay over the price at
    the border: duty and rent), premium_pct (the price over that at the tariff alone), rent_usd_mn,
    rent_to.
    """
    held, world = out.after.quotas, out.world
    rows = []
    for q, bare in zip(out.policy.quota, held.quotas if held else (), strict=True):
        assert held is not None
        cells = bare.sector, bare.importer, list(bare.exporters)
        rate, regime, volume, R, rent = out.policy.tariff.values[cells], "closed", 0.0, np.nan, 0.0
        if bare in held.live:
            k = held.live.index(bare)
            regime, volume = held.regimes[k], held.sold[k].volume
            R, rent = np.exp(held.log_R[k]), float(held.rents[k].sum())
        elif np.isfinite(q.over):
            regime, R = "over", (1.0 + q.over) / (1.0 + rate[0])
            volume = sales(bare, out.after.model, out.after.point, out.after.problem).volume
        base = world.trade.values[cells]
        weights = base / base.sum() if base.sum() > 0 else np.full(len(base), 1.0 / len(base))
        tariff = float(weights @ rate)
        rows.append(
            {
                "sector": q.sector,
                "importer": q.importer,
                "exporters": ", ".join(q.exporters),
                "regime": REGIMES[regime],
                "quota_usd_mn": q.volume_usd_mn,
                "volume_usd_mn": volume,
                "volume_over_quota": volume / q.volume_usd_mn if q.volume_usd_mn > 0 else np.nan,
                "tariff_pct": 100 * tariff,
                "over_quota_rate_pct": 100 * q.over if np.isfinite(q.over) else np.nan,
                "wedge_pct": 100 * ((1 + tariff) * R - 1),
                "premium_pct": 100 * (R - 1),
                "rent_usd_mn": rent,
                "rent_to": RENT_OWNERS[q.rent],
            }
        )
    return pd.DataFrame(rows, columns=_QUOTA_COLUMNS)


_QUOTA_COLUMNS = [
    "sector", "importer", "exporters", "regime", "quota_usd_mn", "volume_usd_mn",
    "volume_over_quota", "tariff_pct", "over_quota_rate_pct", "wedge_pct", "premium_pct",
    "rent_usd_mn", "rent_to",
]  # fmt: skip


def average_tariffs(policy: Policy) -> tuple[Array, Array]:
    """Average tariff charged and faced on goods, percent, at base-year trade; dim country."""
    world = policy.world
    known = set(goods_sectors())
    goods = [j for j, s in enumerate(world.sectors) if s in known]
    trade = world.trade.values[goods].copy()
    here = np.arange(trade.shape[1])
    trade[:, here, here] = 0.0
    duty = trade * policy.tariff.values[goods]
    means = []
    for axes in ((0, 2), (0, 1)):
        total = trade.sum(axis=axes)
        means.append(100.0 * duty.sum(axis=axes) / np.where(total > 0, total, 1.0))
    return means[0], means[1]


def tariff_table(policy: Policy) -> pd.DataFrame:
    """Average tariffs on goods at base-year trade: country, tariff_charged_pct,
    tariff_faced_pct."""
    charged, faced = average_tariffs(policy)
    return pd.DataFrame(
        {
            "country": policy.world.countries,
            "tariff_charged_pct": charged,
            "tariff_faced_pct": faced,
        }
    )


def _pct(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return np.where(before > 0, 100 * (after / np.where(before > 0, before, 1) - 1), np.nan)


def _names(out: Outcome) -> list[str]:
    if not out.world.uses_iso3:
        return out.world.countries
    from detente.labels import country_name

    return [country_name(code) for code in out.world.countries]

"""A country and a sector on a day of the timeline: tariffs, trade, exposure, who gains.

Changes are those since another day of the timeline (by default its first), between two solved
equilibria. Averages of tariffs are weighted with the trade of the base year, so that they move
with the law alone. Percent, USD billion at border prices.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from detente.errors import UnknownNameError
from detente.labels import country_name, goods_sectors, sector_name
from detente.models.blocks import Array
from detente.outcome import simulate
from detente.outcome.gradient import gradient
from detente.policy import Policy
from detente.policy.wedges import rates
from detente.timeline.days import Timeline, rebased

__all__ = ["country_place", "sector_place", "sectors_table"]

BN = 1e-3
FLOWS = 60
"""Flows of a sector that are listed: the largest on the day and those that moved most."""

Tables = dict[str, pd.DataFrame]


class _Day:
    """Two solved days: the one looked at and the one it is compared with."""

    def __init__(self, line: Timeline, place: int, since: int) -> None:
        self.world = line.world
        self.names = line.world.countries
        self.now, self.then = line.outcome(place), line.outcome(since)
        known = set(goods_sectors())
        self.goods = np.array([j for j, s in enumerate(self.world.sectors) if s in known])
        self.after, self.before = BN * self.now.after.flows, BN * self.then.after.flows
        trade = BN * self.world.trade.values
        here = np.arange(len(self.names))
        self.abroad = np.ones((len(here), len(here)))
        self.abroad[here, here] = 0.0
        self.base = trade * self.abroad
        self.tariff_now = self.now.policy.tariff.values
        self.tariff_then = self.then.policy.tariff.values

    def output(self) -> Array:
        """Change of quantities produced between the days, percent, (sector, country)."""
        return rebased(self.now.output.values, self.then.output.values)

    def at(self, country: str) -> int:
        """Position of a country. Raises UnknownNameError."""
        if country not in self.names:
            raise UnknownNameError.of("country", country, self.names)
        return self.names.index(country)

    def sector(self, code: str) -> int:
        """Position of a sector. Raises UnknownNameError."""
        if code not in self.world.sectors:
            raise UnknownNameError.of("sector", code, self.world.sectors)
        return self.world.sectors.index(code)


def _mean(tariff: Array, weight: Array, axis: int | tuple[int, ...]) -> Array:
    """Weighted mean in percent; NaN where nothing is traded."""
    total = weight.sum(axis=axis)
    duty = (tariff * weight).sum(axis=axis)
    return np.where(total > 0, 100.0 * duty / np.where(total > 0, total, 1.0), np.nan)


# --- a country ------------------------------------------------------------------------------------
def country_place(line: Timeline, place: int, since: int, country: str) -> Tables:
    """Everything the page of a country shows that has to be computed.

    Returns
    -------
    dict of pandas.DataFrame
        ``rows``: one line of totals. ``tariffs_by_partner``: charged on and faced in each
        partner, then and now, with the trade between them. ``sectors``: the same by sector, with
        output and sales. ``exposure_by_partner`` and ``exposure``: percent of real income per
        point of tariff that a partner puts on its goods (and, for partners, that it puts on
        theirs), to first order. ``gainers``: percent of real income of every other country when
        all raise their tariffs on its goods by a point, solved. ``markets``: where its sales
        changed most. ``rivals``: who sells more where it sells less.

    Raises
    ------
    UnknownNameError
        The world does not hold the country.
    """
    day = _Day(line, place, since)
    n = day.at(country)
    return {
        "rows": _totals(day, n, line, place, since),
        "tariffs_by_partner": _by_partner(day, n),
        "sectors": _by_sector(day, n),
        **_exposure(day, n),
        "gainers": _gainers(day, n),
        **_markets(day, n),
    }


def _totals(day: _Day, n: int, line: Timeline, place: int, since: int) -> pd.DataFrame:
    row, before = line.rows(place, since)[n], line.rows(since, since)[n]
    base = day.now.base.point
    exports, imports = day.base[:, :, n].sum(), day.base[:, n, :].sum()
    return pd.DataFrame(
        [
            {
                **row,
                "tariff_charged_before_pct": before["tariff_charged_pct"],
                "tariff_faced_before_pct": before["tariff_faced_pct"],
                "income_usd_bn": BN * float(base.income[n]),
                "exports_usd_bn": float(exports),
                "imports_usd_bn": float(imports),
            }
        ]
    )


def _by_partner(day: _Day, n: int) -> pd.DataFrame:
    g = day.goods
    bought, sold = day.base[g][:, n, :], day.base[g][:, :, n]
    columns: dict[str, Any] = {"country": day.names, "name": [country_name(c) for c in day.names]}
    for when, tariff in (("", day.tariff_now), ("_before", day.tariff_then)):
        columns[f"charged{when}_pct"] = _mean(tariff[g][:, n, :], bought, 0)
        columns[f"faced{when}_pct"] = _mean(tariff[g][:, :, n], sold, 0)
    every = day.base[:, :, n].sum(), day.base[:, n, :].sum()
    columns |= {
        "exports_usd_bn": day.base[:, :, n].sum(axis=0),
        "imports_usd_bn": day.base[:, n, :].sum(axis=0),
        "exports_share_pct": 100 * day.base[:, :, n].sum(axis=0) / max(every[0], 1e-12),
        "imports_share_pct": 100 * day.base[:, n, :].sum(axis=0) / max(every[1], 1e-12),
        "exports_change_usd_bn": (day.after - day.before)[:, :, n].sum(axis=0),
        "imports_change_usd_bn": (day.after - day.before)[:, n, :].sum(axis=0),
    }
    frame = pd.DataFrame(columns).drop(index=n)
    size = frame["exports_usd_bn"] + frame["imports_usd_bn"]
    return frame.loc[size.sort_values(ascending=False).index].reset_index(drop=True)


def _by_sector(day: _Day, n: int) -> pd.DataFrame:
    world = day.world
    columns: dict[str, Any] = {
        "sector": world.sectors,
        "name": [sector_name(s) for s in world.sectors],
        "output_pct": day.output()[:, n],
        "sales_usd_bn": BN * day.now.base.point.Y[:, n],
        "exports_usd_bn": day.base[:, :, n].sum(axis=1),
        "imports_usd_bn": day.base[:, n, :].sum(axis=1),
    }
    for when, tariff in (("", day.tariff_now), ("_before", day.tariff_then)):
        columns[f"charged{when}_pct"] = _mean(tariff[:, n, :], day.base[:, n, :], 1)
        columns[f"faced{when}_pct"] = _mean(tariff[:, :, n], day.base[:, :, n], 1)
    return pd.DataFrame(columns)


def _exposure(day: _Day, n: int) -> Tables:
    """What a point of tariff does to the country's real income, percent, to first order."""
    country = day.names[n]
    slope = gradient(day.now, f"real_income[{country}]").values / 100.0
    # per percent of its own level on the day
    slope = slope / (1.0 + float(day.now.real_income.values[n]) / 100.0)
    g = day.goods
    on_it, by_it = slope[g][:, :, n], slope[g][:, n, :]
    partners = pd.DataFrame(
        {
            "country": day.names,
            "name": [country_name(c) for c in day.names],
            "percent_per_point": on_it.sum(axis=0),
            "own_percent_per_point": by_it.sum(axis=0),
            "exports_usd_bn": day.base[g][:, :, n].sum(axis=0),
        }
    ).drop(index=n)
    traded = day.base[g][:, :, n] > 0
    traded[:, n] = False
    j, m = np.nonzero(traded)
    cells = pd.DataFrame(
        {
            "country": [day.names[k] for k in m],
            "sector": [day.world.sectors[int(g[k])] for k in j],
            "percent_per_point": on_it[j, m],
            "exports_usd_bn": day.base[g][j, m, n],
        }
    )
    order = {"by": "percent_per_point", "kind": "stable", "ignore_index": True}
    return {
        "exposure_by_partner": partners.sort_values(**order),
        "exposure": cells.sort_values(**order),
    }


def _gainers(day: _Day, n: int) -> pd.DataFrame:
    """Real incomes when every importer puts a point more on all goods of the country."""
    now, policy = day.now, day.now.policy
    levied = rates(policy)
    tariff = levied["tariff"].copy()
    for j in day.goods.tolist():
        tariff[j, :, n] += 0.01 * day.abroad[:, n]
    harder = Policy(
        day.world, **(levied | {"tariff": tariff}), quota=policy.quota, title="a point more",
        prohibitive=True,
    )  # fmt: skip
    out = simulate(day.world, harder, start=now)
    change = rebased(out.real_income.values, now.real_income.values)
    frame = pd.DataFrame(
        {
            "country": day.names,
            "name": [country_name(c) for c in day.names],
            "real_income_pct": change,
            "real_income_usd_mn": now.after.point.income * change / 100,
            "own": ["yes" if k == n else "no" for k in range(len(day.names))],
        }
    )
    order = ["real_income_usd_mn", "country"]
    return frame.sort_values(order, ascending=[False, True], ignore_index=True)


MARKETS, RIVALS = 10, 6
"""Markets listed by size of change, and sellers named in each that the country lost."""


def _markets(day: _Day, n: int) -> Tables:
    before, after = day.before[:, :, n], day.after[:, :, n]
    change = (after - before) * day.abroad[:, n]
    columns = ["sector", "sector_name", "importer", "importer_name", "before_usd_bn",
               "after_usd_bn", "change_usd_bn"]  # fmt: skip

    def market(j: int, m: int) -> list[Any]:
        sector, importer = day.world.sectors[j], day.names[m]
        return [sector, sector_name(sector), importer, country_name(importer),
                before[j, m], after[j, m], change[j, m]]  # fmt: skip

    order = np.argsort(change, axis=None, kind="stable")
    shape = change.shape
    lost = [divmod(int(k), shape[1]) for k in order[:MARKETS] if change.flat[k] < 0]
    won = [divmod(int(k), shape[1]) for k in order[::-1][:MARKETS] if change.flat[k] > 0]
    rivals = []
    for j, m in lost:
        moved = (day.after - day.before)[j, m]
        for k in np.argsort(-moved, kind="stable")[:RIVALS].tolist():
            if moved[k] > 0 and k != n:
                rivals.append(
                    [day.world.sectors[j], day.names[m], day.names[k], country_name(day.names[k]),
                     day.before[j, m, k], day.after[j, m, k], moved[k]]
                )  # fmt: skip
    return {
        "markets": pd.DataFrame([market(*at) for at in [*lost, *won]], columns=columns),
        "rivals": pd.DataFrame(
            rivals,
            columns=["sector", "importer", "seller", "seller_name", "before_usd_bn",
                     "after_usd_bn", "change_usd_bn"],
        ),
    }  # fmt: skip


# --- sectors --------------------------------------------------------------------------------------
def sectors_table(line: Timeline, place: int, since: int) -> pd.DataFrame:
    """One row a sector: world trade, how it changed, and the world's average tariff."""
    day = _Day(line, place, since)
    after, before = ((x * day.abroad).sum(axis=(1, 2)) for x in (day.after, day.before))
    sectors = day.world.sectors
    return pd.DataFrame(
        {
            "sector": sectors,
            "name": [sector_name(s) for s in sectors],
            "kind": ["goods" if j in day.goods else "services" for j in range(len(sectors))],
            "trade_usd_bn": day.base.sum(axis=(1, 2)),
            "trade_change_pct": 100 * (after / np.where(before > 0, before, np.nan) - 1),
            "tariff_pct": _mean(day.tariff_now, day.base, (1, 2)),
            "tariff_before_pct": _mean(day.tariff_then, day.base, (1, 2)),
            "theta": day.world.theta.values,
        }
    )


def sector_place(line: Timeline, place: int, since: int, sector: str) -> Tables:
    """Everything the page of a sector shows.

    Returns
    -------
    dict of pandas.DataFrame
        ``rows``: one line a country: sales and purchases abroad before and on the day, tariff it
        charges and meets, change of output. ``flows``: the largest flows between countries.

    Raises
    ------
    UnknownNameError
        The world does not hold the sector.
    """
    day = _Day(line, place, since)
    j = day.sector(sector)
    before, after = day.before[j] * day.abroad, day.after[j] * day.abroad
    rows: dict[str, Any] = {"country": day.names, "name": [country_name(c) for c in day.names]}
    for what, axis in (("exports", 0), ("imports", 1)):
        rows[f"{what}_before_usd_bn"] = before.sum(axis=axis)
        rows[f"{what}_usd_bn"] = after.sum(axis=axis)
        rows[f"{what}_change_usd_bn"] = (after - before).sum(axis=axis)
    for when, tariff in (("", day.tariff_now), ("_before", day.tariff_then)):
        rows[f"charged{when}_pct"] = _mean(tariff[j], day.base[j], 1)
        rows[f"faced{when}_pct"] = _mean(tariff[j], day.base[j], 0)
    rows["output_pct"] = day.output()[j]
    rows["output_usd_bn"] = BN * day.now.base.point.Y[j]
    frame = pd.DataFrame(rows)
    order = ["exports_usd_bn", "country"]
    return {
        "rows": frame.sort_values(order, ascending=[False, True], ignore_index=True),
        "flows": _flows(day, before, after),
    }


def _flows(day: _Day, before: Array, after: Array) -> pd.DataFrame:
    keep = dict.fromkeys(np.argsort(-after, axis=None, kind="stable")[:FLOWS].tolist())
    keep.update(
        dict.fromkeys(np.argsort(-np.abs(after - before), axis=None, kind="stable")[:FLOWS])
    )
    at = [divmod(int(k), len(day.names)) for k in keep]
    frame = pd.DataFrame(
        {
            "exporter": [day.names[i] for _, i in at],
            "importer": [day.names[n] for n, _ in at],
            "before_usd_bn": [before[n, i] for n, i in at],
            "after_usd_bn": [after[n, i] for n, i in at],
        }
    )
    frame["change_usd_bn"] = frame["after_usd_bn"] - frame["before_usd_bn"]
    frame = frame[(frame["before_usd_bn"] > 0) | (frame["after_usd_bn"] > 0)]
    return frame.sort_values("after_usd_bn", ascending=False, ignore_index=True)

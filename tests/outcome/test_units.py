"""Units of an outcome's tables: each column against the world table or another route.

A world holds USD million; a column in ``usd_bn`` is a thousandth of that, a column in ``pct`` a
hundred times a fraction.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import detente as dt
from detente.errors import UnknownNameError
from detente.outcome.objective import value_of
from detente.outcome.tables import (
    average_tariffs,
    country_table,
    diversion_table,
    flow_table,
    market_changes,
    price_table,
    redirection_table,
    sector_table,
    tariff_table,
    welfare_table,
)
from worlds import Draw, build, random_world


@pytest.fixture(scope="module")
def out() -> dt.Outcome:
    world = random_world(Draw(N=5, J=3, seed=4, theta=(2.0, 8.0), sparsity=0.2, deficit=0.2))
    rng = np.random.default_rng(0)
    tariff = rng.uniform(0, 0.4, world.trade.shape)
    tax = rng.uniform(0, 0.1, world.trade.shape)
    return dt.simulate(world, dt.Policy(world, tariff=tariff, export_tax=tax), tol=1e-12)


def by_country(table: pd.DataFrame, column: str, out) -> np.ndarray:
    return table.set_index("country")[column].loc[out.world.countries].to_numpy()


def cross(flows) -> np.ndarray:
    """Flows without what stays at home, (J, N, N)."""
    return flows.values * ~np.eye(flows.shape[1], dtype=bool)


def test_countries(out):
    world, table = out.world, country_table(out)

    def column(name):
        return by_country(table, name, out)

    base = world.trade.values
    income = world.final.values.sum(axis=0)  # USD million, what is spent on final goods
    after = income * (1 + out.real_income.values / 100)
    np.testing.assert_allclose(column("real_income_usd_bn"), (after - income) / 1000, rtol=1e-8)
    np.testing.assert_allclose(
        column("tariff_revenue_usd_bn"),
        (out.trade.values * out.policy.tariff.values).sum(axis=(0, 2)) / 1000, rtol=1e-8,
    )  # fmt: skip
    was = (base * world.tariff.values).sum(axis=(0, 2)) / 1000
    np.testing.assert_allclose(
        column("tariff_revenue_change_usd_bn"), column("tariff_revenue_usd_bn") - was,
        rtol=1e-7, atol=1e-7 * np.abs(was).max(),
    )  # fmt: skip
    for name, axis in (("exports_pct", (0, 1)), ("imports_pct", (0, 2))):
        ratio = cross(out.trade).sum(axis=axis) / cross(world.trade).sum(axis=axis)
        np.testing.assert_allclose(column(name), 100 * (ratio - 1), atol=1e-6)
    for name in ("real_income", "real_wage", "consumer_price"):
        np.testing.assert_array_equal(column(f"{name}_pct"), getattr(out, name).values)
    terms = ("terms_of_trade", "volume_of_trade", "trade_cost", "export_tax_volume",
             "transfer_received")  # fmt: skip
    for name in terms:
        np.testing.assert_array_equal(column(f"{name}_pct"), out.first_order[name].values)
    np.testing.assert_allclose(
        column("first_order_welfare_pct"), sum(column(f"{n}_pct") for n in terms), atol=1e-12
    )
    assert table.real_income_pct.is_monotonic_increasing
    assert list(table.index) == list(range(5))
    assert set(table.name) == set(world.countries)  # labels that are no country codes
    assert not [c for c in table if c.startswith("focus")]


def test_a_market_in_focus(out):
    market = ("s01", "c02")
    table = country_table(out, market)
    now, was = (t.sel(sector="s01", importer="c02").values for t in (out.trade, out.trade_before))
    np.testing.assert_allclose(by_country(table, "focus_sales_change_usd_bn", out),
                               (now - was) / 1000, rtol=1e-12)  # fmt: skip
    alive = was > 0
    assert alive.sum() > 0
    pct = by_country(table, "focus_sales_pct", out)
    np.testing.assert_allclose(pct[alive], 100 * (now[alive] / was[alive] - 1), rtol=1e-9)
    assert np.isnan(pct[~alive]).all()
    np.testing.assert_array_equal(by_country(table, "focus_output_pct", out),
                                  out.output.sel(sector="s01").values)  # fmt: skip


def test_sectors_and_prices(out):
    table = sector_table(out)
    assert list(zip(table.sector, table.country, strict=True)) == [
        (s, c) for s in out.world.sectors for c in out.world.countries
    ]
    sold = out.world.trade.values.sum(axis=1)  # no export taxes in the base
    np.testing.assert_allclose(table.sales_usd_bn, sold.ravel() / 1000, rtol=1e-8)
    exports = [cross(t).sum(axis=1) for t in (out.trade_before, out.trade)]
    alive = exports[0].ravel() > 0
    np.testing.assert_allclose(
        table.exports_pct[alive], 100 * ((exports[1] / exports[0]).ravel()[alive] - 1), atol=1e-6
    )
    for column, name in (("output_pct", "output"), ("output_value_pct", "output_value"),
                         ("cost_pct", "cost"), ("price_pct", "prices")):  # fmt: skip
        np.testing.assert_array_equal(table[column], getattr(out, name).values.ravel())
    # value is quantity times price
    value, quantity, cost = (1 + table[c] / 100 for c in ("output_value_pct", "output_pct",
                                                          "cost_pct"))  # fmt: skip
    np.testing.assert_allclose(value, quantity * cost, rtol=1e-9)
    prices = price_table(out)
    assert prices[["sector", "country"]].equals(table[["sector", "country"]])
    np.testing.assert_array_equal(prices.price_pct, table.price_pct)


def test_market_changes_by_hand(out):
    """Half the sum of what sellers gain and lose at the market's new size, one by one."""
    table = market_changes(out)
    was, now = out.trade_before.values, out.trade.values
    for row in table.itertuples():
        j, n = out.world.sectors.index(row.sector), out.world.countries.index(row.importer)
        a, b = was[j, n], now[j, n]
        gained = sum(max(y - x * b.sum() / a.sum(), 0.0) for x, y in zip(a, b, strict=True))
        # those who lose lose what the others gain
        assert row.moved_usd_bn == pytest.approx(gained / 1000, rel=1e-9, abs=1e-12)
    assert table.moved_usd_bn.is_monotonic_decreasing
    assert len(table) == 15


def test_who_replaced_whom(out):
    markets = [("s01", "c02"), ("s00", "c00")]
    table = diversion_table(out, markets)
    assert list(dict.fromkeys(zip(table.sector, table.importer, strict=True))) == markets
    for row in table.itertuples():
        at = {"sector": row.sector, "importer": row.importer, "exporter": row.exporter}
        was, now = (float(t.sel(at)) / 1000 for t in (out.trade_before, out.trade))
        assert (row.before_usd_bn, row.after_usd_bn) == pytest.approx((was, now))
        assert row.change_usd_bn == pytest.approx(now - was)
        assert row.change_pct == pytest.approx(100 * (now / was - 1))
    for _, part in table.groupby(["sector", "importer"]):
        assert part.change_usd_bn.is_monotonic_increasing
    traded = sum(int((out.trade_before.sel(sector=s, importer=i) > 0).sum()) for s, i in markets)
    assert len(table) == traded


def test_where_trade_went(out):
    table = redirection_table(out, [("s01", "c02")], sellers=2)
    lost = out.trade_change.sel(sector="s01", importer="c02").to_series()
    losers = lost[lost < 0].sort_values().index.tolist()[:2]
    assert list(dict.fromkeys(table.exporter)) == losers
    assert "c02" not in set(table.destination)
    for row in table.itertuples():
        at = {"sector": "s01", "importer": row.destination, "exporter": row.exporter}
        was, now = (float(t.sel(at)) / 1000 for t in (out.trade_before, out.trade))
        assert row.before_usd_bn == pytest.approx(was)
        assert was > 0
        assert row.change_usd_bn == pytest.approx(now - was, abs=1e-9)
        assert row.change_pct == pytest.approx(100 * (now / was - 1), abs=1e-7)
    for _, part in table.groupby("exporter"):
        assert part.change_usd_bn.is_monotonic_decreasing
    assert set(table.sector) == {"s01"}
    assert set(table.importer) == {"c02"}
    none = redirection_table(out, [])
    assert list(none) == list(table)
    assert none.empty


@pytest.mark.parametrize("limit", [4, 1000])
def test_the_flows_that_change_most(out, limit):
    table = flow_table(out, limit)
    change = cross(out.trade_change) / 1000
    size = np.sort(np.abs(change[change != 0]))[::-1]
    np.testing.assert_allclose(np.abs(table.change_usd_bn), size[:limit], rtol=1e-9)
    for row in table.itertuples():
        at = {"sector": row.sector, "importer": row.importer, "exporter": row.exporter}
        was, now = (float(t.sel(at)) / 1000 for t in (out.trade_before, out.trade))
        assert (row.before_usd_bn, row.after_usd_bn) == pytest.approx((was, now), rel=1e-9)
        assert row.change_usd_bn == pytest.approx(now - was)
        assert row.change_pct == pytest.approx(100 * (now / was - 1))
        assert row.importer != row.exporter


def test_welfare(out):
    table = welfare_table(out)
    assert list(table.country) == out.world.countries
    assert [c for c in table if c != "country"] == [
        f"{n}_pct" for n in ("welfare", "terms_of_trade", "volume_of_trade", "trade_cost",
                             "export_tax_volume", "transfer_received")]  # fmt: skip
    np.testing.assert_array_equal(table.welfare_pct, out.first_order.welfare.values)


def test_average_tariffs_by_hand():
    """Two flows into the first country: 30 at 10% and 10 at 50% of goods, services and home sales
    left out; the mean is (3 + 5) / 40 = 20%."""
    trade = np.zeros((2, 3, 3))
    trade[:, range(3), range(3)] = 100.0
    trade[0, 0, 1], trade[0, 0, 2], trade[0, 1, 0] = 30.0, 10.0, 20.0
    trade[1, 0, 1] = 50.0
    tariff = np.zeros_like(trade)
    tariff[0, 0, 1], tariff[0, 0, 2], tariff[0, 1, 0] = 0.1, 0.5, 0.25
    tariff[1, 0, 1] = 0.9
    plain = build(trade, tariff=tariff)
    data = plain.dataset.assign_coords(sector=["C29", "services"], input=["C29", "services"])
    policy = dt.Policy(dt.World(data, "goods and services"))
    charged, faced = average_tariffs(policy)
    np.testing.assert_allclose(charged, [20.0, 25.0, 0.0])
    np.testing.assert_allclose(faced, [25.0, 10.0, 50.0])
    table = tariff_table(policy)
    assert list(table) == ["country", "tariff_charged_pct", "tariff_faced_pct"]
    np.testing.assert_allclose(table.tariff_charged_pct, charged)
    np.testing.assert_allclose(table.tariff_faced_pct, faced)
    assert list(table.country) == ["c00", "c01", "c02"]


def test_one_number_by_name(out):
    for name in ("real_income", "real_wage", "wage", "consumer_price", "exports", "imports",
                 "revenue"):  # fmt: skip
        assert value_of(out, f"{name}[c03]") == float(getattr(out, name).sel(country="c03"))
    for name in ("output", "output_value", "prices", "cost"):
        here = getattr(out, name).sel(sector="s01", country="c03")
        assert value_of(out, f"{name}[s01, c03]") == float(here)
    was, now = (float(t.sel(sector="s01", importer="c02", exporter="c02"))
                for t in (out.trade_before, out.trade))  # fmt: skip
    assert value_of(out, "sales[s01,c02,c02]") == pytest.approx(100 * (now / was - 1))
    abroad = [n for n, c in enumerate(out.world.countries) if c != "c02"]
    for name, axis in (("exports", "importer"), ("imports", "exporter")):
        other = {"importer": "exporter", "exporter": "importer"}[axis]
        sums = [
            float(t.sel({"sector": "s01", other: "c02"}).isel({axis: abroad}).sum())
            for t in (out.trade_before, out.trade)
        ]
        change = 100 * (sums[1] / sums[0] - 1)
        assert value_of(out, f"{name}[s01,c02]") == pytest.approx(change)
    for what, word in (("sales[s01,c02]", r"write sales\[sector, importer, exporter\]"),
                       ("real_incme[c03]", "did you mean real_income"),
                       ("output[c03]", r"write output\[sector, country\]"),
                       ("output[s01,c99]", "'c99'"), ("output[c03,s01]", "'c03'"),
                       ("sales[s01,c02,c99]", "'c99'")):  # fmt: skip
        with pytest.raises(UnknownNameError, match=word):
            value_of(out, what)

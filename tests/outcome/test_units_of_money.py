"""A world in another unit of money is the same world: nothing hangs on how large a number is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import detente as dt
from detente.outcome.objective import OBJECTIVES, value_of
from detente.outcome.tables import (
    average_tariffs,
    country_table,
    diversion_table,
    flow_table,
    market_changes,
    price_table,
    redirection_table,
    sector_table,
    welfare_table,
)
from detente.variables import variable
from worlds import Draw, build, random_world

UNIT = 1e-8
"""All the world's trade is then a hundredth of one USD million."""


def outcomes(**options) -> tuple[dt.Outcome, dt.Outcome]:
    """The same change of a world with empty markets, in two units of money."""
    made = []
    large = random_world(Draw(N=4, J=3, seed=6, theta=(2.0, 6.0), sparsity=0.3, deficit=0.2,
                              empty=0.2))  # fmt: skip
    rng = np.random.default_rng(0)
    shape = large.trade.shape
    tariff, tax = rng.uniform(0, 0.4, (2, *shape))
    wall = np.where(rng.random(shape) < 0.1, 2.0, 1.0)
    for unit in (1.0, UNIT):
        world = build(unit * large.trade.values, tariff=large.tariff.values,
                      inputs=unit * large.inputs.values, theta=large.theta.values)  # fmt: skip
        policy = dt.Policy(world, tariff=tariff, export_tax=tax, iceberg=wall)
        baseline = dt.Policy(world, tariff=tariff[::-1], export_tax=0.5 * tax, iceberg=wall)
        made.append(dt.simulate(world, policy, baseline=baseline, tol=1e-12, **options))
    return made[0], made[1]


@pytest.fixture(scope="module")
def pair() -> tuple[dt.Outcome, dt.Outcome]:
    return outcomes()


def test_every_variable(pair):
    one, two = (o.to_dataset() for o in pair)
    assert list(one) == list(two)
    for name in one.data_vars:
        scale = UNIT if one[name].attrs["unit"] == "USD million" else 1.0
        a, b = scale * one[name].values, two[name].values
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b), err_msg=str(name))
        finite = a[np.isfinite(a)]
        size = np.abs(finite).max() if finite.size else 0.0
        np.testing.assert_allclose(b, a, rtol=1e-7, atol=1e-9 * size + 1e-16, err_msg=str(name))


def test_every_number_by_name(pair):
    for name, row in OBJECTIVES.items():
        scale = 1.0 if row.unit == "percent" else UNIT
        for labels in row.labels:
            for at in ("s00", "s02"):
                here = {"sector": at, "country": "c01", "importer": "c01", "exporter": "c03"}
                asked = f"{name}[{', '.join(here[d] for d in labels)}]"
                a, b = (value_of(o, asked) for o in pair)
                assert b == pytest.approx(scale * a, rel=1e-6, abs=1e-8 * scale, nan_ok=True), asked


@pytest.mark.parametrize("wrt", ["tariff", "export_tax", "iceberg", "transfer"])
def test_slopes(pair, wrt):
    for name in ("real_income[c01]", "output[s01, c02]", "exports[c02]", "prices[s02, c00]",
                 "revenue[c03]"):  # fmt: skip
        a, b = (dt.gradient(o, name, wrt) for o in pair)
        scale = UNIT if variable(name.split("[")[0]).unit == "USD million" else 1.0
        if wrt == "transfer":  # per USD million
            scale /= UNIT
        size = float(np.abs(a).max())
        np.testing.assert_allclose(b, scale * a, atol=1e-7 * scale * size)


def same(a: pd.DataFrame, b: pd.DataFrame) -> None:
    assert list(a) == list(b)
    assert len(a) == len(b)
    for column in a:
        if a[column].dtype == object or str(a[column].dtype).startswith("str"):
            assert a[column].tolist() == b[column].tolist(), column
            continue
        scale = UNIT if str(column).endswith("usd_bn") else 1.0
        x, y = scale * a[column].to_numpy(float), b[column].to_numpy(float)
        size = np.nanmax(np.abs(x), initial=0.0)
        np.testing.assert_allclose(y, x, rtol=1e-6, atol=1e-8 * size, err_msg=str(column))


def test_tables(pair):
    markets = [("s00", "c01"), ("s02", "c03")]
    for make in (sector_table, market_changes, price_table, flow_table, welfare_table,
                 country_table, lambda o: country_table(o, markets[0]),
                 lambda o: diversion_table(o, markets),
                 lambda o: redirection_table(o, markets)):  # fmt: skip
        same(*(make(o) for o in pair))


def test_averages_over_goods():
    """Goods known by their code, in a table of fractions of a USD million."""
    trade = np.array([[[9.0, 3.0, 1.0], [2.0, 8.0, 1.0], [0.5, 0.2, 7.0]]])
    means = []
    for unit in (1.0, 1e-6):
        plain = build(unit * trade, theta=4.0)
        world = dt.World(plain.dataset.assign_coords(sector=["C29"], input=["C29"]), "cars")
        rates = np.linspace(0, 0.8, 9).reshape(1, 3, 3)
        means.append(average_tariffs(dt.Policy(world, tariff=rates)))
    for a, b in zip(*means, strict=True):
        np.testing.assert_allclose(a, b)
        assert (a > 1).all()


@pytest.mark.parametrize("deficit", ["fixed", "zero", "share"])
def test_bans_and_closures(deficit):
    """The routes to an equilibrium and the refusals on the way are those of the large world."""
    trade = np.array([[[6.0, 2.0, 1.0], [2.0, 6.0, 1.0], [1.0, 0.5, 9.0]]])
    wall = np.ones_like(trade)
    wall[0, 0, 1] = np.inf
    real = []
    for unit in (1.0, 1e-6):
        world = build(unit * trade, theta=4.0)
        out = dt.simulate(world, dt.Policy(world, iceberg=wall), deficit=deficit, tol=1e-12)
        assert out.first_order.attrs["missing"] == "c00"
        real.append(out.real_income.values)
    np.testing.assert_allclose(real[1], real[0], atol=1e-8)


def test_what_was_zero_has_no_number_by_name():
    """Country 1 neither makes nor buys anything of sector 1; country 0 does at home only."""
    trade = np.array([[[6.0, 2.0], [2.0, 6.0]], [[5.0, 0.0], [0.0, 0.0]]])
    world = build(trade, theta=4.0)
    out = dt.simulate(world, dt.Policy(world, tariff=0.1))
    for name in ("exports", "imports"):
        for country in ("c00", "c01"):
            assert np.isnan(value_of(out, f"{name}[s01,{country}]"))
            assert np.isfinite(value_of(out, f"{name}[s00,{country}]"))
    for name in ("output", "output_value", "prices", "cost"):
        assert np.isnan(value_of(out, f"{name}[s01,c01]"))
        assert np.isfinite(value_of(out, f"{name}[s01,c00]"))
    assert np.isnan(value_of(out, "sales[s01,c00,c01]"))
    assert value_of(out, "trade[s01,c00,c01]") == 0.0

"""Worlds with markups: what they take, refuse, and keep."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import detente as dt
from detente.errors import InputError, TableError
from detente.world.identities import DIMS
from worlds import Draw, random_world

SIGMA = {"s00": 3.0, "s01": 5.0, "s02": 3.0}


@pytest.fixture(scope="module")
def plain():
    return random_world(Draw(N=3, J=3, seed=5, inputs=False, theta=(2.0, 6.0)))


@pytest.fixture(scope="module")
def world(plain):
    return plain.with_sigma(SIGMA)


def built(plain, **more) -> dt.World:
    return dt.World.from_tables(plain.trade, tariff=plain.tariff, **more)


def refused(match: tuple[str, ...], plain, kind: type[Exception] = TableError, **more) -> None:
    with pytest.raises(kind) as caught:
        built(plain, **more)
    for part in match:
        assert part in str(caught.value), f"{part!r} is not in: {caught.value}"


# --- what it takes ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    "form",
    [
        SIGMA,
        [3.0, 5.0, 3.0],
        np.array([3, 5, 3]),
        pd.DataFrame({"sector": ["s01", "s00", "s02"], "value": [5.0, 3.0, 3.0]}),
        xr.DataArray([5.0, 3.0, 3.0], {"sector": ["s01", "s00", "s02"]}, ["sector"]),
    ],
    ids=["mapping", "list", "numpy", "table", "labelled"],
)
def test_sigma_in_every_form_is_one_world(plain, form):
    found = built(plain, sigma=form)
    np.testing.assert_array_equal(found.sigma, [3.0, 5.0, 3.0])
    np.testing.assert_array_equal(found.theta, [2.0, 4.0, 2.0])  # sigma - 1 where it is left out
    assert "theta" in found.dataset.attrs["derived"]
    np.testing.assert_allclose(found.profits, found.output / found.sigma, rtol=1e-15)
    assert found.profits.dims == ("sector", "country")


def test_one_number_is_for_every_sector(plain):
    np.testing.assert_array_equal(built(plain, sigma=4).sigma, [4.0] * 3)


def test_markups_say_the_same(plain):
    """sigma/(sigma - 1) = 1.5 for 3 and 1.25 for 5."""
    ratio = {"s00": 1.5, "s01": 1.25, "s02": 1.5}
    np.testing.assert_allclose(built(plain, markup=ratio).sigma, [3.0, 5.0, 3.0], rtol=1e-15)
    both = built(plain, sigma=SIGMA, markup=ratio)
    np.testing.assert_array_equal(both.sigma, [3.0, 5.0, 3.0])


def test_theta_may_be_another(plain):
    both = built(plain, theta=7.0, sigma=SIGMA)
    np.testing.assert_array_equal(both.theta, [7.0] * 3)
    np.testing.assert_array_equal(both.sigma, [3.0, 5.0, 3.0])


def test_profits_as_given(plain, world):
    given = built(plain, sigma=SIGMA, profits=world.profits)
    assert "profits" in given.dataset
    np.testing.assert_array_equal(given.profits, given.dataset.profits)


def test_a_world_without_markups_has_none(plain):
    assert plain.sigma is None
    assert plain.profits is None
    assert plain.with_sigma(3.0).with_sigma(None).hash == plain.hash


# --- what it refuses --------------------------------------------------------------------------
@pytest.mark.parametrize("value", [1.0, 0.5, -3.0, np.nan, np.inf])
def test_sigma_at_or_below_one(plain, value):
    refused(("sigma", "s01", f"{value}", "above 1"), plain, sigma={**SIGMA, "s01": value})
    with pytest.raises(TableError, match=r"sigma.*s01.*above 1"):
        plain.with_sigma({**SIGMA, "s01": value})


@pytest.mark.parametrize("value", [1.0, 0.8, np.nan])
def test_markup_at_or_below_one(plain, value):
    refused(("markup", "s02", f"{value}", "above 1"), plain,
            markup={"s00": 1.5, "s01": 1.5, "s02": value})  # fmt: skip


def test_sigma_and_markup_that_differ(plain):
    refused(("markup", "s01", "1.3", "sigma is 5", "1.25", "one of the two"), plain,
            sigma=SIGMA, markup={"s00": 1.5, "s01": 1.3, "s02": 1.5})  # fmt: skip


def test_missing_sector_and_wrong_length(plain):
    refused(("sigma", "'s02'", "no value"), plain, sigma={"s00": 3.0, "s01": 5.0})
    refused(("sigma", "3 numbers", "order of the sectors", "(2,)"), plain, sigma=[3.0, 5.0])


def test_neither_theta_nor_sigma(plain):
    refused(("theta", "left out", "sigma"), plain)


def test_profits_without_sigma(plain, world):
    refused(("profits", "without sigma", "give sigma"), plain, theta=4, profits=world.profits)
    with pytest.raises(TableError, match=r"profits are there, but no sigma"):
        dt.World(plain.dataset.assign(profits=world.profits))


@pytest.mark.parametrize("factor", [0.5, 0.0, 1.01])
def test_profits_that_are_not_sales_over_sigma(plain, world, factor):
    off = world.profits.copy(deep=True)
    off.loc[{"sector": "s01", "country": "c02"}] *= factor
    expected = float(world.profits.sel(sector="s01", country="c02"))
    numbers = f"{factor * expected:.6g} against {expected:.6g}"
    refused(("c02 s01", "profits = sales / sigma", numbers, "correct sigma"), plain,
            sigma=SIGMA, profits=off)  # fmt: skip
    report = built(plain, sigma=SIGMA, profits=off, identities="report")
    [miss] = report.misses
    assert (miss.country, miss.sector, miss.identity) == ("c02", "s01", "profits = sales / sigma")


def test_negative_profits(plain, world):
    off = world.profits.copy(deep=True)
    off.loc[{"sector": "s01", "country": "c02"}] = -5.0
    refused(("profits of c02 s01", "not negative", "-5"), plain, sigma=SIGMA, profits=off)


def test_profits_above_value_added():
    """With inputs a low sigma leaves wages below zero: 1/1.2 of sales is more than value added."""
    linked = random_world(Draw(N=3, J=2, seed=1, theta=(2.0, 6.0)))
    share = linked.value_added / linked.output
    assert float(share.min()) < 1 / 1.2
    with pytest.raises(TableError, match=r"profits within value added.*higher sigma"):
        linked.with_sigma(1.2)
    high = 2.0 / float(share.where(linked.output > 0).min())
    assert (linked.with_sigma(high).profits <= linked.value_added).all()


# --- what it keeps ----------------------------------------------------------------------------
def test_round_trip_through_a_file(plain, world, tmp_path):
    given = built(plain, sigma=SIGMA, profits=world.profits)
    for w in (world, given, plain):
        again = dt.load_world(w.save(tmp_path / "w.nc"))
        assert again.hash == w.hash
        assert set(again.dataset.data_vars) == set(w.dataset.data_vars)
        if w.sigma is not None:
            np.testing.assert_array_equal(again.sigma, w.sigma)
            np.testing.assert_allclose(again.profits, w.profits, rtol=1e-15)


def test_a_file_with_a_sigma_out_of_range(plain, tmp_path):
    path = tmp_path / "low.nc"
    sigma = xr.DataArray([3.0, 0.9, 3.0], {"sector": plain.sectors}, ["sector"])
    plain.dataset.assign(sigma=sigma).to_netcdf(path, engine="h5netcdf")
    with pytest.raises(TableError, match=r"low\.nc.*sigma of s01 is 0\.9.*above 1"):
        dt.load_world(path)


def test_the_hash_knows_markups(plain, world):
    hashes = {
        plain.hash,
        world.hash,
        plain.with_sigma(3.0).hash,
        built(plain, sigma=SIGMA, theta=plain.theta, profits=world.profits).hash,
    }
    assert len(hashes) == 4
    assert set(plain.dataset.data_vars) == set(DIMS)


def test_the_shipped_world_is_the_same_as_before_there_were_markups():
    """Its hash is in saved runs and bookmarks of everybody."""
    assert dt.load_world().hash == "03195b7c20c63b8e"


def test_with_theta_keeps_markups(world):
    again = world.with_theta(9.0)
    np.testing.assert_array_equal(again.sigma, world.sigma)
    np.testing.assert_array_equal(again.theta, [9.0] * 3)


def test_merging_countries_and_equal_sectors(plain, world):
    given = built(plain, sigma=SIGMA, profits=world.profits)
    small = given.aggregate(countries={"two": ["c00", "c02"]}, sectors={"low": ["s00", "s02"]})
    assert small.sectors == ["low", "s01"]
    np.testing.assert_array_equal(small.sigma, [3.0, 5.0])
    np.testing.assert_allclose(small.profits, small.output / small.sigma, rtol=1e-12)
    assert float(small.profits.sum()) == pytest.approx(float(world.profits.sum()), rel=1e-12)


def test_sectors_of_different_sigma_are_not_merged(world):
    with pytest.raises(InputError) as caught:
        world.aggregate(sectors={"all": ["s00", "s01"]})
    for part in ("s00 (sigma 3)", "s01 (sigma 5)", "'all'", "with_sigma(None)"):
        assert part in str(caught.value)
    merged = world.with_sigma(None).aggregate(sectors={"all": ["s00", "s01"]})
    assert merged.with_sigma(4.0).sectors == ["all", "s02"]

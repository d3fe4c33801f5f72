"""``World.from_tables``: what it takes, and what it says about tables it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import detente as dt
from detente.errors import InputError, TableError, UnknownNameError
from detente.world.identities import DIMS
from worlds import Draw, random_world

NAMES = ("trade", "tariff", "inputs", "value_added", "final", "deficit")


@pytest.fixture(scope="module")
def world():
    return random_world(Draw(N=3, J=2, seed=1, theta=(2.0, 6.0)))


def tidy(world, **changes):
    """The seven tables of a world as data frames, to be spoiled by tests."""
    tables = {n: world.dataset[n].to_dataframe(name="value").reset_index() for n in NAMES}
    tables["theta"] = world.theta.to_dataframe(name="value").reset_index()
    return {**tables, **changes}


def cell(frame: pd.DataFrame, **at) -> pd.Series:
    """Mask of the row with these labels."""
    mask = pd.Series(True, index=frame.index)
    for column, label in at.items():
        mask &= frame[column] == label
    assert mask.any()
    return mask


def spoiled(frame: pd.DataFrame, value: float, **at) -> pd.DataFrame:
    out = frame.copy()
    out.loc[cell(frame, **at), "value"] = value
    return out


def same(a: dt.World, b: dt.World) -> None:
    for name in DIMS:
        xr.testing.assert_allclose(
            a.dataset[name].drop_attrs(), b.dataset[name].drop_attrs(), rtol=1e-9, atol=1e-6
        )


# --- what it takes ----------------------------------------------------------------------------
def test_pandas(world):
    same(dt.World.from_tables(**tidy(world)), world)


def test_row_and_column_order_do_not_matter(world):
    tables = tidy(world)
    shuffled = {
        n: t.sample(frac=1, random_state=1)[list(reversed(t.columns))] for n, t in tables.items()
    }
    again = dt.World.from_tables(**shuffled)
    order = {d: world.dataset[d].values for d in ("sector", "input", "country", "importer",
                                                  "exporter")}  # fmt: skip
    for name in DIMS:
        dims = {d: order[d] for d in DIMS[name]}
        np.testing.assert_array_equal(again.dataset[name].sel(dims), world.dataset[name])


def test_arrow(world):
    import pyarrow as pa

    tables = {n: pa.Table.from_pandas(t) for n, t in tidy(world).items()}
    same(dt.World.from_tables(**tables), world)


def test_polars(world):
    polars = pytest.importorskip("polars", reason="polars is not installed")
    tables = {n: polars.from_pandas(t) for n, t in tidy(world).items()}
    same(dt.World.from_tables(**tables), world)


def test_labelled_arrays_in_any_order_of_dims(world):
    arrays = {n: world.dataset[n] for n in DIMS}
    arrays["trade"] = arrays["trade"].transpose("exporter", "sector", "importer")
    arrays["inputs"] = arrays["inputs"].transpose()
    same(dt.World.from_tables(**arrays), world)


def test_left_out_tables_are_implied(world):
    bare = dt.World.from_tables(trade=world.trade, theta=4)
    assert float(bare.tariff.max()) == 0.0
    assert float(bare.inputs.max()) == 0.0
    np.testing.assert_allclose(bare.value_added, bare.output)
    np.testing.assert_allclose(bare.deficit, world.deficit, atol=1e-6)
    with_inputs = dt.World.from_tables(
        trade=world.trade, tariff=world.tariff, inputs=world.inputs, theta=world.theta
    )
    same(with_inputs, world)
    assert set(bare.dataset.attrs["derived"].split(", ")) == {
        "tariff", "inputs", "value_added", "final", "deficit",
    }  # fmt: skip


@pytest.mark.parametrize(
    "theta", [4.0, {"s00": 4.0, "s01": 4.0}, pd.DataFrame({"sector": ["s01", "s00"], "x": 4.0})]
)
def test_theta_forms(world, theta):
    built = dt.World.from_tables(trade=world.trade, theta=theta)
    np.testing.assert_array_equal(built.theta, [4.0, 4.0])
    np.testing.assert_array_equal(world.with_theta(theta).theta, [4.0, 4.0])


def test_labels_are_kept_as_given():
    rows = [(a, b) for a in ("Mexico", "Rest of it") for b in ("Mexico", "Rest of it")]
    trade = pd.DataFrame(rows, columns=["importer", "exporter"]).assign(
        sector="All goods", value=[3.0, 1.0, 1.0, 9.0]
    )
    world = dt.World.from_tables(trade=trade, theta=5)
    assert world.countries == ["Mexico", "Rest of it"]
    assert world.sectors == ["All goods"]
    assert not world.uses_iso3


def test_absent_rows_as_zero_on_request(world):
    frame = tidy(world)["trade"]
    thin = frame[~cell(frame, sector="s00", importer="c00", exporter="c01")]
    built = dt.World.from_tables(trade=thin, theta=4, missing="zero")
    assert float(built.trade.sel(sector="s00", importer="c00", exporter="c01")) == 0.0


def test_report_mode_keeps_the_misses(world):
    tables = tidy(world)
    tables["value_added"] = spoiled(tables["value_added"], 1e7, sector="s00", country="c01")
    built = dt.World.from_tables(**tables, identities="report")
    worst = built.misses[0]
    assert (worst.country, worst.sector) == ("c01", "s00")
    assert worst.gap > 0
    assert "c01 s00" in str(worst)
    assert dt.simulate(built).status == "converged"  # the base is solved again from the shares


# --- what it refuses --------------------------------------------------------------------------
def refused(match: tuple[str, ...], kind: type[Exception] = TableError, **tables) -> str:
    with pytest.raises(kind) as caught:
        dt.World.from_tables(**tables)
    text = str(caught.value)
    for part in match:
        assert part in text, f"{part!r} is not in: {text}"
    assert isinstance(caught.value, InputError)
    return text


def test_importer_and_exporter_swapped(world):
    tables = tidy(world)
    trade = tables["trade"].rename(columns={"importer": "exporter", "exporter": "importer"})
    text = refused(("importer and exporter", "swapped", "sales"), **{**tables, "trade": trade})
    assert any(c in text for c in world.countries)
    assert any(s in text for s in world.sectors)
    assert "against" in text  # both values


def test_not_a_number(world):
    tables = tidy(world)
    tables["trade"] = spoiled(tables["trade"], np.nan, sector="s01", importer="c02", exporter="c00")
    refused(("trade", "sector s01", "importer c02", "exporter c00", "nan", "number"), **tables)
    with pytest.raises(TableError, match="nan"):  # an absent row may be zero, a NaN may not
        dt.World.from_tables(**tables, missing="zero")


@pytest.mark.parametrize("name", ["tariff", "inputs", "value_added", "final", "deficit"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_not_a_number_anywhere(world, name, value):
    tables = tidy(world)
    frame = tables[name].copy()
    frame.loc[1, "value"] = value
    tables[name] = frame
    at = [str(frame[d][1]) for d in DIMS[name]]
    refused((name, *at, str(value), "number"), **tables)


def test_negative_flow(world):
    tables = tidy(world)
    tables["trade"] = spoiled(tables["trade"], -3.5, sector="s00", importer="c01", exporter="c02")
    refused(("trade", "s00", "c01", "c02", "-3.5", "cannot be negative"), **tables)


@pytest.mark.parametrize("name", ["trade", "inputs", "value_added", "final"])
def test_negative_entry_in_a_labelled_array(world, name):
    """An array takes another way in than a table; the refusal is the same."""
    arrays = {n: world.dataset[n] for n in DIMS}
    spoilt = arrays[name].copy()
    spoilt[(0,) * spoilt.ndim] = -1e6
    text = refused((name, "c00", "s00", "negative"), **{**arrays, name: spoilt})
    assert "1e+06" in text or "1000000" in text


def test_array_that_repeats_a_label_or_lacks_one(world):
    arrays = {n: world.dataset[n] for n in DIMS}
    twice = arrays["tariff"].isel(exporter=[0, 1, 1])
    refused(("tariff", "exporter 'c01'", "twice"), **{**arrays, "tariff": twice})
    short = arrays["tariff"].isel(exporter=[0, 1])
    refused(
        ("tariff", "6 of 18 cells", "exporter c02", "missing='zero'"),
        **{**arrays, "tariff": short},
    )


def test_missing_cell(world):
    frame = tidy(world)["trade"]
    thin = frame[~cell(frame, sector="s00", importer="c00", exporter="c01")]
    refused(
        ("trade", "1 of 18 cells", "sector s00", "importer c00", "exporter c01", "missing='zero'"),
        **tidy(world, trade=thin),
    )


def test_duplicate_cell(world):
    frame = tidy(world)["trade"]
    twice = pd.concat([frame, frame[cell(frame, sector="s01", importer="c00", exporter="c02")]])
    refused(
        ("trade", "sector s01", "importer c00", "exporter c02", "more than once", "one row"),
        **tidy(world, trade=twice),
    )


@pytest.mark.parametrize("value", [0.0, -2.0, np.nan, np.inf])
def test_theta_not_above_zero(world, value):
    text = refused(("theta", "s01", "above zero"), **tidy(world, theta={"s00": 4.0, "s01": value}))
    assert f"{value}" in text
    with pytest.raises(TableError, match=r"theta.*s01"):
        world.with_theta({"s00": 4.0, "s01": value})


def test_theta_without_a_sector(world):
    refused(("theta", "s01", "no value"), **tidy(world, theta={"s00": 4.0}))


@pytest.mark.parametrize("value", [-1.0, -1.5])
def test_tariff_at_or_below_minus_one(world, value):
    tables = tidy(world)
    at = {"sector": "s01", "importer": "c00", "exporter": "c02"}
    tables["tariff"] = spoiled(tables["tariff"], value, **at)
    refused(("tariff", "s01", "c00", "c02", f"{value:g}", "above -1"), **tables)


def test_unknown_sector_in_a_table(world):
    tables = tidy(world)
    tables["tariff"] = tables["tariff"].replace({"sector": {"s01": "steel"}})
    refused(("tariff", "sector steel", "labels of trade", "match exactly"), **tables)


def test_unknown_country_in_a_table(world):
    tables = tidy(world)
    tables["deficit"] = tables["deficit"].replace({"country": {"c02": "Atlantis"}})
    refused(("deficit", "country Atlantis", "labels of trade"), **tables)


def test_country_that_only_sells(world):
    frame = tidy(world)["trade"]
    refused(
        ("trade", "c02", "only as importer or only as exporter"),
        trade=frame[frame.importer != "c02"], theta=4,
    )  # fmt: skip


def test_missing_column(world):
    frame = tidy(world)["trade"].rename(columns={"importer": "buyer"})
    refused(("trade", "'importer'", "columns"), **tidy(world, trade=frame))


def test_text_for_numbers(world):
    frame = tidy(world)["trade"]
    frame["value"] = frame["value"].astype(object)
    frame.loc[0, "value"] = "n.a."
    refused(("trade", "not all numbers", "n.a."), **tidy(world, trade=frame))


def test_not_a_table(world):
    refused(("trade", "int"), trade=7, theta=4)


def test_inputs_that_leave_no_value_added(world):
    inputs = world.inputs.copy()
    inputs.loc[{"input": "s00", "sector": "s01", "country": "c01"}] = 1e7
    refused(("value_added", "s01", "c01", "left out"), trade=world.trade, inputs=inputs, theta=4)


def test_deficits_that_do_not_cancel(world):
    tables = tidy(world)
    tables["deficit"] = spoiled(tables["deficit"], 9e5, country="c01")
    refused(("c01", "deficit", "imports less exports", "900000"), **tables)


def test_unknown_names_suggest(world):
    with pytest.raises(UnknownNameError, match=r"unknown country 'C01'.*c01"):
        world.country_list("C01")
    with pytest.raises(UnknownNameError, match=r"sector"):
        world.sector_list("s99")
    with pytest.raises(UnknownNameError, match="identities"):
        dt.World(world.dataset, "x", "loose")


def test_dims_and_labels_of_a_dataset(world):
    swapped = world.dataset.assign(trade=world.trade.transpose("sector", "exporter", "importer"))
    with pytest.raises(TableError, match=r"trade has dims.*order"):
        dt.World(swapped)
    with pytest.raises(TableError, match=r"'final' is missing"):
        dt.World(world.dataset.drop_vars("final"))
    other = world.dataset.assign_coords(exporter=["c00", "c01", "x"])
    with pytest.raises(TableError, match=r"exporter and country differ"):
        dt.World(other)

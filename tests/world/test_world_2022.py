"""The shipped table: identities, and numbers published elsewhere."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

DATA = Path(str(files("detente.world") / "data"))


@pytest.fixture(scope="module")
def world() -> xr.Dataset:
    with xr.open_dataset(DATA / "world-2022.nc", engine="h5netcdf") as opened:
        return opened.load()


def _relative(left: xr.DataArray, right: xr.DataArray) -> float:
    scale = np.maximum(np.abs(left.values), np.abs(right.values))
    return float((np.abs(left.values - right.values) / np.where(scale > 0, scale, 1)).max())


def test_variables_dims_and_units(world):
    three = ("sector", "importer", "exporter")
    expected = {
        "trade": three, "tariff": three, "inputs": ("input", "sector", "country"),
        "value_added": ("sector", "country"), "final": ("sector", "country"),
        "deficit": ("country",), "theta": ("sector",),
    }  # fmt: skip
    assert {str(k): v.dims for k, v in world.data_vars.items()} == expected
    assert dict(world.sizes) == {
        "sector": 23, "importer": 77, "exporter": 77, "input": 23, "country": 77,
    }  # fmt: skip
    for name in ("trade", "inputs", "value_added", "final", "deficit"):
        assert world[name].attrs["units"] == "USD million"
    assert world.attrs["id"] == "world-2022"
    assert world.theta.attrs["set"] == "fgo"
    assert world.importer.values.tolist() == world.country.values.tolist()
    assert (DATA / "world-2022.nc").stat().st_size < 2_000_000


def test_sales_equal_purchases_with_tariffs(world):
    output = world.trade.sum("importer").rename(exporter="country")
    assert _relative(output, world.value_added + world.inputs.sum("input")) < 1e-12
    spending = (world.trade * (1 + world.tariff)).sum("exporter").rename(importer="country")
    used = world.inputs.sum("sector").rename(input="sector") + world.final
    assert _relative(spending, used.transpose("sector", "country")) < 1e-12


def test_final_demand_is_income_and_deficits_sum_to_zero(world):
    revenue = (world.trade * world.tariff).sum(["sector", "exporter"]).rename(importer="country")
    income = world.value_added.sum("sector") + revenue + world.deficit
    assert _relative(world.final.sum("sector"), income) < 1e-12
    bought = world.trade.sum(["sector", "exporter"]).values
    sold = world.trade.sum(["sector", "importer"]).values
    np.testing.assert_allclose(world.deficit.values, bought - sold, atol=1e-6)
    assert abs(float(world.deficit.sum())) < 1e-9 * float(np.abs(world.deficit).sum())


def test_nothing_is_negative_or_missing(world):
    for name, values in world.data_vars.items():
        assert np.isfinite(values.values).all(), name
        if name != "deficit":
            assert float(values.min()) >= 0, name
    assert float(world.theta.min()) > 0


def test_domestic_sales_and_services_carry_no_tariff(world):
    for j in range(23):
        assert not np.diag(world.tariff.values[j]).any()
    assert float(world.tariff.sel(sector="services").max()) == 0
    assert float(world.tariff.sel(importer="HKG").max()) == 0
    assert float(world.tariff.sel(importer="ROW").max()) > 0


def test_no_tariff_inside_the_european_union(world):
    from detente.labels import group_members

    members = group_members("EU27")
    assert float(world.tariff.sel(importer=members, exporter=members).max()) == 0


@pytest.mark.parametrize(
    ("exporter", "usd_bn"), [("JPN", 48.0), ("KOR", 29.0), ("MEX", 109.3), ("DEU", 27.0)]
)
def test_car_exports_to_the_united_states(world, exporter, usd_bn):
    flow = world.trade.sel(sector="C29", importer="USA", exporter=exporter)
    assert float(flow) / 1e3 == pytest.approx(usd_bn, abs=0.05)


@pytest.mark.parametrize(
    ("exporter", "importer", "usd_bn"), [("CHN", "USA", 453), ("USA", "CHN", 128)]
)
def test_goods_between_china_and_the_united_states(world, exporter, importer, usd_bn):
    goods = world.trade.drop_sel(sector="services").sel(importer=importer, exporter=exporter)
    assert float(goods.sum()) / 1e3 == pytest.approx(usd_bn, abs=0.5)


@pytest.mark.parametrize(
    ("country", "usd_tn", "digits"),
    [("USA", 25.6, 0.05), ("CHN", 17.0, 0.05), ("JPN", 4.29, 0.005), ("KOR", 1.78, 0.005)],
)
def test_value_added(world, country, usd_tn, digits):
    total = float(world.value_added.sel(country=country).sum()) / 1e6
    assert total == pytest.approx(usd_tn, abs=digits)


@pytest.mark.parametrize(
    ("country", "gdp_usd_tn"), [("USA", 26.0), ("CHN", 17.9), ("JPN", 4.26), ("KOR", 1.67)]
)
def test_value_added_is_near_world_bank_gdp(world, country, gdp_usd_tn):
    total = float(world.value_added.sel(country=country).sum()) / 1e6
    assert total == pytest.approx(gdp_usd_tn, rel=0.08)


def test_fourteen_cells_have_no_output(world):
    output = world.trade.sum("importer")
    assert int((output == 0).sum()) == 14
    assert float(output.sel(sector="B07_08", exporter="HKG")) == 0


@pytest.mark.parametrize(
    ("exporter", "percent", "digits"), [("JPN", 2.5, 0.05), ("KOR", 0.06, 0.005), ("CHN", 25, 0.5)]
)
def test_collected_car_tariffs_of_the_united_states(world, exporter, percent, digits):
    rate = world.tariff.sel(sector="C29", importer="USA", exporter=exporter)
    assert 100 * float(rate) == pytest.approx(percent, abs=digits)


def test_collected_tariff_on_china_is_near_the_published_mean(world):
    """10.9% with the imports of 2024 and chapters 98 and 99 as weights; here 2022 flows weigh."""
    goods = world.drop_sel(sector="services").sel(importer="USA", exporter="CHN")
    mean = float((goods.trade * goods.tariff).sum() / goods.trade.sum())
    assert 100 * mean == pytest.approx(10.9, abs=1.5)


def test_collected_tariff_on_china_in_the_report():
    """The collected duties over all imports are the published 10.9%."""
    import pandas as pd

    table = pd.read_csv(DATA / "build-report.csv")
    row = table[(table.step == "US collected duties 2024") & (table.country == "CHN")]
    assert float(row.after.iloc[0]) == pytest.approx(10.9, abs=0.05)


@pytest.mark.parametrize("importer", ["USA", "MYS", "SAU", "JOR", "EGY", "VNM"])
def test_food_tariffs_are_no_longer_inflated(world, importer):
    """Before the repair the highest partner rates were 43% to 100%."""
    assert float(world.tariff.sel(sector="C10T12", importer=importer).max()) < 0.25


def test_provenance_names_sources_and_no_local_path():
    text = (DATA / "PROVENANCE.md").read_text(encoding="utf-8")
    for source in ("OECD", "Teti", "Census", "Fontagn"):
        assert source in text
    assert "/work" not in text
    assert "../shared" not in text

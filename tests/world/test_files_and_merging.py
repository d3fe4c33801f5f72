"""Worlds on disk, and worlds with countries and sectors merged."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.errors import InputError, TableError, UnknownNameError
from detente.world.identities import DIMS, find_misses
from worlds import Draw, random_world


@pytest.fixture(scope="module")
def world():
    return random_world(Draw(N=6, J=4, seed=3, theta=(2.0, 12.0), sparsity=0.2))


# --- files ------------------------------------------------------------------------------------
def test_round_trip(world, tmp_path):
    path = world.save(tmp_path / "own.nc")
    again = dt.load_world(path)
    assert again.hash == world.hash
    assert again.countries == world.countries
    for name in DIMS:
        np.testing.assert_array_equal(again.dataset[name], world.dataset[name])
    assert dt.load_world(str(path)).hash == world.hash


def test_round_trip_of_a_reported_world(world, tmp_path):
    value_added = world.value_added * 1.5
    tables = {n: world.dataset[n] for n in DIMS} | {"value_added": value_added}
    odd = dt.World.from_tables(**tables, identities="report")
    again = dt.load_world(odd.save(tmp_path / "odd.nc"))
    assert again.identities == "report"
    assert len(again.misses) == len(odd.misses) > 0


@pytest.mark.parametrize("keep", [0, 100, 3000, 0.5, 0.98])
def test_file_cut_short(world, tmp_path, keep):
    path = world.save(tmp_path / "cut.nc")
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data)) if 0 < keep < 1 else keep])
    with pytest.raises(TableError) as caught:
        dt.load_world(path)
    text = str(caught.value)
    assert "cut.nc" in text
    assert "cut short" in text or "missing" in text


def test_file_of_something_else(tmp_path):
    path = tmp_path / "note.nc"
    path.write_text("this is no world\n" * 50)
    with pytest.raises(TableError, match=r"note\.nc.*cut short"):
        dt.load_world(path)


def test_file_without_a_variable(world, tmp_path):
    path = tmp_path / "part.nc"
    world.dataset.drop_vars("deficit").to_netcdf(path, engine="h5netcdf")
    with pytest.raises(TableError, match=r"part\.nc.*deficit.*missing"):
        dt.load_world(path)


def test_file_that_does_not_add_up(world, tmp_path):
    path = tmp_path / "off.nc"
    spoilt = world.dataset.copy(deep=True)
    spoilt["final"].loc[{"sector": "s01", "country": "c02"}] += 1e5
    spoilt.to_netcdf(path, engine="h5netcdf")
    with pytest.raises(TableError, match=r"c02 s01.*spending"):
        dt.load_world(path)


def test_unknown_world():
    with pytest.raises(UnknownNameError, match="world-2022"):
        dt.load_world("world-2021")


def test_saving_somewhere_impossible(world, tmp_path):
    with pytest.raises(TableError, match=r"\.nc"):
        world.save(tmp_path / "world.csv")
    with pytest.raises(TableError, match="folder"):
        world.save(tmp_path / "nowhere" / "w.nc")


# --- merging ----------------------------------------------------------------------------------
GROUPS = {"bloc": ["c01", "c03", "c04"], "pair": ["c00", "c05"]}
KINDS = {"goods": ["s00", "s02"]}


def test_merging_conserves_totals_and_revenue(world):
    small = world.aggregate(countries=GROUPS, sectors=KINDS)
    assert set(small.countries) == {"bloc", "pair", "c02"}
    assert set(small.sectors) == {"goods", "s01", "s03"}
    for name in ("trade", "inputs", "value_added", "final", "deficit"):
        assert float(small.dataset[name].sum()) == pytest.approx(
            float(world.dataset[name].sum()), rel=1e-12, abs=1e-6
        )
    revenue = (world.trade * world.tariff).sum(["sector", "exporter"])
    merged = (small.trade * small.tariff).sum(["sector", "exporter"])
    assert float(merged.sel(importer="bloc")) == pytest.approx(
        float(revenue.sel(importer=GROUPS["bloc"]).sum()), rel=1e-12
    )
    assert float(merged.sel(importer="c02")) == pytest.approx(float(revenue.sel(importer="c02")))
    between = world.trade.sel(importer=GROUPS["bloc"], exporter=GROUPS["pair"]).sum()
    assert float(small.trade.sel(importer="bloc", exporter="pair").sum()) == pytest.approx(
        float(between), rel=1e-12
    )
    assert find_misses(small.dataset) == []
    low, high = float(world.theta.min()), float(world.theta.max())
    assert ((small.theta >= low - 1e-12) & (small.theta <= high + 1e-12)).all()
    assert float(small.theta.sel(sector="s01")) == pytest.approx(float(world.theta[1]), rel=1e-12)


def test_merged_world_can_be_simulated(world):
    small = world.aggregate(countries=GROUPS, sectors=KINDS)
    tariff = small.tariff.copy()
    tariff.loc[{"importer": "bloc", "exporter": "c02"}] += 0.25
    out = dt.simulate(small, dt.Policy(small, tariff=tariff))
    assert max(out.checks.values()) < 1e-8
    assert float(out.revenue.sel(country="bloc")) > float(out.revenue_before.sel(country="bloc"))


def test_merging_into_one_is_autarky(world):
    one = world.aggregate(countries={"all of it": world.countries}, sectors={"x": world.sectors})
    assert one.trade.shape == (1, 1, 1)
    assert float(one.deficit.item()) == pytest.approx(0.0, abs=1e-6)
    assert float(dt.simulate(one).real_income.item()) == pytest.approx(0.0, abs=1e-8)


def test_merging_nothing_changes_nothing(world):
    same = world.aggregate()
    for name in DIMS:
        np.testing.assert_allclose(same.dataset[name], world.dataset[name], rtol=1e-12)


def test_merging_identical_countries_does_not_matter():
    """Twins with the same flows are one country of twice the size: a policy that treats them
    alike gives both the same change, merged or not, for the others exactly when their home
    market is shared too (free trade between the twins at the same preferences)."""
    from worlds import build

    flow = np.array([[4.0, 1.0, 0.5, 0.5], [1.0, 6.0, 0.7, 0.7],
                     [0.5, 0.7, 1.5, 1.5], [0.5, 0.7, 1.5, 1.5]])  # fmt: skip
    world = build(flow[None], theta=4.0)
    merged = world.aggregate(countries={"twins": ["c02", "c03"]})
    tariff = world.tariff.copy()
    tariff.loc[{"importer": "c00", "exporter": ["c02", "c03"]}] = 0.3
    small = merged.tariff.copy()
    small.loc[{"importer": "c00", "exporter": "twins"}] = 0.3
    two = dt.simulate(world, dt.Policy(world, tariff=tariff), tol=1e-12).real_income
    one = dt.simulate(merged, dt.Policy(merged, tariff=small), tol=1e-12).real_income
    for country in ("c00", "c01"):
        assert float(one.sel(country=country)) == pytest.approx(
            float(two.sel(country=country)), abs=1e-8
        )
    assert float(one.sel(country="twins")) == pytest.approx(float(two.sel(country="c02")), abs=1e-8)


@pytest.mark.parametrize(
    ("groups", "kind", "parts"),
    [
        ({"a": ["c00", "c01"], "b": ["c01"]}, InputError, ("c01", "'a'", "'b'")),
        ({"a": ["c00", "Narnia"]}, UnknownNameError, ("Narnia", "group 'a'")),
        ({"c02": ["c00", "c01"]}, InputError, ("c02", "choose another")),
        (["EU27"], UnknownNameError, ("EU27",)),
    ],
)
def test_merging_refuses(world, groups, kind, parts):
    with pytest.raises(kind) as caught:
        world.aggregate(countries=groups)
    for part in parts:
        assert part in str(caught.value)

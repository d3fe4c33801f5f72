"""``Policy``: partial tables keep the rest; bad cells are named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import detente as dt
from detente.errors import InputError, UnknownNameError
from worlds import Draw, random_world


@pytest.fixture(scope="module")
def world():
    return random_world(Draw(N=4, J=3, seed=6, theta=(2.0, 8.0)))


ROW = {"sector": "s01", "importer": "c00", "exporter": "c02"}


def test_nothing_named_nothing_changed(world):
    policy = dt.Policy(world)
    np.testing.assert_array_equal(policy.tariff, world.tariff)
    assert (policy.export_tax == 0).all()
    assert (policy.iceberg == 1).all()
    assert (policy.transfer == 0).all()
    assert not policy.banned.any()
    for name in ("tariff", "export_tax", "iceberg"):
        assert getattr(policy, name).dims == ("sector", "importer", "exporter")


@pytest.mark.parametrize("name", ["tariff", "export_tax", "iceberg"])
def test_partial_table_keeps_the_rest(world, name):
    base = getattr(dt.Policy(world), name)
    table = pd.DataFrame([{**ROW, "value": 1.75}])
    policy = dt.Policy(world, **{name: table})
    changed = getattr(policy, name)
    assert float(changed.sel(ROW)) == 1.75
    assert int((changed != base).sum()) == 1
    for other in {"tariff", "export_tax", "iceberg"} - {name}:
        np.testing.assert_array_equal(getattr(policy, other), getattr(dt.Policy(world), other))


def test_partial_array_keeps_the_rest(world):
    part = xr.full_like(world.tariff.sel(sector=["s02"], importer=["c01"]), 0.4)
    policy = dt.Policy(world, tariff=part)
    assert (policy.tariff.sel(sector="s02", importer="c01") == 0.4).all()
    rest = policy.tariff.drop_sel(sector="s02")
    np.testing.assert_array_equal(rest, world.tariff.drop_sel(sector="s02"))


def test_one_number_is_for_every_border(world):
    policy = dt.Policy(world, tariff=0.1)
    home = np.einsum("jnn->jn", policy.tariff.values)
    np.testing.assert_array_equal(home, np.einsum("jnn->jn", world.tariff.values))
    assert int((policy.tariff == 0.1).sum()) == 3 * 4 * 3


@pytest.mark.parametrize("form", ["table", "array", "bare", "partial"])
def test_a_ban_is_an_infinite_iceberg(world, form):
    base = dt.Policy(world).iceberg
    if form == "partial":
        given = xr.full_like(base.sel({k: [v] for k, v in ROW.items()}), np.inf)
    else:
        given = _given(world, base, np.inf, form)
    policy = dt.Policy(world, iceberg=given)
    assert bool(policy.banned.sel(ROW))
    assert int(policy.banned.sum()) == 1
    out = dt.simulate(world, policy)
    assert float(out.trade.sel(ROW)) == 0.0


def test_policy_does_not_follow_later_edits(world):
    tariff = world.tariff.copy()
    policy = dt.Policy(world, tariff=tariff)
    before = policy.hash
    tariff[:] = 0.9
    assert float(policy.tariff.max()) < 0.9 or float(world.tariff.max()) >= 0.9
    assert policy.hash == before


@pytest.mark.parametrize("name", ["tariff", "export_tax"])
@pytest.mark.parametrize("value", [-1.0, -1.5, np.nan, np.inf])
@pytest.mark.parametrize("form", ["table", "array", "bare"])
def test_rates_out_of_range(world, name, value, form):
    given = _given(world, getattr(dt.Policy(world), name), value, form)
    with pytest.raises(InputError) as caught:
        dt.Policy(world, **{name: given})
    text = str(caught.value)
    for part in (name, "s01", "c00", "c02", f"{value:g}"):
        assert part in text, text
    assert "above -1" in text or "number" in text


@pytest.mark.parametrize("value", [0.0, -2.0, np.nan])
@pytest.mark.parametrize("form", ["table", "array", "bare"])
def test_icebergs_out_of_range(world, value, form):
    given = _given(world, dt.Policy(world).iceberg, value, form)
    with pytest.raises(InputError) as caught:
        dt.Policy(world, iceberg=given)
    for part in ("iceberg", "s01", "c00", "c02", f"{value:g}"):
        assert part in str(caught.value)


def test_not_a_number_in_a_partial_array(world):
    """Only cells without a label are "not named"; a NaN that is written there is an error."""
    part = xr.full_like(world.tariff.sel(sector=["s02"], importer=["c01"]), 0.4)
    part[0, 0, 3] = np.nan
    with pytest.raises(InputError, match=r"tariff.*s02.*c01.*c03.*nan.*number"):
        dt.Policy(world, tariff=part)


def _given(world, base, value, form):
    if form == "table":
        return pd.DataFrame([{**ROW, "value": value}])
    array = base.copy()
    array.loc[ROW] = value
    return array if form == "array" else array.values


@pytest.mark.parametrize(
    ("column", "label"), [("sector", "cars"), ("importer", "USA"), ("exporter", "Mars")]
)
def test_unknown_label(world, column, label):
    table = pd.DataFrame([{**ROW, column: label, "value": 0.1}])
    with pytest.raises(InputError) as caught:
        dt.Policy(world, tariff=table)
    for part in ("tariff", column, label):
        assert part in str(caught.value)


def test_array_of_another_shape(world):
    with pytest.raises(InputError, match=r"tariff.*shape.*\(3, 4, 4\)"):
        dt.Policy(world, tariff=np.zeros((3, 4, 5)))


def test_duplicate_row(world):
    table = pd.DataFrame([{**ROW, "value": 0.1}, {**ROW, "value": 0.2}])
    with pytest.raises(InputError, match=r"tariff.*s01.*c00.*c02.*more than once"):
        dt.Policy(world, tariff=table)


def test_transfers_that_do_not_cancel(world):
    with pytest.raises(InputError, match=r"transfer.*sum to 250.*zero"):
        dt.Policy(world, transfer={"c00": 500.0, "c01": -250.0})


def test_transfer_that_is_no_number(world):
    with pytest.raises(InputError, match=r"transfer.*number"):
        dt.Policy(world, transfer={"c00": np.nan, "c01": 0.0})


def test_transfer_to_nobody(world):
    with pytest.raises(UnknownNameError, match=r"transfer.*Atlantis"):
        dt.Policy(world, transfer={"Atlantis": 5.0, "c01": -5.0})


def test_policy_of_another_world(world):
    other = random_world(Draw(N=3, J=3, seed=6))
    with pytest.raises(InputError, match="built on"):
        dt.simulate(world, dt.Policy(other))


@pytest.mark.parametrize(
    ("option", "value"),
    [("model", "gravity"), ("deficit", "none"), ("method", "magic")],
)
def test_simulate_names_unknown_options(world, option, value):
    with pytest.raises(UnknownNameError, match=value):
        dt.simulate(world, **{option: value})


def test_simulate_refuses_a_tolerance_of_zero(world):
    with pytest.raises(InputError, match="tol"):
        dt.simulate(world, tol=0.0)


def test_under_other_elasticities_a_ban_leaves_what_it_left():
    """Two routes: the policy carried over, and the scenario built anew there."""
    from detente.policy.scenario import load_scenario
    from detente.runs.build_policy import build_policy

    world = dt.load_world()
    other = world.with_theta(2.5)
    for name in ("seafood-ban", "doubt-about-tariffs", "us-cars-25"):
        scenario = load_scenario(name)
        here = build_policy(scenario, world)
        assert here.under(world) is here
        carried, anew = here.under(other), build_policy(scenario, other)
        assert carried.world is other
        for part in ("tariff", "export_tax", "iceberg", "transfer"):
            np.testing.assert_allclose(getattr(carried, part), getattr(anew, part), rtol=1e-13)
        assert carried.quota == anew.quota
        assert (carried.open is None) == (anew.open is None) == (name != "seafood-ban")
        if anew.open is not None:
            np.testing.assert_array_equal(carried.open, anew.open)
            assert (carried.iceberg.values != here.iceberg.values).any()

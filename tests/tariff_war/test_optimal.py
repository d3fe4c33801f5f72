"""Optimal tariffs against closed forms, symmetries and independent deviations."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import detente as dt
from detente.errors import InputError
from detente.tariff_war.optimal import optimal_tariff
from detente.tariff_war.rules import Mirror
from worlds import BILATERAL, Draw, build, random_world


def two_countries(size: float, theta: float = 4.0, sectors: int = 1) -> dt.World:
    """Balanced, without inputs; the second country is ``size`` times the first."""
    traded = 2.0 * min(1.0, size)
    trade = np.array([[10.0, traded], [traded, 10.0 * size]])
    scale = np.linspace(1.0, 2.0, sectors)[:, None, None]
    return build(trade * scale, theta=theta)


def tariff_of(world: dt.World, importer: int, rate: float) -> dt.Policy:
    tariff = np.zeros(world.trade.shape)
    tariff[:, importer, :] = rate
    tariff[:, importer, importer] = 0.0
    return dt.Policy(world, tariff=tariff)


def closed_form(result, theta: float) -> float:
    """(1 - r_F) / (theta lam_FF) at the equilibrium reached, from labelled results."""
    trade, tariff = result.outcome.trade.values[0], result.policy.tariff.values[0]
    paid = trade * (1 + tariff)
    revenue = (trade * tariff).sum(axis=1)[1] / paid[1].sum()
    return (1 - revenue) / (theta * paid[1, 1] / paid[1].sum())


@pytest.mark.parametrize("size", [0.1, 0.5, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("foreign", [0.0, 0.3, 1.0])
def test_two_country_closed_form(size, foreign):
    for theta in (1.5, 4.0, 8.0) if size == 0.5 else (4.0,):
        world = two_countries(size, theta)
        best = optimal_tariff(
            world, "c00", by="uniform", policy=tariff_of(world, 1, foreign), deficit="zero",
            bounds=None, deviations=2,
        )  # fmt: skip
        rate = float(best.tariff[0, 0, 1])
        assert rate == pytest.approx(closed_form(best, theta), abs=1e-7)
        assert best.status == "converged"
        ends = [float(s.tariff[0, 0, 1]) for s in best.starts]
        assert max(ends) - min(ends) < 1e-6
        assert len(best.optima) == 1


def test_small_country_gets_one_over_theta():
    for theta in (2.0, 5.0):
        world = two_countries(1e5, theta)
        best = optimal_tariff(world, "c00", by="uniform", deficit="zero", deviations=5)
        assert best.mean == pytest.approx(1 / theta, rel=1e-4)


def test_large_country_above_one_over_theta_and_falling_in_theta():
    rates = []
    for theta in (2.0, 3.0, 5.0, 9.0):
        best = optimal_tariff(two_countries(0.5, theta), "c00", deficit="zero", deviations=0)
        assert best.mean > 1 / theta
        rates.append(best.mean)
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize("theta", [4.0, (2.0, 4.0, 8.0)])
def test_tariffs_on_one_foreign_country_are_uniform_across_sectors(theta):
    """One factor, no inputs, one foreign country: relative foreign prices cannot move, so that
    one rate is optimal, whatever the elasticities."""
    world = two_countries(0.7, np.array(theta), sectors=3)
    best = optimal_tariff(world, "c00", by="sector", deficit="zero", deviations=50)
    rates = best.tariff.values[:, 0, 1]
    assert np.ptp(rates) < 1e-7
    assert best.regret < 1e-7


def test_symmetric_countries_choose_the_same():
    trade = np.full((2, 3, 3), 1.0)
    trade[:, np.arange(3), np.arange(3)] = 6.0
    world = build(trade, theta=5.0)
    found = [optimal_tariff(world, c, deficit="zero", deviations=0) for c in world.countries]
    for best in found:
        own = best.tariff.sel(importer=best.country).drop_sel(exporter=best.country).values
        assert np.ptp(own) < 1e-7
    assert np.ptp([b.mean for b in found]) < 1e-8
    assert np.ptp([b.gain_pct for b in found]) < 1e-9


@pytest.fixture(scope="module")
def world() -> dt.World:
    return random_world(Draw(N=5, J=4, seed=3, theta=(2, 8), deficit=0.2))


@pytest.mark.parametrize("by", ["uniform", "sector", "partner", "sector,partner"])
def test_random_deviations_never_beat_the_optimum(world, by):
    best = optimal_tariff(world, "c01", by=by, deficit="share", deviations=5)
    assert best.status == "converged"
    rng = np.random.default_rng(7)
    shape = {"uniform": (1, 1), "sector": (4, 1), "partner": (1, 5), "sector,partner": (4, 5)}[by]
    top = -np.inf
    for k in range(40):
        if k % 2:
            rates = rng.uniform(0, 2, shape)
        else:
            mine = best.tariff.values[:, 1, :]
            rates = np.maximum(0, mine + 10.0 ** rng.uniform(-3, -1) * rng.normal(size=shape))
        tariff = world.tariff.values.copy()
        tariff[:, 1, :] = np.broadcast_to(rates, (4, 5))
        tariff[:, 1, 1] = 0.0
        out = dt.simulate(world, dt.Policy(world, tariff=tariff), deficit="share")
        top = max(top, float(out.real_income.sel(country="c01")))
    assert top <= best.objective + 1e-8


def test_result_is_what_simulate_says(world):
    best = optimal_tariff(world, "c02", by="sector", deviations=10)
    again = dt.simulate(world, best.policy)
    assert best.objective == pytest.approx(float(again.real_income.sel(country="c02")), abs=1e-8)
    assert best.tariff.dims == BILATERAL
    assert (np.einsum("jnn->jn", best.tariff.values) == 0).all()
    # nobody else's tariffs moved
    others = best.tariff.drop_sel(importer="c02")
    xr.testing.assert_allclose(others, world.tariff.drop_sel(importer="c02"))
    assert best.provenance["failed_solves"] == 0
    assert best.statement.startswith("c02")


def test_more_levers_never_do_worse(world):
    value = {
        by: optimal_tariff(world, "c00", by=by, deficit="zero", deviations=0).objective
        for by in ("uniform", "sector", "partner", "sector,partner")
    }
    assert value["uniform"] <= min(value["sector"], value["partner"]) + 1e-9
    assert max(value["sector"], value["partner"]) <= value["sector,partner"] + 1e-9


def test_bounds_bind_and_are_named(world):
    best = optimal_tariff(world, "c01", by="uniform", bounds=(0, 0.6), deviations=10)
    assert not best.binding
    world_free = random_world(Draw(N=4, J=2, seed=5, theta=(2, 4), tariffs=False))
    capped = optimal_tariff(world_free, "c00", by="uniform", bounds=(0, 0.1), deviations=10)
    assert capped.mean == pytest.approx(0.1)
    assert capped.binding == ("tariff on all at the upper bound",)
    assert capped.status == "converged"


def test_export_taxes_add_nothing_to_a_uniform_tariff_in_one_sector():
    """Lerner: in a world of two and one sector a tax on exports is a tariff."""
    world = two_countries(1.0)
    alone = optimal_tariff(world, "c00", by="uniform", deficit="zero", bounds=None, deviations=0)
    both = optimal_tariff(
        world, "c00", by="uniform", deficit="zero", bounds=None, export_taxes=True, deviations=0
    )
    assert both.objective == pytest.approx(alone.objective, abs=1e-8)
    assert both.export_tax is not None
    assert float(abs(both.export_tax).max()) < 1e-9
    assert both.mean == pytest.approx(alone.mean, abs=1e-6)


def test_export_taxes_help_where_sectors_differ():
    """With several sectors export taxes see market power sector by sector."""
    world = two_countries(0.7, np.array([2.0, 4.0, 8.0]), sectors=3)
    alone = optimal_tariff(world, "c00", by="sector", deficit="zero", bounds=None, deviations=0)
    both = optimal_tariff(
        world, "c00", by="sector", deficit="zero", bounds=None, export_taxes=True, deviations=0
    )
    assert both.objective > alone.objective + 1e-4
    taxes = both.export_tax
    assert taxes is not None
    # dearer where buyers are less elastic
    assert (np.diff(taxes.values[:, 1, 0]) < 0).all()


def test_a_foreseen_mirror_lowers_the_tariff():
    world = two_countries(1.0)
    free = optimal_tariff(world, "c00", by="uniform", deficit="zero", deviations=0)
    for kappa in (0.0, 0.3, 1.0):
        seen = optimal_tariff(
            world, "c00", by="uniform", deficit="zero", retaliation=Mirror(kappa), deviations=20
        )
        assert seen.status == "converged"
        if kappa == 0.0:
            assert seen.mean == pytest.approx(free.mean, abs=1e-7)
        else:
            assert seen.mean < free.mean - 1e-3
    # matched one for one between equals, no tariff pays
    assert seen.mean == pytest.approx(0.0, abs=1e-9)


def test_only_what_may_be_taxed_moves(world):
    best = optimal_tariff(world, "c00", sectors=["s01"], partners=["c02", "c03"], deviations=0)
    moved = np.abs(best.tariff.values - world.tariff.values) > 1e-12
    assert moved[1, 0, 2:4].all()
    moved[1, 0, 2:4] = False
    assert not moved.any()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"country": "nowhere"}, "nowhere"),
        ({"by": "colour"}, "colour"),
        ({"bounds": (0.5, 0.1)}, "empty"),
        ({"bounds": 3}, "pair"),
        ({"bounds": (0.0, 1e-4)}, "exclude the status quo"),
        ({"partners": ["c00"]}, "cannot tax itself"),
        ({"starts": ["somewhere"]}, "starts"),
        ({"retaliation": {"c00": "mirror"}}, "answer itself"),
        ({"retaliation": {"c01": "best reply"}}, "levers"),
    ],
)
def test_bad_input(world, options, word):
    country = options.pop("country", "c00")
    with pytest.raises(InputError, match=word):
        optimal_tariff(world, country, **options)

"""Politics and games in monopolistic competition, through the public functions."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from monopolistic_plain import markup_world

import detente as dt
from detente.dependence.welfare_exposure import exposure_matrix
from detente.errors import InputError
from detente.models.monopolistic import Monopolistic
from detente.tariff_war.objective import government, sector_real_income
from worlds import Change, Draw, random_policy

NONE, FREE = Monopolistic("none"), Monopolistic("free")
BOTH = pytest.mark.parametrize("model", [NONE, FREE], ids=["none", "free"])


@pytest.fixture(scope="module")
def world():
    return markup_world(Draw(N=4, J=3, seed=3, inputs=False, theta=(1.5, 7.0), deficit=0.1))


# --- what a government weighs -----------------------------------------------------------------
@BOTH
def test_political_welfare_is_that_of_the_paper(world, model):
    """Ossa (2014): G_j = sum_s lambda_js W_js, and W_js is w_j L_js + profits_js + (L_js/L_j)
    revenue_j over P_j; here from labelled flows alone. Deficits and transfers go as revenue."""
    policy = random_policy(world, Change(seed=1, highest=0.6, lowest=0.0, export_taxes=0.2,
                                         transfers=0.02))  # fmt: skip
    out = dt.simulate(world, policy, model=model, tol=1e-12)
    rho = (world.sigma - 1) / world.sigma if model is NONE else xr.ones_like(world.sigma)
    weights = xr.DataArray([0.2, 1.9, 0.9], {"sector": world.sectors}, ["sector"])

    def incomes(trade, tax, revenue, balance):
        sales = (trade / (1 + tax)).sum("importer").rename(exporter="country")
        labour = rho * sales
        rest = revenue + (trade - trade / (1 + tax)).sum(["sector", "importer"]).rename(
            exporter="country"
        ) + balance  # fmt: skip
        return labour + (1 - rho) * sales + labour / labour.sum("sector") * rest

    after = incomes(out.trade, policy.export_tax, out.revenue, out.deficit_after)
    before = incomes(out.trade_before, 0.0, out.revenue_before, world.deficit)
    np.testing.assert_allclose(after.sum("sector"), out.income, rtol=1e-10)
    real = after / (1 + out.consumer_price / 100)
    np.testing.assert_allclose(
        sector_real_income(out), real.transpose("sector", "country"), rtol=1e-9
    )
    for country in world.countries:
        who = government(world, country, weights)
        found = who.log_value(out.base, out.after)
        expected = np.log(float((weights * real).sum("sector").sel(country=country)))
        expected -= np.log(float((weights * before).sum("sector").sel(country=country)))
        assert found == pytest.approx(expected, abs=1e-10)


@BOTH
def test_equal_weights_are_no_weights(world, model):
    out = dt.simulate(world, dt.Policy(world, tariff=0.2), model=model, tol=1e-12)
    for n, country in enumerate(world.countries):
        equal = government(world, country, dict.fromkeys(world.sectors, 3.0))
        found = equal.log_value(out.base, out.after)
        assert found == pytest.approx(np.log1p(out.real_income.values[n] / 100), abs=1e-12)


# --- gradients --------------------------------------------------------------------------------
@BOTH
@pytest.mark.parametrize(
    "of",
    ["real_income[c01]", "real_wage[c02]", "revenue[c01]", "output[s01, c00]", "exports[c03]",
     "trade[s02, c01, c03]", "income[c02]", "prices[s00, c01]", "deficit_after[c02]"],
)  # fmt: skip
@pytest.mark.parametrize("deficit", ["share", "zero"])
def test_gradients_are_slopes_of_simulate(world, model, of, deficit):
    """All four instruments at once, away from the base, against differences of whole solves."""
    rng = np.random.default_rng(5)
    shape = world.trade.shape
    scale = float(world.value_added.sum(["sector"]).mean())
    where = {
        "tariff": world.tariff.values + 0.1,
        "export_tax": rng.uniform(0, 0.1, shape),
        "iceberg": np.exp(rng.uniform(-0.1, 0.1, shape)),
        "transfer": np.zeros(4),
    }
    paid = rng.normal(size=4)
    along = {n: rng.normal(size=shape) for n in ("tariff", "export_tax", "iceberg")}
    along["transfer"] = 0.2 * scale * (paid - paid.mean())
    name, *_ = of.split("[")
    labels = of[len(name) + 1 : -1].split(", ")

    def solve(h: float):
        levels = {n: where[n] + h * along[n] for n in along}
        moved = levels.pop("transfer")
        policy = dt.Policy(
            world, **levels, transfer=dict(zip(world.countries, moved.tolist(), strict=True))
        )
        return dt.simulate(world, policy, model=model, deficit=deficit, tol=1e-13)

    def value(h: float) -> float:
        array = getattr(solve(h), name)
        return float(array.sel(dict(zip(array.dims, labels, strict=True))).item())

    out = solve(0.0)
    found = sum(
        float((dt.gradient(out, of, wrt).values * along[wrt]).sum())
        for wrt in ("tariff", "export_tax", "iceberg", "transfer")
    )
    narrow, wide = ((value(h) - value(-h)) / (2 * h) for h in (1e-4, 2e-4))
    expected = (4 * narrow - wide) / 3
    size = max(abs(expected), 1e-3 * scale if name in ("revenue", "income", "trade") else 1.0)
    assert found == pytest.approx(expected, abs=2e-6 * size)


# --- tariffs that governments would set ---------------------------------------------------------
@BOTH
def test_lobby_weights_come_back_from_the_tariffs_they_make(world, model):
    """Tariffs that are best under political weights reveal them: two routes, the search for the
    best tariffs and the conditions read off them, meet in the weights."""
    weights = {"s00": 1.2, "s01": 0.7, "s02": 1.1}
    best = dt.optimal_tariff(
        world, "c02", weights=weights, by="sector", model=model, deficit="zero", bounds=(0, None)
    )
    assert best.status == "converged"
    rates = best.tariff.sel(importer="c02").drop_sel(exporter="c02")
    assert float(rates.min()) > 0.01
    there = dt.World.from_tables(best.outcome.trade, tariff=best.tariff, sigma=world.sigma)
    found = dt.lobby_weights(there, "c02", by="sector", model=model, deficit="zero")
    assert found.unique
    assert found.residual < 1e-5
    np.testing.assert_allclose(found.weights, list(weights.values()), atol=1e-4)


def test_weights_protect_the_sectors_they_favour(world):
    """Ossa (2014), section II.B: an industry with a higher weight gets a higher tariff than others,
    though the level of all may fall."""

    def ahead(sector: str, weights) -> float:
        best = dt.optimal_tariff(
            world, "c02", weights=weights, by="sector", model=NONE, deficit="zero"
        )
        rates = best.tariff.sel(importer="c02", exporter="c00")
        return float(rates.sel(sector=sector) - rates.drop_sel(sector=sector).mean())

    for sector in world.sectors:
        assert ahead(sector, {sector: 1.3}) > ahead(sector, None) + 0.05


@BOTH
def test_nash_tariffs_carry_their_certificate(world, model):
    """A third route beside the slopes: no coarse move of any one rate, nor of all of a player's,
    does better than staying."""
    found = dt.nash(world, "all", model=model, deficit="zero")
    assert found.status == "converged"
    assert float(found.regret.max()) < 1e-6
    rng = np.random.default_rng(0)
    home = found.outcome.real_income
    for country in world.countries:
        at = {"importer": country, "exporter": [c for c in world.countries if c != country]}
        for _ in range(6):
            tariff = found.tariff.copy(deep=True)
            own = tariff.loc[at]
            push = rng.normal(0, 0.1, own.shape) if rng.random() < 0.5 else rng.normal(0, 0.1)
            tariff.loc[at] = np.maximum(own * np.exp(push), 0.0)
            moved = dt.simulate(world, dt.Policy(world, tariff=tariff), model=model, deficit="zero")
            gain = float(moved.real_income.sel(country=country) - home.sel(country=country))
            assert gain < 1e-7


def test_a_tariff_war_of_the_size_of_the_paper():
    """Seven regions, 33 industries, all 7 x 33 x 6 rates free, with political weights."""
    world = markup_world(Draw(N=7, J=33, seed=1, inputs=False, theta=(1.0, 9.0), deficit=0.2))
    rng = np.random.default_rng(1)
    weights = {
        c: dict(zip(world.sectors, rng.uniform(0.8, 1.2, 33), strict=True)) for c in world.countries
    }
    found = dt.nash(world, "all", weights=weights, model="monopolistic", deficit="zero", starts=0.3)
    assert found.status == "converged"
    assert float(found.regret.max()) < 1e-6
    assert found.equilibria[0].error < 1e-8
    assert found.tariff.shape == (33, 7, 7)


def test_what_the_model_cannot_answer_is_refused(world):
    out = dt.simulate(world, dt.Policy(world, tariff=0.1), model=NONE)
    with pytest.raises(InputError, match=r"monopolistic.*caliendo-parro answers"):
        exposure_matrix(out)
    assert np.isnan(out.first_order.welfare).all()  # the envelope theorem needs prices at cost

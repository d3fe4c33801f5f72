"""Where cars are made: identities, limits, closed forms, cohorts by hand, costs when solved."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import bisect

import detente as dt
from detente.dependence.plants import Plant
from detente.dependence.relocation import (
    LONG_RUN,
    Nest,
    landed_costs,
    relocate,
    tariff_costs,
)
from detente.errors import InputError
from detente.policy.changes import Levy
from detente.policy.draft import amend
from detente.world.horizons import elasticity_after
from worlds import Draw, random_world

GIVEN = {"place_elasticity": 6.0, "owner_elasticity": 3.0, "renewal": 0.16}


def nest(shares=None) -> Nest:
    table = np.array([[0.5, 0.3, 0.2], [0.7, 0.0, 0.3]]) if shares is None else np.array(shares)
    owners = ("one", "two")[: len(table)]
    places = ("here", "near", "far")[: table.shape[1]]
    return Nest("here", owners, places, np.array([10.0, 20.0])[: len(table)],
                np.array([1.0, 3.0])[: len(table)], table)  # fmt: skip


def costs(*values: float) -> np.ndarray:
    return np.array(values)


# --- the nest -------------------------------------------------------------------------------------
def test_shares_sum_to_one_and_sales_to_what_the_market_spends():
    table = np.array([[1.0, 1.1, 1.25], [0.9, 1.2, 1.0], [1.0, 1.0, 2.0]])
    found = relocate(nest(), table, **GIVEN, years=[0, 1, 2, 3, 7, LONG_RUN])
    np.testing.assert_allclose(found["placed"].sum("place"), 1.0, atol=1e-13)
    np.testing.assert_allclose(found["spent"].sum("place"), 1.0, atol=1e-13)
    np.testing.assert_allclose(found["sales_usd_bn"].sum("owner"), 4.0, atol=1e-12)
    # goods at base prices times their prices are what is spent
    for year, k in ((1, table[0]), (2, table[1]), (7, table[2])):
        made = found["made_usd_bn"].sel(year=year) * k
        np.testing.assert_allclose(made.sum("place"), found["sales_usd_bn"].sel(year=year))


@pytest.mark.parametrize("cost", [costs(1, 1, 1), costs(1.3, 1.3, 1.3)])
def test_no_change_of_relative_cost_moves_nothing(cost):
    found = relocate(nest(), cost, **GIVEN)
    np.testing.assert_allclose(found["moved_share"], 0.0, atol=1e-14)
    np.testing.assert_allclose(found["spent"].isel(year=0), nest().shares, atol=1e-14)
    np.testing.assert_allclose(found["sales_usd_bn"].isel(year=2), [1.0, 3.0], atol=1e-13)
    np.testing.assert_allclose(found["price"], cost[0], rtol=1e-13)


def test_two_places_have_a_closed_form_at_every_year():
    s, k, theta, zeta = 0.4, 1.25, 5.0, 0.2
    found = relocate(
        nest([[s, 1 - s]]), costs(1, k),
        place_elasticity=theta, owner_elasticity=3.0, renewal=zeta, years=[1, 3, 5, 10, LONG_RUN],
    )  # fmt: skip
    end = s / (s + (1 - s) * k**-theta) - s
    want = [end * (1 - (1 - zeta) ** h) for h in (1, 3, 5, 10)] + [end]
    np.testing.assert_allclose(found["moved_share"].sel(owner="one"), want, rtol=1e-13)
    np.testing.assert_allclose(found["moved_usd_bn"].sel(owner="one"), want, rtol=1e-13)
    np.testing.assert_allclose(
        found["moved_cars_thousand"].sel(owner="one"), 10 * np.array(want), rtol=1e-13
    )


def test_all_models_renewed_at_once_is_the_static_nest():
    k, theta, eta = np.array([1.0, 1.1, 1.25]), 6.0, 3.0
    found = relocate(
        nest(), k, place_elasticity=theta, owner_elasticity=eta, renewal=1.0, years=[1, 4, LONG_RUN]
    )
    weights = nest().shares * k**-theta
    phi = weights.sum(axis=1)
    price = phi ** (-1 / theta)
    sales = np.array([1.0, 3.0]) * price ** (1 - eta)
    for year in (1, 4, LONG_RUN):
        here = found.sel(year=year)
        np.testing.assert_allclose(here["placed"], weights / phi[:, None], rtol=1e-13)
        np.testing.assert_allclose(here["spent"], weights / phi[:, None], rtol=1e-13)
        np.testing.assert_allclose(here["price"], price, rtol=1e-13)
        np.testing.assert_allclose(here["sales_usd_bn"], 4 * sales / sales.sum(), rtol=1e-13)


def test_an_endless_elasticity_puts_all_at_the_cheapest_place_an_owner_has():
    found = relocate(
        nest(), costs(1.2, 1.0, 1.1), place_elasticity=1e5, owner_elasticity=3.0, renewal=1.0
    )
    placed = found["placed"].sel(year=LONG_RUN).values
    np.testing.assert_allclose(placed, [[0, 1, 0], [0, 0, 1]], atol=1e-12)  # two makes none near
    np.testing.assert_allclose(found["price"].sel(year=LONG_RUN), [1.0, 1.1], rtol=1e-4)


def test_a_long_time_is_the_long_run_and_a_reversal_brings_all_back():
    k = costs(1, 1.15, 1.25)
    found = relocate(nest(), k, **GIVEN, years=[200, LONG_RUN])
    for name in ("placed", "spent", "price", "sales_usd_bn", "made_usd_bn"):
        np.testing.assert_allclose(found[name].isel(year=0), found[name].isel(year=1), rtol=1e-12)
    back = relocate(nest(), np.stack([k, k, k, np.ones(3)]), **GIVEN, years=[3, 200])
    assert abs(back["moved_share"].sel(year=3)).min() > 0.01
    np.testing.assert_allclose(back["moved_share"].sel(year=200), 0.0, atol=1e-12)
    np.testing.assert_allclose(back["spent"].sel(year=200), nest().shares, atol=1e-12)
    np.testing.assert_allclose(back["price"].sel(year=200), 1.0, rtol=1e-12)


def test_cohorts_kept_one_by_one_equal_the_collapsed_state():
    """Every year's renewed models kept apart, each at its own place and today's cost."""
    theta, eta, zeta = GIVEN["place_elasticity"], GIVEN["owner_elasticity"], GIVEN["renewal"]
    table = np.array([[1, 1.1, 1.25], [1, 1.2, 1.15], [1.05, 1.0, 1.3], [1, 1.1, 1.1]])
    s = nest().shares
    cohorts = [(1.0, s, np.ones((2, 1)), np.ones(3))]  # mass, places, choosers' index, cost then
    for k in table:
        phi = (s * k**-theta).sum(axis=1, keepdims=True)
        cohorts = [(m * (1 - zeta), *rest) for m, *rest in cohorts]
        cohorts.append((zeta, s * k**-theta / phi, phi ** (-1 / theta), k))
    # a model's quantity weight is what its cost made it when chosen; it then follows its place
    total = sum(m * c * p ** (1 - eta) * (table[-1] / then) ** (1 - eta)
                for m, c, p, then in cohorts)  # fmt: skip
    found = relocate(nest(), table, **GIVEN, years=[4]).isel(year=0)
    np.testing.assert_allclose(found["spent"], total / total.sum(axis=1, keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(found["price"], total.sum(axis=1) ** (1 / (1 - eta)), rtol=1e-12)
    np.testing.assert_allclose(found["placed"], sum(m * c for m, c, _, _ in cohorts), rtol=1e-12)


@pytest.mark.parametrize("years", [1, 3, 10])
def test_a_small_flow_reacts_as_the_formula_of_staggered_sourcing_says(years):
    tiny, step = 1e-9, 1e-6
    found = relocate(
        nest([[1 - tiny, tiny]]), costs(1, 1 + step), **GIVEN, years=[years]
    )["spent"].values[0, 0]  # fmt: skip
    slope = np.log(found[1] / tiny) / np.log1p(step)
    theta, eta, zeta = GIVEN["place_elasticity"], GIVEN["owner_elasticity"], GIVEN["renewal"]
    assert slope == pytest.approx(elasticity_after(years, theta, eta, zeta), abs=2e-5)


def test_output_at_home_falls_as_the_tariff_rises_from_0_to_25():
    home = [
        relocate(nest(), tariff_costs(costs(0, 0, 0), costs(0, 0, t)), **GIVEN)["made_usd_bn"]
        .sel(place="far")
        .values
        for t in np.linspace(0, 0.25, 6)
    ]
    assert (np.diff(np.stack(home), axis=0) < 0).all()


@pytest.mark.parametrize(
    ("name", "values"),
    [("place_elasticity", (2, 4, 8, 16)), ("renewal", (0.05, 0.1, 0.3, 0.9))],
)
def test_more_moves_the_more_freely_makers_choose(name, values):
    moved = [
        relocate(nest(), costs(1, 1.1, 1.25), **{**GIVEN, name: v}, years=[1, 3, 5, 10])
        for v in values
    ]
    stacked = np.stack([m["moved_share"].values for m in moved])
    assert (np.diff(stacked, axis=0) > 0).all()
    assert (np.diff(stacked, axis=1) > 0).all()  # and with every year


@pytest.mark.parametrize(
    ("changes", "cost", "years", "words"),
    [
        ({"place_elasticity": 0}, costs(1, 1, 1), [1], "place_elasticity is 0"),
        ({"place_elasticity": np.inf}, costs(1, 1, 1), [1], "place_elasticity is inf"),
        ({"owner_elasticity": 1}, costs(1, 1, 1), [1], "owner_elasticity is 1"),
        ({"renewal": 0}, costs(1, 1, 1), [1], "renewal is 0"),
        ({"renewal": 1.01}, costs(1, 1, 1), [1], "renewal is 1.01"),
        ({"renewal": np.nan}, costs(1, 1, 1), [1], "renewal is nan"),
        ({}, costs(1, 1), [1], "one a place, 3"),
        ({}, costs(1, 0, 1), [1], "above zero"),
        ({}, costs(1, np.nan, 1), [1], "above zero and finite"),
        ({}, costs(1, 1, 1), [1.5], "year 1.5; whole years"),
        ({}, costs(1, 1, 1), [201], "year 201"),
        ({}, costs(1, 1, 1), [-1], "year -1"),
    ],
)
def test_a_slip_names_the_parameter_and_its_range(changes, cost, years, words):
    with pytest.raises(InputError, match=words):
        relocate(nest(), cost, **{**GIVEN, **changes}, years=years)


@pytest.mark.parametrize(
    ("shares", "market", "words"),
    [
        ([[0.5, 0.4]], "here", "shares of one sum to 0.9"),
        ([[1.2, -0.2]], "here", "below zero"),
        ([[0.5, 0.5]], "moon", "moon is not among"),
    ],
)
def test_a_nest_that_does_not_add_up_is_refused(shares, market, words):
    with pytest.raises(InputError, match=words):
        Nest(market, ("one",), ("here", "near"), np.ones(1), np.ones(1), np.array(shares))
    with pytest.raises(InputError, match="cars_thousand has shape"):
        Nest("here", ("one",), ("here", "near"), np.ones(2), np.ones(1), np.array([[0.5, 0.5]]))


# --- costs from a solved world --------------------------------------------------------------------
@pytest.fixture(scope="module")
def solved():
    world = random_world(Draw(N=4, J=3, seed=11, theta=(2.0, 8.0)))
    buyer, *sellers = world.countries
    sector = world.sectors[1]
    policy = amend(dt.Policy(world), [Levy(buyer, tuple(sellers[:2]), 0.25, sector, "added")])
    return world, policy, sector, buyer, sellers


def test_landed_costs_are_those_that_moved_the_trade_of_the_solved_world(solved):
    """Relative expenditure of the model is relative landed cost to minus theta."""
    world, policy, sector, buyer, _ = solved
    out = dt.simulate(world, policy)
    cost = landed_costs(out, buyer, world.countries, sector)

    def spent(trade, law):
        flow = trade.sel(sector=sector, importer=buyer).values
        return flow * (1 + law.tariff.sel(sector=sector, importer=buyer).values)

    ratio = spent(out.trade, policy) / spent(out.trade_before, out.baseline)
    theta = float(world.theta.sel(sector=sector))
    want = (cost / cost[0]) ** -theta
    np.testing.assert_allclose(ratio / ratio[0], want, rtol=1e-8)


def test_a_path_by_year_gives_a_row_a_year_and_ends_at_the_outcome(solved):
    world, policy, sector, buyer, _ = solved
    settled = landed_costs(dt.simulate(world, policy), buyer, world.countries, sector)
    at_once = dt.path(world, policy, start="2001-01", end="2003-12", every="year", zeta=1.0)
    rows = landed_costs(at_once, buyer, world.countries, sector)
    assert rows.shape == (3, 4)
    np.testing.assert_allclose(rows, np.broadcast_to(settled, (3, 4)), rtol=1e-8)
    months = dt.path(world, policy, start="2001-01", end="2001-03", every="month")
    with pytest.raises(InputError, match='every="year"'):
        landed_costs(months, buyer, world.countries, sector)


# --- plants ---------------------------------------------------------------------------------------
PLANT = {
    "fixed_cost_usd_bn": 4.0, "cars_thousand": 300.0, "car_usd": 32_000.0, "horizon_years": 10.0,
    "discount": 0.08, "cost_gap": 0.08, "end_risk": 0.1,
}  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [{}, {"horizon_years": 3.5}, {"discount": 0.0, "end_risk": 0.0}, {"cost_gap": -0.05}],
)
def test_the_break_even_tariff_is_where_cash_flows_by_hand_cross_zero(changes):
    given = {**PLANT, **changes}

    def worth(tariff: float) -> float:
        yearly = (
            1e3 * given["cars_thousand"] * given["car_usd"] * (tariff - given["cost_gap"]) / 1e9
        )
        rate = given["discount"] + given["end_risk"]
        flow, _ = quad(lambda t: yearly * np.exp(-rate * t), 0, given["horizon_years"])
        return flow - given["fixed_cost_usd_bn"]

    site = Plant(**given)
    assert site.break_even == pytest.approx(bisect(worth, -1.0, 10.0, xtol=1e-14), abs=1e-10)
    assert site.worth_usd_bn(0.3) == pytest.approx(worth(0.3), rel=1e-10)
    assert site.worth_usd_bn(site.break_even) == pytest.approx(0.0, abs=1e-12)


def test_without_discount_or_risk_a_plant_is_simple_division():
    site = Plant(3.0, 300.0, 20_000.0, 10.0, discount=0.0)
    assert site.break_even == pytest.approx(3.0 / (6.0 * 10.0), rel=1e-14)


@pytest.mark.parametrize(
    ("name", "values", "sign"),
    [
        ("fixed_cost_usd_bn", (0, 1, 4, 8), 1), ("discount", (0, 0.05, 0.2), 1),
        ("end_risk", (0, 0.1, 0.3), 1), ("cost_gap", (-0.1, 0, 0.1), 1),
        ("cars_thousand", (100, 300, 500), -1), ("car_usd", (2e4, 3e4, 5e4), -1),
        ("horizon_years", (2, 5, 20), -1),
    ],
)  # fmt: skip
def test_the_break_even_tariff_is_monotone_in_each(name, values, sign):
    found = [Plant(**{**PLANT, name: v}).break_even for v in values]
    assert (sign * np.diff(found) > 0).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fixed_cost_usd_bn", -1), ("cars_thousand", 0), ("car_usd", np.nan), ("horizon_years", 0),
        ("discount", -0.1), ("end_risk", -0.1),
    ],
)  # fmt: skip
def test_a_plant_that_makes_no_sense_is_refused(name, value):
    with pytest.raises(InputError, match=f"plant: {name} is"):
        Plant(**{**PLANT, name: value})

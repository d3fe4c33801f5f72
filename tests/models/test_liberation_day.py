"""The tables of Ignatenko, Lashkaripour, Macedoni and Simonovska (2025), from the raw tables."""

from __future__ import annotations

import numpy as np
import pytest
from liberation_day import (
    EPS,
    PSI,
    PUBLISHED,
    announced,
    countries,
    model,
    optimal,
    policy,
    sales_and_nu,
    world,
)

import detente as dt
from detente.errors import InputError
from detente.models.labour_supply import LabourSupply

pytestmark = pytest.mark.raw_tables

PRINTED = 0.00501
"""Half of the last printed digit, in percent."""


def us() -> int:
    return countries().index("USA")


def run(us_rates=None, others=None, theta=EPS, **settings) -> dt.Outcome:
    return dt.simulate(world(theta), policy(us_rates, others, theta), model=model(**settings))


def utility(out: dt.Outcome, country: str = "USA") -> float:
    return float(out.own("utility").sel(country=country))


def printed_nominal(out: dt.Outcome, values: np.ndarray) -> np.ndarray:
    """USD million in their unit of account: average prices, weighted by base spending."""
    spent = world().final.values[0]
    return values / (out.after.consumer_price @ spent / spent.sum())


def of_gdp(out: dt.Outcome) -> float:
    """Their revenue, percent of GDP: over base spending."""
    R = printed_nominal(out, out.revenue.values)
    return 100 * float(R[us()] / world().final.values[0, us()])


def retaliation(own: bool) -> tuple[np.ndarray, np.ndarray]:
    """Optimal tariffs of the United States and of the others on it, by Proposition 2.

    In both their programs divide by GDP less domestic sales where the proposition has imports;
    the others act as one (but with the pass-through of each).
    """
    sales, nu = sales_and_nu()
    n, N = us(), len(nu)
    others = np.arange(N) != n
    member = np.stack([others, ~others]).astype(float)
    Y = (1 - nu) @ sales + nu * sales.sum(axis=1)
    whole = member @ sales @ member.T
    two = np.array([nu[others][0], nu[n]])
    rate = optimal(whole, two, member @ Y - np.diag(whole))[0]
    alone = optimal(sales, nu, Y - np.diag(sales))[n]
    at_us = 1 / rate + 1  # (1 + e) phi of the others
    factor = np.where(others, at_us, at_us * phi_over(two))
    return np.full(N, alone if own else np.nan), 1 / (factor - 1)


def phi_over(two: np.ndarray) -> float:
    a, b = 1 + (1 + PSI) * two / (1 - two)
    return float(b / a)


def test_nu_is_as_they_estimate_it():
    """Section 4: 0.27 for the United States, 0.11 for other markets."""
    _, nu = sales_and_nu()
    assert round(float(nu[us()]), 2) == 0.27
    assert {round(float(x), 2) for x in np.delete(nu, us())} == {0.11}


def test_table_1_income_tax():
    out = run(announced())
    assert utility(out) == pytest.approx(1.13, abs=PRINTED)
    assert float(out.own("labour")[us()]) == pytest.approx(0.32, abs=PRINTED)
    deficit = printed_nominal(out, out.deficit_after.values)[us()] / world().deficit.values[us()]
    assert 100 * (deficit - 1) == pytest.approx(-18.1, abs=0.051)
    GDP = out.after.point.wage_bill[us()] / out.base.point.wage_bill[us()]
    for name, percent in (("exports", -52.7), ("imports", -43.6)):
        ratio = (1 + float(getattr(out, name)[us()]) / 100) / GDP
        assert 100 * (ratio - 1) == pytest.approx(percent, abs=0.051)
    prices = printed_nominal(out, out.after.consumer_price)[us()]
    assert 100 * (prices - 1) == pytest.approx(12.8, abs=0.051)
    spent = world().final.values[0]
    abroad = np.delete(np.arange(len(spent)), us())
    average = (out.own("utility").values * spent)[abroad].sum() / spent[abroad].sum()
    assert average == pytest.approx(-0.58, abs=PRINTED)
    assert of_gdp(out) == pytest.approx(1.14, abs=PRINTED)  # Table 3


def test_every_country_of_the_first_case():
    """To the digits that their programs write out; their own error is some 1e-3."""
    out = run(announced())
    for country, percent in PUBLISHED.items():
        assert utility(out, country) == pytest.approx(percent, abs=0.003), country


def test_table_1_lump_sum():
    out = run(announced(), revenue="lump-sum")
    assert utility(out) == pytest.approx(-0.01, abs=PRINTED)


def test_table_1_optimal_by_their_formula():
    sales, nu = sales_and_nu()
    rate = optimal(sales, nu, sales.sum(axis=1) - np.diag(sales))[us()]
    out = run(np.full(len(nu), rate))
    assert utility(out) == pytest.approx(1.79, abs=PRINTED)
    assert of_gdp(out) == pytest.approx(1.35, abs=PRINTED)  # Table 3


def test_table_2_reciprocal():
    out = run(announced(), announced())
    assert utility(out) == pytest.approx(-0.36, abs=PRINTED)
    assert of_gdp(out) == pytest.approx(0.82, abs=PRINTED)  # Table 3


def test_table_2_optimal_answer():
    out = run(announced(), retaliation(own=False)[1])
    assert utility(out) == pytest.approx(-0.75, abs=PRINTED)
    assert utility(out, "CHN") == pytest.approx(-0.65, abs=PRINTED)
    assert float(out.own("labour")[us()]) == pytest.approx(-0.32, abs=PRINTED)
    assert of_gdp(out) == pytest.approx(0.74, abs=PRINTED)  # Table 3


def test_table_2_optimal_both():
    """Here the rate is the 19 percent of their abstract."""
    mine, theirs = retaliation(own=True)
    assert round(100 * float(mine[us()])) == 19
    out = run(mine, theirs)
    assert utility(out) == pytest.approx(-0.32, abs=PRINTED)
    assert utility(out, "CHN") == pytest.approx(-0.36, abs=PRINTED)
    assert float(out.own("labour")[us()]) == pytest.approx(-0.20, abs=PRINTED)


def test_table_9_variants():
    """A trade elasticity of 8 (scale and pass-through as at 4), a quarter of the pass-through of
    firms, and Eaton and Kortum with elastic hours and scale."""
    assert utility(run(announced(), theta=8.0, psi=PSI)) == pytest.approx(0.33, abs=PRINTED)
    _, nu = sales_and_nu()
    quarter = tuple(0.25 + (1 + PSI) * nu / (1 - nu))
    assert utility(run(announced(), phi=quarter)) == pytest.approx(1.36, abs=PRINTED)
    assert utility(run(announced(), nu=0.0)) == pytest.approx(1.24, abs=PRINTED)


def test_eaton_kortum_inside():
    """Hours, scale and wedge off: what an independent program finds, and the default model."""
    plain = run(announced(), nu=0.0, psi=0.0, kappa=0.0, revenue="lump-sum")
    assert utility(plain) == pytest.approx(0.3541, abs=0.00005)
    other = dt.simulate(world(), policy(announced()))
    np.testing.assert_allclose(plain.real_income, other.real_income, atol=1e-8)


def test_the_best_tariff_is_at_least_their_formula():
    """The maximum of welfare as printed, and that of the preferences it is meant to be: the
    formula is close to the second."""
    sales, nu = sales_and_nu()
    formula = optimal(sales, nu, sales.sum(axis=1) - np.diag(sales))[us()]
    best = {
        d: dt.optimal_tariff(
            world(), "USA", by="uniform", bounds=(0, 2), model=model(disutility=d), deviations=5
        )
        for d in ("as-printed", "exact")
    }
    assert all(found.status == "converged" for found in best.values())
    rate = {d: float(found.tariff[0, us(), 0]) for d, found in best.items()}
    assert utility(run(np.full(len(nu), rate["as-printed"]))) > 1.79
    assert abs(rate["exact"] - formula) < 0.01 < rate["as-printed"] - formula


def test_countries_without_home_sales_are_solved():
    """Imports above GDP and transfers leave two of them nothing to buy at home."""
    sales, _ = sales_and_nu()
    none = [c for c, home in zip(countries(), np.diag(sales), strict=True) if home == 0]
    assert none == ["GMB", "MHL"]
    assert max(run(announced()).checks.values()) < 1e-9


def test_settings_are_checked_against_the_world():
    with pytest.raises(InputError, match="194 countries"):
        dt.simulate(world(), model=LabourSupply(nu=(0.1,) * 193))

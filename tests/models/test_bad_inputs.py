"""What people get wrong with models: each refusal names the field, the value, and what would do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import detente as dt
from detente.errors import InputError
from worlds import build

TRADE = np.array([[[100.0, 10, 10], [7, 100, 10], [7, 10, 100]]])
WORLD = build(TRADE)
QUOTA = {"sector": "s00", "importer": "c00", "exporter": "c01"}
FIRMS = "caliendo-parro, monopolistic, staggered do"


def solve(model: Any = "caliendo-parro", **more: Any) -> dt.Outcome:
    return dt.simulate(WORLD, dt.Policy(WORLD, tariff=0.1), model=model, **more)


def hours(**settings: Any) -> dt.Outcome:
    return solve({"name": "labour-supply", **settings})


def rate(model: str, of: str) -> Any:
    return dt.gradient(solve(model), of, "tariff")


CASES = {
    # --- quotas
    "volume": (lambda: dt.Policy(WORLD, quota={**QUOTA, "volume_usd_mn": -1.0}),
               ["quota[0]", "s00", "c00", "c01", "-1 USD million", "at least 0"]),
    "share": (lambda: dt.Policy(WORLD, quota={**QUOTA, "volume": -0.5}),
              ["quota[0].volume", "-0.5", "at least 0"]),
    "rent": (lambda: dt.Policy(WORLD, quota={**QUOTA, "volume": 1.0, "rent": "smugglers"}),
             ["quota[0].rent", "'smugglers'", "importer, exporter, auction"]),
    # --- parameters
    "kappa": (lambda: hours(kappa=-1), ["simulate", "kappa is -1", "at or above 0"]),
    "kappa, infinite": (lambda: hours(kappa=np.inf), ["kappa is inf", "finite and at or above"]),
    "kappa, no number": (lambda: hours(kappa="x"), ["kappa is 'x'", "give a number"]),
    "kappa, no equilibrium": (lambda: hours(kappa=50), ["kappa 50", "below 1", "lower kappa"]),
    "psi": (lambda: hours(psi=-0.1), ["psi is -0.1", "at or above 0"]),
    "nu": (lambda: hours(nu=1.0), ["nu is 1.0", "at or above 0 and below 1"]),
    "phi": (lambda: hours(phi=0), ["phi is 0.0", "above 0"]),
    "revenue": (lambda: hours(revenue="x"), ["revenue", "'x'", "income-tax, lump-sum"]),
    "entry": (lambda: solve({"name": "monopolistic", "entry": "x"}),
              ["entry", "'x'", "none, free"]),
    # --- elasticities
    "sigma of one": (lambda: WORLD.with_sigma(1.0), ["sigma", "s00 is 1.0", "above 1"]),
    "sigma below": (lambda: WORLD.with_sigma({"s00": 0.5}), ["sigma", "s00 is 0.5", "above 1"]),
    "sigma, no number": (lambda: WORLD.with_sigma("x"), ["sigma", "'x'", "above 1"]),
    "no sigma": (lambda: solve("monopolistic"), ["no sigma", "above 1", "with_sigma"]),
    # --- what a model does not have
    "instrument": (lambda: dt.simulate(WORLD, dt.Policy(WORLD, export_tax=0.1),
                                       model="labour-supply"),
                   ["labour-supply", "the instrument export_tax", FIRMS]),
    "quota": (lambda: dt.simulate(WORLD, dt.Policy(WORLD, quota={**QUOTA, "volume": 1.0}),
                                  model="labour-supply"),
              ["labour-supply", "the instrument quota", FIRMS]),
    "slope": (lambda: dt.gradient(solve("labour-supply"), "real_income[c00]", "export_tax"),
              ["gradient", "the instrument export_tax", FIRMS]),
    "no instrument": (lambda: dt.gradient(solve(), "real_income[c00]", "tarif"),
                      ["'tarif'", "did you mean tariff"]),
    "closure": (lambda: solve(deficit="balanced"), ["'balanced'", "fixed, zero, share"]),
    "result": (lambda: solve().own("profits"), ["caliendo-parro", "profits", "monopolistic does"]),
    "slope of profits": (lambda: rate("caliendo-parro", "profits[s00,c00]"),
                         ["of: profits", "the model monopolistic", "real_income"]),
    "slope of utility": (lambda: rate("labour-supply", "utility[c00]"),
                         ["of: utility", "Outcome.own('utility')", "real_income"]),
    "variable": (lambda: rate("caliendo-parro", "price[c00]"), ["'price'", "did you mean prices"]),
    "weights": (lambda: dt.optimal_tariff(WORLD, "c00", weights={"s00": 2}, model="labour-supply"),
                ["weights of c00", "labour-supply", "political weights", FIRMS]),
    "weights in a war": (lambda: dt.nash(WORLD, ["c00", "c01"], weights={"c01": {"s00": 2}},
                                         model="labour-supply"),
                         ["weights of c01", "labour-supply", FIRMS]),
    # --- names
    "model": (lambda: solve("krugman"), ["simulate", "'krugman'", "labour-supply"]),
    "no name": (lambda: solve({"kappa": 1}), ["simulate", "name is missing", "labour-supply"]),
    "parameter": (lambda: hours(kapa=1), ["labour-supply", "'kapa'", "did you mean kappa"]),
    "of another model": (lambda: hours(entry="free"), ["'entry'", "the model monopolistic"]),
    "of none": (lambda: solve({"name": "caliendo-parro", "kappa": 1}),
                ["caliendo-parro has no parameters", "'kappa'", "the model labour-supply"]),
    # --- the same in scenarios
    "run, model": (lambda: dt.run("us-cars-25", model="krugman"),
                   ["us-cars-25.yaml", "model", "'krugman'", "caliendo-parro"]),
    "run, parameter": (lambda: dt.run("us-cars-25", model={"name": "labour-supply", "psi": -1}),
                       ["us-cars-25.yaml", "psi is -1", "at or above 0"]),
    "run, closure": (lambda: dt.run("us-cars-25", deficit="balanced"),
                     ["us-cars-25.yaml", "deficit", "'balanced'", "'fixed', 'zero' or 'share'"]),
    "run, no text": (lambda: dt.run("us-cars-25", overrides={"model": {"name": "x"}}),  # pyright: ignore[reportArgumentType]
                     ["--set model", "{'name': 'x'}", "read as YAML"]),
    "run, instrument": (lambda: dt.run("us-cars-25",
                                       overrides={"measures.0.instrument": "import_tarif"}),
                        ["measures.0.instrument", "'import_tarif'", "'import_tariff'"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_refusal_names_field_value_and_range(case):
    call, words = CASES[case]
    with pytest.raises(InputError) as refused:
        call()
    assert [w for w in words if w not in str(refused.value)] == []

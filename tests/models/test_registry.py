"""One list of models: who is in it, what each can do, and refusals that name the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import detente as dt
from detente.errors import (
    InputError,
    NoSolutionError,
    UnitWarning,
    UnknownKeywordError,
    UnknownNameError,
)
from detente.instruments import INSTRUMENTS
from detente.models import registry
from detente.models.caliendo_parro import CaliendoParro
from detente.models.model import Abilities
from detente.outcome.tables import country_table, sector_table
from worlds import build


@dataclass(frozen=True)
class Tariffs(CaliendoParro):
    """Caliendo and Parro with tariffs alone, under one closure: a model of fewer abilities."""

    name = "tariffs-only"
    abilities = Abilities(("tariff",), ("fixed",), (), ("gradient",))


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setitem(registry.MODELS, "tariffs-only", Tariffs)
    return "tariffs-only"


@pytest.fixture(scope="module")
def world():
    trade = np.array([[[100.0, 10, 10], [7, 100, 10], [7, 10, 100]]])
    return build(trade)


def test_every_model_says_what_it_is_and_can():
    for name, kind in registry.MODELS.items():
        assert kind.name == name
        assert kind.title
        assert kind.source
        model = registry.model_of(name)
        assert set(model.abilities.instruments) <= set(INSTRUMENTS)
        assert set(model.abilities.closures) <= {"fixed", "zero", "share"}
        assert hash(model) == hash(registry.model_of({"name": name}))


@pytest.mark.parametrize(
    "verb",
    [
        lambda w, m: dt.simulate(w, model=m),
        lambda w, m: dt.simulate_many(w, [dt.Policy(w)], model=m),
        lambda w, m: dt.nash(w, ["c00", "c01"], model=m),
        lambda w, m: dt.optimal_tariff(w, "c00", model=m),
        lambda w, m: dt.cooperate(w, ["c00", "c01"], model=m),
        lambda w, m: dt.lobby_weights(w, "c00", model=m),
        lambda w, m: dt.run("us-cars-25", model=m),
        lambda w, m: dt.run("us-cars-25", overrides={"model": m}),
    ],
)
def test_a_model_nobody_knows_is_refused_by_name_with_those_there_are(world, verb):
    with pytest.raises(UnknownNameError, match=r"krugman-1980.*caliendo-parro"):
        verb(world, "krugman-1980")


def test_what_is_no_name_is_refused(world):
    for odd in (None, 3, {"kappa": 1.0}, {"name": ["caliendo-parro"]}):
        with pytest.raises(UnknownNameError, match="caliendo-parro"):
            dt.simulate(world, model=odd)  # pyright: ignore[reportArgumentType]
    with pytest.raises(UnknownNameError, match="no parameters"):
        dt.simulate(world, model={"name": "caliendo-parro", "kappa": 1.0})


def test_the_outcome_is_that_of_the_model_asked_for(world, few):
    policy = dt.Policy(world, tariff=0.1)
    out = dt.simulate(world, policy, model=few)
    assert out.model == out.provenance["model"] == few
    assert isinstance(out.after.model, Tariffs)
    plain = dt.simulate(world, policy)
    np.testing.assert_array_equal(out.real_income, plain.real_income)
    with pytest.raises(InputError, match="in one model"):
        out.compare(plain)


def test_what_a_model_cannot_do_is_refused_with_those_that_can(world, few):
    banned = np.ones(world.trade.shape)
    banned[0, 0, 1] = np.inf
    for policy, name in (
        (dt.Policy(world, iceberg=banned), "iceberg"),
        (dt.Policy(world, export_tax=0.1), "export_tax"),
        (dt.Policy(world, transfer={"c00": 1.0, "c01": -1.0}), "transfer"),
    ):
        with pytest.raises(InputError, match=rf"{few} .*instrument {name}; .*caliendo-parro"):
            dt.simulate(world, policy, model=few)
    with pytest.raises(InputError, match=r"closure zero; .*caliendo-parro"):
        dt.simulate(world, model=few, deficit="zero")
    with pytest.raises(InputError, match=r"support games; .*caliendo-parro"):
        dt.nash(world, ["c00", "c01"], model=few)
    out = dt.simulate(world, dt.Policy(world, tariff=0.1), model=few)
    with pytest.raises(InputError, match=r"support audit; .*caliendo-parro"):
        dt.audit(out)
    with pytest.raises(InputError, match=r"instrument iceberg"):
        dt.gradient(out, "real_income[c00]", "iceberg")
    with pytest.raises(InputError, match="support nothing-of-the-kind; none does"):
        out.own("nothing-of-the-kind")
    assert "no first-order terms" in out.first_order.attrs["reason"]
    assert np.isnan(out.first_order["welfare"]).all()


def test_a_status_where_there_is_no_solution(world):
    closed = np.where(np.eye(3, dtype=bool)[None], 1.0, np.inf)
    policy = dt.Policy(world, iceberg=closed, transfer={"c00": 5.0, "c01": -5.0})
    with pytest.raises(NoSolutionError) as raised:
        dt.simulate(world, policy)
    out = dt.simulate(world, policy, throw=False)
    assert out.status == "no_solution"
    assert str(out.error) == str(raised.value)
    assert out.checks == {}
    assert out.provenance["status"] == "no_solution"
    with pytest.raises(NoSolutionError, match="no equilibrium exists"):
        _ = out.real_income
    [case] = dt.simulate_many(world, [policy])
    assert (case.status, case.outcome) == ("no_solution", None)
    assert str(case.error) == str(raised.value)
    fine = dt.simulate(world, dt.Policy(world, tariff=0.1))
    assert fine.error is None


def test_unknown_keywords_are_refused_with_those_there_are(world):
    with pytest.raises(UnknownKeywordError, match=r"simulate: no keyword 'profits'; it has world"):
        dt.simulate(world, profits=True)  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError, match="did you mean deficit"):
        dt.nash(world, ["c00"], deficits="zero")  # pyright: ignore[reportCallIssue]


def test_percent_given_as_fractions_brings_a_warning(world):
    with pytest.warns(UnitWarning, match=r"25 is 2,500%"):
        dt.Policy(world, tariff=25.0)
    with pytest.warns(UnitWarning, match="export_tax"):
        dt.Policy(world, export_tax=10.0)
    dt.Policy(world, tariff=25.0, prohibitive=True)
    rates = np.where(np.eye(3, dtype=bool)[None], 0.0, 0.25)
    rates[0, 0, 1] = 25.0  # one prohibitive rate among ordinary ones is meant
    dt.Policy(world, tariff=rates)
    dt.Policy(world, tariff=4.0)


def test_a_tariff_war_tells_the_rate_of_each_player(world):
    war = dt.nash(world, ["c00", "c01"], by="uniform", deficit="zero")
    assert list(war.rates["player"]) == ["c00", "c01"]
    for player, rate in zip(war.rates["player"], war.rates["rate_pct"], strict=True):
        levied = war.tariff.sel(importer=player, sector="s00")
        abroad = levied.sel(exporter=[c for c in world.countries if c != player])
        np.testing.assert_allclose(100 * abroad, rate, rtol=1e-12)


def test_a_parameter_by_country_is_named_and_complete(world):
    one = build(np.array([[[100.0, 10, 10], [7, 100, 10], [7, 10, 100]]]))
    policy = dt.Policy(one, tariff=0.1)
    named = dt.simulate(
        one, policy, model={"name": "labour-supply", "nu": {"c00": 0.27, "others": 0.11}}
    )
    listed = dt.simulate(one, policy, model={"name": "labour-supply", "nu": (0.27, 0.11, 0.11)})
    np.testing.assert_array_equal(named.real_income, listed.real_income)
    with pytest.raises(InputError, match=r"nu has no value for c01, c02"):
        dt.simulate(one, policy, model={"name": "labour-supply", "nu": {"c00": 0.27}})
    with pytest.raises(UnknownNameError, match="c09"):
        dt.nash(one, ["c00", "c01"], model={"name": "labour-supply", "nu": {"c09": 0.2}})


def test_tables_hold_what_only_a_model_has():
    world = build(np.array([[[100.0, 10, 10], [7, 100, 10], [7, 10, 100]]]))
    policy = dt.Policy(world, tariff=0.1)
    out = dt.simulate(world, policy, model="labour-supply")
    table = country_table(out).set_index("country")
    for name, column in (("utility", "utility_pct"), ("labour", "labour_pct")):
        np.testing.assert_array_equal(table[column][world.countries], out.own(name))
    np.testing.assert_array_equal(
        table["income_tax_points"][world.countries], out.own("income_tax")
    )
    assert table["terms_of_trade_pct"].isna().all()
    plain = country_table(dt.simulate(world, policy))
    assert not {"utility_pct", "labour_pct"} & set(plain)
    firms = dt.simulate(world.with_sigma(5.0), policy, model="monopolistic")
    sectors = sector_table(firms)
    np.testing.assert_array_equal(sectors["profits_pct"], firms.own("profits").values.ravel())

"""Worlds made ready for solving: other elasticities, tables as arrays, instruments nobody uses."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.errors import InputError, NoSolutionError
from detente.models.caliendo_parro import CaliendoParro
from detente.models.labour_supply import LabourSupply
from detente.models.monopolistic import Monopolistic
from detente.outcome.economy import instruments, prepare, tables, with_elasticities
from detente.outcome.simulate import checked_model
from detente.outcome.solver import solve_equilibrium
from worlds import Draw, build, random_world


@pytest.fixture(scope="module")
def world() -> dt.World:
    return random_world(Draw(N=4, J=2, seed=4, theta=(2.0, 8.0), deficit=0.2))


def test_drawn_elasticities_are_those_of_a_world_that_has_them(world):
    """Two routes: the elasticities exchanged, and a world built with the others."""
    theta = np.array([3.0, 7.0])
    held = prepare(world)
    drawn = with_elasticities(held, theta)
    other = dt.World(world.dataset.assign(theta=("sector", theta)), "others")
    policy = dt.Policy(world, tariff=0.3)
    found = solve_equilibrium(drawn, instruments(policy), "fixed", tol=1e-12)
    again = dt.simulate(other, dt.Policy(other, tariff=0.3), tol=1e-12).after
    np.testing.assert_allclose(found.solution.value, again.solution.value, atol=1e-10)
    for name, step in prepare(other).steps._asdict().items():
        np.testing.assert_allclose(getattr(drawn.steps, name), step, atol=1e-6)
    # nothing of the one is kept with the other
    assert held.economy.theta.tolist() == world.theta.values.tolist()
    assert drawn.bases is not held.bases
    assert len(drawn.bases) == 0


def test_elasticities_are_drawn_only_where_the_model_says_so(world):
    one = build(world.trade.values[:1], tariff=world.tariff.values[:1])
    with pytest.raises(
        InputError, match=r"labour-supply does not support cards; caliendo-parro, staggered do"
    ):
        with_elasticities(prepare(one, LabourSupply()), np.array([5.0]))
    assert not hasattr(LabourSupply, "with_elasticities")
    said = LabourSupply.abilities._replace(tasks=("cards",))
    with pytest.raises(TypeError, match="with_elasticities"):
        type("Careless", (LabourSupply,), {"abilities": said})


def test_a_world_is_prepared_once_for_each_model(world):
    one, two = prepare(world), prepare(world)
    assert one is two
    assert prepare(world, CaliendoParro()) is one  # the default
    bare = build(world.trade.values, tariff=world.tariff.values, sigma=np.array([3.0, 5.0]))
    first, second = prepare(bare, Monopolistic("none")), prepare(bare, Monopolistic("free"))
    assert first is not second
    assert first.unchanged is second.unchanged  # the table's own policy is the same in all
    assert prepare(bare, Monopolistic("free")) is second
    assert second.labels == (bare.sectors, bare.countries)


def test_tables_are_the_worlds(world):
    found = tables(world)
    for name in ("trade", "tariff", "inputs", "value_added", "final", "deficit", "theta"):
        np.testing.assert_array_equal(getattr(found, name), getattr(world, name).values)
    assert found.sigma is None
    assert found.profits is None
    assert found.exact
    marked = build(world.trade.values, sigma=np.array([3.0, 5.0]))
    held = tables(marked)
    assert held.sigma is not None
    assert held.profits is not None
    assert held.sigma.tolist() == [3.0, 5.0]
    assert held.profits.shape == (2, 4)
    # a firm's profits are its sales over sigma
    np.testing.assert_allclose(held.profits, world.trade.values.sum(axis=1) / [[3.0], [5.0]])


def test_instruments_that_nobody_uses_are_none(world):
    none = instruments(dt.Policy(world))
    assert none.export_tax is None
    assert none.iceberg is None
    np.testing.assert_array_equal(none.tariff, world.tariff.values)
    one = np.zeros(world.trade.shape)
    one[0, 1, 2] = 0.1
    taxed = instruments(dt.Policy(world, export_tax=one))
    np.testing.assert_array_equal(taxed.export_tax, one)
    assert taxed.iceberg is None
    cheaper = instruments(dt.Policy(world, iceberg=1.0 - one))
    np.testing.assert_array_equal(cheaper.iceberg, 1.0 - one)
    assert cheaper.export_tax is None
    paid = instruments(dt.Policy(world, transfer={"c00": -5.0, "c03": 5.0}))
    np.testing.assert_array_equal(paid.transfer, [-5.0, 0.0, 0.0, 5.0])


def test_parameters_by_country(world):
    """Named, by what they have in common, or all the others; in the world's order."""
    one = build(world.trade.values[:1])

    def nu(given):
        return checked_model({"name": "labour-supply", "nu": given}, "fixed", "here", one).nu  # pyright: ignore[reportAttributeAccessIssue]

    assert nu({"c02": 0.3, "others": 0.1}) == (0.1, 0.1, 0.3, 0.1)
    assert nu({"others": 0.1, "c00": 0.2}) == (0.2, 0.1, 0.1, 0.1)
    assert nu({"c03": 0.4, "c01": 0.2, "c00": 0.0, "c02": 0.3}) == (0.0, 0.2, 0.3, 0.4)
    assert nu({"all": 0.1}) == (0.1,) * 4
    assert nu(0.2) == 0.2
    with pytest.raises(InputError, match=r"here: nu has no value for c00, c01 \(2 countries"):
        nu({"c02": 0.3, "c03": 0.1})
    with pytest.raises(InputError, match=r"^here"):
        nu({"c99": 0.3, "others": 0.1})


def test_an_outcome_without_a_solution_still_says_what_was_asked(world):
    wall = np.ones(world.trade.shape)
    wall[:, 0, :] = np.inf  # the first country may not buy
    policy = dt.Policy(world, iceberg=wall)
    out = dt.simulate(world, policy, throw=False)
    assert out.status == "no_solution"
    held = prepare(world)
    assert out.after.table is held.economy
    assert out.after.model is held.model
    assert out.after.closure == out.base.closure
    np.testing.assert_array_equal(out.after.policy.iceberg, wall)
    np.testing.assert_array_equal(out.after.solution.value, out.base.solution.value)
    assert np.isnan(out.after.solution.residual)
    with pytest.raises(NoSolutionError, match="c00"):
        _ = out.after.point.income

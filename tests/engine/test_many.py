"""simulate_many: the same bits as a loop, in order, with a status for every case."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from benchmarks.worlds import random_world

import detente as dt
from detente.errors import InputError, NoSolutionError, UnknownNameError
from detente.runs.many import simulate_many
from detente.runs.workers import Workers


@pytest.fixture(scope="module")
def world():
    return random_world(3, 6, 11, zeros=0.2)


@pytest.fixture(scope="module")
def policies(world):
    rng = np.random.default_rng(0)
    found = []
    for _ in range(12):
        tariff = world.tariff.values + rng.uniform(0, 1, world.tariff.shape)
        tax = rng.uniform(0, 0.2, world.tariff.shape) if rng.random() < 0.5 else None
        found.append(dt.Policy(world, tariff=tariff, export_tax=tax))
    return found


def impossible(world):
    """Nobody may sell to the first country, not even itself."""
    iceberg = np.ones(world.tariff.shape)
    iceberg[:, 0, :] = np.inf
    return dt.Policy(world, iceberg=iceberg)


@pytest.fixture(scope="module")
def pool():
    with Workers(1) as made:
        yield made


@pytest.mark.parametrize("kind", ["default", "processes", "threads"])
def test_same_bits_as_a_loop_in_order(world, policies, pool, kind):
    expected = [dt.simulate(world, p, deficit="share") for p in policies]
    options = {"deficit": "share"}
    if kind == "processes":
        options["executor"] = pool
    seen = []
    options["progress"] = lambda done, of: seen.append((done, of))
    if kind == "threads":
        with ThreadPoolExecutor(2) as threads:
            found = simulate_many(world, policies, executor=threads, **options)
    else:
        found = simulate_many(world, policies, **options)
    assert len(found) == len(policies)
    assert seen[-1] == (12, 12)
    assert found.status == ["converged"] * 12
    for case, p, out in zip(found, policies, expected, strict=True):
        assert case.policy is p
        assert np.array_equal(case.outcome.after.solution.value, out.after.solution.value)
        assert np.array_equal(case.outcome.real_income, out.real_income)
        assert np.array_equal(case.outcome.trade, out.trade)
    stacked = found.stack("real_income")
    assert stacked.dims == ("case", "country")
    assert np.array_equal(stacked[3], expected[3].real_income)


def test_a_case_without_equilibrium_stops_no_other(world, policies, pool):
    mixed = [policies[0], impossible(world), policies[1]]
    for options in ({}, {"executor": pool}):
        found = simulate_many(world, mixed, **options)
        assert found.status == ["converged", "no_solution", "converged"]
        assert isinstance(found[1].error, NoSolutionError)
        assert found[1].outcome is None
        assert np.isnan(found.stack()[1]).all()
        assert np.isfinite(found.stack()[2]).all()
        with pytest.raises(NoSolutionError):
            _ = found.outcomes
        with pytest.raises(NoSolutionError):
            simulate_many(world, mixed, throw=True, **options)


def test_unconverged_cases_carry_their_status(world, policies):
    found = simulate_many(world, policies[:2], max_steps=3, method="anderson")
    assert all(status != "converged" for status in found.status)
    assert all("no equilibrium reached" in str(case.error) for case in found)
    with pytest.raises(InputError, match="no case converged"):
        found.stack()


def test_bad_arguments(world, policies):
    with pytest.raises(UnknownNameError, match="did you mean share"):
        simulate_many(world, policies[:1], deficit="shares")
    other = random_world(3, 6, 12)
    with pytest.raises(InputError, match="was built on"):
        simulate_many(world, [dt.Policy(other)])
    assert len(simulate_many(world, [])) == 0


def test_workers_pass_on_errors_and_restart(pool):
    with pytest.raises(ZeroDivisionError):
        pool.submit(divmod, 1, 0).result()
    assert pool.submit(divmod, 7, 2).result() == (3, 1)

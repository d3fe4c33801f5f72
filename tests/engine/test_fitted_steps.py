"""Newton's method asks for a step direction that fits where the one it has is a poor one."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

import detente as dt
from detente.errors import NoSolutionError
from detente.models.labour_supply import LabourSupply
from detente.solve.newton_krylov import newton_krylov
from worlds import Draw, build, random_world


def test_a_fitted_direction_solves_what_a_poor_one_does_not():
    """exp(A z) = b with A far from the identity, of which the plain direction takes it to be."""
    rng = np.random.default_rng(0)
    size = 300
    A = np.eye(size) + 1.6 / np.sqrt(size) * rng.normal(size=(size, size))
    wanted = rng.normal(size=size) * 0.1
    applied = []

    def jacobian(z):
        scale = np.exp(A @ z)
        return lambda v: applied.append(1) or scale * (A @ v)

    def residual(z):
        return np.exp(A @ z) - np.exp(A @ wanted)

    def fitted(z):
        inverse = np.linalg.inv(np.exp(A @ z)[:, None] * A)
        return lambda r: -inverse @ r

    def solve(**more):
        applied.clear()
        return newton_krylov(residual, jacobian, lambda r: -r, np.zeros(size), tol=1e-11, **more)

    plain = solve()
    tried = len(applied)
    found = solve(fitted=fitted)
    assert not plain.converged
    assert found.converged
    np.testing.assert_allclose(found.value, wanted, atol=1e-9)
    assert len(applied) < tried / 4


def test_a_point_without_equilibrium_is_refused_without_long_search(monkeypatch):
    """A small country that pays half of what it earns, under high tariffs of all others: with the
    steps of the base the direct search alone took 48,000 derivatives, for nothing."""
    rng = np.random.default_rng(0)
    N = 80
    size = np.exp(rng.normal(0, 1.5, N)) * 1e4
    trade = np.outer(size, size) / size.sum() * np.exp(rng.normal(0, 1, (N, N))) * 0.3
    np.fill_diagonal(trade, size)
    pays = int(np.argmin(size))
    trade[:, pays] *= 4
    trade[pays, pays] /= 4
    world = build(trade[None], theta=4.0)
    tariff = 5.0 * (1 - np.eye(N))
    tariff[pays] = 0.0
    policy = dt.Policy(world, tariff=tariff[None], prohibitive=True)
    tangent, calls = LabourSupply.tangent, []

    def counted(self, v, p, problem):
        calls.append(1)
        return tangent(self, v, p, problem)

    monkeypatch.setattr(LabourSupply, "tangent", counted)
    with pytest.raises(NoSolutionError, match="no equilibrium grows out of the base"):
        dt.simulate(world, policy, model=LabourSupply(nu=0.1))
    assert len(calls) < 8000


def test_where_no_direction_fits_that_of_the_base_goes_on(monkeypatch):
    from detente.models.caliendo_parro import CaliendoParro

    module = import_module("detente.solve.newton_krylov")

    world = random_world(Draw(N=4, J=2, seed=4, theta=(2.0, 8.0)))
    policy = dt.Policy(world, tariff=0.3)
    right = dt.simulate(world, policy, method="newton-krylov", tol=1e-12)

    def singular(self, p, problem):
        raise np.linalg.LinAlgError

    monkeypatch.setattr(CaliendoParro, "steps_at", singular)
    monkeypatch.setattr(module, "SLOW", 0)
    other = dt.simulate(world, policy, method="newton-krylov", tol=1e-12)
    np.testing.assert_allclose(other.real_income, right.real_income, atol=1e-9)

"""The search for the smallest error, on systems whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import least_squares

import detente.solve.least_error as module
from detente.solve.least_error import least_error


@pytest.fixture
def search(monkeypatch):
    def run(residual, jacobian):
        """What is found in two unknowns, the first of them a wage; and where each start began."""
        starts = []

        def watched(fun, x0, **how):
            starts.append(tuple(x0.tolist()))
            return least_squares(fun, x0, **how)

        monkeypatch.setattr(module, "least_squares", watched)
        return least_error(residual, lambda z: lambda v: jacobian(z) @ v, 2, 1), starts

    return run


def test_a_curved_valley_is_followed_to_its_end(search):
    """Rosenbrock's function, from zero: the root is (1, 1)."""
    found, starts = search(
        lambda z: np.array([10 * (z[1] - z[0] ** 2), 1 - z[0]]),
        lambda z: np.array([[-20 * z[0], 10.0], [-1.0, 0.0]]),
    )
    np.testing.assert_allclose(found.value, [1.0, 1.0], atol=1e-9)
    assert found.error < 1e-9
    assert starts == [(0.0, 0.0)]  # the base; a root needs no second start


def test_the_same_minimum_twice_is_agreement(search):
    """z0 can be met, a constant error of 0.5 cannot."""
    found, starts = search(
        lambda z: np.array([z[0] - 3.0, 0.5 + 0.0 * z[1], z[1] - 2.0]),
        lambda _: np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]),
    )
    assert found.agreed
    assert found.error == pytest.approx(0.5)
    np.testing.assert_allclose(found.value, [3.0, 2.0], atol=1e-9)
    assert len(starts) == 2
    assert starts[0] == (0.0, 0.0)


def test_what_is_not_a_number_counts_as_a_large_error(search):
    """Beyond a wall the equations have no value: the search stays before it."""
    found, _ = search(
        lambda z: np.array([z[0] - 1.0 if z[0] < 5 else np.nan, z[1]]),
        lambda z: np.eye(2) if z[0] < 5 else np.full((2, 2), np.inf),
    )
    np.testing.assert_allclose(found.value, [1.0, 0.0], atol=1e-9)

"""The search for the smallest error, on systems whose answer is known."""

from __future__ import annotations

from types import SimpleNamespace

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


def test_starts_their_number_and_the_evaluations_of_each_are_limited(monkeypatch):
    """Every start ends elsewhere and none agrees: after the last the best is given."""
    asked = []

    def ends(fun, x0, **how):
        asked.append((how["max_nfev"], x0.copy()))
        cost = 200.0 - 10.0 * len(asked) if len(asked) != 7 else 1.0
        return SimpleNamespace(cost=cost, fun=np.array([0.5, -cost]), x=x0 + len(asked))

    monkeypatch.setattr(module, "least_squares", ends)
    found = least_error(lambda z: z, lambda z: lambda v: v, 3, 2, steps=17)
    assert [n for n, _ in asked] == [17] * len(module.SPREAD)
    assert found.error == 1.0  # the largest error of the seventh, the best
    assert not found.agreed
    np.testing.assert_array_equal(found.value, asked[6][1] + 7)
    starts = np.array([x for _, x in asked])
    assert (starts[0] == 0).all()
    assert (starts[:, 2] == 0).all()  # only the loose ones differ
    # as far apart as the spreads say, and the same every time
    size = np.abs(starts[1:, :2]).max(axis=1) / module.SPREAD[1:]
    assert size.min() > 0.1
    assert size.max() < 3
    again = asked.copy()
    asked.clear()
    least_error(lambda z: z, lambda z: lambda v: v, 3, 2)
    assert [n for n, _ in asked] == [150] * len(module.SPREAD)
    for (_, one), (_, two) in zip(again, asked, strict=True):
        np.testing.assert_array_equal(one, two)


def test_close_to_the_best_is_agreement_close_to_zero_is_a_root(monkeypatch):
    def costs(*values):
        left = list(values)

        def ends(fun, x0, **how):
            cost = left.pop(0)
            return SimpleNamespace(cost=cost, fun=np.array([-cost]), x=x0)

        monkeypatch.setattr(module, "least_squares", ends)
        found = least_error(lambda z: z, lambda z: lambda v: v, 1, 1)
        return found.error, found.agreed, len(left)

    assert costs(10.0, 10.1, 5.0) == (10.0, True, 1)  # within two per cent
    assert costs(10.0, 9.9, 5.0) == (9.9, True, 1)
    assert costs(10.0, 12.0, 9.9, 5.0) == (9.9, True, 1)  # with the best, not with the last
    assert costs(10.0, 12.0, 1e-10, 5.0) == (1e-10, False, 1)

"""The two ways adjoint systems are solved, on matrices in hand."""

from __future__ import annotations

import numpy as np
import pytest

from detente.models.adjoint import _solve_densely, solve_columns


def test_a_dense_solution_comes_with_the_worst_columns_relative_error():
    n = 8
    hilbert = 1.0 / (np.arange(n)[:, None] + np.arange(n) + 1.0)
    right = np.random.default_rng(0).normal(size=(n, 3)) * [1.0, 1e-9, 1e9]
    y, error = _solve_densely(hilbert, right)
    np.testing.assert_allclose(y, np.linalg.solve(hilbert, right))
    left = hilbert @ y - right
    each = [np.linalg.norm(left[:, r]) / np.linalg.norm(right[:, r]) for r in range(3)]
    assert error == pytest.approx(max(each), rel=1e-9)
    assert 1e-12 < error < 1e-4
    assert min(each) < error


def test_what_has_no_dense_solution_has_an_infinite_error():
    eye, right = np.eye(2), np.ones((2, 1))
    for matrix, wanted in (
        (np.diag([1.0, np.nan]), right),
        (eye, np.array([[1.0], [np.inf]])),
        (np.diag([1.0, 0.0]), right),
    ):
        y, error = _solve_densely(matrix, wanted)
        assert error == np.inf
        np.testing.assert_array_equal(y, np.zeros((2, 1)))
    assert _solve_densely(eye, np.zeros((2, 1)))[1] == 0.0  # nothing asked, nothing missed


def test_no_column_is_taken_for_solved_before_it_is():
    """A start of two columns, one exact and one worse than none; and a limit on the steps."""
    rng = np.random.default_rng(1)
    A = np.eye(30) + 0.1 * rng.normal(size=(30, 30))
    right = rng.normal(size=(30, 2))
    exact = np.linalg.solve(A, right)
    start = np.stack([exact[:, 0], 1e6 * exact[:, 1]], axis=1)
    kept = start.copy()
    applied = []

    def apply(v):
        applied.append(v.copy())
        return A @ v

    y, error = solve_columns(apply, lambda v: v, right, start)
    assert error <= 1e-11
    np.testing.assert_allclose(y, exact, rtol=1e-8)
    np.testing.assert_array_equal(start, kept)  # the caller's start is left alone
    for limit in (0, 1, 3):
        y, error = solve_columns(lambda v: A @ v, lambda v: v, right, limit=limit)
        left = np.linalg.norm(right - A @ y, axis=0) / np.linalg.norm(right, axis=0)
        assert error == pytest.approx(left.max(), rel=1e-9)
        assert error > 1e-4
    # directions that are forgotten cost steps, not the answer
    for memory in (1, 2, 40):
        y, error = solve_columns(lambda v: A @ v, lambda v: v, right, memory=memory)
        assert error <= 1e-11
        np.testing.assert_allclose(y, exact, rtol=1e-8)


def test_the_best_multiple_of_each_direction_is_taken():
    """One step along r for A = diag: the length that leaves the smallest error in each column."""
    A = np.diag([1.0, 2.0, 4.0])
    right = np.array([[1.0, 0.0], [1.0, 3.0], [1.0, 0.0]])
    y, _ = solve_columns(lambda v: A @ v, lambda v: v, right, limit=1)
    # (A r . r) / (A r . A r): 7/21 and 1/2
    np.testing.assert_allclose(y, right * [7 / 21, 1 / 2], rtol=1e-14)
    # the second column is solved, and stays so; an empty direction is none
    y, error = solve_columns(lambda v: A @ v, lambda v: v, right)
    assert error <= 1e-11
    np.testing.assert_allclose(y, np.linalg.solve(A, right), rtol=1e-12)

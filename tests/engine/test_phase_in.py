"""Following a solution while a change is phased in, on equations whose paths are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import detente.solve.phase_in as module
from detente.solve.phase_in import LOOSE, _matrix, _singular, _solved_densely, _turning, phase_in
from detente.solve.solution import Status


class Stage:
    """Equations ``f(z)`` of a few unknowns with the Jacobian ``slope(z)``; ``stands`` asks
    ``sense(z)``."""

    def __init__(self, f, slope, sense=lambda z: True) -> None:
        self.f, self.slope, self.sense = f, slope, sense
        self.asked = 0

    def residual(self, z):
        self.asked += 1
        return np.asarray(self.f(z), dtype=float)

    def jacobian(self, z):
        matrix = np.asarray(self.slope(z), dtype=float)
        return lambda v: matrix @ v

    def direction(self, z):
        matrix = np.asarray(self.slope(z), dtype=float)
        return lambda r: -np.linalg.lstsq(matrix, r, rcond=None)[0]

    def stands(self, z):
        return self.sense(z)


def straight(share, sense=lambda z: True) -> Stage:
    """z = share (2, -1)."""
    return Stage(lambda z: z - share * np.array([2.0, -1.0]), lambda z: np.eye(2), sense)


def fold(share) -> Stage:
    """(1 - z0)^2 = 1 - 2 share, which has no root beyond a half, and z1 = share + z0 / 10."""
    return Stage(
        lambda z: [(1 - z[0]) ** 2 - (1 - 2 * share), z[1] - share - z[0] / 10],
        lambda z: [[-2 * (1 - z[0]), 0.0], [-0.1, 1.0]],
    )


def followed(stage, **how):
    """What is found, and at which shares the equations were set up on the way."""
    shares = []

    def watched(share):
        shares.append(share)
        return stage(share)

    return phase_in(watched, 2, **{"tol": 1e-12, **how}), shares


def test_a_straight_path_is_walked_in_growing_steps():
    found, shares = followed(straight)
    np.testing.assert_allclose(found.value, [2.0, -1.0], atol=1e-12)
    assert found.share == 1.0
    assert found.turning is None
    assert found.solution is not None
    assert found.solution.converged
    np.testing.assert_array_equal(found.solution.value, found.value)
    assert shares == [0.25, 0.75, 1.0]  # a quarter, twice that, and no further than the end


def test_guesses_lie_on_the_line_through_the_last_two(monkeypatch):
    guesses, asked = [], []
    solved = module._solved

    def watched(problem, guess, tol):
        guesses.append(guess.tolist())
        asked.append(tol)
        return solved(problem, guess, tol)

    monkeypatch.setattr(module, "_solved", watched)
    followed(straight, tol=1e-13)
    # from zero at a quarter; then where a line through both points
    np.testing.assert_allclose(guesses, [[0, 0], [1.5, -0.75], [2, -1]], atol=1e-9)
    assert asked == [LOOSE, LOOSE, 1e-13]


def test_where_a_path_turns_back_it_ends_there():
    found, shares = followed(fold)
    assert found.solution is None
    assert found.share == pytest.approx(0.5, abs=1e-4)
    assert found.share <= 0.5
    np.testing.assert_allclose(found.value, [1.0, 0.6], atol=0.02)
    # z0 is where it turns; the other follows by a tenth
    assert found.turning is not None
    np.testing.assert_allclose(found.turning, [0.995, 0.0995], atol=1e-3)
    steps = np.array(shares) - found.share
    assert min(np.abs(steps[steps > 0])) < 1e-4
    # a smaller smallest step comes closer
    finer, _ = followed(fold, smallest=1e-9)
    assert 0.5 - finer.share < 1e-7


def test_the_number_of_solves_is_limited():
    for most in (1, 2):
        found, shares = followed(straight, max_solves=most)
        assert found.solution is None
        assert found.share == [0.25, 0.75][most - 1]
        np.testing.assert_allclose(found.value, found.share * np.array([2.0, -1.0]), atol=1e-9)
        assert found.turning is None  # nothing is singular there
        assert shares[:most] == [0.25, 0.75][:most]


def test_where_a_solution_makes_no_sense_the_path_ends():
    found, _ = followed(lambda s: straight(s, lambda z: bool(z[0] < 1.4)))  # 0.7 of the way
    assert found.solution is None
    assert found.turning is None
    assert found.share == pytest.approx(0.7, abs=1e-4)
    assert found.share < 0.7


def test_the_last_step_is_tried_with_a_matrix(monkeypatch):
    """Where only the very end is beyond the iteration."""
    solved = module._solved

    def short(problem, guess, tol):
        found = solved(problem, guess, tol)
        if found.value[0] > 1.99:
            return replace(found, status=Status.CYCLING)
        return found

    monkeypatch.setattr(module, "_solved", short)
    found, _ = followed(straight)
    assert found.share == 1.0
    assert found.solution is not None
    assert found.solution.method == "newton"
    assert found.solution.converged
    np.testing.assert_allclose(found.value, [2.0, -1.0], atol=1e-12)
    # what makes no sense there is no solution either
    found, _ = followed(lambda s: straight(s, lambda z: bool(z[0] < 1.999)))
    assert found.solution is None
    assert 1.0 > found.share > 0.99


def test_newton_with_a_matrix():
    """Roots of exp(z0) = 2 and z1 = z0^2: quadratically, and steps no longer than two."""
    stage = Stage(
        lambda z: [np.exp(z[0]) - 2.0, z[1] - z[0] ** 2],
        lambda z: [[np.exp(z[0]), 0.0], [-2 * z[0], 1.0]],
    )
    found = _solved_densely(stage, np.zeros(2), 1e-13)
    assert found is not None
    assert found.converged
    np.testing.assert_allclose(found.value, [np.log(2), np.log(2) ** 2], atol=1e-12)
    assert found.steps == len(found.history) == stage.asked
    assert found.residual == found.history[-1] <= 1e-13
    assert found.history[0] == 1.0  # |exp(0) - 2|
    # from -4 a whole step would be 105 long
    far = Stage(stage.f, stage.slope)
    seen = []
    far.residual = lambda z: (seen.append(z[0]), np.asarray(stage.f(z)))[1]
    _solved_densely(far, np.array([-4.0, 0.0]), 1e-13)
    assert max(abs(np.diff(seen))) <= 2.0 + 1e-12
    assert abs(seen[1] - seen[0]) > 0.01


def test_newton_with_a_matrix_gives_up():
    flat = Stage(lambda z: [1.0, z[1]], lambda z: [[0.0, 0.0], [0.0, 1.0]])  # singular
    assert _solved_densely(flat, np.zeros(2), 1e-12) is None
    for odd in ([np.nan, 1.0], [1.0, np.inf]):
        one = Stage(lambda z, odd=odd: odd, lambda z: np.eye(2))
        assert _solved_densely(one, np.zeros(2), 1e-12) is None
        two = Stage(lambda z: [1.0, 1.0], lambda z, odd=odd: np.diag(odd))
        assert _solved_densely(two, np.zeros(2), 1e-12) is None
        assert (one.asked, two.asked) == (1, 1)  # at once
    slow = Stage(lambda z: z - 100.0, lambda z: np.eye(2))  # two a step, in twelve steps
    assert _solved_densely(slow, np.zeros(2), 1e-12) is None
    assert slow.asked == 12
    near = Stage(lambda z: z - 20.0, lambda z: np.eye(2))
    found = _solved_densely(near, np.zeros(2), 1e-12)
    assert found is not None
    assert found.steps == 11
    many = Stage(lambda z: z, lambda z: np.eye(len(z)))
    assert _solved_densely(many, np.zeros(500), 1e-12) is not None
    assert _solved_densely(many, np.zeros(501), 1e-12) is None


def test_the_matrix_has_a_column_for_each_unknown():
    slope = np.array([[1.0, 2.0], [3.0, 5.0]])
    stage = Stage(lambda z: z, lambda z: slope)
    np.testing.assert_array_equal(_matrix(stage, np.zeros(2)), slope)
    found = _singular(stage, np.zeros(2))
    assert found is not None
    values, direction = found
    assert values[0] > values[1]
    assert np.linalg.norm(slope @ direction) == pytest.approx(values[1])
    assert _singular(Stage(lambda z: z, lambda z: [[np.inf, 0], [0, 1.0]]), np.zeros(2)) is None


@pytest.mark.parametrize(
    ("first", "there", "lost"),
    [
        ((1.0, 1.0), (1.0, 0.05), True),
        ((1.0, 1.0), (1.0, 0.15), False),  # not a tenth of the one before
        ((1.0, 1.0), (0.05, 0.02), False),  # both are small: the same
        ((1.0, 0.2), (1.0, 0.05), False),  # small from the beginning
        ((1.0, 0.2), (1.0, 0.01), True),
    ],
)
def test_what_counts_as_turning(first, there, lost):
    """Singular values at the base and where the path ended."""

    def stage(share):
        values = first if share == 0.0 else there
        return Stage(lambda z: z, lambda z: np.diag(values))

    found = _turning(stage, 0.4, np.array([0.3, 0.3]))
    assert (found is not None) == lost
    if found is not None:
        np.testing.assert_allclose(found, [0.0, 1.0], atol=1e-12)


def test_at_the_base_only_what_is_singular_to_rounding_counts():
    for last, lost in ((1e-13, True), (1e-11, False)):
        slope = np.array([[1.0, -1.0], [-1.0, 1.0]]) + last * np.eye(2)
        found = _turning(lambda s, a=slope: Stage(lambda z: z, lambda z: a), 0.0, np.zeros(2))
        assert (found is not None) == lost
        if found is not None:  # without signs
            np.testing.assert_allclose(found, np.sqrt([0.5, 0.5]))


def test_turning_is_not_looked_for_where_it_cannot_be_told():
    def stage(share, odd=None):
        values = [1.0, 1.0] if share == 0.0 else [1.0, 0.01]
        return Stage(lambda z: z, lambda z: np.diag([np.nan, 1.0] if share == odd else values))

    z = np.zeros(2)
    assert _turning(stage, 0.5, z) is not None
    assert _turning(stage, 0.5, z, largest=1) is None
    for odd in (0.0, 0.5):
        assert _turning(lambda s, odd=odd: stage(s, odd), 0.5, z) is None

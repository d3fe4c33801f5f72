"""The fast path against the equations as printed, and its tricks against what they stand for."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks.worlds import random_world
from engine_cases import random_case
from engine_plain import plain_step

import detente as dt
from detente.models.caliendo_parro.equations import equations, evaluate, join
from detente.models.caliendo_parro.kernel import build_kernel
from detente.models.closure import Closure
from detente.outcome.economy import instruments, prepare
from detente.solve.krylov import KrylovSpace

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("deficit", ["fixed", "zero", "share"])
@pytest.mark.parametrize("seed", range(3))
def test_a_step_is_the_printed_equations_away_from_equilibrium_too(deficit, seed):
    world, parts = random_case(4, 6, seed, idle=0.1, zeros=0.3)
    prepared = prepare(world)
    base = prepared.economy
    policy = instruments(dt.Policy(world, **parts))
    kernel = build_kernel(base, policy)
    closure = Closure(deficit, base.deficit, prepared.own_income)
    rng = np.random.default_rng(seed)
    J, N = base.beta.shape
    log_w, log_P, x = (0.2 * rng.normal(size=s) for s in ((N,), (J, N), (J, N)))
    p = evaluate(join(log_w, log_P, x), base, kernel, closure)
    P_new, X_new, labour, share = plain_step(
        np.exp(log_w), np.exp(log_P), base.spending * np.exp(x), base, policy, closure.deficit
    )
    used = base.spending > 0
    np.testing.assert_allclose(np.exp(p.log_P_new)[used], P_new[used], rtol=1e-12)
    np.testing.assert_allclose(p.X_new, X_new, rtol=1e-11, atol=1e-6)
    np.testing.assert_allclose(p.value_added, labour, rtol=1e-11)
    formed = kernel.A * p.u[:, None, :] / p.supply[:, :, None]
    np.testing.assert_allclose(formed[used], share[used], rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("deficit", ["fixed", "zero", "share"])
def test_a_solution_solves_the_printed_equations(deficit):
    world, parts = random_case(4, 6, 21, idle=0.1, zeros=0.3)
    e = dt.simulate(world, dt.Policy(world, **parts), deficit=deficit).after
    p = e.point
    P_new, X_new, labour, _ = plain_step(
        np.exp(p.log_w), np.exp(p.log_P), p.X, e.economy, e.policy, e.closure.deficit
    )
    used = e.economy.spending > 0
    np.testing.assert_allclose(P_new[used], np.exp(p.log_P)[used], rtol=1e-9)
    np.testing.assert_allclose(X_new[used], p.X[used], rtol=1e-9)
    np.testing.assert_allclose(labour, np.exp(p.log_w) * e.economy.value_added, rtol=1e-9)


def test_row_scaling_keeps_prohibitive_rates_from_underflow():
    """10,000% on everything at theta 65: 100^-65 is not a number of double precision."""
    world = random_world(2, 4, 3, theta=(64.0, 65.0))
    tariff = np.full(world.tariff.shape, 100.0)
    e = dt.simulate(world, dt.Policy(world, tariff=tariff, prohibitive=True), deficit="zero").after
    assert np.isfinite(e.point.log_P).all()
    assert max(e.checks.values()) < 1e-7


def test_rows_a_policy_leaves_alone_are_kept_bit_for_bit():
    world = random_world(3, 5, 4)
    base = prepare(world).economy
    tariff = world.tariff.values.copy()
    tariff[1, 2, 3] += 0.5
    kernel = build_kernel(base, instruments(dt.Policy(world, tariff=tariff, prohibitive=True)))
    same = np.ones((3, 5), dtype=bool)
    same[1, 2] = False
    assert np.array_equal(kernel.A[same], base.pi[same])
    assert not np.array_equal(kernel.A[1, 2], base.pi[1, 2])


def test_preconditioner_transpose_and_quality():
    world, parts = random_case(4, 6, 9, idle=0.1)
    steps = prepare(world).steps
    rng = np.random.default_rng(0)
    v, y = rng.normal(size=(2, 6 + 2 * 24))
    assert y @ steps.direction(v) == pytest.approx(v @ steps.transposed(y), rel=1e-4)
    assert steps.prices.dtype == np.float32
    # it shapes the path only: a solve reaches the same point as Newton's method without it
    one = dt.simulate(world, dt.Policy(world, **parts))
    two = dt.simulate(world, dt.Policy(world, **parts), method="newton-krylov")
    np.testing.assert_allclose(one.real_income, two.real_income, atol=1e-8)


def test_a_step_residual_is_zero_at_the_world_table():
    world = random_world(5, 8, 2, zeros=0.2, idle=0.1)
    prepared = prepare(world)
    base = prepared.economy
    kernel = build_kernel(base, instruments(dt.Policy(world)))
    closure = Closure("fixed", base.deficit, prepared.own_income)
    z = np.zeros(8 + 2 * 40)
    assert np.abs(equations(evaluate(z, base, kernel, closure), base, kernel)).max() < 1e-12


def test_krylov_space_solves_and_remembers():
    rng = np.random.default_rng(1)
    matrix = np.eye(40) + 0.1 * rng.normal(size=(40, 40))
    space = KrylovSpace(lambda v: matrix @ v, lambda v: v, 40)
    b = rng.normal(size=40)
    x = space.solve(b, rtol=1e-12)
    np.testing.assert_allclose(matrix @ x, b, atol=1e-10)
    before = space.applications
    np.testing.assert_allclose(space.solve(2 * b, rtol=1e-12), 2 * x, atol=1e-10)
    assert space.applications - before <= 1
    small = KrylovSpace(lambda v: matrix @ v, lambda v: v, 40, memory=8)
    np.testing.assert_allclose(matrix @ small.solve(b, rtol=1e-10), b, atol=1e-7)


_BITS = """
import sys; sys.path.insert(0, {root!r})
import detente as dt
from benchmarks.worlds import random_world
w = random_world(3, 150, 1, zeros=0.1)
out = dt.simulate(w, dt.Policy(w, tariff=w.tariff.values + 0.2))
g = dt.gradient(out, "real_income[AAB]")
import hashlib
print(hashlib.sha256(out.after.solution.value.tobytes() + g.values.tobytes()).hexdigest())
"""


def test_same_bits_for_any_number_of_blas_threads():
    found = set()
    for count in ("1", "2", "4"):
        ran = subprocess.run(
            [sys.executable, "-c", _BITS.format(root=str(ROOT))],
            env={**os.environ, "OPENBLAS_NUM_THREADS": count},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found.add(ran.stdout.strip())
    assert len(found) == 1
    assert len(next(iter(found))) == len(hashlib.sha256().hexdigest())


def test_same_input_same_bits():
    world, parts = random_case(4, 6, 13)
    a, b = (dt.simulate(world, dt.Policy(world, **parts)) for _ in range(2))
    assert np.array_equal(a.after.solution.value, b.after.solution.value)

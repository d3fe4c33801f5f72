"""Many objectives side by side, each against the equations for one."""

from __future__ import annotations

import numpy as np
import pytest

import detente.models.caliendo_parro.columns as module
from detente.errors import ConvergenceError
from detente.models.bars import Columns
from detente.models.caliendo_parro import CaliendoParro
from detente.models.caliendo_parro.columns import _cotangent, _pull, _solve, slopes
from detente.models.closure import Closure
from detente.models.model import Problem
from detente.outcome.economy import instruments, prepare
from worlds import Change, Draw, random_policy, random_world

MODEL = CaliendoParro()
CASES = {
    "everything": (Draw(N=4, J=3, seed=1, theta=(1.0, 9.0)),
                   Change(seed=1, highest=1.0, export_taxes=0.5, icebergs=0.4, transfers=0.1)),
    "no inputs": (Draw(N=5, J=2, seed=2, theta=(1.0, 9.0), inputs=False),
                  Change(seed=2, highest=1.0, icebergs=0.4)),
    "closed markets": (Draw(N=5, J=4, seed=5, theta=(1.0, 9.0), sparsity=0.5, empty=0.2),
                       Change(seed=5, highest=1.0, export_taxes=0.2)),
    "alone": (Draw(N=4, J=2, seed=4, theta=(1.0, 9.0)),
              Change(seed=4, highest=1.0, autarky=True, export_taxes=0.3)),
}  # fmt: skip


class Setting:
    """A problem, a point of no equilibrium, and weights of five objectives on all it holds."""

    def __init__(self, case: str, deficit: str) -> None:
        draw, change = CASES[case]
        world = random_world(draw)
        prepared = prepare(world, MODEL)
        base, policy = prepared.economy, instruments(random_policy(world, change))
        kernel = MODEL.kernel(base, policy)
        closure = Closure(deficit, base.deficit, prepared.own_income)
        self.problem = Problem(MODEL.in_use(base, kernel), policy, kernel, closure)
        self.steps = prepared.steps
        rng = np.random.default_rng(draw.seed)
        self.p = MODEL.evaluate(0.02 * rng.normal(size=MODEL.size(base)), self.problem)
        J, N = base.alpha.shape
        size = 1.0 / base.value_added.mean()
        self.columns = Columns(
            rng.normal(size=(N, 5)) * size, rng.normal(size=(J, N, 5)),
            rng.normal(size=(J, N, 5)) * size, log_w=rng.normal(size=(N, 5)),
            tariff_revenue=rng.normal(size=(N, 5)) * size,
        )  # fmt: skip
        self.rng = rng


@pytest.fixture(params=[(c, d) for c in CASES for d in ("fixed", "share")],
                ids=lambda p: f"{p[0]}-{p[1]}")  # fmt: skip
def setting(request):
    return Setting(*request.param)


def test_each_column_solves_the_equations_for_one(setting):
    s = setting
    found = slopes(s.columns, s.p, s.problem, s.steps)
    assert found.error <= 1e-8
    for r in range(5):
        bars, y = s.columns.bars(r), found.unknowns[:, r]
        wanted = MODEL.pull_back(bars, s.p, s.problem)
        np.testing.assert_allclose(_pull(s.columns, None, s.p, s.problem)[0][:, r], wanted,
                                   atol=1e-12 * np.abs(wanted).max())  # fmt: skip
        left = MODEL.cotangent(y, s.p, s.problem) - wanted
        assert np.linalg.norm(left) <= 1e-8 * np.linalg.norm(wanted)
        g = MODEL.policy_gradient(bars, y, s.p, s.problem)
        policy = s.problem.policy
        tax = 0.0 if policy.export_tax is None else policy.export_tax
        by_tariff, by_tax = g.tariff * (1 + policy.tariff), g.export_tax * (1 + tax)
        for n in range(s.p.X.shape[1]):
            for ours, theirs in ((found.tariff(r, n), by_tariff[:, n]),
                                 (found.export_tax(r, n), by_tax[:, :, n])):  # fmt: skip
                atol = 1e-11 * max(np.abs(by_tariff).max(), np.abs(by_tax).max())
                np.testing.assert_allclose(ours, theirs, atol=atol)


def test_the_transposed_equations_are_those_of_one_column(setting):
    s = setting
    y = s.rng.normal(size=(s.p.log_w.size + 2 * s.p.X.size, 3))
    found = _cotangent(y, s.p, s.problem)
    for r in range(3):
        alone = MODEL.cotangent(y[:, r], s.p, s.problem)
        np.testing.assert_allclose(found[:, r], alone, atol=1e-12 * np.abs(alone).max())


def test_columns_are_preconditioned_as_one_is(setting):
    s = setting
    r = s.rng.normal(size=(s.p.log_w.size + 2 * s.p.X.size, 3)) * [1.0, 1e30, 1e-30]
    found = module._precondition(r, s.steps)
    for k in range(3):
        alone = -s.steps.transposed(r[:, k])
        np.testing.assert_allclose(found[:, k], alone, atol=2e-6 * np.abs(alone).max())


def test_a_block_at_a_time_is_all_at_once(setting, monkeypatch):
    s = setting
    whole = slopes(s.columns, s.p, s.problem, s.steps)
    size = len(whole.unknowns)
    widths = []
    solve = module._solve

    def watched(right, *rest):
        widths.append(right.shape[1])
        return solve(right, *rest)

    monkeypatch.setattr(module, "_solve", watched)
    for wide, expected in ((0.5, [1] * 5), (2.5, [2, 2, 1]), (9, [5])):
        widths.clear()
        monkeypatch.setattr(module, "BLOCK_BYTES", wide * 8 * size * 24)
        parts = slopes(s.columns, s.p, s.problem, s.steps)
        assert widths == expected
        scale = np.abs(whole.unknowns).max(axis=0)
        assert (np.abs(parts.unknowns - whole.unknowns) <= 1e-8 * scale).all()
        again = slopes(s.columns, s.p, s.problem, s.steps, parts.unknowns)
        assert (np.abs(again.unknowns - parts.unknowns) <= 1e-8 * scale).all()


# --- the iteration ----------------------------------------------------------------------------
def right_of(s: Setting):
    return _pull(s.columns, None, s.p, s.problem)[0]


def relative(s: Setting, y):
    left = right_of(s) - _cotangent(y, s.p, s.problem)
    return np.linalg.norm(left, axis=0) / np.linalg.norm(right_of(s), axis=0)


def test_a_start_saves_steps_and_a_bad_one_costs_none(monkeypatch):
    s = Setting("everything", "share")
    right = right_of(s)
    calls = []
    cotangent = module._cotangent

    def counted(y, p, problem):
        calls.append(y.shape)
        return cotangent(y, p, problem)

    monkeypatch.setattr(module, "_cotangent", counted)
    exact, error = _solve(right, s.p, s.problem, s.steps, None)
    cold = len(calls)
    assert cold > 5
    assert error == pytest.approx(relative(s, exact).max(), rel=0.5, abs=1e-13)
    calls.clear()
    kept = exact.copy()
    again, _ = _solve(right, s.p, s.problem, s.steps, exact)
    assert len(calls) <= 2
    np.testing.assert_array_equal(exact, kept)  # the caller's start is left alone
    np.testing.assert_allclose(again, exact, rtol=1e-8, atol=1e-9 * np.abs(exact).max())
    calls.clear()
    bad = exact.copy()
    bad[:, 2] *= 1e9  # one column: the others keep what they have
    better, _ = _solve(right, s.p, s.problem, s.steps, bad)
    assert len(calls) <= cold + 2
    scale = np.abs(exact).max(axis=0)
    assert (np.abs(better - exact) <= 1e-8 * scale).all()


def test_directions_may_be_forgotten():
    s = Setting("everything", "fixed")
    y, _ = _solve(right_of(s), s.p, s.problem, s.steps, None)
    for memory in (8, 40):
        found, error = _solve(right_of(s), s.p, s.problem, s.steps, None, memory)
        assert error <= 1e-8
        assert (np.abs(found - y) <= 1e-6 * np.abs(y).max(axis=0)).all()


def test_nothing_asked_is_nothing_found():
    s = Setting("everything", "fixed")
    y, error = _solve(np.zeros_like(right_of(s)), s.p, s.problem, s.steps, None)
    assert error == 0.0
    assert (y == 0).all()


def test_what_stops_short_is_refused(monkeypatch):
    s = Setting("everything", "fixed")
    monkeypatch.setattr(module, "LIMIT", 2)
    y, error = _solve(right_of(s), s.p, s.problem, s.steps, None)
    assert error == pytest.approx(relative(s, y).max(), rel=1e-6)
    with pytest.raises(ConvergenceError, match="close to singular"):
        slopes(s.columns, s.p, s.problem, s.steps)
    monkeypatch.setattr(module, "_solve", lambda right, *rest: (right, np.nan))
    with pytest.raises(ConvergenceError, match="relative error of nan"):
        slopes(s.columns, s.p, s.problem, s.steps)
    # the worst of the blocks counts, whichever it is
    monkeypatch.setattr(module, "BLOCK_BYTES", 1.0)
    errors = iter([1e-9, 1e-7, 1e-10, 1e-10, 1e-10])
    monkeypatch.setattr(module, "_solve", lambda right, *rest: (right, next(errors)))
    with pytest.raises(ConvergenceError, match="relative error of 1e-07"):
        slopes(s.columns, s.p, s.problem, s.steps)
    monkeypatch.setattr(module, "_solve", lambda right, *rest: (right, 1e-8))
    assert slopes(s.columns, s.p, s.problem, s.steps).error == 1e-8

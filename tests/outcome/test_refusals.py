"""Why there is no equilibrium, told from what the search left behind; and the search's routes."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import detente as dt
from detente.errors import ConvergenceError, NoSolutionError
from detente.models.caliendo_parro import CaliendoParro
from detente.models.closure import Closure
from detente.models.model import Problem
from detente.outcome.economy import instruments, prepare
from detente.outcome.phasing import share_in_force
from detente.outcome.refusals import (
    INSOLVENT,
    hint,
    refuse_insolvent,
    refuse_one_way,
    refuse_turning,
)
from detente.outcome.solver import _Search
from detente.solve.least_error import LeastError
from worlds import Draw, build, random_world

NAMES = ["AAA", "BBB", "CCC"]
ONE = Closure("share", np.zeros(3), np.ones(3))


def kernel(*flows: tuple[int, int]):
    linked = np.eye(3, dtype=bool)
    for buyer, seller in flows:
        linked[buyer, seller] = True
    return SimpleNamespace(linked=linked)


CIRCLE = kernel((0, 1), (1, 2), (2, 0))
CHAIN = kernel((0, 1), (1, 0), (2, 0))  # the third only buys


# --- income ends ------------------------------------------------------------------------------
def point(income, log_w=(0.0, 0.0, 0.0)):
    """Wage bills are base value added (100, 200, 50) times the wage; duties 3, taxes 5."""
    return SimpleNamespace(
        log_w=np.array(log_w), income=np.array(income),
        tariff_revenue=np.array([1.0, 3.0, 1.0]), export_revenue=np.array([1.0, -50.0, 1.0]),
    )  # fmt: skip


BASE = SimpleNamespace(value_added=np.array([100.0, 200.0, 50.0]))


def test_who_ran_out_of_income_is_named_with_what_it_has():
    with pytest.raises(NoSolutionError) as caught:
        refuse_insolvent(0.75, point([100.0, 2.0, 50.0], (0.0, np.log(0.5), 0.0)), BASE, NAMES)
    said = str(caught.value)
    # its wage bill is 100: duties 3 of it, taxes -50, and what is left of an income of 2
    assert "income of BBB falls to zero when 75.0% of them is in force" in said
    assert "wage bill is at 50.0% of the base" in said
    assert "tariff revenue +3%, export-tax revenue -50%, deficit and transfers -51%" in said
    assert caught.value.reason == "no income"
    assert caught.value.countries == ["BBB"]


@pytest.mark.parametrize(
    ("income", "log_w", "refused"),
    [
        (0.019 * 200, 0.0, True),
        (0.021 * 200, 0.0, False),
        (0.03 * 200, np.log(2.0), True),  # over the larger of wage bill and base
        (0.019 * 200, np.log(0.5), True),
        (0.03 * 200, np.log(0.5), False),
    ],
)
def test_a_country_counts_as_having_no_income_below_two_per_cent(income, log_w, refused):
    assert INSOLVENT == 0.02
    at = point([100.0, income, 50.0], (0.0, log_w, 0.0))
    if not refused:
        refuse_insolvent(0.5, at, BASE, NAMES)
        return
    with pytest.raises(NoSolutionError, match="BBB"):
        refuse_insolvent(0.5, at, BASE, NAMES)


# --- the path turns ---------------------------------------------------------------------------
def test_where_the_path_turns_the_country_is_named():
    refuse_turning(0.5, None, NAMES)
    with pytest.raises(NoSolutionError, match=r"BBB is where.* turns back when 50.0% of") as caught:
        refuse_turning(0.5, np.array([0.1, 0.9, 0.2]), NAMES)
    assert caught.value.reason == "no path"
    assert caught.value.countries == ["BBB"]
    with pytest.raises(NoSolutionError, match=r"CCC is where.* not determined even before"):
        refuse_turning(0.0, np.array([0.1, 0.2, 0.9]), NAMES)


# --- one factor for all -----------------------------------------------------------------------
def test_one_way_trade_is_refused_where_all_starts_agree_on_an_error():
    z = np.zeros(3)
    with pytest.raises(NoSolutionError, match="no equilibrium exists: AAA, BBB, CCC can") as caught:
        refuse_one_way(LeastError(z, 0.1, True), CHAIN, NAMES)
    assert caught.value.reason == "no share"
    assert caught.value.countries == NAMES
    assert "0.1." in str(caught.value)
    refuse_one_way(LeastError(z, 0.1, False), CHAIN, NAMES)  # they do not agree
    refuse_one_way(LeastError(z, 1e-7, True), CHAIN, NAMES)  # no error to speak of
    with pytest.raises(NoSolutionError):
        refuse_one_way(LeastError(z, 1e-5, True), CHAIN, NAMES)


def test_only_those_with_one_way_trade_are_named_and_no_more_than_five():
    linked = np.eye(9, dtype=bool)
    linked[0, 1] = linked[1, 0] = True  # both ways
    for n in range(2, 8):
        linked[n, 8] = True  # from the last to each of six
    names = [f"c{n}" for n in range(9)]
    with pytest.raises(NoSolutionError, match=r"c2, c3, c4, c5, c6 and 2 more can") as caught:
        refuse_one_way(LeastError(np.zeros(9), 1.0, True), SimpleNamespace(linked=linked), names)
    assert caught.value.countries == names[2:]
    linked[7, 8] = linked[6, 8] = False
    with pytest.raises(NoSolutionError, match=r": c2, c3, c4, c5, c8 can"):
        refuse_one_way(LeastError(np.zeros(9), 1.0, True), SimpleNamespace(linked=linked), names)


def test_the_hint_is_for_the_share_closure_with_trade_one_way():
    assert "one way only" in hint(CHAIN, ONE)
    assert hint(CIRCLE, ONE) == ""
    assert hint(CHAIN, ONE._replace(name="fixed")) == ""


# --- phasing ----------------------------------------------------------------------------------
def test_under_zero_the_first_half_of_the_way_is_for_deficits():
    zero = ONE._replace(name="zero")
    assert [share_in_force(zero, s) for s in (0.0, 0.4, 0.5, 0.75, 1.0)] == [0, 0, 0, 0.5, 1]
    assert share_in_force(ONE, 0.4) == 0.4


# --- the routes -------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def world() -> dt.World:
    return random_world(Draw(N=4, J=2, seed=4, theta=(2.0, 8.0), deficit=0.2))


@pytest.fixture(scope="module")
def search(world) -> _Search:
    prepared = prepare(world, CaliendoParro())
    base, policy = prepared.economy, instruments(dt.Policy(world, tariff=0.4))
    closure = Closure("fixed", base.deficit, prepared.own_income)
    problem = Problem(base, policy, prepared.model.kernel(base, policy), closure)
    return _Search(prepared.model, problem, prepared)


def test_routes_in_order(search):
    """Where the fixed point is stopped, Newton goes on from there, and the history with it."""
    z = np.zeros(search.model.size(search.problem.base))
    alone = search.directly(z, "anderson", 1e-11, 3)
    assert alone.method == "anderson"
    assert not alone.converged
    both = search.directly(z, "auto", 1e-11, 3)
    assert both.method == "newton-krylov"
    assert both.converged
    more = len(both.history) - len(alone.history)
    assert more == both.steps > 1
    assert both.history[: len(alone.history)] == alone.history
    # Newton begins where the fixed point stopped
    assert both.history[len(alone.history)] == pytest.approx(
        np.abs(search.residual(alone.value)).max(), rel=1e-12
    )
    first = search.directly(z, "newton-krylov", 1e-11, 3)
    assert first.history[0] == np.abs(search.residual(z)).max()
    assert first.steps == len(first.history)
    np.testing.assert_allclose(first.value, both.value, atol=1e-9)
    enough = search.directly(z, "auto", 1e-11, 400)
    assert enough.method == "anderson"
    np.testing.assert_allclose(enough.value, both.value, atol=1e-9)


def test_phasing_in_is_a_route_of_its_own(search):
    z = np.zeros(search.model.size(search.problem.base))
    stopped = search.directly(z, "anderson", 1e-11, 3)
    phased = search.by_phasing_in(stopped, 1e-11)
    assert phased.converged
    np.testing.assert_allclose(phased.value, search.directly(z, "auto", 1e-11, 400).value,
                               atol=1e-9)  # fmt: skip
    assert phased.history[: len(stopped.history)] == stopped.history
    assert phased.steps == len(phased.history) > stopped.steps


def test_a_point_is_worked_out_once(search, monkeypatch):
    z = np.full(search.model.size(search.problem.base), 0.01)
    assert search.at(z) is search.at(z)
    same = z.copy()  # another vector is another point
    assert search.at(same) is not search.at(z)
    assert search.solvent(z)
    p = search.at(z)
    monkeypatch.setattr(search, "at", lambda z: p._replace(income=p.income * [1, 1, 0, 1]))
    assert not search.solvent(z)
    v = np.linspace(-1, 1, z.size)
    monkeypatch.undo()
    np.testing.assert_array_equal(search.jacobian(z)(v), search.model.tangent(v, p, search.problem))


def test_what_stops_short_says_so(world):
    with pytest.raises(ConvergenceError) as caught:
        dt.simulate(world, dt.Policy(world, tariff=0.9), method="anderson", max_steps=2, tol=1e-9)
    said = str(caught.value)
    assert "after 2 anderson steps" in said
    assert "against 1e-09" in said
    assert "one way only" not in said


def test_an_equilibrium_holds_what_it_was_solved_with(world):
    """Markets that nobody buys in are out of its economy, not out of its table."""
    trade = np.array([[[9.0, 2.0], [1.0, 6.0]], [[4.0, 1.0], [1.0, 3.0]]])
    inputs = np.zeros((2, 2, 2))
    inputs[1, 0] = [5.0, 4.0]  # all of good 1 is used to make good 0
    made = build(trade, inputs=inputs, theta=4.0)
    assert (made.final.sel(sector="s01") == 0).all()
    e = dt.simulate(made, dt.Policy(made, tariff=0.1)).after
    fresh = type(e)(e.model, e.table, e.policy, e.closure, e.point, e.solution)
    np.testing.assert_array_equal(fresh.kernel.A, e.kernel.A)
    np.testing.assert_array_equal(fresh.economy.spending, e.economy.spending)
    assert e.closure.name == "fixed"

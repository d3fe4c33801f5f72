"""Who can produce, sell and balance, on graphs of a few countries that can be drawn on paper."""

from __future__ import annotations

import numpy as np
import pytest

from detente.models.blocks import Instruments, reachable, trade_components
from detente.models.caliendo_parro.economy import Economy
from detente.models.caliendo_parro.equations import evaluate, join
from detente.models.caliendo_parro.existence import ordered, unbalanced
from detente.models.caliendo_parro.kernel import build_kernel, starved
from detente.models.closure import Closure


def links(N: int, *pairs: tuple[int, int]) -> np.ndarray:
    """True where the first buys from the second, and at home."""
    linked = np.eye(N, dtype=bool)
    for buyer, seller in pairs:
        linked[buyer, seller] = True
    return linked


# --- who reaches whom -------------------------------------------------------------------------
def test_reachable_is_the_closure_of_a_chain():
    linked = links(5, (0, 1), (1, 2), (2, 3)) & ~np.eye(5, dtype=bool)
    reach = reachable(linked)
    expected = [[i <= j <= 3 or i == j for j in range(5)] for i in range(5)]
    assert reach.tolist() == expected


def test_components_do_not_see_directions():
    assert trade_components(links(5, (0, 3), (4, 3), (2, 1))).tolist() == [0, 1, 1, 0, 0]
    assert trade_components(links(3)).tolist() == [0, 1, 2]


# --- whether trade can balance ----------------------------------------------------------------
def of(linked, fixed, signs=(0, 0, 0), tolerance=0.5):
    found = unbalanced(linked, np.array(fixed, float), np.array(signs, float), tolerance)
    return None if found is None else (np.flatnonzero(found[0]).tolist(), found[1])


TWO_WAY = ((0, 1), (1, 0), (1, 2), (2, 1))


def test_where_everybody_reaches_everybody_all_can_balance():
    assert of(links(3, *TWO_WAY), [9, -9, 0]) is None


@pytest.mark.parametrize(
    ("fixed", "sign", "expected"),
    [
        (-5, 0, None),  # 2 only sells, and runs a surplus
        (5, 0, ([2], "sell")),
        (0, 0, ([2], "sell")),  # what it sells it must be paid for
        (0, -1, None),  # a free surplus
        (0, 1, ([2], "sell")),
        (5, -1, None),
    ],
)
def test_who_only_sells_must_run_a_surplus(fixed, sign, expected):
    linked = links(3, (0, 1), (1, 0), (0, 2))
    # what is free here is free the other way there
    assert of(linked, [-fixed, 0, fixed], [-sign, 0, sign]) == expected


@pytest.mark.parametrize(
    ("fixed", "sign", "expected"),
    [
        (5, 0, None),  # 2 only buys, and runs a deficit
        (-5, 0, ([2], "buy")),
        (0, 0, ([2], "buy")),
        (0, 1, None),
        (0, -1, ([2], "buy")),
        (-5, 1, None),
    ],
)
def test_who_only_buys_must_run_a_deficit(fixed, sign, expected):
    linked = links(3, (0, 1), (1, 0), (2, 0))
    # what is free here is free the other way there
    assert of(linked, [-fixed, 0, fixed], [-sign, 0, sign]) == expected


@pytest.mark.parametrize(
    ("fixed", "signs", "expected"),
    [
        (0, (0, 0, 0), None),
        (0.5, (0, 0, 0), None),  # as far as the tolerance goes
        (-0.5, (0, 0, 0), None),
        (0.6, (0, 0, 0), ([2], "neither")),
        (-0.6, (0, 0, 0), ([2], "neither")),
        (0, (0, 0, 1), ([2], "neither")),
        (0, (0, 0, -1), ([2], "neither")),
    ],
)
def test_who_is_cut_off_must_balance(fixed, signs, expected):
    assert of(links(3, (0, 1), (1, 0)), [-fixed, 0, fixed], signs) == expected


def test_the_smallest_set_that_cannot_balance_is_named():
    # 1 and 2 sell to 0 only together; 3 alone sells to 0; 3 is the smaller set
    linked = links(4, (1, 2), (2, 1), (0, 1), (0, 3))
    found = unbalanced(linked, np.array([-9.0, 3.0, 1.0, 5.0]), np.zeros(4), 1e-9)
    assert found is not None
    assert (np.flatnonzero(found[0]).tolist(), found[1]) == ([3], "sell")
    # of the two sides of one cut that are as large, the side that sells
    found = unbalanced(linked, np.array([1.0, 3.0, 1.0, -5.0]), np.zeros(4), 1e-9)
    assert found is not None
    assert (np.flatnonzero(found[0]).tolist(), found[1]) == ([1, 2], "sell")
    # surplus of the one outweighs the deficit of the other
    assert unbalanced(linked, np.array([5.0, 3.0, -4.0, -4.0]), np.zeros(4), 1e-9) is None


# --- who can produce and what is ordered ------------------------------------------------------
def economy(pi, gamma=None, alpha=None, tariff=None, theta=None) -> Economy:
    """(J, N, N) shares; gamma (N, user, input)."""
    J, N, _ = pi.shape
    gamma = np.zeros((N, J, J)) if gamma is None else gamma
    alpha = np.full((J, N), 1 / J) if alpha is None else alpha
    return Economy(
        pi, 1 - gamma.sum(axis=2).T, gamma, alpha,
        np.full(J, 4.0) if theta is None else np.array(theta),
        np.zeros_like(pi) if tariff is None else tariff, np.array([3.0, 5.0, 7.0])[:N],
        np.ones((J, N)), np.zeros(N),
    )  # fmt: skip


def levels(base: Economy, tariff=None, tax=None, iceberg=None) -> Instruments:
    tariff = base.tariff if tariff is None else tariff
    return Instruments(tariff, tax, iceberg, np.zeros(base.pi.shape[1]))


def test_a_user_whose_input_nobody_delivers_stops_and_so_do_those_who_need_it():
    """Good 2 goes into good 1, good 1 into good 0. Where good 2 is banned in country 0, its good 1
    stops; nobody else delivers good 1 there, so its good 0 stops too."""
    pi = np.tile(np.eye(2), (3, 1, 1))
    pi[0, 0, 1] = 0.3  # country 0 buys good 0 abroad as well
    gamma = np.zeros((2, 3, 3))
    gamma[:, 1, 2] = gamma[:, 0, 1] = 0.4
    alpha = np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    base = economy(pi, gamma, alpha)
    iceberg = np.ones_like(pi)
    iceberg[2, 0, 0] = np.inf
    k = build_kernel(base, levels(base, iceberg=iceberg))
    assert k.producing.tolist() == [[0, 1], [0, 1], [0, 1]]
    assert k.unserved.tolist() == [[0, 0], [1, 0], [1, 0]]
    assert k.linked.tolist() == [[False, True], [False, True]]
    assert k.group.tolist() == [0, 0]
    assert k.numeraire.tolist() == [8.0]
    assert starved(base, k) == []  # no final buyer wants goods 1 and 2
    wanted = base._replace(alpha=np.full((3, 2), 1 / 3))
    assert starved(wanted, build_kernel(wanted, levels(wanted, iceberg=iceberg))) == [
        (1, 0), (2, 0)]  # fmt: skip
    silent = wanted._replace(spending=np.array([[1.0, 1.0], [0.0, 1.0], [1.0, 1.0]]))
    assert starved(silent, build_kernel(silent, levels(silent, iceberg=iceberg))) == [(2, 0)]


def test_who_sells_to_nobody_does_not_produce():
    pi = np.array([[[0.6, 0.4], [1.0, 0.0]]])
    base = economy(pi)
    k = build_kernel(base, levels(base))
    assert k.producing.tolist() == [[1, 1]]
    iceberg = np.ones_like(pi)
    iceberg[0, 0, 1] = np.inf
    k = build_kernel(base, levels(base, iceberg=iceberg))
    assert k.producing.tolist() == [[1, 0]]
    assert k.unserved.tolist() == [[0, 0]]
    assert k.linked.tolist() == [[True, False], [True, False]]


def test_orders_run_from_final_buyers_through_those_who_sell_to_them():
    """Good 0 is bought for itself in country 0 only; good 1 goes into it, good 2 into good 1."""
    pi = np.tile(np.eye(2), (3, 1, 1))
    gamma = np.zeros((2, 3, 3))
    gamma[:, 0, 1] = gamma[:, 1, 2] = 0.5
    alpha = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    base = economy(pi, gamma, alpha)
    every = np.ones((3, 2), dtype=bool)
    alone = ordered(base, pi > 0, every)
    assert alone.tolist() == [[True, False], [True, False], [True, False]]
    # once country 1 sells good 0 to country 0 its inputs are ordered as well
    linked = pi > 0
    linked[0, 0, 1] = True
    assert ordered(base, linked, every).tolist() == [[True, False], [True, True], [True, True]]
    # unless it cannot produce it
    idle = every.copy()
    idle[0, 1] = False
    assert ordered(base, linked, idle).tolist() == alone.tolist()
    # a good without spending is not ordered, whoever uses it
    none = base._replace(spending=np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 1.0]]))
    assert ordered(none, linked, every).tolist() == [[True, False], [True, True], [False, True]]
    # where every market has a final buyer there is nothing to look for
    full = base._replace(alpha=np.ones((3, 2)))
    assert ordered(full, pi > 0, idle).all()


def test_markets_nobody_buys_in_are_marked_and_closed():
    pi = np.tile(np.eye(2), (2, 1, 1))
    pi[1, 0] = [0.5, 0.5]
    gamma = np.zeros((2, 2, 2))
    gamma[:, 0, 1] = 0.5
    alpha = np.array([[1.0, 0.0], [0.0, 1.0]])
    base = economy(pi, gamma, alpha)
    k = build_kernel(base, levels(base))
    assert k.unused.tolist() == [[0, 1], [0, 0]]
    # country 0 buys good 1 of country 1; good 0 of country 1 is closed, its good 1 is not
    assert k.linked.tolist() == [[True, True], [False, True]]
    assert np.array_equal(k.gamma_by_input, gamma.transpose(0, 2, 1))


# --- kernels ----------------------------------------------------------------------------------
def test_kernels_are_the_printed_powers():
    """A = pi kappa^-theta with kappa = (1+t')(1+e')d/(1+t), up to the scale of a row."""
    rng = np.random.default_rng(2)
    pi = rng.dirichlet(np.ones(3), (2, 3))
    pi[1, 2] = [0.5, 0.5, 0.0]
    base = economy(pi, tariff=rng.uniform(0, 0.3, pi.shape), theta=[3.0, 9.0])
    tariff, tax = rng.uniform(0, 0.5, pi.shape), rng.uniform(-0.1, 0.2, pi.shape)
    iceberg = rng.uniform(0.8, 2.0, pi.shape)
    tax[0] = 0.0
    tariff[0, 1], iceberg[0, 1] = base.tariff[0, 1], 1.0  # a row left alone
    k = build_kernel(base, levels(base, tariff, tax, iceberg))
    kappa = (1 + tariff) * (1 + tax) * iceberg / (1 + base.tariff)
    scale = np.exp(k.row_scale)[:, :, None]
    theta = base.theta[:, None, None]
    np.testing.assert_allclose(k.A / scale, pi * kappa**-theta, rtol=1e-12)
    np.testing.assert_allclose(k.B1 * (1 + tariff), k.A, rtol=1e-14)
    np.testing.assert_allclose(k.B * (1 + tax), k.B1, rtol=1e-14)
    assert k.taxed == (1,)
    # a row is scaled by its smallest rise, among sellers it has
    rise = np.where(pi > 0, theta * np.log(kappa), np.inf)
    np.testing.assert_allclose(k.row_scale, rise.min(axis=2), atol=1e-12)
    assert k.row_scale[0, 1] == 0
    np.testing.assert_array_equal(k.A[0, 1], pi[0, 1])


def test_no_instrument_no_copy():
    base = economy(np.array([[[0.7, 0.3], [0.2, 0.8]]]))
    k = build_kernel(base, levels(base))
    assert k.A is base.pi
    assert k.B is k.B1
    assert k.taxed == ()
    zero = build_kernel(base, levels(base, tax=np.zeros((1, 2, 2)), iceberg=np.ones((1, 2, 2))))
    assert zero.A is base.pi
    assert zero.B is zero.B1
    closed = build_kernel(base, levels(base, iceberg=np.full((1, 2, 2), np.inf)))
    assert closed.A.tolist() == [[[0, 0], [0, 0]]]
    assert closed.row_scale.tolist() == [[0, 0]]


def test_a_common_level_of_wages_and_prices_shifts_prices_and_nothing_else():
    """Costs are homogeneous of degree one. At a level of e^20 and elasticities of 1 and 65 the
    powers of two sectors are e^1280 apart: each must be taken on its own scale."""
    rng = np.random.default_rng(5)
    base = economy(rng.dirichlet(np.ones(3), (2, 3)), theta=[1.0, 65.0])
    k = build_kernel(base, levels(base))
    closure = Closure("fixed", base.deficit, base.value_added)
    at = [evaluate(join(np.full(3, s), np.full((2, 3), s), np.zeros((2, 3))), base, k, closure)
          for s in (0.0, 20.0)]  # fmt: skip
    np.testing.assert_allclose(at[1].log_P_new, at[0].log_P_new + 20.0, rtol=1e-12)
    np.testing.assert_allclose(at[1].Y, at[0].Y, rtol=1e-10)

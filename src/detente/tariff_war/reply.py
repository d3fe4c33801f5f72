"""A best reply from one start: first-order conditions, the second-order test, and onwards."""

from __future__ import annotations

from dataclasses import replace

from detente.models.blocks import Array
from detente.outcome.equilibrium import Equilibrium
from detente.tariff_war.arena import Arena, Rates
from detente.tariff_war.curvature import uphill
from detente.tariff_war.levers import Levers
from detente.tariff_war.objective import Government
from detente.tariff_war.stationary import NOISE, Found, climb, own_errors, stationary

__all__ = ["NO_MAXIMUM", "best_reply"]

ROUNDS = 4
"""Minima and saddles that are left for a higher point before the search gives up."""

NO_MAXIMUM = "no maximum"
"""Status of an end that the second-order test refuses and nothing led on from."""


def best_reply(
    arena: Arena,
    who: Government,
    lv: Levers,
    x: Array,
    *,
    others: Rates | None = None,
    start: Equilibrium | None = None,
    tol: float = 1e-9,
    max_steps: int = 120,
    ascend: bool = False,
) -> Found:
    """The local best reply that a start leads to; ``others`` are the rates of everybody else.

    The first-order conditions are solved from ``x``; where that stalls, an ascent leads on and
    they are solved again. A solution that is a minimum or a saddle
    (:func:`detente.tariff_war.curvature.uphill`) is left uphill. With ``ascend`` the ascent comes
    first, so that the end is never below ``x``. The status is "converged" only for an end that
    passed the test.
    """
    slope = own_errors(arena, [who], [lv])

    def value(e: Equilibrium) -> float:
        return arena.value(who, e)

    def settle(z: Array, at: Equilibrium | None) -> Found:
        return stationary(
            arena, [lv], slope, z, others=others, tol=tol, max_steps=max_steps, start=at
        )

    def rise(z: Array, at: Equilibrium | None) -> Found:
        """Up from ``z``, and to where the conditions hold unless that is lower."""
        up = climb(arena, [lv], value, slope, z, others=others, start=at, max_steps=150)
        if up.at is None:
            return up
        again = settle(up.x, up.at)
        if again.at is not None and value(again.at) >= value(up.at) - NOISE:
            return again
        return replace(up, steps=up.steps + again.steps)

    f = rise(x, start) if ascend else settle(x, start)
    steps = f.steps
    if not f.converged and not ascend:
        stalled, f = f, rise(x, start)
        steps += f.steps
        if stalled.at is not None and (f.at is None or value(stalled.at) > value(f.at) + NOISE):
            f = rise(stalled.x, stalled.at)
            steps += f.steps
    for left in reversed(range(ROUNDS)):
        higher = uphill(arena, [lv], value, slope, f, others=others) if f.converged else None
        if higher is None:
            break
        if left == 0:
            f = replace(f, status=NO_MAXIMUM)
            break
        f = rise(higher.x, higher.at)
        steps += f.steps
    return replace(f, steps=steps)

"""Bargaining over several issues, and between several pairs at once.

``packages`` solves every set of yes-or-no issues between two sides. ``nash_in_nash`` lets many
pairs bargain over their two tariffs and a payment, each taking the others' deals as given (Horn
and Wolinsky 1988; Bagwell, Staiger and Yurukoglu 2020 for tariffs). It has no guarantee to
converge: the residual is reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from detente.errors import ConvergenceError, InputError, NoSolutionError
from detente.games.cells import Payoff, Progress, money, provenance, run_cells
from detente.models.blocks import Array
from detente.outcome import Outcome, simulate
from detente.outcome.gradient import gradient
from detente.policy import Policy
from detente.policy.changes import Change
from detente.policy.draft import amend
from detente.policy.scope import goods, player_list
from detente.policy.wedges import rates

__all__ = ["NashInNash", "Packages", "nash_in_nash", "packages"]

MOST_ISSUES = 8


@dataclass(frozen=True, eq=False)
class Packages:
    """Every package of issues between two sides.

    Attributes
    ----------
    table : one row a package: which issues are in it, both gains (USD billion a year), their
        sum and product, whether both gain, whether no other package is better for both, status
    nash : package with the largest product of gains among those that harm neither; without
        payments. "none" where no package helps both
    efficient : package with the largest sum, which the sides choose where they can pay
    payment_usd_bn : what the first side then pays the second a year, at weight alpha
    """

    sides: tuple[str, str]
    table: pd.DataFrame
    nash: str
    efficient: str
    payment_usd_bn: float
    failed: int
    provenance: Mapping[str, Any]


def packages(
    no_deal: Policy,
    first: str,
    second: str,
    issues: Mapping[str, Sequence[Change]],
    *,
    weight: float = 0.5,
    deficit: str = "fixed",
    payoff: Payoff | None = None,
    progress: Progress | None = None,
) -> Packages:
    """Solve all packages of ``issues`` and pick by Nash product and by sum.

    Parameters
    ----------
    no_deal : the disagreement point
    issues : name -> changes of the policy if it is agreed, applied in this order
    weight : alpha on the first side

    Raises
    ------
    InputError
        No issue, or more than 8 (256 packages).
    """
    names = list(issues)
    if not 1 <= len(names) <= MOST_ISSUES:
        raise InputError(
            f"packages: {len(names)} issues make {2 ** len(names):,} packages; from 1 to "
            f"{MOST_ISSUES} issues are solved"
        )
    sides = player_list(no_deal.world, [first, second], "packages")
    sets = [[n for i, n in enumerate(names) if S >> i & 1] for S in range(2 ** len(names))]
    cells = run_cells(
        [amend(no_deal, [c for n in inside for c in issues[n]]) for inside in sets],
        [" + ".join(inside) or "none" for inside in sets], baseline=no_deal, deficit=deficit,
        payoff=payoff, progress=progress,
    )  # fmt: skip
    usd = cells.of(sides) * cells.income_usd_bn.sel(country=sides).values / 100.0
    product = _product(usd, weight)
    frame = pd.DataFrame({"package": cells.labels})
    for n in names:
        frame[n] = [n in inside for inside in sets]
    a, b = sides
    frame[f"{a}_usd_bn"], frame[f"{b}_usd_bn"] = usd[:, 0], usd[:, 1]
    frame["sum_usd_bn"] = usd.sum(axis=1)
    frame["nash_product"] = product
    frame["both_gain"] = [bool((row >= -1e-9).all()) for row in usd]
    frame["efficient"] = [
        not np.isnan(row).any() and not ((usd >= row).all(axis=1) & (usd > row).any(axis=1)).any()
        for row in usd
    ]
    frame["status"] = list(cells.status)
    total = usd.sum(axis=1)
    best = int(np.nanargmax(total))
    # payment T from first to second so that first keeps alpha of the sum
    payment = float(usd[best, 0] - weight * total[best])
    chosen = int(np.nanargmax(product)) if np.nanmax(product) > 0 else 0
    return Packages(
        (a, b), frame, cells.labels[chosen], cells.labels[best], payment, cells.failed,
        cells.provenance,
    )  # fmt: skip


def _product(usd: Array, weight: float) -> Array:
    """Nash product, zero where a side loses; NaN where a solve failed."""
    clipped = np.clip(usd, 0.0, None)
    value = clipped[:, 0] ** weight * clipped[:, 1] ** (1.0 - weight)
    return np.where(np.isnan(usd).any(axis=1), np.nan, value)


@dataclass(frozen=True, eq=False)
class NashInNash:
    """Deals of several pairs, each a bargain given the others.

    Attributes
    ----------
    table : one row a pair: both tariffs (fraction added to the status quo, goods), the payment
        from first to second, joint gain from having its deal given the others', and the gain
        another pair of tariffs would still bring it
    gains : change of real income of every player against the status quo, percent, payments at par
    residual : largest change of a tariff in the last round, fraction
    regret_usd_bn : largest joint gain a pair still leaves
    converged : residual below the tolerance
    """

    table: pd.DataFrame
    gains: pd.DataFrame
    rounds: int
    residual: float
    regret_usd_bn: float
    converged: bool
    failed: int
    provenance: Mapping[str, Any]
    policy: Policy


def nash_in_nash(
    status_quo: Policy,
    pairs: Iterable[tuple[str, str]],
    *,
    bounds: tuple[float, float] = (-0.05, 0.5),
    weight: float = 0.5,
    damping: float = 0.7,
    rounds: int = 12,
    tol: float = 1e-4,
    deficit: str = "fixed",
    progress: Progress | None = None,
) -> NashInNash:
    """Every pair chooses its two tariffs to maximise its joint real income, others given.

    A pair's instruments are two numbers, what each adds to the status quo on every good of the
    other; payments are free, so that a pair maximises the sum of gains (USD) and then splits it
    by ``weight``. Rounds go through the pairs in order with ``damping``.

    Raises
    ------
    InputError
        A pair named twice or of one country; bounds that exclude the status quo (0).
    """
    from scipy.optimize import minimize

    status_quo.refuse_quotas("nash_in_nash")
    world = status_quo.world
    couples = [tuple(player_list(world, pair, "nash_in_nash")) for pair in pairs]
    _refuse_odd(couples, bounds, damping)
    high = bounds[1]
    sectors = np.array([world.sectors.index(s) for s in goods(world)])
    at = {c: world.countries.index(c) for pair in couples for c in pair}
    income = money(world, status_quo, deficit)
    worth = {c: float(income.sel(country=c)) / 100.0 for c in at}
    added = np.zeros((len(couples), 2))
    failed = 0
    last: Outcome | None = None

    levied = rates(status_quo)

    def outcome(levels: Array) -> Outcome | None:
        nonlocal failed, last
        tariff = levied["tariff"].copy()
        for (a, b), (x, y) in zip(couples, levels, strict=True):
            tariff[sectors, at[a], at[b]] += x
            tariff[sectors, at[b], at[a]] += y
        policy = Policy(
            world, **(levied | {"tariff": tariff}), transfer=status_quo.transfer,
            prohibitive=True,
        )  # fmt: skip
        try:
            last = simulate(world, policy, baseline=status_quo, deficit=deficit, start=last)
        except (NoSolutionError, ConvergenceError):
            failed += 1
            return None
        return last

    def joint(k: int, pair_levels: Array) -> tuple[float, Array]:
        levels = added.copy()
        levels[k] = pair_levels
        out = outcome(levels)
        a, b = couples[k]
        if out is None:
            return 1e6, np.zeros(2)
        value = sum(worth[c] * float(out.real_income.sel(country=c)) for c in (a, b))
        g = gradient(out, {f"real_income[{c}]": worth[c] for c in (a, b)}).values
        slope = [g[sectors, at[a], at[b]].sum(), g[sectors, at[b], at[a]].sum()]
        return -value, -np.array(slope)

    def best(k: int, start: Array) -> tuple[Array, float]:
        found = minimize(
            lambda x: joint(k, x), start, jac=True, method="L-BFGS-B", bounds=[bounds] * 2,
            options={"maxiter": 40, "ftol": 1e-12, "gtol": 1e-7},
        )  # fmt: skip
        return found.x, -float(found.fun)

    residual, done = np.inf, 0
    while done < rounds and residual > tol:
        residual = 0.0
        for k in range(len(couples)):
            x, _ = best(k, added[k])
            step = damping * (x - added[k])
            residual = max(residual, float(np.abs(x - added[k]).max()))
            added[k] = added[k] + step
        done += 1
        if progress is not None:
            progress(done, rounds)
    rows, regret = [], 0.0
    final = outcome(added)
    if final is None:
        raise ConvergenceError("nash_in_nash: the deals reached have no solved equilibrium")
    paid = dict.fromkeys(at, 0.0)
    for k, (a, b) in enumerate(couples):
        here = -joint(k, added[k])[0]
        left = max(best(k, np.array(s))[1] for s in ([0.0, 0.0], [high / 2, high / 2])) - here
        regret = max(regret, left)
        alone = added.copy()
        alone[k] = 0.0
        without = outcome(alone)
        if without is None:
            raise ConvergenceError(f"nash_in_nash: no solve without the deal of {a} and {b}")
        gain = [
            worth[c] * float(final.real_income.sel(country=c) - without.real_income.sel(country=c))
            for c in (a, b)
        ]
        payment = gain[0] - weight * sum(gain)
        paid[a] -= payment
        paid[b] += payment
        rows.append(
            {
                "first": a, "second": b, "first_adds": float(added[k, 0]),
                "second_adds": float(added[k, 1]), "payment_usd_bn": payment,
                "joint_gain_usd_bn": sum(gain), "left_usd_bn": max(0.0, left),
            }
        )  # fmt: skip
    return NashInNash(
        pd.DataFrame(rows), _gains(final, paid, worth), done, residual, max(0.0, regret),
        residual <= tol, failed, provenance(world, status_quo, deficit), final.policy,
    )  # fmt: skip


def _refuse_odd(
    couples: list[tuple[str, ...]], bounds: tuple[float, float], damping: float
) -> None:
    if not couples or len({frozenset(c) for c in couples}) < len(couples):
        raise InputError("nash_in_nash: name one or more pairs, each once")
    low, high = bounds
    if not low <= 0.0 <= high:
        raise InputError(
            f"nash_in_nash: bounds {low:g} to {high:g} exclude the status quo (0); widen them"
        )
    if not 0.0 < damping <= 1.0:
        raise InputError(f"nash_in_nash: damping is {damping}; above 0, at most 1")


def _gains(final: Outcome, paid: dict[str, float], worth: dict[str, float]) -> pd.DataFrame:
    """What each country has from all deals together, payments included."""
    real = {c: float(final.real_income.sel(country=c)) for c in paid}
    return pd.DataFrame(
        [
            {
                "country": c,
                "deals_pct": real[c],
                "payments_usd_bn": paid[c],
                "total_pct": real[c] + paid[c] / worth[c],
            }
            for c in paid
        ]
    )

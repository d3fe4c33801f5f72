"""At which tariff an ally changes sides: crossings, always, never, and what would change that.

Joining changes an ally's log payoff by ``F(t) = ln W(join, t + p) - ln W(stay, t) - s (1 - k)``:
t the leader's tariff on it, p the penalty that follows from signing, s what the security tie is
worth in percent of income and k the share of it that is kept. The two welfare curves are solved
once; s, p and k then cost arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from detente.errors import InputError
from detente.games.cells import Payoff, Progress, run_cells
from detente.models.blocks import Array
from detente.policy import Policy
from detente.policy.changes import Levy, Pact
from detente.policy.draft import amend
from detente.world import World

__all__ = ["Crossing", "Curves", "Tipping", "crossings", "tipping_point", "welfare_curves"]

TOP = 1.45
"""Largest leader's tariff of the scan: the 145% levied on China in April 2025."""


@dataclass(frozen=True)
class Crossing:
    """A root: where, and whether the function rises through it."""

    at: float
    rising: bool


def crossings(
    grid: Sequence[float] | Array,
    values: Sequence[float] | Array,
    function: Callable[[float], float],
    tol: float = 1e-6,
) -> list[Crossing]:
    """Every sign change between neighbours of the grid, refined by bisection.

    A grid value that is exactly zero is a crossing where its neighbours have different signs.
    NaN neighbours (failed solves) give no crossing: nothing is read into a gap. A double root
    between two neighbours is not seen; take a finer grid.
    """
    x, y = np.asarray(grid, dtype=float), np.asarray(values, dtype=float)
    keep = y != 0.0
    found = []
    indices = np.flatnonzero(keep)
    for a, b in pairwise(indices.tolist()):
        if np.isnan(y[a : b + 1]).any() or np.sign(y[a]) == np.sign(y[b]):
            continue
        if b > a + 1:
            found.append(Crossing(float(x[(a + b) // 2]), bool(y[b] > 0)))
            continue
        low, high, sign = float(x[a]), float(x[b]), np.sign(y[a])
        while high - low > tol:
            middle = 0.5 * (low + high)
            value = function(middle)
            if np.isnan(value):
                break
            if np.sign(value) == sign:
                low = middle
            else:
                high = middle
        found.append(Crossing(0.5 * (low + high), bool(y[b] > 0)))
    return found


@dataclass(frozen=True, eq=False)
class Curves:
    """100 ln W of one ally along the leader's tariff, inside and outside the agreement.

    Attributes
    ----------
    country, leader : the ally and who levies
    join, stay : what is in force if it signs and if it does not
    tariff : grid of the leader's tariff on the ally (added to the status quo), fraction
    joined, stayed : log payoffs, percent, on the grid; NaN where a solve failed
    solved, failed : numbers of solves
    """

    country: str
    leader: str
    join: tuple[Pact, ...]
    stay: tuple[Pact, ...]
    tariff: Array
    joined: Array
    stayed: Array
    solved: int
    failed: int
    reasons: Mapping[str, str]
    provenance: Mapping[str, Any]
    _solve: Callable[[bool, float], float] = field(repr=False)
    _cache: dict[tuple[bool, float], float] = field(default_factory=dict, repr=False)

    def log_payoff(self, join: bool, tariff: float, exact: bool = True) -> float:
        """100 ln W, percent: solved there, or between the grid's values by a cubic that keeps
        their order (error well below 1e-3 of the span on the default grid)."""
        if not exact:
            return float(self._between(join)(tariff))
        key = (join, float(tariff))
        if key not in self._cache:
            self._cache[key] = self._solve(join, float(tariff))
        return self._cache[key]

    def _between(self, join: bool):
        from scipy.interpolate import PchipInterpolator

        y = self.joined if join else self.stayed
        ok = ~np.isnan(y)
        return PchipInterpolator(self.tariff[ok], y[ok], extrapolate=False)

    def trade_gain(self, tariff: Any, penalty: float = 0.0) -> Array:
        """100 [ln W(join, t + p) - ln W(stay, t)], percent, interpolated; NaN off the grid."""
        t = np.asarray(tariff, dtype=float)
        return self._between(True)(t + penalty) - self._between(False)(t)

    def answer(
        self,
        *,
        security_pct: float = 0.0,
        kept: float = 0.0,
        penalty: float = 0.0,
        top: float = TOP,
        exact: bool = True,
        tol: float = 1e-5,
    ) -> Tipping:
        """Where joining starts (or stops) to pay.

        Parameters
        ----------
        security_pct : s, worth of the security tie, percent of income
        kept : share of the tie that remains after signing, 0 to 1
        penalty : what the leader adds to its tariff on a signer, fraction
        exact : refine crossings by solving; otherwise between grid values

        Raises
        ------
        InputError
            A share outside 0 to 1, a penalty for which the curves were not solved.
        """
        if not 0.0 <= kept <= 1.0:
            raise InputError(f"tipping: kept is {kept}; it is a share, from 0 to 1")
        if not np.isfinite(security_pct):
            raise InputError(f"tipping: security_pct is {security_pct}")
        highest = float(self.tariff[-1])
        if not 0.0 <= penalty <= highest - top + 1e-9:
            raise InputError(
                f"tipping: a penalty of {penalty:g} with a tariff up to {top:g} needs curves up "
                f"to {top + penalty:g}; they were solved to {highest:g}. Raise largest_penalty"
            )
        cost = security_pct * (1.0 - kept)
        grid = self.tariff[self.tariff <= top + 1e-12]
        gain = self.trade_gain(grid, penalty)
        bad = np.isnan(self.stayed[: len(grid)])
        gain[bad] = np.nan

        def net(t: float) -> float:
            if not exact:
                return float(self.trade_gain(t, penalty)) - cost
            return self.log_payoff(True, t + penalty) - self.log_payoff(False, t) - cost

        found = crossings(grid, gain - cost, net, tol)
        return _verdict(self, grid, gain, cost, security_pct, kept, penalty, top, found)

    def map(
        self, securities_pct: Sequence[float], penalties: Sequence[float], top: float = TOP
    ) -> pd.DataFrame:
        """Verdict and first switching tariff for each security weight and penalty."""
        rows = []
        for s in securities_pct:
            for p in penalties:
                a = self.answer(security_pct=s, penalty=p, top=top, exact=False)
                first = 100 * a.crossings[0].at if a.crossings else np.nan
                rows.append(
                    {"security_pct": s, "penalty_pct": 100 * p, "verdict": a.verdict,
                     "switch_tariff_pct": first, "no_crossing_above_pct": a.no_crossing_above_pct}
                )  # fmt: skip
        return pd.DataFrame(rows)


@dataclass(frozen=True, eq=False)
class Tipping:
    """The switch point of one ally, given security weight and penalty.

    Attributes
    ----------
    verdict : "crossings", "always" (joining pays over the whole range), "never" or "undecided"
        (failed solves leave a gap)
    crossings : tariffs as fractions; rising ones are where joining starts to pay
    table : tariff_pct, trade_gain_pct, security_cost_pct, net_pct
    no_crossing_above_pct : security weight (net of what is kept) above which joining never pays
    no_crossing_below_pct : weight below which joining always pays
    nearest : what would create a crossing where there is none: parameter -> value
    text : the verdict in a sentence
    """

    country: str
    leader: str
    verdict: str
    crossings: tuple[Crossing, ...]
    table: pd.DataFrame
    security_pct: float
    kept: float
    penalty: float
    no_crossing_above_pct: float
    no_crossing_below_pct: float
    nearest: Mapping[str, float]
    failed: int
    text: str


def welfare_curves(
    where: World | Policy,
    country: str,
    join: Pact | Iterable[Pact],
    *,
    stay: Iterable[Pact] = (),
    leader: str = "USA",
    targets: str | tuple[str, ...] | None = None,
    top: float = TOP,
    largest_penalty: float = 0.0,
    points: int = 30,
    sectors: tuple[str, ...] | None = None,
    deficit: str = "fixed",
    payoff: Payoff | None = None,
    progress: Progress | None = None,
) -> Curves:
    """Solve the ally's payoff along the leader's tariff, inside and outside the agreement.

    Parameters
    ----------
    where : the status quo
    join, stay : agreements in force if it signs and if it does not (for instance the pact of
        the others)
    targets : whose goods the leader's tariff falls on; the ally's alone by default
    largest_penalty : how far beyond ``top`` the curves go
    points : of the grid, denser at low tariffs, where the curves bend

    Raises
    ------
    InputError
        An agreement that the ally does not sign; the ally is the leader.
    """
    policy = where if isinstance(where, Policy) else Policy(where)
    world = policy.world
    (ally,) = _one(world, country, "country")
    (head,) = _one(world, leader, "leader")
    joined = (join,) if isinstance(join, Pact) else tuple(join)
    stayed = tuple(stay)
    if ally == head:
        raise InputError(f"tipping: {ally} cannot be its own leader")
    if not any(ally in world.country_list(list(a.members)) for a in joined):
        raise InputError(
            f"tipping: {ally} is a member of none of {', '.join(a.name for a in joined)}"
        )
    end = top + largest_penalty
    grid = np.unique(np.append(end * np.linspace(0.0, 1.0, points) ** 1.5, top))
    on = targets or (ally,)

    def make(joins: bool, t: float) -> Policy:
        levy = [Levy(head, on, t, sectors)] if t else []
        return amend(policy, [*(joined if joins else stayed), *levy])

    at = world.countries.index(ally)
    labels = [(j, float(t)) for j in (True, False) for t in grid]
    cells = run_cells(
        [make(*x) for x in labels], [f"{'join' if j else 'stay'} {t:.6f}" for j, t in labels],
        baseline=policy, deficit=deficit, payoff=payoff, progress=progress,
    )  # fmt: skip
    values = cells.log[:, at]

    def solve(joins: bool, t: float) -> float:
        one = run_cells([make(joins, t)], baseline=policy, deficit=deficit, payoff=payoff)
        return float(one.log[0, at])

    cache = {key: float(v) for key, v in zip(labels, values, strict=True)}
    n = len(grid)
    return Curves(
        ally, head, joined, stayed, grid, values[:n], values[n:], len(labels), cells.failed,
        cells.reasons, cells.provenance, solve, cache,
    )  # fmt: skip


def tipping_point(
    where: World | Policy,
    country: str,
    join: Pact | Iterable[Pact],
    *,
    security_pct: float = 0.0,
    kept: float = 0.0,
    penalty: float = 0.0,
    top: float = TOP,
    **options: Any,
) -> Tipping:
    """At which leader's tariff joining pays; :func:`welfare_curves` and its ``answer`` at once."""
    curves = welfare_curves(
        where, country, join, top=top, largest_penalty=max(penalty, 0.0), **options
    )
    return curves.answer(security_pct=security_pct, kept=kept, penalty=penalty, top=top)


# --- the verdict --------------------------------------------------------------------------------
def _verdict(
    curves: Curves, grid: Array, gain: Array, cost: float, security: float, kept: float,
    penalty: float, top: float, found: list[Crossing],
) -> Tipping:  # fmt: skip
    net = gain - cost
    table = pd.DataFrame(
        {
            "tariff_pct": 100 * grid,
            "trade_gain_pct": gain,
            "security_cost_pct": cost,
            "net_pct": net,
        }
    )
    known = gain[~np.isnan(gain)]
    high, low = (float(known.max()), float(known.min())) if len(known) else (np.nan, np.nan)
    if found:
        verdict = "crossings"
    elif np.isnan(net).any() or not len(known):
        verdict = "undecided"
    else:
        verdict = "always" if (net >= 0).all() else "never" if (net <= 0).all() else "undecided"
    nearest: dict[str, float] = {}
    if verdict in ("never", "always"):
        edge = high if verdict == "never" else low
        nearest["security_pct"] = edge / (1.0 - kept) if kept < 1.0 else np.nan
        if security > 0 and 0.0 <= 1.0 - edge / security <= 1.0:
            nearest["kept"] = 1.0 - edge / security
        at = _nearest_penalty(curves, grid, cost, penalty, top)
        if at is not None:
            nearest["penalty"] = at
    return Tipping(
        curves.country, curves.leader, verdict, tuple(found), table, security, kept, penalty,
        high, low, nearest, curves.failed,
        _text(curves, verdict, found, security, kept, penalty, top, high, nearest),
    )  # fmt: skip


def _nearest_penalty(
    curves: Curves, grid: Array, cost: float, penalty: float, top: float
) -> float | None:
    """The penalty closest to the one given at which the net gain changes sign on the range."""
    highest = float(curves.tariff[-1]) - top
    options = np.linspace(0.0, max(highest, penalty), 101)
    best = None
    for p in options[np.argsort(np.abs(options - penalty), kind="stable")]:
        net = curves.trade_gain(grid, float(p)) - cost
        net = net[~np.isnan(net)]
        if len(net) and net.min() < 0 < net.max():
            best = float(p)
            break
    return best


def _text(
    curves: Curves, verdict: str, found: list[Crossing], security: float, kept: float,
    penalty: float, top: float, high: float, nearest: Mapping[str, float],
) -> str:  # fmt: skip
    given = f"with a security tie worth {security:g}% of income ({kept:.0%} of it kept)"
    given += f" and a penalty of {100 * penalty:g} points"
    who, head = curves.country, curves.leader
    if verdict == "crossings":
        steps = ", ".join(
            f"{'joins' if c.rising else 'stays out'} above {100 * c.at:.1f}%" for c in found
        )
        return f"{who} {steps} of {head} tariff, {given}"
    span = f"at any {head} tariff from 0 to {100 * top:g}%"
    if verdict == "always":
        return f"signing always pays for {who} {span}, {given}"
    if verdict == "never":
        text = f"signing never pays for {who} {span}, {given}"
        if high > 0:
            return text + f"; a tie worth less than {nearest['security_pct']:.3g}% would change it"
        if "penalty" in nearest:
            return text + f"; a penalty of {100 * nearest['penalty']:.3g} points would change it"
        return text + "; the agreement itself brings no gain, so that no security weight changes it"
    return f"undecided for {who}: {curves.failed} solves failed"


def _one(world: World, name: str, what: str) -> list[str]:
    found = world.country_list(name, f"tipping: {what}")
    if len(found) != 1:
        raise InputError(f"tipping: {what} {name!r} stands for {len(found)} countries; name one")
    return found

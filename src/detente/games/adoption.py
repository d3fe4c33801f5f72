"""Several allies at once: how many sign when each looks at the others.

Each signs with probability ``1 / (1 + exp(-rho F))``. F depends on who else signs; with every
other ally signing independently with probability x, its mean is a polynomial in x, and x' =
Phi(x) may have several fixed points. Where Phi' > 1 a fixed point is a tipping point: below it
adoption unravels, above it spreads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from detente.errors import InputError
from detente.games.cells import Payoff, Progress, run_cells
from detente.games.tipping import TOP, crossings
from detente.models.blocks import Array
from detente.policy import Policy
from detente.policy.changes import Levy, Pact
from detente.policy.draft import amend
from detente.policy.scope import player_list
from detente.world import World

__all__ = ["Adoption", "FixedPoint", "adoption_game", "fixed_points", "hysteresis", "logistic"]


def logistic(F: Any, rho: float) -> Any:
    """1 / (1 + exp(-rho F)): 1/2 for rho -> 0, a step for a large one."""
    return 0.5 * (1.0 + np.tanh(0.5 * rho * np.asarray(F, dtype=float)))


@dataclass(frozen=True)
class FixedPoint:
    """x = Phi(x); stable where the slope is below one in size."""

    x: float
    slope: float
    stable: bool


def fixed_points(phi: Callable[[float], float], points: int = 2001) -> list[FixedPoint]:
    """Every fixed point of ``phi`` on [0, 1] that a scan sees, refined by bisection.

    A fixed point where ``phi(x) - x`` does not change sign (a tangency) is not seen, unless it
    lies on the grid.
    """
    grid = np.linspace(0.0, 1.0, points)
    gap = np.array([phi(float(x)) - float(x) for x in grid])
    roots = [c.at for c in crossings(grid, gap, lambda x: phi(x) - x, 1e-13)]
    near = 1e-12
    roots += [float(x) for x, g in zip(grid, gap, strict=True) if abs(g) <= near]
    found: list[FixedPoint] = []
    for x in sorted(roots):
        if found and abs(x - found[-1].x) < 1e-9:
            continue
        h = 1e-6
        a, b = max(0.0, x - h), min(1.0, x + h)
        slope = (phi(b) - phi(a)) / (b - a)
        found.append(FixedPoint(x, slope, abs(slope) < 1.0))
    return found


def hysteresis(
    phi: Callable[[float, float], float], values: Sequence[float], steps: int = 5000
) -> pd.DataFrame:
    """Follow the state up and down a parameter.

    At each value the map ``x' = phi(x, value)`` is iterated from where the last one ended,
    upwards from the lowest value and then back. Columns: value, up, down, gap; a gap that is not
    zero is hysteresis: what is adopted at a tariff depends on where one came from.
    """
    order = np.sort(np.asarray(values, dtype=float))

    def walk(sequence: Array, x: float) -> dict[float, float]:
        out = {}
        for value in sequence:
            for _ in range(steps):
                new = phi(x, float(value))
                done = abs(new - x) < 1e-13
                x = new
                if done:
                    break
            out[float(value)] = x
        return out

    up = walk(order, 0.0)
    down = walk(order[::-1], 1.0)
    frame = pd.DataFrame({"value": order})
    frame["up"] = [up[float(v)] for v in order]
    frame["down"] = [down[float(v)] for v in order]
    frame["gap"] = frame["down"] - frame["up"]
    return frame


@dataclass(frozen=True, eq=False)
class Adoption:
    """Net gains of several allies from signing, by who else signs and the leader's tariff.

    Attributes
    ----------
    allies, hub, leader : who may sign, with whom, and who levies
    tariff : grid of the leader's tariff, fraction
    gain : (tariffs, coalitions, allies), 100 [ln W(sign) - ln W(not)] given which others sign
        (the same in the row with and without the ally); NaN where a solve failed
    security_pct : cost of signing for each ally, percent of income
    relief : share of that cost that goes when all others sign too, 0 to 1 (safety in numbers)
    """

    allies: tuple[str, ...]
    hub: str
    leader: str
    tariff: Array
    gain: Array
    penalty: float
    solved: int
    failed: int
    provenance: Mapping[str, Any]
    security_pct: Mapping[str, float] = field(default_factory=dict)
    relief: float = 0.0

    def assume(self, security_pct: Mapping[str, float], relief: float = 0.0) -> Adoption:
        """The same solves under other security costs."""
        for who in security_pct:
            if who not in self.allies:
                raise InputError(f"adoption: {who} is not among {', '.join(self.allies)}")
        if not 0.0 <= relief <= 1.0:
            raise InputError(f"adoption: relief is {relief}; it is a share, from 0 to 1")
        return replace(self, security_pct=dict(security_pct), relief=relief)

    def net(self, tariff: float) -> Array:
        """(coalitions, allies) net gain from signing at a tariff, percent, between the grid's
        values by straight lines."""
        k = len(self.allies)
        flat = self.gain.reshape(len(self.tariff), -1)
        gain = np.array([np.interp(tariff, self.tariff, y) for y in flat.T]).reshape(-1, k)
        others = np.zeros_like(gain)
        S = np.arange(len(gain))
        for i in range(k):
            others[:, i] = [int(s & ~(1 << i)).bit_count() for s in S]
        cost = np.array([self.security_pct.get(a, 0.0) for a in self.allies])
        share = others / max(k - 1, 1)
        return gain - cost * (1.0 - self.relief * share)

    def equilibria(self, tariff: float, tol: float = 1e-7) -> list[str]:
        """Sets of signers from which nobody moves alone (pure Nash equilibria)."""
        net = self.net(tariff)
        _refuse_gaps(net)
        found = []
        for S, row in enumerate(net):
            inside = [bool(S >> i & 1) for i in range(len(self.allies))]
            if all(g >= -tol if here else g <= tol for g, here in zip(row, inside, strict=True)):
                names = [a for a, here in zip(self.allies, inside, strict=True) if here]
                found.append(" + ".join(names) or "none")
        return found

    def phi(self, x: float, tariff: float, rho: float) -> float:
        """Share that signs when every other ally signs with probability ``x``."""
        net = self.net(tariff)
        _refuse_gaps(net)
        k = len(self.allies)
        S = np.arange(len(net))
        total = 0.0
        for i in range(k):
            without = S[S >> i & 1 == 0]
            size = np.array([int(s).bit_count() for s in without])
            chance = x**size * (1.0 - x) ** (k - 1 - size)
            total += float(logistic(chance @ net[without, i], rho))
        return total / k

    def fixed_points(self, tariff: float, rho: float) -> list[FixedPoint]:
        """Shares of signers that reproduce themselves; unstable ones are tipping points."""
        return fixed_points(lambda x: self.phi(x, tariff, rho), 201)

    def hysteresis(self, rho: float, tariffs: Sequence[float] | None = None) -> pd.DataFrame:
        """Share of signers as the leader's tariff rises and falls back."""
        values = self.tariff if tariffs is None else tariffs
        return hysteresis(lambda x, t: self.phi(x, t, rho), list(values))


def adoption_game(
    where: World | Policy,
    allies: Iterable[str],
    hub: str = "CHN",
    *,
    leader: str = "USA",
    among_allies: bool = True,
    terms: Pact | None = None,
    tariffs: Sequence[float] = (0.0, 0.1, 0.25, 0.5, 1.0, TOP),
    penalty: float = 0.0,
    sectors: tuple[str, ...] | None = None,
    deficit: str = "fixed",
    payoff: Payoff | None = None,
    progress: Progress | None = None,
) -> Adoption:
    """Solve every set of signers at several tariffs of the leader.

    Those who sign share one agreement with the hub (and with each other, ``among_allies``). The
    leader levies ``tariff`` on every ally and ``penalty`` more on those who sign.

    Raises
    ------
    InputError
        More than six allies (64 sets a tariff), or the hub among them.
    """
    policy = where if isinstance(where, Policy) else Policy(where)
    names = player_list(policy.world, [leader, hub, *allies], "adoption")
    head, centre, players = names[0], names[1], tuple(names[2:])
    k = len(players)
    if not 1 <= k <= 6:
        raise InputError(f"adoption: {k} allies make {2**k} sets a tariff; from 1 to 6 are solved")
    grid = np.sort(np.asarray(tariffs, dtype=float))
    if len(grid) < 2 or len(set(grid.tolist())) < len(grid):
        raise InputError("adoption: name two different tariffs or more")
    model = terms or Pact((centre, players[0]))
    policies = []
    for t in grid:
        for S in range(2**k):
            inside = [p for i, p in enumerate(players) if S >> i & 1]
            groups = (
                [(centre, *inside)] if among_allies and inside else [(centre, p) for p in inside]
            )
            changes: list[Pact | Levy] = [replace(model, members=g, costs_pct={}) for g in groups]
            for p in players:
                rate = float(t) + (penalty if p in inside else 0.0)
                if rate:
                    changes.append(Levy(head, p, rate, sectors))
            policies.append(amend(policy, changes))
    cells = run_cells(policies, baseline=policy, deficit=deficit, payoff=payoff, progress=progress)
    logs = cells.log[:, [policy.world.countries.index(p) for p in players]]
    logs = logs.reshape(len(grid), 2**k, k)
    gain = np.empty_like(logs)
    S = np.arange(2**k)
    for i in range(k):
        gain[:, :, i] = logs[:, S | 1 << i, i] - logs[:, S & ~(1 << i), i]
    return Adoption(
        players, centre, head, grid, gain, penalty, len(policies), cells.failed, cells.provenance
    )


def _refuse_gaps(net: Array) -> None:
    if np.isnan(net).any():
        raise InputError(
            "adoption: a solve failed at this tariff, and a failed solve is not a payoff; leave "
            "the tariff out of the grid"
        )

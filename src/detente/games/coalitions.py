"""A coalition against an outsider: who joins, who stays out, and what flips it.

A leader levies a tariff on a target and invites others to do the same. The target may retaliate
on those who join, the leader may penalise those who do not. A coalition holds where no member
gains by leaving (internal stability) and nobody outside gains by joining (external stability),
as in d'Aspremont et al. (1983) and Barrett (1994); both flip variables are always part of the
answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from detente.errors import InputError
from detente.games.cells import Payoff, Progress, run_cells
from detente.games.characteristic import CooperativeGame
from detente.models.blocks import Array
from detente.policy import Policy
from detente.policy.changes import Levy
from detente.policy.draft import amend
from detente.policy.scope import player_list
from detente.world import World

__all__ = ["Encirclement", "Threshold", "coalition_values", "encirclement", "threshold"]

MOST_INVITED = 8


@dataclass(frozen=True, eq=False)
class Encirclement:
    """Payoffs of every coalition at every pair of retaliation and penalty.

    Attributes
    ----------
    leader, target : countries
    invited : those who may join; coalition numbers have a bit for each, in this order
    payoff : percent of income against the status quo; dims retaliation, penalty, coalition,
        country (leader, invited, target); NaN where a solve failed
    income_usd_bn : by country
    tariff : what members levy on the target, fraction
    security_pct : what standing with the leader is worth to a joiner, percent of income
    solved, failed : numbers of solves
    reasons : messages of failed solves
    """

    leader: str
    target: str
    invited: tuple[str, ...]
    payoff: xr.DataArray
    income_usd_bn: xr.DataArray
    tariff: float
    security_pct: Mapping[str, float]
    solved: int
    failed: int
    reasons: Mapping[str, str]
    provenance: Mapping[str, Any]
    tol: float = 1e-7

    def name(self, coalition: int) -> str:
        """ "USA + JPN + KOR"."""
        inside = [c for i, c in enumerate(self.invited) if coalition >> i & 1]
        return " + ".join([self.leader, *inside])

    def with_security(self, security_pct: Mapping[str, float]) -> Encirclement:
        """The same solves under another value of standing with the leader."""
        _known(security_pct, self.invited)
        return replace(self, security_pct=dict(security_pct))

    def gain_from_joining(self, retaliation: float, penalty: float) -> Array:
        """(coalitions, invited): what each gains by being in, given who else is; the same in
        the row with and without it."""
        u = self.payoff.sel(retaliation=retaliation, penalty=penalty, method="nearest")
        u = u.sel(country=list(self.invited)).values
        S = np.arange(len(u))
        out = np.empty_like(u)
        for i, who in enumerate(self.invited):
            out[:, i] = u[S | 1 << i, i] - u[S & ~(1 << i), i] + self.security_pct.get(who, 0.0)
        return out

    def stable(self, retaliation: float, penalty: float) -> tuple[list[int], list[int]]:
        """Coalitions that hold, and those that cannot be decided because a solve failed."""
        gain = self.gain_from_joining(retaliation, penalty)
        S = np.arange(len(gain))[:, None] >> np.arange(len(self.invited)) & 1
        breaks = np.where(S == 1, gain < -self.tol, gain > self.tol)
        unknown = np.isnan(gain)
        broken = (breaks & ~unknown).any(axis=1)
        undecided = unknown.any(axis=1) & ~broken
        return (
            np.flatnonzero(~broken & ~undecided).tolist(),
            np.flatnonzero(undecided).tolist(),
        )

    @property
    def map(self) -> pd.DataFrame:
        """One row a cell of the grid: the stable coalitions, the largest, and for each country
        "joins", "stays out", "either" (some stable coalitions hold it, others do not), "none"
        (no coalition is stable) or "undecided"."""
        rows = []
        for r in self.payoff["retaliation"].values:
            for p in self.payoff["penalty"].values:
                stable, undecided = self.stable(float(r), float(p))
                row: dict[str, Any] = {
                    "retaliation_pct": 100 * float(r),
                    "penalty_pct": 100 * float(p),
                    "stable": "; ".join(self.name(S) for S in stable),
                    "stable_coalitions": len(stable),
                    "largest": self.name(max(stable, key=int.bit_count)) if stable else "",
                    "undecided": len(undecided),
                }
                for i, who in enumerate(self.invited):
                    inside = {bool(S >> i & 1) for S in stable}
                    if undecided:
                        row[who] = "undecided"
                    elif not inside:
                        row[who] = "none"
                    elif len(inside) == 2:
                        row[who] = "either"
                    else:
                        row[who] = "joins" if inside == {True} else "stays out"
                rows.append(row)
        return pd.DataFrame(rows)

    def payoffs(self, retaliation: float, penalty: float) -> pd.DataFrame:
        """One row a coalition: payoff of leader, invited and target in percent, and stability."""
        u = self.payoff.sel(retaliation=retaliation, penalty=penalty, method="nearest")
        countries = [str(c) for c in u["country"].values]
        frame = pd.DataFrame(u.values, columns=[f"{c}_pct" for c in countries])
        stable, undecided = self.stable(retaliation, penalty)
        frame.insert(0, "coalition", [self.name(S) for S in range(len(frame))])
        state = ["unstable"] * len(frame)
        for S in stable:
            state[S] = "stable"
        for S in undecided:
            state[S] = "undecided"
        frame["verdict"] = state
        return frame

    def side_payment(self, retaliation: float, penalty: float) -> pd.DataFrame:
        """What would keep each invited country in the coalition of all: ``max(0, gain from
        leaving)``, USD billion a year at par, beside what the leader gains by that coalition."""
        gain = self.gain_from_joining(retaliation, penalty)[-1]
        worth = self.income_usd_bn.sel(country=list(self.invited)).values / 100.0
        frame = pd.DataFrame(
            {
                "country": list(self.invited),
                "gain_from_staying_pct": gain,
                "needs_usd_bn": np.maximum(0.0, -gain * worth),
            }
        )
        u = self.payoff.sel(retaliation=retaliation, penalty=penalty, method="nearest")
        u = u.sel(country=self.leader).values
        frame.attrs["leader_gain_usd_bn"] = float(
            (u[-1] - u[0]) * self.income_usd_bn.sel(country=self.leader) / 100.0
        )
        frame.attrs["needed_usd_bn"] = float(frame["needs_usd_bn"].sum())
        return frame


def encirclement(
    where: World | Policy,
    leader: str = "USA",
    target: str = "CHN",
    invited: Iterable[str] = ("JPN", "KOR", "VNM", "IND"),
    *,
    tariff: float = 0.25,
    leader_tariff: float | None = None,
    answer: float = 0.0,
    retaliation: Sequence[float] = (0.0, 0.1, 0.25),
    penalty: Sequence[float] = (0.0, 0.1, 0.25),
    security_pct: Mapping[str, float] | None = None,
    sectors: tuple[str, ...] | None = None,
    deficit: str = "fixed",
    payoff: Payoff | None = None,
    progress: Progress | None = None,
) -> Encirclement:
    """Solve every coalition on a grid of the two flip variables.

    Parameters
    ----------
    where : the status quo
    tariff : what joiners add on the target's goods, fraction
    leader_tariff : what the leader adds (the same by default), whoever joins
    answer : what the target adds on the leader's goods
    retaliation : what the target adds on the goods of each joiner
    penalty : what the leader adds on the goods of each who was invited and stays out
    security_pct : what standing with the leader is worth to a joiner, percent of income

    Raises
    ------
    InputError
        Leader or target among the invited, more than 8 invited (name fewer), an empty or
        repeated grid.
    """
    policy = where if isinstance(where, Policy) else Policy(where)
    world = policy.world
    names = tuple(player_list(world, [leader, target, *invited], "encirclement"))
    leader, target, joiners = names[0], names[1], names[2:]
    if not 1 <= len(joiners) <= MOST_INVITED:
        raise InputError(
            f"encirclement: {len(joiners)} invited make {2 ** len(joiners)} coalitions a cell; "
            f"from 1 to {MOST_INVITED} are worked out"
        )
    grids = {"retaliation": _grid("retaliation", retaliation), "penalty": _grid("penalty", penalty)}
    _known(security_pct or {}, joiners)
    own = tariff if leader_tariff is None else leader_tariff
    cells: dict[tuple[int, float, float], Policy] = {}
    full = 2 ** len(joiners) - 1
    for r in grids["retaliation"]:
        for p in grids["penalty"]:
            for S in range(full + 1):
                key = _key(S, full, r, p)
                if key not in cells:
                    spec = _Spec(leader, target, joiners, tariff, own, answer, sectors)
                    cells[key] = spec.policy(policy, *key)
    solved = run_cells(
        list(cells.values()), [str(k) for k in cells], baseline=policy, deficit=deficit,
        payoff=payoff,
        progress=progress,
    )  # fmt: skip
    position = {key: i for i, key in enumerate(cells)}
    countries = [leader, *joiners, target]
    values = solved.of(countries)
    grid = np.empty((len(grids["retaliation"]), len(grids["penalty"]), full + 1, len(countries)))
    for a, r in enumerate(grids["retaliation"]):
        for b, p in enumerate(grids["penalty"]):
            for S in range(full + 1):
                grid[a, b, S] = values[position[_key(S, full, r, p)]]
    return Encirclement(
        leader, target, joiners,
        xr.DataArray(
            grid, {**grids, "coalition": range(full + 1), "country": countries},
            ("retaliation", "penalty", "coalition", "country"), attrs={"unit": "percent"},
        ),
        solved.income_usd_bn, tariff, dict(security_pct or {}), len(cells), solved.failed,
        solved.reasons, solved.provenance,
    )  # fmt: skip


@dataclass(frozen=True)
class Threshold:
    """Where the coalition of all stops (or starts) to hold as one variable rises.

    Attributes
    ----------
    vary : "retaliation" or "penalty"
    values : crossings, fractions; at the first of a rising retaliation it breaks
    holds_at_zero, holds_at_top : whether it holds at the ends of the range
    weakest : the country whose gain from staying is smallest at each crossing
    failed : solves that failed
    """

    vary: str
    values: tuple[float, ...]
    holds_at_zero: bool
    holds_at_top: bool
    weakest: tuple[str, ...]
    failed: int


def threshold(
    where: World | Policy,
    leader: str = "USA",
    target: str = "CHN",
    invited: Iterable[str] = ("JPN", "KOR", "VNM", "IND"),
    *,
    vary: str = "retaliation",
    top: float = 1.45,
    points: int = 9,
    tariff: float = 0.25,
    leader_tariff: float | None = None,
    answer: float = 0.0,
    retaliation: float = 0.0,
    penalty: float = 0.0,
    security_pct: Mapping[str, float] | None = None,
    sectors: tuple[str, ...] | None = None,
    deficit: str = "fixed",
    payoff: Payoff | None = None,
    tol: float = 1e-4,
) -> Threshold:
    """At which retaliation (or penalty) the coalition of all breaks (or begins to hold).

    Raises
    ------
    UnknownNameError
        ``vary`` is something else.
    """
    from detente.errors import UnknownNameError
    from detente.games.tipping import crossings

    if vary not in ("retaliation", "penalty"):
        raise UnknownNameError.of("flip variable", vary, ("retaliation", "penalty"), "threshold")
    policy = where if isinstance(where, Policy) else Policy(where)
    names = tuple(player_list(policy.world, [leader, target, *invited], "threshold"))
    joiners = names[2:]
    full = 2 ** len(joiners) - 1
    own = tariff if leader_tariff is None else leader_tariff
    spec = _Spec(names[0], names[1], joiners, tariff, own, answer, sectors)
    failed = 0
    lowest: dict[float, str] = {}

    def slack(x: float) -> float:
        nonlocal failed
        r, p = (x, penalty) if vary == "retaliation" else (retaliation, x)
        without = [full & ~(1 << i) for i in range(len(joiners))]
        cells = run_cells(
            [spec.policy(policy, *_key(S, full, r, p)) for S in [full, *without]],
            baseline=policy, deficit=deficit, payoff=payoff,
        )  # fmt: skip
        failed += cells.failed
        u = cells.of(joiners)
        gain = np.array(
            [u[0, i] - u[1 + i, i] + (security_pct or {}).get(c, 0.0)
             for i, c in enumerate(joiners)]
        )  # fmt: skip
        if not np.isnan(gain).any():
            lowest[x] = joiners[int(gain.argmin())]
        return float(gain.min())

    grid = np.linspace(0.0, top, points)
    values = np.array([slack(float(x)) for x in grid])
    found = crossings(grid, values, slack, tol)
    weakest = tuple(lowest[min(lowest, key=lambda x, at=c.at: abs(x - at))] for c in found)
    return Threshold(
        vary, tuple(c.at for c in found), bool(values[0] >= 0), bool(values[-1] >= 0), weakest,
        failed,
    )  # fmt: skip


def coalition_values(
    where: World | Policy,
    players: Iterable[str],
    target: str = "CHN",
    *,
    tariff: float = 0.25,
    retaliation: float = 0.0,
    voluntary: bool = True,
    sectors: tuple[str, ...] | None = None,
    deficit: str = "fixed",
    payoff: Payoff | None = None,
    progress: Progress | None = None,
) -> CooperativeGame:
    """What each coalition gets when its members, and nobody else, levy ``tariff`` on the target.

    v(S) is the sum of its members' changes of real income in USD billion a year; outsiders act
    alone and keep the status quo (the gamma assumption). The target adds ``retaliation`` on the
    goods of each country that levies. With ``voluntary`` a coalition chooses which of its
    members levy, nobody included; without it all of them do.

    Raises
    ------
    InputError
        A coalition whose solve failed.
    """
    policy = where if isinstance(where, Policy) else Policy(where)
    names = player_list(policy.world, [*players, target], "coalition_values")
    inside = names[:-1]
    spec = _Spec("", names[-1], tuple(inside), tariff, 0.0, 0.0, sectors)
    count = 2 ** len(inside)
    if count > 4096:
        raise InputError(
            f"coalition_values: {len(inside)} players make {count:,} coalitions; at most 4,096"
        )
    cells = run_cells(
        [spec.policy(policy, S, retaliation, 0.0) for S in range(count)],
        baseline=policy, deficit=deficit, payoff=payoff, progress=progress,
    )  # fmt: skip
    worth = cells.of(inside) * cells.income_usd_bn.sel(country=inside).values / 100.0
    values = np.zeros(count)
    for S in range(1, count):
        members = [i for i in range(len(inside)) if S >> i & 1]
        acting = [T for T in range(S + 1) if T & ~S == 0] if voluntary else [S]
        values[S] = worth[np.ix_(acting, members)].sum(axis=1).max()
    return CooperativeGame(tuple(inside), values)


# --- the policies of a coalition ----------------------------------------------------------------
@dataclass(frozen=True)
class _Spec:
    leader: str
    target: str
    invited: tuple[str, ...]
    tariff: float
    leader_tariff: float
    answer: float
    sectors: tuple[str, ...] | None

    def policy(self, status_quo: Policy, S: int, retaliation: float, penalty: float) -> Policy:
        changes: list[Levy] = []
        if self.leader:
            changes = [
                Levy(self.leader, self.target, self.leader_tariff, self.sectors),
                Levy(self.target, self.leader, self.answer, self.sectors),
            ]
        for i, who in enumerate(self.invited):
            if S >> i & 1:
                changes.append(Levy(who, self.target, self.tariff, self.sectors))
                changes.append(Levy(self.target, who, retaliation, self.sectors))
            elif self.leader:
                changes.append(Levy(self.leader, who, penalty, self.sectors))
        return amend(status_quo, [c for c in changes if c.rate != 0.0], f"coalition {S}")


def _key(S: int, full: int, r: float, p: float) -> tuple[int, float, float]:
    """Nobody to retaliate on, or nobody to penalise: one solve serves the whole grid line."""
    return S, r if S else 0.0, 0.0 if full == S else p


def _grid(name: str, values: Sequence[float]) -> list[float]:
    grid = [float(x) for x in values]
    if not grid or len(set(grid)) < len(grid) or not np.isfinite(grid).all():
        raise InputError(f"encirclement: {name} needs one or more different numbers")
    return sorted(grid)


def _known(security_pct: Mapping[str, float], invited: Sequence[str]) -> None:
    for who in security_pct:
        if who not in invited:
            raise InputError(
                f"security_pct names {who}, who is not invited; the invited are "
                f"{', '.join(invited)}"
            )

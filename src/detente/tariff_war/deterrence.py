"""Deterrence in repeated play: how patient each country must be for cooperation to hold.

Grim trigger: a country that deviates gains once and gets the tariff war ever after. It keeps
to the agreement iff its discount factor is at least (dev - coop) / (dev - war).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from detente.errors import ConvergenceError, InputError
from detente.keywords import known_keywords
from detente.models.registry import DEFAULT, parameter_hint
from detente.outcome.simulate import AnyModel
from detente.policy import Policy
from detente.policy.wedges import whole
from detente.solve.threads import one_thread
from detente.tariff_war.arena import Arena, Rates, player_names, start_rates
from detente.tariff_war.cooperate import Cooperation
from detente.tariff_war.levers import Bounds
from detente.tariff_war.nash import Nash, nash, player_levers
from detente.tariff_war.objective import governments
from detente.tariff_war.reply import best_reply
from detente.world import World

__all__ = ["Deterrence", "critical_discount", "deterrence"]


def critical_discount(deviation: float, cooperation: float, war: float) -> float:
    """The smallest discount factor at which cooperation holds under grim trigger.

    Zero where deviating does not pay; inf where no patience suffices, because the war is no
    worse than cooperation.

    Raises
    ------
    InputError
        A payoff that is not a number.
    """
    payoffs = {"deviation": deviation, "cooperation": cooperation, "war": war}
    for name, value in payoffs.items():
        if not np.isfinite(value):
            raise InputError(f"{name}: {value} is not a payoff; a failed solve cannot be one")
    if deviation <= cooperation:
        return 0.0
    if war >= cooperation:
        return float("inf")
    return (deviation - cooperation) / (deviation - war)


@dataclass(frozen=True, eq=False, repr=False)
class Deterrence:
    """What each player gets by cooperating, deviating and fighting, and its critical discount.

    ``table`` has one row a player: ``country``, ``cooperation_pct``, ``deviation_pct``,
    ``war_pct`` (objective, percent of the base) and ``critical_discount``; NaN where a
    deviation could not be solved, which ``failed`` lists.
    """

    table: pd.DataFrame
    cooperation: str
    war: Nash
    failed: tuple[str, ...]
    statement: tuple[str, ...]
    provenance: Mapping[str, Any] = field(repr=False)

    @property
    def critical_discount(self) -> float:
        """The largest over players: below it somebody deviates; NaN if one is unknown."""
        return float(self.table["critical_discount"].max(skipna=False))

    def __repr__(self) -> str:
        return f"<Deterrence among {len(self.table)}: discount {self.critical_discount:.3f}>"


@known_keywords(parameter_hint)
@one_thread
def deterrence(
    world: World,
    players: str | Iterable[str],
    *,
    cooperation: Any = "status quo",
    war: Nash | None = None,
    by: str = "sector,partner",
    bounds: Bounds | Mapping[str, Bounds] = (0.0, 5.0),
    sectors: str | Iterable[str] | None = None,
    partners: str | Iterable[str] | None = None,
    weights: Mapping[str, Any] | None = None,
    security: Mapping[str, Mapping[str, float]] | None = None,
    policy: Policy | None = None,
    baseline: Policy | None = None,
    model: AnyModel = DEFAULT,
    deficit: str = "fixed",
    deviations: int | None = None,
) -> Deterrence:
    """Critical discount factors of each player.

    Parameters
    ----------
    cooperation : "status quo", "free trade" (no tariffs among the players), a policy, or a
        result of :func:`cooperate` or :func:`nash_bargain`
    war : a result of :func:`nash` for the same players; None solves one

    Other arguments as in :func:`nash`.

    Raises
    ------
    InputError
        A cooperation nobody knows; a war among other players.
    ConvergenceError
        The war is refuted or was not solved, or cooperation could not be solved.
    """
    names = player_names(world, players, least=2)
    arena = Arena(world, policy, baseline, deficit, model=model)
    who = governments(world, names, weights, security)
    agreed, label = _agreed(arena, names, cooperation)
    options: dict[str, Any] = {"by": by, "bounds": bounds, "sectors": sectors, "partners": partners}
    if war is None:
        war = nash(
            world, names, **options, weights=weights, security=security, policy=policy,
            baseline=baseline, model=model, deficit=deficit, deviations=deviations,
        )  # fmt: skip
    if list(war.players) != names:
        raise InputError(
            f"war: it is among {', '.join(war.players)}, not {', '.join(names)}; solve it for "
            "the same players"
        )
    if not war.stands:
        raise ConvergenceError(
            f"deterrence: the tariff war is {war.status!r}, so that its payoffs cannot be used"
        )
    lv = player_levers(world, names, tariff=arena.rates.tariff, **options)
    together = arena.solve(agreed)
    if together is None:
        raise ConvergenceError(f"deterrence: cooperation ({label}) could not be solved")
    rows: list[dict[str, Any]] = []
    failed: list[str] = []
    for g, v in zip(who, lv, strict=True):
        coop = arena.value(g, together)
        best = -np.inf
        begin = [v.read(agreed.tariff, agreed.tax), *(x for _, x in start_rates(arena, [v], None))]
        for x in begin[:2]:
            f = best_reply(arena, g, v, np.clip(x, v.low, v.high), others=agreed, start=together)
            if f.at is not None:
                best = max(best, arena.value(g, f.at))
        worst = float(war.objective.sel(country=g.country))
        row = {
            "country": g.country,
            "cooperation_pct": 100.0 * float(np.expm1(coop)),
            "deviation_pct": float("nan"),
            "war_pct": worst,
            "critical_discount": float("nan"),
        }
        if np.isfinite(best):
            row["deviation_pct"] = 100.0 * float(np.expm1(max(best, coop)))
            row["critical_discount"] = critical_discount(
                row["deviation_pct"], row["cooperation_pct"], worst
            )
        else:
            failed.append(g.country)
        rows.append(row)
    return Deterrence(
        pd.DataFrame(rows), label, war, tuple(failed), tuple(g.statement for g in who),
        arena.provenance(players=names, cooperation=label),
    )  # fmt: skip


def _agreed(arena: Arena, names: list[str], cooperation: Any) -> tuple[Rates, str]:
    if isinstance(cooperation, Cooperation):
        return _from_policy(cooperation.policy), cooperation.rule
    if isinstance(cooperation, Policy):
        return _from_policy(cooperation), cooperation.title or "policy"
    if cooperation == "status quo":
        return arena.rates, "status quo"
    if cooperation == "free trade":
        tariff = arena.rates.tariff.copy()
        at = [arena.world.countries.index(n) for n in names]
        for n in at:
            for i in at:
                if i != n:
                    tariff[:, n, i] = 0.0
        return Rates(tariff, arena.rates.tax), "free trade among the players"
    raise InputError(
        f"cooperation: {cooperation!r} is not understood; give 'status quo', 'free trade', a "
        "policy or a result of cooperate"
    )


def _from_policy(policy: Policy) -> Rates:
    policy.refuse_quotas("games")
    tax = whole(policy, "export_tax").values
    return Rates(whole(policy, "tariff").values, tax if tax.any() else None)

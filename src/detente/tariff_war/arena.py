"""Where governments' choices become payoffs: equilibria, objectives and their gradients.

Every number comes from the solver behind :func:`detente.simulate`. A solve that fails is
counted, and never taken for a payoff.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from detente.errors import ConvergenceError, InputError, NoSolutionError
from detente.models.bars import Columns, total
from detente.models.blocks import Array, Instruments
from detente.models.model import Slopes
from detente.models.registry import DEFAULT, refuse_unable
from detente.outcome import Outcome, simulate
from detente.outcome.economy import instruments, prepare
from detente.outcome.equilibrium import Equilibrium
from detente.outcome.simulate import AnyModel, checked_model
from detente.outcome.solver import solve_equilibrium
from detente.policy import Policy
from detente.policy.wedges import whole
from detente.tariff_war.levers import Levers
from detente.tariff_war.objective import Government, columns
from detente.world import World

__all__ = ["Arena", "Rates", "player_names", "start_rates", "zero_diagonal"]

LARGEST_LOG = 14.0
"""Guard where there is no bound: log(1 + t) = 14 is a tariff of 120 million percent."""


@dataclass(frozen=True, eq=False)
class Rates:
    """What all governments levy: (J, N, N) tariffs, and export taxes or None."""

    tariff: Array
    tax: Array | None

    def with_levers(self, who: Sequence[Levers], x: Array) -> Rates:
        """The rates with the levers of several players at ``x``, their values end to end."""
        tariff = self.tariff.copy()
        needs = any(lv.tax.any() for lv in who)
        tax = None if self.tax is None and not needs else (
            np.zeros_like(tariff) if self.tax is None else self.tax.copy()
        )  # fmt: skip
        low = 0
        for lv in who:
            lv.put(x[low : low + lv.count], tariff, tax)
            low += lv.count
        return Rates(tariff, tax)

    def read(self, who: Sequence[Levers]) -> Array:
        """The levers of several players, end to end."""
        return np.concatenate([lv.read(self.tariff, self.tax) for lv in who])


class Arena:
    """One world, status quo and closure; solves equilibria and counts what failed.

    ``watch``, where set, is told of every equilibrium and the rates behind it.
    """

    def __init__(
        self,
        world: World,
        policy: Policy | None,
        baseline: Policy | None,
        deficit: str,
        tol: float = 1e-10,
        model: AnyModel = DEFAULT,
    ) -> None:
        self.world, self.deficit, self.tol = world, deficit, tol
        self.model = checked_model(model, deficit, "games", world)
        for given in (policy, baseline):
            if given is not None:
                given.refuse_quotas("games")
        refuse_unable(self.model, "task", "games", "games")
        self._prepared = prepare(world, self.model)
        self.status_quo: Outcome = simulate(
            world, policy, baseline=baseline, model=self.model, deficit=deficit, tol=tol
        )
        self.policy, self.baseline = self.status_quo.policy, self.status_quo.baseline
        self.base: Equilibrium = self.status_quo.base
        self._fixed = instruments(self.policy)
        tax = self._fixed.export_tax
        self.rates = Rates(self._fixed.tariff, tax)
        self.solves = self.failures = self.gradients = 0
        self.watch: Callable[[Rates, Equilibrium], None] | None = None
        self._unknowns: dict[tuple[str, ...], Array] = {}

    # --- equilibria ---------------------------------------------------------------------------
    def solve(self, rates: Rates, start: Equilibrium | None = None) -> Equilibrium | None:
        """The equilibrium under ``rates``; None when there is none or it was not reached."""
        begin = (start or self.status_quo.after).solution.value
        tax = rates.tax if rates.tax is not None and rates.tax.any() else None
        policy = Instruments(rates.tariff, tax, self._fixed.iceberg, self._fixed.transfer)
        self.solves += 1
        try:
            e = solve_equilibrium(
                self._prepared, policy, self.deficit, tol=self.tol, start=begin
            )  # fmt: skip
        except (ConvergenceError, NoSolutionError):
            e = None
        if e is None or not (e.point.income > 0).all():
            self.failures += 1
            return None
        if self.watch is not None:
            self.watch(rates, e)
        return e

    def value(self, who: Government, e: Equilibrium) -> float:
        """Log change of the objective from the base."""
        return who.log_value(self.base, e)

    def values(self, who: Sequence[Government], e: Equilibrium) -> Array:
        """Log changes of several objectives (R,)."""
        return np.array([g.log_value(self.base, e) for g in who])

    # --- gradients ----------------------------------------------------------------------------
    def slopes(self, who: Sequence[Government], e: Equilibrium) -> Slopes:
        """Adjoints of each objective at ``e``, starting from those found last."""
        return self._slopes(tuple(g.country for g in who), columns(list(who), e), e)

    def joint_slopes(self, who: Sequence[Government], parts: Array, e: Equilibrium) -> Slopes:
        """The adjoint of the sum of the objectives with weights ``parts``."""
        together = total(columns(list(who), e), parts)
        return self._slopes(("+", *(g.country for g in who)), together, e)

    def _slopes(self, key: tuple[str, ...], wanted: Columns, e: Equilibrium) -> Slopes:
        start = self._unknowns.get(key)
        if start is not None and start.shape[0] != e.solution.value.size:
            start = None
        found = self.model.adjoints(wanted, e.point, e.problem, self._prepared.steps, start)
        self.gradients += wanted.income.shape[1]
        self._unknowns[key] = found.unknowns
        return found

    def lever_slope(self, s: Slopes, column: int, who: Government, lv: Levers) -> Array:
        """Derivative of one objective in the levers of ``lv``, security term included."""
        n = lv.player
        by_tariff = s.tariff(column, n)
        direct = who.own_tariff_term(s.problem.policy.tariff[:, n]) if who.position == n else None
        if direct is not None:
            by_tariff = by_tariff + direct
        return lv.collect(by_tariff, s.export_tax(column, n) if lv.tax.any() else None)

    # --- results ------------------------------------------------------------------------------
    def as_policy(self, rates: Rates, title: str) -> Policy:
        """The rates as a labelled policy; what they do not name is the status quo's."""
        return Policy(
            self.world,
            tariff=rates.tariff,
            export_tax=rates.tax,
            iceberg=whole(self.policy, "iceberg").values,
            transfer=self.policy.transfer,
            title=title,
            prohibitive=True,
        )

    def outcome(self, rates: Rates, e: Equilibrium, title: str) -> Outcome:
        """An equilibrium found here as the outcome that :func:`detente.simulate` gives."""
        policy = self.as_policy(rates, title)
        return Outcome(
            self.world, policy, self.baseline, self.base, e, self.model.name, self.deficit,
            self.tol,
        )  # fmt: skip

    def tariff(self, rates: Rates) -> xr.DataArray:
        """Tariffs as a labelled array with a zero diagonal."""
        return zero_diagonal(self.policy.tariff.copy(data=rates.tariff))

    def provenance(self, **more: Any) -> dict[str, Any]:
        """What produced a result, and how much work it was."""
        from detente.version import __version__

        return {
            "package": "detente",
            "version": __version__,
            "world": self.world.name,
            "world_hash": self.world.hash,
            "status_quo_hash": self.policy.hash,
            "baseline_hash": self.baseline.hash,
            "theta": str(self.world.theta.attrs.get("set", "own")),
            **self.model.named,
            "deficit": self.deficit,
            "tol": self.tol,
            "solves": self.solves,
            "failed_solves": self.failures,
            "gradients": self.gradients,
            **more,
        }


def zero_diagonal(tariff: xr.DataArray) -> xr.DataArray:
    """The array with what a country levies on itself set to zero."""
    values = tariff.values.copy()
    here = np.arange(values.shape[1])
    values[:, here, here] = 0.0
    return tariff.copy(data=values).assign_attrs(unit="fraction", long_name="import tariff")


def player_names(world: World, players: Any, least: int = 1) -> list[str]:
    """Labels of the players; a group stands for its members.

    Raises
    ------
    InputError
        A player who is not in the world, the same one twice, or too few.
    """
    names = world.country_list(players, "players")
    if not isinstance(players, str) and len(names) < len(list(players)):
        raise InputError("players: the same country is named twice; name each once")
    if len(names) < least:
        raise InputError(f"players: {len(names)} given; name at least {least}")
    return names


def start_rates(arena: Arena, who: Sequence[Levers], starts: Any) -> list[tuple[str, Array]]:
    """Starting points by name: (0, 1/theta, 1), numbers, labelled tariffs, "status quo"."""
    if starts is None:
        starts = (0.0, "1/theta", 1.0)
    if isinstance(starts, (str, int, float, xr.DataArray)):
        starts = [starts]
    theta = arena.world.theta.values
    out: list[tuple[str, Array]] = []
    for given in starts:
        if isinstance(given, xr.DataArray):
            policy = Policy(arena.world, tariff=given)
            name, x = "given tariffs", Rates(policy.tariff.values, arena.rates.tax).read(who)
        elif given == "status quo":
            name, x = "status quo", arena.rates.read(who)
        elif given == "1/theta":
            name = "1/theta"
            parts: list[Array] = []
            for lv in who:
                mean = np.bincount(lv.lever, np.log1p(1.0 / theta)[lv.sector], lv.count)
                mean /= np.bincount(lv.lever, minlength=lv.count)
                parts.append(np.where(_is_tax(lv), 0.0, mean))
            x = np.concatenate(parts)
        elif isinstance(given, (int, float)) and np.isfinite(given) and given > -1:
            name = f"{100 * given:g}%"
            rate = np.log1p(float(given))
            x = np.concatenate([np.where(_is_tax(lv), 0.0, rate) for lv in who])
        else:
            raise InputError(
                f"starts: {given!r} is not understood; give rates as fractions above -1, "
                "'1/theta', 'status quo' or labelled tariffs"
            )
        low, high = limits(who)
        out.append((name, np.clip(x, low, high)))
    if not out:
        raise InputError("starts: give at least one, e.g. starts=(0, '1/theta', 1)")
    return out


def limits(who: Sequence[Levers]) -> tuple[Array, Array]:
    """Bounds of all levers end to end, as log(1 + rate), with a guard where there is none."""
    low = np.concatenate([lv.low for lv in who])
    high = np.concatenate([lv.high for lv in who])
    return np.maximum(low, -LARGEST_LOG), np.minimum(high, LARGEST_LOG)


def _is_tax(lv: Levers) -> Array:
    return np.bincount(lv.lever, lv.tax, lv.count) > 0

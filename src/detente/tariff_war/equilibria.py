"""What a tariff war ended in: its equilibria, with their certificates, and where each start led."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import xarray as xr

from detente.errors import ConvergenceError
from detente.outcome import Outcome
from detente.tariff_war.certificate import Deviation
from detente.tariff_war.optimal import Start

__all__ = ["Nash", "NashEquilibrium"]


@dataclass(frozen=True, eq=False, repr=False)
class NashEquilibrium:
    """One equilibrium of a tariff war, with its certificate.

    Attributes
    ----------
    kind : "interior" (some rate inside its bounds), "bounds" (every rate at a bound), or
        "autarky" (all trade banned: nobody can gain by opening alone)
    tariff : all tariffs; fraction; sector, importer, exporter; zero diagonal (inf: banned). Where
        there is no flow: the rate a player chose if it names the cell (one on all, one a sector or
        one a partner), else the status quo's
    rates : one row a rate that a player chose: player, lever, rate_pct; empty for autarky
    objective : of each player, percent of the base
    gain_pct : of each player over the status quo, percent
    regret : of each player, percent; zero where no deviation adds anything
    deviations : the best deviation found for each player
    binding : levers at a bound
    error : largest tariff error left in the first-order conditions, fraction
    certified : whether no regret is above the tolerance
    outcome : the equilibrium; None where the model cannot be solved there (autarky without a
        home producer)
    """

    kind: str
    tariff: xr.DataArray
    rates: pd.DataFrame
    objective: xr.DataArray
    gain_pct: xr.DataArray
    regret: xr.DataArray
    deviations: Mapping[str, Deviation]
    binding: tuple[str, ...]
    error: float
    certified: bool
    outcome: Outcome | None

    def __repr__(self) -> str:
        worst = float(self.regret.max())
        return f"<NashEquilibrium {self.kind}: largest regret {worst:.1e}%>"


@dataclass(frozen=True, eq=False, repr=False)
class Nash:
    """A tariff war: every equilibrium found, and how each start ended.

    ``tariff``, ``export_tax``, ``objective``, ``gain_pct``, ``regret``, ``deviations``, ``binding``
    and ``outcome`` are those of the first equilibrium in ``equilibria``; where there is none, of
    the first point refuted (``status`` then says "not certified").

    Attributes
    ----------
    players : who plays
    equilibria : distinct certified equilibria
    refuted : points where the first-order conditions hold and yet a player gains more than
        ``tol`` by a larger move, with the deviation
    starts : where each start led; ``objective`` there is the sum over players
    status : "converged" (solved and certified), "not certified", "not attacked" (with
        ``deviations=0``: nothing but a best reply from another start and the second-order test
        was held against it), or how the search failed
    statement : the players' objectives in words
    provenance : what produced it
    """

    players: tuple[str, ...]
    equilibria: tuple[NashEquilibrium, ...]
    refuted: tuple[NashEquilibrium, ...]
    starts: tuple[Start, ...]
    status: str
    statement: tuple[str, ...]
    provenance: Mapping[str, Any] = field(repr=False)

    @property
    def stands(self) -> bool:
        """Whether there is an equilibrium that nothing tried refutes."""
        return self.status in ("converged", "not attacked")

    @property
    def _first(self) -> NashEquilibrium:
        proper = [e for e in self.equilibria if e.kind != "autarky"]
        if not (proper or self.refuted):
            raise ConvergenceError(
                f"tariff war: no start reached an equilibrium ({self.status}); see starts. With "
                "deficits that policy cannot move there may be none: try deficit='zero', or "
                "narrower bounds"
            )
        return [*proper, *self.refuted][0]

    @property
    def tariff(self) -> xr.DataArray:
        """All tariffs; fraction; sector, importer, exporter; zero diagonal. A rate on
        all, on a sector or on a partner stands on what is not traded too; with
        ``by="sector,partner"`` nothing is chosen there, and the status quo's rate stands."""
        return self._first.tariff

    @property
    def rates(self) -> pd.DataFrame:
        """The rates the players chose, one a row: player, lever, rate_pct. With ``by="uniform"``
        one a player."""
        return self._first.rates

    @property
    def export_tax(self) -> xr.DataArray | None:
        """All export taxes, or None without an outcome."""
        out = self._first.outcome
        return None if out is None else out.policy.export_tax

    @property
    def objective(self) -> xr.DataArray:
        """Each player's objective, percent of the base; dim country."""
        return self._first.objective

    @property
    def gain_pct(self) -> xr.DataArray:
        """Each player's gain over the status quo, percent; dim country."""
        return self._first.gain_pct

    @property
    def regret(self) -> xr.DataArray:
        """Most that a deviation found would add, percent; dim country."""
        return self._first.regret

    @property
    def deviations(self) -> Mapping[str, Deviation]:
        """The best deviation found for each player."""
        return self._first.deviations

    @property
    def binding(self) -> tuple[str, ...]:
        """Levers at a bound."""
        return self._first.binding

    @property
    def outcome(self) -> Outcome:
        """The equilibrium with all its results."""
        out = self._first.outcome
        if out is None:
            raise ConvergenceError("the first equilibrium listed has no outcome; see equilibria")
        return out

    def __repr__(self) -> str:
        return (
            f"<Nash among {len(self.players)} players: {len(self.equilibria)} equilibria from "
            f"{len(self.starts)} starts, {self.status}>"
        )

"""Many policies, one row of payoffs each; the only place of the strategy room that solves.

A cell whose solve failed has NaN payoffs, a status and a reason. It is never a payoff.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from detente.errors import InputError
from detente.models.blocks import Array
from detente.models.registry import DEFAULT
from detente.outcome import Outcome, simulate
from detente.outcome.simulate import AnyModel, checked_model
from detente.policy import Policy
from detente.runs.many import simulate_many
from detente.tariff_war.objective import Government
from detente.world import World

__all__ = ["Cells", "Governments", "Payoff", "Progress", "money", "provenance", "run_cells"]

Payoff = Callable[[Outcome], Any]
"""What governments care about at an outcome: percent of income, one number for each country of
the world, in its order. None stands for the change of real income. A ``statement`` attribute
says what it is; :class:`Governments` is such a payoff."""

Progress = Callable[[int, int], None]
"""Called with cells done and cells in all."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Payoffs of many policies on one world.

    Attributes
    ----------
    payoff : percent of income against the baseline; dims cell, country; NaN where failed
    status : "converged", or why not: "no_solution", "cycling", "diverging", "max_steps"
    reasons : message of each failed cell, by label
    income_usd_bn : income of each country at the baseline, USD billion a year
    provenance : world, closure, baseline and objective
    """

    payoff: xr.DataArray
    status: tuple[str, ...]
    reasons: Mapping[str, str]
    income_usd_bn: xr.DataArray
    provenance: Mapping[str, Any]

    @property
    def labels(self) -> list[str]:
        """Labels of the cells."""
        return [str(x) for x in self.payoff["cell"].values]

    @property
    def failed(self) -> int:
        """How many solves failed."""
        return sum(s != "converged" for s in self.status)

    def of(self, countries: Sequence[str]) -> Array:
        """Payoffs (cells, countries) in percent."""
        return self.payoff.sel(country=list(countries)).values

    @property
    def log(self) -> Array:
        """Log payoffs times 100, (cells, all countries)."""
        return 100.0 * np.log1p(self.payoff.values / 100.0)

    @property
    def failures(self) -> pd.DataFrame:
        """Failed cells: cell, status, reason."""
        rows = [
            {"cell": name, "status": status, "reason": self.reasons.get(name, "")}
            for name, status in zip(self.labels, self.status, strict=True)
            if status != "converged"
        ]
        return pd.DataFrame(rows, columns=["cell", "status", "reason"])


@dataclass(frozen=True)
class Governments:
    """Payoffs of governments with sector weights or ties; real income for everyone else."""

    governments: tuple[Government, ...]

    @property
    def statement(self) -> str:
        """The objectives in words."""
        return "; ".join(g.statement for g in self.governments)

    def __call__(self, out: Outcome) -> Array:
        """Percent, one number a country."""
        values = out.real_income.values.copy()
        for g in self.governments:
            values[g.position] = 100.0 * np.expm1(g.log_value(out.base, out.after))
        return values


def run_cells(
    policies: Sequence[Policy],
    labels: Sequence[str] | None = None,
    *,
    baseline: Policy | None = None,
    model: AnyModel = DEFAULT,
    deficit: str = "fixed",
    payoff: Payoff | None = None,
    progress: Progress | None = None,
) -> Cells:
    """Solve every policy and keep what the players get.

    Parameters
    ----------
    policies : at least one, all on one world
    labels : a name for each; numbers by default
    baseline : what changes are measured from; the world table by default
    model, deficit : as in :func:`detente.simulate`
    payoff : another objective than the change of real income, in percent of income

    Raises
    ------
    InputError
        No policy, policies on different worlds, labels that repeat, a payoff of another size.
    """
    if not policies:
        raise InputError("run_cells: no policy to solve")
    world = policies[0].world
    if any(p.world is not world for p in policies):
        raise InputError("run_cells: the policies are on different worlds; build all on one")
    names = [str(i) for i in range(len(policies))] if labels is None else [str(x) for x in labels]
    if len(names) != len(policies) or len(set(names)) < len(names):
        raise InputError("run_cells: give every policy a label of its own")
    values = np.full((len(policies), len(world.countries)), np.nan)
    status: list[str] = []
    reasons: dict[str, str] = {}
    for first in range(0, len(policies), TOGETHER):
        part = policies[first : first + TOGETHER]

        def tell(done: int, _: int, first: int = first) -> None:
            if progress is not None:
                progress(first + done, len(policies))

        cases = simulate_many(
            world, part, baseline=baseline, model=model, deficit=deficit, progress=tell
        )
        for i, case in enumerate(cases, start=first):
            status.append(case.status)
            if case.error is None and case.outcome is not None:
                values[i] = _payoffs(case.outcome, payoff)
            else:
                reasons[names[i]] = str(case.error)
    about = provenance(world, baseline, deficit, payoff, model)
    return Cells(
        xr.DataArray(
            values,
            {"cell": names, "country": world.countries},
            ("cell", "country"),
            attrs={"unit": "percent", "long_name": f"change of {about['objective']}"},
        ),
        tuple(status),
        reasons,
        money(world, baseline, deficit, model),
        about,
    )


TOGETHER = 64
"""Cases held in memory at a time."""


def money(
    world: World,
    baseline: Policy | None = None,
    deficit: str = "fixed",
    model: AnyModel = DEFAULT,
) -> xr.DataArray:
    """Income at the baseline, USD billion a year; dim country."""
    base = simulate(world, baseline, baseline=baseline, model=model, deficit=deficit).base
    return xr.DataArray(
        base.point.income / 1e3,
        {"country": world.countries},
        ("country",),
        attrs={"unit": "USD billion a year"},
    )


def provenance(
    world: World,
    baseline: Policy | None,
    deficit: str,
    payoff: Payoff | None = None,
    model: AnyModel = DEFAULT,
) -> dict[str, Any]:
    """What produced the numbers of a game."""
    from detente.version import __version__

    return {
        "package": "detente",
        "version": __version__,
        "world": world.name,
        "world_hash": world.hash,
        "baseline": "world table" if baseline is None else baseline.title or baseline.hash,
        **checked_model(model, deficit, "games", world).named,
        "deficit": deficit,
        "theta": str(world.theta.attrs.get("set", "own")),
        "objective": "real income"
        if payoff is None
        else str(getattr(payoff, "statement", "own objective")),
    }


def _payoffs(out: Outcome, payoff: Payoff | None) -> Array:
    found = out.real_income if payoff is None else payoff(out)
    values = np.asarray(getattr(found, "values", found), dtype=float)
    if values.shape != (len(out.world.countries),):
        raise InputError(
            f"payoff: it gave an array of shape {values.shape}; one number for each of the "
            f"{len(out.world.countries)} countries is needed, percent of income"
        )
    return values

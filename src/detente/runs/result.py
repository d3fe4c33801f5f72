"""``RunResult``: a scenario's outcomes and every table about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from detente.errors import InputError, UnknownNameError
from detente.models.registry import DEFAULT
from detente.outcome import Outcome
from detente.outcome.audit import Audit
from detente.outcome.objective import value_of
from detente.outcome.tables import (
    country_table,
    diversion_table,
    flow_table,
    market_changes,
    price_table,
    quota_table,
    redirection_table,
    sector_table,
    tariff_table,
    welfare_table,
)
from detente.policy.scenario import Scenario
from detente.runs.horizons import Horizons, horizons_of
from detente.world.horizons import DEFAULT_HORIZON

__all__ = ["RunResult", "Timing"]

MARKETS = 8
"""Markets shown in the diversion tables when a scenario has no focus."""


class Timing(NamedTuple):
    """The horizon set, and "mobile" or "sticky" labour."""

    horizon: str
    labour: str


@dataclass(frozen=True, eq=False, repr=False)
class RunResult:
    """A scenario's outcome and what is printed about it.

    Attributes
    ----------
    scenario : the scenario as run, overrides applied
    outcome : under the scenario's elasticity set (or the one asked for)
    by_theta : outcomes by elasticity set; holds only the main one unless a range was asked for
    compared : outcome of the scenario given as ``compare``, on the same world and baseline
    timing : how fast trade and workers adjust, or None: only the long run was asked for
    audits : what the audit of each printed outcome found, by elasticity set, and of ``compared``
        by its id; empty unless asked for
    folder : where the scenario file lies, or None
    """

    scenario: Scenario
    outcome: Outcome
    by_theta: Mapping[str, Outcome]
    compared: Outcome | None
    compared_id: str | None
    folder: Path | None
    audits: Mapping[str, Audit] = field(default_factory=dict)
    timing: Timing | None = None

    @cached_property
    def horizons(self) -> Horizons | None:
        """Answers after one, three and ten years and in the long run, solved when first asked for;
        None where only the long run was asked for, or the model has no path.

        Raises
        ------
        NoSolutionError, ConvergenceError
            A year has no result.
        """
        return None if self.timing is None else self._solved(self.timing, ranges=True)

    @cached_property
    def _dated(self) -> Horizons | None:
        """Where published figures of a year are compared: the path, ranges or not."""
        if self.outcome.model != DEFAULT:
            return None
        return self.horizons or self._solved(Timing(DEFAULT_HORIZON, "mobile"), ranges=False)

    def _solved(self, timing: Timing, ranges: bool) -> Horizons:
        return horizons_of(
            self.outcome, timing.horizon, labour=timing.labour, market=self.market, ranges=ranges
        )

    @property
    def market(self) -> tuple[str, str] | None:
        """(sector, importer) of the scenario's focus."""
        focus = self.scenario.focus
        if focus is None:
            return None
        world = self.outcome.world
        return (
            world.sector_list(focus.sector, f"{self.scenario.id}: focus.sector")[0],
            world.country_list(focus.importer, f"{self.scenario.id}: focus.importer")[0],
        )

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table of the run by name; ``countries`` is the main one."""
        names = ["countries", "sectors", "diversion", "redirection", "markets"]
        if self.timing is not None:
            names.append("horizons")
            if self.timing.labour == "sticky":
                names.append("groups")
        if self.outcome.policy.quota:
            names.append("quotas")
        if len(self.by_theta) > 1:
            names.append("theta_range")
        if self.scenario.claims:
            names.append("claims")
        if self.compared is not None:
            names.append("comparison")
        if self.audits:
            names.append("audit")
        return {name: self.table(name) for name in names}

    def table(self, name: str) -> pd.DataFrame:
        """One table by name, made when asked for; besides those of ``tables``: ``prices``,
        ``flows``, ``welfare``, and the average tariffs ``before`` and ``after``.

        Raises
        ------
        UnknownNameError
            No such table.
        """
        make: dict[str, Callable[[], pd.DataFrame]] = {
            "countries": lambda: self._countries,
            "sectors": lambda: sector_table(self.outcome),
            "horizons": lambda: self._timed.table,
            "groups": lambda: self._timed.groups,
            "diversion": lambda: diversion_table(self.outcome, self._markets),
            "redirection": lambda: redirection_table(self.outcome, self._markets),
            "markets": lambda: self._moved.head(50),
            "quotas": lambda: quota_table(self.outcome),
            "theta_range": self._ranges,
            "claims": self._claims,
            "prices": lambda: price_table(self.outcome),
            "flows": lambda: flow_table(self.outcome),
            "welfare": lambda: welfare_table(self.outcome),
            "before": lambda: tariff_table(self.outcome.baseline),
            "after": lambda: tariff_table(self.outcome.policy),
        }
        if self.compared is not None:
            theirs = self.compared
            make["comparison"] = lambda: _difference(
                country_table(self.outcome, self.market), country_table(theirs, self.market)
            )
        if self.audits:
            make["audit"] = self._audit
        if name not in make:
            raise UnknownNameError.of("table", name, make, self.scenario.id)
        return make[name]()

    @property
    def _timed(self) -> Horizons:
        found = self.horizons
        if found is None:
            raise InputError(
                f"{self.scenario.id}: only the long run was asked for; run it with horizon=None, "
                "in the model caliendo-parro"
            )
        return found

    @cached_property
    def _moved(self) -> pd.DataFrame:
        return market_changes(self.outcome)

    @cached_property
    def _markets(self) -> list[tuple[str, str]]:
        """The markets that the diversion tables show."""
        if self.market is not None:
            return [self.market]
        top = self._moved.head(MARKETS)
        return list(zip(top["sector"], top["importer"], strict=True))

    @cached_property
    def _countries(self) -> pd.DataFrame:
        countries = country_table(self.outcome, self.market)
        return _with_range(countries, self._ranges()) if len(self.by_theta) > 1 else countries

    def _ranges(self) -> pd.DataFrame:
        keep = ["country", "real_income_pct", "real_wage_pct", "exports_pct"]
        if self.market is not None:
            keep += ["focus_output_pct", "focus_sales_pct"]
        parts = []
        for name, outcome in self.by_theta.items():
            part = country_table(outcome, self.market)[keep].copy()
            part.insert(0, "theta", name)
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    def _claims(self) -> pd.DataFrame:
        rows = []
        for claim in self.scenario.claims:
            dated = None if claim.years is None else self._dated
            ours = self.outcome if dated is None else dated.after(claim.years or 1)
            row: dict[str, Any] = {
                "statement": claim.statement,
                "source": claim.source,
                "published_pct": np.nan if claim.published_pct is None else claim.published_pct,
                "years": np.nan if dated is None else claim.years,
                "ours": claim.ours,
                "ours_pct": value_of(ours, claim.ours),
            }
            for name, outcome in self.by_theta.items():
                row[f"{name}_pct"] = value_of(outcome, claim.ours)
            rows.append(row)
        return pd.DataFrame(rows)

    def _audit(self) -> pd.DataFrame:
        parts = []
        for name, found in self.audits.items():
            part = found.table
            part.insert(0, "outcome", name)
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    @property
    def audit_summary(self) -> str:
        """One line on the audits, or "" without any."""
        if not self.audits:
            return ""
        checks = sum(len(a.checks) for a in self.audits.values())
        worst = max((a.worst for a in self.audits.values()), key=lambda c: c.error)
        place = f", {worst.place}" if worst.place else ""
        return f"Audit: {checks} checks passed, worst {worst.error:.0e} ({worst.name}{place})"

    @property
    def meta(self) -> dict[str, Any]:
        """Provenance, status, and the scenario itself: enough to run it again."""
        out = self.outcome
        audited = {"audit": self.audit_summary} if self.audits else {}
        timed: dict[str, Any] = {}
        if self.timing is not None:
            timed = {"horizon": self.timing.horizon, "labour": self.timing.labour}
            if self.horizons is not None:
                timed["horizon_ranges"] = self.horizons.spanned
                timed["horizon_ranges_without"] = list(self.horizons.missing)
        return {
            **out.provenance,
            **audited,
            **timed,
            "scenario": self.scenario.model_dump(mode="json", by_alias=True),
            "policy_notes": list(out.policy.notes),
            "baseline_notes": list(out.baseline.notes),
            "theta_sets": list(self.by_theta),
            "compare": self.compared_id,
            "status": out.status,
        }

    def __repr__(self) -> str:
        return f"<RunResult {self.scenario.id}: {self.outcome!r}>"


def _with_range(countries: pd.DataFrame, ranges: pd.DataFrame) -> pd.DataFrame:
    grouped = ranges.groupby("country")
    out = countries.copy()
    for column in ("real_income_pct", "real_wage_pct", "focus_output_pct", "focus_sales_pct"):
        if column in ranges:
            stem = column.removesuffix("_pct")
            out[f"{stem}_low_pct"] = out["country"].map(grouped[column].min())
            out[f"{stem}_high_pct"] = out["country"].map(grouped[column].max())
    return out


def _difference(mine: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """This scenario less the other, column by column; percentage points or USD billion."""
    numbers = [c for c in mine.columns if c not in ("country", "name")]
    a = mine.set_index("country")
    b = theirs.set_index("country").loc[a.index]
    out = (a[numbers] - b[numbers]).rename(columns=lambda c: c.replace("_pct", "_points"))
    out.insert(0, "name", a["name"])
    return out.reset_index()

"""``run``: from a scenario file to results, with the range over elasticity sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from detente.errors import InputError, UnknownNameError
from detente.files import there as is_there
from detente.keywords import known_keywords
from detente.models.registry import parameter_hint, refuse_unable
from detente.outcome import Outcome, simulate
from detente.outcome.audit import Audit
from detente.outcome.audit import audit as audit_of
from detente.outcome.objective import value_of
from detente.outcome.simulate import checked_model
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
from detente.policy import Policy
from detente.policy.scenario import Scenario, load_scenario, parse_scenario
from detente.runs.build_policy import LawOf, build_policy, law_policy
from detente.world import World, load_world

__all__ = ["RunResult", "run", "scenario_policies"]

MARKETS = 8
"""Markets shown in the diversion tables when a scenario has no focus."""


@dataclass(frozen=True, eq=False, repr=False)
class RunResult:
    """A scenario's outcome and what is printed about it.

    Attributes
    ----------
    scenario : the scenario as run, overrides applied
    outcome : under the scenario's elasticity set (or the one asked for)
    by_theta : outcomes by elasticity set; holds only the main one unless a range was asked for
    compared : outcome of the scenario given as ``compare``, on the same world and baseline
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
            row: dict[str, Any] = {
                "statement": claim.statement,
                "source": claim.source,
                "published_pct": np.nan if claim.published_pct is None else claim.published_pct,
                "ours": claim.ours,
                "ours_pct": value_of(self.outcome, claim.ours),
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
        return {
            **out.provenance,
            **audited,
            "scenario": self.scenario.model_dump(mode="json", by_alias=True),
            "policy_notes": list(out.policy.notes),
            "baseline_notes": list(out.baseline.notes),
            "theta_sets": list(self.by_theta),
            "compare": self.compared_id,
            "status": out.status,
        }

    def __repr__(self) -> str:
        return f"<RunResult {self.scenario.id}: {self.outcome!r}>"


@known_keywords(parameter_hint)
def run(
    scenario: str | Path | Scenario,
    *,
    overrides: Mapping[str, str] | None = None,
    theta: str | None = None,
    model: str | Mapping[str, Any] | None = None,
    deficit: str | None = None,
    compare: str | Path | None = None,
    world: World | None = None,
    progress: Callable[[str], None] | None = None,
    laws: LawOf | None = None,
    audit: bool = False,
) -> RunResult:
    """Run a scenario by shipped name, file or object.

    Parameters
    ----------
    overrides : ``{"measures.0.rate_pct": "15"}``; values are read as YAML
    theta : an elasticity set instead of the scenario's; "all" runs every set, keeps the
        scenario's as the main one and reports the range
    model : a model's name, or ``{"name": ..., parameters}``, instead of the scenario's
    deficit : "fixed", "zero" or "share" instead of the scenario's
    compare : another scenario, run on the same world, baseline and closure
    world : a world instead of the one the scenario names
    progress : called with a text before each further solve
    audit : check every outcome again from its labelled output (:func:`detente.audit`)

    Raises
    ------
    InputError and its children for bad input; NoSolutionError, ConvergenceError from the solve;
    AuditError where an audit fails.
    """
    from detente.world.theta import theta_sets

    folder = None
    if not isinstance(scenario, Scenario):
        path = Path(scenario)
        folder = path.parent if path.suffix in (".yaml", ".yml") else None
        scenario = load_scenario(scenario, overrides)
    elif overrides:
        raise InputError("run: overrides apply to a scenario file; change the object instead")
    changes: dict[str, Any] = {}
    if model is not None:
        changes["model"] = model
    if deficit is not None:
        changes["deficit"] = deficit
    if theta is not None and theta != "all":
        changes["theta"] = theta
    if changes:
        scenario = parse_scenario(
            {**scenario.model_dump(by_alias=True), **changes}, scenario.source
        )
    base_world = world or load_world(scenario.world)
    chosen = checked_model(
        scenario.model, scenario.deficit, f"{scenario.source}: model", base_world
    )
    if audit:
        refuse_unable(chosen, "task", "audit", f"{scenario.source}: audit")
    known = theta_sets()
    if scenario.theta not in [*known, "own"]:
        raise UnknownNameError.of("theta set", scenario.theta, [*known, "own"], scenario.id)
    others = [t for t in known if t != scenario.theta] if theta == "all" else []
    by_theta: dict[str, Outcome] = {}
    compared = None
    for name in [scenario.theta, *others]:
        if progress is not None and others:
            progress(f"elasticities {name}")
        solved_on = _with_theta(base_world, name)
        baseline = _baseline(scenario, solved_on, folder, laws)
        policy = build_policy(scenario, solved_on, folder=folder, laws=laws)
        by_theta[name] = simulate(
            solved_on, policy, baseline=baseline, model=chosen, deficit=scenario.deficit
        )
        if compare is not None and name == scenario.theta:
            other, there = _beside(compare, folder)
            compared = simulate(
                solved_on,
                build_policy(other, solved_on, folder=there, laws=laws),
                baseline=baseline,
                model=chosen,
                deficit=scenario.deficit,
            )
    main = by_theta[scenario.theta]
    audits: dict[str, Audit] = {}
    if audit:
        named = {**by_theta, **({} if compared is None else {str(compare): compared})}
        for name, outcome in named.items():
            if progress is not None:
                progress(f"audit {name}")
            audits[name] = audit_of(outcome).raise_if_failed()
    compared_id = None if compare is None else str(compare)
    return RunResult(scenario, main, by_theta, compared, compared_id, folder, audits)


_variants: WeakKeyDictionary[World, dict[str, World]] = WeakKeyDictionary()


def _with_theta(world: World, name: str) -> World:
    """The world under an elasticity set, kept so that its base is solved once; "own" keeps what
    the world came with."""
    if name == "own" or world.theta.attrs.get("set") == name:
        return world
    variants = _variants.setdefault(world, {})
    if name not in variants:
        variants[name] = world.with_theta(name)
    return variants[name]


def _baseline(
    scenario: Scenario, world: World, folder: Path | None, laws: LawOf | None
) -> Policy | None:
    name, law = scenario.baseline.scenario, scenario.baseline.law
    if law is not None:
        return (laws or law_policy)(law, world)
    if name is None:
        return None
    before, there = _beside(name, folder)
    if before.baseline.scenario is not None:
        raise InputError(
            f"{scenario.id}: baseline.scenario: {name} has a baseline of its own; name one that "
            "starts from the world table"
        )
    return build_policy(before, world, folder=there, laws=laws)


def _beside(name: str | Path, folder: Path | None) -> tuple[Scenario, Path | None]:
    """Another scenario, looked for beside this one first, and the folder its tables lie in."""
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        return load_scenario(name), None
    if folder is not None and is_there(folder / path):
        path = folder / path
    return load_scenario(path), path.parent


def scenario_policies(
    scenario: str | Path | Scenario, world: World
) -> tuple[Policy | None, Policy]:
    """The baseline (None: the world table) and the policy of a scenario on a world.

    Raises
    ------
    InputError and its children for bad input.
    """
    folder = None
    if not isinstance(scenario, Scenario):
        path = Path(scenario)
        folder = path.parent if path.suffix in (".yaml", ".yml") else None
        scenario = load_scenario(scenario)
    before = _baseline(scenario, world, folder, None)
    return before, build_policy(scenario, world, folder=folder)


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

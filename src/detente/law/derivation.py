"""Why this rate: the steps from the base to the total, from the rules' own trace.

Nothing is computed here that `stacking` has not already decided.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detente.ledger import Regime
from detente.ledger.ledger import e_words

from .stacking import Cells, MeasureTrace, Result
from .tables import LineTable

__all__ = ["PathRate", "Step", "path_rate", "route_name"]


@dataclass(frozen=True)
class Step:
    """One line of the derivation.

    ``what``: base, applied, set aside, not reached, rule, or not a rate (bans, quotas, licences).
    """

    what: str
    record: str
    heading: str | None
    text: str
    added_pct: float | None
    because: str
    source: tuple[str, ...]


@dataclass(frozen=True)
class PathRate:
    """The rate on one part of the value of a good, with its derivation."""

    part: str
    share_of_value_pct: float
    base_pct: float | None
    added_pct: float | None
    rate_pct: float | None
    steps: tuple[Step, ...]


def route_name(result: Result, row: int) -> str:
    """How the good enters: which preference is claimed."""
    claim = int(result.claim[row])
    return f"{result.claims[claim].id} claimed" if claim >= 0 else "no preference claimed"


def path_rate(regime: Regime, table: LineTable, cells: Cells, result: Result, row: int) -> PathRate:
    """The derivation of one path of a traced result."""
    steps = [_base(regime, table, cells, result, row)]
    notes: dict[str, list[Step]] = {"applied": [], "set aside": [], "not reached": []}
    for t in result.trace:
        step = _measure(regime, cells, result, t, row)
        notes[step.what if step.what in notes else "applied"].append(step)
    for group in notes.values():
        steps += group
    for rule in result.rules:
        change = result.adjusted.get(rule.id)
        if change is not None and abs(change[row]) > 0:
            cites = tuple(s.label for s in rule.sources.values())
            steps.append(Step("rule", rule.id, None, rule.title, _r(change[row]), rule.rule, cites))
    return PathRate(
        part=_part(regime, result, row),
        share_of_value_pct=round(100 * float(result.value_share[row]), 6),
        base_pct=_r(result.base[row]),
        added_pct=_r(result.added[row]),
        rate_pct=_r(result.rate[row]),
        steps=tuple(steps),
    )


def _base(regime: Regime, table: LineTable, cells: Cells, result: Result, row: int) -> Step:
    line = int(cells.line[result.cell[row]])
    claim = int(result.claim[row])
    text = str(table.base_text[line])
    mfn, base = _r(result.mfn[row]), _r(result.base[row])
    if base is None:
        said, why = "base not held for this importer or line", "only what is added is known"
    elif claim >= 0:
        instead = "MFN not held" if mfn is None else f"MFN {mfn:g}%"
        said, why = f"{result.claims[claim].title}: {base:g}% ({instead})", "preference claimed"
    else:
        said, why = f"MFN rate, {base:g}%", "no preference claimed"
    if text:
        why += f"; the schedule says {text!r}, taken at its 2024 ad valorem equivalent"
    if claim >= 0:
        cites = tuple(s.label for s in result.claims[claim].sources.values())
    else:
        cites = (f"Tariff schedule of {table.importer}, column 1 general, 2025",)
    return Step(
        "base", result.claims[claim].id if claim >= 0 else "mfn", None, said, base, why, cites
    )


def _measure(regime: Regime, cells: Cells, result: Result, t: MeasureTrace, row: int) -> Step:
    measure = t.measure.measure
    number = int(t.choice[row])
    if number < 0:
        partner = cells.partners[int(cells.partner[result.cell[row]])]
        reached = any(
            regime.reaches(measure.scope(p.provision)[0], partner) for p in t.measure.provisions
        )
        why = (
            f"does not reach this product or path from {partner}"
            if reached
            else f"does not target {partner}"
        )
        return Step("not reached", measure.id, None, measure.title, None, why, ())
    active = t.measure.provisions[number]
    entry, heading = active.entry, active.provision.heading
    cites = measure.cited(entry)
    text = f"{measure.title}: {active.provision.title}, {e_words(entry)}"
    dropped = int(t.dropped[row])
    if dropped >= 0:
        rule = result.rules[dropped]
        cites = tuple(s.label for s in rule.sources.values())
        return Step("set aside", measure.id, heading, text, None, f"{rule.id}: {rule.title}", cites)
    if entry.form == "exempt":
        return Step("set aside", measure.id, heading, text, None, active.provision.title, cites)
    since = entry.start(regime.dates) or entry.announced
    why = f"since {since}" + (f"; {entry.note}" if entry.note else "")
    points = _r(t.added[row])
    if entry.form == "total" and points is not None:
        rate = entry.rate_pct or 0.0
        under = result.mfn[row] if entry.base == "mfn" else result.base[row]
        why = f"max(0, {rate:g} - {under:g}) = {points:g}; {why}"
    if entry.form in ("ban", "quota", "licensing", "minimum_price", "entity_share", "specific"):
        worth = entry.equivalent_pct
        return Step("not a rate" if worth is None else "applied", measure.id, heading, text,
                    points if worth is not None else None, why, cites)  # fmt: skip
    return Step("applied", measure.id, heading, text, points, why, cites)


def _part(regime: Regime, result: Result, row: int) -> str:
    """The value part of a path in words, as in "metal-content: metal"."""
    if result.value_share[row] >= 1 - 1e-12:
        return "whole value"
    names = []
    same = (result.cell == result.cell[row]) & (result.claim == result.claim[row])
    for split, number in result.parts.items():
        record = regime.ledger.splits[split]
        if record.by == "value" and len(set(number[same].tolist())) > 1:
            names.append(f"{split}: {record.parts[int(number[row])]}")
    return ", ".join(names)


def _r(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)

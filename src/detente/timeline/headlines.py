"""A day of the ledger in one line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable

from detente.ledger import Change, Ledger

__all__ = ["changes_by_day", "headline"]

SHOWN = 3
"""Records named in a headline."""

MANY = 3
"""Different rates from which on their span is said instead of one of them."""

BROAD = 10
"""Entries of a record from which on it weighs as much as one with a rate."""

_RATE = re.compile(r"\d% (added|in total|instead)")
_ADDED = re.compile(r"([\d.]+)% added$")


Weight = Callable[[str, str], float]
"""How much of an imposer's trade its law of a day moves: (date, imposer) to any unit."""


def changes_by_day(ledger: Ledger, days: Iterable[str], weight: Weight) -> dict[str, list[Change]]:
    """The changes of each day, each sentence once; measures before agreements and rules, those
    with a rate or many entries first, then the imposer whose law moves most trade, then the record
    with most changes."""
    found: dict[str, dict[tuple[str, str], Change]] = {day: {} for day in days}
    for change in ledger.changes():
        if change.date in found:
            found[change.date].setdefault((change.record, change.words), change)
    return {day: _ordered(ledger, list(held.values()), weight) for day, held in found.items()}


def headline(ledger: Ledger, changes: list[Change], first: bool = False) -> str:
    """One line in words: the weightiest records, and what happened to each."""
    records = list(dict.fromkeys(c.record for c in changes))
    if first:
        return f"The record begins with {len(records)} measures and agreements in force"
    parts = [_said(ledger, [c for c in changes if c.record == r]) for r in records[:SHOWN]]
    more = len(records) - SHOWN
    return "; ".join(parts) + (f"; and {more} more" if more > 0 else "")


def _ordered(ledger: Ledger, changes: list[Change], weight: Weight) -> list[Change]:
    size = Counter(c.record for c in changes)
    rated = {c.record for c in changes if _RATE.search(c.words) or size[c.record] >= BROAD}
    moved = {c.imposer: weight(c.date, c.imposer) for c in changes}

    def rank(c: Change) -> tuple[object, ...]:
        kind = c.record not in ledger.measures, c.record not in rated
        return *kind, -moved[c.imposer], -size[c.record], c.record, c.heading or ""

    return sorted(changes, key=rank)


def _said(ledger: Ledger, changes: list[Change]) -> str:
    """What happened to one record on the day."""
    change = changes[0]
    title = str(getattr(ledger.records[change.record][1], "title", change.record))
    if change.record not in ledger.measures:
        return change.words if len(changes) == 1 else f"{title}: {len(changes)} changes"
    details = [c.words.removeprefix(f"{title}; ") for c in changes]
    if len(changes) == 1:
        return f"{title}: {details[0]}"
    live = [text for text in details if not text.endswith(": ended")]
    ended = len(details) - len(live)
    if not live:
        return f"{title}: {ended} entries end"
    begins = "" if _first(ledger, change.record) < change.date else " begins"
    rest = len(live) - 1
    lead = next((text for text in live if "all countries" in text or "all goods" in text), None)
    rates = {float(m[1]): text for text in live if (m := _ADDED.search(text))}
    if lead is None and len(rates) >= MANY:
        lead, rest = f"{len(live)} entries, {min(rates):g}% to {max(rates):g}% added", 0
    elif lead is None:
        lead = rates[max(rates)] if rates else live[0]
    more = [f"{rest} more"] if rest else []
    more += [f"{ended} {'entry ends' if ended == 1 else 'entries end'}"] if ended else []
    return f"{title}{begins}: {', '.join([lead, *more])}"


def _first(ledger: Ledger, record: str) -> str:
    history = [e for p in ledger.measures[record].provisions for e in p.history]
    starts = [s for e in history if (s := e.start("collection") or e.announced)]
    return min(starts, default="")

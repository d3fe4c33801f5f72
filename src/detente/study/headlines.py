"""A day of the ledger in one line."""

from __future__ import annotations

from collections.abc import Iterable

from detente.ledger import Change, Ledger

__all__ = ["changes_by_day", "headline"]

SHOWN = 3
"""Records named in a headline."""


def changes_by_day(ledger: Ledger, days: Iterable[str]) -> dict[str, list[Change]]:
    """The changes of each day, each sentence once; tariffs and bans before agreements and rules,
    the record with most changes first."""
    found: dict[str, dict[tuple[str, str], Change]] = {day: {} for day in days}
    for change in ledger.changes():
        if change.date in found:
            found[change.date].setdefault((change.record, change.words), change)
    return {day: _ordered(ledger, list(held.values())) for day, held in found.items()}


def headline(ledger: Ledger, changes: list[Change], first: bool = False) -> str:
    """One line in words: the weightiest records, and what happened to each."""
    records = list(dict.fromkeys(c.record for c in changes))
    if first:
        return f"The record begins with {len(records)} measures and agreements in force"
    parts = [_said(ledger, [c for c in changes if c.record == r]) for r in records[:SHOWN]]
    more = len(records) - SHOWN
    return "; ".join(parts) + (f"; and {more} more" if more > 0 else "")


def _ordered(ledger: Ledger, changes: list[Change]) -> list[Change]:
    size: dict[str, int] = {}
    for c in changes:
        size[c.record] = size.get(c.record, 0) + 1
    return sorted(
        changes,
        key=lambda c: (c.record not in ledger.measures, -size[c.record], c.record, c.heading or ""),
    )


def _said(ledger: Ledger, changes: list[Change]) -> str:
    """What happened to one record on the day."""
    change = changes[0]
    title = str(getattr(ledger.records[change.record][1], "title", change.record))
    if change.record not in ledger.measures:
        return change.words if len(changes) == 1 else f"{title}: {len(changes)} changes"
    details = [c.words.removeprefix(f"{title}; ") for c in changes]
    if len(changes) == 1:
        return f"{title}: {details[0]}"
    ended = sum(text.endswith(": ended") for text in details)
    if ended == len(changes):
        return f"{title}: {ended} entries end"
    begins = "" if _first(ledger, change.record) < change.date else " begins"
    return f"{title}{begins}: {details[0]}, and {len(changes) - 1} more"


def _first(ledger: Ledger, record: str) -> str:
    history = [e for p in ledger.measures[record].provisions for e in p.history]
    starts = [s for e in history if (s := e.start("collection") or e.announced)]
    return min(starts, default="")

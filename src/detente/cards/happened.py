"""What happened since: lines of the ledger that a question names by record and day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date as _date
from typing import Any

import pandas as pd

from detente.cards.question import Event, Question
from detente.errors import RecordError, UnknownNameError
from detente.ledger import Ledger, load_ledger
from detente.ledger.browse import status_on
from detente.ledger.describe import name_of
from detente.ledger.schema import Agreement, Measure, Pledge

__all__ = ["COLUMNS", "day_in_words", "happened"]

COLUMNS = ("date", "what_happened", "source", "record")


def happened(question: Question, ledger: Ledger | None = None) -> pd.DataFrame:
    """One row an event, earliest first: day (ISO), words, where it was read, id of the record.

    Raises
    ------
    UnknownNameError
        The ledger has no such record, source or provision.
    RecordError
        Nothing happened to it on that day, or more than one thing.
    """
    held = ledger or (load_ledger() if question.happened else None)
    rows = []
    for number, event in enumerate(question.happened):
        assert held is not None
        rows.append(_row(held, event, f"{question.id}: happened.{number}"))
    rows.sort(key=lambda r: r["date"])
    return pd.DataFrame(rows, columns=list(COLUMNS))


def day_in_words(day: str) -> str:
    """ "24 February 2026" for "2026-02-24"."""
    found = _date.fromisoformat(day)
    return f"{found.day} {found:%B} {found.year}"


def _row(ledger: Ledger, event: Event, where: str) -> dict[str, str]:
    if event.record not in ledger.records:
        raise UnknownNameError.of("record", event.record, ledger.records, where)
    record: Any = ledger.records[event.record][1]
    day, words, cites = _told(ledger, event, record, where)
    if event.source:
        sources: Mapping[str, Any] = record.sources
        if event.source not in sources:
            raise UnknownNameError.of("source", event.source, sources, where)
        cites = [sources[event.source].label]
    return {
        "date": day, "what_happened": words, "source": cites[0] if cites else "",
        "record": event.record,
    }  # fmt: skip


def _told(
    ledger: Ledger, event: Event, record: Any, where: str
) -> tuple[str, str, Sequence[str]]:  # fmt: skip
    """Day, words and citations."""
    if not event.date:
        status = status_on(ledger, event.record, ledger.record_until)
        words = f"{record.title}: as it stands, {status}" if status else record.title
        return ledger.record_until, words, [s.label for s in record.sources.values()]
    if isinstance(record, Pledge):
        steps = [s for s in record.history if s.date == event.date]
        step = _one(steps, [s.date for s in record.history], event, where)
        worth = f", ${step.value_usd_bn:g} bn" if step.value_usd_bn is not None else ""
        note = f" ({step.note})" if step.note else ""
        keys = step.source or tuple(record.sources)
        labels = [record.sources[k].label for k in keys]
        return event.date, f"{record.title}: {step.status}{worth}{note}", labels
    if isinstance(record, Agreement) and record.signed == event.date and not event.member:
        return event.date, f"{record.title}: signed", [s.label for s in record.sources.values()]
    titles = [p.title for p in record.provisions] if isinstance(record, Measure) else []
    if event.provision and event.provision not in titles:
        raise UnknownNameError.of("provision", event.provision, titles, where)
    heads = {f"{record.title}; {t}: ": t for t in titles}
    changes = [
        c for c in ledger.changes(event.date, event.date)
        if c.record == event.record
        and (not event.member or (c.imposer == event.member and " enters into " in c.words))
        and (not event.provision or c.words.startswith(f"{record.title}; {event.provision}: "))
    ]  # fmt: skip
    days = [c.date for c in ledger.changes() if c.record == event.record]
    one = _one(changes, days, event, where)
    words = one.words
    for head, title in heads.items():
        if words.startswith(head):
            words = f"{record.title} ({title}): {words.removeprefix(head)}"
            break
    if event.member:
        words = words.replace(f"for {event.member}", f"for {name_of(ledger, event.member)}")
    return event.date, words, one.source


def _one(found: Sequence[Any], days: Sequence[str], event: Event, where: str) -> Any:
    if len(found) == 1:
        return found[0]
    if not found:
        known = ", ".join(dict.fromkeys(days)) or "none"
        raise RecordError(
            f"{where}: nothing happened to {event.record} on {event.date}; its days: {known}"
        )
    raise RecordError(
        f"{where}: {len(found)} things happened to {event.record} on {event.date}; choose one by "
        "`provision` or `member`"
    )

"""The ledger as tables: what is in it, one record whole, what changed, what rests on little."""

from __future__ import annotations

import pandas as pd

from detente.errors import UnknownNameError
from detente.ledger.ledger import Ledger

__all__ = ["changes_table", "evidence_table", "record_table", "records_table"]


def records_table(
    ledger: Ledger, kind: str | None = None, imposer: str | None = None, text: str | None = None
) -> pd.DataFrame:
    """One row a record: id, kind, title, imposer, programme, first and last start, sources, file.

    ``kind`` is measure, agreement, pledge, ...; ``text`` is looked for in ids and titles.

    Raises
    ------
    UnknownNameError
        No record has that kind or imposer.
    """
    rows = []
    for key, (file, record) in ledger.records.items():
        if getattr(record, "kind", None) == "ledger":
            continue
        history = [e for p in getattr(record, "provisions", ()) for e in p.history]
        starts = sorted(d for e in history if (d := e.in_force or e.announced))
        rows.append(
            {
                "id": key,
                "kind": str(getattr(record, "kind", "")),
                "title": str(getattr(record, "title", "")),
                "imposer": str(getattr(record, "imposer", "") or getattr(record, "pledged_by", "")),
                "programme": str(getattr(record, "programme", "")),
                "first": starts[0] if starts else "",
                "last": starts[-1] if starts else "",
                "entries": len(history),
                "sources": len(getattr(record, "sources", ())),
                "file": file,
            }
        )
    table = pd.DataFrame(rows)
    for column, wanted in (("kind", kind), ("imposer", imposer)):
        if wanted is None:
            continue
        known = sorted(set(table[column]) - {""})
        if wanted not in known:
            raise UnknownNameError.of(column, wanted, known)
        table = table[table[column] == wanted]
    if text:
        found = table["id"].str.contains(text, case=False, regex=False)
        found |= table["title"].str.contains(text, case=False, regex=False)
        table = table[found]
    return table.sort_values(["kind", "id"]).reset_index(drop=True)


def record_table(ledger: Ledger, key: str) -> pd.DataFrame:
    """A measure's history, one row an entry; for other kinds one row a field.

    Raises
    ------
    UnknownNameError
        No such record.
    """
    if key not in ledger.records:
        raise UnknownNameError.of("record", key, ledger.records)
    _, record = ledger.records[key]
    if key not in ledger.measures:
        body = record.model_dump(mode="json", exclude_defaults=True)
        return pd.DataFrame([{"field": k, "value": _short(v)} for k, v in body.items()])
    measure = ledger.measures[key]
    rows = []
    for p in measure.provisions:
        for e in p.history:
            rows.append(
                {
                    "heading": p.heading or "",
                    "title": p.title,
                    "status": e.status,
                    "announced": e.announced or "",
                    "in_force": e.in_force or "",
                    "collected_from": e.collected_from or "",
                    "ended": e.ended or "",
                    "form": e.form or "",
                    "rate_pct": float("nan") if e.rate_pct is None else e.rate_pct,
                    "evidence": str(
                        e.evidence or min(s.evidence for s in measure.sources.values())
                    ),
                    "source": "; ".join(measure.cited(e)),
                    "note": e.note or "",
                }
            )
    return pd.DataFrame(rows)


def changes_table(
    ledger: Ledger, start: str | None = None, end: str | None = None, imposer: str | None = None
) -> pd.DataFrame:
    """What changed day by day, in words: date, imposer, record, heading, change, source."""
    everyone = {c.imposer for c in ledger.changes()}
    if imposer is not None and imposer not in everyone:
        raise UnknownNameError.of("imposer", imposer, everyone)
    found = [c for c in ledger.changes(start, end) if imposer in (None, c.imposer)]
    columns = ["date", "imposer", "record", "heading", "change", "source"]
    return pd.DataFrame(
        [
            [c.date, c.imposer, c.record, c.heading or "", c.words, "; ".join(c.source)]
            for c in found
        ],
        columns=columns,
    )


def evidence_table(ledger: Ledger, grades: str = "CG") -> pd.DataFrame:
    """Entries that rest on weak evidence: file, heading, grade."""
    unknown = sorted(set(grades) - set("ABCG"))
    if unknown:
        raise UnknownNameError(f"grade {unknown[0]!r} is unknown; grades are A, B, C and G")
    rows = ledger.weak_evidence(grades)
    return pd.DataFrame(rows, columns=["file", "entry", "evidence"])


def _short(value: object) -> str:
    import json

    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 400 else text[:397] + "..."

"""Find records: by kind, imposer, instrument, status on a day, and words in titles or quotes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from detente.errors import UnknownNameError

from .asof import entry_at
from .describe import LISTS, name_of
from .ledger import Ledger
from .schema import Agreement, Interaction, Measure, Pledge

__all__ = ["STATUSES", "Filters", "Row", "aimed_at", "browse", "facets", "imposed_by", "status_on"]

STATUSES = (
    "in force", "not yet", "announced", "understanding", "threatened", "suspended", "struck down",
    "expired", "ended", "demanded", "offered", "signed", "enacted", "met", "lapsed", "negotiating",
    "concluded",
)  # fmt: skip
"""Every status a record can have on a day; "not yet" is law that has not started."""


@dataclass(frozen=True)
class Row:
    """A record in a list; ``status`` is that on the day asked for, "" where none applies."""

    id: str
    kind: str
    title: str
    imposer: str
    imposer_name: str
    programme: str
    instrument: str
    status: str
    first: str
    last: str
    sources: int
    evidence: str


@dataclass(frozen=True)
class Filters:
    """What to look for; "" is no filter. ``on`` alone means in force on that day."""

    kind: str = ""
    imposer: str = ""
    instrument: str = ""
    status: str = ""
    on: str = ""
    text: str = ""


def browse(ledger: Ledger, filters: Filters) -> list[Row]:
    """Records that pass every filter, measures first, then by id.

    Raises
    ------
    UnknownNameError
        A kind, imposer, instrument or status that no record has.
    DateError
        A day outside the record.
    """
    known = facets(ledger)
    for field in ("kind", "imposer", "instrument", "status"):
        wanted = getattr(filters, field)
        if wanted and wanted not in known[field]:
            raise UnknownNameError.of(field, wanted, known[field])
    if filters.on:
        ledger.at(filters.on)
    status = filters.status or ("in force" if filters.on else "")
    words = filters.text.casefold().split()
    return [
        row
        for row, text in _rows(_Held(ledger), filters.on or ledger.record_until)
        if filters.kind in ("", row.kind)
        and filters.imposer in ("", row.imposer)
        and filters.instrument in ("", row.instrument)
        and status in ("", row.status)
        and all(w in text for w in words)
    ]


def facets(ledger: Ledger) -> dict[str, dict[str, str]]:
    """Values each filter can take, with the words to show."""
    rows = [row for row, _ in _rows(_Held(ledger), ledger.record_until)]
    imposers = {r.imposer: r.imposer_name for r in rows if r.imposer}
    return {
        "kind": _words(dict.fromkeys(r.kind for r in rows)),
        "imposer": dict(sorted(imposers.items(), key=lambda kv: kv[1])),
        "instrument": _words(sorted({r.instrument for r in rows} - {""})),
        "status": _words(STATUSES),
    }


def status_on(ledger: Ledger, key: str, day: str) -> str:
    """What state a record is in on a day, one of :data:`STATUSES` or ""."""
    record = ledger.records[key][1]
    if isinstance(record, Measure):
        return _measure_status(record, day)
    if isinstance(record, Agreement):
        if record.members_at(day):
            return "in force"
        started = any(m.in_force and m.in_force <= day for m in record.members)
        return "ended" if started else record.status.replace("_", " ")
    if isinstance(record, Pledge):
        steps = [s for s in record.history if s.date <= day]
        return steps[-1].status if steps else "not yet"
    if isinstance(record, Interaction):
        if record.holds(day, None):
            return "in force"
        return "not yet" if record.starts > day else "ended"
    return ""


def imposed_by(ledger: Ledger, country: str, day: str) -> list[Row]:
    """Measures of a country, or of the union it is in that day, those in force first."""
    regime = ledger.at(day)
    unions = {g.as_partner for g in ledger.groups.values() if g.as_partner}
    own = {country} | {u for u in unions if country in regime.members_of_partner(u)}
    return _first(row for row, _ in _rows(_Held(ledger), day) if row.imposer in own)


def aimed_at(ledger: Ledger, country: str, day: str) -> list[Row]:
    """Measures of others that name the country, or a group it is in that day; not those on all
    countries, and not those that only spare it. Those in force first."""
    regime = ledger.at(day)
    named = {
        m.id
        for m in ledger.measures.values()
        if m.imposer != country
        and any(
            not (targets := m.scope(p)[0]).all
            and country in regime.countries(targets)
            and any(e.form not in (None, "exempt") for e in p.history)
            for p in m.provisions
        )
    }
    return _first(row for row, _ in _rows(_Held(ledger), day) if row.id in named)


def _first(rows: Iterable[Row]) -> list[Row]:
    found = [r for r in rows if r.kind == "measure"]
    return sorted(found, key=lambda r: (r.status != "in force", r.imposer_name, r.id))


def _measure_status(measure: Measure, day: str) -> str:
    if any(entry_at(p.history, day) is not None for p in measure.provisions):
        return "in force"
    started = [
        (start, e)
        for p in measure.provisions
        for e in p.history
        if (start := e.start("collection")) and start <= day and e.status != "threatened"
    ]
    if started:
        last = max(started, key=lambda pair: pair[0])[1]
        return "ended" if last.status == "in_force" else last.status.replace("_", " ")
    said = [
        e
        for p in measure.provisions
        for e in p.history
        if e.in_force is None and (e.announced or "9") <= day
    ]
    if said:
        return max(said, key=lambda e: e.announced or "").status.replace("_", " ")
    return "not yet"


class _Held:
    """A ledger as a key of the cache below: equal content, equal key."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def __hash__(self) -> int:
        return hash(self.ledger.content_hash)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and other.ledger.content_hash == self.ledger.content_hash


_ORDER = ("measure", "agreement", "pledge", "interaction", "conflict", "assumption", "split",
          "group", "actor", "product list")  # fmt: skip


@lru_cache(maxsize=32)
def _rows(held: _Held, day: str) -> list[tuple[Row, str]]:
    """Every row with the text that words are looked for in."""
    ledger, out = held.ledger, []
    for key, (_, record) in ledger.records.items():
        kind = str(getattr(record, "kind", ""))
        if kind == "ledger":
            continue
        imposer = str(getattr(record, "imposer", "") or getattr(record, "pledged_by", ""))
        dates = sorted(_dates(record))
        sources = getattr(record, "sources", {}).values()
        row = Row(
            key, kind, str(getattr(record, "title", "")), imposer,
            name_of(ledger, imposer) if imposer else "",
            str(getattr(record, "programme", "")),
            str(getattr(record, "instrument", "")).replace("_", " "),
            status_on(ledger, key, day), dates[0] if dates else "", dates[-1] if dates else "",
            len(sources), min((s.evidence for s in sources), default=""),
        )  # fmt: skip
        quotes = [s.quote for s in sources if s.quote]
        parts = [p.title for p in getattr(record, "provisions", ())]
        parts += [p.heading or "" for p in getattr(record, "provisions", ())]
        parts += [*getattr(record, "names", ())]
        out.append((row, " ".join([key, row.title, *quotes, *parts]).casefold()))
    for key, found in ledger.lists.items():
        text = f"{LISTS}{key} {found.source.title}".casefold()
        out.append(
            (
                Row(LISTS + key, "product list", found.source.title, "", "", "", "", "", "", "", 1,
                    found.source.evidence),
                text,
            )
        )  # fmt: skip
    return sorted(out, key=lambda pair: (_ORDER.index(pair[0].kind), pair[0].id))


def _dates(record: Any) -> Iterable[str]:
    """First days of what a record says."""
    for p in getattr(record, "provisions", ()):
        yield from (d for e in p.history if (d := e.start("collection") or e.announced))
    if isinstance(record, Pledge):
        yield from (s.date for s in record.history)
    if isinstance(record, Agreement):
        yield from (m.in_force for m in record.members if m.in_force)
    if isinstance(record, Interaction):
        yield record.starts


def _words(values: Iterable[str]) -> dict[str, str]:
    return {v: v for v in values}

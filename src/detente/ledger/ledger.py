"""The ledger: all records, and the law as of a day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date as _date
from datetime import timedelta
from functools import cached_property
from typing import Literal, TypeVar

from detente.errors import DateError, UnknownNameError, shown

from .asof import ActiveMeasure, ActiveProvision, Regime, entry_at
from .schema import (
    Actor,
    Agreement,
    Assumption,
    Card,
    Conflict,
    Entry,
    Group,
    Interaction,
    Measure,
    Pledge,
    ProductList,
    Record,
    Split,
)

__all__ = ["Change", "Ledger"]

T = TypeVar("T")


@dataclass(frozen=True)
class Change:
    """One thing that changed on a day. ``words`` is the sentence for the history."""

    date: str
    record: str
    imposer: str
    heading: str | None
    words: str
    source: tuple[str, ...]


@dataclass(frozen=True)
class Ledger:
    """Records by id, each with its file. Built by `load_ledger`; never changed."""

    records: dict[str, tuple[str, Record]]
    lists: dict[str, ProductList]
    content_hash: str

    def _of(self, kind: type[T]) -> dict[str, T]:
        return {k: r for k, (_, r) in self.records.items() if isinstance(r, kind)}

    @cached_property
    def measures(self) -> dict[str, Measure]:
        """Measures by id."""
        return self._of(Measure)

    @cached_property
    def agreements(self) -> dict[str, Agreement]:
        """Agreements by id."""
        return self._of(Agreement)

    @cached_property
    def assumptions(self) -> dict[str, Assumption]:
        """Assumptions by id."""
        return self._of(Assumption)

    @cached_property
    def pledges(self) -> dict[str, Pledge]:
        """Pledges by id."""
        return self._of(Pledge)

    @cached_property
    def conflicts(self) -> dict[str, Conflict]:
        """Conflicts by id."""
        return self._of(Conflict)

    @cached_property
    def interactions(self) -> dict[str, Interaction]:
        """Interaction rules by id."""
        return self._of(Interaction)

    @cached_property
    def splits(self) -> dict[str, Split]:
        """Splits by id."""
        return self._of(Split)

    @cached_property
    def groups(self) -> dict[str, Group]:
        """Country groups by id."""
        return self._of(Group)

    @cached_property
    def actors(self) -> dict[str, Actor]:
        """Actors by id."""
        return self._of(Actor)

    @cached_property
    def card(self) -> Card:
        """Title, version and the days covered."""
        return next(r for _, r in self.records.values() if isinstance(r, Card))

    @property
    def record_from(self) -> str:
        """First day covered."""
        return self.card.record_from

    @property
    def record_until(self) -> str:
        """Last day covered."""
        return self.card.record_until

    def file_of(self, record: str) -> str:
        """The file a record stands in. Raises UnknownNameError."""
        if record not in self.records:
            raise UnknownNameError.of("record", record, self.records)
        return self.records[record][0]

    def weak_evidence(self, grades: str = "CG") -> list[tuple[str, str, str]]:
        """Entries that rest on weak evidence: (file, heading or title, grade).

        An entry's grade is its own where given, else the best among its sources.
        """
        found = []
        for m in self.measures.values():
            for p in m.provisions:
                for e in p.history:
                    keys = e.source or tuple(m.sources)
                    grade = e.evidence or min(m.sources[k].evidence for k in keys)
                    if grade in grades:
                        found.append((self.file_of(m.id), p.heading or p.title, str(grade)))
        return found

    def at(
        self,
        date: str,
        known_on: str | None = None,
        dates: Literal["collection", "legal"] = "collection",
        announced: bool = False,
    ) -> Regime:
        """The law on ``date``, as known now or as known on ``known_on``.

        ``dates="legal"`` takes legal dates instead of collection dates. ``announced=True`` treats
        what was announced by ``date`` as in force. Raises DateError outside the record.
        """
        day = self._day(date)
        if known_on is not None:
            known_on = self._day(known_on, "known_on")
        if dates not in ("collection", "legal"):
            raise UnknownNameError.of("dates", dates, ["collection", "legal"])
        active: list[ActiveMeasure] = []
        for measure in self.measures.values():
            provisions = []
            for number, provision in enumerate(measure.provisions):
                entry = entry_at(provision.history, day, known_on, dates, announced)
                if entry is not None:
                    provisions.append(ActiveProvision(number, provision, entry))
            if provisions:
                active.append(ActiveMeasure(measure, tuple(provisions)))
        rules = tuple(r for r in self.interactions.values() if r.holds(day, known_on))
        return Regime(self, day, known_on, dates, announced, tuple(active), rules)

    def changes(self, start: str | None = None, end: str | None = None) -> list[Change]:
        """What changed from ``start`` to ``end`` (both included), by collection date, in words.

        Raises
        ------
        DateError
            A day that cannot be read or lies outside the record, or an end before the start.
        """
        low = self.record_from if start is None else self._day(start)
        high = self.record_until if end is None else self._day(end)
        if high < low:
            raise DateError(
                f"the end {high} is before the start {low}; give the earlier day as the start "
                "(--from) and the later as the end (--to)"
            )
        found = [c for c in self._all_changes() if low <= c.date <= high]
        return sorted(found, key=lambda c: (c.date, c.imposer, c.record, c.heading or ""))

    def change_dates(self, imposer: str | None = None) -> list[str]:
        """Days within the record on which some rate, rule or preference changes, in order."""
        days = {c.date for c in self._all_changes() if imposer in (None, c.imposer)}
        return sorted(d for d in days if self.record_from <= d <= self.record_until)

    def _all_changes(self) -> Iterator[Change]:
        for m in self.measures.values():
            for p in m.provisions:
                for n, e in enumerate(p.history):
                    start = e.start("collection")
                    if start and any(x.start("collection") == start for x in p.history[n + 1 :]):
                        continue  # a later entry of the same day took its place
                    before = [x for x in p.history[:n] if start and x.start("collection") == start]
                    yield from _entry_changes(m, p.heading, p.title, e, before)
        for r in self.interactions.values():
            cites = tuple(s.label for s in r.sources.values())
            yield Change(r.starts, r.id, r.imposer, None, f"rule starts: {r.title}", cites)
            if r.ended:
                yield Change(_next(r.ended), r.id, r.imposer, None, f"rule ends: {r.title}", cites)
        for a in self.agreements.values():
            cites = tuple(s.label for s in a.sources.values())
            for member in a.members:
                if member.in_force:
                    words = f"{a.title} enters into force for {member.name}"
                    yield Change(member.in_force, a.id, member.name, None, words, cites)
            for pref in a.preferences:
                for row in (*pref.steps, *pref.utilisation):
                    words = f"{a.title}: preference or its use changes for {pref.importer}"
                    yield Change(row.starts, a.id, pref.importer, None, words, cites)

    def _day(self, value: str, field: str = "date") -> str:
        try:
            day = _date.fromisoformat(value).isoformat()
        except (ValueError, TypeError):
            raise DateError(f"{field} {shown(value)} is not a date; write YYYY-MM-DD") from None
        if day > self.record_until:
            raise DateError(
                f"{field} {day}: the ledger ends on {self.record_until}; ask for a day up to then"
            )
        if day < self.record_from:
            raise DateError(
                f"{field} {day}: the ledger begins on {self.record_from}; ask for a later day"
            )
        return day


def _next(day: str) -> str:
    """The day after; the last day there is has none and stands for ever."""
    if day == _date.max.isoformat():
        return day
    return (_date.fromisoformat(day) + timedelta(days=1)).isoformat()


def _entry_changes(
    m: Measure, heading: str | None, title: str, e: Entry, replaced: list[Entry]
) -> Iterator[Change]:
    """Changes that an entry makes; ``replaced`` are entries whose place it took on the day on
    which they would have begun."""
    cites = m.cited(e)
    start = e.start("collection")
    if start:
        late = f" (announced {e.announced}, retroactive)" if (e.announced or "") > start else ""
        announced = [f"{x.rate_pct:g}%" for x in replaced if x.rate_pct is not None]
        fate = "collected at first were given back" if late else "announced before did not begin"
        instead = f"; the {announced[-1]} {fate}" if announced else ""
        words = f"{m.title}; {title}: {e_words(e)}{late}{instead}"
        yield Change(start, m.id, m.imposer, heading, words, cites)
    elif e.announced:
        words = f"{m.title}; {title}: {e.status.replace('_', ' ')}, {e_words(e)}"
        yield Change(e.announced, m.id, m.imposer, heading, words, cites)
    end = e.end("collection")
    if end:
        yield Change(_next(end), m.id, m.imposer, heading, f"{m.title}; {title}: ended", cites)


def e_words(e: Entry) -> str:
    """An entry in a few words, as in "15% in total (base: MFN)"."""
    if e.form is None:
        return e.status.replace("_", " ")
    rate = f"{e.rate_pct:g}%" if e.rate_pct is not None else "rate not stated"
    base = {"mfn": "MFN rate", "claimed": "rate claimed", None: ""}[e.base]
    return {
        "added": f"{rate} added",
        "total": f"{rate} in total, including the {base}",
        "replaced": f"{rate} instead of the base",
        "specific": f"{e.amount or 0:g} {e.currency} per {e.per_unit}",
        "minimum_price": f"minimum price {e.amount or 0:g} {e.currency} per {e.per_unit}",
        "quota": "quota",
        "ban": "ban",
        "licensing": "licence needed",
        "entity_share": "named entities only",
        "exempt": "exempt",
    }[e.form]

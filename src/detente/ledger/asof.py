"""The law as of a day: a frozen view of the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from detente.errors import UnknownNameError

from .measure import OFF, Entry, Measure, Provision
from .schema import Agreement, Interaction, Preference, ShareOf, Step, Targets, TargetsPart
from .vocabulary import COUNTRIES

if TYPE_CHECKING:
    from .ledger import Ledger

__all__ = ["ActiveMeasure", "ActiveProvision", "Regime", "entry_at", "row_at"]


def entry_at(
    history: Iterable[Entry],
    day: str,
    known_on: str | None = None,
    dates: Literal["collection", "legal"] = "collection",
    announced: bool = False,
) -> Entry | None:
    """The entry that holds on ``day``, or None.

    Of the entries known and started, the latest start wins; of two that start together, the one
    made known last. An entry past its last day, or one that switches off, leaves nothing.
    """
    best: Entry | None = None
    best_key = ("", "", -1)
    for number, entry in enumerate(history):
        if known_on is not None and entry.known > known_on:
            continue
        start = entry.start(dates)
        if entry.status == "threatened":
            continue
        if announced and entry.announced and entry.announced <= day:
            start = min(start or entry.announced, entry.announced)
        elif entry.status in ("announced", "understanding"):
            continue
        if start is None or start > day:
            continue
        key = (start, entry.known, number)
        if key > best_key:
            best, best_key = entry, key
    if best is None or best.status in OFF:
        return None
    end = best.end(dates)
    if end and end < day and not (known_on is not None and (best.end_known_from or "") > known_on):
        return None
    return best


def row_at(rows: Iterable[ShareOf] | Iterable[Step], day: str) -> ShareOf | Step | None:
    """The last row that has started by ``day``."""
    found = None
    for row in rows:
        if row.starts <= day:
            found = row
    return found


@dataclass(frozen=True)
class ActiveProvision:
    """A provision in force, the entry that holds, and its place in the file."""

    number: int
    provision: Provision
    entry: Entry


@dataclass(frozen=True)
class ActiveMeasure:
    """A measure with at least one provision in force, provisions in file order."""

    measure: Measure
    provisions: tuple[ActiveProvision, ...]


@dataclass(frozen=True)
class Regime:
    """A frozen view of the law for one day."""

    ledger: Ledger
    date: str
    known_on: str | None
    dates: str
    announced: bool
    active: tuple[ActiveMeasure, ...]
    rules: tuple[Interaction, ...]

    @cached_property
    def imposers(self) -> tuple[str, ...]:
        """Imposers with a measure in force."""
        return tuple(sorted({a.measure.imposer for a in self.active}))

    def by(self, imposer: str, flow: str = "import") -> tuple[ActiveMeasure, ...]:
        """Active measures of an imposer on one flow (import, export or other)."""
        return tuple(
            a for a in self.active if a.measure.imposer == imposer and a.measure.flow == flow
        )

    def without(self, names: Iterable[str]) -> Regime:
        """The same day without these measures or programmes. Raises UnknownNameError."""
        names = set(names)
        known = {n for m in self.ledger.measures.values() for n in (m.id, m.programme)}
        for name in names - known:
            raise UnknownNameError.of("measure", name, known, "without")
        keep = tuple(a for a in self.active if not {a.measure.id, a.measure.programme} & names)
        return replace(self, active=keep)

    def including(self, names: Iterable[str]) -> Regime:
        """The same day with these measures or programmes counted as in force: each provision by
        its last entry that states a form. Raises UnknownNameError."""
        names = set(names)
        known = {n for m in self.ledger.measures.values() for n in (m.id, m.programme)}
        for name in names - known:
            raise UnknownNameError.of("measure", name, known, "with")
        chosen = {m.id for m in self.ledger.measures.values() if {m.id, m.programme} & names}
        kept = [a for a in self.active if a.measure.id not in chosen]
        for key in sorted(chosen):
            measure = self.ledger.measures[key]
            stated = [
                ActiveProvision(number, p, entries[-1])
                for number, p in enumerate(measure.provisions)
                if (entries := [e for e in p.history if e.form is not None])
            ]
            if stated:
                kept.append(ActiveMeasure(measure, tuple(stated)))
        order = {k: n for n, k in enumerate(self.ledger.measures)}
        return replace(self, active=tuple(sorted(kept, key=lambda a: order[a.measure.id])))

    def countries(self, targets: TargetsPart) -> frozenset[str]:
        """The countries a target set names on this day."""
        named = set(targets.countries)
        for key in targets.groups:
            named |= self.ledger.groups[key].at(self.date)
        if isinstance(targets, Targets):
            if targets.all:
                named |= COUNTRIES
            named -= self.countries(targets.but)
        return frozenset(named)

    def members_of_partner(self, partner: str) -> frozenset[str]:
        """Countries behind a partner label: itself, or the group that trades under that label."""
        if partner in COUNTRIES:
            return frozenset({partner})
        for group in self.ledger.groups.values():
            if group.as_partner == partner:
                return group.at(self.date)
        known = [g.as_partner for g in self.ledger.groups.values() if g.as_partner]
        raise UnknownNameError.of("partner", partner, [*sorted(COUNTRIES), *known])

    def reaches(self, targets: TargetsPart, partner: str) -> bool:
        """Whether the targets hold every country behind a partner label."""
        members = self.members_of_partner(partner)
        return bool(members) and members <= self.countries(targets)

    def preferences(self, importer: str) -> tuple[tuple[Agreement, Preference], ...]:
        """Preferences the importer grants on this day, the one to claim first standing first."""
        found = []
        for a in self.ledger.agreements.values():
            for p in a.preferences:
                if p.importer == importer and row_at(p.steps, self.date) is not None:
                    found.append((a, p))
        return tuple(sorted(found, key=lambda ap: (-ap[0].priority, ap[0].id)))

    def parties(self, agreement: Agreement) -> frozenset[str]:
        """Countries for which the agreement is in force on this day, groups spelled out."""
        if agreement.id not in self._parties:
            now = agreement.members_at(self.date)
            named = {m.country for m in now if m.country}
            for m in now:
                named |= self.ledger.groups[m.group].at(self.date) if m.group else set()
            self._parties[agreement.id] = frozenset(named)
        return self._parties[agreement.id]

    @cached_property
    def _parties(self) -> dict[str, frozenset[str]]:
        return {}

    def grants(self, agreement: Agreement, preference: Preference, partner: str) -> bool:
        """Whether the preference is open to a partner on this day (both sides in force)."""
        if preference.exporters is not None and not agreement.members:
            return self.reaches(preference.exporters, partner)
        members = self.parties(agreement)
        behind = self.members_of_partner(partner)
        importers = self.members_of_partner(preference.importer)
        if not (behind and behind <= members and importers <= members):
            return False
        if importers & behind:
            return False
        return preference.exporters is None or behind <= self.countries(preference.exporters)

"""Whole-ledger checks: what no single file can show. Each fault names file, field and remedy."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from detente.errors import shown

from .schema import (
    Agreement,
    Assumption,
    Conflict,
    Entry,
    Group,
    Interaction,
    Measure,
    Pledge,
    ProductList,
    ProductsPart,
    Record,
    ShareOf,
    Split,
    Targets,
    TargetsPart,
)
from .vocabulary import COUNTRIES, SECTORS

__all__ = ["check", "exclusion_order"]

HINTS = 20
"""Faults for which names close to an unknown one are looked for."""

Records = Mapping[str, tuple[str, Record]]


def check(records: Records, lists: Mapping[str, ProductList]) -> list[str]:
    """All faults, one line each; empty when the ledger is sound."""
    return list(_Checker(records, lists).faults())


def exclusion_order(measures: Iterable[Measure], rules: Iterable[Interaction]) -> list[str]:
    """Measure ids so that whatever excludes comes before what it excludes.

    Raises graphlib.CycleError when exclusions run in a circle.
    """
    measures = list(measures)
    named: dict[str, list[str]] = {}
    for m in measures:
        named.setdefault(m.id, []).append(m.id)
        if m.programme != m.id:
            named.setdefault(m.programme, []).append(m.id)
    graph: dict[str, set[str]] = {m.id: set() for m in measures}
    for rule in rules:
        if rule.rule != "exclude":
            continue
        before = {i for w in rule.where for i in named.get(w, [])}
        for dropped in {i for d in rule.drop for i in named.get(d, [])}:
            graph[dropped] |= before
    return list(TopologicalSorter({k: sorted(graph[k]) for k in sorted(graph)}).static_order())


class _Checker:
    def __init__(self, records: Records, lists: Mapping[str, ProductList]) -> None:
        self.records = records
        self.lists = lists
        self.hints = HINTS
        self.groups = {k: r for k, (_, r) in records.items() if isinstance(r, Group)}
        self.measures = [r for _, r in records.values() if isinstance(r, Measure)]
        self.names = {m.id for m in self.measures} | {m.programme for m in self.measures}
        self.agreements = {k for k, (_, r) in records.items() if isinstance(r, Agreement)}
        self.assumptions = {k for k, (_, r) in records.items() if isinstance(r, Assumption)}

    def faults(self) -> Iterator[str]:
        for file, record in self.records.values():
            for fault in self._record(record):
                yield f"{file}: {fault}"
        yield from self._circles()

    def _record(self, record: Record) -> Iterator[str]:
        if isinstance(record, Measure):
            yield from self._measure(record)
        elif isinstance(record, Agreement):
            yield from self._agreement(record)
        elif isinstance(record, Interaction):
            for field in ("where", "drop", "over"):
                yield from self._refs(field, getattr(record, field), self.names, "measure")
            if record.targets:
                yield from self._targets("targets", record.targets, record.starts)
        elif isinstance(record, Split):
            for n, row in enumerate(record.rows):
                yield from self._products(f"rows[{n}].products", row.products)
                if row.targets:
                    yield from self._targets(f"rows[{n}].targets", row.targets, None)
                yield from self._shares(f"rows[{n}].shares", row.shares)
        elif isinstance(record, Group):
            yield from self._countries("members", [m.country for m in record.members])
        elif isinstance(record, Pledge | Conflict):
            field = "linked_to" if isinstance(record, Pledge) else "records"
            yield from self._refs(field, getattr(record, field), self.records, "record")

    def _measure(self, m: Measure) -> Iterator[str]:
        if len(m.imposer) == 3:
            yield from self._countries("imposer", [m.imposer])
        for field in ("supersedes", "linked_to"):
            yield from self._refs(field, getattr(m, field), self.records, "record")
        for n, p in enumerate(m.provisions):
            at = f"provisions[{n}]"
            targets, products = m.scope(p)
            first = min((e.in_force or e.announced or "" for e in p.history), default=None)
            yield from self._targets(f"{at}.targets" if p.targets else "targets", targets, first)
            yield from self._products(f"{at}.products" if p.products else "products", products)
            yield from self._countries(f"{at}.entities", [e.country for e in p.entities])
            claims = (*p.when.claims, *p.when.no_claims)
            yield from self._refs(f"{at}.when.claims", claims, self.agreements, "agreement")
            for split, part in p.when.parts.items():
                found = self.records.get(split, ("", None))[1]
                if not isinstance(found, Split):
                    yield from self._refs(f"{at}.when.parts", [split], [], "split")
                elif part not in found.parts:
                    yield f"{at}.when.parts.{split}: {part!r} is not one of {found.parts}"
            yield from self._overlaps(at, p.history)
            for e in p.history:
                yield from self._assumption(f"{at}.history", e.assumption)

    def _overlaps(self, at: str, history: tuple[Entry, ...]) -> Iterator[str]:
        """Two entries on one day are an overlap, unless the second was made known later."""
        dated = [(n, e) for n, e in enumerate(history) if e.start("collection")]
        for (_, a), (n, b) in pairwise(dated):
            start_a, start_b = a.start("collection") or "", b.start("collection") or ""
            where = f"{at}.history[{n}]"
            if start_b < start_a:
                if b.known <= a.known:
                    yield f"{where}: starts on {start_b}, before the entry above; sort by date"
            elif start_b == start_a and b.known <= a.known:
                yield (
                    f"{where}: overlaps the entry above (both start on {start_b}); if it replaced "
                    "that one afterwards, give announced or known_from"
                )
            elif (a.end("collection") or "") >= start_b and b.known <= a.known:
                yield (
                    f"{where}: overlaps the entry above, which lasts to {a.end('collection')}; "
                    "shorten that one or give known_from here"
                )

    def _agreement(self, a: Agreement) -> Iterator[str]:
        yield from self._countries("members", [m.country for m in a.members if m.country])
        yield from self._refs(
            "members", [m.group for m in a.members if m.group], self.groups, "group"
        )
        yield from self._refs("supersedes", a.supersedes, self.records, "record")
        for n, p in enumerate(a.preferences):
            at = f"preferences[{n}]"
            if p.exporters:
                yield from self._targets(f"{at}.exporters", p.exporters, None)
            elif len(a.members) < 2:
                yield f"{at}.exporters: missing; the agreement has no other members"
            yield from self._products(f"{at}.products", p.products)
            yield from self._shares(f"{at}.utilisation", p.utilisation)
            for s in p.steps:
                yield from self._assumption(f"{at}.steps", s.assumption)

    def _shares(self, field: str, shares: Iterable[ShareOf]) -> Iterator[str]:
        for s in shares:
            yield from self._assumption(field, s.assumption)

    def _assumption(self, field: str, key: str | None) -> Iterator[str]:
        if key is not None:
            yield from self._refs(f"{field}.assumption", [key], self.assumptions, "assumption")

    def _products(self, field: str, products: ProductsPart) -> Iterator[str]:
        yield from self._refs(f"{field}.lists", products.lists, self.lists, "list")
        yield from self._refs(f"{field}.sectors", products.sectors, SECTORS, "sector")
        for code in products.codes:
            if not "01" <= code[:2] <= "99" or code[:2] == "77":
                yield f"{field}.codes: {code!r} maps to no sector; HS chapters are 01 to 97"
        but = getattr(products, "but", None)
        if but is not None:
            yield from self._products(f"{field}.but", but)

    def _targets(self, field: str, targets: TargetsPart, day: str | None) -> Iterator[str]:
        yield from self._countries(f"{field}.countries", targets.countries)
        yield from self._refs(f"{field}.groups", targets.groups, self.groups, "group")
        for key in targets.groups:
            if day and key in self.groups and not self.groups[key].at(day):
                yield (
                    f"{field}.groups: group {key!r} has no members on {day}; mend its dates "
                    "or name countries"
                )
        if isinstance(targets, Targets):
            yield from self._targets(f"{field}.but", targets.but, day)

    def _countries(self, field: str, names: Iterable[str]) -> Iterator[str]:
        yield from self._refs(field, names, COUNTRIES, "country")

    def _refs(
        self, field: str, names: Iterable[str], known: Collection[str], kind: str
    ) -> Iterator[str]:
        for name in names:
            if name not in known:
                close = self._close(name, known)
                hint = f"did you mean {' or '.join(close)}?" if close else f"add the {kind} first"
                yield f"{field}: unknown {kind} {shown(name)}; {hint}"

    def _close(self, name: str, known: Collection[str]) -> list[str]:
        """Names that are nearly this one. Looking through thousands of names takes its time, so it
        is done for the first faults only."""
        if self.hints == 0:
            return []
        self.hints -= 1
        return get_close_matches(name[:200], list(known), n=2, cutoff=0.6)

    def _circles(self) -> Iterator[str]:
        """A circle counts only among rules that hold on one day: an order may be turned round."""
        rules = [
            (f, r)
            for f, r in self.records.values()
            if isinstance(r, Interaction) and r.rule == "exclude"
        ]
        seen: set[tuple[str, ...]] = set()
        for day in sorted({r.starts for _, r in rules}):
            held = [(f, r) for f, r in rules if r.holds(day, None)]
            try:
                exclusion_order(self.measures, [r for _, r in held])
            except CycleError as circle:
                names = tuple(str(n) for n in circle.args[1])
                if names in seen:
                    continue
                seen.add(names)
                yield (
                    f"{', '.join(sorted(f for f, _ in held))}: where/drop: circular exclusions "
                    f"({' -> '.join(names)}); drop one direction"
                )

"""A record in plain data and words: what it reaches, its dated history, its sources, its links.

Every kind of record comes out in one shape (:func:`describe`), so that a page, a report or a
notebook can show any of them. Words are made here; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from detente.errors import UnknownNameError
from detente.labels import country_name, sector_name
from detente.memory import Kept

from .ledger import Ledger, e_words
from .schema import (
    Agreement,
    Conflict,
    Measure,
    Pledge,
    Products,
    ProductsPart,
    Source,
    Targets,
    TargetsPart,
)

__all__ = ["LISTS", "Part", "describe", "name_of", "product_words", "target_words"]

LISTS = "lists/"
"""Product lists stand under this prefix: a list and a measure may bear one id."""

CODES = 24
"""HS codes named in words before the rest is counted."""

Part = dict[str, str]
"""A piece of a sentence: ``text``, and ``record``, the id it names (or "")."""

Links = dict[str, list[tuple[str, str]]]


def name_of(ledger: Ledger, code: str) -> str:
    """The name of a country code or of the EU as one importer; an unknown code as it is."""
    if code in ("EU27", "EU"):
        return "European Union"
    if code == "UN":
        return "United Nations"
    name = country_name(code)
    if name != code:
        return name
    found = (a.title for a in ledger.actors.values() if a.type == "country" and a.country == code)
    return next(found, code)


def target_words(ledger: Ledger, targets: TargetsPart) -> list[Part]:
    """Who is reached: "all countries except Canada and Mexico"; groups carry their record."""
    names = [_part(name_of(ledger, c)) for c in targets.countries]
    names += [_part(ledger.groups[g].title, g) for g in targets.groups]
    if isinstance(targets, Targets) and targets.all:
        names = [_part("all countries")]
    said = _listed(names)
    if isinstance(targets, Targets) and (targets.but.countries or targets.but.groups):
        said += [_part(" except "), *target_words(ledger, targets.but)]
    return said


def product_words(ledger: Ledger, products: ProductsPart) -> list[Part]:
    """What is reached: "HS 8703 and the list of cars"; lists carry their page."""
    if isinstance(products, Products) and products.outside_goods is not None:
        return [_part(products.outside_goods)]
    names: list[Part] = []
    if isinstance(products, Products) and products.all:
        names.append(_part("all goods"))
    if products.codes:
        shown = ", ".join(products.codes[:CODES])
        more = len(products.codes) - CODES
        names.append(_part(f"HS {shown}" + (f" and {more} more codes" if more > 0 else "")))
    names += [
        _part(f"the list \u201c{ledger.lists[key].source.title}\u201d", LISTS + key)
        for key in products.lists
    ]
    names += [_part(sector_name(s)) for s in products.sectors]
    said = _listed(names)
    but = products.but if isinstance(products, Products) else None
    if but is not None and (but.codes or but.lists or but.sectors):
        said += [_part(" except "), *product_words(ledger, but)]
    return said


def describe(ledger: Ledger, key: str) -> dict[str, Any]:
    """A record, or a product list under :data:`LISTS`, as plain data.

    Returns
    -------
    dict
        ``id, kind, title, notes, facts, provisions, history, sources, links``. A fact is
        ``{"name", "parts"}``. A provision has ``title, heading, targets, products, entries``; an
        entry its dates, status, form, rate, words, sources, evidence grade and note. ``history``
        holds the dated steps of other kinds. A link is ``{"relation", "record", "title"}``.

    Raises
    ------
    UnknownNameError
        No such record; names close ones.
    """
    if key.startswith(LISTS) and key.removeprefix(LISTS) in ledger.lists:
        return _list(ledger, key)
    if key not in ledger.records or key == "ledger":
        known = [k for k in ledger.records if k != "ledger"] + [LISTS + k for k in ledger.lists]
        raise UnknownNameError.of("record", key, known)
    file, record = ledger.records[key]
    sources: Mapping[str, Source] = getattr(record, "sources", {})
    return {
        "id": key,
        "kind": str(getattr(record, "kind", "")),
        "title": str(getattr(record, "title", "")),
        "notes": getattr(record, "notes", None) or "",
        "file": file,
        "facts": _facts(ledger, record),
        "provisions": _provisions(ledger, record) if isinstance(record, Measure) else [],
        "history": _history(ledger, record),
        "sources": [_source(k, s) for k, s in sources.items()],
        "links": _links(ledger, key),
    }


# --- measures -------------------------------------------------------------------------------------
def _provisions(ledger: Ledger, measure: Measure) -> list[dict[str, Any]]:
    rows = []
    for p in measure.provisions:
        targets, products = measure.scope(p)
        path = [f"claims {ledger.agreements[a].title}" for a in p.when.claims]
        path += [f"does not claim {ledger.agreements[a].title}" for a in p.when.no_claims]
        path += [f"{part} of {split}" for split, part in p.when.parts.items()]
        rows.append(
            {
                "title": p.title,
                "heading": p.heading or "",
                "targets": target_words(ledger, targets),
                "products": product_words(ledger, products),
                "path": "; ".join(path),
                "entities": [
                    f"{e.name} ({name_of(ledger, e.country)})" for e in p.entities
                ],
                "entries": [_entry(measure, e) for e in p.history],
            }
        )  # fmt: skip
    return rows


def _entry(measure: Measure, e: Any) -> dict[str, Any]:
    keys = e.source or tuple(measure.sources)
    return {
        "announced": e.announced or "",
        "in_force": e.in_force or "",
        "collected_from": e.collected_from or "",
        "ended": e.ended or e.collected_until or "",
        "status": e.status.replace("_", " "),
        "form": (e.form or "").replace("_", " "),
        "rate_pct": e.rate_pct,
        "words": e_words(e),
        "sources": list(keys),
        "evidence": str(e.evidence or min(measure.sources[k].evidence for k in keys)),
        "assumption": e.assumption or "",
        "note": " ".join(x for x in (e.note, e.legal_basis) if x),
    }


# --- facts and steps by kind ----------------------------------------------------------------------
_TEXTS = {
    "authority": "authority", "programme": "programme", "legal_basis": "legal basis",
    "instrument": "instrument", "flow": "flow", "several": "where provisions overlap",
    "type": "type", "scope": "scope", "coverage": "coverage", "signed": "signed",
    "status": "status", "priority": "priority among preferences", "statement": "taken instead",
    "reason": "why", "effect": "effect", "value_pct": "value, %", "low_pct": "low, %",
    "high_pct": "high, %", "replaces_when": "replaced when", "value_usd_bn": "value, USD bn",
    "quantity": "quantity", "quantity_unit": "unit of quantity", "limit_usd_bn": "limit, USD bn",
    "split": "split", "until": "until", "about": "about", "relation": "relation",
    "adopted": "adopted reading", "because": "because", "rule": "rule", "rate_pct": "rate, %",
    "starts": "starts", "ended": "last day", "by": "divides", "capital": "capital",
    "as_partner": "label in trade tables", "evidence": "evidence",
}  # fmt: skip
_COUNTRIES = {
    "imposer": "imposer", "pledged_by": "pledged by", "pledged_to": "pledged to",
    "country": "country",
}  # fmt: skip
_LISTED = {"names": "names", "demonyms": "demonyms", "metonyms": "also called", "parts": "parts"}


def _facts(ledger: Ledger, record: BaseModel) -> list[dict[str, Any]]:
    out = []
    for field in type(record).model_fields:
        value: Any = getattr(record, field)
        if value is None or value in ((), "") or (field, value) == ("priority", 0):
            continue
        if field in _COUNTRIES:
            out.append(_fact(_COUNTRIES[field], [_part(name_of(ledger, value))]))
        elif field in _LISTED:
            out.append(_fact(_LISTED[field], [_part(", ".join(value))]))
        elif field in _TEXTS:
            out.append(_fact(_TEXTS[field], [_part(_plain(value))]))
        elif field == "targets":
            out.append(_fact("targets", target_words(ledger, value)))
        elif field == "products":
            out.append(_fact("products", product_words(ledger, value)))
        elif field == "wanted_usd_bn":
            out.append(_fact("aims at, USD bn", [_part(f"{value[0]:g} to {value[1]:g}")]))
        elif field in ("where", "drop", "over"):
            words = {"where": "where one of these applies", "drop": "these are set aside",
                     "over": "over"}[field]  # fmt: skip
            out.append(_fact(words, _listed([_part(k, _held(ledger, k)) for k in value])))
    return out


def _history(ledger: Ledger, record: BaseModel) -> list[dict[str, Any]]:
    """Dated steps of what has no provisions: date, words, sources, note."""
    rows: list[dict[str, Any]] = []

    def put(date: str | None, words: str, sources: Iterable[str] = (), note: str | None = "",
            record_id: str = "") -> None:  # fmt: skip
        rows.append({"date": date or "", "words": words, "sources": list(sources),
                     "note": note or "", "record": record_id})  # fmt: skip

    if isinstance(record, Pledge):
        for step in record.history:
            worth = "" if step.value_usd_bn is None else f", ${step.value_usd_bn:,.10g} bn"
            put(step.date, step.status + worth, step.source, step.note)
    elif isinstance(record, Agreement):
        for m in record.members:
            who = name_of(ledger, m.country) if m.country else ledger.groups[m.group or ""].title
            words = f"in force for {who}" if m.in_force else f"{who}: signed, not in force"
            put(m.in_force, words, m.source, m.note, m.group or "")
            if m.left:
                put(m.left, f"last day for {who}", m.source)
        for p in record.preferences:
            who, what = name_of(ledger, p.importer), _said(product_words(ledger, p.products))
            for s in p.steps:
                rate = f"{s.rate_pct:g}%" if s.rate_pct is not None else f"MFN less {s.cut_pct:g}%"
                put(s.starts, f"{who} grants {rate} on {what}", record_id=s.assumption or "")
            for u in p.utilisation:
                share = f"{u.share_pct:g}% of imports" if u.share_pct is not None else "shares"
                table = "" if u.table is None else f" by line, table {u.table}"
                put(u.starts, f"used in {who} for {share}{table}", record_id=u.assumption or "")
    elif isinstance(record, Conflict):
        for r in record.readings:
            put("", r.says, [r.source], "" if r.value is None else f"reading: {r.value}")
    else:
        for m in getattr(record, "members", ()):
            joined = f"from {m.joined}" if m.joined else ""
            left = f"to {m.left}" if m.left else ""
            words = f"{name_of(ledger, m.country)} {joined} {left}"
            put(m.joined, " ".join(words.split()))
        for r in getattr(record, "roles", ()):
            put(r.starts, f"{r.person}, {r.office}" + (f", to {r.ended}" if r.ended else ""),
                note=f"evidence {r.evidence}")  # fmt: skip
        for row in getattr(record, "rows", ()):
            what = _said(product_words(ledger, row.products))
            who = "" if row.targets is None else f" from {_said(target_words(ledger, row.targets))}"
            first = getattr(record, "parts", ("the first part",))[0]
            for s in row.shares:
                share = f"{s.share_pct:g}%" if s.share_pct is not None else f"table {s.table}"
                put(s.starts, f"{what}{who}: {share} is {first}", record_id=s.assumption or "")
    return sorted(rows, key=lambda row: row["date"])


def _list(ledger: Ledger, key: str) -> dict[str, Any]:
    found = ledger.lists[key.removeprefix(LISTS)]
    facts = [_fact("codes", [_part(f"{len(found.codes):,}")])]
    if found.exporter:
        facts.append(_fact("exports of", [_part(name_of(ledger, found.exporter))]))
    if found.exports_total_usd:
        facts.append(_fact("exports, USD bn", [_part(f"{found.exports_total_usd / 1e9:,.3g}")]))
    return {
        "id": key, "kind": "product list", "title": found.source.title,
        "notes": found.note or "", "file": f"lists/{found.id}.csv",
        "facts": [*facts, _fact("HS codes", [_part(", ".join(found.codes))])],
        "provisions": [], "history": [], "sources": [_source("list", found.source)],
        "links": _links(ledger, key),
    }  # fmt: skip


def _source(key: str, s: Source) -> dict[str, str]:
    return {
        "key": key, "title": s.title, "publisher": s.publisher, "cite": s.cite or "",
        "url": s.url or "", "date_read": s.date_read, "quote": s.quote or "",
        "evidence": s.evidence, "article": s.article or "",
    }  # fmt: skip


# --- links ----------------------------------------------------------------------------------------
_RELATIONS = {
    "groups": ("names the group", "named as a group by"),
    "group": ("has the group as a member", "belongs as a group to"),
    "lists": ("covers the list", "is the scope of"),
    "claims": ("where this is claimed", "its use decides the path of"),
    "no_claims": ("where this is not claimed", "its use decides the path of"),
    "supersedes": ("follows", "followed by"),
    "linked_to": ("tied to", "tied to"),
    "records": ("sources disagree on", "sources disagree"),
    "where": ("where it applies", "rule on what is paid together"),
    "drop": ("sets aside", "rule on what is paid together"),
    "over": ("over", "rule on what is paid together"),
    "assumption": ("rests on", "supports"),
    "parts": ("uses the split", "used by"),
}
"""Words for a link by the field that makes it: seen from the record, and from the other side."""


def _links(ledger: Ledger, key: str) -> list[dict[str, str]]:
    index = _cached_index(ledger)
    seen = dict.fromkeys(index.get(key, []))
    return [
        {"relation": relation, "record": other, "title": _title(ledger, other)}
        for relation, other in sorted(seen)
    ]


def _title(ledger: Ledger, key: str) -> str:
    if key.startswith(LISTS):
        return ledger.lists[key.removeprefix(LISTS)].source.title
    return str(getattr(ledger.records[key][1], "title", key))


_by_hash: Kept[str, Links] = Kept(2)


def _cached_index(ledger: Ledger) -> Links:
    if ledger.content_hash not in _by_hash:
        _by_hash[ledger.content_hash] = _index(ledger)
    return _by_hash[ledger.content_hash]


def _index(ledger: Ledger) -> Links:
    programmes: dict[str, list[str]] = {}
    for m in ledger.measures.values():
        programmes.setdefault(m.programme, []).append(m.id)
    out: Links = {}
    for key, (_, record) in ledger.records.items():
        for field, name in _references(record):
            there, back = _RELATIONS[field]
            if field == "lists":
                others = [LISTS + name]
            else:
                others = [name] if name in ledger.records else programmes.get(name, [])
            for other in others:
                if other != key:
                    out.setdefault(key, []).append((there, other))
                    out.setdefault(other, []).append((back, key))
    return out


def _references(node: Any) -> Iterator[tuple[str, str]]:
    """(field, id) for every id a record names, at any depth."""
    if isinstance(node, BaseModel):
        for field in type(node).model_fields:
            value = getattr(node, field)
            if field in _RELATIONS and not isinstance(value, BaseModel):
                # a split's parts are words; a provision's are keyed by the split they divide
                if field == "parts" and not isinstance(value, Mapping):
                    continue
                names = [value] if isinstance(value, str) else list(value or ())
                yield from ((field, n) for n in names if isinstance(n, str))
            else:
                yield from _references(value)
    elif isinstance(node, (tuple, list)):
        for one in node:
            yield from _references(one)


# --- words ----------------------------------------------------------------------------------------
def _part(text: str, record: str = "") -> Part:
    return {"text": text, "record": record}


def _fact(name: str, parts: list[Part]) -> dict[str, Any]:
    return {"name": name, "parts": parts}


def _listed(names: list[Part]) -> list[Part]:
    """Names with commas and an "and" between them."""
    out: list[Part] = []
    for n, name in enumerate(names):
        if n:
            out.append(_part(" and " if n == len(names) - 1 else ", "))
        out.append(name)
    return out


def _said(parts: list[Part]) -> str:
    return "".join(p["text"] for p in parts)


def _held(ledger: Ledger, key: str) -> str:
    return key if key in ledger.records else ""


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.10g}"
    return str(value).replace("_", " ")

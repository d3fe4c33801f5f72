"""Plain data behind the ledger and why pages: what the template shows and the twin returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from detente.errors import DateError, DetenteError, InputError, UnknownNameError
from detente.labels import country_codes, country_name, goods_sectors, resolve_sectors, sector_name
from detente.law.query import Explained, partner_label
from detente.ledger import Ledger
from detente.ledger.browse import Filters, Row, browse, facets
from detente.ledger.describe import describe, name_of
from detente.report.tabular import records
from detente.version import __version__

__all__ = [
    "EXAMPLES", "PAGE", "WhyForm", "ledger_view", "read_why", "record_rows", "record_url",
    "record_view", "safe_link", "why_view",
]  # fmt: skip

PAGE = 50
"""Records on one page of the list."""

EXAMPLES = (
    ("A Korean car, 1 October 2025", "2025-10-01", "USA", "KOR", "870323", ""),
    ("A Korean car, 14 November 2025", "2025-11-14", "USA", "KOR", "870323", ""),
    ("Chinese toys, 10 April 2025", "2025-04-10", "USA", "CHN", "950300", ""),
    ("Japanese steel, 1 October 2025", "2025-10-01", "USA", "JPN", "7208", ""),
    ("US soybeans in China, 10 April 2025", "2025-04-10", "CHN", "USA", "1201", ""),
    ("German motor vehicles, the whole sector", "2025-10-01", "USA", "DEU", "", "C29"),
)
"""Questions on the why page: words, date, importer, exporter, HS code, sector."""


def record_url(key: str) -> str:
    """The page of a record."""
    return f"/ledger/{quote(key)}"


def safe_link(url: str) -> str:
    """``url`` where it is http or https, else "": nothing else becomes a link."""
    plain = url.strip()
    return plain if plain.lower().startswith(("https://", "http://")) else ""


# --- the list -------------------------------------------------------------------------------------
def ledger_view(ledger: Ledger, filters: Filters, page: int) -> dict[str, Any]:
    """A page of the records that pass the filters.

    Raises
    ------
    InputError
        A filter value that no record has, a day outside the record, a page that does not exist.
    """
    found = browse(ledger, filters)
    pages = max(1, -(-len(found) // PAGE))
    if not 1 <= page <= pages:
        raise InputError(f"page {page}: there are {pages}; ask for one from 1 to {pages}")
    return {
        "meta": {
            "ledger": ledger.content_hash,
            "version": __version__,
            "record_from": ledger.record_from,
            "record_until": ledger.record_until,
            "filters": _given(filters),
            "day": filters.on or ledger.record_until,
            "total": len(found),
            "page": page,
            "pages": pages,
            "page_size": PAGE,
        },
        "rows": record_rows(found[(page - 1) * PAGE : page * PAGE]),
        "filters": facets(ledger),
    }


def record_rows(rows: list[Row]) -> list[dict[str, Any]]:
    """Rows of the list with their addresses."""
    return [{**vars(row), "url": record_url(row.id)} for row in rows]


def _given(filters: Filters) -> dict[str, str]:
    return {k: v for k, v in vars(filters).items() if v}


def page_url(filters: Filters, page: int) -> str:
    """The address of another page of the same list."""
    return "/ledger?" + urlencode({**_given(filters), "page": page})


# --- one record -----------------------------------------------------------------------------------
def record_view(ledger: Ledger, key: str) -> dict[str, Any]:
    """A record with addresses. Raises UnknownNameError, with close ids."""
    body = describe(ledger, key)
    for fact in body["facts"]:
        fact["parts"] = _pieces(fact["parts"])
    for provision in body["provisions"]:
        for name in ("targets", "products"):
            provision[name] = _pieces(provision[name])
    for source in body["sources"]:
        source["url"] = safe_link(source["url"])
    meta = {k: body[k] for k in ("id", "kind", "title", "notes", "file")}
    return {
        "meta": {**meta, "ledger": ledger.content_hash, "record_until": ledger.record_until},
        "facts": body["facts"],
        "rows": body["provisions"],
        "history": body["history"],
        "sources": body["sources"],
        "links": [{**link, "url": record_url(link["record"])} for link in body["links"]],
    }


def _pieces(parts: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{**p, "url": record_url(p["record"]) if p["record"] else ""} for p in parts]


# --- why this rate --------------------------------------------------------------------------------
FIELDS = ("date", "importer", "exporter", "hs", "sector")


class WhyForm:
    """What was asked, field by field: the values as written, as read, and what is wrong."""

    def __init__(self, written: Mapping[str, str]) -> None:
        self.written = {k: written.get(k, "").strip() for k in FIELDS}
        self.read: dict[str, str] = {}
        self.errors: dict[str, str] = {}

    @property
    def asked(self) -> bool:
        """Whether anything was filled in."""
        return any(self.written.values())

    def first_error(self) -> tuple[str, str] | None:
        """(field, message) of the first field that is wrong."""
        return next(((k, self.errors[k]) for k in FIELDS if k in self.errors), None)

    def blame(self, error: DetenteError) -> None:
        """Put an error of the query beside the field it is about."""
        text = str(error)
        about = {"exporter": "exporter", "imports of": "exporter", "import values": "exporter",
                 "partner": "exporter", "importer": "importer", "sector": "sector"}  # fmt: skip
        field = next((f for word, f in about.items() if word in text), "")
        self.errors[field or ("hs" if self.written["hs"] else "sector")] = text


def read_why(ledger: Ledger, written: Mapping[str, str]) -> WhyForm:
    """Check every field by itself; ``errors`` holds what is wrong beside each."""
    form = WhyForm(written)
    said, errors = form.written, form.errors
    try:
        form.read["date"] = ledger.at(said["date"]).date if said["date"] else ""
        if not said["date"]:
            errors["date"] = "give the day, YYYY-MM-DD"
    except DateError as error:
        errors["date"] = str(error)
    for side, what in (("importer", "who levies"), ("exporter", "who sells")):
        try:
            if not said[side]:
                errors[side] = f"give {what}: an ISO3 code, a name, or EU27"
                continue
            label = partner_label(said[side])
            ledger.at(ledger.record_until).members_of_partner(label)
            form.read[side] = label
        except InputError as error:
            errors[side] = str(error)
    if said["hs"] and said["sector"]:
        errors["sector"] = "give an HS code or a sector, not both"
    elif said["hs"]:
        code = said["hs"].replace(".", "").replace(" ", "")
        if code.isdigit() and code.isascii() and 2 <= len(code) <= 10:
            form.read["hs"] = code
        else:
            errors["hs"] = f"{said['hs']!r} is not an HS code; give 2 to 10 digits, as in 870323"
    elif said["sector"]:
        _read_sector(form, said["sector"])
    else:
        errors["hs"] = "give an HS code, or a sector"
    return form


def _read_sector(form: WhyForm, written: str) -> None:
    goods = goods_sectors()
    try:
        found = resolve_sectors(written)
        if len(found) != 1:
            raise UnknownNameError(f"{written!r} names {len(found)} sectors; name one")
        if found[0] not in goods:
            raise UnknownNameError.of("goods sector", found[0], goods)
        form.read["sector"] = found[0]
    except InputError as error:
        form.errors["sector"] = str(error)


_ORDER = ("base", "applied", "rule", "not a rate", "set aside", "not reached")


def why_view(ledger: Ledger, form: WhyForm, found: Explained) -> dict[str, Any]:
    """The rates, each step with the page of its record, and the average of a sector."""
    read = form.read
    steps = []
    for step in records(found.steps):
        rule = str(step["because"]).split(": ")[0]  # "usa/cars-over-reciprocal: Cars under ..."
        urls = [record_url(k) if k in ledger.records else "" for k in (step["record"], rule)]
        steps.append({**step, "url": urls[0], "because_url": urls[1]})
    steps.sort(key=lambda s: (s["row"], s["part"], _ORDER.index(s["step"])))
    meta = {
        **read,
        "importer_name": name_of(ledger, read["importer"]),
        "exporter_name": name_of(ledger, read["exporter"]),
        "sector_name": sector_name(read["sector"]) if "sector" in read else "",
        "ledger": ledger.content_hash,
        "record_until": ledger.record_until,
        "derivations_left_out": found.left_out,
    }
    return {
        "meta": meta,
        "rows": records(found.rates),
        "derivation": steps,
        "average": records(found.average),
    }


def example_links() -> list[dict[str, str]]:
    """The examples with their addresses."""
    return [
        {"words": row[0],
         "url": "/why?" + urlencode({k: v for k, v in zip(FIELDS, row[1:], strict=True) if v})}
        for row in EXAMPLES
    ]  # fmt: skip


def importer_names() -> list[tuple[str, str]]:
    """Countries to choose from: (code, name), by name, the EU first."""
    rest = sorted(((c, country_name(c)) for c in country_codes() if c != "ROW"), key=lambda x: x[1])
    return [("EU27", "European Union"), *rest]


def sector_names() -> list[tuple[str, str]]:
    """Goods sectors to choose from: (code, short name)."""
    return [(c, sector_name(c)) for c in goods_sectors()]

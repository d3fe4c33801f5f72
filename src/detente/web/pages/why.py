"""Why a rate is what it is: the form, and the derivation step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import Field

from detente.errors import DateError, DetenteError, InputError, UnknownNameError
from detente.labels import country_codes, country_name, goods_sectors, resolve_sectors, sector_name
from detente.law.query import Explained, explain, partner_label
from detente.ledger import Ledger
from detente.ledger.describe import name_of
from detente.report.tabular import records
from detente.web.answers import shaped
from detente.web.failures import wrong_field
from detente.web.links import record_url
from detente.web.services import Services, services
from detente.web.shapes import Body, Number
from detente.web.templating import render
from detente.web.wanted import while_wanted

__all__ = ["router"]

router = APIRouter()

Word = Annotated[str, Query(max_length=80)]
Desk = Annotated[Services, Depends(services)]

FIELDS = ("date", "importer", "exporter", "hs", "sector")


EXAMPLES = (
    ("A Korean car, 1 October 2025", "2025-10-01", "USA", "KOR", "870323", ""),
    ("A Korean car, 14 November 2025", "2025-11-14", "USA", "KOR", "870323", ""),
    ("Chinese toys, 10 April 2025", "2025-04-10", "USA", "CHN", "950300", ""),
    ("Japanese steel, 1 October 2025", "2025-10-01", "USA", "JPN", "7208", ""),
    ("US soybeans in China, 10 April 2025", "2025-04-10", "CHN", "USA", "1201", ""),
    ("German motor vehicles, the whole sector", "2025-10-01", "USA", "DEU", "", "C29"),
)
"""Questions on the why page: words, date, importer, exporter, HS code, sector."""


# --- shapes ---------------------------------------------------------------------------------------
class RateRow(Body):
    """A distinct rate under the code or sector."""

    date: str
    importer: str
    exporter: str
    hs: str
    rate_pct: Number
    base_pct: Number
    added_pct: Number
    share_of_imports_pct: Number
    weighted: str
    banned: str
    incomplete: str
    route: str
    lines: str


class WhyRow(Body):
    """A step of the derivation; ``row`` is the rate it belongs to."""

    row: int
    part: str
    share_of_value_pct: Number
    step: str
    record: str
    heading: str
    text: str
    added_pct: Number
    because: str
    source: str
    url: str
    because_url: str = Field(description="the page of the rule that set the step aside, if one did")


class AverageRow(Body):
    """The average over a sector."""

    date: str
    importer: str
    partner: str
    sector: str
    average_rate_pct: Number
    base_pct: Number
    added_pct: Number
    weights: str


class WhyAnswer(Body):
    """``GET /api/why``."""

    meta: dict[str, Any]
    rows: list[RateRow]
    derivation: list[WhyRow]
    average: list[AverageRow]


# --- the form -------------------------------------------------------------------------------------
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


# --- view -----------------------------------------------------------------------------------------
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


# --- routes ---------------------------------------------------------------------------------------
def _why(
    date: Word = "", importer: Word = "", exporter: Word = "", hs: Word = "", sector: Word = ""
) -> dict[str, str]:
    return {"date": date, "importer": importer, "exporter": exporter, "hs": hs, "sector": sector}


Written = Annotated[dict[str, str], Depends(_why)]


@router.get("/why", response_class=HTMLResponse, include_in_schema=False)
async def why_page(request: Request, desk: Desk, written: Written) -> HTMLResponse:
    """The form, and the derivation where it was filled in rightly."""
    form, view = await desk.aside(read_why, desk.ledger, written), None
    if form.asked and not form.errors:
        try:
            view = await while_wanted(request, _explained(desk, form))
        except InputError as bad:
            form.blame(bad)
    errors = form.errors if form.asked else {}
    return await desk.aside(
        render, request, "why.html", 422 if errors else 200, form=form, errors=errors, view=view,
        examples=example_links(), countries=importer_names(), sectors=sector_names(),
        record_from=desk.ledger.record_from, record_until=desk.ledger.record_until,
    )  # fmt: skip


@router.get("/api/why", tags=["ledger"], response_model=WhyAnswer)
async def why_twin(request: Request, desk: Desk, written: Written) -> Response:
    """The rate of ``hs`` or ``sector`` from one country in another on a day, step by step."""
    form = await desk.aside(read_why, desk.ledger, written)
    wrong = form.first_error()
    if wrong is not None:
        raise wrong_field(*wrong)
    try:
        view = await while_wanted(request, _explained(desk, form))
    except InputError as bad:
        form.blame(bad)
        raise wrong_field(*(form.first_error() or ("", str(bad)))) from None
    return await desk.aside(shaped, WhyAnswer, view)


async def _explained(desk: Services, form: WhyForm) -> dict[str, Any]:
    read = form.read
    found = await desk.pool.call(
        explain, read["date"], read["importer"], read["exporter"], read.get("hs"),
        read.get("sector"),
    )  # fmt: skip
    return await desk.aside(why_view, desk.ledger, form, found)

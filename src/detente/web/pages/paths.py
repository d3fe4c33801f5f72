"""The trade war as a path: quarter by quarter, a year on from a day, and in the long run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import Field

from detente.errors import UnknownNameError
from detente.labels import country_name, resolve_countries, sector_name
from detente.timeline.days import COLUMNS, Timeline
from detente.timeline.path_draws import HIGH, LOW
from detente.timeline.paths import PATH_COLUMNS, LawPath
from detente.variables import variable as variable_row
from detente.web.answers import answer, json_bytes
from detente.web.pages.sectors import one_sector
from detente.web.services import Services, services
from detente.web.shapes import DAY_PATTERN, Body, Meta, Number

__all__ = ["router"]

router = APIRouter()
Held = Annotated[Services, Depends(services)]

NAMES = tuple(c.name for c in PATH_COLUMNS)
PRODUCERS = 5
"""Economies in the path of a sector's output where none are named: its largest producers."""

AT = ("so_far", "one_year_after", "long_run")

Day = Annotated[
    str,
    Query(pattern=DAY_PATTERN, description="A calendar day.", examples=["2025-04-10"]),
]
Since = Annotated[
    str,
    Query(
        pattern=DAY_PATTERN,
        description="Changes are against how the world stood when this day began.",
        examples=["2018-01-01"],
    ),
]
Variable = Annotated[
    str,
    Query(max_length=40, description=f"One of {', '.join(NAMES)}.", examples=[NAMES[0]]),
]
Countries = Annotated[
    str,
    Query(max_length=400, description="ISO3 codes, names or groups, by commas; all if none.",
          examples=["USA,KOR"]),
]  # fmt: skip
AskBands = Annotated[
    bool,
    Query(description="Have the draws made from which bands are taken, if they are not there yet."),
]


# --- shapes ---------------------------------------------------------------------------------------
class BandsState(Body):
    """How far the draws behind low and high are."""

    status: Literal["none", "working", "ready", "failed"]
    done: int
    total: int
    low_percentile: int
    high_percentile: int
    words: str


class PathAnswer(Body):
    """A variable by quarter and country: ``values[quarter][country]`` in the unit of
    ``meta.unit``; ``low`` and ``high`` are null until the draws are there."""

    meta: Meta
    times: list[str]
    first: list[str] = Field(description="first day of each quarter")
    last: list[str] = Field(description="last day of each quarter")
    countries: list[str]
    values: list[list[Number]]
    low: list[list[Number]] | None
    high: list[list[Number]] | None
    bands: BandsState


class YearAfterAnswer(Body):
    """A variable one year after each change date, had its law stayed: ``values[date][country]``."""

    meta: Meta
    dates: list[str]
    countries: list[str]
    values: list[list[Number]]


class CountryAt(Body):
    """A country under the law of a day: so far, one year after, and in the long run if it
    stayed."""

    country: str
    name: str
    real_income_so_far_pct: Number
    real_income_one_year_after_pct: Number
    real_income_long_run_pct: Number
    real_wage_so_far_pct: Number
    real_wage_one_year_after_pct: Number
    real_wage_long_run_pct: Number
    exports_so_far_pct: Number
    exports_one_year_after_pct: Number
    exports_long_run_pct: Number
    imports_so_far_pct: Number
    imports_one_year_after_pct: Number
    imports_long_run_pct: Number
    tariff_revenue_so_far_usd_bn: Number
    tariff_revenue_one_year_after_usd_bn: Number
    tariff_revenue_long_run_usd_bn: Number


class PathAtAnswer(Body):
    """A day at three horizons."""

    meta: Meta
    rows: list[CountryAt]


# --- routes ---------------------------------------------------------------------------------------
@router.get("/api/path", response_model=PathAnswer, tags=["path"])
async def path(
    request: Request, held: Held, variable: Variable = NAMES[0], countries: Countries = "",
    since: Since = "2018-01-01", bands: AskBands = False,
) -> Response:  # fmt: skip
    """The trade war as recorded, quarter by quarter: what the model says would have happened.

    With ``bands=true`` draws of horizons and elasticities are made in the background; ask again
    until ``bands.status`` is ready. Nothing waits for them.
    """
    column, who = _column(variable), _countries(held, countries)
    line = held.timeline
    line.place(since)
    found = await held.path()
    if bands:
        await held.aside(held.paths.ask, line.laws, held.laws_path)

    def made() -> tuple[bytes, bool]:
        places = _places(held, who)
        row = COLUMNS[column]
        meta = {
            **_meta(held, line, found, since), "variable": column, "unit": row.unit,
            "definition": row.definition, "relative": row.relative,
        }  # fmt: skip
        n = NAMES.index(column)
        values = found.columns_since(since)[:, n][:, places]
        state, drawn = held.paths.bands, held.paths.drawn
        band = None
        if drawn is not None and drawn.solved:
            low, high = drawn.band(found.stood(since))
            band = low[:, n][:, places], high[:, n][:, places]
        return _quarters(meta, found, who, values, band, state), state.status == "ready"

    body, final = await held.aside(made)
    return answer(request, body, seconds=60 if final else 0)


@router.get("/api/path/after", response_model=YearAfterAnswer, tags=["path"])
async def after(
    request: Request, held: Held, variable: Variable = NAMES[0], countries: Countries = "",
    since: Since = "2018-01-01",
) -> Response:  # fmt: skip
    """One year after each change date, had the law of that date stayed."""
    column, who = _column(variable), _countries(held, countries)
    line = held.timeline
    line.place(since)
    found = await held.path()

    def made() -> bytes:
        row = COLUMNS[column]
        values = found.after_since(since)[:, NAMES.index(column)][:, _places(held, who)]
        meta = {
            **_meta(held, line, found, since), "variable": column, "unit": row.unit,
            "definition": row.definition, "relative": row.relative,
        }  # fmt: skip
        return json_bytes({"meta": meta, "dates": found.dates, "countries": who, "values": values})

    key = f"path after {column} {since} {' '.join(who)}"
    return answer(request, await held.cache.get(key, lambda: held.aside(made)))


@router.get("/api/path/at", response_model=PathAtAnswer, tags=["path"])
async def at(request: Request, held: Held, date: Day, since: Since = "2018-01-01") -> Response:
    """A day at three horizons: so far, one year after, and in the long run if its law stayed."""
    line = held.timeline
    now, then = line.place(date), line.place(since)
    found = await held.path()
    await held.solved(now, then)

    def made() -> bytes:
        q = found.quarter(date)
        long_run = line.compare(now, then)[[list(COLUMNS).index(name) for name in NAMES]]
        shown = dict(
            zip(AT, (found.columns_since(since)[q], found.after_since(since)[now], long_run),
                strict=True)
        )  # fmt: skip
        rows = [
            {"country": c, "name": country_name(c)}
            | {_at_name(name, when): values[k, i]
               for k, name in enumerate(NAMES) for when, values in shown.items()}
            for i, c in enumerate(held.world.countries)
        ]  # fmt: skip
        meta = {
            **_meta(held, line, found, since), "date": date, "law_of": line.dates[now],
            "quarter": found.quarters[q], "law_of_since": line.dates[then],
            "so_far": "the mean of the quarter in which the day lies",
            "one_year_after": "the law of the day having stayed for a year",
            "long_run": "once trade has adjusted, against the long run of the law of since",
        }  # fmt: skip
        return json_bytes({"meta": meta, "rows": rows})

    key = f"path at {date} {since}"
    return answer(request, await held.cache.get(key, lambda: held.aside(made)))


@router.get("/api/path/output", response_model=PathAnswer, tags=["path"])
async def output(
    request: Request, held: Held,
    sector: Annotated[str, Query(max_length=80, description="Code or name of a sector.",
                                 examples=["C29"])],
    countries: Countries = "", since: Since = "2018-01-01", bands: AskBands = False,
) -> Response:  # fmt: skip
    """What a sector makes, quarter by quarter; in its five largest producers if none is named."""
    code = one_sector(held, sector)
    j = held.world.sectors.index(code)
    who = _countries(held, countries) if countries.strip() else _producers(held, j)
    line = held.timeline
    line.place(since)
    found = await held.path()
    if bands:
        await held.aside(held.paths.ask, line.laws, held.laws_path)

    def made() -> tuple[bytes, bool]:
        places = _places(held, who)
        meta = {
            **_meta(held, line, found, since), "variable": "output_pct", "unit": "percent",
            "definition": variable_row("output").definition, "relative": True,
            "sector": code, "sector_name": sector_name(code),
        }  # fmt: skip
        state, drawn = held.paths.bands, held.paths.drawn
        band = None
        if drawn is not None and drawn.solved:
            low, high = drawn.output_band(found.stood(since), j)
            band = low[:, places], high[:, places]
        values = found.output_since(since)[:, j][:, places]
        return _quarters(meta, found, who, values, band, state), state.status == "ready"

    body, final = await held.aside(made)
    return answer(request, body, seconds=60 if final else 0)


# --- parts ----------------------------------------------------------------------------------------
def _quarters(
    meta: dict[str, Any], path: LawPath, who: list[str], values: np.ndarray,
    band: tuple[np.ndarray, np.ndarray] | None, state: Any,
) -> bytes:  # fmt: skip
    low, high = band or (None, None)
    return json_bytes({
        "meta": meta, "times": path.quarters, "first": path.first, "last": path.last,
        "countries": who, "values": values, "low": low, "high": high, "bands": _bands(state),
    })  # fmt: skip


def _bands(state: Any) -> dict[str, Any]:
    words = {
        "none": "no band yet: nobody has asked for it",
        "working": f"{state.done} of {state.total} draws",
        "ready": f"{state.done} of {state.total} draws of horizons and elasticities have a path; "
        f"the band holds the middle {HIGH - LOW} percent of them",
        "failed": "the band could not be worked out; ask again in a minute",
    }
    return {
        **state._asdict(), "low_percentile": LOW, "high_percentile": HIGH,
        "words": words[state.status],
    }  # fmt: skip


def _meta(held: Services, line: Timeline, path: LawPath, since: str) -> dict[str, Any]:
    base = path.stood(since)
    meta = {
        **held.provenance,
        "model": "staggered",
        "horizon": path.horizon,
        "baseline": f"rest under the law of {line.dates[0]}",
        "since": since,
        "compared_with": path.quarters[base] if base >= 0 else f"rest before {path.first[0]}",
        "law_assumed_after": path.until,
        "what": "model results of these measures alone, everything else equal; not observations",
    }
    if path.error:
        meta["ends_early"] = path.error
    return meta


def _at_name(column: str, when: str) -> str:
    """real_income_pct and so_far as real_income_so_far_pct."""
    for unit in ("_usd_bn", "_pct"):
        if column.endswith(unit):
            return f"{column.removesuffix(unit)}_{when}{unit}"
    raise AssertionError(column)  # pragma: no cover


def _column(variable: str) -> str:
    if variable not in NAMES:
        raise UnknownNameError.of("variable", variable, NAMES, "path")
    return variable


def _countries(held: Services, names: str) -> list[str]:
    wanted = [n for n in (part.strip() for part in names.split(",")) if n]
    known = held.world.countries
    return resolve_countries(wanted, known, partial_groups=True) if wanted else list(known)


def _places(held: Services, who: Sequence[str]) -> list[int]:
    return [held.world.countries.index(c) for c in who]


def _producers(held: Services, j: int) -> list[str]:
    """The largest producers of a sector in the world table, the largest first; the rest of the
    world is no economy."""
    order = np.argsort(-held.world.output.values[j], kind="stable")
    known = [held.world.countries[i] for i in order]
    return [c for c in known if c != "ROW"][:PRODUCERS]

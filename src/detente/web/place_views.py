"""Plain data behind the country and sector pages; the functions that workers run."""

from __future__ import annotations

import json
from typing import Any

from detente.dependence.partner_ranks import MEASURES, SOURCE, top_partners
from detente.errors import DateError, UnknownNameError
from detente.labels import resolve_countries, resolve_sectors, sector_long_name, sector_name
from detente.ledger.browse import aimed_at, imposed_by
from detente.ledger.describe import name_of
from detente.report.tabular import records
from detente.timeline.days import COLUMNS, Timeline
from detente.timeline.places import country_place, sector_place, sectors_table
from detente.web import worker
from detente.web.answers import json_bytes
from detente.web.services import Services
from detente.web.views import record_rows

__all__ = [
    "asked_place",
    "countries_view",
    "country_series",
    "country_view",
    "drawn_country",
    "one_country",
    "one_sector",
    "sector_view",
    "sectors_view",
]  # fmt: skip


# --- in workers -----------------------------------------------------------------------------------
def country_body(laws: str, place: int, since: int, country: str) -> bytes:
    """The computed tables of a country as JSON."""
    found = country_place(worker.timeline(laws), place, since, country)
    return json_bytes({name: records(table) for name, table in found.items()})


def sector_body(laws: str, place: int, since: int, sector: str) -> bytes:
    """The computed tables of a sector as JSON."""
    found = sector_place(worker.timeline(laws), place, since, sector)
    return json_bytes({name: records(table) for name, table in found.items()})


def sectors_body(laws: str, place: int, since: int) -> bytes:
    """The list of sectors as JSON."""
    return json_bytes({"rows": records(sectors_table(worker.timeline(laws), place, since))})


# --- what was asked -------------------------------------------------------------------------------
def one_country(desk: Services, name: str) -> str:
    """The code of one country of the world. Raises UnknownNameError, with close names."""
    found = resolve_countries(name, desk.world.countries, partial_groups=True)
    if len(found) != 1:
        raise UnknownNameError(
            f"{name} is a group of {len(found)} countries; each has a page of its own: "
            f"{', '.join(found[:6])}, ..."
        )
    return found[0]


def one_sector(desk: Services, name: str) -> str:
    """The code of one sector of the world. Raises UnknownNameError, with close names."""
    found = resolve_sectors(name, desk.world.sectors)
    if len(found) != 1:
        raise UnknownNameError.of("sector", name, desk.world.sectors)
    return found[0]


def asked_place(line: Timeline, date: str) -> tuple[int, str]:
    """The place on the timeline and the day, the last one where none is given.

    Raises
    ------
    DateError
        Not a day of the timeline.
    """
    day = date.strip() or line.ledger.record_until
    if day < line.dates[0]:
        raise DateError(f"date {day}: the timeline begins on {line.dates[0]}; ask for a later day")
    return line.place(day), day


def _meta(desk: Services, line: Timeline, day: str, place: int) -> dict[str, Any]:
    return {
        **desk.provenance,
        "date": day,
        "law_of": line.dates[place],
        "since": line.dates[0],
        "record_until": line.ledger.record_until,
    }


# --- views ----------------------------------------------------------------------------------------
async def countries_view(desk: Services, date: str) -> dict[str, Any]:
    """Every country: tariffs it charges and faces, and what the law of the day did since 2018."""
    place, day = asked_place(desk.timeline, date)
    line = await desk.solved(place, 0)
    units = {c.name: {"unit": c.unit, "definition": c.definition} for c in COLUMNS.values()}
    meta = {**_meta(desk, line, day, place), "variables": units}

    def made() -> dict[str, Any]:
        return json.loads(json_bytes({"meta": meta, "rows": line.rows(place, 0)}))

    return await desk.aside(made)


async def country_view(desk: Services, country: str, date: str) -> dict[str, Any]:
    """A country on a day."""
    line = desk.timeline
    place, day = asked_place(line, date)
    same = line.same_as(place)
    body = await desk.cache.get(
        f"country {line.laws.key} {same} {country}",
        lambda: desk.pool.call(country_body, desk.laws_path, same, 0, country),
    )
    return await desk.aside(_country_view, desk, line, place, day, country, body)


def _country_view(
    desk: Services, line: Timeline, place: int, day: str, country: str, body: bytes
) -> dict[str, Any]:
    found = json.loads(body)
    partners = found["tariffs_by_partner"]
    return {
        "meta": {
            **_meta(desk, line, day, place),
            "country": country,
            "name": name_of(desk.ledger, country),
            "ranks_source": SOURCE,
        },
        **found,
        "partners": [
            {k: p[k] for k in ("country", "name", "exports_usd_bn", "imports_usd_bn",
                               "exports_share_pct", "imports_share_pct", "exports_change_usd_bn",
                               "imports_change_usd_bn")}
            for p in partners
        ],
        "ranks": _ranks(desk, country),
        "measures": record_rows(imposed_by(desk.ledger, country, day)),
        "aimed_at": record_rows(aimed_at(desk.ledger, country, day)),
    }  # fmt: skip


DRAWN = 12
"""Partners in the drawn table of exposure; all of them are in the twin."""


def drawn_country(view: dict[str, Any]) -> dict[str, Any]:
    """What the charts of the page draw: the view without the cells that no chart shows."""
    partners = [p["country"] for p in view["exposure_by_partner"][:DRAWN]]
    kept = ("meta", "tariffs_by_partner", "sectors", "exposure_by_partner", "gainers", "partners")
    cells = [c for c in view["exposure"] if c["country"] in partners]
    return {**{k: view[k] for k in kept}, "exposure": cells}


def _ranks(desk: Services, country: str) -> list[dict[str, Any]]:
    """The first five partners in goods by each measure; none for an economy without data."""
    rows: list[dict[str, Any]] = []
    for measure, words in MEASURES.items():
        try:
            table = top_partners(country, measure)
        except UnknownNameError:
            return []
        rows += [
            {
                "measure": words,
                "rank": int(row["rank"]),
                "country": str(row["partner"]),
                "name": name_of(desk.ledger, str(row["partner"])),
                "goods_usd_bn": float(row["value_usd_mn"]) / 1e3,
                "share_pct": 100 * float(row["share"]),
            }
            for row in records(table)
        ]
    return rows


async def country_series(desk: Services, country: str) -> dict[str, Any]:
    """Every column of the timeline for one country, on every date, relative to the world table."""
    line = await desk.all_solved()
    n = desk.world.countries.index(country)

    def made() -> dict[str, Any]:
        return {
            "meta": {
                **_meta(desk, line, line.ledger.record_until, len(line.dates) - 1),
                "country": country,
                "units": {c.name: c.unit for c in COLUMNS.values()},
            },
            "dates": list(line.dates),
            "columns": {name: line.series(name)[:, n].tolist() for name in COLUMNS},
        }

    return await desk.aside(made)


async def sectors_view(desk: Services, date: str) -> dict[str, Any]:
    """Every sector: world trade and tariffs."""
    line = desk.timeline
    place, day = asked_place(line, date)
    same = line.same_as(place)
    body = await desk.cache.get(
        f"sectors {line.laws.key} {same}",
        lambda: desk.pool.call(sectors_body, desk.laws_path, same, 0),
    )
    return {"meta": _meta(desk, line, day, place), **json.loads(body)}


async def sector_view(desk: Services, sector: str, date: str) -> dict[str, Any]:
    """A sector on a day."""
    line = desk.timeline
    place, day = asked_place(line, date)
    same = line.same_as(place)
    body = await desk.cache.get(
        f"sector {line.laws.key} {same} {sector}",
        lambda: desk.pool.call(sector_body, desk.laws_path, same, 0, sector),
    )
    theta = float(desk.world.theta.values[desk.world.sectors.index(sector)])
    meta = {
        **_meta(desk, line, day, place), "sector": sector, "name": sector_name(sector),
        "long": sector_long_name(sector), "elasticity": theta,
    }  # fmt: skip
    return {"meta": meta, **json.loads(body)}

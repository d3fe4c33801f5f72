"""Names of countries, sectors and groups, and how to resolve what a user writes.

The vocabularies are CSV files in ``vocabulary``: countries (ISO3, name, aliases), sectors (code,
short and long name, goods or services), groups with their source, and members with dates.
"""

from __future__ import annotations

import csv
import datetime
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files

from detente.errors import DateError, UnknownNameError

__all__ = [
    "country_codes",
    "country_name",
    "goods_sectors",
    "group_members",
    "group_names",
    "group_source",
    "missing_members",
    "resolve_countries",
    "resolve_sectors",
    "sector_codes",
    "sector_long_name",
    "sector_name",
]

Names = str | Iterable[str]
Date = str | datetime.date | None

_ALL = ("all", "*")


def country_codes() -> list[str]:
    """ISO3 codes of the 77 countries of world-2022, in its order; ROW is the rest of the world."""
    return list(_countries())


def sector_codes() -> list[str]:
    """The 23 sector codes of world-2022, in its order; goods first."""
    return list(_sectors())


def goods_sectors() -> list[str]:
    """The codes of the goods sectors."""
    return [code for code, row in _sectors().items() if row["kind"] == "goods"]


def country_name(code: str) -> str:
    """English name of an ISO3 code; a code outside the vocabulary is returned as it is."""
    row = _countries().get(code)
    return row["name"] if row else code


def sector_name(code: str) -> str:
    """Short name of a sector ("Motor vehicles"); an unknown code is returned as it is."""
    row = _sectors().get(code)
    return row["short"] if row else code


def sector_long_name(code: str) -> str:
    """Long name with its ISIC Rev.4 divisions; an unknown code is returned as it is."""
    row = _sectors().get(code)
    return row["long"] if row else code


def group_names() -> list[str]:
    """Names of the country groups."""
    return list(_groups())


def group_source(name: str) -> str:
    """Where the membership of a group was read. Raises UnknownNameError."""
    return _groups()[_group(name)]["source"]


def group_members(name: str, on: Date = None) -> list[str]:
    """ISO3 members of a group on a date, whether or not a world holds them.

    Without a date: the latest membership, except ASEAN (the ten before Timor-Leste), BRICS (the
    five before 2024) and NAFTA (its last day); groups.csv says so. A date before the group
    existed gives an empty list.

    Raises UnknownNameError for an unknown group, DateError for a date that cannot be read.
    """
    group = _group(name)
    day = _day(on) or _groups()[group]["default_on"] or "9999-12-31"
    return [
        row["iso3"]
        for row in _members()
        if row["group"] == group
        and (not row["since"] or row["since"] <= day)
        and (not row["until"] or day < row["until"])
    ]


def missing_members(name: str, known: Iterable[str], on: Date = None) -> list[str]:
    """Members of a group that ``known`` (the countries of a world) does not hold."""
    held = set(known)
    return [m for m in group_members(name, on) if m not in held]


def resolve_countries(
    names: Names,
    known: Iterable[str] | None = None,
    on: Date = None,
    *,
    partial_groups: bool = False,
) -> list[str]:
    """ISO3 codes for codes, names, aliases and groups, in the order given, each once.

    names: one text or several; "all" or "*" is every country of ``known``. known: the countries
    of a world (default: world-2022). on: date of group membership.
    A group with members outside ``known`` raises and names them, since the group without them
    would be another group; with ``partial_groups=True`` the members held are returned, and
    ``missing_members`` tells which were left out.

    Raises UnknownNameError, with close matches for a name nobody knows.
    """
    held = list(known) if known is not None else country_codes()
    inside = set(held)
    out: dict[str, None] = {}
    for name in _listed(names):
        text = str(name).strip()
        if text.casefold() in _ALL:
            out.update(dict.fromkeys(held))
        elif text in inside:
            out[text] = None
        elif (code := _country_index().get(text.casefold())) is not None:
            if code not in inside:
                raise UnknownNameError.of("country", name, held, f"{country_name(code)} ({code})")
            out[code] = None
        elif text.casefold() in _group_index():
            members = group_members(text, on)
            lacking = [m for m in members if m not in inside]
            if (lacking and not partial_groups) or len(lacking) == len(members):
                when = f" on {_day(on)}" if on is not None else ""
                held_members = [m for m in members if m in inside]
                raise UnknownNameError(
                    f"group {text!r}{when}: members {', '.join(lacking) or '(none)'} are not in "
                    f"this world; name the countries you mean: {', '.join(held_members)}."
                )
            out.update(dict.fromkeys(m for m in members if m in inside))
        else:
            raise UnknownNameError.of("country", name, _all_country_names(held))
    return list(out)


def resolve_sectors(names: Names, known: Iterable[str] | None = None) -> list[str]:
    """Sector codes for codes, names and aliases, in the order given, each once.

    "all" or "*" is every sector, "goods" and "services" the sectors of that kind. known: the
    sectors of a world (default: the 23 of world-2022).

    Raises UnknownNameError, with close matches.
    """
    held = list(known) if known is not None else sector_codes()
    inside = set(held)
    out: dict[str, None] = {}
    for name in _listed(names):
        text = str(name).strip()
        if text.casefold() in _ALL:
            out.update(dict.fromkeys(held))
        elif text in inside:
            out[text] = None
        elif text.casefold() in ("goods", "services"):
            kind = text.casefold()
            found = [s for s in held if s in _sectors() and _sectors()[s]["kind"] == kind]
            if not found:
                raise UnknownNameError.of("sector", name, held)
            out.update(dict.fromkeys(found))
        elif (code := _sector_index().get(text.casefold())) is not None and code in inside:
            out[code] = None
        else:
            own = [row["short"] for s, row in _sectors().items() if s in inside]
            raise UnknownNameError.of("sector", name, [*held, *own])
    return list(out)


def _listed(names: Names) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _day(on: Date) -> str | None:
    if on is None:
        return None
    text = on.isoformat()[:10] if isinstance(on, datetime.date) else str(on)
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise DateError(f"date {text!r} cannot be read; write it as 2025-04-10.") from error


def _group(name: str) -> str:
    group = _group_index().get(str(name).strip().casefold())
    if group is None:
        raise UnknownNameError.of("group", name, _groups())
    return group


def _all_country_names(held: list[str]) -> list[str]:
    names = [country_name(c) for c in held]
    return list(dict.fromkeys([*names, *held, *_groups(), "EU27"]))


def _read(name: str) -> list[dict[str, str]]:
    text = (files("detente") / "vocabulary" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@lru_cache(maxsize=1)
def _countries() -> dict[str, dict[str, str]]:
    return {row["iso3"]: row for row in _read("countries.csv")}


@lru_cache(maxsize=1)
def _sectors() -> dict[str, dict[str, str]]:
    return {row["code"]: row for row in _read("sectors.csv")}


@lru_cache(maxsize=1)
def _groups() -> dict[str, dict[str, str]]:
    return {row["group"]: row for row in _read("groups.csv")}


@lru_cache(maxsize=1)
def _members() -> list[dict[str, str]]:
    return _read("members.csv")


def _index(rows: dict[str, dict[str, str]], fields: tuple[str, ...]) -> dict[str, str]:
    out: dict[str, str] = {}
    for code, row in rows.items():
        aliases = [a for a in row["aliases"].split(";") if a]
        for text in (code, *(row[f] for f in fields), *aliases):
            key = text.casefold()
            if out.setdefault(key, code) != code:
                raise ValueError(f"vocabulary: {text!r} means both {out[key]} and {code}")
    return out


@lru_cache(maxsize=1)
def _country_index() -> dict[str, str]:
    return _index(_countries(), ("name",))


@lru_cache(maxsize=1)
def _sector_index() -> dict[str, str]:
    return _index(_sectors(), ("short", "long"))


@lru_cache(maxsize=1)
def _group_index() -> dict[str, str]:
    return _index(_groups(), ("name",))

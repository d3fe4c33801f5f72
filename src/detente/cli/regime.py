"""``detente regime``: what a good pays on a day, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from detente.cli.formats import Format, named_path
from detente.errors import InputError

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add ``regime`` to ``app``."""
    app.command("regime")(regime)


def regime(
    date: Annotated[str | None, typer.Option("--date", help="The day, YYYY-MM-DD.")] = None,
    importer: Annotated[str, typer.Option("--importer", help="Who levies (ISO3 or name).")] = "USA",
    exporter: Annotated[
        str | None, typer.Option("--exporter", help="Who sells (ISO3, name, or EU27).")
    ] = None,
    hs: Annotated[
        str | None, typer.Option("--hs", help="HS code, 2 to 10 digits, dots allowed.")
    ] = None,
    sector: Annotated[
        str | None, typer.Option("--sector", help="A sector instead, e.g. C29.")
    ] = None,
    why: Annotated[bool, typer.Option("--why", help="Print the derivation line by line.")] = False,
    average: Annotated[
        bool, typer.Option("--average", help="Import-weighted averages, by partner and overall.")
    ] = False,
    lines: Annotated[
        Path | None, typer.Option("--lines", parser=named_path, metavar="PATH",
                                      help="CSV of queries: hs, exporter, date.")
    ] = None,
    known_on: Annotated[
        str | None, typer.Option("--known-on", help="What was known on that day.")
    ] = None,
    legal: Annotated[
        bool, typer.Option("--legal", help="Legal dates instead of collection dates.")
    ] = False,
    announced: Annotated[
        bool, typer.Option("--announced", help="Count what was announced as if in force.")
    ] = False,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", help="Leave out a measure or programme. Repeatable."),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.TABLE,
) -> None:  # fmt: skip
    """Print the tariff that applied on a day, its derivation, or averages."""
    from detente.cli.output import show
    from detente.labels import resolve_sectors
    from detente.law import query
    from detente.ledger import load_ledger

    ledger = load_ledger()
    view: dict[str, Any] = {
        "known_on": known_on, "dates": "legal" if legal else "collection", "announced": announced,
    }  # fmt: skip
    meta = {
        "command": "regime", "date": date, "importer": importer, **view,
        "ledger": ledger.content_hash, "record_until": ledger.record_until,
    }  # fmt: skip
    buyer = query.partner_label(importer)
    seller = None if exporter is None else query.partner_label(exporter)
    if lines is not None:
        rows = query.lines_table(ledger, lines, buyer, **view)
        show(_narrow(rows, format_, keep=("date", "exporter", "hs")), meta, format_)
        return
    if date is None:
        raise InputError("--date: say the day, YYYY-MM-DD")
    law = ledger.at(date, **view)
    if without:
        law = law.without(without)
    code = None if sector is None else resolve_sectors(sector)[0]
    if average:
        if hs is not None:
            raise InputError("--average is by partner or --sector; leave --hs out")
        if code is None:
            rows = query.average_table(law, buyer, seller)
        else:
            rows = query.sector_average(law, buyer, seller, code)
        said = f"Average statutory tariff of {buyer} on {date}"
        show(_narrow(rows, format_), meta, format_, title=said)
        return
    rates = query.query(law, buyer, seller, hs, code, why)
    tables = {"derivation": query.why_table(rates)} if why else None
    rows = query.rate_table(rates)
    title = f"{buyer} on {hs or code} from {seller or 'every partner'}, {date}"
    if format_ is Format.TABLE and why:
        _print_why(rates, title)
        return
    show(_narrow(rows, format_), meta, format_, title=title, tables=tables)


_HEADS = {
    "exporter": "exporter", "partner": "partner", "sector": "sector", "hs": "hs",
    "rate_pct": "rate %", "average_rate_pct": "average %", "base_pct": "base %",
    "added_pct": "added %", "share_of_imports_pct": "share %", "base_unknown_pct": "base unknown %",
    "imports_usd_bn": "imports $bn", "route": "route", "banned": "banned", "lines": "lines",
    "date": "date",
}  # fmt: skip


def _narrow(rows: Any, format_: Format, keep: tuple[str, ...] = ()) -> Any:
    """For the terminal: short heads, and columns that say one thing in every row left to the
    title. JSON and CSV keep every column."""
    if format_ is not Format.TABLE:
        return rows
    same = ["date", "importer", "exporter", "hs", "partner", "sector", "weights", "weighted",
            "banned", "incomplete"]  # fmt: skip
    drop = [
        c for c in same
        if c in rows and c not in keep and (c in ("weights", "weighted") or rows[c].nunique() <= 1)
    ]  # fmt: skip
    if "banned" in rows and "yes" in set(rows["banned"]):
        drop = [c for c in drop if c != "banned"]
    rows = rows.drop(columns=drop)
    if "lines" in rows:
        several = rows["lines"].str.count(",") + 1
        rows["lines"] = rows["lines"].where(
            several <= 1, rows["lines"].str.split(",").str[0] + ", ..."
        )
    return rows.rename(columns=_HEADS)


def _print_why(rates, title: str) -> None:
    from detente.report.derivation import print_derivation
    from detente.report.text import terminal

    print_derivation(rates, title, terminal())

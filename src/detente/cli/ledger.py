"""``detente ledger``: list, show, check and follow what governments did."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from detente.cli.formats import Format, named_path

__all__ = ["app"]

app = typer.Typer(
    help="List, show, check and follow the dated record of measures.", no_args_is_help=True,
    rich_markup_mode=None,
)  # fmt: skip

Format_ = Annotated[Format, typer.Option("--format", help="What to print.")]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--folder",
        parser=named_path,
        metavar="PATH",
        help="A folder of records instead of the embedded ones.",
    ),
]


@app.command("list")
def list_(
    kind: Annotated[
        str | None, typer.Option("--kind", help="measure, agreement, pledge, conflict, ...")
    ] = None,
    imposer: Annotated[str | None, typer.Option("--imposer", help="ISO3 or EU27.")] = None,
    text: Annotated[str | None, typer.Option("--text", help="Words in the id or title.")] = None,
    folder: Folder = None,
    format_: Format_ = Format.TABLE,
) -> None:
    """List records."""
    from detente.cli.output import show as print_rows
    from detente.ledger import load_ledger
    from detente.ledger.tables import records_table

    ledger = load_ledger(folder)
    rows = records_table(ledger, kind, imposer, text)
    if format_ is Format.TABLE:
        columns = ["id", "title", "first", "last"]
        rows = rows[columns if kind else ["kind", *columns]]
    print_rows(rows, {"command": "ledger list", "ledger": ledger.content_hash}, format_)


@app.command("show")
def show(
    record: Annotated[str, typer.Argument(help="A record's id, see `detente ledger list`.")],
    folder: Folder = None,
    format_: Format_ = Format.TABLE,
) -> None:
    """Show one record: a measure's history with sources, or another record's fields."""
    from detente.cli.output import show as print_rows
    from detente.ledger import load_ledger
    from detente.ledger.tables import record_table

    ledger = load_ledger(folder)
    rows = record_table(ledger, record)
    meta: dict[str, Any] = {
        "command": "ledger show", "record": record, "ledger": ledger.content_hash,
    }  # fmt: skip
    if record in ledger.records:
        meta["file"] = ledger.file_of(record)
        meta["body"] = ledger.records[record][1].model_dump(mode="json", exclude_defaults=True)
    if format_ is Format.TABLE and "heading" in rows:
        rows = rows[["heading", "title", "status", "in_force", "ended", "form", "rate_pct",
                     "evidence"]]  # fmt: skip
    print_rows(rows, meta, format_, title=record)


@app.command()
def check(
    evidence: Annotated[
        bool, typer.Option("--evidence", help="List entries that rest on weak evidence.")
    ] = False,
    grades: Annotated[str, typer.Option("--grades", help="Grades that count as weak.")] = "CG",
    folder: Folder = None,
    format_: Format_ = Format.TABLE,
) -> None:
    """Load every record, run every check, and count what there is."""
    import pandas as pd

    from detente.cli.output import show as print_rows
    from detente.ledger import load_ledger
    from detente.ledger.tables import evidence_table, records_table

    ledger = load_ledger(folder)  # raises with file, field and remedy
    meta = {
        "command": "ledger check", "ledger": ledger.content_hash,
        "record_from": ledger.record_from, "record_until": ledger.record_until,
    }  # fmt: skip
    if evidence:
        print_rows(evidence_table(ledger, grades), meta, format_)
        return
    counts = records_table(ledger)["kind"].value_counts().sort_index()
    rows = pd.DataFrame({"kind": counts.index, "records": counts.to_numpy()})
    title = f"All checks passed ({ledger.record_from} to {ledger.record_until})"
    print_rows(rows, meta, format_, title=title)


@app.command()
def changes(
    start: Annotated[str | None, typer.Option("--from", help="First day.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last day.")] = None,
    imposer: Annotated[str | None, typer.Option("--imposer", help="ISO3 or EU27.")] = None,
    folder: Folder = None,
    format_: Format_ = Format.TABLE,
) -> None:
    """The day-by-day history in words."""
    from detente.cli.output import show as print_rows
    from detente.ledger import load_ledger
    from detente.ledger.tables import changes_table

    ledger = load_ledger(folder)
    rows = changes_table(ledger, start, end, imposer)
    if format_ is Format.TABLE:
        rows = rows[["date", "imposer", "change"]]
    print_rows(rows, {"command": "ledger changes", "ledger": ledger.content_hash}, format_)

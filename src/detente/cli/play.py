"""``detente play``: a question in, an answer card out."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from detente.cli.formats import changes, named_path
from detente.errors import InputError
from detente.files import probe_folder

__all__ = ["register"]


class CardFormat(StrEnum):
    """How a card prints."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MD = "md"


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.command("play")(play)
    app.command("questions")(questions)


def play(
    question: Annotated[
        str, typer.Argument(help="A shipped question (see `detente questions`) or a YAML file.")
    ],
    draws: Annotated[
        int | None, typer.Option("--draws", help="Draws; by default what the question says.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same card.")] = 1,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one value, e.g. parameters.penalty_pct=10 or "
                                   "parameters.penalty_pct.high=40. Repeatable."),
    ] = None,
    format_: Annotated[
        CardFormat, typer.Option("--format", help="What to print.")
    ] = CardFormat.TABLE,
    out: Annotated[
        Path | None, typer.Option("--out", parser=named_path, metavar="PATH",
                                    help="Folder for Markdown, JSON, CSV and the figure.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Print every parameter and row.")
    ] = False,
) -> None:  # fmt: skip
    """Answer a question with its distribution over draws, and what would change it.

    Leaves with code 3 where too many draws fail for a verdict.
    """
    from detente.cards import play as play_question
    from detente.cli.output import say_csv, say_json, say_text
    from detente.report.card import card_json, card_markdown, print_card, save_card
    from detente.report.tabular import csv_text
    from detente.report.text import terminal

    if out is not None:
        probe_folder(out)
    watched = sys.stderr.isatty()
    card = play_question(
        question, draws=draws, seed=seed, overrides=changes(set_, "parameters.penalty_pct=10"),
        progress=_progress if watched else None,
    )  # fmt: skip
    if watched:
        print("\r" + " " * 50 + "\r", end="", file=sys.stderr, flush=True)
    files = save_card(card, out) if out is not None else []
    if format_ is CardFormat.JSON:
        say_json(card_json(card))
    elif format_ is CardFormat.CSV:
        say_csv(csv_text(card.distribution))
    elif format_ is CardFormat.MD:
        say_text(card_markdown(card))
    else:
        print_card(card, terminal(), everything=everything)
    if files:
        print(f"saved to {out}: {', '.join(f.name for f in files)}", file=sys.stderr)
    if card.status != "ok":
        raise typer.Exit(3)


def questions(
    format_: Annotated[
        CardFormat, typer.Option("--format", help="What to print: table, json or csv.")
    ] = CardFormat.TABLE,
) -> None:  # fmt: skip
    """List the questions that ship with the package."""
    import pandas as pd

    from detente.cards import load_question, question_names
    from detente.cli.formats import Format
    from detente.cli.output import show

    if format_ is CardFormat.MD:
        raise InputError("--format md: a list prints as table, json or csv")
    found = [load_question(name) for name in question_names()]
    rows = pd.DataFrame(
        {
            "question": [q.id for q in found],
            "title": [q.title for q in found],
            "article": [q.article.outlet for q in found],
            "drawn": [sum(not p.fixed for p in q.parameters.values()) for q in found],
        }
    )
    show(rows, {"command": "questions"}, Format(format_.value))


def _progress(done: int, total: int) -> None:
    width = 30
    full = width * done // max(total, 1)
    bar = "#" * full + "-" * (width - full)
    print(f"\r[{bar}] {done}/{total} cases", end="", file=sys.stderr, flush=True)

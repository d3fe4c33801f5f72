"""An answer card as terminal text, Markdown, JSON and a figure. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.text import Text

from detente.report.tabular import csv_text, envelope, json_text
from detente.report.text import frame_table, paragraph
from detente.strategy.cards.card import Card

__all__ = ["card_json", "card_markdown", "draw_card", "print_card", "save_card"]

DRIVERS = 3
"""Parameters shown as those that matter most; all of them are in JSON and with --all."""

GREY, BAR, ACCENT = "#6b7280", "#2a6f97", "#b5482a"


def card_json(card: Card) -> dict[str, Any]:
    """The common shape: ``rows`` is the distribution over verdicts."""
    q = card.question
    meta = {
        **card.provenance,
        "status": card.status,
        "title": q.title,
        "asked": q.asked,
        "verdict": card.verdict,
        "point_verdict": card.point_verdict,
        "nearest_flip": card.nearest_flip,
        "sensitivity": card.method,
        "failed_draws": card.failed,
        "failures": list(card.reasons),
        "article": q.article.model_dump(),
        "settings": q.settings,
        "assumptions": q.assumptions,
        "outside": q.outside,
        "notes": list(card.notes),
        "sources": [s.model_dump() for s in q.sources],
    }
    tables = {
        "numbers": card.numbers,
        "drivers": card.drivers,
        "flips": card.flips,
        "parameters": _parameters(card),
        **card.tables,
    }
    return envelope(meta, card.distribution, tables)


def card_markdown(card: Card) -> str:
    """The whole card as Markdown."""
    q, a = card.question, card.question.article
    parts = [
        f"# {q.title}",
        f"> {q.asked}",
        f'{a.outlet}, "{a.title}", {a.date}.',
        f"**Verdict.** {card.verdict}",
        f"**The article itself:** {a.says}" + (f" ({a.note})" if a.note else ""),
        "## Distribution over verdicts",
        _md(card.distribution),
        "## What flips it",
        f"Most influential: {_leaders(card)}. Measure: {card.method}.",
        _md(card.drivers),
        card.nearest_flip,
        _md(card.flips),
        "## Numbers behind it",
        _md(card.numbers),
    ]
    for name, table in card.tables.items():
        parts += [f"### {_words(name)}", _md(table)]
    parts += ["## Parameters drawn", _md(_parameters(card))]
    for head, lines in (
        ("Assumptions", [*q.assumptions, *card.notes]),
        ("Outside the model", q.outside),
        ("Sources", [_cited(s.model_dump()) for s in q.sources]),
    ):
        parts += [f"## {head}", "\n".join(f"- {line}" for line in lines)]
    parts.append(_made(card))
    return "\n\n".join(" ".join(p.split()) if "\n" not in p else p for p in parts) + "\n"


def print_card(card: Card, console: Console, *, everything: bool = False) -> None:
    """Print the card."""
    q, a = card.question, card.question.article
    console.print(Text(q.title, style="bold"))
    paragraph(console, f"Asked: {q.asked}")
    paragraph(console, f'{a.outlet}, "{a.title}", {a.date}.', style="dim")
    console.print()
    paragraph(console, card.verdict)
    console.print()
    paragraph(console, f"The article itself: {a.says}" + (f" ({a.note})" if a.note else ""))
    console.print()
    console.print(_table(_percents(card.distribution), "Distribution over verdicts"))
    console.print(
        _table(
            _percents(card.drivers if everything else card.drivers.head(DRIVERS)),
            f"What decides it: {card.method}",
        )
    )
    paragraph(console, f"Nearest flip: {card.nearest_flip}")
    console.print()
    console.print(_table(card.numbers, "Numbers behind it, over the draws"))
    for name, table in card.tables.items():
        shown = table if everything or len(table) <= SHOWN else table.head(SHOWN)
        more = "" if len(shown) == len(table) else f" (first {SHOWN} of {len(table)}; --all)"
        console.print(_table(shown, _words(name) + more))
    if everything:
        console.print(_table(card.flips, "Flips by parameter"))
        console.print(_table(_parameters(card), "Parameters drawn"))
    for head, lines in (
        ("Assumptions", [*q.assumptions, *card.notes]),
        ("Outside the model", q.outside),
        ("Sources", [_cited(s.model_dump()) for s in q.sources]),
    ):
        paragraph(console, f"{head}: {' '.join(x if x.endswith('.') else x + '.' for x in lines)}",
                  style="dim")  # fmt: skip
    paragraph(console, _made(card), style="dim")


SHOWN = 18


def draw_card(card: Card, path: Path) -> Path:
    """Shares of the verdicts with their intervals, and what decides them."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.5, 5.2), dpi=150, layout="constrained")
    left, right = figure.subplots(1, 2)
    d = card.distribution.iloc[::-1]
    low, high = d["share"] - d["low"], d["high"] - d["share"]
    left.barh(d["verdict"], 100 * d["share"], color=BAR, height=0.6)
    left.errorbar(
        100 * d["share"], range(len(d)), fmt="none", ecolor=GREY, capsize=3,
        xerr=[(100 * low).clip(lower=0), (100 * high).clip(lower=0)],
    )  # fmt: skip
    left.set_title("Share of the draws, percent, with 95% interval", fontsize=10, loc="left")
    left.set_xlim(0, 100)
    s = card.drivers.head(8).iloc[::-1]
    right.barh([_words(x) for x in s["parameter"]], 100 * s["variance_share"], color=ACCENT)
    right.set_title("What decides it: share of variance, percent", fontsize=10, loc="left")
    for axes in (left, right):
        axes.grid(axis="x", color="#e5e7eb", lw=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(length=0, labelsize=9)
        for side in ("top", "right", "left", "bottom"):
            axes.spines[side].set_visible(False)
    figure.suptitle(card.question.title, fontsize=14, fontweight="bold", x=0.01, ha="left")
    figure.supxlabel(_made(card), fontsize=8, color=GREY, x=0.01, ha="left")
    figure.savefig(path, facecolor="white", metadata={"Software": None})
    return path


def save_card(card: Card, folder: Path) -> list[Path]:
    """Write card.md, card.json, the tables as CSV, every draw, and the figure; the files."""
    from detente.errors import InputError

    if folder.exists() and not folder.is_dir():
        raise InputError(f"--out {folder}: is a file; give a folder")
    texts = {
        "card.md": card_markdown(card),
        "card.json": json_text(card_json(card)),
        "draws.csv": csv_text(card.samples),
        "distribution.csv": csv_text(card.distribution),
        "numbers.csv": csv_text(card.numbers),
        "drivers.csv": csv_text(card.drivers),
        "flips.csv": csv_text(card.flips),
        **{f"{name}.csv": csv_text(table) for name, table in card.tables.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
        written.append(folder / name)
    written.append(draw_card(card, folder / f"{card.question.id}.png"))
    return written


# --- pieces ---------------------------------------------------------------------------------------
def _parameters(card: Card) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"parameter": name, "drawn_from": p.text, "point": str(p.centre), "source": p.source}
            for name, p in card.question.parameters.items()
        ]
    )


def _leaders(card: Card) -> str:
    parts = [
        f"{row['parameter']} ({100 * row['variance_share']:.0f}%)"
        for _, row in card.drivers.head(DRIVERS).iterrows()
    ]
    return ", ".join(parts) or "no parameter varies"


def _made(card: Card) -> str:
    from detente.version import __version__

    world = card.provenance.get("world")
    text = f"{card.draws} draws, seed {card.seed}; {card.failed} failed to solve; "
    return text + (f"{world}; " if world else "") + f"detente {__version__}."


def _percents(frame: pd.DataFrame) -> pd.DataFrame:
    """Shares in percent, for reading."""
    out = frame.copy()
    for c in out.columns:
        if c in ("share", "low", "high", "variance_share") or c.startswith("leading_share"):
            out[c] = 100 * out[c].astype(float)
    heads = {
        "share": "share %", "low": "low %", "high": "high %", "variance_share": "variance %",
        "leading_share_low": "leading verdict there %", "low_where": "least at",
        "high_where": "most at", "leading_share_high": "there %",
    }  # fmt: skip
    return out.rename(columns=heads)


def _table(frame: pd.DataFrame, title: str):
    from rich.table import Table

    if not len(frame):
        return Table(title=f"{title}: none", title_justify="left")
    heads: Mapping[str, str] = {c: _words(str(c)) for c in frame.columns}
    return frame_table(frame, dict(heads), title, signed=False)


def _words(name: str) -> str:
    return str(name).replace("_usd_bn", ", $bn").replace("_pct", " %").replace("_", " ")


def _cited(source: Mapping[str, str]) -> str:
    return ", ".join(source[k] for k in ("title", "publisher", "date", "url") if source[k])


def _md(frame: pd.DataFrame) -> str:
    def cell(x: Any) -> str:
        if isinstance(x, float):
            return "" if x != x else f"{x:.4g}"
        return str(x).replace("|", "/")

    head = "| " + " | ".join(_words(str(c)) for c in frame.columns) + " |"
    rule = "|" + " --- |" * len(frame.columns)
    rows = ["| " + " | ".join(cell(x) for x in row) + " |" for row in frame.to_numpy().tolist()]
    return "\n".join([head, rule, *rows])

"""An answer card as terminal text, Markdown, JSON and a figure. Nothing is computed here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.text import Text

from detente.cards.card import Card
from detente.cards.happened import day_in_words
from detente.cards.kind import with_unit
from detente.files import write_folder
from detente.labels import country_codes, country_name, sector_codes, sector_name
from detente.report.images import new_figure, png
from detente.report.tabular import csv_text, envelope, json_text
from detente.report.text import paragraph

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
        "decisive": None if card.decisive is None else card.decisive.parameter,
        "settings": q.settings,
        "assumptions": q.assumptions,
        "outside": q.outside,
        "notes": list(card.notes),
        "sources": [s.model_dump() for s in q.sources],
    }
    tables = {
        "numbers": card.numbers,
        "what_happened": card.happened,
        "first_year": card.first_year,
        "horizons": card.horizons,
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
        *(
            ["## What happened", "\n".join(f"- {x}" for x in _events(card))]
            if len(card.happened)
            else []
        ),
        "## Distribution over verdicts",
        _md(_distribution(card)),
        *(["### After one year", _md(_shares(card.first_year))] if len(card.first_year) else []),
        "## What flips it",
        f"Most influential: {_leaders(card)}. Measure: {card.method}.",
        _md(_drivers(card)),
        card.nearest_flip,
        _md(_flips(card)),
        "## Numbers behind it",
        _md(_numbers(card)),
    ]
    if len(card.horizons):
        parts += ["### One year after and in the long run", _md(_horizons(card))]
    for name, table in card.tables.items():
        parts += [f"### {_capital(_words(name))}", _md(table)]
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
    if len(card.happened):
        paragraph(console, "What happened:")
        for line in _events(card):
            paragraph(console, f"- {line}")
        console.print()
    console.print(_table(_distribution(card), "Distribution over verdicts"))
    if len(card.first_year):
        console.print(_table(_shares(card.first_year), "After one year"))
    drivers = _drivers(card)
    console.print(_table(drivers if everything else drivers.head(DRIVERS), "What decides it"))
    paragraph(console, f"Share of variance: {card.method}.", style="dim")
    console.print()
    paragraph(console, f"Nearest flip: {card.nearest_flip}")
    console.print()
    console.print(_table(_numbers(card), "Numbers behind it, over the draws"))
    if len(card.horizons):
        console.print(_table(_horizons(card), "One year after and in the long run"))
    for name, table in card.tables.items():
        shown = table if everything or len(table) <= SHOWN else table.head(SHOWN)
        more = "" if len(shown) == len(table) else f" (first {SHOWN} of {len(table)}; --all)"
        console.print(_table(shown, _capital(_words(name)) + more))
    if everything:
        console.print(_table(_flips(card), "Flips by parameter"))
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


def draw_card(card: Card) -> bytes:
    """Shares of the verdicts with their intervals, and what decides them; PNG."""
    figure = new_figure(11.5, 5.2)
    left, right = figure.subplots(1, 2)
    d = card.distribution.iloc[::-1]
    low, high = d["share"] - d["low"], d["high"] - d["share"]
    left.barh([_wrapped(x) for x in d["says"]], 100 * d["share"], color=BAR, height=0.6)
    left.errorbar(
        100 * d["share"], range(len(d)), fmt="none", ecolor=GREY, capsize=3,
        xerr=[(100 * low).clip(lower=0), (100 * high).clip(lower=0)],
    )  # fmt: skip
    left.set_title("Share of the draws, percent, with 95% interval", fontsize=10, loc="left")
    left.set_xlim(0, 100)
    s = card.drivers.head(8).iloc[::-1]
    right.barh([_wrapped(x) for x in s["about"]], 100 * s["variance_share"], color=ACCENT)
    right.set_title("What decides it: share of variance, percent", fontsize=10, loc="left")
    for axes in (left, right):
        axes.grid(axis="x", color="#e5e7eb", lw=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(length=0, labelsize=9)
        for side in ("top", "right", "left", "bottom"):
            axes.spines[side].set_visible(False)
    figure.suptitle(card.question.title, fontsize=14, fontweight="bold", x=0.01, ha="left")
    figure.supxlabel(_made(card), fontsize=8, color=GREY, x=0.01, ha="left")
    return png(figure)


def save_card(card: Card, folder: Path) -> list[Path]:
    """Write card.md, card.json, the tables as CSV, every draw, and the figure; the files.

    Raises
    ------
    OutputError
        They cannot be written; then none is.
    """
    texts = {
        "card.md": card_markdown(card),
        "card.json": json_text(card_json(card)),
        "draws.csv": csv_text(card.samples),
        "distribution.csv": csv_text(card.distribution),
        "numbers.csv": csv_text(card.numbers),
        "drivers.csv": csv_text(card.drivers),
        "flips.csv": csv_text(card.flips),
        "what-happened.csv": csv_text(card.happened),
        **(
            {"first-year.csv": csv_text(card.first_year), "horizons.csv": csv_text(card.horizons)}
            if len(card.first_year)
            else {}
        ),
        **{f"{name}.csv": csv_text(table) for name, table in card.tables.items()},
    }
    files = {name: text.encode() for name, text in texts.items()}
    return write_folder(folder, {**files, f"{card.question.id}.png": draw_card(card)})


# --- pieces ---------------------------------------------------------------------------------------
def _distribution(card: Card) -> pd.DataFrame:
    """Verdicts in words; shares in percent."""
    return _shares(card.distribution)


def _shares(d: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "verdict": [_capital(x) for x in d["says"]], "share of draws %": 100 * d["share"],
            "95% interval, from": 100 * d["low"], "to": 100 * d["high"], "draws": d["draws"],
        }
    )  # fmt: skip


def _events(card: Card) -> list[str]:
    """What happened since, a line an event."""
    return [
        f"{day_in_words(r['date'])}: {_named(r['what_happened'])} ({r['source']})"
        for r in card.happened.to_dict("records")
    ]


def _horizons(card: Card) -> pd.DataFrame:
    """Each number after one year and in the long run."""
    d = card.horizons
    return pd.DataFrame(
        {
            "number": d["about"], "after one year, at the points": d["one_year_point"],
            "in the long run, at the points": d["long_run_point"],
            "after one year, median": d["one_year_median"],
            "in the long run, median": d["long_run_median"], "draws": d["draws"],
        }
    )  # fmt: skip


def _drivers(card: Card) -> pd.DataFrame:
    """Parameters in words, and where the leading verdict is least and most frequent."""
    d = card.drivers
    leading = "leading verdict there %"
    frame = pd.DataFrame(
        {
            "parameter": d["about"], "drawn from": d["range"],
            "share of variance %": 100 * d["variance_share"], "least": d["low_where"],
            leading: 100 * d["leading_share_low"], "most": d["high_where"],
            f"{leading} ": 100 * d["leading_share_high"],
        }
    )  # fmt: skip
    agree = card.distribution["share"].max() >= 1
    return frame[frame.columns[:3]] if agree else frame


def _flips(card: Card) -> pd.DataFrame:
    d, says = card.flips, card.says
    return pd.DataFrame(
        {
            "parameter": d["about"], "drawn from": d["range"], "point": d["point"],
            "flips at": [x or "never" for x in d["at"]],
            "then": [says.get(x, "") for x in d["to"]],
        }
    )  # fmt: skip


def _numbers(card: Card) -> pd.DataFrame:
    d = card.numbers
    return pd.DataFrame(
        {
            "number": d["about"], "at the points": d["point"], "5% of draws below": d["p05"],
            "median": d["median"], "5% of draws above": d["p95"], "draws": d["draws"],
        }
    )  # fmt: skip


def _parameters(card: Card) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "parameter": name, "about": with_unit(card.specs[name]), "drawn_from": p.text,
                "point": p.centre if isinstance(p.centre, str) else f"{p.centre:.4g}",
                "source": p.source,
            }
            for name, p in card.question.parameters.items()
        ]
    )  # fmt: skip


def _leaders(card: Card) -> str:
    parts = [
        f"{row['about']}: {100 * row['variance_share']:.0f}%"
        for _, row in card.drivers.head(DRIVERS).iterrows()
    ]
    return "; ".join(parts) or "no parameter varies"


def _made(card: Card) -> str:
    from detente.version import __version__

    world = card.provenance.get("world")
    text = f"{card.draws} draws, seed {card.seed}; {card.failed} failed to solve; "
    return text + (f"{world}; " if world else "") + f"detente {__version__}."


def _table(frame: pd.DataFrame, title: str):
    """A table in words: countries and sectors by name, shares in percent."""
    from rich.table import Table

    if not len(frame):
        return Table(title=f"{title}: none", title_justify="left")
    shown, numeric = _readable(frame)
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in shown.columns:
        table.add_column(str(name).strip(), justify="right" if name in numeric else "left")
    for row in shown.to_numpy().tolist():
        table.add_row(*row)
    return table


def _md(frame: pd.DataFrame) -> str:
    shown, numeric = _readable(frame)
    head = "| " + " | ".join(str(c).strip() for c in shown.columns) + " |"
    rule = "|" + "".join(" ---: |" if c in numeric else " --- |" for c in shown.columns)
    rows = [
        "| " + " | ".join(x.replace("|", "/") for x in row) + " |"
        for row in shown.to_numpy().tolist()
    ]
    return "\n".join([head, rule, *rows])


def _readable(frame: pd.DataFrame) -> tuple[pd.DataFrame, set[str]]:
    """Every cell as text and every head in words; the heads of columns of numbers."""
    out, numeric = {}, set()
    for name in frame.columns:
        column, head = frame[name], _words(str(name))
        if pd.api.types.is_numeric_dtype(column):
            if _is_share(str(name)):
                column, head = 100 * column.astype(float), f"{head} %"
            out[head] = [_figure(x) for x in column]
            numeric.add(head)
        else:
            out[head] = [_named(str(x)) for x in column]
    return pd.DataFrame(out, columns=list(out)), numeric


def _is_share(name: str) -> bool:
    """Whether a column holds shares as parts of one."""
    return "share" in name.split("_") and not name.endswith("_pct")


def _figure(x: float) -> str:
    """Three significant digits, whole numbers whole, thousands apart."""
    if pd.isna(x):
        return "–"
    if x == round(x) or abs(x) >= 100:
        return f"{x:,.0f}"
    text = f"{x:.3g}" if abs(x) >= 0.001 else f"{x:.4f}"
    return "0" if float(text) == 0 else text


_CODE = re.compile(r"\b[A-Z]{3}\b")


def _named(text: str) -> str:
    """Sector and country codes by their names."""
    if text in sector_codes():
        return sector_name(text)
    known = set(country_codes())
    return _CODE.sub(lambda m: country_name(m[0]) if m[0] in known else m[0], text)


def _words(name: str) -> str:
    """A column in words: "KOR_trade_gain_pct" is "South Korea trade gain %"."""
    known = set(country_codes())
    parts = [country_name(x) if x in known else x for x in str(name).split("_")]
    text = " ".join(parts).replace(" usd bn", ", $bn").replace(" pct", " %")
    percentile = re.sub(r"\bp(05|95)\b", lambda m: f"{int(m[1])}th percentile", text)
    return (
        re.sub(r"\bus\b", "US", percentile)
        .replace("top3", "among first three")
        .replace("chinese", "Chinese")
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _wrapped(text: str) -> str:
    import textwrap

    return textwrap.fill(text, 34)


def _cited(source: Mapping[str, str]) -> str:
    return ", ".join(source[k] for k in ("title", "publisher", "date", "url") if source[k])

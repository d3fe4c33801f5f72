"""A rate and its derivation as terminal text."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from detente.law.line import LineRate

__all__ = ["print_derivation"]

_ORDER = ("base", "applied", "rule", "not a rate", "set aside", "not reached")


def print_derivation(rates: Iterable[LineRate], title: str, console: Console) -> None:
    """Each distinct rate with its steps: base, applied, set aside, not reached."""
    console.print(Text(title, style="bold"))
    for rate in rates:
        total = "unknown base" if rate.rate_pct is None else f"{rate.rate_pct:g}%"
        if rate.banned:
            total = "banned"
        share = f"{rate.share_pct:.2f}% of {'imports' if rate.weighted else 'lines'}"
        console.print(Text(f"\n{total}  ({share}; {rate.route})", style="bold"))
        if rate.incomplete:
            console.print(Text("a part of the duty has no number in the record", style="dim"))
        for path in rate.paths:
            if path.share_of_value_pct < 100:
                said = f"{path.part}: {path.share_of_value_pct:g}% of the value"
                console.print(Text(said, style="italic"))
            table = Table(show_header=True, header_style="bold")
            for head in ("step", "points", "what", "because", "source"):
                table.add_column(head, justify="right" if head == "points" else "left")
            steps = sorted(path.steps, key=lambda s: _ORDER.index(s.what))
            for step in steps:
                if step.what == "not reached":
                    continue
                points = "" if step.added_pct is None else f"{step.added_pct:+g}"
                if step.what == "base":
                    points = points.lstrip("+")
                what = f"{step.text}" + (f" [{step.heading}]" if step.heading else "")
                table.add_row(
                    step.what, points, Text(what), Text(step.because), Text("; ".join(step.source))
                )
            console.print(table)
            idle = [s.record for s in steps if s.what == "not reached"]
            if idle:
                said = f"considered, does not reach this good: {', '.join(sorted(set(idle)))}"
                console.print(Text(said, style="dim"))

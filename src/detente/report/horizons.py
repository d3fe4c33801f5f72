"""What would happen when, as terminal text: one year, three, ten, and the long run."""

from __future__ import annotations

from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from detente.labels import country_name, sector_name
from detente.runs.horizons import AFTER, Horizons
from detente.runs.result import RunResult

__all__ = ["print_groups", "print_horizons"]

RANKED = 14
GROUPS, COUNTRIES = 2, 6
HEADS = {
    "one_year": "after one year", "three_years": "three years", "ten_years": "ten years",
    "long_run": "long run",
}  # fmt: skip


def print_horizons(result: RunResult, console: Console, everything: bool) -> None:
    """Real income of the countries that move most, then the market in question."""
    timed = result.horizons
    assert timed is not None
    rows = timed.table
    first = rows[rows["horizon"] == "one_year"].set_index("country")
    shown = list(first.index) if everything else _most(first, rows)
    note = "" if len(shown) == len(first) else f"; {len(shown)} of {len(first)} countries"
    console.print(_table(rows, shown, "real_income", f"Real income would change by, %{note}"))
    if result.market is not None:
        sector, importer = result.market
        what, where = sector_name(sector), country_name(importer)
        goods = [c for c in shown if abs(_top(rows, c, "focus_output")) >= 0.05]
        console.print(_table(rows, goods, "focus_output", f"{what}, output would change by, %"))
        title = f"{what}, sales in {where} would change by, %"
        sellers = [c for c in shown if abs(_top(rows, c, "focus_sales")) >= 0.05]
        console.print(_table(rows, sellers, "focus_sales", title))
    console.print(_said(timed))
    console.print()


def print_groups(result: RunResult, console: Console) -> None:
    """By sector of origin: the groups that would lose most, and the one that would gain most."""
    timed = result.horizons
    assert timed is not None
    rows = timed.groups
    heads = ["country", "worked in", "share of pay %", *HEADS.values()]
    table = Table(title="Real wage by the sector where people worked, would change by, %",
                  title_justify="left", header_style="bold")  # fmt: skip
    for head in heads:
        table.add_column(head, justify="left" if head in heads[:2] else "right")
    wide = rows.pivot_table(
        index=["country", "sector", "share_of_pay_pct"], columns="horizon", values="real_wage_pct"
    ).reset_index()
    worst = wide.groupby("country")["one_year"].min().sort_values()
    for country in list(worst.index[:COUNTRIES]):
        part = wide[wide["country"] == country].sort_values("one_year")
        picked = pd.concat([part.head(GROUPS), part.tail(1)])
        for _, row in picked.iterrows():
            table.add_row(
                country_name(country), sector_name(str(row["sector"])),
                f"{row['share_of_pay_pct']:.1f}", *(f"{row[h]:+.2f}" for h in HEADS),
            )  # fmt: skip
    console.print(table)
    console.print(
        Text(
            "In percent: numbers of workers by sector, which dollars a head would need, are not "
            "held for these countries.",
            style="dim",
        )
    )


def _most(first: pd.DataFrame, rows: pd.DataFrame) -> list[str]:
    """The countries that move most after a year or in the end, worst first."""
    keep = set(first["real_income_pct"].abs().nlargest(RANKED - 4).index)
    last = rows[rows["horizon"] == "long_run"].set_index("country")
    keep |= set(last["real_income_pct"].abs().nlargest(6).index)
    if "focus_sales_pct" in first:
        moved = (first["focus_output_pct"].abs() * first["real_income_usd_bn"].abs()).nlargest(4)
        keep |= set(moved.index)
    keep |= set(first["real_income_usd_bn"].abs().nlargest(2).index)
    order = first["real_income_pct"].sort_values().index
    return [str(c) for c in order if c in keep]


def _top(rows: pd.DataFrame, country: str, measure: str) -> float:
    """The largest change of a measure over the horizons; 0 where there is none."""
    found = rows.loc[rows["country"] == country, f"{measure}_pct"].abs().max()
    return 0.0 if pd.isna(found) else float(found)


def _table(rows: pd.DataFrame, shown: list[str], measure: str, title: str) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("country")
    for head in HEADS.values():
        table.add_column(head, justify="right")
    by: dict[tuple[str, str], dict[Any, Any]] = {
        (r["country"], r["horizon"]): r for r in rows.to_dict("records")
    }
    for country in shown:
        cells = [_cell(by[country, horizon], measure) for horizon in HEADS]
        table.add_row(country_name(country), *cells)
    return table


def _cell(row: dict[Any, Any], measure: str) -> str:
    """ "-0.15" over "(-0.21 to -0.10)"; in dollars where percent would round to nothing."""
    value, low, high = (row[f"{measure}{end}_pct"] for end in ("", "_low", "_high"))
    if pd.isna(value):
        return "–"
    digits = 2 if measure == "real_income" else 1
    if measure == "real_income" and max(abs(value), abs(low), abs(high)) < 0.005:
        return f"${1000 * row['real_income_usd_bn']:+,.0f} mn"
    text = f"{value:+.{digits}f}"
    if low == high or pd.isna(low):
        return text
    return f"{text}\n({low:+.{digits}f} to {high:+.{digits}f})"


def _said(timed: Horizons) -> Text:
    labour = "few workers change their sector in a year"
    if timed.path.march.yearly.labour == "mobile":
        labour = "workers move freely between sectors"
    years = ", ".join(str(n) for n in AFTER.values())
    missing = f" Without a result: {'; '.join(timed.missing)}." if timed.missing else ""
    return Text(
        f"If the measures stay: {years} years after they come into force, and once trade has "
        f"adjusted. In brackets the lowest and highest of {timed.spanned}. Pace of trade: "
        f"{timed.record.title}; {labour}.{missing}",
        style="dim",
    )

"""A run as terminal text: tables with units in the heads."""

from __future__ import annotations

import textwrap
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from detente.labels import country_name, sector_name
from detente.report.horizons import print_groups, print_horizons
from detente.runs.run import RunResult

__all__ = ["frame_table", "paragraph", "print_run", "terminal"]

RANKED = 14
"""Countries shown; the rest is in the saved tables, in --all and in --format csv."""

_UNSIGNED = ("before", "after", "moved", "largest", "value", "output_usd", "traded", "theta")


def terminal() -> Console:
    """A console; 100 columns wide where the output is not a terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=100)


def print_run(result: RunResult, console: Console, *, everything: bool = False) -> None:
    """Print headline, country table, diversion, published figures and what it all rests on."""
    scenario, out = result.scenario, result.outcome
    tables = result.tables
    console.print(Text(scenario.title, style="bold"))
    paragraph(console, scenario.about)
    console.print()
    if result.horizons is None:
        _print_countries(result, console, everything)
    else:
        print_horizons(result, console, everything)
        if "groups" in tables:
            print_groups(result, console)
    _print_diversion(result, console)
    if "quotas" in tables:
        _print_quotas(result, console)
    if "comparison" in tables:
        _print_comparison(result, console)
    if "claims" in tables:
        _print_claims(tables["claims"], console)
    paragraph(
        console,
        f"{out.world.name}; {out.model}; deficits {scenario.deficit}; elasticities "
        f"{scenario.theta}. {out.status.capitalize()}: largest error "
        f"{out.after.solution.residual:.0e} after {out.after.solution.steps} steps; the "
        f"{'path by years on top' if result.horizons else 'long-run comparison, no time path'}.",
        style="dim",
    )
    if result.audits:
        paragraph(console, f"{result.audit_summary}.", style="dim")
    paragraph(console, f"Blurred: {scenario.blurs}", style="dim")
    for said, notes in (("Law", out.policy.notes), ("Baseline law", out.baseline.notes)):
        if notes:
            paragraph(console, f"{said}: {'; '.join(notes)}.", style="dim")
    cited = "; ".join(
        ", ".join(x for x in (s.title, s.publisher, s.date) if x) for s in scenario.sources
    )
    paragraph(console, f"Sources: {cited}.", style="dim")


def _print_countries(result: RunResult, console: Console, everything: bool) -> None:
    rows, market = result.tables["countries"], result.market
    heads = {"name": "country", "real_income_pct": "real income %"}
    if "real_income_low_pct" in rows:
        heads |= {"real_income_low_pct": "low", "real_income_high_pct": "high"}
    heads["real_wage_pct"] = "real wage %"
    if market is not None:
        sector, importer = sector_name(market[0]).lower(), country_name(market[1])
        heads["focus_output_pct"] = f"{sector}, output %"
        heads["focus_sales_pct"] = f"{sector}, sales to {importer} %"
    heads |= {"exports_pct": "all exports %", "tariff_revenue_change_usd_bn": "revenue, Δ $bn"}
    picked = rows if everything else _extremes(rows, market)
    note = "" if len(picked) == len(rows) else f"; {len(picked)} of {len(rows)} countries"
    ranged = "; low and high over the elasticity sets" if "real_income_low_pct" in rows else ""
    title = f"Change against the baseline, worst real income first{ranged}{note}"
    console.print(frame_table(picked[list(heads)], heads, title))


def _print_quotas(result: RunResult, console: Console) -> None:
    table = result.tables["quotas"].copy()
    table["sector"] = [sector_name(s) for s in table["sector"]]
    for name, mark in (("regime", ":"), ("rent_to", ",")):
        table[name] = table[name].str.split(mark).str[0]
    heads = {
        "sector": "sector", "importer": "in", "exporters": "from", "regime": "regime",
        "volume_over_quota": "volume / quota", "tariff_pct": "tariff %",
        "wedge_pct": "wedge %",
        "rent_usd_mn": "rent, $mn", "rent_to": "rent to",
    }  # fmt: skip
    title = "Quotas; the wedge is all that buyers pay over the price at the border"
    console.print(frame_table(table[list(heads)], heads, title, signed=False))


def _extremes(rows: pd.DataFrame, market: tuple[str, str] | None) -> pd.DataFrame:
    """The countries that move most, in income or in the focus market."""
    size = rows["real_income_pct"].abs().sort_values(ascending=False)
    keep = set(size.index[:RANKED])
    if market is not None:
        moved = rows["focus_sales_change_usd_bn"].abs().sort_values(ascending=False)
        keep |= set(moved.index[:6])
    return rows[[i in keep for i in rows.index]]


def _print_diversion(result: RunResult, console: Console) -> None:
    table, redirected = result.tables["diversion"], result.tables["redirection"]
    if result.market is None:
        top = result.tables["markets"].head(8).copy()
        top["sector"] = [sector_name(s) for s in top["sector"]]
        top["importer"] = [country_name(c) for c in top["importer"]]
        heads = {"sector": "sector", "importer": "in", "moved_usd_bn": "moved, $bn"}
        console.print(
            frame_table(
                top, heads, "Markets where most sales would move between sellers in the long run"
            )
        )
        return
    sector, importer = result.market
    what = f"{sector_name(sector).lower()} sold in {country_name(importer)}"
    size = table["change_usd_bn"].abs().sort_values(ascending=False)
    part = table.loc[sorted(size.index[:10])].copy()
    part["exporter"] = [country_name(c) for c in part["exporter"]]
    heads = {
        "exporter": "seller", "before_usd_bn": "before, $bn", "after_usd_bn": "after, $bn",
        "change_usd_bn": "Δ $bn", "change_pct": "Δ %",
    }  # fmt: skip
    title = f"Who would replace whom in the long run: {what}"
    console.print(frame_table(part[list(heads)], heads, title))
    if redirected.empty:
        return
    went = Table(
        title="Where that trade would go instead in the long run, $bn", title_justify="left"
    )
    went.add_column("seller")
    went.add_column("largest gains abroad")
    went.add_column("at home", justify="right")
    for exporter, group in redirected.groupby("exporter", sort=False):
        abroad = group[(group["destination"] != exporter) & (group["change_usd_bn"] >= 0.005)].head(
            3
        )
        home = group[group["destination"] == exporter]
        gains = ", ".join(
            f"{country_name(str(d))} {v:+.2f}"
            for d, v in zip(abroad["destination"], abroad["change_usd_bn"], strict=True)
        )
        at_home = f"{home['change_usd_bn'].iloc[0]:+.2f}" if len(home) else "–"
        went.add_row(country_name(str(exporter)), gains or "none above 0.005", at_home)
    console.print(went)


def _print_comparison(result: RunResult, console: Console) -> None:
    part = result.tables["comparison"]
    order = part["real_income_points"].abs().sort_values(ascending=False).index[:RANKED]
    heads = {
        "name": "country", "real_income_points": "real income, points",
        "real_wage_points": "real wage, points", "exports_points": "exports, points",
        "tariff_revenue_change_usd_bn": "revenue, Δ $bn",
    }  # fmt: skip
    title = f"This scenario less {result.compared_id}"
    console.print(frame_table(part.loc[order, list(heads)], heads, title))


def _print_claims(claims: pd.DataFrame, console: Console) -> None:
    fixed = ("published_pct", "ours_pct")
    sets = [c for c in claims.columns if c.endswith("_pct") and c not in fixed]
    console.print(Text("Published figures beside ours", style="italic"))
    for _, row in claims.iterrows():
        published = row["published_pct"]
        theirs = "" if pd.isna(published) else f": {published:+.2f}%"
        paragraph(console, f"{row['statement']} ({row['source']}){theirs}", indent="  ")
        timed = not pd.isna(row["years"])
        when = f"after {row['years']:.0f} {'year' if row['years'] == 1 else 'years'}"
        if timed:
            paragraph(
                console, f"ours, {row['ours']}, {when}: {row['ours_pct']:+.2f}%", indent="    "
            )
        ours = ", ".join(f"{c.removesuffix('_pct')} {row[c]:+.2f}%" for c in sets)
        long = ", in the long run" if timed else ""
        paragraph(console, f"ours, {row['ours']}{long}: {ours}", indent="    ")
    console.print()


def frame_table(
    frame: pd.DataFrame, heads: dict[str, str], title: str = "", *, signed: bool = True
) -> Table:
    """A data frame as a rich table: numbers right, changes with their sign if ``signed``."""
    table = Table(title=title or None, title_justify="left", header_style="bold")
    for column in frame.columns:
        numeric = pd.api.types.is_numeric_dtype(frame[column])
        table.add_column(heads.get(column, column), justify="right" if numeric else "left")
    for _, row in frame.iterrows():
        table.add_row(*(_number(row[c], str(c), signed) for c in frame.columns))
    return table


def _number(value: Any, column: str, signed: bool) -> str:
    if isinstance(value, str):
        return value
    if value is None or pd.isna(value):
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if column.startswith("largest_relative"):
        return f"{value:.1e}"
    digits = 1 if abs(value) >= 100 else 2
    unsigned = not signed or column.startswith(_UNSIGNED)
    return f"{value:,.{digits}f}" if unsigned else f"{value:+,.{digits}f}"


def paragraph(console: Console, text: str, *, indent: str = "", style: str = "") -> None:
    """Print text in lines of at most 100 characters."""
    width = min(console.width, 100)
    filled = textwrap.fill(
        " ".join(text.split()), width, initial_indent=indent, subsequent_indent=indent
    )
    console.print(Text(filled, style=style))

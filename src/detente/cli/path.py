"""``detente path``: what happens when, period by period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from detente.cli.formats import Format
from detente.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from detente.world import World

__all__ = ["register"]

SHOWN = ("USA", "CHN", "CAN", "MEX", "JPN", "KOR", "DEU")


def register(app: typer.Typer) -> None:
    """Add ``path`` to ``app``."""
    app.command("path")(path)


def path(
    scenario: Annotated[
        str | None,
        typer.Argument(help="A scenario in force from --from on; none: the law as recorded."),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="First month, YYYY-MM (the law: 2018-01).")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Last month, YYYY-MM (the law: 2026-12).")
    ] = None,
    every: Annotated[
        str, typer.Option("--every", help="Length of a period: month, quarter or year.")
    ] = "quarter",
    horizon: Annotated[
        str | None,
        typer.Option("--horizon", help="How fast trade adjusts: a set of detente world horizons."),
    ] = None,
    labour: Annotated[
        str, typer.Option("--labour", help="mobile, or sticky: few change their sector in a year.")
    ] = "mobile",
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="Compare with the law of a day, YYYY-MM-DD.")
    ] = None,
    deficit: Annotated[
        str, typer.Option("--deficit", help="Deficit closure: fixed, zero or share.")
    ] = "fixed",
    country: Annotated[
        str | None, typer.Option("--country", help="Countries to print: KOR,JPN; all for all.")
    ] = None,
    sector: Annotated[
        str | None, typer.Option("--sector", help="A sector's output instead, e.g. C29.")
    ] = None,
    importer: Annotated[
        str | None, typer.Option("--importer", help="With --sector and --exporter: one flow.")
    ] = None,
    exporter: Annotated[
        str | None, typer.Option("--exporter", help="With --sector and --importer: one flow.")
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option("--groups", help="A country's real wages by sector of origin."),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.TABLE,
) -> None:  # fmt: skip
    """Solve the world period by period under dated law, or under a scenario from a month on."""
    from detente.outcome import path_tables
    from detente.policy.scenario import load_scenario
    from detente.timeline.path import path as solve
    from detente.world.horizons import DEFAULT_HORIZON

    if (importer is None) != (exporter is None) or (importer is not None and sector is None):
        raise InputError("path: one flow needs --sector, --importer and --exporter together")
    if groups is not None and labour != "sticky":
        raise InputError(
            "path: --groups: labour is mobile, so that all workers of a country earn the same; "
            "add --labour sticky"
        )
    law = None if scenario is None else load_scenario(scenario)
    found = solve(
        law=law, start=start, end=end, every=every, horizon=horizon or DEFAULT_HORIZON,
        labour=labour, baseline=baseline, deficit=deficit,
    )  # fmt: skip
    by, title = "country", "Real income, change in percent"
    if groups is not None:
        rows, column, by = path_tables.path_origins(found, groups), "real_wage_pct", "sector"
        title = "Real wage of those who worked in a sector at the start, change in percent"
    elif sector is not None and importer is not None and exporter is not None:
        rows, column = path_tables.path_flow(found, sector, importer, exporter), ""
        title = "Sales, USD billion a year, and the tariff"
    elif sector is not None:
        rows, column = path_tables.path_sector(found, sector), "output_pct"
        title = "Output, change in percent"
    else:
        rows, column = path_tables.path_countries(found), "real_income_pct"
    if by == "country" and "country" in rows:
        rows = rows[rows["country"].isin(_asked(country, found.world))].reset_index(drop=True)
    meta = {"command": "path", **found.provenance, "scenario": scenario}
    if format_ is Format.TABLE and column:
        across = ["time", "name"] if by == "country" else ["name", "time"]
        wide = rows.pivot_table(index=across[0], columns=across[1], values=column, sort=False)
        wide = wide.reset_index().rename_axis(columns=None)
        _print(wide, meta, title)
    elif format_ is Format.TABLE:
        _print(rows[["time", "sales_usd_bn", "sales_pct", "tariff_pct"]], meta, title)
    else:
        from detente.cli.output import show

        show(rows, meta, format_)


def _asked(given: str | None, world: World) -> list[str]:
    if given is None:
        return [c for c in SHOWN if c in world.countries] or world.countries
    return world.country_list(given if given == "all" else given.split(","), "--country")


def _print(rows: pd.DataFrame, meta: dict[str, Any], title: str) -> None:
    from detente.report.text import frame_table, paragraph, terminal
    from detente.world.horizons import horizon_record

    console = terminal()
    against = meta["baseline"] or "the world table"
    console.print(frame_table(rows, {}, f"{title}, against {against}"))
    labour = "few workers change their sector in a year"
    if meta["model_settings"]["labour"] == "mobile":
        labour = "workers move freely between sectors"
    said = (
        f"What would happen under these measures alone, {meta['from']} to {meta['to']}, by the "
        f"model of staggered sourcing. Horizon set {meta['horizon']}: "
        f"{horizon_record(meta['horizon']).title}; {labour}; deficits {meta['deficit']}. Every "
        f"period {meta['status']}: largest error {max(meta['checks'].values()):.0e}."
    )
    if "law_assumed_after" in meta:
        said += (
            f" The record ends on {meta['law_assumed_after']}; after that day the last law known "
            "is assumed to stay."
        )
    paragraph(console, said, style="dim")

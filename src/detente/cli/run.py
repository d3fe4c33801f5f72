"""``detente run``: a scenario in, consequences out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from detente.cli.formats import Format, changes, named_path
from detente.errors import InputError, shown
from detente.files import probe_folder

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.command("run")(run)
    app.command("scenarios")(scenarios)


def run(
    scenario: Annotated[
        str, typer.Argument(help="A shipped name (see `detente scenarios`), a YAML file, or the "
                                 "run.json of an earlier run.")
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one value, e.g. measures.0.rate_pct=15. Repeatable."),
    ] = None,
    theta: Annotated[
        str | None,
        typer.Option("--theta", help="Elasticity set (fgo, gyy, cp, ...), or all for the range."),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="A model's name instead of the scenario's.")
    ] = None,
    deficit: Annotated[
        str | None, typer.Option("--deficit", help="Deficit closure: fixed, zero or share.")
    ] = None,
    compare: Annotated[
        str | None, typer.Option("--compare", help="Another scenario to subtract.")
    ] = None,
    world: Annotated[
        str | None, typer.Option("--world", help="A world file (.nc) instead of the scenario's.")
    ] = None,
    horizon: Annotated[
        str | None,
        typer.Option("--horizon", help="How fast trade adjusts: a set of detente world horizons, "
                                       "or long: the long run only."),
    ] = None,
    labour: Annotated[
        str, typer.Option("--labour", help="mobile, or sticky: few change their sector in a year.")
    ] = "mobile",
    groups: Annotated[
        bool,
        typer.Option("--groups", help="Real wages by sector of origin (with --labour sticky)."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", parser=named_path, metavar="PATH",
                     help="Folder for netCDF, CSV, figure and run.json."),
    ] = None,
    format_: Annotated[
        Format, typer.Option("--format", help="What to print.")
    ] = Format.TABLE,
    everything: Annotated[
        bool, typer.Option("--all", help="Print every country, not only the most affected.")
    ] = False,
    audit: Annotated[
        bool,
        typer.Option("--audit", help="Check every number again, independently of the solver."),
    ] = False,
) -> None:  # fmt: skip
    """Run a scenario and print who gains, who loses, and where the trade went."""
    from detente.report.folder import save_run
    from detente.runs.run import run as run_scenario
    from detente.world import load_world

    if out is not None:
        probe_folder(out)
    if groups and labour != "sticky":
        raise InputError(
            "--groups: labour is mobile, so that all workers of a country earn the same; add "
            "--labour sticky"
        )
    earlier = _Earlier(Path(scenario)) if scenario.endswith(".json") else None
    if earlier is not None and set_:
        raise InputError(
            "--set: changes a scenario file; edit the scenario inside run.json instead"
        )
    result = run_scenario(
        earlier.scenario if earlier else scenario,
        overrides=changes(set_, "measures.0.rate_pct=15"),
        theta=earlier.theta if earlier and theta is None else theta,
        model=model,
        deficit=deficit,
        compare=earlier.compare if earlier and compare is None else compare,
        world=None if world is None else load_world(world),
        progress=_progress if sys.stderr.isatty() else None,
        audit=audit,
        horizon=horizon,
        labour=labour,
    )
    files = save_run(result, out) if out is not None else []
    _print(result, format_, everything)
    if files:
        print(f"saved to {out}: {', '.join(f.name for f in files)}", file=sys.stderr)


def scenarios(
    format_: Annotated[
        Format, typer.Option("--format", help="What to print.")
    ] = Format.TABLE,
) -> None:  # fmt: skip
    """List the scenarios that ship with the package."""
    import pandas as pd

    from detente.cli.output import show
    from detente.policy.scenario import load_scenario, scenario_names

    found = [load_scenario(name) for name in scenario_names()]
    rows = pd.DataFrame(
        {
            "scenario": [s.id for s in found],
            "title": [s.title for s in found],
            "measures": [len(s.measures) for s in found],
            "baseline": [s.baseline.scenario or s.world for s in found],
        }
    )
    show(rows, {"command": "scenarios"}, format_)


def _print(result, format_: Format, everything: bool) -> None:
    from detente.cli.output import say_csv, say_json
    from detente.report.tabular import csv_text, run_json

    if format_ is Format.JSON:
        say_json(run_json(result))
    elif format_ is Format.CSV:
        say_csv(csv_text(result.tables["countries"]))
    else:
        from detente.report.text import print_run, terminal

        print_run(result, terminal(), everything=everything)


def _progress(text: str) -> None:
    print(f"\r{text:<30}", end="", file=sys.stderr, flush=True)


class _Earlier:
    """What a run.json says about how to run it again."""

    def __init__(self, path: Path) -> None:
        from detente.policy.scenario import parse_scenario
        from detente.texts import read_json

        body = read_json(path, "run.json")
        meta = body.get("meta") if isinstance(body, dict) else None
        if not isinstance(meta, dict) or not isinstance(meta.get("scenario"), dict):
            raise InputError(f"{path}: is not a run.json of `detente run --out`; give one")
        sets, other = meta.get("theta_sets", []), meta.get("compare")
        if not isinstance(sets, list):
            raise InputError(
                f"{path}: meta.theta_sets: {shown(sets)} is not a list of names; mend it"
            )
        if other is not None and not isinstance(other, str):
            raise InputError(f"{path}: meta.compare: {shown(other)} is not a scenario; mend it")
        self.scenario = parse_scenario(meta["scenario"], str(path))
        self.theta = "all" if len(sets) > 1 else None
        self.compare = other

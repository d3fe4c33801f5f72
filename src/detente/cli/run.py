"""``detente run``: a scenario in, consequences out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from detente.cli.formats import Format
from detente.errors import InputError

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
    deficit: Annotated[
        str | None, typer.Option("--deficit", help="Deficit closure: fixed, zero or share.")
    ] = None,
    compare: Annotated[
        str | None, typer.Option("--compare", help="Another scenario to subtract.")
    ] = None,
    world: Annotated[
        str | None, typer.Option("--world", help="A world file (.nc) instead of the scenario's.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for netCDF, CSV, figure and run.json."),
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
    from detente.study.run import run as run_scenario
    from detente.world import load_world

    earlier = _from_run_json(scenario) if scenario.endswith(".json") else None
    if earlier is not None and set_:
        raise InputError(
            "--set: changes a scenario file; edit the scenario inside run.json instead"
        )
    result = run_scenario(
        earlier.scenario if earlier else scenario,
        overrides=_overrides(set_),
        theta=theta or (earlier.theta if earlier else None),
        deficit=deficit,
        compare=compare or (earlier.compare if earlier else None),
        world=None if world is None else load_world(world),
        progress=_progress if sys.stderr.isatty() else None,
        audit=audit,
    )
    _print(result, format_, everything)
    if out is not None:
        from detente.report.folder import save_run

        files = save_run(result, out)
        print(f"saved to {out}: {', '.join(f.name for f in files)}", file=sys.stderr)


def scenarios(
    format_: Annotated[
        Format, typer.Option("--format", help="What to print.")
    ] = Format.TABLE,
) -> None:  # fmt: skip
    """List the scenarios that ship with the package."""
    import pandas as pd

    from detente.cli.output import show
    from detente.regime.scenario import load_scenario, scenario_names

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
    from detente.report.tabular import csv_text, json_text, run_json

    if format_ is Format.JSON:
        sys.stdout.write(json_text(run_json(result)))
    elif format_ is Format.CSV:
        sys.stdout.write(csv_text(result.tables["countries"]))
    else:
        from detente.report.text import print_run, terminal

        print_run(result, terminal(), everything=everything)


def _overrides(given: list[str] | None) -> dict[str, str]:
    out = {}
    for item in given or []:
        path, sign, value = item.partition("=")
        if not sign or not path:
            raise InputError(f"--set {item}: write path=value, e.g. measures.0.rate_pct=15")
        out[path] = value
    return out


def _progress(text: str) -> None:
    print(f"\r{text:<30}", end="", file=sys.stderr, flush=True)


class _Earlier:
    """What a run.json says about how to run it again."""

    def __init__(self, path: Path) -> None:
        import json

        from detente.regime.scenario import parse_scenario

        try:
            meta = json.loads(path.read_text(encoding="utf-8"))["meta"]
            scenario = meta["scenario"]
        except FileNotFoundError:
            raise InputError(f"{path}: no such file") from None
        except (ValueError, KeyError, TypeError):
            raise InputError(f"{path}: is not a run.json of `detente run --out`") from None
        self.scenario = parse_scenario(scenario, str(path))
        self.theta = "all" if len(meta.get("theta_sets", [])) > 1 else None
        self.compare = meta.get("compare")


def _from_run_json(name: str) -> _Earlier:
    return _Earlier(Path(name))

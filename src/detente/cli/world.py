"""``detente world``: show, check, build and aggregate worlds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from detente.cli.formats import Format, named_path
from detente.errors import InputError

__all__ = ["app"]

app = typer.Typer(
    help="Show, check, build and aggregate world tables.", no_args_is_help=True,
    rich_markup_mode=None,
)  # fmt: skip

World_ = Annotated[
    str, typer.Argument(help="An embedded name (world-2022) or a netCDF file (.nc).")
]
Format_ = Annotated[Format, typer.Option("--format", help="What to print.")]


@app.command()
def show(world: World_ = "world-2022", format_: Format_ = Format.TABLE) -> None:
    """Countries with value added, output, trade, deficit and average tariffs."""
    from detente.cli.output import show as print_rows
    from detente.world import load_world
    from detente.world.summary import country_summary, sector_summary

    found = load_world(world)
    meta = {
        "command": "world show", "world": found.name, "world_hash": found.hash,
        "attributes": {str(k): str(v) for k, v in found.dataset.attrs.items()},
    }  # fmt: skip
    print_rows(
        country_summary(found), meta, format_, title=f"{found!r}",
        tables={"sectors": sector_summary(found)},
    )  # fmt: skip


@app.command()
def check(world: World_ = "world-2022", format_: Format_ = Format.TABLE) -> None:
    """Test every accounting identity; exit 2 when one fails."""
    from detente.cli.output import show as print_rows
    from detente.world import load_world
    from detente.world.summary import identity_summary

    found = load_world(world)
    rows = identity_summary(found)
    print_rows(rows, {"command": "world check", "world": found.name}, format_,
               title=f"Identities of {found.name}, largest relative miss")  # fmt: skip
    if found.misses:
        listed = "; ".join(str(m) for m in found.misses[:3])
        raise InputError(f"{found.name}: {len(found.misses)} cells miss an identity: {listed}")


@app.command()
def build(
    raw: Annotated[Path, typer.Argument(help="Folder with the raw ICIO and US import tables.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            parser=named_path,
            metavar="PATH",
            help="Folder for table, report and provenance.",
        ),
    ],
    format_: Format_ = Format.TABLE,
) -> None:
    """Build world-2022 from the raw tables and report every repair."""
    from detente.build.world import build_world_2022, write
    from detente.cli.output import show as print_rows
    from detente.files import probe_folder

    probe_folder(out)
    dataset, report = build_world_2022(raw)
    write(dataset, report, out)
    rows = report.to_frame()
    print_rows(rows, {"command": "world build", "folder": str(out)}, format_,
               title="Repairs, per country")  # fmt: skip
    print(f"saved to {out}", file=sys.stderr)


@app.command()
def aggregate(
    world: World_ = "world-2022",
    countries: Annotated[
        str | None, typer.Option("--countries", help="Groups to merge: EU27,ASEAN or NA=USA+CAN.")
    ] = None,
    sectors: Annotated[
        str | None, typer.Option("--sectors", help="Groups to merge: goods,services or M=C24+C25.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", parser=named_path, metavar="PATH", help="File (.nc) to write."),
    ] = None,
    format_: Format_ = Format.TABLE,
) -> None:
    """Merge countries or sectors; totals are conserved."""
    from detente.cli.output import show as print_rows
    from detente.world import load_world
    from detente.world.summary import country_summary, sector_summary

    if countries is None and sectors is None:
        raise InputError("aggregate: give --countries or --sectors, e.g. --countries EU27,ASEAN")
    merged = load_world(world).aggregate(_groups(countries), _groups(sectors))
    meta = {"command": "world aggregate", "world": merged.name, "world_hash": merged.hash}
    saved = None if out is None else merged.save(out)
    print_rows(
        country_summary(merged), meta, format_, title=f"{merged!r}",
        tables={"sectors": sector_summary(merged)},
    )  # fmt: skip
    if saved is not None:
        print(f"saved to {saved}", file=sys.stderr)


@app.command()
def horizons(format_: Format_ = Format.TABLE) -> None:
    """How fast trade adjusts: the sets there are, with their elasticities by year."""
    import pandas as pd

    from detente.cli.output import show as print_rows
    from detente.world.horizons import (
        DEFAULT_HORIZON,
        HORIZONS,
        elasticity_after,
        horizon_record,
        horizon_sets,
    )
    from detente.world.theta import theta_set

    usual = float(theta_set().sel(sector="C29"))
    rows = []
    for name in horizon_sets():
        r = horizon_record(name)
        theta = usual if r.theta is None else r.theta
        by_year = {
            f"after_{years}_years" if years > 1 else "after_1_year": elasticity_after(
                years, theta, r.sigma, r.zeta
            )
            for years in HORIZONS
        }
        rows.append(
            {
                "horizon": name, "default": name == DEFAULT_HORIZON, "title": r.title,
                "sigma": r.sigma, "zeta_a_year": r.zeta, "long_run_theta": r.long_run,
                **by_year, "long_run": -theta, "mu_a_year": r.labour.mu, "kappa": r.labour.kappa,
                "written": r.date, "citation": " ".join(r.citation.split()),
            }
        )  # fmt: skip
    table = pd.DataFrame(rows)
    meta = {
        "command": "world horizons", "default": DEFAULT_HORIZON,
        "elasticity": "of spending, tariffs included, in one plus the tariff; one less for sales "
                      "at the border. Where a set goes on top of the world's own elasticities: of "
                      "motor vehicles",
    }  # fmt: skip
    if format_ is Format.TABLE:
        from detente.report.text import paragraph, terminal

        heads = {
            "sigma": "σ", "zeta_a_year": "ζ", "after_1_year": "1 year", "after_3_years": "3 years",
            "after_5_years": "5 years", "after_10_years": "10 years", "long_run": "long run",
        }  # fmt: skip
        print_rows(
            table[["horizon", *heads]].rename(columns=heads), meta, format_,
            title="Elasticity of spending in a tariff that has stood for some years",
        )  # fmt: skip
        for _, row in table.iterrows():
            default = ", the default" if row["default"] else ""
            paragraph(
                terminal(),
                f"{row['horizon']}{default}: {row['title']}; long-run elasticity "
                f"{row['long_run_theta']}. {row['citation']}",
            )
        paragraph(terminal(), f"Elasticities are {meta['elasticity']}.", style="dim")
        return
    print_rows(table, meta, format_)


def _groups(text: str | None) -> dict[str, list[str]] | None:
    """ "EU27,NA=USA+CAN" as a mapping from label to members."""
    if text is None:
        return None
    groups: dict[str, list[str]] = {}
    for part in text.split(","):
        label, sign, members = part.strip().partition("=")
        if not label or (sign and not members):
            raise InputError(f"{part!r}: write a group's name, or LABEL=MEMBER+MEMBER")
        groups[label] = [m.strip() for m in members.split("+")] if sign else [label]
    return groups

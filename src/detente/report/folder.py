"""A run as a folder: netCDF, tidy CSV, a figure, and ``run.json`` to run it again."""

from __future__ import annotations

from pathlib import Path

from detente.files import write_folder
from detente.report.figures import draw_run
from detente.report.tabular import csv_text, json_text, run_json
from detente.runs.run import RunResult
from detente.world.files import netcdf_bytes

__all__ = ["save_run"]


def save_run(result: RunResult, folder: Path) -> list[Path]:
    """Write everything about ``result`` into ``folder`` (made if needed); returns the files.

    outcome.nc     every variable, labelled, with units and provenance
    <table>.csv    each table, tidy, units in the column names
    <id>.png       the figure
    run.json       the printed tables and the scenario as run: ``detente run run.json`` repeats it

    Raises
    ------
    OutputError
        They cannot be written; then none is.
    """
    ds = result.outcome.to_dataset()
    encoding = {str(v): {"zlib": True, "complevel": 4} for v in ds.data_vars}
    tables = {f"{name}.csv": csv_text(table).encode() for name, table in result.tables.items()}
    return write_folder(
        folder,
        {
            "outcome.nc": netcdf_bytes(ds, encoding),
            "run.json": json_text(run_json(result)).encode(),
            **tables,
            f"{result.scenario.id}.png": draw_run(result),
        },
    )

"""A run as a folder: netCDF, tidy CSV, a figure, and ``run.json`` to run it again."""

from __future__ import annotations

from pathlib import Path

from detente.errors import InputError
from detente.report.figures import draw_run
from detente.report.tabular import csv_text, json_text, run_json
from detente.study.run import RunResult

__all__ = ["save_run"]


def save_run(result: RunResult, folder: Path) -> list[Path]:
    """Write everything about ``result`` into ``folder`` (made if needed); returns the files.

    outcome.nc     every variable, labelled, with units and provenance
    <table>.csv    each table, tidy, units in the column names
    <id>.png       the figure
    run.json       the printed tables and the scenario as run: ``detente run run.json`` repeats it

    Raises
    ------
    InputError
        ``folder`` is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--out {folder}: is a file; give a folder")
    ds = result.outcome.to_dataset()  # before anything is written, so that errors write nothing
    tables = {name: csv_text(table) for name, table in result.tables.items()}
    body = json_text(run_json(result))
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / "outcome.nc", folder / "run.json"]
    encoding = {str(v): {"zlib": True, "complevel": 4} for v in ds.data_vars}
    ds.to_netcdf(written[0], engine="h5netcdf", encoding=encoding)
    written[1].write_text(body, encoding="utf-8")
    for name, text in tables.items():
        path = folder / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        written.append(path)
    written.append(draw_run(result, folder / f"{result.scenario.id}.png"))
    return written

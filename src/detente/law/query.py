"""Regime queries as tables: the rate and why, averages, many lines at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from detente.errors import InputError, TableError, UnknownNameError
from detente.files import read_text
from detente.labels import resolve_countries
from detente.law.line import (
    LineRate,
    averages,
    line_rates,
    sector_line_rates,
    sector_rates,
)
from detente.law.tables import line_table
from detente.ledger import Ledger, Regime, load_ledger

__all__ = [
    "Explained",
    "average_table",
    "explain",
    "lines_table",
    "partner_label",
    "query",
    "rate_table",
    "sector_average",
    "why_table",
]

MAX_QUERY_BYTES = 50_000_000
"""A CSV of queries; some million of them."""


def rate_table(rates: Iterable[LineRate]) -> pd.DataFrame:
    """One row a distinct rate, heaviest first within a query.

    Columns: date, importer, exporter, hs, rate_pct (None where the base is not held), base_pct,
    added_pct, share_of_imports_pct (of lines where ``weighted`` is false), banned, incomplete
    (a part of the duty has no number), route, lines.
    """
    return pd.DataFrame(
        [
            {
                "date": r.date,
                "importer": r.importer,
                "exporter": r.exporter,
                "hs": r.hs,
                "rate_pct": np.nan if r.rate_pct is None else r.rate_pct,
                "base_pct": np.nan if r.base_pct is None else r.base_pct,
                "added_pct": np.nan if r.added_pct is None else r.added_pct,
                "share_of_imports_pct": r.share_pct,
                "weighted": "yes" if r.weighted else "no",
                "banned": "yes" if r.banned else "no",
                "incomplete": "yes" if r.incomplete else "no",
                "route": r.route,
                "lines": _some(r.lines),
            }
            for r in rates
        ]
    )  # fmt: skip


def _some(lines: tuple[str, ...], shown: int = 6) -> str:
    more = f" and {len(lines) - shown} more" if len(lines) > shown else ""
    return ", ".join(lines[:shown]) + more


def why_table(rates: Iterable[LineRate]) -> pd.DataFrame:
    """The derivation, step by step: base, what was applied, set aside or not reached, and why.

    Columns: row (position in the rate table), part, share_of_value_pct, step, record, heading,
    text, added_pct, because, source.
    """
    rows = []
    for n, rate in enumerate(rates):
        for path in rate.paths:
            for step in path.steps:
                rows.append(
                    {
                        "row": n,
                        "part": path.part,
                        "share_of_value_pct": path.share_of_value_pct,
                        "step": step.what,
                        "record": step.record,
                        "heading": step.heading or "",
                        "text": step.text,
                        "added_pct": np.nan if step.added_pct is None else step.added_pct,
                        "because": step.because,
                        "source": "; ".join(step.source),
                    }
                )
    columns = ["row", "part", "share_of_value_pct", "step", "record", "heading", "text",
               "added_pct", "because", "source"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def query(
    regime: Regime, importer: str, exporter: str | None, hs: str | None, sector: str | None,
    why: bool,
) -> list[LineRate]:  # fmt: skip
    """The rates of one query; without an exporter, of every partner the tables hold."""
    if (hs is None) == (sector is None):
        raise InputError("give --hs or --sector, one of them, or ask for --average")
    if exporter is not None:
        partners = [exporter]
    else:
        partners = list(line_table(importer).partners)
        if not partners:
            raise InputError(f"no import values are held for {importer}; name the --exporter")
    found: list[LineRate] = []
    for partner in partners:
        if hs is not None:
            found += line_rates(regime, importer, partner, hs, why)
        else:
            found += sector_line_rates(regime, importer, partner, sector or "", why)
    return found


def partner_label(name: str) -> str:
    """ISO3 for a code or a name; EU27 and other codes pass as they are.

    Raises
    ------
    UnknownNameError
        Nobody knows the name, or it names several countries.
    """
    text = name.strip()
    if text.upper() in ("EU27", "EU"):
        return "EU27"
    if len(text) == 3 and text.isupper():
        return text
    found = resolve_countries(text)
    if len(found) != 1:
        raise UnknownNameError(f"{name!r} names {len(found)} countries; name one, or EU27")
    return found[0]


@dataclass(frozen=True, eq=False)
class Explained:
    """A rate and why: :func:`rate_table`, :func:`why_table` and, for a sector, its average.

    ``left_out`` counts the rates whose derivation is not given, the lightest of many.
    """

    rates: pd.DataFrame
    steps: pd.DataFrame
    average: pd.DataFrame
    left_out: int


def explain(
    date: str, importer: str, exporter: str, hs: str | None, sector: str | None, most: int = 12
) -> Explained:
    """Why a good of ``exporter`` pays what it pays in ``importer`` on ``date``.

    ``hs`` or ``sector``, one of them; the derivations are those of the ``most`` heaviest rates.
    The embedded ledger is read, so that a worker process can be asked with words alone.

    Raises
    ------
    InputError
        An unknown day, country, code or sector.
    """
    law = load_ledger().at(date)
    rates = query(law, importer, exporter, hs, sector, why=True)
    average = pd.DataFrame()
    if sector is not None:
        average = sector_average(law, importer, exporter, sector)
    return Explained(rate_table(rates), why_table(rates[:most]), average, max(0, len(rates) - most))


def average_table(regime: Regime, importer: str, exporter: str | None = None) -> pd.DataFrame:
    """Import-weighted statutory averages by partner, ``ALL`` first.

    Columns: date, importer, partner (ISO3, EU27 or ALL), average_rate_pct, base_pct, added_pct,
    base_unknown_pct (imports whose base is not held), imports_usd_bn.
    """
    found = averages(regime, importer)
    labels = list(found)
    if exporter is not None:
        label = next(
            (p for p in labels if p == exporter), None
        ) or next(
            (p for p in labels if p != "ALL" and exporter in regime.members_of_partner(p)), None
        )  # fmt: skip
        if label is None:
            raise InputError(
                f"no imports of {importer} from {exporter} are held, so there is no average; the "
                f"partners are {', '.join(labels[1:9])}, ..."
            )
        labels = [label]
    return pd.DataFrame(
        [
            {
                "date": regime.date,
                "importer": importer,
                "partner": p,
                "average_rate_pct": found[p].average_rate_pct,
                "base_pct": found[p].base_pct,
                "added_pct": found[p].added_pct,
                "base_unknown_pct": found[p].base_unknown_pct,
                "imports_usd_bn": found[p].value_usd / 1e9,
            }
            for p in labels
        ]
    )


def sector_average(regime: Regime, importer: str, exporter: str | None, sector: str | None) -> (
    pd.DataFrame
):  # fmt: skip
    """Averages by sector and partner, with what the weights are.

    Columns: date, importer, partner, sector, average_rate_pct, base_pct, added_pct, weights.
    """
    partners = None
    if not line_table(importer).weighted:
        if exporter is None:
            raise InputError(f"no import values are held for {importer}; name the --exporter")
        partners = (exporter,)
    rates = sector_rates(regime, importer, partners)
    label = None
    if exporter is not None and exporter not in rates.partners:
        label = next((p for p in rates.partners if exporter in regime.members_of_partner(p)), None)
        if label is None:
            raise InputError(f"no imports of {importer} from {exporter} are held")
    rows = []
    known_base = line_table(importer).weighted
    for j, s in enumerate(rates.sectors):
        for k, p in enumerate(rates.partners):
            if sector not in (None, s) or (exporter is not None and p != (label or exporter)):
                continue
            rows.append(
                {
                    "date": rates.date,
                    "importer": importer,
                    "partner": p,
                    "sector": s,
                    "average_rate_pct": rates.rate_pct[j, k] if known_base else np.nan,
                    "base_pct": rates.base_pct[j, k] if known_base else np.nan,
                    "added_pct": rates.added_pct[j, k],
                    "weights": rates.basis,
                }
            )
    if not rows:
        raise InputError(f"sector {sector!r}: no product code maps to it")
    return pd.DataFrame(rows)


def lines_table(ledger: Ledger, path: Path, importer: str, **view: object) -> pd.DataFrame:
    """Answer a CSV of queries: columns hs (or line), exporter (or partner), date, and importer
    where it differs from row to row.

    Raises
    ------
    TableError
        A column is missing or a cell is empty; names the row.
    """
    text = read_text(path, MAX_QUERY_BYTES, "CSV file")
    try:
        frame = pd.read_csv(StringIO(text), dtype=str, comment="#")
    except pd.errors.EmptyDataError:
        raise TableError(f"{path}: is empty; the columns are hs, exporter, date") from None
    except (ValueError, pd.errors.ParserError) as error:
        raise TableError(
            f"{path}: cannot be read as CSV ({error}); check its quotes and commas"
        ) from None
    frame = frame.rename(columns={"line": "hs", "partner": "exporter"})
    for column in ("hs", "exporter", "date"):
        if column not in frame:
            raise TableError(
                f"{path}: column {column!r} is missing; the columns are hs, exporter, date "
                f"(and importer), found {list(frame.columns)}"
            )
        if frame[column].isna().any():
            row = int(np.flatnonzero(frame[column].isna())[0]) + 2
            raise TableError(f"{path}: line {row}: {column} is empty")
    if "importer" not in frame:
        frame["importer"] = importer
    views: dict[str, Regime] = {}
    found: list[LineRate] = []
    for n, row in enumerate(frame.to_dict("records")):
        day = str(row["date"])
        try:
            if day not in views:
                views[day] = ledger.at(day, **view)  # pyright: ignore[reportArgumentType]
            rates = line_rates(
                views[day], str(row["importer"]), str(row["exporter"]), str(row["hs"]), why=False
            )
        except InputError as error:
            raise type(error)(f"{path}: line {n + 2}: {error}") from None
        found += [replace(r, hs=str(row["hs"])) for r in rates]
    return rate_table(found)

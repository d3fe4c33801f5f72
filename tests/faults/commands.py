"""The commands that faults are injected into."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A command line, what its output must be, and what it writes."""

    name: str
    args: tuple[str, ...]
    whole: Callable[[str], bool]
    """Whether an output is the whole of it."""
    writes: tuple[str, ...] = ()
    """Files, seen from where the command stands, that it writes all or none of."""


def _json(text: str) -> bool:
    try:
        return bool(json.loads(text)["rows"] if "rows" in json.loads(text) else json.loads(text))
    except ValueError:
        return False


def _csv(text: str) -> bool:
    rows = list(csv.reader(io.StringIO(text, newline="")))
    return len(rows) > 1 and len({len(r) for r in rows}) == 1


def _table(text: str) -> bool:
    return text.endswith("\n") and text.count("\n") > 3


_RUN = tuple(
    f"out/{name}" for name in (
        "outcome.nc", "run.json", "countries.csv", "sectors.csv", "diversion.csv",
        "redirection.csv", "markets.csv", "own.png",
    )
)  # fmt: skip
_CARD = tuple(
    f"out/{name}" for name in (
        "card.md", "card.json", "draws.csv", "distribution.csv", "numbers.csv", "drivers.csv",
        "flips.csv", "definitions.csv", "number-one-partner.png",
    )
)  # fmt: skip

_J = ("--format", "json")
_PLAY = ("play", "number-one-partner", "--draws", "4")

COMMANDS = (
    Command("run-table", ("run", "own.yaml"), _table),
    Command("run-json", ("run", "own.yaml", *_J), _json),
    Command("run-csv", ("run", "own.yaml", "--format", "csv"), _csv),
    Command("run-out", ("run", "own.yaml", "--out", "out", *_J), _json, _RUN),
    Command("scenarios", ("scenarios", *_J), _json),
    Command("play", _PLAY, _table),
    Command("play-out", (*_PLAY, "--out", "out", *_J), _json, _CARD),
    Command("questions", ("questions",), _table),
    Command("regime", ("regime", "--date", "2025-06-01", "--exporter", "CHN", "--hs", "8703",
                       "--why", *_J), _json),
    Command("ledger-list", ("ledger", "list", *_J), _json),
    Command("ledger-show", ("ledger", "show", "can/china-ev-2024", *_J), _json),
    Command("ledger-check", ("ledger", "check"), _table),
    Command("ledger-evidence", ("ledger", "check", "--evidence", "--format", "csv"), _csv),
    Command("ledger-changes", ("ledger", "changes", "--from", "2025-06-01", *_J), _json),
    Command("regime-table", ("regime", "--date", "2025-06-01", "--exporter", "CHN", "--sector",
                             "C29"), _table),
    Command("regime-lines", ("regime", "--lines", "lines.csv", "--format", "csv"), _csv),
    Command("run-theta", ("run", "own.yaml", "--theta", "all", *_J), _json),
    Command("world-file", ("world", "show", "own.nc", *_J), _json),
    Command("world-show", ("world", "show", *_J), _json),
    Command("world-check", ("world", "check"), _table),
    Command("run-groups", ("run", "own.yaml", "--labour", "sticky", "--groups"), _table),
    Command("run-long", ("run", "own.yaml", "--horizon", "long"), _table),
    Command("path-table", ("path", "own.yaml", "--from", "2025-01", "--to", "2025-06"), _table),
    Command("path-law", ("path", "--from", "2025-01", "--to", "2025-06", *_J), _json),
    Command("path-csv", ("path", "own.yaml", "--from", "2025-01", "--to", "2025-06", "--labour",
                         "sticky", "--groups", "KOR", "--format", "csv"), _csv),
    Command("world-horizons", ("world", "horizons", *_J), _json),
    Command("world-out", ("world", "aggregate", "--countries", "EU27", "--out", "w.nc", *_J),
            _json, ("w.nc",)),
)  # fmt: skip

BY_NAME = {c.name: c for c in COMMANDS}

"""Ledgers of a few records and a table of three lines, for laws worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from detente.law.stacking import Cells, Result, evaluate
from detente.law.tables import LineTable
from detente.ledger import Ledger, load_ledger
from detente.ledger.load import RECORDS

Record = dict[str, Any]
Build = Callable[..., Ledger]

SOURCES = {"made": {"title": "made up", "publisher": "the tests", "cite": "none",
                    "date_read": "2026-01-01", "evidence": "G"}}  # fmt: skip
CARD = {"kind": "ledger", "title": "small", "version": "1", "record_from": "2018-01-01",
        "record_until": "2026-10-31"}  # fmt: skip
ASSUMED = {"kind": "assumption", "id": "assumed", "title": "assumed", "statement": "as written",
           "reason": "a test", "effect": "none", "sources": SOURCES}  # fmt: skip
DAY = "2025-06-01"


def entry(form: str | None = "added", rate_pct: float | None = None, **more: Any) -> Record:
    found = {"announced": "2025-01-01", "in_force": "2025-01-01", "form": form, **more}
    if rate_pct is not None:
        found["rate_pct"] = rate_pct
    return {k: v for k, v in found.items() if v is not None}


def heading(*history: Record, title: str = "one", **more: Any) -> Record:
    return {"title": title, "history": list(history), **more}


def measure(name: str, *parts: Record, **more: Any) -> Record:
    """A tariff of the United States on all goods of all countries unless said otherwise."""
    headings = [heading(p) if "history" not in p else p for p in parts]
    return {
        "kind": "measure", "id": name, "title": name, "imposer": "USA", "authority": "none",
        "programme": f"of-{name}", "instrument": "tariff", "flow": "import",
        "targets": {"all": True}, "products": {"all": True}, "provisions": headings,
        "sources": SOURCES, **more,
    }  # fmt: skip


def rule(kind: str, name: str = "rule", **more: Any) -> Record:
    return {"kind": "interaction", "id": name, "title": name, "rule": kind, "imposer": "USA",
            "starts": "2025-01-01", "sources": SOURCES, **more}  # fmt: skip


def share(pct: float, starts: str = "2018-01-01") -> Record:
    return {"starts": starts, "share_pct": pct, "assumption": "assumed"}


def preference(step: Record, used_pct: float = 100, **more: Any) -> Record:
    steps = [{"starts": "2018-01-01", **step}]
    return {"importer": "USA", "products": {"all": True}, "steps": steps,
            "utilisation": [share(used_pct)], **more}  # fmt: skip


def agreement(name: str, *preferences: Record, members=("USA", "KOR"), **more: Any) -> Record:
    joined = [{"country": c, "in_force": "2018-01-01"} if isinstance(c, str) else c
              for c in members]  # fmt: skip
    return {"kind": "agreement", "id": name, "title": name, "type": "trade", "status": "in_force",
            "scope": "goods", "members": joined, "preferences": list(preferences),
            "sources": SOURCES, **more}  # fmt: skip


def split(name: str, by: str, *rows: Record, parts=("first", "second")) -> Record:
    return {"kind": "split", "id": name, "title": name, "by": by, "imposer": "USA",
            "parts": list(parts), "rows": list(rows), "sources": SOURCES}  # fmt: skip


def write(folder: Path, *records: Record, lists: dict[str, list[str]] | None = None) -> Ledger:
    """The records, an assumption and the European Union as a ledger; ``lists`` of codes by id."""
    folder.mkdir(exist_ok=True, parents=True)
    for old in folder.glob("*.yaml"):
        old.unlink()
    union = (RECORDS / "groups" / "eu.yaml").read_text(encoding="utf-8")
    (folder / "eu.yaml").write_text(union, encoding="utf-8")
    (folder / "ledger.yaml").write_text(yaml.safe_dump(CARD), encoding="utf-8")
    for n, record in enumerate([ASSUMED, *records]):
        (folder / f"r{n}.yaml").write_text(yaml.safe_dump(record), encoding="utf-8")
    for name, codes in (lists or {}).items():
        (folder / "lists").mkdir(exist_ok=True)
        head = "# title: a list\n# publisher: the tests\n# cite: none\n# date_read: 2026-01-01\n"
        text = head + "# evidence: G\nhs\n" + "\n".join(codes) + "\n"
        (folder / "lists" / f"{name}.csv").write_text(text, encoding="utf-8")
    return load_ledger(folder)


STEEL, CAR, SHIRT = 0, 1, 2
PARTNERS = ("KOR", "JPN", "EU27")


def three_lines(importer: str = "USA") -> LineTable:
    """Steel at 2%, cars at 10%, shirts at 20%; no imports."""
    none = np.zeros(0, dtype=np.int64)
    return LineTable(
        importer, np.array(["720839", "870323", "610910"])[[2, 0, 1]],
        np.array(["C24", "C29", "C13T15"])[[2, 0, 1]], np.array([2.0, 10.0, 20.0])[[2, 0, 1]],
        np.array(["", "", ""]), PARTNERS, none, none, np.zeros(0), False,
    )  # fmt: skip


LINE = {SHIRT: 0, STEEL: 1, CAR: 2}
"""Where a line stands in the table, which is sorted by code."""


def ask(ledger: Ledger, line: int = CAR, partner: str = "KOR", *, day: str = DAY,
        importer: str = "USA", trace: bool = False, **how: Any) -> Result:  # fmt: skip
    """The law of one cell, all its paths."""
    table = three_lines(importer)
    place = LINE[line]
    cells = Cells(np.array([place]), np.array([PARTNERS.index(partner)]), PARTNERS, PARTNERS)
    return evaluate(ledger.at(day, **how), table, cells, trace)


def paths(result: Result) -> list[tuple[float, float]]:
    """(share of the cell, rate) of every path, in order of rate."""
    held = zip(result.entry_share * result.value_share, result.rate, strict=True)
    return sorted(((round(float(w), 12), round(float(r), 9)) for w, r in held), key=lambda p: p[1])

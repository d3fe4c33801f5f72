"""Inputs by kind: strategies for hypothesis, and how many of each a short run takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from hypothesis import strategies as st

from detente.ledger.load import RECORDS
from detente.policy.scenario import scenario_folder
from fuzz import bodies
from fuzz.odd import KEYS, SCALARS, SNIPPETS, TEXTS
from fuzz.readers import CARD, seeds
from fuzz.trees import damaged_bytes, json_bodies, tree, yaml_bytes
from fuzz.worldfiles import world_files

__all__ = ["CASES", "strategy"]

CASES = {
    "scenario": 420, "set": 260, "question": 260, "theta": 130, "run": 110, "json": 110,
    "yaml": 250, "table": 110, "record": 260, "card": 60, "list": 110, "folder": 60,
    "tables": 120, "body": 120, "job": 120, "world": 12,
}  # fmt: skip
"""How many of each kind are tried every time."""

PATHS = (
    "measures.0.rate_pct", "measures[0].sectors", "measures.0", "measures", "measures.9.x", "",
    "id", "title", "baseline.date", "baseline.scenario", "policy", "policy.date", "world", "theta",
    "deficit", "focus.sector", "claims.0.ours", "sources.0.date", "settings", "settings.suitor",
    "parameters.kept", "parameters.kept.high", "parameters.elasticities",
    "parameters.elasticities.choices", "parameters.penalty_pct.log", "draws", "world.countries",
    "kind", "extends", "allow_prohibitive", "measures.0.covered_share.KOR", "x" * 3000, "a.b.c",
    "measures.1_0", "measures.٣", "measures.-1", "..", "\x1b[31m", "\u202e", "it's", "a\nb",
)  # fmt: skip

CARDS = (tree({"kind": "ledger", "title": "t", "version": "1", "record_from": "2018-01-01",
               "record_until": "2025-12-31"}),)  # fmt: skip

SOURCE = (
    "# title: Cars\n# publisher: Gazette\n# cite: 1 FR 1\n# date_read: 2025-01-01\n# evidence: A\n"
)
LISTS = (
    (SOURCE + "# note: n\nhs,name\n8703,cars\n8704.21,trucks\n").encode(),
    (SOURCE + "# exporter: KOR\n# exports_total_usd: 100\nhs,exports_usd\n8703,60\n8704,40\n")
    .encode(),
    (SOURCE + 'hs,name\n"8703","cars, new"\n').encode(),
)  # fmt: skip
CELLS = (
    "8703", "87.03.21", "1", "²²", "８７０３", "0", "-1", "nan", "inf", "1e999", "1_000", '"', '""',
    '"a\nb"', ",", ",,,,", "\r", "\x00", "x" * 200_000, "ALL", "KOR", "EU27", "C29", "", " ", "0.5",
    "1.5", "hs", "it's", "#", "# it's: x\n", "# title: again\n", "# title\n", "# : x\n",
    "# " + "k" * 5000 + ": v\n", "# note:\n", "# exporter: kor\n", "\n\n", "é", "\u202e",
)  # fmt: skip


@st.composite
def _spoilt_tables(draw: Callable[..., Any], contents: tuple[bytes, ...]) -> bytes:
    """A CSV with cells replaced or put in, at times damaged."""
    data = contents[draw(st.integers(0, len(contents) - 1))]
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        piece = draw(st.sampled_from(CELLS)).encode()
        ends = [n for n in range(at, len(data)) if data[n : n + 1] in b",\n"]
        data = data[:at] + piece + (data[ends[0] :] if ends and draw(st.booleans()) else data[at:])
    return draw(damaged_bytes([data])) if draw(st.integers(0, 5)) == 5 else data


@st.composite
def _settings(draw: Callable[..., Any]) -> bytes:
    """PATH=VALUE."""
    value = draw(
        st.one_of(
            st.sampled_from(SCALARS),
            st.sampled_from(TEXTS),
            st.sampled_from(SNIPPETS),
            st.text(max_size=12),
            st.sampled_from(["[" * 100_000, "{a: " * 500, "[1, 2]", "{}"]),
        )
    )
    where = draw(st.one_of(st.sampled_from(PATHS), st.sampled_from(KEYS)))
    return f"{where}={value}".encode("utf-8", "replace")


@st.composite
def _folders(draw: Callable[..., Any]) -> bytes:
    """A few files with names that meet, as JSON."""
    names = ("ledger.yaml", "a.yaml", "b.yaml", "sub/a.yaml", "c d.yaml", "it's.yaml", "n\nl.yaml",
             "lists/x.csv", "lists/X y.csv", "lists/sub/x.csv", "lists/.csv", "é.yaml")  # fmt: skip
    found = {"ledger.yaml": CARD.decode()} if draw(st.integers(0, 3)) else {}
    for _ in range(draw(st.integers(1, 4))):
        name = draw(st.sampled_from(names))
        kind = LISTS[0:1] if name.endswith(".csv") else None
        data = draw(_spoilt_tables(kind) if kind else yaml_bytes(seeds("record")[:6], 2))
        found[name] = data.decode("utf-8", "surrogateescape")
    return json.dumps(found).encode()


@cache
def strategy(kind: str) -> st.SearchStrategy[bytes]:
    """What a kind of input is drawn from."""
    if kind in ("scenario", "question", "theta", "record"):
        return yaml_bytes(seeds(kind))
    if kind == "yaml":
        return yaml_bytes((*seeds("record")[:3], tree({"a": list(TEXTS), "b": 1})), 4)
    if kind in ("body", "job"):
        return json_bodies(bodies.seeds("scenario" if kind == "body" else "job"))
    if kind in ("run", "json"):
        return json_bodies(seeds("run"))
    if kind == "card":
        return yaml_bytes(CARDS)
    if kind == "list":
        lists = sorted(RECORDS.glob("lists/**/*.csv"))
        return _spoilt_tables((*LISTS, *(p.read_bytes() for p in lists[:2])))
    if kind == "table":
        shares = (scenario_folder() / "tables" / "us-cars-2024.csv").read_bytes()
        return _spoilt_tables((shares, b"sector,exporter,share\nC29,ALL,1\n"))
    return {"set": _settings, "folder": _folders, "world": world_files, "tables": world_files}[
        kind
    ]()

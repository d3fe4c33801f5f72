"""A world, the ledger that ships, and small ledgers written for one test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import detente as dt
from detente.ledger import Ledger, load_ledger
from detente.ledger.load import RECORDS

CARD = """\
kind: ledger
title: small
version: "1"
record_from: 2018-01-01
record_until: 2026-10-31
"""

MEASURE = """\
kind: measure
id: {id}
title: a measure of the tests
imposer: {imposer}
authority: none
programme: {programme}
instrument: {instrument}
flow: {flow}
targets: {{{targets}}}
products: {{{products}}}
provisions:
  - title: all
    history:
      - {{announced: 2025-01-01, in_force: 2025-01-01, {entry}}}
sources:
  made: {{title: made up, publisher: the tests, cite: none, date_read: 2026-01-01, evidence: G}}
"""

Build = Callable[..., Ledger]


@pytest.fixture(scope="session")
def world() -> dt.World:
    return dt.load_world()


@pytest.fixture(scope="session")
def ledger() -> Ledger:
    return load_ledger()


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """No test reads or leaves entries in the user's cache."""
    monkeypatch.setenv("DETENTE_CACHE", "")


@pytest.fixture
def small(tmp_path: Path) -> Build:
    """A ledger of measures, each given by its fields."""

    def build(*measures: dict[str, str]) -> Ledger:
        (tmp_path / "ledger.yaml").write_text(CARD, encoding="utf-8")
        union = (RECORDS / "groups" / "eu.yaml").read_text(encoding="utf-8")
        (tmp_path / "eu27.yaml").write_text(union, encoding="utf-8")
        for n, fields in enumerate(measures):
            whole = {
                "id": f"m{n}", "programme": f"p{n}", "instrument": "tariff", "flow": "import",
                "targets": "all: true", "products": "all: true", **fields,
            }  # fmt: skip
            (tmp_path / f"m{n}.yaml").write_text(MEASURE.format(**whole), encoding="utf-8")
        return load_ledger(tmp_path)

    return build


def mean(world: dt.World, tariff, importer: str, exporter: str) -> float:
    """Average tariff on goods, percent, at the flows of the world table."""
    goods = [s for s in world.sectors if s != "services"]
    t = tariff.sel(importer=importer, exporter=exporter, sector=goods).values
    w = world.trade.sel(importer=importer, exporter=exporter, sector=goods).values
    return 100 * float(np.average(t, weights=w))

"""Run the command line as a user does: a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

SCENARIO = """\
id: own
title: 10% on Korean cars
about: A small test scenario.
blurs: Nothing.
sources: [{title: made up, publisher: the tests, cite: none}]
focus: {sector: C29, importer: USA}
measures:
  - {imposer: USA, targets: [KOR], sectors: C29, instrument: import_tariff, rate_pct: 10}
"""


@pytest.fixture
def detente(tmp_path: Path) -> Run:
    def call(*args: str) -> subprocess.CompletedProcess[str]:
        code = "import sys; from detente.cli.main import main; sys.argv[0] = 'detente'; main()"
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", code, *args],
            capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False,
        )  # fmt: skip

    return call


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "own.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path

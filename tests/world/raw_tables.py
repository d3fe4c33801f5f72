"""Where the raw tables are, for the tests that need them."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def raw_folder() -> Path:
    """The folder of raw tables; skips the test where it is absent."""
    folder = Path(os.environ.get("DETENTE_SHARED", ROOT / ".." / "shared")) / "data"
    if not (folder / "icio" / "ICIO2022.mat").is_file():
        pytest.skip(f"raw tables not found in {folder}; set DETENTE_SHARED")
    return folder

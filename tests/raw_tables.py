"""Where the raw tables are, for the tests that need them.

They are read from ``$DETENTE_SHARED/data`` (default ``../shared``, seen from the repository).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shared_root() -> Path:
    """The folder that holds ``data``; it may not exist."""
    return (ROOT / os.environ.get("DETENTE_SHARED", "../shared")).resolve()


def raw_folder() -> Path:
    """The folder of raw tables, or a skip; a failure where CI is "true"."""
    folder = shared_root() / "data"
    if not folder.is_dir():
        text = f"raw tables are not at {folder}; set DETENTE_SHARED to the folder above data"
        if os.environ.get("CI") == "true":
            pytest.fail(text)
        pytest.skip(text)
    return folder

"""Where the raw tables are, for the tests that need them."""

from pathlib import Path

from conftest import raw_data


def raw_folder() -> Path:
    """The folder of raw tables; skips where it is absent, and fails there on the build server."""
    return raw_data()

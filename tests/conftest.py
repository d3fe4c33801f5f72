"""Options and fixtures shared by every test.

``--all`` runs what is marked ``slow`` as well; without it a sampled variant of the same case
runs. Raw tables are read from ``$DETENTE_SHARED/data`` (default ``../shared``, seen from the
repository). Where they are absent the tests that need them are skipped, except on the build
server, where a skip would hide that the replication never ran.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from raw_tables import raw_folder


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", default=False, help="run slow tests as well")


def pytest_configure(config):
    # A run begun in the background (nohup, a shell's &) ignores signals, and so would every process
    # it starts: a program keeps what its caller ignores, and tests of being stopped would not stop.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            usual = signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL
            signal.signal(number, usual)


def pytest_collection_modifyitems(config, items):
    if config.getoption("--all"):
        return
    reason = pytest.mark.skip(reason="slow; run with --all")
    for item in items:
        if item.get_closest_marker("slow") is not None:
            item.add_marker(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of raw tables; see :func:`raw_folder`."""
    return raw_folder()

"""What the command line itself refuses exits with 2, whichever click is installed."""

from __future__ import annotations

import pytest

from .conftest import Run


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("run", "Missing argument"),
        ("scenarios --format jsn", "'--format'"),
        ("serve --port 99999", "'--port'"),
        ("scenarios --no-such-option", "--no-such-option"),
        ("no-such-command", "no-such-command"),
    ],
)
def test_a_refusal_of_the_command_line_is_exit_2(detente: Run, line: str, words: str):
    done = detente(*line.split())
    assert done.returncode == 2
    assert words in done.stderr
    assert "fault of the program" not in done.stderr
    assert not done.stdout

"""A disk that is really full: a file system of 64 kB, where this process may mount one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from faults.commands import BY_NAME
from faults.sandbox import START, Box

SHELL = 'mount -t tmpfs -o size=64k tmpfs "$0" && "$@"; code=$?; ls -A "$0" >"$LISTED"; exit $code'
"""The mount is seen by this shell and its children alone, and goes with them."""


def _may_mount(folder: Path) -> bool:
    if not sys.platform.startswith("linux") or shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)],
        capture_output=True, check=False,
    )  # fmt: skip
    return tried.returncode == 0


@pytest.mark.parametrize(
    "name",
    [
        "world-out",
        pytest.param("run-out", marks=pytest.mark.slow),
        pytest.param("play-out", marks=pytest.mark.slow),
    ],
)
def test_nothing_is_left_on_a_full_disk(tmp_path: Path, name: str):
    box = Box(tmp_path / "box")
    disk = box.root / "disk"
    disk.mkdir()
    if not _may_mount(disk):
        pytest.skip("no file system can be mounted here (needs root and unshare)")
    command = BY_NAME[name]
    args = [str(disk / a) if a in ("out", "w.nc") else a for a in command.args]
    left = box.root / "left"
    ended = subprocess.run(
        ["unshare", "-m", "sh", "-c", SHELL, str(disk), sys.executable, "-c", START, *args],
        env={**box.env, "LISTED": str(left)}, cwd=box.here, capture_output=True, check=False,
    )  # fmt: skip
    lines = ended.stderr.decode().splitlines()
    assert ended.returncode == 4, lines
    assert len(lines) == 1, lines
    assert "No space left on device" in lines[0]
    assert "free some space" in lines[0]
    assert ended.stdout == b""
    assert left.read_bytes() == b""
    assert box.left() == []

"""The tables that ship with the package are read by one thread, and read the same."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from detente.parquet import read_frame, read_shipped

SHIPPED = sorted(Path(str(files("detente"))).rglob("*.parquet"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_the_same_table_as_by_the_usual_reader(path: Path):
    assert read_shipped(path).equals(pq.read_table(path))
    pd.testing.assert_frame_equal(read_frame(path), pd.read_parquet(path))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the size of stacks is a limit")
def test_it_comes_to_an_end_where_no_thread_can_be_started():
    import resource

    def no_room_for_a_stack() -> None:
        resource.setrlimit(resource.RLIMIT_STACK, (16 << 30, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))

    code = "import sys; from detente.parquet import read_frame; print(len(read_frame(sys.argv[1])))"
    path = next(p for p in SHIPPED if p.stem.startswith("partner-ranks"))
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], preexec_fn=no_room_for_a_stack, timeout=120,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, f"{len(read_frame(path))}\n"), done.stderr

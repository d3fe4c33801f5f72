"""Worker processes that end in the middle of their work, and callers that stop waiting."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import CancelledError
from pathlib import Path

import numpy as np
import pytest

import detente as dt
from detente.errors import WorkerError
from detente.runs.workers import Workers, let_go
from worlds import Draw, random_world


@pytest.fixture
def pool():
    made = Workers(1)
    yield made
    made.shutdown()


def test_a_killed_worker_is_an_error_and_the_next_task_gets_another(pool: Workers):
    first = pool.submit(os.getpid).result()
    with pytest.raises(WorkerError, match=r"ended with code -9 .*use fewer workers"):
        pool.submit(os.kill, first, signal.SIGKILL).result()
    assert pool.submit(os.getpid).result() not in (first, os.getpid())


def test_what_cannot_travel_is_said(pool: Workers):
    with pytest.raises(RuntimeError, match="lock cannot travel between processes"):
        pool.submit(threading.Lock).result()
    assert pool.submit(abs, -3).result() == 3


def test_a_worker_is_told_again_what_it_no_longer_keeps(pool: Workers):
    """Six baselines in turn, and the first once more: four are kept."""
    world = random_world(Draw(N=3, J=1, seed=1))
    policies = [dt.Policy(world, tariff=rate) for rate in np.linspace(0.1, 0.3, 9)]
    baselines = [dt.Policy(world, tariff=0.01 * n) for n in range(6)]
    for baseline in (*baselines, baselines[0]):
        there = dt.simulate_many(world, policies, baseline=baseline, executor=pool)
        here = dt.simulate(world, policies[0], baseline=baseline)
        np.testing.assert_array_equal(there[0].outcome.real_income, here.real_income)


def test_who_stops_waiting_ends_what_it_waited_for(pool: Workers):
    pid = pool.submit(os.getpid).result()
    futures = [pool.submit(signal.pause), pool.submit(abs, -3)]
    with pytest.raises(KeyboardInterrupt), let_go(pool, futures):
        raise KeyboardInterrupt
    with pytest.raises((WorkerError, CancelledError)):  # killed, or never begun
        futures[0].result()
    assert futures[1].cancelled()
    assert pool.submit(os.getpid).result() != pid


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_worker_dies_with_its_parent_in_the_middle_of_a_task():
    code = (
        "import os, signal, sys; from detente.runs.workers import Workers\n"
        "pool = Workers(1); print(pool.submit(os.getpid).result(), flush=True)\n"
        "pool.submit(signal.pause); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    handle = os.pidfd_open(worker)
    parent.kill()
    parent.communicate()
    import select

    assert select.select([handle], [], [], 20)[0], "the worker outlives its parent"
    os.close(handle)
    assert not Path(f"/proc/{worker}/exe").exists()

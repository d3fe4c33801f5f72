"""Worker processes: a call that crashes, hangs or is given up fails alone."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator

import pytest

from detente.errors import DateError, NoSolutionError
from detente.web.cache import Cache
from detente.web.failures import BusyError, CrashedError
from detente.web.jobs import Jobs
from detente.web.pool import Pool
from detente.web.process import Work
from web import helpers


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool(1, waiting=3)
    yield made
    made.close()


def test_a_result_and_an_error_come_back(pool: Pool) -> None:
    async def ask() -> None:
        assert await pool.call(helpers.double, 21) == 42
        with pytest.raises(DateError, match="too early"):
            await pool.call(helpers.fail_with, DateError, "too early")
        with pytest.raises(NoSolutionError):
            await pool.call(helpers.fail_with, NoSolutionError, "nobody sells")
        with pytest.raises(RuntimeError, match="cannot travel"):
            await pool.call(helpers.unpicklable)
        assert await pool.call(helpers.double, 2) == 4

    asyncio.run(ask())


def test_a_crash_fails_alone_and_the_pool_heals(pool: Pool) -> None:
    async def ask() -> None:
        first = await pool.call(os.getpid)
        with pytest.raises(CrashedError):
            await pool.call(os._exit, 3)
        second = await pool.call(os.getpid)
        assert second != first

    asyncio.run(ask())


def test_a_call_that_takes_too_long_loses_its_worker(pool: Pool) -> None:
    async def ask() -> None:
        first = await pool.call(os.getpid)
        with pytest.raises(BusyError, match="too long"):
            await pool.call(time.sleep, 600, seconds=0.2)
        assert await pool.call(os.getpid) != first
        with pytest.raises(ProcessLookupError):
            os.kill(first, 0)

    asyncio.run(ask())


def test_a_call_given_up_stops_its_worker(pool: Pool) -> None:
    async def ask() -> None:
        first = await pool.call(os.getpid)
        task = asyncio.create_task(pool.call(time.sleep, 600))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await pool.call(os.getpid, seconds=20) != first

    asyncio.run(ask())


def test_too_many_calls_are_refused_at_once(pool: Pool) -> None:
    async def ask() -> None:
        tasks = [asyncio.create_task(pool.call(time.sleep, 0.3)) for _ in range(4)]
        await asyncio.sleep(0.1)
        with pytest.raises(BusyError, match="busy"):
            await pool.call(helpers.double, 1)
        await asyncio.gather(*tasks)
        assert await pool.call(helpers.double, 1) == 2

    asyncio.run(ask())


def test_a_closed_pool_refuses() -> None:
    pool = Pool(1)
    pool.close()

    async def ask() -> None:
        with pytest.raises(BusyError):
            await pool.call(helpers.double, 1)

    asyncio.run(ask())


def test_an_answer_is_made_once_for_all_who_ask() -> None:
    made = []

    async def make() -> bytes:
        made.append(1)
        await asyncio.sleep(0.05)
        return b"answer"

    async def ask() -> None:
        cache = Cache(limit=100)
        one, two = await asyncio.gather(cache.get("k", make), cache.get("k", make))
        assert one == two == b"answer"
        assert await cache.get("k", make) == b"answer"
        assert len(made) == 1
        for n in range(30):  # more than it may hold: the oldest goes
            await cache.get(f"k{n}", make)
        await cache.get("k", make)
        assert len(made) == 32

    asyncio.run(ask())


def test_someone_who_stops_waiting_stops_nobody_else() -> None:
    async def make() -> bytes:
        await asyncio.sleep(0.1)
        return b"answer"

    async def ask() -> None:
        cache = Cache()
        gone = asyncio.create_task(cache.get("k", make))
        stays = asyncio.create_task(cache.get("k", make))
        await asyncio.sleep(0.02)
        gone.cancel()
        assert await stays == b"answer"

    asyncio.run(ask())


def test_an_error_is_told_and_not_kept() -> None:
    tries = []

    async def make() -> bytes:
        tries.append(1)
        if len(tries) == 1:
            raise BusyError("later")
        return b"now"

    async def ask() -> None:
        cache = Cache()
        with pytest.raises(BusyError):
            await cache.get("k", make)
        assert await cache.get("k", make) == b"now"

    asyncio.run(ask())


def wait_for(what, seconds: float = 30.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody waited for yet counts as ended."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs(waiting=2, kept=3)
    yield made
    made.close()


def test_a_job_runs_to_its_end(jobs: Jobs) -> None:
    job = jobs.submit(helpers.count, 5)
    wait_for(lambda: job.status == "done")
    assert job.state() == {
        "job": job.id, "status": "done", "done": 5, "total": 5, "asked": {},
        "result": {"counted": 5},
    }  # fmt: skip


def test_a_job_that_crashes_or_raises_says_so_and_the_next_one_runs(jobs: Jobs) -> None:
    crashed = jobs.submit(helpers.crash)
    raised = jobs.submit(helpers.refuse)
    wait_for(lambda: crashed.status == raised.status == "failed")
    assert "code 7" in crashed.state()["error"]
    assert raised.state()["error"] == "ValueError: no such luck"
    fine = jobs.submit(helpers.count, 1)
    wait_for(lambda: fine.status == "done")


def test_cancel_stops_the_process_and_what_it_started(jobs: Jobs) -> None:
    job = jobs.submit(helpers.family)
    child = wait_for(lambda: job.state()["done"])
    assert not gone(child)
    jobs.cancel(job.id)
    assert job.state()["status"] == "cancelled"
    wait_for(lambda: gone(child))


def test_a_waiting_job_can_be_cancelled_and_a_full_queue_refuses(jobs: Jobs) -> None:
    running = jobs.submit(helpers.family)
    wait_for(lambda: running.status == "running")
    second, third = jobs.submit(helpers.count, 1), jobs.submit(helpers.count, 1)
    with pytest.raises(BusyError):
        jobs.submit(helpers.count, 1)
    assert jobs.cancel(second.id).status == "cancelled"
    jobs.cancel(running.id)
    wait_for(lambda: third.status == "done")
    assert second.work is None


def test_results_are_kept_up_to_a_number(jobs: Jobs) -> None:
    ids = []
    for _ in range(6):
        job = jobs.submit(helpers.count, 1)
        wait_for(lambda job=job: job.status == "done")
        ids.append(job.id)
    assert jobs.get(ids[-1]).status == "done"
    with pytest.raises(Exception, match="unknown job"):
        jobs.get(ids[0])


def test_closing_ends_everything() -> None:
    jobs = Jobs()
    job = jobs.submit(helpers.family)
    child = wait_for(lambda: job.state()["done"])
    jobs.close()
    wait_for(lambda: gone(child))
    with pytest.raises(BusyError):
        jobs.submit(helpers.count, 1)


def test_work_reports_progress() -> None:
    work = Work(helpers.count, 3)
    work.watch()
    assert (work.status, work.done, work.total) == ("done", 3, 3)

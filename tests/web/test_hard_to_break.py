"""What goes wrong inside the server: no process to be had, requests given up, odd values, work
that would hold the event loop."""

from __future__ import annotations

import asyncio
import errno
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.requests import ClientDisconnect

from detente.ledger import load_ledger
from detente.texts import parse_yaml
from detente.web import failures, jobs, laws, pool, process, scenarios
from detente.web.aside import Aside
from detente.web.cache import Cache
from detente.web.failures import BusyError
from detente.web.jobs import Jobs
from detente.web.laws import LawKeeper
from detente.web.pool import Pool
from detente.web.safety import Safety
from detente.web.services import Services
from detente.web.wanted import while_wanted
from detente.world import load_world
from web import helpers
from web.conftest import TestClient
from web.sockets import wait_for

NOTHING_LEFT = OSError(errno.EMFILE, "Too many open files")


class Failing:
    """Fails the first ``times``, then does what it stands for."""

    def __init__(self, real: Callable[..., Any], times: int, error: Exception = NOTHING_LEFT):
        self.real, self.left, self.error = real, times, error

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.left:
            self.left -= 1
            raise self.error
        return self.real(*args, **kwargs)


# --- no process to be had -------------------------------------------------------------------------
def test_a_job_that_cannot_be_started_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "Work", Failing(process.Work, 1))
    queue = Jobs()
    try:
        first, second = queue.submit(helpers.count, 1), queue.submit(helpers.count, 2)
        wait_for(lambda: second.status == "done")
        assert first.state()["status"] == "failed"
        assert "Too many open files" in first.state()["error"]
    finally:
        queue.close()


def test_a_job_is_refused_while_no_thread_is_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Jobs()
    error = RuntimeError("can't start new thread")
    monkeypatch.setattr(threading.Thread, "start", Failing(threading.Thread.start, 1, error))
    try:
        with pytest.raises(BusyError):
            queue.submit(helpers.count, 1)
        monkeypatch.undo()
        job = queue.submit(helpers.count, 1)
        wait_for(lambda: job.status == "done")
    finally:
        queue.close()


def test_a_process_that_cannot_be_started_leaves_no_descriptor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(self: object) -> None:
        raise NOTHING_LEFT

    kind = pool.context().Process
    monkeypatch.setattr(kind, "start", refuse)
    fds = Path("/proc/self/fd")
    before = len(list(fds.iterdir())) if fds.exists() else 0
    for _ in range(5):
        with pytest.raises(OSError, match="Too many"):
            process.Work(helpers.count, 1)
    after = len(list(fds.iterdir())) if fds.exists() else 0
    assert after == before


def test_kept_results_hold_no_descriptors() -> None:
    fds = Path("/proc/self/fd")
    if not fds.exists():
        pytest.skip("descriptors are counted in /proc")
    queue = Jobs()
    try:
        one = queue.submit(helpers.count, 1)
        wait_for(lambda: one.status == "done")
        before = len(list(fds.iterdir()))
        for _ in range(4):
            job = queue.submit(helpers.count, 1)
            wait_for(lambda job=job: job.status == "done")
        assert len(list(fds.iterdir())) <= before + 2
    finally:
        queue.close()


def test_a_worker_that_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Pool(1)
    monkeypatch.setattr(pool, "_Child", Failing(pool._Child, 2))

    async def ask() -> None:
        for _ in range(2):
            with pytest.raises(BusyError, match="cannot start a worker"):
                await made.call(helpers.double, 1)
        assert made.working == 0
        assert await made.call(helpers.double, 1) == 2
        assert made.working == 1

    try:
        asyncio.run(ask())
    finally:
        made.close()


def test_laws_that_cannot_be_begun_are_begun_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Began:
        status, done, total = "running", 0, 0

        def watch(self) -> None: ...

        def cancel(self) -> None: ...

    monkeypatch.setattr(laws, "find_laws", lambda key, paths: None)
    monkeypatch.setattr(laws, "Work", Failing(lambda *args: Began(), 1))
    keeper = LawKeeper(tmp_path / "none.npz")
    with pytest.raises(BusyError, match="no process can be started"):
        keeper.timeline(load_ledger(), load_world())
    assert keeper.status == "unknown"
    with pytest.raises(BusyError, match="being worked out again"):
        keeper.timeline(load_ledger(), load_world())
    assert keeper.status == "working"
    keeper.close()


# --- requests given up ----------------------------------------------------------------------------
def test_calls_nobody_waits_for_are_not_begun(tmp_path: Path) -> None:
    made, said = Pool(1), tmp_path / "said"

    async def ask() -> None:
        worker = await made.call(helpers.double, 1)
        assert worker == 2
        first = asyncio.create_task(made.call(helpers.nap, 0.4))
        await asyncio.sleep(0.1)
        rest = [asyncio.create_task(made.call(helpers.mark, str(said))) for _ in range(20)]
        await asyncio.sleep(0.1)
        for task in rest:
            task.cancel()
        assert await first == 0.4
        start = time.monotonic()
        assert await made.call(helpers.double, 4) == 8
        assert time.monotonic() - start < 0.3

    try:
        asyncio.run(ask())
        assert not said.exists()
    finally:
        made.close()


def test_a_short_call_given_up_keeps_its_worker() -> None:
    made = Pool(1)

    async def ask() -> None:
        import os

        worker = await made.call(os.getpid)
        task = asyncio.create_task(made.call(helpers.nap, 0.3))
        await asyncio.sleep(0.1)
        task.cancel()
        assert await made.call(os.getpid) == worker

    try:
        asyncio.run(ask())
    finally:
        made.close()


def test_what_the_last_one_waited_for_is_given_up() -> None:
    ended: list[str] = []

    async def make() -> bytes:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return b""

    async def quick() -> bytes:
        return b"now"

    async def ask() -> None:
        cache = Cache()
        both = [asyncio.create_task(cache.get("k", make)) for _ in range(2)]
        await asyncio.sleep(0)
        both[0].cancel()
        await asyncio.sleep(0.01)
        assert not ended
        both[1].cancel()
        await asyncio.sleep(0.01)
        assert ended == ["cancelled"]
        assert await cache.get("k", quick) == b"now"

    asyncio.run(ask())


def test_work_ends_when_the_browser_has_gone() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def receive() -> dict[str, str]:
        await asyncio.sleep(0.02)
        return {"type": "http.disconnect"}

    async def ask() -> None:
        request = Request({"type": "http", "method": "GET", "headers": []}, receive)
        with pytest.raises(ClientDisconnect):
            await while_wanted(request, work())
        assert ended == ["cancelled"]

    asyncio.run(ask())


def test_a_job_nobody_asks_about_makes_way_for_one_who_waits() -> None:
    queue = Jobs(unasked=0.3)
    try:
        left = queue.submit(helpers.family)
        wait_for(lambda: left.status == "running")
        time.sleep(0.4)
        assert queue.get(left.id).status == "running"  # nobody waits
        time.sleep(0.4)
        next_ = queue.submit(helpers.count, 1)
        assert left.status == "cancelled"
        assert "nobody asked" in left.state()["error"]
        wait_for(lambda: queue.get(next_.id).status == "done")
    finally:
        queue.close()


def test_a_job_that_is_asked_about_keeps_its_turn() -> None:
    queue = Jobs(unasked=0.3)
    try:
        first = queue.submit(helpers.family)
        last = queue.submit(helpers.count, 1)
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            assert queue.get(first.id).status in ("queued", "running")
            time.sleep(0.05)
        # the one behind it is in nobody's way: it keeps its place
        assert last.status == "queued"
    finally:
        queue.close()


# --- time -----------------------------------------------------------------------------------------
def test_an_answer_has_a_time_limit() -> None:
    app = FastAPI()
    failures.install(app)

    @app.get("/slow")
    async def slow() -> None:
        await asyncio.sleep(30)

    app.add_middleware(Safety, seconds=0.1)
    with TestClient(app, base_url="http://127.0.0.1:8000") as http:
        start = time.monotonic()
        answer = http.get("/slow")
    assert answer.status_code == 503
    assert time.monotonic() - start < 5
    assert answer.headers["retry-after"]
    assert "0.1 seconds" in answer.json()["error"]["message"]


def test_work_beside_the_loop_has_a_limit_of_time_and_number() -> None:
    wait = threading.Event()

    async def ask() -> None:
        aside = Aside(threads=1, waiting=1, seconds=0.2)
        first = asyncio.create_task(aside.call(wait.wait, 20))
        second = asyncio.create_task(aside.call(str, 1))
        await asyncio.sleep(0.02)
        with pytest.raises(BusyError, match="busy"):
            await aside.call(str, 1)
        for task in (first, second):
            with pytest.raises(BusyError, match="took too long"):
                await task
        wait.set()
        while True:
            try:
                assert await aside.call(str, 1) == "1"
                break
            except BusyError:
                await asyncio.sleep(0.02)
        with pytest.raises(TimeoutError, match="its own"):
            await aside.call(helpers.fail_with, TimeoutError, "its own")
        aside.close()
        with pytest.raises(BusyError):
            await aside.call(str, 1)

    asyncio.run(ask())


def test_large_bodies_do_not_hold_the_event_loop(client: TestClient) -> None:
    held: Services = client.app.state.services  # type: ignore[attr-defined]
    scenario = client.get("/api/scenarios/us-cars-25").json()
    measures = [
        {**scenario["measures"][0], "rate_pct": 1 + n / 7, "note": "n" * 300} for n in range(190)
    ]
    body = json.dumps({**scenario, "claims": [], "measures": measures}).encode()
    assert 100_000 < len(body) < 256_000
    late: list[float] = []
    done = threading.Event()

    async def watch() -> None:
        while not done.is_set():
            start = time.monotonic()
            await asyncio.sleep(0.002)
            late.append(time.monotonic() - start)

    headers = {"content-type": "application/json"}
    client.portal.start_task_soon(watch)  # type: ignore[union-attr]
    wait_for(lambda: len(late) > 20)
    late.clear()
    try:
        answer = client.post("/api/scenario/yaml", content=body, headers=headers)
        assert answer.status_code == 200
        listed = b'{"x": [' + b"[]," * 80_000 + b"[]]}"
        assert client.post("/api/simulate", content=listed, headers=headers).status_code == 422
    finally:
        done.set()
    assert max(late) < 0.25  # on the event loop they took two seconds
    assert held.pool.working


@pytest.mark.parametrize("name", scenarios.scenario_names())
def test_a_file_reads_the_same_by_another_reader_and_comes_back(name: str) -> None:
    import yaml

    scenario = scenarios.load_scenario(name)
    text = scenarios.scenario_yaml(scenario)
    data = scenario.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    assert yaml.load(text, Loader=yaml.BaseLoader) == plain(data)
    assert parse_yaml(text, name) == data


def plain(value: object) -> object:
    """As a reader finds it that takes every scalar for a text."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


# --- odd values -----------------------------------------------------------------------------------
ODD = [
    "0b_", "0x_", "0o_", "_1", "0b", "0x", "-0b_", "+0x_", "9" * 80, "1:30", "1:99:99",
    "1e400", "nan", ".nan", ".inf", "-.inf", "true", "yes", "null", "2001-01-01", "2001-99-99",
    "1.5.5", "1,5", "-", "--", "- 1", ".", "+", "1 2", "0777", "0o8", "1e", "e1",
]  # fmt: skip
"""Values written into a number's place: text that YAML reads as something else, or not at all."""


@pytest.mark.parametrize("value", ODD)
def test_odd_values_of_a_job_are_refused_in_words(client: TestClient, value: str) -> None:
    body = {"question": "courtship", "overrides": {"parameters.penalty_pct": value}}
    answer = client.post("/api/jobs", json=body)
    assert answer.status_code == 422, (value, answer.text)
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "written",
    ["!!int abc", "!!timestamp x", "!!map abc", "!!float x", "!!binary x", "!!set [1]", "'", '"',
     "[", "{", "&a", "*a", "a: b: c", "\0", "1" * 5000],
)  # fmt: skip
def test_yaml_that_is_no_value_is_refused(client: TestClient, written: str) -> None:
    overrides = {"parameters.penalty_pct": written}
    answer = client.post("/api/jobs", json={"question": "courtship", "overrides": overrides})
    assert answer.status_code == 422, (written, answer.text)


@pytest.mark.parametrize(
    "number", ["1e400", "-1e400", "NaN", "Infinity", "true", "null", "9" * 400, "9" * 5000, "1e308"]
)
def test_numbers_that_are_none_are_refused(client: TestClient, number: str) -> None:
    headers = {"content-type": "application/json"}
    raw = f'{{"question": "courtship", "overrides": {{"parameters.penalty_pct": {number}}}}}'
    answer = client.post("/api/jobs", content=raw.encode(), headers=headers)
    assert answer.status_code in (400, 422), (number[:20], answer.text)
    raw = f'{{"parameters": {{"penalty_pct": {number}}}}}'
    answer = client.post(
        "/api/questions/courtship/point", content=raw.encode(), headers=headers
    )  # fmt: skip
    assert answer.status_code in (400, 409, 422), (number[:20], answer.text)


def test_every_number_reaches_the_question_as_it_was_sent() -> None:
    import yaml

    from detente.web.pages.jobs import _written

    for value in (0.0, 20.0, 1e22, 1.5e-7, -3e-20, 123456789.125, 1e16, 5e-324, 0.1):
        assert yaml.safe_load(_written(value)) == value
    assert _written("text") == "text"


# --- HEAD, health ---------------------------------------------------------------------------------
PAGES = ("/", "/what-if", "/countries", "/countries/KOR", "/sectors/C29", "/ledger", "/why",
         "/questions", "/questions/courtship", "/about", "/api/world", "/api/timeline/dates",
         "/api/ledger", "/api/scenarios", "/openapi.json", "/healthz",
         "/static/site.css")  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_head_is_answered_as_get_without_a_body(client: TestClient, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert head.status_code == got.status_code == 200
    assert head.content == b""
    for name in ("content-type", "content-length", "etag", "cache-control"):
        assert head.headers.get(name) == got.headers.get(name), name
    assert client.head("/nowhere").status_code == 404
    assert client.head("/api/jobs").status_code == 405


def test_ready_once_everything_is(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"live": True}
    answer = wait_for(lambda: (a := client.get("/readyz")).status_code == 200 and a, 60)
    assert answer.json() == {"ready": True, "missing": []}
    document = client.get("/openapi.json").json()
    assert {"200", "503"} <= document["paths"]["/readyz"]["get"]["responses"].keys()
    assert "/healthz" in document["paths"]


def test_what_is_not_ready_is_said_and_live_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from detente.web.app import create_app

    begin = threading.Event()
    real = Services._load
    monkeypatch.setattr(Services, "_load", lambda self: (begin.wait(60), real(self))[1])
    with TestClient(create_app(Services(pool=Pool(1))), base_url="http://127.0.0.1:1") as http:
        assert http.get("/healthz").status_code == 200
        answer = http.get("/readyz")
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert answer.json()["ready"] is False
        assert {"world", "ledger", "laws"} <= set(answer.json()["missing"])
        begin.set()
        wait_for(lambda: http.get("/readyz").status_code == 200, 60)

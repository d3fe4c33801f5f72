"""Answer cards in the background, over HTTP."""

from __future__ import annotations

import time
from typing import Any

import pytest

from detente.cards import play
from detente.report.card import card_json
from detente.web.pages.jobs import JobAnswer
from web.conftest import TestClient


def ended(client: TestClient, job: str, seconds: float = 120.0) -> dict[str, Any]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        answer = client.get(f"/api/jobs/{job}")
        JobAnswer.model_validate_json(answer.content)
        if answer.json()["status"] not in ("queued", "running"):
            return answer.json()
        time.sleep(0.05)
    raise AssertionError("the job did not end in time")


def test_a_card_is_that_of_the_library(client: TestClient) -> None:
    overrides = {"parameters.penalty_pct": 20}
    answer = client.post(
        "/api/jobs", json={"question": "courtship", "draws": 4, "seed": 3, "overrides": overrides}
    )
    assert answer.status_code == 202
    JobAnswer.model_validate_json(answer.content)
    state = ended(client, answer.json()["job"])
    assert state["status"] == "done", state
    assert state["done"] == state["total"] > 0
    card = play("courtship", draws=4, seed=3, overrides={"parameters.penalty_pct": "20"})
    theirs = card_json(card)
    assert state["result"]["meta"]["verdict"] == theirs["meta"]["verdict"]
    assert [r["verdict"] for r in state["result"]["rows"]] == [r["verdict"] for r in theirs["rows"]]
    for mine, other in zip(state["result"]["numbers"], theirs["numbers"], strict=True):
        for name, value in other.items():
            if isinstance(value, float):
                assert mine[name] == pytest.approx(value, rel=1e-7, abs=1e-9)


def test_a_job_can_be_cancelled(client: TestClient) -> None:
    job = client.post("/api/jobs", json={"question": "courtship", "draws": 2000}).json()["job"]
    answer = client.delete(f"/api/jobs/{job}")
    assert answer.status_code == 200
    assert answer.json()["status"] == "cancelled"
    assert ended(client, job)["status"] == "cancelled"
    assert client.delete(f"/api/jobs/{job}").json()["status"] == "cancelled"


def test_a_full_queue_is_said(client: TestClient) -> None:
    jobs = []
    for _ in range(12):
        answer = client.post("/api/jobs", json={"question": "courtship", "draws": 2000})
        if answer.status_code != 202:
            break
        jobs.append(answer.json()["job"])
    for job in jobs:
        client.delete(f"/api/jobs/{job}")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert len(jobs) in (8, 9)  # eight waiting and one running


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"question": "nobody-asked"},
        {"question": "../courtship"},
        {"question": "/etc/passwd.yaml"},
        {"question": "courtship.yaml"},
        {"question": "courtship", "draws": 2001},
        {"question": "courtship", "draws": 1},
        {"question": "courtship", "draws": "many"},
        {"question": "courtship", "seed": -1},
        {"question": "courtship", "surprise": 1},
        {"question": "courtship", "overrides": {"world.name": "/etc/passwd"}},
        {"question": "courtship", "overrides": {"kind": "cjk-pact"}},
        {"question": "courtship", "overrides": {"parameters.nothing": 1}},
        {"question": "courtship", "overrides": {"parameters.penalty_pct": "!!python/object:os"}},
        {"question": "courtship", "overrides": {"parameters.penalty_pct": "&a [*a]"}},
        {"question": "courtship", "overrides": {"parameters.penalty_pct": [1]}},
        {"question": "courtship", "overrides": {f"parameters.a{n}": 1 for n in range(60)}},
        [],
        "courtship",
    ],
)
def test_bad_jobs_are_refused_before_they_are_queued(client: TestClient, body: Any) -> None:
    answer = client.post("/api/jobs", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("job", ["0" * 16, "nope", "..", "0" * 17])
def test_unknown_jobs(client: TestClient, job: str) -> None:
    for method in ("GET", "DELETE"):
        answer = client.request(method, f"/api/jobs/{job}")
        assert answer.status_code in (404, 405, 422)

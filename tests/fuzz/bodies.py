"""Bodies of requests, given to the application itself; nothing is solved."""

from __future__ import annotations

import json
import logging
import warnings
from functools import cache
from types import SimpleNamespace
from typing import Any

from detente.cards import load_question, question_names
from detente.errors import DetenteError
from detente.policy.scenario import load_scenario, parse_scenario, scenario_names
from detente.texts import parse_yaml
from fuzz.judge import Broken, described, unfit
from fuzz.trees import tree

with warnings.catch_warnings():
    # newer versions of Starlette would rather have httpx2; both work
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

__all__ = ["file_of_scenario", "job_body", "plain", "scenario_body", "seeds"]

LONGEST_ANSWER = 4000
"""Characters of an answer that says what is wrong."""


@cache
def seeds(kind: str) -> tuple[Any, ...]:
    """Valid bodies as trees."""
    if kind == "scenario":
        found = [
            load_scenario(name).model_dump(mode="json", by_alias=True, exclude_defaults=True)
            for name in scenario_names()
        ]
        return tuple(tree(s) for s in found if len(json.dumps(s)) < 12_000)
    jobs: list[dict[str, Any]] = []
    for name in question_names():
        question = load_question(name)
        names = [f"parameters.{p}" for p in question.parameters]
        names += [f"settings.{s}" for s in question.settings]
        jobs.append({"question": name, "draws": 50, "seed": 1,
                     "overrides": dict.fromkeys(names[:4], 1) | {names[-1]: "KOR"}})  # fmt: skip
    return tuple(map(tree, jobs))


@cache
def _client() -> TestClient:
    from detente.web import scenarios
    from detente.web.app import create_app
    from detente.web.jobs import Job
    from detente.web.services import Services

    async def call(function: Any, *args: Any) -> Any:
        """What a worker does, up to the solve."""
        if function is scenarios.solve:
            scenarios.outside_scenario(args[1])
            return b"{}"
        return function(*args)

    def submit(*args: Any, about: dict[str, Any]) -> Job:
        return Job("0" * 16, about, print, ())

    held: Any = Services()
    held.pool.close()
    held.jobs.close()
    held.pool, held.jobs = SimpleNamespace(call=call), SimpleNamespace(submit=submit)
    held.laws = SimpleNamespace(
        timeline=lambda *args: SimpleNamespace(headlines=True), path="", status="ready"
    )
    app = create_app(held)
    return TestClient(app, base_url="http://127.0.0.1:8000")


def _post(path: str, body: bytes) -> Any:
    log = logging.getLogger("detente.web")
    before, log.disabled = log.disabled, True  # what is raised is shown by the judge
    try:
        answer = _client().post(path, content=body, headers={"Content-Type": "application/json"})
    except Exception as error:
        raise Broken(described(error)) from error
    finally:
        log.disabled = before
    if answer.is_success:
        return answer
    if not (400 <= answer.status_code < 500 or answer.status_code == 503):
        raise Broken(f"{path} answers {answer.status_code}: {answer.text[:300]}")
    said = answer.json().get("error", {})
    if not set(said) >= {"kind", "message"} or not set(said) <= {"kind", "message", "field"}:
        raise Broken(f"{path} answers {answer.text[:300]}")
    if path != "/api/jobs":  # see the tests of bodies for what is wrong there
        plain(said["message"])
    return said["message"]


def plain(message: str) -> None:
    """A message that is short and shows nothing of the machinery.

    Raises
    ------
    Broken
        It is not.
    """
    if len(message) > LONGEST_ANSWER:
        raise Broken(f"refused in {len(message)} characters: {message[:300]}")
    unfit(message)


def scenario_body(body: bytes) -> None:
    """A scenario: solved (or taken for solving), and given back as a file."""
    solved, written = _post("/api/simulate", body), _post("/api/scenario/yaml", body)
    if isinstance(solved, str) != isinstance(written, str):
        raise Broken("taken by one of simulate and yaml, refused by the other")


def file_of_scenario(body: bytes) -> None:
    """The file of a scenario that is taken is the same scenario."""
    written = _post("/api/scenario/yaml", body)
    if isinstance(written, str):
        raise Broken(f"refused: {written}")
    try:
        again = parse_scenario(parse_yaml(written.text, "again"), "again").model_dump()
    except DetenteError as error:
        raise Broken(described(error)) from error
    if again != parse_scenario(json.loads(body), "body").model_dump():
        raise Broken(f"the file of a scenario is another: {written.text[:500]}")


def job_body(body: bytes) -> str:
    """A question to play; what is said where it is refused."""
    said = _post("/api/jobs", body)
    return said if isinstance(said, str) else ""

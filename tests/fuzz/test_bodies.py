"""Bodies of requests that once came out wrong."""

from __future__ import annotations

import json

import pytest

from detente.policy.scenario import load_scenario
from fuzz.bodies import file_of_scenario, job_body, plain
from fuzz.judge import Broken

CARS = load_scenario("us-cars-25").model_dump(mode="json", by_alias=True, exclude_defaults=True)


def body(**changes: object) -> bytes:
    return json.dumps({**CARS, **changes}).encode()


@pytest.mark.parametrize("title", ["on", "2025-01-01", "a: b", "1:30", "true", "# x", " lead"])
def test_the_file_of_a_scenario_is_the_scenario(title: str) -> None:
    file_of_scenario(body(title=title))


@pytest.mark.parametrize("title", ["1e5", "089", "0o17", "1e-3"])
def test_the_file_of_a_scenario_with_a_title_like_a_number(title: str) -> None:
    file_of_scenario(body(title=title))


def test_a_scenario_with_a_control_character_is_refused() -> None:
    with pytest.raises(Broken, match=r"U\+0007 is not text"):
        file_of_scenario(body(title="a\u0007b"))


@pytest.mark.parametrize(
    "overrides",
    [{"settings.x": []}, {"k" * 5000: 1}, {"settings.\u202e": 1}],
    ids=["alternatives", "long", "bidirectional"],
)
def test_a_refused_job_says_so_in_plain_words(overrides: dict[str, object]) -> None:
    said = job_body(json.dumps({"question": "courtship", "overrides": overrides}).encode())
    assert said
    plain(said)

"""The OpenAPI document, fuzzed against a live server: no operation may fail on the server, or
answer what the document does not say. The same requests every time; more of them with --all."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its imports
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    not_a_server_error,
]

BUSY = 503
"""Declared, with Retry-After; a full queue of jobs is not a fault."""


@pytest.fixture(scope="session")
def operations(live_server: str) -> list[Any]:
    """Every operation of the document."""
    document = httpx.get(f"{live_server}/openapi.json").json()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schema = schemathesis.openapi.from_dict(document)
        found = [result.ok() for result in schema.get_all_operations()]
    assert len(found) > 10
    return found


def fuzz(operations: list[Any], url: str, mode: GenerationMode, examples: int) -> list[str]:
    """What was found wrong, by operation."""
    wrong: list[str] = []
    tried = 0
    for operation in operations:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _check(operation, url, mode, examples)()
            tried += 1
        except Unsatisfiable:
            continue  # it takes nothing that could be wrong
        except (Exception, BaseExceptionGroup) as error:
            said = _said(error)
            wrong.append(f"{operation.label}: {said[:1500]}")
    assert tried >= 10
    return wrong


def _said(error: BaseException) -> str:
    inner = getattr(error, "exceptions", ())
    return f"{error}" + "".join(f"; {_said(one)}" for one in inner)


def _check(operation: Any, url: str, mode: GenerationMode, examples: int) -> Callable[[], None]:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=examples, deadline=None, derandomize=True, database=None,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def check(case: Any) -> None:
        answer = case.call(base_url=url)
        if answer.status_code != BUSY:
            case.validate_response(answer, checks=CHECKS)
        else:
            assert "Retry-After" in {k.title() for k in answer.headers}

    return check


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_operations_answer_as_documented(
    operations: list[Any], live_server: str, mode: GenerationMode
) -> None:
    assert fuzz(operations, live_server, mode, 15) == []


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_operations_answer_as_documented_at_length(
    operations: list[Any], live_server: str, mode: GenerationMode
) -> None:
    assert fuzz(operations, live_server, mode, 100) == []

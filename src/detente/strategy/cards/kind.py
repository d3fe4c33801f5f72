"""What a kind of question provides; one module a kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from detente.records import Record

__all__ = ["Answer", "Kind", "Parameter", "elasticities"]

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a kind: what it is, its unit, and what values make sense.

    ``names=()`` is a name that the settings know.
    """

    about: str
    unit: str
    lowest: float | None = None
    highest: float | None = None
    names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Answer:
    """One draw's verdict and the numbers behind it."""

    verdict: str
    numbers: Mapping[str, float]


@dataclass(frozen=True)
class Kind:
    """A kind of question.

    Attributes
    ----------
    parameters : what can be drawn; a question states a prior for each
    settings : record of what is given, not drawn
    verdicts : every possible verdict and what it says, as a clause
    numbers : what each number is, with its unit
    main : the number that ranks parameters where every draw has the same verdict
    evaluate : (settings, room, values) -> Answer; room makes the model's cases
    tables : (settings, room, point values, draws) -> tables behind the card
    remarks : (settings, draws) -> sentences for the verdict text, from thresholds only
    modelled : whether it solves the trade model
    """

    name: str
    parameters: Mapping[str, Parameter]
    settings: type[Record]
    verdicts: Mapping[str, str]
    numbers: Mapping[str, str]
    main: str
    evaluate: Callable[[Any, Any, Values], Answer]
    tables: Callable[[Any, Any, Values, pd.DataFrame], dict[str, pd.DataFrame]]
    remarks: Callable[[Any, pd.DataFrame], Sequence[str]]
    modelled: bool = True
    notes: tuple[str, ...] = field(default=())


def elasticities() -> dict[str, Parameter]:
    """The two parameters of every kind that solves the model."""
    from detente.world.theta import theta_sets

    return {
        "elasticities": Parameter(
            "published set of trade elasticities by sector", "name", names=tuple(theta_sets())
        ),
        "elasticity_scale": Parameter(
            "all trade elasticities times this", "factor", lowest=0.05, highest=5.0
        ),
    }

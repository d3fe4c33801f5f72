"""What a kind of question provides; one module a kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from detente.cards.draws import Prior
from detente.labels import country_name
from detente.records import Record

__all__ = ["Answer", "Kind", "Parameter", "elasticities", "measured", "span", "the", "with_unit"]

Values = Mapping[str, Any]
Texts = Mapping[str, str] | Callable[[Any, Mapping[str, Prior]], Mapping[str, str]]
"""Texts by name, or what makes them from the settings and priors of a question."""


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
    verdicts : every possible verdict and what it says, as a clause; a function of settings and
        priors where the words depend on them (:meth:`says`)
    numbers : what each number is, with its unit; likewise (:meth:`about`)
    main : the number that ranks parameters where every draw has the same verdict
    evaluate : (settings, room, values) -> Answer; room makes the model's cases
    tables : (settings, room, point values, draws) -> tables behind the card
    remarks : (settings, draws) -> sentences for the verdict text, from thresholds only
    modelled : whether it solves the trade model
    told : the numbers that the verdict text tells one year after and in the long run; by default
        the main one
    first_year : how the answer after one year is made, where not by the room's own pace
    """

    name: str
    parameters: Mapping[str, Parameter]
    settings: type[Record]
    verdicts: Texts
    numbers: Texts
    main: str
    evaluate: Callable[[Any, Any, Values], Answer]
    tables: Callable[[Any, Any, Values, pd.DataFrame], dict[str, pd.DataFrame]]
    remarks: Callable[[Any, pd.DataFrame], Sequence[str]]
    modelled: bool = True
    notes: tuple[str, ...] = field(default=())
    told: tuple[str, ...] = ()
    first_year: str = ""

    def says(self, settings: Any, priors: Mapping[str, Prior]) -> Mapping[str, str]:
        """Every verdict in words, for a question with these settings and priors."""
        return self.verdicts(settings, priors) if callable(self.verdicts) else self.verdicts

    def about(self, settings: Any, priors: Mapping[str, Prior]) -> Mapping[str, str]:
        """Every number in words, for a question with these settings and priors."""
        return self.numbers(settings, priors) if callable(self.numbers) else self.numbers


def the(country: str) -> str:
    """A country in a sentence: "the United States", "China"; a code nobody knows as it is."""
    name = country_name(country)
    return f"the {name}" if name.startswith("United ") else name


BARE = ("name", "share", "factor")
"""Units that need no word beside the value."""


def with_unit(parameter: Parameter) -> str:
    """What a parameter is, with its unit: "what the US adds on an ally that signs (points)"."""
    bare = parameter.unit in BARE
    return parameter.about if bare else f"{parameter.about} ({parameter.unit})"


def measured(parameter: Parameter, value: Any) -> str:
    """A value with its unit in words: "0.25% of income", "$5 bn", "12 points", "goods"."""
    if isinstance(value, str) and parameter.names is not None:
        from detente.world.theta import theta_record, theta_sets

        known = value in parameter.names and value in theta_sets()
        return theta_record(value).title if known else value
    x, unit = float(value), parameter.unit
    if unit == "share":
        return f"{100 * x:.3g}%"
    if unit.startswith("%"):
        return f"{x:.3g}%{unit[1:]}"
    if unit == "USD bn":
        return f"${x:.3g} bn"
    if unit == "factor":
        return f"{x:.3g} times"
    return f"{x:.3g} {unit}"


def span(parameter: Parameter, start: str, end: str) -> str:
    """A move of a parameter in words: "from 0.25% to 0.26% of income", "from all to goods"."""
    one, other = measured(parameter, start), measured(parameter, end)
    unit = parameter.unit.removeprefix("%")
    if parameter.unit != "share" and parameter.names is None and one.endswith(unit):
        one = one.removesuffix(unit).rstrip()  # the unit is said once
    return f"from {one} to {other}"


def elasticities() -> dict[str, Parameter]:
    """The two parameters of every kind that solves the model."""
    from detente.world.theta import theta_sets

    return {
        "elasticities": Parameter(
            "published set of trade elasticities by sector", "name", names=tuple(theta_sets())
        ),
        "elasticity_scale": Parameter(
            "factor on all trade elasticities", "factor", lowest=0.05, highest=5.0
        ),
    }

"""Draws of parameters: each has a stream of its own, so that changing one leaves the others.

Streams are stratified (one draw in each of n equal slices of probability), which makes shares
over 500 draws steadier than independent draws would.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from detente.models.blocks import Array
from detente.records import Flag, Number, Record

__all__ = ["Prior", "draw", "point", "uniforms"]

Value = Number | str


class Prior(Record):
    """What is assumed about a parameter: one value, a range, or names to choose from.

    A range is drawn uniformly, or uniformly in logs where ``log`` is true; names are drawn with
    equal chances. ``point`` is what the parameter is when others are varied: by default the
    middle of the range, or the first name. ``source`` says where the range comes from, or
    "assumption".
    """

    value: Value | None = None
    low: Number | None = None
    high: Number | None = None
    log: Flag = False
    choices: list[Value] | None = None
    point: Value | None = None
    source: str = Field(min_length=4)

    @model_validator(mode="after")
    def _one_form(self) -> Prior:
        ranged = self.low is not None or self.high is not None
        forms = (self.value is not None) + ranged + (self.choices is not None)
        if forms != 1:
            raise ValueError("give one of: value; low and high; choices")
        if ranged:
            if self.low is None or self.high is None:
                raise ValueError("a range needs both low and high")
            if not (np.isfinite(self.low) and np.isfinite(self.high) and self.low <= self.high):
                raise ValueError(f"low {self.low:g} and high {self.high:g} are out of order")
            if self.log and self.low <= 0:
                raise ValueError("a range in logs starts above zero")
        if self.choices is not None:
            if not self.choices:
                raise ValueError("choices is empty")
            if len(set(self.choices)) < len(self.choices):
                raise ValueError("a choice is there twice")
        if self.point is not None and not self.holds(self.point):
            raise ValueError(f"point {self.point} is not among what can be drawn")
        return self

    @property
    def fixed(self) -> bool:
        """Whether it has one value only."""
        if self.choices is not None:
            return len(self.choices) == 1
        return self.value is not None or self.low == self.high

    @property
    def centre(self) -> Value:
        """The point value."""
        if self.point is not None:
            return self.point
        if self.value is not None:
            return self.value
        if self.choices is not None:
            return self.choices[0]
        return self.at(0.5)

    def holds(self, x: Value) -> bool:
        """Whether ``x`` can be drawn."""
        if self.value is not None:
            return x == self.value
        if self.choices is not None:
            return x in self.choices
        assert self.low is not None
        assert self.high is not None
        return not isinstance(x, str) and self.low <= x <= self.high

    def at(self, u: float) -> Value:
        """The value at probability ``u`` from 0 to 1."""
        if self.value is not None:
            return self.value
        if self.choices is not None:
            return self.choices[min(int(u * len(self.choices)), len(self.choices) - 1)]
        assert self.low is not None
        assert self.high is not None
        if self.log:
            return float(self.low * (self.high / self.low) ** u)
        return float(self.low + (self.high - self.low) * u)

    def share(self, x: Value) -> float:
        """How far along the range ``x`` lies, 0 to 1."""
        assert self.low is not None
        assert self.high is not None
        if self.low == self.high:
            return 0.0
        if self.log:
            return float(np.log(float(x) / self.low) / np.log(self.high / self.low))
        return (float(x) - self.low) / (self.high - self.low)

    @property
    def text(self) -> str:
        """The range in words."""
        if self.value is not None:
            return f"{self.value}"
        if self.choices is not None:
            return ", ".join(f"{c:g}" if isinstance(c, float) else str(c) for c in self.choices)
        return f"{self.low:g} to {self.high:g}" + (" (in logs)" if self.log else "")


def uniforms(name: str, count: int, seed: int) -> Array:
    """``count`` numbers from 0 to 1, one in each slice, in an order that depends on the name."""
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    return (rng.permutation(count) + rng.random(count)) / count


def draw(priors: Mapping[str, Prior], count: int, seed: int) -> pd.DataFrame:
    """One row a draw, one column a parameter."""
    columns: dict[str, Any] = {}
    for name, prior in priors.items():
        columns[name] = [prior.at(float(u)) for u in uniforms(name, count, seed)]
    return pd.DataFrame(columns, index=range(count))


def point(priors: Mapping[str, Prior]) -> dict[str, Value]:
    """Every parameter at its point value."""
    return {name: prior.centre for name, prior in priors.items()}

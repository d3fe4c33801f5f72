"""A ban on part of a flow, and the cost that stands for it."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["cost_of_leaving"]


def cost_of_leaving(left: Any, theta: Any) -> np.ndarray:
    """The iceberg ``left^(-1/theta)`` under which demand at unchanged prices is ``left`` of what it
    was; infinite where nothing is, and not a number where it would be larger than any."""
    with np.errstate(divide="ignore", over="ignore"):
        factor = np.asarray(left) ** (-1.0 / theta)
    return np.where(np.isinf(factor) & (np.asarray(left) > 0.0), np.nan, factor)

"""Rebalance inputs so that sales equal purchases and final demand is not negative."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detente.errors import TableError

__all__ = ["FLOOR", "Balanced", "balance"]

Array = NDArray[np.float64]

ROUNDS = 20000
FLOOR = 1e-3
"""Share of a sector's spending that stays final where the residual would be negative."""


@dataclass(frozen=True)
class Balanced:
    """Tables in USD million, and what the rebalancing did.

    inputs: (input, sector, country); value_added, final: (sector, country); deficit: (country).
    residual: final demand before, (sector, country). moved: sum of absolute changes of inputs
    over their sum, by country. rounds: RAS rounds used.
    """

    inputs: Array
    value_added: Array
    final: Array
    deficit: Array
    residual: Array
    moved: Array
    weight: Array
    rounds: int


def balance(trade: Array, tariff: Array, input_share: Array, value_added_share: Array) -> Balanced:
    """RAS of the inputs of every country, value-added shares held.

    Columns: inputs of a sector add up to its output less value added. Rows: purchases of a
    sector (at user's prices, tariffs included) less final demand. Final demand is the residual
    of the shares of 2020; where that is negative it becomes FLOOR of the sector's spending, and
    the country's other sectors give up the same amount in proportion, so that the total stays
    value added + tariff revenue + deficit. A country without a negative residual is left alone.

    Raises TableError if a country cannot be balanced.
    """
    output = trade.sum(axis=1)
    spending = (trade * (1 + tariff)).sum(axis=2)
    start = input_share * output[None]
    residual = spending - start.sum(axis=1)
    target = _final_target(residual, spending)
    columns = (1 - value_added_share) * output
    inputs, rounds = _ras(start, spending - target, columns, (residual < 0).any(axis=0))
    size = start.sum(axis=(0, 1))
    return Balanced(
        inputs=inputs,
        value_added=value_added_share * output,
        final=spending - inputs.sum(axis=1),
        deficit=trade.sum(axis=(0, 2)) - trade.sum(axis=(0, 1)),
        residual=residual,
        moved=np.abs(inputs - start).sum(axis=(0, 1)) / size,
        weight=size / size.sum(),
        rounds=rounds,
    )


def _final_target(residual: Array, spending: Array) -> Array:
    negative = residual < 0
    floored = np.where(negative, FLOOR * spending, residual)
    given = np.where(negative, floored - residual, 0.0).sum(axis=0)
    others = np.where(negative, 0.0, residual)
    return np.where(negative, floored, others * (1 - given / others.sum(axis=0)))


def _ras(start: Array, rows: Array, columns: Array, do: NDArray[np.bool_]) -> tuple[Array, int]:
    """Scale rows and columns in turn; ends on the columns, so that those hold exactly."""
    z = start.copy()
    part = z[:, :, do]
    want_rows, want_columns = rows[:, do], columns[:, do]
    scale = np.maximum(want_rows, 1e-9 * want_rows.sum(axis=0))
    worst, count = np.inf, 0
    while worst >= 1e-13 and count < ROUNDS:
        count += 1
        sums = part.sum(axis=1)
        part *= np.where(sums > 0, want_rows / np.where(sums > 0, sums, 1.0), 0.0)[:, None, :]
        sums = part.sum(axis=0)
        part *= np.where(sums > 0, want_columns / np.where(sums > 0, sums, 1.0), 0.0)[None]
        worst = float((np.abs(part.sum(axis=1) - want_rows) / scale).max())
    if worst > 1e-9:
        raise TableError(
            f"inputs cannot be balanced: rows still miss by {worst:.1e} after {count} rounds; "
            "a sector has spending that no user's technology of 2020 can take."
        )
    z[:, :, do] = part
    return z, count

"""Equations that models share.

Shapes, throughout the room: ``J`` sectors, ``N`` countries. Bilateral arrays are
``(J, N, N)`` = sector, importer, exporter. ``(J, N)`` arrays hold one number per sector and
country. Input coefficients are ``(N, J, J)`` = country, user, input, so that one country's
table is a contiguous matrix. Logs are natural, hats are ratios new/base.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""A bare array of floats; shapes are given by each docstring."""

__all__ = [
    "Array",
    "Instruments",
    "Quota",
    "by_country",
    "from_exporters",
    "reachable",
    "to_exporters",
    "trade_components",
]


class Quota(NamedTuple):
    """A volume (USD million at base-year prices) that importer ``importer`` lets in of a sector
    from ``exporters`` together, at the tariff. Above it the rate ``over`` is due, inf: nothing
    enters. ``owner`` of the rent is "importer", "exporter" or "auction"; positions, no labels.
    """

    sector: int
    importer: int
    exporters: tuple[int, ...]
    volume: float
    over: float
    owner: str


class Instruments(NamedTuple):
    """Policy in levels: what holds after the change.

    ``tariff`` and ``export_tax`` are fractions above -1, ``iceberg`` is the gross cost factor
    relative to the base (1 = unchanged, inf = ban), all (J, N, N); ``export_tax`` and
    ``iceberg`` may be None where nothing is levied. ``transfer`` is (N,), sums to zero.
    ``quotas`` are no business of a model: what solves it turns them into tariffs and transfers
    (:mod:`detente.models.quotas`).
    """

    tariff: Array
    export_tax: Array | None
    iceberg: Array | None
    transfer: Array
    quotas: tuple[Quota, ...] = ()


def from_exporters(kernel: Array, values: Array) -> Array:
    """Sum over exporters: ``out[j, n] = sum_i kernel[j, n, i] values[j, i]``."""
    return np.matmul(kernel, values[:, :, None])[:, :, 0]


def to_exporters(kernel: Array, values: Array) -> Array:
    """Sum over importers: ``out[j, i] = sum_n kernel[j, n, i] values[j, n]``."""
    return np.matmul(values[:, None, :], kernel)[:, 0, :]


def by_country(coefficients: Array, values: Array) -> Array:
    """Apply each country's own matrix: ``out[a, n] = sum_b coefficients[n, a, b] values[b, n]``."""
    return np.matmul(coefficients, values.T[:, :, None])[:, :, 0].T


def reachable(linked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Who reaches whom over links of any length: the reflexive transitive closure of (N, N)."""
    reach = linked | np.eye(linked.shape[0], dtype=bool)
    while True:
        steps = reach.astype(np.float32)
        further: NDArray[np.bool_] = np.asarray(steps @ steps > 0)
        if (further == reach).all():
            return reach
        reach = further


def trade_components(linked: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Label (N,) of each country's group of countries that still trade with each other.

    ``linked`` (N, N) is true where the importer buys from the exporter. Countries in different
    groups share no flow, direct or indirect, so that nothing ties their wages together: each
    group needs a numeraire of its own.
    """
    first = reachable(linked | linked.T).argmax(axis=1)
    return np.unique(first, return_inverse=True)[1]

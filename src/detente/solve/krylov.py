"""GMRES in the form that remembers (GCR; Eisenstat, Elman and Schultz 1983).

It takes the iterates of GMRES. Unlike it, it keeps the pairs of directions and their images, so
that a second right-hand side of the same system starts from everything the first one learned.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[Any]

__all__ = ["KrylovSpace"]


class KrylovSpace:
    """Solves ``apply(x) = b`` for one or many ``b``.

    ``precondition`` approximates the inverse of ``apply``. At most ``memory`` directions are
    held; then the oldest space is dropped and a new one begins.
    """

    def __init__(
        self,
        apply: Callable[[Vector], Vector],
        precondition: Callable[[Vector], Vector],
        size: int,
        *,
        memory: int = 100,
    ) -> None:
        self._apply, self._precondition = apply, precondition
        self._memory = memory
        self._directions = np.empty((min(64, memory), size))
        self._images = np.empty_like(self._directions)  # orthonormal
        self._held = 0
        self.applications = 0
        """How often ``apply`` was called so far."""

    def solve(self, right: Vector, *, rtol: float, max_iterations: int = 400) -> Vector:
        """The ``x`` with ``|apply(x) - right| <= rtol |right|``, or the best within the limit."""
        r, x = right.copy(), np.zeros_like(right)
        goal = rtol * float(np.linalg.norm(right))
        if self._held:
            weights = self._images[: self._held] @ r
            x += weights @ self._directions[: self._held]
            r -= weights @ self._images[: self._held]
        for _ in range(max_iterations):
            if float(np.linalg.norm(r)) <= goal:
                break
            direction = self._precondition(r)
            image = self._apply(direction)
            self.applications += 1
            if self._held == self._memory:
                self._held = 0
            for _ in range(2):  # Gram-Schmidt twice is enough
                weights = self._images[: self._held] @ image
                image = image - weights @ self._images[: self._held]
                direction = direction - weights @ self._directions[: self._held]
            norm = float(np.linalg.norm(image))
            if not norm > 0 or not np.isfinite(norm):
                break
            self._keep(direction / norm, image / norm)
            along = float(self._images[self._held - 1] @ r)
            x += along * self._directions[self._held - 1]
            r -= along * self._images[self._held - 1]
        return x

    def _keep(self, direction: Vector, image: Vector) -> None:
        if self._held == len(self._directions):
            grown = min(2 * self._held, self._memory) - self._held
            more = np.empty((grown, direction.size))
            self._directions = np.concatenate([self._directions, more])
            self._images = np.concatenate([self._images, more])
        self._directions[self._held], self._images[self._held] = direction, image
        self._held += 1

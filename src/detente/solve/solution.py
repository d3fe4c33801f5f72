"""What a solve returns: the vector reached, how good it is, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from numpy.typing import NDArray

__all__ = ["Solution", "Status"]


class Status(StrEnum):
    """How a solve ended."""

    CONVERGED = "converged"
    CYCLING = "cycling"
    DIVERGING = "diverging"
    MAX_STEPS = "max_steps"
    NO_SOLUTION = "no_solution"

    @property
    def message(self) -> str:
        """The status in a sentence, with what to try."""
        return _MESSAGES[self]


_MESSAGES = {
    Status.CONVERGED: "the residual fell below the tolerance",
    Status.CYCLING: (
        "the residual stopped falling and goes round in a band; try another start or a looser tol"
    ),
    Status.DIVERGING: (
        "the residual grew without bound; an equilibrium may not exist for this policy"
    ),
    Status.NO_SOLUTION: "the equations have no solution",
    Status.MAX_STEPS: "the step limit came before the tolerance; raise max_steps or loosen tol",
}


@dataclass(frozen=True)
class Solution:
    """Result of a solve.

    Attributes
    ----------
    value : the unknowns reached
    residual : largest absolute error of the equations there
    status : how the solve ended
    steps : evaluations of the equations
    method : "anderson" or "newton-krylov"
    history : residual after each evaluation
    error : why there is no solution, where that was found out; None otherwise
    """

    value: NDArray[Any]
    residual: float
    status: Status
    steps: int
    method: str
    history: tuple[float, ...]
    error: Exception | None = None

    @property
    def message(self) -> str:
        """How it ended, in a sentence, with what helps after this method."""
        if self.error is not None:
            return str(self.error)
        if self.status is Status.MAX_STEPS and self.method != "anderson":
            # the limit that callers set is that of the accelerated fixed point
            return (
                "the step limit came before the tolerance; loosen tol, or go there by smaller "
                "changes of policy, each started from the last"
            )
        return self.status.message

    @property
    def converged(self) -> bool:
        """Whether the tolerance was met."""
        return self.status is Status.CONVERGED

"""How an outcome came about: what produced its numbers, and why there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detente.errors import ConvergenceError, DetenteError
from detente.version import __version__

if TYPE_CHECKING:
    from detente.outcome.outcome import Outcome

__all__ = ["failure", "provenance", "refusal"]


def provenance(outcome: Outcome) -> dict[str, Any]:
    """What produced these numbers: enough to produce them again."""
    s = outcome.after.solution
    return {
        "package": "detente",
        "version": __version__,
        "world": outcome.world.name,
        "world_hash": outcome.world.hash,
        "policy_hash": outcome.policy.hash,
        "baseline_hash": outcome.baseline.hash,
        "policy": outcome.policy.title,
        **({"quotas": len(outcome.policy.quota)} if outcome.policy.quota else {}),
        **outcome.after.model.named,
        "deficit": outcome.deficit,
        "deficit_factor": outcome.deficit_factor,
        "theta": str(outcome.world.theta.attrs.get("set", "own")),
        "tol": outcome.tol,
        "status": outcome.status,
        "method": s.method,
        "steps": s.steps,
        "residual": s.residual,
        "checks": outcome.checks,
        "numeraire": "world value added",
    }


def failure(outcome: Outcome) -> DetenteError | None:
    """Why there are no results; None where there are."""
    if outcome.status == "converged":
        return None
    s = outcome.after.solution
    if isinstance(s.error, DetenteError):
        return s.error
    return ConvergenceError(
        f"no equilibrium reached: {outcome.status} after {s.steps} {s.method} steps, largest "
        f"error {s.residual:.3g}; {s.message}",
        s,
    )


def refusal(outcome: Outcome) -> DetenteError | None:
    """The error of reading a result that is not there; None where it is."""
    if outcome.status == "no_solution" and outcome.error is not None:
        return outcome.error
    if outcome.status == "converged":
        return None
    return ConvergenceError(
        f"this outcome is {outcome.status}: {outcome.after.solution.message}; its numbers "
        "are not results (outcome.after holds what was reached)",
        outcome.after.solution,
    )

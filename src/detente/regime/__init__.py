"""The policy in force, on a date or in a scenario, as trade-cost arrays on a ``World``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detente.regime.policy import Policy

__all__ = ["Policy"]


def __getattr__(name: str) -> Any:
    # a rate is looked up without labelled arrays, which take long to import
    if name == "Policy":
        from detente.regime.policy import Policy

        return Policy
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

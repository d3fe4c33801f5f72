"""A change of policy: what governments levy as arrays on a world, and the ways to say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detente.policy.policy import Policy

__all__ = ["Policy"]


def __getattr__(name: str) -> Any:
    # a rate is looked up without labelled arrays, which take long to import
    if name == "Policy":
        from detente.policy.policy import Policy

        return Policy
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""The policy in force, on a date or in a scenario, as trade-cost arrays on a ``World``."""

from detente.regime.policy import Policy

__all__ = ["Policy"]

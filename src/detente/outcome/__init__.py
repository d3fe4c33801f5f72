"""``simulate``: the one place where world, policy and model meet; and what comes out."""

from detente.outcome.outcome import Outcome
from detente.outcome.simulate import simulate

__all__ = ["Outcome", "simulate"]

"""Runs: scenarios with ranges, and many policies at once."""

from detente.runs.run import RunResult, run

__all__ = ["RunResult", "run"]

"""Many runs: scenarios with ranges, sweeps, and many policies at once."""

from detente.study.run import RunResult, run

__all__ = ["RunResult", "run"]

"""detente: a trade-policy laboratory.

    import detente as dt

    world = dt.load_world()                      # 77 countries x 23 sectors, 2022
    policy = dt.Policy(world, tariff=...)        # what is not named stays as it is
    out = dt.simulate(world, policy)             # Outcome
    out.real_income                              # percent, dim country

Names are loaded when first used, so that the import itself costs little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from detente.version import __version__

_HOME = {
    "cooperate": "detente.strategy.cooperate",
    "deterrence": "detente.strategy.deterrence",
    "escalate": "detente.strategy.escalation",
    "explain_rate": "detente.strategy.retaliation",
    "least_answer": "detente.strategy.retaliation",
    "lobby_weights": "detente.strategy.lobby",
    "nash": "detente.strategy.nash",
    "nash_bargain": "detente.strategy.cooperate",
    "optimal_tariff": "detente.strategy.optimal",
    "retaliate": "detente.strategy.retaliation",
    "Audit": "detente.outcome.audit",
    "Outcome": "detente.outcome",
    "Policy": "detente.regime",
    "World": "detente.world",
    "apply": "detente.regime.apply",
    "audit": "detente.outcome.audit",
    "exposure": "detente.outcome.gradient",
    "gradient": "detente.outcome.gradient",
    "jacobian": "detente.outcome.gradient",
    "load_ledger": "detente.ledger",
    "load_world": "detente.world",
    "run": "detente.study",
    "simulate": "detente.outcome",
    "simulate_many": "detente.study.many",
}

__all__ = [
    "Audit",
    "Outcome",
    "Policy",
    "World",
    "__version__",
    "apply",
    "audit",
    "cooperate",
    "deterrence",
    "escalate",
    "explain_rate",
    "exposure",
    "gradient",
    "jacobian",
    "least_answer",
    "load_ledger",
    "load_world",
    "lobby_weights",
    "nash",
    "nash_bargain",
    "optimal_tariff",
    "retaliate",
    "run",
    "simulate",
    "simulate_many",
]

if TYPE_CHECKING:
    from detente.ledger import load_ledger
    from detente.outcome import Outcome, simulate
    from detente.outcome.audit import Audit, audit
    from detente.outcome.gradient import exposure, gradient, jacobian
    from detente.regime import Policy
    from detente.regime.apply import apply
    from detente.strategy.cooperate import cooperate, nash_bargain
    from detente.strategy.deterrence import deterrence
    from detente.strategy.escalation import escalate
    from detente.strategy.lobby import lobby_weights
    from detente.strategy.nash import nash
    from detente.strategy.optimal import optimal_tariff
    from detente.strategy.retaliation import explain_rate, least_answer, retaliate
    from detente.study import run
    from detente.study.many import simulate_many
    from detente.world import World, load_world


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'detente' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])

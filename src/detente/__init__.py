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
    "cooperate": "detente.tariff_war.cooperate",
    "deterrence": "detente.tariff_war.deterrence",
    "escalate": "detente.tariff_war.escalation",
    "explain_rate": "detente.tariff_war.retaliation",
    "least_answer": "detente.tariff_war.retaliation",
    "lobby_weights": "detente.tariff_war.lobby",
    "nash": "detente.tariff_war.nash",
    "nash_bargain": "detente.tariff_war.cooperate",
    "optimal_tariff": "detente.tariff_war.optimal",
    "retaliate": "detente.tariff_war.retaliation",
    "Audit": "detente.outcome.audit",
    "Outcome": "detente.outcome",
    "Policy": "detente.policy",
    "Path": "detente.outcome.path",
    "World": "detente.world",
    "apply": "detente.law.apply",
    "audit": "detente.outcome.audit",
    "exposure": "detente.outcome.gradient",
    "gradient": "detente.outcome.gradient",
    "jacobian": "detente.outcome.gradient",
    "load_ledger": "detente.ledger",
    "load_world": "detente.world",
    "path": "detente.timeline.path",
    "run": "detente.runs",
    "simulate": "detente.outcome",
    "simulate_many": "detente.runs.many",
}

__all__ = [
    "Audit",
    "Outcome",
    "Path",
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
    "path",
    "retaliate",
    "run",
    "simulate",
    "simulate_many",
]

if TYPE_CHECKING:
    from detente.law.apply import apply
    from detente.ledger import load_ledger
    from detente.outcome import Outcome, simulate
    from detente.outcome.audit import Audit, audit
    from detente.outcome.gradient import exposure, gradient, jacobian
    from detente.outcome.path import Path
    from detente.policy import Policy
    from detente.runs import run
    from detente.runs.many import simulate_many
    from detente.tariff_war.cooperate import cooperate, nash_bargain
    from detente.tariff_war.deterrence import deterrence
    from detente.tariff_war.escalation import escalate
    from detente.tariff_war.lobby import lobby_weights
    from detente.tariff_war.nash import nash
    from detente.tariff_war.optimal import optimal_tariff
    from detente.tariff_war.retaliation import explain_rate, least_answer, retaliate
    from detente.timeline.path import path
    from detente.world import World, load_world


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'detente' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])

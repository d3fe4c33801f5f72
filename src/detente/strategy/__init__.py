"""What each side would do, and which deal is in reach; names are loaded when first used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# A function that bears its module's name (nash, cooperate, deterrence) is not here, since the
# module would hide it: import it from its module, or take it from detente itself.
_HOME = {
    "Adoption": "adoption",
    "Agreement": "edits",
    "BestReply": "rules",
    "Cells": "cells",
    "Change": "edits",
    "Cooperation": "cooperate",
    "CooperativeGame": "cooperative",
    "Core": "cooperative",
    "Curves": "tipping",
    "Deterrence": "deterrence",
    "DutyEquivalent": "rules",
    "Encirclement": "coalitions",
    "Escalation": "escalation",
    "Farsighted": "farsighted",
    "FirstPartner": "ranks",
    "Government": "objective",
    "Governments": "cells",
    "Hold": "dependence",
    "KLR": "exposure",
    "Ladder": "rules",
    "Levy": "edits",
    "Loss": "dependence",
    "Mirror": "rules",
    "Nash": "nash",
    "NashEquilibrium": "nash",
    "NashInNash": "issues",
    "NetworkGame": "stability",
    "OptimalTariff": "optimal",
    "Packages": "issues",
    "PactGame": "networks",
    "PactSearch": "networks",
    "Penalty": "networks",
    "Pledge": "bargaining",
    "Retaliation": "retaliation",
    "SidePayment": "stability",
    "Split": "bargaining",
    "Stability": "stability",
    "Terms": "bargaining",
    "Threshold": "coalitions",
    "Tipping": "tipping",
    "WelfareEquivalent": "rules",
    "Withdrawal": "edits",
    "adoption_game": "adoption",
    "amend": "edits",
    "annuity": "bargaining",
    "bilateral_dependence": "dependence",
    "build_partner_ranks": "ranks",
    "ces_loss_pct": "dependence",
    "coalition_proof": "stability",
    "coalition_values": "coalitions",
    "concentration": "dependence",
    "core": "cooperative",
    "critical_discount": "deterrence",
    "crossings": "tipping",
    "diversification": "dependence",
    "encirclement": "coalitions",
    "escalate": "escalation",
    "explain_rate": "retaliation",
    "exposure_matrix": "exposure",
    "farsighted_stable": "farsighted",
    "first_partner_of": "ranks",
    "fixed_points": "adoption",
    "friends_and_enemies": "exposure",
    "government": "objective",
    "hold_over": "dependence",
    "hysteresis": "adoption",
    "least_answer": "retaliation",
    "nash_bargain": "cooperate",
    "nash_in_nash": "issues",
    "nucleolus": "cooperative",
    "optimal_tariff": "optimal",
    "packages": "issues",
    "pact_game": "networks",
    "pact_search": "networks",
    "pairwise_stable": "stability",
    "partner_ranks": "ranks",
    "pledge": "bargaining",
    "retaliate": "retaliation",
    "run_cells": "cells",
    "search_stable": "stability",
    "sector_real_income": "objective",
    "shapley": "cooperative",
    "side_payment": "stability",
    "threshold": "coalitions",
    "tipping_point": "tipping",
    "top_partners": "ranks",
    "welfare_curves": "tipping",
    "withdrawal": "dependence",
    "zone": "bargaining",
}

__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])

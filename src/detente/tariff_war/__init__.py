"""Tariffs that governments would choose: optimal and Nash tariffs, cooperation, retaliation."""

from detente.tariff_war.cooperate import Cooperation, nash_bargain
from detente.tariff_war.deterrence import Deterrence, critical_discount
from detente.tariff_war.escalation import Escalation, escalate
from detente.tariff_war.nash import Nash, NashEquilibrium
from detente.tariff_war.objective import Government, government, sector_real_income
from detente.tariff_war.optimal import OptimalTariff, optimal_tariff
from detente.tariff_war.retaliation import Retaliation, explain_rate, least_answer, retaliate
from detente.tariff_war.rules import (
    BestReply,
    DutyEquivalent,
    Ladder,
    Mirror,
    WelfareEquivalent,
)

__all__ = [
    "BestReply",
    "Cooperation",
    "Deterrence",
    "DutyEquivalent",
    "Escalation",
    "Government",
    "Ladder",
    "Mirror",
    "Nash",
    "NashEquilibrium",
    "OptimalTariff",
    "Retaliation",
    "WelfareEquivalent",
    "critical_discount",
    "escalate",
    "explain_rate",
    "government",
    "least_answer",
    "nash_bargain",
    "optimal_tariff",
    "retaliate",
    "sector_real_income",
]

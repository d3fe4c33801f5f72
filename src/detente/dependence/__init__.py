"""Who holds whom: dependence, exposure to others' welfare, first partners, where cars are made."""

from detente.dependence.car_makers import CarMakers, car_makers
from detente.dependence.holds import (
    Hold,
    Loss,
    bilateral_dependence,
    ces_loss_pct,
    concentration,
    diversification,
    hold_over,
    withdrawal,
)
from detente.dependence.partner_ranks import (
    FirstPartner,
    build_partner_ranks,
    first_partner_of,
    partner_ranks,
    top_partners,
)
from detente.dependence.plants import Plant
from detente.dependence.relocation import Nest, landed_costs, relocate, tariff_costs
from detente.dependence.welfare_exposure import KLR, exposure_matrix, friends_and_enemies

__all__ = [
    "KLR",
    "CarMakers",
    "FirstPartner",
    "Hold",
    "Loss",
    "Nest",
    "Plant",
    "bilateral_dependence",
    "build_partner_ranks",
    "car_makers",
    "ces_loss_pct",
    "concentration",
    "diversification",
    "exposure_matrix",
    "first_partner_of",
    "friends_and_enemies",
    "hold_over",
    "landed_costs",
    "partner_ranks",
    "relocate",
    "tariff_costs",
    "top_partners",
    "withdrawal",
]

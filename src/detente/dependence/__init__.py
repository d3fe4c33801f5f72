"""Who holds whom: dependence, exposure to others' welfare, first partners."""

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
from detente.dependence.welfare_exposure import KLR, exposure_matrix, friends_and_enemies

__all__ = [
    "KLR",
    "FirstPartner",
    "Hold",
    "Loss",
    "bilateral_dependence",
    "build_partner_ranks",
    "ces_loss_pct",
    "concentration",
    "diversification",
    "exposure_matrix",
    "first_partner_of",
    "friends_and_enemies",
    "hold_over",
    "partner_ranks",
    "top_partners",
    "withdrawal",
]

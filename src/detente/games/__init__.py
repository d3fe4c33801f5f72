"""Which deal is in reach: pacts, coalitions, bargains and switch points."""

from detente.games.adoption import Adoption, adoption_game, fixed_points, hysteresis
from detente.games.bargaining import Pledge, Split, Terms, annuity, pledge, zone
from detente.games.cells import Cells, Governments, run_cells
from detente.games.characteristic import CooperativeGame, Core, core, nucleolus, shapley
from detente.games.coalitions import (
    Encirclement,
    Threshold,
    coalition_values,
    encirclement,
    threshold,
)
from detente.games.farsighted import Farsighted, farsighted_stable
from detente.games.issues import NashInNash, Packages, nash_in_nash, packages
from detente.games.networks import PactGame, PactSearch, Penalty, pact_game, pact_search
from detente.games.stability import (
    NetworkGame,
    SidePayment,
    Stability,
    coalition_proof,
    pairwise_stable,
    search_stable,
    side_payment,
)
from detente.games.tipping import Curves, Tipping, crossings, tipping_point, welfare_curves

__all__ = [
    "Adoption",
    "Cells",
    "CooperativeGame",
    "Core",
    "Curves",
    "Encirclement",
    "Farsighted",
    "Governments",
    "NashInNash",
    "NetworkGame",
    "Packages",
    "PactGame",
    "PactSearch",
    "Penalty",
    "Pledge",
    "SidePayment",
    "Split",
    "Stability",
    "Terms",
    "Threshold",
    "Tipping",
    "adoption_game",
    "annuity",
    "coalition_proof",
    "coalition_values",
    "core",
    "crossings",
    "encirclement",
    "farsighted_stable",
    "fixed_points",
    "hysteresis",
    "nash_in_nash",
    "nucleolus",
    "packages",
    "pact_game",
    "pact_search",
    "pairwise_stable",
    "pledge",
    "run_cells",
    "search_stable",
    "shapley",
    "side_payment",
    "threshold",
    "tipping_point",
    "welfare_curves",
    "zone",
]

"""Ignatenko, Lashkaripour, Macedoni and Simonovska (2025) as a model: see ``equations`` for what
it says."""

from detente.models.labour_supply.model import LabourSupply
from detente.models.labour_supply.wedges import distribution_wedges

__all__ = ["LabourSupply", "distribution_wedges"]

"""Caliendo and Parro (2015) in relative changes, as a model: see ``equations`` for what it says."""

from detente.models.caliendo_parro.model import CaliendoParro

__all__ = ["CaliendoParro"]

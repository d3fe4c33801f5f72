"""Staggered sourcing: each period some buyers choose their supplier anew, the rest stay."""

from detente.models.staggered.model import Staggered

__all__ = ["Staggered"]

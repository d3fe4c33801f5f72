"""Monopolistic competition: Krugman (1980), with tariffs and politics as in Ossa (2014)."""

from detente.models.monopolistic.model import Monopolistic

__all__ = ["Monopolistic"]

"""The economy of a base year: ``World``, the embedded tables, loaders, aggregation."""

from detente.world.files import load_world
from detente.world.identities import Miss
from detente.world.world import World

__all__ = ["Miss", "World", "load_world"]

"""What runs in the worker processes: functions by name, on data that each process loads once."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from detente.ledger import load_ledger
from detente.models.blocks import Array
from detente.timeline.days import Timeline, flows_of, levels_of
from detente.timeline.laws import SHIPPED, Laws
from detente.timeline.paths import law_path
from detente.world import load_world

__all__ = ["levels", "path_bytes", "read_ledger", "timeline", "warm"]


@lru_cache(maxsize=2)
def timeline(laws: str) -> Timeline:
    """The timeline on the laws in a file (``Services.laws_path``), kept in this process."""
    return Timeline(load_ledger, load_world(), Laws.read(Path(laws)))


def warm() -> None:
    """Load the world and the shipped laws, and solve the base. The ledger is left: solving does
    not need it, and it takes longest."""
    from detente.outcome import simulate

    simulate(load_world())
    timeline(str(SHIPPED))


def read_ledger() -> None:
    """Have the ledger at hand in this process."""
    load_ledger()


def levels(laws: str, place: int) -> tuple[Array, Array]:
    """The timeline's columns on a date, and its flows."""
    out = timeline(laws).outcome(place)
    return levels_of(out), flows_of(out)


def path_bytes(laws: str) -> bytes:
    """The path of the recorded law, and a year on from each date, as a file; some seconds."""
    return law_path(timeline(laws).laws, load_world()).to_bytes()

"""Trying many inputs of a kind, and keeping the smallest of each way in which a reader broke."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from fuzz.cases import strategy
from fuzz.judge import Broken, described
from fuzz.readers import READERS

__all__ = ["CRASHES", "a_round", "keep", "run"]

CRASHES = Path(__file__).parent / "crashes"
"""Inputs that once broke a reader, by kind; the tests replay them."""


def a_round(kind: str, number: int, count: int) -> tuple[int, dict[str, tuple[bytes, str]]]:
    """Try ``count`` inputs; how many were tried, and what broke: by way, the input and the words.

    A failure does not end the round, so that one does not hide another.
    """
    tried, broken = 0, dict[str, tuple[bytes, str]]()

    @seed(number)
    @given(data=strategy(kind))
    @settings(
        max_examples=count, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def check(data: bytes) -> None:
        nonlocal tried
        tried += 1
        try:
            run(kind, data)
        except Broken as why:
            way = re.sub(r"\d+", "", str(why).partition(": ")[0])
            if way not in broken or len(data) < len(broken[way][0]):
                broken[way] = (data, str(why))

    check()
    return tried, broken


def run(kind: str, data: bytes) -> None:
    """Give an input to its reader.

    Raises
    ------
    Broken
        A rule does not hold, or what follows from an accepted input fails.
    """
    try:
        READERS[kind](data)
    except Broken:
        raise
    except Exception as error:
        raise Broken(described(error)) from error


def keep(kind: str, data: bytes) -> Path:
    """Write an input where the tests replay it."""
    folder = CRASHES / kind
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(data).hexdigest()[:12]
    path.write_bytes(data)
    return path

"""A day of the ledger in one line: the weightiest first, many rates as their span."""

from __future__ import annotations

from functools import cache

import pytest

import detente as dt
from detente.timeline.days import Timeline
from detente.timeline.laws import shipped_laws


@cache
def line() -> Timeline:
    ledger, world = dt.load_ledger(), dt.load_world()
    laws = shipped_laws(ledger, world)
    assert laws is not None
    return Timeline(ledger, world, laws)


def said(day: str) -> str:
    return line().headlines[line().dates.index(day)]


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("2025-04-10", "China with Hong Kong and Macau: 125% added"),
        ("2025-04-05", "US reciprocal tariff begins: baseline for all countries: 10% added"),
        ("2025-08-07", "10% to 41% added"),
        ("2026-02-24", "entries end"),
    ],
)
def test_the_news_of_the_day_comes_first(day: str, words: str) -> None:
    assert words in said(day).split("; ")[0]


def test_rates_come_before_lists_of_firms() -> None:
    assert "% added" in said("2025-05-14").split("; ")[0]

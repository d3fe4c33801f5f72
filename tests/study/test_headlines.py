"""A day of the ledger in one line: the weightiest first, many rates as their span."""

from __future__ import annotations

from functools import cache

import pytest

import detente as dt
from detente.study.headlines import changes_by_day, headline


@cache
def said(day: str) -> str:
    ledger = dt.load_ledger()
    return headline(ledger, changes_by_day(ledger, [day])[day])


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

"""Periods of a path: months, quarters or years from a first month to a last one."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import NamedTuple

from detente.errors import DateError, InputError, UnknownNameError
from detente.outcome.march import LONGEST

__all__ = ["EVERY", "Period", "periods"]

EVERY = {"month": 1, "quarter": 3, "year": 12}
"""Lengths of a period, in months."""


class Period(NamedTuple):
    """A period's name, and its first and last day."""

    name: str
    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1


def periods(start: str, end: str, every: str = "quarter") -> list[Period]:
    """The periods from the month of ``start`` on, up to the one that holds the month of ``end``.

    Months are written YYYY-MM; a year alone is its first month in ``start``, its last in ``end``.

    Raises
    ------
    UnknownNameError
        ``every`` is not month, quarter or year.
    DateError
        Not a month, or the end comes before the start.
    InputError
        More periods than a path may have.
    """
    if every not in EVERY:
        raise UnknownNameError.of("period", every, EVERY, "every")
    first, last = _month(start, "start", 1), _month(end, "end", 12)
    if last < first:
        raise DateError(f"path: it ends in {end}, before it starts in {start}; give a later end")
    step = EVERY[every]
    count = (last - first) // step + 1
    if count > LONGEST:
        raise InputError(
            f"path: {count:,} periods from {start} to {end}; at most {LONGEST:,} can be solved: "
            "shorten the path, or take longer periods"
        )
    return [_period(first + n * step, step) for n in range(count)]


def _month(text: str, where: str, alone: int) -> int:
    """Months since year 0."""
    found = re.fullmatch(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", str(text).strip())
    month = int(found[2] or alone) if found else 0
    if found and found[3] and where == "start" and found[3] != "01":
        raise DateError(f"{where} {text!r}: periods are whole months; write {found[1]}-{found[2]}")
    if not found or not 1 <= month <= 12 or int(found[1]) < 1000:
        raise DateError(f"{where} {str(text)[:40]!r} is not a month; write YYYY-MM")
    return int(found[1]) * 12 + month - 1


def _period(first: int, months: int) -> Period:
    after = first + months
    begin = date(first // 12, first % 12 + 1, 1)
    end = date(after // 12, after % 12 + 1, 1) - timedelta(days=1)
    if months == 12 and begin.month == 1:
        name = f"{begin.year}"
    elif months == 3 and begin.month % 3 == 1:
        name = f"{begin.year}Q{begin.month // 3 + 1}"
    else:
        name = f"{begin:%Y-%m}" if months == 1 else f"{begin:%Y-%m}/{end:%Y-%m}"
    return Period(name, begin, end)

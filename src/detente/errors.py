"""The exception tree.

    DetenteError
    ├── InputError            bad input: exit code 2 at the command line
    │   ├── UnknownNameError  a country, sector, group, instrument or key nobody knows
    │   │   └── UnknownKeywordError  a keyword that a function does not have (a TypeError as well)
    │   ├── TableError        a world table that is incomplete or does not add up
    │   ├── RecordError       a YAML record (scenario, ledger, theta set) that breaks its schema
    │   │   └── FileError     a file that cannot be read as what it should be (a TableError as well)
    │   └── DateError         a date outside what the record covers
    ├── NoSolutionError       the equations have no solution, and why
    ├── ConvergenceError      a solve that stopped before it converged
    ├── AuditError            an outcome that its audit does not bear out
    ├── OutputError           a result that could not be written
    └── WorkerError           a worker process that ended in the middle of its work

Every message says what is wrong, where (file, field, country, sector, value) and what to do. What
it quotes may come from anybody's file: it is printed without control characters, and in part where
it is very long.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "AuditError",
    "ConvergenceError",
    "DateError",
    "DetenteError",
    "FileError",
    "InputError",
    "NoSolutionError",
    "OutputError",
    "RecordError",
    "TableError",
    "UnitWarning",
    "UnknownKeywordError",
    "UnknownNameError",
    "WorkerError",
    "shown",
]

LONGEST_LINE = 900
"""Characters of a line of a message; a longer one is a value that was quoted whole."""

_UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def shown(value: object, limit: int = 80) -> str:
    """A value as messages quote it: on one line, and its beginning only where it is long."""
    if isinstance(value, str):
        value = value[: limit + 1]
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


class DetenteError(Exception):
    """Base of every error this package raises on purpose."""

    def __str__(self) -> str:
        text = _UNPRINTABLE.sub(lambda c: ascii(c[0])[1:-1], super().__str__())
        if len(text) <= LONGEST_LINE:
            return text
        return "\n".join(map(_shortened, text.split("\n")))


class InputError(DetenteError, ValueError):
    """Bad input; nothing was computed and nothing was written."""


class UnknownNameError(InputError):
    """A name that the world or a vocabulary does not hold."""

    @classmethod
    def of(cls, kind: str, name: object, known: Iterable[str], where: str = "") -> UnknownNameError:
        """Build the message with the closest known names as the remedy."""
        known = list(known)
        text = str(name)[:200]  # looking for what is close to a megabyte takes seconds
        close = get_close_matches(text, known, n=3, cutoff=0.5)
        if not close:
            by_case = {k.casefold(): k for k in known}
            close = get_close_matches(text.casefold(), by_case, n=3, cutoff=0.6)
            close = [by_case[c] for c in close]
        hint = f"did you mean {', '.join(close)}?" if close else f"known: {_some(known)}."
        prefix = f"{where}: " if where else ""
        return cls(f"{prefix}unknown {kind} {shown(name)}; {hint}")


class UnknownKeywordError(UnknownNameError, TypeError):
    """A keyword that a function does not have."""

    @classmethod
    def of_function(
        cls, name: str, known: Iterable[str], where: str, hint: str = ""
    ) -> UnknownKeywordError:
        """Name the keyword, those that are close or all there are, and what may be meant."""
        known = list(known)
        close = get_close_matches(name, known, n=3, cutoff=0.6)
        rest = f"did you mean {', '.join(close)}?" if close else f"it has {', '.join(known)}."
        return cls(f"{where}: no keyword {shown(name)}; {hint or rest}")


class UnitWarning(UserWarning):
    """A number whose unit is probably not what it was taken for."""


class TableError(InputError):
    """A table that is incomplete, mislabelled or breaks an accounting identity."""


class RecordError(InputError):
    """A record file that breaks its schema; names file and field."""


class FileError(RecordError, TableError):
    """A file that cannot be read as what it should be: not there, no plain file, too large, no
    text, no YAML, JSON, CSV or netCDF. Whether it was to hold a record or a table, it is caught
    as the error of either; ``file`` and ``line`` say where, the message ends with a remedy."""

    def __init__(self, message: str, file: object = "", line: int | None = None) -> None:
        super().__init__(message)
        self.file, self.line = str(file), line


class DateError(InputError):
    """A date that cannot be read or lies outside what the record covers."""


class NoSolutionError(DetenteError, ArithmeticError):
    """No equilibrium exists for this policy; the message says which market cannot clear.

    ``reason`` is "no seller" (a good that buyers need), "no sales" (a country that cannot sell),
    "no balance" (trade that cannot balance as it must), "no income" (a country that cannot pay
    its subsidies, surplus or transfers), "no path" (the equilibrium that grows out of the base
    ceases to exist on the way) or "no share" (one-way trade fixes a deficit that the share closure
    fixes otherwise); ``countries`` and ``sectors`` say where.
    """

    def __init__(
        self,
        message: str,
        reason: str = "",
        countries: Iterable[str] = (),
        sectors: Iterable[str] = (),
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.countries, self.sectors = list(countries), list(sectors)


class ConvergenceError(DetenteError, ArithmeticError):
    """A solve ended without converging; ``solution`` holds what was reached."""

    def __init__(self, message: str, solution: object = None) -> None:
        super().__init__(message)
        self.solution = solution


class AuditError(DetenteError, ArithmeticError):
    """An outcome does not satisfy the equations it claims to solve.

    ``check``, ``country`` and ``sector`` say which equation, and where ("" where there is none).
    """

    def __init__(self, message: str, check: str = "", country: str = "", sector: str = "") -> None:
        super().__init__(message)
        self.check, self.country, self.sector = check, country, sector


class OutputError(DetenteError):
    """A result that could not be written; nothing is left half-written.

    ``at_fault`` is "path" where another path would do, "machine" where a disk is full or fails.
    """

    def __init__(self, message: str, at_fault: str = "machine") -> None:
        super().__init__(message)
        self.at_fault = at_fault


class WorkerError(DetenteError, RuntimeError):
    """A worker process ended in the middle of its work: killed, or out of memory."""


def _shortened(line: str) -> str:
    """A line without its middle where it is very long: the file stands first, the remedy last."""
    if len(line) <= LONGEST_LINE:
        return line
    cut = len(line) - 600 - 200
    return f"{line[:600]} [... {cut:,} characters ...] {line[-200:]}"


def _some(names: list[str], limit: int = 12) -> str:
    shown = ", ".join(names[:limit])
    return shown + (f" and {len(names) - limit} more" if len(names) > limit else "")

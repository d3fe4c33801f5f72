"""What must hold for every reader, whatever it is given.

A reader gives a value or raises a ``DetenteError`` whose message names the source, is short and
printable and shows nothing of the machinery; it does so in bounded time and memory, and twice the
same.
"""

from __future__ import annotations

import re
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from detente.errors import DetenteError

try:
    import resource
except ImportError:  # not on this system; memory is then not watched
    resource = None

__all__ = ["LINES", "Broken", "Refusal", "described", "judged", "peak", "unfit"]

SECONDS = 8.0
"""Processor time for one reading; most take a hundredth of a second."""

MEGABYTES = 600
"""What one reading may add to the memory of the process; files here have some kilobytes."""

LONGEST = 2000
LINES, LONGEST_LINE = 250, 1000
"""Bounds where one line a fault is given."""

_MACHINERY = re.compile(
    r" object at 0x|<class '|<function|Traceback|\bnp\.\w+\(|\barray\(|<HDF5|\bdtype\("
    r"|NoneType|function-(?:after|before|wrap|plain)|constrained-|pydantic"
)
_UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class Broken(AssertionError):  # noqa: N818 - what it says of a reader
    """A reader that broke the rule, and how."""


class Refusal(str):
    """The message of an input that was refused."""


def judged(read: Callable[[], Any], *sources: str, lines: int = 1, twice: bool = True) -> Any:
    """What ``read`` makes of an input: a value, or a :class:`Refusal`.

    One of ``sources`` must be named in the message; ``lines`` are how many lines it may have.

    Raises
    ------
    Broken
        The rule does not hold.
    """
    found = _once(read, sources, lines)
    if twice:
        again = _once(read, sources, lines)
        if repr(again) != repr(found):
            raise Broken(f"read twice: {found!r:.300} and then {again!r:.300}")
    return found


def described(error: BaseException) -> str:
    """What was raised, and where."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} in {frame.name} of {Path(frame.filename).name}"
    return f"{where}: {str(error)[:500]}"


def peak() -> float:
    """The largest memory this process has had, megabytes."""
    return 0.0 if resource is None else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _once(read: Callable[[], Any], sources: tuple[str, ...], lines: int) -> Any:
    before, start = peak(), time.process_time()
    try:
        with _deadline(), warnings.catch_warnings():
            warnings.simplefilter("error")
            found = read()
    except DetenteError as error:
        found = Refusal(error)
        _message(str(error), sources, lines)
    except Broken:
        raise
    except (Exception, RecursionError) as error:
        raise Broken(described(error)) from error
    if (used := time.process_time() - start) > SECONDS:
        raise Broken(f"took {used:.1f} seconds")
    if (grown := peak() - before) > MEGABYTES:
        raise Broken(f"took {grown:.0f} megabytes")
    return found


def _message(text: str, sources: tuple[str, ...], lines: int) -> None:
    if not any(source in text for source in sources):
        raise Broken(f"not named is {sources[0]}: {text[:500]}")
    parts = text.split("\n")
    if len(parts) > lines or any(len(p) > LONGEST_LINE for p in parts if lines > 1):
        raise Broken(f"a message of {len(parts)} lines: {text[:500]!r}")
    if lines == 1 and len(text) > LONGEST:
        raise Broken(f"a message of {len(text):,} characters: {text[:300]}")
    unfit(text)


def unfit(text: str) -> None:
    """What nobody should have to read in a message.

    Raises
    ------
    Broken
        It is there.
    """
    if odd := _UNPRINTABLE.search(text):
        raise Broken(f"U+{ord(odd[0]):04X} in a message: {text[:500]!r}")
    if shown := _MACHINERY.search(text):
        raise Broken(f"{shown[0]!r} in a message: {text[:500]}")


@contextmanager
def _deadline() -> Iterator[None]:
    """Stop what goes on and on, by the processor's clock: other users of the machine do not
    count."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def late(*_: object) -> None:
        raise Broken(f"was not done after {2 * SECONDS:g} seconds")

    held = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, 2 * SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, held)

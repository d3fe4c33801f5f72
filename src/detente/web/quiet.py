"""A log that one fault, or one visitor, cannot fill: what repeats is counted."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections import OrderedDict

__all__ = ["Folded", "set_up"]

FREE = 5
"""Times that the same message is written within a span."""

SPAN = 60.0
"""Seconds of a span; at its end the rest is written as a number."""

KINDS = 200
"""Different messages that are counted at a time."""


_NUMBERS = re.compile(r"0x[0-9a-f]+|\d+")


class Folded(logging.Handler):
    """Passes records on to another handler, the same message only a few times a minute.

    Messages are the same where logger, level and the first line of the template are, whatever
    their arguments and the numbers in them.
    """

    def __init__(self, inner: logging.Handler, free: int = FREE, span: float = SPAN) -> None:
        super().__init__()
        self.inner, self.free, self.span = inner, free, span
        self._seen: OrderedDict[tuple[str, int, str], list[float]] = OrderedDict()

    def emit(self, record: logging.LogRecord) -> None:
        """Write, or count."""
        now = time.monotonic()
        self.flush_counts(now)
        first = str(record.msg)[:200].partition("\n")[0]
        key = (record.name, record.levelno, _NUMBERS.sub("#", first))
        entry = self._seen.setdefault(key, [now, 0])
        entry[1] += 1
        if entry[1] <= self.free:
            self.inner.handle(record)
        while len(self._seen) > KINDS:
            self._tell(*self._seen.popitem(last=False), now)

    def flush_counts(self, now: float | None = None) -> None:
        """Write the counts of spans that are over."""
        now = time.monotonic() if now is None else now
        while self._seen and now - next(iter(self._seen.values()))[0] > self.span:
            self._tell(*self._seen.popitem(last=False), now)

    def close(self) -> None:
        """Write what was counted."""
        while self._seen:
            self._tell(*self._seen.popitem(last=False), time.monotonic())
        super().close()

    def _tell(self, key: tuple[str, int, str], entry: list[float], now: float) -> None:
        more = int(entry[1]) - self.free
        if more <= 0:
            return
        name, level, text = key
        said = f"and {more:,} more like this in the last {max(now - entry[0], 1):.0f} s: {text}"
        self.inner.handle(logging.LogRecord(name, level, "", 0, said, None, None))


def set_up(level: int = logging.WARNING) -> Folded:
    """Have everything this process logs go to standard error, folded."""
    inner = logging.StreamHandler(sys.stderr)
    inner.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    folded = Folded(inner)
    root = logging.getLogger()
    root.handlers[:] = [folded]
    root.setLevel(level)
    return folded

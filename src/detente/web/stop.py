"""How the server is stopped: by SIGTERM or Ctrl-C, within two seconds, with exit code 0.

That holds from the first import to the last worker, whatever is going on; little is imported here,
so that it holds early.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

__all__ = ["Stop"]

SECONDS = 1.4
"""From the first signal until the process ends, whatever it still waits for."""


class Stop:
    """What SIGTERM and Ctrl-C do, from the first import to the last worker.

    The first signal ends what is going on in good order; ``seconds`` later, or at a second signal
    where nothing is being served, the process is gone in any case.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self.asked = 0
        self._told: Callable[[int], None] | None = None
        self._event = threading.Event()

    def install(self) -> None:
        """From now on; call it from the main thread."""
        threading.Thread(target=self._insist, daemon=True, name="detente-stop").start()
        for kind in (signal.SIGINT, signal.SIGTERM):
            signal.signal(kind, self._signal)

    @contextlib.contextmanager
    def tell(self, told: Callable[[int], None]) -> Iterator[None]:
        """While this lasts, ``told(number of signals so far)`` is called at each of them."""
        self._told = told
        try:
            if self.asked:
                told(self.asked)
            yield
        finally:
            self._told = None

    def _signal(self, _kind: int, _frame: FrameType | None) -> None:
        self.asked += 1
        self._event.set()
        if self._told is not None:
            self._told(self.asked)
        elif self.asked == 1:
            sys.exit(0)  # nothing is served yet: leave whatever is being loaded
        else:
            os._exit(0)

    def _insist(self) -> None:
        self._event.wait()
        threading.Event().wait(self.seconds)
        os._exit(0)

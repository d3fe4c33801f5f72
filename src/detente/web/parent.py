"""Processes that the server started end with it, however it ends."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from multiprocessing.connection import wait

__all__ = ["end_with_parent", "with_parent"]

LOOK = 0.1
"""Seconds between two looks at who the parent is."""


def end_with_parent(group: bool = False) -> None:
    """End this process as soon as the one that asked for it has ended, even by SIGKILL.

    A process that is busy would notice only at its next answer that nobody is there to take it.
    ``group``: with every process of its group, for one that leads a session of its own.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])  # readable once the other end of the pipe is closed
        if group:
            with contextlib.suppress(OSError):
                os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="detente-parent").start()


@contextlib.contextmanager
def with_parent() -> Iterator[None]:
    """While this lasts, end this process as soon as the one that started it has ended.

    For the process that workers are forked from: while it loads it looks at nothing else. Its
    thread is gone before anything is forked.
    """
    parent, done = os.getppid(), threading.Event()

    def watch() -> None:
        while not done.wait(LOOK):
            if os.getppid() != parent:
                os._exit(1)

    thread = threading.Thread(target=watch, daemon=True, name="detente-parent")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()

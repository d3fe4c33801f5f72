"""Processes that the server started end with it, however it ends."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing.connection import wait

__all__ = ["end_with_parent", "end_with_thread"]

_PR_SET_PDEATHSIG = 1


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


def end_with_thread() -> None:
    """Have Linux end this process when the thread that started it ends.

    For the process that workers are forked from: while it loads it looks at nothing else, and it
    must not have threads. Where the system has no such call it ends once it has loaded.
    """
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

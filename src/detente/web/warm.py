"""Imported by the process that workers are forked from: loads what each of them needs."""

from __future__ import annotations

import contextlib
import ctypes
import os

# before numpy: cores are used by several workers, not by threads of one
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from detente.web.parent import with_parent


def _keep_memory() -> None:
    """Have the allocator keep what it was given: arrays of a megabyte come and go with each
    solve, and fetching their pages anew costs as much as the arithmetic."""
    with contextlib.suppress(OSError, AttributeError, ValueError):
        tune = ctypes.CDLL(None).mallopt  # glibc; elsewhere there is none
        tune(-3, 1 << 28)  # M_MMAP_THRESHOLD
        tune(-1, 1 << 29)  # M_TRIM_THRESHOLD


with with_parent():
    from detente.timeline.laws import SHIPPED
    from detente.web import scenarios, worker

    _keep_memory()
    worker.warm()
    scenarios.warm(str(SHIPPED))

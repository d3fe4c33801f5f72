"""Imported by the process that workers are forked from: loads what each of them needs."""

from __future__ import annotations

import os

# before numpy: cores are used by several workers, not by threads of one
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from detente.web.worker import warm  # noqa: E402

warm()

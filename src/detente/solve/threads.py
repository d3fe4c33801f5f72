"""One BLAS thread inside a solve.

A product split over threads adds up in another order, so the last bits of a result would depend
on ``OPENBLAS_NUM_THREADS``; and threads that wait for each other cost more than they bring on
products of this size. Cores are used by solving several cases at once
(:func:`detente.simulate_many`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

__all__ = ["one_thread"]

P = ParamSpec("P")
R = TypeVar("R")


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


def one_thread(function: Callable[P, R]) -> Callable[P, R]:
    """Run ``function`` with BLAS on one thread, and put the setting back afterwards."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with _controller().limit(limits=1):
            return function(*args, **kwargs)

    return run

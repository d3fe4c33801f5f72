"""Keywords nobody knows, refused with those that exist."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from typing import ParamSpec, TypeVar

from detente.errors import UnknownKeywordError

__all__ = ["known_keywords"]

P = ParamSpec("P")
R = TypeVar("R")


def known_keywords(
    hint: Callable[[str], str] | None = None, name: str = ""
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Refuse keywords that a function does not have, before it is called.

    Parameters
    ----------
    hint : for an unknown keyword, what may have been meant instead; "" where nothing is known
    name : what the function is called in the message; its own name by default

    Python's own message names the keyword and nothing else.
    """

    def refusing(function: Callable[P, R]) -> Callable[P, R]:
        known = [
            p.name
            for p in signature(function).parameters.values()
            if p.kind in (Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
            and p.name not in ("self", "cls")
        ]
        where = name or function.__name__

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for given in kwargs:
                if given not in known:
                    raise UnknownKeywordError.of_function(
                        given, known, where, hint(given) if hint else ""
                    )
            return function(*args, **kwargs)

        return call

    return refusing

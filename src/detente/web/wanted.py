"""Work for somebody who may leave: it ends when the browser that asked has gone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

__all__ = ["while_wanted"]

R = TypeVar("R")


async def while_wanted(request: Request, work: Coroutine[Any, Any, R]) -> R:
    """The result of ``work``, which is cancelled as soon as nobody waits for the answer.

    The body of the request must have been read.

    Raises
    ------
    ClientDisconnect
        The one who asked has gone.
    """
    doing = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({doing, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise ClientDisconnect
        return doing.result()
    finally:
        for task in (doing, gone):
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

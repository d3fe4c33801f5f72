"""Answers by content: bounded, and each made once however many ask for it at the same time."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable

__all__ = ["Cache"]

BYTES = 64_000_000


class Cache:
    """Least recently used answers, up to ``limit`` bytes in all."""

    def __init__(self, limit: int = BYTES) -> None:
        self.limit = limit
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._making: dict[str, asyncio.Task[bytes]] = {}
        self._waiting: Counter[asyncio.Task[bytes]] = Counter()

    async def get(self, key: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """The answer under ``key``, from memory or from ``make()``.

        An error of ``make`` reaches everyone who waits for it, and is not kept. Someone who
        stops waiting does not stop it for the others; once nobody waits it is cancelled.
        """
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]
        task = self._making.get(key)
        if task is None:
            task = asyncio.create_task(self._make(key, make))
            self._making[key] = task
            task.add_done_callback(lambda done: self._made(key, done))
        self._waiting[task] += 1
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if self._waiting[task] == 1 and not task.done():
                self._making.pop(key, None)  # who comes now starts anew
                task.cancel()
            raise
        finally:
            self._waiting[task] -= 1
            if not self._waiting[task]:
                del self._waiting[task]

    async def _make(self, key: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        body = await make()
        if len(body) <= self.limit // 4:
            self._size += len(body) - len(self._held.get(key, b""))
            self._held[key] = body
            while self._size > self.limit:
                self._size -= len(self._held.popitem(last=False)[1])
        return body

    def _made(self, key: str, task: asyncio.Task[bytes]) -> None:
        if self._making.get(key) is task:
            del self._making[key]
        if not task.cancelled():
            task.exception()  # seen, also where nobody waits any more

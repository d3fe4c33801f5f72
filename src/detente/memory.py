"""What is worked out once and kept in memory, with a bound: the only kind of module-wide store."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, MutableMapping
from threading import Lock
from typing import TypeVar

__all__ = ["Kept"]

K = TypeVar("K")
V = TypeVar("V")


class Kept(MutableMapping[K, V]):
    """A mapping of at most ``most`` entries; the one used longest ago gives way.

    A server asks about ever new laws and worlds: what it keeps must not grow with its age. Safe
    to use from several threads.
    """

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ValueError(f"Kept: most is {most}; at least one entry is needed")
        self.most = most
        self._held: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def __getitem__(self, key: K) -> V:
        with self._lock:
            value = self._held[key]
            self._held.move_to_end(key)
            return value

    def __setitem__(self, key: K, value: V) -> None:
        with self._lock:
            self._held[key] = value
            self._held.move_to_end(key)
            while len(self._held) > self.most:
                self._held.popitem(last=False)

    def __delitem__(self, key: K) -> None:
        with self._lock:
            del self._held[key]

    def __contains__(self, key: object) -> bool:
        # does not count as a use
        return key in self._held

    def __iter__(self) -> Iterator[K]:
        with self._lock:
            return iter(list(self._held))

    def __len__(self) -> int:
        return len(self._held)

    def __getstate__(self) -> tuple[int, list[tuple[K, V]]]:
        with self._lock:
            return self.most, list(self._held.items())

    def __setstate__(self, state: tuple[int, list[tuple[K, V]]]) -> None:
        self.most, items = state
        self._held, self._lock = OrderedDict(items), Lock()

"""Wrong tokens, counted by address."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict

__all__ = ["Wrongs", "neighbourhood"]

FREE = 10
"""Wrong tokens of an address before it is told to wait."""

LONGEST = 60
"""Seconds an address is told to wait at most."""

FORGOTTEN = 600.0
"""Seconds without a wrong token after which an address starts anew."""

KEPT = 1024
"""Addresses remembered; the one that was wrong longest ago goes first."""


def neighbourhood(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 that one IPv6 host has."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        if not ip.is_loopback:
            return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


class Wrongs:
    """How often an address gave a wrong token, in a table of bounded size."""

    def __init__(self, free: int = FREE, kept: int = KEPT) -> None:
        self.free, self.kept = free, kept
        self._seen: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def wrong(self, address: str) -> int:
        """Note a wrong token; the seconds to wait before the next one, 0 for the first few."""
        key, now = neighbourhood(address), time.monotonic()
        count, last = self._seen.pop(key, (0, now))
        count = 1 if now - last > FORGOTTEN else count + 1
        self._seen[key] = (count, now)
        while len(self._seen) > self.kept:
            self._seen.popitem(last=False)
        over = count - self.free
        return 0 if over <= 0 else min(2 ** min(over, 10), LONGEST)

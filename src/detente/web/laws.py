"""The laws behind the timeline: those that ship, or worked out again when the ledger was edited."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from detente.cachefolder import cache_folder
from detente.errors import OutputError, TableError
from detente.files import write_whole
from detente.ledger import Ledger, load_ledger
from detente.timeline.days import Timeline
from detente.timeline.laws import SHIPPED, Laws, build_laws, find_laws, inputs_key
from detente.web.failures import BusyError
from detente.web.process import Work
from detente.world import World, load_world

__all__ = ["LawKeeper"]

log = logging.getLogger("detente.web")

AGAIN = 60
"""Seconds after which laws that could not be worked out are tried again, if somebody asks."""


class LawKeeper:
    """Finds laws that were made from the very ledger, world and tables at hand.

    The shipped file serves as long as nobody edits a record. Otherwise they are worked out in a
    process of their own, once, and kept in the user's cache folder; until then asking for the
    timeline says how far it is.
    """

    def __init__(self, shipped: Path = SHIPPED) -> None:
        self.path = shipped
        self._shipped = shipped
        self._timeline: Timeline | None = None
        self._work: Work | None = None
        self._lock = threading.Lock()
        self._failed_at = 0.0

    @property
    def status(self) -> str:
        """ "ready", "working" or "failed"; "unknown" before anyone asked."""
        if self._timeline is not None:
            return "ready"
        if self._work is None:
            return "unknown"
        return "failed" if self._work.status == "failed" else "working"

    def timeline(self, ledger: Ledger, world: World) -> Timeline:
        """The timeline.

        Raises
        ------
        BusyError
            The laws are being worked out.
        """
        if self._timeline is not None:
            return self._timeline
        with self._lock:
            if self._timeline is None and self._work is None:
                self._find(ledger, world)
            if self._timeline is None:
                self._take(ledger, world)
            if self._timeline is None:
                self._refuse()
            assert self._timeline is not None
            return self._timeline

    async def wait(self, ledger: Ledger, world: World) -> None:
        """Until the laws are there.

        Raises
        ------
        BusyError
            They could not be worked out.
        """
        while True:
            try:
                await asyncio.to_thread(self.timeline, ledger, world)
            except BusyError:
                if self.status != "working":
                    raise
                await asyncio.sleep(0.5)
            else:
                return

    def close(self) -> None:
        """Stop working."""
        if self._work is not None:
            self._work.cancel()

    def _find(self, ledger: Ledger, world: World) -> None:
        key = inputs_key(ledger, world)
        found = find_laws(key, (self._shipped, _kept(key)))
        if found is not None:
            self.path, self._timeline = found[0], Timeline(ledger, world, found[1])
            return
        self._start(str(_kept(key)))

    def _start(self, path: str) -> None:
        """Begin to work the laws out. Where that cannot be, the next one who asks tries again."""
        work = None
        try:
            work = Work(_build, path)
            threading.Thread(target=work.watch, daemon=True, name="detente-laws").start()
        except (OSError, EOFError, RuntimeError) as error:
            if work is not None:
                work.cancel()
            log.warning("the law of each date cannot be worked out now: %s", error)
            raise BusyError(
                "no process can be started to work out the law of each date; try again later", 10
            ) from None
        self._work = work

    def _take(self, ledger: Ledger, world: World) -> None:
        if self._work is not None and self._work.status == "done":
            self.path = Path(self._work.result)
            self._timeline = Timeline(ledger, world, Laws.read(self.path))

    def _refuse(self) -> None:
        work = self._work
        assert work is not None
        if work.status == "failed":
            now = time.monotonic()
            self._failed_at = self._failed_at or now
            if now - self._failed_at > AGAIN:
                self._work, self._failed_at = None, 0.0  # the next one who asks starts it anew
            raise BusyError(f"the law of each date could not be worked out: {work.error}", AGAIN)
        raise BusyError(
            "the ledger differs from the one that the shipped timeline was made from, so the law "
            f"of each date is being worked out again: {work.done} of {work.total or '...'} dates",
            2,
        )


def _kept(key: str) -> Path:
    """Where laws worked out here are kept: the cache folder, or a temporary one."""
    folder = cache_folder() or Path(tempfile.gettempdir())
    return folder / f"laws-{key[:32]}.npz"


def _build(path: str, progress: Callable[[int, int], None]) -> str:
    """Work the laws out and write them; the path."""
    laws = build_laws(load_ledger(), load_world(), progress)
    content = laws.to_bytes()
    for place in (Path(path), Path(tempfile.gettempdir()) / Path(path).name):
        try:
            write_whole(place, content)
        except OutputError:
            continue  # a folder that cannot be written; the temporary one can
        return str(place)
    raise TableError(f"{path}: the laws cannot be written there, nor to a temporary folder")

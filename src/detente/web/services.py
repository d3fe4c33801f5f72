"""What the pages work with: the world, the ledger, the timeline, workers, kept answers, jobs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fastapi import Request

from detente.ledger import Ledger, load_ledger
from detente.study.timeline import Timeline
from detente.version import __version__
from detente.web import worker
from detente.web.cache import Cache
from detente.web.failures import BusyError
from detente.web.jobs import Jobs
from detente.web.laws import LawKeeper
from detente.web.pool import Pool
from detente.world import World, load_world

__all__ = ["Services", "services"]

log = logging.getLogger("detente.web")


@dataclass(eq=False)
class Services:
    """Everything a route needs; one for each application.

    Attributes
    ----------
    pool : worker processes; ``await pool.call(function, *args)``
    cache : ``await cache.get(key, make)`` keeps bytes by content
    jobs : answer cards played in the background
    """

    pool: Pool = field(default_factory=Pool)
    cache: Cache = field(default_factory=Cache)
    jobs: Jobs = field(default_factory=Jobs)
    laws: LawKeeper = field(default_factory=LawKeeper)

    def __post_init__(self) -> None:
        self._solving: dict[int, asyncio.Task[None]] = {}
        self._background: set[asyncio.Task[None]] = set()

    @cached_property
    def world(self) -> World:
        """The embedded world."""
        return load_world()

    @cached_property
    def ledger(self) -> Ledger:
        """The embedded ledger."""
        return load_ledger()

    @property
    def timeline(self) -> Timeline:
        """The timeline.

        Raises
        ------
        BusyError
            The ledger was edited and the law of every date is being worked out again.
        """
        return self.laws.timeline(self.ledger, self.world)

    @property
    def laws_path(self) -> str:
        """The file of laws, for functions that run in workers (``worker.timeline(path)``).

        Raises
        ------
        BusyError
            As ``timeline``.
        """
        assert self.timeline is not None  # the path is that of laws made from this ledger
        return str(self.laws.path)

    @property
    def laws_if_ready(self) -> str:
        """The file of laws, or nothing while they are being worked out: then a scenario that
        names a day reads the ledger itself, which takes longer."""
        try:
            return self.laws_path
        except BusyError:
            return ""

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What every answer says about where its numbers come from."""
        return {
            "package": "detente",
            "version": __version__,
            "world": self.world.name,
            "world_hash": self.world.hash,
            "ledger": self.ledger.card.version,
            "ledger_hash": self.ledger.content_hash[:16],
            "model": "caliendo-parro",
            "deficit": "fixed",
            "theta": str(self.world.theta.attrs.get("set", "own")),
        }

    async def solved(self, *places: int) -> Timeline:
        """The timeline with at least these dates solved, in workers, as many at a time as there
        are workers."""
        line = self.timeline
        todo = iter(line.missing(places))

        async def lane() -> None:
            for place in todo:
                await self._solve(line, place)

        await asyncio.gather(*(lane() for _ in range(self.pool.size)))
        return line

    async def all_solved(self) -> Timeline:
        """The timeline with every date solved."""
        return await self.solved(*reversed(self.timeline.distinct))

    async def _solve(self, line: Timeline, place: int) -> None:
        task = self._solving.get(place)
        if task is None:
            task = asyncio.create_task(self._solve_one(line, place))
            self._solving[place] = task
            task.add_done_callback(lambda done: self._solve_ended(place, done))
        await asyncio.shield(task)

    def _solve_ended(self, place: int, task: asyncio.Task[None]) -> None:
        self._solving.pop(place, None)
        if not task.cancelled():
            task.exception()  # seen, also where nobody waits any more

    async def _solve_one(self, line: Timeline, place: int) -> None:
        line.put(place, *await self.pool.call(worker.levels, self.laws_path, place))

    # --- life -------------------------------------------------------------------------------
    async def start(self) -> None:
        """Begin what goes on in the background: every date of the timeline is solved, as many at
        a time as there are workers, so that those who ask are not kept waiting."""
        task = asyncio.create_task(self._fill())
        self._background.add(task)

    async def _fill(self) -> None:
        try:
            await self.laws.wait(self.ledger, self.world)
            await self.all_solved()
            for _ in range(2 * self.pool.size):  # one worker at a time, the others serve
                await self.pool.call(worker.read_ledger)
        except BusyError as error:
            log.warning("the timeline is not solved ahead: %s", error)

    async def close(self) -> None:
        """End workers and jobs."""
        for task in [*self._background, *self._solving.values()]:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
        self.jobs.close()
        self.laws.close()
        self.pool.close()


def services(request: Request) -> Services:
    """The services of the application, for ``Depends``."""
    return request.app.state.services

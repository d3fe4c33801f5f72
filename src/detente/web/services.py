"""What the pages work with: the world, the ledger, the timeline, workers, kept answers, jobs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ParamSpec, TypeVar

from fastapi import Request

from detente.errors import DetenteError
from detente.ledger import Ledger, load_ledger
from detente.models.registry import DEFAULT
from detente.timeline.days import Timeline
from detente.timeline.paths import LawPath
from detente.version import __version__
from detente.web import worker
from detente.web.aside import Aside
from detente.web.cache import Cache
from detente.web.failures import BusyError
from detente.web.jobs import Jobs
from detente.web.laws import LawKeeper
from detente.web.paths import PathKeeper
from detente.web.pool import Pool
from detente.world import World, load_world

__all__ = ["Services", "services"]

log = logging.getLogger("detente.web")

P = ParamSpec("P")
R = TypeVar("R")

LOADING = 25.0
"""Seconds a request waits for world and ledger while they are being loaded."""


@dataclass(eq=False)
class Services:
    """Everything a route needs; one for each application.

    Attributes
    ----------
    pool : worker processes; ``await pool.call(function, *args)``
    threads : beside the event loop; ``await held.aside(function, *args)``
    cache : ``await cache.get(key, make)`` keeps bytes by content
    jobs : answer cards played in the background
    paths : the recorded law as a path, and its draws, once somebody asks
    """

    pool: Pool = field(default_factory=Pool)
    cache: Cache = field(default_factory=Cache)
    jobs: Jobs = field(default_factory=Jobs)
    laws: LawKeeper = field(default_factory=LawKeeper)
    paths: PathKeeper = field(default_factory=PathKeeper)
    threads: Aside = field(default_factory=Aside)

    def __post_init__(self) -> None:
        self._loading: asyncio.Task[None] | None = None
        self._loaded = False
        self._trying: asyncio.Task[None] | None = None
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
            "model": DEFAULT,
            "deficit": "fixed",
            "theta": str(self.world.theta.attrs.get("set", "own")),
        }

    async def aside(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """``function(*args, **kwargs)`` in a thread; see :class:`detente.web.aside.Aside`."""
        return await self.threads.call(function, *args, **kwargs)

    async def loaded(self) -> None:
        """Until world, ledger and, where they are at hand, the laws have been read; in a thread,
        so that the event loop answers meanwhile.

        Raises
        ------
        BusyError
            It takes too long.
        DetenteError
            The ledger or the world cannot be read.
        """
        if self._loaded:
            return
        task = self._loading
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = self._loading = asyncio.create_task(asyncio.to_thread(self._load))
            task.add_done_callback(_seen)
        try:
            await asyncio.wait_for(asyncio.shield(task), LOADING)
        except TimeoutError:
            raise BusyError("the server is still loading the ledger; try again soon", 5) from None

    def _load(self) -> None:
        assert self.provenance
        with contextlib.suppress(BusyError):  # the laws are being worked out
            assert self.timeline.headlines
        self._loaded = True

    def missing(self) -> list[str]:
        """What is not ready yet, of world, ledger, laws and worker; nothing where all is."""
        lacking = [] if self._loaded else ["world", "ledger"]
        if self.laws.status != "ready":
            lacking.append("laws")
        if not self.pool.working:
            lacking.append("worker")
            if self._trying is None or self._trying.done():  # a dead one is replaced when called
                self._trying = asyncio.create_task(self._try_worker())
        return lacking

    async def _try_worker(self) -> None:
        with contextlib.suppress(BusyError):
            await self.pool.call(time.monotonic)

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
        _seen(task)

    async def _solve_one(self, line: Timeline, place: int) -> None:
        line.put(place, *await self.pool.call(worker.levels, self.laws_path, place))

    async def path(self) -> LawPath:
        """The path of the recorded law; worked out in a worker when first asked for.

        Raises
        ------
        BusyError
            The laws are being worked out, or no worker is free.
        """
        return await self.paths.path(self.pool, self.timeline.laws, self.laws_path)

    # --- life -------------------------------------------------------------------------------
    async def start(self, also: Callable[[], object] = lambda: None) -> None:
        """Begin what goes on in the background: every date of the timeline is solved, as many at
        a time as there are workers, so that those who ask are not kept waiting. ``also`` is made
        ahead as well, in a thread."""
        task = asyncio.create_task(self._fill(also))
        self._background.add(task)

    async def _fill(self, also: Callable[[], object]) -> None:
        try:
            await self.loaded()
            await self.aside(also)
            await self.laws.wait(self.ledger, self.world)
            await self.aside(lambda: self.timeline.headlines)
            await self.all_solved()
            for _ in range(2 * self.pool.size):  # one worker at a time, the others serve
                await self.pool.call(worker.read_ledger)
        except (BusyError, DetenteError) as error:
            log.warning("the timeline is not solved ahead: %s", error)

    async def close(self) -> None:
        """End workers and jobs."""
        tasks = [*self._background, *self._solving.values(), self._trying, self.paths.making]
        for task in [t for t in tasks if t is not None]:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
        self.stop()

    def stop(self) -> None:
        """End workers and jobs, where no event loop runs any more."""
        self.jobs.close()
        self.laws.close()
        self.paths.close()
        self.threads.close()
        self.pool.close()


def _seen(task: asyncio.Task[None]) -> None:
    """Look at how a task ended, also where nobody waits any more."""
    if not task.cancelled():
        task.exception()


async def services(request: Request) -> Services:
    """The services of the application once they are loaded, for ``Depends``."""
    held: Services = request.app.state.services
    await held.loaded()
    return held

"""The recorded law as a path, and the draws around it: made when somebody asks, kept by content."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from detente.cachefolder import keep, kept
from detente.timeline.laws import Laws
from detente.timeline.path_draws import DRAWS, SEED, PathDraws, draw_parameters, draw_paths
from detente.timeline.paths import LawPath, made_from
from detente.web import worker
from detente.web.pool import Pool
from detente.web.process import Work
from detente.world import load_world
from detente.world.horizons import DEFAULT_HORIZON

__all__ = ["Bands", "PathKeeper"]

log = logging.getLogger("detente.web")

SECONDS = 60.0
"""Time the path may take in a worker, waiting included: six where nothing else goes on."""

AGAIN = 60.0
"""Seconds after which draws that failed are tried again, if somebody asks."""


class Bands(NamedTuple):
    """How far the draws are: ``status`` is "none" (nobody asked), "working", "ready" or
    "failed"."""

    status: str
    done: int
    total: int


class PathKeeper:
    """The path and its draws. Nothing is worked out before somebody asks.

    The path is made in a worker. Draws take a minute: they are made one after the other in a
    process of their own that gives way to others, so that the workers serve.

    Parameters
    ----------
    draws, seed : how many draws a band is made of, and their seed
    """

    def __init__(self, draws: int = DRAWS, seed: int = SEED) -> None:
        self.draws, self.seed = draws, seed
        self.making: asyncio.Task[None] | None = None
        self._path: LawPath | None = None
        self._drawn: PathDraws | None = None
        self._work: Work | None = None
        self._lock = threading.Lock()
        self._failed_at = 0.0
        self._closed = False

    async def path(self, pool: Pool, laws: Laws, laws_path: str) -> LawPath:
        """The path, however many ask at the same time; who stops waiting does not stop it.

        Raises
        ------
        BusyError
            No worker is free.
        """
        if self._path is None:
            if self.making is None or self.making.done():
                self.making = asyncio.create_task(self._make(pool, laws, laws_path))
                self.making.add_done_callback(_seen)
            await asyncio.shield(self.making)
        assert self._path is not None
        return self._path

    async def _make(self, pool: Pool, laws: Laws, laws_path: str) -> None:
        name = await asyncio.to_thread(_path_name, laws)
        data = await asyncio.to_thread(kept, name)
        if data is None:
            data = await pool.call(worker.path_bytes, laws_path, seconds=SECONDS)
            await asyncio.to_thread(keep, name, data)
        self._path = await asyncio.to_thread(LawPath.from_bytes, data)

    def ask(self, laws: Laws, laws_path: str) -> None:
        """Have the draws made, unless they are there or under way; call it from a thread."""
        with self._lock:
            if self._closed or self._drawn is not None or self._state().status == "working":
                return
            if self._failed_at and time.monotonic() - self._failed_at < AGAIN:
                return
            self._failed_at = 0.0
            name = f"path-draws-{made_from(laws, self.draws, self.seed)[:32]}.npz"
            data = kept(name)
            if data is not None:
                self._drawn = PathDraws.from_bytes(data)
                return
            self._start(laws_path, name)

    def _start(self, laws_path: str, name: str) -> None:
        work = None
        try:
            work = Work(_draw, laws_path, self.draws, self.seed)
            follow = threading.Thread(
                target=self._follow, args=(work, name), daemon=True, name="detente-path-draws"
            )
            self._work = work
            follow.start()
        except (OSError, EOFError, RuntimeError) as error:
            if work is not None:
                work.cancel()
            log.warning("the draws of the path cannot be made now: %s", error)
            self._work, self._failed_at = None, time.monotonic()

    def _follow(self, work: Work, name: str) -> None:
        """In a thread: until the draws are there."""
        work.watch()
        drawn = None
        if work.status == "done":
            keep(name, work.result)
            drawn = PathDraws.from_bytes(work.result)
        elif work.status == "failed":
            log.warning("the draws of the path failed: %s", work.error)
        with self._lock:
            self._drawn, self._work = drawn, None
            self._failed_at = time.monotonic() if drawn is None else 0.0

    @property
    def bands(self) -> Bands:
        """How far the draws are."""
        with self._lock:
            return self._state()

    @property
    def drawn(self) -> PathDraws | None:
        """The draws, once they are there."""
        with self._lock:
            return self._drawn

    def _state(self) -> Bands:
        work = self._work
        if self._drawn is not None:
            return Bands("ready", self._drawn.solved, self._drawn.asked)
        if work is not None:
            return Bands("working", work.done, work.total or self.draws)
        return Bands("failed" if self._failed_at else "none", 0, self.draws)

    def close(self) -> None:
        """Stop working."""
        with self._lock:
            self._closed = True
            work = self._work
        if work is not None:
            work.cancel()


def _path_name(laws: Laws) -> str:
    return f"path-{made_from(laws, DEFAULT_HORIZON)[:32]}.npz"


def _draw(
    laws_path: str, count: int, seed: int, progress: Callable[[int, int], None]
) -> bytes:  # fmt: skip
    """The draws as a file."""
    laws = Laws.read(Path(laws_path))
    return draw_paths(laws, load_world(), draw_parameters(count, seed), progress).to_bytes()


def _seen(task: asyncio.Task[None]) -> None:
    """Look at how a task ended, also where nobody waits any more."""
    if not task.cancelled():
        task.exception()

"""Answer cards played in the background: one at a time, a few waiting, each can be cancelled."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from detente.errors import UnknownNameError
from detente.web.failures import BusyError
from detente.web.process import Work

__all__ = ["Job", "Jobs", "play_card"]

WAITING = 8
"""Jobs that may wait."""

KEPT = 32
"""Finished jobs whose results are kept."""


@dataclass(eq=False)
class Job:
    """One run; ``status`` is queued, running, done, failed or cancelled."""

    id: str
    about: dict[str, Any]
    function: Callable[..., Any]
    args: tuple[Any, ...]
    status: str = "queued"
    work: Work | None = None

    def state(self) -> dict[str, Any]:
        """What the page shows; ``result`` once it is done, ``error`` where it failed."""
        work = self.work
        out: dict[str, Any] = {
            "job": self.id,
            "status": self.status,
            "done": work.done if work else 0,
            "total": work.total if work else 0,
            "asked": self.about,
        }
        if self.status == "done" and work is not None:
            out["result"] = work.result
        if self.status == "failed" and work is not None:
            out["error"] = work.error
        return out


class Jobs:
    """A queue of jobs, each in a process of its own."""

    def __init__(self, waiting: int = WAITING, kept: int = KEPT) -> None:
        self.waiting, self.kept = waiting, kept
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()
        self._more = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(
        self, function: Callable[..., Any], *args: Any, about: Mapping[str, Any] | None = None
    ) -> Job:
        """Queue ``function(*args, progress=...)``, which returns what JSON can hold.

        Raises
        ------
        BusyError
            Too many jobs wait already.
        """
        with self._lock:
            queued = sum(job.status == "queued" for job in self._jobs.values())
            if self._closed or queued >= self.waiting:
                raise BusyError(f"{queued} jobs are waiting already; try again later", 30)
            job = Job(secrets.token_hex(8), dict(about or {}), function, args)
            self._jobs[job.id] = job
            self._forget()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="detente-jobs")
                self._thread.start()
            self._more.notify()
        return job

    def get(self, job: str) -> Job:
        """A job by its id.

        Raises
        ------
        UnknownNameError
            No such job, or one whose result is no longer kept.
        """
        with self._lock:
            if job not in self._jobs:
                raise UnknownNameError(
                    f"unknown job {job!r}; results of the last {self.kept} are kept"
                )
            return self._jobs[job]

    def cancel(self, job: str) -> Job:
        """Stop a job, whether it waits or runs; one that has ended stays as it is."""
        found = self.get(job)
        with self._lock:
            if found.status not in ("queued", "running"):
                return found
            found.status = "cancelled"
            work = found.work
        if work is not None:
            work.cancel()
        return found

    def close(self) -> None:
        """Stop every job."""
        with self._lock:
            self._closed = True
            waiting = [j.id for j in self._jobs.values() if j.status in ("queued", "running")]
            self._more.notify_all()
        for job in waiting:
            self.cancel(job)

    def _run(self) -> None:
        """In a thread: one job after the other."""
        while True:
            with self._lock:
                job = self._next()
                while job is None:
                    if self._closed:
                        return
                    self._more.wait()
                    job = self._next()
                job.work, job.status = Work(job.function, *job.args), "running"
            job.work.watch()
            with self._lock:
                job.status = job.work.status

    def _next(self) -> Job | None:
        return next((job for job in self._jobs.values() if job.status == "queued"), None)

    def _forget(self) -> None:
        ended = [j for j in self._jobs.values() if j.status not in ("queued", "running")]
        for job in ended[: max(len(ended) - self.kept, 0)]:
            del self._jobs[job.id]


def play_card(
    question: str, draws: int | None, seed: int, overrides: dict[str, str],
    progress: Callable[[int, int], None],
) -> dict[str, Any]:  # fmt: skip
    """Play a question and give its card in the common JSON shape."""
    from detente.report.card import card_json
    from detente.strategy.cards import play

    card = play(question, draws=draws, seed=seed, overrides=overrides, progress=progress)
    return card_json(card)

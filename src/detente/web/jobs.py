"""Answer cards played in the background: one at a time, a few waiting, each can be cancelled."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from detente.errors import UnknownNameError
from detente.web.failures import BusyError
from detente.web.process import Work

__all__ = ["Job", "Jobs", "play_card"]

log = logging.getLogger("detente.web")

WAITING = 8
"""Jobs that may wait."""

KEPT = 32
"""Finished jobs whose results are kept."""

UNASKED = 20.0
"""Seconds after which a job that nobody asks about is given up, if others wait. A page asks twice a
second, and does not always get to say that it is closed."""


@dataclass(eq=False)
class Job:
    """One run; ``status`` is queued, running, done, failed or cancelled."""

    id: str
    about: dict[str, Any]
    function: Callable[..., Any]
    args: tuple[Any, ...]
    status: str = "queued"
    work: Work | None = None
    error: str = ""
    asked_at: float = field(default_factory=time.monotonic)

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
        if self.status in ("failed", "cancelled") and self.error:
            out["error"] = self.error
        return out


class Jobs:
    """A queue of jobs, each in a process of its own."""

    def __init__(self, waiting: int = WAITING, kept: int = KEPT, unasked: float = UNASKED) -> None:
        self.waiting, self.kept, self.unasked = waiting, kept, unasked
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
            if self._closed:
                raise BusyError("the server is closing")
            abandoned = self._give_up_unasked(more=True)
            queued = sum(job.status == "queued" for job in self._jobs.values())
            if queued >= self.waiting:
                raise BusyError(f"{queued} jobs are waiting already; try again later", 30)
            self._have_thread()
            job = Job(secrets.token_hex(8), dict(about or {}), function, args)
            self._jobs[job.id] = job
            self._forget()
            self._more.notify()
        _stop(abandoned)
        return job

    def _have_thread(self) -> None:
        """The thread that runs jobs, also where an earlier one could not be started."""
        if self._thread is not None and self._thread.is_alive():
            return
        thread = threading.Thread(target=self._run, daemon=True, name="detente-jobs")
        try:
            thread.start()
        except RuntimeError as error:  # no thread is to be had
            log.warning("the jobs' thread cannot be started: %s", error)
            raise BusyError("the server cannot start a job now; try again later", 30) from None
        self._thread = thread

    def _give_up_unasked(self, more: bool = False) -> Work | None:
        """Give up jobs that nobody asks about any more where somebody waits behind them (``more``:
        somebody is about to); the running one's work is returned, to be stopped outside the lock.
        """
        now, running, behind = time.monotonic(), None, more
        pending = [j for j in self._jobs.values() if j.status in ("queued", "running")]
        for job in reversed(pending):
            if now - job.asked_at <= self.unasked:
                behind = True
            elif behind:
                if job.status == "running":
                    running = job.work
                job.status = "cancelled"
                job.error = f"given up: nobody asked about it for {self.unasked:g} s, others waited"
        return running

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
            found = self._jobs[job]
            found.asked_at = time.monotonic()
            abandoned = self._give_up_unasked()
        _stop(abandoned)
        return found

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
                job.status = "running"
            try:
                self._play(job)
            except Exception as error:  # this one fails, the next ones still have their turn
                log.warning("job %s (%s) failed: %s", job.id, job.about.get("question"), error)
                with self._lock:
                    if job.status == "running":
                        job.status, job.error = "failed", f"it could not be started: {error}"

    def _play(self, job: Job) -> None:
        work = Work(job.function, *job.args)  # not under the lock: it may take a while
        with self._lock:
            job.work = work
            wanted = job.status == "running" and not self._closed
        if not wanted:
            work.cancel()
        work.watch()
        with self._lock:
            if job.status == "running":
                job.status, job.error = work.status, work.error

    def _next(self) -> Job | None:
        return next((job for job in self._jobs.values() if job.status == "queued"), None)

    def _forget(self) -> None:
        ended = [j for j in self._jobs.values() if j.status not in ("queued", "running")]
        for job in ended[: max(len(ended) - self.kept, 0)]:
            del self._jobs[job.id]


def _stop(work: Work | None) -> None:
    if work is not None:  # ending a process may take a moment
        threading.Thread(target=work.cancel, daemon=True, name="detente-jobs-end").start()


def play_card(
    question: str, draws: int | None, seed: int, overrides: dict[str, str],
    progress: Callable[[int, int], None],
) -> dict[str, Any]:  # fmt: skip
    """Play a question and give its card in the common JSON shape."""
    from detente.cards import play
    from detente.report.card import card_json

    card = play(question, draws=draws, seed=seed, overrides=overrides, progress=progress)
    return card_json(card)

"""Every case of a card evaluated, over the cores of the machine, and kept as they come."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from detente.cards.draws import Value
from detente.cards.evaluate import Found, answer_at, settings_of
from detente.cards.journal import Journal
from detente.cards.question import Question, find_kind
from detente.cards.room import Room
from detente.memory import Kept
from detente.runs.workers import Workers, cores, let_go, workers
from detente.solve.threads import one_thread

__all__ = ["CHUNK", "Case", "Progress", "answers_to"]

CHUNK = 5
"""Draws sent to a worker at a time."""

Progress = Callable[[int, int], None]


class Case(NamedTuple):
    """Values of every parameter; the horizon set of a first year, or "" for the long run."""

    values: Mapping[str, Value]
    horizon: str = ""


def answers_to(
    q: Question, room: Room | None, cases: Sequence[Case], progress: Progress | None
) -> list[Found]:
    """One answer a case; those that an earlier run was stopped after are taken from it."""
    hashes = [w.hash for w in (room.world, room.whole) if w is not None] if room else []
    with Journal(cases, [q.kind, q.settings, *hashes]) as journal:
        _fill(q, room, cases, journal, progress)
        return [journal.answers[i] for i in range(len(cases))]


def _fill(
    q: Question, room: Room | None, cases: Sequence[Case], journal: Journal,
    progress: Progress | None,
) -> None:  # fmt: skip
    """The cases that have no answer yet; this process takes chunks from the end while a worker
    takes the rest."""
    todo = [i for i in range(len(cases)) if i not in journal.answers]
    chunks = [todo[i : i + CHUNK] for i in range(0, len(todo), CHUNK)]
    kind, settings = find_kind(q.kind, q.id), settings_of(q)

    def put(chunk: Sequence[int], found: Sequence[Found]) -> None:
        journal.add(chunk, found)
        if progress is not None:
            progress(len(journal.answers), len(cases))

    def here(chunk: Sequence[int]) -> None:
        put(chunk, [answer_at(kind, settings, room, *cases[i]) for i in chunk])

    helpers = cores() - 1 if room is not None and len(todo) >= 40 else 0
    if not helpers:
        for chunk in chunks:
            here(chunk)
        return
    assert room is not None
    pool: Workers = workers(helpers)
    key = f"card {room.world.hash}"
    pool.first(key, _keep, key, pickle.dumps(room.world, pickle.HIGHEST_PROTOCOL))
    futures = [
        pool.submit(_remote, key, q.kind, q.settings, [cases[i] for i in chunk]) for chunk in chunks
    ]
    with let_go(pool, futures):
        for chunk, future in reversed(list(zip(chunks, futures, strict=True))):
            if future.cancel():
                here(chunk)
        for chunk, future in zip(chunks, futures, strict=True):
            if not future.cancelled():
                put(chunk, future.result())


_kept: Kept[str, Room] = Kept(8)


def _keep(key: str, load: bytes) -> None:
    """Unpack a world in a worker and keep it for the tasks to come."""
    if key not in _kept:
        _kept[key] = Room(pickle.loads(load))


@one_thread
def _remote(
    key: str, kind_name: str, settings: Mapping[str, Any], cases: Sequence[Case]
) -> list[Found]:
    kind = find_kind(kind_name, kind_name)
    given = kind.settings.model_validate(settings)
    return [answer_at(kind, given, _kept[key], *case) for case in cases]

"""A question played: draws, verdicts, what drives them, what flips them; a frozen card."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from detente.cards.draws import Prior, Value, draw, point
from detente.cards.evaluate import Found, answer_at, room_of, settings_of
from detente.cards.journal import Journal
from detente.cards.kind import Answer, Kind, Parameter, span, the, with_unit
from detente.cards.question import (
    LEAST_DRAWS,
    MOST_DRAWS,
    Question,
    find_kind,
    load_question,
)
from detente.cards.room import Room
from detente.cards.sensitivity import METHOD, drivers
from detente.errors import InputError
from detente.memory import Kept
from detente.models.blocks import Array
from detente.runs.workers import Workers, cores, let_go, workers
from detente.solve.threads import one_thread
from detente.world import World

__all__ = ["FAILED", "MOST_FAILED", "Card", "play", "strength"]

FAILED = "failed"

MOST_FAILED = 0.01
"""Share of draws that may fail; above it the card refuses a verdict."""

GRID = 6
"""Values of each parameter tried for the nearest flip."""

CHUNK = 5
"""Draws sent to a worker at a time."""

SHARES = (
    "A share counts draws from the ranges stated, it is not the chance of an event; its 95% "
    "interval is the sampling error of this many draws, and says nothing of ranges that are wrong."
)

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Card:
    """An answer card.

    Attributes
    ----------
    question : as played, overrides applied
    seed, draws : what makes the card again
    status : "ok", or "refused" where more than 1% of the draws failed
    verdict : text made from thresholds only
    distribution : one row a possible verdict: share of the draws, 95% interval, what it says
    numbers : one row a number: point, mean, quantiles over the draws
    drivers : one row a parameter that varies, most influential first; ``method`` says how
    flips : one row a parameter: the nearest value that changes the point verdict, if any
    point_verdict : the verdict with every parameter at its point
    samples : one row a draw: parameters, verdict, numbers
    tables : the tables behind the card, by name
    specs : what each parameter is, with its unit
    failed, reasons : draws that failed to solve, and their messages
    notes : what the machinery assumed
    """

    question: Question
    seed: int
    draws: int
    status: str
    verdict: str
    distribution: pd.DataFrame
    numbers: pd.DataFrame
    drivers: pd.DataFrame
    flips: pd.DataFrame
    point_verdict: str
    samples: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    specs: Mapping[str, Parameter]
    failed: int
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    provenance: Mapping[str, Any]
    method: str = METHOD

    @property
    def nearest_flip(self) -> str:
        """The nearest flip in a sentence."""
        says = self.says
        point = says.get(self.point_verdict, self.point_verdict)
        found = self.flips[self.flips["flips"]]
        if not len(found):
            return (
                f"With every parameter at its point, {point}; no single parameter changes that "
                "within its range."
            )
        row = found.iloc[0]
        spec = self.specs[row["parameter"]]
        move = span(spec, row["point"], row["at"])
        return (
            f"With every parameter at its point, {point}. The smallest change that flips it, "
            f"measured against each range: {spec.about}, {move}; then {says[row['to']]}."
        )

    @property
    def says(self) -> dict[str, str]:
        """Every verdict in words, by label."""
        d = self.distribution
        return dict(zip(d["verdict"], d["says"], strict=True))


@one_thread
def play(
    question: str | Path | Question,
    *,
    draws: int | None = None,
    seed: int = 1,
    overrides: Mapping[str, str] | None = None,
    world: World | None = None,
    progress: Progress | None = None,
) -> Card:
    """Answer a question with its distribution over draws.

    Parameters
    ----------
    question : a shipped name, a YAML file, or a question already read
    draws : how many; by default what the question says (500)
    seed : same seed, same card
    overrides : ``path=value`` changes of the file
    world : another world than the one the question names

    Raises
    ------
    InputError
        An unknown name or a broken file; fewer than 2 draws.
    """
    q = question if isinstance(question, Question) else load_question(question, overrides)
    if isinstance(question, Question) and overrides:
        raise InputError("play: overrides change a file; this question has been read already")
    count = q.draws if draws is None else draws
    if not LEAST_DRAWS <= count <= MOST_DRAWS:
        raise InputError(f"draws: {count}; from {LEAST_DRAWS} to {MOST_DRAWS:,}")
    if seed < 0:
        raise InputError(f"seed: {seed}; zero or above")
    kind, settings = find_kind(q.kind, q.id), settings_of(q)
    about = kind.about(settings, q.parameters)
    room = room_of(q, world) if kind.modelled else None
    table = draw(q.parameters, count, seed)
    rows = [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]
    centre = point(q.parameters)
    probes = _probes(q.parameters, centre)
    found = _evaluate(q, room, [centre, *rows, *(p for _, _, p in probes)], progress)
    middle, answers, tried = found[0], found[1 : count + 1], found[count + 1 :]

    verdicts = [a.verdict if isinstance(a, Answer) else FAILED for a in answers]
    reasons = tuple(a for a in answers if isinstance(a, str))
    values = {
        name: [a.numbers.get(name, np.nan) if isinstance(a, Answer) else np.nan for a in answers]
        for name in about
    }
    samples = table.assign(verdict=verdicts, **values)
    samples.insert(0, "draw", range(count))
    good = samples[samples["verdict"] != FAILED].reset_index(drop=True)
    refused = len(reasons) > MOST_FAILED * count or isinstance(middle, str)
    distribution = _distribution(kind.says(settings, q.parameters), verdicts)
    specs = {name: kind.parameters[name] for name in q.parameters}
    leader = str(distribution.iloc[0]["verdict"])
    named = middle.verdict if isinstance(middle, Answer) else FAILED
    return Card(
        question=q,
        seed=seed,
        draws=count,
        status="refused" if refused else "ok",
        verdict=_refusal(len(reasons), count, reasons, middle)
        if refused
        else _verdict(kind, q, distribution, good, count),
        distribution=distribution,
        numbers=_numbers(about, good, middle),
        drivers=_named(
            drivers(
                good[list(q.parameters)],
                q.parameters,
                _outcomes(kind, good),
                [v == leader for v in good["verdict"]],
            ),
            specs,
        ),
        flips=_named(_flips(q, room, kind, centre, named, probes, tried), specs),
        point_verdict=named,
        samples=samples,
        tables={} if refused else kind.tables(settings, room, centre, good),
        specs=specs,
        method=_method(kind, good, about),
        failed=len(reasons),
        reasons=tuple(dict.fromkeys(reasons)),
        notes=(*kind.notes, *_notes(q, room), SHARES),
        provenance=_provenance(q, room, seed, count),
    )


def strength(share: float) -> str:
    """The word for a share of draws."""
    for least, word in ((0.95, "Firm"), (2 / 3, "Likely"), (0.5, "More likely than not")):
        if share >= least:
            return word
    return "Open"


# --- evaluating -----------------------------------------------------------------------------------
def _evaluate(
    q: Question, room: Room | None, rows: Sequence[Mapping[str, Value]], progress: Progress | None
) -> list[Found]:
    """One answer a row; those that an earlier run was stopped after are taken from it."""
    hashes = [w.hash for w in (room.world, room.whole) if w is not None] if room else []
    with Journal(rows, [q.kind, q.settings, *hashes]) as journal:
        _fill(q, room, rows, journal, progress)
        return [journal.answers[i] for i in range(len(rows))]


def _fill(
    q: Question, room: Room | None, rows: Sequence[Mapping[str, Value]], journal: Journal,
    progress: Progress | None,
) -> None:  # fmt: skip
    """The rows that have no answer yet; this process takes chunks from the end while a worker
    takes the rest."""
    todo = [i for i in range(len(rows)) if i not in journal.answers]
    chunks = [todo[i : i + CHUNK] for i in range(0, len(todo), CHUNK)]
    kind, settings = find_kind(q.kind, q.id), settings_of(q)

    def put(chunk: Sequence[int], found: Sequence[Found]) -> None:
        journal.add(chunk, found)
        if progress is not None:
            progress(len(journal.answers), len(rows))

    def here(chunk: Sequence[int]) -> None:
        put(chunk, [answer_at(kind, settings, room, rows[i]) for i in chunk])

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
        pool.submit(_remote, key, q.kind, q.settings, [rows[i] for i in chunk]) for chunk in chunks
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
    key: str, kind_name: str, settings: Mapping[str, Any], rows: Sequence[Mapping[str, Value]]
) -> list[Found]:
    kind = find_kind(kind_name, kind_name)
    given = kind.settings.model_validate(settings)
    return [answer_at(kind, given, _kept[key], row) for row in rows]


# --- flips ----------------------------------------------------------------------------------------
Probe = tuple[str, Value, dict[str, Value]]


def _probes(priors: Mapping[str, Prior], centre: Mapping[str, Value]) -> list[Probe]:
    """One parameter at a time over its range, the others at their points."""
    out: list[Probe] = []
    for name, prior in priors.items():
        if prior.fixed:
            continue
        values = (
            prior.choices
            if prior.choices is not None
            else [prior.at(float(u)) for u in np.linspace(0.0, 1.0, GRID)]
        )
        out += [(name, v, {**centre, name: v}) for v in values if v != centre[name]]
    return out


def _flips(
    q: Question, room: Room | None, kind: Kind, centre: Mapping[str, Value], named: str,
    probes: Sequence[Probe], tried: Sequence[Found],
) -> pd.DataFrame:  # fmt: skip
    """The smallest change of each parameter that changes the point verdict."""
    settings = settings_of(q)
    rows = []
    for name, prior in q.parameters.items():
        mine = [
            (value, a.verdict)
            for (which, value, _), a in zip(probes, tried, strict=True)
            if which == name and isinstance(a, Answer)
        ]
        if prior.fixed:
            continue
        other = [(v, label) for v, label in mine if label != named]
        row: dict[str, Any] = {
            "parameter": name, "flips": bool(other), "point": _show(centre[name]),
            "at": "", "to": "", "moved": np.nan, "range": prior.text,
        }  # fmt: skip
        if other and prior.choices is not None:
            at, label = other[0]
            row |= {"at": _show(at), "to": label, "moved": 1.0}
        elif other:
            start = prior.share(centre[name])
            at, label = min(other, key=lambda x: abs(prior.share(x[0]) - start))
            near, far = start, prior.share(at)
            for _ in range(4):
                middle = 0.5 * (near + far)
                value = prior.at(middle)
                a = answer_at(kind, settings, room, {**centre, name: value})
                if isinstance(a, Answer) and a.verdict != named:
                    far, at, label = middle, value, a.verdict
                else:
                    near = middle
            row |= {"at": _show(at), "to": label, "moved": abs(far - start)}
        rows.append(row)
    columns = ["parameter", "flips", "point", "at", "to", "moved", "range"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["flips"] = frame["flips"].astype(bool)
    return frame.sort_values("moved", kind="stable", na_position="last", ignore_index=True)


def _named(frame: pd.DataFrame, specs: Mapping[str, Parameter]) -> pd.DataFrame:
    """The frame with each parameter in words, with its unit."""
    out = frame.copy()
    out.insert(1, "about", [with_unit(specs[name]) for name in frame["parameter"]])
    return out


def _show(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


# --- summing up -----------------------------------------------------------------------------------
def _distribution(texts: Mapping[str, str], verdicts: Sequence[str]) -> pd.DataFrame:
    """Every possible verdict with its share; shares, failed draws included, sum to one."""
    n = len(verdicts)
    labels = {**texts, FAILED: "the draw could not be solved"}
    rows = []
    for label, says in labels.items():
        hits = sum(v == label for v in verdicts)
        low, high = _wilson(hits, n)
        rows.append(
            {"verdict": label, "share": hits / n, "low": low, "high": high, "draws": hits,
             "says": says}
        )  # fmt: skip
    frame = pd.DataFrame(rows)
    fails = frame["verdict"] == FAILED
    frame = pd.concat(
        [
            frame[~fails].sort_values("share", ascending=False, kind="stable"),
            frame[fails & (frame["draws"] > 0)],
        ],
        ignore_index=True,
    )
    unknown = set(verdicts) - set(labels)
    assert not unknown, f"verdicts without a meaning: {unknown}"
    return frame


def _wilson(hits: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """95% interval of a share (Wilson 1927), Monte Carlo error only."""
    p = hits / n
    centre, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)
    return float(max(low, 0.0)), float(min(high, 1.0))


def _numbers(texts: Mapping[str, str], good: pd.DataFrame, middle: Found) -> pd.DataFrame:
    rows = []
    for name, about in texts.items():
        x = good[name].to_numpy(dtype=float)
        x = x[~np.isnan(x)]
        q05, q50, q95 = np.quantile(x, [0.05, 0.5, 0.95]) if len(x) else (np.nan,) * 3
        at = middle.numbers.get(name, np.nan) if isinstance(middle, Answer) else np.nan
        rows.append(
            {"number": name, "point": float(at), "p05": float(q05), "median": float(q50),
             "p95": float(q95), "draws": len(x), "about": about}
        )  # fmt: skip
    return pd.DataFrame(rows)


def _outcomes(kind: Kind, good: pd.DataFrame) -> Array:
    """Indicators of the verdicts, or the main number where all draws agree."""
    labels = sorted(set(good["verdict"]))
    if len(labels) > 1:
        return np.stack([(good["verdict"] == v).to_numpy(float) for v in labels], axis=1)
    main = good[kind.main].to_numpy(dtype=float)
    if np.isnan(main).all():
        return np.zeros(len(main))
    return np.where(np.isnan(main), np.nanmean(main), main)


def _method(kind: Kind, good: pd.DataFrame, about: Mapping[str, str]) -> str:
    """What the shares of variance are of."""
    if good["verdict"].nunique() > 1:
        return METHOD
    return f"{METHOD}; every draw has the same verdict, so it is of a number: {about[kind.main]}"


def _verdict(
    kind: Kind, q: Question, distribution: pd.DataFrame, good: pd.DataFrame, count: int
) -> str:
    first = distribution.iloc[0]
    word = strength(first["share"])
    open_ = "no answer holds in half of the draws; most often " if word == "Open" else ""
    text = (
        f"{word}: {open_}{first['says']}, in {_percent(first['share'])} of {count} draws "
        f"(95% sampling interval {_percent(first['low'])} to {_percent(first['high'])})."
    )
    rest = distribution.iloc[1:]
    rest = rest[rest["share"] > 0]
    if len(rest):
        others = "; ".join(f"{r['says']} in {_percent(r['share'])}" for _, r in rest.iterrows())
        text += f" In the other draws: {others}."
    return " ".join([text, *kind.remarks(settings_of(q), good)])


def _refusal(failed: int, count: int, reasons: Sequence[str], middle: Found) -> str:
    if isinstance(middle, str):
        return f"No verdict: the point case could not be solved ({middle})."
    return (
        f"No verdict: {failed} of {count} draws ({_percent(failed / count)}) failed to solve, "
        f"more than {_percent(MOST_FAILED)}. The first: {reasons[0]}"
    )


def _percent(share: float) -> str:
    share = round(share, 9)
    return f"{100 * share:.1f}%" if 0 < share < 0.1 or 0.9 < share < 1 else f"{100 * share:.0f}%"


def _notes(q: Question, room: Room | None) -> tuple[str, ...]:
    if room is None:
        return ()
    merged = {"EU27": "the EU", "ROW": "the rest of the world"}
    names = ", ".join(merged.get(c) or the(c) for c in room.world.countries)
    note = f"The draws are solved on {q.world.name} merged to {names}; {len(room.world.sectors)} "
    note += "sectors; deficits fixed; long-run comparison of two equilibria, no time path."
    if room.whole is not None:
        note += f" The point case is solved on all {len(room.whole.countries)} countries as well."
    return (note,)


def _provenance(q: Question, room: Room | None, seed: int, count: int) -> dict[str, Any]:
    from detente.version import __version__

    out: dict[str, Any] = {"package": "detente", "version": __version__, "question": q.id,
                           "kind": q.kind, "seed": seed, "draws": count}  # fmt: skip
    if room is not None:
        out |= {"world": room.world.name, "world_hash": room.world.hash}
    return out

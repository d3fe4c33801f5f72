"""A question played: draws, verdicts, what drives them, what flips them; a frozen card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from detente.cards.cases import Case, Progress, answers_to
from detente.cards.draws import draw, point
from detente.cards.evaluate import Found, answer_at, room_of, settings_of
from detente.cards.flips import flips, probes
from detente.cards.happened import happened
from detente.cards.kind import Answer, Kind, Parameter, the, with_unit
from detente.cards.question import (
    LEAST_DRAWS,
    MOST_DRAWS,
    Question,
    find_kind,
    load_question,
)
from detente.cards.room import Room
from detente.cards.sensitivity import METHOD, drivers
from detente.cards.verdict import (
    FAILED,
    Decisive,
    decided,
    decisive,
    distribution,
    nearest_flip,
    percent,
    soon,
    verdict_text,
)
from detente.errors import InputError
from detente.models.blocks import Array
from detente.solve.threads import one_thread
from detente.world import World
from detente.world.horizons import horizon_record

__all__ = ["FAILED", "MOST_FAILED", "Card", "play"]

MOST_FAILED = 0.01
"""Share of draws that may fail; above it the card refuses a verdict."""

EARLY = 4
"""The first year is drawn for one draw in so many."""

SHARES = (
    "A share counts draws from the ranges stated, it is not the chance of an event; its 95% "
    "interval is the sampling error of this many draws, and says nothing of ranges that are wrong."
)


@dataclass(frozen=True, eq=False)
class Card:
    """An answer card.

    Attributes
    ----------
    question : as played, overrides applied
    seed, draws : what makes the card again
    status : "ok", or "refused" where more than 1% of the draws failed
    verdict : text made from thresholds only; it names the parameter that decides
    decisive : that parameter, and the verdict met most often at its low and high end, if any
    happened : one row an event of the ledger since: date, what_happened, source, record
    first_year : the distribution one year after the change, over the first draws; empty where no
        model is solved
    horizons : one row a number: point and median one year after and in the long run, over the
        same draws; likewise
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
    decisive: Decisive | None
    happened: pd.DataFrame
    first_year: pd.DataFrame
    horizons: pd.DataFrame
    provenance: Mapping[str, Any]
    method: str = METHOD

    @property
    def nearest_flip(self) -> str:
        """The nearest flip in a sentence."""
        return nearest_flip(self.point_verdict, self.flips, self.specs, self.says)

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
    since = happened(q)
    room = room_of(q, world) if kind.modelled else None
    table = draw(q.parameters, count, seed)
    rows = [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]
    centre = point(q.parameters)
    tries = probes(q.parameters, centre)
    at_once = [Case(row) for row in [centre, *rows, *(values for _, _, values in tries)]]
    soon_rows = [centre, *rows[: max(count // EARLY, 2)]] if room is not None else []
    later = [Case(row, q.world.horizon) for row in soon_rows]
    found = answers_to(q, room, [*at_once, *later], progress)
    middle, answers, tried = found[0], found[1 : count + 1], found[count + 1 : len(at_once)]
    early = found[len(at_once) :]

    reasons = tuple(a for a in answers if isinstance(a, str))
    samples = _samples(table, answers, about)
    good = samples[samples["verdict"] != FAILED].reset_index(drop=True)
    refused = len(reasons) > MOST_FAILED * count or isinstance(middle, str)
    says = kind.says(settings, q.parameters)
    shares = distribution(says, list(samples["verdict"]))
    specs = {name: kind.parameters[name] for name in q.parameters}
    leader = str(shares.iloc[0]["verdict"])
    named = middle.verdict if isinstance(middle, Answer) else FAILED
    ranked = drivers(
        good[list(q.parameters)], q.parameters, _outcomes(kind, good),
        [v == leader for v in good["verdict"]],
    )  # fmt: skip
    flipped = flips(
        q.parameters, centre, named, list(zip(tries, tried, strict=True)),
        lambda values: answer_at(kind, settings, room, values),
    )  # fmt: skip
    key = decisive(good, q.parameters, ranked)
    first = distribution(says, [_label(a) for a in early[1:]]) if early else pd.DataFrame()
    parts = [verdict_text(shares, count, room is not None)]
    words = {**says, FAILED: "no answer"}
    horizons = _horizons(about, early, [middle, *answers])
    parts.append(decided(key, good, specs, q.parameters, words, ranked, about[kind.main]))
    parts.append(nearest_flip(named, flipped, specs, words, key.parameter if key else None))
    if early:
        told = horizons[horizons["number"].isin(kind.told or (kind.main,))]
        same = [_label(a) == _label(b) for a, b in zip(early[1:], answers, strict=False)]
        parts.append(soon(first, len(same), float(np.mean(same)), told))
    return Card(
        question=q,
        seed=seed,
        draws=count,
        status="refused" if refused else "ok",
        verdict=_refusal(len(reasons), count, reasons, middle)
        if refused
        else " ".join([*parts, *kind.remarks(settings, good)]),
        distribution=shares,
        numbers=_numbers(about, good, middle),
        drivers=_named(ranked, specs),
        flips=_named(flipped, specs),
        point_verdict=named,
        samples=samples,
        tables={} if refused else kind.tables(settings, room, centre, good),
        specs=specs,
        method=_method(kind, good, about),
        failed=len(reasons),
        reasons=tuple(dict.fromkeys(reasons)),
        notes=(*kind.notes, *_notes(q, kind, room), SHARES),
        decisive=key,
        happened=since,
        first_year=first,
        horizons=horizons,
        provenance=_provenance(q, room, seed, count),
    )


# --- summing up -----------------------------------------------------------------------------------
def _label(answer: Found) -> str:
    return answer.verdict if isinstance(answer, Answer) else FAILED


def _samples(
    table: pd.DataFrame, answers: Sequence[Found], about: Mapping[str, str]
) -> pd.DataFrame:  # fmt: skip
    """One row a draw: its number, parameters, verdict, numbers."""
    values = {
        name: [a.numbers.get(name, np.nan) if isinstance(a, Answer) else np.nan for a in answers]
        for name in about
    }
    samples = table.assign(verdict=[_label(a) for a in answers], **values)
    samples.insert(0, "draw", range(len(answers)))
    return samples


def _horizons(
    texts: Mapping[str, str], early: Sequence[Found], late: Sequence[Found]
) -> pd.DataFrame:
    """Each number one year after and in the long run: at the points, and its median over the draws
    that have both. The first of ``early`` and ``late`` is the point."""
    rows: list[dict[str, Any]] = []
    for name, about in texts.items() if early else ():
        pairs = [
            (a.numbers.get(name, np.nan), b.numbers.get(name, np.nan))
            for a, b in zip(early, late, strict=False)
            if isinstance(a, Answer) and isinstance(b, Answer)
        ]
        both = np.array(pairs[1:], dtype=float).reshape(-1, 2)
        both = both[~np.isnan(both).any(axis=1)]
        middle = np.median(both, axis=0) if len(both) else (np.nan, np.nan)
        point_ = [
            a[0].numbers.get(name, np.nan) if isinstance(a[0], Answer) else np.nan
            for a in (early, late)
        ]
        rows.append(
            {
                "number": name, "about": about, "one_year_point": float(point_[0]),
                "long_run_point": float(point_[1]), "one_year_median": float(middle[0]),
                "long_run_median": float(middle[1]), "draws": len(both),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _named(frame: pd.DataFrame, specs: Mapping[str, Parameter]) -> pd.DataFrame:
    """The frame with each parameter in words, with its unit."""
    out = frame.copy()
    out.insert(1, "about", [with_unit(specs[name]) for name in frame["parameter"]])
    return out


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


def _refusal(failed: int, count: int, reasons: Sequence[str], middle: Found) -> str:
    if isinstance(middle, str):
        return f"No verdict: the point case could not be solved ({middle})."
    return (
        f"No verdict: {failed} of {count} draws ({percent(failed / count)}) failed to solve, "
        f"more than {percent(MOST_FAILED)}. The first: {reasons[0]}"
    )


def _notes(q: Question, kind: Kind, room: Room | None) -> tuple[str, ...]:
    if room is None:
        return ()
    merged = {"EU27": "the EU", "ROW": "the rest of the world"}
    names = ", ".join(merged.get(c) or the(c) for c in room.world.countries)
    note = f"The draws are solved on {q.world.name} merged to {names}; {len(room.world.sectors)} "
    note += "sectors; deficits fixed. The long run compares two equilibria; one year after, "
    note += f"{kind.first_year or _pace(q.world.horizon)}; this is drawn for one draw in {EARLY}."
    if room.whole is not None:
        note += f" The point case is solved on all {len(room.whole.countries)} countries as well."
    return (note,)


def _pace(horizon: str) -> str:
    record = horizon_record(horizon)
    return (
        f"only {percent(record.zeta)} of goods have a newly chosen supplier (staggered sourcing, "
        f"{record.title})"
    )


def _provenance(q: Question, room: Room | None, seed: int, count: int) -> dict[str, Any]:
    from detente.version import __version__

    out: dict[str, Any] = {"package": "detente", "version": __version__, "question": q.id,
                           "kind": q.kind, "seed": seed, "draws": count}  # fmt: skip
    if room is not None:
        out |= {"world": room.world.name, "world_hash": room.world.hash,
                "horizon": q.world.horizon}  # fmt: skip
    return out

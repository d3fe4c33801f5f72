"""Plain data behind the question pages; the function that workers run."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from detente.cards import Question, evaluate, load_question, question_names
from detente.cards.happened import day_in_words, happened
from detente.cards.kind import Kind
from detente.cards.question import find_kind
from detente.cards.room import TOL
from detente.errors import UnknownNameError
from detente.version import __version__
from detente.web.views import safe_link
from detente.world.horizons import horizon_record
from detente.world.theta import theta_record, theta_sets

__all__ = [
    "find_question",
    "parameter_rows",
    "point_view",
    "question_view",
    "questions_view",
    "read_values",
]

Value = float | str


def point_view(name: str, values: Mapping[str, Value]) -> dict[str, Any]:
    """The verdict of a shipped question at some values, with the numbers behind it.

    Runs in a worker. Raises what :func:`detente.cards.evaluate` raises.
    """
    begun = time.perf_counter()
    found = evaluate(name, values)
    return {
        "meta": {
            "question": found.question, "version": __version__,
            "verdict": found.verdict, "says": found.says,
            "first_year": found.first_year, "values": dict(found.values),
            "seconds": round(time.perf_counter() - begun, 4),
        },
        "rows": [
            {"number": k, "about": found.about[k], "value": None if math.isnan(x) else float(x)}
            for k, x in found.numbers.items()
        ],
    }  # fmt: skip


def find_question(name: str) -> Question:
    """A shipped question. Raises UnknownNameError; a path is no name of a question here."""
    if name not in question_names():
        raise UnknownNameError.of("question", name, question_names())
    return load_question(name)


def questions_view() -> dict[str, Any]:
    """The shipped questions."""
    found = [load_question(name) for name in question_names()]
    return {
        "meta": {"version": __version__},
        "rows": [
            {
                "question": q.id, "title": q.title, "asked": q.asked, "outlet": q.article.outlet,
                "date": q.article.date,
                "drawn": sum(not p.fixed for p in q.parameters.values()),
                "url": f"/questions/{q.id}",
            }
            for q in found
        ],
    }  # fmt: skip


def question_view(q: Question) -> dict[str, Any]:
    """A question: what was asked and where, its parameters, what it assumes and leaves out."""
    kind = find_kind(q.kind, q.id)
    a = q.article
    return {
        "meta": {
            "question": q.id, "kind": q.kind, "title": q.title, "asked": q.asked,
            "article": {"outlet": a.outlet, "title": a.title, "date": a.date, "says": a.says,
                        "note": a.note},
            "happened": _events(q),
            "draws": q.draws, "settings": q.settings,
            "world": q.world.name if kind.modelled else "", "countries": q.world.countries,
            "horizon": _pace(q, kind) if kind.modelled else "",
            "tolerance": TOL if kind.modelled else None,
            "assumptions": q.assumptions, "outside": q.outside, "notes": list(kind.notes),
            "sources": [{**s.model_dump(), "url": safe_link(s.url)} for s in q.sources],
            "version": __version__,
        },
        "rows": parameter_rows(q),
    }  # fmt: skip


def _events(q: Question) -> list[dict[str, str]]:
    """What happened since, earliest first."""
    rows = happened(q).to_dict("records")
    return [
        {**{str(k): str(x) for k, x in row.items()}, "day": day_in_words(str(row["date"]))}
        for row in rows
    ]


def _pace(q: Question, kind: Kind) -> str:
    """How a first year is told, in words."""
    return kind.first_year or f"a first year at the pace of {horizon_record(q.world.horizon).title}"


def parameter_rows(q: Question) -> list[dict[str, Any]]:
    """One row a parameter, with what a slider may be set to.

    A parameter with one value in the question may be moved as far as makes sense at all.
    """
    kind = find_kind(q.kind, q.id)
    rows = []
    for name, prior in q.parameters.items():
        spec = kind.parameters[name]
        choices: list[Value] = []
        low = high = None
        if spec.names is not None:
            choices = list(prior.choices or (spec.names if prior.fixed else ()) or [prior.centre])
        elif prior.choices is not None:
            low, high = (float(f(float(c) for c in prior.choices)) for f in (min, max))
        elif prior.low is not None and prior.low != prior.high:
            low, high = prior.low, prior.high
        else:
            low, high = spec.lowest, spec.highest
        rows.append(
            {
                "parameter": name, "about": spec.about, "unit": spec.unit,
                "source": prior.source, "drawn_from": prior.text, "point": prior.centre,
                "low": low, "high": high, "log": prior.log, "choices": choices,
                "labels": {str(c): _label(name, str(c)) for c in choices}, "fixed": prior.fixed,
            }
        )  # fmt: skip
    return rows


def _label(parameter: str, choice: str) -> str:
    """A choice in words: a set of elasticities by its title."""
    if parameter == "elasticities" and choice in theta_sets():
        return f"{choice}: {theta_record(choice).title}"
    return choice


def read_values(q: Question, given: Mapping[str, str]) -> tuple[dict[str, Value], dict[str, str]]:
    """Values written in an address, as numbers where the parameter is one; and what is wrong."""
    kind, values, errors = find_kind(q.kind, q.id), dict[str, Value](), dict[str, str]()
    for name, text in given.items():
        if name not in q.parameters or not text.strip():
            continue
        if kind.parameters[name].names is not None:
            values[name] = text.strip()
            continue
        try:
            values[name] = float(text)
        except ValueError:
            errors[name] = f"{text!r} is not a number"
    return values, errors

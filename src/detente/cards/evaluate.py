"""One point of a question: its verdict and numbers at given values of the parameters."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from detente.cards.draws import Value, point
from detente.cards.kind import Answer, Kind
from detente.cards.question import Question, find_kind, load_question
from detente.cards.room import Room
from detente.errors import ConvergenceError, InputError, NoSolutionError, UnknownNameError
from detente.solve.threads import one_thread
from detente.world import World, load_world

__all__ = ["Found", "PointVerdict", "answer_at", "evaluate", "room_of", "settings_of"]

Found = Answer | str
"""An answer, or why a draw has none."""

ROOMS = 8
"""Rooms kept between calls: one for each choice of countries."""


@dataclass(frozen=True)
class PointVerdict:
    """A question answered at one point.

    Attributes
    ----------
    values : every parameter, those not given at their points
    verdict, says : the label and its words
    numbers : the numbers behind it; ``about`` says what each is
    first_year : the words of the verdict one year after; "" where no model is solved
    """

    question: str
    values: Mapping[str, Value]
    verdict: str
    says: str
    numbers: Mapping[str, float]
    about: Mapping[str, str]
    first_year: str = ""


@one_thread
def evaluate(
    question: str | Question, values: Mapping[str, Value] | None = None, room: Room | None = None
) -> PointVerdict:
    """The verdict of a question at some values of its parameters, in milliseconds.

    Parameters
    ----------
    question : a shipped name, a YAML file, or a question already read
    values : by parameter; those left out stay at their points
    room : the question's world made ready; by default one that is kept between calls

    Raises
    ------
    UnknownNameError
        A parameter, or a name as a value, that the kind does not know.
    InputError
        A value outside what makes sense.
    ConvergenceError, NoSolutionError
        The model has no answer there.
    """
    q = question if isinstance(question, Question) else load_question(question)
    kind, settings = find_kind(q.kind, q.id), settings_of(q)
    at = {**point(q.parameters), **_checked(q, kind, values or {})}
    where = room or (_kept(q) if kind.modelled else None)
    found, about = kind.evaluate(settings, where, at), kind.about(settings, q.parameters)
    says, early = kind.says(settings, q.parameters), ""
    if where is not None:
        soon = answer_at(kind, settings, where, at, q.world.horizon)
        early = says[soon.verdict] if isinstance(soon, Answer) else "there is no answer"
    return PointVerdict(
        q.id, at, found.verdict, says[found.verdict],
        {name: found.numbers[name] for name in about if name in found.numbers}, about, early,
    )  # fmt: skip


def settings_of(q: Question) -> Any:
    """The settings of a question as its kind reads them."""
    return find_kind(q.kind, q.id).settings.model_validate(q.settings)


def room_of(q: Question, world: World | None = None) -> Room:
    """The world of a question: its countries by themselves, the EU and the rest merged."""
    whole = world if world is not None else load_world(q.world.name)
    keep = whole.country_list(q.world.countries, f"{q.id}: world.countries")
    if set(keep) >= set(whole.countries):
        return Room(whole, whole if q.world.full_check else None, horizon=q.world.horizon)
    merged: dict[str, list[str]] = {}
    if "DEU" in whole.countries and not set(keep) & set(whole.country_list("EU27")):
        merged["EU27"] = [c for c in whole.country_list("EU27") if c != "ROW"]
    taken = set(keep) | set(merged.get("EU27", []))
    merged["ROW"] = [c for c in whole.countries if c not in taken]
    small = whole.aggregate(countries=merged)
    return Room(small, whole if q.world.full_check else None, horizon=q.world.horizon)


def answer_at(
    kind: Kind, settings: Any, room: Room | None, values: Mapping[str, Value], horizon: str = ""
) -> Found:
    """The answer at ``values``, or why there is none; ``horizon`` names the horizon set of an
    answer for the first year, "" is the long run."""
    there = room.first_year(horizon) if room is not None and horizon else room
    try:
        return kind.evaluate(settings, there, values)
    except (ConvergenceError, NoSolutionError) as error:
        return f"{type(error).__name__}: {error}"


_rooms: OrderedDict[tuple[Any, ...], Room] = OrderedDict()


def _kept(q: Question) -> Room:
    key = (q.world.name, *q.world.countries, q.world.full_check, q.world.horizon)
    if key not in _rooms:
        while len(_rooms) >= ROOMS:
            _rooms.popitem(last=False)
        _rooms[key] = room_of(q)
    _rooms.move_to_end(key)
    return _rooms[key]


def _checked(q: Question, kind: Kind, values: Mapping[str, Value]) -> dict[str, Value]:
    """Values as the kind takes them: names it knows, numbers inside what makes sense."""
    out: dict[str, Value] = {}
    for name, value in values.items():
        if name not in q.parameters:
            raise UnknownNameError.of("parameter", name, q.parameters, q.id)
        spec, prior = kind.parameters[name], q.parameters[name]
        if spec.names is not None:
            known = list(spec.names) or [str(c) for c in prior.choices or [prior.centre]]
            if value not in known:
                raise UnknownNameError.of("value", value, known, name)
            out[name] = value
            continue
        if isinstance(value, str):
            raise InputError(f"{name}: {value!r} is not a number ({spec.unit})")
        low = spec.lowest if spec.lowest is not None else value
        high = spec.highest if spec.highest is not None else value
        if not low <= value <= high:  # also refuses what is not a number
            raise InputError(f"{name}: {value:g} is outside {low:g} to {high:g} ({spec.unit})")
        out[name] = float(value)
    return out

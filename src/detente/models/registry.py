"""The models there are, by name: the only list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detente.errors import InputError, UnknownNameError
from detente.models.caliendo_parro import CaliendoParro
from detente.models.labour_supply import LabourSupply
from detente.models.model import Model
from detente.models.monopolistic import Monopolistic
from detente.models.staggered import Staggered

__all__ = ["DEFAULT", "MODELS", "able", "model_of", "name_of", "parameter_hint", "refuse_unable"]

MODELS: dict[str, type[Model]] = {
    each.name: each for each in (CaliendoParro, Monopolistic, LabourSupply, Staggered)
}

DEFAULT = CaliendoParro.name


def model_of(given: str | Model | Mapping[str, Any], where: str = "model") -> Model:
    """A model from its name, from ``{"name": ..., parameters}``, or as it is.

    Raises
    ------
    UnknownNameError
        A model, or a parameter of one, that does not exist.
    InputError
        A parameter out of its range.
    """
    if isinstance(given, Model):
        return given
    settings: dict[str, Any] = {}
    name: Any = given
    if isinstance(given, Mapping):
        settings = dict(given)
        name = settings.pop("name", None)
        if name is None:
            raise UnknownNameError(
                f"{where}: name is missing; give it with the parameters, one of {', '.join(MODELS)}"
            )
    if not isinstance(name, str) or name not in MODELS:
        raise UnknownNameError.of("model", name, MODELS, where)
    kind = MODELS[name]
    known = getattr(kind, "__dataclass_fields__", {})
    for key in settings:
        if key not in known:
            hint = parameter_hint(str(key))
            if not known or hint:
                has = "no parameters" if not known else f"the parameters {', '.join(known)}"
                raise UnknownNameError(
                    f"{where}: {name} has {has}, so no {key!r}" + (f"; {hint}" if hint else "")
                )
            raise UnknownNameError.of(f"parameter of {name}", key, known, where)
    try:
        return kind(**settings)
    except InputError as error:
        raise type(error)(f"{where}: {error}") from None


def name_of(given: str | Model | Mapping[str, Any]) -> str:
    """The name of a model given in any of these ways."""
    if isinstance(given, Mapping):
        given = str(given.get("name"))
    return given if isinstance(given, str) else given.name


def able(task: str, name: str) -> list[str]:
    """The models that can do something: ``task`` is instrument, closure, variable or task."""
    return [m for m, kind in MODELS.items() if name in getattr(kind.abilities, f"{task}s")]


def refuse_unable(model: Model, task: str, name: str, where: str) -> None:
    """Refuse what a model does not support.

    ``task`` is "instrument", "closure", "variable" or "task"; ``name`` which of them.

    Raises
    ------
    InputError
        The model does not support it; the message names those that do.
    """
    if name in getattr(model.abilities, f"{task}s"):
        return
    others = able(task, name)
    who = f"{', '.join(others)} {'does' if len(others) == 1 else 'do'}" if others else "none does"
    what = {"instrument": "the instrument", "closure": "the deficit closure"}.get(task, "")
    text = f"{what} {name}".strip()
    raise InputError(f"{where}: the model {model.name} does not support {text}; {who}")


def parameter_hint(name: str) -> str:
    """Where a keyword is a parameter of some model: how to give it; otherwise ""."""
    having = [m for m, kind in MODELS.items() if name in getattr(kind, "__dataclass_fields__", {})]
    if not having:
        return ""
    return (
        f"it is a parameter of the model {', '.join(having)}: give it with the model, "
        f'model={{"name": "{having[0]}", "{name}": ...}}'
    )

"""Which flows of a world a change is on, and the numbers it gives for each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np

from detente.errors import InputError, RecordError, UnknownNameError
from detente.memory import Kept
from detente.policy.changes import ByFlow, Names, Numbers
from detente.world import World

__all__ = ["Places", "Said", "Scope", "goods", "numbers_of", "player_list", "scope_of"]

Array: TypeAlias = np.ndarray

Places: TypeAlias = tuple[Array, Array, Array]
"""Positions of (sector, importer, exporter) that index an array and broadcast to (J, P)."""


class Said(NamedTuple):
    """How the language that a change came from names it, for messages: where it stands, its words
    for the fields of :mod:`detente.policy.changes`, and what stands between."""

    where: str
    fields: Mapping[str, str] = {}
    between: str = ": "

    def field(self, name: str) -> str:
        """Place and field."""
        return f"{self.where}{self.between}{self.fields.get(name, name)}"


class Scope(NamedTuple):
    """J sectors of P pairs of different countries, imposer and target, as positions in a world.

    It holds no world, so that what is kept of it does not keep the world alive.

    Attributes
    ----------
    sectors : (J, 1)
    imposers, targets : (P,)
    """

    sectors: Array
    imposers: Array
    targets: Array

    @property
    def imports(self) -> Places:
        """What the imposers buy from the targets."""
        return self.sectors, self.imposers, self.targets

    @property
    def exports(self) -> Places:
        """What the imposers sell to the targets."""
        return self.sectors, self.targets, self.imposers


def numbers_of(world: World, scope: Scope, given: Numbers, where: str) -> float | Array:
    """``given`` as something that broadcasts to the scope's (J, P).

    Raises
    ------
    RecordError
        A flow that is in scope has no number.
    UnknownNameError
        A name the world does not hold.
    """
    if isinstance(given, ByFlow):
        return _by_flow(world, scope, given, where)
    if isinstance(given, Mapping):
        if given.keys() == {"default"}:
            return given["default"]
        return _by_target(world, scope, given, where)
    return given


def _by_target(world: World, scope: Scope, given: Mapping[str, float], where: str) -> Array:
    values: dict[str, float] = {}
    for name, value in given.items():
        if name == "default":
            continue
        single = name in world.countries
        for member in world.country_list(name, where):
            if single or member not in given:
                values[member] = value
    asked = [world.countries[i] for i in scope.targets]
    lacking = sorted({t for t in asked if t not in values})
    if lacking and "default" not in given:
        raise RecordError(f"{where}: {', '.join(lacking[:5])} has no value; add it or a default")
    return np.array([values.get(t, given.get("default", 0.0)) for t in asked])


def _by_flow(world: World, scope: Scope, given: ByFlow, where: str) -> Array:
    rows, sectors = given.rows, [world.sectors[j] for j in scope.sectors[:, 0]]
    targets, place = np.unique(scope.targets, return_inverse=True)
    asked = [world.countries[i] for i in targets]
    if all(who == "ALL" for _, who in rows):  # by sector
        asked, place = asked[:1], np.zeros(1, dtype=int)
    bloc = _bloc_members(world)
    found = np.empty((len(sectors), len(asked)))
    for j, sector in enumerate(sectors):
        for k, target in enumerate(asked):
            for key in (target, bloc.get(target, "ALL"), "ALL"):
                if (sector, key) in rows:
                    found[j, k] = rows[sector, key]
                    break
            else:
                raise RecordError(
                    f"{where}: {given.name} has no row for sector {sector}; add one for {target} "
                    "or for ALL, or narrow the sectors of the measure"
                )
    return found[:, place]


def _bloc_members(world: World) -> dict[str, str]:
    if not world.uses_iso3:
        return {}
    from detente.labels import group_members

    return dict.fromkeys(group_members("EU27"), "EU27")


_Key: TypeAlias = tuple[Names, Names, Names, Names | None, Names]

_scopes: WeakKeyDictionary[World, Kept[_Key, Scope]] = WeakKeyDictionary()


def scope_of(
    world: World, said: Said, imposer: Names, targets: Names, sectors: Names | None,
    except_targets: Names = (), except_sectors: Names = (),
) -> Scope:  # fmt: skip
    """The flows between ``imposer`` and ``targets`` in ``sectors`` (None: goods); kept, since games
    put the same change on thousands of times.

    Raises
    ------
    UnknownNameError
        A name the world does not hold.
    InputError
        No pair of different countries is left, or no sector.
    """
    key = (_held(imposer), _held(targets), _held(except_targets),
           None if sectors is None else _held(sectors), _held(except_sectors))  # fmt: skip
    held = _scopes.get(world)
    if held is None:
        held = _scopes[world] = Kept(4096)
    if key not in held:
        held[key] = _scope(world, said, key)
    return held[key]


def _scope(world: World, said: Said, key: _Key) -> Scope:
    imposer, targets, except_targets, sectors, except_sectors = key

    def countries(names: Names, field: str) -> list[str]:
        return world.country_list(names, said.field(field))

    imposers, all_targets = countries(imposer, "imposer"), countries(targets, "targets")
    spared = set(countries(except_targets, "except_targets"))
    pairs = [(a, b) for a in imposers for b in all_targets if b not in spared and a != b]
    found = goods(world) if sectors is None else world.sector_list(sectors, said.field("sectors"))
    if not found:
        raise InputError(f"{said.field('sectors')}: is empty; name a sector, or write all")
    left_out = world.sector_list(except_sectors, said.field("except_sectors"))
    found = [s for s in found if s not in left_out]
    if not found:
        raise InputError(
            f"{said.where}: no sector is left in its coverage; name fewer in except_sectors"
        )
    if not pairs:
        raise InputError(
            f"{said.where}: no pair of different countries is left between imposer and targets "
            f"({_shown(imposer)} and {_shown(targets)}); name another target"
        )
    c = {name: i for i, name in enumerate(world.countries)}
    return Scope(
        np.array([world.sectors.index(s) for s in found])[:, None],
        np.array([c[a] for a, _ in pairs]),
        np.array([c[b] for _, b in pairs]),
    )


def _held(names: Names) -> Names:
    """Names that can be a key: somebody may give a list."""
    return names if isinstance(names, str) else tuple(names)


def _shown(names: Names) -> str:
    found = [names] if isinstance(names, str) else names
    return ", ".join(found[:5]) + (", ..." if len(found) > 5 else "")


def goods(world: World) -> list[str]:
    """The goods sectors; every sector where the world's labels are not of the vocabulary."""
    try:
        return world.sector_list("goods")
    except UnknownNameError:
        return world.sectors


def player_list(world: World, players: Iterable[str], where: str = "players") -> list[str]:
    """Players as labels of the world, each once.

    Raises
    ------
    InputError
        Fewer than two players, or one named twice.
    UnknownNameError
        A player the world does not hold.
    """
    wanted = [players] if isinstance(players, str) else list(players)
    found = [c for name in wanted for c in world.country_list(name, where)]
    if len(set(found)) < len(found):
        twice = next(c for c in found if found.count(c) > 1)
        raise InputError(f"{where}: {twice} is named twice; each player plays once")
    if len(found) < 2:
        raise InputError(f"{where}: a game needs two players or more, here {found}")
    return found

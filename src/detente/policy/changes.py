"""Changes of a policy that games are made of: a levy, an agreement, a closed border.

Each is a frozen description without a world; :func:`amend` puts them on a policy, in order.
Rates are fractions (0.25 is 25%).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import permutations
from weakref import WeakKeyDictionary

import numpy as np

from detente.errors import InputError, UnknownNameError
from detente.memory import Kept
from detente.policy import Policy
from detente.world import World

__all__ = ["Change", "Levy", "Pact", "Withdrawal", "amend", "goods", "player_list", "put"]

Names = str | tuple[str, ...]

FORMS = ("added", "total", "replaced")


@dataclass(frozen=True)
class Levy:
    """A tariff at one rate.

    Parameters
    ----------
    imposer, targets : country names or groups
    rate : fraction
    sectors : names; None is every goods sector (every sector where the world has no kinds)
    form : how it meets the tariff t in force: "added" t + rate, "total" max(t, rate),
        "replaced" rate
    """

    imposer: Names
    targets: Names
    rate: float
    sectors: Names | None = None
    form: str = "added"


@dataclass(frozen=True)
class Pact:
    """A trade agreement among two or more countries.

    The tariff between members becomes ``(1 - u f) t + u f min(t, preferential)``, with u the
    utilisation of rules of origin and f the share of the cut that is phased in.

    Parameters
    ----------
    members : countries that sign
    sectors, except_sectors : coverage; None is every goods sector
    preferential : tariff among members on covered goods, fraction
    phase_in : share of the cut in force, 0 to 1
    utilisation : share of eligible trade that claims the preference, 0 to 1
    non_tariff_cut : cut of delivery costs among members, fraction of the delivered price
        (0.02 is 2%), times ``phase_in``; it is an assumption wherever it is not zero
    costs_pct : what belonging costs a member outside trade (security, politics), percent of
        its real income
    title : short text; by default the members
    """

    members: tuple[str, ...]
    sectors: Names | None = None
    except_sectors: Names = ()
    preferential: float = 0.0
    phase_in: float = 1.0
    utilisation: float = 1.0
    non_tariff_cut: float = 0.0
    costs_pct: Mapping[str, float] = field(default_factory=dict)
    title: str = ""

    def __post_init__(self) -> None:
        name = self.name
        if isinstance(self.members, str) or len(set(self.members)) < 2:
            raise InputError(f"agreement {name}: it needs two different members or more")
        if len(set(self.members)) < len(self.members):
            raise InputError(f"agreement {name}: a member is named twice")
        for what in ("phase_in", "utilisation"):
            if not 0.0 <= getattr(self, what) <= 1.0:
                raise InputError(
                    f"agreement {name}: {what} is {getattr(self, what)}; it is a share, 0 to 1"
                )
        if not 0.0 <= self.non_tariff_cut < 1.0:
            raise InputError(
                f"agreement {name}: non_tariff_cut is {self.non_tariff_cut}; it is a fraction of "
                "the delivered price, from 0 to below 1"
            )
        if not self.preferential > -1.0:
            raise InputError(f"agreement {name}: preferential is {self.preferential}; above -1")
        for who, cost in self.costs_pct.items():
            if who not in self.members:
                raise InputError(
                    f"agreement {name}: costs_pct names {who}, which is not a member; the "
                    f"members are {', '.join(self.members)}"
                )
            if not np.isfinite(cost):
                raise InputError(f"agreement {name}: costs_pct of {who} is {cost}")

    @property
    def name(self) -> str:
        """The title, or the members joined by hyphens."""
        return self.title or "-".join(self.members)


@dataclass(frozen=True)
class Withdrawal:
    """Trade between two countries closed: a ban, not a high tariff.

    ``direction`` is "sales" (the partner stops selling to the country), "purchases" (it stops
    buying from it) or "trade" (both).
    """

    country: str
    partner: str
    direction: str = "trade"
    sectors: Names = "all"


Change = Levy | Pact | Withdrawal


def amend(policy: Policy, changes: Iterable[Change], title: str = "") -> Policy:
    """``policy`` with ``changes`` applied in order.

    Raises
    ------
    UnknownNameError
        A country, sector, form or direction nobody knows.
    InputError
        A levy that leaves a tariff at or below -100%, or has no target.
    """
    world = policy.world
    tariff, iceberg = policy.tariff.values.copy(), policy.iceberg.values.copy()
    for change in changes:
        put(world, tariff, iceberg, change)
    return Policy(
        world,
        tariff=tariff,
        export_tax=policy.export_tax.values,
        iceberg=iceberg,
        transfer=policy.transfer,
        quota=policy.quota,
        title=title or policy.title,
        prohibitive=True,
    )


def put(world: World, tariff: np.ndarray, iceberg: np.ndarray, change: Change) -> None:
    """Write one change into arrays (sector, importer, exporter), in place.

    Raises as :func:`amend` does.
    """
    if isinstance(change, Levy):
        _levy(world, tariff, change)
    elif isinstance(change, Pact):
        _agree(world, tariff, iceberg, change)
    else:
        _withdraw(world, iceberg, change)


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


# --- one function a kind ------------------------------------------------------------------------
def _sectors(world: World, names: Names | None, where: str) -> list[int]:
    found = goods(world) if names is None else world.sector_list(_many(names), where)
    return [world.sectors.index(s) for s in found]


def _countries(world: World, names: Names, where: str) -> list[int]:
    return [world.countries.index(c) for c in world.country_list(_many(names), where)]


def _many(names: Names) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


Places = tuple[np.ndarray, np.ndarray, np.ndarray]

_cells: WeakKeyDictionary[World, Kept[tuple[Names, Names, Names | None], Places]]
_cells = WeakKeyDictionary()


def _levied(world: World, change: Levy) -> Places:
    """The cells a levy falls on; kept, since games put the same levy on thousands of times."""
    held = _cells.setdefault(world, Kept(4096))
    key = (change.imposer, change.targets, change.sectors)
    if key not in held:
        rows = _countries(world, change.imposer, "levy: imposer")
        columns = _countries(world, change.targets, "levy: targets")
        pairs = [(n, e) for n in rows for e in columns if n != e]
        if not pairs:
            raise InputError(
                f"levy: {change.imposer} on {change.targets} leaves no pair of countries"
            )
        sectors = _sectors(world, change.sectors, "levy: sectors")
        n, e = (np.array(x) for x in zip(*pairs, strict=True))
        held[key] = np.array(sectors)[:, None], n, e
    return held[key]


def _levy(world: World, tariff: np.ndarray, change: Levy) -> None:
    if change.form not in FORMS:
        raise UnknownNameError.of("form", change.form, FORMS, "levy")
    at = _levied(world, change)
    old = tariff[at]
    if change.form == "added":
        new = old + change.rate
    else:
        new = np.full_like(old, change.rate)
        new = np.maximum(old, new) if change.form == "total" else new
    if not (new > -1.0).all():
        raise InputError(
            f"levy: {change.imposer} on {change.targets} at {change.rate:+g} leaves a tariff of "
            f"{100 * float(new.min()):g}%; a tariff stays above -100%"
        )
    tariff[at] = new


def _agree(world: World, tariff: np.ndarray, iceberg: np.ndarray, change: Pact) -> None:
    where = f"agreement {change.name}"
    members = _countries(world, change.members, where)
    left_out = set(_sectors(world, change.except_sectors, where)) if change.except_sectors else ()
    sectors = np.array([s for s in _sectors(world, change.sectors, where) if s not in left_out])
    if not len(sectors):
        raise InputError(f"{where}: no sector is left in its coverage")
    share = change.utilisation * change.phase_in
    for n, e in permutations(members, 2):
        old = tariff[sectors, n, e]
        tariff[sectors, n, e] = old + share * (np.minimum(old, change.preferential) - old)
        iceberg[sectors, n, e] *= 1.0 - change.phase_in * change.non_tariff_cut


def _withdraw(world: World, iceberg: np.ndarray, change: Withdrawal) -> None:
    known = ("sales", "purchases", "trade")
    if change.direction not in known:
        raise UnknownNameError.of("direction", change.direction, known, "withdrawal")
    sectors = np.array(_sectors(world, change.sectors, "withdrawal: sectors"))
    (n,) = _countries(world, change.country, "withdrawal: country")
    (e,) = _countries(world, change.partner, "withdrawal: partner")
    if n == e:
        raise InputError(f"withdrawal: {change.country} cannot withdraw from itself")
    if change.direction in ("sales", "trade"):
        iceberg[sectors, n, e] = np.inf
    if change.direction in ("purchases", "trade"):
        iceberg[sectors, e, n] = np.inf

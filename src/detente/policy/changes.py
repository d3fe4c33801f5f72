"""The one language of change: what a government does, as a frozen description without a world.

A dated law, a measure of a scenario and a move of a game are all said in these words, and
:class:`detente.policy.draft.Draft` puts them onto a world, in order. Rates and shares are fractions
(0.25 is 25%).

===================== ==============================================================================
:class:`Levy`         a tariff, or an export tax of the imposer's state
:class:`Cost`         delivery costs, an iceberg
:class:`Ban`          a share of a flow stopped; a share s leaves 1 - s at unchanged costs
:class:`Withdrawal`   trade between two countries closed: bans on whole flows
:class:`TariffQuota`  a volume that enters at the tariff
:class:`Pact`         a trade agreement among several
:class:`Schedule`     all that an importer's law makes of its rows, worked out line by line
===================== ==============================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from detente.errors import InputError, UnknownNameError
from detente.instruments import RENT_OWNERS

__all__ = [
    "FLOWS",
    "FORMS",
    "TAXES",
    "Ban",
    "ByFlow",
    "Change",
    "Cost",
    "Levy",
    "Names",
    "Numbers",
    "Pact",
    "Schedule",
    "TariffQuota",
    "Withdrawal",
]

FORMS = ("added", "total", "replaced")
"""How a rate r meets the rate t in force: t + r, max(t, r), r; the words of the ledger and of
scenario files too."""

TAXES = ("tariff", "export_tax")
"""Instruments of a levy, as :mod:`detente.instruments` names them."""

FLOWS = ("import", "export", "both")
"""Which flows of the imposer are meant, as in the ledger."""

Names: TypeAlias = str | tuple[str, ...]
"""Labels, or groups; "all" is every one."""


@dataclass(frozen=True)
class ByFlow:
    """Numbers by (sector, target); a target without a row takes that of its bloc ("EU27"), then
    that of "ALL". ``name`` is where they are from, for messages."""

    rows: Mapping[tuple[str, str], float]
    name: str = "the table"


Numbers: TypeAlias = float | Mapping[str, float] | ByFlow
"""One number, numbers by target (country, group or "default"; a country goes before its group), or
by sector and target."""


@dataclass(frozen=True)
class Levy:
    """A tariff or an export tax.

    Parameters
    ----------
    imposer, targets : country names or groups; an export tax is levied by the exporter's state
    rate : fraction above -1
    sectors : names; None is every goods sector (every sector where the world has no kinds)
    form : how it meets the rate t in force: "added" t + rate, "total" max(t, rate), "replaced" rate
    instrument : "tariff" or "export_tax"
    covered_share : part of each flow in scope, 0 to 1; the rest stays at t
    taxed_share : part of a covered value that is taxed
    base : rates that stand for t; None is the rate in force
    except_targets : names left out of ``targets``

    Raises
    ------
    InputError
        A rate at or below -100% or infinite, a share outside 0 to 1.
    UnknownNameError
        A form or instrument nobody knows.
    """

    imposer: Names
    targets: Names
    rate: Numbers
    sectors: Names | None = None
    form: str = "added"
    instrument: str = "tariff"
    covered_share: Numbers = 1.0
    taxed_share: Numbers = 1.0
    base: Numbers | None = None
    except_targets: Names = ()

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise UnknownNameError.of("form", self.form, FORMS, "levy")
        if self.instrument not in TAXES:
            raise UnknownNameError.of("instrument", self.instrument, TAXES, "levy")
        said = "a rate is a fraction (0.25 is 25%) and stays above -100%"
        _all(self.rate, -1.0, np.inf, "levy: rate", said, open_low=True)
        if self.base is not None:
            _all(self.base, -1.0, np.inf, "levy: base", said, open_low=True)
        _share(self.covered_share, "levy: covered_share")
        _share(self.taxed_share, "levy: taxed_share")


@dataclass(frozen=True)
class Cost:
    """Delivery costs: on the covered share f of a flow the iceberg grows by ``1 + f cost``.

    Raises
    ------
    InputError
        A cost at or below -1 or infinite (that is a :class:`Ban`), a share outside 0 to 1.
    """

    imposer: Names
    targets: Names
    cost: float
    sectors: Names | None = None
    flow: str = "import"
    covered_share: Numbers = 1.0
    except_targets: Names = ()

    def __post_init__(self) -> None:
        _known_flow(self.flow, "cost")
        said = "a cost is a fraction of the delivered price above -1; a Ban closes a flow"
        _all(self.cost, -1.0, np.inf, "cost: cost", said, open_low=True)
        _share(self.covered_share, "cost: covered_share")


@dataclass(frozen=True)
class Ban:
    """A share s of a flow stopped, the rest left at unchanged costs.

    The flow is multiplied by 1 - s: its iceberg grows by ``(1 - s)^(-1/theta)``, infinite for
    s = 1. ``flow`` is "import" (the imposer stops buying from the targets), "export" (it stops
    selling to them) or "both".

    Raises
    ------
    InputError
        A share outside 0 to 1.
    """

    imposer: Names
    targets: Names
    sectors: Names | None = "all"
    flow: str = "import"
    covered_share: Numbers = 1.0
    except_targets: Names = ()

    def __post_init__(self) -> None:
        _known_flow(self.flow, "ban")
        _share(self.covered_share, "ban: covered_share")


@dataclass(frozen=True)
class Withdrawal:
    """Trade between two countries closed: a :class:`Ban`, not a high tariff.

    ``direction`` is "sales" (the partner stops selling to the country), "purchases" (it stops
    buying from it) or "trade" (both).
    """

    country: str
    partner: str
    direction: str = "trade"
    sectors: Names = "all"

    def __post_init__(self) -> None:
        if self.direction not in _DIRECTIONS:
            raise UnknownNameError.of("direction", self.direction, _DIRECTIONS, "withdrawal")

    @property
    def ban(self) -> Ban:
        """The same from the country's side."""
        return Ban(self.country, self.partner, self.sectors, _DIRECTIONS[self.direction])


_DIRECTIONS = {"sales": "import", "purchases": "export", "trade": "both"}


@dataclass(frozen=True)
class TariffQuota:
    """A volume of each sector that each importer lets in, from its targets together.

    Parameters
    ----------
    imposer, targets, sectors, except_targets : as of :class:`Levy`
    volume : over the base year's (0.8 is 80% of it), or
    volume_usd_mn : USD million a year at base-year prices; then of one sector and importer
    within : tariff within the quota; None is the one in force
    over : tariff above it, a fraction; None: nothing enters above
    rent : whose the rent is: "importer", "exporter" or "auction"
    each_target : a quota for each target instead of one that they share

    Raises
    ------
    InputError
        Not one volume, or one below zero; a rate out of range.
    UnknownNameError
        An owner of the rent nobody knows.
    """

    imposer: Names
    targets: Names
    sectors: Names | None = None
    volume: float | None = None
    volume_usd_mn: float | None = None
    within: float | None = None
    over: float | None = None
    rent: str = "importer"
    each_target: bool = False
    except_targets: Names = ()

    def __post_init__(self) -> None:
        if (self.volume is None) == (self.volume_usd_mn is None):
            raise InputError(
                "quota: one of volume (1 is the volume of the base year) and volume_usd_mn (USD "
                "million a year at base-year prices) is needed"
            )
        if self.rent not in RENT_OWNERS:
            raise UnknownNameError.of("rent", self.rent, RENT_OWNERS, "quota")
        for name in ("volume", "volume_usd_mn"):
            if (value := getattr(self, name)) is not None:
                _all(value, 0.0, np.inf, f"quota: {name}", "a volume is 0 or more", closed=True)
        for name in ("within", "over"):
            if (value := getattr(self, name)) is not None:
                said = "a rate is a fraction above -1 (0.25 is 25%)"
                _all(value, -1.0, np.inf, f"quota: {name}", said, open_low=True)


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
            _share(getattr(self, what), f"agreement {name}: {what}")
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


@dataclass(frozen=True, eq=False)
class Schedule:
    """What an importer's law of a day makes of its rows of a world.

    Attributes
    ----------
    importers : labels of the world that share the law
    tariff : rates in force, fraction, (sector, importer, exporter of the world)
    left : share of each flow that no ban touches, same shape
    notes : how they were worked out
    """

    importers: tuple[str, ...]
    tariff: np.ndarray
    left: np.ndarray
    notes: tuple[str, ...] = ()


Change: TypeAlias = Levy | Cost | Ban | Withdrawal | TariffQuota | Pact | Schedule


# --- ranges -------------------------------------------------------------------------------------
def _values(given: Numbers) -> Iterable[tuple[str, float]]:
    """Each number with the place it stands at."""
    if isinstance(given, ByFlow):
        return ((f" ({s}, {who})", x) for (s, who), x in given.rows.items())
    if isinstance(given, Mapping):
        return ((f" ({who})", x) for who, x in given.items())
    return (("", given),)


def _all(
    given: Numbers, low: float, high: float, where: str, said: str, *,
    open_low: bool = False, closed: bool = False,
) -> None:  # fmt: skip
    for at, x in _values(given):
        good = (x > low if open_low else x >= low) and (x <= high if closed else x < high)
        if not good:
            raise InputError(f"{where}{at} is {x:g}; {said}")


def _share(given: Numbers, where: str) -> None:
    _all(given, 0.0, 1.0, where, "it is a share, 0 to 1", closed=True)


def _known_flow(flow: str, where: str) -> None:
    if flow not in FLOWS:
        raise UnknownNameError.of("flow", flow, FLOWS, where)

"""An agreement: members, entry into force, the preferences it gives and how far they are used."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from pydantic import model_validator

from detente.records import Count

from .fields import Amount, Iso3, IsoDate, Pct, RecordId, Share, Strict, Text
from .scope import Products, Targets
from .source import ShareOf, Sourced

__all__ = ["Agreement", "Fund", "Member", "Preference", "Step"]


class Member(Strict):
    """One member: a country, or a group that joined as one (the EU).

    Without ``in_force`` it has signed but not yet ratified. In a pool of currency swaps it puts
    in ``amount_usd_bn`` when it joins, and may draw ``multiple`` times that.
    """

    country: Iso3 | None = None
    group: RecordId | None = None
    in_force: IsoDate | None = None
    left: IsoDate | None = None
    amount_usd_bn: Amount | None = None
    multiple: Amount | None = None
    source: tuple[RecordId, ...] = ()
    note: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> Member:
        if (self.country is None) == (self.group is None):
            raise ValueError("give either country or group")
        if self.in_force and self.left and self.left < self.in_force:
            raise ValueError(f"left on {self.left}, before it joined on {self.in_force}")
        return self

    @property
    def name(self) -> str:
        """The country code or the group id."""
        return self.country or self.group or ""


class Fund(Strict):
    """The size of a pool of currency swaps from a date on."""

    starts: IsoDate
    usd_bn: Amount
    source: tuple[RecordId, ...]


class Step(Strict):
    """A preferential rate from a date on: ``rate_pct``, or ``cut_pct`` of the MFN rate."""

    starts: IsoDate
    rate_pct: Pct | None = None
    cut_pct: Share | None = None
    assumption: RecordId | None = None

    @model_validator(mode="after")
    def _one(self) -> Step:
        if (self.rate_pct is None) == (self.cut_pct is None):
            raise ValueError("give either rate_pct or cut_pct")
        return self


class Preference(Strict):
    """What one importer grants. Exporters are the other members unless given."""

    importer: Iso3 | Literal["EU27"]
    exporters: Targets | None = None
    products: Products
    steps: tuple[Step, ...]
    utilisation: tuple[ShareOf, ...]

    @model_validator(mode="after")
    def _ordered(self) -> Preference:
        for name in ("steps", "utilisation"):
            starts = [row.starts for row in getattr(self, name)]
            if not starts:
                raise ValueError(f"{name} is empty; give at least one row, or an assumption")
            if starts != sorted(set(starts)):
                raise ValueError(f"{name} must be in order of date, each date once")
        return self


class Agreement(Sourced):
    """A trade, financial or security agreement, or a unilateral scheme of preferences.

    ``priority``: where two agreements give the same rate, the higher number is claimed.
    """

    kind: Literal["agreement"]
    type: Literal["trade", "unilateral", "financial", "security", "framework"]
    signed: IsoDate | None = None
    members: tuple[Member, ...]
    status: Literal["negotiating", "concluded", "signed", "in_force", "suspended", "ended"]
    scope: Text
    coverage: Text | None = None
    preferences: tuple[Preference, ...] = ()
    funds: tuple[Fund, ...] = ()
    priority: Count = 0
    supersedes: tuple[RecordId, ...] = ()

    @model_validator(mode="after")
    def _members_once(self) -> Agreement:
        twice = sorted(n for n, count in Counter(m.name for m in self.members).items() if count > 1)
        if twice:
            raise ValueError(f"members: {twice[0]} stands twice")
        for member in self.members:
            for key in member.source:
                if key not in self.sources:
                    raise ValueError(f"member {member.name}: source {key!r} is not in sources")
        return self

    @model_validator(mode="after")
    def _money_in_pools(self) -> Agreement:
        pays = [m.name for m in self.members if m.amount_usd_bn is not None or m.multiple]
        if self.type != "financial" and (pays or self.funds):
            raise ValueError(f"funds and amounts are for a financial agreement, not {self.type}")
        starts = [fund.starts for fund in self.funds]
        if starts != sorted(set(starts)):
            raise ValueError("funds must be in order of date, each date once")
        for fund in self.funds:
            for key in fund.source:
                if key not in self.sources:
                    raise ValueError(f"funds: source {key!r} is not in sources")
        return self

    def fund_at(self, day: str) -> float | None:
        """The size of the pool on ``day``, USD billion; None where there is none."""
        held = [fund.usd_bn for fund in self.funds if fund.starts <= day]
        return held[-1] if held else None

    def members_at(self, day: str) -> tuple[Member, ...]:
        """Members for which the agreement is in force on ``day``."""
        return tuple(
            m
            for m in self.members
            if m.in_force and m.in_force <= day and not (m.left and m.left < day)
        )

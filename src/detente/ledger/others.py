"""Assumptions, pledges, conflicts, country groups, actors, and the ledger's own card."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from detente.records import Number

from .fields import Article, Evidence, Iso3, IsoDate, RecordId, Share, Strict, Text
from .source import Source, Sourced

__all__ = [
    "Actor",
    "Assumption",
    "Card",
    "Conflict",
    "Group",
    "Membership",
    "Pledge",
    "PledgeStep",
    "ProductList",
    "Reading",
    "Role",
]


class Assumption(Sourced):
    """Something the law or the data do not give, and what is taken instead."""

    kind: Literal["assumption"]
    statement: Text
    reason: Text
    effect: Text
    value_pct: Share | None = None
    low_pct: Share | None = None
    high_pct: Share | None = None
    replaces_when: Text | None = None


class PledgeStep(Strict):
    """The state of a pledge from a date on."""

    date: IsoDate
    status: Literal["demanded", "offered", "understanding", "signed", "enacted", "met", "lapsed"]
    value_usd_bn: Number | None = None
    source: tuple[RecordId, ...] = ()
    note: Text | None = None


class Pledge(Sourced):
    """A promise to invest or to buy, in money or in goods, and the relief it is tied to.

    ``wanted_usd_bn`` is what the pledging side aims at; ``limit_usd_bn`` the most it could bear.
    """

    kind: Literal["pledge"]
    type: Literal["investment", "purchase"]
    pledged_by: Iso3 | Literal["EU27"]
    pledged_to: Iso3
    value_usd_bn: Number | None = None
    quantity: Number | None = None
    quantity_unit: Text | None = None
    wanted_usd_bn: tuple[Number, Number] | None = None
    limit_usd_bn: Number | None = None
    split: Text | None = None
    until: IsoDate | None = None
    history: tuple[PledgeStep, ...]
    linked_to: tuple[RecordId, ...] = ()

    @model_validator(mode="after")
    def _sources_known(self) -> Pledge:
        if self.value_usd_bn is None and (self.quantity is None or self.quantity_unit is None):
            raise ValueError("give value_usd_bn, or quantity and quantity_unit")
        dates = [s.date for s in self.history]
        if not dates or dates != sorted(dates):
            raise ValueError("history must have at least one step, in order of date")
        for step in self.history:
            for key in step.source:
                if key not in self.sources:
                    raise ValueError(f"history {step.date}: source {key!r} is not in sources")
        return self


class Reading(Strict):
    """One side of a conflict: what is stated, where."""

    says: Text
    value: Text | None = None
    source: RecordId
    article: Article | None = None


class Conflict(Sourced):
    """Sources that disagree. Both stand; the adopted reading is explained."""

    kind: Literal["conflict"]
    about: Text
    readings: tuple[Reading, ...]
    relation: Literal["contradiction", "different_scope", "degree", "compatible"]
    adopted: Text | None
    because: Text
    records: tuple[RecordId, ...] = ()

    @model_validator(mode="after")
    def _two(self) -> Conflict:
        if len(self.readings) < 2:
            raise ValueError("a conflict needs at least two readings")
        for reading in self.readings:
            if reading.source not in self.sources:
                raise ValueError(f"reading {reading.says!r}: source is not in sources")
        return self


class Membership(Strict):
    """A country's time in a group; ``left`` is its last day."""

    country: Iso3
    joined: IsoDate | None = None
    left: IsoDate | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Membership:
        if self.joined and self.left and self.left < self.joined:
            raise ValueError(f"left on {self.left}, before it joined on {self.joined}")
        return self


class Group(Sourced):
    """A named set of countries with dated membership.

    ``as_partner``: the label under which trade tables carry the group as one partner.
    """

    kind: Literal["group"]
    members: tuple[Membership, ...]
    as_partner: Text | None = None

    def at(self, day: str) -> frozenset[str]:
        """Members on ``day``."""
        return frozenset(
            m.country
            for m in self.members
            if not (m.joined and m.joined > day) and not (m.left and m.left < day)
        )


class Role(Strict):
    """An office held for a time."""

    person: Text
    office: Text
    starts: IsoDate | None = None
    ended: IsoDate | None = None
    evidence: Evidence

    @model_validator(mode="after")
    def _in_order(self) -> Role:
        if self.starts and self.ended and self.ended < self.starts:
            raise ValueError(f"ended on {self.ended}, before it starts on {self.starts}")
        return self


class Actor(Sourced):
    """A country, bloc, institution, firm or person, with its names and dated office holders."""

    kind: Literal["actor"]
    type: Literal["country", "bloc", "institution", "person", "firm"]
    country: Iso3 | None = None
    names: tuple[Text, ...]
    demonyms: tuple[Text, ...] = ()
    capital: Text | None = None
    metonyms: tuple[Text, ...] = ()
    roles: tuple[Role, ...] = ()


class Card(Strict):
    """The ledger's own card (`ledger.yaml`): what days the record covers."""

    kind: Literal["ledger"]
    title: Text
    version: Text
    record_from: IsoDate
    record_until: IsoDate

    @model_validator(mode="after")
    def _in_order(self) -> Card:
        if self.record_until < self.record_from:
            raise ValueError(
                f"record_until {self.record_until} lies before record_from {self.record_from}"
            )
        return self


class ProductList(Strict):
    """HS codes of a CSV file beside the records; its source stands in the header lines."""

    id: RecordId
    source: Source
    note: Text | None = None
    codes: tuple[str, ...]
    exporter: Iso3 | None = None
    exports_usd: tuple[Number, ...] = ()
    exports_total_usd: Number = 0.0

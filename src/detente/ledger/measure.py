"""A measure: one authority or action of one imposer, with its headings and their history.

A measure has provisions (the headings of an order), a provision has a history of dated entries,
and an entry holds until the next one starts or until its own last day.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from detente.records import Number

from .fields import Evidence, Iso3, IsoDate, Pct, RecordId, Share, Strict, Text
from .scope import Entity, Products, Targets
from .source import Sourced

__all__ = ["OFF", "Entry", "Form", "Measure", "Provision", "Status", "When"]

Form = Literal[
    "added",  # rate_pct on top of the base
    "total",  # rate_pct including the base: added = max(0, rate_pct - base)
    "replaced",  # rate_pct instead of the base
    "specific",  # an amount per unit
    "minimum_price",
    "quota",
    "ban",
    "licensing",
    "entity_share",  # reaches only the named entities' share of the flow
    "exempt",  # the measure does not apply here
]
Status = Literal[
    "threatened",  # spoken of or feared, never decided: no query counts it
    "announced",
    "understanding",
    "in_force",
    "suspended",
    "struck_down",
    "expired",
    "ended",
]
Instrument = Literal[
    "tariff",
    "export_tax",
    "quota",
    "tariff_quota",
    "minimum_price",
    "import_ban",
    "export_ban",
    "export_licensing",
    "import_licensing",
    "entity_list",
    "sanction",
    "investment_restriction",
    "fee",
    "subsidy",
]
OFF: frozenset[str] = frozenset({"suspended", "struck_down", "expired", "ended"})
UNDECIDED: frozenset[str] = frozenset({"threatened", "announced", "understanding"})
_NEEDS_RATE = ("added", "total", "replaced")


class Entry(Strict):
    """What held from a date on.

    ``in_force`` is the legal date; ``collected_from`` the day collection began, when it differs.
    ``ended`` and ``collected_until`` are last days, inclusive. ``announced`` later than
    ``in_force`` makes an entry retroactive: it is known from ``known_from`` (by default the day it
    was announced, else the legal date).

    In form ``quota`` ``quantity`` is the volume and ``rate_pct`` what is added above it. A volume
    in "percent of base-year imports", "USD million a year" or "USD billion a year" (at base-year
    prices) can reach a model's arrays; others (tonnes, cars) are recorded all the same.
    """

    announced: IsoDate | None = None
    in_force: IsoDate | None = None
    collected_from: IsoDate | None = None
    ended: IsoDate | None = None
    collected_until: IsoDate | None = None
    known_from: IsoDate | None = None
    end_known_from: IsoDate | None = None
    status: Status = "in_force"
    form: Form | None = None
    rate_pct: Pct | None = None
    base: Literal["mfn", "claimed"] | None = None
    amount: Number | None = None
    currency: Text | None = None
    per_unit: Text | None = None
    equivalent_pct: Pct | None = None
    share_pct: Share | None = None
    quantity: Number | None = None
    quantity_unit: Text | None = None
    covered_value_usd_bn: Number | None = None
    legal_basis: Text | None = None
    source: tuple[RecordId, ...] = ()
    evidence: Evidence | None = None
    assumption: RecordId | None = None
    note: Text | None = None

    @model_validator(mode="after")
    def _complete(self) -> Entry:
        if self.in_force is None and self.status not in UNDECIDED:
            raise ValueError(
                f"status {self.status} needs in_force; without a date write status: announced"
            )
        if self.status == "threatened" and self.in_force is not None:
            raise ValueError("a threat has no in_force; write announced: the day it was made")
        if self.in_force is None and self.announced is None:
            raise ValueError("give announced or in_force")
        if self.status in OFF:
            if self.form is not None or self.rate_pct is not None:
                raise ValueError(f"status {self.status} switches the provision off: drop the rate")
            return self
        if self.form is None:
            raise ValueError("form is missing (added, total, replaced, exempt, ban, ...)")
        if self.form in _NEEDS_RATE and self.rate_pct is None and self.status == "in_force":
            raise ValueError(f"form {self.form} needs rate_pct")
        if (self.form == "total") != (self.base is not None):
            raise ValueError("base (mfn or claimed) belongs to form total, and only to it")
        if self.form in ("specific", "minimum_price") and self.amount is None:
            raise ValueError(f"form {self.form} needs amount, currency and per_unit")
        for first, last in ((self.in_force, self.ended), (self._collected(), self._until())):
            if first and last and last < first:
                raise ValueError(f"ends on {last}, before it starts on {first}")
        return self

    def _collected(self) -> str | None:
        return self.collected_from or self.in_force

    def _until(self) -> str | None:
        return self.collected_until or self.ended

    def start(self, dates: str) -> str | None:
        """First day, by ``dates``: "collection" or "legal"."""
        return self._collected() if dates == "collection" else self.in_force

    def end(self, dates: str) -> str | None:
        """Last day (inclusive), or None while it holds."""
        return self._until() if dates == "collection" else self.ended

    @property
    def known(self) -> str:
        """The day from which this entry was public."""
        return self.known_from or self.announced or self.in_force or ""


class When(Strict):
    """The legal path a provision needs. ``parts`` names a part of a split: {metal-content: metal}.

    ``claims`` gives agreements whose preference must be claimed, ``no_claims`` those that must not.
    """

    claims: tuple[RecordId, ...] = ()
    no_claims: tuple[RecordId, ...] = ()
    parts: dict[RecordId, RecordId] = Field(default_factory=dict)


class Provision(Strict):
    """One heading: targets and products (those of the measure unless given) and its history."""

    heading: Text | None = None
    title: Text
    targets: Targets | None = None
    products: Products | None = None
    when: When = Field(default_factory=When)
    entities: tuple[Entity, ...] = ()
    history: tuple[Entry, ...]

    @model_validator(mode="after")
    def _has_history(self) -> Provision:
        if not self.history:
            raise ValueError("history is empty; give at least one dated entry")
        return self


class Measure(Sourced):
    """One authority or action.

    Where several provisions reach the same good, ``several`` decides: ``last`` (a heading written
    further down is an exception to those above) or the ``highest`` rate.
    """

    kind: Literal["measure"]
    imposer: Iso3 | Literal["EU27", "UN"]
    authority: Text
    programme: RecordId
    legal_basis: Text | None = None
    instrument: Instrument
    flow: Literal["import", "export", "other"] = "import"
    targets: Targets
    products: Products
    several: Literal["last", "highest"] = "last"
    provisions: tuple[Provision, ...]
    supersedes: tuple[RecordId, ...] = ()
    linked_to: tuple[RecordId, ...] = ()

    @model_validator(mode="after")
    def _sources_known(self) -> Measure:
        if not self.provisions:
            raise ValueError("provisions is empty; give at least one")
        for n, provision in enumerate(self.provisions):
            for m, entry in enumerate(provision.history):
                where = f"provisions[{n}].history[{m}]"
                unknown = [s for s in entry.source if s not in self.sources]
                if unknown:
                    raise ValueError(f"{where}: source {unknown[0]!r} is not among sources")
                if not entry.source and len(self.sources) > 1:
                    raise ValueError(f"{where}: source is missing; name one of the sources")
        return self

    def scope(self, provision: Provision) -> tuple[Targets, Products]:
        """Targets and products of a provision, those of the measure where it has none."""
        return provision.targets or self.targets, provision.products or self.products

    def cited(self, entry: Entry) -> tuple[str, ...]:
        """The sources of an entry; a measure with one source needs no key."""
        keys = entry.source or tuple(self.sources)
        return tuple(self.sources[k].label for k in keys)

"""The record kinds, in one place. `records/README.md` explains each to a record writer."""

from __future__ import annotations

from .agreement import Agreement, Member, Preference, Step
from .interaction import Interaction, Split, SplitShare
from .measure import OFF, Entry, Measure, Provision, When
from .others import (
    Actor,
    Assumption,
    Card,
    Conflict,
    Group,
    Membership,
    Pledge,
    PledgeStep,
    ProductList,
    Reading,
    Role,
)
from .scope import Entity, Products, ProductsPart, Targets, TargetsPart
from .source import ShareOf, Source, Sourced

__all__ = [
    "KINDS",
    "OFF",
    "Actor",
    "Agreement",
    "Assumption",
    "Card",
    "Conflict",
    "Entity",
    "Entry",
    "Group",
    "Interaction",
    "Measure",
    "Member",
    "Membership",
    "Pledge",
    "PledgeStep",
    "Preference",
    "ProductList",
    "Products",
    "ProductsPart",
    "Provision",
    "Reading",
    "Record",
    "Role",
    "ShareOf",
    "Source",
    "Sourced",
    "Split",
    "SplitShare",
    "Step",
    "Targets",
    "TargetsPart",
    "When",
]

Record = (
    Measure
    | Agreement
    | Assumption
    | Pledge
    | Conflict
    | Interaction
    | Split
    | Group
    | Actor
    | Card
)

KINDS: dict[str, type[Record]] = {
    "measure": Measure,
    "agreement": Agreement,
    "assumption": Assumption,
    "pledge": Pledge,
    "conflict": Conflict,
    "interaction": Interaction,
    "split": Split,
    "group": Group,
    "actor": Actor,
    "ledger": Card,
}

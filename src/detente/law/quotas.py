"""From the quotas of a day's law to quotas on a world, where the record says enough.

A model's quota is on the whole flow of a sector into one country, in volumes of the base year. A
record reaches it if it gives a volume in such terms (:data:`UNITS`), the points added above it
(``rate_pct``; a plain quota needs none), and covers whole sectors. What lacks something stays out
of the arrays, and a note says what.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detente.law.preferences import line_share
from detente.law.tables import Array, line_table
from detente.ledger import Regime
from detente.ledger.schema import Entry
from detente.policy.changes import Names, TariffQuota
from detente.world import World

__all__ = ["UNITS", "LawQuotas", "law_quotas"]

UNITS = {
    "percent of base-year imports": ("volume", 0.01),
    "usd million a year": ("volume_usd_mn", 1.0),
    "usd billion a year": ("volume_usd_mn", 1e3),
}
"""``quantity_unit`` of a ledger entry that a world can hold, as a field of a quota and the factor
to it."""

WHOLE = 0.999
"""Share of a sector's lines from which on a quota counts as being on all of it."""


class LawQuotas(NamedTuple):
    """Quotas as changes, the ids of the measures they come from, and what the others lack."""

    changes: tuple[TariffQuota, ...]
    counted: frozenset[str]
    notes: tuple[str, ...]


def law_quotas(regime: Regime, world: World, tariff: Array) -> LawQuotas:
    """The import quotas in force; ``tariff`` (J, N, N) holds the rates within them."""
    changes: list[TariffQuota] = []
    taken: set[tuple[Names | None, Names, str]] = set()
    lacking: dict[str, list[str]] = {}
    counted: set[str] = set()
    for active in regime.active:
        measure = active.measure
        if measure.flow != "import" or measure.imposer == "UN":
            continue
        behind = regime.members_of_partner(measure.imposer)
        members = [c for c in world.countries if c in behind]
        if not members:
            continue
        for p in active.provisions:
            if p.entry.form != "quota" or p.entry.equivalent_pct is not None:
                continue
            targets, products = measure.scope(p.provision)
            sellers = [c for c in world.countries if c in regime.countries(targets)]
            sellers = [c for c in sellers if c not in members]
            share = line_share(line_table(measure.imposer), regime, products, world.sectors)
            lacks = _lacks(p.entry, measure.instrument == "tariff_quota")
            lacks += _misfits(share, sellers, members, world)
            made: list[TariffQuota] = []
            if not lacks:
                on = [int(j) for j in np.flatnonzero(share >= WHOLE)]
                made, lacks = _changes(p.entry, world, tariff, on, members[0], sellers)
            cells = {(q.sectors, q.imposer, x) for q in made for x in sellers}
            if cells & taken:
                lacks.append("on flows under another quota")
            if lacks:
                lacking.setdefault(measure.id, []).append(", ".join(lacks))
                continue
            changes += made
            taken |= cells
            counted.add(measure.id)
    notes = []
    if counted:
        notes.append(
            f"quotas on whole sectors, rents to the importer's firms: {', '.join(sorted(counted))}"
        )
    if lacking:
        said = [f"{name} ({'; '.join(dict.fromkeys(why))})" for name, why in lacking.items()]
        notes.append(f"quotas not in the arrays, and what they lack: {'; '.join(sorted(said))}")
    return LawQuotas(tuple(changes), frozenset(counted - set(lacking)), tuple(notes))


def _lacks(entry: Entry, rated: bool) -> list[str]:
    found = []
    if entry.quantity is None:
        found.append("no volume")
    elif (entry.quantity_unit or "").lower() not in UNITS:
        found.append(f"volume in {entry.quantity_unit or 'no unit'}")
    if rated and entry.rate_pct is None:
        found.append("no rate above it")
    return found


def _misfits(share: Array, sellers: list[str], members: list[str], world: World) -> list[str]:
    """Where its reach is not that of a quota on whole flows into one country."""
    found = [f"one quota of {len(members)} importers"] if len(members) > 1 else []
    part = np.where(share < WHOLE, share, 0.0)
    if part.any():
        most, others = int(part.argmax()), int((part > 0).sum()) - 1
        more = f" and less of {others} more" if others else ""
        found.append(f"on {max(part[most], 0.01):.0%} of the lines of {world.sectors[most]}{more}")
    if not sellers or not (share > 0).any():
        found.append("on no flow of the world")
    return found


def _changes(
    entry: Entry, world: World, tariff: Array, on: list[int], importer: str, sellers: list[str]
) -> tuple[list[TariffQuota], list[str]]:
    """One quota a sector, shared by its sellers; or why there is none."""
    field, factor = UNITS[(entry.quantity_unit or "").lower()]
    if field == "volume_usd_mn" and len(on) > 1:
        return [], [f"one amount for {len(on)} sectors"]
    n = world.countries.index(importer)
    columns = [world.countries.index(c) for c in sellers]
    made = []
    for j in on:
        over = None
        if entry.rate_pct is not None:
            rates = tariff[j, n, columns]
            if rates.max() - rates.min() > 1e-12:
                return [], ["its sellers pay different tariffs within it"]
            over = float(rates.max()) + entry.rate_pct / 100.0
        amount = factor * float(entry.quantity or 0.0)
        made.append(
            TariffQuota(
                importer, tuple(sellers), (world.sectors[j],), over=over,
                volume=amount if field == "volume" else None,
                volume_usd_mn=amount if field == "volume_usd_mn" else None,
            )
        )  # fmt: skip
    return made, []

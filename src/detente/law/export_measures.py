"""Export taxes and bans of the law, as changes of a policy."""

from __future__ import annotations

from collections.abc import Iterator

from detente.law.preferences import line_share
from detente.law.tables import line_table
from detente.ledger import Regime
from detente.policy.changes import Ban, ByFlow, Levy
from detente.world import World

__all__ = ["export_changes"]


def export_changes(regime: Regime, world: World) -> Iterator[tuple[str, list[Levy | Ban]]]:
    """Imposers with export measures that carry a number, and those measures as changes. One on some
    lines of a sector counts in proportion, each line once."""
    sectors = tuple(world.sectors)
    for label in sorted({a.measure.imposer for a in regime.active if a.measure.flow == "export"}):
        if label == "UN":
            continue
        behind = regime.members_of_partner(label)
        exporters = tuple(c for c in world.countries if c in behind)
        found: list[Levy | Ban] = []
        used = False
        for active in regime.by(label, "export"):
            for p in active.provisions:
                entry = p.entry
                tax = entry.rate_pct if entry.form == "added" else entry.equivalent_pct
                cut = 100.0 if entry.form == "ban" else None
                if entry.form == "entity_share":
                    cut = entry.share_pct
                if tax is None and cut is None:
                    continue
                used = True
                targets, products = active.measure.scope(p.provision)
                reached = regime.countries(targets)
                buyers = tuple(c for c in world.countries if c in reached)
                if not {(a, b) for a in exporters for b in buyers if a != b}:
                    continue  # none of them is in the world
                share = line_share(line_table(label), regime, products, world.sectors)
                part = share * (tax or 0.0 if cut is None else cut) / 100.0
                rows = {(s, "ALL"): float(x) for s, x in zip(sectors, part, strict=True)}
                of_sector = ByFlow(rows, f"the lines of {active.measure.id}")
                found.append(
                    Levy(exporters, buyers, of_sector, sectors, instrument="export_tax")
                    if cut is None
                    else Ban(exporters, buyers, sectors, "export", of_sector)
                )
        if used:
            yield label, found

"""Export taxes and bans of the law, as arrays on a world."""

from __future__ import annotations

from detente.law.preferences import line_share
from detente.law.tables import Array, line_table
from detente.ledger import Regime
from detente.world import World

__all__ = ["apply_exports"]


def apply_exports(
    regime: Regime, world: World, export_tax: Array, left: Array, notes: list[str]
) -> None:
    """Write export taxes and export bans of each exporter's state into arrays (sector, importer,
    exporter), lines counted once; ``left`` is the share of a flow that no ban touches."""
    for label in sorted({a.measure.imposer for a in regime.active if a.measure.flow == "export"}):
        if label == "UN":
            continue
        behind = regime.members_of_partner(label)
        exporters = [i for i, c in enumerate(world.countries) if c in behind]
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
                targets, products = active.measure.scope(p.provision)
                reached = regime.countries(targets)
                buyers = [n for n, c in enumerate(world.countries) if c in reached]
                share = line_share(line_table(label), regime, products, world.sectors)
                for i in exporters:
                    others = [n for n in buyers if n != i]
                    if cut is not None:
                        left[:, others, i] *= 1.0 - share[:, None] * cut / 100.0
                    else:
                        export_tax[:, others, i] += share[:, None] * (tax or 0.0) / 100.0
                used = True
        if used:
            notes.append(f"{label}: export measures, six-digit lines each counted once")

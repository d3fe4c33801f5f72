"""What agreements younger than a world's tariffs cut off them, and shares of sectors in scopes."""

from __future__ import annotations

from functools import cache

import numpy as np

from detente.labels import goods_sectors
from detente.law.scopes import scope_lines
from detente.law.tables import Array, LineTable, line_table
from detente.ledger import Regime
from detente.ledger.asof import row_at
from detente.ledger.schema import Agreement, Preference, ProductsPart, ShareOf, Step
from detente.world import World

__all__ = ["goods_with_codes", "line_share", "preference_cuts"]


@cache
def goods_with_codes() -> frozenset[str]:
    """Sectors of goods that product codes map to."""
    return frozenset(line_table("").sector.tolist()) & frozenset(goods_sectors())


def preference_cuts(regime: Regime, world: World, label: str, sellers: list[str]) -> Array:
    """What preferences younger than the table leave of its tariffs, (sector, seller)."""
    year = str(world.dataset.attrs.get("tariff_year", "2021"))[:4]
    table = line_table(label)
    left = np.ones((len(world.sectors), len(sellers)))
    done = np.zeros(len(sellers), dtype=bool)
    for agreement, preference in regime.preferences(label):
        step = row_at(preference.steps, regime.date)
        use = row_at(preference.utilisation, regime.date)
        if not isinstance(step, Step) or not isinstance(use, ShareOf) or use.share_pct is None:
            continue
        cut = 1.0 if step.rate_pct == 0 else (step.cut_pct or 0.0) / 100.0
        if cut == 0.0:
            continue
        share = None
        for k, seller in enumerate(sellers):
            if done[k] or seller == "ROW" or not regime.grants(agreement, preference, seller):
                continue
            if _joined(agreement, preference, label, seller) <= f"{year}-12-31":
                done[k] = True  # the table's rates contain it already
                continue
            if share is None:
                share = line_share(table, regime, preference.products, world.sectors)
            left[:, k] *= 1.0 - cut * use.share_pct / 100.0 * share
            done[k] = True
    return left


def _joined(agreement: Agreement, preference: Preference, importer: str, exporter: str) -> str:
    """The day from which both sides are members; early where a side is not listed singly."""
    days = [m.in_force or "" for m in agreement.members if m.name in (importer, exporter)]
    return max(days, default="")


def line_share(table: LineTable, regime: Regime, products: ProductsPart, sectors: list[str]) -> (
    Array
):  # fmt: skip
    """Share of each sector's lines that a product scope covers; kept on the table."""
    key = ("share", regime.ledger.content_hash, products, tuple(sectors))
    if key not in table.masks:
        mask = scope_lines(table, regime.ledger, products)
        known = goods_with_codes()
        table.masks[key] = np.array(
            [mask[table.sector == s].mean() if s in known else 0.0 for s in sectors]
        )
    return table.masks[key]

"""Which cells a record speaks of: its goods, its partners, and the shares it gives them.

A *cell* is one line from one partner.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from detente.ledger import Ledger, Regime
from detente.ledger.schema import ProductsPart, ShareOf, Targets

from .tables import Array, LineTable, claim_shares, covered

__all__ = ["Cells", "Scopes", "scope_lines"]


@dataclass(frozen=True)
class Cells:
    """``line`` and ``partner`` are positions. ``partners`` are the labels the law is asked about,
    ``data_partners`` the labels under which the tables hold them."""

    line: Array
    partner: Array
    partners: tuple[str, ...]
    data_partners: tuple[str, ...]


def scope_lines(table: LineTable, ledger: Ledger, products: ProductsPart) -> Array:
    """Which lines of ``table`` a product scope covers: bool, one per line."""
    if getattr(products, "outside_goods", None):
        return np.zeros(len(table.codes), dtype=bool)
    if getattr(products, "all", False):
        mask = np.ones(len(table.codes), dtype=bool)
    else:
        codes = [*products.codes, *(c for key in products.lists for c in ledger.lists[key].codes)]
        mask = covered(table.codes, codes) | np.isin(table.sector, products.sectors)
    but = getattr(products, "but", None)
    if but is not None and (but.codes or but.lists or but.sectors):
        mask = mask & ~scope_lines(table, ledger, but)
    return mask


@dataclass(frozen=True, eq=False)
class Scopes:
    """What the scopes of the records mean on one day for the cells at hand."""

    regime: Regime
    table: LineTable
    cells: Cells

    def lines(self, products: ProductsPart) -> Array:
        """Which lines a product scope covers; kept on the table, since dates share scopes."""
        key = (self.regime.ledger.content_hash, products)
        if key not in self.table.masks:
            self.table.masks[key] = scope_lines(self.table, self.regime.ledger, products)
        return self.table.masks[key]

    def partners(self, targets: Targets) -> Array:
        """Which partners a target set reaches; the importer is never its own target."""
        named = self.regime.countries(targets)
        return np.array([bool(m) and m <= named and not m & self._own for m in self._members])

    def shares(self, use: ShareOf, rows: Array) -> Array:
        """A share record on the cells at ``rows``, as fractions."""
        if use.share_pct is not None:
            return np.full(len(rows), use.share_pct / 100)
        out = np.zeros(len(rows))
        line, partner = self.cells.line[rows], self.cells.partner[rows]
        for p in np.unique(partner):
            here = partner == p
            shares = self._table_shares(use.table or "", self.cells.data_partners[p])
            out[here] = shares[line[here]]
        return out

    def _table_shares(self, name: str, partner: str) -> Array:
        """Shares of all lines from one partner; kept on the table, since dates share them."""
        key = (name, partner)
        if key not in self.table.masks:
            self.table.masks[key] = claim_shares(
                name, self.table.importer, self.table.codes, partner
            )
        return self.table.masks[key]

    @cached_property
    def _own(self) -> frozenset[str]:
        return self.regime.members_of_partner(self.table.importer)

    @cached_property
    def _members(self) -> list[frozenset[str]]:
        return [self.regime.members_of_partner(p) for p in self.cells.partners]

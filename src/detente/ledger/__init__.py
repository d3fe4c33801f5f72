"""What governments did: measures, agreements, pledges and conflicts, each dated and sourced.

Public: `load_ledger`, `Ledger`, `Regime`, and the record models in `schema`.
"""

from __future__ import annotations

from .asof import ActiveMeasure, ActiveProvision, Regime
from .ledger import Change, Ledger
from .load import load_ledger

__all__ = ["ActiveMeasure", "ActiveProvision", "Change", "Ledger", "Regime", "load_ledger"]

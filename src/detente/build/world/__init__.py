"""Build the embedded world-2022 from the raw tables.

raw.py reads, fold.py sums countries and sectors, tariffs.py and us_column.py repair the rates,
balance.py rebalances the inputs, world_2022.py runs the steps in order, files.py writes the result.
"""

from __future__ import annotations

from detente.build.world.files import write
from detente.build.world.report import BuildReport
from detente.build.world.world_2022 import build_world_2022

__all__ = ["BuildReport", "build_world_2022", "write"]

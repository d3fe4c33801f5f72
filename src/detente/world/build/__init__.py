"""Build the embedded world-2022 from the raw tables.

raw.py reads, fold.py sums countries and sectors, tariffs.py and us_column.py repair the rates,
balance.py rebalances the inputs, world_2022.py runs the steps in order, files.py writes the result.
"""

from __future__ import annotations

from detente.world.build.files import write
from detente.world.build.report import BuildReport
from detente.world.build.world_2022 import build_world_2022

__all__ = ["BuildReport", "build_world_2022", "write"]

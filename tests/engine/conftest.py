from __future__ import annotations

import sys
from pathlib import Path

# the synthetic worlds live beside the benchmarks that use them too
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

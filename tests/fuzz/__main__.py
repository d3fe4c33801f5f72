"""``python -m fuzz [MINUTES [KIND ...]]``: new inputs for a while; what breaks a reader is written
to ``crashes/KIND/`` and from then on replayed by the tests."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from fuzz.cases import CASES
from fuzz.rounds import a_round, keep


def main(minutes: float, kinds: list[str]) -> int:
    """Fuzz until the time is over; the number of different failures."""
    end, number = time.monotonic() + 60 * minutes, int(time.time())
    cases = dict.fromkeys(kinds, 0)
    failures: dict[tuple[str, str], Path] = {}
    while time.monotonic() < end:
        for kind in kinds:
            number += 1
            tried, broken = a_round(kind, number, CASES[kind])
            cases[kind] += tried
            for way, (data, why) in broken.items():
                if (kind, way) not in failures:
                    failures[kind, way] = keep(kind, data)
                    print(f"{kind}: {why[:300]!r}\n    {failures[kind, way]}", flush=True)
            if time.monotonic() > end:
                break
    counts = ", ".join(f"{n:,} {kind}" for kind, n in cases.items())
    print(f"{sum(cases.values()):,} cases ({counts}), {len(failures)} failures")
    return len(failures)


if __name__ == "__main__":
    os.environ["DETENTE_CACHE"] = ""  # what is read here is not worth keeping
    unknown = [kind for kind in sys.argv[2:] if kind not in CASES]
    if unknown:
        sys.exit(f"unknown kind {unknown[0]!r}; known: {', '.join(CASES)}")
    sys.exit(1 if main(float((sys.argv[1:] or ["60"])[0]), sys.argv[2:] or list(CASES)) else 0)

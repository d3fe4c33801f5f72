"""Seconds from law to arrays: ``python -m benchmarks.bench_regime``.

The law of every change date since 2018 on world-2022 with nothing kept from earlier runs (target
30 s in all), loading the ledger, one line, one average. Each in a process of its own, with an
empty cache folder and again with a filled one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

EVERY_DATE = """
import time, detente as dt
from detente.timeline.laws import change_dates
ledger, world = dt.load_ledger(), dt.load_world()
began = time.perf_counter()
days = change_dates(ledger)
for day in days:
    dt.apply(ledger.at(day), world)
print(len(days), time.perf_counter() - began)
"""

COMMANDS = (
    "ledger check",
    "regime --date 2025-10-01 --exporter KOR --hs 870323 --why",
    "regime --date 2025-10-01 --average",
    "run truce-2025-05",
    "run us-cars-25",
)


def run(words: list[str], folder: str) -> tuple[float, str]:
    """Wall time of a process and what it printed."""
    env = {**os.environ, "DETENTE_CACHE": folder, "OPENBLAS_NUM_THREADS": "1"}
    began = time.perf_counter()
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
    return time.perf_counter() - began, done.stdout


def main() -> None:
    _, said = run([sys.executable, "-c", EVERY_DATE], "")
    count, seconds = said.split()
    print(f"dt.apply on all {count} change dates, nothing kept: {float(seconds):.1f} s (target 30)")
    start = "import sys; from detente.cli.main import main; sys.argv[0] = 'detente'; main()"
    for command in COMMANDS:
        with tempfile.TemporaryDirectory() as folder:
            words = [sys.executable, "-c", start, *command.split()]
            first, _ = run(words, folder)
            again = sorted(run(words, folder)[0] for _ in range(5))
        print(
            f"detente {command}: {first:.2f} s at first, then {again[2]:.2f} s "
            f"(best {again[0]:.2f})"
        )


if __name__ == "__main__":
    main()

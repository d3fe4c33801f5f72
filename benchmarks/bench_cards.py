"""Seconds of every answer card at its own number of draws: ``python -m benchmarks.bench_cards``.

Target on two cores: 60 s each. A card that fails draws or refuses a verdict is said.
"""

from __future__ import annotations

import sys
import time

from detente.cards import play, question_names


def main(names: list[str]) -> None:
    for name in names or question_names():
        began = time.perf_counter()
        card = play(name)
        took = time.perf_counter() - began
        print(
            f"{name}: {took:.1f} s (target 60), {card.draws} draws, {card.failed} failed, "
            f"{card.status}; {card.point_verdict}",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])

"""Write ``data/laws.npz``: the law of every change date as arrays, from ledger and world.

    python -m detente.build.laws [FILE]

The file is the same byte for byte for the same ledger, world and rate tables. Run it after every
change of a ledger record; a test tells when it was forgotten.
"""

from __future__ import annotations

import sys
from pathlib import Path

from detente.ledger import load_ledger
from detente.timeline.laws import SHIPPED, Laws, build_laws, inputs_key
from detente.world import load_world

__all__ = ["main"]


def main(out: Path = SHIPPED) -> Laws:
    """Work the laws out and write them to ``out``."""
    ledger, world = load_ledger(), load_world()
    watched = sys.stderr.isatty()

    def progress(done: int, total: int) -> None:
        if watched:
            print(f"\rlaw of {done} of {total} dates", end="", file=sys.stderr, flush=True)

    laws = build_laws(ledger, world, progress)
    assert laws.key == inputs_key(ledger, world)
    content = laws.to_bytes()
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content)
    if watched:
        print(file=sys.stderr)
    print(f"{out}: {len(laws.dates)} dates, {len(content):,} bytes, key {laws.key[:16]}")
    return laws


if __name__ == "__main__":
    main(*(Path(a) for a in sys.argv[1:2]))

"""``python -m benchmarks.mutants``: change the code a little, and see whether the tests notice.

``--sample N`` draws N mutants over the rooms asked for, the same ones for the same ``--seed``;
without it every mutant is tried. Ends with 1 where a mutant survives that ``explained.toml`` does
not explain, or an explanation there fits no mutant any more.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mutants.generate import Mutant, mutants_of
from benchmarks.mutants.run import SOURCE, Runner

HERE = Path(__file__).parent
PACKAGE = SOURCE / "detente"


@dataclass(frozen=True)
class Room:
    """Files of the package and the tests that must notice a change in them."""

    name: str
    files: tuple[str, ...]
    tests: tuple[str, ...]


def rooms() -> dict[str, Room]:
    """The rooms of ``rooms.toml``."""
    table = tomllib.loads((HERE / "rooms.toml").read_text(encoding="utf-8"))["rooms"]
    return {k: Room(k, tuple(v["files"]), tuple(v["tests"])) for k, v in table.items()}


def explained() -> dict[tuple[str, str, str, str], str]:
    """Why a surviving mutant is no gap in the tests, by :attr:`Mutant.key`."""
    listed = tomllib.loads((HERE / "explained.toml").read_text(encoding="utf-8"))
    return {
        (e["file"], e["function"], before, after): e["reason"]
        for e in listed.get("explained", [])
        for before, after in e["mutants"]
    }


def main(arguments: list[str] | None = None) -> int:
    """Draw, try and report; see the module."""
    known = rooms()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("room", nargs="*", help=f"{', '.join(known)} (default: all)")
    parser.add_argument("--sample", type=int, help="how many to draw (default: every mutant)")
    parser.add_argument("--each", action="store_true", help="draw so many from every room")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="a pattern that file, function or lines match")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--list", action="store_true", help="print the mutants and stop")
    how = parser.parse_args(arguments)
    for name in how.room:
        if name not in known:
            parser.error(f"no room {name!r}; the rooms are {', '.join(known)}")
    chosen = [known[name] for name in how.room] or list(known.values())
    made = {r.name: [m for f in r.files for m in mutants_of(PACKAGE, f)] for r in chosen}
    reasons = explained()
    stale = _stale(reasons, [m for group in made.values() for m in group])
    drawn = [(room, m) for room in chosen for m in made[room.name] if re.search(how.only, str(m))]
    if how.sample is not None:
        drawn.sort(key=lambda d: d[1].rank(how.seed))
        drawn = _first(drawn, how.sample, how.each)
    if how.list:
        print("\n".join(str(m) for _, m in drawn))
        return 0
    with Runner(how.jobs) as runner:
        survived = _try(drawn, made, reasons, runner)
    for key in stale:
        print(f"explained, but no such mutant: {key[0]} {key[1]}\n    - {key[2]}\n    + {key[3]}")
    return 1 if survived or stale else 0


def _first(drawn: list[tuple[Room, Mutant]], number: int, each: bool) -> list[tuple[Room, Mutant]]:
    """The first ``number`` that change the code, of every room or of all together."""
    taken: list[tuple[Room, Mutant]] = []
    held = Counter[str]()
    for room, m in drawn:
        if held[room.name if each else ""] < number and m.changes_code:
            held[room.name if each else ""] += 1
            taken.append((room, m))
    return taken


def _stale(
    reasons: dict[tuple[str, str, str, str], str], made: list[Mutant]
) -> list[tuple[str, str, str, str]]:
    looked_at, keys = {m.file for m in made}, {m.key for m in made}
    moved = {key[0] for key in reasons if not (PACKAGE / key[0]).exists()}
    return [key for key in reasons if key[0] in looked_at | moved and key not in keys]


def _try(
    drawn: list[tuple[Room, Mutant]],
    made: dict[str, list[Mutant]],
    reasons: dict[tuple[str, str, str, str], str],
    runner: Runner,
) -> int:
    """Try the drawn mutants, print survivors and a line for each room; how many survived."""
    limits = {}
    for room in {room.name: room for room, _ in drawn}.values():
        seconds = runner.baseline(room.files[0], room.tests)
        limits[room.name] = 20.0 + 5.0 * seconds
        print(f"{room.name}: its tests pass in {seconds:.1f} s", flush=True)
    jobs = [(m, room.tests, limits[room.name]) for room, m in drawn if m.key not in reasons]
    fates = {name: Counter[str]() for name in limits}
    for room, m in drawn:
        fates[room.name]["explained"] += m.key in reasons
    asked = [room for room, m in drawn if m.key not in reasons]
    for room, verdict in zip(asked, runner.examine(jobs), strict=True):
        fates[room.name][verdict.fate] += 1
        if verdict.fate != "killed":
            print(f"{verdict.fate} ({verdict.seconds:.0f} s): {verdict.mutant}", flush=True)
    print(f"{'room':<12}{'mutants':>9}{'tried':>7}{'killed':>8}{'in time':>9}{'explained':>11}"
          f"{'survived':>10}")  # fmt: skip
    for name, count in fates.items():
        tried = sum(count.values())
        print(f"{name:<12}{len(made[name]):>9}{tried:>7}{count['killed']:>8}{count['timeout']:>9}"
              f"{count['explained']:>11}{count['survived']:>10}")  # fmt: skip
    return sum(count["survived"] for count in fates.values())


if __name__ == "__main__":
    sys.exit(main())

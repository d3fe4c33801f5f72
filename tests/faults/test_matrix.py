"""Every fault against every command: how it ends, what it says, what it leaves.

The whole matrix takes some twelve minutes on two cores and is marked slow; a sample of it, with
most kinds of fault and most commands, runs always.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="limits of processes are those of POSIX")

from faults.commands import BY_NAME, COMMANDS, Command
from faults.registry import FAULTS, WARM, Fault
from faults.sandbox import Box, Ended

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits, /proc")

MATRIX = [(f, BY_NAME[name]) for f in FAULTS for name in f.commands]

QUICK = (
    "short-writes", "disk-full", "interrupted-calls", "stdout-full", "stdout-closed",
    "stdout-fills-up-unbuffered",
    "stderr-closed", "stdin-and-stderr-closed", "all-closed", "reader-gone", "ascii",
    "clock-jumps", "descriptors-8", "descriptors-16", "memory-300", "memory-600",
    "no-threads", "no-processes", "name-refused", "sync-fails", "stdout-hasty",
    "stderr-full", "folder-gone", "narrow", "optimized",
    "cache-nowhere", "cache-entry-a-pipe", "cache-entry-other-json", "cache-entry-one-bit",
    "nobody", "home-read-only",
)  # fmt: skip
"""Faults of the sample; the others are near relations of these."""


def _sample() -> set[tuple[str, str]]:
    """One command for each fault: those it can meet, by turns, so that most commands come up."""
    chosen = set()
    used: dict[str, int] = {}
    for fault in FAULTS:
        if fault.name in QUICK:
            name = min(fault.commands, key=lambda n: used.get(n, 0))  # the first of the rarest
            used[name] = used.get(name, 0) + 1
            chosen.add((fault.name, name))
    return chosen


SAMPLE = _sample()


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder as a command leaves it."""
    box = Box(tmp_path_factory.mktemp("warm"))
    ended = box.run(*BY_NAME["ledger-check"].args)
    assert ended.code == 0, ended.err
    assert any(box.cache.iterdir()), "nothing was kept, so no entry can be damaged"
    return box.cache


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory):
    """What a command prints where nothing is wrong."""
    found: dict[str, bytes] = {}

    def ask(command: Command) -> bytes:
        if command.name not in found:
            box = Box(tmp_path_factory.mktemp("plain"))
            ended = box.run(*command.args)
            assert ended.code == 0, ended.err
            found[command.name] = ended.out
        return found[command.name]

    return ask


def _cases():
    for fault, command in MATRIX:
        marks = [] if (fault.name, command.name) in SAMPLE else [pytest.mark.slow]
        yield pytest.param(fault, command, id=f"{fault.name}-{command.name}", marks=marks)


@pytest.mark.parametrize(("fault", "command"), list(_cases()))
def test_command_under_fault(
    fault: Fault, command: Command, tmp_path: Path, request: pytest.FixtureRequest
):
    box = Box(tmp_path / "box")
    if fault.name in WARM:
        shutil.copytree(request.getfixturevalue("warm"), box.cache)
    given = fault.inject(box, command)
    try:
        ended = box.run(*command.args, preamble=fault.preamble, **given)
    finally:
        for stream in given.values():
            os.close(stream)
    if fault.own_death and _died_before_it_began(ended):
        pytest.skip(f"the interpreter does not start under this limit: {ended.lines[:1]}")
    check(fault, command, box, ended)
    if fault.name in ("ascii", "latin-1", "c-locale") and "json" in command.args:
        same = request.getfixturevalue("plain")(command)
        encoding = "latin-1" if fault.name == "latin-1" else "utf-8"
        assert json.loads(ended.out.decode(encoding)) == json.loads(same)


def _died_before_it_began(ended: Ended) -> bool:
    """Whether Python, the C library that loads it, or OpenBLAS, which ends the process on its
    own when it is loaded, gave up ahead of the program."""
    said = ended.err.decode(errors="replace")
    own = ("Fatal Python error", "error while loading shared libraries", "OpenBLAS error")
    return any(words in said for words in own)


def check(fault: Fault, command: Command, box: Box, ended: Ended) -> None:
    """What holds however a command ends."""
    said = ended.err.decode(errors="replace")
    assert ended.code in fault.codes, (ended.code, said[-2000:])
    if fault.heard:
        if ended.code == 0:
            lines = [line for line in ended.lines if not line.startswith("saved to ")]
            assert lines == []
        else:
            assert len(ended.lines) - sum(n.startswith("saved to ") for n in ended.lines) == 1, said
            assert ended.lines[-1].startswith("detente: "), said
    out = ended.out.decode("latin-1" if fault.name == "latin-1" else "utf-8")
    if not fault.cut:
        assert command.whole(out) if ended.code == 0 else out == ""
    assert ended.alive == []
    assert box.parts() == []
    left = box.left()
    if command.writes and left:
        folders = {f"here/{Path(name).parent}" for name in command.writes} - {"here/."}
        assert left == sorted([*folders, *(f"here/{name}" for name in command.writes)])
        assert ended.code == 0 or fault.cut, "it failed, and yet wrote something"
    else:
        assert left == []
        assert ended.code != 0 or not command.writes


def test_the_sample_meets_every_kind_of_fault_and_most_commands():
    assert {name for name, _ in SAMPLE} == set(QUICK)
    assert len({name for _, name in SAMPLE}) >= len(COMMANDS) - 2

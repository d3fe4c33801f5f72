"""What lies where a file should lie: pipes, devices, folders, links; and worlds that never end."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from detente.cards import load_question
from detente.errors import DetenteError
from detente.ledger import load_ledger
from detente.policy.scenario import load_scenario
from detente.world import load_world
from detente.world.files import LABELS
from detente.world.hdf5 import Refused, read_apart
from fuzz.judge import LINES, Refusal, judged
from fuzz.readers import CARD

READ = {
    "x.yaml": (load_scenario, load_question),
    "x.nc": (load_world,),
}


def _fifo(path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes with names on this system")
    os.mkfifo(path)


def _to_zero(path: Path) -> None:
    if not Path("/dev/zero").exists():
        pytest.skip("no endless device on this system")
    path.symlink_to("/dev/zero")


def _circle(path: Path) -> None:
    path.symlink_to(path.name)


def _large(path: Path) -> None:
    with path.open("wb") as stream:  # it takes no room: it is one hole
        stream.truncate(50_000_000_000)


PLACES = {
    "pipe": _fifo, "endless": _to_zero, "folder": lambda p: p.mkdir(), "circle": _circle,
    "nowhere": lambda p: p.symlink_to(p.parent / "nothing"), "large": _large,
    "empty": lambda p: p.touch(), "unreadable": lambda p: (p.touch(), p.chmod(0)),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", READ)
def test_no_plain_file(name: str, place: str, tmp_path: Path) -> None:
    path = tmp_path / name
    PLACES[place](path)
    for read in READ[name]:
        assert isinstance(judged(lambda read=read: read(path), str(path)), Refusal)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["x.yaml", "lists/x.csv", "sub/x.yaml"])
def test_no_plain_file_among_records(name: str, place: str, tmp_path: Path) -> None:
    (tmp_path / "ledger.yaml").write_bytes(CARD)
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    PLACES[place](path)
    found = judged(lambda: load_ledger(tmp_path), name, lines=LINES)
    assert isinstance(found, Refusal)


def test_a_folder_in_itself(tmp_path: Path) -> None:
    (tmp_path / "ledger.yaml").write_bytes(CARD)
    (tmp_path / "again").symlink_to(tmp_path)
    judged(lambda: load_ledger(tmp_path).record_from, str(tmp_path), "ledger.yaml", lines=LINES)


@pytest.mark.parametrize("name", ["a\0b.yaml", "x" * 5000 + ".yaml", "a\nb.yaml", "\udc80.yaml"])
def test_names_no_file_can_have(name: str) -> None:
    for read in (load_scenario, load_question, load_world):
        with pytest.raises(DetenteError) as caught:
            read(name)
        assert len(str(caught.value)) < 2000


def test_a_chain_of_questions_is_not_followed_for_ever(tmp_path: Path) -> None:
    for n in range(2000):
        (tmp_path / f"q{n}.yaml").write_text(f"extends: q{n + 1}.yaml\n")
    found = judged(lambda: load_question(tmp_path / "q0.yaml"), str(tmp_path))
    assert "extends" in found


def test_a_world_that_never_ends() -> None:
    """This file sends the HDF5 library round in circles."""
    data = (Path(__file__).parents[1] / "world" / "damaged" / "endless.nc").read_bytes()
    start = time.monotonic()
    with pytest.raises(Refused, match="within 3 seconds"):
        read_apart(data, LABELS, seconds=3)
    assert time.monotonic() - start < 30

"""Some two thousand odd inputs, always the same; ``make fuzz`` tries others for an hour."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.cases import CASES
from fuzz.judge import Broken, Refusal, judged
from fuzz.readers import CARD, READERS, seeds
from fuzz.rounds import CRASHES, a_round, keep, run
from fuzz.worldfiles import CHANGES, changed, plain


@pytest.mark.parametrize("kind", CASES)
def test_whatever_is_read_gives_a_value_or_says_why_not(kind: str) -> None:
    tried, broken = a_round(kind, 1, CASES[kind])
    assert tried >= CASES[kind] // 2
    told = [f"{keep(kind, data).name}: {why}" for data, why in broken.values()]
    assert told == []


def test_at_least_two_thousand_are_tried() -> None:
    assert sum(CASES.values()) >= 2000
    assert set(CASES) == set(READERS)


@pytest.mark.parametrize(
    "path", sorted(p for p in CRASHES.rglob("*") if p.is_file()), ids=lambda p: p.name
)
def test_what_once_broke_a_reader_does_so_no_more(path: Path) -> None:
    run(path.parent.name, path.read_bytes())


@pytest.mark.parametrize("change", CHANGES)
def test_every_way_to_bend_a_world_file(change: str) -> None:
    for variable in ("trade", "theta", "country"):
        run("tables", changed(plain(), [(change, variable, 3)]))


# --- the judge itself -------------------------------------------------------------------------
def test_what_starts_from_is_valid() -> None:
    """Fuzzing starts from inputs that are taken; else everything would be refused at once."""
    for kind in ("scenario", "question", "theta", "record"):
        assert len(seeds(kind)) > 5, kind
    READERS["card"](CARD)
    READERS["tables"](plain())


def _raise(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    "error",
    [
        KeyError("x"), RecursionError(), ValueError("a.yaml: no InputError"), OverflowError(),
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no"), MemoryError(), RuntimeWarning("a.yaml"),
    ],
    ids=lambda e: type(e).__name__,
)  # fmt: skip
def test_other_exceptions_are_noticed(error: Exception) -> None:
    with pytest.raises(Broken, match=type(error).__name__):
        judged(lambda: _raise(error), "a.yaml")


@pytest.mark.parametrize(
    "message",
    ["b.yaml: wrong", "a.yaml:\nx", "a.yaml: <object object at 0x7f>", "a.yaml: pydantic"],
)
def test_bad_messages_are_noticed(message: str) -> None:
    from detente.errors import InputError

    with pytest.raises(Broken):
        judged(lambda: _raise(InputError(message)), "a.yaml")


def test_a_reader_that_never_ends_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.judge.SECONDS", 0.05)

    def forever() -> None:
        while True:
            pass

    with pytest.raises(Broken, match="not done after"):
        judged(forever, "a.yaml")


def test_a_reader_that_changes_its_mind_is_noticed() -> None:
    said = iter((1, 2))
    with pytest.raises(Broken, match="read twice"):
        judged(lambda: next(said), "a.yaml")


def test_a_good_refusal_is_a_refusal() -> None:
    from detente.errors import InputError

    found = judged(lambda: _raise(InputError("a.yaml: x is 3; write 2")), "a.yaml")
    assert isinstance(found, Refusal)
    assert found == "a.yaml: x is 3; write 2"

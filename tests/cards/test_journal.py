"""A card that is stopped goes on where it was, and ends as if it had not been."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from detente.cards import play
from detente.cards.journal import Journal
from detente.cards.kind import Answer
from detente.report.card import card_json

QUESTION = "hold-over-korea"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DETENTE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def drafts(cache: Path) -> list[Path]:
    return sorted(cache.glob("draws-*"))


def test_stopped_and_taken_up_is_the_same_card(cache: Path):
    whole = card_json(play(QUESTION, draws=12))
    assert drafts(cache) == []

    class StoppedError(Exception):
        pass

    def stopped_at(limit: int) -> int:
        """Stop once so many cases are done; how many were done at the first report."""
        seen: list[int] = []

        def stop(done: int, total: int) -> None:
            seen.append(done)
            if done >= limit:
                raise StoppedError

        with pytest.raises(StoppedError):
            play(QUESTION, draws=12, progress=stop)
        assert len(drafts(cache)) == 1
        return seen[0]

    stopped_at(1)
    first = stopped_at(15)  # further on
    assert first > 5  # what was done is not done again
    path = drafts(cache)[0]
    lines = path.read_text().splitlines()
    # a line that was cut short, one of another hand, and one beyond the rows
    path.write_text("\n".join([*lines[:-1], "[3, {", '[1, "x", 2]', "[99999, {}]", lines[-1][:9]]))
    again: list[int] = []
    card = play(QUESTION, draws=12, progress=lambda done, total: again.append(done))
    assert card_json(card) == whole
    assert again[0] > first - 6
    assert drafts(cache) == []


def test_another_seed_or_setting_begins_anew(cache: Path):
    rows = [{"a": 0.1}, {"a": 0.2}]
    with contextlib.suppress(KeyError), Journal(rows, ["kind", {}, "world"]) as journal:
        journal.add([1], [Answer("v", {"n": 1 / 3, "m": float("nan"), "k": 2})])
        raise KeyError
    for other, depends in (([{"a": 0.1}, {"a": 0.3}], ["kind", {}, "world"]),
                           (rows, ["kind", {"s": 1}, "world"])):  # fmt: skip
        with Journal(other, depends) as journal:
            assert journal.answers == {}
    with Journal(rows, ["kind", {}, "world"]) as journal:
        found = journal.answers[1]
        assert isinstance(found, Answer)
        assert found.numbers["n"] == 1 / 3
        assert found.numbers["m"] != found.numbers["m"]
        assert type(found.numbers["k"]) is int


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path: Path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("DETENTE_CACHE", str(tmp_path / "file" / "below"))
    with Journal([{"a": 1.0}], []) as journal:
        journal.add([0], ["failed"])
        assert journal.answers == {0: "failed"}
        assert journal.kept == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_a_pipe_in_place_of_the_file_is_not_waited_for(cache: Path):
    rows = [{"a": 1.0}]
    path = Journal(rows, []).path
    assert path is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    with Journal(rows, []) as journal:
        journal.add([0], ["failed"])
        assert journal.answers == {0: "failed"}
        assert journal.kept == 0


def test_one_wrong_digit_is_no_answer(cache: Path):
    rows = [{"a": 1.0}, {"a": 2.0}]
    with contextlib.suppress(KeyError), Journal(rows, []) as journal:
        journal.add([0, 1], [Answer("v", {"n": 1.25}), Answer("v", {"n": 1.5})])
        raise KeyError
    path = drafts(cache)[0]
    text = path.read_text()
    assert "1.25" in text
    path.write_text(text.replace("1.25", "1.35"))
    with Journal(rows, []) as journal:
        assert journal.answers == {1: Answer("v", {"n": 1.5})}

"""The run over many seeds: it keeps what is finished, goes on, and does not hide a failure."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import many_worlds
from many_worlds import answer, as_test, case, summary
from worlds import Change, Draw

SCRIPT = Path(many_worlds.__file__)


def begin(folder: Path, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), "--out", str(folder), *args],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def lines(folder: Path) -> list[dict]:
    text = (folder / "finished.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_an_interrupted_run_keeps_what_is_finished_and_goes_on(tmp_path: Path):
    run = begin(tmp_path, "--count", "100000", "--workers", "1")
    assert run.stderr is not None
    assert "worlds" in run.stderr.readline()  # the first answer is there
    run.send_signal(signal.SIGINT)
    said, _ = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "--resume" in said
    kept = lines(tmp_path)
    assert kept
    path = tmp_path / "finished.jsonl"
    path.write_text(path.read_text(encoding="utf-8") + '{"seed": 99', encoding="utf-8")  # cut short
    run = begin(tmp_path, "--count", "12", "--workers", "1", "--resume")
    said, _ = run.communicate(timeout=60)
    assert run.returncode == 0, said
    assert sorted(x["seed"] for x in lines(tmp_path)) == list(range(12))
    again = {x["seed"]: x["seconds"] for x in lines(tmp_path)}
    assert all(again[x["seed"]] == x["seconds"] for x in kept if x["seed"] < 12)  # not solved twice
    assert "12 worlds" in said
    assert (tmp_path / "failed.txt").read_text(encoding="utf-8") == ""


def test_a_failure_is_written_as_the_line_that_makes_it_a_test(monkeypatch):
    def wrong(draw, change, deficit, proof):
        raise AssertionError("market clearing, c01 s00")

    monkeypatch.setattr(many_worlds, "examine", wrong)
    found = answer(17)
    assert found["end"] == "FAILED"
    assert "market clearing" in found["error"]
    assert "seed 17: AssertionError: market clearing" in summary([found], 1.0)
    seen = []
    line = as_test(17, found["error"])
    eval(line, {"examine": lambda *given: seen.append(given), "Draw": Draw, "Change": Change})
    assert seen == [(*case(17), "full")]


def test_a_run_with_a_failure_is_exit_1(monkeypatch, tmp_path: Path, capsys):
    def given(seeds, proof, workers):
        yield from ({"seed": s, "end": "converged", "seconds": 0.1} for s in seeds[1:])
        yield {"seed": seeds[0], "end": "FAILED", "error": "off", "seconds": 0.1}

    monkeypatch.setattr(many_worlds, "results", given)
    monkeypatch.setattr(sys, "argv", ["many_worlds.py", "--count", "5", "--out", str(tmp_path)])
    assert many_worlds.main() == 1
    assert "1 failed" in capsys.readouterr().out
    assert "seed 0: off" in (tmp_path / "failed.txt").read_text(encoding="utf-8")


def test_a_run_that_mostly_refuses_is_exit_1(monkeypatch, tmp_path: Path):
    def given(seeds, proof, workers):
        yield from ({"seed": s, "end": "no balance", "seconds": 0.1} for s in seeds)

    monkeypatch.setattr(many_worlds, "results", given)
    monkeypatch.setattr(sys, "argv", ["many_worlds.py", "--count", "5", "--out", str(tmp_path)])
    assert many_worlds.main() == 1

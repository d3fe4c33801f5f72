"""Command lines and files that are meant to hurt: code 2, one line, at once, nothing written."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from detente.cli.formats import changes
from detente.errors import DateError, FileError, InputError
from detente.files import read_bytes
from detente.ledger import load_ledger
from detente.ledger.tables import changes_table
from detente.policy.scenario import load_scenario
from detente.solve.solution import Solution, Status
from faults.sandbox import SCENARIO, Box

LONGEST = 1000
"""Characters of a message: what was given is shown in part."""


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "box")


def refused(box: Box, *args: str) -> str:
    """The one line with which a command refuses."""
    before = box.left()
    ended = box.run(*args)
    assert ended.code == 2, (ended.code, ended.err[-1000:])
    assert len(ended.lines) == 1, ended.lines
    assert ended.lines[0].startswith("detente: ")
    assert len(ended.lines[0]) <= LONGEST
    assert ended.out == b""
    assert box.left() == before
    assert ended.alive == box.parts() == []
    return ended.lines[0]


# --- where to write -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("out", "says"),
    [
        ("own.yaml/sub", "is a file, or lies below one; give a folder"),
        pytest.param("/proc/x", "cannot be written", marks=pytest.mark.slow),
        pytest.param("n" * 300, "cannot be written", marks=pytest.mark.slow),
    ],
    ids=["below-a-file", "proc", "long-name"],
)
def test_out_that_cannot_be(box: Box, out: str, says: str):
    assert says in refused(box, "run", "own.yaml", "--out", out)


EMPTY = {
    "run --out": ("run", "own.yaml", "--out", ""),
    "run --theta": ("run", "own.yaml", "--theta", ""),
    "run --compare": ("run", "own.yaml", "--compare", ""),
    "run --deficit": ("run", "own.yaml", "--deficit", ""),
    "run --world": ("run", "own.yaml", "--world", ""),
    "play --out": ("play", "number-one-partner", "--draws", "4", "--out", ""),
    "regime --date": ("regime", "--date", "", "--hs", "8703"),
    "regime --lines": ("regime", "--lines", ""),
    "changes --from": ("ledger", "changes", "--from", ""),
    "ledger --folder": ("ledger", "check", "--folder", ""),
    "aggregate --countries": ("world", "aggregate", "--countries", ""),
    "aggregate --out": ("world", "aggregate", "--countries", "EU27", "--out", ""),
    "build --out": ("world", "build", ".", "--out", ""),
    "serve --token-file": ("serve", "--token-file", ""),
}
"""Options with nothing in them, as from a variable of the shell that was not set."""


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(a, id=n, marks=[] if n in ("run --out", "run --theta") else pytest.mark.slow)
        for n, a in EMPTY.items()
    ],
)
def test_an_empty_option_is_not_taken_for_one_left_out(box: Box, args: tuple[str, ...]):
    refused(box, *args)


# --- run.json -------------------------------------------------------------------------------
def _scenario() -> dict[str, object]:
    return load_plain(SCENARIO)


def load_plain(text: str) -> dict[str, object]:
    from detente.texts import parse_yaml

    return parse_yaml(text, "own.yaml")


@pytest.mark.parametrize(
    ("meta", "says"),
    [
        ({"compare": 5}, "meta.compare: 5 is not a scenario"),
        ({"theta_sets": 5}, "meta.theta_sets: 5 is not a list"),
        ({"theta_sets": {"a": 1}}, "meta.theta_sets"),
    ],
)
def test_run_json_that_was_edited(tmp_path: Path, meta: dict[str, object], says: str):
    from detente.cli.run import _Earlier

    path = tmp_path / "run.json"
    path.write_text(json.dumps({"meta": {"scenario": _scenario(), **meta}}), encoding="utf-8")
    with pytest.raises(InputError, match=says):
        _Earlier(path)


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"meta": {"scenario": ' + '{"a":' * 400 + "1" + "}" * 402, "[]", "5", "", "{"],
    ids=["deep", "deep-scenario", "list", "number", "empty", "cut"],
)
def test_run_json_that_is_none(tmp_path: Path, text: str):
    from detente.cli.run import _Earlier

    path = tmp_path / "run.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"run\.json"):
        _Earlier(path)


def test_a_folder_in_place_of_run_json(box: Box):
    (box.here / "run.json").mkdir()
    assert refused(box, "run", "run.json") == (
        "detente: run.json: is a folder; give a run.json"
    )  # said once, without a second reason around it


# --- scenarios ------------------------------------------------------------------------------
ODD = ("to-zero", "pipe", "nowhere", "loop", "folder")


def _odd(folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.yaml"
    if kind == "to-zero":
        path.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path.name if kind == "loop" else "is-not-there")
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="links, pipes")
@pytest.mark.parametrize("kind", ODD)
def test_scenario_that_is_no_plain_file(tmp_path: Path, kind: str):
    with pytest.raises(InputError, match=f"{kind}.yaml: ") as said:
        load_scenario(_odd(tmp_path, kind))
    assert str(said.value).count(f"{kind}.yaml") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="links, pipes")
@pytest.mark.parametrize("kind", [ODD[0], *(pytest.param(k, marks=pytest.mark.slow) for k in ODD)])
def test_run_refuses_at_once(box: Box, kind: str):
    _odd(box.here, kind)
    assert f"{kind}.yaml: " in refused(box, "run", f"{kind}.yaml")


def test_a_reader_says_once_what_is_wrong(tmp_path: Path):
    with pytest.raises(FileError) as said:
        read_bytes(tmp_path, 10, "token")
    assert str(said.value) == f"{tmp_path}: is a folder; give a token"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("title: 10% on Korean cars", r'title: "a\0b"', r"U\+0000 is not text"),
        ("id: own", "id: " + "a" * 5000, "id: .*at most 100"),
    ],
    ids=["nul", "long-id"],
)
def test_texts_that_hurt(tmp_path: Path, old: str, new: str, says: str):
    path = tmp_path / "own.yaml"
    path.write_text(SCENARIO.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=says) as said:
        load_scenario(path)
    assert len(str(said.value)) <= LONGEST + len(str(path))


# --- --set ----------------------------------------------------------------------------------
RATE = "measures.0.rate_pct"
SCALARS = (
    "0b_", "0x_", "0o_", "0x", "0b1", "9" * 5000, "-" + "9" * 5000, "0." + "1" * 5000, "1e999",
    "1e" + "9" * 5000, "0x" + "f" * 5000, "!!int abc", "!!timestamp x", "!!map abc", "!!float x",
    "!!python/object:os.system x", "!", "!!", "!<x> 1", "1:30", "true", "yes", "null", "", "~",
    ".nan", ".inf", "-.inf", "1_000", "007", "[1", "[1]", "{a: b}", "{", "'", '"', "*a", "? a",
    "|", "---", "--- 1\n--- 2", "%YAML 1.1", "\x00", "\ud800", "٥", "²", "1e5", "- 1", "<<",
    "=", "[" * 5000, "{a: " * 5000,
)  # fmt: skip
PLACES = (
    "measures.²=1", "measures.٣=1", "measures.-1.rate_pct=1", "measures.+0.rate_pct=1",
    "measures. 0.rate_pct=1", "measures.0_0.rate_pct=1", f"measures.{'9' * 5000}.rate_pct=1",
    "measures.0x0.rate_pct=1", "=1", "a", "", "=", "..=1", "measures..rate_pct=1", "measures=1",
    "measures.0=1", "x" * 5000 + "=1", "x" * 5000, f"measures.0.{'x' * 5000}=1",
    f"measures.0.{'x.' * 5000}y=1", "id.a=1", "measures.0.rate_pct.a.b=1",
)  # fmt: skip


@pytest.mark.parametrize(
    "item", [f"{RATE}={v}" for v in SCALARS] + list(PLACES), ids=lambda s: ascii(s)[1:40]
)
def test_set_that_means_nothing(tmp_path: Path, item: str):
    path = tmp_path / "own.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    with pytest.raises(InputError):
        load_scenario(path, changes([item], "measures.0.rate_pct=15"))


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ("measures.²=1", "use a number from 0 to 0"),
        ("x" * 5000 + "=1", "unknown key"),
        pytest.param("x" * 5000, "write path=value", marks=pytest.mark.slow),
        pytest.param("\x1b[31m\n=1", "\\x1b[31m", marks=pytest.mark.slow),
    ],
    ids=["superscript", "long-key", "long", "terminal"],
)
def test_run_refuses_what_means_nothing(box: Box, item: str, says: str):
    assert says in refused(box, "run", "own.yaml", "--set", item)


def test_messages_are_one_printable_line():
    from detente.cli.main import _one_line

    assert _one_line("a\nb\x1b[31m\ud800 Türkiye") == "a b\\x1b[31m\\ud800 Türkiye"
    long = _one_line(f"unknown {'x' * 5000}; give another")
    assert len(long) < 300
    assert long.startswith("unknown xxx")
    assert long.endswith("x; give another")


@pytest.mark.parametrize(
    "args",
    [("nothing",), ("run",), ("run", "own.yaml", "--frmat", "json"), ("run", "--format", "xml")],
    ids=["command", "lacking", "option", "choice"],
)
def test_a_command_line_that_is_none_is_one_line(
    args: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    from detente.cli import main

    monkeypatch.setattr(sys, "argv", ["detente", *args])
    assert main._command() == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("detente: ")
    assert err.endswith("--help\n")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_the_code_is_that_of_the_refusal_wherever_it_is_said(box: Box, stream: str):
    # Python ends with 120 where it cannot empty a stream, whatever the program's own code is
    with open("/dev/full", "wb") as full:
        ended = box.run("scenarios", "--format", "xml", **{stream: full})
    assert ended.code == 2
    assert ended.out == b""


def test_nothing_is_said_into_a_file_that_took_the_number_of_a_closed_stream(box: Box):
    for handle in (0, 2):
        box.limit(lambda handle=handle: os.close(handle))
    ended = box.run("scenarios", "--format", "xml")
    assert (ended.code, ended.out, ended.err) == (2, b"", b"")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("build", "nowhere", "--out", "out"), "nowhere"),
        pytest.param(("build", "own.yaml", "--out", "out"), "own.yaml", marks=pytest.mark.slow),
        pytest.param(("build", "."), "--out", marks=pytest.mark.slow),
        pytest.param(("build", ".", "--out", "own.yaml/x"), "own.yaml", marks=pytest.mark.slow),
        (("aggregate", "--countries", "EU27", "--out", "x" * 300 + ".nc"), "cannot be written"),
        pytest.param(("show", "own.yaml"), "own.yaml", marks=pytest.mark.slow),
        pytest.param(("show", "/dev/zero"), "/dev/zero", marks=pytest.mark.slow),
        pytest.param(("show", "."), ".", marks=pytest.mark.slow),
        pytest.param(("check", "/dev/stdin"), "/dev/stdin", marks=pytest.mark.slow),
    ],
)
def test_worlds_that_cannot_be(box: Box, args: tuple[str, ...], says: str):
    assert says in refused(box, "world", *args)


# --- dates ----------------------------------------------------------------------------------
def test_reversed_dates_are_refused():
    with pytest.raises(DateError, match="2025-06-01 is before the start 2025-07-01"):
        changes_table(load_ledger(), "2025-07-01", "2025-06-01")
    same = changes_table(load_ledger(), "2025-04-05", "2025-04-05")
    assert set(same["date"]) == {"2025-04-05"}


def test_ledger_changes_names_both_options(box: Box):
    said = refused(box, "ledger", "changes", "--from", "2025-07-01", "--to", "2025-06-01")
    for part in ("--from", "--to", "2025-07-01", "2025-06-01"):
        assert part in said


# --- advice ---------------------------------------------------------------------------------
def test_the_limit_is_raised_only_where_that_helps():
    import numpy as np

    def said(status: Status, method: str) -> str:
        return Solution(np.zeros(1), 1.0, status, 9, method, (1.0,)).message

    assert "raise max_steps" in said(Status.MAX_STEPS, "anderson")
    assert "smaller changes of policy" in said(Status.MAX_STEPS, "newton-krylov")
    for status in (Status.CYCLING, Status.DIVERGING, Status.MAX_STEPS):
        assert "max_steps" not in said(status, "newton-krylov")

"""The docs are contracts: generated parts are current, code blocks run, links lead somewhere."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import shlex
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")])


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)


def _generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_current():
    for name, text in _generator().pages().items():
        assert (ROOT / "docs" / name).read_text("utf-8") == text, f"run `make docs` for {name}"


def test_notation_has_every_variable_once():
    from detente.variables import VARIABLES

    text = (ROOT / "docs" / "notation.md").read_text("utf-8")
    for name in VARIABLES:
        assert text.count(f"| `{name}` |") == 1


def test_results_are_where_the_notation_says():
    from operator import attrgetter

    import detente as dt
    from detente.variables import VARIABLES
    from worlds import Draw, random_world

    world = random_world(Draw(N=3, J=2, seed=1))
    out = dt.simulate(world, dt.Policy(world, tariff=world.tariff.values + 0.1))
    text = (ROOT / "docs" / "notation.md").read_text("utf-8")
    rows = [v for v in VARIABLES.values() if v.room == "outcome"]
    assert rows
    for row in rows:
        held = attrgetter(row.read_as)(out)
        assert held.dims == row.dims, row.name
        assert held.attrs["unit"] == row.unit, row.name
        assert held.attrs["long_name"] == row.definition, row.name
        assert f"| `{row.name}` | `out.{row.read_as}` |" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_python_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    for block in _blocks(page, "python"):
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(block, str(page), "exec"), scope)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_in_the_docs_work(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from detente.cli.main import main

    monkeypatch.chdir(tmp_path)
    for block in _blocks(page, "sh"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] != ["detente"] or "RAW" in words:
                continue
            monkeypatch.setattr(sys, "argv", words)
            with contextlib.redirect_stdout(io.StringIO()), pytest.raises(SystemExit) as end:
                main()
            assert end.value.code in (0, None), line


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_to_files(page: Path):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_readme_shows_the_real_output_of_the_demo():
    """Every number within rounding, every word as printed."""
    number = re.compile(r"[-+]?\d[\d,]*\.\d+(?:e-\d+)?|\d+e-\d+")
    said = (ROOT / "README.md").read_text("utf-8")
    real = _generator().readme()
    assert "Who replaced whom" in said
    assert number.sub("#", said) == number.sub("#", real), "run `make docs`"
    for a, b in zip(number.findall(said), number.findall(real), strict=True):
        x, y = float(a.replace(",", "")), float(b.replace(",", ""))
        assert abs(x - y) <= 0.011 or max(x, y) < 1e-8

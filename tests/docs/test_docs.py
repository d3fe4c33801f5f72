"""The docs are contracts: generated parts are current, code blocks run and print what the pages
show, links lead somewhere."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from doc_pages import (
    DOCS,
    PAGES,
    ROOT,
    anchors,
    assert_same_but_for_rounding,
    blocks,
    links,
    module,
)

import detente as dt
from detente.errors import InputError
from detente.models.registry import MODELS

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())


def test_generated_pages_are_current():
    for name, text in module("generate").pages().items():
        assert (DOCS / name).read_text("utf-8") == text, f"run `make docs` for {name}"


def test_notation_has_every_variable_once():
    from detente.variables import VARIABLES

    text = (DOCS / "notation.md").read_text("utf-8")
    for name in VARIABLES:
        assert text.count(f"| `{name}` |") == 1


def test_results_are_where_the_notation_says():
    from operator import attrgetter

    from detente.variables import VARIABLES
    from worlds import Draw, random_world

    world = random_world(Draw(N=3, J=2, seed=1))
    out = dt.simulate(world, dt.Policy(world, tariff=world.tariff.values + 0.1))
    text = (DOCS / "notation.md").read_text("utf-8")
    rows = [v for v in VARIABLES.values() if v.room == "outcome"]
    assert rows
    when: dict[str, Any] = {"start": "2025", "end": "2026", "every": "year"}
    path = dt.path(world, out.policy, labour="sticky", **when)
    later = [v for v in VARIABLES.values() if v.room == "path"]
    assert later
    for row in later:
        held = attrgetter(row.read_as)(path)
        assert held.dims == ("time", *row.dims), row.name
        assert held.attrs["unit"] == row.unit, row.name
        assert f"| `{row.name}` | `path.{row.read_as}` |" in text
    for row in rows:
        held = attrgetter(row.read_as)(out)
        assert held.dims == row.dims, row.name
        assert held.attrs["unit"] == row.unit, row.name
        assert held.attrs["long_name"] == row.definition, row.name
        assert f"| `{row.name}` | `out.{row.read_as}` |" in text


@every_page
def test_python_runs_and_prints_what_the_page_shows(page: Path):
    said = page.read_text("utf-8")
    assert_same_but_for_rounding(said, module("generate").printed(said))


@every_page
def test_commands_in_the_docs_work(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from detente.cli.main import main

    monkeypatch.chdir(tmp_path)
    for block in blocks(page, "sh"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] != ["detente"] or "RAW" in words:
                continue
            monkeypatch.setattr(sys, "argv", words)
            with contextlib.redirect_stdout(io.StringIO()), pytest.raises(SystemExit) as end:
                main()
            assert end.value.code in (0, None), line


@every_page
def test_links_lead_to_files_and_headings(page: Path):
    for link in links(page):
        target, _, anchor = link.partition("#")
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), f"{page.name}: {link}"
        if anchor:
            assert there.suffix == ".md", f"{page.name}: {link}"
            assert anchor in anchors(there), f"{page.name}: {link} names no heading"


def test_links_are_found_and_broken_ones_seen(tmp_path: Path):
    """The finder itself: what is no link, and what headings are called."""
    page = tmp_path / "page.md"
    page.write_text(
        "# Two words: `code`, and (more)\n\n## Two\n\n## Two\n\n[a](b.md#c) `[no](no.md)` "
        "[out](https://x.org)\n\n```sh\n# no heading [no](no.md)\n```\n![i](i.png)\n", "utf-8"
    )  # fmt: skip
    assert links(page) == ["b.md#c", "i.png"]
    assert anchors(page) == {"two-words-code-and-more", "two", "two-1"}


def test_every_page_is_on_the_site():
    """Each page is in exactly one table of contents."""
    listed: list[Path] = []
    for page in DOCS.rglob("*.md"):
        for tree in re.findall(r"^```{toctree}\n(.*?)^```", page.read_text("utf-8"), re.M | re.S):
            names = [n for n in tree.split("\n") if n and not n.startswith(":")]
            listed += [page.parent / name for name in names]
    pages = [p.with_suffix("") for p in DOCS.rglob("*") if p.suffix in (".md", ".rst")]
    assert sorted(listed) == sorted(p for p in pages if p != DOCS / "index")


def test_the_readme_shows_the_real_output_of_the_demo():
    """Every number within rounding, every word as printed."""
    said = (ROOT / "README.md").read_text("utf-8")
    for words in ("after one year", "long run", "Who would replace whom"):
        assert words in said
    assert_same_but_for_rounding(said, module("generate").readme())


def test_a_number_that_is_off_is_seen():
    assert_same_but_for_rounding("a -0.12 b 3e-11", "a -0.13 b 4e-12")
    for said, real in (
        ("0.12", "0.14"), ("-0.55", "-0.75"), ("0.3", "-0.3"), ("1,234.5", "1,243.5"), ("1", "2"),
        ("one", "two"),
    ):  # fmt: skip
        with pytest.raises(AssertionError):
            assert_same_but_for_rounding(said, real)


# --- models -----------------------------------------------------------------------------------
def test_every_model_has_its_page():
    pages = {p.stem for p in (DOCS / "models").glob("*.md")} - {"index"}
    assert pages == set(MODELS)
    for name, kind in MODELS.items():
        text = (DOCS / "models" / f"{name}.md").read_text("utf-8")
        assert text.startswith(f"# `{name}`"), name
        sections = anchors(DOCS / "models" / f"{name}.md")
        assert {"equations", "what-it-reproduces", "limits"} <= sections, name
        assert text.count("$$") >= 4, f"{name}: equations"
        year = re.search(r"\((\d{4})\)", kind.source)
        assert year is not None
        assert year[1] in text, f"{name}: its source"


def test_parameters_in_the_index_are_those_of_the_models():
    from dataclasses import fields

    text = (DOCS / "models" / "index.md").read_text("utf-8")
    for name, kind in MODELS.items():
        for field in fields(kind):  # pyright: ignore[reportArgumentType]
            assert f"| `{name}` | `{field.name}` | `{field.default!r}` |" in text
        for what in (*kind.abilities.instruments, *kind.abilities.variables, *kind.abilities.tasks):
            assert what in text


def test_a_model_is_added_with_the_page_alone():
    """The page's model joins the registry and is solved by its name. That the page leaves nothing
    behind is the generator's doing."""
    from detente.models.registry import able

    before = dict(MODELS)
    page = DOCS / "adding-a-model.md"
    scope: dict[str, Any] = {"__name__": "page"}
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            for block in blocks(page, "python"):
                exec(compile(block, str(page), "exec"), scope)
        [added] = set(MODELS) - set(before)
        assert scope["out"].provenance["model"] == added
        assert added in able("task", "games")
        with pytest.raises(InputError, match=f"{added} does not support the instrument export_tax"):
            dt.simulate(scope["world"], dt.Policy(scope["world"], export_tax=0.1), model=added)
    finally:
        MODELS.clear()
        MODELS.update(before)
    module("generate").printed(
        "```python\nfrom detente.models.registry import MODELS\nMODELS['x'] = None\n```"
    )
    assert before == MODELS

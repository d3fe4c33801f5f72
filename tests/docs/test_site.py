"""The site: every public name is in its reference, it builds without a warning, and it needs no
network."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from doc_pages import DOCS, ROOT, module

import detente as dt
from detente import errors
from detente.models.registry import MODELS

REFERENCE = (DOCS / "reference.rst").read_text("utf-8")
LISTED = re.findall(r"^\.\. (?:auto\w+|data):: (\S+)$", REFERENCE, re.M)


def test_every_public_name_is_in_the_reference_once():
    for name in dt.__all__:
        assert LISTED.count(f"detente.{name}") == 1, f"{name} is missing from docs/reference.rst"
    assert "detente.errors" in LISTED
    assert len(LISTED) == len(set(LISTED))


def test_what_the_reference_lists_exists_and_says_what_it_is():
    lookup = module("conf").lookup
    for name in LISTED:
        found = lookup(name)
        if not isinstance(found, str):
            assert inspect.getdoc(found), name
    with pytest.raises(LookupError):
        lookup("detente.World.no_such_thing")


@pytest.mark.parametrize("kind", [dt.World, dt.Policy, dt.Outcome, dt.Audit])
def test_members_of_the_main_classes_have_docstrings(kind):
    """What the reference shows of them: it takes members with a docstring only."""
    assert re.search(rf"autoclass:: detente\.{kind.__name__}\n   :members:\n", REFERENCE)
    own = [n for n, member in vars(kind).items() if not n.startswith("_")
           and (callable(member) or hasattr(member, "fget") or hasattr(member, "func")
                or isinstance(member, classmethod))]  # fmt: skip
    assert own
    for name in own:
        assert inspect.getdoc(inspect.getattr_static(kind, name)), f"{kind.__name__}.{name}"


def test_every_error_is_public():
    """The reference lists what `errors` exports."""
    for name, each in vars(errors).items():
        if inspect.isclass(each) and issubclass(each, (errors.DetenteError, errors.UnitWarning)):
            assert name in errors.__all__, name


def test_docstrings_become_lists():
    said = [
        "What it does.", "", "Parameters", "----------", "a, b : two numbers,", "    both above 0",
        "**more : the rest", "", "A remark.", "", "Raises", "------", "InputError",
        "    Something is off.",
    ]  # fmt: skip
    made = [line for line in module("conf").sections(said) if line]
    assert made == [
        "What it does.", ".. rubric:: Parameters", "``a``, ``b``", "    two numbers,",
        "    both above 0", "``**more``", "    the rest", "A remark.", ".. rubric:: Raises",
        "``InputError``", "    Something is off.",
    ]  # fmt: skip


# --- the built site -----------------------------------------------------------------------------
def build(source: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-E", "-d",
               str(out / ".doctrees"), str(source), str(out)]  # fmt: skip
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built once; a skip without the extra, a failure where CI is "true"."""
    lacking = [m for m in ("sphinx", "myst_parser", "furo", "latex2mathml") if find_spec(m) is None]
    if lacking:
        text = f"no {', '.join(lacking)}: the site needs the extra `docs`, pip install -e '.[docs]'"
        if os.environ.get("CI") == "true":
            pytest.fail(text)
        pytest.skip(text)
    out = tmp_path_factory.mktemp("site")
    done = build(DOCS, out)
    assert done.returncode == 0, done.stderr
    return out


def test_the_site_needs_no_network(site: Path):
    """Nothing that a browser loads by itself comes from elsewhere; links a reader follows may."""
    pages = list(site.rglob("*.html"))
    assert len(pages) > 10
    loads = re.compile(r"<(?:script|img|link|iframe|source|video|audio|object|embed)\b[^>]*>")
    for page in pages:
        for tag in loads.findall(page.read_text("utf-8")):
            elsewhere = re.search(r"""(?:src|href|data)=["']?(?:https?:)?//""", tag)
            assert not elsewhere, f"{page.name}: {tag}"
    for sheet in site.rglob("*.css"):
        text = sheet.read_text("utf-8")
        assert not re.search(r"""(?:url\(|@import)\s*["']?(?:https?:)?//""", text), sheet.name
    # scripts may fetch only what the site itself holds
    for script in site.rglob("*.js"):
        text = script.read_text("utf-8", errors="replace")
        assert not re.search(r"""(?:fetch|import|importScripts)\(\s*["'`](?:https?:)?//""", text)


def test_equations_are_drawn_without_scripts(site: Path):
    for name in MODELS:
        text = (site / "models" / f"{name}.html").read_text("utf-8")
        source = (DOCS / "models" / f"{name}.md").read_text("utf-8")
        assert text.count('display="block"') == source.count("$$") // 2
        assert not re.search(r"<script[^>]*(?:mathjax|katex)", text, re.I)


def test_links_of_the_site_lead_to_files_and_anchors(site: Path):
    pages = {p: p.read_text("utf-8") for p in site.rglob("*.html")}
    ids = {p: set(re.findall(r'\bid="([^"]+)"', text)) for p, text in pages.items()}
    count = 0
    for page, text in pages.items():
        for link in re.findall(r'<a\b[^>]*\bhref="([^"]+)"', text):
            if re.match(r"[a-z]+:", link):
                continue
            target, _, anchor = link.partition("#")
            there = (page.parent / target).resolve() if target else page
            assert there.exists(), f"{page.name}: {link}"
            if anchor and there in ids:
                assert anchor in ids[there], f"{page.name}: {link}"
            count += 1
    assert count > 500


@pytest.mark.parametrize(
    "broken",
    [
        {
            "[gone](gone.md)": "gone.md",
            "[here](#nowhere)": "nowhere",
            "```{eval-rst}\n:func:`detente.no_such_function`\n```": "no_such_function",
        },
        {"$\\nosuchcommand{x}$": "nosuchcommand"},
    ],
    ids=["links", "equation"],
)
def test_what_is_broken_fails_the_build(site: Path, tmp_path: Path, broken: dict[str, str]):
    """Parts of a page, and the word that the complaint about each holds."""
    (tmp_path / "_static").mkdir()
    (tmp_path / "conf.py").write_text((DOCS / "conf.py").read_text("utf-8"), "utf-8")
    (tmp_path / "index.md").write_text("# Title\n\n" + "\n\n".join(broken) + "\n", "utf-8")
    done = build(tmp_path, tmp_path / "out")
    assert done.returncode != 0
    for word in broken.values():
        assert word in done.stderr

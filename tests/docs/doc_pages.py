"""The pages of the docs, as tests read them."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")])

NUMBER = re.compile(r"[-+]?\d[\d,]*\.\d+(?:e-\d+)?|\d+e-\d+")


def module(name: str) -> ModuleType:
    """A Python file of docs/, which is no package."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)


def assert_same_but_for_rounding(said: str, real: str) -> None:
    """Every word as printed, every number within one and a bit of its last digit."""
    assert NUMBER.sub("#", said) == NUMBER.sub("#", real), "run `make docs`"
    for a, b in zip(NUMBER.findall(said), NUMBER.findall(real), strict=True):
        x, y = float(a.replace(",", "")), float(b.replace(",", ""))
        digits = min(len(n.partition(".")[2].partition("e")[0]) for n in (a, b))
        tiny = max(abs(x), abs(y)) < 1e-8  # the error a solve ends with
        assert tiny or abs(x - y) <= 1.1 * 10.0**-digits, f"{a} is {b}: run `make docs`"


@cache
def anchors(page: Path) -> frozenset[str]:
    """What `#...` may name in a Markdown page: its headings, as GitHub and the site write them."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    found: set[str] = set()
    for title in re.findall(r"^#{1,6} (.*)$", text, re.M):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")
        again = 1
        unique = slug
        while unique in found:
            unique, again = f"{slug}-{again}", again + 1
        found.add(unique)
    return frozenset(found)


def links(page: Path) -> list[str]:
    """Targets of a page's links within the repository, code left out."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    text = re.sub(r"`[^`\n]*`", "", text)
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target for target in found if not re.match(r"[a-z]+:", target)]

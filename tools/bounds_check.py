"""Check that an environment holds the lowest versions that ``pyproject.toml`` allows.

    build/lowest/bin/python tools/bounds_check.py

To be run by the environment's own Python. A bound that another distribution's bound is above is
never tried, so that nobody knows whether it holds; it is to be raised to what is installed.

Exit codes: 0 every bound is what is installed, 1 one is not (each is printed).
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

__all__ = ["main", "untried"]

ROOT = Path(__file__).resolve().parent.parent


def untried(requirements: Iterable[str], installed: Callable[[str], str]) -> list[str]:
    """What is wrong with each requirement that has no lower bound, or another than is installed.

    ``installed`` gives the version of a distribution by its name.
    """
    wrong = []
    for text in requirements:
        requirement = Requirement(text)
        bounds = [s.version for s in requirement.specifier if s.operator == ">="]
        if len(bounds) != 1:
            wrong.append(f"{text}: has no lower bound; add one")
            continue
        held = installed(requirement.name)
        if Version(held) != Version(bounds[0]):
            wrong.append(f"{text}: {held} is installed; raise the bound to it, or say why not")
    return wrong


def main() -> int:
    """Check what users install, the default and the web extra; the exit code."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    requirements = [*project["dependencies"], *project["optional-dependencies"]["web"]]
    wrong = untried(requirements, version)
    for line in wrong:
        print(f"pyproject.toml: {line}")
    print(f"{len(requirements) - len(wrong)} of {len(requirements)} lower bounds are installed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

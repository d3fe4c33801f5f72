"""The table of touched files in CONTRIBUTING.md holds: what it promises is added to a copy of the
package by those files alone, and works."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import detente

ROOT = Path(__file__).resolve().parents[1]

MODEL = '''"""Caliendo and Parro with every elasticity doubled: a model to try the list with."""

from dataclasses import dataclass

from detente.models.caliendo_parro import CaliendoParro


@dataclass(frozen=True)
class Doubled(CaliendoParro):
    name = "doubled"

    def base(self, tables):
        return super().base(tables._replace(theta=2 * tables.theta))
'''

PAGE = '''"""A page to try the list with."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from detente.web.templating import render

router = APIRouter()


@router.get("/toy", include_in_schema=False)
async def page(request: Request) -> Response:
    return render(request, "toy.html", words="made of two files")
'''

TRY = """
import numpy as np
import detente as dt

world = dt.load_world().aggregate(sectors={"goods": "all"})
policy = dt.Policy(world, tariff=0.1)
out = dt.simulate(world, policy, model="doubled")
assert out.provenance["model"] == "doubled"
other = dt.simulate(world.with_theta(2 * world.theta), dt.Policy(world.with_theta(2 * world.theta),
                    tariff=0.1))
np.testing.assert_allclose(out.real_income, other.real_income, rtol=1e-9)
slope = dt.gradient(out, "real_income[USA]")
assert np.isfinite(slope).all() and (slope != 0).any()
from detente.models.registry import MODELS
from detente.report.schema import scenario_schema
assert "doubled" in MODELS
assert "doubled" in scenario_schema()["properties"]["model"]["anyOf"][0]["enum"]

from detente.world.theta import theta_sets
assert "toy" in theta_sets()

import warnings
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient
from detente.web.app import create_app
client = TestClient(create_app(), base_url="http://127.0.0.1:8000")  # not entered: no workers
answer = client.get("/toy")
assert answer.status_code == 200, answer.text
assert "made of two files" in answer.text
print("all there")
"""


def rows() -> dict[str, str]:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text[text.index("| to add |") :].split("\n\n")[0].splitlines()[2:]
    return {cells[0]: cells[1] for cells in (line.strip("| ").split(" | ", 1) for line in table)}


def test_every_place_that_is_named_exists():
    found = rows()
    assert {"a model", "an instrument", "a page, or its JSON twin"} <= set(found)
    for what, where in found.items():
        named = re.findall(r"`((?:src|docs)/[^`]*)`", where)
        assert named, what
        for path in named:
            assert (ROOT / path).exists(), (what, path)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package, to add to."""
    package = Path(detente.__file__).parent
    shutil.copytree(package, tmp_path / "detente", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_a_model_a_page_and_a_theta_set_are_added_by_these_files_alone(copy):
    room = copy / "detente"
    (room / "models" / "doubled.py").write_text(MODEL)
    registry = room / "models" / "registry.py"
    text = registry.read_text(encoding="utf-8")
    listed = re.search(r"for each in \(([^)]*)\)", text)
    assert listed
    text = text.replace(listed[1], f"{listed[1].rstrip(', ')}, Doubled")
    imports = "from detente.models.caliendo_parro import CaliendoParro\n"
    text = text.replace(imports, imports + "from detente.models.doubled import Doubled\n")
    registry.write_text(text, encoding="utf-8")
    (room / "web" / "pages" / "toy.py").write_text(PAGE)
    (room / "web" / "templates" / "toy.html").write_text("<!doctype html><p>{{ words }}</p>")
    sets = room / "world" / "theta_sets"
    shutil.copy(sets / "fgo.yaml", sets / "toy.yaml")
    made = (sets / "toy.yaml").read_text(encoding="utf-8")
    (sets / "toy.yaml").write_text(re.sub(r"(?m)^(id|name): fgo", r"\1: toy", made))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", TRY], capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(copy), "PATH": "/usr/bin:/bin", "HOME": str(copy),
             "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "all there\n"

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


INSTRUMENTS = """    Instrument(
        "production_tax", ("sector", "exporter"), "fraction", -1.0, False, False, 0.0,
        "the producer's state", "unit production tax (1 = 100 points)", "a fraction: 0.25 is 25%",
        "tax on all that is made, wherever it is sold", "export_tax",
    ),
    Instrument(
        "freight", _FLOW, "factor", 0.0, False, True, 1.0, "nobody: resources are used up",
        "unit freight factor", "", "cost of the voyage over the base", "iceberg",
    ),
"""

LEVIED = """
from concurrent.futures import ThreadPoolExecutor
import numpy as np
import pandas as pd
import detente as dt
from detente.errors import InputError

def table(*rows):
    return pd.DataFrame(list(rows))

world = dt.load_world().aggregate(sectors={"all": "all"})
usa, at = "USA", world.countries.index("USA")
where = dict(importer="USA", exporter="CHN", sector="all")

# neutral values change nothing, bits and name included
plain = dt.Policy(world, tariff=0.1)
assert dt.Policy(world, tariff=0.1, production_tax=0.0, freight=1.0).hash == plain.hash

# two routes to one number: a tax on production is an export tax on every sale, at home too
made = table(dict(sector="all", exporter=usa, value=-0.2))
one = dt.Policy(world, tariff=0.1, production_tax=made, freight=table(where | dict(value=1.5)))
assert one.hash != plain.hash
tax, cost = np.zeros(world.tariff.shape), np.ones(world.tariff.shape)
tax[:, :, at] = -0.2
cost[0, at, world.countries.index("CHN")] = 1.5
same = dt.Policy(world, tariff=0.1, export_tax=tax, iceberg=cost)
a, b = (dt.simulate(world, p, tol=1e-12) for p in (one, same))
assert abs(a.real_income.sel(country=usa)) > 0.01
np.testing.assert_allclose(a.real_income, b.real_income, rtol=1e-9, atol=1e-11)
np.testing.assert_allclose(a.export_revenue, b.export_revenue, rtol=1e-9, atol=1e-6)
for name, term in b.first_order.data_vars.items():
    np.testing.assert_allclose(a.first_order[name], term, rtol=1e-9, atol=1e-11, err_msg=name)
with ThreadPoolExecutor(1) as threads:  # as policies travel to workers
    many = dt.simulate_many(world, [one], executor=threads)
np.testing.assert_allclose(many.outcomes[0].real_income, a.real_income, rtol=1e-7, atol=1e-8)
assert dt.audit(a).passed

# derivatives: by the other route, and by differences; on top of a rate within the same wedge too
both = dt.Policy(world, tariff=0.1, production_tax=made, export_tax=0.05)
here = dt.simulate(world, both, tol=1e-12)
of = "real_income[USA]"
slope = dt.gradient(here, of, "production_tax")
assert slope.dims == ("sector", "exporter")
flat = dt.gradient(here, of, "export_tax")
own = 1.0 + both.export_tax.values
paid = 1.0 + both.production_tax.values[:, None, :]
np.testing.assert_allclose(slope, (flat.values / paid * own).sum(axis=1), rtol=1e-9, atol=1e-12)

def moved(step):
    here = table(dict(sector="all", exporter=usa, value=-0.2 + step))
    p = dt.Policy(world, tariff=0.1, production_tax=here, export_tax=0.05)
    return float(dt.simulate(world, p, tol=1e-13).real_income.sel(country=usa))

h = 1e-4
by_steps = (moved(h) - moved(-h)) / (2 * h)
np.testing.assert_allclose(slope.sel(sector="all", exporter=usa), by_steps, rtol=1e-5)
voyage = dt.gradient(a, of, "freight").sel(**where)
again = dt.gradient(b, of, "iceberg").sel(**where)
np.testing.assert_allclose(voyage, again, rtol=1e-9)

# closed form: where labour alone produces and nobody trades on credit, a tax on all that a country
# makes, handed back to it, lowers its wage by the tax and changes nothing else
names, trade = ["x", "y", "z"], np.array([[60.0, 5.0, 9.0], [5.0, 40.0, 4.0], [9.0, 4.0, 80.0]])
sectors = ("food", "cars")
flows = [dict(sector=s, importer=n, exporter=i, value=(1 + k) * trade[a, b])
         for k, s in enumerate(sectors) for a, n in enumerate(names) for b, i in enumerate(names)]
thetas = table(dict(sector="food", value=4.0), dict(sector="cars", value=6.0))
small = dt.World.from_tables(trade=table(*flows), theta=thetas)
taxed = dt.Policy(
    small, production_tax=table(*(dict(sector=s, exporter="x", value=0.25) for s in sectors)))
out = dt.simulate(small, taxed, tol=1e-12)
np.testing.assert_allclose(out.real_income, 0.0, atol=1e-8)
wage = out.wage_level
np.testing.assert_allclose(wage.sel(country="x") / wage.sel(country="y"), 1 / 1.25, rtol=1e-9)
abroad = table(*(dict(sector=s, importer=n, exporter="x", value=0.25)
                 for s in sectors for n in "yz"))
only_abroad = dt.simulate(small, dt.Policy(small, export_tax=abroad))
assert abs(only_abroad.real_income).max() > 0.1  # an export tax is another matter

try:
    dt.Policy(world, production_tax=-1.5)
except InputError as error:
    assert "production_tax: sector all, exporter" in str(error) and "above -1" in str(error)
else:
    raise AssertionError("a tax of -150% was taken")
print("all there")
"""


def rows() -> dict[str, str]:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text[text.index("| to add |") :].split("\n\n")[0].splitlines()[2:]
    return {cells[0]: cells[1] for cells in (line.strip("| ").split(" | ", 1) for line in table)}


def test_every_place_that_is_named_exists():
    found = rows()
    assert {"a model", "a page, or its JSON twin"} <= set(found)
    assert sum(what.startswith("an instrument") for what in found) == 2
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
    assert tried(TRY, copy) == "all there\n"


def test_an_instrument_is_added_by_these_files_alone(copy):
    room = copy / "detente"
    table = room / "instruments.py"
    text = table.read_text(encoding="utf-8")
    end = ")  # fmt: skip\n\nINSTRUMENTS:"
    assert text.count(end) == 1
    table.write_text(text.replace(end, INSTRUMENTS + end), encoding="utf-8")
    labels = room / "policy" / "policy.py"
    text = labels.read_text(encoding="utf-8")
    field = "    quota: Any = ()\n"
    assert text.count(field) == 1
    more = "    production_tax: Any = None\n    freight: Any = None\n"
    labels.write_text(text.replace(field, field + more), encoding="utf-8")
    assert tried(LEVIED, copy) == "all there\n"


def tried(code: str, copy: Path) -> str:
    """What a piece of code prints where the package is the copy."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(copy), "PATH": "/usr/bin:/bin", "HOME": str(copy),
             "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout

"""Where the measures of a scenario start from, and which field an error names."""

from __future__ import annotations

import re

import numpy as np
import pytest

import detente as dt
from detente.errors import DetenteError, InputError, RecordError
from detente.ledger import load_ledger
from detente.policy.scenario import parse_scenario
from detente.runs.build_policy import build_policy, law_policy
from worlds import build

ONE = {"imposer": ["c00"], "targets": ["c01"], "sectors": ["s01"], "instrument": "import_tariff",
       "rate_pct": 10}  # fmt: skip


@pytest.fixture(scope="module")
def world() -> dt.World:
    trade = np.full((2, 3, 3), 5.0)
    tariff = np.full((2, 3, 3), 0.1) * ~np.eye(3, dtype=bool)
    return build(trade, tariff=tariff, theta=np.array([4.0, 8.0]))


def scenario(*measures, **more):
    return parse_scenario(
        {"id": "small", "title": "small", "about": "a test", "blurs": "nothing",
         "sources": [{"title": "made up", "publisher": "the tests", "cite": "none"}],
         "measures": list(measures), **more},
        "small.yaml",
    )  # fmt: skip


# --- the start --------------------------------------------------------------------------------
def test_a_law_that_is_at_hand_is_taken_and_another_is_made(world):
    dated = scenario(ONE, policy={"date": "2025-06-01", "without": ["usa/fentanyl-china"]})
    asked = []

    def laws(law, of):
        asked.append((law.date, law.without, of))
        return dt.Policy(world, tariff=0.5, notes=("at hand",))

    found = build_policy(dated, world, laws=laws)
    assert [(d, tuple(w)) for d, w, _ in asked] == [("2025-06-01", ("usa/fentanyl-china",))]
    assert asked[0][2] is world
    assert float(found.tariff.sel(sector="s01", importer="c00", exporter="c01")) == 0.6
    assert float(found.tariff.sel(sector="s00", importer="c00", exporter="c01")) == 0.5
    assert found.notes == ("at hand",)
    # a scenario without a law asks for none
    assert build_policy(scenario(ONE), world, laws=laws).notes == ()
    assert len(asked) == 1


def test_the_law_of_a_day_is_that_of_the_ledger():
    world = dt.load_world()
    some = next(a.measure.id for a in load_ledger().at("2025-06-01").by("USA"))
    measure = {**ONE, "imposer": ["USA"], "targets": ["JPN"], "sectors": ["C29"]}
    dated = scenario(measure, policy={"date": "2025-06-01", "without": [some]})
    assert dated.policy is not None
    found, law = build_policy(dated, world), law_policy(dated.policy, world)
    expected = dt.apply(load_ledger().at("2025-06-01").without([some]), world)
    np.testing.assert_array_equal(law.tariff, expected.tariff)
    added = law.tariff.values.copy()
    usa, japan = (world.countries.index(c) for c in ("USA", "JPN"))
    at = (world.sectors.index("C29"), usa, japan)
    added[at] += 0.1
    np.testing.assert_allclose(found.tariff.values, added, rtol=1e-14)
    assert found.notes == law.notes


# --- the field in the error -------------------------------------------------------------------
TAX = {**ONE, "instrument": "export_tax"}
ICE = {k: v for k, v in ONE.items() if k != "rate_pct"} | {"instrument": "iceberg", "cost_pct": 5}
BAN = {k: v for k, v in ONE.items() if k != "rate_pct"} | {"instrument": "ban"}


@pytest.mark.parametrize(
    ("measure", "field"),
    [
        ({**ONE, "imposer": ["c99"]}, "imposer"),
        ({**ONE, "targets": ["c99"]}, "targets"),
        ({**ONE, "targets": "all", "except_targets": ["c99"]}, "except_targets"),
        ({**ONE, "sectors": ["s99"]}, "sectors"),
        ({**ONE, "rate_pct": {"c02": 1}}, "rate_pct"),
        ({**TAX, "rate_pct": {"c02": 1}}, "rate_pct"),
        ({**ONE, "covered_share": {"c02": 1}}, "covered_share"),
        ({**ONE, "taxed_share": {"c02": 1}}, "taxed_share"),
        ({**ICE, "covered_share": {"c02": 1}}, "covered_share"),
        ({**BAN, "covered_share": {"c02": 1}}, "covered_share"),
        ({**ONE, "covered_share": {"table": "none.csv"}}, "covered_share"),
        ({**ONE, "taxed_share": {"table": "none.csv"}}, "taxed_share"),
        ({**ICE, "covered_share": {"table": "none.csv"}}, "covered_share"),
        ({**BAN, "covered_share": {"table": "none.csv"}}, "covered_share"),
        ({**ONE, "base": {"table": "none.csv"}}, "base"),
    ],
    ids=lambda x: x if isinstance(x, str) else x["instrument"],
)
def test_the_field_is_named(world, measure, field):
    with pytest.raises(DetenteError) as caught:
        build_policy(scenario(ONE, measure), world)
    assert re.match(rf"small\.yaml: measures\.1\.{field}\b", str(caught.value))


@pytest.mark.parametrize(
    ("measure", "field"),
    [
        ({**ICE, "cost_pct": 1000}, "cost_pct"),
        ({**BAN, "covered_share": 1 - 1e-15}, "covered_share"),
    ],
)
def test_costs_beyond_any_number(world, measure, field):
    """Eleven times the cost, or a thousand million million times less trade, again and again."""
    assert np.isfinite(build_policy(scenario(*[measure] * 50), world).iceberg).all()
    with pytest.raises(InputError, match=rf"measures\.\d+\.{field}: .* beyond any number"):
        build_policy(scenario(*[measure] * 300), world)


# --- tables -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("field", "value", "good"),
    [
        ("share", "0", True), ("share", "1", True), ("share", "-0.1", False),
        ("share", "1.1", False), ("share", "x", False), ("rate_pct", "-99.9", True),
        ("rate_pct", "-100", False), ("rate_pct", "0.5", True), ("rate_pct", "250", True),
        ("rate_pct", "inf", False), ("rate_pct", "", False),
    ],
)  # fmt: skip
def test_numbers_a_table_may_hold(world, tmp_path, field, value, good):
    (tmp_path / "t.csv").write_text(f"sector,exporter,{field}\n\ns01,ALL,{value}\n")
    key = "covered_share" if field == "share" else "base"
    measure = {**ONE, key: {"table": "t.csv"}}
    if not good:
        said = "from 0 to 1" if field == "share" else "above -100, in percent"
        with pytest.raises(RecordError, match=f"line 3: {field} is .*; write a number {said}"):
            build_policy(scenario(measure), world, folder=tmp_path)
        return
    found = build_policy(scenario(measure), world, folder=tmp_path)
    expected = 0.1 + 0.1 * float(value) if field == "share" else float(value) / 100 + 0.1
    here = float(found.tariff.sel(sector="s01", importer="c00", exporter="c01"))
    assert here == pytest.approx(expected)


def test_a_table_may_have_other_columns_but_no_other_shape(world, tmp_path):
    table = tmp_path / "t.csv"
    measure = {**ONE, "covered_share": {"table": "t.csv"}}
    table.write_text("note,sector,exporter,share\nx,s01,c01,0.5\ny,s01,ALL,0.2\n")
    found = build_policy(scenario(measure), world, folder=tmp_path)
    assert float(found.tariff.sel(sector="s01", importer="c00", exporter="c01")) == pytest.approx(
        0.15
    )
    for text, words in (
        ("sector,exporter,share\ns01,c01,0.5,9\n", "line 2: columns .* and 4 values"),
        ("sector,exporter\ns01,c01\n", "line 2: columns .* share are needed"),
        ("sector,exporter,share\ns01,c01\n", "line 2: columns .* and 2 values"),
        ("sector,exporter,share\ns01,c01,1\ns01,c01,1\n", "line 3: .* is there twice"),
    ):
        table.write_text(text)
        with pytest.raises(RecordError, match=words):
            build_policy(scenario(measure), world, folder=tmp_path)


def test_a_table_that_is_too_large_is_called_a_table(world, tmp_path, monkeypatch):
    monkeypatch.setattr("detente.policy.measures.MAX_TABLE_BYTES", 40)
    (tmp_path / "t.csv").write_text("sector,exporter,share\ns01,ALL,0.50000000000\n")
    with pytest.raises(DetenteError, match="table"):
        build_policy(scenario({**ONE, "covered_share": {"table": "t.csv"}}), world, folder=tmp_path)

"""The pieces of `apply` on tables of a few lines, and the numbers its notes state."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import detente as dt
from detente.errors import TableError
from detente.law.apply import _columns, _filled_table, _of_partners
from detente.law.line import sector_rates
from detente.law.user_weights import user_table
from small_law import three_lines
from worlds import build

from .conftest import Build

DAY = "2025-06-01"


# --- columns of a seller ----------------------------------------------------------------------
def test_the_rest_of_the_world_is_the_weighted_mean_of_whom_the_world_does_not_name():
    """Partners A (named), B and C (not), and the table's own rest, which counts for nothing."""
    rates: Any = SimpleNamespace(
        partners=("A", "B", "ROW", "C", "U"),
        #                    two of B at 10, one of C at 40; nothing from either; C only
        weight=np.array([[9.0, 2.0, 5.0, 1.0, 1.0], [9.0, 0.0, 5.0, 0.0, 1.0],
                         [9.0, np.nan, 5.0, 3.0, 1.0]]),
        rate_pct=np.array([[1.0, 10.0, 99.0, 40.0, 7.0], [2.0, np.nan, 6.0, np.nan, 4.0],
                           [3.0, np.nan, 99.0, 8.0, 7.0]]),
    )  # fmt: skip
    groups = {"U": frozenset({"DEU", "FRA"})}
    regime: Any = SimpleNamespace(members_of_partner=lambda p: groups.get(p, frozenset({p})))
    column = _columns(regime, rates, ["A", "ROW", "FRA"])
    np.testing.assert_array_equal(column("rate_pct", 0), [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(column("rate_pct", 2), [7.0, 4.0, 7.0])  # of its union
    # (2 x 10 + 40) / 3; the plain mean of A, the rest and the union, 2, 6 and 4; C's 8
    np.testing.assert_allclose(column("rate_pct", 1), [20.0, 4.0, 8.0])


def test_who_has_no_imports_in_a_sector_takes_the_weights_of_all():
    """Steel and cars from Korea and Japan; a third partner has none, Japan no steel."""
    table = three_lines()  # shirt, steel, car
    table = replace(
        table, partners=("KOR", "JPN"), flow_line=np.array([1, 2, 2]),
        flow_partner=np.array([0, 0, 1]), flow_value=np.array([30.0, 10.0, 50.0]), weighted=True,
    )  # fmt: skip
    full = _filled_table(table, ["ISL"])
    assert full.partners == ("KOR", "JPN", "ISL")
    held = {(int(i), int(p)): v for i, p, v in zip(full.flow_line, full.flow_partner,
                                                   full.flow_value, strict=True)}  # fmt: skip
    assert len(held) == len(full.flow_value)
    own = {(1, 0): 30.0, (2, 0): 10.0, (2, 1): 50.0}
    assert {k: v for k, v in held.items() if k in own} == own
    borrowed = {k: v for k, v in held.items() if k not in own}
    # Japan's steel and all of the third; shirts are bought from nobody
    assert set(borrowed) == {(1, 1), (1, 2), (2, 2)}
    assert borrowed[2, 2] / borrowed[1, 2] == pytest.approx(60 / 30)
    assert max(borrowed.values()) < 1e-3 * 10.0
    # and back: the flows of some partners only, renumbered
    some = _of_partners(full, [2, 0])
    assert some.partners == ("ISL", "KOR")
    found = sorted(zip(some.flow_line.tolist(), some.flow_partner.tolist(), some.flow_value,
                       strict=True))  # fmt: skip
    expected = [(i, {2: 0, 0: 1}[p], v) for (i, p), v in held.items() if p != 1]
    assert found == sorted(expected)


def test_one_unknown_code_among_known_ones_is_named():
    frame = pd.DataFrame({"hs": ["870323", "770123", "8703230000"], "partner": ["KOR"] * 3,
                          "value_usd": [1.0, 2.0, 3.0]})  # fmt: skip
    with pytest.raises(TableError, match=r"'770123' is not a code of the line table \(1 such rows"):
        user_table("MEX", frame)
    table = user_table("MEX", frame.drop(index=1))
    assert table.codes[table.flow_line].tolist() == ["870323"] * 2
    assert table.partners == ("KOR",)
    assert table.flow_value.tolist() == [1.0, 3.0]
    assert table.weighted


# --- instruments ------------------------------------------------------------------------------
def test_export_bans_and_taxes_meet_on_their_buyers_only(small: Build):
    """China bans a sector to Japan, a quarter of another to all, and taxes the USA twice."""
    world = build(np.full((2, 3, 3), 5.0) + 20 * np.eye(3), theta=np.array([4.0, 5.0]))
    names = ["CHN", "JPN", "USA"]
    world = dt.World(world.dataset.assign_coords(
        sector=["C24", "C26"], input=["C24", "C26"], importer=names, exporter=names,
        country=names), "three")  # fmt: skip
    whole = {"imposer": "CHN", "flow": "export", "instrument": "export_ban"}
    ledger = small(
        {**whole, "targets": "countries: [JPN]", "products": "sectors: [C24]",
         "entry": "form: ban"},
        {**whole, "instrument": "entity_list", "targets": "all: true",
         "products": "sectors: [C26]", "entry": "form: entity_share, share_pct: 25"},
        {**whole, "instrument": "export_tax", "targets": "countries: [USA]",
         "products": "sectors: [C24]", "entry": "form: added, rate_pct: 12"},
        {**whole, "instrument": "export_tax", "targets": "countries: [USA]",
         "products": "sectors: [C24]", "entry": "form: added, rate_pct: 3"},
    )  # fmt: skip
    policy = dt.apply(ledger.at(DAY), world)
    expected = np.ones((2, 3, 3))
    expected[0, 1, 0] = np.inf  # to Japan
    expected[1, 1:, 0] = 0.75 ** (-1 / 5.0)  # to both others, not to itself
    np.testing.assert_allclose(policy.iceberg.values, expected)
    taxed = np.zeros((2, 3, 3))
    taxed[0, 2, 0] = 0.15  # one on top of the other
    np.testing.assert_allclose(policy.export_tax.values, taxed)
    np.testing.assert_array_equal(policy.tariff.values, world.tariff.values)
    (said,) = [n for n in policy.notes if "export measures" in n]
    assert said.startswith("CHN:")


# --- what the notes state ---------------------------------------------------------------------
def test_the_note_on_unknown_bases_is_their_part_of_imports(ledger, world):
    law = ledger.at("2025-10-01")
    rates = sector_rates(law, "USA")
    part = 100 * np.nansum(rates.base_unknown * rates.weight) / np.nansum(rates.weight)
    (note,) = [n for n in dt.apply(law, world).notes if "no known base" in n]
    found = re.fullmatch(
        r"USA: (\d+\.\d\d)% of imports have no known base and count with what is added to it only",
        note,
    )
    assert found
    assert float(found[1]) == pytest.approx(part, abs=0.0051)


def test_the_note_on_lines_counted_once(world, small: Build):
    law = small({"imposer": "KOR", "targets": "countries: [JPN]",
                 "entry": "form: added, rate_pct: 10"}).at(DAY)  # fmt: skip
    notes = dt.apply(law, world).notes
    basis = sector_rates(law, "KOR", partners=("JPN",)).basis
    assert f"KOR: base of the world table, {basis}" in notes

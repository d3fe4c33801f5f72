"""The laws of all days as a list of changes, on three dates made up by hand."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.errors import DateError, TableError
from detente.timeline.laws import FIRST, SHIPPED, Laws, build_laws, change_dates, find_laws
from small_law import entry, measure, write
from worlds import build

DATES = ("2018-01-01", "2020-05-01", "2021-01-01", "2022-01-01")


@pytest.fixture(scope="module")
def world() -> dt.World:
    trade = np.full((1, 2, 2), 5.0) + 20 * np.eye(2)
    return build(trade, tariff=np.full((1, 2, 2), 0.1) * (1 - np.eye(2)), theta=4.0)


def made(key: str = "k") -> Laws:
    """From c01 to c00 is cell 1, the other way cell 2. On the first date 20% on the one; on the
    third a ban of half of the other, and 30% on the one; on the fourth an export tax."""

    def whole(*numbers):
        return np.array(numbers, dtype=np.int32)

    return Laws(
        dates=DATES, until="2023-01-01", key=key,
        cells=(whole(1, 1), whole(2), whole(2)),
        values=(np.array([0.2, 0.3]), np.array([0.05]), np.array([0.5])),
        ends=(whole(1, 1, 2, 2), whole(0, 0, 0, 1), whole(0, 0, 1, 1)),
        notes=("law of 2018-01-01, said", "of all", "law of 2022-01-01, said"),
        note_of=((0, 1), (1,), (), (2,)),
    )  # fmt: skip


def test_a_law_is_all_changes_up_to_its_date(world):
    laws = made()
    found = [laws.policy(n, world) for n in range(4)]
    assert [p.tariff.values[0, 0, 1] for p in found] == [0.2, 0.2, 0.3, 0.3]
    assert [p.tariff.values[0, 1, 0] for p in found] == [0.1] * 4  # as in the table
    assert [p.export_tax.values[0, 1, 0] for p in found] == [0.0, 0.0, 0.0, 0.05]
    kept = [p.iceberg.values[0, 1, 0] ** -4.0 for p in found]
    np.testing.assert_allclose(kept, [1, 1, 0.5, 0.5])  # what a ban leaves
    assert [p.title for p in found] == [f"law of {d}" for d in DATES]
    assert found[0].notes == ("law of 2018-01-01, said", "of all")
    assert found[2].notes == ()
    # on a later day of the same law
    later = laws.policy(0, world, "2019-03-04")
    assert later.title == "law of 2019-03-04"
    assert later.notes == ("law of 2019-03-04, said", "of all")
    np.testing.assert_array_equal(later.tariff, found[0].tariff)


def test_a_day_has_the_law_of_the_last_date_before_it():
    laws = made()
    days = ("2018-01-01", "2020-04-30", "2020-05-01", "2021-12-31", "2022-01-01", "2030-01-01")
    assert [laws.at(d) for d in days] == [0, 0, 1, 2, 3, 3]
    with pytest.raises(DateError, match="date 2017-12-31: the timeline begins on 2018-01-01"):
        laws.at("2017-12-31")


def test_dates_on_which_nothing_changes_are_as_the_one_before():
    assert made().same_as == (0, 0, 2, 3)


def test_a_file_holds_it_all_and_is_found_by_its_key(world, tmp_path):
    paths = [tmp_path / name for name in ("torn", "none", "other", "first", "second")]
    torn, _, other, first, second = paths
    torn.write_bytes(made().to_bytes()[:-200])
    other.write_bytes(made("another").to_bytes())
    first.write_bytes(made().to_bytes())
    second.write_bytes(made().to_bytes())
    with pytest.raises(TableError, match=r"torn: cannot be read .* write it again with"):
        Laws.read(torn)
    found = find_laws("k", paths)
    assert found is not None
    path, laws = found
    assert path == first
    assert (laws.dates, laws.until, laws.key) == (DATES, "2023-01-01", "k")
    assert (laws.notes, laws.note_of) == (made().notes, made().note_of)
    for name in ("cells", "values", "ends"):
        for a, b in zip(getattr(laws, name), getattr(made(), name), strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
    np.testing.assert_array_equal(laws.policy(3, world).iceberg, made().policy(3, world).iceberg)
    assert find_laws("nobody", paths) is None
    assert first.read_bytes() == second.read_bytes()


def test_change_dates_begin_in_2018_and_hold_each_change_once(tmp_path):
    ledger = write(tmp_path, measure("a", entry(rate_pct=5), entry(rate_pct=6,
                   in_force="2025-07-01")), measure("b", entry(rate_pct=5)))  # fmt: skip
    assert change_dates(ledger) == ["2018-01-01", "2025-01-01", "2025-07-01"]


def test_building_says_how_far_it_is_and_keeps_each_note_once(tmp_path):
    ledger = write(tmp_path, measure("a", entry(rate_pct=5), imposer="KOR",
                   targets={"countries": ["JPN"]}))  # fmt: skip
    names = ["JPN", "KOR"]
    plain = build(np.full((1, 2, 2), 5.0) + 20 * np.eye(2), theta=4.0)
    places = dict.fromkeys(("importer", "exporter", "country"), names)
    world = dt.World(plain.dataset.assign_coords(sector=["C24"], input=["C24"], **places), "two")
    told = []
    laws = build_laws(ledger, world, lambda done, of: told.append((done, of)))
    assert told == [(1, 2), (2, 2)]
    assert laws.dates == ("2018-01-01", "2025-01-01")
    assert laws.until == ledger.record_until
    assert laws.same_as == (0, 1)
    assert [c.tolist() for c in laws.cells] == [[2], [], []]  # Korea's duty on Japan
    assert laws.values[0].tolist() == [0.05]
    assert [e.tolist() for e in laws.ends] == [[0, 1], [0, 0], [0, 0]]
    assert len(set(laws.notes)) == len(laws.notes)
    for n, day in enumerate(laws.dates):
        assert laws.policy(n, world).notes == dt.apply(ledger.at(day), world).notes


def test_the_package_ships_such_a_file():
    held = Laws.read(SHIPPED)
    assert held.dates[0] == FIRST
    assert len(held.note_of) == len(held.dates) == len(held.ends[0])

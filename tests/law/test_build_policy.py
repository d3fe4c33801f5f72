"""What a measure of a scenario does to a cell, from formulas on paper; a world of three countries
and two sectors whose tariffs are all 10%."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

import detente as dt
from detente.errors import InputError, RecordError
from detente.policy.scenario import parse_scenario
from detente.runs.build_policy import build_policy
from worlds import build

THETA = (4.0, 8.0)


@pytest.fixture(scope="module")
def world() -> dt.World:
    trade = np.full((2, 3, 3), 5.0)
    tariff = np.full((2, 3, 3), 0.1) * ~np.eye(3, dtype=bool)
    return build(trade, tariff=tariff, theta=np.array(THETA))


def policy(world, *measures, folder=None, start=None):
    data = {"id": "small", "title": "small", "about": "a test", "blurs": "nothing",
            "sources": [{"title": "made up", "publisher": "the tests", "cite": "none"}],
            "measures": [{k: parse(v) for k, v in m.items()} for m in measures]}  # fmt: skip
    return build_policy(parse_scenario(data, "small.yaml"), world, folder=folder, start=start)


def parse(value):
    return yaml.safe_load(value) if isinstance(value, str) else value


ONE = {"imposer": "c00", "targets": "[c01]", "sectors": "[s01]", "instrument": "import_tariff"}


def changed(array, world, base: float) -> dict[tuple[str, str, str], float]:
    """Cells off the diagonal that are not at ``base``."""
    return {
        (world.sectors[j], world.countries[n], world.countries[i]): round(float(array[j, n, i]), 12)
        for j, n, i in np.argwhere(array.values != base)
        if n != i
    }


@pytest.mark.parametrize(
    ("form", "rate", "expected"),
    [
        ("added", 25, 0.35),  # 10 + 25
        ("added", -5, 0.05),
        ("replaced", 25, 0.25),
        ("replaced", 4, 0.04),
        ("total", 25, 0.25),  # the larger of 10 and 25
        ("total", 4, 0.1),
    ],
)
def test_forms_of_a_rate(world, form, rate, expected):
    found = policy(world, {**ONE, "form": form, "rate_pct": rate})
    here = found.tariff.sel(sector="s01", importer="c00", exporter="c01")
    assert float(here) == pytest.approx(expected, rel=1e-14)
    cells = changed(found.tariff, world, 0.1)
    assert set(cells) <= {("s01", "c00", "c01")}
    assert changed(found.export_tax, world, 0.0) == {}
    assert changed(found.iceberg, world, 1.0) == {}


@pytest.mark.parametrize(
    ("form", "rate", "expected"),
    [
        ("added", 25, 0.1 + 0.3 * 0.25),
        ("replaced", 30, 0.7 * 0.1 + 0.3 * 0.3),
        ("total", 30, 0.7 * 0.1 + 0.3 * 0.3),
    ],
)
def test_only_the_covered_and_taxed_part_pays(world, form, rate, expected):
    parts = {"covered_share": 0.5, "taxed_share": 0.6}  # 0.3 of the flow
    found = policy(world, {**ONE, "form": form, "rate_pct": rate, **parts})
    cells = changed(found.tariff, world, 0.1)
    assert cells == {("s01", "c00", "c01"): pytest.approx(expected, rel=1e-12)}


def test_an_iceberg_on_the_covered_part(world):
    measure = {**ONE, "instrument": "iceberg", "cost_pct": 20}
    whole = policy(world, measure)
    assert changed(whole.iceberg, world, 1.0) == {("s01", "c00", "c01"): 1.2}
    part = policy(world, {**measure, "covered_share": 0.25})
    assert changed(part.iceberg, world, 1.0) == {("s01", "c00", "c01"): 1.05}  # 1 + 0.25 * 0.2
    twice = policy(world, measure, {**measure, "cost_pct": 10})
    assert changed(twice.iceberg, world, 1.0) == {("s01", "c00", "c01"): 1.32}  # 1.2 * 1.1


def test_a_ban_leaves_one_less_the_share_at_unchanged_costs(world):
    measure = {**ONE, "sectors": "[s00, s01]", "instrument": "ban"}
    part = policy(world, {**measure, "covered_share": 0.19}).iceberg
    for s, theta in zip(world.sectors, THETA, strict=True):
        kept = float(part.sel(sector=s, importer="c00", exporter="c01")) ** -theta
        assert kept == pytest.approx(0.81, rel=1e-13)
    assert np.isinf(policy(world, measure).iceberg.sel(importer="c00", exporter="c01")).all()
    # a second ban, on what the first has left
    twice = policy(world, *[{**measure, "covered_share": 0.5}] * 2).iceberg
    assert float(twice.sel(sector="s00", importer="c00", exporter="c01")) ** -4 == pytest.approx(
        0.25, rel=1e-13
    )


def test_an_export_tax_stands_with_the_exporter_and_rates_go_by_target(world):
    found = policy(world, {**ONE, "targets": "[c01, c02]", "instrument": "export_tax",
                           "rate_pct": "{c01: 30, default: 20}"})  # fmt: skip
    assert changed(found.export_tax, world, 0.0) == {
        ("s01", "c01", "c00"): 0.3, ("s01", "c02", "c00"): 0.2}  # fmt: skip
    assert changed(found.tariff, world, 0.1) == {}


def test_several_imposers_targets_and_sectors(world):
    found = policy(world, {**ONE, "imposer": "[c00, c01]", "targets": "all",
                           "except_targets": "[c02]", "sectors": "all", "rate_pct": 5})  # fmt: skip
    assert changed(found.tariff, world, 0.1) == {
        (s, a, b): 0.15 for s in ("s00", "s01") for a, b in (("c00", "c01"), ("c01", "c00"))
    }
    with pytest.raises(InputError, match="no pair of different countries"):
        policy(world, {**ONE, "targets": "[c00]", "rate_pct": 5})


def test_measures_come_one_on_top_of_the_other_and_on_top_of_a_start(world):
    found = policy(world, {**ONE, "rate_pct": 25}, {**ONE, "form": "replaced", "rate_pct": 50,
                   "covered_share": 0.5})  # fmt: skip
    assert changed(found.tariff, world, 0.1) == {("s01", "c00", "c01"): 0.425}  # (35 + 50) / 2
    start = dt.Policy(world, tariff=0.3, export_tax=0.2, iceberg=1.5, notes=("said",))
    on_top = policy(world, {**ONE, "rate_pct": 25}, start=start)
    assert changed(on_top.tariff, world, 0.3) == {("s01", "c00", "c01"): 0.55}
    assert changed(on_top.export_tax, world, 0.2) == {}
    assert changed(on_top.iceberg, world, 1.5) == {}
    assert on_top.notes == ("said",)
    assert start.tariff.sel(sector="s01", importer="c00", exporter="c01") == 0.3


def test_rates_and_shares_by_country(world):
    found = policy(world, {**ONE, "targets": "[c01, c02]", "rate_pct": "{c01: 10, c02: 20}",
                           "covered_share": "{c01: 0.5, default: 0.25}"})  # fmt: skip
    assert changed(found.tariff, world, 0.1) == {
        ("s01", "c00", "c01"): 0.15,
        ("s01", "c00", "c02"): 0.15,
    }  # 10 + 5 and 10 + 5
    with pytest.raises(RecordError, match=r"rate_pct: c02 has no value; add it or a default"):
        policy(world, {**ONE, "targets": "[c01, c02]", "rate_pct": "{c01: 10}"})


def test_a_country_is_read_before_its_group(tmp_path):
    world = dt.load_world()
    base = {"imposer": "USA", "targets": "[DEU, FRA, JPN]", "sectors": "[C29]",
            "instrument": "import_tariff", "form": "replaced"}  # fmt: skip
    for text in ("{EU27: 10, DEU: 30, JPN: 20}", "{DEU: 30, EU27: 10, JPN: 20}"):
        found = policy(world, {**base, "rate_pct": text}).tariff
        cells = [float(found.sel(sector="C29", importer="USA", exporter=c))
                 for c in ("DEU", "FRA", "JPN")]  # fmt: skip
        assert cells == pytest.approx([0.3, 0.1, 0.2])
    (tmp_path / "t.csv").write_text(
        "sector,exporter,share,rate_pct\nC29,DEU,0.5,1\nC29,EU27,0.25,2\nC29,ALL,0.125,3\n"
    )
    measure = {**base, "form": "added", "rate_pct": 80, "base": "{table: t.csv}",
               "covered_share": "{table: t.csv}"}  # fmt: skip
    found = policy(world, measure, folder=tmp_path).tariff
    cells = [float(found.sel(sector="C29", importer="USA", exporter=c))
             for c in ("DEU", "FRA", "JPN")]  # fmt: skip
    # own row 1 + 40, the Union's 2 + 20, all others' 3 + 10
    assert cells == pytest.approx([0.41, 0.22, 0.13])


def test_a_member_without_a_row_of_its_own_or_the_unions_takes_that_of_all(tmp_path):
    (tmp_path / "t.csv").write_text("sector,exporter,share\nC29,ALL,0.5\n")
    measure = {"imposer": "USA", "targets": "[DEU, JPN]", "sectors": "[C29]", "rate_pct": 80,
               "instrument": "export_tax", "covered_share": "{table: t.csv}"}  # fmt: skip
    world = dt.load_world()
    found = policy(world, measure, folder=tmp_path).export_tax
    for country in ("DEU", "JPN"):
        assert float(found.sel(sector="C29", importer=country, exporter="USA")) == 0.4
    with pytest.raises(RecordError, match=r"t\.csv has no row for sector C28"):
        policy(world, {**measure, "sectors": "[C28]"}, folder=tmp_path)


def test_rates_that_sum_to_a_hundred_off_are_refused_and_just_above_are_not(world):
    with pytest.raises(InputError, match=r"leave a tariff of -100% for c00 on s01 from c01"):
        policy(world, {**ONE, "rate_pct": -99}, {**ONE, "rate_pct": -11})
    assert policy(world, {**ONE, "rate_pct": -99}, {**ONE, "rate_pct": -10.5}).tariff.min() > -1
    with pytest.raises(InputError, match=r"leave a export_tax of -120% for c01 on s01 from c00"):
        policy(world, *[{**ONE, "instrument": "export_tax", "rate_pct": -60}] * 2)


# --- quotas -----------------------------------------------------------------------------------
QUOTA = {"imposer": "c00", "targets": "all", "sectors": "[s01]", "instrument": "quota"}


def test_a_quota_is_shared_by_its_targets_or_one_for_each(world):
    """Trade of the base year is 5 in every cell, so that 40% of two sellers is 4."""
    (one,) = policy(world, {**QUOTA, "volume_pct_of_base": 40, "rent": "auction"}).quota
    assert (one.sector, one.importer, one.exporters) == ("s01", "c00", ("c01", "c02"))
    assert one.volume_usd_mn == pytest.approx(4.0)
    assert (one.over, one.rent) == (np.inf, "auction")
    each = policy(world, {**QUOTA, "volume_pct_of_base": 40, "each_target": True}).quota
    assert [(q.exporters, q.volume_usd_mn) for q in each] == [
        (("c01",), pytest.approx(2.0)), (("c02",), pytest.approx(2.0)),
    ]  # fmt: skip
    both = policy(world, {**QUOTA, "imposer": "[c00, c01]", "sectors": "all",
                          "volume_pct_of_base": 100}).quota  # fmt: skip
    assert [(q.sector, q.importer) for q in both] == [
        ("s00", "c00"), ("s00", "c01"), ("s01", "c00"), ("s01", "c01"),
    ]  # fmt: skip


def test_rates_within_and_above_a_quota(world):
    measure = {**QUOTA, "targets": "[c01]", "volume_usd_mn": 3, "over_quota_rate_pct": 50}
    found = policy(world, measure)
    assert found.quota[0].over == pytest.approx(0.5)
    assert changed(found.tariff, world, 0.1) == {}
    found = policy(world, {**measure, "rate_pct": 2})
    assert changed(found.tariff, world, 0.1) == {("s01", "c00", "c01"): 0.02}
    # a later measure that lifts the tariff above the rate over the quota is refused
    with pytest.raises(InputError, match=r"small.yaml: .*c00, exporter c01 is 0.5; .*here 0.7"):
        policy(world, measure, {**ONE, "form": "replaced", "rate_pct": 70})


def test_quotas_in_force_stay_and_are_not_laid_on_twice(world):
    start = policy(world, {**QUOTA, "volume_pct_of_base": 40})
    more = policy(world, {**QUOTA, "imposer": "c01", "volume_pct_of_base": 10}, start=start)
    assert [q.importer for q in more.quota] == ["c00", "c01"]
    with pytest.raises(InputError, match=r"is under quota\[0\] already"):
        policy(world, {**QUOTA, "targets": "[c01]", "volume_pct_of_base": 10}, start=start)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "needs one of volume_pct_of_base"),
        ({"volume_pct_of_base": 10, "volume_usd_mn": 3}, "needs one of volume_pct_of_base"),
        ({"volume_pct_of_base": -1}, "greater than or equal to 0"),
        ({"volume_usd_mn": -1}, "greater than or equal to 0"),
        ({"volume_pct_of_base": 10, "rent": "smugglers"}, "importer"),
        ({"volume_pct_of_base": 10, "rate_pct": 20, "over_quota_rate_pct": 10}, "below rate_pct"),
        ({"volume_pct_of_base": 10, "over_quota_rate_pct": -150}, "lies above -100"),
        ({"volume_pct_of_base": 10, "covered_share": 0.5}, "covers whole flows"),
        ({"volume_pct_of_base": 10, "form": "total"}, "form is for taxes"),
        ({"volume_pct_of_base": 10, "rate_pct": {"c01": 1}}, "one number"),
        ({"volume_pct_of_base": 10, "instrument": "ban"}, "volume_pct_of_base is for a quota"),
    ],
)  # fmt: skip
def test_bad_quotas_are_named(world, more, words):
    with pytest.raises(RecordError, match=words):
        policy(world, {**QUOTA, **more})


def test_one_amount_for_several_quotas_is_refused(world):
    with pytest.raises(InputError, match="it is one amount, and the measure has 2 pairs"):
        policy(world, {**QUOTA, "sectors": "all", "volume_usd_mn": 3})
    with pytest.raises(InputError, match="a quota for each target"):
        policy(world, {**QUOTA, "volume_usd_mn": 3, "each_target": True})

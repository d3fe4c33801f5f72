"""Quotas of a law on a world: those recorded in its terms are in the policy, the others say what
they lack."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.law.apply import _without_number
from detente.timeline.laws import Laws, build_laws
from small_law import DAY, entry, measure, write

JAPAN = {"imposer": "JPN", "instrument": "tariff_quota", "targets": {"countries": ["CHN", "KOR"]},
         "products": {"sectors": ["C24"]}}  # fmt: skip
HALF = {"quantity": 50, "quantity_unit": "percent of base-year imports"}


@pytest.fixture
def law(tmp_path):
    return lambda *records: write(tmp_path / "ledger", *records)


@pytest.fixture(scope="module")
def real() -> dt.World:
    return dt.load_world()


def notes(policy):
    return [n for n in policy.notes if n.startswith("quota")]


def test_a_quota_in_terms_of_the_world_is_in_the_policy(law, real):
    one = {**JAPAN, "targets": {"countries": ["CHN"]}}
    view = law(measure("q", entry("quota", 30, **HALF), **one)).at(DAY)
    policy = dt.apply(view, real)
    (q,) = policy.quota
    cell = {"sector": "C24", "importer": "JPN", "exporter": "CHN"}
    assert (q.sector, q.importer, q.exporters, q.rent) == ("C24", "JPN", ("CHN",), "importer")
    assert q.volume_usd_mn == pytest.approx(0.5 * float(real.trade.sel(cell)))
    within = float(policy.tariff.sel(cell))
    assert q.over == pytest.approx(within + 0.3)
    np.testing.assert_array_equal(policy.tariff, real.tariff)
    assert notes(policy) == ["quotas on whole sectors, rents to the importer's firms: q"]
    assert not any("without a number" in n for n in policy.notes)
    # the day's law and the same policy by hand
    by_hand = dt.Policy(real, quota=[cell | {"volume": 0.5, "over": within + 0.3}])
    mine, theirs = dt.simulate(real, policy), dt.simulate(real, by_hand)
    np.testing.assert_allclose(mine.real_income, theirs.real_income, atol=1e-9)
    assert theirs.quota.regime[0].startswith(("binding", "over"))


def test_an_absolute_quota_in_dollars_is_shared_by_its_targets(law, real):
    given = entry("quota", quantity=1.5, quantity_unit="USD billion a year")
    view = law(measure("q", given, **JAPAN | {"instrument": "quota"})).at(DAY)
    (q,) = dt.apply(view, real).quota
    assert (q.exporters, q.volume_usd_mn, q.over) == (("CHN", "KOR"), 1500.0, np.inf)


@pytest.mark.parametrize(
    ("given", "more", "said"),
    [
        (entry("quota", 30), {}, "q (no volume)"),
        (entry("quota", 30, quantity=3, quantity_unit="tonnes"), {}, "q (volume in tonnes)"),
        (entry("quota", **HALF), {}, "q (no rate above it)"),
        (entry("quota", 30, **HALF), {"imposer": "EU27"}, "one quota of 27 importers"),
        (entry("quota", 30, **HALF), {"products": {"codes": ["72"]}}, "of the lines of C24"),
        (
            entry("quota", 30, quantity=3, quantity_unit="USD billion a year"),
            {"products": {"sectors": ["C24", "C29"]}, "targets": {"countries": ["CHN"]}},
            "one amount for 2 sectors",
        ),
    ],
)
def test_what_a_quota_lacks_is_said_and_nothing_changes(law, real, given, more, said):
    view = law(measure("q", given, **JAPAN | more)).at(DAY)
    policy = dt.apply(view, real)
    assert policy.quota == ()
    (note,) = notes(policy)
    assert note.startswith("quotas not in the arrays, and what they lack: q (")
    assert said in note
    assert "q" in _without_number(view)
    assert any("without a number" in n and "q" in n for n in policy.notes)


def test_two_quotas_on_one_flow_are_not_both_taken(law, real):
    one = {**JAPAN, "targets": {"countries": ["CHN"]}}
    records = [measure(n, entry("quota", 30, **HALF), **one) for n in ("p", "q")]
    policy = dt.apply(law(*records).at(DAY), real)
    assert len(policy.quota) == 1
    assert any("on flows under another quota" in n for n in policy.notes)


def test_a_quota_worth_a_known_tariff_stays_that_tariff(law, real):
    """An assumption in the record puts it at so many points; it counts once."""
    view = law(measure("q", entry("quota", equivalent_pct=4, **HALF), **JAPAN)).at(DAY)
    policy = dt.apply(view, real)
    assert policy.quota == ()
    cell = {"sector": "C24", "importer": "JPN", "exporter": "CHN"}
    assert float((policy.tariff - real.tariff).sel(cell)) == pytest.approx(0.04)


def test_kept_laws_hold_quotas(law, real, tmp_path):
    one = {**JAPAN, "targets": {"countries": ["CHN"]}}
    comes_and_goes = entry("quota", 30, in_force="2025-02-01", ended="2025-03-31", **HALF)
    ledger = law(measure("q", comes_and_goes, **one))
    made = build_laws(ledger, real)
    path = tmp_path / "laws.npz"
    path.write_bytes(made.to_bytes())
    for laws in (made, Laws.read(path)):
        counts = {}
        for n, day in enumerate(laws.dates):
            kept = laws.policy(n, real)
            assert kept.quota == dt.apply(ledger.at(day), real).quota
            counts[day] = len(kept.quota)
        assert counts["2025-02-01"] == 1
        assert counts["2025-04-01"] == 0
        assert laws.same_as == tuple(range(len(laws.dates)))


def test_the_records_of_quotas_say_what_they_lack():
    """No record yet gives a volume in terms of a world."""
    found = dt.apply(dt.load_ledger().at("2025-09-01"), dt.load_world())
    assert found.quota == ()
    (note,) = notes(found)
    assert "can/steel-quotas-2025 (no volume, no rate above it, on 54% of the lines of C24" in note
    assert "gbr/usa-epd-2025 (volume in tonnes a year free of duty" in note

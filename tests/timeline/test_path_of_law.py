"""Dated law as a path: periods, the weights of days, and what is said about the days to come."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import detente as dt
from detente.errors import DateError, InputError, UnknownNameError
from detente.outcome.march import LONGEST
from detente.timeline.laws import Laws
from detente.timeline.path import law_stages
from detente.timeline.periods import periods
from small_law import entry, measure, write
from worlds import Draw, build, random_world


# --- periods ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("start", "end", "every", "names"),
    [
        ("2025-01", "2025-03", "month", ["2025-01", "2025-02", "2025-03"]),
        ("2024-10", "2025-03", "quarter", ["2024Q4", "2025Q1"]),
        ("2024-11", "2025-02", "quarter", ["2024-11/2025-01", "2025-02/2025-04"]),
        ("2024", "2025", "year", ["2024", "2025"]),
        ("2024-04", "2025-06", "year", ["2024-04/2025-03", "2025-04/2026-03"]),
        ("2024", "2024", "quarter", ["2024Q1", "2024Q2", "2024Q3", "2024Q4"]),
        ("2025-01-01", "2025-02-28", "month", ["2025-01", "2025-02"]),
        ("2025-07", "2025-07", "quarter", ["2025Q3"]),
    ],
)
def test_names_of_periods(start, end, every, names):
    assert [p.name for p in periods(start, end, every)] == names


@pytest.mark.parametrize(("every", "count"), [("month", 144), ("quarter", 48), ("year", 12)])
def test_periods_hold_every_day_once(every, count):
    found = periods("2018-01", "2029-12", every)
    assert len(found) == count
    assert (found[0].first.isoformat(), found[-1].last.isoformat()) == ("2018-01-01", "2029-12-31")
    assert all((b.first - a.last).days == 1 for a, b in pairwise(found))
    assert sum(p.days for p in found) == 12 * 365 + 3  # 2020, 2024 and 2028 have a day more


@pytest.mark.parametrize(
    ("start", "end", "every", "error", "words"),
    [
        ("2025-04", "2025-03", "month", DateError, "ends in 2025-03, before it starts in 2025-04"),
        ("2025-13", "2026-01", "month", DateError, "start '2025-13' is not a month; write YYYY-MM"),
        ("2025-01", "soon", "month", DateError, "end 'soon' is not a month"),
        ("2025-01-17", "2026-01", "month", DateError, "periods are whole months; write 2025-01"),
        ("0025-01", "2026-01", "month", DateError, "start '0025-01' is not a month"),
        ("2025-01", "2026-01", "week", UnknownNameError, "week.*month, quarter, year"),
        ("2018-01", "2851-04", "month", InputError, f"10,000 periods .*at most {LONGEST:,}"),
    ],
)  # fmt: skip
def test_what_are_no_periods(start, end, every, error, words):
    with pytest.raises(error, match=words):
        periods(start, end, every)


def test_the_longest_path_is_a_hundred_years_of_months():
    assert len(periods("2001-01", "2100-12", "month")) == LONGEST
    with pytest.raises(InputError, match="1,201 periods"):
        periods("2001-01", "2101-01", "month")


# --- the weights of days ----------------------------------------------------------------------
DATES = ("2018-01-01", "2021-02-10", "2021-08-01")


@pytest.fixture(scope="module")
def world() -> dt.World:
    trade = np.full((2, 2, 2), 5.0) + 20 * np.eye(2)
    return build(trade, tariff=np.full((2, 2, 2), 0.1) * (1 - np.eye(2)), theta=4.0)


def made(left: float) -> Laws:
    """In the first sector c00 levies 20% on c01, from 10 February 2021 30%. From that day only a
    part of what c01 buys from c00 is left, from 1 August with an export tax of 5%."""

    def whole(*numbers):
        return np.array(numbers, dtype=np.int32)

    return Laws(
        dates=DATES, until="2023-01-01", key="k",
        cells=(whole(1, 1), whole(2), whole(2)),
        values=(np.array([0.2, 0.3]), np.array([0.05]), np.array([left])),
        ends=(whole(1, 2, 2), whole(0, 0, 1), whole(0, 1, 1)),
        notes=(), note_of=((), (), ()),
    )  # fmt: skip


def test_the_law_of_a_period_is_the_mean_of_its_days(world):
    """Forty days of the first quarter of 2021 lie before 10 February, fifty do not; of the third
    quarter 31 before 1 August and 61 not."""
    stages = law_stages(made(0.4), world, periods("2020-10", "2021-12"))
    assert [s.name for s in stages] == ["2020Q4", "2021Q1", "2021Q2", "2021Q3", "2021Q4"]
    assert (stages[1].first, stages[1].last) == ("2021-01-01", "2021-03-31")
    tariff = [s.policy.tariff.values[0, 0, 1] for s in stages]
    np.testing.assert_allclose(tariff, [0.2, (40 * 0.2 + 50 * 0.3) / 90, 0.3, 0.3, 0.3])
    tax = [s.policy.export_tax.values[0, 1, 0] for s in stages]
    np.testing.assert_allclose(tax, [0, 0, 0, 61 * 0.05 / 92, 0.05])
    open_ = [1.0 if s.policy.open is None else s.policy.open[0, 1, 0] for s in stages]
    np.testing.assert_allclose(open_, [1.0, (40 + 50 * 0.4) / 90, 0.4, 0.4, 0.4])
    assert stages[0].policy.open is None
    for s in stages[1:]:
        assert s.policy.open is not None
        np.testing.assert_allclose(s.policy.iceberg.values, s.policy.open**-0.25)  # open^(-1/theta)
        assert s.policy.open[0, 0, 1] == 1.0


def test_months_weigh_up_to_quarters_and_years(world):
    laws = made(0.4)
    means = []
    for every in ("month", "quarter", "year"):
        calendar = periods("2021-01", "2021-12", every)
        days = np.array([p.days for p in calendar])
        stages = law_stages(laws, world, calendar)
        policies = [s.policy for s in stages]
        levied = [[p.tariff.values[0, 0, 1], p.export_tax.values[0, 1, 0],
                   1.0 if p.open is None else p.open[0, 1, 0]] for p in policies]  # fmt: skip
        means.append(days @ np.array(levied) / 365)
    np.testing.assert_allclose(means[1], means[0], rtol=1e-13)
    np.testing.assert_allclose(means[2], means[0], rtol=1e-13)


def test_policies_by_date_give_the_periods_that_the_law_gives(world):
    """Two routes to one number, with a whole ban for part of a quarter."""
    laws, calendar = made(0.0), periods("2021-01", "2021-12")
    ours = law_stages(laws, world, calendar)
    dated = {day: laws.policy(n, world) for n, day in enumerate(DATES)}
    path = dt.path(world, dated, start="2021-01", end="2021-12", horizon="cgmt")
    for mine, theirs in zip(ours, path.stages, strict=True):
        assert (mine.name, mine.first, mine.last) == (theirs.name, theirs.first, theirs.last)
        for name in ("tariff", "export_tax"):
            np.testing.assert_allclose(
                getattr(mine.policy, name), getattr(theirs.policy, name), rtol=1e-14
            )
    theta = path.world.theta.values[0]  # the horizon set's own
    part = path.stages[0]
    assert part.policy.open is not None
    assert part.policy.open[0, 1, 0] == pytest.approx(40 / 90)
    assert part.policy.iceberg.values[0, 1, 0] == pytest.approx((40 / 90) ** (-1 / theta))
    assert np.isinf(path.stages[1].policy.iceberg.values[0, 1, 0])
    flow = path.trade.values[:, 0, 1, 0]
    assert flow[0] > 0.3 * path.start.base.flows[0, 1, 0]
    assert (flow[1:] == 0).all()


def test_a_law_that_changes_after_the_period_is_not_in_it(world):
    laws = made(0.4)
    before = law_stages(laws, world, periods("2020-01", "2020-12", "year"))[0]
    np.testing.assert_array_equal(before.policy.tariff, laws.policy(0, world).tariff)
    with pytest.raises(DateError, match="the timeline begins on 2018-01-01"):
        law_stages(laws, world, periods("2017-01", "2018-12", "year"))


# --- a ledger ---------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def two() -> dt.World:
    plain = build(np.full((1, 2, 2), 5.0) + 20 * np.eye(2), theta=4.0)
    names = ["JPN", "KOR"]
    places = dict.fromkeys(("importer", "exporter", "country"), names)
    return dt.World(plain.dataset.assign_coords(sector=["C24"], input=["C24"], **places), "two")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    """Korea's duty on Japan: 5% from 15 February 2025, 9% from 1 October 2026."""
    who = {"imposer": "KOR", "targets": {"countries": ["JPN"]}}
    return write(
        tmp_path_factory.mktemp("ledger"),
        measure("a", entry(rate_pct=5, in_force="2025-02-15"), **who),
        measure("b", entry(rate_pct=4, in_force="2026-10-01"), **who),
    )


def rates(path: dt.Path) -> list[float]:
    return [round(100 * float(s.policy.tariff.values[0, 1, 0]), 9) for s in path.stages]


def test_the_law_of_a_ledger_is_the_law_of_its_days(two, ledger):
    path = dt.path(two, ledger, start="2025-01", end="2025-06", every="month")
    assert rates(path) == [0, 2.5, 5, 5, 5, 5]  # the 15th is in the middle of 28 days
    assert path.provenance["ledger"] == ledger.content_hash[:12]
    assert "law_assumed_after" not in path.provenance
    assert path.provenance["baseline"] == "law of 2025-01-01"
    by_hand = {day: dt.apply(ledger.at(day), two) for day in ("2025-01-01", "2025-02-15")}
    same = dt.path(two, by_hand, start="2025-01", end="2025-06", every="month")
    np.testing.assert_allclose(path.real_income, same.real_income, atol=1e-9)
    assert float(np.abs(path.real_income.isel(time=0)).max()) < 1e-8
    assert float(path.sales.isel(time=-1)[0, 1, 0]) < -1.0


def test_after_the_record_the_last_law_stays_and_the_path_says_so(two, ledger):
    """The record ends on 31 October 2026."""
    inside = dt.path(two, ledger, start="2026-07", end="2026-10", every="month")
    assert "law_assumed_after" not in inside.provenance
    path = dt.path(two, ledger, start="2026-07", end="2027-06")
    assert path.provenance["law_assumed_after"] == "2026-10-31" == ledger.record_until
    assert rates(path) == [5, 9, 9, 9]
    assert path.long_run.policy.hash == path.stages[-1].policy.hash


def test_the_baseline_of_a_ledger_may_be_any_day(two, ledger):
    usual = dt.path(two, ledger, start="2026-07", end="2026-12")
    assert usual.provenance["baseline"] == "law of 2026-07-01"
    early = dt.path(two, ledger, start="2026-07", end="2026-12", baseline="2024-05-05")
    assert early.provenance["baseline"] == "law of 2024-05-05"
    base = early.start.base.policy.tariff[0, 1, 0]
    assert (base, usual.start.base.policy.tariff[0, 1, 0]) == (0.0, pytest.approx(0.05))
    assert early.revenue.values[0, 1] > 0
    with pytest.raises(DateError, match="baseline 'May' is not a day; write YYYY-MM-DD"):
        dt.path(two, ledger, baseline="May")
    with pytest.raises(DateError, match="the timeline begins on 2018-01-01"):
        dt.path(two, ledger, baseline="2016-05-05")


def test_a_start_before_the_record_is_refused(two, ledger):
    with pytest.raises(
        DateError, match="it starts on 2017-10-01, the ledger's record on 2018-01-01"
    ):
        dt.path(two, ledger, start="2017-10", end="2019-12")


# --- policies and scenarios -------------------------------------------------------------------
@pytest.fixture(scope="module")
def some() -> dt.World:
    return random_world(Draw(N=3, J=2, seed=3, theta=(2.0, 6.0)))


def taxed(world: dt.World, rate: float) -> dt.Policy:
    tariff = world.tariff.copy(deep=True)
    tariff[0, 0, 1] += rate
    return dt.Policy(world, tariff=tariff)


def test_each_policy_holds_from_its_day_on(some):
    one, other = taxed(some, 0.1), taxed(some, 0.4)
    dated = {"2025-04-01": one, "2025-10-17": other}
    path = dt.path(some, dated, start="2025-01", end="2026-03")
    added = [float(s.policy.tariff[0, 0, 1] - some.tariff[0, 0, 1]) for s in path.stages]
    mixed = (16 * 0.1 + 76 * 0.4) / 92  # October has 16 days before the 17th
    np.testing.assert_allclose(added, [0.0, 0.1, 0.1, mixed, 0.4], atol=1e-15)
    assert path.stages[1].policy is one
    assert float(np.abs(path.real_income.isel(time=0)).max()) < 1e-8  # the baseline
    shuffled = dt.path(some, dict(reversed(dated.items())), start="2025-01", end="2026-03")
    np.testing.assert_array_equal(path.real_income, shuffled.real_income)


def test_one_policy_holds_from_the_first_period_on(some):
    policy = taxed(some, 0.3)
    path = dt.path(some, policy, start="2025", end="2026", every="year")
    dated = dt.path(some, {"2025-01-01": policy}, start="2025", end="2026", every="year")
    np.testing.assert_array_equal(path.output, dated.output)
    before = taxed(some, 0.3)
    against = dt.path(some, policy, start="2025", end="2026", every="year", baseline=before)
    assert float(np.abs(against.real_income).max()) < 1e-8


def test_given_parameters_stand_in_for_those_of_the_set(some):
    policy = taxed(some, 0.3)
    when: dict[str, Any] = {"start": "2025", "end": "2026", "every": "year"}
    static = dt.simulate(some, policy)
    path = dt.path(some, policy, zeta=1.0, **when)
    np.testing.assert_allclose(path.real_income.isel(time=0), static.real_income, atol=1e-8)
    assert path.provenance["model_settings"]["zeta"] == 1.0
    own = dt.path(some, policy, sigma=1.3045, zeta=0.1183, **when)
    usual = dt.path(some, policy, **when)
    np.testing.assert_array_equal(own.real_income, usual.real_income)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"sigma": 1.0}, InputError, "sigma is 1.0.*not 1"),
        ({"zeta": 0.0}, InputError, "zeta is 0.0; it is a share, above 0 to 1"),
        ({"zeta": 1.5}, InputError, "zeta is 1.5"),
        ({"zeta": float("nan")}, InputError, "zeta is nan"),
        ({"zeta": (0.2, 0.3, 0.4)}, InputError, "zeta has 3 values, the world 2 sectors"),
        ({"mu": 0.0}, InputError, "mu is 0.0; it is a share"),
        ({"mu": 1.2}, InputError, "mu is 1.2"),
        ({"kappa": 1.0}, InputError, "kappa is 1.0"),
        ({"labour": "slow"}, UnknownNameError, "slow.*mobile, sticky"),
        ({"horizon": "cgm"}, UnknownNameError, "cgm.*cgmt"),
        ({"deficit": "none"}, InputError, "none"),
        ({"tol": 0.0}, InputError, "tol is 0.0; it must be above zero"),
        ({"every": "day"}, UnknownNameError, "day"),
        ({"end": None}, InputError, "start and end .* are needed"),
        ({"end": "2024-12"}, DateError, "before it starts"),
        ({"end": "2950-12", "every": "month"}, InputError, "periods"),
        ({"law": {}}, InputError, "no policy is given"),
        ({"law": {"May": None}}, DateError, "'May' is not a day; write YYYY-MM-DD"),
        ({"law": "no-such-scenario"}, InputError, "no-such-scenario"),
        ({"baseline": "some day"}, DateError, "baseline 'some day' is not a day"),
    ],
    ids=str,
)
def test_what_no_path_is_made_of(some, given, error, words):
    usual: dict[str, Any] = {"law": taxed(some, 0.1), "start": "2025-01", "end": "2025-12"}
    with pytest.raises(error, match=f"(?s){words}"):
        dt.path(some, **{**usual, **given})


def test_policies_of_another_world_and_quotas_that_change_inside_a_period_are_refused(some):
    other = random_world(Draw(N=4, J=2, seed=5, theta=(2.0, 6.0)))
    when: dict[str, Any] = {"start": "2025-01", "end": "2025-12"}
    for law, baseline, words in (
        (taxed(other, 0.1), None, "path: the policy was built on random"),
        ({"2025-02-01": taxed(other, 0.1)}, None, "path: the policy of 2025-02-01 was built on"),
        (taxed(some, 0.1), dt.Policy(other), "path: the baseline was built on random"),
    ):
        with pytest.raises(InputError, match=words):
            dt.path(some, law, baseline=baseline, **when)
    with pytest.raises(InputError, match="2025-02-01: float is not a policy"):
        dt.path(some, {"2025-02-01": 0.25}, **when)  # pyright: ignore[reportArgumentType]
    quota = [{"sector": "s00", "importer": "c00", "exporter": ["c01"], "volume": 0.7,
              "over": 3.0, "rent": "exporter"}]  # fmt: skip
    limited = dt.Policy(some, quota=quota)
    with pytest.raises(InputError, match="a change inside 2025Q1"):
        dt.path(some, {"2025-02-01": limited}, start="2025-01", end="2025-12")
    fits = dt.path(some, {"2025-04-01": limited}, start="2025-01", end="2025-12")
    assert fits.at("2025Q2").quota["volume_over_quota"].iloc[0] == pytest.approx(1.0, abs=1e-8)


def test_a_scenario_holds_from_the_first_month_on_and_brings_its_baseline():
    result = dt.run("us-cars-25", horizon="long")
    path = dt.path(law="us-cars-25", start="2025-04", end="2025-09")
    assert path.times == ["2025Q2", "2025Q3"]
    same = dt.path(law=result.outcome.policy, start="2025-04", end="2025-09")
    np.testing.assert_array_equal(path.real_income, same.real_income)
    np.testing.assert_allclose(path.long_run.real_income, result.outcome.real_income, atol=1e-8)
    answered = dt.run("cars-15-for-korea-and-japan", horizon="long")
    other = dt.path(law="cars-15-for-korea-and-japan", start="2025-04", end="2025-06")
    assert other.march.baseline.hash == answered.outcome.baseline.hash
    np.testing.assert_allclose(other.long_run.real_income, answered.outcome.real_income, atol=1e-8)

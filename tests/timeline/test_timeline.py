"""The timeline: the shipped laws are those of the ledger, and every route gives one number."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.errors import DateError, TableError, UnknownNameError
from detente.labels import goods_sectors
from detente.ledger import Ledger
from detente.policy.scenario import Law, load_scenario, parse_scenario
from detente.runs.build_policy import law_policy
from detente.timeline.days import COLUMNS, Timeline
from detente.timeline.laws import SHIPPED, Laws, build_laws, change_dates, inputs_key, shipped_laws
from detente.timeline.live import LiveRuns
from detente.world import World


@pytest.fixture(scope="module")
def world() -> World:
    return dt.load_world()


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return dt.load_ledger()


@pytest.fixture(scope="module")
def line(ledger: Ledger, world: World) -> Timeline:
    laws = shipped_laws(ledger, world)
    assert laws is not None, "run: python -m detente.build.laws"
    return Timeline(ledger, world, laws)


def test_the_shipped_laws_were_made_from_this_ledger_and_world(
    line: Timeline, ledger: Ledger, world: World
) -> None:
    assert line.laws.key == inputs_key(ledger, world)
    assert list(line.dates) == change_dates(ledger)
    assert line.dates[0] == "2018-01-01"
    later = {d for d in ledger.change_dates() if d >= "2018-01-01"}
    assert later <= set(line.dates)


def test_the_file_is_the_same_byte_for_byte(line: Timeline) -> None:
    assert Laws.read(SHIPPED).to_bytes() == line.laws.to_bytes()
    assert SHIPPED.stat().st_size < 2_000_000


@pytest.mark.parametrize("share", [0.0, 0.12, 0.45, 0.63, 0.8, 0.9, 1.0])
def test_a_shipped_law_is_what_apply_gives(line: Timeline, world: World, share: float) -> None:
    place = round(share * (len(line.dates) - 1))
    shipped, made = line.policy(place), dt.apply(line.ledger.at(line.dates[place]), world)
    for name in ("tariff", "export_tax", "iceberg"):
        np.testing.assert_allclose(
            getattr(shipped, name).values, getattr(made, name).values, rtol=1e-12, atol=1e-12
        )
    assert shipped.notes == made.notes


@pytest.mark.slow
def test_every_shipped_law_is_what_apply_gives(line: Timeline, world: World) -> None:
    seen = []
    made = build_laws(line.ledger, world, lambda done, total: seen.append((done, total)))
    assert made.to_bytes() == line.laws.to_bytes()
    assert seen[-1] == (len(line.dates), len(line.dates))


def test_laws_of_another_world_are_not_used(ledger: Ledger, world: World) -> None:
    assert shipped_laws(ledger, world.with_theta("cp")) is None


def test_a_damaged_file_is_not_read(tmp_path, ledger: Ledger, world: World) -> None:
    path = tmp_path / "laws.npz"
    path.write_bytes(SHIPPED.read_bytes()[:5000])
    with pytest.raises(TableError, match=r"detente\.build\.laws"):
        Laws.read(path)


def test_a_day_means_the_last_change_before_it(line: Timeline) -> None:
    assert line.dates[line.place("2025-04-06")] == "2025-04-05"
    assert line.dates[line.place("2025-04-05")] == "2025-04-05"
    assert line.place(line.ledger.record_until) == len(line.dates) - 1
    for bad in ("2017-12-31", "2099-01-01", "2025-02-30", "x", "20250405", "2025-4-5"):
        with pytest.raises(DateError):
            line.place(bad)


def test_a_date_is_the_outcome_of_its_law(line: Timeline, world: World) -> None:
    place = line.place("2025-04-10")
    out = dt.simulate(world, line.policy(place))
    row = list(COLUMNS).index("real_income_pct")
    np.testing.assert_array_equal(line.levels(place)[row], out.real_income.values)
    assert line.outcome(place).after.checks["labour_markets"] < 1e-8


def test_two_dates_compare_like_a_run_between_them(line: Timeline, world: World) -> None:
    then, now = line.place("2025-01-01"), line.place("2025-04-10")
    out = dt.simulate(world, line.policy(now), baseline=line.policy(then))
    table = dict(zip(COLUMNS, line.compare(now, then), strict=True))
    for name, values in (
        ("real_income_pct", out.real_income), ("real_wage_pct", out.real_wage),
        ("exports_pct", out.exports), ("imports_pct", out.imports),
    ):  # fmt: skip
        np.testing.assert_allclose(table[name], values.values, atol=1e-6)
    np.testing.assert_allclose(table["tariff_revenue_usd_bn"], out.revenue.values / 1000, rtol=1e-8)


def test_a_date_against_itself_is_no_change(line: Timeline) -> None:
    place = line.place("2025-05-01")
    table = dict(zip(COLUMNS, line.compare(place, place), strict=True))
    assert np.abs(table["real_income_pct"]).max() == 0.0
    assert table["tariff_charged_pct"].max() > 1.0


def test_average_tariffs_by_hand(line: Timeline, world: World) -> None:
    place = line.place("2025-04-10")
    goods = goods_sectors()
    tariff = line.policy(place).tariff.sel(sector=goods, importer="USA").drop_sel(exporter="USA")
    trade = world.trade.sel(sector=goods, importer="USA").drop_sel(exporter="USA")
    by_hand = 100 * float((tariff * trade).sum() / trade.sum())
    rows = {r["country"]: r for r in line.rows(place, 0)}
    assert rows["USA"]["tariff_charged_pct"] == pytest.approx(by_hand, rel=1e-12)
    assert by_hand > 20  # 145% on China, 10% on nearly everybody


def test_where_the_trade_went_adds_up(line: Timeline) -> None:
    now, then = line.place("2025-05-01"), 0
    found = line.flows(now, then, "USA", "CHN", "C26")
    sold = {r["seller"]: r for r in found["rows"]}
    assert sold["CHN"]["change_usd_bn"] == found["rows"][0]["change_usd_bn"] < 0
    out = line.outcome(now)
    flows = out.trade.sel(sector="C26") / 1000
    assert sold["VNM"]["after_usd_bn"] == pytest.approx(
        float(flows.sel(importer="USA", exporter="VNM"))
    )
    assert "USA" not in {r["buyer"] for r in found["redirected"]}
    total = sum(r["after_usd_bn"] for r in found["redirected"]) + sold["CHN"]["after_usd_bn"]
    assert total == pytest.approx(float(flows.sel(exporter="CHN").sum()))
    with pytest.raises(UnknownNameError):
        line.flows(now, then, "USA", "XXX", "C26")


def test_every_date_has_a_headline(line: Timeline) -> None:
    assert len(line.headlines) == len(line.dates)
    assert all(text and "\n" not in text for text in line.headlines)
    place = line.place("2025-04-03")
    assert "US tariff on passenger vehicles" in line.headlines[place]
    assert all(c.date == line.dates[place] for c in line.changes(place))


def test_live_runs_are_those_of_the_command_line(line: Timeline, world: World) -> None:
    live, alone = LiveRuns(world, line), LiveRuns(world)
    for name in ("us-cars-25", "us-cars-25-law"):
        scenario = load_scenario(name)
        again = alone.run(scenario).outcome.policy
        assert again.hash == dt.run(name).outcome.policy.hash
        mine, theirs = live.run(scenario), dt.run(name)
        np.testing.assert_allclose(
            mine.outcome.real_income.values, theirs.outcome.real_income.values, atol=1e-9
        )
        assert mine.outcome.policy.notes == theirs.outcome.policy.notes
        assert mine.outcome.policy.title == theirs.outcome.policy.title
    scenario = load_scenario("us-cars-25-law")
    other = parse_scenario({**scenario.model_dump(by_alias=True), "theta": "cp"}, "other")
    assert live.run(other).outcome.world.theta.attrs["set"] == "cp"


def test_a_law_read_in_another_way_is_worked_out(line: Timeline, world: World) -> None:
    live = LiveRuns(world, line)
    law = Law.model_validate({"date": "2025-04-10", "without": ["usa/ieepa-reciprocal"]})
    made = live._law(law, world)
    np.testing.assert_array_equal(made.tariff.values, law_policy(law, world).tariff.values)
    assert (made.tariff.values != line.policy(line.place("2025-04-10")).tariff.values).any()
    assert live._law(law, world) is made

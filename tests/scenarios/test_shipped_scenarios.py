"""The scenarios that ship: each loads, builds, and taxes what its sources say.

Every number is worked out by hand from the rate of the measure, the shares of the tables (2024
imports) and the rate of the world table, with the arithmetic beside it.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import detente as dt
from detente.labels import goods_sectors, group_members
from detente.outcome.objective import value_of
from detente.policy.scenario import load_scenario, scenario_folder, scenario_names
from detente.report.schema import scenario_schema
from detente.runs.build_policy import build_policy

ROOT = Path(__file__).parents[2]
NAMES = [
    "cars-15-for-korea-and-japan",
    "china-145",
    "china-145-answered",
    "cjk-fta",
    "doubt-about-tariffs",
    "liberation-day",
    "metals-50",
    "rcep-complete",
    "seafood-ban",
    "us-cars-25",
]
MILLIONTH = 2e-6
"""The tables print six digits."""


@pytest.fixture(scope="module")
def world():
    return dt.load_world()


@pytest.fixture(scope="module")
def policies(world):
    return {name: build_policy(load_scenario(name), world) for name in NAMES}


def tariff(where, sector, importer, exporter) -> float:
    return float(where.tariff.sel(sector=sector, importer=importer, exporter=exporter))


def changed(policy, world) -> set[tuple[str, str]]:
    """(importer, exporter) pairs with any tariff changed."""
    moved = (policy.tariff.values != world.tariff.values).any(axis=0)
    return {(world.countries[n], world.countries[e]) for n, e in np.argwhere(moved)}


def test_those_written_by_hand_and_no_other():
    # those that restate the ledger are tested in tests/law
    assert [n for n in scenario_names() if load_scenario(n).policy is None] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_scenario_says_what_it_is(name, world):
    scenario = load_scenario(name)
    assert scenario.id == name
    assert (scenario.theta, scenario.deficit, scenario.world) == ("fgo", "fixed", "world-2022")
    assert len(scenario.about) > 100
    assert any(c.isdigit() for c in scenario.blurs)
    assert all(s.title and s.publisher and s.date and (s.url or s.cite) for s in scenario.sources)
    text = (scenario_folder() / f"{name}.yaml").read_text()
    assert "shared/" not in text
    assert ".txt" not in text
    if scenario.focus is not None:
        assert scenario.focus.sector in world.sectors
        assert scenario.focus.importer in world.countries


@pytest.mark.parametrize("name", NAMES)
def test_every_scenario_solves_and_its_claims_have_a_number(name, world, policies):
    scenario = load_scenario(name)
    before = scenario.baseline.scenario
    baseline = policies[before] if before else None
    out = dt.simulate(world, policies[name], baseline=baseline, deficit=scenario.deficit)
    assert out.status == "converged"
    for claim in scenario.claims:
        assert claim.published_pct is not None
        assert np.isfinite(value_of(out, claim.ours))


def test_doubt_is_a_cost_that_nobody_earns(world, policies):
    policy = policies["doubt-about-tariffs"]
    assert np.array_equal(policy.tariff, world.tariff)
    cost = policy.iceberg.sel(importer="USA", exporter="CHN")
    goods = [s for s in world.sectors if s != "services"]
    np.testing.assert_allclose(cost.sel(sector=goods), 1.13)
    assert float(cost.sel(sector="services")) == 1.0
    assert int((policy.iceberg.values != 1.0).sum()) == len(goods)
    out = dt.simulate(world, policy)
    assert float((out.revenue - out.revenue_before).sel(country="USA")) < 0  # trade shrinks
    assert float(out.real_income.sel(country="USA")) < 0


def test_cars_25_adds_25_on_the_part_that_is_cars(world, policies):
    policy = policies["us-cars-25"]
    # world table (duties collected in 2024) + share of cars x 25%
    # JPN 0.025003 + 0.803838 x 0.25 = 0.025003 + 0.200960
    assert tariff(policy, "C29", "USA", "JPN") == pytest.approx(0.2259624, abs=MILLIONTH)
    # KOR 0.000634 + 0.823151 x 0.25 = 0.000634 + 0.205788
    assert tariff(policy, "C29", "USA", "KOR") == pytest.approx(0.2064217, abs=MILLIONTH)
    # EU27 is one partner, share 0.827958: 0.024725 + 0.206990, Germany and Slovakia alike
    assert tariff(policy, "C29", "USA", "DEU") == pytest.approx(0.2317148, abs=MILLIONTH)
    assert tariff(policy, "C29", "USA", "SVK") == tariff(policy, "C29", "USA", "DEU")
    # Iceland has no row and takes ALL: 0.667977 x 0.25 = 0.166994
    step = tariff(policy, "C29", "USA", "ISL") - tariff(world, "C29", "USA", "ISL")
    assert step == pytest.approx(0.1669943, abs=MILLIONTH)


def test_cars_25_spares_us_content_of_usmca_cars(policies):
    policy = policies["us-cars-25"]
    # claims 0.979 and 0.907 of car imports, 40% US content: 1 - 0.3916 and 1 - 0.3628
    shares = load_scenario("us-cars-25").measures[0].taxed_share
    assert shares["CAN"] == pytest.approx(1 - 0.979 * 0.40, abs=5e-4)
    assert shares["MEX"] == pytest.approx(1 - 0.907 * 0.40, abs=5e-4)
    # CAN 0.001654 + 0.619625 x 0.608 x 0.25 = 0.001654 + 0.094183
    assert tariff(policy, "C29", "USA", "CAN") == pytest.approx(0.0958374, abs=MILLIONTH)
    # MEX 0.004105 + 0.583682 x 0.637 x 0.25 = 0.004105 + 0.092951
    assert tariff(policy, "C29", "USA", "MEX") == pytest.approx(0.0970567, abs=MILLIONTH)


def test_cars_25_touches_nothing_else(world, policies):
    moved = policies["us-cars-25"].tariff.values != world.tariff.values
    sectors = {world.sectors[j] for j in np.argwhere(moved)[:, 0]}
    assert sectors == {"C29"}
    assert {n for n, _ in changed(policies["us-cars-25"], world)} == {"USA"}


def test_cars_15_is_a_total_for_two_and_25_more_for_the_rest(policies):
    before, after = policies["us-cars-25"], policies["cars-15-for-korea-and-japan"]
    # JPN: cars pay 15% in all, the rest its 2.5%: 0.196162 x 0.025003 + 0.803838 x 0.15
    assert tariff(after, "C29", "USA", "JPN") == pytest.approx(0.1254804, abs=MILLIONTH)
    # KOR: free under KORUS, so 0.176849 x 0.000634 + 0.823151 x 0.15
    assert tariff(after, "C29", "USA", "KOR") == pytest.approx(0.1235848, abs=MILLIONTH)
    for other in ("DEU", "GBR", "CAN", "MEX", "CHN"):
        assert tariff(after, "C29", "USA", other) == tariff(before, "C29", "USA", other)
    assert load_scenario("cars-15-for-korea-and-japan").baseline.scenario == "us-cars-25"


def test_china_145_stands_on_column_1(world, policies):
    policy = policies["china-145"]
    # C26: column 1 is 0.117010%, so 1.451170; the 2024 duties had Section 301 and are not used
    assert tariff(policy, "C26", "USA", "CHN") == pytest.approx(1.4511701, abs=MILLIONTH)
    # C29: cars 2.5% and parts 0 to 2.5%; no Section 301
    assert 1.45 + 0.02 < tariff(policy, "C29", "USA", "CHN") < 1.45 + 0.025
    assert tariff(policy, "services", "USA", "CHN") == 0.0
    assert changed(policy, world) == {("USA", "CHN")}


def test_the_answer_is_125_on_top_of_chinas_rates(world, policies):
    alone, both = policies["china-145"], policies["china-145-answered"]
    assert changed(both, world) == {("USA", "CHN"), ("CHN", "USA")}
    for sector in ("A01_02", "C26", "C30"):
        step = tariff(both, sector, "CHN", "USA") - tariff(world, sector, "CHN", "USA")
        assert step == pytest.approx(1.25, abs=1e-12)
        assert tariff(both, sector, "USA", "CHN") == tariff(alone, sector, "USA", "CHN")


ANNOUNCED = {
    # headings 9903.01.43 to 9903.01.75 of the tariff schedule, percent
    "CMR": 11, "NGA": 14, "NOR": 15, "ISR": 17, "PHL": 17, "JOR": 20, "CIV": 21, "BRN": 24,
    "JPN": 24, "MYS": 24, "KOR": 25, "IND": 26, "KAZ": 27, "TUN": 28, "PAK": 29, "ZAF": 30,
    "CHE": 31, "IDN": 32, "TWN": 32, "CHN": 34, "HKG": 34, "THA": 36, "BGD": 37, "MMR": 44,
    "VNM": 46, "LAO": 48, "KHM": 49,
}  # fmt: skip


def test_liberation_day_has_the_announced_rates(world, policies):
    rates = load_scenario("liberation-day").measures[0].rates
    assert {k: v for k, v in rates.items() if k not in ("EU27", "default")} == ANNOUNCED
    assert (rates["EU27"], rates["default"]) == (20, 10)
    policy = policies["liberation-day"]

    def step(sector, exporter):
        return tariff(policy, sector, "USA", exporter) - tariff(world, sector, "USA", exporter)

    # textiles from Cambodia: all covered, 49%
    assert step("C13T15", "KHM") == pytest.approx(0.49, abs=MILLIONTH)
    # computers and phones were not exempt before 11 April: 0.971459 x 0.34
    assert step("C26", "CHN") == pytest.approx(0.330296, abs=MILLIONTH)
    # chemicals from France, EU row: 0.727391 x 0.20
    assert step("C20", "FRA") == pytest.approx(0.1454782, abs=MILLIONTH)
    # the rest of the world at 10%, share of ALL: 0.842619 x 0.10
    assert step("C28", "ROW") == pytest.approx(0.0842619, abs=MILLIONTH)
    # Japan's cars and parts are under Section 232: 0.060736 x 0.24
    assert step("C29", "JPN") == pytest.approx(0.0145766, abs=MILLIONTH)


def test_liberation_day_leaves_four_countries_out(world, policies):
    taxed = {e for _, e in changed(policies["liberation-day"], world)}
    assert taxed == set(world.countries) - {"USA", "CAN", "MEX", "RUS", "BLR"}


def test_metals_50_does_not_count_2024_twice(world, policies):
    policy = policies["metals-50"]
    # JPN C24: column 1 2.119736% + 0.625173 x 50%
    assert tariff(policy, "C24", "USA", "JPN") == pytest.approx(0.3337839, abs=MILLIONTH)
    # GBR at 25%: 1.014357% + 0.318602 x 25%
    assert tariff(policy, "C24", "USA", "GBR") == pytest.approx(0.0897941, abs=MILLIONTH)
    # Turkey paid 25% in 2024 (13.3% collected on C24); the new rate is 50% in all, not 63
    assert tariff(world, "C24", "USA", "TUR") > 0.13
    # column 1 1.702125% + 0.846502 x 50%
    assert tariff(policy, "C24", "USA", "TUR") == pytest.approx(0.4402723, abs=MILLIONTH)


def test_metals_50_keeps_section_301_on_china(world, policies):
    policy = policies["metals-50"]

    def step(sector):
        return tariff(policy, sector, "USA", "CHN") - tariff(world, sector, "USA", "CHN")

    # C25: nothing of weight taxed in 2024, 0.471266 x 0.50
    assert step("C25") == pytest.approx(0.235633, abs=MILLIONTH)
    # C24: 25% on 23.7% steel and 10% on 22.4% aluminium were there: 50 - 8.17/0.590 = 36.15
    assert step("C24") == pytest.approx(0.589921 * 0.36, abs=MILLIONTH)
    assert step("C24") == pytest.approx(0.589921 * 0.50 - 0.0817, abs=1e-3)


@pytest.mark.parametrize(("name", "group", "size"), [("cjk-fta", "CJK", 3),
                                                     ("rcep-complete", "RCEP", 15)])  # fmt: skip
def test_a_pact_zeroes_its_own_tariffs_and_no_other(name, group, size, world, policies):
    members = group_members(group)
    assert len(members) == size
    goods = [s for s in goods_sectors() if s in world.sectors]
    inside = policies[name].tariff.sel(sector=goods, importer=members, exporter=members)
    assert not inside.values.any()
    assert {c for pair in changed(policies[name], world) for c in pair} <= set(members)
    assert tariff(policies[name], "C29", "CHN", "USA") == tariff(world, "C29", "CHN", "USA")


def test_the_seafood_ban_empties_a03_and_leaves_45_percent_of_the_food_flow(world, policies):
    policy = policies["seafood-ban"]
    flow = {"importer": "CHN", "exporter": "JPN"}
    assert np.isinf(float(policy.iceberg.sel(sector="A03", **flow)))
    assert int((policy.iceberg.values != 1).sum()) == 2
    # at unchanged costs a flow moves with cost^-theta, and must keep 1 - 0.55
    theta = float(world.theta.sel(sector="C10T12"))
    kept = float(policy.iceberg.sel(sector="C10T12", **flow)) ** -theta
    assert kept == pytest.approx(0.45, abs=1e-12)
    # 87.1 bn yen at 131.5, less what A03 holds, over the food flow of the table
    seafood = 87.1e3 / 131.5
    held = float(world.trade.sel(sector="A03", **flow))
    food = float(world.trade.sel(sector="C10T12", **flow))
    assert (seafood - held) / food == pytest.approx(0.55, abs=0.005)


def test_the_banned_flow_is_exactly_zero_when_solved(world, policies):
    out = dt.simulate(world, policies["seafood-ban"], deficit="fixed")
    assert float(out.trade.sel(sector="A03", importer="CHN", exporter="JPN")) == 0.0
    # buyers' and sellers' costs hardly move, so about 55% of the food flow goes
    assert value_of(out, "sales[C10T12,CHN,JPN]") == pytest.approx(-55, abs=0.5)
    assert value_of(out, "real_income[JPN]") < 0


def test_the_effects_have_the_signs_that_others_publish(world, policies):
    cars = dt.simulate(world, policies["us-cars-25"], deficit="fixed")
    for claim in load_scenario("us-cars-25").claims:
        assert np.sign(value_of(cars, claim.ours)) == np.sign(claim.published_pct), claim.ours
    # the Kiel figures order the three: Mexico, Canada, Germany lose, Mexico most
    assert value_of(cars, "real_income[MEX]") == min(
        value_of(cars, f"real_income[{c}]") for c in ("MEX", "CAN", "DEU")
    )


def test_the_published_schema_is_current():
    path = ROOT / "docs" / "schemas" / "scenario.schema.json"
    assert json.loads(path.read_text(encoding="utf-8")) == scenario_schema()


@pytest.mark.parametrize("name", NAMES)
def test_every_scenario_meets_the_published_schema(name):
    import jsonschema

    from detente.texts import read_yaml

    schema = json.loads((ROOT / "docs" / "schemas" / "scenario.schema.json").read_text())
    jsonschema.validate(read_yaml(scenario_folder() / f"{name}.yaml"), schema)

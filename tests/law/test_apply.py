"""From law to arrays: what each cell holds, and where it comes from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import detente as dt
from detente.errors import InputError, TableError
from detente.labels import group_members
from detente.law.apply import OUTSIDE
from detente.law.line import averages, sector_rates
from detente.law.tables import line_table
from worlds import Draw, random_world

from .conftest import Build, mean

DAY = "2025-06-01"


def cell(policy, sector: str, importer: str, exporter: str, what: str = "tariff") -> float:
    return float(getattr(policy, what).sel(sector=sector, importer=importer, exporter=exporter))


# -- the base --------------------------------------------------------------------------------


def test_the_base_is_statutory_and_holds_no_section_301(world, ledger):
    """The world table has duties collected with Section 301 and 232; the law of a day does not
    start from them."""
    before = dt.apply(ledger.at("2018-01-02"), world)
    after = dt.apply(ledger.at("2024-12-31"), world)
    low, high = mean(world, before.tariff, "USA", "CHN"), mean(world, after.tariff, "USA", "CHN")
    # column 1 of Chinese goods at the flows of 2022 is about 3%; lists 1 to 4A add about 10 points
    assert 2.0 < low < 3.5
    assert 8.0 < high - low < 13.0
    # Chinese cars before the trade war: 2.5% and parts mostly 2.5%; the table has 25%
    assert world.tariff.sel(sector="C29", importer="USA", exporter="CHN") > 0.2
    assert cell(before, "C29", "USA", "CHN") < 0.04
    assert cell(before, "C24", "USA", "KOR") < 0.01  # basic metals under KORUS, no Section 232 yet


def test_cells_are_the_line_rates_weighed_with_imports(world, ledger):
    law = ledger.at("2025-10-01")
    policy = dt.apply(law, world)
    rates = sector_rates(law, "USA")
    for sector, partner in [("C29", "KOR"), ("C26", "TWN"), ("C13T15", "VNM"), ("C24", "CAN")]:
        expected = rates.rate_pct[rates.sectors.index(sector), rates.partners.index(partner)]
        assert cell(policy, sector, "USA", partner) == pytest.approx(expected / 100, abs=1e-12)


def test_services_and_own_sales_are_never_taxed(world, ledger):
    policy = dt.apply(ledger.at("2025-04-10"), world)
    services = policy.tariff.sel(sector="services").values
    # China's 84% on all US goods and electricity's product code leave services alone
    assert (services == 0).all()
    here = np.arange(len(world.countries))
    assert (policy.tariff.values[:, here, here] == world.tariff.values[:, here, here]).all()
    assert (policy.iceberg.values[:, here, here] == 1).all()


# -- who is behind a label -------------------------------------------------------------------


def test_the_27_are_one_partner_and_one_importer(world, ledger):
    members = group_members("EU27")
    policy = dt.apply(ledger.at("2025-10-01"), world)
    of = policy.tariff.sel(importer="USA", exporter=members).values
    assert (of == of[:, :1]).all()
    assert float(of[:, 0].max()) > 0.05
    # Canada's duties on the USA do not reach the Union; the Union levies none among its own
    inside = policy.tariff.sel(importer=members, exporter=members).values
    assert (inside == world.tariff.sel(importer=members, exporter=members).values).all()


def test_a_measure_of_the_union_binds_every_member(world, ledger):
    members = [m for m in group_members("EU27") if m in world.countries]
    before, after = (dt.apply(ledger.at(d), world) for d in ("2018-06-21", "2018-06-22"))
    moved = (after.tariff - before.tariff).sel(importer=members, exporter="USA").values
    # the answer to the US metals duties: one law, one number for all, and for the United Kingdom,
    # a member until 2020
    assert (moved.max(axis=0) > 0).all()
    assert np.ptp(moved, axis=1).max() < 1e-12
    assert float((after.tariff - before.tariff).sel(importer="GBR", exporter="USA").max()) > 0


def test_rest_of_the_world_is_the_mean_of_partners_the_world_does_not_name(world, ledger):
    law = ledger.at("2025-04-10")
    rates = sector_rates(law, "USA")
    named = set(world.countries)
    rest = [
        n for n, p in enumerate(rates.partners)
        if p != "EU27" and p not in named
    ]  # fmt: skip
    assert len(rest) > 5
    j = rates.sectors.index("C13T15")
    weight = np.nan_to_num(rates.weight[j, rest])
    expected = float(np.average(np.nan_to_num(rates.rate_pct[j, rest]), weights=weight)) / 100
    assert cell(dt.apply(law, world), "C13T15", "USA", "ROW") == pytest.approx(expected, rel=1e-4)


def test_rest_of_the_world_without_imports_is_a_plain_mean(world, small: Build):
    # Korea has no import values here: 10% on Algeria only, one of the five that stand for the rest
    law = small({"imposer": "KOR", "targets": "countries: [DZA]",
                 "entry": "form: added, rate_pct: 10"}).at(DAY)  # fmt: skip
    policy = dt.apply(law, world)
    added = (policy.tariff - world.tariff).sel(importer="KOR", exporter="ROW", sector="C29")
    assert float(added) == pytest.approx(0.10 / len(OUTSIDE))
    assert (policy.tariff - world.tariff).sel(importer="KOR", exporter="JPN").values.max() == 0


def test_partners_without_imports_borrow_weights_and_the_notes_say_so(world, ledger):
    held = set(line_table("USA").partners)
    assert not {"BLR", "ISL", "KAZ", "MMR", "UKR"} & held
    policy = dt.apply(ledger.at("2025-04-10"), world)
    (note,) = [n for n in policy.notes if "no imports held" in n]
    assert "ISL" in note
    assert "weighed with the imports from all partners" in note
    # Iceland pays 10% since 5 April on what is not exempt
    assert 5 < mean(world, policy.tariff, "USA", "ISL") < 15


# -- instruments -----------------------------------------------------------------------------


def test_a_ban_is_an_infinite_iceberg_and_stops_the_flow(world, small: Build):
    law = small({"imposer": "CHN", "targets": "countries: [JPN]", "products": "sectors: [A03]",
                 "instrument": "import_ban", "entry": "form: ban"}).at(DAY)  # fmt: skip
    policy = dt.apply(law, world)
    assert np.isinf(cell(policy, "A03", "CHN", "JPN", "iceberg"))
    assert int(policy.banned.values.sum()) == 1
    out = dt.simulate(world, policy)
    assert float(out.trade.sel(sector="A03", importer="CHN", exporter="JPN")) == 0.0


def test_a_partial_ban_leaves_its_complement(world, ledger):
    # seafood of Japan: the fish lines of A03 and a few of food
    policy = dt.apply(ledger.at("2023-09-01"), world)
    theta = float(world.theta.sel(sector="A03"))
    share = 1 - cell(policy, "A03", "CHN", "JPN", "iceberg") ** -theta
    table = line_table("CHN")
    law = ledger.at("2023-09-01")
    ban = next(a for a in law.by("CHN") if a.measure.id == "chn/japan-seafood")
    codes = tuple(ban.measure.products.codes)
    lines = table.codes[table.sector == "A03"]
    assert share == pytest.approx(np.mean([str(c).startswith(codes) for c in lines]), abs=0.02)
    # eased on 29 June 2025, back in November
    assert cell(dt.apply(ledger.at("2025-07-15"), world), "A03", "CHN", "JPN", "iceberg") < (
        cell(policy, "A03", "CHN", "JPN", "iceberg")
    )


def test_entity_share_of_exports_leaves_the_rest(world, small: Build):
    law = small({"imposer": "USA", "flow": "export", "instrument": "entity_list",
                 "targets": "countries: [CHN]", "products": "sectors: [C26]",
                 "entry": "form: entity_share, share_pct: 30"}).at(DAY)  # fmt: skip
    policy = dt.apply(law, world)
    theta = float(world.theta.sel(sector="C26"))
    found = cell(policy, "C26", "CHN", "USA", "iceberg")
    assert found == pytest.approx(0.7 ** (-1 / theta))
    assert (policy.iceberg.values != 1).sum() == 1


def test_export_taxes_stand_with_the_exporter(world, small: Build):
    law = small({"imposer": "CHN", "flow": "export", "instrument": "export_tax",
                 "targets": "countries: [USA, JPN]", "products": "sectors: [C24]",
                 "entry": "form: added, rate_pct: 20"}).at(DAY)  # fmt: skip
    policy = dt.apply(law, world)
    taxed = np.argwhere(policy.export_tax.values)
    pairs = {(world.countries[n], world.countries[e]) for _, n, e in taxed}
    assert pairs == {("USA", "CHN"), ("JPN", "CHN")}
    assert cell(policy, "C24", "USA", "CHN", "export_tax") == pytest.approx(0.2)
    assert (policy.tariff.sel(importer="JPN") == world.tariff.sel(importer="JPN")).all()


def test_measures_without_a_number_are_named(world, ledger):
    (note,) = [n for n in dt.apply(ledger.at("2025-05-14"), world).notes if "without a number" in n]
    assert "usa-controls/advanced-chips" in note


# -- preferences younger than the table ------------------------------------------------------


def test_rcep_cuts_only_what_the_table_does_not_hold(world, ledger):
    before, after = (dt.apply(ledger.at(d), world) for d in ("2021-12-31", "2022-01-01"))
    cut = (after.tariff - before.tariff).sel(importer="JPN")
    # China and Japan had no agreement; Japan and Australia had one, in the rates of 2021 already
    assert float(cut.sel(exporter="CHN").min()) < 0
    assert float(abs(cut.sel(exporter="AUS")).max()) == 0
    # Korea joined on 1 February 2022
    assert float(abs(cut.sel(exporter="KOR")).max()) == 0
    later = dt.apply(ledger.at("2022-02-01"), world)
    assert float((later.tariff - before.tariff).sel(importer="JPN", exporter="KOR").min()) < 0


# -- weights ---------------------------------------------------------------------------------


def test_a_users_weights_replace_the_counting_of_lines(world, small: Build):
    # 100% on passenger cars of one code; all of Korea's sales to Mexico are that code
    ledger = small({"imposer": "MEX", "products": 'codes: ["870323"]',
                    "entry": "form: added, rate_pct: 100"})  # fmt: skip
    law = ledger.at(DAY)
    plain = dt.apply(law, world)
    own = pd.DataFrame({"hs": ["870323"], "partner": ["KOR"], "value_usd": [5.0]})
    weighed = dt.apply(law, world, weights={"MEX": own})
    base = cell(world, "C29", "MEX", "KOR")
    assert cell(plain, "C29", "MEX", "KOR") < base + 0.1
    assert cell(weighed, "C29", "MEX", "KOR") == pytest.approx(base + 1.0)
    assert any("weights given by the user" in n for n in weighed.notes)


@pytest.mark.parametrize(
    ("frame", "match"),
    [
        ({"hs": ["870323"], "partner": ["KOR"]}, "'value_usd' is missing"),
        ({"hs": ["770123"], "partner": ["KOR"], "value_usd": [1.0]}, "hs '770123' is not a code"),
        ({"hs": ["870323"], "partner": ["KOR"], "value_usd": [-1.0]}, "zero or more"),
    ],
)
def test_bad_weights_are_named(world, ledger, frame, match):
    with pytest.raises(TableError, match=match):
        dt.apply(ledger.at(DAY), world, weights={"MEX": pd.DataFrame(frame)})


def test_exports_of_the_lists_weigh_where_they_are_held(world, ledger):
    """China's 10% and 15% of March 2025 fall on soybeans, meat and cotton: a third of the codes
    of A01_02, three quarters of what the United States sells."""
    before, after = (dt.apply(ledger.at(d), world) for d in ("2025-03-09", "2025-03-10"))
    added = 100 * float((after.tariff - before.tariff).sel(
        sector="A01_02", importer="CHN", exporter="USA"))  # fmt: skip
    held = {
        code: value
        for key in ("chn/usa-march-2025-10-weights", "chn/usa-march-2025-15-weights")
        for code, value in zip(
            ledger.lists[key].codes, ledger.lists[key].exports_usd, strict=True
        )
    }  # fmt: skip
    table = line_table("CHN")
    farm = set(table.codes[table.sector == "A01_02"].tolist())
    goods = [s for s in world.sectors if s not in ("B09", "services")]
    flow = world.trade.sel(importer="CHN", exporter="USA")
    total = ledger.lists["chn/usa-march-2025-10-weights"].exports_total_usd
    sector = float(flow.sel(sector="A01_02")) / float(flow.sel(sector=goods).sum()) * total
    fifteen = set(ledger.lists["chn/usa-march-2025-15-weights"].codes)
    paid = sum(v * (15 if c in fifteen else 10) for c, v in held.items() if c in farm)
    assert added == pytest.approx(paid / sector, rel=1e-9)
    assert any("weighed with its exports by code" in n for n in after.notes)


# -- worlds it cannot serve ------------------------------------------------------------------


def test_a_world_without_iso3_is_refused(ledger):
    with pytest.raises(InputError, match="labels that are not ISO3"):
        dt.apply(ledger.at(DAY), random_world(Draw()))


def test_a_world_with_other_sectors_is_refused_with_the_way_out(ledger, world):
    merged = world.aggregate(sectors={"all_goods": [s for s in world.sectors if s != "services"],
                                      "services": ["services"]})  # fmt: skip
    with pytest.raises(InputError, match="aggregate after applying"):
        dt.apply(ledger.at(DAY), merged)


def test_average_and_matrix_tell_one_story(ledger):
    """Two routes: the average over lines, and sector cells weighed with their imports."""
    law = ledger.at("2025-10-01")
    rates = sector_rates(law, "USA")
    whole = averages(law, "USA")["KOR"]
    k = rates.partners.index("KOR")
    cells = float(np.nansum(rates.rate_pct[:, k] * rates.weight[:, k]))
    # chapters 98 and 99 have no sector; they are what is missing
    assert cells / whole.value_usd == pytest.approx(whole.average_rate_pct, rel=0.05)

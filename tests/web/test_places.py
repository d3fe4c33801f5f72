"""Country and sector pages: every page, its twin, and that the numbers are those of the model."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.labels import sector_codes
from detente.timeline.days import Timeline
from detente.timeline.laws import SHIPPED, Laws
from detente.timeline.places import country_place, sector_place, sectors_table
from detente.web.pages.countries import CountryAnswer
from detente.web.pages.sectors import SectorAnswer

WORLD = dt.load_world()
LAST = dt.load_ledger().record_until


@pytest.fixture(scope="module")
def line() -> Timeline:
    return Timeline(dt.load_ledger(), WORLD, Laws.read(SHIPPED))


@pytest.fixture(scope="module")
def last(line: Timeline) -> int:
    return line.place(LAST)


# --- pages ----------------------------------------------------------------------------------------
def test_every_country_page_renders(client):
    for code in WORLD.countries:
        page = client.get(f"/countries/{code}")
        assert page.status_code == 200, code
        assert 'id="place-data"' in page.text, code
        assert "–%" not in page.text


def test_every_sector_page_renders(client):
    for code in sector_codes():
        page = client.get(f"/sectors/{code}")
        assert page.status_code == 200, code
        assert 'id="place-data"' in page.text, code


def test_lists(client):
    countries = client.get("/api/countries").json()
    assert [r["country"] for r in countries["rows"]] == WORLD.countries
    assert countries["meta"]["date"] == LAST
    page = client.get("/countries").text
    assert all(f'href="/countries/{c}"' in page for c in WORLD.countries)
    sectors = client.get("/api/sectors").json()
    assert [r["sector"] for r in sectors["rows"]] == WORLD.sectors
    page = client.get("/sectors").text
    assert all(f'href="/sectors/{s}"' in page for s in WORLD.sectors)


def test_twins_have_their_shapes_and_the_page_links_them(client):
    for path, shape in (
        ("/countries/KOR", CountryAnswer), ("/sectors/C29", SectorAnswer),
    ):  # fmt: skip
        shape.model_validate(client.get(f"/api{path}").json())
        assert f'href="/api{path}?date={LAST}"' in client.get(path).text


def test_the_day_decides(client):
    before, after = (
        client.get(f"/api/countries/KOR?date={day}").json() for day in ("2025-01-01", "2025-04-10")
    )
    assert before["meta"]["law_of"] <= "2025-01-01"
    faced = [
        next(p for p in x["tariffs_by_partner"] if p["country"] == "USA")["faced_pct"]
        for x in (before, after)
    ]
    assert faced[1] > faced[0] + 5
    page = client.get("/countries/KOR?date=2025-04-10").text
    assert 'value="2025-04-10"' in page


def test_a_bad_day_is_said_beside_the_field(client):
    for path in ("/countries", "/countries/KOR", "/sectors", "/sectors/C29"):
        for day, words in (("2031-01-01", "ends on"), ("2001-01-01", "begins on"), ("x", "date")):
            page = client.get(f"{path}?date={day}")
            assert page.status_code == 422
            assert 'id="day-error"' in page.text
            assert words in page.text
            assert client.get(f"/api{path}?date={day}").status_code == 422


def test_names_lead_to_the_page_under_the_code(client):
    for path, to in (("/countries/korea", "KOR"), ("/countries/usa", "USA")):
        answer = client.get(path, follow_redirects=False)
        assert answer.status_code == 307
        assert answer.headers["location"] == f"/countries/{to}"
    answer = client.get("/sectors/motor%20vehicles?date=2025-04-10", follow_redirects=False)
    assert answer.headers["location"] == "/sectors/C29?date=2025-04-10"


def test_unknown_names_are_404_with_suggestions(client):
    for path, words in (
        ("/countries/Koreaa", "did you mean"), ("/countries/EU27", "group of"),
        ("/sectors/C2999", "unknown sector"),
    ):  # fmt: skip
        for prefix in ("", "/api"):
            answer = client.get(prefix + path)
            assert answer.status_code == 404, path
            assert words in answer.text
    assert client.get("/api/countries/XXX/series").status_code == 404


def test_series_hold_every_date(client, line):
    body = client.get("/api/countries/KOR/series").json()
    assert body["dates"] == list(line.dates)
    values = body["columns"]["tariff_faced_pct"]
    assert len(values) == len(line.dates)
    day = client.get(f"/api/countries?date={line.dates[-1]}").json()["rows"]
    korea = next(r for r in day if r["country"] == "KOR")
    assert values[-1] == pytest.approx(korea["tariff_faced_pct"], rel=1e-7)


# --- numbers --------------------------------------------------------------------------------------
def test_averages_weigh_back_to_the_timeline(line, last):
    """By partner and by sector the averages make the same total as the timeline's own."""
    tables = country_place(line, last, 0, "USA")
    total = tables["rows"].iloc[0]["tariff_charged_pct"]
    n = WORLD.countries.index("USA")
    goods = [j for j, s in enumerate(WORLD.sectors) if s in dt.load_world().sector_list("goods")]
    bought = WORLD.trade.values[goods][:, n, :].sum(axis=0)
    partners = tables["tariffs_by_partner"].set_index("country")["charged_pct"]
    weights = {c: bought[k] for k, c in enumerate(WORLD.countries) if c != "USA"}
    mean = sum(weights[c] * partners[c] for c in weights) / sum(weights.values())
    assert mean == pytest.approx(total, rel=1e-9)
    sectors = tables["sectors"].set_index("sector")
    part = sectors.loc[[WORLD.sectors[j] for j in goods]]
    mean = (part["charged_pct"].fillna(0) * part["imports_usd_bn"]).sum()
    assert mean / part["imports_usd_bn"].sum() == pytest.approx(total, rel=1e-9)


def test_exposure_is_what_a_small_solved_step_does(line, last):
    """The gradient of a cell against a solved difference of a twentieth of a point."""
    cells = country_place(line, last, 0, "VNM")["exposure"]
    worst = cells.iloc[0]
    out = line.outcome(last)
    j, n, i = (
        WORLD.sectors.index(worst["sector"]), WORLD.countries.index(worst["country"]),
        WORLD.countries.index("VNM"),
    )  # fmt: skip
    tariff = out.policy.tariff.values.copy()
    tariff[j, n, i] += 0.0005
    step = dt.Policy(WORLD, tariff=tariff, export_tax=out.policy.export_tax.values,
                     iceberg=out.policy.iceberg.values)  # fmt: skip
    there = dt.simulate(WORLD, step, start=out)
    ratio = (1 + there.real_income.values[i] / 100) / (1 + out.real_income.values[i] / 100)
    assert 100 * (ratio - 1) / 0.05 == pytest.approx(worst["percent_per_point"], rel=0.01)


def test_a_point_on_all_its_goods_hurts_it_most_and_others_gain(line, last):
    gainers = country_place(line, last, 0, "KOR")["gainers"]
    own = gainers[gainers["own"] == "yes"].iloc[0]
    assert own["country"] == "KOR"
    assert own["real_income_pct"] == gainers["real_income_pct"].min() < 0
    assert (gainers["real_income_usd_mn"] > 0).sum() > 5


def test_markets_and_rivals_are_the_flows_of_the_two_days(line, last):
    tables = country_place(line, last, 0, "MEX")
    lost = tables["markets"].iloc[0]
    assert lost["change_usd_bn"] < 0
    now, then = (line.outcome(p).after.flows for p in (last, 0))
    j, n, i = (
        WORLD.sectors.index(lost["sector"]), WORLD.countries.index(lost["importer"]),
        WORLD.countries.index("MEX"),
    )  # fmt: skip
    change = (now - then)[j] / 1e3
    assert lost["change_usd_bn"] == pytest.approx(change[n, i])
    off = change[:, i].copy()
    off[i] = 0
    every = (now - then)[:, :, i] / 1e3
    every[:, i] = 0
    assert lost["change_usd_bn"] == pytest.approx(every.min())
    rivals = tables["rivals"]
    mine = rivals[(rivals["sector"] == lost["sector"]) & (rivals["importer"] == lost["importer"])]
    assert (mine["change_usd_bn"] > 0).all()
    assert "MEX" not in set(mine["seller"])


def test_nothing_changes_from_a_day_to_itself(line):
    tables = country_place(line, 0, 0, "DEU")
    assert tables["sectors"]["output_pct"].abs().max() < 1e-9
    assert tables["markets"].empty
    assert tables["rivals"].empty
    sector = sector_place(line, 0, 0, "C29")
    assert sector["rows"]["exports_change_usd_bn"].abs().max() < 1e-9
    np.testing.assert_allclose(sectors_table(line, 0, 0)["trade_change_pct"], 0, atol=1e-9)


def test_flows_of_a_sector_add_up(line, last):
    tables = sector_place(line, last, 0, "C26")
    rows, flows = tables["rows"], tables["flows"]
    assert rows["exports_usd_bn"].sum() == pytest.approx(rows["imports_usd_bn"].sum())
    assert flows["after_usd_bn"].sum() < rows["exports_usd_bn"].sum()
    assert (flows["exporter"] != flows["importer"]).all()
    assert not flows.duplicated(["exporter", "importer"]).any()

"""Solving what a page sends: the numbers, the shapes, and everything that is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

import detente as dt
from detente.policy.scenario import parse_scenario, scenario_names
from detente.report.tabular import run_json
from detente.texts import parse_yaml
from detente.web.pages.simulate import ScenariosAnswer, SimulateAnswer
from detente.web.scenarios import TABLES
from web.conftest import TestClient


@pytest.fixture
def cars(client: TestClient) -> dict[str, Any]:
    """The shipped scenario, to be changed by a test."""
    return client.get("/api/scenarios/us-cars-25").json()


def refused(client: TestClient, body: Any, status: int = 422) -> str:
    answer = client.post("/api/simulate?tables=countries", json=body)
    assert answer.status_code == status, answer.text[:300]
    return answer.json()["error"]["message"]


def same(mine: dict[str, Any], other: dict[str, Any]) -> bool:
    """Rows alike: numbers to the digits that are sent."""
    assert list(mine) == list(other)
    return all(
        a == pytest.approx(b, rel=1e-7, abs=1e-9) if isinstance(b, float) else a == b
        for a, b in zip(mine.values(), other.values(), strict=True)
    )


def test_shipped_scenarios_are_listed_and_can_be_sent_back(client: TestClient) -> None:
    found = ScenariosAnswer.model_validate_json(client.get("/api/scenarios").content)
    assert [row.id for row in found.rows] == scenario_names()
    for name in scenario_names():
        body = client.get(f"/api/scenarios/{name}").json()
        answer = client.post("/api/simulate?tables=countries", json=body)
        assert answer.status_code == 200, (name, answer.text[:300])


def test_the_numbers_are_those_of_the_command_line(client: TestClient, cars) -> None:
    answer = client.post("/api/simulate", json=cars)
    body = answer.json()
    SimulateAnswer.model_validate_json(answer.content)
    theirs = run_json(dt.run("us-cars-25"))
    for table in ("rows", "sectors", "diversion", "redirection", "markets", "claims"):
        assert len(body[table]) == len(theirs[table]), table
        for mine, other in zip(body[table], theirs[table], strict=True):
            assert same(mine, other), (table, mine, other)
    assert body["meta"]["policy_hash"] == theirs["meta"]["policy_hash"]
    assert body["meta"]["scenario"] == theirs["meta"]["scenario"]
    assert answer.headers["cache-control"] == "no-store"


def test_tables_that_the_command_line_does_not_print(client: TestClient, cars) -> None:
    out = dt.run("us-cars-25").outcome
    body = client.post("/api/simulate?tables=prices,flows,welfare,before,after", json=cars).json()
    assert body["rows"] == []
    price = next(r for r in body["prices"] if (r["sector"], r["country"]) == ("C29", "USA"))
    assert price["price_pct"] == pytest.approx(
        float(out.prices.sel(sector="C29", country="USA")), rel=1e-7
    )
    flow = body["flows"][0]
    there = {"sector": flow["sector"], "importer": flow["importer"], "exporter": flow["exporter"]}
    assert flow["change_usd_bn"] == pytest.approx(
        float(out.trade_change.sel(there)) / 1000, rel=1e-7
    )
    sizes = [abs(r["change_usd_bn"]) for r in body["flows"]]
    assert sizes == sorted(sizes, reverse=True)
    assert all(r["importer"] != r["exporter"] for r in body["flows"])
    usa = next(r for r in body["welfare"] if r["country"] == "USA")
    terms = [v for k, v in usa.items() if k not in ("country", "welfare_pct")]
    assert usa["welfare_pct"] == pytest.approx(sum(terms), rel=1e-6)
    before = {r["country"]: r["tariff_charged_pct"] for r in body["before"]}
    after = {r["country"]: r["tariff_charged_pct"] for r in body["after"]}
    assert after["USA"] > before["USA"] + 1
    assert after["JPN"] == before["JPN"]


def test_the_range_over_elasticities(client: TestClient, cars) -> None:
    body = client.post("/api/simulate?tables=countries&range=theta", json=cars).json()
    sets = {r["theta"] for r in body["theta_range"]}
    assert sets == set(body["meta"]["theta_sets"])
    assert len(sets) >= 8
    for row in body["rows"]:
        assert row["real_income_low_pct"] <= row["real_income_pct"] <= row["real_income_high_pct"]


def test_closures_elasticities_and_laws_can_be_chosen(client: TestClient, cars) -> None:
    seen = set()
    for change in (
        {}, {"deficit": "zero"}, {"deficit": "share"}, {"theta": "cp"},
        {"baseline": {"date": "2025-04-01"}}, {"baseline": {"scenario": "liberation-day"}},
    ):  # fmt: skip
        body = client.post("/api/simulate?tables=countries", json={**cars, **change}).json()
        korea = next(r for r in body["rows"] if r["country"] == "KOR")
        seen.add(korea["real_income_pct"])
    assert len(seen) == 6


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("krugman-1980", "unknown model 'krugman-1980'; known: caliendo-parro, monopolistic"),
        ({"name": "krugman-1980"}, "unknown model 'krugman-1980'"),
        ({"kappa": 1}, "model: name is missing"),
        ({"name": "caliendo-parro", "kappa": 1}, "no parameters"),
        ({"name": "labour-supply", "kappa": -1}, "kappa"),
        ("monopolistic", "model='caliendo-parro'"),
        ("labour-supply", "23 sectors"),
    ],
)
def test_models_nobody_knows_or_that_do_not_suit_are_refused(
    client: TestClient, cars, model: Any, said: str
) -> None:
    assert said in refused(client, {**cars, "model": model})


def test_a_model_can_be_named(client: TestClient, cars) -> None:
    body = {**cars, "model": {"name": "caliendo-parro"}}
    answer = client.post("/api/simulate?tables=countries", json=body).json()
    assert answer["meta"]["model"] == "caliendo-parro"
    plain = client.post("/api/simulate?tables=countries", json=cars).json()
    assert answer["rows"] == plain["rows"]


def test_the_same_scenario_is_solved_once(client: TestClient, cars) -> None:
    cars["title"] = "asked twice"
    first = client.post("/api/simulate?tables=countries", json=cars)
    again = client.post("/api/simulate?tables=countries", json=dict(reversed(cars.items())))
    assert first.content == again.content


def test_a_ban_that_leaves_nothing_is_said_in_words(client: TestClient, cars) -> None:
    cars["measures"] = [{"imposer": "all", "targets": "all", "sectors": "all", "instrument": "ban"}]
    message = refused(client, cars, 409)
    assert "no equilibrium" in message


def test_yaml_comes_back_as_the_same_scenario(client: TestClient, cars) -> None:
    cars["title"] = "no: !!python/object/apply:os.system ['true'] & *alias # {% raw %}"
    cars["about"] = "2025-04-02"
    answer = client.post("/api/scenario/yaml", json=cars)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/yaml")
    assert 'filename="us-cars-25.yaml"' in answer.headers["content-disposition"]
    back = parse_scenario(parse_yaml(answer.text, "sent"), "sent")
    assert back == parse_scenario(cars, "sent")
    assert yaml.safe_load(answer.text)["title"] == cars["title"]


# --- what is refused ----------------------------------------------------------------------------
def test_names_outside_the_package_are_refused(client: TestClient, cars) -> None:
    for change in (
        {"world": "/etc/passwd"}, {"world": "../../secret.nc"}, {"world": "other.nc"},
        {"baseline": {"scenario": "/etc/passwd.yaml"}},
        {"baseline": {"scenario": "../us-cars-25.yaml"}},
        {"baseline": {"scenario": "us-cars-25.yaml"}},
        {"theta": "../fgo"}, {"theta": "own"}, {"model": "mine"},
    ):  # fmt: skip
        assert refused(client, {**cars, **change})
    for table in ("../PROVENANCE.md", "/etc/passwd", "us-cars-2024", "x.csv", ""):
        for field in ("covered_share", "taxed_share", "base"):
            measure = {**cars["measures"][0], field: {"table": table}}
            message = refused(client, {**cars, "measures": [measure]})
            assert "table" in message


def test_unknown_names_get_the_closest_known_ones(client: TestClient, cars) -> None:
    cars["measures"][0]["imposer"] = "Untied States"
    assert "United States" in refused(client, cars)
    cars["measures"][0] = {"imposer": "USA", "secotrs": "C29"}
    assert "sectors" in refused(client, cars)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("empty", b""),
        ("not json", b"{'a': 1}"),
        ("a list", b"[]"),
        ("null", b"null"),
        ("a number", b"1e999"),
        ("nan", b'{"id": NaN}'),
        ("infinity", b'{"id": -Infinity}'),
        ("deep lists", b"[" * 100_000),
        ("deep objects", b'{"a":' * 40_000),
        ("a key twice", b'{"id": "a", "id": "b"}'),
        ("half a character", b'{"id": "\\ud800"}'),
        ("not utf-8", b'{"id": "\xff\xfe"}'),
        ("a huge integer", b'{"id": ' + b"9" * 20_000 + b"}"),
    ],
)
def test_bodies_that_are_not_scenarios(client: TestClient, name: str, body: bytes) -> None:
    for path in ("/api/simulate", "/api/scenario/yaml"):
        answer = client.post(path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 422, name
        assert answer.json()["error"]["message"]


def test_numbers_out_of_range(client: TestClient, cars) -> None:
    for rate in (1e308, -100, 10**400, "much", None, [], {"JPN": "x"}):
        cars["measures"][0]["rate_pct"] = rate
        assert refused(client, cars)
    cars["measures"][0]["rate_pct"] = 1e300
    raw = json.dumps({**cars, "allow_prohibitive": True})
    answer = client.post(
        "/api/simulate?tables=countries", content=raw, headers={"content-type": "application/json"}
    )
    assert answer.status_code in (200, 409, 422)


def test_too_many_measures_are_refused_not_solved(client: TestClient, cars) -> None:
    one = {"imposer": "USA", "sectors": "C29", "instrument": "import_tariff", "rate_pct": 1}
    assert "at most 200" in refused(client, {**cars, "measures": [one] * 201})
    assert refused(client, {**cars, "measures": [one] * 10_000}, 413)
    answer = client.post(
        "/api/simulate?tables=countries", json={**cars, "measures": [one] * 200, "claims": []}
    )
    assert answer.status_code == 200


def test_tables_asked_for_must_exist(client: TestClient, cars) -> None:
    assert client.post("/api/simulate?tables=secrets", json=cars).status_code == 422
    assert client.post("/api/simulate?tables=../x", json=cars).status_code == 422
    assert client.post("/api/simulate?range=all", json=cars).status_code == 422
    assert "countries" in TABLES


@pytest.mark.parametrize(
    "name", ["..%2f..%2fpyproject", "us-cars-25.yaml", "%2fetc%2fpasswd", "US-CARS-25", "nope"]
)
def test_scenario_ids_name_no_files(client: TestClient, name: str) -> None:
    assert client.get(f"/api/scenarios/{name}").status_code in (404, 422)


def test_markup_in_texts_stays_text(client: TestClient, cars) -> None:
    cars["title"] = "</script><script>alert(1)</script>"
    answer = client.post("/api/simulate?tables=countries", json=cars)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json()["meta"]["scenario"]["title"] == cars["title"]


def test_a_quota_is_solved_and_given_back_as_it_came(client, cars):
    quota = {"imposer": "USA", "targets": "KOR", "sectors": "C24", "instrument": "quota",
             "volume_pct_of_base": 70, "over_quota_rate_pct": 25, "rent": "exporter"}  # fmt: skip
    body = {**cars, "measures": [quota], "claims": []}
    answer = client.post("/api/simulate?tables=countries", json=body)
    assert answer.status_code == 200, answer.text[:500]
    row = {"sector": "C24", "importer": "USA", "exporter": "KOR", "volume": 0.7, "over": 0.25,
           "rent": "exporter"}  # fmt: skip
    world = dt.load_world()
    out = dt.simulate(world, dt.Policy(world, quota=[row]))
    found = {r["country"]: r["real_income_pct"] for r in answer.json()["rows"]}
    for country in ("USA", "KOR"):
        expected = float(out.real_income.sel(country=country))
        assert found[country] == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert "volume_pct_of_base" in refused(client, {**body, "measures": [quota | {
        "volume_pct_of_base": -1}]})  # fmt: skip

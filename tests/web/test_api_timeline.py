"""What the timeline, the world and the about page answer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import detente as dt
from detente.timeline.laws import SHIPPED, Laws, inputs_key
from detente.web.failures import BusyError
from detente.web.laws import LawKeeper
from detente.web.pages.about import WorldAnswer
from detente.web.pages.timeline import DatesAnswer, FlowsAnswer, SeriesAnswer, TimelineAnswer
from detente.web.services import Services
from web.conftest import TestClient

FLOWS = "/api/timeline/flows?date=2025-05-01&importer=USA&exporter=CHN&sector=C26"


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/api/world", WorldAnswer),
        ("/api/timeline/dates", DatesAnswer),
        ("/api/timeline?date=2025-04-10", TimelineAnswer),
        ("/api/timeline?date=2026-10-31&since=2025-01-20", TimelineAnswer),
        ("/api/timeline/series", SeriesAnswer),
        ("/api/timeline/series?variable=tariff_charged_pct", SeriesAnswer),
        (FLOWS, FlowsAnswer),
    ],
)
def test_answers_have_their_shape(client: TestClient, path: str, shape) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    shape.model_validate_json(answer.content, strict=False)


def test_world_lists_what_there_is_to_choose_from(client: TestClient) -> None:
    world = client.get("/api/world").json()
    assert len(world["rows"]) == 77
    assert len(world["sectors"]) == 23
    assert {"fixed", "zero", "share"} == set(world["closures"])
    assert "us-cars-25" in {s["id"] for s in world["scenarios"]}
    eu = next(g for g in world["groups"] if g["id"] == "EU")
    assert len(eu["members"]) == 27
    assert world["meta"]["ledger_hash"] == dt.load_ledger().content_hash[:16]


def test_a_day_is_what_the_library_solves(client: TestClient) -> None:
    world, ledger = dt.load_world(), dt.load_ledger()
    out = dt.simulate(world, dt.apply(ledger.at("2025-04-11"), world))
    base = dt.simulate(world, dt.apply(ledger.at("2018-01-01"), world))
    ratio = (1 + out.real_income / 100) / (1 + base.real_income / 100)
    body = client.get("/api/timeline?date=2025-04-11").json()
    rows = {r["country"]: r for r in body["rows"]}
    for country in ("USA", "CHN", "MEX", "KOR"):
        ours = 100 * (float(ratio.sel(country=country)) - 1)
        assert rows[country]["real_income_pct"] == pytest.approx(ours, rel=1e-7, abs=1e-9)
    assert body["meta"]["law_of"] == "2025-04-10"
    assert {c["date"] for c in body["changes"]} == {"2025-04-10"}
    assert all(c["url"] == f"/ledger/{c['record']}" for c in body["changes"])


def test_the_series_rebased_is_the_day(client: TestClient) -> None:
    series = client.get("/api/timeline/series?variable=exports_pct").json()
    day = client.get("/api/timeline?date=2025-08-07&since=2025-01-01").json()
    values = dict(zip(series["dates"], np.array(series["values"]), strict=True))
    then = values[max(d for d in series["dates"] if d <= "2025-01-01")]
    rebased = 100 * ((1 + values["2025-08-07"] / 100) / (1 + then / 100) - 1)
    shown = [r["exports_pct"] for r in day["rows"]]
    assert [r["country"] for r in day["rows"]] == series["countries"]
    np.testing.assert_allclose(rebased, shown, atol=1e-6)


def test_flows_are_sorted_and_balance(client: TestClient) -> None:
    body = client.get(FLOWS).json()
    changes = [r["change_usd_bn"] for r in body["rows"]]
    assert changes == sorted(changes)
    assert body["rows"][0]["seller"] == "CHN"
    for r in body["rows"]:
        assert r["after_usd_bn"] - r["before_usd_bn"] == pytest.approx(r["change_usd_bn"], abs=1e-5)


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/timeline", 422, "date"),
        ("/api/timeline?date=1999-01-01", 422, "2018-01-01"),
        ("/api/timeline?date=2099-01-01", 422, "ledger ends"),
        ("/api/timeline?date=2025-02-31", 422, "not a date"),
        ("/api/timeline?date=yesterday", 422, "not a date"),
        ("/api/timeline?date=2025-04-10&since=2099-01-01", 422, "ledger ends"),
        ("/api/timeline/series?variable=happiness", 422, "pattern"),
        (FLOWS.replace("USA", "XXX"), 404, "XXX"),
        (FLOWS.replace("USA", "../etc/passwd"), 422, "pattern"),
        (FLOWS.replace("C26", "C99"), 404, "C99"),
        ("/api/nothing", 404, "no page"),
    ],
)
def test_bad_questions_are_answered_in_words(
    client: TestClient, path: str, status: int, words: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert words in error["message"]
    assert error["kind"]


def test_answers_can_be_kept_by_browsers(client: TestClient) -> None:
    first = client.get("/api/timeline?date=2025-04-10")
    tag = first.headers["etag"]
    again = client.get("/api/timeline?date=2025-04-10", headers={"If-None-Match": tag})
    assert again.status_code == 304
    assert again.content == b""
    assert client.get("/api/timeline?date=2025-04-10").headers["content-encoding"] == "gzip"
    assert first.headers["cache-control"].startswith("private")


def test_pages_and_their_errors_are_html(client: TestClient) -> None:
    about = client.get("/about")
    assert about.status_code == 200
    assert "What the numbers mean" in about.text
    assert dt.load_world().hash in about.text
    lost = client.get("/nowhere/<script>alert(1)</script>")
    assert lost.status_code == 404
    assert lost.headers["content-type"].startswith("text/html")
    assert "<script>alert(1)" not in lost.text


def test_the_front_page_holds_its_day(client: TestClient) -> None:
    page = client.get("/?date=2025-04-03&since=2025-01-01")
    assert page.status_code == 200
    assert "2025-04-03" in page.text
    assert client.get("/?date=1850-01-01").status_code == 422
    wrong = client.get("/?date=yesterday")
    assert wrong.status_code == 422
    assert "date: not a date; write YYYY-MM-DD." in wrong.text
    assert "pattern" not in wrong.text
    assert "Unprocessable" not in wrong.text


# --- when the ledger was edited -----------------------------------------------------------------
def test_an_edited_ledger_is_worked_out_again_never_silently_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from detente.web.app import create_app

    monkeypatch.setenv("DETENTE_CACHE", str(tmp_path))
    other = tmp_path / "shipped.npz"
    other.write_bytes(replace(Laws.read(SHIPPED), key="0" * 64).to_bytes())
    services = Services(laws=LawKeeper(other))
    with TestClient(create_app(services), base_url="http://127.0.0.1:8000") as client:
        answer = client.get("/api/timeline?date=2025-04-10")
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert "dates" in answer.json()["error"]["message"]
        page = client.get("/")
        assert page.status_code == 503
        assert "worked out again" in page.text
        assert client.get("/api/world").json()["meta"]["timeline"] == "working"
        scenario = client.get("/api/scenarios/us-cars-25-law").json()
        assert client.post("/api/simulate?tables=after", json=scenario).status_code == 200
    assert not list(tmp_path.glob("laws-*.npz"))  # it was stopped with the server


def test_laws_that_were_worked_out_here_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, ledger = dt.load_world(), dt.load_ledger()
    monkeypatch.setenv("DETENTE_CACHE", str(tmp_path))
    (tmp_path / f"laws-{inputs_key(ledger, world)[:32]}.npz").write_bytes(SHIPPED.read_bytes())
    keeper = LawKeeper(tmp_path / "missing.npz")
    assert keeper.timeline(ledger, world).dates[0] == "2018-01-01"
    assert keeper.path.parent == tmp_path


def test_laws_that_cannot_be_worked_out_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DETENTE_CACHE", str(tmp_path))
    keeper = LawKeeper(tmp_path / "missing.npz")
    world, ledger = dt.load_world(), dt.load_ledger()
    with pytest.raises(BusyError, match="worked out again"):
        keeper.timeline(ledger, world)
    assert keeper.status == "working"
    work = keeper._work
    assert work is not None
    work.cancel()
    work.status, work.error = "failed", "no space left"
    with pytest.raises(BusyError, match="no space left"):
        keeper.timeline(ledger, world)


def test_the_openapi_document_says_what_is_allowed(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    date = next(
        p for p in document["paths"]["/api/timeline"]["get"]["parameters"] if p["name"] == "date"
    )
    assert "pattern" in date["schema"]
    assert {"404", "409", "413", "422", "503"} <= set(
        document["paths"]["/api/timeline"]["get"]["responses"]
    )
    assert "ScenarioMeasure" in document["components"]["schemas"]
    text = json.dumps(document)
    names = set(document["components"]["schemas"])
    for ref in set(text.split('"#/components/schemas/')[1:]):
        assert ref.split('"')[0] in names

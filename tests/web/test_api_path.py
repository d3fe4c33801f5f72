"""The trade war as a path over the API: shapes, two routes to each number, bands, bad questions."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import detente as dt
from detente.timeline.laws import SHIPPED, Laws
from detente.timeline.path_draws import PathDraws, draw_parameters, draw_paths
from detente.timeline.paths import PATH_COLUMNS, LawPath, law_path
from detente.web.app import create_app
from detente.web.pages.paths import PathAnswer, PathAtAnswer, YearAfterAnswer
from detente.web.paths import PathKeeper
from detente.web.services import Services
from web.conftest import TestClient

NAMES = [c.name for c in PATH_COLUMNS]


@pytest.fixture(scope="module")
def path() -> LawPath:
    """The path, as the library works it out."""
    return law_path(Laws.read(SHIPPED), dt.load_world())


@pytest.mark.parametrize(
    ("address", "shape"),
    [
        ("/api/path", PathAnswer),
        ("/api/path?variable=exports_pct&countries=USA,Korea&since=2025-01-01", PathAnswer),
        ("/api/path/after?variable=tariff_revenue_usd_bn&countries=USA", YearAfterAnswer),
        ("/api/path/at?date=2025-04-10", PathAtAnswer),
        ("/api/path/output?sector=C29", PathAnswer),
        ("/api/path/output?sector=C29&countries=KOR&since=2025-01-01", PathAnswer),
    ],
)
def test_answers_have_their_shape(client: TestClient, address: str, shape: Any) -> None:
    answer = client.get(address)
    assert answer.status_code == 200
    body = shape.model_validate_json(answer.content, strict=False)
    assert body.meta.model == "staggered"
    assert body.meta.horizon == "cgmt-sectors"
    assert body.meta.law_assumed_after == dt.load_ledger().record_until


def test_the_path_is_that_of_the_library(client: TestClient, path: LawPath) -> None:
    world = dt.load_world()
    k, u = world.countries.index("KOR"), world.countries.index("USA")
    body = client.get("/api/path?countries=KOR,USA&since=2025-01-01").json()
    assert body["times"] == list(path.quarters)
    assert body["countries"] == ["KOR", "USA"]
    found = path.columns_since("2025-01-01")[:, 0]
    np.testing.assert_allclose(body["values"], found[:, [k, u]], rtol=1e-6, atol=1e-8)
    assert body["meta"]["compared_with"] == "2024Q4"
    later = client.get("/api/path/after?countries=KOR&variable=imports_pct").json()
    row = NAMES.index("imports_pct")
    np.testing.assert_allclose(
        np.array(later["values"])[:, 0], path.after[:, row, k], rtol=1e-6, atol=1e-8
    )
    made = client.get("/api/path/output?sector=Motor vehicles&countries=KOR").json()
    j = world.sectors.index("C29")
    np.testing.assert_allclose(
        np.array(made["values"])[:, 0], path.output[:, j, k], rtol=1e-6, atol=1e-7
    )


@pytest.mark.parametrize("since", ["2018-01-01", "2025-01-01"])
def test_a_day_at_three_horizons(client: TestClient, path: LawPath, since: str) -> None:
    body = client.get(f"/api/path/at?date=2025-08-20&since={since}").json()
    assert body["meta"]["quarter"] == "2025Q3"
    assert body["meta"]["law_of"] == "2025-08-18"
    static = client.get(f"/api/timeline?date=2025-08-20&since={since}").json()
    place = path.dates.index("2025-08-18")
    for i, (row, old) in enumerate(zip(body["rows"], static["rows"], strict=True)):
        assert row["country"] == old["country"]
        assert row["exports_long_run_pct"] == old["exports_pct"]
        assert row["tariff_revenue_long_run_usd_bn"] == old["tariff_revenue_usd_bn"]
        so_far = path.columns_since(since)[path.quarters.index("2025Q3"), :, i]
        year = path.after_since(since)[place, :, i]
        assert row["real_wage_so_far_pct"] == pytest.approx(so_far[1], rel=1e-6, abs=1e-8)
        assert row["tariff_revenue_so_far_usd_bn"] == pytest.approx(so_far[4], rel=1e-6, abs=1e-8)
        assert row["imports_one_year_after_pct"] == pytest.approx(year[3], rel=1e-6, abs=1e-8)


def test_the_five_largest_producers_are_shown_where_none_are_named(client: TestClient) -> None:
    body = client.get("/api/path/output?sector=C29").json()
    made = dt.load_world().output.sel(sector="C29").drop_sel(country="ROW")
    largest = made.sortby(made, ascending=False).country.values[:5]
    assert body["countries"] == list(largest)


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/api/path?variable=real_incom_pct", 404, "real_income_pct"),
        ("/api/path?countries=Koreaa", 404, "Korea"),
        ("/api/path?since=2017-01-01", 422, "2018-01-01"),
        ("/api/path?since=2099-01-01", 422, "ledger ends"),
        ("/api/path?bands=perhaps", 422, "bands"),
        ("/api/path/after?variable=output_pct", 404, "known"),
        ("/api/path/at", 422, "date"),
        ("/api/path/at?date=2025-02-31", 422, "not a date"),
        ("/api/path/at?date=2025-04-10&since=soon", 422, "not a date"),
        ("/api/path/output", 422, "sector"),
        ("/api/path/output?sector=Motor vehicle", 404, "Motor vehicles"),
        (f"/api/path?countries={'A,' * 300}", 422, "400"),
    ],
)
def test_bad_questions_are_answered_in_words(
    client: TestClient, address: str, status: int, words: str
) -> None:
    answer = client.get(address)
    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]


# --- bands ----------------------------------------------------------------------------------------
def test_nothing_is_worked_out_before_somebody_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DETENTE_CACHE", str(tmp_path))
    held = Services()
    with TestClient(create_app(held), base_url="http://127.0.0.1:8000") as client:
        client.get("/api/path/at?date=2016-01-01")
        assert client.get("/api/timeline/series").status_code == 200
        assert held.paths.making is None
        assert held.paths.bands == ("none", 0, held.paths.draws)
        assert list(tmp_path.iterdir()) == []


def test_bands_come_while_the_path_is_there_and_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DETENTE_CACHE", str(tmp_path))
    address = "/api/path?variable=real_wage_pct&countries=USA,MEX&since=2025-01-01"
    with _serving(PathKeeper(draws=3, seed=5)) as client:
        first = client.get(address).json()
        assert first["bands"]["status"] == "none"
        assert first["low"] is first["high"] is None
        body = client.get(f"{address}&bands=true").json()
        seen = []
        end = time.monotonic() + 120
        while body["bands"]["status"] == "working":
            seen.append((body["bands"]["done"], body["bands"]["total"], body["bands"]["words"]))
            assert body["values"] == first["values"]
            assert time.monotonic() < end
            time.sleep(0.05)
            answer = client.get(address)
            body = answer.json()
        done = [n for n, _, _ in seen]
        assert done == sorted(done)
        assert {0, 1, 2} <= set(done)
        assert all(words == f"{n} of 3 draws" for n, total, words in seen if total == 3)
        assert body["bands"]["status"] == "ready"
        output = client.get("/api/path/output?sector=C29&countries=MEX").json()
        kept = [p for p in tmp_path.iterdir() if p.name.startswith("path-draws-")]
        assert len(kept) == 1
    world, laws = dt.load_world(), Laws.read(SHIPPED)
    draws = draw_paths(laws, world, draw_parameters(3, 5))
    base = body["times"].index("2024Q4")
    places = [world.countries.index(c) for c in ("USA", "MEX")]
    for name, band in zip(("low", "high"), draws.band(base), strict=True):
        np.testing.assert_allclose(body[name], band[:, 1][:, places], rtol=1e-4, atol=1e-5)
    low, high = draws.output_band(-1, world.sectors.index("C29"))
    np.testing.assert_allclose(np.array(output["low"])[:, 0], low[:, places[1]], atol=1e-4)
    np.testing.assert_allclose(np.array(output["high"])[:, 0], high[:, places[1]], atol=1e-4)
    monkeypatch.setattr("detente.web.paths.Work", None)  # a second server makes nothing
    with _serving(PathKeeper(draws=3, seed=5)) as client:
        again = client.get(f"{address}&bands=true").json()
        assert again["bands"]["status"] == "ready"
        assert (again["low"], again["high"]) == (body["low"], body["high"])


def test_draws_that_fail_are_said_and_the_path_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DETENTE_CACHE", str(tmp_path))

    def no_process(*args: object) -> None:
        raise OSError("no process is left")

    monkeypatch.setattr("detente.web.paths.Work", no_process)
    with _serving(PathKeeper(draws=3)) as client:
        body = client.get("/api/path?countries=USA&bands=true").json()
        assert body["bands"]["status"] == "failed"
        assert "ask again" in body["bands"]["words"]
        assert all(v[0] is not None for v in body["values"])


def test_without_a_whole_draw_there_is_no_band(path: LawPath) -> None:
    keeper = PathKeeper(draws=3)
    shape = (0, len(path.quarters), 5, 77)
    keeper._drawn = PathDraws(np.empty(shape), np.empty(shape), 3)
    with _serving(keeper) as client:
        body = client.get("/api/path?countries=USA").json()
    assert body["low"] is None
    assert body["bands"]["words"].startswith("0 of 3 draws")


def _serving(keeper: PathKeeper) -> TestClient:
    return TestClient(create_app(Services(paths=keeper)), base_url="http://127.0.0.1:8000")

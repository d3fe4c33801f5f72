"""The front page in a real browser: numbers, slider, comparison, address, failures."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .seen import Console, bars, fills, overflow, percent, until

READY = "document.documentElement.dataset.ready === 'true'"
LONG = 90_000


@pytest.fixture
def front(page: Any) -> Any:
    """The front page on a day of April 2025, with every number there."""
    page.set_default_timeout(LONG)
    page.goto("/?date=2025-04-10")
    until(page, READY)
    page.wait_for_selector("#all[data-date='2025-04-10']")
    return page


def twin(page: Any, date: str, since: str = "2025-01-01") -> dict[str, dict[str, Any]]:
    """Rows of the JSON twin by country."""
    answer = page.request.get(f"/api/timeline?date={date}&since={since}")
    assert answer.ok
    return {row["country"]: row for row in answer.json()["rows"]}


def agree(shown: dict[str, str], rows: dict[str, dict[str, Any]], column: str) -> None:
    assert len(shown) >= 20
    for country, text in shown.items():
        assert percent(text) == pytest.approx(rows[country][column], abs=0.00501), country


def test_first_view_shows_the_numbers_of_its_twin(front: Any) -> None:
    rows = twin(front, "2025-04-10")
    shown = bars(front, "#ranking")
    agree(shown, rows, "real_income_pct")
    order = sorted(rows, key=lambda c: rows[c]["real_income_pct"])
    assert {*order[:5], *order[-5:]} <= set(shown)
    front.click("#show-all")
    assert set(bars(front, "#ranking")) == set(rows)
    first = front.locator("#all tbody tr").first
    assert first.locator("th").text_content() == rows[order[0]]["name"]
    assert percent(first.locator("td").nth(0).text_content()) == pytest.approx(
        rows[order[0]]["real_income_pct"], abs=0.00501
    )
    map_ = fills(front)
    assert set(map_) | {"ROW"} == set(rows)
    assert map_["MEX"] != map_["KHM"], "a large loss and a large gain look alike"


def test_keyboard_moves_map_list_words_and_address(front: Any) -> None:
    before = fills(front), bars(front, "#ranking"), front.inner_text("#today-words")
    front.focus("#scrub")
    for _ in range(8):
        front.keyboard.press("ArrowLeft")
    until(front, "new URL(location).searchParams.get('date') !== '2025-04-10'")
    day = front.get_attribute("#shown-date", "datetime")
    assert day < "2025-04-10"
    front.wait_for_selector(f"#all[data-date='{day}']")
    after = fills(front), bars(front, "#ranking"), front.inner_text("#today-words")
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert before[2] != after[2]
    assert f"date={day}" in front.url
    agree(after[1], twin(front, day), "real_income_pct")
    links = front.eval_on_selector_all("#today-changes a", "n => n.map(a => a.pathname)")
    assert links
    assert all(link.startswith("/ledger/") for link in links)
    assert day[:4] in front.get_attribute("#scrub", "aria-valuetext")
    assert f"date={day}" in front.get_attribute("footer.site a", "href")
    assert front.get_attribute("#change-it", "href") == f"/what-if?date={day}"
    front.keyboard.press("PageDown")
    until(front, "document.querySelector('#shown-date').dateTime < '2024-05-01'")
    assert front.get_attribute("#shown-date", "datetime") > "2023-06-01"
    front.keyboard.press("End")
    until(front, "document.querySelector('#shown-date').dateTime > '2026'")
    assert front.input_value("#scrub") == front.get_attribute("#scrub", "max")


def test_back_returns_to_the_day_before_the_jump(front: Any) -> None:
    front.fill("#jump", "2019-12-31")
    front.dispatch_event("#jump", "change")
    until(front, "document.querySelector('#shown-date').dateTime < '2020'")
    assert "31 December 2019" in front.inner_text("#shown-date")
    assert "in force since" in front.inner_text("#shown-since")
    front.go_back()
    until(front, "document.querySelector('#shown-date').dateTime === '2025-04-10'")


def test_a_day_outside_the_record_is_said_and_then_forgotten(front: Any) -> None:
    front.focus("#jump")
    front.keyboard.type("06152017")
    assert front.is_hidden("#jump-wrong")
    front.focus("#event")
    assert "1 January 2018" in front.inner_text("#jump-wrong")
    assert front.get_attribute("#jump", "aria-invalid") == "true"
    assert "date=2025-04-10" in front.url
    front.focus("#jump")
    front.keyboard.type("06152019")
    until(front, "document.querySelector('#shown-date').textContent === '15 June 2019'")
    assert front.is_hidden("#jump-wrong")
    assert front.get_attribute("#jump", "aria-invalid") is None


def test_compared_with_rebases(front: Any) -> None:
    before = bars(front, "#ranking")
    front.select_option("#since", "2018-01-01")
    until(front, "new URL(location).searchParams.get('since') === '2018-01-01'")
    shown = bars(front, "#ranking")
    assert shown != before
    agree(shown, twin(front, "2025-04-10", "2018-01-01"), "real_income_pct")
    front.select_option("#since", "previous")
    until(front, "new URL(location).searchParams.get('against') === 'previous'")
    agree(bars(front, "#ranking"), twin(front, "2025-04-10", "2025-04-09"), "real_income_pct")


def test_another_variable_from_the_address(page: Any) -> None:
    page.set_default_timeout(LONG)
    page.goto("/?date=2025-05-14&variable=tariff_faced_pct&since=2018-01-01")
    until(page, READY)
    rows = twin(page, "2025-05-14", "2018-01-01")
    shown = bars(page, "#ranking")
    for country, text in shown.items():
        assert percent(text) == pytest.approx(rows[country]["tariff_faced_pct"], abs=0.0501)
    assert page.input_value("#variable") == "tariff_faced_pct"


def test_flows_are_those_of_their_twin(front: Any) -> None:
    front.select_option("#flow-exporter", "KOR")
    until(front, "document.querySelector('#flow-words').textContent.includes('Korea')")
    asked = "date=2025-04-10&since=2025-01-01&importer=USA&exporter=KOR&sector=C29"
    answer = front.request.get(f"/api/timeline/flows?{asked}").json()
    mine = next(r for r in answer["rows"] if r["seller"] == "KOR")
    said = re.search(r"sells \$([\d.,]+)bn", front.inner_text("#flow-words"))
    assert said is not None
    assert float(said[1].replace(",", "")) == pytest.approx(mine["after_usd_bn"], rel=0.02)
    assert "exporter=KOR" in front.url
    assert "a year to the United States" in front.inner_text("#flow-words")


def test_play_moves_and_stops(front: Any) -> None:
    front.click("#play")
    until(front, "document.querySelector('#shown-date').dateTime > '2025-04-10'")
    assert front.get_attribute("#play", "aria-pressed") == "true"
    front.click("#play")
    day = front.get_attribute("#shown-date", "datetime")
    until(front, f"new URL(location).searchParams.get('date') === '{day}'")
    assert front.get_attribute("#play", "aria-pressed") == "false"


def test_a_refused_series_is_said_in_words_and_can_be_asked_again(page: Any) -> None:
    page.set_default_timeout(LONG)
    busy = '{"error": {"kind": "busy", "message": "Every worker is busy; try again."}}'
    page.route(
        "**/api/timeline/series*",
        lambda route: route.fulfill(status=503, content_type="application/json", body=busy),
    )
    page.goto("/")
    page.wait_for_selector("#trouble [role=alert]")
    assert "Every worker is busy" in page.inner_text("#trouble")
    page.unroute("**/api/timeline/series*")
    page.click("#trouble button")
    until(page, READY)
    assert page.inner_text("#trouble") == ""


def test_a_lost_server_is_said_in_words_and_old_numbers_go_grey(front: Any) -> None:
    front.route("**/api/timeline?*", lambda route: route.abort())
    front.focus("#scrub")
    front.keyboard.press("ArrowLeft")
    front.wait_for_selector("#today-changes [role=alert]")
    assert "does not answer" in front.inner_text("#today-changes")
    assert "stale" in (front.get_attribute("#all", "class") or "")


def test_phone_has_no_overflow_and_every_control(page: Any) -> None:
    page.set_default_timeout(LONG)
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/?date=2025-08-07")
    until(page, READY)
    assert overflow(page) <= 0
    for name in ("#play", "#scrub", "#variable", "#when", "#since", "#jump", "#event", "#show-all",
                 "#flow-sector", "#flow-importer", "#flow-exporter", "#add-line"):  # fmt: skip
        node = page.locator(name)
        node.scroll_into_view_if_needed()
        box = node.bounding_box()
        assert box is not None, name
        assert box["x"] >= 0, name
        assert box["x"] + box["width"] <= 360, name
        assert box["height"] >= 24, name


def test_every_control_has_a_name(front: Any) -> None:
    nameless = front.evaluate(
        """() => [...document.querySelectorAll('button, select, input, textarea, a')]
        .filter(n => n.checkVisibility() && !n.closest('[aria-hidden=true]'))
        .filter(n => !(n.getAttribute('aria-label') || n.textContent.trim() || n.labels?.length))
        .map(n => n.outerHTML.slice(0, 120))"""
    )
    assert nameless == []


PAGES = ("/", "/what-if", "/countries", "/countries/JPN", "/sectors", "/sectors/C29", "/ledger",
         "/why", "/questions", "/about")  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_no_page_complains(page: Any, path: str) -> None:
    page.set_default_timeout(LONG)
    console = Console(page)
    answer = page.goto(path)
    assert answer.status == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page.wait_for_load_state("networkidle")
    assert console.found == []
    assert overflow(page) <= 0


def test_without_scripts_the_table_is_there(browser: Any, live_server: str) -> None:
    context = browser.new_context(base_url=live_server, java_script_enabled=False)
    page = context.new_page()
    page.goto("/?date=2025-04-10&since=2025-01-01")
    rows = twin(page, "2025-04-10")
    text = page.inner_text("noscript table")
    assert rows["MEX"]["name"] in text
    assert f"{rows['MEX']['real_income_pct']:+.2f}" in text
    context.close()


def test_terms_are_explained_to_mouse_and_keyboard(front: Any) -> None:
    variables = front.request.get("/api/world").json()["variables"]
    front.focus("#map .fig-unit [data-term]")
    assert variables["real_income"]["definition"] in front.inner_text("#tip")
    front.keyboard.press("Escape")
    assert not front.is_visible("#tip")
    front.hover("#tariffs .fig-unit [data-term]")
    assert "Average tariff" in front.inner_text("#tip")
    lost = front.evaluate(
        """() => { const known = JSON.parse(document.querySelector('#terms').textContent);
        return [...document.querySelectorAll('[data-term]')].map(n => n.dataset.term)
        .filter(t => !(t in known) && !t.startsWith('tariff_')); }"""
    )
    assert lost == []


PANEL = "!document.querySelector('#horizon-box').hidden"


def horizons(page: Any) -> dict[str, list[float]]:
    """Rows of the panel under the slider: so far, one year after, in the long run."""
    rows = page.eval_on_selector_all(
        "#horizon-rows tr",
        "n => n.map(r => [r.querySelector('a').getAttribute('href').split('/').pop(),"
        " [...r.querySelectorAll('td')].map(c => c.textContent)])",
    )
    return {code: [percent(text) for text in cells] for code, cells in rows}


def test_a_day_has_three_answers_that_move_without_a_request(front: Any) -> None:
    until(front, PANEL)
    until(front, "document.querySelectorAll('#horizon-rows tr').length === 7")

    def check(day: str) -> None:
        answer = front.request.get(f"/api/path/at?date={day}&since=2025-01-01").json()
        rows = {row["country"]: row for row in answer["rows"]}
        shown = horizons(front)
        assert list(shown)[:2] == ["USA", "CHN"]
        for code, cells in shown.items():
            for when, value in zip(("so_far", "one_year_after", "long_run"), cells, strict=True):
                wanted = rows[code][f"real_income_{when}_pct"]
                assert value == pytest.approx(wanted, abs=0.00501), (code, when)
        quarter = front.inner_text("#horizon-quarter")
        assert quarter.replace(" ", "") == answer["meta"]["quarter"]

    check("2025-04-10")
    asked: list[str] = []
    front.on("request", lambda request: asked.append(request.url))
    front.focus("#scrub")
    front.keyboard.press("PageDown")
    until(front, "document.querySelector('#shown-date').dateTime < '2024-05-01'")
    day = front.get_attribute("#shown-date", "datetime")
    check(day)
    front.wait_for_selector(f"#all[data-date='{day}']")
    paths = [url for url in asked if "/api/path" in url and "bands=true" not in url]
    assert paths == []


def test_the_map_shows_the_path_when_asked(front: Any) -> None:
    before = fills(front)
    front.select_option("#when", "year")
    until(front, "document.querySelector('#map .fig-title').textContent.includes('one year after')")
    rows = front.request.get("/api/path/at?date=2025-04-10&since=2025-01-01").json()["rows"]
    agree(
        bars(front, "#ranking"), {r["country"]: r for r in rows}, "real_income_one_year_after_pct"
    )
    assert fills(front) != before
    assert "when=year" in front.url
    assert "model staggered" in front.inner_text("#map .fig-source")
    front.select_option("#variable", "tariff_charged_pct")
    until(front, "document.querySelector('#map .fig-title').textContent.includes('Tariff')")
    assert front.is_disabled("#when")
    assert "one year after" not in front.inner_text("#map .fig-title")
    assert "Real income" in front.inner_text("#horizon-unit")


def test_a_band_comes_with_the_lines_of_the_path(page: Any) -> None:
    page.set_default_timeout(LONG)
    answer = page.request.get("/api/path?countries=KOR&since=2025-01-01").json()
    asked: list[str] = []
    drawn: list[bool] = []

    def band(route: Any) -> None:
        asked.append(route.request.url)
        body = {**answer, "low": None, "high": None}  # whatever this machine has kept
        state = {**body["bands"], "status": "working", "words": "12 of 40 draws"}
        if drawn:
            near = [[[v[0] + d] for v in body["values"]] for d in (-0.5, 0.5)]
            state = {**state, "status": "ready", "done": 40}
            body = {**body, "low": near[0], "high": near[1]}
        route.fulfill(json={**body, "bands": state})

    page.route("**/api/path?*", band)
    page.goto("/?date=2025-04-10&focus=KOR&since=2025-01-01")
    until(page, "document.querySelector('#path-band').textContent.includes('12 of 40 draws')")
    assert page.locator("#path-lines .series").count() == 7
    assert page.locator("#path-lines .band").count() == 0
    drawn.append(True)
    until(page, "document.querySelector('#path-lines .band') !== null")
    assert "the middle 80% of 40 draws" in page.inner_text("#path-band")
    with_bands = [url for url in asked if "bands=true" in url]
    assert with_bands
    assert all("countries=KOR" in url for url in with_bands)
    assert page.locator("#horizon-rows tr.chosen a").inner_text() == "South Korea"


def test_country_and_sector_pages_draw_their_paths(page: Any) -> None:
    page.set_default_timeout(LONG)
    for path, box, lines in (
        ("/countries/KOR", "#income-line", 2),
        ("/sectors/C29", "#output-line", 5),
    ):
        console = Console(page)
        page.goto(path)
        until(page, f"document.querySelectorAll('{box} .series').length === {lines}")
        until(page, f"/band/i.test(document.querySelector('{box}').textContent)")
        assert overflow(page) <= 0
        assert console.found == []

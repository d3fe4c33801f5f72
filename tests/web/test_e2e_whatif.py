"""The what-if page in a real browser: a scenario from an article, sharing, failures, keyboard."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest

from .seen import Console, bars, overflow, percent, until

LONG = 90_000
SOLVED = "Number(document.documentElement.dataset.solved ?? 0)"


def opened(page: Any, path: str = "/what-if") -> Any:
    page.set_default_timeout(LONG)
    page.goto(path)
    until(page, f"{SOLVED} > 0")
    return page


def count(page: Any) -> int:
    return page.evaluate(SOLVED)


def simulate(page: Any, scenario: dict[str, Any]) -> dict[str, Any]:
    answer = page.request.post("/api/simulate", data=scenario)
    assert answer.ok, answer.text()
    return {row["country"]: row for row in answer.json()["rows"]}


def cars_from_japan(rate: float) -> dict[str, Any]:
    return {
        "id": "cars", "title": "cars", "about": "cars", "blurs": "all of C29",
        "sources": [{"title": "test", "publisher": "test", "cite": "test"}],
        "measures": [{"imposer": ["USA"], "targets": ["JPN"], "sectors": ["C29"],
                      "instrument": "import_tariff", "form": "added", "rate_pct": rate}],
    }  # fmt: skip


def remove(page: Any, name: str) -> None:
    page.get_by_role("button", name=name).click()


def test_a_tariff_of_15_on_cars_from_japan(page: Any) -> None:
    console = Console(page)
    opened(page)
    page.select_option("#start", "scratch")
    until(page, "document.querySelectorAll('.measure').length === 1")
    remove(page, "Remove China from on")
    page.get_by_label("Add to on").select_option("JPN")
    remove(page, "Remove all goods from sectors")
    page.get_by_label("Add to sectors").select_option("C29")
    before = count(page)
    page.locator("#m0-range").fill("15")
    until(page, f"{SOLVED} > {before} && !document.querySelector('#results.stale')")
    assert page.input_value("#m0-number") == "15"
    assert "15%" in page.inner_text(".measure-title")
    rows = simulate(page, cars_from_japan(15))
    until(page, "document.querySelector('#stats [data-country=JPN]') !== null")
    page.wait_for_timeout(300)
    shown = page.inner_text("#stats [data-country=JPN]")
    assert percent(shown) == pytest.approx(rows["JPN"]["real_income_pct"], abs=0.00501)
    page.click("#show-all")
    for country, text in bars(page, "#countries").items():
        assert percent(text) == pytest.approx(rows[country]["real_income_pct"], abs=0.00501)
    page.select_option("#inside", "JPN")
    assert "Japan" in page.inner_text("#sectors .fig-title")
    assert percent(bars(page, "#sectors")["C29"]) < 0
    assert console.found == []


def test_shipped_scenario_with_an_edit_says_so_and_gives_the_command(page: Any) -> None:
    opened(page)
    assert page.inner_text("#command") == "detente run us-cars-25"
    assert page.locator("#claims tbody tr").count() > 3
    before = count(page)
    page.fill("#m0-number", "15")
    until(page, f"{SOLVED} > {before}")
    assert page.inner_text("#command") == "detente run us-cars-25 --set measures.0.rate_pct=15"
    assert "(edited)" in page.input_value("#title")
    assert not page.is_visible("#claims-card")
    page.select_option("#deficit", "zero")
    assert page.inner_text("#command").endswith("measures.0.rate_pct=15 --deficit zero")
    page.click("#add")
    assert "us-cars-25-edited.yaml --theta all" in page.inner_text("#command")
    page.click("#undo")
    page.click("#undo")
    page.click("#undo")
    assert page.inner_text("#command") == "detente run us-cars-25"
    assert page.input_value("#m0-number") == "25"
    assert page.is_disabled("#undo")


def test_the_link_holds_the_whole_scenario(page: Any, live_server: str) -> None:
    opened(page, "/what-if?scenario=china-145")
    before = count(page)
    page.fill("#m0-number", "60")
    page.select_option("#theta", "bsy")
    until(page, f"{SOLVED} > {before} && location.hash.startsWith('#s=')")
    page.wait_for_timeout(900)
    link, values = page.url, bars(page, "#countries")
    other = page.context.browser.new_context(base_url=live_server)
    fresh = other.new_page()
    opened(fresh, link)
    assert fresh.input_value("#m0-number") == "60"
    assert fresh.input_value("#theta") == "bsy"
    assert fresh.input_value("#title") == page.input_value("#title")
    assert fresh.inner_text("#command") == page.inner_text("#command")
    assert bars(fresh, "#countries") == values
    other.close()


def packed(value: Any) -> str:
    """A fragment as the page makes it."""
    press = zlib.compressobj(wbits=-15)
    data = press.compress(json.dumps(value).encode()) + press.flush()
    return "#s=" + base64.urlsafe_b64encode(data).decode().rstrip("=")


BAD_LINKS = {
    "not base64": "#s=not%20real",
    "too long": "#s=" + "A" * 30_000,
    "cut off": packed({"scenario": {"measures": []}})[:-6],
    "no scenario": packed([1, 2]),
    "measures that are none": packed({"scenario": {"id": "x", "measures": [None]}}),
    "a bomb": packed("A" * 5_000_000),
}


@pytest.mark.parametrize("fragment", BAD_LINKS.values(), ids=BAD_LINKS.keys())
def test_a_bad_link_is_refused_in_words(page: Any, fragment: str) -> None:
    opened(page, "/what-if" + fragment)
    said = page.inner_text("#link-trouble")
    assert "damaged" in said or "too long" in said
    assert page.inner_text("#command") == "detente run us-cars-25"


def test_range_and_ghost(page: Any) -> None:
    opened(page)
    until(page, "document.querySelector('#range-note').textContent.startsWith('Thin lines')")
    body = page.request.get("/api/scenarios/us-cars-25").json()
    rows = page.request.post("/api/simulate?range=theta", data=body).json()["rows"]
    mexico = next(r for r in rows if r["country"] == "MEX")
    stat = page.locator("#stats li", has_text="Mexico").inner_text()
    assert f"{mexico['real_income_low_pct']:.2f}".replace("-", "−") in stat
    before = count(page)
    page.fill("#m0-number", "50")
    until(page, f"{SOLVED} > {before}")
    assert "was" in page.locator("#stats li", has_text="Mexico").inner_text()


def test_downloads(page: Any) -> None:
    opened(page)
    for button, suffix, words in (
        ("#get-yaml", ".yaml", "id: us-cars-25"), ("#get-json", ".json", '"rate_pct": 25'),
        ("#get-csv", ".csv", "real_income_pct"),
    ):  # fmt: skip
        with page.expect_download() as caught:
            page.click(button)
        assert caught.value.suggested_filename == "us-cars-25" + suffix
        assert words in caught.value.path().read_text(encoding="utf-8")
    with page.expect_download() as caught:
        page.locator("#map").get_by_role("button", name="Download as SVG").click()
    drawing = caught.value.path().read_text(encoding="utf-8")
    assert drawing.startswith("<svg")
    assert "Natural Earth" in drawing
    with page.expect_download() as caught:
        page.locator("#map").get_by_role("button", name="Download as PNG").click()
    assert caught.value.path().read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_no_equilibrium_is_said_and_the_last_result_is_grey(page: Any) -> None:
    opened(page)
    said = "The model did not converge for this policy; the residual is 0.3."
    problem = json.dumps({"error": {"kind": "ConvergenceError", "message": said}})
    page.route(
        "**/api/simulate*",
        lambda route: route.fulfill(status=409, content_type="application/json", body=problem),
    )
    page.fill("#m0-number", "80")
    page.wait_for_selector("#trouble [role=alert]")
    assert said in page.inner_text("#trouble")
    assert "not the present one" in page.inner_text("#trouble")
    assert "stale" in page.get_attribute("#results", "class")
    page.click("#get-csv")
    assert "no result of this scenario" in page.inner_text("#said")
    page.unroute("**/api/simulate*")
    before = count(page)
    page.fill("#m0-number", "70")
    until(page, f"{SOLVED} > {before}")
    assert page.inner_text("#trouble") == ""
    assert "stale" not in page.get_attribute("#results", "class")


def test_what_the_server_refuses_is_shown_in_its_words(page: Any) -> None:
    opened(page)
    page.fill("#m0-number", "2000")
    assert page.get_attribute("#m0-number", "aria-invalid") == "true"
    body = {**cars_from_japan(15), "baseline": {"date": "1999-01-01"}}
    words = page.request.post("/api/simulate", data=body).json()["error"]["message"]
    page.fill("#m0-number", "30")
    page.select_option("#baseline", "law")
    page.eval_on_selector("#baseline-day", "n => { n.min = ''; n.value = '1999-01-01'; }")
    page.dispatch_event("#baseline-day", "change")
    page.wait_for_selector("#trouble [role=alert]")
    assert "1999-01-01" in page.inner_text("#trouble")
    assert "1999-01-01" in words


def test_a_rate_out_of_range_is_said_beside_the_field(page: Any) -> None:
    opened(page)
    page.fill("#m0-number", "-150")
    assert "from −99 to 1000" in page.inner_text("#m0-wrong")
    assert "still that of 25" in page.inner_text("#m0-wrong")
    assert page.get_attribute("#m0-number", "aria-describedby") == "m0-wrong"
    assert page.input_value("#m0-range") == "25"
    page.fill("#m0-number", "40")
    assert page.is_hidden("#m0-wrong")
    assert page.input_value("#m0-range") == "40"


def test_an_unknown_scenario_is_said_and_the_first_one_opened(page: Any) -> None:
    opened(page, "/what-if?scenario=nope")
    assert "unknown scenario 'nope'" in page.inner_text("#link-trouble")
    assert page.inner_text("#command") == "detente run us-cars-25"
    assert "real income" in page.inner_text("section[aria-labelledby=stats-title] .fig-unit")


def test_a_sector_takes_the_place_of_all_goods(page: Any) -> None:
    opened(page)
    page.select_option("#start", "scratch")
    until(page, "document.querySelector('.measure-title').textContent.includes('all goods')")
    page.get_by_label("Add to sectors").select_option("C29")
    title = "1. The United States adds 10% to the tariff on motor vehicles from China"
    assert page.inner_text(".measure-title") == title
    page.get_by_label("Add to sectors").select_option("C20")
    assert "on motor vehicles and chemicals" in page.inner_text(".measure-title")
    page.get_by_label("Add to sectors").select_option("goods")
    assert "on all goods from China" in page.inner_text(".measure-title")


def test_a_quota_is_chosen_said_and_solved(page: Any) -> None:
    opened(page)
    page.select_option("#start", "scratch")
    until(page, "document.querySelector('.measure-title').textContent.includes('all goods')")
    page.get_by_label("Add to sectors").select_option("C29")
    before = count(page)
    page.get_by_label("Instrument").select_option("quota")
    title = (
        "1. The United States lets in 50% of the base year's volume of motor vehicles from China, "
        "nothing above it"
    )
    until(page, f"document.querySelector('.measure-title').textContent === {json.dumps(title)}")
    until(page, f"{SOLVED} > {before}")
    assert page.is_visible("text=percent of the base year's")
    page.get_by_label("Instrument").select_option("import_tariff")
    assert "adds 10% to the tariff" in page.inner_text(".measure-title")


def test_a_law_from_the_address_shows_its_day(page: Any) -> None:
    opened(page, "/what-if?date=2025-09-01")
    assert page.input_value("#start") == "law"
    assert page.is_visible("#start-day")
    assert page.input_value("#start-day") == "2025-09-01"
    before = count(page)
    page.click("#add")
    until(page, f"{SOLVED} > {before}")
    until(page, "document.querySelector('#inside').value === 'USA'")


def test_keyboard_alone_makes_the_first_what_if(page: Any) -> None:
    opened(page)
    page.evaluate("document.body.focus()")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    wanted = "document.activeElement.id === 'm0-range'"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate(wanted):
            break
    assert page.evaluate(wanted), "the slider is not reached with Tab"
    before = count(page)
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    until(page, f"{SOLVED} > {before}")
    assert page.input_value("#m0-number") == "27"
    assert "measures.0.rate_pct=27" in page.inner_text("#command")


def test_phone(page: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    opened(page)
    assert overflow(page) <= 0
    assert page.is_visible("#peek")
    for name in ("#start", "#title", "#baseline", "#m0-range", "#m0-number", "#m0-targets",
                 "#m0-instrument", "#add", "#theta", "#deficit", "#inside"):  # fmt: skip
        node = page.locator(name)
        node.scroll_into_view_if_needed()
        box = node.bounding_box()
        assert box is not None, name
        assert box["x"] >= 0, name
        assert box["x"] + box["width"] <= 360, name


def test_a_measure_on_top_of_the_law_of_a_day(page: Any) -> None:
    opened(page)
    page.select_option("#start", "law")
    page.fill("#start-day", "2025-05-14")
    page.dispatch_event("#start-day", "change")
    until(page, "document.querySelector('#title').value.includes('2025-05-14')")
    before = count(page)
    page.click("#add")
    until(page, f"{SOLVED} > {before}")
    assert "14 May 2025" in page.inner_text("#policy-note")
    law = {"date": "2025-05-14"}
    measure = {"imposer": "USA", "targets": ["CHN"], "sectors": "goods",
               "instrument": "import_tariff", "rate_pct": 10}  # fmt: skip
    body = {**cars_from_japan(10), "baseline": law, "policy": law, "measures": [measure]}
    rows = simulate(page, body)
    page.wait_for_timeout(300)
    shown = bars(page, "#countries")
    assert shown
    for country, text in shown.items():
        assert percent(text) == pytest.approx(rows[country]["real_income_pct"], abs=0.00501)

"""The shelves in a real browser: ledger, why, countries, sectors, questions, jobs."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

PAGES = (
    "/ledger", "/ledger/usa/section-232-cars",
    "/why?date=2025-10-01&importer=USA&exporter=KOR&hs=870323",
    "/countries", "/countries/KOR", "/sectors", "/sectors/C29", "/questions",
    "/questions/korea-pledge",
)  # fmt: skip


@pytest.fixture
def clean(page) -> Iterator[object]:
    """A page on which nothing may complain: no console error, no script error, no CSP report."""
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: said.append(str(e)))
    yield page
    assert said == []


@pytest.fixture
def phone(browser, live_server):
    context = browser.new_context(
        base_url=live_server, viewport={"width": 360, "height": 740}, has_touch=True
    )
    opened = context.new_page()
    yield opened
    context.close()


def expect(locator):
    from playwright.sync_api import expect as of

    of.set_options(timeout=20_000)  # the first question to a fresh worker reads its tables
    return of(locator)


def test_the_ledger_is_filtered_by_keyboard_and_a_measure_opened(clean):
    page = clean
    page.goto("/ledger")
    expect(page.locator("#found")).to_contain_text("records, page 1 of")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("passenger vehicles")
    expect(page.locator("#found")).not_to_contain_text("page 1 of")
    expect(page).to_have_url(re.compile("text=passenger"))
    page.keyboard.press("Tab")
    page.keyboard.type("measure")  # the list of kinds, by its first letters
    link = page.get_by_role("link", name="US tariff on passenger vehicles and light trucks")
    expect(link).to_have_count(1)
    expect(page).to_have_url(re.compile("kind=measure"))
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "US tariff on passenger vehicles and light trucks"
    )
    expect(page.locator("#sources")).to_contain_text("Proclamation 10908")
    page.get_by_role("link", name="Whether the Korean car deal was signed").click()
    expect(page.get_by_role("heading", name="What each source says")).to_be_visible()
    page.go_back()
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("passenger vehicles")


def test_a_wrong_day_in_the_ledger_is_said_without_a_reload(page):
    page.goto("/ledger")
    page.locator('[name="on"]').evaluate(
        "e => { e.removeAttribute('min'); e.value = '1999-01-01';"
        "e.dispatchEvent(new Event('input', {bubbles: true})); }"
    )
    expect(page.get_by_role("alert")).to_contain_text("the ledger begins on 2018-01-01")
    expect(page.locator('[name="on"]')).to_have_attribute("aria-invalid", "true")


def test_why_form(clean):
    page = clean
    page.goto("/why")
    page.get_by_label("Day").fill("2025-11-14")
    page.get_by_label("Bought in").fill("USA")
    page.get_by_label("Made in").fill("Korea")
    page.get_by_label("HS code").fill("8703.23")
    page.keyboard.press("Enter")
    answer = page.get_by_role("region", name="Answer")
    expect(answer.get_by_role("heading", level=2)).to_contain_text("14 November 2025")
    expect(answer.locator(".big-rate").first).to_have_text("15%")
    page.get_by_role("link", name=re.compile("US tariff on passenger vehicles")).first.click()
    expect(page).to_have_url(re.compile("/ledger/usa/section-232-cars$"))


# the least contrast of text on its ground among cells, by the formula of WCAG
CONTRAST = """cells => Math.min(...cells.map(cell => {
  const light = text => {
    const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map(c => c / 255)
      .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const style = getComputedStyle(cell);
  const [a, b] = [light(style.color), light(style.backgroundColor)];
  return Math.max(a, b) / Math.min(a, b);
}))"""


def test_a_country_page_draws_charts_with_their_tables(clean):
    page = clean
    page.goto("/countries/KOR")
    # a server that has just started still solves the dates of the timeline
    expect(page.locator("#tariff-line svg").first).to_be_visible(timeout=60_000)
    for box in ("tariff-line", "income-line", "faced", "charged", "exposure-partners", "gainers"):
        expect(page.locator(f"#{box} svg").first).to_be_visible()
        twin = page.locator(f"#{box} details.fig-table")
        twin.locator("summary").click()
        expect(twin.locator("tbody tr").nth(5)).to_be_attached()
    expect(page.locator("#exposure-cells table.heat tbody tr")).to_have_count(10)
    assert page.locator("#exposure-cells table.heat td").first.evaluate(
        "e => getComputedStyle(e).backgroundColor"
    ) not in ("rgba(0, 0, 0, 0)", "")
    assert page.locator("#exposure-cells table.heat tbody td").evaluate_all(CONTRAST) >= 4.5
    tools = page.locator("#exposure-cells .fig-tools button")
    assert tools.all_inner_texts() == ["CSV"]
    page.get_by_role("button", name="Tariff its goods face").focus()
    expect(page.locator("#tip")).to_contain_text("Average tariff its goods meet abroad")
    page.keyboard.press("Escape")
    expect(page.locator("#tip")).to_be_hidden()
    first = page.locator("#sectors th[scope=row]").first.inner_text()
    page.locator("#sectors").get_by_role("button", name=re.compile("^Exports")).click()
    assert page.locator("#sectors th[scope=row]").first.inner_text() != first
    page.locator("#partners").get_by_role("link", name="China", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("China")


def test_a_sector_page_shows_flows_of_both_days(clean):
    page = clean
    page.goto("/sectors/C29")
    expect(page.locator("#flows path.arc").first).to_be_attached()
    changes = page.locator("#flows path.arc").count()
    page.get_by_role("button", name="On the day").click()
    expect(page.locator("#flows h2")).to_contain_text("law of 31 October 2026")
    assert page.locator("#flows path.arc").count() == changes == 40
    for box in ("sellers", "buyers", "tariff-map", "output-map"):
        expect(page.locator(f"#{box} svg").first).to_be_visible()


def test_a_slider_changes_the_verdict_and_the_address(clean):
    page = clean
    page.goto("/questions/korea-pledge")
    verdict = page.locator("#point .verdict")
    expect(verdict).to_have_text("The pledge would have to go below $200 bn.")
    slider = page.get_by_role(
        "slider", name=re.compile("part of each dollar pledged th", re.IGNORECASE)
    )
    slider.focus()
    page.keyboard.press("Home")  # a share of one in a hundred
    page.get_by_role("slider", name=re.compile("how long the relief counts")).press("End")
    for name in ("chance the tariff falls", "chance it is raised", "discount rate"):
        page.get_by_role("slider", name=re.compile(name)).press("Home")
    expect(verdict).not_to_have_text("The pledge would have to go below $200 bn.")
    expect(verdict).to_contain_text("as it stands")  # the last of the five moves has arrived
    expect(page).to_have_url(re.compile("grant_share=0.01"))
    said = verdict.inner_text()
    page.reload()
    expect(verdict).to_have_text(said)
    page.get_by_role("link", name="Back to the points").click()
    expect(verdict).to_have_text("The pledge would have to go below $200 bn.")


def test_a_card_is_drawn_in_the_background_and_survives_a_reload(clean):
    page = clean
    page.goto("/questions/courtship")
    page.get_by_label("Draws", exact=True).fill("40")
    page.get_by_role("button", name="Draw", exact=True).click()
    bar = page.locator("#job-bar")
    expect(bar).to_have_attribute("aria-valuemax", "100")
    expect(page).to_have_url(re.compile("job=[0-9a-f]{16}"))
    page.reload()
    card = page.locator("#card-verdict")
    expect(card).to_contain_text("of 40 draws", timeout=60_000)
    shares = page.locator("#card .share-row strong").all_inner_texts()
    assert sum(float(s.rstrip("%")) for s in shares) == pytest.approx(100, abs=2)
    expect(page.locator("#card")).to_contain_text("What flips it")
    expect(page.locator("#card")).to_contain_text("Numbers over the draws")
    page.locator("#card details.fig-table summary").first.click()
    expect(page.locator("#card details.fig-table tbody tr").first).to_be_visible()


def test_a_job_can_be_cancelled(clean):
    page = clean
    page.goto("/questions/cjk-pact")
    page.get_by_label("Draws", exact=True).fill("2000")
    page.get_by_role("button", name="Draw", exact=True).click()
    expect(page.locator("#job-text")).to_contain_text("cases", timeout=30_000)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("alert")).to_contain_text("Cancelled", timeout=20_000)
    expect(page.get_by_role("button", name="Draw", exact=True)).to_be_enabled()
    assert page.locator("#card").inner_text() == ""


def test_nothing_overflows_on_a_phone(phone):
    for path in PAGES:
        phone.goto(path)
        phone.wait_for_load_state("networkidle")
        wide = phone.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, path


def test_pages_read_without_scripts(browser, live_server):
    context = browser.new_context(base_url=live_server, java_script_enabled=False)
    page = context.new_page()
    for path, words in (
        ("/countries/KOR", "A point by one partner on all its goods"),
        ("/sectors/C29", "Largest flows between countries"),
        ("/questions/korea-pledge", "The pledge would have to go below $200 bn"),
        ("/ledger", "Canada's surtax"),
    ):
        page.goto(path)
        expect(page.locator("main")).to_contain_text(words)
    page.goto("/questions/korea-pledge")
    for name, value in (("grant_share", "0.01"), ("horizon_years", "30"), ("discount_pct", "3"),
                        ("relief_risk_pct", "0"), ("reimposition_pct", "0")):  # fmt: skip
        page.locator(f'[name="{name}"]').fill(value)
    page.get_by_role("button", name="Answer at these values").click()
    expect(page.locator("#point .verdict")).to_contain_text("as it stands")
    context.close()

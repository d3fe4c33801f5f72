"""The ledger's pages: filters, every record, escaping, and why a rate is what it is."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI
from starlette.routing import Route

from detente.ledger import load_ledger
from detente.ledger.browse import STATUSES, Filters, aimed_at, browse, imposed_by, status_on
from detente.ledger.describe import LISTS, describe, name_of, target_words
from detente.ledger.schema import Source, Targets, TargetsPart
from detente.web.links import safe_link
from detente.web.pages.ledger import RecordAnswer, record_view
from detente.web.templating import day_words

LEDGER = load_ledger()
KEYS = [k for k in LEDGER.records if k != "ledger"] + [LISTS + k for k in LEDGER.lists]


# --- the list -------------------------------------------------------------------------------------
def test_every_record_is_listed_once_over_the_pages(client):
    first = client.get("/api/ledger").json()
    assert first["meta"]["total"] == len(KEYS)
    assert first["meta"]["page_size"] == 50
    found = [r["id"] for r in first["rows"]]
    for page in range(2, first["meta"]["pages"] + 1):
        found += [r["id"] for r in client.get(f"/api/ledger?page={page}").json()["rows"]]
    assert sorted(found) == sorted(KEYS)


@pytest.mark.parametrize(
    ("query", "inside", "outside"),
    [
        ("kind=pledge", "pledges/kor-usa-350bn", "usa/section-232-cars"),
        ("imposer=CHN&instrument=tariff", "chn/usa-2025-april", "chn/usa-port-fee"),
        ("on=2025-04-10&imposer=USA", "usa/section-232-cars", "usa/section-232-trucks"),
        ("text=passenger+vehicles", "usa/section-232-cars", "korus"),
        ("text=VEHICLES+section-232-cars", "usa/section-232-cars", "usa/section-232-trucks"),
        ("status=threatened", "vnm/mfn-cuts-2025", "korus"),
    ],
)
def test_filters(client, query, inside, outside):
    if "status" in query:  # any threatened measure will do; the record grows
        inside = next(r.id for r in browse(LEDGER, Filters(status="threatened")))
    found = {r["id"] for r in client.get(f"/api/ledger?{query}").json()["rows"]}
    assert inside in found
    assert outside not in found
    page = client.get(f"/ledger?{query}")
    assert page.status_code == 200
    assert f'href="/ledger/{inside}"' in page.text
    assert f'href="/ledger/{outside}"' not in page.text


def test_words_are_found_in_quotes():
    quoted = next(
        (k, s.quote) for k, (_, r) in LEDGER.records.items()
        for s in getattr(r, "sources", {}).values() if s.quote
    )  # fmt: skip
    assert quoted[0] in {r.id for r in browse(LEDGER, Filters(text=quoted[1]))}


def test_in_force_on_a_day_is_what_the_law_of_the_day_says():
    active = {a.measure.id for a in LEDGER.at("2025-04-10").active}
    found = {r.id for r in browse(LEDGER, Filters(kind="measure", on="2025-04-10"))}
    assert found == active


def test_every_status_has_a_name():
    days = (LEDGER.record_from, "2025-04-10", LEDGER.record_until)
    seen = {status_on(LEDGER, k, day) for k in LEDGER.records for day in days} - {""}
    assert seen <= set(STATUSES)
    assert {"in force", "ended", "threatened", "suspended"} <= seen


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("kind=measur", "kind", "did you mean measure"),
        ("imposer=XXX", "imposer", "unknown imposer"),
        ("on=2025-02-30", "on", "is not a date"),
        ("on=1999-01-01", "on", "begins on 2018-01-01"),
        ("page=99", "page", "there are 10"),
    ],
)
def test_a_wrong_filter_is_said_beside_its_field(client, query, field, words):
    twin = client.get(f"/api/ledger?{query}")
    assert twin.status_code == 422
    assert twin.json()["error"]["field"] == field
    assert words in twin.json()["error"]["message"]
    page = client.get(f"/ledger?{query}")
    assert page.status_code == 422
    assert words in page.text
    assert 'id="filter-error"' in page.text
    if field != "page":
        assert re.search(rf'name="{field}"[^>]*aria-invalid="true"', page.text)


def test_a_list_without_records_says_so(client):
    page = client.get("/ledger?text=nosuchwordanywhere")
    assert page.status_code == 200
    assert "No record fits" in page.text


# --- records --------------------------------------------------------------------------------------
def test_every_record_page_renders(client):
    for key in KEYS:
        page = client.get(f"/ledger/{key}")
        assert page.status_code == 200, key
        assert page.text.count("<h1>") == 1, key
        assert f"<code>{key}</code>" in page.text, key


def test_every_twin_fits_its_shape_and_every_link_leads_somewhere():
    known = {f"/ledger/{k}" for k in KEYS}
    for key in KEYS:
        answer = RecordAnswer.model_validate(record_view(LEDGER, key))
        assert answer.sources, key
        assert {link.url for link in answer.links} <= known, key
        pieces = [p for f in answer.facts for p in f.parts]
        pieces += [p for row in answer.rows for p in (*row.targets, *row.products)]
        assert {p.url for p in pieces if p.url} <= known, key
        keys = {s.key for s in answer.sources}
        for row in answer.rows:
            assert {k for e in row.entries for k in e.sources} <= keys, key


def test_a_measure_shows_history_sources_conflicts_and_rules(client):
    twin = client.get("/api/ledger/usa/section-232-cars").json()
    first = twin["rows"][0]["entries"][0]
    assert (first["in_force"], first["rate_pct"], first["form"]) == ("2025-04-03", 25.0, "added")
    assert first["evidence"] == "A"
    linked = {(link["relation"], link["record"]) for link in twin["links"]}
    assert ("rule on what is paid together", "usa/cars-over-reciprocal") in linked
    assert ("sources disagree", "conflicts/korea-cars-signed") in linked
    assert ("where this is claimed", "usmca") in linked
    assert ("tied to", "pledges/kor-usa-350bn") in linked
    page = client.get("/ledger/usa/section-232-cars").text
    for words in ("2025-04-03", "25% added", "9903.94.01", "Proclamation 10908", "all countries"):
        assert words in page


def test_links_are_seen_from_both_sides():
    back = {(x["relation"], x["record"]) for x in describe(LEDGER, "usmca")["links"]}
    assert ("its use decides the path of", "usa/section-232-cars") in back
    rule = {(x["relation"], x["record"]) for x in describe(LEDGER, "usa/cars-over-metals")["links"]}
    assert ("sets aside", "usa/section-232-metals") in rule


def test_measures_by_and_on_a_country():
    day = LEDGER.record_until
    assert {r.imposer for r in imposed_by(LEDGER, "DEU", day)} == {"EU27"}
    named = {r.id for r in aimed_at(LEDGER, "KOR", day)}
    assert "usa/section-232-cars" in named
    assert all(LEDGER.measures[k].imposer != "KOR" for k in named)
    # fentanyl duties reach Canada, Mexico and China only
    assert "usa/ieepa-fentanyl-canada" not in named
    assert "usa/ieepa-fentanyl-canada" in {r.id for r in aimed_at(LEDGER, "CAN", day)}


def test_targets_in_words():
    said = target_words(LEDGER, Targets(all=True, but=TargetsPart(countries=("CAN", "MEX"))))
    assert "".join(p["text"] for p in said) == "all countries except Canada and Mexico"
    assert name_of(LEDGER, "EU27") == "European Union"
    assert name_of(LEDGER, "QQQ") == "QQQ"


def test_an_unknown_record_is_404_with_suggestions(client):
    for path in ("/ledger/usa/section-232-car", "/api/ledger/usa/section-232-car"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "usa/section-232-cars" in answer.text
    for path in ("/ledger/../../etc/passwd", "/ledger/%2e%2e/%2e%2e/etc/passwd", "/ledger/ledger"):
        assert client.get(path).status_code == 404


# --- escaping -------------------------------------------------------------------------------------
EVIL = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://example.org/a", "https://example.org/a"),
        (" HTTP://example.org", "HTTP://example.org"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//example.org", ""),
        ("", ""),
    ],
)
def test_only_http_links_become_links(url, link):
    assert safe_link(url) == link


def test_titles_quotes_and_addresses_of_a_record_are_escaped(monkeypatch):
    from starlette.testclient import TestClient

    from detente.web.templating import render

    measure = LEDGER.measures["usa/section-232-cars"]
    source = Source(title=EVIL, publisher=EVIL, url="javascript:alert(1)", date_read="2026-01-01",
                    quote=EVIL, evidence="A")  # fmt: skip
    bad = measure.model_copy(
        update={"title": EVIL, "notes": EVIL, "sources": {**measure.sources, "evil": source}}
    )
    monkeypatch.setitem(LEDGER.records, measure.id, ("f.yaml", bad))

    async def page(request):
        return render(request, "measure.html", view=record_view(LEDGER, measure.id))

    app = FastAPI(routes=[Route("/x", page)])
    text = TestClient(app).get("/x").text
    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert") >= 4
    assert "javascript:" not in text


def test_what_was_typed_is_escaped(client):
    for path in ("/ledger?text=", "/ledger?kind=", "/why?importer=", "/why?hs=", "/questions/"):
        assert "<script>alert" not in client.get(path + EVIL).text


# --- why ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("query", "rate", "record"),
    [
        ("date=2025-10-01&importer=USA&exporter=KOR&hs=870323", 25.0, "usa/section-232-cars"),
        ("date=2025-11-14&importer=USA&exporter=KOR&hs=870323", 15.0, "usa/section-232-cars"),
        ("date=2025-04-10&importer=USA&exporter=CHN&hs=9503.00", 145.0, "usa/ieepa-reciprocal"),
        ("date=2025-10-01&importer=USA&exporter=JPN&hs=7208", 50.0, "usa/section-232-metals"),
        ("date=2025-04-03&importer=USA&exporter=DEU&hs=870323", 27.5, "usa/section-232-cars"),
        ("date=2025-10-01&importer=USA&exporter=JPN&hs=870323", 15.0, "usa/section-232-cars"),
        ("date=2025-04-02&importer=USA&exporter=KOR&hs=870323", 0.0, "korus"),
        ("date=2018-01-01&importer=USA&exporter=CHN&hs=950300", 0.0, ""),
        ("date=2025-10-01&importer=United+States&exporter=korea&hs=870323", 25.0, "korus"),
        ("date=2018-03-22&importer=USA&exporter=JPN&hs=7208", 0.0, ""),
        ("date=2018-03-23&importer=USA&exporter=JPN&hs=7208", 25.0, "usa/section-232-steel-2018"),
        ("date=2025-04-10&importer=CHN&exporter=USA&hs=1201", None, "chn/usa-2025-april"),
    ],
)
def test_known_rates_and_their_lines(client, query, rate, record):
    answer = client.get(f"/api/why?{query}")
    assert answer.status_code == 200
    body = answer.json()
    assert body["rows"][0]["rate_pct"] == rate
    heaviest = [s for s in body["derivation"] if s["row"] == 0]
    assert sum(s["step"] == "base" for s in heaviest) >= 1
    urls = {s["url"] for s in heaviest if s["step"] != "not reached"}
    if record:
        assert f"/ledger/{record}" in urls
    page = client.get(f"/why?{query}")
    assert page.status_code == 200
    for url in urls - {""}:
        assert f'href="{url}"' in page.text


def test_a_total_is_the_sum_of_its_points(client):
    body = client.get("/api/why?date=2025-04-10&importer=USA&exporter=CHN&hs=950300").json()
    points = [s["added_pct"] or 0.0 for s in body["derivation"]
              if s["row"] == 0 and s["step"] in ("base", "applied", "rule")]  # fmt: skip
    assert sum(points) == pytest.approx(body["rows"][0]["rate_pct"])


def test_a_sector_has_an_average_and_the_heaviest_derivations(client):
    query = "date=2025-10-01&importer=USA&exporter=DEU&sector=C29"
    body = client.get(f"/api/why?{query}").json()
    (average,) = body["average"]
    assert 10 < average["average_rate_pct"] < 20
    assert average["partner"] == "EU27"
    rates = {s["row"] for s in body["derivation"]}
    assert len(rates) == min(12, len(body["rows"]))
    assert body["meta"]["derivations_left_out"] == len(body["rows"]) - len(rates)
    assert "Average over the sector" in client.get(f"/why?{query}").text


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("date=2031-01-01&importer=USA&exporter=KOR&hs=87", "date", "the ledger ends on"),
        ("date=soon&importer=USA&exporter=KOR&hs=87", "date", "is not a date"),
        ("date=2025-01-01&importer=Ruritania&exporter=KOR&hs=87", "importer", "unknown country"),
        ("date=2025-01-01&importer=USA&exporter=Koreaa&hs=87", "exporter", "did you mean"),
        ("date=2025-01-01&importer=USA&exporter=USA&hs=87", "exporter", "name two countries"),
        ("date=2025-01-01&importer=USA&exporter=KOR&hs=x", "hs", "is not an HS code"),
        ("date=2025-01-01&importer=USA&exporter=KOR", "hs", "give an HS code"),
        ("date=2025-01-01&importer=USA&exporter=KOR&sector=C99", "sector", "unknown sector"),
        ("date=2025-01-01&importer=USA&exporter=KOR&sector=services", "sector", "goods sector"),
        ("date=2025-01-01&importer=USA&exporter=KOR&hs=87&sector=C29", "sector", "not both"),
    ],
)
def test_bad_input_is_said_beside_the_field(client, query, field, words):
    twin = client.get(f"/api/why?{query}")
    assert twin.status_code == 422
    assert twin.json()["error"]["field"] == field
    assert words in twin.json()["error"]["message"]
    page = client.get(f"/why?{query}")
    assert page.status_code == 422
    beside = re.search(rf'id="why-{field}-error"[^>]*>([^<]*)<', page.text)
    assert beside is not None
    assert words in beside.group(1)
    assert re.search(rf'id="why-{field}"[^>]*aria-invalid="true"', page.text)


def test_the_empty_form_asks_without_complaining(client):
    page = client.get("/why")
    assert page.status_code == 200
    assert "field-error" not in page.text
    assert "/why?date=2025-11-14&amp;importer=USA&amp;exporter=KOR&amp;hs=870323" in page.text


def test_days_in_words():
    assert day_words("2025-04-10") == "10 April 2025"
    assert day_words("soon") == "soon"


def test_a_measure_in_force_does_not_read_as_ended(client):
    row = client.get("/api/ledger?text=can/china-ev-2024").json()["rows"][0]
    assert row["status"] == "in force"
    assert row["last"] > row["first"]
    page = " ".join(client.get("/ledger?text=can/china-ev-2024").text.split())
    assert f"{row['first']},<br> last change {row['last']}" in page

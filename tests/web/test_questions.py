"""Question pages: sliders, the live verdict, and that it is the card's."""

from __future__ import annotations

import pytest

from detente.cards import evaluate, load_question, question_names
from detente.web.pages.questions import (
    PointAnswer,
    QuestionAnswer,
    QuestionList,
    parameter_rows,
    read_values,
)

NAMES = question_names()


def test_the_list_names_every_question(client):
    body = QuestionList.model_validate(client.get("/api/questions").json())
    assert [r.question for r in body.rows] == NAMES
    page = client.get("/questions").text
    assert all(f'href="/questions/{name}"' in page for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_shows_the_verdict_at_the_points_at_once(client, name):
    page = client.get(f"/questions/{name}")
    assert page.status_code == 200
    found = evaluate(name)
    assert found.says[1:] in page.text
    soon = "the same" if found.first_year == found.says else found.first_year
    assert (f"After one year: {soon}." in page.text) == bool(found.first_year)
    assert f"{next(iter(found.about.values()))[1:]}: <strong>" in page.text  # never a bare verdict
    q = load_question(name)
    for parameter in q.parameters:
        assert f'name="{parameter}"' in page.text
    for head in ("What was asked", "Assumptions", "Outside the model", "Sources"):
        assert head in page.text
    for event in q.happened:  # what happened since, linked to the ledger
        assert f'href="/ledger/{event.record}"' in page.text
    QuestionAnswer.model_validate(client.get(f"/api/questions/{name}").json())


@pytest.mark.parametrize("name", NAMES)
def test_the_live_point_is_the_evaluation_of_the_desk(client, name):
    answer = client.post(f"/api/questions/{name}/point", json={"parameters": {}})
    assert answer.status_code == 200
    body = PointAnswer.model_validate(answer.json())
    found = evaluate(name)
    assert body.meta["verdict"] == found.verdict
    assert body.meta["says"] == found.says
    assert body.meta["first_year"] == found.first_year
    numbers = {r.number: r.value for r in body.rows}
    for key, value in found.numbers.items():
        if value == value:
            assert numbers[key] == pytest.approx(value, rel=1e-5, abs=1e-9)
        else:
            assert numbers[key] is None


def test_a_moved_slider_moves_the_numbers_and_the_verdict(client):
    path = "/api/questions/korea-pledge/point"
    cash = client.post(path, json={"parameters": {"grant_share": 1.0}}).json()
    loans = client.post(path, json={"parameters": {"grant_share": 0.001}}).json()
    most = [{r["number"]: r["value"] for r in x["rows"]}["p_max_usd_bn"] for x in (cash, loans)]
    assert most[1] > 100 * most[0] > 0
    assert loans["meta"]["verdict"] == "350"
    assert cash["meta"]["verdict"] != loans["meta"]["verdict"]
    page = client.get("/questions/korea-pledge?grant_share=0.001").text
    assert loans["meta"]["says"][1:] in page
    assert 'value="0.001"' in page


@pytest.mark.parametrize(
    ("parameters", "status", "words"),
    [
        ({"grant": 1}, 422, "did you mean grant_share"),
        ({"grant_share": 7}, 422, "outside 0.0001 to 1"),
        ({"grant_share": "much"}, 422, "is not a number"),
        ({"elasticities": "xyz"}, 422, "unknown value"),
        ({f"p{i}": 1 for i in range(60)}, 422, "parameters"),
    ],
)
def test_bad_values_are_refused_in_words(client, parameters, status, words):
    answer = client.post("/api/questions/korea-pledge/point", json={"parameters": parameters})
    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]


def test_bad_values_in_an_address_are_said_on_the_page(client):
    page = client.get("/questions/korea-pledge?grant_share=much")
    assert page.status_code == 422
    assert "is not a number" in page.text
    page = client.get("/questions/korea-pledge?grant_share=7&unknown=1")
    assert page.status_code == 200
    assert "There is no answer at these values" in page.text


def test_unknown_questions_are_404_and_paths_are_not_read(client, tmp_path):
    for name in ("courtships", "..%2fcourtship", "courtship.yaml", "%2fetc%2fpasswd"):
        for path in (f"/questions/{name}", f"/api/questions/{name}"):
            assert client.get(path).status_code == 404
    assert "did you mean courtship" in client.get("/api/questions/courtships").text
    answer = client.post("/api/questions/courtships/point", json={})
    assert answer.status_code in (404, 422)


def test_sliders_cover_what_the_question_draws():
    for name in NAMES:
        q = load_question(name)
        for row in parameter_rows(q):
            prior = q.parameters[row["parameter"]]
            if row["choices"]:
                assert row["point"] in row["choices"]
            else:
                assert row["low"] <= row["point"] <= row["high"]
            if prior.low is not None:
                assert (row["low"], row["high"]) == (prior.low, prior.high)


def test_addresses_are_read_by_the_kind_of_the_parameter():
    q = load_question("courtship")
    given = {"kept": "0.5", "elasticities": "bsy", "coverage": "x", "job": "1", "penalty_pct": " "}
    values, errors = read_values(q, given)
    assert values == {"kept": 0.5, "elasticities": "bsy"}
    assert list(errors) == ["coverage"]

"""YAML 1.2, JSON and CSV as plain data, with bounds."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import FileError
from detente.texts import MAX_DEPTH, csv_rows, parse_json, parse_value, parse_yaml

# scalars of the core schema of YAML 1.2 (section 10.3.2 of the specification, 2021)
SCALARS = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None, "nULL": "nULL",
    "true": True, "True": True, "TRUE": True, "false": False, "tRUE": "tRUE",
    "yes": "yes", "no": "no", "on": "on", "Off": "Off", "y": "y", "n": "n",
    "0": 0, "-0": 0, "12": 12, "+12": 12, "-19": -19, "0o7": 7, "0o17": 15, "0x3A": 58,
    "0b1": "0b1", "0b_": "0b_", "0x_": "0x_", "1_000": "1_000", "0o8": "0o8",
    "0.": 0.0, "-0.0": -0.0, ".5": 0.5, "+12e03": 12000.0, "-2E+05": -200000.0, "1e3": 1000.0,
    "6.0221": 6.0221, ".": ".", "-": None, "+": "+", "e3": "e3", "1e": "1e", "1.2.3": "1.2.3",
    ".inf": math.inf, "-.Inf": -math.inf, "+.INF": math.inf,
    "1:30": "1:30", "190:20:30": "190:20:30", "2025-04-02": "2025-04-02",
    "2001-12-14t21:59:43.10-05:00": "2001-12-14t21:59:43.10-05:00", "=": "=", "<<": "<<",
    "'12'": "12", '"true"': "true", '"~"': "~",
}  # fmt: skip
del SCALARS["-"]  # an empty list entry, not a scalar


@pytest.mark.parametrize("text", SCALARS)
def test_scalars_are_those_of_yaml_1_2(text: str):
    found = parse_yaml(f"a: {text}\n", "x")["a"]
    assert (found, type(found)) == (SCALARS[text], type(SCALARS[text]))
    assert parse_value(text, "x") == SCALARS[text]


def test_not_a_number_is_one():
    assert math.isnan(parse_value(".nan", "x"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 0101", "line 1: 0101 begins with a zero; put a code in quotes"),
        ("a: 1\nb: -012", "line 2: -012 begins with a zero"),
        ("a: 0101.21", "begins with a zero"),
        ("a: " + "9" * 5000, "a number of 5,000 characters"),
        ("a: 0x" + "f" * 5000, "a number of 5,002 characters"),
        ("a: 1e999", "larger than any number"),
        ("a: !!int abc", "tag '!!int'"),
        ("a: !!timestamp x", "tag '!!timestamp'"),
        ("a: !!map abc", "tag '!!map'"),
        ("a: !!int 5", "without a tag"),
        ("a: !x {}", "tag '!x'"),
        ("a: ! 5", "tag '!'"),
        ("a: 1\n---\nb: 2", "line 2: a second document"),
        ("%YAML 1.1\n---\na: yes", "directives"),
        ("a: &x 1\nb: *x", "line 2: YAML aliases"),
        ("a: 1\n? [b]\n: 2", "line 2: a key must be a word"),
        ("a: 1\n'a': 2", "key 'a' appears twice (lines 1 and 2)"),
        ("1: a\ntrue: b", "appears twice"),
        ('a: "\\0"', "U+0000 is not text"),
        ('a: "\\ud800"', "line 1"),
        ("a: \x00", "U+0000"),
        ("a: \ud800", "U+D800"),
        ("a:\n\tb: 1", "line 2: not valid YAML"),
        ("a: [1, 2", "not valid YAML"),
        ("", "found nothing"),
        ("- a", "found list"),
    ],
)
def test_what_could_mislead_is_refused_with_source_and_line(text: str, words: str):
    with pytest.raises(FileError) as caught:
        parse_yaml(text, "strange.yaml")
    assert words in str(caught.value)
    assert str(caught.value).startswith("strange.yaml")


@pytest.mark.parametrize("opener", ["[", "{", "{a: ", "[{a: ", "- ", "? ", "- - "])
def test_no_depth_brings_the_process_down(opener: str):
    for text in (f"a: {opener * 100_000}", opener * 100_000, opener * 400_000):
        with pytest.raises(FileError):
            parse_yaml(text, "deep.yaml")


def test_nesting_up_to_the_bound_is_read():
    for read in (parse_value, parse_json):
        inside = "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
        assert str(read(inside, "x")) == inside
        with pytest.raises(FileError, match="nested too deeply"):
            read("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "x")


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False,
    allow_infinity=False) | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"],
    exclude_characters="\ufffe\uffff"), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc _:#-", max_size=6),
    inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(plain)
def test_json_is_read_alike_by_both(value):
    text = json.dumps(value, ensure_ascii=False)
    assert parse_json(text, "x") == value
    found = parse_value(text, "x")
    assert found == value
    assert json.dumps(found, ensure_ascii=False) == text  # types as well: 1 is no 1.0 and no true


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "line 1: is not JSON"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ('{"a": 1, "a": 2}', "a key is there twice"),
        ('{"a": 1e999}', "larger than any number"),
        ('{"a": "\\u0000"}', "U+0000 is not text"),
        ('{"\\ud800": 1}', "U+D800 is not text"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
    ],
)
def test_json_that_is_none_names_its_source(text: str | bytes, words: str):
    with pytest.raises(FileError) as caught:
        parse_json(text, "strange.json")
    assert words in str(caught.value)
    assert str(caught.value).startswith("strange.json")


def test_csv_names_the_line_that_breaks_it():
    assert list(csv_rows(["a,b\n", '1,"x\n', 'y"\n'], "t.csv", 5)) == [
        (5, ["a", "b"]),
        (7, ["1", "x\ny"]),
    ]
    with pytest.raises(FileError, match=r"t\.csv, line 2: is not CSV"):
        list(csv_rows(["a,b\n", '1,"never closed\n'], "t.csv"))
    with pytest.raises(FileError, match=r"t\.csv, line 1: is not CSV \(field larger"):
        list(csv_rows(["x" * 200_000], "t.csv"))

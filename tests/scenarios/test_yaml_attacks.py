"""Texts that would break a lax reader get a clear refusal."""

from __future__ import annotations

import pytest

from detente.errors import RecordError
from detente.texts import parse_yaml


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("? [a, b]\n: 1\n", "a key must be a word"),
        ("[" * 4000 + "]" * 4000, "nested too deeply|a mapping"),
        ("a: &x 1\nb: *x\n", "aliases"),
        ("a: !!python/object:os.system {}\n", "not valid YAML"),
        ("- 1\n- 2\n", "a mapping"),
    ],
)
def test_refused_with_the_source_named(text: str, words: str):
    with pytest.raises(RecordError, match=words) as error:
        parse_yaml(text, "strange.yaml")
    assert "strange.yaml" in str(error.value)

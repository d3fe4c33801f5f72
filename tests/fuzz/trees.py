"""Structure-aware mutation: from valid records to odd ones, as trees, texts and bytes."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from fuzz.odd import CONTAINERS, KEYS, SCALARS, SNIPPETS, TEXTS

__all__ = ["Map", "Raw", "damaged_bytes", "json_bodies", "tree", "yaml_bytes", "yaml_texts"]

Draw = Callable[..., Any]
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Raw(str):
    """A piece of YAML that is written as it stands."""


class Map(list):
    """A mapping as a list of [key, value], so that a key can be there twice."""


def tree(value: Any) -> Any:
    """Plain data with mappings that can be bent."""
    if isinstance(value, dict):
        return Map([k, tree(v)] for k, v in value.items())
    return [tree(v) for v in value] if isinstance(value, list | tuple) else value


def _places(node: Any, found: list[tuple[Any, int]]) -> list[tuple[Any, int]]:
    """Every (container, position) of a tree."""
    for n, item in enumerate(node):
        found.append((node, n))
        below = item[1] if isinstance(node, Map) else item
        if isinstance(below, list):
            _places(below, found)
    return found


def _get(place: tuple[Any, int]) -> Any:
    node, n = place
    return node[n][1] if isinstance(node, Map) else node[n]


def _put(place: tuple[Any, int], value: Any) -> None:
    node, n = place
    if isinstance(node, Map):
        node[n] = [node[n][0], value]
    else:
        node[n] = value


def _bend(
    draw: Draw, root: Any, scalars: st.SearchStrategy[Any], containers: Sequence[str]
) -> None:
    """One change at one place."""
    places = _places(root, [])
    if not places:
        return
    place = places[draw(st.integers(0, len(places) - 1))]
    node, n = place
    kind = draw(st.integers(0, 13))
    if kind <= 5:
        _put(place, draw(scalars))
    elif kind == 6:
        del node[n]
    elif kind == 7:
        node.insert(n, copy.deepcopy(node[n]))
    elif kind == 8 and isinstance(node, Map):
        node[n] = [draw(st.sampled_from(KEYS).map(Raw)), node[n][1]]
    elif kind == 9:
        other = places[draw(st.integers(0, len(places) - 1))]
        mine, theirs = _get(place), _get(other)
        _put(other, copy.deepcopy(mine))
        _put(place, copy.deepcopy(theirs))
    elif kind == 10:
        _put(place, [copy.deepcopy(_get(place))])
    elif kind == 11:
        node.append([draw(st.sampled_from(KEYS).map(Raw)), draw(scalars)]
                    if isinstance(node, Map) else draw(scalars))  # fmt: skip
    elif kind == 12:
        _put(place, Map([["value", copy.deepcopy(_get(place))]]))
    else:
        _put(place, draw(st.sampled_from(containers).map(Raw)))


_RAW_SCALARS = st.one_of(
    st.sampled_from(SCALARS).map(Raw),
    st.sampled_from(TEXTS),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(10**20), 10**20),
    st.booleans(),
)


@st.composite
def _bent(draw: Draw, seeds: Sequence[Any], most: int) -> Any:
    root = copy.deepcopy(seeds[draw(st.integers(0, len(seeds) - 1))])
    for _ in range(draw(st.integers(1, most))):
        _bend(draw, root, _RAW_SCALARS, CONTAINERS)
    return root


# --- as YAML ----------------------------------------------------------------------------------
def _scalar(value: Any) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value)
    return "null" if value is None else str(value).lower()


def _key(key: Any) -> str:
    return key if isinstance(key, str) and _PLAIN.fullmatch(key) else _scalar(key)


def _flow(node: Any) -> str:
    if isinstance(node, Map):
        return "{" + ", ".join(f"{_key(k)}: {_flow(v)}" for k, v in node) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(map(_flow, node)) + "]"
    return _scalar(node)


def _block(node: Any, indent: str) -> list[str]:
    lines: list[str] = []
    for item in node:
        head, value = (f"{_key(item[0])}:", item[1]) if isinstance(node, Map) else ("-", item)
        if isinstance(value, list) and value:
            lines += [indent + head, *_block(value, indent + "  ")]
        else:
            lines.append(f"{indent}{head} {_flow(value)}")
    return lines


def _written(node: Any, flow: bool) -> str:
    return (_flow(node) if flow or not isinstance(node, list) else "\n".join(_block(node, ""))) + (
        "\n"
    )


def _spoil(draw: Draw, text: str) -> str:
    """One change of a text, wherever it falls."""
    kind = draw(st.integers(0, 7))
    at = draw(st.integers(0, len(text)))
    if kind <= 2:
        return text[:at] + draw(st.sampled_from(SNIPPETS)) + text[at:]
    if kind == 3:
        return text[:at]
    if kind == 4:
        return text.replace("\n", draw(st.sampled_from(["\r\n", "\r", "\n\n", "\n\t", "\x85"])))
    if kind == 5:
        return draw(st.sampled_from(["\ufeff", "\n\n", "# x\n", "--- \n", "- ", " "])) + text
    lines = text.split("\n")
    n = draw(st.integers(0, len(lines) - 1))
    if kind == 6:
        lines[n] = draw(st.sampled_from(["", " ", "   ", "\t"])) + lines[n].lstrip()
    else:
        lines.insert(n, lines[draw(st.integers(0, len(lines) - 1))])
    return "\n".join(lines)


@st.composite
def yaml_texts(draw: Draw, seeds: Sequence[Any], most: int = 3) -> str:
    """YAML from trees with a few changes, mostly in the tree, at times in the text."""
    text = _written(draw(_bent(seeds, most)), draw(st.booleans()))
    for _ in range(max(0, draw(st.integers(-3, 2)))):
        text = _spoil(draw, text)
    return text


@st.composite
def damaged_bytes(draw: Draw, contents: Sequence[bytes], most: int = 4) -> bytes:
    """Bytes with some flipped, cut out, repeated or put in."""
    data = bytearray(contents[draw(st.integers(0, len(contents) - 1))])
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        kind = draw(st.integers(0, 5))
        if kind <= 2 and data:
            data[at] = draw(st.integers(0, 255))
        elif kind == 3:
            del data[at : at + draw(st.integers(1, 40))]
        elif kind == 4:
            data[at:at] = data[at : at + draw(st.integers(1, 200))]
        else:
            data[at:at] = draw(st.binary(max_size=8))
    return bytes(data)


_ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "latin-1", "utf-8-sig", "utf-7", "cp1252")


@st.composite
def yaml_bytes(draw: Draw, seeds: Sequence[Any], most: int = 3) -> bytes:
    """A YAML file: mostly UTF-8, at times another encoding or damaged bytes."""
    kind = draw(st.integers(0, 19))
    text = draw(yaml_texts(seeds, most))
    if kind == 18:
        return text.encode(draw(st.sampled_from(_ENCODINGS)), "replace")
    data = text.encode("utf-8", "surrogatepass")
    return draw(damaged_bytes([data])) if kind == 19 else data


# --- as JSON ----------------------------------------------------------------------------------
_JSON = (
    "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1E5", "01", "+1", ".5", "9" * 400,
    "9" * 4301, "true", "null", '"\\ud800"', '"\\u0000"', '"\\u202e"', "1e-400", "-0", "-0.0",
    "[" * 40 + "]" * 40, "[" * 100_000, '"' + "x" * 5000 + '"', '"1_000"', '"010"', '"0x1f"',
    '"yes"', '"on"', '"~"', '"1:30"', '"\x01"', "undefined", "{}", "[]", '{"a":1,"a":2}', '""',
)  # fmt: skip


def _json(node: Any) -> str:
    if isinstance(node, Map):
        pairs = (f"{json.dumps(str(k), ensure_ascii=False)}: {_json(v)}" for k, v in node)
        return "{" + ", ".join(pairs) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(map(_json, node)) + "]"
    return str(node) if isinstance(node, Raw) else json.dumps(node)


_JSON_CONTAINERS = (
    "[]", "{}", "[[]]", "[null]", '{"default": 1}', '{"table": "x.csv"}', '{"KOR": 1}',
    '["KOR", "KOR"]', "[" * 40 + "]" * 40, "[" * 100_000, '{"a": 1, "a": 2}', "{a: 1}",
    "[" + ",".join(["1"] * 3000) + "]",
    "{" + ",".join(f'"k{n}": {n}' for n in range(400)) + "}",
)  # fmt: skip

_JSON_SCALARS = st.one_of(
    st.sampled_from(_JSON).map(Raw),
    st.sampled_from(TEXTS),
    st.sampled_from([s for s in SCALARS if len(s) < 100]).map(str),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(10**20), 10**20),
    st.booleans(),
)


@st.composite
def json_bodies(draw: Draw, seeds: Sequence[Any], most: int = 3) -> bytes:
    """A JSON text, mostly well formed."""
    root = copy.deepcopy(seeds[draw(st.integers(0, len(seeds) - 1))])
    for _ in range(draw(st.integers(1, most))):
        _bend(draw, root, _JSON_SCALARS, _JSON_CONTAINERS)
    data = _json(root).encode("utf-8", "surrogatepass")
    return draw(damaged_bytes([data])) if draw(st.integers(0, 9)) == 9 else data

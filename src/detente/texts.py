"""YAML 1.2 and JSON texts as plain data, with bounds on everything.

YAML is read from its events and built without recursion, so that a text can be nested neither
too deeply for the process nor for its readers. Scalars are those of the core schema of YAML 1.2:
``yes``, ``on`` and ``1:30`` are texts, dates are texts, ``true`` and ``false`` are truth values.
A number that starts with a superfluous zero is refused, since it is a code that lacks its quotes.
Duplicate keys, aliases (they hide copies), tags and control characters are refused.
"""

from __future__ import annotations

import csv
import json
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from detente.errors import FileError, shown
from detente.files import read_text

__all__ = [
    "csv_rows", "decimal", "parse_json", "parse_value", "parse_yaml", "read_json", "read_yaml",
    "yaml_text",
]  # fmt: skip

MAX_BYTES = 5_000_000
"""A record is written by hand; anything larger is a mistake or an attack."""

MAX_JSON_BYTES = 200_000_000
"""A ``run.json`` holds every table of a run."""

MAX_DEPTH = 32
"""Levels of nesting; records have some six, results in JSON some four."""

MAX_NODES = 500_000
"""Keys and values in one YAML text."""

MAX_DIGITS = 400
"""Characters of a number; the largest that a computer holds has 309 digits."""

LARGEST = sys.float_info.max

LARGEST_KEY = 10**15
"""Larger numbers can be chosen so that they all look alike to a dictionary, which takes hours."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_DIRECTIVE = re.compile(r"^%(?:YAML|TAG)\b", re.MULTILINE)
_NUMBER_START = frozenset("0123456789+-.")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WHOLE = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_SPARE_ZERO = re.compile(r"[-+]?0[0-9]")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    **{f"{sign}{inf}": float(f"{sign}inf") for sign in ("", "+", "-")
       for inf in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}  # fmt: skip


class _RefusedError(Exception):
    """What is wrong and how to mend it, without the name of the source."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message, self.line = message, line


# --- YAML -----------------------------------------------------------------------------------
def parse_yaml(text: str, source: str) -> dict[str, Any]:
    """The mapping a YAML text holds; ``source`` names it in errors.

    Raises
    ------
    FileError
        Not YAML, not a mapping, too deep or too large, a key twice, an alias, a tag, a number
        written so that it could mislead.
    """
    data = parse_value(text, source)
    if not isinstance(data, dict):
        found = "nothing" if data is None else type(data).__name__
        raise FileError(f"{source}: a mapping of keys is needed, found {found}", source)
    return data


def read_yaml(path: Path, name: str | None = None) -> dict[str, Any]:
    """The mapping in a YAML file; errors name the file, or ``name`` where it is given.

    Raises
    ------
    FileError
        As :func:`parse_yaml`; or no plain file of text of at most 5 MB.
    """
    return parse_yaml(read_text(path, MAX_BYTES, "YAML file"), name or str(path))


def parse_value(text: str, source: str) -> Any:
    """The one value, of any kind, that a YAML text holds.

    Raises
    ------
    FileError
        As :func:`parse_yaml`, save that it need not be a mapping.
    """
    try:
        if found := _CONTROL.search(text):  # libyaml would say it in bytes
            raise _RefusedError(
                f"character U+{ord(found[0]):04X} is not text; remove it",
                text.count("\n", 0, found.start()) + 1,
            )
        if found := _DIRECTIVE.search(text):  # many of them take libyaml hours
            raise _RefusedError(
                "directives (%YAML, %TAG) are not allowed; YAML 1.2 is read",
                text.count("\n", 0, found.start()) + 1,
            )
        return _build(_events(text))
    except _RefusedError as bad:
        where = f", line {bad.line}" if bad.line else ""
        raise FileError(f"{source}{where}: {bad.message}", source, bad.line) from None


def _events(text: str) -> Iterator[Any]:
    try:
        yield from yaml.parse(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        if (
            "nesting depth" in problem
        ):  # libyaml looks ahead, and newer ones have a bound of their own
            raise _too_deep(line) from None
        raise _RefusedError(
            f"not valid YAML ({problem}); check indentation, and put text with a colon in quotes",
            line,
        ) from None


def _too_deep(line: int | None) -> _RefusedError:
    return _RefusedError(f"nested too deeply, more than {MAX_DEPTH} levels; a record is flat", line)


class _Open:
    """A mapping or list that is being filled."""

    __slots__ = ("key", "keyed", "lines", "value")

    def __init__(self, value: dict[Any, Any] | list[Any]) -> None:
        self.value = value
        self.lines: dict[Any, int] = {}
        self.key: Any = None
        self.keyed = False

    def wants_key(self) -> bool:
        return isinstance(self.value, dict) and not self.keyed

    def put(self, item: Any, line: int) -> None:
        if isinstance(self.value, list):
            self.value.append(item)
        elif self.keyed:
            self.value[self.key], self.keyed = item, False
        else:
            if isinstance(item, int) and abs(item) > LARGEST_KEY:
                raise _RefusedError(f"the key {shown(item)} is a number; put it in quotes", line)
            if item in self.lines:
                raise _RefusedError(
                    f"key {shown(item)} appears twice (lines {self.lines[item]} and {line}); keep "
                    "one of them"
                )
            self.lines[item] = line
            self.key, self.keyed = item, True


def _build(events: Iterator[Any]) -> Any:
    """The value behind the events of one document."""
    stack: list[_Open] = []
    result: Any = None
    documents = nodes = 0
    for event in events:
        kind = type(event)
        line = event.start_mark.line + 1
        if kind is yaml.ScalarEvent:
            item: Any = _scalar(event, line)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            if event.tag is not None:
                raise _tagged(event.tag, line)
            if stack and stack[-1].wants_key():
                raise _RefusedError("a key must be a word, not a list or a mapping", line)
            if len(stack) >= MAX_DEPTH:
                raise _too_deep(line)
            stack.append(_Open({} if kind is yaml.MappingStartEvent else []))
            continue
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            item = stack.pop().value
        elif kind is yaml.AliasEvent:
            raise _RefusedError("YAML aliases (*name) are not allowed; write the value out", line)
        else:
            documents += _document(event, kind, documents, line)
            continue
        nodes += 1
        if nodes > MAX_NODES:
            raise _RefusedError(f"more than {MAX_NODES:,} values; split it into files", line)
        if stack:
            stack[-1].put(item, line)
        else:
            result = item
    return result


def _document(event: Any, kind: Any, before: int, line: int) -> int:
    if kind is not yaml.DocumentStartEvent:
        return 0
    if before:
        raise _RefusedError("a second document (---) begins; one file is one record", line)
    if event.version or event.tags:
        raise _RefusedError("directives (%YAML, %TAG) are not allowed; YAML 1.2 is read", line)
    return 1


def _scalar(event: Any, line: int) -> Any:
    text = event.value
    if event.tag is not None:
        raise _tagged(event.tag, line)
    if not event.implicit[0]:  # in quotes, or a block of text
        if found := _CONTROL.search(text):  # written as an escape
            raise _RefusedError(f"character U+{ord(found[0]):04X} is not text; remove it", line)
        return text
    if text in _WORDS:
        return _WORDS[text]
    return _number(text, line) if text[0] in _NUMBER_START else text


def _number(text: str, line: int) -> Any:
    based = _BASED.fullmatch(text)
    if not based and not _NUMBER.fullmatch(text):
        return text
    if len(text) > MAX_DIGITS:
        raise _RefusedError(f"a number of {len(text):,} characters; put text in quotes", line)
    if _SPARE_ZERO.match(text):
        raise _RefusedError(
            f"{shown(text)[1:-1]} begins with a zero; put a code in quotes, or write the number "
            "without it",
            line,
        )
    if based:
        value: int | float = int(text, 0)
    elif _WHOLE.fullmatch(text):
        value = int(text)
    else:
        value = float(text)
    if not -LARGEST <= value <= LARGEST:
        raise _RefusedError(
            f"{shown(text)[1:-1]} is larger than any number here; check its digits and exponent",
            line,
        )
    return value


def _tagged(tag: str, line: int) -> _RefusedError:
    shown = tag.replace("tag:yaml.org,2002:", "!!")[:60]
    return _RefusedError(
        f"not valid YAML here (tag {shown!r}); write the value without a tag", line
    )


# --- YAML out --------------------------------------------------------------------------------
_SafeDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_SafeDumper):
    """Writes so that both this reader and those of YAML 1.1 find the same."""


def _text_node(dumper: Any, text: str) -> Any:
    number = _NUMBER.fullmatch(text) or _BASED.fullmatch(text)
    style = "'" if number or text in _WORDS else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text_node)


def yaml_text(data: Mapping[str, Any]) -> str:
    """``data`` as YAML that :func:`parse_yaml` reads back as it was.

    A text that reads like a number or a truth value is put in quotes; YAML 1.1, by whose rules
    PyYAML writes, would leave ``1e3`` and ``089`` bare.
    """
    return yaml.dump(dict(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=96)


# --- JSON -----------------------------------------------------------------------------------
def parse_json(text: str | bytes, source: str) -> Any:
    """The value a JSON text holds.

    Raises
    ------
    FileError
        Not JSON, something JSON does not have (NaN, infinity, half characters, a key twice),
        control characters in a text, nested too deeply.
    """
    try:
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_unique)
        _bounded(value)
    except RecursionError:
        raise FileError(f"{source}: nested too deeply; check what wrote it", source) from None
    except json.JSONDecodeError as error:
        raise FileError(
            f"{source}, line {error.lineno}: is not JSON ({error.msg}); check what wrote it",
            source,
            error.lineno,
        ) from None
    except (ValueError, _RefusedError) as error:
        said = str(error)[:200]
        raise FileError(f"{source}: is not JSON ({said}); check what wrote it", source) from None
    return value


def read_json(path: Path, what: str = "JSON file") -> Any:
    """The value in a JSON file.

    Raises
    ------
    FileError
        As :func:`parse_json`; or no plain file of text.
    """
    return parse_json(read_text(path, MAX_JSON_BYTES, what), str(path))


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _bounded(value: Any) -> None:
    """Refuse what is nested too deeply, and texts that are none, without recursion."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.values()
                level_keys: Any = item
            elif isinstance(item, list):
                below += item
                continue
            else:
                level_keys = (item,)
            for text in level_keys:
                if isinstance(text, str) and (found := _CONTROL.search(text)):
                    raise _RefusedError(f"character U+{ord(found[0]):04X} is not text")
                if isinstance(text, int | float) and not -LARGEST <= text <= LARGEST:
                    raise _RefusedError("a number is larger than any number here")
        if not below:
            return
        level = below
    raise RecursionError


def decimal(text: str) -> float | None:
    """The number a cell of a table holds, None where it holds something else."""
    text = text.strip(" ")
    return float(text) if len(text) <= MAX_DIGITS and _NUMBER.fullmatch(text) else None


# --- CSV ------------------------------------------------------------------------------------
def csv_rows(lines: Iterable[str], source: str, first: int = 1) -> Iterator[tuple[int, list[str]]]:
    """Rows of CSV with the number of the line each ends on; ``first`` is that of the first line.

    Raises
    ------
    FileError
        A quote that is never closed, or a field of more than 131,072 characters.
    """
    reader = csv.reader(lines, strict=True)
    try:
        for row in reader:
            yield first - 1 + reader.line_num, row
    except csv.Error as error:
        line = first - 1 + reader.line_num
        raise FileError(
            f"{source}, line {line}: is not CSV ({error}); check its quotes", source, line
        ) from None

"""Odd pieces: scalars, keys and texts that readers get wrong."""

from __future__ import annotations

__all__ = ["CONTAINERS", "KEYS", "SCALARS", "SNIPPETS", "TEXTS"]

NUMBERS = (
    "0", "-0", "-0.0", "+1", ".5", "5.", "1e5", "1e308", "-1e308", "1e309", "5e-324", "1e-400",
    "9007199254740993", "9" * 400, "-" + "9" * 399, "9" * 401, "1" * 5000, "0." + "1" * 398,
    ".nan", ".NaN", ".inf", "-.inf", "nan", "inf", "Infinity", "-1", "-100", "-99.999", "1000.0001",
    "0.25", "2500", "18446744073709551616", "1e400", "0x1f", "0X1F", "0o17", "010", "089", "00",
    "-01", "1_000", "1,000", "1:30", "12e", "0b11", "１２", "²",
)  # fmt: skip
WORDS = (
    "yes", "no", "on", "off", "true", "True", "FALSE", "y", "~", "null", "NULL", "''", '""', "' '",
    '"25"', '"true"', "all", "*", "ALL", "goods", "services", "KOR", "kor", "Korea", "EU27", "ROW",
    "Narnia", "XXX", "USA", "UN", "C29", "C99", "default", "own", "fgo", "none", "ledger", "<<",
    "=", "@x", "`x", "%x", "|", ">", "- 1", "? x", "&a 1", "*a", "&a", "!!float 1", "!!str 1",
    "!!binary aGk=", "!!python/object:os.system {}", "!own x", "!<tag:x> y", "#", "a #b", "a: b",
    "'open", '"open', '"\\x00"', '"\\e[31m"', '"\\u202e"', '"\\ud800"', '"\\q"', "../../etc/passwd",
    "/dev/zero", "x.yaml", "us-cars-25", "courtship", '"a\\nb"', '"' + "k" * 5000 + '"',
    "it's", "a[0]", "\u202eabc", "\u2028", "é", "ＫＯＲ", "metals-50.yaml",
)  # fmt: skip
DATES = (
    "2025-01-01", "2025-02-30", "2025-13-01", "20250-01-01", "0000-01-01", "0001-01-01",
    "9999-12-31", "2025-1-1", "2025-01-01T00:00:00Z", "1776-07-04", "２０２５-01-01", "2017-12-31",
)  # fmt: skip

SCALARS = (*NUMBERS, *WORDS, *DATES)
"""Scalars as they stand in a YAML text."""

CONTAINERS = (
    "[]", "{}", "[[]]", "[~]", "{a: 1}", "{default: 1}", "{table: x.csv}", "{table: ''}",
    "{KOR: 1, default: .nan}", "[KOR, KOR]", "[1, true, x]", "[" * 40 + "]" * 40,
    "[" * 5000, "{a: " * 40 + "1" + "}" * 40, "[" + "a," * 3000 + "]",
    "{" + ",".join(f"k{n}: {n}" for n in range(400)) + "}",
    "{" + ",".join(f"{n}: {n}" for n in range(40)) + "}", "{? [a]: 1}", "{a: 1, a: 2}",
)  # fmt: skip

KEYS = (
    "id", "kind", "title", "measures", "sources", "rate_pct", "rate_pc", "note", "value", "low",
    "high", "choices", "point", "log", "with", "without", "date", "table", "default", "all", "but",
    "1", "1.5", "true", "~", ".nan", "''", "' '", "it's", "a[0]", "a.b", "é", "\u202eabc", "<<",
    "[x]", '"a\\nb"', "k" * 900, '"' + "k" * 5000 + '"', "extends", "settings", "parameters",
    "0x10", "2025-01-01",
)  # fmt: skip

TEXTS = (
    "", " ", "x", "x" * 3000, "\x00", "\x1b[31mred", "\u202eabc", "\ud800", "\n\n", "a\nb", "é",
    "1e5", "089", "0o17", "on", "~", "2025-01-01", "- x", "a: b", "# x", "'", '"', "\x7f", "\x85",
    "\u2028", "\ufeff", "=", "<<", "1_000", "1:30", "0x1f", ".5", "+1", "nan", "true", "null",
    "{", "[", "%", "@", "`", "!x", "&x", "*x", "|", ">", "?", "-", "---", "...", " lead", "trail ",
    "tab\there", "x" * 120 + " " + "y" * 120, "12.", "-0", "9" * 401,
)  # fmt: skip
"""Texts that a writer of YAML has to write so that they are read back as they were."""

SNIPPETS = (
    "\t", "\r", "\r\n", "\x00", "\x07", "\x7f", "\x85", "\u2028", "\ufeff", "\ud800", "\uffff",
    "\u202e", "---\n", "...\n", "\n---\n- x\n", "%YAML 1.1\n---\n", "%TAG ! tag:x,2000:\n---\n",
    "# a comment\n", "#" * 2000 + "\n", "<<: *a\n", "&a ", "*a ", "!!map ", "? ", "- ", ": ", ", ",
    "'", '"', "|\n", ">-\n", "{", "}", "[", "]", "[" * 1000, "{" * 1000, "- " * 100, "? " * 100,
    "a: " * 30, "  ", "\n", "\n ", "x: 1\n", "1: 1\n", "\\", "\xa0", "😀", "@", "`", "%",
)  # fmt: skip
"""What is put into a text at any place."""

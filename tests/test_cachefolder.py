"""Entries of the cache: the same bytes come back, or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from detente.cachefolder import keep, kept


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DETENTE_CACHE", str(tmp_path))
    return tmp_path


def test_what_is_kept_comes_back(folder: Path):
    for data in (b"", b"x", b'{"rate": 25}' * 1000):
        keep("entry", data)
        assert kept("entry") == data


def test_one_wrong_byte_anywhere_is_no_entry(folder: Path):
    keep("entry", b'{"rate": 25}')
    whole = (folder / "entry").read_bytes()
    for n in range(len(whole)):
        damaged = bytearray(whole)
        damaged[n] ^= 1
        (folder / "entry").write_bytes(damaged)
        assert kept("entry") is None
        (folder / "entry").write_bytes(whole[:n])
        assert kept("entry") is None
    (folder / "entry").write_bytes(whole + b"\n")
    assert kept("entry") is None


def test_an_entry_under_the_name_of_another_is_none(folder: Path):
    keep("one", b"1")
    (folder / "one").rename(folder / "two")
    assert kept("two") is None

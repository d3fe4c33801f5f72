"""Sector rates are worked out once: the same bits from disk, damage is mended, off is off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import detente as dt
from detente.law import apply as apply_module
from detente.law import rates as cache
from detente.law.line import sector_rates

DAY = "2025-07-15"


@pytest.fixture
def fresh(monkeypatch) -> None:
    """Nothing in memory, so that a second call must look on disk."""
    monkeypatch.setattr(cache, "_memory", {})
    monkeypatch.setattr(cache, "_columns", {})
    monkeypatch.setattr(apply_module, "_schedules", {})


def forget() -> None:
    cache._memory.clear()
    cache._columns.clear()
    apply_module._schedules.clear()


def test_the_same_bits_from_disk(fresh, world, ledger, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("DETENTE_CACHE", str(tmp_path))
    law = ledger.at(DAY).without(["chn-2025-march", "chn/usa-2025-april"])
    first = dt.apply(law, world)
    assert list(tmp_path.glob("*.npz"))
    assert not list(tmp_path.glob("*.part*"))
    forget()
    worked = []

    def watched(*args, **kwargs):
        worked.append(args[1])
        return sector_rates(*args, **kwargs)

    monkeypatch.setattr(apply_module, "sector_rates", watched)
    again = dt.apply(law, world)
    # only what is weighed with the exports of one partner is not kept on disk
    assert set(worked) <= {"CHN", "CAN"}
    assert again.hash == first.hash
    assert again.notes == first.notes


def test_a_damaged_entry_is_worked_out_again(fresh, world, ledger, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("DETENTE_CACHE", str(tmp_path))
    first = dt.apply(ledger.at(DAY), world)
    for n, path in enumerate(sorted(tmp_path.glob("*.npz"))):
        whole = path.read_bytes()
        # empty, cut short, another file, one bit turned inside
        turned = bytearray(whole)
        turned[len(whole) // 2] ^= 0xFF
        path.write_bytes([b"", whole[: len(whole) // 2], b"not a zip", bytes(turned)][n % 4])
    forget()
    second = dt.apply(ledger.at(DAY), world)
    assert second.hash == first.hash


def test_an_empty_setting_switches_the_disk_off(fresh, world, ledger, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("DETENTE_CACHE", "")
    dt.apply(ledger.at(DAY), world)
    assert not list(tmp_path.rglob("*"))
    monkeypatch.delenv("DETENTE_CACHE")
    forget()
    dt.apply(ledger.at(DAY), world)
    assert list((tmp_path / "detente").glob("*.npz"))


def test_a_folder_that_cannot_be_written_only_costs_time(
    fresh, world, ledger, tmp_path: Path, monkeypatch
):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("DETENTE_CACHE", str(blocked / "cache"))
    assert dt.apply(ledger.at(DAY), world).tariff.shape[1] == 77


def test_days_between_changes_share_an_entry(ledger):
    days = ledger.change_dates()
    start = next(n for n, d in enumerate(days) if d > "2025-05-14")
    first, last = days[start - 1], days[start]
    assert first == "2025-05-14"
    between = "2025-05-15"
    assert first < between < last
    for importer in ("USA", "CHN", "EU27"):
        assert cache.fingerprint(ledger.at(first), importer) == (
            cache.fingerprint(ledger.at(between), importer)
        )
    assert cache.fingerprint(ledger.at("2025-05-13"), "USA") != (
        cache.fingerprint(ledger.at(first), "USA")
    )


@pytest.mark.parametrize("other", [
    {"known_on": "2025-04-10"}, {"dates": "legal"}, {"announced": True},
])  # fmt: skip
def test_what_was_known_is_another_law(ledger, other):
    day = "2026-02-21" if "dates" in other else "2025-04-10"
    plain, seen = ledger.at(day), ledger.at(day, **other)
    assert cache.fingerprint(plain, "USA") != cache.fingerprint(seen, "USA")


def test_equal_laws_mean_equal_rates_and_unequal_rates_unequal_laws(ledger):
    """Every partner alone against its column among all: the grouping loses nothing."""
    law = ledger.at("2025-08-10")
    partners = ("BLR", "ISL", "KAZ", "MMR", "UKR", "TUN", "LAO", "BRN")
    texts = cache.laws(law, "CHN", partners)
    rates = sector_rates(law, "CHN", partners)
    for i in range(len(partners)):
        for j in range(i):
            if texts[i] == texts[j]:
                assert np.array_equal(rates.added_pct[:, i], rates.added_pct[:, j])
    usa = cache.laws(law, "USA", partners)
    # 7 August 2025: Iceland 15, Kazakhstan 25, Myanmar and Laos 40, Ukraine 10
    assert len({usa[partners.index(p)] for p in ("ISL", "KAZ", "MMR", "UKR")}) == 4
    assert usa[partners.index("BLR")] != usa[partners.index("UKR")]


def test_columns_put_together_equal_one_evaluation(fresh, world, ledger):
    """The matrix built column by column over three days equals each day built at once."""
    for day in ("2025-04-02", "2025-04-03", "2025-04-05"):
        one = dt.apply(ledger.at(day), world)
        forget()
        two = dt.apply(ledger.at(day), world)
        assert one.hash == two.hash


def test_no_turned_byte_of_an_entry_is_believed(fresh, ledger, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("DETENTE_CACHE", str(tmp_path))
    rates = sector_rates(ledger.at(DAY), "KOR", ("USA", "CHN"))
    cache._save("entry", rates)
    path = tmp_path / "entry.npz"
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        turned = bytearray(whole)
        turned[at] ^= 0xFF
        path.write_bytes(bytes(turned))
        found = cache._load("entry")
        if found is not None:
            assert found.sectors == rates.sectors
            for name in cache._ARRAYS:
                assert np.array_equal(getattr(found, name), getattr(rates, name), equal_nan=True)

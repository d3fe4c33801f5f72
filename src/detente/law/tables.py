"""The tables behind the line engine: lines, base rates, import values, claim shares.

A file name carries the importer (`USA_imports_2024.parquet`), so another importer's tables are
added by adding files. An importer without tables has the six-digit codes and no known base.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from detente.errors import TableError, UnknownNameError
from detente.memory import Kept
from detente.parquet import read_frame, read_shipped

__all__ = ["LineTable", "claim_shares", "covered", "line_table"]

DATA = Path(__file__).parent / "data"
Array = np.ndarray[Any, Any]


MASKS = 4096
"""Product masks kept on a table; of the largest, of 19,000 lines, some 80 MB."""


@dataclass(frozen=True, eq=False)
class LineTable:
    """Lines of one importer, sorted by code, and its import flows, sorted by partner.

    ``base_pct``: statutory MFN rate in percent (NaN where not held). ``flow_*``: one row per
    (partner, line) with a positive value in USD; ``weighted`` is False where there are no values.
    """

    importer: str
    codes: Array
    sector: Array
    base_pct: Array
    base_text: Array
    partners: tuple[str, ...]
    flow_line: Array
    flow_partner: Array
    flow_value: Array
    weighted: bool
    masks: Kept[Any, Array] = field(default_factory=lambda: Kept(MASKS), repr=False)

    def under(self, hs: str) -> Array:
        """Positions of the lines at or under a code. Raises UnknownNameError."""
        low, high = np.searchsorted(self.codes, [hs, hs + ":"])
        if low == high:
            raise UnknownNameError.of("HS code", hs, self.codes[:: max(1, len(self.codes) // 4000)])
        return np.arange(low, high)


def covered(codes: Array, listed: Iterable[str]) -> Array:
    """Which of the sorted ``codes`` a list reaches: bool, one per code.

    A listed code covers every line under it. A line shorter than the listed codes (an importer
    whose national lines we do not hold) counts as covered when any code under it is listed.
    """
    marks = np.zeros(len(codes) + 1, dtype=np.int32)
    wanted = sorted(set(listed))
    low = np.searchsorted(codes, wanted)
    high = np.searchsorted(codes, [c + ":" for c in wanted])
    np.add.at(marks, low, 1)
    np.add.at(marks, high, -1)
    mask = np.cumsum(marks)[:-1] > 0
    short = np.flatnonzero(~mask & (np.char.str_len(codes) < max(map(len, wanted), default=0)))
    if len(short):
        at = np.searchsorted(wanted, codes[short])
        padded = np.array([*wanted, ""])
        mask[short] = np.char.startswith(padded[at], codes[short])
    return mask


@lru_cache(maxsize=256)
def line_table(importer: str) -> LineTable:
    """The table of an importer: its own lines where held, else the six-digit codes."""
    flows, base = _latest(f"{importer}_imports_*"), _latest(f"{importer}_base_*")
    if flows is None or base is None:
        # one table serves all such importers, with it the product masks worked out on it
        return replace(_six_digit_table(), importer=importer)
    imports, rates = read_shipped(flows), read_frame(base)
    listed = rates.hs.tolist()
    held, line = _names(imports["hs"])
    sellers, seller = _names(imports["partner"])
    hs8 = {c[:8] for c in held}
    codes = np.array(sorted({*held, *(c for c in listed if c not in hs8)}), dtype="U10")
    base_pct, text = _base_of(codes, rates)
    partners = tuple(sorted(sellers))
    number = {p: n for n, p in enumerate(partners)}
    return LineTable(
        importer=importer,
        codes=codes,
        sector=_sector_of(codes),
        base_pct=base_pct,
        base_text=text,
        partners=partners,
        flow_line=np.searchsorted(codes, np.array(held, dtype="U10"))[line],
        flow_partner=np.array([number[p] for p in sellers], dtype=np.int64)[seller],
        flow_value=imports["value_usd"].to_numpy().astype(float),
        weighted=True,
    )


@lru_cache(maxsize=1)
def _six_digit_table() -> LineTable:
    codes = np.array(sorted(_sectors()), dtype="U10")
    none = np.zeros(0, dtype=np.int64)
    return LineTable(
        "", codes, _sector_of(codes), np.full(len(codes), np.nan), np.full(len(codes), ""), (),
        none, none, np.zeros(0), False,
    )  # fmt: skip


def one_line(table: LineTable, hs: str) -> LineTable:
    """A table with the single line ``hs``, for a code whose eight digits are held.

    Raises UnknownNameError when they are not.
    """
    for digits in (8, 6):
        if len(hs) > digits:
            low, high = np.searchsorted(table.codes, [hs[:digits], hs[:digits] + ":"])
            if high > low:
                return LineTable(
                    table.importer, np.array([hs], dtype="U10"), table.sector[low : low + 1],
                    table.base_pct[low : low + 1], table.base_text[low : low + 1], table.partners,
                    np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0), False,
                )  # fmt: skip
            if digits == 8 and table.weighted:
                break
    table.under(hs)  # raises with the nearest codes
    raise UnknownNameError(f"unknown HS code {hs!r}")


def claim_shares(name: str, importer: str, codes: Array, partner: str) -> Array:
    """Shares (fractions) of the lines from one partner; 0 where the table has none."""
    by_partner, width = _claims(importer, name)
    if partner not in by_partner:
        return np.zeros(len(codes))
    listed, shares = by_partner[partner]
    short = codes.astype(f"U{width}")
    at = np.minimum(np.searchsorted(listed, short), len(listed) - 1)
    return np.where(listed[at] == short, shares[at], 0.0)


@lru_cache(maxsize=16)
def _claims(importer: str, name: str) -> tuple[dict[str, tuple[Array, Array]], int]:
    """Codes in order and their shares, by partner; and the length of the codes."""
    path = DATA / f"{importer}_claims_{name}.parquet"
    if not path.exists():
        known = [p.stem.split("_claims_")[1] for p in DATA.glob(f"{importer}_claims_*.parquet")]
        raise UnknownNameError.of("table of shares", name, known, importer)
    frame = read_frame(path).sort_values(["partner", "hs"])
    widths = set(frame.hs.str.len())
    if len(widths) != 1:
        raise TableError(f"{path.name}: codes of several lengths {sorted(widths)}; use one")
    width = widths.pop()
    return {
        str(partner): (rows.hs.to_numpy(dtype=f"U{width}"), rows.share.to_numpy(dtype=float))
        for partner, rows in frame.groupby("partner")
    }, width


def _names(column: Any) -> tuple[list[str], Array]:
    """The distinct texts of a column and, for each row, which of them it holds."""
    packed = column.combine_chunks().dictionary_encode()
    return packed.dictionary.to_pylist(), packed.indices.to_numpy()


def _latest(pattern: str) -> Path | None:
    found = sorted(DATA.glob(pattern + ".parquet"))
    return found[-1] if found else None


@lru_cache(maxsize=1)
def _sectors() -> dict[str, str]:
    table = read_shipped(DATA / "hs6_sector.parquet")
    return dict(zip(table["hs"].to_pylist(), table["sector"].to_pylist(), strict=True))


def _sector_of(codes: Array) -> Array:
    sectors = _sectors()
    return np.array([sectors.get(c, "") for c in codes.astype("U6").tolist()])


def _base_of(codes: Array, rates: Any) -> tuple[Array, Array]:
    hs = rates.hs.tolist()
    pct = dict(zip(hs, rates.base_pct.tolist(), strict=True))
    text = dict(zip(hs, rates.text.tolist(), strict=True))
    short = codes.astype("U8").tolist()
    return (
        np.array([pct.get(c, np.nan) for c in short]), np.array([text.get(c, "") for c in short])
    )  # fmt: skip

"""The law of every change date since 2018 as arrays, kept as what changes from date to date.

Working out one date from the ledger (:func:`detente.apply`) costs tenths of a second, all of them
most of a minute. The result is small, since a date changes a few hundred cells: the package
ships it as ``data/laws.npz``, written by ``python -m detente.build.laws``. It carries the
hash of what it was made from; a file whose hash is not that of the ledger, the world and the rate
tables at hand is not used.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from bisect import bisect_right
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import astuple, dataclass
from functools import cache, cached_property
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from detente.errors import DateError, TableError
from detente.ledger import Ledger
from detente.memory import Kept
from detente.models.blocks import Array
from detente.policy import Policy
from detente.policy.bans import cost_of_leaving
from detente.policy.quota import Quota
from detente.world import World

__all__ = ["FIRST", "Laws", "build_laws", "find_laws", "inputs_key", "laws_for",
           "shipped_laws"]  # fmt: skip

FIRST = "2018-01-01"
"""The first day of the timeline."""

SHIPPED = Path(str(files("detente.timeline") / "data" / "laws.npz"))

INSTRUMENTS = ("tariff", "export_tax", "left")
"""``left`` is the share of a flow that no ban touches; it does not depend on elasticities."""


@dataclass(frozen=True, eq=False)
class Laws:
    """Tariffs, export taxes and bans of each change date, as differences.

    Attributes
    ----------
    dates : change dates in order, the first one is where the timeline begins
    until : the last day that the ledger covers
    key : hash of the ledger, the world and the tables that these arrays were made from
    cells, values : for each instrument, the flat cells (sector, importer, exporter) that differ
        from the date before (from the world table on the first), and their new values
    ends : for each instrument and date, where its cells end
    notes : every note once; ``note_of[d]`` are those of a date
    quotas : for each date, the fields of its quotas (:class:`detente.policy.quota.Quota`)
    """

    dates: tuple[str, ...]
    until: str
    key: str
    cells: tuple[Array, ...]
    values: tuple[Array, ...]
    ends: tuple[Array, ...]
    notes: tuple[str, ...]
    note_of: tuple[tuple[int, ...], ...]
    quotas: tuple[tuple[tuple[Any, ...], ...], ...] = ()

    def at(self, day: str) -> int:
        """The place of the last change date on or before ``day``.

        Raises
        ------
        DateError
            The day lies before the first date.
        """
        place = bisect_right(self.dates, day) - 1
        if place < 0:
            raise DateError(f"date {day}: the timeline begins on {self.dates[0]}")
        return place

    @cached_property
    def same_as(self) -> tuple[int, ...]:
        """For each date, the first date of the run of dates with the same arrays."""
        out: list[int] = []
        for d in range(len(self.dates)):
            changed = any(self._new(i, d).size for i in range(len(INSTRUMENTS)))
            changed = changed or (d > 0 and self.quotas_of(d) != self.quotas_of(d - 1))
            out.append(d if changed or d == 0 else out[-1])
        return tuple(out)

    def policy(self, place: int, world: World, day: str | None = None) -> Policy:
        """The law of the date at ``place`` on ``world`` (or on one that differs in its
        elasticities only); ``day``, if given, is the day it is asked for."""
        date = self.dates[place]
        said = [self.notes[n] for n in self.note_of[place]]
        tariff, tax, left = self.arrays(place, world)
        iceberg = cost_of_leaving(left, world.theta.values[:, None, None])
        return Policy(
            world,
            tariff=tariff,
            export_tax=tax,
            iceberg=iceberg,
            quota=self.quotas_of(place),
            open=left if (left < 1.0).any() else None,
            title=f"law of {day or date}",
            notes=tuple(text.replace(f"law of {date}", f"law of {day or date}") for text in said),
            prohibitive=True,
        )

    def arrays(self, place: int, world: World) -> tuple[Array, Array, Array]:
        """Tariffs, export taxes and the shares of flows that no ban touches (J, N, N)."""
        start = (world.tariff.values, np.zeros(world.tariff.shape), np.ones(world.tariff.shape))
        arrays = []
        for i, base in enumerate(start):
            array = base.copy()
            stop = int(self.ends[i][place])
            array.flat[self.cells[i][:stop]] = self.values[i][:stop]  # later changes come last
            arrays.append(array)
        tariff, tax, left = arrays
        return tariff, tax, left

    def quotas_of(self, place: int) -> list[Quota]:
        """The quotas of a date."""
        found = self.quotas[place] if self.quotas else ()
        return [Quota(s, n, tuple(who), float(v), float(o), r) for s, n, who, v, o, r in found]

    def _new(self, instrument: int, place: int) -> Array:
        ends = self.ends[instrument]
        return self.cells[instrument][ends[place - 1] if place else 0 : ends[place]]

    def to_bytes(self) -> bytes:
        """The file; the same bytes for the same content, on any machine."""
        head: dict[str, Any] = {
            "key": self.key,
            "dates": self.dates,
            "until": self.until,
            "notes": self.notes,
            "note_of": self.note_of,
        }
        if any(self.quotas):
            head["quotas"] = self.quotas
        text = json.dumps(head, ensure_ascii=False, separators=(",", ":"))
        arrays: dict[str, Array] = {"head": np.frombuffer(text.encode(), dtype=np.uint8)}
        for i, name in enumerate(INSTRUMENTS):
            arrays[f"{name}_cells"] = self.cells[i].astype(np.int32)
            arrays[f"{name}_values"] = self.values[i].astype("<f8")
            arrays[f"{name}_ends"] = self.ends[i].astype(np.int32)
        out = BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, array in arrays.items():
                part = BytesIO()
                np.lib.format.write_array(part, array, allow_pickle=False)
                entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
                archive.writestr(entry, part.getvalue())  # stored: no compressor, no version
        return out.getvalue()

    @classmethod
    def read(cls, path: Path) -> Laws:
        """Read a file of :meth:`to_bytes`.

        Raises
        ------
        TableError
            The file is damaged.
        """
        try:
            with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as z:
                held = {name: z[name] for name in z.files}
            head = json.loads(held["head"].tobytes())
            return cls(
                dates=tuple(head["dates"]),
                until=head["until"],
                key=head["key"],
                cells=tuple(held[f"{n}_cells"] for n in INSTRUMENTS),
                values=tuple(held[f"{n}_values"] for n in INSTRUMENTS),
                ends=tuple(held[f"{n}_ends"] for n in INSTRUMENTS),
                notes=tuple(head["notes"]),
                note_of=tuple(tuple(row) for row in head["note_of"]),
                quotas=tuple(tuple(map(tuple, day)) for day in head.get("quotas", ())),
            )
        except Exception as error:  # what a damaged archive raises has no common class
            raise TableError(
                f"{path}: cannot be read ({error}); write it again with "
                "python -m detente.build.laws"
            ) from None


def change_dates(ledger: Ledger) -> list[str]:
    """The change dates of the timeline: since 2018, or since the record begins."""
    first = max(FIRST, ledger.record_from)
    later = [d for d in ledger.change_dates() if d > first]
    return [first, *later]


def build_laws(
    ledger: Ledger, world: World, progress: Callable[[int, int], None] | None = None
) -> Laws:
    """Work the law of every change date out from the ledger; about a minute.

    ``progress`` is called with (dates done, dates in all).
    """
    from detente.law.apply import apply

    days = change_dates(ledger)
    theta = world.theta.values[:, None, None]
    held = [world.tariff.values, np.zeros(world.tariff.shape), np.ones(world.tariff.shape)]
    cells: list[list[Array]] = [[] for _ in held]
    values: list[list[Array]] = [[] for _ in held]
    notes: dict[str, int] = {}
    note_of: list[tuple[int, ...]] = []
    quotas: list[tuple[tuple[Any, ...], ...]] = []
    for n, day in enumerate(days):
        p = apply(ledger.at(day), world)
        iceberg = p.iceberg.values
        left = np.where(iceberg == 1.0, 1.0, iceberg**-theta)
        for i, new in enumerate((p.tariff.values, p.export_tax.values, left)):
            changed = np.flatnonzero(new != held[i])
            cells[i].append(changed.astype(np.int32))
            values[i].append(new.ravel()[changed])
            held[i] = new
        quotas.append(tuple(astuple(q) for q in p.quota))
        note_of.append(tuple(notes.setdefault(text, len(notes)) for text in p.notes))
        if progress is not None:
            progress(n + 1, len(days))
    return Laws(
        dates=tuple(days),
        until=ledger.record_until,
        key=inputs_key(ledger, world),
        cells=tuple(np.concatenate(c) for c in cells),
        values=tuple(np.concatenate(v) for v in values),
        ends=tuple(np.cumsum([len(c) for c in one]).astype(np.int32) for one in cells),
        notes=tuple(notes),
        note_of=tuple(note_of),
        quotas=tuple(quotas),
    )


def inputs_key(ledger: Ledger, world: World) -> str:
    """SHA-256 of what the laws are made from: ledger, world table, rate tables."""
    parts = [ledger.content_hash, world.hash, tables_hash()]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


@cache
def tables_hash() -> str:
    """SHA-256 of the line tables (rates, imports, preference claims) and the vocabularies."""
    digest = hashlib.sha256()
    for room, pattern in (("law/data", "*.parquet"), ("vocabulary", "*.csv")):
        for path in sorted(Path(str(files("detente") / room)).glob(pattern)):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def find_laws(key: str, paths: Iterable[Path]) -> tuple[Path, Laws] | None:
    """The first of the files that holds laws made from the inputs with this key, and the laws."""
    for path in paths:
        try:
            held = Laws.read(path)
        except TableError:
            continue
        if held.key == key:
            return path, held
    return None


_made: Kept[str, Laws] = Kept(4)


def laws_for(ledger: Ledger, world: World) -> Laws:
    """The law of every change date on ``world``, whatever its elasticities: as shipped where it
    fits, otherwise worked out from the ledger (about a minute) and kept."""
    from detente.world.theta import DEFAULT_THETA

    plain = world
    if world.theta.attrs.get("set") != DEFAULT_THETA and world.uses_iso3:
        # laws do not depend on elasticities, but the hash of a world does
        with suppress(TableError):
            plain = world.with_theta(DEFAULT_THETA)
    key = inputs_key(ledger, plain)
    if key not in _made:
        _made[key] = shipped_laws(ledger, plain) or build_laws(ledger, plain)
    return _made[key]


def shipped_laws(ledger: Ledger, world: World) -> Laws | None:
    """The laws that ship with the package, or None where they were not made from this very
    ledger, world and rate tables."""
    found = find_laws(inputs_key(ledger, world), [SHIPPED])
    return None if found is None else found[1]

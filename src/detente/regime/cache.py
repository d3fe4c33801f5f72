"""Sector rates kept by content: the same law on the same tables is worked out once.

The key is a hash of what the rates of an importer depend on (the provisions, rules, preferences and
groups of the day, the ledger's content, the partners), so that days between two changes share one
entry. Entries live in memory, and on disk in ``$DETENTE_CACHE`` (default: the user's cache folder)
unless that is set to nothing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from detente.ledger import Regime
from detente.ledger.asof import row_at
from detente.regime.line import SectorRates
from detente.regime.tables import LineTable
from detente.version import __version__

__all__ = ["cached_rates", "fingerprint"]

_memory: dict[str, SectorRates] = {}
_ARRAYS = ("rate_pct", "base_pct", "added_pct", "banned_share", "base_unknown", "weight")


def fingerprint(regime: Regime, importer: str) -> str:
    """SHA-256 of everything an importer's line rates depend on, besides the tables."""
    parts: list[str] = [__version__, regime.ledger.content_hash, importer]
    for active in regime.by(importer):
        for p in active.provisions:
            # the ledger's hash says what an entry holds, its place says which one it is
            place = next(n for n, e in enumerate(p.provision.history) if e is p.entry)
            parts.append(f"{active.measure.id}#{p.number}.{place}")
    parts += [r.id for r in regime.rules if r.imposer == importer]
    for agreement, preference in regime.preferences(importer):
        members = ",".join(sorted(m.name for m in agreement.members_at(regime.date)))
        step = row_at(preference.steps, regime.date)
        use = row_at(preference.utilisation, regime.date)
        parts.append(f"{agreement.id}:{members}:{step!r}:{use!r}")
    parts.append(_groups(regime))
    for name, split in sorted(regime.ledger.splits.items()):
        rows = [row_at(r.shares, regime.date) for r in split.rows]
        parts.append(f"{name}:{rows!r}")
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


_memberships: dict[tuple[str, str], str] = {}


def _groups(regime: Regime) -> str:
    """Who is in which group on the day."""
    key = (regime.ledger.content_hash, regime.date)
    if key not in _memberships:
        _memberships[key] = ";".join(
            f"{name}:{','.join(sorted(group.at(regime.date)))}"
            for name, group in sorted(regime.ledger.groups.items())
        )
    return _memberships[key]


def cached_rates(
    regime: Regime, importer: str, table: LineTable | tuple[str, ...],
    compute: Callable[[], SectorRates],
) -> SectorRates:  # fmt: skip
    """The rates of an importer, from memory, disk, or ``compute()``."""
    digest = hashlib.sha256(fingerprint(regime, importer).encode())
    if isinstance(table, LineTable):
        digest.update("\x00".join(table.partners).encode())
        digest.update(np.ascontiguousarray(table.flow_value).data)
    else:
        digest.update("\x00".join(table).encode())
    key = digest.hexdigest()[:32]
    if key not in _memory:
        found = _load(key)
        if found is None:
            found = compute()
            _save(key, found)
        _memory[key] = found
    held = _memory[key]
    return held if held.date == regime.date else _dated(held, regime.date)


def _dated(rates: SectorRates, date: str) -> SectorRates:
    from dataclasses import replace

    return replace(rates, date=date)


def _folder() -> Path | None:
    given = os.environ.get("DETENTE_CACHE")
    if given is not None:
        return Path(given) if given else None
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "detente"


def _load(key: str) -> SectorRates | None:
    folder = _folder()
    path = folder / f"{key}.npz" if folder else None
    if path is None or not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as z:
            text = {n: tuple(str(x) for x in z[n]) for n in ("sectors", "partners")}
            head = [str(x) for x in z["head"]]
            arrays = {n: z[n] for n in _ARRAYS}
    except (OSError, ValueError, KeyError):
        return None  # a damaged entry is worked out again and overwritten
    return SectorRates(head[0], head[1], text["sectors"], text["partners"], basis=head[2], **arrays)


def _save(key: str, rates: SectorRates) -> None:
    folder = _folder()
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{key}.{os.getpid()}.part.npz"
        np.savez_compressed(
            part, head=[rates.importer, rates.date, rates.basis], sectors=rates.sectors,
            partners=rates.partners, **{n: getattr(rates, n) for n in _ARRAYS},
        )  # fmt: skip
        part.replace(folder / f"{key}.npz")
    except OSError:
        return  # a cache that cannot be written only costs time

"""Sector rates kept by content: the same law on the same tables is worked out once.

The key is a hash of what the rates of an importer depend on (the provisions, rules, preferences and
groups of the day, the ledger's content, the partners), so that days between two changes share one
entry. Entries live in memory, and on disk in ``$DETENTE_CACHE`` (default: the user's cache folder)
unless that is set to nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import BytesIO
from weakref import WeakKeyDictionary

import numpy as np

from detente.cachefolder import keep, kept
from detente.law.line import SectorRates
from detente.law.tables import Array, LineTable
from detente.ledger import Regime
from detente.ledger.asof import row_at
from detente.ledger.schema import Agreement, Preference, Targets
from detente.memory import Kept
from detente.version import __version__

__all__ = ["cached_rates", "fingerprint", "laws", "rates_by_law", "weights_digest"]

_memory: Kept[str, SectorRates] = Kept(4096)
_ARRAYS = ("rate_pct", "base_pct", "added_pct", "banned_share", "base_unknown", "weight")


def fingerprint(regime: Regime, importer: str) -> str:
    """SHA-256 of everything an importer's line rates depend on, besides the tables."""
    parts: list[str] = [__version__, regime.ledger.content_hash, importer]
    for active in regime.by(importer):
        for p in active.provisions:
            parts.append(f"{active.measure.id}#{p.number}.{_place(p.provision.history, p.entry)}")
    parts += [r.id for r in regime.rules if r.imposer == importer]
    for agreement, preference in regime.preferences(importer):
        members = ",".join(sorted(m.name for m in agreement.members_at(regime.date)))
        parts.append(f"{_granted(regime, agreement, preference)}:{members}")
    parts += [_groups(regime), *_shares(regime, importer)]
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def laws(regime: Regime, importer: str, partners: Sequence[str]) -> list[str]:
    """For each partner, what tells its law on the day from that of others: equal texts, equal
    rates on every line.

    That is the provisions that reach it, the preferences open to it, and the importer's rules and
    splits. Places in the record stand for what is written there; the ledger's hash says the rest.
    """
    own = regime.members_of_partner(importer)
    members = [regime.members_of_partner(p) for p in partners]
    said: list[list[str]] = [[] for _ in partners]
    reached: dict[int, list[int]] = {}

    def note(targets: Targets, text: str) -> None:
        if id(targets) not in reached:
            named = regime.countries(targets)
            reached[id(targets)] = [
                k for k, m in enumerate(members) if m and m <= named and not m & own
            ]
        for k in reached[id(targets)]:
            said[k].append(text)

    paths: set[str] = set()
    for active in regime.by(importer):
        for p in active.provisions:
            when = p.provision.when
            paths.update(when.parts, when.claims, when.no_claims)
            text = f"{active.measure.id}#{p.number}.{_place(p.provision.history, p.entry)}"
            note(active.measure.scope(p.provision)[0], text)
    for agreement, preference in regime.preferences(importer):
        text = _granted(regime, agreement, preference)
        for k, partner in enumerate(partners):
            if regime.grants(agreement, preference, partner):
                said[k].append(text)
    head = [__version__, regime.ledger.content_hash, importer, *sorted(paths)]
    head += [r.id for r in regime.rules if r.imposer == importer]
    head += _shares(regime, importer)
    # a rule or a share may name targets of its own, by groups of the day
    named = [r.targets for r in regime.rules if r.imposer == importer and r.targets is not None]
    for split in regime.ledger.splits.values():
        if split.imposer == importer:
            named += [row.targets for row in split.rows if row.targets is not None]
    for number, targets in enumerate(named):
        note(targets, f"named {number}")
    common = "\x00".join(head)
    return ["\x00".join([common, *texts]) for texts in said]


def rates_by_law(
    regime: Regime, importer: str, partners: Sequence[str], weights: Sequence[str],
    evaluate: Callable[[list[int]], SectorRates],
) -> SectorRates:  # fmt: skip
    """The sector rates of ``partners``, each distinct law on the same weights worked out once.

    ``weights`` names the weights of each partner; ``evaluate`` gives the rates of those at some
    positions. On most days on which a law changes it changes for few partners.
    """
    keys = [
        hashlib.sha256(f"{w}\x00{law}".encode()).hexdigest()
        for w, law in zip(weights, laws(regime, importer, partners), strict=True)
    ]
    first = {key: k for k, key in reversed(list(enumerate(keys))) if key not in _columns}
    if first:
        places = sorted(first.values())
        found = evaluate(places)
        for n, k in enumerate(places):
            arrays = tuple(getattr(found, name)[:, n].copy() for name in _ARRAYS)
            _columns[keys[k]] = (found.sectors, found.basis, arrays)
    sectors, basis, _ = _columns[keys[0]]
    stacked = {
        name: np.stack([_columns[key][2][n] for key in keys], axis=1)
        for n, name in enumerate(_ARRAYS)
    }
    return SectorRates(importer, regime.date, sectors, tuple(partners), basis=basis, **stacked)


_columns: Kept[str, tuple[tuple[str, ...], str, tuple[Array, ...]]] = Kept(8192)


def _place(rows: Sequence[object], one: object) -> int:
    return next(n for n, row in enumerate(rows) if row is one)


def _granted(regime: Regime, agreement: Agreement, preference: Preference) -> str:
    """A preference with the step and the use of the day, by their places in the record."""
    step, use = row_at(preference.steps, regime.date), row_at(preference.utilisation, regime.date)
    where = (
        _place(agreement.preferences, preference),
        -1 if step is None else _place(preference.steps, step),
        -1 if use is None else _place(preference.utilisation, use),
    )
    return f"{agreement.id}:{where}"


def _shares(regime: Regime, importer: str) -> list[str]:
    """Which row of each split of the importer holds on the day."""
    found = []
    for name, split in sorted(regime.ledger.splits.items()):
        if split.imposer != importer:
            continue
        rows = [row_at(r.shares, regime.date) for r in split.rows]
        places = [
            -1 if one is None else _place(r.shares, one)
            for r, one in zip(split.rows, rows, strict=True)
        ]
        found.append(f"{name}:{places}")
    return found


_memberships: Kept[tuple[str, str], str] = Kept(4096)


def _groups(regime: Regime) -> str:
    """Who is in which group on the day."""
    key = (regime.ledger.content_hash, regime.date)
    if key not in _memberships:
        text = ";".join(
            f"{name}:{','.join(sorted(group.at(regime.date)))}"
            for name, group in sorted(regime.ledger.groups.items())
        )
        _memberships[key] = hashlib.sha256(text.encode()).hexdigest()
    return _memberships[key]


def cached_rates(
    regime: Regime, importer: str, table: LineTable | tuple[str, ...],
    compute: Callable[[], SectorRates],
) -> SectorRates:  # fmt: skip
    """The rates of an importer, from memory, disk, or ``compute()``."""
    digest = hashlib.sha256(fingerprint(regime, importer).encode())
    if isinstance(table, LineTable):
        digest.update(weights_digest(table).encode())
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


_digests: WeakKeyDictionary[LineTable, str] = WeakKeyDictionary()


def weights_digest(table: LineTable) -> str:
    """SHA-256 of a table's partners, lines and values; kept while the table lives."""
    if table not in _digests:
        digest = hashlib.sha256("\x00".join(table.partners).encode())
        for column in (table.flow_line, table.flow_partner, table.flow_value):
            digest.update(np.ascontiguousarray(column).data)
        _digests[table] = digest.hexdigest()
    return _digests[table]


def _dated(rates: SectorRates, date: str) -> SectorRates:
    return replace(rates, date=date)


def _load(key: str) -> SectorRates | None:
    data = kept(f"{key}.npz")
    if data is None:
        return None
    try:
        with np.load(BytesIO(data), allow_pickle=False) as z:
            text = {n: tuple(str(x) for x in z[n]) for n in ("sectors", "partners")}
            head = [str(x) for x in z["head"]]
            arrays = {n: z[n] for n in _ARRAYS}
    except Exception:  # what a damaged archive raises has no common class
        return None  # it is worked out again and overwritten
    return SectorRates(head[0], head[1], text["sectors"], text["partners"], basis=head[2], **arrays)


def _save(key: str, rates: SectorRates) -> None:
    out = BytesIO()
    np.savez_compressed(
        out, head=[rates.importer, rates.date, rates.basis], sectors=rates.sectors,
        partners=rates.partners, **{n: getattr(rates, n) for n in _ARRAYS},
    )  # fmt: skip
    keep(f"{key}.npz", out.getvalue())

"""Load a folder of records into a `Ledger`; every fault is collected and reported at once."""

from __future__ import annotations

import hashlib
import json
import re
from difflib import get_close_matches
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from detente.cachefolder import keep, kept
from detente.errors import FileError, RecordError, shown
from detente.files import read_bytes, text_of
from detente.memory import Kept
from detente.records import place, quoted, said
from detente.texts import csv_rows, decimal, parse_yaml
from detente.version import __version__

from .check import check
from .ledger import Ledger
from .schema import KINDS, Card, ProductList, Record
from .source import Source

__all__ = ["load_ledger"]

RECORDS = Path(__file__).parent / "records"
_HS = re.compile("[0-9]{2}|[0-9]{4,10}")
_cache: Kept[Path, Ledger] = Kept(1)

MAX_FILES = 50_000
"""Files in a folder of records; more is another folder than the one meant."""

MOST_IN_FILE = 20
"""Faults of one file that are told."""

MOST = 200
"""Faults that are told one by one; those beyond are counted."""

CARD = "ledger"
"""The name of the ledger's own card among the records."""

MAX_BYTES, MAX_LIST_BYTES = 5_000_000, 20_000_000
"""Sizes of a record and of a list of products."""


def load_ledger(folder: str | Path | None = None) -> Ledger:
    """The ledger in ``folder``; without one, the ledger that comes with the package.

    Raises RecordError with one line per fault: file, field, what is wrong, what to do.
    """
    root = Path(folder) if folder is not None else RECORDS
    if folder is None and root in _cache:
        return _cache[root]
    if not root.is_dir():
        raise RecordError(f"{root}: no such folder of records")
    faults: list[str] = []
    records: dict[str, tuple[str, Record]] = {}
    digest = hashlib.sha256()
    texts = _contents(root, _found(root, "**/*.yaml"), MAX_BYTES, digest, faults)
    bodies = _bodies(digest.hexdigest(), texts)
    for name, body in bodies.items():
        try:
            record = _record(body, name)
        except RecordError as bad:
            faults.append(str(bad))
            continue
        key = getattr(record, "id", CARD)
        if key == CARD and not isinstance(record, Card):
            faults.append(f"{name}: id: {CARD!r} is the card of the ledger itself; choose another")
        elif key in records:
            faults.append(
                f"{name}: id: {key!r} is already used in {records[key][0]}; choose another"
            )
        else:
            records[key] = (name, record)
    lists: dict[str, ProductList] = {}
    tables = _contents(root, _found(root, "lists/**/*.csv"), MAX_LIST_BYTES, digest, faults)
    for name, data in tables.items():
        try:
            found = _read_list(data, name)
            lists[found.id] = found
        except RecordError as bad:
            faults.append(str(bad))
    if CARD not in records:
        faults.append("ledger.yaml: missing; it states record_from and record_until")
    if not faults:
        faults = check(records, lists)
    if faults:
        lines = [line for fault in faults for line in fault.split("\n")]
        head = f"{len(lines)} faults in the ledger:\n" if len(lines) > 1 else ""
        more = f"\nand {len(lines) - MOST} more" if len(lines) > MOST else ""
        raise RecordError(f"{head}{chr(10).join(lines[:MOST])}{more}")
    ledger = Ledger(records=records, lists=lists, content_hash=digest.hexdigest())
    if folder is None:
        _cache[root] = ledger
    return ledger


def _found(root: Path, pattern: str) -> list[Path]:
    """Files of a folder in order; no more than are read, and one."""
    return sorted(islice(root.glob(pattern), MAX_FILES + 1))


def _contents(
    root: Path, paths: list[Path], limit: int, digest: Any, faults: list[str]
) -> dict[str, bytes]:
    """What lies in the files, by name; the digest goes on over names and contents."""
    if len(paths) > MAX_FILES:
        raise RecordError(
            f"{root}: holds more files than are read, {MAX_FILES:,}; is this the folder of records?"
        )
    found: dict[str, bytes] = {}
    for path in paths:
        name = path.relative_to(root).as_posix()
        if not name.isprintable():  # bytes that are no UTF-8, a line break, a control character
            faults.append(f"{name!a}: the name of the file cannot be printed; rename the file")
            continue
        try:
            data = read_bytes(path, limit, path.suffix.lstrip(".").upper() + " file")
        except FileError as bad:
            faults.append(str(bad).replace(str(path), name, 1))
            continue
        found[name] = data
        digest.update(name.encode() + data)
    return found


def _bodies(digest: str, texts: dict[str, bytes]) -> dict[str, dict[str, Any] | str]:
    """What each file holds, or what is wrong with it. Reading YAML takes most of the time of
    loading, so what was read is kept by content."""
    entry = f"records-{__version__}-{digest[:32]}.json"
    data = kept(entry)
    if data is not None:
        try:
            held = json.loads(data)
            if list(held) == list(texts) and all(isinstance(b, dict) for b in held.values()):
                return held
        except (ValueError, RecursionError, AttributeError, TypeError):
            pass  # damaged: read again and overwritten
    found: dict[str, dict[str, Any] | str] = {}
    for name, content in texts.items():
        try:
            found[name] = parse_yaml(text_of(content, name), name)
        except RecordError as bad:
            found[name] = str(bad)
    if not any(isinstance(body, str) for body in found.values()):
        keep(entry, json.dumps(found).encode())
    return found


def _record(body: dict[str, Any] | str, name: str) -> Record:
    if isinstance(body, str):
        raise RecordError(body)
    kind = body.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise RecordError(
            f"{name}: kind: {shown(kind)} is not known; use one of {', '.join(KINDS)}"
        )
    return _validate(KINDS[kind], body, name)


def _validate(model: type[Any], data: dict[str, Any], name: str) -> Any:
    try:
        return model.model_validate(data)
    except ValidationError as bad:
        count = bad.error_count()
        told = bad.errors(include_url=False)[:MOST_IN_FILE]
        lines = [_say(e, model, name, data) for e in told]
        if count > len(told):
            lines.append(f"{name}: and {count - len(told)} more faults in this file")
        raise RecordError("\n".join(dict.fromkeys(lines))) from None


def _say(error: Any, model: type[BaseModel], name: str, data: dict[str, Any]) -> str:
    loc = place(error["loc"], error["type"], data)
    field = ""
    for part in loc:
        field += (
            f"[{part}]" if isinstance(part, int) else f".{quoted(part)}" if field else quoted(part)
        )
    kind = error["type"]
    if kind == "extra_forbidden":
        close = get_close_matches(str(loc[-1])[:200], sorted(_fields(model)), n=2, cutoff=0.6)
        hint = f"did you mean {' or '.join(close)}?" if close else "remove it"
        return f"{name}: {field}: unknown key; {hint}"
    if kind == "missing":
        return f"{name}: {field}: missing; add it"
    if kind == "literal_error":
        use = error["ctx"]["expected"]
        return f"{name}: {field}: {shown(error['input'])} is not allowed; use {use}"
    message = said(error["msg"].removeprefix("Value error, "))
    return f"{name}: {field}: {message}" if field else f"{name}: {message}"


def _fields(model: type[BaseModel]) -> set[str]:
    """Names of all fields of a model and of the models inside it, for the did-you-mean."""
    names: set[str] = set()
    todo: list[Any] = [model]
    seen: set[Any] = set()
    while todo:
        item = todo.pop()
        if item in seen:
            continue
        seen.add(item)
        if isinstance(item, type) and issubclass(item, BaseModel):
            names |= set(item.model_fields)
            todo += [f.annotation for f in item.model_fields.values()]
        todo += [a for a in getattr(item, "__args__", ()) if not isinstance(a, str)]
    return names


def _read_list(data: bytes, name: str) -> ProductList:
    """A CSV: lines ``# key: value`` with the source, then a column ``hs``."""
    head: dict[str, Any] = {}
    body: list[str] = []
    for number, line in enumerate(StringIO(text_of(data, name)), start=1):
        if line.startswith("#"):
            key, _, value = line.lstrip("# ").partition(":")
            if key.strip() in head:
                raise RecordError(
                    f"{name}, line {number}: {shown(key.strip())} is there twice; keep one"
                )
            head[key.strip()] = value.strip()
        elif line.strip():
            body.append(line)
    note, exporter = head.pop("note", None), head.pop("exporter", None)
    total = head.pop("exports_total_usd", None)
    source: Source = _validate(Source, head, name)
    rows = csv_rows(body, name)
    columns = next(rows, (1, []))[1]
    if "hs" not in columns or len(body) < 2:
        raise RecordError(f"{name}: needs a column hs and at least one row")
    place = columns.index("hs")
    values = columns.index("exports_usd") if "exports_usd" in columns else None
    if len({values is None, exporter is None, total is None}) > 1:
        raise RecordError(
            f"{name}: the column exports_usd and the lines '# exporter: ISO' and "
            "'# exports_total_usd: number' go together; add what is missing"
        )
    codes: dict[str, float] = {}
    for n, (_, row) in enumerate(rows, start=1):
        given = row[place] if place < len(row) else ""
        code = given.replace(".", "").strip()
        if not _HS.fullmatch(code):
            raise RecordError(
                f"{name}: row {n}: {shown(given)} is not an HS code of 2 or 4 to 10 digits"
            )
        if code in codes:
            raise RecordError(f"{name}: row {n}: {code} is there twice; keep one row")
        codes[code] = 0.0 if values is None else _dollars(row, values, f"{name}: row {n}")
    order = sorted(codes)
    key = name.removeprefix("lists/").removesuffix(".csv")
    found = {
        "id": key, "source": source, "note": note, "codes": tuple(order), "exporter": exporter,
        "exports_usd": () if values is None else tuple(codes[c] for c in order),
        "exports_total_usd": 0.0 if total is None else _dollars([total], 0, f"{name}: the head"),
    }  # fmt: skip
    return _validate(ProductList, found, name)


def _dollars(row: list[str], place: int, where: str) -> float:
    value = decimal(row[place]) if place < len(row) else None
    if value is None or not 0 <= value < 1e15:
        raise RecordError(f"{where}: exports must be a number of dollars, zero or more")
    return value

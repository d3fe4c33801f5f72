"""The user's cache folder: what was worked out once, kept by the content it was worked out from.

``$DETENTE_CACHE`` names the folder (default: ``detente`` in the user's cache folder); set to
nothing, nothing is kept. A cache that cannot be written, or holds a damaged entry, costs time and
nothing else.
"""

from __future__ import annotations

import contextlib
import os
from hashlib import sha256
from pathlib import Path

from detente.errors import FileError, OutputError
from detente.files import read_bytes, write_whole

__all__ = ["cache_folder", "keep", "kept"]


MAX_BYTES = 500_000_000
"""An entry that is larger is none of ours."""

CHECK_BYTES = 32


def cache_folder() -> Path | None:
    """The folder, which may not exist yet; None where nothing is to be kept."""
    given = os.environ.get("DETENTE_CACHE")
    if given is not None:
        return Path(given) if given else None
    base = os.environ.get("XDG_CACHE_HOME")
    if base:
        return Path(base) / "detente"
    try:
        return Path.home() / ".cache" / "detente"
    except RuntimeError:  # nobody's home: a service user, a container
        return None


def kept(name: str) -> bytes | None:
    """The entry ``name``, or None."""
    folder = cache_folder()
    if folder is None:
        return None
    try:
        entry = read_bytes(folder / name, MAX_BYTES, "cache entry")
    except FileError:
        return None
    check, data = entry[:CHECK_BYTES], entry[CHECK_BYTES:]
    return data if check == _check(name, data) else None


def keep(name: str, data: bytes) -> None:
    """Keep ``data`` as ``name``; readers see the whole entry or none."""
    folder = cache_folder()
    if folder is None:
        return
    with contextlib.suppress(OutputError):
        write_whole(folder / name, _check(name, data) + data, durable=False)


def _check(name: str, data: bytes) -> bytes:
    """What an entry begins with: one wrong digit in it would be taken for a result."""
    return sha256(name.encode() + b"\0" + data).digest()

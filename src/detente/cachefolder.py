"""The user's cache folder: what was worked out once, kept by the content it was worked out from.

``$DETENTE_CACHE`` names the folder (default: ``detente`` in the user's cache folder); set to
nothing, nothing is kept. A cache that cannot be written, or holds a damaged entry, costs time and
nothing else.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

__all__ = ["cache_folder", "keep", "kept", "write_whole"]


def cache_folder() -> Path | None:
    """The folder, which may not exist yet; None where nothing is to be kept."""
    given = os.environ.get("DETENTE_CACHE")
    if given is not None:
        return Path(given) if given else None
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "detente"


def kept(name: str) -> bytes | None:
    """The entry ``name``, or None."""
    folder = cache_folder()
    if folder is None:
        return None
    try:
        return (folder / name).read_bytes()
    except OSError:
        return None


def keep(name: str, data: bytes) -> None:
    """Keep ``data`` as ``name``; readers see the whole entry or none."""
    folder = cache_folder()
    if folder is None:
        return
    with contextlib.suppress(OSError):
        write_whole(folder / name, data)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, and its folder where there is none; readers see the whole of it or none.

    Raises
    ------
    OSError
        It cannot be written there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(data)
    part.replace(path)

"""Files that come from outside, and files that go out.

Whoever hands us a file may hand us anything: a device that never ends, a pipe that never begins,
a folder, a gigabyte, bytes that are no text. One reader takes plain files up to a stated size and
says what is wrong with every other thing. One writer makes a file whole or not at all: readers
never see half of it, a full disk leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO

from detente.errors import FileError, OutputError

__all__ = [
    "discard_parts", "open_to_append", "probe_folder", "read_bytes", "read_text", "text_of",
    "there", "write_folder", "write_whole",
]  # fmt: skip

_writing: list[_Undo] = []
"""Writes under way; a signal that ends the process takes them back."""


# --- in -------------------------------------------------------------------------------------
def read_bytes(path: Path | str, limit: int, what: str = "file") -> bytes:
    """The content of a plain file of at most ``limit`` bytes; ``what`` names it in errors.

    Raises
    ------
    FileError
        Not there, not a plain file (a folder, a pipe, a device), larger, or not readable.
    """
    flags = os.O_RDONLY
    for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    try:
        _refuse_odd(os.stat(path).st_mode, path, what)  # before opening, which may do something
        with open(os.open(path, flags), "rb") as stream:
            found = os.fstat(stream.fileno())
            _refuse_odd(found.st_mode, path, what)
            # what is too large is not read first; what grows meanwhile is
            data = stream.read(limit + 1) if found.st_size <= limit else b""
    except FileError:  # a ValueError as well, and it has said all
        raise
    except FileNotFoundError:
        raise FileError(f"{path}: no such file; give a {what}", path) from None
    except (OSError, ValueError) as error:  # a ValueError is a name with a NUL
        raise FileError(
            f"{path}: cannot be read ({_why(error)}); give another {what}", path
        ) from None
    if max(len(data), found.st_size) > limit:
        raise FileError(
            f"{path}: larger than {limit:,} bytes, more than a {what} is allowed; split it, or "
            "check that it is the file you mean",
            path,
        )
    return data


def read_text(path: Path | str, limit: int, what: str = "file") -> str:
    """The text of a plain file in UTF-8; a byte order mark at its start is left out.

    Raises
    ------
    FileError
        As :func:`read_bytes`; or it is not UTF-8, naming the line.
    """
    return text_of(read_bytes(path, limit, what), path)


def text_of(data: bytes, source: Path | str) -> str:
    """The text of bytes in UTF-8, without a byte order mark; ``source`` names them in errors.

    Raises
    ------
    FileError
        Not UTF-8, naming the line.
    """
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = f"{data[error.start]:#04x}"
        raise FileError(
            f"{source}, line {line}: is not UTF-8 text (byte {byte}); save it as UTF-8",
            source,
            line,
        ) from None


def there(path: Path | str) -> bool:
    """Whether something is at ``path``; False also for names no file can have."""
    return os.path.exists(path)


def _refuse_odd(mode: int, path: Path | str, what: str) -> None:
    if stat.S_ISDIR(mode):
        raise FileError(f"{path}: is a folder; give a {what}", path)
    if not stat.S_ISREG(mode):
        raise FileError(
            f"{path}: is a pipe or a device, not a plain file; copy its content to a {what} first",
            path,
        )


# --- out ------------------------------------------------------------------------------------
def write_whole(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a file, and its folder where there is none; readers see the whole of it or none.

    ``durable`` waits until it is on disk; a cache does without.

    Raises
    ------
    OutputError
        It cannot be written there; nothing is left behind.
    """
    _write({path: data}, durable)


def write_folder(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write several files into a folder, made if needed: all of them, or none.

    Each is first written under another name, and only when all are on disk do they take their
    names. Returns the paths, in order.

    Raises
    ------
    OutputError
        One of them cannot be written; nothing is left behind, nor a folder that was made.
    """
    paths = {folder / name: data for name, data in files.items()}
    _write(paths, True)
    return list(paths)


def probe_folder(folder: Path) -> None:
    """Find out whether files can be written into a folder, before hours go into making them.

    Leaves nothing behind: a folder that is not there yet is made and removed again.

    Raises
    ------
    OutputError
        They cannot.
    """
    with _undoing() as undo:
        try:
            _make_folders(folder, undo)
            _fill(folder / _hidden("probe"), b"", False, undo)
        except (OSError, ValueError) as error:
            raise _failed(folder, error) from None


def discard_parts() -> None:
    """Take back every write that is under way; for a process that ends at once."""
    for undo in list(_writing):
        undo.run()


def open_to_append(path: Path) -> IO[str]:
    """A plain file of ASCII text to write at the end of, and its folder where there is none.

    Raises
    ------
    OSError
        It cannot be opened, or is no plain file: a pipe would have the caller wait for a reader.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    for name in ("O_NONBLOCK", "O_CLOEXEC"):
        flags |= getattr(os, name, 0)
    stream = open(os.open(path, flags, 0o666), "a", encoding="ascii")  # noqa: SIM115 - returned
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
    return stream


class _Undo:
    """Steps that take back what a write has done so far.

    Each may be run twice: a signal that comes while they run begins them again.
    """

    def __init__(self) -> None:
        self.steps: list[Callable[[], object]] = []

    def run(self) -> None:
        """Take it back, the last step first."""
        for step in reversed(self.steps):
            with contextlib.suppress(OSError, ValueError):
                step()


@contextlib.contextmanager
def _undoing() -> Iterator[_Undo]:
    """Steps that are run when the block is left, in whatever way."""
    undo = _Undo()
    _writing.append(undo)
    try:
        yield undo
    finally:
        undo.run()
        _writing.remove(undo)


def _write(files: Mapping[Path, bytes], durable: bool) -> None:
    at = Path()
    with _undoing() as undo:
        try:
            parts: dict[Path, Path] = {}
            for at, data in files.items():
                _make_folders(at.parent, undo)
                if at.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                parts[at] = part = at.with_name(_hidden(at.name))
                _fill(part, data, durable, undo)
            earlier: list[Path] = []
            for at, part in parts.items():
                if len(parts) > 1:  # a single one takes its name or does not
                    earlier += _prepare(at, part, undo)
                os.replace(part, at)
            if durable:
                for folder in dict.fromkeys(path.parent for path in files):
                    _sync(folder)
        except (OSError, ValueError) as error:
            raise _failed(at, error) from None
        undo.steps = [partial(os.unlink, path) for path in earlier]


def _prepare(at: Path, part: Path, undo: _Undo) -> list[Path]:
    """Have it undone that ``part`` takes the name ``at``: what was there before is kept under
    another name, which is returned."""
    new = os.stat(part)

    def remove() -> None:
        found = os.lstat(at)
        if (found.st_dev, found.st_ino) == (new.st_dev, new.st_ino):
            os.unlink(at)

    undo.steps.append(remove)
    if not os.path.lexists(at):
        return []
    earlier = at.with_name(_hidden(at.name))

    def restore() -> None:
        os.replace(earlier, at)
        os.unlink(earlier)  # still there where both were names of one file

    undo.steps.append(restore)
    try:
        os.link(at, earlier, follow_symlinks=False)
    except (OSError, NotImplementedError):  # a file system without second names
        os.rename(at, earlier)
    return [earlier]


def _hidden(name: str) -> str:
    """A name of bounded length that no one else uses."""
    return f".{name[:80]}.{os.getpid()}-{secrets.token_hex(4)}.part"


def _fill(path: Path, data: bytes, durable: bool, undo: _Undo) -> None:
    undo.steps.append(partial(os.unlink, path))
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    for name in ("O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    with open(os.open(path, flags, 0o666), "wb", buffering=0) as stream:
        rest = memoryview(data)
        while rest:  # a disk that fills up takes a part and refuses the rest
            rest = rest[stream.write(rest) :]
        if durable:
            os.fsync(stream.fileno())


def _sync(folder: Path) -> None:
    """Have the names themselves on disk; not every file system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _make_folders(folder: Path, undo: _Undo) -> None:
    """Make a folder and those it lies in."""
    lacking: list[Path] = []
    place = folder
    while not place.exists():
        lacking.append(place)
        place = place.parent
    for place in reversed(lacking):
        undo.steps.append(partial(os.rmdir, place))  # which leaves one that others use
        try:
            place.mkdir()
        except FileExistsError:  # someone else was faster
            undo.steps.pop()


USER = frozenset(
    {
        errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ENOENT, errno.EACCES, errno.EPERM,
        errno.EROFS, errno.ELOOP, errno.EINVAL,
    }
)  # fmt: skip
"""Failures that another path mends; the others are the machine's."""


def _failed(path: Path, error: Exception) -> OutputError:
    code = error.errno if isinstance(error, OSError) else errno.EINVAL
    if code in (errno.ENOTDIR, errno.EEXIST):
        return OutputError(f"{_shown(path)}: is a file, or lies below one; give a folder", "path")
    if code in USER:
        remedy = "give a folder that you may write to"
    elif code in (errno.ENOSPC, getattr(errno, "EDQUOT", -1)):
        remedy = "free some space, or give a folder on another disk"
    else:
        remedy = "try again, or give another folder"
    return OutputError(
        f"{_shown(path)}: cannot be written ({_why(error)}); nothing was written, {remedy}",
        at_fault="path" if code in USER else "machine",
    )


def _shown(path: Path) -> str:
    shown = str(path).replace("\0", "\\0")
    return shown if len(shown) <= 200 else f"{shown[:197]}..."


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "a name cannot hold NUL" if "null" in str(error) else str(error)

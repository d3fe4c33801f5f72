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
from collections.abc import Iterable, Mapping
from pathlib import Path

from detente.errors import FileError, OutputError

__all__ = [
    "discard_parts", "probe_folder", "read_bytes", "read_text", "text_of", "there",
    "write_folder", "write_whole",
]  # fmt: skip

_parts: set[str] = set()
"""Files being written; a signal that ends the process removes them."""


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
    made: list[Path] = []
    part = folder / _hidden("probe")
    try:
        made = _make_folders(folder)
        with _part(part):
            _fill(part, b"", False)
    except (OSError, ValueError) as error:
        raise _failed(folder, error) from None
    finally:
        _remove_folders(made)


def discard_parts() -> None:
    """Remove every file that is being written; for a process that ends at once."""
    for name in list(_parts):
        with contextlib.suppress(OSError):
            os.unlink(name)


def _write(files: Mapping[Path, bytes], durable: bool) -> None:
    made: list[Path] = []
    at = Path()
    with contextlib.ExitStack() as stack:
        try:
            parts: dict[Path, Path] = {}
            for at, data in files.items():
                made += _make_folders(at.parent)
                if at.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                parts[at] = part = at.with_name(_hidden(at.name))
                stack.enter_context(_part(part))
                _fill(part, data, durable)
            for at, part in parts.items():
                os.replace(part, at)
            if durable:
                for folder in dict.fromkeys(path.parent for path in files):
                    _sync(folder)
        except (OSError, ValueError) as error:
            stack.close()  # the parts first, then the folders they lie in
            _remove_folders(made)
            raise _failed(at, error) from None


@contextlib.contextmanager
def _part(path: Path):
    """A file being written; gone in the end unless it has taken its name."""
    _parts.add(str(path))
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            os.unlink(path)
        _parts.discard(str(path))


def _hidden(name: str) -> str:
    """A name of bounded length that no one else uses."""
    return f".{name[:80]}.{os.getpid()}-{secrets.token_hex(4)}.part"


def _fill(path: Path, data: bytes, durable: bool) -> None:
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


def _make_folders(folder: Path) -> list[Path]:
    """Make a folder and those it lies in; the ones that were made, outermost first."""
    made: list[Path] = []
    lacking: list[Path] = []
    place = folder
    while not place.exists():
        lacking.append(place)
        place = place.parent
    for place in reversed(lacking):
        try:
            place.mkdir()
        except FileExistsError:
            continue  # someone else was faster
        except OSError:
            _remove_folders(made)
            raise
        made.append(place)
    return made


def _remove_folders(made: Iterable[Path]) -> None:
    for folder in reversed(list(made)):
        with contextlib.suppress(OSError):  # someone else uses it by now
            folder.rmdir()


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

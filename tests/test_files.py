"""The bounded reader and the writer of whole files."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from detente import files
from detente.errors import FileError, OutputError, RecordError, TableError
from detente.files import (
    open_to_append,
    probe_folder,
    read_bytes,
    read_text,
    write_folder,
    write_whole,
)  # fmt: skip


def test_a_file_up_to_the_limit_is_read_and_one_byte_more_is_not(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"12345")
    assert read_bytes(path, 5) == b"12345"
    with pytest.raises(FileError, match=r"a\.txt: larger than 4 bytes"):
        read_bytes(path, 4)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_what_is_no_plain_file_is_refused_at_once(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name, words in {
        "pipe": "a pipe or a device",
        "endless": "a pipe or a device",
        "": "is a folder",
        "loop": "cannot be read",
        "dangling": "no such file",
        "absent": "no such file",
        "x" * 300: "cannot be read",
        "nul\0": "cannot be read",
    }.items():
        with pytest.raises(FileError, match=words) as caught:
            read_bytes(str(tmp_path / name), 10)
        assert isinstance(caught.value, RecordError)
        assert isinstance(caught.value, TableError)


def test_what_is_not_utf8_names_its_line_and_a_byte_order_mark_is_no_text(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\ntwo\nthr\xe9e\n")
    with pytest.raises(FileError, match=r"line 3: is not UTF-8 text \(byte 0xe9\)") as caught:
        read_text(path, 100)
    assert (caught.value.file, caught.value.line) == (str(path), 3)
    path.write_bytes(b"\xef\xbb\xbfone")
    assert read_text(path, 100) == "one"


def test_a_file_is_made_with_its_folders_and_replaces_what_was_there(tmp_path: Path):
    path = tmp_path / "a" / "b" / "c.txt"
    for content in (b"first", b"second, longer", b""):
        write_whole(path, content)
        assert path.read_bytes() == content
        assert os.listdir(path.parent) == ["c.txt"]


class Full:
    """A disk that takes some bytes in all, then a part of what it is given, then nothing."""

    def __init__(self, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room = room
        real = files.open if hasattr(files, "open") else open

        def opened(*args, **kwargs):
            stream = real(*args, **kwargs)
            return self._Stream(stream, self) if "w" in args[1] else stream

        monkeypatch.setattr(files, "open", opened, raising=False)

    class _Stream:
        def __init__(self, stream, disk: Full) -> None:
            self.stream, self.disk = stream, disk

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.stream.close()

        def fileno(self):
            return self.stream.fileno()

        def write(self, data):
            if not self.disk.room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            taken = self.stream.write(data[: min(self.disk.room, 7)])
            self.disk.room -= taken
            return taken


def tree(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*")}


def test_a_disk_that_fills_up_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "old.txt").write_text("old")
    before = tree(tmp_path)
    contents = {"old.txt": b"new " * 10, "b.csv": b"b" * 30}
    for room in range(70):
        Full(room, monkeypatch)
        with pytest.raises(OutputError, match=r"No space left on device.*free some space") as bad:
            write_folder(tmp_path / "x" / "y", contents)
        assert bad.value.at_fault == "machine"
        with pytest.raises(OutputError):
            write_folder(tmp_path, contents)
        assert tree(tmp_path) == before
        assert (tmp_path / "old.txt").read_text() == "old"
        monkeypatch.undo()
    Full(70, monkeypatch)  # in parts of seven bytes, and just enough
    write_folder(tmp_path, contents)
    assert (tmp_path / "old.txt").read_bytes() == contents["old.txt"]
    assert (tmp_path / "b.csv").read_bytes() == contents["b.csv"]


def test_where_nothing_can_be_written_is_known_before_and_leaves_nothing(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    before = tree(tmp_path)
    probe_folder(tmp_path / "new" / "folder")
    assert tree(tmp_path) == before
    for place in (tmp_path / "file", tmp_path / "file" / "sub", tmp_path / ("x" * 300),
                  Path("/proc/none"), tmp_path / "a\0b"):  # fmt: skip
        for attempt in (probe_folder, lambda p: write_folder(p, {"a": b""})):
            with pytest.raises(OutputError) as bad:
                attempt(place)
            assert bad.value.at_fault == "path"
            assert len(str(bad.value)) < 500
        assert tree(tmp_path) == before


def test_the_process_that_ends_at_once_takes_its_parts_with_it(tmp_path: Path, monkeypatch):
    seen = []

    def fsync(_handle: int) -> None:
        seen.extend(tree(tmp_path))
        files.discard_parts()
        assert tree(tmp_path) == set()
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OutputError, match="Input/output error"):
        write_whole(tmp_path / "a.txt", b"x")
    assert len(seen) == 1


def nth_replace_fails(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    real, calls = os.replace, iter(range(1, 100))

    def replace(source, target):
        if next(calls) == count:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_folder_of_which_one_file_cannot_take_its_name_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, links: bool
):
    (tmp_path / "b").write_text("old b")
    (tmp_path / "c").symlink_to("b")
    before = tree(tmp_path)
    contents = {"a": b"new a", "b": b"new b", "c": b"new c"}
    if not links:  # as on file systems that know no second names
        monkeypatch.setattr(os, "link", no_links)
    with monkeypatch.context() as broken:
        nth_replace_fails(broken, count)
        with pytest.raises(OutputError, match="nothing was written"):
            write_folder(tmp_path, contents)
        assert tree(tmp_path) == before
        assert (tmp_path / "c").is_symlink()
        assert (tmp_path / "b").read_text() == "old b"
    with monkeypatch.context() as broken:
        nth_replace_fails(broken, count)
        with pytest.raises(OutputError, match="nothing was written"):
            write_folder(tmp_path / "x" / "y", contents)
        assert tree(tmp_path) == before
    write_folder(tmp_path, contents)
    assert tree(tmp_path) == {"a", "b", "c"}
    assert [(tmp_path / n).read_bytes() for n in contents] == list(contents.values())


def no_links(*_args, **_named) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


@pytest.mark.parametrize("stop_at", [1, 2])
def test_an_end_while_files_take_their_names_takes_all_of_them_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
):
    (tmp_path / "b").write_text("old b")
    before = tree(tmp_path)
    real, calls = os.replace, iter(range(1, 100))
    seen = []

    def replace(source, target):
        real(source, target)
        if next(calls) == stop_at:
            files.discard_parts()
            seen.append((tree(tmp_path), (tmp_path / "b").read_text()))
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", replace)
    for folder in (tmp_path, tmp_path / "x"):
        with pytest.raises(KeyboardInterrupt):
            write_folder(folder, {"a": b"new a", "b": b"new b"})
        assert tree(tmp_path) == before
        calls = iter(range(1, 100))
    assert seen == [(before, "old b")] * 2


def test_a_write_left_by_any_error_leaves_no_folder(tmp_path: Path, monkeypatch):
    def full(*_args) -> None:
        raise MemoryError

    monkeypatch.setattr(files, "_sync", full)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MemoryError):
        write_whole(tmp_path / "x" / "y" / "a.txt", b"a")
    assert tree(tmp_path) == set()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_what_is_appended_to_is_a_plain_file(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    for name in ("pipe", "endless", ""):
        with pytest.raises(OSError, match=r"\[Errno"):
            open_to_append(tmp_path / name)
    for text in ("one", "two"):
        with open_to_append(tmp_path / "x" / "plain") as stream:
            stream.write(text)
    assert (tmp_path / "x" / "plain").read_text() == "onetwo"

"""What a card has evaluated so far, so that a run that is stopped is not begun again.

Answers are appended to a file in the user's cache folder as they come, under a name made from all
that they depend on, and taken up by the next run of the same card. The file goes when the card is
done. Numbers are written so that they come back to the last bit.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import zlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import IO, Any

import numpy as np

from detente.cachefolder import cache_folder
from detente.cards.kind import Answer
from detente.errors import FileError
from detente.files import open_to_append, read_bytes
from detente.version import __version__

__all__ = ["Journal", "kept_words"]

MAX_BYTES = 200_000_000
"""Some million answers; the largest card asks for a tenth of it."""

_open: list[Journal] = []


def kept_words() -> str:
    """What a run that is stopped now leaves for the next, in words; nothing where it does not."""
    kept, asked = (sum(getattr(j, name) for j in _open) for name in ("kept", "asked"))
    if not kept:
        return ""
    return f"; {kept} of {asked} cases are kept, and the same command goes on from there"


class Journal:
    """Answers of one card by the number of their row.

    Parameters
    ----------
    asked : what is to be answered, row by row
    depends : everything else the answers depend on, as JSON can hold it
    """

    def __init__(self, asked: Sequence[Any], depends: Sequence[Any]) -> None:
        depends = [__version__, _sources(), *depends]
        body = json.dumps([depends, list(asked)], sort_keys=True, default=str)
        name = f"draws-{hashlib.sha256(body.encode()).hexdigest()[:32]}.jsonl"
        folder = cache_folder()
        self.path: Path | None = None if folder is None else folder / name
        self.asked = len(asked)
        self.answers: dict[int, Answer | str] = {}
        self._stream: IO[str] | None = None

    @property
    def kept(self) -> int:
        """Answers that lie in the file."""
        return len(self.answers) if self.path is not None else 0

    def __enter__(self) -> Journal:
        _open.append(self)
        self._read()
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        _open.remove(self)
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.close()
        if failed is None and self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)

    def add(self, rows: Sequence[int], answers: Sequence[Answer | str]) -> None:
        """Keep answers; a folder that cannot be written costs only the next run's time."""
        for row, answer in zip(rows, answers, strict=True):
            self.answers[row] = answer
        if self.path is None:
            return
        lines = "".join(_line(r, self.answers[r]) for r in rows)
        try:
            if self._stream is None:
                self._stream = open_to_append(self.path)
            self._stream.write(lines)
            self._stream.flush()
        except OSError:
            self.path = None

    def _read(self) -> None:
        """What an earlier run left; a line that was cut short, or is not ours, is left out."""
        if self.path is None:
            return
        with contextlib.suppress(FileError):
            for line in read_bytes(self.path, MAX_BYTES).splitlines():
                check, _, body = line.partition(b" ")
                if check != _check(body):
                    continue
                try:
                    row, answer = json.loads(body)
                    if type(row) is int and 0 <= row < self.asked:
                        self.answers[row] = _answer(answer)
                except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
                    continue
        if self.answers:  # a cut line must not run into the next
            with contextlib.suppress(OSError):
                self._stream = open_to_append(self.path)
                self._stream.write("\n")


def _sources() -> list[tuple[str, int, int]]:
    """The package's own files as they stand: answers of code that was edited are not taken up."""
    root = Path(str(files("detente")))
    found = ((p, p.stat()) for p in sorted(root.rglob("*.[py]*")) if p.suffix in (".py", ".yaml"))
    return [(p.relative_to(root).as_posix(), s.st_size, s.st_mtime_ns) for p, s in found]


def _line(row: int, answer: Answer | str) -> str:
    body = json.dumps([row, _plain(answer)])
    return f"{_check(body.encode()).decode()} {body}\n"


def _check(body: bytes) -> bytes:
    """What a line begins with: one wrong digit in it would be taken for an answer."""
    return b"%08x" % zlib.crc32(body)


def _plain(answer: Answer | str) -> Any:
    if isinstance(answer, str):
        return answer
    values = answer.numbers.items()
    numbers = {k: v.item() if isinstance(v, np.generic) else v for k, v in values}
    return {"verdict": answer.verdict, "numbers": numbers}


def _answer(plain: Any) -> Answer | str:
    if isinstance(plain, str):
        return plain
    numbers = plain["numbers"]
    if not all(type(v) in (int, float) for v in numbers.values()):
        raise ValueError("not an answer")
    return Answer(str(plain["verdict"]), numbers)

"""Where ``detente`` starts and, above all, how it ends.

Exit codes
----------
0    every printed number converged
1    a fault of the program itself; ``DETENTE_DEBUG=1`` shows where
2    bad input: nothing was written
3    no equilibrium exists, or a solve did not converge
4    the machine failed: a full disk, a closed output, no memory, a killed worker
130  stopped by Ctrl-C; 143 by SIGTERM, 129 by SIGHUP

Each of them but the first comes with one line on standard error. A reader that goes away
(``detente run ... | head``) is no fault.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import sys
from io import BufferedWriter, RawIOBase, TextIOWrapper
from types import FrameType
from typing import Any, TextIO

__all__ = ["main"]

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


def main() -> None:
    """Run a command; every way it can end leads to one line and an exit code."""
    for name in SIGNALS:
        number = getattr(signal, name, None)
        # what the caller had ignored (nohup) stays so
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    sys.exit(_ended())


def _stop(number: int, _frame: FrameType | None) -> None:
    """End the process now, with what it started and what it was writing.

    No exception is raised: one that comes up in the middle of an import or of a callback is
    caught, changed or printed by whatever runs there.
    """
    for name in SIGNALS:  # a second one must not begin this again
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    with contextlib.suppress(Exception):
        # modules that were not imported have nothing to end
        if files := sys.modules.get("detente.files"):
            files.discard_parts()
        for room in ("detente.runs.workers", "detente.world.hdf5"):
            if starts_processes := sys.modules.get(room):
                starts_processes.kill_all()
        journal = sys.modules.get("detente.cards.journal")
        kept = journal.kept_words() if journal else ""
        with contextlib.suppress(OSError):
            fresh = "\n" if os.isatty(2) else ""  # a progress bar stands on the line
            os.write(2, f"{fresh}detente: stopped{kept}\n".encode())
    os._exit(128 + number)


def _ended() -> int:
    """Run the command and say how it ended."""
    # the memory pool that pyarrow brings along starts a thread, and complains where it cannot
    os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
    _fill_gaps()
    if sys.stderr is None:  # closed: print() would write to standard output instead
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for good
    if sys.stdout is None:
        return _say("standard output is closed; give it somewhere to go", 4)
    for handle in (1, 2):  # whoever made them so (a pipe of node) would lose what is not taken
        with contextlib.suppress(OSError, AttributeError):
            os.set_blocking(handle, True)
    sys.stdout, sys.stderr = _careful(sys.stdout), _tolerant(sys.stderr)
    try:
        code = _command()
        sys.stdout.flush()
    except BaseException as error:
        if _reader_gone(error):
            _drop_output()
            return 0
        code = _failed(error)
    try:
        sys.stdout.flush()
    except OSError as error:
        _drop_output()
        if code == 0 and error.errno != errno.EPIPE:
            return _failed(error)
    return code


def _fill_gaps() -> None:
    """Have nothing else take the number of a standard stream that is closed: what is meant for the
    stream would be written into it."""
    for handle in (0, 1, 2):
        try:
            os.fstat(handle)
        except OSError:
            with contextlib.suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _careful(stream: TextIO) -> TextIO:
    """The stream, such that it loses nothing silently.

    One that knows few letters gets a question mark for the others. One without a buffer
    (``PYTHONUNBUFFERED``) gets one: what the system takes only in part would be cut there, as on
    a disk that fills up.
    """
    ours = stream is sys.__stdout__ or stream is sys.__stderr__
    if not ours or not isinstance(stream, TextIOWrapper):
        return stream  # whoever put it there minds it
    bare: object = stream.buffer
    if not isinstance(bare, RawIOBase):
        stream.reconfigure(errors="replace")
        return stream
    encoding = stream.encoding
    stream.detach()
    held = BufferedWriter(bare)
    return TextIOWrapper(held, encoding=encoding, errors="replace", line_buffering=True)


class _Tolerant(RawIOBase):
    """A way to a file that says of everything that it was written."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def fileno(self) -> int:
        return self._handle

    def isatty(self) -> bool:
        return os.isatty(self._handle)

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        try:
            return os.write(self._handle, data)
        except OSError:
            return len(data)


def _tolerant(stream: TextIO) -> TextIO:
    """Standard error, such that what it cannot take (a full disk, a reader that has gone) is lost:
    it must not change how the command ends."""
    if not isinstance(stream, TextIOWrapper):
        return stream
    try:
        held = BufferedWriter(_Tolerant(stream.fileno()))
    except OSError:  # text that is kept in memory
        return stream
    return TextIOWrapper(held, encoding=stream.encoding, errors="replace", line_buffering=True)


def _command() -> int:
    import typer

    from detente.cli.app import commands

    # typer brings a click of its own, or takes the one installed, depending on its version
    click: Any = sys.modules[typer.BadParameter.__module__]
    try:
        code = commands()(standalone_mode=False)
    except click.ClickException as error:
        return _misused(error)
    except typer.Exit as left:
        return left.exit_code
    except typer.Abort:
        return _say("stopped", 130)
    return code if isinstance(code, int) else 0


def _misused(error: Any) -> int:
    """One line on a command line that is none; for a command without its commands, the help."""
    context = getattr(error, "ctx", None)
    if context is None or type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return error.exit_code
    said = " ".join(error.format_message().split()).rstrip(".")
    return _say(f"{said}; see {context.command_path} --help", error.exit_code)


def _failed(error: BaseException) -> int:
    """One line on standard error, and the exit code."""
    if os.environ.get("DETENTE_DEBUG"):
        import traceback

        traceback.print_exception(error)
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if isinstance(error, KeyboardInterrupt):
        return _say("stopped", 130)
    if lacking := _lacking(error):
        return _say(lacking, 4)
    from detente.errors import DetenteError, InputError, OutputError, WorkerError

    if isinstance(error, InputError):
        return _say(str(error), 2)
    if isinstance(error, OutputError):
        return _say(str(error), 2 if error.at_fault == "path" else 4)
    if isinstance(error, DetenteError):
        return _say(str(error), 4 if isinstance(error, WorkerError) else 3)
    if isinstance(error, OSError):
        at = f"{error.filename}: " if error.filename else ""
        return _say(f"{at}{error.strerror or error}; free what is lacking and try again", 4)
    words = " ".join(str(error).split())[:300]
    return _say(
        f"a fault of the program ({type(error).__name__}: {words}); please report it, with what "
        "DETENTE_DEBUG=1 shows",
        1,
    )


def _reader_gone(error: BaseException) -> bool:
    """Whether it is a closed pipe; click turns one in the middle of an output into an exit."""
    inner = error.__context__ if isinstance(error, SystemExit) else error
    return isinstance(inner, BrokenPipeError)


_NO_MEMORY = ("failed to map segment", "cannot allocate memory", "unable to allocate")
_NO_FILES = ("too many open files",)
_NO_THREADS = ("can't start new thread",)


def _lacking(error: BaseException) -> str:
    """What the machine is short of, in words, or nothing.

    A library that cannot be loaded for want of memory or of descriptors is an ImportError, which
    only its text tells from a broken installation; others wrap it in errors of their own.
    """
    seen: BaseException | None = error
    while seen is not None:
        said = str(seen).casefold() if isinstance(seen, ImportError | RuntimeError) else ""
        number = seen.errno if isinstance(seen, OSError) else None
        if isinstance(seen, MemoryError) or number == errno.ENOMEM or _any(_NO_MEMORY, said):
            return "not enough memory; use a smaller world, or fewer draws or workers"
        if number in (errno.EMFILE, errno.ENFILE) or _any(_NO_FILES, said):
            return "too many open files; allow more (ulimit -n) and try again"
        if _any(_NO_THREADS, said):
            return "no more threads can be started; allow more (ulimit -u) and try again"
        seen = seen.__cause__ or seen.__context__
    return ""


def _any(parts: tuple[str, ...], text: str) -> bool:
    return any(part in text for part in parts)


def _say(words: str, code: int) -> int:
    with contextlib.suppress(OSError):
        print(f"detente: {_one_line(words)}", file=sys.stderr, flush=True)
    return code


def _one_line(words: str) -> str:
    """The words without line ends and other commands to a terminal; a name that goes on for
    hundreds of characters is shown in part."""
    shown = "".join(
        c if c.isprintable() else " " if c == "\n" else c.encode("unicode_escape").decode()
        for c in words
    )
    return re.sub(r"\S{301,}", lambda found: f"{found[0][:200]}...{found[0][-60:]}", shown)


def _drop_output() -> None:
    """Have what is left in the buffer of standard output go nowhere when the process ends."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)

"""Long work in a process of its own, with progress, that can be stopped with all it started."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from detente.errors import DetenteError
from detente.web.parent import end_with_parent
from detente.web.pool import context

__all__ = ["Work"]


class Work:
    """``function(*args, progress=...)`` in a process of its own.

    Attributes
    ----------
    status : "running", "done", "failed" or "cancelled"
    done, total : progress as last reported
    result : what the function returned, once done
    error : why it failed, in words

    Raises
    ------
    OSError
        The process cannot be started: no descriptor, no memory or no process is left.
    """

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.status = "running"
        self.done, self.total = 0, 0
        self.result: Any = None
        self.error = ""
        self._lock, self._ending = threading.Lock(), threading.Lock()
        self._ended = False
        ctx = context()
        self._pipe, theirs = ctx.Pipe(duplex=False)
        self._process = ctx.Process(target=_run, args=(theirs, function, args), daemon=True)
        try:
            self._process.start()
        except BaseException:
            self._pipe.close()
            raise
        finally:
            theirs.close()

    def watch(self) -> None:
        """Follow the process until it ends; call it from a thread."""
        try:
            while self.status == "running":
                what, *rest = self._pipe.recv()
                with self._lock:
                    if what == "progress":
                        self.done, self.total = rest
                    elif self.status == "running":
                        self.status = what
                        self.result, self.error = rest
        except (EOFError, OSError):
            self._failed(None)
        except Exception as error:  # what came through the pipe cannot be read
            self._failed(f"its result cannot be read: {type(error).__name__}: {error}")
        self._end()
        self._pipe.close()

    def _failed(self, why: str | None) -> None:
        with self._lock:
            if self.status == "running":
                self._process.join(5 if why is None else 0)
                self.status = "failed"
                self.error = why or f"its process ended with code {self._process.exitcode}"

    def cancel(self) -> None:
        """Stop the process and every process it started."""
        with self._lock:
            if self.status != "running":
                return
            self.status = "cancelled"
        self._end()

    def _end(self) -> None:
        with self._ending:
            if self._ended:
                return
            pid = self._process.pid
            if pid is not None and self._process.is_alive():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
                self._process.kill()
            self._process.join(5)
            if self._process.exitcode is not None:
                self._process.close()  # its descriptors, now rather than with the kept result
                self._ended = True


def _run(pipe: Connection, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """In the process: a session of its own, so that what it starts can be stopped with it."""
    os.setsid()
    end_with_parent(group=True)
    os.nice(10)  # those who look at a page go first
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def progress(done: int, total: int) -> None:
        pipe.send(("progress", done, total))

    try:
        pipe.send(("done", function(*args, progress=progress), ""))
    except DetenteError as error:
        pipe.send(("failed", None, str(error)))
    except Exception as error:
        traceback.print_exc()
        pipe.send(("failed", None, f"{type(error).__name__}: {error}"))

"""``detente serve``: the live page on this machine."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli.formats import named_path
from detente.errors import FileError, InputError
from detente.files import read_text

if TYPE_CHECKING:
    from detente.web.stop import Stop

__all__ = ["register"]

NEEDED = ("fastapi", "uvicorn", "jinja2")

TOKEN = "DETENTE_TOKEN"

SHORTEST = 16
"""Characters a token has at least."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.command("serve")(serve)


def serve(
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; beyond this machine only with "
                                         "--public and a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 for any.")] = 8000,
    public: Annotated[
        bool, typer.Option("--public", help="Allow a host beyond this machine; needs a token.")
    ] = False,
    token: Annotated[
        str | None,
        typer.Option("--token", help="Secret asked for with every request; at least 16 "
                     f"characters. Better set {TOKEN} or use --token-file: others on this machine "
                     "can read command lines."),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", parser=named_path, metavar="PATH",
                     help="File that holds the secret, and nothing else."),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option("--name", help="Name under which browsers reach the server beyond this "
                                    "machine, e.g. desk.example.org. Repeatable."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, max=256, help="Worker processes; by default one a core."),
    ] = None,
    connections: Annotated[
        int, typer.Option("--connections", min=16, max=8000,
                          help="Connections open at a time; fewer where descriptors are short.")
    ] = 512,
    per_address: Annotated[
        int, typer.Option("--per-address", min=4, max=8000,
                          help="Of them, those of one address other than this machine's.")
    ] = 64,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:  # fmt: skip
    """Serve the live page: scrub through the trade war and watch the world re-solve."""
    lacking = [name for name in NEEDED if find_spec(name) is None]
    if lacking:
        raise InputError(
            f'serve: {", ".join(lacking)} is not installed; run: pip install "detente[web]"'
        )
    from detente.web.stop import Stop

    stop = Stop()
    stop.install()
    token = _secret(token, token_file)
    _refuse_open_doors(host, public, token)
    with closing(_listen(host, port)) as sock:
        _run(sock, host, token, names or [], workers, (connections, per_address), open_, stop)


def _secret(token: str | None, file: Path | None) -> str | None:
    """The token: of the command line, of a file, or of the environment, in that order."""
    if token is not None and file is not None:
        raise InputError("--token-file: a --token is given too; give one of them")
    if token is not None:
        print(
            f"detente: --token can be read by others on this machine (ps); set {TOKEN} or use "
            "--token-file instead", file=sys.stderr,
        )  # fmt: skip
        return token
    if file is not None:
        return _read_token(file)
    return os.environ.get(TOKEN) or None


def _read_token(file: Path) -> str:
    try:
        return read_text(file, 4096, "file with the token").strip()
    except FileError as error:
        raise InputError(f"--token-file {error}") from None


def _refuse_open_doors(host: str, public: bool, token: str | None) -> None:
    from detente.web.safety import is_loopback

    if token is not None and (len(token) < SHORTEST or not token.isascii() or not _plain(token)):
        raise InputError(
            f"--token, --token-file or {TOKEN}: at least {SHORTEST} letters and digits are needed, "
            'for instance from: python -c "import secrets; print(secrets.token_urlsafe())"'
        )
    if is_loopback(host):
        return
    if not public:
        raise InputError(
            f"--host {host}: would be reached from other machines; add --public and a token if "
            "that is meant"
        )
    if token is None:
        raise InputError(f"--public: needs a token; set {TOKEN} or give --token-file")


def _plain(token: str) -> bool:
    return all(c.isalnum() or c in "-_.~" for c in token)


def _listen(host: str, port: int) -> socket.socket:
    """The socket; taken before anything is loaded, so that a busy port is said at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # the protocol is named, since only then asyncio sends small answers without delay
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host.strip("[]"), port))
        sock.listen(512)  # a browser that is early waits instead of being refused
    except OSError as error:
        sock.close()
        why = error.strerror or str(error)
        raise InputError(
            f"--port {port}: cannot listen on {host} ({why}); choose another, or 0 for any free one"
        ) from None
    return sock


def _run(
    sock: socket.socket, host: str, token: str | None, names: list[str], workers: int | None,
    connections: tuple[int, int], open_: bool, stop: Stop,
) -> None:  # fmt: skip
    # one BLAS thread: cores are used by several workers
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from detente.web import server
    from detente.web.pool import Pool

    files = server.descriptors()
    pool = Pool(workers)  # its processes load the world while this one does
    try:
        room = server.room_for(*connections, files, pool.size)
        from detente.web.app import create_app
        from detente.web.services import Services

        held = Services(pool=pool)
        app = create_app(held, token=token, hosts=[host.strip("[]"), *names])
        port = sock.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{port}/" + (f"?token={token}" if token else "")
        print(f"detente: {url} (stop with Ctrl-C)", file=sys.stderr, flush=True)
        if open_:
            import threading
            import webbrowser

            opener = threading.Timer(1.0, webbrowser.open, [url])
            opener.daemon = True
            opener.start()
        try:
            server.run(app, sock, room, stop)
        finally:
            held.stop()  # nothing is left to end where the server has ended in good order
    finally:
        pool.close()

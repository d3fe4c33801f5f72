"""``detente serve``: the live page on this machine."""

from __future__ import annotations

import os
import socket
import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from detente.errors import InputError

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
        typer.Option("--token", envvar=TOKEN, show_envvar=True,
                     help="Secret asked for with every request; at least 16 characters."),
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
    open_: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:  # fmt: skip
    """Serve the live page: scrub through the trade war and watch the world re-solve."""
    lacking = [name for name in NEEDED if find_spec(name) is None]
    if lacking:
        raise InputError(
            f'serve: {", ".join(lacking)} is not installed; run: pip install "detente[web]"'
        )
    _refuse_open_doors(host, public, token)
    sock = _listen(host, port)
    _run(sock, host, token, names or [], workers, open_)


def _refuse_open_doors(host: str, public: bool, token: str | None) -> None:
    from detente.web.safety import is_loopback

    if token is not None and (len(token) < SHORTEST or not token.isascii() or not _plain(token)):
        raise InputError(
            f"--token: at least {SHORTEST} letters and digits are needed, for instance from: "
            'python -c "import secrets; print(secrets.token_urlsafe())"'
        )
    if is_loopback(host):
        return
    if not public:
        raise InputError(
            f"--host {host}: would be reached from other machines; add --public and a --token if "
            "that is meant"
        )
    if token is None:
        raise InputError(f"--public: needs a token; give --token or set {TOKEN}")


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
    open_: bool,
) -> None:  # fmt: skip
    # one BLAS thread: cores are used by several workers
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import uvicorn

    from detente.web.app import create_app
    from detente.web.pool import Pool
    from detente.web.services import Services

    pool = Pool(workers)  # its processes load the world while this one does
    app = create_app(Services(pool=pool), token=token, hosts=[host.strip("[]"), *names])
    port = sock.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{port}/" + (f"?token={token}" if token else "")
    print(f"detente: {url} (stop with Ctrl-C)", file=sys.stderr, flush=True)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_keep_alive=20,
        limit_concurrency=512, backlog=512, h11_max_incomplete_event_size=96_000,
        timeout_graceful_shutdown=5,
    )  # fmt: skip
    if open_:
        import threading
        import webbrowser

        threading.Timer(1.0, webbrowser.open, [url]).start()
    uvicorn.Server(config).run(sockets=[sock])

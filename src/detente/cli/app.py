"""``detente``: the commands."""

from __future__ import annotations

from functools import cache
from typing import Annotated

import typer

__all__ = ["app", "commands"]


app = typer.Typer(
    name="detente",
    help="A trade-policy laboratory: what a tariff, a ban or a pact does to every country.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.")
    ] = False,
) -> None:
    if version:
        from detente.version import __version__

        typer.echo(f"detente {__version__}")
        raise typer.Exit


@cache
def commands() -> typer.Typer:
    """The app with every command; modules import heavy packages only when a command runs."""
    from detente.cli import ledger, path, play, regime, run, serve, world

    run.register(app)
    path.register(app)
    play.register(app)
    regime.register(app)
    serve.register(app)
    app.add_typer(ledger.app, name="ledger")
    app.add_typer(world.app, name="world")
    return app

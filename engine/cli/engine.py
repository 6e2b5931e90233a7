"""`holdfast engine`: stop and resume everything, for every tenant."""

from typing import TYPE_CHECKING

import click

from engine.cli.lazy import lazy
from engine.cli.render import render_one

if TYPE_CHECKING:
    from engine.cli.acts import engine as acts
    from engine.cli.acts import session
else:
    acts = lazy("engine.cli.acts.engine")
    session = lazy("engine.cli.acts.session")


@click.group()
def engine() -> None:
    """Show and set the mode of the whole engine."""


@engine.command()
def show() -> None:
    """Show the engine's mode, its reason and the installation tag."""
    render_one(session.perform(lambda ledger, _: acts.show(ledger)))


@engine.command("set-mode")
@click.argument("mode", type=click.Choice(["active", "reducing", "halted"]))
@click.option("--reason", required=True, help="Why; kept with your name and shown to every robot it stops.")
def set_mode(mode: str, reason: str) -> None:
    """Set the MODE of the engine: reducing and halted refuse entries of every tenant, at once."""
    render_one(session.perform(lambda ledger, _: acts.set_mode(ledger, mode, reason)))

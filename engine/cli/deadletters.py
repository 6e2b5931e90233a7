"""`holdfast deadletters`: requests and events that failed for good, and what shall become of them."""

from typing import TYPE_CHECKING

import click

from engine.cli.lazy import lazy
from engine.cli.render import render, render_one

if TYPE_CHECKING:
    from engine.cli.acts import deadletters as acts
    from engine.cli.acts import session
else:
    acts = lazy("engine.cli.acts.deadletters")
    session = lazy("engine.cli.acts.session")

_COLUMNS = ("dead_letter_id", "direction", "source", "state", "code", "attempts", "type", "seq", "created_at")
_LIMIT = 100


@click.group()
def deadletters() -> None:
    """Look at dead letters, retry or drop them."""


@deadletters.command("list")
@click.argument("tenant")
@click.option("--state", type=click.Choice(["open", "retried", "dropped"]), help="Only these.")
@click.option("--direction", type=click.Choice(["in", "out"]), help="in: requests, out: events.")
@click.option("--limit", type=click.IntRange(1, 500), default=_LIMIT, show_default=True)
def list_(tenant: str, state: str | None, direction: str | None, limit: int) -> None:
    """List TENANT's dead letters, oldest first."""
    given = {"state": state, "direction": direction, "limit": limit}
    filters = {name: value for name, value in given.items() if value is not None}
    render(session.perform(lambda ledger, _: acts.listed(ledger, tenant, filters)), _COLUMNS)


@deadletters.command()
@click.argument("tenant")
@click.argument("letter")
def show(tenant: str, letter: str) -> None:
    """Show one dead letter with its error's trace and what it carries."""
    render_one(session.perform(lambda ledger, _: acts.shown(ledger, tenant, letter)))


@deadletters.command()
@click.argument("tenant")
@click.argument("letter")
def retry(tenant: str, letter: str) -> None:
    """Give LETTER one more attempt; if it fails again it is open again."""
    render_one(session.perform(lambda ledger, _: acts.retried(ledger, tenant, letter)))


@deadletters.command()
@click.argument("tenant")
@click.argument("letter")
@click.option("--reason", required=True, help="Why it need not be done; kept in the audit.")
def drop(tenant: str, letter: str, reason: str) -> None:
    """End LETTER: nothing is tried any more, its row stays."""
    render_one(session.perform(lambda ledger, _: acts.dropped(ledger, tenant, letter, reason)))

"""`holdfast feed`: where a tenant's feed stands, its events, and a new epoch."""

from typing import TYPE_CHECKING

import click

from engine.cli.lazy import lazy
from engine.cli.render import render, render_one

if TYPE_CHECKING:
    from engine.cli.acts import feed as acts
    from engine.cli.acts import session
else:
    acts = lazy("engine.cli.acts.feed")
    session = lazy("engine.cli.acts.session")

_COLUMNS = ("seq", "at", "type", "profile_id", "order_id", "label")
_LIMIT = 100


@click.group()
def feed() -> None:
    """Look at a tenant's feed of events."""


@feed.command()
@click.argument("tenant")
def show(tenant: str) -> None:
    """Show where TENANT's feed stands and what waits."""
    render_one(session.perform(lambda ledger, _: acts.shown(ledger, tenant)))


@feed.command()
@click.argument("tenant")
@click.option("--since-seq", type=click.IntRange(0), default=0, show_default=True, help="After this seq.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=_LIMIT, show_default=True)
def events(tenant: str, since_seq: int, limit: int) -> None:
    """List TENANT's events after a seq."""
    render(session.perform(lambda ledger, _: acts.events(ledger, tenant, since_seq, limit)), _COLUMNS)


@feed.command("new-epoch")
@click.argument("tenant")
@click.option("--reason", required=True, help="Why; kept in the audit.")
def new_epoch(tenant: str, reason: str) -> None:
    """Begin a new epoch, after a backup was restored: every client takes a new snapshot."""
    render_one(session.perform(lambda ledger, _: acts.started(ledger, tenant, reason)))

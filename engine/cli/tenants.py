"""`holdfast tenants`: who owns capital here."""

from typing import TYPE_CHECKING

import click

from engine.cli.lazy import lazy
from engine.cli.render import render, render_one

if TYPE_CHECKING:
    from engine.cli.acts import session
    from engine.cli.acts import tenants as acts
else:
    session = lazy("engine.cli.acts.session")
    acts = lazy("engine.cli.acts.tenants")

_COLUMNS = ("name", "mode", "tenant_id", "created_at")
_AUDIT_COLUMNS = ("recorded_at", "actor", "action", "code", "detail")


@click.group()
def tenants() -> None:
    """Create and list tenants: owners of capital, each walled from the others."""


@tenants.command()
@click.argument("name")
def create(name: str) -> None:
    """Create the tenant NAME (1 to 64 letters, digits, dots, dashes or underscores)."""
    render_one(session.perform(lambda ledger, _: acts.create(ledger, name)))


@tenants.command("list")
def list_tenants() -> None:
    """List all tenants."""
    render(session.perform(lambda ledger, _: acts.every(ledger)), _COLUMNS)


@tenants.command()
@click.argument("tenant")
def show(tenant: str) -> None:
    """Show one TENANT, by name or id."""
    render_one(session.perform(lambda ledger, _: acts.named(ledger, tenant)))


@tenants.command()
@click.argument("tenant")
@click.option("--code", help="Only refusals with this code, such as CROSS_TENANT.")
@click.option("--actor", help="Only of this actor, such as robot:<id>.")
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True)
def audit(tenant: str, *, code: str | None, actor: str | None, limit: int) -> None:
    """List what operators did in TENANT and what was refused there, newest first."""
    filters = {"code": code, "actor": actor, "limit": str(limit)}
    render(session.perform(lambda ledger, _: acts.audit(ledger, tenant, filters)), _AUDIT_COLUMNS)


@tenants.command("set-mode")
@click.argument("tenant")
@click.argument("mode", type=click.Choice(["active", "reducing", "halted"]))
@click.option("--reason", required=True, help="Why; kept in the ledger with your name.")
def set_mode(tenant: str, mode: str, reason: str) -> None:
    """Set the MODE of TENANT: reducing and halted refuse its entries, exits and cancels pass."""
    render_one(session.perform(lambda ledger, _: acts.set_mode(ledger, tenant, mode, reason)))

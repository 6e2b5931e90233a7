"""`holdfast robots`: a tenant's programs and their keys."""

from typing import TYPE_CHECKING, Any

import click

from engine.cli.lazy import lazy
from engine.cli.render import current_output, render, render_one

if TYPE_CHECKING:
    from engine.cli.acts import robots as acts
    from engine.cli.acts import session
else:
    acts = lazy("engine.cli.acts.robots")
    session = lazy("engine.cli.acts.session")

_COLUMNS = ("name", "enabled", "living_keys", "robot_id", "created_at")


@click.group()
def robots() -> None:
    """Create robots and their keys. A key is shown once; only its hash is stored."""


@robots.command()
@click.argument("tenant")
@click.argument("name")
def create(tenant: str, name: str) -> None:
    """Create the robot NAME of TENANT and print its key, once."""
    _show_key(session.perform(lambda ledger, _: acts.create(ledger, tenant, name)))


@robots.command("list")
@click.argument("tenant")
def list_robots(tenant: str) -> None:
    """List the robots of TENANT with the ids of their keys."""
    rows = session.perform(lambda ledger, _: acts.every(ledger, tenant))
    if current_output() == "table":
        for row in rows:
            row["living_keys"] = [key["key_id"] for key in row["keys"] if key["revoked_at"] is None]
    render(rows, _COLUMNS)


@robots.command("rotate-key")
@click.argument("tenant")
@click.argument("robot")
@click.option("--keep-old", is_flag=True, help="Leave the old keys working; revoke them with revoke-key.")
def rotate_key(tenant: str, robot: str, keep_old: bool) -> None:
    """Make a new key for ROBOT, print it once, and revoke its old ones."""
    _show_key(session.perform(lambda ledger, _: acts.rotate_key(ledger, tenant, robot, keep_old=keep_old)))


@robots.command("revoke-key")
@click.argument("tenant")
@click.argument("robot")
@click.option("--key-id", help="Revoke this key only, not all of the robot's.")
def revoke_key(tenant: str, robot: str, key_id: str | None) -> None:
    """Revoke the keys of ROBOT: running daemons refuse them within seconds."""
    render_one(session.perform(lambda ledger, _: acts.revoke_key(ledger, tenant, robot, key_id)))


def _show_key(made: dict[str, Any]) -> None:
    render_one(made)
    if current_output() == "table":
        click.echo("Keep the key now: it is not stored and cannot be shown again.", err=True)

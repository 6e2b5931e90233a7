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
_KEY_COLUMNS = ("key_id", "living", "scopes", "created_at", "expires_at", "revoked_at")
_scopes = click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(["trade", "cancel", "read", "manage"]),
    help="What the key may do, several times if need be. trade: orders and cancels; manage: specs and modes.",
)
_days = click.option(
    "--expires-days", "days", type=click.IntRange(1, 3650), help="The key ends after so many days."
)


@click.group()
def robots() -> None:
    """Create robots and their keys. A key is shown once; only its hash is stored."""


@robots.command()
@click.argument("tenant")
@click.argument("name")
@_scopes
@_days
def create(tenant: str, name: str, *, scopes: tuple[str, ...], days: int | None) -> None:
    """Create the robot NAME of TENANT and print its key, once. Without --scope: trade, cancel and read."""
    wanted = acts.Wanted(scopes, days)
    _show_key(session.perform(lambda ledger, _: acts.create(ledger, tenant, name, wanted)))


@robots.command("list")
@click.argument("tenant")
def list_robots(tenant: str) -> None:
    """List the robots of TENANT with the ids of their keys."""
    rows = session.perform(lambda ledger, _: acts.every(ledger, tenant))
    if current_output() == "table":
        for row in rows:
            row["living_keys"] = [key["key_id"] for key in row["keys"] if key["living"]]
    render(rows, _COLUMNS)


@robots.command("list-keys")
@click.argument("tenant")
@click.argument("robot")
def list_keys(tenant: str, robot: str) -> None:
    """List the keys of ROBOT: what each may do, when it was made, when it ends or was revoked."""
    render(session.perform(lambda ledger, _: acts.keys(ledger, tenant, robot)), _KEY_COLUMNS)


@robots.command("rotate-key")
@click.argument("tenant")
@click.argument("robot")
@click.option("--keep-old", is_flag=True, help="Leave the old key working; revoke it with revoke-key.")
@click.option(
    "--overlap-s",
    type=click.IntRange(0, 604_800),
    default=0,
    show_default=True,
    help="Let the old key work so many seconds more, while the robot changes over.",
)
@_scopes
@_days
def rotate_key(
    tenant: str, robot: str, *, keep_old: bool, overlap_s: int, scopes: tuple[str, ...], days: int | None
) -> None:
    """Make a new key for ROBOT, print it once, and revoke its old ones, all at once.

    Without --scope it may do what the newest key may. A robot has at most two living keys.
    """
    if keep_old and overlap_s:
        raise click.UsageError("Say either --keep-old or --overlap-s.")
    wanted = acts.Wanted(scopes, days)
    _show_key(
        session.perform(
            lambda ledger, _: acts.rotate_key(
                ledger, tenant, robot, keep_old=keep_old, overlap_s=overlap_s, wanted=wanted
            )
        )
    )


@robots.command("revoke-key")
@click.argument("tenant")
@click.argument("robot")
@click.option("--key-id", help="Revoke this key only, not all of the robot's.")
def revoke_key(tenant: str, robot: str, key_id: str | None) -> None:
    """Revoke the keys of ROBOT: running daemons refuse them within a second."""
    render_one(session.perform(lambda ledger, _: acts.revoke_key(ledger, tenant, robot, key_id)))


def _show_key(made: dict[str, Any]) -> None:
    render_one(made)
    if current_output() == "table":
        click.echo("Keep the key now: it is not stored and cannot be shown again.", err=True)

"""`holdfast profiles`: slices of capital on an exchange account."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.lazy import lazy
from engine.cli.render import current_output, render, render_one
from engine.cli.specs import spec as spec_commands
from engine.domain.canonical import parse
from engine.domain.specs import checked_spec

if TYPE_CHECKING:
    from engine.cli.acts import profiles as acts
    from engine.cli.acts import session
else:
    acts = lazy("engine.cli.acts.profiles")
    session = lazy("engine.cli.acts.session")

_COLUMNS = (
    "name",
    "mode",
    "quote_asset",
    "allocated",
    "reserved_for_orders",
    "reserved_for_positions",
    "realized_pnl",
    "available",
    "profile_id",
)
_reason = click.option("--reason", required=True, help="Why; kept in the ledger with your name.")
_key = click.option(
    "--key", help="Idempotency key: the same again changes nothing. Made up and printed if left out."
)


@click.group()
def profiles() -> None:
    """Create profiles, give and take their capital, set their mode."""


@profiles.command()
@click.argument("tenant")
@click.argument("name")
@click.option("--account", required=True, help="Name or id of the exchange account.")
@click.option("--quote", required=True, metavar="ASSET", help="Asset of its capital, such as USDT.")
@click.option("--allocate", "amount", metavar="AMOUNT", help="Capital to give it at once.")
@click.option(
    "--spec",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file with its rules, as docs/reference/specs.md tells them.",
)
def create(
    tenant: str, name: str, *, account: str, quote: str, amount: str | None, spec: Path | None
) -> None:
    """Create the profile NAME of TENANT."""
    rules = _read(spec)
    render_one(
        session.perform(
            lambda ledger, _: acts.create(
                ledger, tenant, name, account=account, quote=quote, spec=rules, amount=amount
            )
        )
    )


@profiles.command("list")
@click.argument("tenant")
def list_profiles(tenant: str) -> None:
    """List the profiles of TENANT with their five capital figures."""
    render(session.perform(lambda ledger, _: acts.every(ledger, tenant)), _COLUMNS)


@profiles.command()
@click.argument("tenant")
@click.argument("profile")
def show(tenant: str, profile: str) -> None:
    """Show one PROFILE: capital, spec and positions."""
    shown = session.perform(lambda ledger, _: acts.show(ledger, tenant, profile))
    if current_output() == "json":
        render_one(shown)
        return
    positions = shown.pop("positions")
    render_one(shown)
    if positions:
        click.echo()
        render(positions, ("symbol", "quantity", "cost", "average_price", "sellable", "is_dust"))


@profiles.command()
@click.argument("tenant")
@click.argument("profile")
@click.argument("amount")
@_reason
@_key
def allocate(tenant: str, profile: str, amount: str, reason: str, key: str | None) -> None:
    """Give PROFILE the AMOUNT out of what is unassigned on its account."""
    _move(tenant, profile, amount, give=True, reason=reason, key=key)


@profiles.command()
@click.argument("tenant")
@click.argument("profile")
@click.argument("amount")
@_reason
@_key
def withdraw(tenant: str, profile: str, amount: str, reason: str, key: str | None) -> None:
    """Take the AMOUNT back from PROFILE; never more than is available."""
    _move(tenant, profile, amount, give=False, reason=reason, key=key)


@profiles.command("set-mode")
@click.argument("tenant")
@click.argument("profile")
@click.argument("mode", type=click.Choice(["active", "reducing", "halted"]))
@_reason
def set_mode(tenant: str, profile: str, mode: str, reason: str) -> None:
    """Set the MODE of PROFILE: reducing and halted refuse entries, exits and cancels pass."""
    render_one(session.perform(lambda ledger, _: acts.set_mode(ledger, tenant, profile, mode, reason)))


profiles.add_command(spec_commands, "spec")


def _move(tenant: str, profile: str, amount: str, *, give: bool, reason: str, key: str | None) -> None:
    render_one(
        session.perform(
            lambda ledger, _: acts.move(ledger, tenant, profile, amount, give=give, reason=reason, key=key)
        )
    )


def _read(path: Path | None) -> Mapping[str, Any]:
    if path is None:
        return {}
    try:
        given = parse(path.read_bytes())
    except ValueError as error:
        raise click.BadParameter(f"{path} is not JSON: {error}", param_hint="--spec") from error
    return checked_spec(given)

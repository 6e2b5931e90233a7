"""`holdfast reconcile` and `holdfast mismatches`: what differs between the ledger and the exchange."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from engine.cli.exits import Exit
from engine.cli.lazy import lazy
from engine.cli.render import current_output, render

if TYPE_CHECKING:
    from engine.cli.acts import reconcile as acts
    from engine.cli.acts import session
else:
    acts = lazy("engine.cli.acts.reconcile")
    session = lazy("engine.cli.acts.session")

_COLUMNS = ("kind", "outcome", "profile", "symbol", "exchange_order_id", "cause", "key")
_STANDING = (
    "kind",
    "state",
    "account",
    "profile",
    "passes",
    "first_seen_at",
    "last_seen_at",
    "cause",
    "key",
)
_TO_THE_SECOND = 19


@click.command()
@click.argument("tenant")
@click.option("--account", help="This exchange account only, by name or id.")
@click.option("--profile", help="This profile only, by name or id; balances are not compared then.")
@click.option("--dry-run", is_flag=True, help="Say what differs, and change nothing.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(1, 3600),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="For the daemon that holds the account.",
)
def reconcile(tenant: str, account: str | None, profile: str | None, *, dry_run: bool, wait_s: float) -> None:
    """Compare TENANT's accounts with their exchanges now, and set right what differs.

    The daemon that holds an account's lease does it; without one this command does. Exit code 1 if a
    difference stands.
    """
    found = session.perform(
        lambda ledger, settings: acts.run(
            ledger, settings, tenant, account, profile, dry_run=dry_run, wait_s=wait_s
        )
    )
    if current_output() == "json":
        click.echo(json.dumps(found, default=str))
    else:
        for each in found:
            click.echo(_summary(each))
            if each["differences"]:
                render(each["differences"], _COLUMNS)
    if any(one["outcome"] == "open" for each in found for one in each["differences"]):
        raise click.exceptions.Exit(Exit.FAILED)


@click.command()
@click.argument("tenant")
@click.option("--account", help="Of this exchange account, by name or id.")
@click.option("--profile", help="Of this profile, by name or id.")
@click.option("--kind", help="Of this kind, such as balance_shortfall.")
@click.option("--all", "every", is_flag=True, help="Those that have ended or are explained, too.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
def mismatches(
    tenant: str, account: str | None, profile: str | None, kind: str | None, *, every: bool, limit: int
) -> None:
    """List TENANT's differences between ledger and exchange that stand, newest first."""
    chosen = {"kind": kind, "limit": limit, "open": None if every else True}
    rows = session.perform(lambda ledger, _: acts.mismatches(ledger, tenant, account, profile, chosen))
    if current_output() == "table":
        for row in rows:
            for name in ("first_seen_at", "last_seen_at"):
                row[name] = row[name][:_TO_THE_SECOND].replace("T", " ")
    render(rows, _STANDING)


def _summary(found: Mapping[str, Any]) -> str:
    said = [f"{found['account']}: pass {found['pass_id']} {found['outcome']}"]
    counts = found["compared"]
    said.append(f"{counts.get('orders', 0)} orders and {counts.get('fills', 0)} trades read")
    if found["skipped"]:
        said.append(f"{found['skipped']} that moved meanwhile left for the next pass")
    if found.get("unlisted"):
        said.append(f"not listed by the exchange and not compared: {', '.join(found['unlisted'])}")
    if found["equations"] != "compared":
        said.append(f"balances: {found['equations']}")
    return ", ".join(said) + (" (dry run: nothing was changed)" if found["dry_run"] else "")

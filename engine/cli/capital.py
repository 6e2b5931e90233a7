"""`holdfast capital`: per exchange account, profiles + unassigned = exchange, in one table."""

import json
from typing import TYPE_CHECKING

import click

from engine.cli.exits import Exit
from engine.cli.lazy import lazy
from engine.cli.render import current_output, render

if TYPE_CHECKING:
    from engine.cli.acts import capital as acts
    from engine.cli.acts import session
else:
    acts = lazy("engine.cli.acts.capital")
    session = lazy("engine.cli.acts.session")


@click.command()
@click.argument("tenant", required=False)
@click.option("--account", help="This account only, by name or id.")
@click.option("--live", is_flag=True, help="Ask the exchange for its balances and compare.")
def capital(tenant: str | None, account: str | None, live: bool) -> None:
    """Show the capital of TENANT's accounts, or of all tenants'.

    Each holder's figures stand in its row; the columns of assets add up to what the exchange holds. Exit code
    1 if an invariant is broken or, with --live, if the exchange holds something else.
    """
    found = session.perform(
        lambda ledger, settings: acts.of_accounts(ledger, settings, tenant, account, live=live)
    )
    tables = [acts.table(one) for one in found]
    if current_output() == "json":
        click.echo(json.dumps([one.as_json() for one in found], default=str))
    else:
        for one, (columns, rows) in zip(found, tables, strict=True):
            described = f"{one.account['exchange']} {one.account['exchange_account_uid']}"
            click.echo(f"{one.tenant} / {one.account['name']} ({described}, {one.account['mode']})")
            render(rows, columns)
            click.echo()
        if not found:
            click.echo("There is no exchange account yet: holdfast accounts create --help")
    broken = any(
        "BROKEN" in row["invariant"] or "BELOW" in row["invariant"] for _, rows in tables for row in rows
    )
    if broken or any(one.differing for one in found):
        raise click.exceptions.Exit(Exit.FAILED)

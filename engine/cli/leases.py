"""`holdfast leases`: which daemon speaks for each exchange account, and how far it has come."""

from typing import TYPE_CHECKING

import click

from engine.cli.lazy import lazy
from engine.cli.render import current_output, render

if TYPE_CHECKING:
    from engine.cli.acts import leases as acts
    from engine.cli.acts import session
else:
    acts = lazy("engine.cli.acts.leases")
    session = lazy("engine.cli.acts.session")

_COLUMNS = ("account", "live", "holder_name", "stage", "stage_reason", "expires_at", "fencing_token")
_TO_THE_SECOND = 19


@click.command()
@click.argument("tenant")
def leases(tenant: str) -> None:
    """List TENANT's exchange accounts with the daemon that holds each one's lease."""
    rows = session.perform(lambda ledger, _: acts.listed(ledger, tenant))
    if current_output() == "table":
        for row in rows:
            if row["expires_at"] is not None:
                row["expires_at"] = row["expires_at"][:_TO_THE_SECOND].replace("T", " ")
    render(rows, _COLUMNS)

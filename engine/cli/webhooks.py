"""`holdfast webhooks`: routes on which alerts of charting services become orders."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.lazy import lazy
from engine.cli.render import current_output, render, render_one

if TYPE_CHECKING:
    from engine.cli.acts import session
    from engine.cli.acts import webhooks as acts
else:
    acts = lazy("engine.cli.acts.webhooks")
    session = lazy("engine.cli.acts.session")

_COLUMNS = ("name", "robot", "profile", "max_lag_s", "alerts", "path")
_ALERTS = ("received_at", "state", "code", "attempts", "body", "alert_id")


@click.group()
def webhooks() -> None:
    """Create and delete webhook routes. A secret is shown once; only its hash is stored."""


@webhooks.command()
@click.argument("tenant")
@click.argument("name")
@click.option("--robot", required=True, help="Robot whose orders they are.")
@click.option("--profile", required=True, help="Profile whose capital they use.")
@click.option(
    "--template",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file that makes an order of an alert: action, symbol, quantity and more.",
)
@click.option(
    "--max-lag-s", type=int, default=30, show_default=True, help="Older alerts are refused, in seconds."
)
def create(tenant: str, name: str, *, robot: str, profile: str, template: Path, max_lag_s: int) -> None:
    """Create the webhook NAME of TENANT and print its path and secret, once."""
    try:
        rules = json.loads(template.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.BadParameter(f"{template} is not JSON: {error}", param_hint="--template") from error
    render_one(
        session.perform(
            lambda ledger, _: acts.create(
                ledger, tenant, name, robot=robot, profile=profile, template=rules, max_lag_s=max_lag_s
            )
        )
    )
    if current_output() == "table":
        click.echo("Keep the secret now: it is not stored and cannot be shown again.", err=True)


@webhooks.command("list")
@click.argument("tenant")
def list_webhooks(tenant: str) -> None:
    """List the webhooks of TENANT and what became of their alerts."""
    render(session.perform(lambda ledger, _: acts.every(ledger, tenant)), _COLUMNS)


@webhooks.command()
@click.argument("tenant")
@click.argument("webhook")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="Alerts at most.")
def show(tenant: str, webhook: str, limit: int) -> None:
    """Show WEBHOOK with its template and its latest alerts."""
    shown = session.perform(lambda ledger, _: acts.show(ledger, tenant, webhook, limit))
    if current_output() == "json":
        render_one(shown)
        return
    alerts = shown.pop("latest")
    render_one({**shown, "template": json.dumps(shown["template"])})
    render(alerts, _ALERTS)


@webhooks.command()
@click.argument("tenant")
@click.argument("webhook")
def delete(tenant: str, webhook: str) -> None:
    """Delete WEBHOOK: its address takes nothing any more. Its alerts stay readable in the database."""
    render_one(session.perform(lambda ledger, _: acts.delete(ledger, tenant, webhook)))

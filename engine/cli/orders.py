"""`holdfast orders`: what robots asked for and what became of it."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from engine.cli.lazy import lazy
from engine.cli.render import current_output, render, render_one

if TYPE_CHECKING:
    from engine.cli.acts import orders as acts
    from engine.cli.acts import session
else:
    acts = lazy("engine.cli.acts.orders")
    session = lazy("engine.cli.acts.session")

_COLUMNS = (
    "created_at",
    "profile",
    "kind",
    "symbol",
    "type",
    "quantity",
    "limit_price",
    "state",
    "filled",
    "id",
)
_FILL_COLUMNS = (
    "exchange_time",
    "exchange_trade_id",
    "quantity",
    "price",
    "fee_quantity",
    "fee_asset",
    "source",
)
_FIRST = (
    "id",
    "client_order_id",
    "exchange_order_id",
    "state",
    "reason_code",
    "reason",
    "kind",
    "symbol",
    "side",
    "type",
    "quantity",
    "limit_price",
    "time_in_force",
)
_TO_THE_SECOND = 19
_STATES = ("sending", "confirmed", "rejected", "not_placed", "in_doubt", "needs_operator")
_STATUSES = ("open", "filled", "canceled", "expired", "rejected")


@click.group()
def orders() -> None:
    """List and show orders and their timelines."""


@orders.command("list")
@click.argument("tenant")
@click.option("--profile", help="Of this profile, by name or id.")
@click.option("--symbol", help="Such as BTC/USDT.")
@click.option("--state", type=click.Choice(_STATES), help="Intents in this state.")
@click.option("--status", type=click.Choice(_STATUSES), help="Orders in this state.")
@click.option("--open", "only_open", is_flag=True, help="Only what is not finished.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
def list_orders(
    tenant: str,
    profile: str | None,
    symbol: str | None,
    state: str | None,
    status: str | None,
    *,
    only_open: bool,
    limit: int,
) -> None:
    """List the orders of TENANT, newest first."""
    filters = {"symbol": symbol, "state": state, "status": status, "open": only_open or None}
    rows = session.perform(lambda ledger, _: acts.listed(ledger, tenant, filters, profile, limit))
    if current_output() == "table":
        for row in rows:
            row["created_at"] = row["created_at"][:_TO_THE_SECOND].replace("T", " ")
            row["state"] = _shown_state(row)
            row["filled"] = (row["order"] or {}).get("booked_quantity")
    render(rows, _COLUMNS)


@orders.command()
@click.argument("tenant")
@click.argument("order")
def show(tenant: str, order: str) -> None:
    """Show one ORDER with its fills, by its id or its client order id."""
    shown = session.perform(lambda ledger, _: acts.show(ledger, tenant, order))
    if current_output() == "json":
        render_one(shown)
        return
    fills, details = shown.pop("fills"), shown.pop("order") or {}
    first = {name: shown[name] for name in _FIRST if name in shown}
    render_one({**first, **shown, **{f"order {name}": value for name, value in details.items()}})
    if fills:
        click.echo()
        render(fills[::-1], _FILL_COLUMNS)


@orders.command()
@click.argument("tenant")
@click.argument("order")
def timeline(tenant: str, order: str) -> None:
    """Show everything that happened to ORDER, each event with its debits and credits."""
    events = session.perform(lambda ledger, _: acts.timeline(ledger, tenant, order))
    if current_output() == "json":
        render(events, ())
        return
    for event in events:
        for line in _event_lines(event):
            click.echo(line)


def _shown_state(row: Mapping[str, Any]) -> str:
    """The order's state once there is an order: that is what people look for."""
    order = row["order"]
    if order is None:
        return str(row["state"])
    return str(order["status"]) + (", unconfirmed" if order["unconfirmed"] else "")


def _event_lines(event: Mapping[str, Any]) -> Iterator[str]:
    fact = event.get("event") or {}
    said = [f"{name} {value}" for name, value in _shown_payload(event) if value not in (None, "", {}, [])]
    yield f"{event['at']}  {event['type']}" + (f"  ({fact['actor']})" if fact.get("actor") else "")
    if said:
        yield "    " + ", ".join(said)
    fill = event.get("fill")
    if fill:
        fee = f", fee {fill['fee_quantity']} {fill['fee_asset']}" if fill["fee_asset"] else ""
        yield f"    {fill['side']} {fill['quantity']} at {fill['price']} = {fill['notional']}{fee}"
    for leg in event.get("entries") or ():
        yield f"    {leg['type']:<6}  {leg['account']:<23}{leg['amount']:>28}   balance {leg['balance']}"


def _shown_payload(event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a payload says beyond the ids and what the fill's and legs' own lines show."""
    if event.get("fill"):
        return
    for name, value in (event.get("payload") or {}).items():
        if not isinstance(value, dict | list) and not name.endswith(("profile_id", "account_id", "robot_id")):
            yield name, value

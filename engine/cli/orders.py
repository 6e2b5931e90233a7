"""`holdfast orders`: what robots asked for and what became of it."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from engine.cli.lazy import lazy
from engine.cli.render import current_output, render, render_one

if TYPE_CHECKING:
    from engine.cli.acts import orders as acts
    from engine.cli.acts import reconcile as assigning
    from engine.cli.acts import session
else:
    acts = lazy("engine.cli.acts.orders")
    assigning = lazy("engine.cli.acts.reconcile")
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
_ASKED_BY = ("symbol", "client_order_id", "exchange_order_id", "since")
_TO_THE_SECOND = 19
_STATES = ("sending", "confirmed", "rejected", "not_placed", "in_doubt", "needs_operator")
_STATUSES = ("open", "filled", "canceled", "expired", "rejected")


@click.group()
def orders() -> None:
    """List and show orders and their timelines; settle those in doubt; assign strangers."""


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


@orders.command()
@click.argument("tenant")
@click.argument("order")
@click.option(
    "--outcome",
    required=True,
    type=click.Choice(["placed", "not_placed"]),
    help="What the exchange itself shows: the order is there, or it is not.",
)
@click.option("--exchange-order-id", metavar="ID", help="The exchange's id of the order, if it was placed.")
@click.option(
    "--reason", required=True, help="Where you saw it; kept in the order's timeline with your name."
)
def settle(tenant: str, order: str, *, outcome: str, exchange_order_id: str | None, reason: str) -> None:
    """End ORDER, whose fate the exchange does not prove, by your word.

    Look at the exchange first. `not_placed` gives the capital back, and if the order turns up after all its
    profile is halted. `placed` takes the exchange's order id; its fills are booked as for any other order.
    """
    settled = session.perform(
        lambda ledger, _: acts.settle(
            ledger, tenant, order, outcome, exchange_order_id=exchange_order_id, reason=reason
        )
    )
    details = settled.pop("order", None) or {}
    first = {name: settled[name] for name in _FIRST if name in settled}
    if current_output() == "json":
        render_one({**settled, "order": details or None})
        return
    render_one({**first, **{f"order {name}": value for name, value in details.items()}})


@orders.command()
@click.argument("tenant")
@click.argument("exchange_order_id")
@click.option("--account", required=True, help="The exchange account it is on, by name or id.")
@click.option("--symbol", required=True, help="Such as BTC/USDT.")
@click.option("--profile", help="Whose it is, by name or id.")
@click.option("--nobody", is_flag=True, help="It is no profile's: its trades stay on what is unassigned.")
@click.option("--reason", required=True, help="Why; kept in the ledger with your name.")
@click.option("--key", help="Idempotency key: the same again changes nothing. Made up if left out.")
def assign(
    tenant: str,
    exchange_order_id: str,
    *,
    account: str,
    symbol: str,
    profile: str | None,
    nobody: bool,
    reason: str,
    key: str | None,
) -> None:
    """Say whose the exchange's order EXCHANGE_ORDER_ID is, of which no intent is known.

    `--profile` makes it an order of that profile, with its trades and their cost; `--nobody` leaves it to no
    one. Either way the account's entries open again when nothing else differs.
    """
    if nobody is (profile is not None):
        raise click.UsageError("Say either --profile NAME or --nobody.")
    assigned = session.perform(
        lambda ledger, settings: assigning.assign(
            ledger,
            settings,
            tenant,
            account,
            exchange_order_id,
            symbol=symbol,
            profile=profile,
            reason=reason,
            key=key,
        )
    )
    render_one(assigned)


def _shown_state(row: Mapping[str, Any]) -> str:
    """The order's state once there is an order: that is what people look for."""
    order = row["order"]
    if order is None:
        return str(row["state"])
    return str(order["status"]) + (", unconfirmed" if order["unconfirmed"] else "")


def _event_lines(event: Mapping[str, Any]) -> Iterator[str]:
    fact = event.get("event") or {}
    proof = event.get("proof")
    said = [f"{name} {value}" for name, value in _shown_payload(event) if value not in (None, "", {}, [])]
    yield f"{event['at']}  {event['type']}" + (f"  ({fact['actor']})" if fact.get("actor") else "")
    if said:
        yield "    " + ", ".join(said)
    if proof:
        yield from _proof_lines(proof)
    fill = event.get("fill")
    if fill:
        fee = f", fee {fill['fee_quantity']} {fill['fee_asset']}" if fill["fee_asset"] else ""
        yield f"    {fill['side']} {fill['quantity']} at {fill['price']} = {fill['notional']}{fee}"
    for leg in event.get("entries") or ():
        yield f"    {leg['type']:<6}  {leg['account']:<23}{leg['amount']:>28}   balance {leg['balance']}"


def _proof_lines(proof: Mapping[str, Any]) -> Iterator[str]:
    """What was asked and when, by the exchange's clock, and in short what came back; -o json has it whole."""
    counts_from = f", counts from {proof['counts_from']}" if proof["counts_from"] else ""
    yield f"    looked {proof['began_at']} to {proof['ended_at']}{counts_from}  ({proof['actor']})"
    asked = proof["asked"]
    if isinstance(asked, Mapping):  # an operator's word
        yield "    " + ", ".join(f"{name} {value}" for name, value in asked.items() if value is not None)
        return
    for one in asked:
        if "note" in one:
            yield f"    no evidence: {one['note']}"
            continue
        how = ", ".join(f"{name} {one[name]}" for name in _ASKED_BY if one.get(name) is not None)
        yield f"    {one['question']:<14}({how}): {_answered(one)}"


def _answered(one: Mapping[str, Any]) -> str:
    answer = one.get("answer")
    if "error" in one:
        return f"failed, {one['error']}"
    if isinstance(answer, list):
        return f"{len(answer)} rows"
    if not answer:
        return "no such order"
    return f"order {answer['exchange_order_id']}, {answer['status']}, filled {answer['filled_quantity']}"


def _shown_payload(event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a payload says beyond the ids and what the fill's and legs' own lines show."""
    if event.get("fill"):
        return
    for name, value in (event.get("payload") or {}).items():
        if not isinstance(value, dict | list) and not name.endswith(("profile_id", "account_id", "robot_id")):
            yield name, value

"""The closed catalogue of the feed's events: what each type tells, and the fields of its data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventType:
    """One type: the sentence of the docs, and the fields that its `data` may have."""

    text: str
    fields: tuple[str, ...]


_ORDER = ("client_order_id", "symbol")
_SENDING = (*_ORDER, "type", "quantity", "limit_price", "reserved", "price_at")
_ENDED = (
    *_ORDER, "exchange_order_id", "filled_quantity", "booked_notional", "average_price", "exchange_time",
)  # fmt: skip
_REFUSED = (*_ORDER, "exchange_code", "reason")
_FILL = (
    *_ORDER, "side", "exchange_order_id", "exchange_trade_id", "price", "quantity", "fee_asset",
    "fee_quantity",
    "fee_value", "exchange_time", "filled_quantity", "average_price", "inferred",
)  # fmt: skip
_DENIED = ("symbol", "type", "quantity", "limit_price", "code", "…")
_HOLDING = ("account_id", "asset", "delta", "quantity", "cause", "actor", "reason")
_MODE = ("level", "id", "mode", "mode_reason", "before", "actor")
_MOVED = ("amount", "asset", "actor", "reason")
_ALERT = ("alert_id", "route", "code", "result")
_DUST = ("symbol", "quantity", "cost")

# `…` stands for the numbers of a denial, which are those of the answer to the robot.
EVENTS: dict[str, EventType] = {
    "entry.sending": EventType("An entry is durable and about to be sent.", _SENDING),
    "exit.sending": EventType("An exit is durable and about to be sent.", _SENDING),
    "entry.denied": EventType("An entry was refused by us; nothing was sent.", _DENIED),
    "exit.denied": EventType("An exit was refused by us; nothing was sent.", _DENIED),
    "entry.rejected": EventType("The exchange refused an entry; its capital is free.", _REFUSED),
    "exit.rejected": EventType("The exchange refused an exit; its quantity is free.", _REFUSED),
    "entry.not_placed": EventType("An entry never reached the exchange, or is proven absent.", _REFUSED),
    "exit.not_placed": EventType("An exit never reached the exchange, or is proven absent.", _REFUSED),
    "intent.in_doubt": EventType(
        "It was sent and its outcome is unknown; nothing is freed.", (*_ORDER, "reason")
    ),
    "intent.needs_operator": EventType("Only an operator can tell what became of it.", (*_ORDER, "reason")),
    "order.confirmed": EventType(
        "The exchange has the order.", (*_ORDER, "exchange_order_id", "kind", "quantity", "exchange_time")
    ),
    "order.filled": EventType("The order is filled; the rest of its reservation is free.", _ENDED),
    "order.canceled": EventType("The order was canceled.", _ENDED),
    "order.expired": EventType("The order expired at the exchange.", _ENDED),
    "order.rejected": EventType("The exchange gave the order up after it had taken it.", _ENDED),
    "order.released": EventType("The last fee was valued: the rest of its reservation is free.", _ORDER),
    "order.assigned": EventType(
        "An operator gave a profile an order of which no intent was known.",
        (*_ORDER, "kind", "exchange_order_id", "quantity", "reserved", "actor", "reason"),
    ),
    "cancel.requested": EventType("A cancel is recorded and goes out.", (*_ORDER, "actor")),
    "fill": EventType("One execution, booked once; the average price is the order's so far.", _FILL),
    "fill.corrected": EventType(
        "A real trade took the place of an inferred fill.",
        (*_FILL, "replaced_quantity", "notional_difference"),
    ),
    "fee.valued": EventType(
        "A fee in a third asset got its value.",
        ("exchange_trade_id", "fee_asset", "fee_quantity", "fee_rate", "fee_value"),
    ),
    "position.dust": EventType("What is left cannot be sold; its cost moved to DUST.", _DUST),
    "position.dust_returned": EventType("Dust is part of the position again.", _DUST),
    "capital.allocated": EventType("A profile was given capital.", _MOVED),
    "capital.withdrawn": EventType("Capital was taken from a profile.", _MOVED),
    "capital.adjusted": EventType(
        "An operator corrected the books.",
        ("debit", "credit", "amount", "symbol", "quantity", "actor", "reason"),
    ),
    "adjustment.settled": EventType(
        "An operator ended an order whose fate could not be proven.",
        ("client_order_id", "outcome", "exchange_order_id", "before", "actor", "reason"),
    ),
    "unassigned.changed": EventType("The account's unassigned holding changed, and why.", _HOLDING),
    "profile.created": EventType("A new profile.", ("name", "account_id", "quote_asset", "spec")),
    "profile.spec_changed": EventType("A profile has a new spec.", ("version", "spec")),
    "profile.halted": EventType("The engine halted a profile by a fact.", ("reason", "available")),
    "mode.changed": EventType("The mode of a profile, account or tenant changed.", _MODE),
    "account.registered": EventType(
        "A new exchange account.", ("account_id", "name", "exchange", "balances")
    ),
    "account.reducing": EventType("The engine set an account to reducing.", (*_MODE[:-1], *_HOLDING)),
    "reconciliation.finished": EventType(
        "A pass found something, or something ended.",
        ("pass_id", "account_id", "cause", "outcome", "found", "ended", "open", "explained"),
    ),
    "tenant.created": EventType("The tenant itself.", ("name",)),
    "robot.created": EventType("A new robot.", ("name",)),
    "robot.key_created": EventType(
        "A robot has a new key; its id, never the key.", ("key_id", "scopes", "expires_at")
    ),
    "robot.key_revoked": EventType("A robot's key was revoked.", ("key_id",)),
    "dead_mans_switch.armed": EventType(
        "A robot armed its dead-man's switch, or changed it.",
        ("timeout_ms", "action", "profile_id", "cancel_on_disconnect"),
    ),
    "dead_mans_switch.disarmed": EventType("A robot disarmed its switch.", ()),
    "dead_mans_switch.fired": EventType(
        "A robot fell silent, and its switch acted.",
        ("action", "cause", "profile_id", "timeout_ms", "seen_at"),
    ),
    "exchange_timer.on": EventType(
        "An operator turned the exchange's own timer of an account on, or changed it.",
        ("account_id", "timeout_s", "actor", "reason"),
    ),
    "exchange_timer.off": EventType(
        "It was turned off: by an operator, or because a stranger trades on the account.",
        ("account_id", "cause", "sign", "actor", "reason"),
    ),
    "webhook.created": EventType("A new route for alerts.", ("route_id", "name", "profile_id", "max_lag_s")),
    "webhook.deleted": EventType("A route takes no alerts any more.", ("route_id", "name")),
    "alert.done": EventType("An alert became an order, or nothing was to be done.", _ALERT),
    "alert.refused": EventType("An alert was too old, or its order was refused.", (*_ALERT, "lag_s")),
    "alert.dead": EventType("An alert can never be executed; it is a dead letter.", _ALERT),
}


def unknown_fields(event_type: str, data: dict[str, object]) -> set[str]:
    """Return the fields of an event's data that the catalogue does not name. Raises KeyError for its type."""
    known = EVENTS[event_type].fields
    return set() if "…" in known else set(data) - set(known)

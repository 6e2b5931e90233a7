"""What the answers look like: the JSON schemas of the OpenAPI document, by name."""

from typing import Any

from engine.domain.specs import SPEC_SCHEMA

Schema = dict[str, Any]

NUMBER: Schema = {
    "type": "string",
    "pattern": r"^-?[0-9]{1,20}(\.[0-9]{1,18})?$",
    "description": "a decimal number as text",
}
ID: Schema = {"type": "string", "format": "uuid"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
YES_NO: Schema = {"type": "boolean"}
MODE: Schema = {"type": "string", "enum": ["active", "reducing", "halted"]}
OUTCOME: Schema = {"type": "string", "enum": ["placed", "not_placed", "unknown"]}
CURSOR: Schema = {
    "type": ["string", "null"],
    "description": "give it as `cursor` for what comes after; null at the end",
}


def ref(name: str) -> Schema:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def maybe(schema: Schema) -> Schema:
    """Return a schema that takes null too."""
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    widened = {**schema, "type": [schema["type"], "null"]}
    return widened | ({"enum": [*schema["enum"], None]} if "enum" in schema else {})


def rows(schema: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": schema}


def record(text: str, _also: Schema | None = None, /, **fields: Schema) -> Schema:
    """Return an object's schema: `fields` are always there, those of `_also` not always."""
    return {
        "type": "object",
        "description": text,
        "required": list(fields),
        "properties": fields | (_also or {}),
    }


def page(name: str, item: str, text: str) -> Schema:
    """Return the schema of a page of a list."""
    return record(text, **{name: rows(ref(item)), "next_cursor": CURSOR})


_ORDER_OF_INTENT = record(
    "the order at the exchange",
    status={"type": "string", "enum": ["open", "filled", "canceled", "expired", "rejected"]},
    unconfirmed=YES_NO,
    quantity=NUMBER,
    filled_quantity=NUMBER,
    booked_quantity=NUMBER,
    booked_notional=NUMBER,
    average_price=maybe(NUMBER),
    fees={"type": "object", "additionalProperties": NUMBER},
    exchange_time=maybe(MOMENT),
    finished_at=maybe(MOMENT),
)
_STATE: Schema = {
    "type": "string",
    "enum": ["sending", "confirmed", "rejected", "not_placed", "in_doubt", "needs_operator"],
}
_INTENT: dict[str, Schema] = {
    "outcome": OUTCOME,
    "id": ID,
    "kind": {"type": "string", "enum": ["entry", "exit"]},
    "profile_id": ID,
    "account_id": ID,
    "robot_id": ID,
    "symbol": TEXT,
    "side": {"type": "string", "enum": ["buy", "sell"]},
    "type": {"type": "string", "enum": ["limit", "market"]},
    "quantity": NUMBER,
    "limit_price": maybe(NUMBER),
    "time_in_force": {"type": "string", "enum": ["GTC", "IOC", "FOK"]},
    "post_only": YES_NO,
    "label": maybe(TEXT),
    "client_order_id": TEXT,
    "state": _STATE,
    "exchange_order_id": maybe(TEXT),
    "reserved": maybe(NUMBER),
    "remaining": maybe(NUMBER),
    "cancel_requested_at": maybe(MOMENT),
    "reason_code": maybe(TEXT),
    "reason": maybe(TEXT),
    "expires_at": MOMENT,
    "exchange_deadline": MOMENT,
    "spec_version": WHOLE,
    "created_at": MOMENT,
    "updated_at": MOMENT,
    "order": maybe(ref("OrderAtExchange")),
}
_FIGURES: dict[str, Schema] = {
    "profile_id": ID,
    "name": TEXT,
    "account_id": ID,
    "quote_asset": TEXT,
    "allocated": NUMBER,
    "available": NUMBER,
    "reserved_for_orders": NUMBER,
    "reserved_for_positions": NUMBER,
    "realized_pnl": NUMBER,
    "dust": NUMBER,
    "trading_pnl": NUMBER,
    "fees": NUMBER,
    "invariant": NUMBER,
    "mode": MODE,
    "mode_reason": maybe(TEXT),
    "version": WHOLE,
    "updated_at": MOMENT,
}
_FILL: dict[str, Schema] = {
    "order_id": ID,
    "profile_id": ID,
    "account_id": ID,
    "symbol": TEXT,
    "exchange_order_id": TEXT,
    "exchange_trade_id": TEXT,
    "event_id": WHOLE,
    "side": {"type": "string", "enum": ["buy", "sell"]},
    "price": NUMBER,
    "quantity": NUMBER,
    "notional": NUMBER,
    "fee_asset": maybe(TEXT),
    "fee_quantity": NUMBER,
    "fee_value": maybe(NUMBER),
    "fee_rate": maybe(NUMBER),
    "rate_source": maybe(TEXT),
    "maker": maybe(YES_NO),
    "inferred": YES_NO,
    "superseded_at": maybe(MOMENT),
    "source": TEXT,
    "exchange_time": MOMENT,
    "recorded_at": MOMENT,
}
_POSITION: dict[str, Schema] = {
    "profile_id": ID,
    "account_id": ID,
    "symbol": TEXT,
    "base_asset": TEXT,
    "quantity": NUMBER,
    "cost": NUMBER,
    "average_price": NUMBER,
    "reserved_quantity": NUMBER,
    "sellable": maybe(NUMBER),
    "is_dust": YES_NO,
    "last_fill_price": maybe(NUMBER),
    "opened_at": maybe(MOMENT),
    "updated_at": MOMENT,
}
_CANCEL: Schema = {
    "type": "string",
    "enum": ["done", "final", "recorded", "refused", "sent_not_recorded", "not_sent", "unknown"],
    "description": "done: ended now; final: it had ended before; recorded: it goes out as soon as it can; "
    "sent_not_recorded: sent while the database was away; refused, unknown: the exchange's word was no end",
}
_EVENT: dict[str, Schema] = {
    "event_id": WHOLE,
    "part": WHOLE,
    "seq": maybe(WHOLE),
    "type": TEXT,
    "profile_id": maybe(ID),
    "order_id": maybe(ID),
    "recorded_at": MOMENT,
    "payload": {"type": "object"},
}
_SPEC_VERSION: dict[str, Schema] = {
    "version": {"type": "integer", "minimum": 1},
    "revision": {"type": "string", "description": "SHA-256 of the rules' canonical JSON (RFC 8785)"},
    "actor": TEXT,
    "created_at": MOMENT,
}
_LEVEL = record("a mode and why", mode=MODE, reason=maybe(TEXT))
_EFFECTIVE = record(
    "the strictest of engine, tenant, account and profile",
    mode=MODE,
    level={"type": ["string", "null"], "enum": ["engine", "tenant", "account", "profile", None]},
    reason=maybe(TEXT),
)
_ACCOUNT: dict[str, Schema] = {"account_id": ID, "name": TEXT, "mode": MODE}

SCHEMAS: dict[str, Schema] = {
    "OrderAtExchange": _ORDER_OF_INTENT,
    "Order": record("an intent with its order", **_INTENT),
    "Placed": record(
        "an intent whose order the exchange confirmed",
        _INTENT,
        outcome=OUTCOME,
        recorded={"type": "boolean", "description": "false: known, and still being written down"},
    ),
    "Unresolved": record(
        "an order of which not everything is known yet",
        _INTENT | {"resolve_by": MOMENT, "code": TEXT, "detail": TEXT, "exchange_order_id": maybe(TEXT)},
        outcome=OUTCOME,
        recorded=YES_NO,
    ),
    "Orders": page("orders", "Order", "orders, newest first"),
    "Timeline": record("an order's story", order=ref("Order"), events=rows({"type": "object"})),
    "Canceled": record(
        "a cancel", _INTENT | {"status": TEXT}, id=ID, cancel=_CANCEL, outcome=OUTCOME, recorded=YES_NO
    ),
    "CanceledOrder": record(
        "one of the orders",
        {"status": TEXT, "reason": TEXT, "exchange_code": maybe(TEXT)},
        id=ID,
        client_order_id=TEXT,
        profile_id=ID,
        symbol=TEXT,
        kind={"type": "string", "enum": ["entry", "exit"]},
        cancel=_CANCEL,
        outcome=OUTCOME,
        recorded=YES_NO,
    ),
    "CanceledAll": record(
        "what became of each order",
        orders=rows(ref("CanceledOrder")),
        recorded={
            "type": "boolean",
            "description": "false: sent while the database was away, for the orders that this instance knew; "
            "the key is still unused, repeat it until it is recorded",
        },
    ),
    "Preview": record(
        "what the order would be answered now",
        {"details": {"type": "object"}},
        accepted=YES_NO,
        code=TEXT,
        detail=TEXT,
        limit_price=maybe(NUMBER),
        quantity=maybe(NUMBER),
        reserved=maybe(NUMBER),
        available_after=maybe(NUMBER),
        spec_version=maybe(WHOLE),
    ),
    "CapitalFigures": record("a profile's capital", **_FIGURES),
    "Capital": record("capital by profile", capital=rows(ref("CapitalFigures"))),
    "Position": record("what a profile holds of a symbol", **_POSITION),
    "Positions": record("holdings", positions=rows(ref("Position"))),
    "Fill": record("one execution of an order", **_FILL),
    "Fills": page("fills", "Fill", "fills, newest first"),
    "Event": record("a fact", **_EVENT),
    "Events": page("events", "Event", "events, newest first"),
    "Spec": SPEC_SCHEMA,
    "SpecVersion": record("a version of a spec", **_SPEC_VERSION),
    "SpecVersions": page("specs", "SpecVersion", "versions, newest first"),
    "ProfileSpec": record(
        "a version of a profile's spec",
        {"replay": YES_NO},
        profile_id=ID,
        name=TEXT,
        current=YES_NO,
        spec=ref("Spec"),
        **_SPEC_VERSION,
    ),
    "Profile": record("a slice of capital", spec_version=WHOLE, revision=TEXT, created_at=MOMENT, **_FIGURES),
    "Profiles": record("profiles by name", profiles=rows(ref("Profile"))),
    "Limits": record(
        "what a profile may do now",
        profile_id=ID,
        name=TEXT,
        at=MOMENT,
        spec_version=WHOLE,
        mode=_EFFECTIVE,
        may_enter={"type": "boolean", "description": "the mode is active and capital is available"},
        available=NUMBER,
        open_orders={"type": "object", "additionalProperties": WHOLE, "description": "unfinished, by symbol"},
        limits=rows(
            record(
                "a limit of its spec",
                {"used": {"description": "in the limit's own form; null where each order is judged alone"}},
                limit=TEXT,
                allowed={"description": "as the spec says it"},
            )
        ),
    ),
    "Modes": record(
        "every mode that has a say",
        engine=_LEVEL,
        tenant=_LEVEL,
        accounts=rows(record("an account's", reason=maybe(TEXT), **_ACCOUNT)),
        profiles=rows(
            record(
                "a profile's", profile_id=ID, name=TEXT, mode=MODE, reason=maybe(TEXT), effective=_EFFECTIVE
            )
        ),
    ),
    "ModeChanged": record(
        "the change",
        level={"type": "string", "enum": ["tenant", "account", "profile"]},
        id=ID,
        mode=MODE,
        mode_reason=TEXT,
        before=MODE,
    ),
    "Exchange": record(
        "an exchange, and what it can answer about an order in doubt",
        exchange=TEXT,
        tier={"type": "string", "enum": ["A", "B", "C"]},
        why=TEXT,
        verified={"type": "boolean", "description": "our own tests show it; else it is read from documents"},
        accounts=rows(record("an account there", **_ACCOUNT)),
    ),
    "Exchanges": record("exchanges by name", exchanges=rows(ref("Exchange"))),
    "Requested": record(
        "what became of a request",
        key=TEXT,
        of={"type": "string", "enum": ["order", "call"], "description": "call: one that places no order"},
        created_at=MOMENT,
        state={
            "type": "string",
            "enum": ["in_progress", "done"],
            "description": "in_progress: sending, or in doubt; only a proof ends it",
        },
        outcome=maybe(OUTCOME),
        status=maybe(WHOLE) | {"description": "of an order: the status that a repeat is answered with now"},
        answer={
            "type": ["object", "null"],
            "description": "of an order: the body that a repeat is answered with now; of another call what "
            "it has changed, null where that is in an order",
        },
    ),
    "FeedTicket": record("a feed's ticket", ticket=TEXT, expires_at=MOMENT),
    "Time": record("the server's clock", time=MOMENT, unix_ms=WHOLE),
}

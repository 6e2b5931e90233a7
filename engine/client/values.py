"""Orders, fills, capital and positions as a robot sees them: frozen, every number a Decimal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from engine.client.numbers import exact, exact_or_none

Json = Mapping[str, Any]

_ENDED_STATES = frozenset({"rejected", "not_placed"})
_ENDED_STATUSES = frozenset({"filled", "canceled", "expired", "rejected"})


@dataclass(frozen=True, slots=True)
class Order:
    """One intent with its order. `status` is None until the exchange has confirmed it.

    `state`: sending | confirmed | rejected | not_placed | in_doubt | needs_operator. `status`: open |
    filled | canceled | expired | rejected. Moments are RFC 3339 text; `raw` is the whole answer.
    """

    id: str
    kind: str  # entry | exit
    profile_id: str
    symbol: str
    side: str  # buy | sell
    type: str  # limit | market
    quantity: Decimal
    limit_price: Decimal | None
    time_in_force: str
    post_only: bool
    label: str | None
    client_order_id: str
    exchange_order_id: str | None
    outcome: str  # placed | not_placed | unknown
    state: str
    status: str | None
    filled_quantity: Decimal
    average_price: Decimal | None
    notional: Decimal
    fees: Mapping[str, Decimal]  # by asset
    cancel_requested: bool
    reason_code: str | None
    reason: str | None
    created_at: str
    updated_at: str
    raw: Json = field(repr=False)

    @classmethod
    def of(cls, view: Json) -> Self:
        """Return the order that an answer shows."""
        order = view.get("order") or {}
        return cls(
            id=view["id"],
            kind=view["kind"],
            profile_id=view["profile_id"],
            symbol=view["symbol"],
            side=view["side"],
            type=view["type"],
            quantity=exact(view["quantity"]),
            limit_price=exact_or_none(view["limit_price"]),
            time_in_force=view["time_in_force"],
            post_only=view["post_only"],
            label=view["label"],
            client_order_id=view["client_order_id"],
            exchange_order_id=view["exchange_order_id"],
            outcome=view["outcome"],
            state=view["state"],
            status=order.get("status"),
            filled_quantity=exact(order.get("filled_quantity") or 0),
            average_price=exact_or_none(order.get("average_price")),
            notional=exact(order.get("booked_notional") or 0),
            fees={asset: exact(fee) for asset, fee in (order.get("fees") or {}).items()},
            cancel_requested=view["cancel_requested_at"] is not None,
            reason_code=view["reason_code"],
            reason=view["reason"],
            created_at=view["created_at"],
            updated_at=view["updated_at"],
            raw=view,
        )

    @property
    def finished(self) -> bool:
        """Whether nothing more is expected of it."""
        return self.state in _ENDED_STATES or self.status in _ENDED_STATUSES


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution. `fee_value` is in quote, None while a third asset's fee has no rate yet."""

    order_id: str
    symbol: str
    side: str
    price: Decimal
    quantity: Decimal
    notional: Decimal
    fee_asset: str | None
    fee_quantity: Decimal | None
    fee_value: Decimal | None
    maker: bool | None
    exchange_trade_id: str
    exchange_time: str | None
    recorded_at: str
    raw: Json = field(repr=False)

    @classmethod
    def of(cls, view: Json) -> Self:
        """Return the fill that an answer shows."""
        return cls(
            order_id=view["order_id"],
            symbol=view["symbol"],
            side=view["side"],
            price=exact(view["price"]),
            quantity=exact(view["quantity"]),
            notional=exact(view["notional"]),
            fee_asset=view["fee_asset"],
            fee_quantity=exact_or_none(view["fee_quantity"]),
            fee_value=exact_or_none(view["fee_value"]),
            maker=view["maker"],
            exchange_trade_id=view["exchange_trade_id"],
            exchange_time=view["exchange_time"],
            recorded_at=view["recorded_at"],
            raw=view,
        )

    @property
    def recorded_at_time(self) -> datetime:
        """When it was booked, by Holdfast's clock."""
        return datetime.fromisoformat(self.recorded_at)

    @property
    def time(self) -> datetime:
        """When it happened, by the exchange's clock if that is known."""
        return datetime.fromisoformat(self.exchange_time or self.recorded_at)


@dataclass(frozen=True, slots=True)
class Capital:
    """A profile's figures, in its quote asset: available = allocated - reserved (both) + realized pnl."""

    profile_id: str
    name: str
    quote_asset: str
    allocated: Decimal
    available: Decimal
    reserved_for_orders: Decimal
    reserved_for_positions: Decimal
    realized_pnl: Decimal
    mode: str  # active | reducing | halted
    mode_reason: str | None
    raw: Json = field(repr=False)

    @classmethod
    def of(cls, view: Json) -> Self:
        """Return the figures that an answer shows."""
        return cls(
            profile_id=view["profile_id"],
            name=view["name"],
            quote_asset=view["quote_asset"],
            allocated=exact(view["allocated"]),
            available=exact(view["available"]),
            reserved_for_orders=exact(view["reserved_for_orders"]),
            reserved_for_positions=exact(view["reserved_for_positions"]),
            realized_pnl=exact(view["realized_pnl"]),
            mode=view["mode"],
            mode_reason=view["mode_reason"],
            raw=view,
        )


@dataclass(frozen=True, slots=True)
class Position:
    """What a profile holds of a symbol; `sellable` is what an exit of "all" would sell now."""

    profile_id: str
    symbol: str
    base_asset: str
    quantity: Decimal
    reserved_quantity: Decimal  # in exits that are under way
    sellable: Decimal
    cost: Decimal
    average_price: Decimal
    is_dust: bool
    raw: Json = field(repr=False)

    @classmethod
    def of(cls, view: Json) -> Self:
        """Return the position that an answer shows."""
        return cls(
            profile_id=view["profile_id"],
            symbol=view["symbol"],
            base_asset=view["base_asset"],
            quantity=exact(view["quantity"]),
            reserved_quantity=exact(view["reserved_quantity"]),
            sellable=exact(view["sellable"] or 0),
            cost=exact(view["cost"]),
            average_price=exact(view["average_price"]),
            is_dust=view["is_dust"],
            raw=view,
        )

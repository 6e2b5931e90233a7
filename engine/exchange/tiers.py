"""What each exchange can answer about an order (its tier), and how many calls it takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Tier(StrEnum):
    """How far an intent in doubt can be settled without an operator."""

    A = "A"  # client order id, query by it, and a request that expires at the exchange
    B = "B"  # the request does not expire: absence is proven only after a longer wait
    C = "C"  # no query by client order id: one order in flight per symbol, and an operator resolves


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls an account may make: weight and new orders, each per window."""

    weight: float
    weight_window_s: float
    orders: float
    orders_window_s: float


@dataclass(frozen=True, slots=True)
class ExchangeFacts:
    """What we rely on, with the reason for the tier; `verified` is what our own tests show."""

    tier: Tier
    why: str
    client_id_param: str = "clientOrderId"
    query_param: str | None = None
    limits: Limits = Limits(weight=300, weight_window_s=60, orders=20, orders_window_s=10)
    lists_all_orders: bool = False  # open orders of all symbols in one call
    verified: bool = False


EXCHANGES: Mapping[str, ExchangeFacts] = {
    "binance": ExchangeFacts(
        Tier.A,
        "origClientOrderId answers, and timestamp + recvWindow are checked on arrival and before matching",
        query_param="origClientOrderId",
        limits=Limits(weight=6000, weight_window_s=60, orders=100, orders_window_s=10),
        lists_all_orders=True,
        verified=True,
    ),
    "bybit": ExchangeFacts(
        Tier.B,
        "ccxt signs its own time stamp, so the request's end is not ours to fix; the answer is asynchronous",
        query_param="orderLinkId",
    ),
    "okx": ExchangeFacts(Tier.B, "expTime is not passed by ccxt's create call", query_param="clOrdId"),
    "kucoin": ExchangeFacts(Tier.B, "requests do not expire", query_param="clientOid"),
    "gate": ExchangeFacts(Tier.B, "requests do not expire", query_param="clientOrderId"),
    "bitget": ExchangeFacts(Tier.B, "requests do not expire", query_param="clientOid"),
    "mexc": ExchangeFacts(Tier.B, "not tried whether recvWindow holds", query_param="origClientOrderId"),
    "htx": ExchangeFacts(Tier.B, "requests do not expire", query_param="clientOrderId"),
    "bitvavo": ExchangeFacts(
        Tier.B, "not tried whether the access window holds", query_param="clientOrderId"
    ),
    "kraken": ExchangeFacts(Tier.C, "orders cannot be fetched by client order id"),
    "coinbase": ExchangeFacts(
        Tier.C, "orders cannot be fetched by client order id", client_id_param="client_order_id"
    ),
    "cryptocom": ExchangeFacts(Tier.C, "query by client id was not tried", client_id_param="client_oid"),
    "bitstamp": ExchangeFacts(Tier.C, "query by client id was not tried"),
    "hyperliquid": ExchangeFacts(Tier.C, "query by client id was not tried"),
    "bitfinex": ExchangeFacts(Tier.C, "its 45 bit client ids hold only 25 bits of the hash"),
}

_UNKNOWN = ExchangeFacts(Tier.C, "nobody has looked at it")


def facts_of(exchange: str) -> ExchangeFacts:
    """Return what is known of an exchange; tier C for one that nobody has looked at."""
    return EXCHANGES.get(exchange, _UNKNOWN)

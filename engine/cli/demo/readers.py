"""Brings the answers of the ledger and of the exchange's oracle into one form, to be compared."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from engine.cli.demo.books import BookedFill, BookedOrder, Books
from engine.domain.money import ZERO, parse_decimal

_STATUS = {
    "NEW": "open",
    "PARTIALLY_FILLED": "open",
    "FILLED": "filled",
    "CANCELED": "canceled",
    "EXPIRED": "expired",
    "EXPIRED_IN_MATCH": "expired",
    "REJECTED": "rejected",
}


def books_of_exchange(oracle: Mapping[str, Any], key: str) -> Books:
    """Read GET /oracle of the paper exchange for one account."""
    account = oracle["accounts"][key]
    orders, fills = {}, {}
    for row in account["orders"]:
        symbol, order_id = row["symbol"], str(row["orderId"])
        orders[symbol, order_id] = BookedOrder(
            client_order_id=row["clientOrderId"],
            side=row["side"].lower(),
            status=_STATUS[row["status"]],
            quantity=_number(row["origQty"]),
            filled_quantity=_number(row["executedQty"]),
        )
        for fill in row["fills"]:
            fills[symbol, order_id, str(fill["tradeId"])] = BookedFill(
                side=row["side"].lower(),
                price=_number(fill["price"]),
                quantity=_number(fill["qty"]),
                fee_quantity=_number(fill["commission"]),
                fee_asset=fill["commissionAsset"],
            )
    return Books(orders, fills, {asset: _number(row["total"]) for asset, row in account["balances"].items()})


def books_of_ledger(
    orders: Iterable[Mapping[str, Any]],
    fills: Iterable[Mapping[str, Any]],
    equations: Iterable[Mapping[str, Any]],
) -> Books:
    """Read the ledger's orders (intent views), fills and account equations of one account.

    A balance is what the ledger expects the exchange to hold: that of all profiles and what is unassigned.
    """
    return Books(
        {
            (_wire(row["symbol"]), str(row["exchange_order_id"])): BookedOrder(
                client_order_id=row["client_order_id"],
                side=row["side"],
                status=row["order"]["status"],
                quantity=_number(row["order"]["quantity"]),
                filled_quantity=_number(row["order"]["booked_quantity"]),
            )
            for row in orders
            if row["order"] is not None
        },
        {
            (_wire(row["symbol"]), str(row["exchange_order_id"]), str(row["exchange_trade_id"])): BookedFill(
                side=row["side"],
                price=_number(row["price"]),
                quantity=_number(row["quantity"]),
                fee_quantity=_number(row["fee_quantity"]),
                fee_asset=row["fee_asset"],
            )
            for row in fills
        },
        {row["asset"]: _number(row["expected_exchange_balance"]) for row in equations},
    )


def _number(text: str | None) -> Decimal:
    return ZERO if text is None else parse_decimal(text, "number")


def _wire(symbol: str) -> str:
    return symbol.replace("/", "")

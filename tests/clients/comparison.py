"""Compares what a client believes about its orders, fills and balances with the exchange's oracle."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

_ORDER_FIELDS = ("clientOrderId", "side", "type", "status", "origQty", "executedQty", "cummulativeQuoteQty")
_FILL_FIELDS = ("orderId", "price", "qty", "commission", "commissionAsset", "isMaker")

Believed = dict[str, Any]


def differences(account: Believed, believed: Believed) -> list[str]:
    """Everything in which the beliefs differ from the oracle's account; in both directions, by identity.

    Orders are known by (symbol, orderId), fills by (symbol, tradeId, orderId), balances by asset. Of the
    balances only those the client knows are compared, but it must know every asset that it traded.
    """
    return [
        *order_differences(account, believed["orders"]),
        *_sets("fill", _oracle_fills(account["orders"]), _fills(believed["fills"]), _FILL_FIELDS),
        *balance_differences(account, believed["balances"]),
    ]


def order_differences(account: Believed, believed: list[Believed]) -> Iterator[str]:
    return _sets("order", _orders(account["orders"]), _orders(believed), _ORDER_FIELDS)


def _orders(orders: list[Believed]) -> dict[Any, Believed]:
    return {(one["symbol"], one["orderId"]): one for one in orders}


def _fills(fills: list[Believed]) -> dict[Any, Believed]:
    return {(one["symbol"], one["tradeId"], one["orderId"]): one for one in fills}


def _oracle_fills(orders: list[Believed]) -> dict[Any, Believed]:
    return _fills(
        [
            {**fill, "symbol": order["symbol"], "orderId": order["orderId"]}
            for order in orders
            for fill in order["fills"]
        ]
    )


def _sets(
    what: str, true: dict[Any, Believed], believed: dict[Any, Believed], fields: tuple[str, ...]
) -> Iterator[str]:
    for place in sorted(true.keys() ^ believed.keys()):
        yield f"{what} {place}: {'the client' if place in true else 'the oracle'} does not know it"
    for place in sorted(true.keys() & believed.keys()):
        for field in fields:
            told, is_so = believed[place][field], true[place][field]
            if not _same(told, is_so):
                yield f"{what} {place} {field}: the client believes {told}, it is {is_so}"


def _same(told: Any, is_so: Any) -> bool:
    """Compare numbers as numbers: a client may have dropped zeros; text and truth values as they are."""
    if told == is_so:
        return True
    try:
        return Decimal(str(told)) == Decimal(str(is_so))
    except ArithmeticError:
        return False


def balance_differences(account: Believed, believed: Believed) -> Iterator[str]:
    for asset in sorted(_traded(account) - believed.keys()):
        yield f"balance {asset}: the client traded it and knows none"
    for asset in sorted(believed.keys()):
        true = account["balances"].get(asset, {"free": "0", "locked": "0"})
        for field in ("free", "locked"):
            told, is_so = believed[asset][field], true[field]
            if not _same(told, is_so):
                yield f"balance {asset} {field}: the client believes {told}, it is {is_so}"


def _traded(account: Believed) -> set[str]:
    """Return the assets that fills moved: both sides of their symbols, and what their fees were paid in."""
    filled = [order for order in account["orders"] if order["fills"]]
    fees = {fill["commissionAsset"] for order in filled for fill in order["fills"]}
    symbols = {order["symbol"] for order in filled}
    return fees | {
        asset
        for asset in account["balances"]
        if any(symbol.startswith(asset) or symbol.endswith(asset) for symbol in symbols)
    }

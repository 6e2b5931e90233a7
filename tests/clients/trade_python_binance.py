"""Trades with python-binance and prints, as JSON, what that client believes about orders, fills and balances.

Runs in the client's own environment: `python trade_python_binance.py '{"url": ..., "ws_url": ..., "key": ...,
"secret": ..., "rounds": 20}'`. It believes two things: what its calls were answered, and what its user
stream told it.
"""

import asyncio
import contextlib
import json
import sys
import threading
import time
from decimal import ROUND_DOWN, Decimal
from typing import Any

from binance import AsyncClient, BinanceSocketManager
from binance.client import Client
from binance.exceptions import BinanceAPIException

SYMBOLS = {"BTCUSDT": ("0.002", "0.01"), "ETHUSDT": ("0.05", "0.01"), "ETHBTC": ("0.02", "0.00001")}
PATIENCE_S = 20
UNKNOWN_ORDER = -2011


class StreamBooks(threading.Thread):
    """Listens to the account's events in a thread of its own and keeps books from nothing else."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__(daemon=True)
        self._given = given
        self.listening = threading.Event()
        self.orders: dict[tuple[str, int], dict[str, Any]] = {}
        self.fills: dict[tuple[str, int], dict[str, Any]] = {}
        self.balances: dict[str, dict[str, str]] = {}

    def run(self) -> None:
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        client = AsyncClient(self._given["key"], self._given["secret"])
        async with BinanceSocketManager(client).user_socket() as socket:
            self.listening.set()
            while True:
                self._hear(await socket.recv())

    def _hear(self, event: dict[str, Any]) -> None:
        if event["e"] == "outboundAccountPosition":
            for one in event["B"]:
                self.balances[one["a"]] = {"free": one["f"], "locked": one["l"]}
        if event["e"] != "executionReport":
            return
        place = event["s"], event["i"]
        self.orders[place] = {
            "symbol": event["s"],
            "orderId": event["i"],
            # A cancel has an id of its own in `c`; the order's is then in `C`.
            "clientOrderId": event["C"] or event["c"],
            "side": event["S"],
            "type": event["o"],
            "status": event["X"],
            "origQty": event["q"],
            "executedQty": event["z"],
            "cummulativeQuoteQty": event["Z"],
        }
        if event["x"] == "TRADE":
            self.fills[event["s"], event["t"]] = {
                "symbol": event["s"],
                "orderId": event["i"],
                "tradeId": event["t"],
                "price": event["L"],
                "qty": event["l"],
                "commission": event["n"],
                "commissionAsset": event["N"],
                "isMaker": event["m"],
            }

    def shown(self) -> dict[str, Any]:
        return {
            "orders": list(self.orders.values()),
            "fills": list(self.fills.values()),
            "balances": self.balances,
        }


def trade(client: Client, rounds: int) -> list[dict[str, Any]]:
    """Place every kind of order in turn; returns what placing each was answered."""
    answers = []
    for number in range(rounds):
        for symbol, (quantity, tick) in SYMBOLS.items():
            best = client.get_orderbook_ticker(symbol=symbol)
            bid, ask = Decimal(best["bidPrice"]), Decimal(best["askPrice"])
            answers.append(client.order_market_buy(symbol=symbol, quantity=quantity))
            near = client.order_limit_sell(
                symbol=symbol,
                quantity=sellable(client, symbol, quantity),
                price=str(ask),
                newClientOrderId=f"near-{symbol}-{number}",
            )
            far = client.order_limit_buy(symbol=symbol, quantity=quantity, price=on(tick, bid * 9 / 10))
            answers += [near, far]
            answers.append(
                client.create_order(
                    symbol=symbol,
                    side="BUY",
                    type="LIMIT",
                    timeInForce="IOC",
                    quantity=quantity,
                    price=str(bid),
                )
            )
            cancel(client, symbol, far["orderId"])
            cancel(client, symbol, near["orderId"])
    return answers


def sellable(client: Client, symbol: str, quantity: str) -> str:
    """Cut the quantity by its fee to what is held, on the lot."""
    asset = symbol[:3]
    free = Decimal(client.get_asset_balance(asset=asset)["free"])
    lot = Decimal("0.00001") if asset == "BTC" else Decimal("0.0001")
    return str(min(free, Decimal(quantity)).quantize(lot, ROUND_DOWN))


def on(tick: str, price: Decimal) -> str:
    return str(price.quantize(Decimal(tick), ROUND_DOWN))


def cancel(client: Client, symbol: str, order_id: int) -> None:
    """Cancel, unless the order was filled meanwhile."""
    try:
        client.cancel_order(symbol=symbol, orderId=order_id)
    except BinanceAPIException as error:
        if error.code != UNKNOWN_ORDER:
            raise


def believed(client: Client) -> dict[str, Any]:
    """What its queries tell the client now."""
    orders = [order for symbol in SYMBOLS for order in client.get_all_orders(symbol=symbol)]
    fills = [
        {**fill, "tradeId": fill["id"]} for symbol in SYMBOLS for fill in client.get_my_trades(symbol=symbol)
    ]
    balances = {one["asset"]: one for one in client.get_account()["balances"]}
    return {"orders": orders, "fills": fills, "balances": balances}


def main() -> None:
    given = json.loads(sys.argv[1])
    for kind in (Client, AsyncClient):
        kind.API_URL = given["url"] + "/api"
        kind.WS_API_URL = given["ws_url"] + "/ws-api/v3"
    stream = StreamBooks(given)
    stream.start()
    if not stream.listening.wait(PATIENCE_S):
        raise SystemExit("the user stream did not open")
    client = Client(given["key"], given["secret"])
    answers = trade(client, given["rounds"])
    for order in client.get_open_orders():
        with contextlib.suppress(BinanceAPIException):
            client.cancel_order(symbol=order["symbol"], orderId=order["orderId"])
    queried = believed(client)
    # Events are on their way until the stream has told of as many ends and fills as the queries show.
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and not level(stream.shown(), queried):
        threading.Event().wait(0.05)
    json.dump({"answers": answers, "queried": queried, "stream": stream.shown()}, sys.stdout)


def level(stream: dict[str, Any], queried: dict[str, Any]) -> bool:
    """Tell whether the stream has caught up with the queries in fills, ended orders and balances."""
    ended = [
        sum(order["status"] not in {"NEW", "PARTIALLY_FILLED"} for order in one["orders"])
        for one in (stream, queried)
    ]
    money = all(
        (one["free"], one["locked"])
        == (queried["balances"][asset]["free"], queried["balances"][asset]["locked"])
        for asset, one in stream["balances"].items()
    )
    return money and ended[0] == ended[1] and len(stream["fills"]) == len(queried["fills"])


if __name__ == "__main__":
    main()

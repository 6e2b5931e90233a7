"""Trades with binance-sdk-spot over REST and the ws-api and prints, as JSON, what that client believes.

Runs in the client's own environment: `python trade_binance_sdk.py '{"url": ..., "ws_url": ..., "key": ...,
"secret": ..., "rounds": 20}'`. Odd rounds place and cancel over the ws-api, even ones over REST; the
account's events come over the ws-api too.
"""

import asyncio
import contextlib
import json
import sys
from decimal import ROUND_DOWN, Decimal
from typing import Any

from binance_common.configuration import ConfigurationRestAPI, ConfigurationWebSocketAPI
from binance_common.errors import BadRequestError
from binance_sdk_spot.spot import Spot

SYMBOLS = {"BTCUSDT": ("0.002", "0.01"), "BNBUSDT": ("0.2", "0.01")}
PATIENCE_S = 20


class Trader:
    """One account: REST and ws-api of the same client, and books kept from its events."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._client = Spot(
            config_rest_api=ConfigurationRestAPI(
                api_key=given["key"],
                api_secret=given["secret"],
                base_path=given["url"],
                retries=0,
                timeout=10_000,
            ),
            config_ws_api=ConfigurationWebSocketAPI(
                api_key=given["key"], api_secret=given["secret"], stream_url=given["ws_url"] + "/ws-api/v3"
            ),
        )
        self.rest = self._client.rest_api
        self.socket: Any = None
        self.answers: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self._told = asyncio.Event()

    async def connect(self) -> None:
        self.socket = await self._client.websocket_api.create_connection()
        subscribed = await self.socket.user_data_stream_subscribe_signature()
        subscribed.stream.on("message", self._hear)

    def _hear(self, event: Any) -> None:
        self.events.append(plain(event))
        self._told.set()

    async def close(self) -> None:
        await self.socket.close_connection(close_session=True)

    async def place(self, *, over_socket: bool, **order: Any) -> dict[str, Any]:
        if over_socket:
            placed = await self.socket.order_place(new_order_resp_type="FULL", **order)
            answered = result(placed)
        else:
            answered = plain(self.rest.new_order(new_order_resp_type="FULL", **order).data())
        self.answers.append(answered)
        return answered

    async def cancel(self, symbol: str, order_id: int, *, over_socket: bool) -> None:
        """Cancel, unless the order was filled meanwhile."""
        try:
            if over_socket:
                result(await self.socket.order_cancel(symbol=symbol, order_id=order_id))
            else:
                self.rest.delete_order(symbol=symbol, order_id=order_id)
        except (BadRequestError, ValueError) as error:
            if "Unknown order sent" not in str(error):
                raise

    async def trade(self, rounds: int) -> None:
        for number in range(rounds):
            for symbol, (quantity, tick) in SYMBOLS.items():
                await self._round(symbol, quantity, tick, over_socket=number % 2 == 1)

    async def _round(self, symbol: str, quantity: str, tick: str, *, over_socket: bool) -> None:
        best = plain(self.rest.ticker_book_ticker(symbol=symbol).data())
        bid, ask = Decimal(best["bidPrice"]), Decimal(best["askPrice"])
        common = {"symbol": symbol, "over_socket": over_socket}
        limit = {"type": "LIMIT", "quantity": quantity, **common}
        await self.place(side="BUY", type="MARKET", quantity=quantity, **common)
        await self.place(side="SELL", type="MARKET", quote_order_qty="60", **common)
        near = await self.place(side="SELL", price=str(ask), time_in_force="GTC", **limit)
        far = await self.place(side="BUY", price=on(tick, bid * 9 / 10), time_in_force="GTC", **limit)
        await self.place(side="BUY", price=str(ask), time_in_force="IOC", **limit)
        await self.cancel(symbol, far["orderId"], over_socket=over_socket)
        await self.cancel(symbol, near["orderId"], over_socket=over_socket)

    def queried(self) -> dict[str, Any]:
        """What its queries tell the client now."""
        orders = [plain(order) for symbol in SYMBOLS for order in self.rest.all_orders(symbol=symbol).data()]
        fills = [plain(fill) for symbol in SYMBOLS for fill in self.rest.my_trades(symbol=symbol).data()]
        balances = plain(self.rest.get_account().data())["balances"]
        return {
            "orders": orders,
            "fills": [{**fill, "tradeId": fill["id"]} for fill in fills],
            "balances": {one["asset"]: one for one in balances},
        }

    async def heard(self, fills: int) -> dict[str, Any]:
        """What the stream has told, once it has told of so many fills (or patience ends)."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while len(self._told_fills()) < fills:
                    self._told.clear()
                    await self._told.wait()
        return {"fills": self._told_fills()}

    def _told_fills(self) -> list[dict[str, Any]]:
        return [
            {
                "symbol": event["s"],
                "orderId": event["i"],
                "tradeId": event["t"],
                "price": event["L"],
                "qty": event["l"],
                "commission": event["n"],
                "commissionAsset": event["N"],
                "isMaker": event["m"],
            }
            for event in self.events
            if event.get("x") == "TRADE"
        ]


def plain(model: Any) -> dict[str, Any]:
    """Give the wire's names and values of one of the client's models."""
    given = getattr(model, "actual_instance", None) or model
    return given.model_dump(mode="json", by_alias=True)


def result(answered: Any) -> dict[str, Any]:
    """Give what a ws-api call resulted in; this client does not raise, but hands errors over as data."""
    given = answered.data()
    if isinstance(given, dict):
        raise ValueError(str(given))  # noqa: TRY004 - the exchange refused; no type is wrong
    return plain(given.result)


def on(tick: str, price: Decimal) -> str:
    return str(price.quantize(Decimal(tick), ROUND_DOWN))


async def main() -> None:
    given = json.loads(sys.argv[1])
    trader = Trader(given)
    await trader.connect()
    await trader.trade(given["rounds"])
    queried = trader.queried()
    stream = await trader.heard(len(queried["fills"]))
    await trader.close()
    json.dump({"answers": trader.answers, "queried": queried, "stream": stream}, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())

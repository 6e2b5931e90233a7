"""An exchange in ccxt's shape that is a profile of Holdfast: an existing robot changes one line.

    exchange = Holdfast({"apiKey": ROBOT_KEY, "urls": {"api": "http://127.0.0.1:8080"},
                         "options": {"profile": "alpha", "journal": "robot.journal"}})

Orders, balance and fills are the profile's. Prices and candles are not Holdfast's: give the robot's own
public exchange as `market_data`, and its methods are reached through this one too.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from types import TracebackType
from typing import Any, ClassVar, Self

from engine.client.ccxt_errors import ccxt_error, error_of
from engine.client.ccxt_forms import Form, balance_form, moment_ms, order_form, trade_form
from engine.client.errors import AnswerError, KeyReusedError, NoAnswerError, NumberError, UnsettledError
from engine.client.results import NO_ANSWER, NotPlaced, Result
from engine.client.robot import Robot
from engine.client.values import Order

_PARAMS = frozenset(
    {"clientOrderId", "newClientOrderId", "timeInForce", "postOnly", "label", "expiresAfterMs", "profile"}
)
_MARKET_DATA = frozenset(
    {
        "amount_to_precision", "amountToPrecision", "currencies", "describe", "fetch_markets", "fetchMarkets",
        "fetch_ohlcv", "fetchOHLCV", "fetch_order_book", "fetchOrderBook", "fetch_ticker", "fetchTicker",
        "fetch_tickers", "fetchTickers", "fetch_time", "fetchTime", "fetch_trades", "fetchTrades",
        "iso8601", "load_markets", "loadMarkets", "market", "markets", "milliseconds", "parse8601",
        "precisionMode", "price_to_precision", "priceToPrecision", "symbols", "timeframes", "watch_ohlcv",
        "watchOHLCV", "watch_order_book", "watchOrderBook", "watch_ticker", "watchTicker", "watch_trades",
        "watchTrades",
    }
)  # fmt: skip


class Holdfast:
    """One profile of one robot. Amounts and prices may be given as text, Decimal, int or float.

    `options`: `profile`, `journal`, `patience_s`, `number` (float, the default, str or Decimal: what numbers
    come back as). Errors have ccxt's names (`engine/client/ccxt_errors.py`), and `code` of Holdfast on them.
    """

    id = "holdfast"
    name = "Holdfast"
    has: ClassVar[Mapping[str, bool]] = {
        "CORS": False, "spot": True, "margin": False, "swap": False, "future": False, "option": False,
        "createOrder": True, "cancelOrder": True, "cancelAllOrders": True, "fetchOrder": True,
        "fetchOrders": True, "fetchOpenOrders": True, "fetchClosedOrders": True, "fetchBalance": True,
        "fetchMyTrades": True, "watchOrders": True, "createMarketOrder": True, "createLimitOrder": True,
        "createStopOrder": False, "createTriggerOrder": False, "editOrder": False, "withdraw": False,
    }  # fmt: skip

    def __init__(self, config: Mapping[str, Any], market_data: Any = None) -> None:
        options = dict(config.get("options", {}))
        urls = config.get("urls", {})
        patience_s = float(options.get("patience_s", 30.0))
        self.robot = Robot(
            urls if isinstance(urls, str) else urls["api"],
            config["apiKey"],
            journal=options["journal"],
            profile=options["profile"],
            patience_s=patience_s,
            pace=options.get("pace"),
        )
        self.options = options
        self._number = options.get("number", float)
        self._market_data = market_data
        self._watch = cache(self.robot.watch)  # one for each symbol

    def __getattr__(self, name: str) -> Any:
        """Return what the public exchange has of market data; nothing of it can reach an account."""
        if name in _MARKET_DATA and self._market_data is not None:
            return getattr(self._market_data, name)
        raise AttributeError(f"{type(self).__name__} has no {name}")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the robot; the exchange of the market data is its owner's to close."""
        await self.robot.close()

    async def create_order(  # noqa: PLR0917 - ccxt's own signature
        self,
        symbol: str,
        type: str,  # noqa: A002 - ccxt's own name
        side: str,
        amount: Any,
        price: Any = None,
        params: Mapping[str, Any] | None = None,
    ) -> Form:
        """Buy is an entry, sell an exit. `params["clientOrderId"]` is the idempotency key.

        Raises what `error_of` gives for a denial; RequestTimeout if nothing is known: call it again with the
        same arguments, and the same order is asked for. An order in doubt is returned as open.
        """
        given = dict(params or {})
        if unknown := given.keys() - _PARAMS:
            raise ccxt_error("NotSupported")(f"holdfast has no {', '.join(sorted(unknown))}")
        if (type, side) not in {(kind, way) for kind in ("limit", "market") for way in ("buy", "sell")}:
            raise ccxt_error("NotSupported")(f"holdfast has no {type} {side} orders")
        if type == "limit" and price is None:
            raise ccxt_error("ArgumentsRequired")("a limit order needs a price")
        place = self.robot.enter if side == "buy" else self.robot.exit
        async with _translated():
            result = await place(
                symbol,
                _exact(amount),
                _exact(price) if type == "limit" else None,
                profile=given.get("profile"),
                time_in_force=given.get("timeInForce"),
                post_only=bool(given.get("postOnly", False)),
                label=given.get("label"),
                expires_after_ms=given.get("expiresAfterMs"),
                key=given.get("clientOrderId") or given.get("newClientOrderId"),
            )
        return self._ordered(result)

    async def cancel_order(
        self,
        id: str,  # noqa: A002 - ccxt's own name
        symbol: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Form:
        """Cancel and return the order as it is then; still `open` if the exchange has not said its end."""
        del symbol
        async with _translated():
            order_id = await self._order_id(id, params)
            canceled = await self.robot.cancel(order_id)
            order = canceled.order or await self.robot.order(order_id)
            return await self._form(order)

    async def cancel_all_orders(
        self, symbol: str | None = None, params: Mapping[str, Any] | None = None
    ) -> list[Form]:
        """Cancel every order of the profile (and symbol) that is not finished."""
        del params
        async with _translated():
            canceled = await self.robot.cancel_all(symbol)
            return await self._forms([each.order for each in canceled if each.order is not None])

    async def fetch_order(
        self,
        id: str | None,  # noqa: A002 - ccxt's own name
        symbol: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Form:
        """Return an order by its id, or by `params["clientOrderId"]`."""
        del symbol
        async with _translated():
            return await self._form(await self.robot.order(await self._order_id(id, params)))

    async def fetch_open_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> list[Form]:
        """Return what is not finished, oldest first; first settles what this robot has no answer for."""
        await self.robot.recover()
        return await self._listed(symbol, since, limit, params, is_open=True)

    async def fetch_closed_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> list[Form]:
        """Return what is finished, oldest first."""
        return await self._listed(symbol, since, limit, params, is_open=False)

    async def fetch_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> list[Form]:
        """Return all orders, oldest first."""
        return await self._listed(symbol, since, limit, params, is_open=None)

    async def fetch_balance(self, params: Mapping[str, Any] | None = None) -> Form:
        """Return the profile's available and reserved quote and what it holds; not the account's balance."""
        del params
        async with _translated():
            return balance_form(await self.robot.capital(), await self.robot.positions(), self._number)

    async def fetch_my_trades(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> list[Form]:
        """Return the profile's fills, oldest first: the last `limit`, or with `since` the first from then.

        `params["order"]`: those of one order, which is named by its id.
        """
        given = dict(params or {})
        order_id = given.pop("order", None)
        if given:
            raise ccxt_error("NotSupported")(f"holdfast has no {', '.join(sorted(given))}")
        async with _translated():
            if order_id is not None:
                fills = await self.robot.fills(order_id=order_id)
            else:
                after = None if since is None else datetime.fromtimestamp(since / 1000, UTC)
                fills = await self.robot.fills(symbol, since=after, limit=limit or 100)
        return [trade_form(fill, self._number) for fill in fills]

    async def watch_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> list[Form]:
        """Wait until orders have changed and return them; the first call returns what is open at once."""
        del since, params
        async with _translated():
            forms = await self._forms(await self._watch(symbol).changed())
        return forms if limit is None else forms[-limit:]

    createOrder = create_order  # noqa: N815 - ccxt's other spelling, as all below
    cancelOrder = cancel_order  # noqa: N815
    cancelAllOrders = cancel_all_orders  # noqa: N815
    fetchOrder = fetch_order  # noqa: N815
    fetchOpenOrders = fetch_open_orders  # noqa: N815
    fetchClosedOrders = fetch_closed_orders  # noqa: N815
    fetchOrders = fetch_orders  # noqa: N815
    fetchBalance = fetch_balance  # noqa: N815
    fetchMyTrades = fetch_my_trades  # noqa: N815
    watchOrders = watch_orders  # noqa: N815

    async def _listed(
        self,
        symbol: str | None,
        since: int | None,
        limit: int | None,
        params: Mapping[str, Any] | None,
        *,
        is_open: bool | None,
    ) -> list[Form]:
        del params
        async with _translated():
            found = await self.robot.orders(symbol, open=is_open, limit=limit or 500)
            return await self._forms(
                [order for order in reversed(found) if since is None or moment_ms(order.created_at) >= since]
            )

    async def _order_id(self, given: str | None, params: Mapping[str, Any] | None) -> str:
        """Return Holdfast's id of an order that is named by it or by the key it was asked for with."""
        key = (params or {}).get("clientOrderId")
        if key is None:
            return given or ""
        found = await self.robot.asked(key)
        if found is None:
            raise error_of("NOT_FOUND", f"no order of the key {key!r} is known")
        return found

    async def _form(self, order: Order) -> Form:
        (form,) = await self._forms([order])
        return form

    async def _forms(self, orders: list[Order]) -> list[Form]:
        keys = await self.robot.keys_of(orders)
        return [order_form(order, keys.get(order.id), self._number) for order in orders]

    def _ordered(self, result: Result) -> Form:
        if isinstance(result, NotPlaced):
            raise error_of(result.code, result.message, retryable=result.retryable)
        if result.order is None:
            raise error_of(NO_ANSWER, f"{result.key}: the outcome is not known", retryable=True)
        return order_form(result.order, result.key, self._number)


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """Let the SDK's errors out under ccxt's names."""
    try:
        yield
    except AnswerError as error:
        raise error_of(error.code, str(error), retryable=error.retryable) from error
    except (NoAnswerError, UnsettledError) as error:
        raise error_of(NO_ANSWER, str(error), retryable=True) from error
    except KeyReusedError as error:
        raise error_of("IDEMPOTENCY_KEY_REUSED", str(error)) from error
    except NumberError as error:
        raise error_of("INVALID_NUMBER", str(error)) from error


def _exact(value: Any) -> Decimal:
    """Return a number as ccxt's robots give it: of a float its shortest text, which is what they wrote."""
    try:
        return value if isinstance(value, Decimal) else Decimal(str(value))
    except ArithmeticError:
        raise NumberError(f"{value!r} is no number") from None

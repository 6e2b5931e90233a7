"""One exchange account as the engine sees it: orders out, facts in, no more certainty than there is."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn, Self, TypeVar

import aiohttp

from engine.domain.errors import ErrorCode, HoldfastError, Outcome
from engine.domain.ids import render
from engine.domain.instruments import Instrument
from engine.domain.outcomes import Balance, CancelOutcome, Fill, OrderReport, Quote, SendOutcome
from engine.domain.requests import OrderRequest
from engine.exchange import pages, prices, unified
from engine.exchange.account import AccountConfig, make_client
from engine.exchange.account_ids import endpoint_of, read_account_id
from engine.exchange.circuit import Circuit
from engine.exchange.exchange_clock import ExchangeClock
from engine.exchange.exchange_timer import set_timer
from engine.exchange.outcome_table import Verdict, judge
from engine.exchange.remembered import ListedOrders
from engine.exchange.scheduler import BudgetExceededError, CallClass, Scheduler
from engine.exchange.seam import Faults, Observer, Seam
from engine.exchange.sending import Sender
from engine.exchange.streams import follow
from engine.exchange.tiers import ExchangeFacts, facts_of
from engine.exchange.transfers import Transfer, read_transfers
from engine.exchange.wire import WireRecord, open_session
from engine.runtime.clock import Clock

T = TypeVar("T")

# What reading a surprising answer can raise; the answer is then no evidence.
_UNREADABLE = (
    unified.IncompleteAnswerError,
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    TypeError,
    ValueError,
)

logger = logging.getLogger(__name__)

_PAGE = 1000
_READ_TIMEOUT_S = 15.0
_SILENT_AFTER_S = 60.0
_QUOTE_PACE_S = 0.05  # a busy book tells a hundred prices a second, and each look at one costs

# Request weights of Binance; elsewhere each call counts 1.
_BINANCE_WEIGHTS: Mapping[str, float] = {
    "find_order": 4,
    "open_orders": 6,
    "open_orders_all": 80,
    "closed_orders": 20,
    "fills": 20,
    "balances": 20,
    "account_uid": 20,
    "instruments": 20,
    "trading_fees": 20,
    "best_ask": 5,
    "last_price": 2,
    "minute_closes": 2,
}


class Gateway:
    """The only way to an exchange account. Use it after `open()`, or as an async context manager.

    `submit` and `cancel` return outcomes and raise nothing but CancelledError; reads raise HoldfastError
    (EXCHANGE_UNAVAILABLE) for everything that is not a complete answer.
    """

    def __init__(
        self,
        config: AccountConfig,
        *,
        clock: Clock | None = None,
        scheduler: Scheduler | None = None,
        faults: Faults | None = None,
        observer: Observer | None = None,
        resolver: aiohttp.abc.AbstractResolver | None = None,
        timeout_s: float = _READ_TIMEOUT_S,
    ) -> None:
        self.config = config
        self.facts: ExchangeFacts = facts_of(config.exchange)
        self.clock = clock or Clock()
        self.scheduler = scheduler or Scheduler(self.facts.limits, monotonic=self.clock.monotonic)
        self.circuit = Circuit(self.clock.monotonic)
        self.seam = Seam(
            config.account_id, config.exchange, self.scheduler, self.clock, self.circuit, faults, observer
        )
        self._resolver = resolver
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None
        self._ccxt: Any = None
        self._exchange_clock = ExchangeClock(self.clock, self.ask_clock_ms, self._sign_by)
        self.seam.on_clock_refused = self._exchange_clock.doubt
        self._probing = False
        self._listed: dict[str | None, ListedOrders] = {}
        self._sender: Sender | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Connect, measure the clock and load the instruments; raises HoldfastError if one fails."""
        self._session = open_session(self._resolver, self.config.ca_file)
        try:
            self._ccxt = make_client(self.config, self._session, self.exchange_now_ms, self._timeout_s)
            self._sender = Sender(self.config.exchange, self.facts, self._ccxt, self.seam, self._timeout_s)
            await self.measure_clock()
            await self._read("instruments", CallClass.RECONCILIATION, self._client.load_markets)
        except BaseException:  # also when cancelled: the session must not leak
            await self.close()
            raise

    async def close(self) -> None:
        """Close streams and connections, and refuse calls that wait."""
        await self._exchange_clock.close()
        await self.scheduler.close()
        if self._ccxt is not None:
            await self._ccxt.close()
            self._ccxt = None
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def measure_clock(self) -> int:
        """Read the exchange's clock several times, adopt the median, and return its offset to ours in ms."""
        return await self._exchange_clock.measure()

    def exchange_now_ms(self) -> int:
        """Return the exchange's clock, as measured last, in milliseconds since 1970."""
        return self._exchange_clock.now_ms()

    def clock_offset_ms(self) -> int:
        """Return the exchange's clock minus ours, as measured last."""
        return self._exchange_clock.offset_ms()

    async def ask_clock_ms(self, record: WireRecord | None = None) -> int:
        """Ask the exchange for its clock: whatever is asked after this is asked at that moment or later."""
        asked = self._read("time", CallClass.RECONCILIATION, self._client.fetch_time, record=record)
        return _read_as(int, await asked)

    async def probe(self) -> None:
        """Ask the exchange how it is, if its circuit wants to know by now; raises nothing."""
        if self._probing or not self.circuit.wants_probe:
            return
        self._probing = True
        try:
            await self.ask_clock_ms()
        except HoldfastError:
            pass  # the seam has told the circuit
        finally:
            self._probing = False

    def _sign_by(self, offset_ms: int) -> None:
        self._client.options["timeDifference"] = -offset_ms  # for the exchanges that sign by it

    # -- orders -------------------------------------------------------------------------------------

    async def submit(self, request: OrderRequest) -> SendOutcome:
        """Send an order at most once, and say what is known of it. Raises only CancelledError."""
        return await self._orders.submit(request, self._look_up)

    async def cancel(self, symbol: str, exchange_order_id: str) -> CancelOutcome:
        """Cancel an order; not throttled by us. NotFound proves nothing. Raises only CancelledError."""
        return await self._orders.cancel(symbol, exchange_order_id)

    async def set_timer(self, seconds: int, timeout_s: float) -> datetime | None:
        """Arm the exchange's own timer for so many seconds, 0: disarm it; returns when it will act.

        Raises EXCHANGE_UNAVAILABLE for all that is no such answer: then nothing is known. Harmless twice.
        """
        record, call = WireRecord(), self._client.cancel_all_orders_after
        return await self._answered(
            "exchange_timer", record, set_timer(call, self.seam, seconds, record, timeout_s)
        )

    async def _look_up(self, request: OrderRequest) -> OrderReport | None:
        return await self.find_order(request.symbol, client_order_id=request.client_order_id)

    # -- reads --------------------------------------------------------------------------------------

    async def account_uid(self) -> str:
        """Return the exchange's own id of the account; raises CONFIGURATION where it does not tell one."""
        endpoint = endpoint_of(self.config.exchange)
        found = await self._read("account_uid", CallClass.RECONCILIATION, getattr(self._client, endpoint))
        return read_account_id(self.config.exchange, found)

    async def key_can_withdraw(self) -> bool | None:
        """Tell whether the key may move money out of the account; None where the exchange does not say."""
        if self.config.exchange != "binance":
            return None
        try:
            said = await self._read(
                "key_can_withdraw", CallClass.RECONCILIATION, self._client.sapiGetAccountApiRestrictions
            )
        except HoldfastError:
            return None  # not every server that speaks the protocol has this endpoint
        told = said.get("enableWithdrawals") if isinstance(said, Mapping) else None
        return told if isinstance(told, bool) else None

    async def instruments(self) -> tuple[Instrument, ...]:
        """Return all spot instruments that state tick, lot and fees; with the account's own fee rates."""
        markets = await self._read(
            "instruments", CallClass.RECONCILIATION, lambda: self._client.load_markets(True)
        )
        self._listed.clear()  # an order's symbol is read by them
        rates = await self._fee_rates()
        made = [
            _read_as(lambda one: unified.instrument(one, *rates.get(one["symbol"], (None, None))), market)
            for market in markets.values()
            if market.get("spot")
        ]
        return tuple(one for one in made if one is not None)

    async def balances(self) -> Mapping[str, Balance]:
        """Return what the account holds by asset; an asset that is missing is unknown, not zero."""
        answer = await self._read("balances", CallClass.RECONCILIATION, self._client.fetch_balance)
        return _read_as(unified.balances, answer)

    async def find_order(
        self, symbol: str, *, client_order_id: str | None = None, exchange_order_id: str | None = None
    ) -> OrderReport | None:
        """Return the order as the exchange has it now, None only if it definitely answers that there is none.

        Raises EXCHANGE_UNAVAILABLE for every other answer, and where it cannot be asked by our id.
        """
        params: dict[str, str] = {}
        if exchange_order_id is None:
            if client_order_id is None or self.facts.query_param is None:
                raise HoldfastError(ErrorCode.EXCHANGE_UNAVAILABLE, "cannot be asked by client order id")
            params[self.facts.query_param] = render(self.config.exchange, client_order_id)
        record = WireRecord()
        try:
            order = await self._read(
                "find_order",
                CallClass.RECONCILIATION,
                lambda: self._client.fetch_order(exchange_order_id, symbol, params),
                record=record,
            )
        except HoldfastError:
            if judge(self.config.exchange, record.status, record.body).verdict is Verdict.NOT_FOUND:
                return None
            raise
        return _read_as(lambda found: self._report(found, client_order_id), order)

    async def open_orders(self, symbol: str | None = None) -> tuple[OrderReport, ...]:
        """Return the open orders of a symbol, or of the account (dear: 80 of Binance's weight)."""
        name = "open_orders" if symbol else "open_orders_all"
        listed = self._listed.setdefault(symbol, ListedOrders(self.config.exchange))
        fetch = self._client.fetch_open_orders
        orders = await self._read(name, CallClass.RECONCILIATION, lambda: listed.read(fetch, symbol))
        return _read_as(lambda rows: listed.reports(rows, self._report), orders)

    async def open_orders_of(self, symbols: Sequence[str]) -> tuple[OrderReport, ...]:
        """Return at least the open orders of some symbols, whichever way costs less."""
        each, whole = _BINANCE_WEIGHTS["open_orders"], _BINANCE_WEIGHTS["open_orders_all"]
        if self.config.exchange == "binance" and len(symbols) * each > whole:
            return await self.open_orders()
        return tuple([report for symbol in symbols for report in await self.open_orders(symbol)])

    async def closed_orders(self, symbol: str, since_ms: int) -> tuple[OrderReport, ...]:
        """Return the orders made since a moment that are no longer open: all pages, or an error."""
        fetch = self._client.fetch_orders if self._client.has.get("fetchOrders") else None
        fetch = fetch or self._client.fetch_canceled_and_closed_orders

        async def page(since: int | None) -> list[dict[str, Any]]:
            rows: list[dict[str, Any]] = await self._read(
                "closed_orders", CallClass.RECONCILIATION, lambda: fetch(symbol, since, _PAGE)
            )
            return rows

        rows = await _complete(pages.by_time(page, since_ms, _PAGE))
        reports = _read_as(lambda found: tuple(self._report(row) for row in found), rows)
        return tuple(report for report in reports if report.status != "open")

    async def fills(
        self, symbol: str, *, since_ms: int | None = None, exchange_order_id: str | None = None
    ) -> tuple[Fill, ...]:
        """Return executions of a symbol, or of one order: all pages, or an error. The only source of fees."""
        only: dict[str, Any] = {} if exchange_order_id is None else {"orderId": exchange_order_id}

        async def read(since: int | None, params: dict[str, Any]) -> list[dict[str, Any]]:
            rows: list[dict[str, Any]] = await self._read(
                "fills",
                CallClass.RECONCILIATION,
                lambda: self._client.fetch_my_trades(symbol, since, _PAGE, params),
                cost=5 if only and self.config.exchange == "binance" else None,
            )
            return rows

        if self.config.exchange == "binance":
            start = only if only or since_ms is not None else {"fromId": 0}
            rows = await _complete(
                pages.by_id(
                    lambda: read(None if only else since_ms, start),
                    lambda trade_id: read(None, {**only, "fromId": trade_id}),
                    _PAGE,
                )
            )
        else:
            rows = await _complete(pages.by_time(lambda since: read(since, only), since_ms, _PAGE))
        if exchange_order_id is not None:
            rows = [row for row in rows if str(row.get("order")) == exchange_order_id]
        return _read_as(self._fills, rows)

    async def transfers(self, since_ms: int) -> tuple[Transfer, ...]:
        """Return deposits and withdrawals since a moment: all, or an error; none where it tells of none."""

        async def call(fetch: Callable[[], Awaitable[Any]]) -> Any:
            return await self._read("transfers", CallClass.RECONCILIATION, fetch)

        return await _complete(read_transfers(self._client, call, since_ms, self.exchange_now_ms()))

    async def best_ask(self, symbol: str) -> Quote:
        """Return bid and ask now; `at_ms` is when we asked, so the quote is never younger than it says."""
        at_ms = self.exchange_now_ms()
        book = await self._read(
            "best_ask", CallClass.MARKET_DATA, lambda: self._client.fetch_order_book(symbol, 5)
        )
        sides = [rows[0][0] if rows else None for rows in (book.get("bids"), book.get("asks"))]
        bid, ask = _read_as(lambda found: [unified.number(price) for price in found], sides)
        return Quote(symbol, bid, ask, at_ms)

    async def last_price(self, symbol: str) -> Decimal:
        """Return the price of the last trade."""
        return await _complete(prices.last_price(self._client, self._market, symbol))

    async def minute_closes(self, symbol: str, since_ms: int) -> Mapping[int, Decimal]:
        """Return past prices from a moment's minute on, by the minute's start in ms; some hours at most."""
        return await _complete(prices.minute_closes(self._client, self._market, symbol, since_ms))

    async def _market(self, name: str, fetch: Callable[[], Awaitable[Any]]) -> Any:
        return await self._read(name, CallClass.MARKET_DATA, fetch)

    # -- streams ------------------------------------------------------------------------------------

    def watch_orders(
        self, *, silent_after_s: float = _SILENT_AFTER_S
    ) -> AsyncGenerator[tuple[OrderReport, ...], None]:
        """Follow the account's orders. States may be left out between two; fees are never in here."""
        return follow(
            "orders", self._client.watch_orders, self._reports, self._drop_user_stream, silent_after_s
        )

    def watch_fills(
        self, *, silent_after_s: float = _SILENT_AFTER_S
    ) -> AsyncGenerator[tuple[Fill, ...], None]:
        """Follow the account's executions, each with its own fee."""
        return follow(
            "fills", self._client.watch_my_trades, self._fills, self._drop_user_stream, silent_after_s
        )

    def watch_quotes(
        self, symbols: Sequence[str], *, silent_after_s: float = _SILENT_AFTER_S
    ) -> AsyncGenerator[tuple[Quote, ...], None]:
        """Follow best bid and ask of some symbols; only the last of what comes close together."""
        wanted = list(symbols)
        # what ccxt still has of an earlier stream is no news
        seen: dict[str, Any] = dict(self._client.bidsasks)

        async def latest() -> Mapping[str, Any]:
            news: Mapping[str, Any] = await self._client.watch_bids_asks(wanted)
            await asyncio.sleep(_QUOTE_PACE_S)
            kept = {symbol: self._client.bidsasks.get(symbol) or news.get(symbol) for symbol in wanted}
            found = {each: ticker for each, ticker in kept.items() if ticker and ticker is not seen.get(each)}
            seen.update(found)
            return found

        def read(tickers: Mapping[str, Any]) -> tuple[Quote, ...]:
            at_ms = self.exchange_now_ms() - round(_QUOTE_PACE_S * 1000)  # it may be as old as that
            return tuple(
                Quote(symbol, unified.number(found.get("bid")), unified.number(found.get("ask")), at_ms)
                for symbol, found in tickers.items()
            )

        return follow("quotes", latest, read, self._drop_quotes, silent_after_s)

    def _report(self, row: Mapping[str, Any], client_order_id: str | None = None) -> OrderReport:
        return unified.order_report(row, exchange=self.config.exchange, client_order_id=client_order_id)

    def _reports(self, rows: Sequence[Mapping[str, Any]]) -> tuple[OrderReport, ...]:
        # ccxt merges an order's updates and loses fees in it: fills come from watch_fills alone
        return tuple(self._report({**row, "trades": ()}) for row in rows)

    def _fills(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Fill, ...]:
        return tuple(unified.fill(row, exchange=self.config.exchange) for row in rows)

    async def _drop_user_stream(self) -> None:
        await self._drop(user=True)

    async def _drop_quotes(self) -> None:
        await self._drop(user=False)

    async def _drop(self, *, user: bool) -> None:
        """Close connections so that the next watch makes a new one, with a new subscription."""
        if self._ccxt is None:
            return
        for url, client in list(self._ccxt.clients.items()):
            if self.config.exchange != "binance" or ("/ws-api" in url) is user:
                self._ccxt.clients.pop(url, None)
                await client.close()

    # -- the seam -----------------------------------------------------------------------------------

    @property
    def _client(self) -> Any:
        if self._ccxt is None:
            raise HoldfastError(ErrorCode.NOT_READY, "the gateway is not open")
        return self._ccxt

    @property
    def _orders(self) -> Sender:
        if self._ccxt is None or self._sender is None:
            raise HoldfastError(ErrorCode.NOT_READY, "the gateway is not open")
        return self._sender

    async def _read(
        self,
        name: str,
        kind: CallClass,
        func: Callable[[], Awaitable[Any]],
        *,
        record: WireRecord | None = None,
        cost: float | None = None,
    ) -> Any:
        """Make one read; raises EXCHANGE_UNAVAILABLE whatever goes wrong."""
        known = record or WireRecord()
        if cost is None:
            cost = _BINANCE_WEIGHTS.get(name, 1) if self.config.exchange == "binance" else 1
        made = self.seam.call(name, kind, cost, func, record=known, timeout_s=self._timeout_s)
        return await self._answered(name, known, made)

    async def _answered(self, name: str, record: WireRecord, made: Awaitable[T]) -> T:
        try:
            return await made
        except HoldfastError:
            raise
        except BudgetExceededError as error:
            raise _unavailable(name, str(error)) from error
        except Exception as error:  # noqa: BLE001 - ccxt raises whatever its parsers meet; none of it is an answer
            self._fail(name, record, error)

    def _fail(self, name: str, record: WireRecord, error: Exception) -> NoReturn:
        # never the text of the error: ccxt writes the signed URL into it
        answer = judge(self.config.exchange, record.status, record.body)
        reason = f"{type(error).__name__} {answer.code} {answer.message}".strip()
        raise _unavailable(name, reason, status=record.status, exchange_code=answer.code) from error

    async def _fee_rates(self) -> Mapping[str, tuple[Decimal | None, Decimal | None]]:
        """Return maker and taker rate by symbol; empty where the exchange does not tell the account's own."""
        if not self._client.has.get("fetchTradingFees"):
            return {}
        try:
            fees = await self._read("trading_fees", CallClass.RECONCILIATION, self._client.fetch_trading_fees)
        except HoldfastError as error:  # not every key may read this
            logger.warning("the fee rates of the list stand for the account's own: %s", error)
            return {}
        return {
            symbol: (unified.number(fee.get("maker")), unified.number(fee.get("taker")))
            for symbol, fee in fees.items()
            if isinstance(fee, Mapping)
        }


async def _complete(rows: Awaitable[T]) -> T:
    try:
        return await rows
    except _UNREADABLE as error:
        raise unified.refuse_missing_fields(error) from error


def _read_as(reader: Callable[[Any], T], answer: Any) -> T:
    try:
        return reader(answer)
    except _UNREADABLE as error:
        raise unified.refuse_missing_fields(error) from error


def _unavailable(name: str, reason: str, **details: Any) -> HoldfastError:
    return HoldfastError(
        ErrorCode.EXCHANGE_UNAVAILABLE,
        f"{name}: {reason}",
        outcome=Outcome.UNKNOWN,
        call=name,
        reason=reason,
        **details,
    )

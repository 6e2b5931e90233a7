"""Sends orders and cancels once, and turns whatever happens then into what is known."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from engine.domain.ids import render
from engine.domain.money import to_text
from engine.domain.outcomes import (
    Canceled,
    CancelOutcome,
    InDoubt,
    NotFound,
    NotSent,
    OrderReport,
    Placed,
    Refused,
    SendOutcome,
)
from engine.domain.requests import OrderRequest
from engine.exchange import unified
from engine.exchange.outcome_table import Verdict, judge
from engine.exchange.scheduler import BudgetExceededError, CallClass
from engine.exchange.seam import Seam
from engine.exchange.tiers import ExchangeFacts
from engine.exchange.wire import WireRecord

_REMEMBERED_MAX = 200_000
_RAW_CHARACTERS_MAX = 4000

LookUp = Callable[[OrderRequest], Awaitable[OrderReport | None]]


class Sender:
    """The part of a gateway that changes something at the exchange."""

    def __init__(
        self, exchange: str, facts: ExchangeFacts, client: Any, seam: Seam, timeout_s: float
    ) -> None:
        self._exchange = exchange
        self._facts = facts
        self._client = client
        self._seam = seam
        self._timeout_s = timeout_s
        self._used: OrderedDict[str, None] = OrderedDict()

    async def submit(self, request: OrderRequest, look_up: LookUp) -> SendOutcome:
        """Send an order once; a duplicate id is looked up, because it means that the order exists."""
        if request.client_order_id in self._used:
            # not NotSent: the first send may have placed it, and that would release its capital
            return InDoubt("this client order id was already used by this process")
        self._used[request.client_order_id] = None
        if len(self._used) > _REMEMBERED_MAX:
            self._used.popitem(last=False)
        unfit = self._unfit(request)
        if unfit is not None:
            return NotSent(unfit)
        record = WireRecord(
            once=True, send_before=request.send_before_monotonic, monotonic=self._seam.clock.monotonic
        )
        try:
            order = await self._seam.call(
                "submit",
                CallClass.ORDER,
                1,
                lambda: self._create(request),
                record=record,
                timeout_s=self._timeout_s,
                budget_until=request.send_before_monotonic,
                sound=_names_an_order,
            )
            return self._placed(order, request, record)
        except BudgetExceededError as error:
            return NotSent(str(error))
        except Exception as error:  # noqa: BLE001 - no exception class says whether an order exists; the record does
            return await self._judge(error, request, record, look_up)

    async def cancel(self, symbol: str, exchange_order_id: str) -> CancelOutcome:
        """Cancel one order by the exchange's id."""
        record = WireRecord()
        try:
            order = await self._seam.call(
                "cancel",
                CallClass.CANCEL,
                1,
                lambda: self._client.cancel_order(exchange_order_id, symbol),
                record=record,
                timeout_s=self._timeout_s,
                sound=_names_an_order,
            )
            return self._canceled(order, symbol, exchange_order_id, record)
        except Exception as error:  # noqa: BLE001 - as above: only what was written and answered counts
            if not record.written:
                return NotSent(_name(error))
            answer = judge(self._exchange, record.status, record.body)
            if answer.verdict in (Verdict.NOT_OPEN, Verdict.NOT_FOUND):
                return NotFound(answer.code, answer.message)
            if answer.verdict is Verdict.REFUSED:
                return Refused(answer.code, answer.message, _raw(record))
            return InDoubt(f"{_name(error)} {answer.code}".strip(), _raw(record))

    def _unfit(self, request: OrderRequest) -> str | None:
        """Say why a request cannot go out as it is; ccxt would round it, or turn it into another order."""
        if request.type == "market" and request.limit_price is not None:
            return "a market order has no price"
        if request.type == "limit" and request.limit_price is None:
            return "a limit order has a price"
        if request.post_only and (request.type != "limit" or request.time_in_force != "GTC"):
            return "post-only is for limit orders that stay"
        try:
            sent = self._client.amount_to_precision(request.symbol, to_text(request.quantity))
            exact = unified.number(sent) == request.quantity
            if request.limit_price is not None:
                sent = self._client.price_to_precision(request.symbol, to_text(request.limit_price))
                exact = exact and unified.number(sent) == request.limit_price
        except Exception as error:  # noqa: BLE001 - ccxt refuses here what it cannot round; nothing was sent
            return f"not a valid order of this instrument ({_name(error)})"
        return None if exact else "quantity or price is off the instrument's steps"

    async def _create(self, request: OrderRequest) -> Any:
        params: dict[str, Any] = {
            self._facts.client_id_param: render(self._exchange, request.client_order_id),
        }
        if self._exchange == "binance":
            params["timestamp"] = request.signed_at_ms
            params["recvWindow"] = request.valid_for_ms
        if request.post_only:
            params["postOnly"] = True
        elif request.type == "limit":
            params["timeInForce"] = request.time_in_force
        price = None if request.limit_price is None else to_text(request.limit_price)
        return await self._client.create_order(
            request.symbol, request.type, request.side, to_text(request.quantity), price, params
        )

    def _placed(self, order: Any, request: OrderRequest, record: WireRecord) -> SendOutcome:
        report = unified.order_report(order, exchange=self._exchange, client_order_id=request.client_order_id)
        if record.status is None or not 200 <= record.status < 300:  # noqa: PLR2004 - HTTP's success
            return InDoubt(f"an order in an answer with status {record.status}", _raw(record))
        # an id that could not be read back is compared in the form that was sent
        known = (request.client_order_id, render(self._exchange, request.client_order_id))
        if report.symbol != request.symbol or report.client_order_id not in known:
            return InDoubt("the answer shows another order", _raw(record))
        return Placed(report)

    async def _judge(
        self, error: Exception, request: OrderRequest, record: WireRecord, look_up: LookUp
    ) -> SendOutcome:
        if not record.written:
            return NotSent(_name(error))
        answer = judge(self._exchange, record.status, record.body)
        if answer.verdict is Verdict.REFUSED:
            return Refused(answer.code, answer.message, _raw(record))
        if answer.verdict is Verdict.DUPLICATE:
            try:
                report = await look_up(request)
            except Exception:  # noqa: BLE001 - whatever the look-up meets, the order exists
                report = None
            if report is not None:
                return Placed(report)
            return InDoubt(f"duplicate client order id ({answer.code}), not found yet", _raw(record))
        return InDoubt(f"{_name(error)} {answer.code}".strip(), _raw(record))

    def _canceled(self, order: Any, symbol: str, exchange_order_id: str, record: WireRecord) -> CancelOutcome:
        info = order.get("info") or {}
        # the answer's clientOrderId is the cancel's own
        own = info.get("origClientOrderId") if isinstance(info, dict) else None
        report = unified.order_report(
            {**order, "symbol": order.get("symbol") or symbol, "clientOrderId": own}, exchange=self._exchange
        )
        if report.exchange_order_id != exchange_order_id or report.symbol != symbol:
            return InDoubt("the answer shows another order", _raw(record))
        return Canceled(report)


def _names_an_order(answer: Any) -> bool:
    """Tell whether an answer is about an order at all; 200 with an empty page is not."""
    return isinstance(answer, dict) and answer.get("id") is not None


def _raw(record: WireRecord) -> dict[str, Any]:
    return {"status": record.status, "body": (record.body or "")[:_RAW_CHARACTERS_MAX]}


def _name(error: Exception) -> str:
    """Return class and cause; never the text, in which ccxt shows the signed URL."""
    cause = error.__cause__
    return type(error).__name__ if cause is None else f"{type(error).__name__} from {type(cause).__name__}"

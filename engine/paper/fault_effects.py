"""What each kind of fault makes of a request: before it is processed, instead of it, or of its answer."""

import asyncio
from typing import TYPE_CHECKING, Any

from engine.paper import incidents, refusals, scale
from engine.paper.faults import FaultKind, Target, target_of
from engine.paper.replies import HTML, Dropped, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.paper.faults import Fault
    from engine.paper.matching import Matching
    from engine.paper.orders import Order
    from engine.paper.rest import Received, Rest

_OK = 200
_BANNED = 418
_NEVER = 10**15
_NOT_PROCESSED = {
    FaultKind.DROP_BEFORE,
    FaultKind.UNKNOWN_BEFORE,
    FaultKind.HTTP_5XX_BEFORE,
    FaultKind.RATE_LIMITED,
}


class FaultEffects:
    """Answers the requests that a fault hits; `move_money` is the exchange's way to deposit and withdraw."""

    def __init__(
        self, rest: "Rest", matching: "Matching", move_money: "Callable[[str, str, int], None]"
    ) -> None:
        self._rest = rest
        self._matching = matching
        self._move_money = move_money
        self._own = {
            FaultKind.LATE_APPLY: self._apply_late,
            FaultKind.STALE_READ: self._stale,
            FaultKind.NOT_FOUND: self._not_found,
            FaultKind.MISSING_PAGES: self._missing_pages,
            FaultKind.PARTIAL_FILLS: self._filled_after,
            FaultKind.FEE_ASSET_CHANGE: self._filled_after,
            FaultKind.FILL_AFTER_CANCEL: self._filled_after,
            FaultKind.SELF_TRADE: self._filled_after,
            FaultKind.DEPOSIT: self._with_money,
            FaultKind.WITHDRAWAL: self._with_money,
            FaultKind.CLOCK_STEP: self._with_clock_step,
        }

    def answer(self, received: "Received", fault: "Fault") -> Reply:
        """Let a fault happen that does not wait; Dropped if the connection is to break."""
        own = self._own.get(fault.kind)
        if own is not None:
            return own(received, fault)
        if fault.kind in _NOT_PROCESSED:
            return _spoiled(Reply(0, None, {}), fault)
        return _spoiled(self._rest.answer(received), fault)

    async def answer_delayed(self, received: "Received", fault: "Fault") -> Reply:
        """Hold the request back in real time between the two checks of its validity window."""
        valid_until_ms = self._rest.valid_until(received)
        await asyncio.sleep(fault.delay_ms / 1000)
        return self._rest.answer(received, valid_until_ms)

    def _apply_late(self, received: "Received", fault: "Fault") -> Reply:
        """Leave the client without an answer and process the request later by the exchange's clock."""
        valid_until_ms = self._rest.valid_until(received)
        if valid_until_ms is None:
            return self._rest.answer(received)
        until = valid_until_ms if fault.recheck else _NEVER
        self._later(fault, lambda: self._rest.answer(received, until))
        if fault.answer == "drop":
            raise Dropped
        return _unknown(fault, {})

    def _later(self, fault: "Fault", action: "Callable[[], object]") -> None:
        clock = self._matching.clock
        clock.call_at(clock.now_ms() + int(fault.delay_s * 1000), action)

    def _stale(self, received: "Received", _: "Fault") -> Reply:
        """Answer a read as if the order had not reached the part of the exchange that is asked."""
        reply = self._rest.answer(received)
        if reply.status == _OK and isinstance(reply.payload, list):
            return Reply(_OK, [], reply.headers)
        return _refused(refusals.no_such_order(), reply.headers)

    def _not_found(self, received: "Received", _: "Fault") -> Reply:
        """Say that there is no such order; a cancel is not processed."""
        if target_of(received.method, received.path) is Target.CANCEL:
            return _refused(refusals.unknown_order(), {})
        return _refused(refusals.no_such_order(), self._rest.answer(received).headers)

    def _missing_pages(self, received: "Received", fault: "Fault") -> Reply:
        reply = self._rest.answer(received)
        if reply.status == _OK and isinstance(reply.payload, list):
            rows = reply.payload
            reply.payload = rows[: len(rows) // 2 if fault.keep is None else fault.keep]
        return reply

    def _filled_after(self, received: "Received", fault: "Fault") -> Reply:
        """Process and answer truly; what happens to the order then is not in the answer any more."""
        reply = self._rest.answer(received)
        for order in self._orders_of(reply):
            action = self._incident(fault, order)
            if fault.delay_s:
                self._later(fault, action)
            else:
                action()
        return reply

    def _incident(self, fault: "Fault", order: "Order") -> "Callable[[], object]":
        matching = self._matching
        if fault.kind is FaultKind.FILL_AFTER_CANCEL:
            return lambda: incidents.fill_after_cancel(matching, order)
        if fault.kind is FaultKind.SELF_TRADE:
            own_id = f"owner-{order.id}"
            return lambda: incidents.trade_with_itself(matching, order, fault.prevention, own_id)
        asset = fault.asset if fault.kind is FaultKind.FEE_ASSET_CHANGE else None
        return lambda: incidents.fill_in_parts(matching, order, fault.parts, asset)

    def _orders_of(self, reply: Reply) -> "list[Order]":
        if reply.status != _OK:
            return []
        rows = reply.payload if isinstance(reply.payload, list) else [reply.payload]
        rows = [row.get("newOrderResponse") or row for row in rows]
        return [
            self._matching.markets[row["symbol"]].orders[row["orderId"]] for row in rows if "orderId" in row
        ]

    def _with_money(self, received: "Received", fault: "Fault") -> Reply:
        """Move money in or out beside the order; a withdrawal that is not covered does not happen."""
        reply = self._rest.answer(received)
        amount = scale.parse(fault.amount)
        if received.key in self._matching.accounts:
            try:
                signed = amount if fault.kind is FaultKind.DEPOSIT else -amount
                self._move_money(received.key or "", fault.asset, signed)
            except refusals.Refusal:
                return reply
        return reply

    def _with_clock_step(self, received: "Received", fault: "Fault") -> Reply:
        self._matching.clock.advance(fault.step_ms)
        return self._rest.answer(received)


def _spoiled(reply: Reply, fault: "Fault") -> Reply:
    """Replace a true answer by what the fault makes of it."""
    kind = fault.kind
    if kind in {FaultKind.DROP_BEFORE, FaultKind.DROP_AFTER}:
        raise Dropped
    if kind in {FaultKind.UNKNOWN_BEFORE, FaultKind.UNKNOWN_AFTER}:
        return _unknown(fault, reply.headers)
    if kind in {FaultKind.HTTP_5XX_BEFORE, FaultKind.HTTP_5XX_AFTER}:
        return Reply(fault.status or 502, HTML, reply.headers)
    if kind is FaultKind.HTML_200_AFTER:
        return Reply(_OK, HTML, reply.headers)
    if kind is FaultKind.EMPTY_200_AFTER:
        return Reply(_OK, b"", reply.headers)
    status = fault.status or 429
    text = "Way too many requests; IP banned." if status == _BANNED else "Too many requests."
    return Reply(status, {"code": -1003, "msg": text}, {"Retry-After": str(fault.retry_after_s)})


def _unknown(fault: "Fault", headers: dict[str, str]) -> Reply:
    refusal = refusals.unknown_status(fault.code)
    return Reply(fault.status or refusal.status, refusal.shown(), headers)


def _refused(refusal: refusals.Refusal, headers: dict[str, str]) -> Reply:
    shown: dict[str, Any] = refusal.shown()
    return Reply(refusal.status, shown, headers)

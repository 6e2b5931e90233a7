"""Closes the gap between what an exchange says was filled and the trades it shows, until it shows them."""

from collections.abc import Sequence
from decimal import Decimal

from engine.domain.money import EXACT, STEPPED, ZERO, to_text
from engine.domain.outcomes import Fill, OrderReport
from engine.domain.states import OrderState
from engine.flows.accounts import AccountSession
from engine.flows.record import Booked, Recorder
from engine.ledger.intents import IntentView
from engine.ledger.wire import instant, number
from engine.runtime.log import get_logger

SETTLE_MS = 5_000  # by the exchange's clock: its trades may come after its word on the order
_SMALLEST = Decimal(1).scaleb(-18)
_log = get_logger(__name__)


async def infer(
    session: AccountSession,
    recorder: Recorder,
    view: IntentView,
    report: OrderReport,
    seen: Sequence[Fill] | None = None,
) -> Booked | None:
    """Book an inferred fill for what a report has beyond all trades of its order; None if there is no need.

    `seen`: all trades of the order, asked by its id after the report, and booked; None: they are asked for
    here, and booked with the report. Nothing is inferred before the exchange had SETTLE_MS to show its
    trades, nor without a price. Raises what reading and booking raise.
    """
    filled, order = _filled(report), view["order"]
    if filled is None or order is None or Decimal(order["booked_quantity"]) >= filled:
        return None
    if session.gateway.exchange_now_ms() - _since_ms(view, report) < SETTLE_MS:
        return None
    if seen is None:
        seen = await session.gateway.fills(view["symbol"], exchange_order_id=report.exchange_order_id)
        await recorder.book(session, report, seen, "poll")
    missing = filled
    for fill in seen:
        missing = EXACT.subtract(missing, fill.quantity)
    price = report.average_price or number(view["limit_price"])
    if missing <= ZERO or price is None:
        return None
    average = None if report.average_price is None else _rounded(report.average_price)
    guess = Fill(
        view["symbol"],
        report.exchange_order_id,
        f"inferred:{to_text(filled)}",
        view["side"],
        _rounded(price),
        missing,
        None,
        None,
        report.exchange_time or instant(view["updated_at"]),
    )
    booked = await recorder.infer(session, guess, average)
    if booked.fills == ("OK",):
        _log.warning("inferred a fill", order=view["id"], filled=str(filled), missing=str(missing))
    return booked


def _filled(report: OrderReport) -> Decimal | None:
    if report.filled_quantity is None and report.status == OrderState.FILLED:
        return report.quantity
    return report.filled_quantity


def _since_ms(view: IntentView, report: OrderReport) -> int:
    """Return since when the exchange has said so, as far as is known."""
    when = report.exchange_time or instant(view["updated_at"])
    return round(when.timestamp() * 1000)


def _rounded(price: Decimal) -> Decimal:
    return price.quantize(_SMALLEST, context=STEPPED)

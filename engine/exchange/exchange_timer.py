"""The exchange's own timer (cancel all after): where it reaches spot orders, its bounds and its answers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engine.domain.errors import ErrorCode, HoldfastError
from engine.exchange.scheduler import CallClass
from engine.exchange.seam import Seam
from engine.exchange.unified import IncompleteAnswerError, moment
from engine.exchange.wire import WireRecord

WRITE_S = 5.0  # so long after it was decided a call may still be written; SQL's look counts on it
_MILLISECONDS_FROM = 10**11  # as seconds that would be the year 5138


@dataclass(frozen=True, slots=True)
class TimerRule:
    """What an exchange takes, in whole seconds, and how its answer tells when it will act (None: never)."""

    seconds_min: int
    seconds_max: int
    read: Callable[[Any], datetime | None]
    source: str


def _okx(answer: Any) -> datetime | None:
    if answer["code"] != "0":
        raise IncompleteAnswerError("an answer that does not say that it was done")
    told = str(answer["data"][0]["triggerTime"])
    if not (told.isascii() and told.isdigit()):
        raise IncompleteAnswerError("an answer without the moment")
    at = int(told)
    return None if at == 0 else moment(at if at >= _MILLISECONDS_FROM else at * 1000)


def _kraken(answer: Any) -> datetime | None:
    if answer["error"] != []:
        raise IncompleteAnswerError("an answer that does not say that it was done")
    told = answer["result"]["triggerTime"]
    if told in ("0", 0, ""):
        return None
    at = datetime.fromisoformat(told)
    if at.tzinfo is None:
        raise IncompleteAnswerError("a moment without time zone")
    return at.astimezone(UTC)


# An allow-list. ccxt 4.5.90 has the call for others too; docs/exchanges.md says why they are not here.
TIMERS: Mapping[str, TimerRule] = {
    "okx": TimerRule(10, 120, _okx, "docs-v5, POST /api/v5/trade/cancel-all-after"),
    # its lower bound is ours: it advises 60 s, renewed every 15 to 30
    "kraken": TimerRule(30, 86_399, _kraken, "spot REST, POST /0/private/CancelAllOrdersAfter"),
}


def timer_rule(exchange: str) -> TimerRule:
    """Return an exchange's rule. Raises EXCHANGE_TIMER_UNAVAILABLE where none is known."""
    rule = TIMERS.get(exchange)
    if rule is None:
        raise HoldfastError(
            ErrorCode.EXCHANGE_TIMER_UNAVAILABLE,
            f"{exchange} has no timer (cancel all after) that is known to reach spot orders.",
            exchange=exchange,
        )
    return rule


def check_seconds(exchange: str, seconds: int) -> None:
    """Let seconds pass that the exchange takes. Raises EXCHANGE_TIMER_UNAVAILABLE, BAD_REQUEST."""
    rule = timer_rule(exchange)
    if not rule.seconds_min <= seconds <= rule.seconds_max:
        raise HoldfastError(
            ErrorCode.BAD_REQUEST,
            f"{exchange} takes {rule.seconds_min} to {rule.seconds_max} seconds.",
            exchange=exchange,
            seconds=str(seconds),
        )


async def set_timer(
    call: Callable[[int], Awaitable[Any]], seam: Seam, seconds: int, record: WireRecord, timeout_s: float
) -> datetime | None:
    """Arm it for so many seconds from now, or disarm it with 0; returns when it will act, as answered.

    `call` is ccxt's, in milliseconds. It is written once, and only within `WRITE_S`: an arming call that is
    held up here must not come after a disarm. Raises whatever the seam raises, IncompleteAnswerError and
    what reading a surprising answer can raise; then nothing is known.
    """
    rule = timer_rule(seam.exchange)
    now = seam.clock.monotonic()
    record.once, record.send_before, record.monotonic = True, now + WRITE_S, seam.clock.monotonic
    answer = await seam.call(
        "exchange_timer",
        CallClass.TIMER,
        1,
        lambda: call(seconds * 1000),
        record=record,
        timeout_s=timeout_s,
        budget_until=now + min(WRITE_S, timeout_s),
    )
    if record.status != 200:  # noqa: PLR2004 - HTTP's success
        raise IncompleteAnswerError(f"an answer with status {record.status}")
    acts_at = rule.read(answer)
    if (acts_at is None) is not (seconds == 0):
        raise IncompleteAnswerError("the answer tells of another timer")
    return acts_at

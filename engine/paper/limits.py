"""Request weight and order counts: the headers of every answer, and the refusal when limits are enforced."""

from collections import defaultdict
from typing import Any

from engine.paper import refusals

WEIGHT_PER_MINUTE = 6000
ORDERS_PER_10_S = 100
ORDERS_PER_DAY = 200_000
RATE_LIMITS: list[dict[str, Any]] = [
    {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}
    for kind, interval, number, limit in (
        ("REQUEST_WEIGHT", "MINUTE", 1, WEIGHT_PER_MINUTE),
        ("ORDERS", "SECOND", 10, ORDERS_PER_10_S),
        ("ORDERS", "DAY", 1, ORDERS_PER_DAY),
        ("RAW_REQUESTS", "MINUTE", 5, 61_000),
    )
]
_MINUTE_MS = 60_000
_TEN_SECONDS_MS = 10_000
_DAY_MS = 86_400_000
# Who goes on after so many refusals within a minute is banned for two minutes, as Binance does at least.
_REFUSALS_TO_BAN = 20
_BAN_MS = 120_000


class Limits:
    """Counts by fixed windows of the exchange's clock: weight for all clients, orders per account."""

    def __init__(self, enforced: bool) -> None:
        self.enforced = enforced
        self._minute = 0
        self._weight = 0
        self._refused = 0
        self._banned_until_ms = 0
        self._orders: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])

    def count(self, now_ms: int, weight: int, account_key: str | None) -> dict[str, str]:
        """Count one request (a new order if an account's key is given); the headers to answer with.

        Refusal with 429 and Retry-After if limits are enforced and one is exceeded; with 418 for who goes on.
        """
        minute = now_ms // _MINUTE_MS
        if minute != self._minute:
            self._minute, self._weight, self._refused = minute, 0, 0
        self._weight += weight
        used = str(self._weight)
        headers = {"x-mbx-used-weight": used, "x-mbx-used-weight-1m": used}
        if self.enforced and now_ms < self._banned_until_ms:
            raise _banned(self._banned_until_ms, now_ms, headers)
        if self.enforced and self._weight > WEIGHT_PER_MINUTE:
            self._refused += 1
            if self._refused > _REFUSALS_TO_BAN:
                self._banned_until_ms = now_ms + _BAN_MS
                raise _banned(self._banned_until_ms, now_ms, headers)
            raise _too_many(_MINUTE_MS - now_ms % _MINUTE_MS, "request weight", WEIGHT_PER_MINUTE, headers)
        if account_key is not None:
            self._count_order(now_ms, account_key, headers)
        return headers

    def order_counts(self, now_ms: int, account_key: str) -> tuple[int, int]:
        """Orders of an account in the current ten seconds and on the current day."""
        counts = self._orders[account_key]
        return (
            counts[1] if counts[0] == now_ms // _TEN_SECONDS_MS else 0,
            counts[3] if counts[2] == now_ms // _DAY_MS else 0,
        )

    def _count_order(self, now_ms: int, account_key: str, headers: dict[str, str]) -> None:
        counts = self._orders[account_key]
        if counts[0] != now_ms // _TEN_SECONDS_MS:
            counts[0], counts[1] = now_ms // _TEN_SECONDS_MS, 0
        if counts[2] != now_ms // _DAY_MS:
            counts[2], counts[3] = now_ms // _DAY_MS, 0
        counts[1] += 1
        counts[3] += 1
        headers["x-mbx-order-count-10s"] = str(counts[1])
        headers["x-mbx-order-count-1d"] = str(counts[3])
        if self.enforced and counts[1] > ORDERS_PER_10_S:
            raise _too_many(_TEN_SECONDS_MS - now_ms % _TEN_SECONDS_MS, "orders", ORDERS_PER_10_S, headers)
        if self.enforced and counts[3] > ORDERS_PER_DAY:
            raise _too_many(_DAY_MS - now_ms % _DAY_MS, "orders", ORDERS_PER_DAY, headers)


def _banned(until_ms: int, now_ms: int, headers: dict[str, str]) -> refusals.Refusal:
    text = f"Way too much request weight used; IP banned until {until_ms}. Please use WebSocket Streams."
    wait = {"Retry-After": str(-(-(until_ms - now_ms) // 1000)), **headers}
    return refusals.Refusal(-1003, text, 418, wait)


def _too_many(wait_ms: int, what: str, limit: int, headers: dict[str, str]) -> refusals.Refusal:
    wait = {"Retry-After": str(-(-wait_ms // 1000)), **headers}
    if what == "orders":
        return refusals.Refusal(-1015, f"Too many new orders; current limit is {limit}.", 429, wait)
    return refusals.Refusal(-1003, f"Too much request weight used; current limit is {limit}.", 429, wait)

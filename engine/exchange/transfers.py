"""Reads what came to an exchange account and went from it beside trading: deposits and withdrawals."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from engine.domain.money import ZERO
from engine.exchange.unified import IncompleteAnswerError, moment, number

Kind = Literal["deposit", "withdrawal"]
Call = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]

# ccxt's name of what an exchange can do, and of the method
_METHODS: Mapping[Kind, tuple[str, str]] = {
    "deposit": ("fetchDeposits", "fetch_deposits"),
    "withdrawal": ("fetchWithdrawals", "fetch_withdrawals"),
}
_LIMIT = 1000
_WINDOW_MS = 80 * 86_400_000  # Binance answers for 90 days at most
# a deposit counts once it is credited; a withdrawal takes the money when it is asked for
_MOVED: Mapping[Kind, frozenset[str]] = {
    "deposit": frozenset({"ok"}),
    "withdrawal": frozenset({"ok", "pending"}),
}
_TO_THE_END_OF_THE_SECOND = timedelta(milliseconds=999)


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money that moved: `quantity` without the fee, both in units of `asset`; `id` is unique by kind."""

    id: str
    kind: Kind
    asset: str
    quantity: Decimal
    fee: Decimal
    at: datetime


async def read_transfers(client: Any, call: Call, since_ms: int, until_ms: int) -> tuple[Transfer, ...]:
    """Return all transfers that moved money, by time; `call` makes one call of ccxt's.

    Raises IncompleteAnswerError for a page that is full, and what `call` raises.
    """
    found: dict[tuple[Kind, str], Transfer] = {}
    for kind, (ability, method) in _METHODS.items():
        start_ms = since_ms // 1000 * 1000  # a withdrawal's time is told in seconds
        while client.has.get(ability) and start_ms <= until_ms:
            end_ms = min(start_ms + _WINDOW_MS, until_ms)
            for row in await _page(getattr(client, method), call, start_ms, end_ms):
                transfer = _transfer(kind, row)
                if transfer is not None:
                    found[kind, transfer.id] = transfer
            start_ms = end_ms + 1
    return tuple(sorted(found.values(), key=lambda each: (each.at, each.kind, each.id)))


async def _page(fetch: Any, call: Call, start_ms: int, end_ms: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await call(lambda: fetch(None, start_ms, _LIMIT, {"until": end_ms}))
    if len(rows) >= _LIMIT:
        raise IncompleteAnswerError("more transfers than one page shows")
    return rows


def _transfer(kind: Kind, row: Mapping[str, Any]) -> Transfer | None:
    """Return a transfer of ccxt's, None for one that moved nothing (yet)."""
    if row.get("status") not in _MOVED[kind]:
        return None
    info = row.get("info") or {}
    identity = row.get("id") or info.get("id") or row.get("txid")
    quantity, asset = number(row.get("amount")), row.get("currency")
    at = moment(_credited_ms(row, info) if kind == "deposit" else row.get("timestamp"))
    if not identity or quantity is None or not asset or at is None:
        raise IncompleteAnswerError(f"a {kind} without id, asset, quantity or time")
    if kind == "withdrawal" and at.microsecond == 0:
        at += _TO_THE_END_OF_THE_SECOND  # Binance tells the second; the money went some time in it
    fee = number((row.get("fee") or {}).get("cost")) or ZERO
    return Transfer(str(identity), kind, str(asset), quantity, fee if kind == "withdrawal" else ZERO, at)


def _credited_ms(row: Mapping[str, Any], info: Mapping[str, Any]) -> Any:
    credited = str(info.get("completeTime") or "")
    return credited if credited.isdigit() else row.get("timestamp")

"""Endpoints about money that came to an account and went from it, as its owner's history shows them."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from engine.paper import refusals, tickets
from engine.paper.scale import text

if TYPE_CHECKING:
    from engine.paper.accounts import Transfer
    from engine.paper.calls import Call

_SPAN_MS = 90 * 86_400_000
_DONE_DEPOSIT, _DONE_WITHDRAWAL = 1, 6


def deposits(call: "Call") -> Any:
    """What came, the newest first; without a window of the last 90 days."""
    return [_deposit(each) for each in _listed(call, came=True, done=_DONE_DEPOSIT)]


def withdrawals(call: "Call") -> Any:
    """What went, the newest first; the fee is nothing here."""
    return [_withdrawal(each) for each in _listed(call, came=False, done=_DONE_WITHDRAWAL)]


def _listed(call: "Call", *, came: bool, done: int) -> "list[Transfer]":
    params = call.params
    start, end = tickets.integer(params, "startTime"), tickets.integer(params, "endTime")
    until = call.matching.clock.now_ms() if end is None else end
    since = until - _SPAN_MS if start is None else start
    if start is not None and end is not None and end - start > _SPAN_MS:
        raise refusals.Refusal(-5026, "The interval between startTime and endTime must be within 90 days.")
    coin, status = params.get("coin"), tickets.integer(params, "status")
    found = [
        each
        for each in reversed(call.owner.transfers)
        if (each.amount > 0) is came
        and since <= each.at_ms <= until
        and coin in (None, each.asset)
        and status in (None, done)
    ]
    offset = tickets.integer(params, "offset") or 0
    return found[offset : offset + call.limit(1000)]


def _deposit(transfer: "Transfer") -> dict[str, Any]:
    return {
        "id": f"D{transfer.id}",
        "amount": text(transfer.amount),
        "coin": transfer.asset,
        "network": transfer.asset,
        "status": _DONE_DEPOSIT,
        "address": "paper",
        "addressTag": "",
        "txId": f"paper-deposit-{transfer.id}",
        "insertTime": transfer.at_ms,
        "completeTime": transfer.at_ms,
        "transferType": 0,
        "confirmTimes": "1/1",
        "unlockConfirm": 0,
        "walletType": 0,
    }


def _withdrawal(transfer: "Transfer") -> dict[str, Any]:
    at = datetime.fromtimestamp(transfer.at_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return {
        "id": f"W{transfer.id}",
        "amount": text(-transfer.amount),
        "transactionFee": "0",
        "coin": transfer.asset,
        "network": transfer.asset,
        "status": _DONE_WITHDRAWAL,
        "address": "paper",
        "addressTag": "",
        "txId": f"paper-withdrawal-{transfer.id}",
        "applyTime": at,
        "completeTime": at,
        "transferType": 0,
        "walletType": 0,
        "info": "",
        "confirmNo": 1,
    }

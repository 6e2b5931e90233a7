"""Cancel-all: every unfinished order of a tenant, or of a profile, symbol or robot, recorded at once."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.domain.errors import Outcome
from engine.flows.cancel import CancelFlow, waiting
from engine.flows.commands import Answer, CancelAllCommand, CancelCommand
from engine.flows.context import FlowContext
from engine.ledger import requests
from engine.ledger.orders import cancel_requested


@dataclass(frozen=True, slots=True)
class CanceledAll:
    """What became of each order; `replay`: the orders are those of the key's first call, as they are now."""

    replay: bool
    orders: list[dict[str, Any]]


class CancelAllFlow:
    """Records first, in one transaction; what is not sent in time goes out by the loops."""

    def __init__(self, context: FlowContext, cancels: CancelFlow) -> None:
        self._context = context
        self._cancels = cancels

    async def run(self, command: CancelAllCommand) -> CanceledAll:
        """Record, send side by side, and say of each what is known within the exchange's time.

        Raises NOT_FOUND for the profile, IDEMPOTENCY_KEY_REUSED, DATABASE_UNAVAILABLE.
        """
        only: dict[str, Any] = {}
        if command.profile is not None:
            found = await self._context.accounts.profile(command.tenant_id, command.profile)
            only["profile_id"] = found.profile_id
        if command.symbol is not None:
            only["symbol"] = command.symbol
        if command.robot_id is not None:
            only["robot_id"] = command.robot_id
        recorded = await requests.cancel_all(self._context.ledger, command.tenant_id, command.claim, only)
        rows: list[dict[str, Any]] = recorded["orders"]
        answers = await self._send(command, rows)
        orders = [_shown(row, answers[str(row["id"])]) for row in rows]
        return CanceledAll(bool(recorded["replay"]), orders)

    async def _send(self, command: CancelAllCommand, rows: list[dict[str, Any]]) -> Mapping[str, Answer]:
        asked = {
            str(row["id"]): (
                CancelCommand(command.tenant_id, UUID(row["id"]), command.claim.actor),
                cancel_requested(row),
            )
            for row in rows
        }
        tasks = {order_id: self._cancels.start(*parts) for order_id, parts in asked.items() if parts[1].send}
        if tasks:
            await asyncio.wait(tasks.values(), timeout=self._context.timings.exchange_timeout_s)
        answers = {}
        for order_id, (_, requested) in asked.items():
            task = tasks.get(order_id)
            sent = task is not None and task.done() and not task.cancelled() and task.exception() is None
            answers[order_id] = task.result() if task is not None and sent else waiting(requested)
            result = answers[order_id].details.get("cancel", "unknown")
            self._context.metrics.cancels_total.labels(str(result)).inc()
        return answers


def _shown(row: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    told = {
        name: answer.details[name] for name in ("status", "reason", "exchange_code") if name in answer.details
    }
    outcome = answer.outcome if answer.ok else Outcome.UNKNOWN
    return {
        "id": row["id"],
        "client_order_id": row["client_order_id"],
        "profile_id": row["profile_id"],
        "symbol": row["symbol"],
        "kind": row["kind"],
        "cancel": answer.details.get("cancel", "unknown"),
        "outcome": outcome.value,
        "recorded": answer.recorded,
        **told,
    }

"""Cancel-all: every unfinished order of a tenant, or of a profile, symbol or robot, recorded at once."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.domain.errors import HoldfastError, Outcome
from engine.flows.accounts import OrderIds
from engine.flows.cancel import CancelFlow, waiting
from engine.flows.commands import OK, Answer, CancelAllCommand, CancelCommand
from engine.flows.context import FlowContext
from engine.ledger import requests
from engine.ledger.orders import cancel_requested
from engine.ledger.translation import passing
from engine.runtime.log import get_logger

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CanceledAll:
    """What became of each order; `replay`: the orders are those of the key's first call, as they are now.

    `recorded` False: the database is away. The orders are those that this process knows and the exchange
    lists, and the key is as unused as before.
    """

    replay: bool
    orders: list[dict[str, Any]]
    recorded: bool = True


class CancelAllFlow:
    """Records first, in one transaction; what is not sent in time goes out by the loops."""

    def __init__(self, context: FlowContext, cancels: CancelFlow) -> None:
        self._context = context
        self._cancels = cancels

    async def run(self, command: CancelAllCommand) -> CanceledAll:
        """Record, send side by side, and say of each what is known within the exchange's time.

        Raises NOT_FOUND for the profile, IDEMPOTENCY_KEY_REUSED; DATABASE_UNAVAILABLE and BUSY if nothing
        could be sent without it.
        """
        only: dict[str, Any] = {}
        if command.profile is not None:
            found = await self._context.accounts.profile(command.tenant_id, command.profile)
            only["profile_id"] = found.profile_id
        if command.symbol is not None:
            only["symbol"] = command.symbol
        if command.robot_id is not None:
            only["robot_id"] = command.robot_id
        try:
            recorded = await requests.cancel_all(self._context.ledger, command.tenant_id, command.claim, only)
        except HoldfastError as error:
            orders = await self._unrecorded(command, only) if passing(error) else []
            if not orders:
                raise
            return CanceledAll(replay=False, orders=orders, recorded=False)
        rows: list[dict[str, Any]] = recorded["orders"]
        answers = await self._send(command, rows)
        orders = [_shown(row, answers[str(row["id"])]) for row in rows]
        return CanceledAll(bool(recorded["replay"]), orders)

    async def _unrecorded(self, command: CancelAllCommand, only: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Send without the database: for the orders that are known here and listed as open there."""
        known = [each for each in self._context.accounts.recent(command.tenant_id) if _is_wanted(each, only)]
        listed = [
            ids
            for account_id in {each.account_id for each in known}
            for ids in await self._listed([each for each in known if each.account_id == account_id])
        ]
        tasks = {
            ids: self._cancels.start_unrecorded(
                CancelCommand(ids.tenant_id, ids.intent_id, command.claim.actor), ids
            )
            for ids in listed
        }
        if tasks:
            _log.warning("cancel-all goes out unrecorded", tenant_id=command.tenant_id, orders=len(tasks))
            await asyncio.wait(tasks.values(), timeout=self._context.timings.exchange_timeout_s)
        shown = []
        for ids, task in tasks.items():
            answer = task.result() if _has_answer(task) else _NOT_ANSWERED
            self._count(answer)
            shown.append(_shown(_row(ids), answer))
        return shown

    async def _listed(self, known: list[OrderIds]) -> list[OrderIds]:
        """Return those of an account's orders that the exchange lists as open; none if it cannot be asked."""
        try:
            session = self._context.accounts.session(known[0].tenant_id, known[0].account_id)
            symbols = sorted({ids.symbol for ids in known})
            reports = await session.gateway.open_orders_of(symbols)
        except HoldfastError as error:
            _log.warning("open orders not listed", account_id=known[0].account_id, reason=str(error))
            return []
        open_ = {(report.symbol, report.exchange_order_id) for report in reports}
        return [ids for ids in known if (ids.symbol, ids.exchange_order_id) in open_]

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
            answers[order_id] = (
                task.result() if task is not None and _has_answer(task) else waiting(requested)
            )
            self._count(answers[order_id])
        return answers

    def _count(self, answer: Answer) -> None:
        self._context.metrics.cancels_total.labels(str(answer.details.get("cancel", "unknown"))).inc()


_NOT_ANSWERED = Answer(OK, Outcome.UNKNOWN, recorded=False, details={"cancel": "unknown"})


def _has_answer(task: asyncio.Task[Answer]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _is_wanted(ids: OrderIds, only: Mapping[str, Any]) -> bool:
    origin = ids.origin
    if origin is None:
        return False
    has = {"profile_id": origin.profile_id, "symbol": ids.symbol, "robot_id": origin.robot_id}
    return all(has[name] == value for name, value in only.items())


def _row(ids: OrderIds) -> dict[str, Any]:
    """Return what a record of the cancel would say of the order."""
    origin = ids.origin
    return {
        "id": str(ids.intent_id),
        "client_order_id": ids.client_order_id,
        "profile_id": None if origin is None else str(origin.profile_id),
        "symbol": ids.symbol,
        "kind": None if origin is None else origin.kind,
    }


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

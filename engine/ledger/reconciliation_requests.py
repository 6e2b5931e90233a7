"""What operators ask of reconciliation: a pass now, what differs, and whose an order is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.domain.outcomes import OrderReport
from engine.ledger.capital import By
from engine.ledger.reconciliation import order_item
from engine.ledger.seam import Ledger


@dataclass(frozen=True, slots=True)
class Request:
    """A pass that somebody asked for. `pass_id` and `result` are None until it was answered."""

    request_id: UUID
    account_id: UUID
    profile_id: UUID | None
    dry_run: bool
    actor: str
    pass_id: int | None
    result: Mapping[str, Any] | None


async def request_pass(
    ledger: Ledger,
    tenant_id: UUID,
    account_id: UUID,
    profile_id: UUID | None,
    *,
    dry_run: bool,
    actor: str,
) -> UUID:
    """Ask the holder of the account's lease for a pass."""
    given: UUID = await ledger.call(
        "fn_request_reconciliation", tenant_id, account_id, profile_id, dry_run, actor
    )
    return given


async def take_request(ledger: Ledger, tenant_id: UUID, account_id: UUID, token: int) -> Request | None:
    """Give the oldest request that no pass has answered; it stays open until it is answered."""
    return _request(await ledger.call("fn_take_request", tenant_id, account_id, token))


async def answer_request(
    ledger: Ledger, tenant_id: UUID, request_id: UUID, pass_id: int, result: Mapping[str, Any]
) -> None:
    """Answer a request with what its pass found; the first answer stands."""
    await ledger.call("fn_answer_request", tenant_id, request_id, pass_id, dict(result))


async def get_request(ledger: Ledger, tenant_id: UUID, request_id: UUID) -> Request | None:
    """Look at a request; its `result` is there once it was answered."""
    return _request(await ledger.call("fn_get_request", tenant_id, request_id))


async def list_mismatches(
    ledger: Ledger, tenant_id: UUID, chosen: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """List mismatches, newest first; chosen by account_id, profile_id, open (bool), kind, limit."""
    listed: list[dict[str, Any]] = await ledger.call("fn_list_mismatches", tenant_id, dict(chosen or {}))
    return listed


async def list_passes(
    ledger: Ledger, tenant_id: UUID, chosen: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """List passes, newest first; chosen by account_id, outcome, limit."""
    listed: list[dict[str, Any]] = await ledger.call("fn_list_passes", tenant_id, dict(chosen or {}))
    return listed


async def assign_order(
    ledger: Ledger, tenant_id: UUID, account_id: UUID, report: OrderReport, profile_id: UUID | None, *, by: By
) -> Mapping[str, Any]:
    """Say whose an unknown or foreign order is; profile None: nobody's.

    Gives code OK, or INSUFFICIENT_CAPITAL / INSUFFICIENT_POSITION / CONFLICT and why. Raises NOT_FOUND,
    BAD_REQUEST, IDEMPOTENCY_KEY_REQUIRED, IDEMPOTENCY_KEY_REUSED.
    """
    given: Mapping[str, Any] = await ledger.call(
        "fn_assign_order",
        tenant_id,
        account_id,
        report.symbol,
        report.exchange_order_id,
        profile_id,
        order_item(report),
        by.key,
        by.actor,
        by.reason,
    )
    return given


def _request(given: Mapping[str, Any] | None) -> Request | None:
    if given is None:
        return None
    return Request(
        UUID(given["request_id"]),
        UUID(given["account_id"]),
        None if given["profile_id"] is None else UUID(given["profile_id"]),
        bool(given["dry_run"]),
        str(given["actor"]),
        given["pass_id"],
        given["result"],
    )

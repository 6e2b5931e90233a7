"""Orders as operators look at them: lists, one order, and everything that happened to it."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

from engine.cli.acts import tenants
from engine.cli.acts.session import actor, find
from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger import capital, reads
from engine.ledger.capital import By
from engine.ledger.seam import Ledger

_PAGE = 500


async def listed(
    ledger: Ledger, tenant: str, filters: Mapping[str, Any], profile: str | None, limit: int
) -> list[dict[str, Any]]:
    """Return orders, newest first, each with its profile's name."""
    tenant_id = await tenants.id_of(ledger, tenant)
    profiles = await reads.list_profiles(ledger, tenant_id)
    wanted = {name: value for name, value in filters.items() if value is not None}
    if profile is not None:
        wanted["profile_id"] = find(profiles, profile, "profile", "profile_id")["profile_id"]
    names = {row["profile_id"]: row["name"] for row in profiles}
    rows = await every(ledger, tenant_id, wanted, limit)
    return [{"profile": names.get(row["profile_id"]), **row} for row in rows]


async def every(
    ledger: Ledger, tenant_id: UUID, filters: Mapping[str, Any], limit: int
) -> list[dict[str, Any]]:
    """Return up to `limit` orders over as many pages as it takes."""
    found: list[dict[str, Any]] = []
    before: dict[str, Any] = {}
    while len(found) < limit:
        size = min(_PAGE, limit - len(found))
        page = await reads.list_orders(ledger, tenant_id, {**filters, **before, "limit": size})
        found += [dict(row) for row in page]
        if len(page) < size:
            break
        before = {"before": page[-1]["id"]}
    return found


async def every_fill(ledger: Ledger, tenant_id: UUID, filters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return all fills that the filters name."""
    found: list[dict[str, Any]] = []
    before: dict[str, Any] = {}
    while True:
        page = await reads.list_fills(ledger, tenant_id, {**filters, **before, "limit": _PAGE})
        found += page
        if len(page) < _PAGE:
            return found
        before = {"before": page[-1]["event_id"]}


async def show(ledger: Ledger, tenant: str, order: str) -> dict[str, Any]:
    """Return one order by its id or client order id, with its fills. Raises NOT_FOUND."""
    tenant_id = await tenants.id_of(ledger, tenant)
    found = await _order(ledger, tenant_id, order)
    return {**found, "fills": await every_fill(ledger, tenant_id, {"order_id": found["id"]})}


async def timeline(ledger: Ledger, tenant: str, order: str) -> list[dict[str, Any]]:
    """Return everything that happened to an order, in order. Raises NOT_FOUND."""
    tenant_id = await tenants.id_of(ledger, tenant)
    found = await _order(ledger, tenant_id, order)
    rows: list[dict[str, Any]] = await reads.order_timeline(ledger, tenant_id, UUID(found["id"]))
    return rows


async def settle(
    ledger: Ledger, tenant: str, order: str, outcome: str, *, exchange_order_id: str | None, reason: str
) -> dict[str, Any]:
    """End an intent by an operator's word; the same word again changes nothing. Returns the order.

    Raises NOT_FOUND, ILLEGAL_TRANSITION (its sender is at work, or it has ended otherwise), ALREADY_EXISTS
    (the exchange's order is another one's).
    """
    tenant_id = await tenants.id_of(ledger, tenant)
    found = await _order(ledger, tenant_id, order)
    said = f"{found['id']}:{outcome}:{exchange_order_id}"
    by = By(actor(), reason, f"settle:{sha256(said.encode()).hexdigest()[:32]}")
    settled = await capital.settle(ledger, tenant_id, UUID(found["id"]), outcome, exchange_order_id, by=by)
    if settled["code"] == "CONFLICT":
        details = {name: value for name, value in settled.items() if name != "code"}
        raise HoldfastError(
            ErrorCode.ALREADY_EXISTS, "This order of the exchange belongs to another intent.", **details
        )
    return dict(settled["order"])


async def _order(ledger: Ledger, tenant_id: UUID, order: str) -> Mapping[str, Any]:
    try:
        view = await reads.get_order(ledger, tenant_id, UUID(order))
    except ValueError:  # no id of ours: a client order id
        view = await reads.get_order_by_client_id(ledger, tenant_id, order)
    if view is None:
        raise HoldfastError(ErrorCode.NOT_FOUND, f"There is no order {order!r}.")
    found: Mapping[str, Any] = dict(view)
    return found

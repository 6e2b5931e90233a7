"""Where a tenant's feed stands, its latest events, and a new epoch after a restored backup."""

from typing import Any
from uuid import uuid4

from engine.cli.acts import tenants
from engine.cli.acts.session import actor
from engine.ledger import feed, relay
from engine.ledger.seam import Ledger


async def shown(ledger: Ledger, tenant: str) -> dict[str, Any]:
    """Return epoch and last seq, what waits for its seq and how long, and what waits for the broker."""
    tenant_id = await tenants.id_of(ledger, tenant)
    (stands,) = [row for row in await feed.due_feeds(ledger, [tenant_id]) if row.tenant_id == tenant_id]
    unpublished = {row.tenant_id: row.lag for row in await relay.due_relays(ledger, uuid4())}
    letters = await relay.list_dead_letters(ledger, tenant_id, {"state": "open", "limit": 500})
    return {
        "tenant_id": str(tenant_id),
        "epoch": stands.epoch,
        "last_seq": stands.last_seq,
        "waiting_events": stands.waiting,
        "waiting_s": round(stands.waiting_s, 3),
        "unpublished_events": unpublished.get(tenant_id, 0),
        "dead_letters_open": len(letters),
    }


async def events(ledger: Ledger, tenant: str, since_seq: int, limit: int) -> list[dict[str, Any]]:
    """Return a tenant's events after a seq, as clients get them."""
    tenant_id = await tenants.id_of(ledger, tenant)
    return (await feed.read(ledger, tenant_id, since_seq, limit)).events


async def started(ledger: Ledger, tenant: str, reason: str) -> dict[str, Any]:
    """Begin a new epoch: every client must take a new snapshot."""
    tenant_id = await tenants.id_of(ledger, tenant)
    return await feed.start_epoch(ledger, tenant_id, actor(), reason)

"""Tenants: create, list, find by name or id."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from engine.cli.acts.session import actor, find, new_id
from engine.ledger import admin, capital, walls
from engine.ledger.seam import Ledger


async def create(ledger: Ledger, name: str) -> dict[str, Any]:
    """Make a tenant and return it. Raises ALREADY_EXISTS, BAD_REQUEST."""
    tenant_id = new_id()
    await admin.create_tenant(ledger, tenant_id, name, actor())
    return await get(ledger, tenant_id)


async def get(ledger: Ledger, tenant_id: UUID) -> dict[str, Any]:
    """Return one tenant."""
    tenant: dict[str, Any] = await ledger.call("fn_get_tenant", tenant_id)
    return {"name": tenant["name"], "tenant_id": tenant["tenant_id"], **tenant}


async def set_mode(ledger: Ledger, tenant: str, mode: str, reason: str) -> dict[str, Any]:
    """Set the mode of a tenant: it stands above its accounts and profiles."""
    tenant_id = await id_of(ledger, tenant)
    await capital.set_mode(ledger, tenant_id, "tenant", tenant_id, mode, by=capital.By(actor(), reason))
    return await get(ledger, tenant_id)


async def every(ledger: Ledger) -> list[dict[str, Any]]:
    """Return all tenants by name: the ids from the scheduler's reading, each then as its tenant."""
    rows = await ledger.rows("fn_list_tenants")
    found = [await get(ledger, row["tenant_id"]) for row in rows]
    return sorted(found, key=lambda tenant: str(tenant["name"]))


async def named(ledger: Ledger, wanted: str) -> Mapping[str, Any]:
    """Return the tenant of this name or id. Raises NOT_FOUND."""
    return find(await every(ledger), wanted, "tenant", "tenant_id")


async def id_of(ledger: Ledger, wanted: str) -> UUID:
    """Return the id of the tenant of this name or id. Raises NOT_FOUND."""
    return UUID(str((await named(ledger, wanted))["tenant_id"]))


async def audit(ledger: Ledger, tenant: str, filters: Mapping[str, str | None]) -> list[dict[str, Any]]:
    """Return audit rows of a tenant, newest first."""
    given = {name: value for name, value in filters.items() if value is not None}
    return await walls.list_audit(ledger, await id_of(ledger, tenant), given)

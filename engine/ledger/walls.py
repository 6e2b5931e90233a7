"""What proves and keeps an attempt to reach another tenant's things, and how an operator reads it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from engine.ledger.seam import Ledger

CROSS_TENANT = "CROSS_TENANT"


async def is_foreign(ledger: Ledger, asking_tenant: UUID, identity: str) -> bool:
    """Tell whether an id that `asking_tenant` does not have is another tenant's; never whose."""
    return bool(await ledger.call("fn_find_foreign", asking_tenant, identity))


async def record_attempt(ledger: Ledger, tenant_id: UUID, actor: str, module: str, identity: str) -> None:
    """Keep an attempt in the audit of the tenant that made it."""
    await ledger.call("fn_record_refusal", tenant_id, actor, module, CROSS_TENANT, {"id": identity})


async def list_audit(ledger: Ledger, tenant_id: UUID, filters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return audit rows, newest first; filters: code, actor, limit, before."""
    rows: list[dict[str, Any]] = await ledger.call("fn_list_audit", tenant_id, dict(filters))
    return rows

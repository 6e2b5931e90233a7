"""Who holds the leases of a tenant's exchange accounts."""

from dataclasses import asdict
from typing import Any

from engine.cli.acts import tenants
from engine.ledger import leases, reads
from engine.ledger.seam import Ledger


async def listed(ledger: Ledger, tenant: str) -> list[dict[str, Any]]:
    """Return a row per account, also of those that nobody ever held."""
    tenant_id = await tenants.id_of(ledger, tenant)
    known = {str(row.account_id): asdict(row) for row in await leases.list_leases(ledger, tenant_id)}
    rows = []
    for account in await reads.list_accounts(ledger, tenant_id):
        row = known.get(account["account_id"]) or {"live": False}
        shown = {
            name: value if value is None or isinstance(value, (bool, int)) else str(value)
            for name, value in row.items()
        }
        rows.append(_NEVER | {"account": account["name"], "account_id": account["account_id"]} | shown)
    return rows


_NEVER: dict[str, Any] = dict.fromkeys(
    ("holder_name", "holder", "stage", "stage_reason", "expires_at", "acquired_at", "fencing_token")
)

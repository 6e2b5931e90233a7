"""Reads as the tenant: each in a transaction of its own, as holdfast_reader, with the claims of who asks."""

from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from engine.ledger.seam import Ledger

READER_ROLE = "holdfast_reader"


class Calls(Protocol):
    """What the typed wrappers call SQL functions through: the ledger itself, or a tenant's reads."""

    async def call(self, function: str, *args: Any, deadline: float | None = None) -> Any:
        """Call a function and return its value."""


class TenantReads:
    """Calls functions that change nothing, walled twice.

    The tenant of the claims is that of the caller's key or token; the one of the arguments is what the code
    names. The database refuses the call (FORBIDDEN) if they differ, and refuses what a reader may not call at
    all, so no slip in a route shows a foreign row. Costs two round trips more than a plain call.
    """

    def __init__(self, ledger: "Ledger", tenant_id: UUID) -> None:
        self._ledger = ledger
        self._tenant_id = tenant_id

    async def call(self, function: str, *args: Any, deadline: float | None = None) -> Any:
        """Call a function and return its value. Raises what `Ledger.call` does; nothing can have changed."""
        return await self._ledger.read(self._tenant_id, function, args, deadline)


def begin_as(tenant_id: UUID) -> str:
    """Return the statements that begin a tenant's reading transaction; a UUID needs no quoting."""
    claims = f'{{"role":"{READER_ROLE}","tenant_id":"{UUID(str(tenant_id))}"}}'
    return f"BEGIN READ ONLY; SET LOCAL ROLE {READER_ROLE}; SET LOCAL \"request.jwt.claims\" = '{claims}'"

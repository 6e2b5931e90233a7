"""The engine's own mode: shown and set by operators alone."""

from typing import Any

from engine.cli.acts.session import actor
from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger import admin
from engine.ledger.seam import Ledger


async def show(ledger: Ledger) -> dict[str, Any]:
    """Return the engine's mode and installation tag. Raises NOT_FOUND before the first daemon ran."""
    found = await admin.engine_settings(ledger)
    if found is None:
        raise HoldfastError(ErrorCode.NOT_FOUND, "No daemon has run on this database yet.")
    return {
        "mode": found.mode,
        "mode_reason": found.mode_reason,
        "installation_tag": found.installation_tag,
        "strict_idempotency": found.strict_idempotency,
    }


async def set_mode(ledger: Ledger, mode: str, reason: str) -> dict[str, Any]:
    """Set the mode of the whole engine; it holds at once on every instance."""
    await admin.set_engine_mode(ledger, mode, reason, actor())
    return await show(ledger)

"""What an operator does with dead letters."""

from typing import Any
from uuid import UUID

from engine.cli.acts import tenants
from engine.cli.acts.session import actor, checked
from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger import relay
from engine.ledger.seam import Ledger


async def listed(ledger: Ledger, tenant: str, filters: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a tenant's dead letters, oldest first, without what they carry."""
    tenant_id = await tenants.id_of(ledger, tenant)
    letters = await relay.list_dead_letters(ledger, tenant_id, filters)
    return [
        {
            "type": letter["payload"].get("type"),
            "seq": letter["payload"].get("seq"),
            **{name: value for name, value in letter.items() if name not in {"payload", "trace"}},
        }
        for letter in letters
    ]


async def shown(ledger: Ledger, tenant: str, letter: str) -> dict[str, Any]:
    """Return one dead letter with what it carries. Raises NOT_FOUND."""
    tenant_id = await tenants.id_of(ledger, tenant)
    found = await relay.list_dead_letters(ledger, tenant_id, {"id": str(_id(letter))})
    if not found:
        raise HoldfastError(ErrorCode.NOT_FOUND, f"There is no dead letter {letter}.")
    return found[0]


async def retried(ledger: Ledger, tenant: str, letter: str) -> dict[str, Any]:
    """Give a dead letter one more attempt. Raises NOT_FOUND; ILLEGAL_TRANSITION if it was dropped."""
    tenant_id = await tenants.id_of(ledger, tenant)
    result = checked(await relay.retry_dead_letter(ledger, tenant_id, _id(letter), actor()))
    return dict(result["letter"])


async def dropped(ledger: Ledger, tenant: str, letter: str, reason: str) -> dict[str, Any]:
    """End a dead letter. Raises NOT_FOUND; ILLEGAL_TRANSITION if an attempt was asked for."""
    tenant_id = await tenants.id_of(ledger, tenant)
    result = checked(await relay.drop_dead_letter(ledger, tenant_id, _id(letter), actor(), reason))
    return dict(result["letter"])


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise HoldfastError(ErrorCode.NOT_FOUND, f"{text!r} is no dead letter's id.") from None
